/* Many variations of episodes, predicted in batches of bounded memory. */
#include <string.h>

#include "attribution/attribution_private.h"

/* Batches beyond 64 columns gain no speed; 16 million floats are 64 MiB. */
#define MOST_COLUMNS 64
#define MOST_FLOATS  16e6

size_t rud_columns_at_once(size_t count, double floats)
{
    const double fitting = MOST_FLOATS / floats;
    size_t columns = count < MOST_COLUMNS ? count : MOST_COLUMNS;
    if ((double)columns > fitting) columns = (size_t)fitting;
    return columns > 0 ? columns : 1;
}

typedef struct variation_batch {
    size_t columns;  /* a batch */
    float *x;        /* [T][columns][D] */
    float *dx;       /* the same */
    float *dy;       /* [T][columns][K] */
    size_t *rows;    /* [columns]: of a variation, may be 0 */
    size_t *lengths; /* [columns]: what the network is told, at least 1 */
} variation_batch;

/* About what forward and backward need for a column. */
static double column_floats(const rud_attribution_call *call, bool gradient)
{
    const double H = (double)call->spec->hidden, D = (double)call->D;
    const double halves = (double)(call->spec->layers * rud_directions(call->spec));
    return (double)call->T * (halves * 10.0 * H + D + (gradient ? 6.0 * H + 2.0 * D : 0.0));
}

static rud_status reserve(rud_attribution_call *call, const rud_variations *e,
                          variation_batch *batch)
{
    rud_attribution *memory = call->memory;
    const size_t n = rud_columns_at_once(e->count, column_floats(call, e->gradient));
    const size_t D = call->D, K = call->spec->outputs;
    RUD_TRY(rud_buffer_reserve(&memory->batch, call->T * n, D * sizeof(float)));
    RUD_TRY(rud_buffer_reserve(&memory->batch_lengths, 2 * n, sizeof(size_t)));
    batch->columns = n;
    batch->x = memory->batch.data;
    batch->rows = memory->batch_lengths.data;
    batch->lengths = batch->rows + n;
    if (!e->gradient) return RUD_OK;
    RUD_TRY(rud_buffer_reserve(&memory->batch_gradient, call->T * n, (D + K) * sizeof(float)));
    batch->dx = memory->batch_gradient.data;
    batch->dy = batch->dx + call->T * n * D;
    return RUD_OK;
}

/* Fills columns first .. first + n - 1; an empty variation gets one step of zeros. Returns the
 * longest length. */
static size_t fill(const rud_attribution_call *call, const rud_variations *e,
                   const variation_batch *batch, size_t first, size_t n)
{
    const size_t D = call->D, ld = n * D;
    size_t T = 1;
    for (size_t k = 0; k < n; k++) {
        float *x = batch->x + k * D;
        batch->rows[k] = e->fill(e->context, first + k, x, ld);
        batch->lengths[k] = batch->rows[k] > 0 ? batch->rows[k] : 1;
        for (size_t t = batch->rows[k]; t < call->T; t++) memset(x + t * ld, 0, D * sizeof *x);
        if (batch->lengths[k] > T) T = batch->lengths[k];
    }
    return T;
}

static rud_status predict(rud_attribution_call *call, const rud_variations *e,
                          const variation_batch *batch, size_t first, size_t n)
{
    const size_t K = call->spec->outputs, D = call->D, output = call->options->output;
    const size_t T = fill(call, e, batch, first, n);
    rud_activations *activations = call->memory->activations;
    const size_t *rows = batch->rows;
    const float *empty = call->parameters + rud_network_head_bias(call->network);
    RUD_TRY(rud_network_forward(call->network, batch->x, batch->lengths, T, n, activations));
    if (e->gradient) {
        memset(batch->dy, 0, T * n * K * sizeof *batch->dy);
        for (size_t k = 0; k < n; k++)
            if (rows[k] > 0) batch->dy[((rows[k] - 1) * n + k) * K + output] = (float)call->scale;
        RUD_TRY(rud_network_backward(call->network, activations, batch->dy, NULL, batch->dx));
    }
    const float *y = rud_activations_outputs(activations);
    for (size_t k = 0; k < n; k++)
        e->take(e->context, first + k,
                rud_call_prediction(call, rows[k] > 0 ? y + ((rows[k] - 1) * n + k) * K : empty),
                e->gradient ? batch->dx + k * D : NULL, n * D);
    return RUD_OK;
}

rud_status rud_predict_variations(rud_attribution_call *call, const rud_variations *variations)
{
    variation_batch batch = {0};
    RUD_TRY(reserve(call, variations, &batch));
    for (size_t first = 0; first < variations->count; first += batch.columns) {
        const size_t left = variations->count - first;
        const size_t n = left < batch.columns ? left : batch.columns;
        RUD_TRY(predict(call, variations, &batch, first, n));
        if (variations->watched) RUD_TRY(rud_call_watch(call, first + n, variations->count));
    }
    return RUD_OK;
}

size_t rud_call_copy_episode(const rud_attribution_call *call, size_t b, float *x, size_t ld)
{
    const size_t length = rud_call_length(call, b), D = call->D;
    for (size_t t = 0; t < length; t++)
        memcpy(x + t * ld, call->x + (t * call->B + b) * D, D * sizeof *x);
    return length;
}

void rud_call_replace(const rud_attribution_call *call, size_t first, size_t count, float *x)
{
    const bool mean = call->options->remove == RUD_REMOVE_MEAN;
    for (size_t d = first; d < first + count; d++) x[d] = mean ? call->feature_mean[d] : 0.0f;
}

static size_t fill_episode(void *context, size_t k, float *x, size_t ld)
{
    return rud_call_copy_episode(context, k, x, ld);
}

static void take_prediction(void *context, size_t k, double prediction, const float *gradient,
                            size_t ld)
{
    rud_attribution_call *call = context;
    (void)gradient;
    (void)ld;
    call->prediction[k] = prediction;
}

rud_status rud_call_predict(rud_attribution_call *call)
{
    const rud_variations all = {
        .count = call->B, .context = call, .fill = fill_episode, .take = take_prediction};
    return rud_predict_variations(call, &all);
}

static void take_gradient(void *context, size_t k, double prediction, const float *gradient,
                          size_t ld)
{
    rud_attribution_call *call = context;
    call->prediction[k] = prediction;
    for (size_t t = 0; t < rud_call_length(call, k); t++)
        memcpy(call->relevance + (t * call->B + k) * call->D, gradient + t * ld,
               call->D * sizeof *gradient);
}

rud_status rud_call_gradient(rud_attribution_call *call)
{
    const rud_variations all = {.count = call->B,
                                .gradient = true,
                                .context = call,
                                .fill = fill_episode,
                                .take = take_gradient};
    RUD_TRY(rud_call_relevance(call));
    return rud_predict_variations(call, &all);
}

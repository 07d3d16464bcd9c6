/* Predictions of an episode while its rows are removed one after the other. */
#include <string.h>

#include "attribution/attribution_private.h"

typedef struct removal {
    const rud_attribution_call *call;
    const rud_perturbation *perturbation;
    bool *gone; /* [T] */
    double *prediction;
} removal;

static size_t fill_rest(void *context, size_t k, float *x, size_t ld)
{
    const removal *r = context;
    const rud_attribution_call *call = r->call;
    const bool shorter = call->options->remove == RUD_REMOVE_DELETE;
    const size_t length = rud_call_length(call, 0);
    size_t rows = 0;
    memset(r->gone, 0, length * sizeof *r->gone);
    for (size_t n = 0; n < r->perturbation->removed[k]; n++) {
        r->gone[r->perturbation->order[n]] = true;
    }
    for (size_t t = 0; t < length; t++) {
        if (r->gone[t] && shorter) continue;
        if (r->gone[t]) {
            rud_call_replace(call, 0, call->D, x + rows * ld);
        } else {
            memcpy(x + rows * ld, call->x + t * call->D, call->D * sizeof *x);
        }
        rows++;
    }
    return rows;
}

static void take(void *context, size_t k, double prediction, const float *gradient, size_t ld)
{
    const removal *r = context;
    (void)gradient;
    (void)ld;
    r->prediction[k] = prediction;
}

rud_status rud_run_perturbation(rud_attribution_call *call, const rud_perturbation *perturbation,
                                double *prediction)
{
    if (call->B != 1) {
        return rud_error(RUD_EINVAL, "perturbation takes one episode at a time, found %zu",
                         call->B);
    }
    RUD_TRY(rud_buffer_reserve(&call->memory->sums, call->T, sizeof(bool)));
    removal r = {call, perturbation, call->memory->sums.data, prediction};
    const rud_variations all = {.count = perturbation->count,
                                .watched = true,
                                .context = &r,
                                .fill = fill_rest,
                                .take = take};
    return rud_predict_variations(call, &all);
}

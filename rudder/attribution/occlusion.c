/* Occlusion: R = f(x) - f(x without a window of steps, or of one feature over these steps). A
 * window starts at every step from which it fits whole (in an episode shorter than it: one that is
 * as long as the episode). Its difference is shared evenly among its steps; a step has the mean of
 * its shares. */
#include <string.h>

#include "attribution/attribution_private.h"

typedef struct occlusion {
    rud_attribution_call *call;
    size_t features; /* that are removed one by one; 1: all together */
    size_t *first;   /* [B + 1]: number of an episode's first window */
} occlusion;

/* What one evaluation removes. */
typedef struct window {
    size_t b, begin, steps, feature, starts;
} window;

static size_t window_steps(const rud_attribution_call *call, size_t b)
{
    const size_t length = rud_call_length(call, b);
    return call->options->window < length ? call->options->window : length;
}

static window find_window(const occlusion *o, size_t k)
{
    size_t low = 0, high = o->call->B; /* first[low] <= k < first[high] */
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (o->first[middle] <= k)
            low = middle;
        else
            high = middle;
    }
    const size_t number = k - o->first[low], steps = window_steps(o->call, low);
    return (window){.b = low,
                    .begin = number / o->features,
                    .steps = steps,
                    .feature = number % o->features,
                    .starts = rud_call_length(o->call, low) - steps + 1};
}

static size_t fill_without(void *context, size_t k, float *x, size_t ld)
{
    const occlusion *o = context;
    const window w = find_window(o, k);
    const size_t length = rud_call_copy_episode(o->call, w.b, x, ld), end = w.begin + w.steps;
    if (o->call->options->remove != RUD_REMOVE_DELETE) {
        const size_t first = o->features > 1 ? w.feature : 0;
        const size_t count = o->features > 1 ? 1 : o->call->D;
        for (size_t t = w.begin; t < end; t++) rud_call_replace(o->call, first, count, x + t * ld);
        return length;
    }
    for (size_t t = end; t < length; t++)
        memcpy(x + (t - w.steps) * ld, x + t * ld, o->call->D * sizeof *x);
    return length - w.steps;
}

/* How many windows cover step t. */
static size_t cover(const window *w, size_t t)
{
    const size_t first = t + 1 > w->steps ? t + 1 - w->steps : 0;
    const size_t last = t < w->starts ? t : w->starts - 1;
    return last - first + 1;
}

static void take_without(void *context, size_t k, double prediction, const float *gradient,
                         size_t ld)
{
    const occlusion *o = context;
    rud_attribution_call *call = o->call;
    const window w = find_window(o, k);
    const double share = (call->prediction[w.b] - prediction) / (double)w.steps;
    (void)gradient;
    (void)ld;
    for (size_t t = w.begin; t < w.begin + w.steps; t++) {
        const size_t row = t * call->B + w.b;
        const double R = share / (double)cover(&w, t);
        call->step_relevance[row] += R;
        if (call->relevance) call->relevance[row * call->D + w.feature] += (float)R;
    }
}

/* Numbers the windows. */
static rud_status create(rud_attribution_call *call, occlusion *o)
{
    const bool features = call->options->per == RUD_OCCLUDE_FEATURE;
    RUD_TRY(rud_buffer_reserve(&call->memory->sums, call->B + 1, sizeof(size_t)));
    *o = (occlusion){
        .call = call, .features = features ? call->D : 1, .first = call->memory->sums.data};
    o->first[0] = 0;
    for (size_t b = 0; b < call->B; b++)
        o->first[b + 1] =
            o->first[b] + (rud_call_length(call, b) - window_steps(call, b) + 1) * o->features;
    if (!features) return RUD_OK;
    RUD_TRY(rud_call_relevance(call));
    memset(call->relevance, 0, call->T * call->B * call->D * sizeof(float));
    return RUD_OK;
}

rud_status rud_run_occlusion(rud_attribution_call *call)
{
    occlusion o;
    RUD_TRY(create(call, &o));
    RUD_TRY(rud_call_predict(call));
    const rud_variations without = {.count = o.first[call->B],
                                    .watched = true,
                                    .context = &o,
                                    .fill = fill_without,
                                    .take = take_without};
    return rud_predict_variations(call, &without);
}

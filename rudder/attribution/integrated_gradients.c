/* Integrated gradients from a baseline x':
 *     R = (x - x') * sum over nodes of weight * dy/dx at x' + alpha (x - x')
 * Sundararajan et al. 2017, arXiv:1703.01365. Over several baselines taken from data, the mean
 * (expected gradients, Erion et al. 2021, arXiv:1906.10670). */
#include <math.h>
#include <string.h>

#include "attribution/attribution_private.h"

/* An episode's evaluations are, for each baseline, the nodes and then the baseline; then itself. */
typedef struct path {
    rud_attribution_call *call;
    size_t nodes, baselines;
    double *sums;   /* [T][B][D]: of (x - x') * weight * gradient */
    double *alpha;  /* [nodes] */
    double *weight; /* [nodes] */
} path;

static const double pi = 3.14159265358979323846;

/* P_n(x) by recurrence, and its derivative. */
static double legendre(size_t n, double x, double *slope)
{
    double before = 1.0, now = x;
    for (size_t k = 2; k <= n; k++) {
        const double next =
            ((2.0 * (double)k - 1.0) * x * now - ((double)k - 1.0) * before) / (double)k;
        before = now;
        now = next;
    }
    *slope = (double)n * (x * now - before) / (x * x - 1.0);
    return now;
}

/* The roots of P_n by Newton's method, from -1..1 to 0..1. */
static void gauss_legendre(size_t n, double *alpha, double *weight)
{
    for (size_t k = 0; k < n; k++) {
        double x = cos(pi * ((double)k + 0.75) / ((double)n + 0.5)), slope = 1.0, move = 1.0;
        for (size_t round = 0; round < 100 && fabs(move) > 1e-15; round++) {
            move = legendre(n, x, &slope) / slope;
            x -= move;
        }
        legendre(n, x, &slope);
        alpha[k] = 0.5 * (1.0 - x);
        weight[k] = 1.0 / ((1.0 - x * x) * slope * slope);
    }
}

static void midpoints(size_t n, double *alpha, double *weight)
{
    for (size_t k = 0; k < n; k++) {
        alpha[k] = ((double)k + 0.5) / (double)n;
        weight[k] = 1.0 / (double)n;
    }
}

/* What evaluation k is of. */
typedef struct evaluation {
    size_t b, baseline, node; /* node == nodes: the baseline */
    bool episode;             /* as it is */
} evaluation;

static size_t evaluations(const path *p)
{
    return p->baselines * (p->nodes + 1) + 1;
}

static evaluation evaluation_at(const path *p, size_t k)
{
    const size_t within = k % evaluations(p);
    return (evaluation){.b = k / evaluations(p),
                        .baseline = within / (p->nodes + 1),
                        .node = within % (p->nodes + 1),
                        .episode = within + 1 == evaluations(p)};
}

/* x' of step t of episode b; NULL for zeros. */
static const float *baseline_row(const rud_attribution_call *call, size_t baseline, size_t t,
                                 size_t b)
{
    const rud_attribution_options *options = call->options;
    const size_t D = call->D;
    switch (options->baseline) {
    case RUD_FROM_MEAN:
        return call->feature_mean;
    case RUD_FROM_EPISODES:
        return t == 0 ? call->x + b * D
                      : options->given + (baseline * options->given_steps + t) * D;
    case RUD_FROM_GIVEN:
        return options->given + (options->given_steps == 1 ? 0 : t * D);
    case RUD_FROM_ZERO:
        break;
    }
    return NULL;
}

static size_t fill(void *context, size_t k, float *x, size_t ld)
{
    const path *p = context;
    const evaluation e = evaluation_at(p, k);
    const size_t length = rud_call_copy_episode(p->call, e.b, x, ld), D = p->call->D;
    if (e.episode) return length;
    const double alpha = e.node < p->nodes ? p->alpha[e.node] : 0.0;
    for (size_t t = 0; t < length; t++) {
        const float *from = baseline_row(p->call, e.baseline, t, e.b);
        for (size_t d = 0; d < D; d++) {
            const double start = from ? (double)from[d] : 0.0;
            x[t * ld + d] = (float)(start + alpha * ((double)x[t * ld + d] - start));
        }
    }
    return length;
}

static void take(void *context, size_t k, double prediction, const float *gradient, size_t ld)
{
    const path *p = context;
    rud_attribution_call *call = p->call;
    const evaluation e = evaluation_at(p, k);
    const size_t D = call->D;
    const double share = 1.0 / (double)p->baselines;
    if (e.episode) {
        call->prediction[e.b] = prediction;
        return;
    }
    if (e.node == p->nodes) {
        call->baseline_prediction[e.b] += share * prediction;
        return;
    }
    for (size_t t = 0; t < rud_call_length(call, e.b); t++) {
        const size_t row = t * call->B + e.b;
        const float *x = call->x + row * D, *from = baseline_row(call, e.baseline, t, e.b);
        for (size_t d = 0; d < D; d++) {
            const double way = (double)x[d] - (from ? (double)from[d] : 0.0);
            p->sums[row * D + d] += share * way * p->weight[e.node] * (double)gradient[t * ld + d];
        }
    }
}

static rud_status check(const rud_attribution_call *call)
{
    const rud_attribution_options *options = call->options;
    const bool episodes = options->baseline == RUD_FROM_EPISODES;
    if (!episodes && options->baseline != RUD_FROM_GIVEN) return RUD_OK;
    if (episodes && (!options->given || options->given_count == 0))
        return rud_error(RUD_EINVAL, "baseline: no episodes are given; choose zero or mean");
    const bool one_row = !episodes && options->given_steps == 1;
    if (!one_row && options->given_steps < call->T)
        return rud_error(RUD_EINVAL,
                         "baseline: %zu steps are given, but the longest episode has %zu; give as "
                         "many, or one for every step",
                         options->given_steps, call->T);
    const size_t rows = episodes ? options->given_count * options->given_steps : call->T;
    for (size_t k = 0; k < (one_row ? 1 : rows) * call->D; k++)
        if (!isfinite(options->given[k]))
            return rud_error(RUD_ENONFINITE, "baseline: feature %zu of step %zu is not finite",
                             k % call->D, k / call->D);
    return RUD_OK;
}

static rud_status create(rud_attribution_call *call, path *p)
{
    const size_t steps = call->T * call->B, N = call->options->nodes;
    if (steps > SIZE_MAX / 64 / call->D)
        return rud_error(RUD_ENOMEM, "integrated-gradients: %zu steps do not fit memory", steps);
    RUD_TRY(rud_buffer_reserve(&call->memory->sums, steps * call->D + 2 * N, sizeof(double)));
    *p = (path){.call = call, .nodes = N, .baselines = 1, .sums = call->memory->sums.data};
    if (call->options->baseline == RUD_FROM_EPISODES) p->baselines = call->options->given_count;
    p->alpha = p->sums + steps * call->D;
    p->weight = p->alpha + N;
    for (size_t k = 0; k < steps * call->D; k++) p->sums[k] = 0.0;
    if (call->options->quadrature == RUD_MIDPOINT)
        midpoints(N, p->alpha, p->weight);
    else
        gauss_legendre(N, p->alpha, p->weight);
    return RUD_OK;
}

rud_status rud_run_integrated_gradients(rud_attribution_call *call)
{
    path p;
    RUD_TRY(check(call));
    RUD_TRY(create(call, &p));
    const rud_variations all = {.count = call->B * evaluations(&p),
                                .gradient = true,
                                .watched = true,
                                .context = &p,
                                .fill = fill,
                                .take = take};
    RUD_TRY(rud_predict_variations(call, &all));
    RUD_TRY(rud_call_relevance(call));
    for (size_t b = 0; b < call->B; b++) {
        for (size_t t = 0; t < rud_call_length(call, b); t++) {
            const size_t row = t * call->B + b;
            for (size_t d = 0; d < call->D; d++) {
                const double R = p.sums[row * call->D + d];
                call->relevance[row * call->D + d] = (float)R;
                call->step_relevance[row] += R;
            }
        }
        if (call->options->baseline == RUD_FROM_EPISODES) {
            call->step_relevance[b] += call->baseline_prediction[b];
            call->baseline_prediction[b] = 0.0;
        }
    }
    return RUD_OK;
}

/* Integrated gradients from a baseline x':
 *     R = (x - x') * sum over nodes of weight * dy/dx at x' + alpha (x - x')
 * Sundararajan et al. 2017, arXiv:1703.01365. */
#include <math.h>
#include <string.h>

#include "attribution/attribution_private.h"

/* An episode's evaluations are its nodes, then its baseline, then itself. */
typedef struct path {
    rud_attribution_call *call;
    size_t nodes;
    double *sums;   /* [T][B][D]: of weight * gradient */
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

/* x' of step t; NULL for zeros. */
static const float *baseline_row(const rud_attribution_call *call, size_t t)
{
    const rud_attribution_options *options = call->options;
    switch (options->baseline) {
    case RUD_FROM_MEAN:
        return call->feature_mean;
    case RUD_FROM_GIVEN:
        return options->given + (options->given_steps == 1 ? 0 : t * call->D);
    case RUD_FROM_ZERO:
        break;
    }
    return NULL;
}

static size_t fill(void *context, size_t k, float *x, size_t ld)
{
    const path *p = context;
    const size_t b = k / (p->nodes + 2), node = k % (p->nodes + 2), D = p->call->D;
    const size_t length = rud_call_copy_episode(p->call, b, x, ld);
    if (node > p->nodes) return length;
    const double alpha = node < p->nodes ? p->alpha[node] : 0.0;
    for (size_t t = 0; t < length; t++) {
        const float *from = baseline_row(p->call, t);
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
    const size_t b = k / (p->nodes + 2), node = k % (p->nodes + 2), D = call->D;
    if (node == p->nodes) call->baseline_prediction[b] = prediction;
    if (node > p->nodes) call->prediction[b] = prediction;
    if (node >= p->nodes) return;
    for (size_t t = 0; t < rud_call_length(call, b); t++) {
        double *sum = p->sums + (t * call->B + b) * D;
        for (size_t d = 0; d < D; d++) sum[d] += p->weight[node] * (double)gradient[t * ld + d];
    }
}

static rud_status check(const rud_attribution_call *call)
{
    const rud_attribution_options *options = call->options;
    if (options->baseline != RUD_FROM_GIVEN) return RUD_OK;
    if (options->given_steps != 1 && options->given_steps < call->T)
        return rud_error(RUD_EINVAL,
                         "baseline: %zu steps are given, but the longest episode has %zu; give as "
                         "many, or one for every step",
                         options->given_steps, call->T);
    for (size_t k = 0; k < (options->given_steps == 1 ? 1 : call->T) * call->D; k++)
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
    *p = (path){.call = call, .nodes = N, .sums = call->memory->sums.data};
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
    const rud_variations all = {.count = call->B * (p.nodes + 2),
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
            const float *from = baseline_row(call, t);
            for (size_t d = 0; d < call->D; d++) {
                const size_t at = row * call->D + d;
                const double start = from ? (double)from[d] : 0.0;
                const double R = ((double)call->x[at] - start) * p.sums[at];
                call->relevance[at] = (float)R;
                call->step_relevance[row] += R;
            }
        }
    }
    return RUD_OK;
}

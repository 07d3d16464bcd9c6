#include "redistribution/quality.h"

#include <math.h>

double rud_episode_quality(double error, double s)
{
    if (s > 0) return 1 - error * error / (s * s);
    return error == 0 ? 1 : 0;
}

void rud_quality_add(rud_quality *quality, double error)
{
    quality->errors[quality->count % RUD_QUALITY_WINDOW] = error;
    quality->count++;
}

static size_t window_count(const rud_quality *quality)
{
    return quality->count < RUD_QUALITY_WINDOW ? quality->count : RUD_QUALITY_WINDOW;
}

double rud_quality_mean(const rud_quality *quality, double s)
{
    const size_t n = window_count(quality);
    if (n < 2) return 0;
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += rud_episode_quality(quality->errors[i], s);
    return sum / (double)n;
}

double rud_quality_standard_error(const rud_quality *quality, double s)
{
    const size_t n = window_count(quality);
    if (n < 2) return INFINITY;
    const double mean = rud_quality_mean(quality, s);
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        const double deviation = rud_episode_quality(quality->errors[i], s) - mean;
        squares += deviation * deviation;
    }
    return sqrt(squares / (double)(n - 1) / (double)n);
}

/* Var over the episodes with more than t steps of G - g_{t-1}; NaN with fewer than two. */
static double variance_to_go(const double *const *g, const size_t *steps, const double *returns,
                             size_t n, size_t t)
{
    double mean = 0, squares = 0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (steps[i] <= t) continue;
        const double to_go = returns[i] - (t > 0 ? g[i][t - 1] : 0);
        count++;
        const double deviation = to_go - mean;
        mean += deviation / (double)count;
        squares += deviation * (to_go - mean);
    }
    return count < 2 ? NAN : squares / (double)count;
}

double rud_variance_ratio(const double *const *g, const size_t *steps, const double *returns,
                          size_t n)
{
    const double variance = variance_to_go(g, steps, returns, n, 0);
    if (!(variance > 0)) return NAN;
    double sum = 0;
    size_t t = 0;
    for (;; t++) {
        const double v = variance_to_go(g, steps, returns, n, t);
        if (isnan(v)) break;
        sum += v;
    }
    return sum / (double)t / variance;
}

#include "base/statistics.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum { EXACT_MAX = 20, RESAMPLES = 2000 };

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double sorted_quantile(const double *sorted, size_t n, double p)
{
    double h = (double)(n - 1) * p;
    size_t below = (size_t)h;
    if (below + 1 >= n) return sorted[n - 1];
    double share = h - (double)below;
    /* no difference of two equal infinities */
    if (share == 0.0 || sorted[below] == sorted[below + 1]) return sorted[below];
    return sorted[below] + share * (sorted[below + 1] - sorted[below]);
}

static double *sorted_copy(const double *values, size_t n)
{
    if (n == 0 || n > SIZE_MAX / sizeof(double)) return NULL;
    double *sorted = malloc(n * sizeof *sorted);
    if (!sorted) return NULL;
    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_doubles);
    return sorted;
}

double rud_quantile(const double *values, size_t n, double p)
{
    double *sorted = sorted_copy(values, n);
    if (!sorted) return NAN;
    double quantile = sorted_quantile(sorted, n, p);
    free(sorted);
    return quantile;
}

void rud_median_interval(const double *values, size_t n, uint64_t seed, double *low, double *high)
{
    *low = *high = NAN;
    if (n == 0) return;
    double *sample = calloc(n, sizeof *sample);
    double *medians = calloc(RESAMPLES, sizeof *medians);
    if (sample && medians) {
        rud_rng rng = rud_rng_stream(seed, "bootstrap", 0);
        for (size_t k = 0; k < RESAMPLES; k++) {
            for (size_t i = 0; i < n; i++) sample[i] = values[rud_rng_below(&rng, n)];
            qsort(sample, n, sizeof *sample, compare_doubles);
            medians[k] = sorted_quantile(sample, n, 0.5);
        }
        qsort(medians, RESAMPLES, sizeof *medians, compare_doubles);
        *low = sorted_quantile(medians, RESAMPLES, 0.025);
        *high = sorted_quantile(medians, RESAMPLES, 0.975);
    }
    free(sample);
    free(medians);
}

/* A value of a sample and where it stands. */
typedef struct placed {
    double value;
    size_t place;
} placed;

static int compare_placed(const void *left, const void *right)
{
    return compare_doubles(&((const placed *)left)->value, &((const placed *)right)->value);
}

/* Midranks of sorted[n], counted from 0 and doubled, which makes them whole, by their places in
 * ranks; returns the sum of t^3 - t over the groups of t equal values. */
static double rank_sorted(const placed *sorted, size_t n, size_t *ranks)
{
    double ties = 0.0;
    for (size_t first = 0, last; first < n; first = last + 1) {
        for (last = first; last + 1 < n && sorted[last + 1].value == sorted[first].value;) last++;
        for (size_t i = first; i <= last; i++) ranks[sorted[i].place] = first + last;
        const double t = (double)(last - first + 1);
        ties += t * t * t - t;
    }
    return ties;
}

/* The doubled midranks of values[n]; *ties as of rank_sorted. False where a value is NaN, or
 * without memory. */
static bool rank_values(const double *values, size_t n, size_t *ranks, double *ties)
{
    placed *sorted = calloc(n + 1, sizeof *sorted);
    bool ordered = sorted != NULL;
    for (size_t i = 0; ordered && i < n; i++) {
        sorted[i] = (placed){values[i], i};
        ordered = !isnan(values[i]);
    }
    if (ordered) {
        qsort(sorted, n, sizeof *sorted, compare_placed);
        *ties = rank_sorted(sorted, n, ranks);
    }
    free(sorted);
    return ordered;
}

/* P(doubled rank sum of na of the n values <= observed), all choices of na equally likely.
 * ways[k][s]: choices of k values with doubled rank sum s; C(40, 20) < 2^53, so all are exact. */
static double exact_p_value(const size_t *ranks, size_t n, size_t na, size_t observed)
{
    size_t width = observed + 1;
    double *ways = calloc((na + 1) * width, sizeof *ways);
    if (!ways) return NAN;
    ways[0] = 1.0;
    for (size_t i = 0; i < n; i++) {
        size_t rank = ranks[i];
        for (size_t k = na; k > 0; k--) {
            for (size_t s = rank; s < width; s++) {
                ways[k * width + s] += ways[(k - 1) * width + s - rank];
            }
        }
    }
    double as_small = 0.0, all = 1.0;
    for (size_t s = 0; s < width; s++) as_small += ways[na * width + s];
    for (size_t k = 1; k <= na; k++) all = all * (double)(n - na + k) / (double)k;
    free(ways);
    return as_small / all;
}

static double normal_p_value(double u, double na, double nb, double ties)
{
    double n = na + nb;
    double variance = na * nb / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)));
    if (!(variance > 0.0)) return 1.0;
    double z = (u + 0.5 - na * nb / 2.0) / sqrt(variance);
    return 0.5 * erfc(-z * sqrt(0.5));
}

/* The doubled midranks of both samples together, those of a first. NULL where a sample is empty or
 * holds a NaN, or without memory; caller frees. */
static size_t *rank_samples(const double *a, size_t na, const double *b, size_t nb, double *ties)
{
    if (na == 0 || nb == 0 || na > SIZE_MAX - nb) return NULL;
    double *pool = calloc(na + nb, sizeof *pool);
    size_t *ranks = calloc(na + nb, sizeof *ranks);
    for (size_t i = 0; pool && i < na + nb; i++) pool[i] = i < na ? a[i] : b[i - na];
    const bool ranked = pool && ranks && rank_values(pool, na + nb, ranks, ties);
    free(pool);
    if (ranked) return ranks;
    free(ranks);
    return NULL;
}

double rud_mann_whitney(const double *a, size_t na, const double *b, size_t nb, double *superiority)
{
    double ties = 0.0;
    if (superiority) *superiority = NAN;
    size_t *ranks = rank_samples(a, na, b, nb, &ties);
    if (!ranks) return NAN;
    size_t rank_sum = 0;
    for (size_t i = 0; i < na; i++) rank_sum += ranks[i];

    /* U: pairs with a > b, and half of those with a = b */
    double u = ((double)rank_sum - (double)na * (double)(na - 1)) / 2.0;
    if (superiority) *superiority = 1.0 - u / ((double)na * (double)nb);
    double p = na <= EXACT_MAX && nb <= EXACT_MAX ? exact_p_value(ranks, na + nb, na, rank_sum)
                                                  : normal_p_value(u, (double)na, (double)nb, ties);
    free(ranks);
    return p;
}

void rud_holm(double *p, size_t n)
{
    placed *order = calloc(n ? n : 1, sizeof *order);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (!order) {
            p[i] = NAN;
        } else if (!isnan(p[i])) {
            order[count++] = (placed){p[i], i};
        }
    }
    if (!order) return;
    qsort(order, count, sizeof *order, compare_placed);
    double largest = 0.0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fmin(1.0, (double)(count - i) * order[i].value));
        p[order[i].place] = largest;
    }
    free(order);
}

static double mean_of(const double *values, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) sum += values[i];
    return sum / (double)n;
}

double rud_pearson(const double *x, const double *y, size_t n)
{
    if (n == 0) return NAN;
    double mean_x = mean_of(x, n), mean_y = mean_of(y, n);
    double xx = 0.0, yy = 0.0, xy = 0.0;
    for (size_t i = 0; i < n; i++) {
        double dx = x[i] - mean_x, dy = y[i] - mean_y;
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    if (!(xx > 0.0) || !(yy > 0.0)) return NAN;
    return xy / sqrt(xx) / sqrt(yy);
}

double rud_r_squared(const double *prediction, const double *target, size_t n)
{
    if (n == 0) return NAN;
    double mean = mean_of(target, n);
    double residual = 0.0, total = 0.0;
    for (size_t i = 0; i < n; i++) {
        double error = target[i] - prediction[i], deviation = target[i] - mean;
        residual += error * error;
        total += deviation * deviation;
    }
    if (!(total > 0.0)) return NAN;
    return 1.0 - residual / total;
}

double rud_spearman(const double *x, const double *y, size_t n)
{
    size_t *whole = calloc(n + 1, sizeof *whole);
    double *ranks = calloc(n + 1, 2 * sizeof *ranks), correlation = NAN, ties;
    bool ranked = whole && ranks;
    for (size_t k = 0; ranked && k < 2; k++) {
        ranked = rank_values(k == 0 ? x : y, n, whole, &ties);
        for (size_t i = 0; ranked && i < n; i++) ranks[k * n + i] = (double)whole[i];
    }
    if (ranked) correlation = rud_pearson(ranks, ranks + n, n);
    free(whole);
    free(ranks);
    return correlation;
}

void rud_mean_deviation(const double *values, size_t n, size_t stride, double *mean,
                        double *deviation)
{
    size_t count = 0;
    double sum = 0, squares = 0;
    for (size_t k = 0; k < n; k++) {
        if (!isfinite(values[k * stride])) continue;
        sum += values[k * stride];
        count++;
    }
    *mean = count > 0 ? sum / (double)count : (double)NAN;
    for (size_t k = 0; k < n; k++) {
        const double off = values[k * stride] - *mean;
        if (isfinite(off)) squares += off * off;
    }
    *deviation = count > 1 ? sqrt(squares / (double)(count - 1)) : count > 0 ? 0 : (double)NAN;
}

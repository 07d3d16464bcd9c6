/* Statistics of samples. Sources: Mann and Whitney 1947; Holm 1979; quantiles by linear
 * interpolation (Hyndman and Fan 1996, type 7). */
#ifndef RUD_BASE_STATISTICS_H
#define RUD_BASE_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Quantile p in [0, 1] of values[n], n >= 1, linear between order statistics. NaN for n = 0 or
 * without memory. */
double rud_quantile(const double *values, size_t n, double p);

/* Bootstrap percentile interval of the median, level 0.95, 2,000 resamples of stream `seed`. NaN
 * for n = 0 or without memory. */
void rud_median_interval(const double *values, size_t n, uint64_t seed, double *low, double *high);

/* One-sided Mann-Whitney U: the probability, were both alike, of a being this much smaller than b.
 * Ties by midranks; exact (permutation distribution, ties included) where na, nb <= 20, else normal
 * with tie and continuity correction. *superiority (may be NULL): P(a < b) + P(a = b) / 2. NaN
 * where a sample is empty or holds a NaN, or without memory. */
double rud_mann_whitney(const double *a, size_t na, const double *b, size_t nb,
                        double *superiority);

/* Holm's correction of p[n] in place; NaN entries are left out. Without memory all become NaN. */
void rud_holm(double *p, size_t n);

/* Mean and standard deviation (of the sample, n - 1) of the finite ones of n values, values[0],
 * values[stride], ...; NaN where there is none, deviation 0 of one. */
void rud_mean_deviation(const double *values, size_t n, size_t stride, double *mean,
                        double *deviation);

/* Pearson correlation and coefficient of determination R^2 of predictions against targets; NaN
 * where a variance is 0. */
double rud_pearson(const double *x, const double *y, size_t n);
double rud_r_squared(const double *prediction, const double *target, size_t n);

/* Spearman's rank correlation: Pearson's of the midranks. NaN where a variance is 0, where a number
 * is NaN, or without memory. */
double rud_spearman(const double *x, const double *y, size_t n);

#ifdef __cplusplus
}
#endif
#endif

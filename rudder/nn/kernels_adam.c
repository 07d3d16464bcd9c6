/* The optimiser's passes over all parameters. */
#include "nn/kernels_private.h"

#include <math.h>

#if defined(__clang__)
/* `omp simd` permits vector code; where it does not come about, only time is lost. */
#pragma clang diagnostic ignored "-Wpass-failed"
#endif

double rud_sum_of_squares(const float *x, size_t n)
{
    enum { SUMS = 16 }; /* a fixed order of summation, whatever the compiler makes of it */
    double sum[SUMS] = {0};
    const size_t whole = n / SUMS * SUMS;
    for (size_t k = 0; k < whole; k += SUMS)
        for (size_t j = 0; j < SUMS; j++) sum[j] += (double)x[k + j] * (double)x[k + j];
    for (size_t k = whole; k < n; k++) sum[k - whole] += (double)x[k] * (double)x[k];
    double total = 0.0;
    for (size_t j = 0; j < SUMS; j++) total += sum[j];
    return total;
}

void rud_adam_update(const rud_adam_pass *pass, size_t n, float *restrict p, float *restrict g,
                     float *restrict m, float *restrict v)
{
    const rud_adam_pass s = *pass;
#pragma omp simd
    for (size_t k = 0; k < n; k++) {
        g[k] *= s.gradient_scale;
        const float gradient = g[k] + s.l2 * p[k];
        m[k] = s.keep1 * m[k] + s.new1 * gradient;
        v[k] = s.keep2 * v[k] + s.new2 * gradient * gradient;
        p[k] = s.keep * p[k] - s.rate * m[k] / (s.root_scale * sqrtf(v[k]) + s.epsilon);
    }
}

/* Passes over rows of numbers. */
#include "attribution/attribution_private.h"

uint32_t rud_largest_magnitude(const float *x, size_t count, uint32_t bits)
{
#pragma omp simd reduction(max : bits)
    for (size_t k = 0; k < count; k++)
        bits = bits > rud_magnitude(x[k]) ? bits : rud_magnitude(x[k]);
    return bits;
}

bool rud_all_finite(const float *x, size_t count)
{
    const uint32_t infinity = 0x7f800000u;
    return rud_largest_magnitude(x, count, 0) < infinity;
}

/* In lanes, so that it takes no longer than reading the row. */
static double sum(const float *x, size_t count)
{
    enum { LANES = 8 };
    double lane[LANES] = {0};
    const size_t whole = count - count % LANES;
    for (size_t k = 0; k < whole; k += LANES) {
#pragma omp simd
        for (size_t l = 0; l < LANES; l++) lane[l] += (double)x[k + l];
    }
    for (size_t k = whole; k < count; k++) lane[k - whole] += (double)x[k];
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
           ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

void rud_call_sum_features(rud_attribution_call *call)
{
    for (size_t t = 0; t < call->T; t++) {
        for (size_t b = 0; b < call->B; b++) {
            const size_t row = t * call->B + b;
            if (t < rud_call_length(call, b))
                call->step_relevance[row] = sum(call->relevance + row * call->D, call->D);
        }
    }
}

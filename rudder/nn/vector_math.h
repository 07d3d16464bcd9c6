/* Exponential functions in single precision that compilers turn into vector code. The polynomial is
 * a minimax fit of (exp(r) - 1) / r over |r| <= ln(2) / 2, its constant term held at 1, so that
 * exp(x) - 1 and tanh keep their relative accuracy near 0. */
#ifndef RUD_NN_VECTOR_MATH_H
#define RUD_NN_VECTOR_MATH_H

#include <stdint.h>
#include <string.h>

#include "nn/cell.h"

#ifdef __cplusplus
extern "C" {
#endif

/* exp(x) = scale * (1 + fraction), scale a power of 2. */
typedef struct rud_exponential {
    float scale, fraction;
} rud_exponential;

static inline float rud_clamp(float x, float low, float high)
{
    x = x < low ? low : x;
    return x > high ? high : x; /* NaN goes through */
}

/* |x| <= 87. */
static inline rud_exponential rud_exponential_of(float x)
{
    /* Adding 1.5 * 2^23 rounds to a whole number, which then stands in the low bits. */
    const float rounder = 12582912.0f;
    const float shifted = x * 1.44269504089f + rounder;
    const float n = shifted - rounder;
    /* r = x - n ln(2), ln(2) in two parts, the first of which times n is exact */
    const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 127u) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    float q = 1.388251665e-03f;
    q = q * r + 8.366547525e-03f;
    q = q * r + 4.166720062e-02f;
    q = q * r + 1.666654348e-01f;
    q = q * r + 4.999999702e-01f;
    return (rud_exponential){scale, q * r * r + r};
}

static inline float rud_sigmoid(float x)
{
    const rud_exponential e = rud_exponential_of(-rud_clamp(x, -87.0f, 87.0f));
    return 1.0f / (1.0f + (e.scale + e.scale * e.fraction));
}

/* tanh(x) = m / (m + 2) with m = exp(2 x) - 1. */
static inline float rud_tanh(float x)
{
    const rud_exponential e = rud_exponential_of(rud_clamp(2.0f * x, -20.0f, 20.0f));
    const float m = e.scale * e.fraction + (e.scale - 1.0f);
    return m / (m + 2.0f);
}

static inline float rud_activate(rud_activation activation, float x)
{
    switch (activation) {
    case RUD_TANH:
        return rud_tanh(x);
    case RUD_RELU:
        return x > 0.0f ? x : 0.0f;
    case RUD_SIGMOID:
        return rud_sigmoid(x);
    case RUD_IDENTITY:
        break;
    }
    return x;
}

#ifdef __cplusplus
}
#endif
#endif

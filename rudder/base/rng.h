/* Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as
 * easy as 1, 2, 3"). A stream is named by (seed, purpose, index), so what is drawn for one purpose
 * never shifts another, and no result depends on the number of threads. */
#ifndef RUD_BASE_RNG_H
#define RUD_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Plain data: may be copied and stored to go on from the same place. */
typedef struct rud_rng {
    uint32_t key[2];
    uint32_t counter[4]; /* [0..1] block number, [2..3] index */
    uint32_t block[4];
    uint32_t used; /* words of `block` already given out */
} rud_rng;

/* The stream of (seed, purpose, index); purpose is a short text such as "exploration". */
rud_rng rud_rng_stream(uint64_t seed, const char *purpose, uint64_t index);

uint32_t rud_rng_u32(rud_rng *rng);
uint64_t rud_rng_u64(rud_rng *rng);

/* Uniform in [0, 1), 53 bits. */
double rud_rng_uniform(rud_rng *rng);

/* Uniform in 0 .. n-1 without bias; n >= 1. */
uint64_t rud_rng_below(rud_rng *rng, uint64_t n);

/* Standard normal (Box-Muller). */
double rud_rng_normal(rud_rng *rng);

/* Shuffles order[n] (Fisher-Yates). */
void rud_rng_shuffle(rud_rng *rng, size_t *order, size_t n);

#ifdef __cplusplus
}
#endif
#endif

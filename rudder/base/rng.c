#include "base/rng.h"

#include <math.h>

enum { PHILOX_ROUNDS = 10, PHILOX_WORDS = 4 };

static uint32_t multiply_high_low(uint32_t a, uint32_t b, uint32_t *low)
{
    uint64_t product = (uint64_t)a * b;
    *low = (uint32_t)product;
    return (uint32_t)(product >> 32);
}

/* Philox4x32-10: multipliers and key increments as in Salmon et al. 2011, section 3.3. */
static void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t block[4])
{
    uint32_t x0 = counter[0], x1 = counter[1], x2 = counter[2], x3 = counter[3];
    uint32_t key0 = key[0], key1 = key[1];
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        uint32_t low0, low1;
        uint32_t high0 = multiply_high_low(0xD2511F53u, x0, &low0);
        uint32_t high1 = multiply_high_low(0xCD9E8D57u, x2, &low1);
        x0 = high1 ^ x1 ^ key0;
        x1 = low1;
        x2 = high0 ^ x3 ^ key1;
        x3 = low0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    block[0] = x0;
    block[1] = x1;
    block[2] = x2;
    block[3] = x3;
}

/* The finaliser of SplitMix64 (Steele et al. 2014): every input bit reaches every output bit. */
static uint64_t mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* FNV-1a, 64 bits. */
static uint64_t hash_text(const char *text)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001B3u;
    return hash;
}

rud_rng rud_rng_stream(uint64_t seed, const char *purpose, uint64_t index)
{
    uint64_t key = mix(mix(seed) ^ hash_text(purpose));
    return (rud_rng){
        .key = {(uint32_t)key, (uint32_t)(key >> 32)},
        .counter = {0, 0, (uint32_t)index, (uint32_t)(index >> 32)},
        .used = PHILOX_WORDS,
    };
}

uint32_t rud_rng_u32(rud_rng *rng)
{
    if (rng->used >= PHILOX_WORDS) {
        philox(rng->counter, rng->key, rng->block);
        if (++rng->counter[0] == 0) rng->counter[1]++;
        rng->used = 0;
    }
    return rng->block[rng->used++];
}

uint64_t rud_rng_u64(rud_rng *rng)
{
    uint64_t low = rud_rng_u32(rng);
    return (uint64_t)rud_rng_u32(rng) << 32 | low;
}

double rud_rng_uniform(rud_rng *rng)
{
    return (double)(rud_rng_u64(rng) >> 11) * 0x1p-53;
}

/* Lemire 2019, "Fast random integer generation in an interval": the high word of x n is uniform
 * once the 2^32 mod n surplus values of the low word are drawn again. */
static uint32_t below_u32(rud_rng *rng, uint32_t n)
{
    uint32_t low;
    uint32_t value = multiply_high_low(rud_rng_u32(rng), n, &low);
    if (low < n) {
        uint32_t surplus = -n % n;
        while (low < surplus) value = multiply_high_low(rud_rng_u32(rng), n, &low);
    }
    return value;
}

uint64_t rud_rng_below(rud_rng *rng, uint64_t n)
{
    if (n <= UINT32_MAX) return below_u32(rng, (uint32_t)n);
    uint64_t surplus = -n % n; /* 2^64 mod n: values below it would favour small results */
    uint64_t value;
    do {
        value = rud_rng_u64(rng);
    } while (value < surplus);
    return value % n;
}

double rud_rng_normal(rud_rng *rng)
{
    const double two_pi = 6.283185307179586477;
    double radius = sqrt(-2.0 * log(1.0 - rud_rng_uniform(rng))); /* the argument is in (0, 1] */
    return radius * cos(two_pi * rud_rng_uniform(rng));
}

void rud_rng_shuffle(rud_rng *rng, size_t *order, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)rud_rng_below(rng, i);
        size_t swapped = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swapped;
    }
}

#include <stdlib.h>

#include "base/rng.h"
#include "judge/judge_toy_private.h"

static double draw_value(rud_rng *rng)
{
    const double size = 0.5 + 0.5 * rud_rng_uniform(rng);
    return rud_rng_below(rng, 2) ? size : -size;
}

static void draw_sequence(rud_toy_operation operation, rud_rng *rng, rud_toy_sequences *to,
                          size_t k)
{
    const size_t T =
        RUD_TOY_LEAST_STEPS + rud_rng_below(rng, RUD_TOY_STEPS - RUD_TOY_LEAST_STEPS + 1);
    /* Every pair of steps is as likely as any other. */
    const size_t one = rud_rng_below(rng, T), below = rud_rng_below(rng, T - 1);
    const size_t other = below + (below >= one ? 1 : 0);
    to->lengths[k] = T;
    to->a[k] = one < other ? one : other;
    to->b[k] = one < other ? other : one;
    for (size_t t = 0; t < T; t++) {
        float *x = to->x + (t * to->count + k) * RUD_TOY_INPUTS;
        x[0] = (float)draw_value(rng);
        x[1] = t == to->a[k] ? 1.0f : 0.0f;
        x[2] = t == to->b[k] ? 1.0f : 0.0f;
        if (t == to->a[k]) to->n_a[k] = (double)x[0];
        if (t == to->b[k]) to->n_b[k] = (double)x[0];
    }
    const double sign = operation == RUD_TOY_ADDITION ? 1 : -1;
    to->target[k] = to->n_a[k] + sign * to->n_b[k];
}

rud_status rud_toy_draw(rud_toy_operation operation, uint64_t seed, const char *purpose,
                        uint64_t index, size_t count, rud_toy_sequences *sequences)
{
    *sequences = (rud_toy_sequences){
        .count = count,
        .x = calloc(count, RUD_TOY_STEPS * RUD_TOY_INPUTS * sizeof(float)),
        .lengths = calloc(count, 3 * sizeof(size_t)),
        .n_a = calloc(count, 3 * sizeof(double)),
    };
    if (!sequences->x || !sequences->lengths || !sequences->n_a) {
        rud_toy_free(sequences);
        return rud_error(RUD_ENOMEM, "toy arithmetic: no memory for %zu sequences", count);
    }
    sequences->a = sequences->lengths + count;
    sequences->b = sequences->a + count;
    sequences->n_b = sequences->n_a + count;
    sequences->target = sequences->n_b + count;
    rud_rng rng = rud_rng_stream(seed, purpose, index);
    for (size_t k = 0; k < count; k++) draw_sequence(operation, &rng, sequences, k);
    return RUD_OK;
}

void rud_toy_free(rud_toy_sequences *sequences)
{
    free(sequences->x);
    free(sequences->lengths);
    free(sequences->n_a);
    *sequences = (rud_toy_sequences){0};
}

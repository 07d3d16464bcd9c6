/* Random networks and ragged batches for the tests of this folder. */
#ifndef TESTS_ATTRIBUTION_PROBLEMS_H
#define TESTS_ATTRIBUTION_PROBLEMS_H

#include "tests/attribution/support.h"

typedef struct problem {
    rud_network *network;
    rud_attribution *attribution;
    rud_attribution_input input;
    rud_attribution_options options;
    rud_attribution_result result;
    float *x, *mean;
    size_t *lengths;
} problem;

/* Cell k of cell_number; padding is NaN, as nothing may read it as data. */
static inline problem create_problem(size_t cell, size_t layers, bool bidirectional, uint64_t seed)
{
    enum { D = 5, H = 19, K = 3, T = 9, B = 4 };
    const rud_network_spec spec = {D, H, layers, K, cell_number(cell), bidirectional};
    rud_rng rng = rud_rng_stream(seed, "test attribution", 0);
    problem p = {.network = random_network(&spec, &rng)};
    p.x = normal_floats(&rng, T * B * D, 1.0);
    p.mean = normal_floats(&rng, D, 1.0);
    p.lengths = calloc(B, sizeof *p.lengths);
    for (size_t b = 0; b < B; b++) {
        p.lengths[b] = b == 1 ? T : 3 + (size_t)rud_rng_below(&rng, T - 3);
        for (size_t t = p.lengths[b]; t < T; t++)
            for (size_t d = 0; d < D; d++) p.x[(t * B + b) * D + d] = NAN;
    }
    p.input = (rud_attribution_input){.network = p.network,
                                      .x = p.x,
                                      .lengths = p.lengths,
                                      .T = T,
                                      .B = B,
                                      .feature_mean = p.mean,
                                      .scale = 1.7,
                                      .offset = -0.4};
    ck_assert_ok(rud_attribution_create(&p.attribution));
    p.options = rud_attribution_options_default();
    p.options.output = 1;
    return p;
}

static inline void free_problem(problem *p)
{
    rud_network_free(&p->network);
    rud_attribution_free(&p->attribution);
    free(p->x), free(p->mean), free(p->lengths);
}

static inline void set_option(problem *p, const char *name, const char *value)
{
    ck_assert_ok(rud_attribution_set(&p->options, name, value));
}

static inline void explain(problem *p)
{
    ck_assert_ok(rud_attribution_run(p->attribution, &p->options, &p->input, &p->result));
}

/* Episode b alone, in a batch of its own; the caller frees. */
static inline float *episode_alone(const problem *p, size_t b, rud_attribution_input *alone)
{
    const size_t D = rud_network_specification(p->network)->inputs, T = p->lengths[b];
    float *x = calloc(T * D, sizeof *x);
    for (size_t t = 0; t < T; t++)
        memcpy(x + t * D, p->x + (t * p->input.B + b) * D, D * sizeof *x);
    *alone = p->input;
    alone->x = x;
    alone->lengths = NULL;
    alone->T = T;
    alone->B = 1;
    return x;
}

#endif

/* The part lrp: LRP of all steps and features from the last step, on stored activations; and the
 * forward pass that it is compared with, which stores nothing for it. */
#include <stdlib.h>

#include "cli/bench.h"

/* The episodes of one thread. */
typedef struct slice {
    size_t B;
    float *x;                /* [T][B][D] */
    rud_activations *stored; /* what lrp walks over */
    rud_activations *plain;  /* of the forward pass that is timed */
    rud_attribution *attribution;
} slice;

typedef struct bench {
    cli_bench_case what;
    rud_attribution_options options;
    rud_network *network;
    rud_pool *pool;
    slice *slices; /* [threads] */
} bench;

static void destroy(void *state)
{
    bench *b = state;
    if (!b) return;
    for (size_t k = 0; b->slices && k < b->what.threads; k++) {
        slice *s = &b->slices[k];
        free(s->x);
        rud_activations_free(&s->stored);
        rud_activations_free(&s->plain);
        rud_attribution_free(&s->attribution);
    }
    free(b->slices);
    rud_pool_free(&b->pool);
    rud_network_free(&b->network);
    free(b);
}

static rud_status create_slice(bench *b, size_t k)
{
    const cli_bench_case *what = &b->what;
    slice *s = &b->slices[k];
    s->B = what->B * (k + 1) / what->threads - what->B * k / what->threads;
    s->x = cli_bench_random(what->T * s->B * what->D, k);
    if (!s->x) return rud_error(RUD_ENOMEM, "no memory for arrays of this size");
    RUD_TRY(rud_activations_create(&s->stored));
    RUD_TRY(rud_activations_create(&s->plain));
    RUD_TRY(rud_attribution_create(&s->attribution));
    rud_attribution_keep(&b->options, s->stored);
    return rud_network_forward(b->network, s->x, NULL, what->T, s->B, s->stored);
}

static rud_status set_options(bench *b)
{
    b->options = rud_attribution_options_default();
    RUD_TRY(rud_attribution_method_find("lrp", &b->options.method));
    RUD_TRY(rud_attribution_set(&b->options, "rule", b->what.rule));
    /* In a network that has learnt nothing, gates that get relevance make it grow from step to step
     * without bound. Such stabilisers keep it finite; their size does not change the work. */
    if (b->options.rule != RUD_LRP_ALL) b->options.epsilon = b->options.product_epsilon = 1.0;
    return RUD_OK;
}

static rud_status fill(bench *b)
{
    const cli_bench_case *what = &b->what;
    const rud_network_spec spec = {
        .inputs = what->D, .hidden = what->H, .layers = 1, .outputs = 1, .cell = *what->cell};
    RUD_TRY(set_options(b));
    RUD_TRY(rud_network_create(&spec, &b->network));
    rud_network_initialise(b->network, 0);
    RUD_TRY(rud_pool_create(what->threads, &b->pool));
    b->slices = calloc(what->threads, sizeof *b->slices);
    if (!b->slices) return rud_error(RUD_ENOMEM, "no memory for a measurement");
    for (size_t k = 0; k < what->threads; k++) RUD_TRY(create_slice(b, k));
    return RUD_OK;
}

static rud_status create(const cli_bench_case *what, void **state)
{
    if (what->threads > what->B) {
        return rud_error(RUD_EINVAL, "%zu threads for %zu episodes; give at most one each",
                         what->threads, what->B);
    }
    bench *b = calloc(1, sizeof *b);
    *state = b;
    if (!b) return rud_error(RUD_ENOMEM, "no memory for a measurement");
    b->what = *what;
    return fill(b);
}

static rud_status forward_slice(void *context, size_t k, size_t thread)
{
    (void)thread;
    const bench *b = context;
    const slice *s = &b->slices[k];
    return rud_network_forward(b->network, s->x, NULL, b->what.T, s->B, s->plain);
}

static rud_status explain_slice(void *context, size_t k, size_t thread)
{
    (void)thread;
    const bench *b = context;
    const slice *s = &b->slices[k];
    const rud_attribution_input input = {.network = b->network,
                                         .x = s->x,
                                         .T = b->what.T,
                                         .B = s->B,
                                         .scale = 1,
                                         .activations = s->stored};
    rud_attribution_result result;
    return rud_attribution_run(s->attribution, &b->options, &input, &result);
}

static rud_status run_slices(bench *b, rud_job *job)
{
    if (b->what.threads == 1) return job(b, 0, 0);
    return rud_pool_run(b->pool, b->what.threads, job, b);
}

static rud_status run(void *state)
{
    return run_slices(state, explain_slice);
}

static rud_status run_forward(void *state)
{
    return run_slices(state, forward_slice);
}

const cli_bench_part cli_bench_lrp = {
    .name = "lrp", .create = create, .run = run, .run_forward = run_forward, .destroy = destroy};

/* The parts train, forward and stream: a network on random data. */
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"

/* The episodes of one thread. */
typedef struct slice {
    size_t B;
    float *x;         /* [T][B][D] */
    float *target;    /* [T][B][D], as the head is D wide */
    float *dy;        /* [T][B][D] */
    float *gradients; /* [parameters] */
    rud_activations *activations;
} slice;

typedef struct bench {
    cli_bench_case what;
    rud_network *network;
    rud_adam *adam;
    rud_pool *pool;
    slice *slices; /* [threads] */
    rud_network_state *state;
    float *y; /* [D], of a streamed step */
} bench;

static void destroy(void *state)
{
    bench *b = state;
    if (!b) return;
    for (size_t k = 0; b->slices && k < b->what.threads; k++) {
        slice *s = &b->slices[k];
        free(s->x);
        free(s->target);
        free(s->dy);
        free(s->gradients);
        rud_activations_free(&s->activations);
    }
    free(b->slices);
    free(b->y);
    rud_network_state_free(&b->state);
    rud_pool_free(&b->pool);
    rud_adam_free(&b->adam);
    rud_network_free(&b->network);
    free(b);
}

static rud_status no_memory(void)
{
    return rud_error(RUD_ENOMEM, "no memory for arrays of this size");
}

static rud_status create_slice(bench *b, size_t k)
{
    const cli_bench_case *what = &b->what;
    slice *s = &b->slices[k];
    size_t parameters;
    rud_network_parameters(b->network, &parameters);
    s->B = what->B * (k + 1) / what->threads - what->B * k / what->threads;
    const size_t count = what->T * s->B * what->D;
    s->x = cli_bench_random(count, 2 * k);
    s->target = cli_bench_random(count, 2 * k + 1);
    s->dy = malloc(count * sizeof *s->dy);
    s->gradients = malloc(parameters * sizeof *s->gradients);
    if (!s->x || !s->target || !s->dy || !s->gradients) return no_memory();
    return rud_activations_create(&s->activations);
}

static rud_status fill(bench *b)
{
    const cli_bench_case *what = &b->what;
    const rud_network_spec spec = {
        .inputs = what->D, .hidden = what->H, .layers = 1, .outputs = what->D, .cell = *what->cell};
    const rud_adam_options adam = rud_adam_options_default();
    size_t parameters;
    RUD_TRY(rud_network_create(&spec, &b->network));
    rud_network_initialise(b->network, 0);
    rud_network_parameters(b->network, &parameters);
    RUD_TRY(rud_adam_create(&adam, parameters, &b->adam));
    RUD_TRY(rud_pool_create(what->threads, &b->pool));
    RUD_TRY(rud_network_state_create(b->network, &b->state));
    b->y = malloc(what->D * sizeof *b->y);
    b->slices = calloc(what->threads, sizeof *b->slices);
    if (!b->y || !b->slices) return no_memory();
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
    if (!b) return no_memory();
    b->what = *what;
    return fill(b);
}

static rud_status create_stream(const cli_bench_case *what, void **state)
{
    if (what->threads != 1) return rud_error(RUD_EINVAL, "one episode is streamed by one thread");
    return create(what, state);
}

static rud_status forward_slice(void *context, size_t k, size_t thread)
{
    (void)thread;
    bench *b = context;
    slice *s = &b->slices[k];
    return rud_network_forward(b->network, s->x, NULL, b->what.T, s->B, s->activations);
}

/* The loss is the mean square over all steps, episodes and outputs. */
static rud_status gradient_of_slice(void *context, size_t k, size_t thread)
{
    bench *b = context;
    slice *s = &b->slices[k];
    RUD_TRY(forward_slice(context, k, thread));
    const float *y = rud_activations_outputs(s->activations);
    const size_t count = b->what.T * s->B * b->what.D;
    const float scale = 2.0f / (float)(b->what.T * b->what.B * b->what.D);
    for (size_t i = 0; i < count; i++) s->dy[i] = scale * (y[i] - s->target[i]);
    return rud_network_backward(b->network, s->activations, s->dy, s->gradients, NULL);
}

static rud_status run_slices(bench *b, rud_job *job)
{
    if (b->what.threads == 1) return job(b, 0, 0);
    return rud_pool_run(b->pool, b->what.threads, job, b);
}

static rud_status run_forward(void *state)
{
    return run_slices(state, forward_slice);
}

static rud_status run_train(void *state)
{
    bench *b = state;
    RUD_TRY(run_slices(b, gradient_of_slice));
    size_t parameters;
    float *values = rud_network_parameters(b->network, &parameters);
    float *sum = b->slices[0].gradients;
    for (size_t k = 1; k < b->what.threads; k++) {
        const float *part = b->slices[k].gradients;
        for (size_t i = 0; i < parameters; i++) sum[i] += part[i];
    }
    return rud_adam_step(b->adam, values, sum);
}

static rud_status run_stream(void *state)
{
    bench *b = state;
    rud_network_state_reset(b->state);
    for (size_t t = 0; t < b->what.T; t++) {
        rud_network_step(b->network, b->state, b->slices[0].x + t * b->what.D, b->y);
    }
    return RUD_OK;
}

const cli_bench_part cli_bench_train = {
    .name = "train", .create = create, .run = run_train, .destroy = destroy};
const cli_bench_part cli_bench_forward = {
    .name = "forward", .create = create, .run = run_forward, .destroy = destroy};
const cli_bench_part cli_bench_stream = {
    .name = "stream", .create = create_stream, .run = run_stream, .destroy = destroy};

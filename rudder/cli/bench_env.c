/* The part env: vectorised stepping with random actions. */
#include <stdlib.h>

#include "cli/bench.h"

/* The copies of one thread. */
typedef struct slice {
    rud_env *env;
    double *actions; /* [T][copies][width] */
    double *observations, *rewards;
    bool *terminated, *truncated, *over; /* [copies] */
} slice;

typedef struct bench {
    cli_bench_case what;
    rud_pool *pool;
    slice *slices; /* [threads] */
} bench;

static void destroy(void *state)
{
    bench *b = state;
    if (!b) return;
    for (size_t k = 0; b->slices && k < b->what.threads; k++) {
        slice *s = &b->slices[k];
        free(s->actions);
        free(s->observations);
        free(s->rewards);
        free(s->terminated);
        free(s->truncated);
        free(s->over);
        rud_env_free(&s->env);
    }
    free(b->slices);
    rud_pool_free(&b->pool);
    free(b);
}

/* Actions are drawn before: only the stepping is measured. */
static rud_status draw_actions(slice *s, size_t T, uint64_t index)
{
    const rud_space *space = &rud_env_specification(s->env)->action_space;
    const size_t rows = T * rud_env_copies(s->env);
    rud_rng rng = rud_rng_stream(0, "benchmark", index);
    if (space->kind == RUD_SPACE_BOX) {
        return rud_error(RUD_EINVAL, "random actions need a discrete action space");
    }
    s->actions = malloc(rows * space->width * sizeof *s->actions);
    if (!s->actions) return rud_error(RUD_ENOMEM, "no memory for %zu actions", rows);
    for (size_t k = 0; k < rows * space->width; k++) {
        s->actions[k] = (double)rud_rng_below(&rng, (uint64_t)space->sizes[k % space->width]);
    }
    return RUD_OK;
}

static rud_status create_slice(bench *b, size_t k)
{
    const cli_bench_case *what = &b->what;
    const rud_env_options env_options = rud_env_options_default();
    slice *s = &b->slices[k];
    const size_t copies = what->B * (k + 1) / what->threads - what->B * k / what->threads;
    RUD_TRY(rud_env_create(what->environment, &env_options, copies, &s->env));
    const size_t width = rud_env_specification(s->env)->observation_space.width;
    s->observations = malloc(copies * width * sizeof *s->observations);
    s->rewards = malloc(copies * sizeof *s->rewards);
    s->terminated = malloc(copies * sizeof *s->terminated);
    s->truncated = malloc(copies * sizeof *s->truncated);
    s->over = malloc(copies * sizeof *s->over);
    if (!s->observations || !s->rewards || !s->terminated || !s->truncated || !s->over) {
        return rud_error(RUD_ENOMEM, "no memory for %zu copies", copies);
    }
    RUD_TRY(draw_actions(s, what->T, k));
    return rud_env_reset(s->env, NULL, s->observations);
}

static rud_status create(const cli_bench_case *what, void **state)
{
    if (what->threads > what->B) {
        return rud_error(RUD_EINVAL, "%zu threads for %zu copies; give at most one each",
                         what->threads, what->B);
    }
    bench *b = calloc(1, sizeof *b);
    *state = b;
    if (b) b->what = *what;
    if (b) b->slices = calloc(what->threads, sizeof *b->slices);
    if (!b || !b->slices) return rud_error(RUD_ENOMEM, "no memory for a measurement");
    RUD_TRY(rud_pool_create(what->threads, &b->pool));
    for (size_t k = 0; k < what->threads; k++) RUD_TRY(create_slice(b, k));
    return RUD_OK;
}

static rud_status step_slice(void *context, size_t k, size_t thread)
{
    (void)thread;
    const bench *b = context;
    const slice *s = &b->slices[k];
    const size_t copies = rud_env_copies(s->env);
    const size_t row = copies * rud_env_specification(s->env)->action_space.width;
    for (size_t t = 0; t < b->what.T; t++) {
        RUD_TRY(rud_env_step(s->env, s->actions + t * row, s->observations, s->rewards,
                             s->terminated, s->truncated));
        bool any = false;
        for (size_t i = 0; i < copies; i++) {
            s->over[i] = s->terminated[i] | s->truncated[i];
            any |= s->over[i];
        }
        if (any) RUD_TRY(rud_env_reset(s->env, s->over, s->observations));
    }
    return RUD_OK;
}

static rud_status run(void *state)
{
    bench *b = state;
    if (b->what.threads == 1) return step_slice(b, 0, 0);
    return rud_pool_run(b->pool, b->what.threads, step_slice, b);
}

const cli_bench_part cli_bench_env = {
    .name = "env", .create = create, .run = run, .destroy = destroy};

/* Measurements of `rudder bench`. */
#ifndef RUD_CLI_BENCH_H
#define RUD_CLI_BENCH_H

#include "cli/cli.h"

/* What is measured: a part at the sizes D (inputs), H (hidden), B (episodes or copies), T (steps).
 */
typedef struct cli_bench_case {
    const char *part;
    size_t D, H, B, T;
    size_t threads, reps;
    const rud_cell *cell;
    const char *environment;
    const char *rule; /* of `lrp`: a name that is known */
} cli_bench_case;

typedef struct cli_bench_result {
    double median_ms, min_ms; /* of `stream`: a step */
    double steps_per_second;  /* of `env`; else NaN */
    double forward_ms;        /* of `lrp`: median of the forward pass; else NaN */
    double of_forward;        /* and the least time of lrp in least times of it; else NaN */
} cli_bench_result;

/* RUD_EINVAL for a part that cannot be measured. */
rud_status cli_bench_measure(const cli_bench_case *what, cli_bench_result *result);

/* The part `bridge`, which has its own measures: prints them. */
rud_status cli_bench_bridge(bool json);

/* A new array of numbers in -1 .. 1, the same for the same index; NULL without memory. */
float *cli_bench_random(size_t count, uint64_t index);

/* One measurable part. `create` takes memory, `run` is what is timed, and run_forward, which may be
 * NULL, in turn with it. */
typedef struct cli_bench_part {
    const char *name;
    rud_status (*create)(const cli_bench_case *what, void **state);
    rud_status (*run)(void *state);
    rud_status (*run_forward)(void *state);
    void (*destroy)(void *state); /* of any state, also a half made one; NULL is allowed */
} cli_bench_part;

extern const cli_bench_part cli_bench_train, cli_bench_forward, cli_bench_stream, cli_bench_lrp,
    cli_bench_env;

#endif

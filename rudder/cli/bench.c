/* rudder bench: how fast each part is. */
#include "cli/bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_PART = 256,
    KEY_SIZE,
    KEY_THREADS,
    KEY_REPS,
    KEY_CELL,
    KEY_RULE,
    KEY_ENV,
    KEY_JSON,
    WARM_UP = 2
};

typedef struct arguments {
    cli_verbosity verbosity;
    cli_bench_case what; /* part NULL: all; D 0: the part's usual sizes */
    bool json;
} arguments;

static const cli_bench_part *const parts[] = {&cli_bench_train, &cli_bench_forward,
                                              &cli_bench_stream, &cli_bench_lrp, &cli_bench_env};
enum { PARTS = sizeof parts / sizeof parts[0] };

static const struct argp_option options[] = {
    {"part", KEY_PART, "PART", 0,
     "train (a whole training step), forward, stream (one step of one episode), lrp (LRP on stored "
     "activations, beside the forward pass), env (stepping of B copies) or bridge (a server of its "
     "own, beside an echo); default: all but bridge at several "
     "sizes",
     0},
    {"size", KEY_SIZE, "D,H,B,T", 0,
     "Inputs, hidden units, episodes (or copies), steps; default 16,32,8,100, of lrp 32,64,32,200",
     0},
    {"threads", KEY_THREADS, "N", 0, "Split the batch over N threads (default 1)", 0},
    {"reps", KEY_REPS, "R", 0, "Repetitions (default 20)", 0},
    {"cell", KEY_CELL, "NAME", 0, "lstm (the default), lstm1997, rudder, rudder-centred or r-lstm",
     0},
    {"rule", KEY_RULE, "RULE", 0, "Rule of the part lrp: all (the default), half, prop or abs", 0},
    {"env", KEY_ENV, "NAME", 0, "Environment of the part env (default coin-walk)", 0},
    {"json", KEY_JSON, 0, 0, "One JSON object a line and measurement", 0},
    {0},
};

static void parse_sizes(cli_bench_case *what, const char *argument, struct argp_state *state)
{
    size_t *const sizes[] = {&what->D, &what->H, &what->B, &what->T};
    char text[128];
    if (strlen(argument) >= sizeof text) argp_error(state, "--size is too long: '%s'", argument);
    snprintf(text, sizeof text, "%s", argument);
    char *next = text;
    for (size_t k = 0; k < 4; k++) {
        char *comma = strchr(next, ',');
        if ((comma == NULL) != (k == 3)) {
            argp_error(state, "--size must be D,H,B,T, such as 16,32,8,100, found '%s'", argument);
            return;
        }
        if (comma) *comma = '\0';
        *sizes[k] = cli_number(state, "each number of --size", next, 1, 1048576);
        next = comma ? comma + 1 : next;
    }
    const double widest = (double)(what->D > what->H ? what->D : what->H);
    if (widest * (double)what->B * (double)what->T > 2147483648.0) {
        argp_error(state, "--size %s is too large for memory", argument);
    }
}

static void parse_rule(cli_bench_case *what, const char *argument, struct argp_state *state)
{
    rud_attribution_options read = rud_attribution_options_default();
    if (rud_attribution_set(&read, "rule", argument) != RUD_OK) {
        argp_error(state, "--%s", rud_last_error());
    }
    what->rule = argument;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->verbosity;
        return 0;
    case KEY_PART:
        a->what.part = argument;
        return 0;
    case KEY_SIZE:
        parse_sizes(&a->what, argument, state);
        return 0;
    case KEY_THREADS:
        a->what.threads = cli_number(state, "--threads", argument, 1, 1024);
        return 0;
    case KEY_REPS:
        a->what.reps = cli_number(state, "--reps", argument, 1, 1000000);
        return 0;
    case KEY_CELL:
        a->what.cell = rud_cell_preset(argument);
        if (!a->what.cell) {
            argp_error(
                state,
                "unknown cell '%s'; there are: lstm, lstm1997, rudder, rudder-centred, r-lstm",
                argument);
        }
        return 0;
    case KEY_RULE:
        parse_rule(&a->what, argument, state);
        return 0;
    case KEY_ENV:
        a->what.environment = argument;
        return 0;
    case KEY_JSON:
        a->json = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is not understood", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const cli_bench_part *find_part(const char *name)
{
    for (size_t k = 0; k < PARTS; k++) {
        if (strcmp(parts[k]->name, name) == 0) return parts[k];
    }
    return NULL;
}

float *cli_bench_random(size_t count, uint64_t index)
{
    float *array = malloc(count * sizeof *array);
    rud_rng rng = rud_rng_stream(0, "benchmark", index);
    for (size_t k = 0; array && k < count; k++) array[k] = (float)(2 * rud_rng_uniform(&rng) - 1);
    return array;
}

/* Milliseconds that a run takes; NULL takes none. */
static rud_status time_run(rud_status (*run)(void *state), void *state, double *ms)
{
    const double start = rud_wall_seconds();
    if (run) RUD_TRY(run(state));
    *ms = 1e3 * (rud_wall_seconds() - start);
    return RUD_OK;
}

/* In turn, so that what else the machine does meets both alike. */
static rud_status time_runs(const cli_bench_part *part, void *state, size_t reps, double *ms,
                            double *forward_ms)
{
    for (size_t k = 0; k < WARM_UP + reps; k++) {
        const size_t at = k < WARM_UP ? 0 : k - WARM_UP;
        RUD_TRY(rud_stop_check(&cli_stop));
        RUD_TRY(time_run(part->run_forward, state, &forward_ms[at]));
        RUD_TRY(time_run(part->run, state, &ms[at]));
    }
    return RUD_OK;
}

static void summarise(const cli_bench_case *what, const cli_bench_part *part, double *ms,
                      double *forward_ms, cli_bench_result *result)
{
    /* `stream` is timed over an episode and told by the step. */
    const double units = part == &cli_bench_stream ? (double)what->T : 1;
    const double median = rud_quantile(ms, what->reps, 0.5);
    result->median_ms = median / units;
    result->min_ms = rud_quantile(ms, what->reps, 0) / units;
    result->steps_per_second =
        part == &cli_bench_env ? 1e3 * (double)what->B * (double)what->T / median : NAN;
    result->forward_ms = result->of_forward = NAN;
    if (!part->run_forward) return;
    result->forward_ms = rud_quantile(forward_ms, what->reps, 0.5);
    /* Other work on the machine adds to either, and least to the least. */
    result->of_forward = result->min_ms / rud_quantile(forward_ms, what->reps, 0);
}

rud_status cli_bench_measure(const cli_bench_case *what, cli_bench_result *result)
{
    const cli_bench_part *part = find_part(what->part);
    void *state = NULL;
    double *ms = malloc(2 * what->reps * sizeof *ms);
    if (!ms) return rud_error(RUD_ENOMEM, "no memory for %zu repetitions", what->reps);
    double *forward_ms = ms + what->reps;
    rud_status status = part->create(what, &state);
    if (status == RUD_OK) status = time_runs(part, state, what->reps, ms, forward_ms);
    if (status == RUD_OK) summarise(what, part, ms, forward_ms, result);
    part->destroy(state);
    free(ms);
    return status;
}

static rud_status print_json(const cli_bench_case *what, const cli_bench_result *result)
{
    json_object *o = json_object_new_object();
    bool made = rud_json_put_text(o, "part", what->part) && rud_json_put_count(o, "D", what->D) &&
                rud_json_put_count(o, "H", what->H) && rud_json_put_count(o, "B", what->B) &&
                rud_json_put_count(o, "T", what->T) &&
                rud_json_put_count(o, "threads", what->threads) &&
                rud_json_put_text(o, "cell", what->cell->name) &&
                rud_json_put_count(o, "reps", what->reps) &&
                rud_json_put_number(o, "median_ms", result->median_ms) &&
                rud_json_put_number(o, "min_ms", result->min_ms);
    if (made && isfinite(result->steps_per_second)) {
        made = rud_json_put_text(o, "environment", what->environment) &&
               rud_json_put_number(o, "steps_per_second", result->steps_per_second);
    }
    if (made && isfinite(result->forward_ms)) {
        made = rud_json_put_text(o, "rule", what->rule) &&
               rud_json_put_number(o, "forward_ms", result->forward_ms) &&
               rud_json_put_number(o, "lrp_ms", result->median_ms) &&
               rud_json_put_number(o, "of_forward", result->of_forward);
    }
    return cli_json_print_made(made, o, stdout);
}

static void print_row(const cli_bench_case *what, const cli_bench_result *result)
{
    printf("%-8s %5zu %5zu %5zu %5zu %7zu  %-9s %12.5f %12.5f", what->part, what->D, what->H,
           what->B, what->T, what->threads, what->cell->name, result->median_ms, result->min_ms);
    if (isfinite(result->steps_per_second)) {
        printf("  %.3g steps/s of %s", result->steps_per_second, what->environment);
    }
    if (isfinite(result->forward_ms)) {
        printf("  %.2f of forward, %.5f", result->of_forward, result->forward_ms);
    }
    printf("\n");
    fflush(stdout);
}

static void print_header(void)
{
    printf("%-8s %5s %5s %5s %5s %7s  %-9s %12s %12s\n", "part", "D", "H", "B", "T", "threads",
           "cell", "median ms", "least ms");
}

static rud_status measure(const cli_bench_case *what, bool json)
{
    cli_bench_result result;
    RUD_TRY(cli_bench_measure(what, &result));
    if (json) return print_json(what, &result);
    print_row(what, &result);
    return RUD_OK;
}

static cli_bench_case with_sizes(cli_bench_case what, const char *part, const size_t sizes[4])
{
    what.part = part;
    what.D = sizes[0];
    what.H = sizes[1];
    what.B = sizes[2];
    what.T = sizes[3];
    return what;
}

/* Every part, at the given size or at several. */
static rud_status measure_all(const arguments *a)
{
    static const size_t sizes[][4] = {
        {16, 8, 8, 50}, {16, 32, 8, 100}, {32, 64, 32, 200}, {64, 128, 32, 500}};
    static const size_t copies[4] = {1, 1, 1024, 1000};
    if (!a->json) print_header();
    for (size_t k = 0; k < PARTS; k++) {
        const char *part = parts[k]->name;
        cli_bench_case what = a->what;
        what.part = part;
        if (a->what.D) {
            RUD_TRY(measure(&what, a->json));
            continue;
        }
        const bool env = parts[k] == &cli_bench_env;
        for (size_t s = 0; s < (env ? 1 : sizeof sizes / sizeof sizes[0]); s++) {
            what = with_sizes(a->what, part, env ? copies : sizes[s]);
            RUD_TRY(measure(&what, a->json));
        }
    }
    return RUD_OK;
}

static const size_t *usual_sizes(const char *part)
{
    static const size_t usual[4] = {16, 32, 8, 100}, of_lrp[4] = {32, 64, 32, 200},
                        copies[4] = {1, 1, 1024, 1000};
    if (strcmp(part, "env") == 0) return copies;
    return strcmp(part, "lrp") == 0 ? of_lrp : usual;
}

static rud_status measure_one(const arguments *a)
{
    cli_bench_case what = a->what;
    if (!what.D) what = with_sizes(what, what.part, usual_sizes(what.part));
    if (!a->json) print_header();
    return measure(&what, a->json);
}

int cli_bench(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_verbosity_argp, 0, 0, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "",
        "Measures the speed of each part on random data: median and least time of a repetition, "
        "in milliseconds.\v"
        "A training step is forward, loss at every step, backward and Adam, with a head of D "
        "outputs. `stream` tells the time of one step.",
        children,
        0,
        0};
    arguments a = {.what = {.threads = 1, .reps = 20, .environment = "coin-walk", .rule = "all"}};
    a.what.cell = rud_cell_preset("lstm");
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    const char *part = a.what.part;
    if (part && strcmp(part, "bridge") == 0) {
        const rud_status done = cli_bench_bridge(a.json);
        return done == RUD_OK ? CLI_DONE : cli_fail(done);
    }
    if (part && !find_part(part)) {
        return cli_fail_usage(rud_error(
            RUD_EINVAL, "unknown part '%s'; there are: train, forward, stream, lrp, env, bridge",
            part));
    }
    const rud_status status = part ? measure_one(&a) : measure_all(&a);
    return status == RUD_OK ? CLI_DONE : cli_fail(status);
}

/* rudder experiment: methods x environment variants x seeds. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum { KEY_SEEDS = 256, KEY_THREADS };

typedef struct arguments {
    cli_config_options options;
    char seeds_first[64], seeds_count[64]; /* settings made of --seeds */
    size_t threads;
} arguments;

static const struct argp_option options[] = {
    {"seeds", KEY_SEEDS, "FIRST:COUNT", 0, "Seeds, instead of the configuration's", 0},
    {"threads", KEY_THREADS, "N", 0, "Threads (default: one a processor)", 0},
    {0},
};

/* FIRST:COUNT becomes two settings of the configuration, which has their ranges. */
static void parse_seeds(arguments *a, char *argument, struct argp_state *state)
{
    char first[32];
    const char *colon = strchr(argument, ':');
    const size_t length = colon ? (size_t)(colon - argument) : 0;
    if (!colon || length >= sizeof first) {
        argp_error(state, "--seeds must be FIRST:COUNT, such as 0:20, found '%s'", argument);
        return;
    }
    snprintf(first, sizeof first, "%.*s", (int)length, argument);
    snprintf(a->seeds_first, sizeof a->seeds_first, "seeds.first=%llu",
             (unsigned long long)cli_number(state, "FIRST of --seeds", first, 0, UINT64_MAX));
    snprintf(a->seeds_count, sizeof a->seeds_count, "seeds.count=%llu",
             (unsigned long long)cli_number(state, "COUNT of --seeds", colon + 1, 1, 1000000));
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->options;
        return 0;
    case KEY_SEEDS:
        parse_seeds(a, argument, state);
        return 0;
    case KEY_THREADS:
        a->threads = cli_number(state, "--threads", argument, 1, 1024);
        return 0;
    case ARGP_KEY_END: /* --seeds wins over --set, wherever it stands */
        if (a->seeds_first[0] &&
            (cli_settings_add(&a->options.settings, a->seeds_first) != RUD_OK ||
             cli_settings_add(&a->options.settings, a->seeds_count) != RUD_OK)) {
            return ENOMEM;
        }
        return ARGP_ERR_UNKNOWN;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static rud_status print_results(const rud_config *config, const rud_runs *runs, bool json)
{
    rud_results results;
    char *config_json = NULL, *text = NULL;
    RUD_TRY(rud_results_compute(runs, &results));
    rud_status status = RUD_OK;
    if (json) {
        status = rud_config_to_json(config, &config_json);
        if (status == RUD_OK) status = rud_results_to_json(&results, config_json, &text);
        if (status == RUD_OK) fputs(text, stdout);
    } else {
        status = rud_report_print(&results, stdout);
    }
    free(config_json);
    free(text);
    rud_results_free(&results);
    return status;
}

/* Says how many runs failed, and why the first did; true if all of them did. */
static bool all_failed(const rud_runs *runs)
{
    const rud_run *first = NULL;
    size_t failed = 0;
    for (size_t k = 0; k < runs->count; k++) {
        if (!runs->items[k].error) continue;
        if (!first) first = &runs->items[k];
        failed++;
    }
    if (!first) return false;
    fprintf(stderr, "rudder: %zu of %zu runs failed; %s with seed %llu: %s\n", failed, runs->count,
            first->method, (unsigned long long)first->seed, first->error);
    return failed == runs->count;
}

static int experiment(void *context, const rud_config *config, const char *folder)
{
    const arguments *a = context;
    const rud_experiment_options run_options = {
        .folder = folder,
        .force = a->options.force,
        .threads = a->threads,
        .progress = cli_progress(&a->options.verbosity),
        .stop = &cli_stop,
    };
    rud_runs runs = {0};
    rud_status status = rud_experiment_run(config, &run_options, &runs);
    if (status == RUD_OK) status = rud_experiment_report(folder, NULL);
    if (status != RUD_OK) {
        rud_runs_free(&runs);
        return cli_fail(status);
    }
    int code = CLI_DONE;
    status = print_results(config, &runs, a->options.json);
    if (status != RUD_OK) code = cli_fail(status);
    if (status == RUD_OK && !a->options.json) printf("\nReport: %s/report.html\n", folder);
    if (all_failed(&runs)) code = CLI_FAILED;
    rud_runs_free(&runs);
    return code;
}

int cli_experiment(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_config_argp, 0, 0, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        0,
        "Runs every method of CONFIG on every environment variant and seed and prints a table.\v"
        "DIR gets config.yaml, runs.jsonl, results.json, results.csv and report.html. What was "
        "interrupted goes on where it stopped; a finished run prints its table again. "
        "`rudder help config` lists the keys of CONFIG.",
        children,
        0,
        0};
    arguments a = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return cli_config_run(&a.options, experiment, &a);
}

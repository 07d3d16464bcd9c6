/* rudder judge: how far can explanations be trusted? A table of judges. */
#include "cli/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_JSON = 0x2000, KEY_THREADS, KEY_SEED };

static const struct argp_option options[] = {
    {"json", KEY_JSON, 0, 0, "Print one JSON object instead of the table", 10},
    {0, 'o', "FILE", 0, "Write a page with table and chart there; FILE.json: JSON", 10},
    {"threads", KEY_THREADS, "N", 0, "Threads (default: one a processor)", 10},
    {"seed", KEY_SEED, "N", 0, "Of all that is drawn (default 0)", 10},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    cli_judge *judge = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &judge->verbosity;
        judge->work.stop = &cli_stop;
        return 0;
    case KEY_JSON:
        judge->json = true;
        return 0;
    case 'o':
        judge->page = cli_output_path(state, argument);
        return 0;
    case KEY_THREADS:
        judge->work.threads = cli_number(state, "--threads", argument, 1, 1024);
        return 0;
    case KEY_SEED:
        /* what the table and JSON can say exactly */
        judge->work.seed = cli_number(state, "--seed", argument, 0, (uint64_t)1 << 53);
        return 0;
    case ARGP_KEY_END:
        judge->work.progress = cli_progress(&judge->verbosity);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&cli_verbosity_argp, 0, 0, 0}, {0}};
const struct argp cli_judge_argp = {options, parse, 0, 0, children, 0, 0};

double cli_judge_real(struct argp_state *state, const char *what, const char *text, double low)
{
    char *end;
    const double number = strtod(text, &end);
    if (end == text || *end || !isfinite(number) || number < low) {
        argp_error(state, "%s must be a number from %g on, found '%s'", what, low, text);
    }
    return number;
}

static rud_status print(const cli_judge *judge, const rud_judgement *judgement)
{
    char *text;
    if (!judge->json) {
        rud_judgement_print(judgement, stdout);
        return RUD_OK;
    }
    RUD_TRY(rud_judgement_json(judgement, &text));
    puts(text);
    free(text);
    return RUD_OK;
}

/* What -o names: a page, or by its extension JSON. */
static rud_status write_file(const cli_judge *judge, const rud_judgement *judgement)
{
    char *text;
    if (!cli_has_extension(judge->page, ".json")) return rud_judgement_page(judgement, judge->page);
    RUD_TRY(rud_judgement_json(judgement, &text));
    const rud_status status = rud_file_write(judge->page, text, strlen(text));
    free(text);
    return status;
}

int cli_judge_show(const cli_judge *judge, rud_status status, rud_judgement *judgement)
{
    if (status == RUD_OK) status = print(judge, judgement);
    if (status == RUD_OK && judge->page) status = write_file(judge, judgement);
    rud_judgement_free(judgement);
    if (status != RUD_OK) return cli_fail(status);
    if (judge->page && !judge->json) {
        printf("\n%s: %s\n", cli_has_extension(judge->page, ".json") ? "JSON" : "Page",
               judge->page);
    }
    return CLI_DONE;
}

static const struct {
    const char *name;
    cli_run *run;
    const char *summary;
} judges[] = {
    {"toy", cli_judge_toy, "toy arithmetic, where the truth is known: every method, many networks"},
    {"perturbation", cli_judge_perturbation, "does the prediction hang on the relevant steps?"},
    {"truth", cli_judge_truth, "does relevance agree with the exact redistribution?"},
    {"randomise", cli_judge_randomise, "does relevance change when parameters are drawn anew?"},
};
enum { JUDGES = sizeof judges / sizeof *judges };

static void print_help(FILE *stream)
{
    fprintf(stream, "Usage: rudder judge JUDGE [OPTION...]\n"
                    "How far can explanations be trusted?\n\n");
    for (size_t k = 0; k < JUDGES; k++) {
        fprintf(stream, "  %-13s %s\n", judges[k].name, judges[k].summary);
    }
    fprintf(stream,
            "\n  -m, --model=MODEL|RUN      whose explanations are judged (all judges but toy)\n"
            "  --method=NAME[:OPTION=VALUE,...]\n"
            "                             a method to judge; may be repeated (all but toy)\n"
            "  --environment=NAME         where the truth comes from, or --truth=FILE (truth)\n"
            "  --json                     one JSON object instead of the table\n"
            "  -o FILE                    a page with table and charts\n"
            "  --threads=N, --seed=N      results depend on the seed only\n"
            "\n`rudder judge JUDGE --help` lists all options of a judge.\n");
}

int cli_judge_main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    for (size_t k = 0; k < JUDGES; k++) {
        char name[64];
        if (strcmp(judges[k].name, argv[1]) != 0) continue;
        snprintf(name, sizeof name, "rudder judge %s", judges[k].name);
        argv[1] = name;
        return judges[k].run(argc - 1, argv + 1);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0) {
        print_help(stdout);
        return CLI_DONE;
    }
    fprintf(stderr, "rudder judge: unknown judge '%s'; `rudder judge --help` lists them\n",
            argv[1]);
    return CLI_USAGE;
}

/* rudder explain: which step of an episode, and which feature of it, a prediction comes from. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/explain.h"

enum { KEY_JSON = 256, KEY_LIST, KEY_THREADS };

static const struct argp_option options[] = {
    {"json", KEY_JSON, 0, 0, "One JSON object a line and episode", 1},
    {0, 'o', "FILE", 0,
     "Write here instead of standard output, whole or not at all; FILE.html: a page, FILE.json or "
     "FILE.jsonl: as with --json",
     1},
    {"threads", KEY_THREADS, "N", 0, "Threads (default: one a processor)", 1},
    {"list", KEY_LIST, 0, 0, "List the methods, and end", 1},
    {0},
};

static bool is_page(const char *path)
{
    return cli_has_extension(path, ".html");
}

/* The arguments as a whole; the extension of -o decides where no option does. */
static void check_end(cli_explain_arguments *a, struct argp_state *state)
{
    if (a->list) return;
    if (a->attribution.baseline && a->episodes && strcmp(a->attribution.baseline, "-") == 0 &&
        strcmp(a->episodes, "-") == 0) {
        argp_error(state, "standard input cannot be both EPISODES and --baseline");
    }
    if (a->json && is_page(a->path)) {
        argp_error(state, "-o %s writes a page: leave out --json", a->path);
    }
    a->json =
        a->json || cli_has_extension(a->path, ".json") || cli_has_extension(a->path, ".jsonl");
    if (a->path && strcmp(a->path, "-") == 0) a->path = NULL;
    cli_output_apart(state, a->path, a->episodes);
    cli_output_apart(state, a->path, a->model);
    cli_output_apart(state, a->path, a->attribution.baseline);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    cli_explain_arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = a;
        state->child_inputs[1] = &a->attribution;
        state->child_inputs[2] = &a->verbosity;
        return 0;
    case KEY_JSON:
        a->json = true;
        return 0;
    case 'o':
        a->path = cli_output_path(state, argument);
        return 0;
    case KEY_THREADS:
        a->threads = cli_number(state, "--threads", argument, 1, 1024);
        return 0;
    case KEY_LIST:
        a->list = true;
        return 0;
    case ARGP_KEY_END:
        check_end(a, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Where text goes. */
typedef struct text_output {
    const cli_explain_arguments *arguments;
    const rud_explainer *explainer; /* for the names of features */
    FILE *stream;
} text_output;

static rud_status write_text(void *context, cli_explained *explained)
{
    const text_output *output = context;
    const rud_status status =
        output->arguments->json
            ? cli_explain_write_json(output->arguments, explained, output->stream)
            : cli_explain_write_table(output->explainer, explained, output->stream);
    if (status == RUD_OK && ferror(output->stream)) {
        return rud_error(RUD_EIO, "the output cannot be written");
    }
    return status;
}

static void warn_near_zero(const cli_explain_arguments *a, const cli_explain_counts *counts)
{
    if (counts->near_zero_denominators == 0 || a->verbosity.quiet) return;
    fprintf(stderr,
            "rudder: warning: %zu denominators in %zu of %zu episodes were nearer to zero than "
            "%g, where relevance grows beyond all bounds; a larger --epsilon or "
            "--product-epsilon keeps them away\n",
            counts->near_zero_denominators, counts->near_zero_episodes,
            counts->episodes - counts->left_out, RUD_NEAR_ZERO);
}

static void warn_growth(const cli_explain_arguments *a, const cli_explain_counts *counts)
{
    if (counts->grown_episodes == 0 || a->verbosity.quiet) return;
    fprintf(stderr,
            "rudder: warning: in %zu of %zu episodes relevance grew on its way back, up to %.2g "
            "times: it cancels in the sum, and a step's share says little; %s\n",
            counts->grown_episodes, counts->episodes - counts->left_out, counts->largest_growth,
            rud_lrp_growth_advice(&a->attribution.options));
}

/* Everything that one call of the program works with. */
typedef struct work {
    const cli_explain_arguments *arguments;
    rud_dataset *source;
    cli_explain_model model;
    rud_explainer *explainer;
} work;

static rud_status run(work *w, const cli_explain_sink *sink, FILE *progress,
                      cli_explain_counts *counts)
{
    const rud_status status =
        cli_explain_run(w->source, &w->model, w->arguments->threads, progress, sink, counts);
    warn_near_zero(w->arguments, counts);
    warn_growth(w->arguments, counts);
    return status;
}

static rud_status explain_to_page(work *w)
{
    cli_explain_page page = {0};
    cli_explain_counts counts;
    const cli_explain_sink sink = {cli_explain_page_add, &page, RUD_PAGE_EPISODES};
    rud_status status = run(w, &sink, cli_progress(&w->arguments->verbosity), &counts);
    if (status == RUD_OK) {
        status = cli_explain_page_write(&page, w->arguments, w->explainer, counts.left_out);
    }
    cli_explain_page_free(&page);
    return status;
}

static rud_status explain_to_stream(work *w, FILE *stream, FILE *progress)
{
    text_output output = {w->arguments, w->explainer, stream};
    cli_explain_counts counts;
    const cli_explain_sink sink = {write_text, &output, 0};
    return run(w, &sink, progress, &counts);
}

static rud_status explain_to_file(work *w)
{
    rud_atomic_file file;
    RUD_TRY(rud_atomic_file_open(w->arguments->path, &file));
    const rud_status status =
        explain_to_stream(w, file.stream, cli_progress(&w->arguments->verbosity));
    if (status == RUD_OK) return rud_atomic_file_commit(&file);
    rud_atomic_file_abort(&file);
    return status;
}

/* The exit code. What the explainer refuses at once is wrong usage. */
static int explain(work *w)
{
    const cli_explain_arguments *a = w->arguments;
    rud_status status = cli_explain_source_open(a, &w->source);
    if (status == RUD_OK) status = cli_explain_model_open(a, w->source, &w->model);
    if (status != RUD_OK) return cli_fail(status);
    status = cli_explain_model_explainer(&w->model, &w->explainer);
    if (status != RUD_OK) return cli_fail_usage(status);
    if (is_page(a->path)) {
        status = explain_to_page(w);
    } else if (a->path) {
        status = explain_to_file(w);
    } else {
        /* A bar would stand between the lines on a terminal. */
        status = explain_to_stream(w, stdout,
                                   isatty(STDOUT_FILENO) ? NULL : cli_progress(&a->verbosity));
    }
    return status == RUD_OK ? CLI_DONE : cli_fail(status);
}

static void parse_arguments(int argc, char **argv, cli_explain_arguments *a)
{
    const struct argp_child children[] = {{&cli_explain_argp, 0, 0, 0},
                                          {cli_attribution_argp(), 0, 0, 2},
                                          {&cli_verbosity_argp, 0, 0, 9},
                                          {0}};
    const struct argp argp = {
        options,
        parse,
        "EPISODES",
        "Says which step of each episode, and which feature of it, the model's prediction comes "
        "from. EPISODES is Minari, D4RL, JSON lines or a journal of the agent bridge, - is JSON "
        "lines on standard input; for an LSTM of others \"observations\" alone is enough, its rows "
        "are the inputs.\v"
        "Relevance is in units of the prediction (of a return predictor: of reward, before the "
        "correction that makes it sum to the return). The share of a final observation stands with "
        "the last step.",
        children,
        0,
        0};
    argp_parse(&argp, argc, argv, 0, NULL, a);
}

int cli_explain(int argc, char **argv)
{
    cli_explain_arguments a = {.attribution.options = rud_attribution_options_default()};
    parse_arguments(argc, argv, &a);
    if (a.list) {
        const rud_status status = cli_explain_list(a.json, stdout);
        return status == RUD_OK ? CLI_DONE : cli_fail(status);
    }
    work w = {.arguments = &a};
    const int code = explain(&w);
    rud_explainer_free(&w.explainer);
    cli_explain_model_close(&w.model);
    rud_dataset_close(&w.source);
    return code;
}

/* rudder redistribute: a data set with its rewards moved to the steps that earn them. */
#include "cli/redistribute.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/dataset_options.h"
#include "cli/explain.h"

enum {
    KEY_FORMAT = 256,
    KEY_FORCE,
    KEY_KEEP,
    KEY_CORRECTION,
    KEY_MIX,
    KEY_ERROR,
    KEY_THREADS,
    KEY_JSON
};

static const struct argp_option options[] = {
    {"model", 'm', "RUN|MODEL", 0, "A run folder of `rudder train`, or its model file", 1},
    {0, 'o', "OUT", 0, "A data set that is made whole or not at all; - is standard output", 1},
    {"format", KEY_FORMAT, "NAME", 0,
     "minari, d4rl or jsonl; by default what OUT's extension says, else that of IN", 1},
    {"force", KEY_FORCE, 0, 0, "Replace OUT once the new one is complete", 1},
    {"keep-rewards", KEY_KEEP, 0, 0,
     "Leave `rewards` as they are, and put the redistributed ones into " RUD_INFO_REDISTRIBUTED, 1},
    {"correction", KEY_CORRECTION, "last|uniform|proportional|none", 0,
     "Where the prediction error goes, so that an episode's rewards add up to its return; default "
     "last",
     1},
    {"mix", KEY_MIX, "W", 0, "Rewards are (1 - W) original + W redistributed; default 1", 1},
    {"max-error-z", KEY_ERROR, "Z", 0,
     "Episodes whose prediction error exceeds Z standard deviations of the errors in the test keep "
     "their rewards",
     1},
    {"threads", KEY_THREADS, "N", 0, "Threads (default: one a processor)", 1},
    {"json", KEY_JSON, 0, 0, "Print the summary as one line of JSON", 1},
    {0},
};

static double parse_real(struct argp_state *state, const char *what, const char *text, double most)
{
    double number;
    if (!rud_number_parse(text, &number) || !(number >= 0 && number <= most)) {
        char range[48] = "of at least 0";
        if (isfinite(most)) snprintf(range, sizeof range, "from 0 to %g", most);
        argp_error(state, "%s must be a number %s, found '%s'", what, range, text);
    }
    return number;
}

static rud_correction parse_correction(struct argp_state *state, const char *text)
{
    const char *name;
    for (size_t k = 0; (name = cli_correction_name(k)); k++) {
        if (strcmp(name, text) == 0) return (rud_correction)k;
    }
    argp_error(state, "--correction is last, uniform, proportional or none, found '%s'", text);
    return RUD_CORRECTION_LAST;
}

static void check_end(const cli_redistribute_arguments *a, struct argp_state *state)
{
    if (!a->model) argp_error(state, "-m RUN is missing: a run folder or a model file");
    if (!a->input) argp_error(state, "IN is missing: a data set, or - for standard input");
    if (!a->output) argp_error(state, "-o OUT is missing");
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    cli_redistribute_arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->reading;
        state->child_inputs[1] = &a->attribution;
        state->child_inputs[2] = &a->verbosity;
        return 0;
    case 'm':
        a->model = argument;
        return 0;
    case 'o':
        a->output = cli_output_path(state, argument);
        return 0;
    case KEY_FORMAT:
        a->format = argument;
        return 0;
    case KEY_FORCE:
        a->force = true;
        return 0;
    case KEY_KEEP:
        a->keep_rewards = true;
        return 0;
    case KEY_JSON:
        a->json = true;
        return 0;
    case KEY_CORRECTION:
        a->correction = parse_correction(state, argument);
        return 0;
    case KEY_MIX:
        a->mix = parse_real(state, "--mix", argument, 1);
        return 0;
    case KEY_ERROR:
        a->max_error_z = parse_real(state, "--max-error-z", argument, (double)INFINITY);
        return 0;
    case KEY_THREADS:
        a->threads = cli_number(state, "--threads", argument, 1, 1024);
        return 0;
    case ARGP_KEY_ARG:
        if (a->input) argp_error(state, "one IN only, found '%s' too", argument);
        a->input = argument;
        return 0;
    case ARGP_KEY_END:
        check_end(a, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* D4RL's files have the extension of Minari's bare ones. */
static const char *output_format(const cli_redistribute_arguments *a, const rud_dataset *source)
{
    const char *format = rud_dataset_format_of_path(a->output), *read = rud_dataset_format(source);
    const bool hdf5 = cli_has_extension(a->output, ".hdf5") || cli_has_extension(a->output, ".h5");
    if (a->format) return a->format;
    return !format || (hdf5 && strcmp(read, "d4rl") == 0) ? read : format;
}

/* Everything that one call of the program works with. */
typedef struct work {
    const cli_redistribute_arguments *arguments;
    cli_explain_model model;
    rud_dataset *source;
    double seconds;
    rud_dataset_redistributed result;
} work;

static rud_status load_model(work *w)
{
    const cli_redistribute_arguments *a = w->arguments;
    const cli_explain_arguments explained = {.model = a->model, .attribution = a->attribution};
    RUD_TRY(cli_explain_model_open(&explained, NULL, &w->model));
    if (w->model.predictor) return RUD_OK;
    return rud_error(RUD_EINVAL,
                     "%s: a network of others: redistribution needs a return predictor of "
                     "`rudder train`",
                     a->model);
}

/* The standard deviation of the errors in the test; NaN where `model` is no run of offline
 * training, which alone knows them. */
static rud_status read_error_deviation(const char *model, double *deviation)
{
    rud_offline_result found;
    char *file = rud_path_join(model, "training.json");
    *deviation = (double)NAN;
    if (!file) return rud_error(RUD_ENOMEM, "no memory for a path");
    const bool there = rud_file_exists(file);
    free(file);
    if (!there) return RUD_OK;
    RUD_TRY(rud_offline_result_read(model, &found));
    *deviation = found.error_std;
    return RUD_OK;
}

/* |G - g_last| that --max-error-z allows. */
static rud_status find_error_limit(const work *w, double *limit)
{
    const cli_redistribute_arguments *a = w->arguments;
    double deviation;
    *limit = (double)INFINITY;
    if (isnan(a->max_error_z)) return RUD_OK;
    RUD_TRY(read_error_deviation(a->model, &deviation));
    if (isnan(deviation)) {
        deviation = rud_predictor_target_std(w->model.predictor);
        rud_log(RUD_LOG_WARNING,
                "%s does not say how large its errors in the test were: --max-error-z "
                "takes the standard deviation %.4g of the training returns instead",
                a->model, deviation);
    }
    *limit = a->max_error_z * deviation;
    return RUD_OK;
}

static rud_status redistribute_into(work *w, rud_dataset_writer *writer)
{
    const cli_redistribute_arguments *a = w->arguments;
    rud_dataset_redistribution how = {
        .options = rud_redistribution_options_default(),
        .keep_rewards = a->keep_rewards,
        .work = {.predictor = w->model.predictor,
                 .threads = a->threads,
                 .progress = strcmp(a->output, "-") == 0 ? NULL : cli_progress(&a->verbosity),
                 .title = "redistribute",
                 .stop = &cli_stop},
    };
    how.options.correction = a->correction;
    how.options.mix = a->mix;
    how.options.attribution = w->model.options;
    RUD_TRY(find_error_limit(w, &how.error_limit));
    return rud_redistribute_dataset(&how, w->source, writer, &w->result);
}

static rud_status redistribute(work *w)
{
    const cli_redistribute_arguments *a = w->arguments;
    cli_provenance provenance;
    rud_dataset_writer *writer;
    RUD_TRY(cli_redistribute_provenance(a, &provenance));
    const rud_dataset_writer_options writing = {
        .format = output_format(a, w->source),
        .force = a->force,
        .source = w->source,
        .metadata = provenance.pairs,
        .metadata_count = provenance.count,
        .stop = &cli_stop,
    };
    RUD_TRY(rud_dataset_writer_open(a->output, &writing, &writer));
    const rud_status status = redistribute_into(w, writer);
    if (status == RUD_OK) return rud_dataset_writer_commit(&writer);
    rud_dataset_writer_abort(&writer);
    return status;
}

static rud_status print_json(const work *w, FILE *stream)
{
    const rud_dataset_redistributed *r = &w->result;
    json_object *o = json_object_new_object();
    const bool made =
        rud_json_put_text(o, "output", w->arguments->output) &&
        rud_json_put_text(o, "method", w->arguments->attribution.options.method->name) &&
        rud_json_put_count(o, "episodes", r->episodes) &&
        rud_json_put_count(o, "steps", r->steps) && rud_json_put_count(o, "kept", r->kept) &&
        rud_json_put_number(o, "explained_variance", r->explained_variance) &&
        rud_json_put_number(o, "mean_quality", r->mean_quality) &&
        rud_json_put_number(o, "seconds", w->seconds);
    return cli_json_print_made(made, o, stream);
}

static void print_text(const work *w, FILE *stream)
{
    const cli_redistribute_arguments *a = w->arguments;
    const rud_dataset_redistributed *r = &w->result;
    fprintf(stream, "%zu episodes, %zu steps redistributed by %s in %.1f s\n", r->episodes,
            r->steps, a->attribution.options.method->name, w->seconds);
    fprintf(stream, "  %-48s %.4f\n", "explained variance of these returns", r->explained_variance);
    if (!isnan(a->max_error_z)) {
        fprintf(stream, "  %-48s %zu\n", "episodes that kept their rewards (--max-error-z)",
                r->kept);
    }
    fprintf(stream, "\nData set: %s\n", a->output);
}

/* Where the data set itself goes to standard output, the summary goes to standard error. */
static rud_status print(const work *w)
{
    FILE *stream = strcmp(w->arguments->output, "-") == 0 ? stderr : stdout;
    if (w->arguments->json) return print_json(w, stream);
    if (stream == stdout || !w->arguments->verbosity.quiet) print_text(w, stream);
    return RUD_OK;
}

static rud_status run(work *w)
{
    const cli_redistribute_arguments *a = w->arguments;
    const double started = rud_wall_seconds();
    RUD_TRY(load_model(w));
    RUD_TRY(rud_dataset_open(a->input, &a->reading, &w->source));
    RUD_TRY(redistribute(w));
    w->seconds = rud_wall_seconds() - started;
    return print(w);
}

int cli_redistribute(int argc, char **argv)
{
    const struct argp_child children[] = {{&cli_dataset_argp, 0, 0, 0},
                                          {cli_attribution_argp(), 0, 0, 4},
                                          {&cli_verbosity_argp, 0, 0, 9},
                                          {0}};
    const struct argp argp = {
        options,
        parse,
        "IN",
        "Writes the episodes of IN as OUT, with each reward moved to the step that earns it by "
        "the model of `rudder train`. IN and OUT are Minari data sets or their bare HDF5 files, "
        "D4RL's flat HDF5, JSON lines.\v"
        "The original rewards are kept in the info " RUD_INFO_ORIGINAL
        ". The infos " RUD_INFO_PREDICTION " and " RUD_INFO_QUALITY
        " say how well each episode's return was "
        "predicted; 1 is a perfect quality.",
        children,
        0,
        0};
    cli_redistribute_arguments a = {.attribution.options = rud_attribution_options_default(),
                                    .reading = rud_dataset_options_default(),
                                    .mix = 1,
                                    .max_error_z = (double)NAN};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    const char *format = a.format ? a.format : rud_dataset_format_of_path(a.output);
    /* Lines need no spaces to become lines. */
    a.reading.stream = format && strcmp(format, "jsonl") == 0;
    work w = {.arguments = &a};
    const rud_status status = run(&w);
    rud_dataset_close(&w.source);
    cli_explain_model_close(&w.model);
    return status == RUD_OK ? CLI_DONE : cli_fail(status);
}

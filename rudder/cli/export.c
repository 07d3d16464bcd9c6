/* rudder export: converts between the formats of episodes. */
#include <string.h>

#include "cli/dataset_options.h"

enum { KEY_FORMAT = 256, KEY_FORCE };

typedef struct arguments {
    cli_verbosity verbosity;
    const char *input, *output, *format;
    rud_dataset_options reading;
    bool force;
} arguments;

static const struct argp_option options[] = {
    {"output", 'o', "OUT", 0, "A data set that is made whole or not at all; - is standard output",
     1},
    {"format", KEY_FORMAT, "NAME", 0,
     "minari, d4rl or jsonl; by default .jsonl and - are JSON lines, .hdf5 is Minari's bare file "
     "and a path without extension its folder",
     1},
    {"force", KEY_FORCE, 0, 0, "Replace OUT once the new one is complete", 1},
    {0},
};

static void check_end(const arguments *a, struct argp_state *state)
{
    if (!a->input) argp_error(state, "IN is missing: a data set, or - for standard input");
    if (!a->output) argp_error(state, "-o OUT is missing");
    if (!a->format && !rud_dataset_format_of_path(a->output)) {
        argp_error(state,
                   "the extension of '%s' says no format: use .jsonl, .hdf5 or none, or --format",
                   a->output);
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->reading;
        state->child_inputs[1] = &a->verbosity;
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

static rud_status copy_episodes(rud_dataset *source, rud_dataset_writer *writer,
                                rud_progress *progress)
{
    for (size_t k = 0;; k++) {
        rud_episode *episode;
        RUD_TRY(rud_stop_check(&cli_stop));
        RUD_TRY(rud_dataset_next(source, &episode));
        if (!episode) return RUD_OK;
        const rud_status status = rud_dataset_carry(writer, k, episode, NULL);
        rud_episode_free(&episode);
        if (status != RUD_OK) return status;
        if (progress) rud_progress_update(progress, k + 1, NULL);
    }
}

/* A stream does not know how many episodes will come: then there is no progress to show. */
static rud_status copy(const arguments *a, rud_dataset *source, rud_dataset_writer *writer)
{
    const size_t count = rud_dataset_episodes(source);
    rud_progress *progress = NULL;
    if (count != RUD_DATASET_UNKNOWN) {
        FILE *shown = strcmp(a->output, "-") == 0 ? NULL : cli_progress(&a->verbosity);
        RUD_TRY(rud_progress_create(shown, "export", count, &progress));
    }
    const rud_status status = copy_episodes(source, writer, progress);
    rud_progress_free(&progress);
    return status;
}

static rud_status export(const arguments *a, rud_dataset *source)
{
    const rud_dataset_writer_options writing = {
        .format = a->format, .force = a->force, .source = source, .stop = &cli_stop};
    rud_dataset_writer *writer;
    RUD_TRY(rud_dataset_writer_open(a->output, &writing, &writer));
    const rud_status status = copy(a, source, writer);
    if (status == RUD_OK) return rud_dataset_writer_commit(&writer);
    rud_dataset_writer_abort(&writer);
    return status;
}

int cli_export(int argc, char **argv)
{
    static const struct argp_child children[] = {
        {&cli_dataset_argp, 0, 0, 0}, {&cli_verbosity_argp, 0, "General:", 3}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "IN",
        "Writes the episodes of IN (a Minari data set, its bare HDF5 file, D4RL's flat HDF5, JSON "
        "lines, - for standard input) as OUT.\v"
        "From Minari to Minari all is carried through. Other formats hold numbers only: images "
        "and texts are left out, and named.",
        children,
        0,
        0};
    arguments a = {.reading = rud_dataset_options_default()};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    const char *format = a.format ? a.format : rud_dataset_format_of_path(a.output);
    a.reading.without_numbers = true;
    a.reading.stream = strcmp(format, "jsonl") == 0; /* lines need no spaces to become lines */
    rud_dataset *source = NULL;
    rud_status status = rud_dataset_open(a.input, &a.reading, &source);
    if (status == RUD_OK) status = export(&a, source);
    rud_dataset_close(&source);
    return status == RUD_OK ? CLI_DONE : cli_fail(status);
}

/* rudder report: the page of an experiment, or of a data set of episodes. */
#include "cli/dataset_options.h"

#include <stdlib.h>

typedef struct arguments {
    cli_verbosity verbosity;
    rud_dataset_options reading;
    const char *input, *path, *model;
} arguments;

static const struct argp_option options[] = {
    {"model", 'm', "RUN|MODEL", 0, "The return predictor that looks at the episodes of DATA", 1},
    {"output", 'o', "FILE", 0,
     "The page (default: report.html in the folder; for DATA it must be given)", 1},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->reading;
        state->child_inputs[1] = &a->verbosity;
        return 0;
    case 'm':
        a->model = argument;
        return 0;
    case 'o':
        a->path = cli_output_path(state, argument);
        return 0;
    case ARGP_KEY_END:
        if (a->model && !a->path) argp_error(state, "-o FILE is missing: where the page goes");
        return cli_one_argument(key, argument, state, "RUN or DATA", &a->input);
    default:
        return cli_one_argument(key, argument, state, "RUN or DATA", &a->input);
    }
}

static bool holds(const char *folder, const char *name)
{
    char *file = rud_path_join(folder, name);
    const bool there = file && rud_file_exists(file);
    free(file);
    return there;
}

static rud_status report_data(const arguments *a, const char *run, const char *data)
{
    const rud_offline_report_options how = {.run = run,
                                            .data = data,
                                            .reading = &a->reading,
                                            .progress = cli_progress(&a->verbosity),
                                            .stop = &cli_stop};
    return rud_offline_report_write(&how, a->path);
}

static rud_status report(const arguments *a)
{
    if (a->model) return report_data(a, a->model, a->input);
    if (!rud_is_folder(a->input) || !holds(a->input, "config.yaml")) {
        return rud_error(RUD_EINVAL, "%s is no run: for a data set give its model too, by -m",
                         a->input);
    }
    if (holds(a->input, "splits.json")) return report_data(a, a->input, NULL);
    return rud_experiment_report(a->input, a->path);
}

int cli_report(int argc, char **argv)
{
    static const struct argp_child children[] = {
        {&cli_dataset_argp, 0, 0, 2}, {&cli_verbosity_argp, 0, 0, 9}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "RUN|DATA",
        "Writes a page. RUN is the folder of an experiment, whose finished runs are shown again, "
        "or "
        "of training on data sets, which are shown as its predictor sees them. DATA is any data "
        "set of episodes, as the predictor of -m sees them.",
        children,
        0,
        0};
    arguments a = {.reading = rud_dataset_options_default()};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    const rud_status status = report(&a);
    if (status != RUD_OK) return cli_fail(status);
    if (a.path) {
        printf("Report: %s\n", a.path);
    } else {
        printf("Report: %s/report.html\n", a.input);
    }
    return CLI_DONE;
}

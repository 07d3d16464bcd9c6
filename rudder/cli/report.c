/* rudder report: an experiment's page, written again. */
#include "cli/cli.h"

typedef struct arguments {
    cli_verbosity verbosity;
    const char *folder, *path;
} arguments;

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0, "The page (default DIR/report.html)", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->verbosity;
        return 0;
    case 'o':
        a->path = argument;
        return 0;
    default:
        return cli_one_argument(key, argument, state, "DIR", &a->folder);
    }
}

int cli_report(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_verbosity_argp, 0, 0, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "DIR",
        "Writes the page of the experiment in DIR again, from the runs that are finished.",
        children,
        0,
        0};
    arguments a = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    const rud_status status = rud_experiment_report(a.folder, a.path);
    if (status != RUD_OK) return cli_fail(status);
    if (a.path) {
        printf("Report: %s\n", a.path);
    } else {
        printf("Report: %s/report.html\n", a.folder);
    }
    return CLI_DONE;
}

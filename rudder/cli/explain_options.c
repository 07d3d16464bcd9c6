/* What is explained, and by which model: options of the commands that explain. */
#include "cli/explain.h"

enum { KEY_HEAD = 0x1000 };

static const struct argp_option options[] = {
    {"model", 'm', "MODEL|RUN", 0,
     "A model file, a run folder that holds one, or a safetensors file with the LSTM of others", 1},
    {"head", KEY_HEAD, "NAME", 0, "The head of an LSTM of others, where several fit", 1},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    cli_explain_arguments *a = state->input;
    switch (key) {
    case 'm':
        a->model = argument;
        return 0;
    case KEY_HEAD:
        a->head = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (a->episodes) argp_error(state, "one EPISODES only, found '%s' too", argument);
        a->episodes = argument;
        return 0;
    case ARGP_KEY_END:
        if (a->list) return 0;
        if (!a->model) argp_error(state, "-m MODEL is missing");
        if (!a->episodes) argp_error(state, "EPISODES is missing: a file, or - for standard input");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp cli_explain_argp = {options, parse, 0, 0, 0, 0, 0};

#include "cli/dataset_options.h"

#include <string.h>

enum { KEY_FROM = 0x2000, KEY_MAX_STEPS, KEY_TAIL };

static const struct argp_option options[] = {
    {"from", KEY_FROM, "NAME", 0, "Format of IN, if its content does not tell", 2},
    {"max-steps", KEY_MAX_STEPS, "N", 0, "D4RL without timeouts: an episode was cut after N steps",
     2},
    {"tail", KEY_TAIL, "truncate|drop", 0,
     "D4RL: what to do with the rows behind the last end (default truncate)", 2},
    {0},
};

static void parse_tail(rud_dataset_options *reading, const char *argument, struct argp_state *state)
{
    const bool drop = strcmp(argument, "drop") == 0;
    if (!drop && strcmp(argument, "truncate") != 0) {
        argp_error(state, "--tail is truncate or drop, found '%s'", argument);
    }
    reading->tail = drop ? RUD_TAIL_DROP : RUD_TAIL_TRUNCATE;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    rud_dataset_options *reading = state->input;
    switch (key) {
    case KEY_FROM:
        reading->format = argument;
        return 0;
    case KEY_MAX_STEPS:
        reading->max_episode_steps = cli_number(state, "--max-steps", argument, 1, INT64_MAX);
        return 0;
    case KEY_TAIL:
        parse_tail(reading, argument, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp cli_dataset_argp = {options, parse, 0, 0, 0, 0, 0};

/* rudder judge randomise */
#include "cli/judge.h"

enum { KEY_DRAWS = 256 };

typedef struct arguments {
    cli_judge_case judged;
    rud_judge_randomise_options options;
} arguments;

static const struct argp_option options[] = {
    {"draws", KEY_DRAWS, "N", 0, "Draws of parameters (default 5)", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->judged;
        return 0;
    case KEY_DRAWS:
        a->options.draws = cli_number(state, "--draws", argument, 1, 1000);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static rud_status judge(void *context, const rud_judge_case *what, rud_judgement *judgement)
{
    const arguments *a = context;
    return rud_judge_randomise(what, &a->options, &a->judged.judge.work, judgement);
}

int cli_judge_randomise(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_judge_case_argp, 0, 0, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "EPISODES",
        "Draws the network's parameters anew, the head first, then layer by layer downwards, and "
        "compares the explanations with the original ones.\v"
        "An explanation that stays as it was does not explain what the network has learnt.",
        children,
        0,
        0};
    arguments a = {.options = rud_judge_randomise_options_default()};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return cli_judge_case_run(&a.judged, judge, &a);
}

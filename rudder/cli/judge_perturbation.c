/* rudder judge perturbation */
#include "cli/judge.h"

enum { KEY_POINTS = 256, KEY_RANDOM, KEY_REMOVE };

typedef struct arguments {
    cli_judge_case judged;
    rud_judge_perturbation_options options;
} arguments;

static const struct argp_option options[] = {
    {"remove", KEY_REMOVE, "zero|mean|delete", 0, "What takes a step's place (default delete)", 0},
    {"points", KEY_POINTS, "N", 0, "Points of a curve (default 21: every 5 %)", 0},
    {"random", KEY_RANDOM, "N", 0, "Random orders of each episode (default 10)", 0},
    {0},
};

/* The same words as the option of occlusion. */
static void set_removal(arguments *a, const char *text, struct argp_state *state)
{
    rud_attribution_options read = rud_attribution_options_default();
    if (rud_attribution_set(&read, "remove", text) != RUD_OK) {
        argp_error(state, "--%s", rud_last_error());
    }
    a->options.remove = read.remove;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->judged;
        return 0;
    case KEY_POINTS:
        a->options.points = cli_number(state, "--points", argument, 2, 1000);
        return 0;
    case KEY_RANDOM:
        a->options.random_orders = cli_number(state, "--random", argument, 1, 10000);
        return 0;
    case KEY_REMOVE:
        set_removal(a, argument, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static rud_status judge(void *context, const rud_judge_case *what, rud_judgement *judgement)
{
    const arguments *a = context;
    return rud_judge_perturbation(what, &a->options, &a->judged.judge.work, judgement);
}

int cli_judge_perturbation(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_judge_case_argp, 0, 0, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "EPISODES",
        "Removes the steps of each episode in the order of their relevance and watches the "
        "prediction: the sooner it falls, the better the relevance. Random orders stand beside.\v"
        "Steps are removed at the inputs of the network.",
        children,
        0,
        0};
    arguments a = {.options = rud_judge_perturbation_options_default()};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return cli_judge_case_run(&a.judged, judge, &a);
}

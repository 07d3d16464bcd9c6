/* rudder judge toy */
#include "cli/judge.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_NETWORKS = 256, KEY_SEQUENCES, KEY_GOAL, KEY_EPSILON };

typedef struct arguments {
    cli_judge judge;
    rud_judge_toy_options toy;
    bool epsilon_given;
} arguments;

static const struct argp_option options[] = {
    {"networks", KEY_NETWORKS, "N", 0, "Networks for each operation (default 50)", 0},
    {"sequences", KEY_SEQUENCES, "N", 0, "Unseen sequences that are explained (default 2500)", 0},
    {"goal", KEY_GOAL, "E", 0, "Mean squared error that ends a training (default 1e-4)", 0},
    {"epsilon", KEY_EPSILON, "E", 0,
     "Stabiliser of LRP's linear layers; up to four times (default 0 and 0.001)", 0},
    {0},
};

static void add_epsilon(arguments *a, const char *text, struct argp_state *state)
{
    const size_t most = sizeof a->toy.epsilons / sizeof *a->toy.epsilons;
    if (!a->epsilon_given) a->toy.epsilon_count = 0;
    a->epsilon_given = true;
    if (a->toy.epsilon_count == most) argp_error(state, "--epsilon: at most %zu times", most);
    a->toy.epsilons[a->toy.epsilon_count++] = cli_judge_real(state, "--epsilon", text, 0);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->judge;
        return 0;
    case KEY_NETWORKS:
        a->toy.networks = cli_number(state, "--networks", argument, 1, 100000);
        return 0;
    case KEY_SEQUENCES:
        a->toy.sequences = cli_number(state, "--sequences", argument, 2, 1000000);
        return 0;
    case KEY_GOAL:
        a->toy.goal = cli_judge_real(state, "--goal", argument, 1e-12);
        return 0;
    case KEY_EPSILON:
        add_epsilon(a, argument, state);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "toy takes no arguments, found '%s'", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cli_judge_toy(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_judge_argp, 0, 0, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        0,
        "One-cell LSTMs learn to add, or subtract, two marked numbers of a sequence. Every method "
        "then explains the same unseen sequences.\v"
        "Ideal relevance: n_a at step a, n_b (in subtraction -n_b) at step b, 0 elsewhere.",
        children,
        0,
        0};
    arguments a = {.toy = rud_judge_toy_options_default()};
    rud_judgement judgement;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    const rud_status status = rud_judge_toy(&a.toy, &a.judge.work, &judgement);
    return cli_judge_show(&a.judge, status, &judgement);
}

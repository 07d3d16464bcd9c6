/* rudder judge truth */
#include <errno.h>

#include "cli/judge.h"

enum { KEY_ENVIRONMENT = 256, KEY_SET, KEY_TRUTH, KEY_THRESHOLD };

typedef struct arguments {
    cli_judge_case judged;
    cli_settings settings;
    const char *environment, *truth;
    double threshold;
    rud_env *env; /* of that name */
} arguments;

static const struct argp_option options[] = {
    {"environment", KEY_ENVIRONMENT, "NAME", 0,
     "The episodes are of this environment: the truth is its exact redistribution", 0},
    {"set", KEY_SET, "KEY=VALUE", 0, "Option of the environment, such as delay=20", 0},
    {"truth", KEY_TRUTH, "FILE", 0,
     "JSON lines {\"id\", \"step_relevance\"}, as `rudder explain --json` writes them", 0},
    {"threshold", KEY_THRESHOLD, "X", 0,
     "Steps of at least this share of an episode's largest truth carry it (default 0.1)", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->judged;
        return 0;
    case KEY_ENVIRONMENT:
        a->environment = argument;
        return 0;
    case KEY_SET:
        return cli_settings_add(&a->settings, argument) == RUD_OK ? 0 : ENOMEM;
    case KEY_TRUTH:
        a->truth = argument;
        return 0;
    case KEY_THRESHOLD:
        a->threshold = cli_judge_real(state, "--threshold", argument, 0);
        if (a->threshold == 0 || a->threshold > 1) {
            argp_error(state, "--threshold must be above 0 and at most 1, found '%s'", argument);
        }
        return 0;
    case ARGP_KEY_END:
        if (!a->environment == !a->truth) {
            argp_error(state, "give either --environment NAME or --truth FILE");
        }
        if (a->settings.count > 0 && !a->environment) {
            argp_error(state, "--set belongs to --environment");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static rud_status judge(void *context, const rud_judge_case *what, rud_judgement *judgement)
{
    const arguments *a = context;
    cli_truths t = {0};
    rud_status status = a->truth ? cli_truths_read(&a->judged.episodes, a->truth, &t) : RUD_OK;
    if (status == RUD_OK) {
        const rud_judge_truth_options truth_options = {
            .env = a->env, .truth = (const double *const *)t.rows, .threshold = a->threshold};
        status = rud_judge_truth(what, &truth_options, &a->judged.judge.work, judgement);
    }
    cli_truths_free(&t);
    return status;
}

/* Makes the environment; what is wrong then was wrong on the command line. */
static rud_status open_environment(arguments *a)
{
    rud_env_options env_options = rud_env_options_default();
    RUD_TRY(rud_config_set_environment(&env_options, a->settings.items, a->settings.count));
    RUD_TRY(rud_env_create(a->environment, &env_options, 1, &a->env));
    if (rud_env_specification(a->env)->has_expected_return) return RUD_OK;
    return rud_error(RUD_EINVAL, "%s does not know its expected return; give --truth FILE",
                     a->environment);
}

int cli_judge_truth(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_judge_case_argp, 0, 0, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "EPISODES",
        "Compares relevance with the exact redistribution of the environment (the change of the "
        "expected return at each step) or with a given truth.\v"
        "With --environment the mean over the episodes is taken off step 0 on both sides: the "
        "truth has the mean return there, and not every method does.",
        children,
        0,
        0};
    arguments a = {.threshold = rud_judge_truth_options_default().threshold};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    const rud_status status = a.environment ? open_environment(&a) : RUD_OK;
    const int code =
        status == RUD_OK ? cli_judge_case_run(&a.judged, judge, &a) : cli_fail_usage(status);
    cli_judge_case_free(&a.judged);
    rud_env_free(&a.env);
    cli_settings_free(&a.settings);
    return code;
}

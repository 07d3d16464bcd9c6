/* rudder train: a return predictor from an environment's episodes, or from data sets. */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/train_offline.h"

typedef struct train_options {
    cli_config_options config;
    cli_settings episodes; /* the argument of every --episodes */
} train_options;

static rud_status print_json(const rud_config *config, const rud_training_result *r,
                             const char *folder)
{
    json_object *o = json_object_new_object();
    const bool made = rud_json_put_text(o, "run", folder) &&
                      rud_json_put_text(o, "environment", config->environment) &&
                      rud_json_put_text(o, "cell", config->agent.redistributor.predictor.cell) &&
                      rud_json_put_count(o, "updates", r->updates) &&
                      rud_json_put_number(o, "loss", r->loss) &&
                      rud_json_put_number(o, "quality", r->quality) &&
                      rud_json_put_number(o, "variance_ratio", r->variance_ratio) &&
                      rud_json_put_number(o, "r_squared", r->r_squared) &&
                      rud_json_put_number(o, "reward_pearson", r->reward_pearson) &&
                      rud_json_put_number(o, "seconds", r->seconds);
    return cli_json_print_made(made, o, stdout);
}

static void print_line(const char *what, double value)
{
    /* NaN: the environment does not know its exact values. */
    if (value == value) printf("  %-52s %.4f\n", what, value);
}

static void print_table(const rud_config *config, const rud_training_result *r, const char *folder)
{
    printf("%s, %s: %zu updates in %.1f s\n", config->environment,
           config->agent.redistributor.predictor.cell, r->updates, r->seconds);
    print_line("loss at the end (returns of standard deviation 1)", r->loss);
    print_line("quality (explained variance)", r->quality);
    print_line("variance ratio", r->variance_ratio);
    print_line("R^2 of the prediction against E[G | history]", r->r_squared);
    print_line("correlation of the rewards with the exact ones", r->reward_pearson);
    printf("\nModel: %s/model.safetensors\n", folder);
}

static int train(void *context, const rud_config *config, const char *folder)
{
    const cli_config_options *o = &((const train_options *)context)->config;
    const rud_training_run_options run_options = {
        .folder = folder,
        .force = o->force,
        .progress = cli_progress(&o->verbosity),
        .stop = &cli_stop,
    };
    rud_training_result result;
    rud_status status = rud_training_run(config, &run_options, &result);
    if (status == RUD_EINVAL) return cli_fail_usage(status); /* a predictor that cannot learn */
    if (status != RUD_OK) return cli_fail(status);
    if (o->json) {
        status = print_json(config, &result, folder);
    } else {
        print_table(config, &result, folder);
    }
    return status == RUD_OK ? CLI_DONE : cli_fail(status);
}

static bool reads_standard_input(const cli_settings *episodes)
{
    for (size_t k = 0; k < episodes->count; k++) {
        if (strcmp(episodes->items[k], "-") == 0) return true;
    }
    return false;
}

/* The page reads the episodes again. */
static rud_status write_page(const train_options *o, const char *folder)
{
    const rud_offline_report_options page = {
        .run = folder, .progress = cli_progress(&o->config.verbosity), .stop = &cli_stop};
    if (!reads_standard_input(&o->episodes)) return rud_offline_report_write(&page, NULL);
    rud_log(RUD_LOG_WARNING,
            "standard input cannot be read again: no report.html; `rudder report FILE -m %s -o "
            "PAGE` makes one of the episodes in FILE",
            folder);
    return RUD_OK;
}

static int train_offline(void *context, const rud_config *config, const char *folder)
{
    const train_options *o = context;
    const rud_offline_training_options run_options = {
        .episodes = o->episodes.items,
        .episode_files = o->episodes.count,
        .folder = folder,
        .force = o->config.force,
        .progress = cli_progress(&o->config.verbosity),
        .stop = &cli_stop,
    };
    rud_offline_result result;
    rud_status status = rud_offline_training_run(config, &run_options, &result);
    if (status == RUD_OK) status = write_page(o, folder);
    if (status != RUD_OK) return cli_fail(status);
    return cli_train_offline_print(&result, folder, o->config.json);
}

enum { KEY_EPISODES = 768 };

static const struct argp_option episode_options[] = {
    {"episodes", KEY_EPISODES, "FILE", 0,
     "Train on the episodes of a data set instead of an environment's; may be repeated", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    train_options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->config;
        return 0;
    case KEY_EPISODES:
        return cli_settings_add(&o->episodes, argument) == RUD_OK ? 0 : ENOMEM;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cli_train(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_config_argp, 0, 0, 0}, {0}};
    static const struct argp argp = {
        episode_options,
        parse,
        0,
        "Trains the return predictor of CONFIG on fresh episodes of the uniformly random policy "
        "and judges it on unseen ones; or, with --episodes, the predictors of offline.ladder on "
        "data sets in any format that `rudder inspect` knows, and keeps the simplest that no other "
        "beats on episodes held out of training.\v"
        "DIR gets config.yaml, metrics.jsonl and model.safetensors; with --episodes also "
        "splits.json and training.json, and a run that was stopped or killed goes on where it was. "
        "Without, predictor.cell chooses the predictor: --set predictor.cell=rudder.",
        children,
        0,
        0};
    train_options o = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    const bool offline = o.episodes.count > 0;
    o.config.no_environment = offline;
    const int code = cli_config_run(&o.config, offline ? train_offline : train, &o);
    cli_settings_free(&o.episodes);
    return code;
}

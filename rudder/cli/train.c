/* rudder train: a return predictor from an environment's episodes. */
#include <stdlib.h>

#include "cli/cli.h"

enum { KEY_SET = 256, KEY_FORCE, KEY_JSON };

typedef struct arguments {
    cli_verbosity verbosity;
    cli_settings settings;
    const char *config;
    const char *folder;
    bool force, json;
} arguments;

static const struct argp_option options[] = {
    {"set", KEY_SET, "KEY=VALUE", 0, "Change a key of the configuration; may be repeated", 0},
    {"output", 'o', "RUN", 0, "Folder of the run (default runs/NAME, the configuration's name)", 0},
    {"force", KEY_FORCE, 0, 0, "Use RUN even if it holds something else; the model is replaced", 0},
    {"json", KEY_JSON, 0, 0, "Print the result as one JSON object", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->verbosity;
        return 0;
    case KEY_SET:
        if (cli_settings_add(&a->settings, argument) == RUD_OK) return 0;
        return ENOMEM;
    case 'o':
        a->folder = argument;
        return 0;
    case KEY_FORCE:
        a->force = true;
        return 0;
    case KEY_JSON:
        a->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->config) argp_error(state, "one CONFIG only, found '%s' too", argument);
        a->config = argument;
        return 0;
    case ARGP_KEY_END:
        if (!a->config) argp_error(state, "CONFIG is missing, such as configs/coin-walk.yaml");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static rud_status print_json(const rud_config *config, const rud_training_result *r,
                             const char *folder)
{
    json_object *o = json_object_new_object();
    const bool made = cli_json_add_text(o, "run", folder) &&
                      cli_json_add_text(o, "environment", config->environment) &&
                      cli_json_add_text(o, "cell", config->agent.redistributor.predictor.cell) &&
                      cli_json_add_count(o, "updates", r->updates) &&
                      cli_json_add_real(o, "loss", r->loss) &&
                      cli_json_add_real(o, "quality", r->quality) &&
                      cli_json_add_real(o, "variance_ratio", r->variance_ratio) &&
                      cli_json_add_real(o, "r_squared", r->r_squared) &&
                      cli_json_add_real(o, "reward_pearson", r->reward_pearson) &&
                      cli_json_add_real(o, "seconds", r->seconds);
    if (made) return cli_json_print(o, stdout);
    json_object_put(o);
    return rud_error(RUD_ENOMEM, "no memory for the JSON output");
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

static int run(const arguments *a, const rud_config *config, const char *folder)
{
    const rud_training_run_options run_options = {
        .folder = folder,
        .force = a->force,
        .progress = cli_progress(&a->verbosity),
        .stop = &cli_stop,
    };
    rud_training_result result;
    rud_status status = rud_training_run(config, &run_options, &result);
    if (status == RUD_EINVAL) return cli_fail_usage(status); /* a predictor that cannot learn */
    if (status != RUD_OK) return cli_fail(status);
    if (a->json) {
        status = print_json(config, &result, folder);
    } else {
        print_table(config, &result, folder);
    }
    return status == RUD_OK ? CLI_DONE : cli_fail(status);
}

static int read_and_run(const arguments *a)
{
    rud_config config;
    const rud_status status =
        rud_config_read(a->config, a->settings.items, a->settings.count, &config);
    if (status != RUD_OK) return cli_fail_usage(status);
    char *folder = cli_run_folder(a->folder, config.name);
    if (!folder) return cli_fail(rud_error(RUD_ENOMEM, "no memory for the folder's name"));
    const int code = run(a, &config, folder);
    free(folder);
    return code;
}

int cli_train(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_verbosity_argp, 0, 0, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "CONFIG",
        "Trains the return predictor of CONFIG on fresh episodes of the uniformly random policy "
        "and judges it on unseen ones.\v"
        "RUN gets config.yaml, metrics.jsonl and model.safetensors. predictor.cell chooses the "
        "predictor: --set predictor.cell=rudder.",
        children,
        0,
        0};
    arguments a = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    const int code = read_and_run(&a);
    cli_settings_free(&a.settings);
    return code;
}

/* rudder train: a return predictor from an environment's episodes. */
#include "cli/cli.h"

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

static int train(void *context, const rud_config *config, const char *folder)
{
    const cli_config_options *o = context;
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

static error_t parse(int key, char *argument, struct argp_state *state)
{
    (void)argument;
    if (key != ARGP_KEY_INIT) return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = state->input;
    return 0;
}

int cli_train(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_config_argp, 0, 0, 0}, {0}};
    static const struct argp argp = {
        0,
        parse,
        0,
        "Trains the return predictor of CONFIG on fresh episodes of the uniformly random policy "
        "and judges it on unseen ones.\v"
        "DIR gets config.yaml, metrics.jsonl and model.safetensors. predictor.cell chooses the "
        "predictor: --set predictor.cell=rudder.",
        children,
        0,
        0};
    cli_config_options o = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return cli_config_run(&o, train, &o);
}

/* What judges of a model's explanations share: model, episodes, methods. */
#include <stdlib.h>

#include "cli/judge.h"

enum { KEY_METHOD = 0x1800, KEY_OUTPUT };

static const struct argp_option options[] = {
    {"output", KEY_OUTPUT, "K", 0, "Output of the head (default 0)", 5},
    {"method", KEY_METHOD, "NAME[:OPTION=VALUE,...]", 0,
     "Method to judge, such as lrp:rule=half,epsilon=0.01; may be repeated (default: all)", 5},
    {0},
};

static void add_method(cli_judge_case *judged, const char *text, struct argp_state *state)
{
    const size_t count = judged->method_count;
    rud_judge_method *methods = realloc(judged->methods, (count + 1) * sizeof *methods);
    if (!methods) argp_failure(state, CLI_FAILED, 0, "no memory for the methods");
    if (!methods) return;
    judged->methods = methods;
    if (rud_judge_method_parse(text, &methods[count]) != RUD_OK) {
        argp_error(state, "--method: %s", rud_last_error());
    }
    judged->method_count++;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    cli_judge_case *judged = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &judged->explain;
        state->child_inputs[1] = &judged->judge;
        return 0;
    case KEY_OUTPUT:
        judged->output = cli_number(state, "--output", argument, 0, 1u << 20);
        return 0;
    case KEY_METHOD:
        add_method(judged, argument, state);
        return 0;
    case ARGP_KEY_END:
        cli_output_apart(state, judged->judge.page, judged->explain.episodes);
        cli_output_apart(state, judged->judge.page, judged->explain.model);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {
    {&cli_explain_argp, 0, 0, 0}, {&cli_judge_argp, 0, 0, 0}, {0}};
const struct argp cli_judge_case_argp = {options, parse, 0, 0, children, 0, 0};

static rud_status add_all(rud_dataset *dataset, rud_episodes *list)
{
    for (;;) {
        rud_episode *episode;
        RUD_TRY(rud_stop_check(&cli_stop));
        RUD_TRY(rud_dataset_next(dataset, &episode));
        if (!episode) return RUD_OK;
        RUD_TRY(rud_episodes_add(list, episode));
    }
}

static rud_status read_episodes(const char *path, rud_episodes *list)
{
    rud_dataset_options options = rud_dataset_options_default();
    rud_dataset *dataset;
    options.infos = false;
    RUD_TRY(rud_dataset_open(path, &options, &dataset));
    const rud_status status = add_all(dataset, list);
    rud_dataset_close(&dataset);
    return status;
}

/* Reads model and episodes; *what is a view into them. */
static rud_status open_case(cli_judge_case *judged, rud_judge_case *what)
{
    judged->explain.attribution.options = rud_attribution_options_default();
    RUD_TRY(cli_explain_model_open(&judged->explain, NULL, &judged->model));
    RUD_TRY(read_episodes(judged->explain.episodes, &judged->episodes));
    *what = (rud_judge_case){
        .predictor = judged->model.predictor,
        .network = judged->model.network,
        .episodes = (const rud_episode *const *)judged->episodes.items,
        .count = judged->episodes.count,
        .methods = judged->methods,
        .method_count = judged->method_count,
        .output = judged->output,
    };
    return RUD_OK;
}

void cli_judge_case_free(cli_judge_case *judged)
{
    cli_explain_model_close(&judged->model);
    rud_episodes_free(&judged->episodes);
    free(judged->methods);
    judged->methods = NULL;
}

int cli_judge_case_run(cli_judge_case *judged, cli_judge_job *job, void *context)
{
    rud_judgement judgement = {0};
    rud_judge_case what;
    rud_status status = open_case(judged, &what);
    if (status == RUD_OK) status = job(context, &what, &judgement);
    cli_judge_case_free(judged);
    return cli_judge_show(&judged->judge, status, &judgement);
}

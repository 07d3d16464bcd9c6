/* rudder explain: how much each step of an episode adds to its predicted return. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum { KEY_METHOD = 256, KEY_JSON, BAR_WIDTH = 24 };

typedef struct arguments {
    cli_verbosity verbosity;
    const char *model, *episodes, *output;
    bool json;
} arguments;

static const struct argp_option options[] = {
    {"model", 'm', "MODEL|RUN", 0, "A model file, or a run folder that holds one", 0},
    {"method", KEY_METHOD, "NAME", 0,
     "difference (the default): of consecutive return predictions; causal", 0},
    {"json", KEY_JSON, 0, 0, "One JSON object a line and episode", 0},
    {"output", 'o', "FILE", 0, "Write here instead of standard output; whole or not at all", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->verbosity;
        return 0;
    case 'm':
        a->model = argument;
        return 0;
    case KEY_METHOD:
        if (strcmp(argument, "difference") == 0) return 0;
        argp_error(state, "unknown method '%s'; there is: difference", argument);
        return 0;
    case KEY_JSON:
        a->json = true;
        return 0;
    case 'o':
        a->output = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (a->episodes) argp_error(state, "one EPISODES only, found '%s' too", argument);
        a->episodes = argument;
        return 0;
    case ARGP_KEY_END:
        if (!a->model) argp_error(state, "-m MODEL is missing");
        if (!a->episodes) argp_error(state, "EPISODES is missing: a file, or - for standard input");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* What is said of one episode, in reward units. */
typedef struct explanation {
    double prediction;     /* g_last */
    double *relevance;     /* [T] */
    double total;          /* of the relevance, and what the initial state holds: nothing here */
    double initial, error; /* error: total - prediction */
} explanation;

static rud_status explain(rud_predictor *predictor, const rud_episode *episode, explanation *e)
{
    const rud_features *features = rud_predictor_features(predictor);
    const size_t inputs = rud_features_inputs(features, episode), T = episode->steps;
    double *g = malloc(inputs * sizeof *g);
    *e = (explanation){.relevance = malloc(T * sizeof(double))};
    rud_status status = RUD_OK;
    if (!g || !e->relevance) {
        status = rud_error(RUD_ENOMEM, "no memory for an episode of %zu steps", T);
    } else {
        status = rud_predictor_predict(predictor, &episode, 1, &g);
    }
    if (status == RUD_OK) {
        rud_prediction_differences(g, inputs, T, e->relevance);
        e->prediction = g[inputs - 1];
        e->total = e->initial;
        for (size_t t = 0; t < T; t++) e->total += e->relevance[t];
        e->error = e->total - e->prediction;
    }
    free(g);
    return status;
}

static rud_status print_json(const rud_episode *episode, const explanation *e, FILE *stream)
{
    json_object *o = json_object_new_object(), *steps = json_object_new_array();
    bool made = o && steps;
    for (size_t t = 0; made && t < episode->steps; t++) {
        json_object *value = json_object_new_double(e->relevance[t]);
        made = value && json_object_array_add(steps, value) == 0;
        if (!made) json_object_put(value);
    }
    made = made && (episode->id ? cli_json_add_text(o, "id", episode->id)
                                : json_object_object_add(o, "id", NULL) == 0);
    made = made && cli_json_add_text(o, "method", "difference") &&
           cli_json_add_real(o, "prediction", e->prediction);
    if (made) {
        made = cli_json_add(o, "step_relevance", steps); /* takes steps */
        steps = NULL;
    }
    made = made && cli_json_add_real(o, "total", e->total) &&
           cli_json_add_real(o, "initial_relevance", e->initial) &&
           cli_json_add_real(o, "conservation_error", e->error);
    json_object_put(steps);
    if (made) return cli_json_print(o, stream);
    json_object_put(o);
    return rud_error(RUD_ENOMEM, "no memory for the JSON output");
}

/* A bar of BAR_WIDTH columns either side of a middle line. */
static void print_bar(double share, FILE *stream)
{
    const int length = (int)lround(fabs(share) * BAR_WIDTH);
    const bool left = share < 0;
    fprintf(stream, "%*s", left ? BAR_WIDTH - length : BAR_WIDTH, "");
    for (int k = 0; left && k < length; k++) fputc('#', stream);
    fputc('|', stream);
    for (int k = 0; !left && k < length; k++) fputc('#', stream);
    fputc('\n', stream);
}

static void print_table(const rud_episode *episode, const explanation *e, FILE *stream)
{
    double largest = 0;
    for (size_t t = 0; t < episode->steps; t++) largest = fmax(largest, fabs(e->relevance[t]));
    fprintf(stream, "%s: %zu steps, return %.6g, predicted %.6g\n",
            episode->id ? episode->id : "(no id)", episode->steps, rud_episode_return(episode),
            e->prediction);
    fprintf(stream, "  step       reward    relevance\n");
    for (size_t t = 0; t < episode->steps; t++) {
        fprintf(stream, "%6zu %12.5g %12.5g  ", t, episode->rewards[t], e->relevance[t]);
        print_bar(largest > 0 ? e->relevance[t] / largest : 0, stream);
    }
    fprintf(stream, "   sum %12.5g %12.5g\n\n", rud_episode_return(episode), e->total);
}

static rud_status explain_one(rud_predictor *predictor, const rud_episode *episode, bool json,
                              FILE *stream)
{
    explanation e;
    rud_status status = rud_features_check(rud_predictor_features(predictor), episode);
    if (status != RUD_OK) return status;
    status = explain(predictor, episode, &e);
    if (status == RUD_OK && json) status = print_json(episode, &e, stream);
    if (status == RUD_OK && !json) print_table(episode, &e, stream);
    free(e.relevance);
    return status;
}

static rud_status explain_all(rud_predictor *predictor, const arguments *a, FILE *stream)
{
    rud_jsonl_reader *reader;
    const bool standard = strcmp(a->episodes, "-") == 0;
    RUD_TRY(rud_jsonl_open(a->episodes, &reader));
    rud_status status = RUD_OK;
    size_t count = 0;
    for (; status == RUD_OK && !ferror(stream); count++) {
        rud_episode *episode;
        status = cli_stop ? rud_error(RUD_EINTERRUPTED, "interrupted")
                          : rud_jsonl_next(reader, &episode);
        if (status != RUD_OK || !episode) break;
        status = explain_one(predictor, episode, a->json, stream);
        if (status != RUD_OK) {
            rud_error_context(status, "%s:%zu", standard ? "standard input" : a->episodes,
                              rud_jsonl_line(reader));
        }
        rud_episode_free(&episode);
    }
    if (status == RUD_OK && count == 0) {
        status = rud_error(RUD_EFORMAT, "%s: holds no episode",
                           standard ? "standard input" : a->episodes);
    }
    rud_jsonl_close(&reader);
    return status;
}

static rud_status explain_to_output(rud_predictor *predictor, const arguments *a)
{
    if (!a->output) return explain_all(predictor, a, stdout);
    rud_atomic_file file;
    RUD_TRY(rud_atomic_file_open(a->output, &file));
    const rud_status status = explain_all(predictor, a, file.stream);
    if (status == RUD_OK) return rud_atomic_file_commit(&file);
    rud_atomic_file_abort(&file);
    return status;
}

int cli_explain(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_verbosity_argp, 0, 0, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "EPISODES",
        "Says how much each step of the episodes (JSON lines, - for standard input) adds to the "
        "return that the model predicts.\v"
        "Relevance is in units of reward, before the correction that makes it sum to the return. "
        "The share of a final observation stands with the last step.",
        children,
        0,
        0};
    arguments a = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    rud_predictor *predictor = NULL;
    rud_status status = rud_predictor_load(a.model, &predictor);
    if (status == RUD_OK) status = explain_to_output(predictor, &a);
    rud_predictor_free(&predictor);
    return status == RUD_OK ? CLI_DONE : cli_fail(status);
}

/* Episodes are packed into batches by their lengths, as an LSTM computes padded steps too; what the
 * attribution of a batch says is dealt out to its episodes. */
#include "redistribution/explainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "episodes/batch.h"
#include "redistribution/predictor_private.h"

/* Batches beyond 64 episodes gain no speed; 16 million floats are 64 MiB. */
#define MOST_EPISODES 64
#define MOST_FLOATS   16e6
enum { NAME_SIZE = 80, ALL_ROWS = 1 };

/* An episode's place in the order of lengths. */
typedef struct place {
    size_t index, inputs;
    bool all_rows; /* its final observation is an input */
} place;

struct rud_explainer {
    const rud_predictor *predictor; /* NULL: of a network as it is */
    const rud_network *network;     /* of that; NULL with a predictor */
    const float *feature_mean;      /* [D] of that */
    const rud_network *replacement; /* by rud_explainer_set_network; else NULL */
    rud_attribution_options options;
    rud_attribution *attribution;
    rud_features *features[2]; /* of a network: without and with the final observation */
    float *mean;               /* [D] of a predictor's features */
    float *references;         /* [references][T][D]: where integrated gradients start */
    size_t references_capacity;
    rud_batch batch;
    const rud_episode *episodes[MOST_EPISODES];
    char names[MOST_EPISODES][NAME_SIZE];
    const char *name_of[MOST_EPISODES];
    bool alone; /* one episode is explained */
    rud_attribution_watch *watch;
    void *watcher;
    size_t through, batch_episodes, all; /* episodes before the batch at work, in it, in the run */
    double largest_growth;
};

void rud_explanation_free(rud_explanation *explanation)
{
    free(explanation->relevance);
    free(explanation->step_relevance);
    free(explanation->absorbed);
    *explanation = (rud_explanation){0};
}

double rud_explanation_contribution(const rud_explanation *explanation, size_t t)
{
    return explanation->step_relevance[t] + (explanation->absorbed ? explanation->absorbed[t] : 0);
}

static rud_status allocate(const rud_attribution_options *options, rud_explainer **explainer)
{
    *explainer = calloc(1, sizeof **explainer);
    if (*explainer == NULL) return rud_error(RUD_ENOMEM, "no memory for an explainer");
    (*explainer)->options = *options;
    return rud_attribution_create(&(*explainer)->attribution);
}

static const rud_network *network_of(const rud_explainer *explainer)
{
    if (explainer->replacement) return explainer->replacement;
    return explainer->predictor ? rud_predictor_network(explainer->predictor) : explainer->network;
}

static const rud_features *features_of(const rud_explainer *explainer, bool all_rows)
{
    return explainer->predictor ? rud_predictor_features(explainer->predictor)
                                : explainer->features[all_rows];
}

bool rud_explainer_needs_episodes(const rud_attribution_options *options)
{
    return options->baseline == RUD_FROM_EPISODES &&
           strcmp(options->method->name, "integrated-gradients") == 0;
}

static rud_status check_episodes(const rud_explainer *explainer)
{
    const rud_predictor *predictor = explainer->predictor;
    if (!rud_explainer_needs_episodes(&explainer->options)) return RUD_OK;
    if (predictor != NULL && predictor->references != NULL) return RUD_OK;
    return rud_error(RUD_EINVAL, "baseline: no episodes are kept with the model, only while it is "
                                 "trained; choose zero or mean");
}

/* A predictor without a network has predictions to offer, and one output. */
static rud_status check_options(const rud_explainer *explainer)
{
    const rud_attribution_options *options = &explainer->options;
    RUD_TRY(check_episodes(explainer));
    const rud_network *network = network_of(explainer);
    if (network != NULL) return rud_attribution_check(options, network);
    const char *cell = rud_predictor_cell(explainer->predictor);
    if (options->method != rud_attribution_method_at(0)) {
        return rud_error(RUD_EINVAL,
                         "method %s needs a network, which the predictor \"%s\" has not; choose "
                         "the method difference or the cell of an LSTM",
                         options->method->name, cell);
    }
    if (options->output > 0) {
        return rud_error(RUD_EINVAL, "output %zu: the predictor \"%s\" has one output, 0",
                         options->output, cell);
    }
    return RUD_OK;
}

rud_status rud_explainer_create(const rud_predictor *predictor,
                                const rud_attribution_options *options, rud_explainer **explainer)
{
    const size_t D = rud_features_width(rud_predictor_features(predictor));
    rud_status status = allocate(options, explainer);
    if (status == RUD_OK) {
        (*explainer)->predictor = predictor;
        (*explainer)->mean = malloc(D * sizeof(float));
        status = (*explainer)->mean ? check_options(*explainer)
                                    : rud_error(RUD_ENOMEM, "no memory for %zu feature means", D);
    }
    if (status != RUD_OK) rud_explainer_free(explainer);
    return status;
}

/* The features of a network as it is: rows of D numbers as they are. */
static rud_status create_features(rud_explainer *explainer)
{
    const size_t D = rud_network_specification(explainer->network)->inputs;
    rud_space space = {0};
    RUD_TRY(rud_space_box(NULL, NULL, D, &space));
    rud_status status = RUD_OK;
    for (size_t k = 0; k < 2 && status == RUD_OK; k++) {
        rud_features_options options = rud_features_options_default();
        options.final_observation = k == ALL_ROWS;
        status = rud_features_create(&options, &space, NULL, &explainer->features[k]);
    }
    rud_space_free(&space);
    return status;
}

rud_status rud_explainer_create_for_network(const rud_network *network, const float *feature_mean,
                                            const rud_attribution_options *options,
                                            rud_explainer **explainer)
{
    rud_status status = allocate(options, explainer);
    if (status == RUD_OK) {
        (*explainer)->network = network;
        (*explainer)->feature_mean = feature_mean;
        status = check_options(*explainer);
        if (status == RUD_OK) status = create_features(*explainer);
    }
    if (status != RUD_OK) rud_explainer_free(explainer);
    return status;
}

void rud_explainer_free(rud_explainer **explainer)
{
    rud_explainer *e = *explainer;
    if (e == NULL) return;
    rud_attribution_free(&e->attribution);
    for (size_t k = 0; k < 2; k++) rud_features_free(&e->features[k]);
    rud_batch_free(&e->batch);
    free(e->mean);
    free(e->references);
    free(e);
    *explainer = NULL;
}

const rud_predictor *rud_explainer_predictor(const rud_explainer *explainer)
{
    return explainer->predictor;
}

const rud_attribution_options *rud_explainer_options(const rud_explainer *explainer)
{
    return &explainer->options;
}

void rud_explainer_set_watch(rud_explainer *explainer, rud_attribution_watch *watch, void *watcher)
{
    explainer->watch = watch;
    explainer->watcher = watcher;
}

double rud_explainer_largest_growth(const rud_explainer *explainer)
{
    return explainer->largest_growth;
}

void rud_explainer_feature_name(const rud_explainer *explainer, size_t d, char *name, size_t size)
{
    rud_features_name(features_of(explainer, false), d, name, size);
}

/* `episode "its id"`, or its number in the list; of one alone "the episode". */
static const char *name_episode(const rud_explainer *explainer, const rud_episode *episode,
                                size_t number, char name[NAME_SIZE])
{
    if (episode->id != NULL)
        snprintf(name, NAME_SIZE, "episode \"%s\"", episode->id);
    else if (explainer->alone)
        snprintf(name, NAME_SIZE, "the episode");
    else
        snprintf(name, NAME_SIZE, "episode %zu", number);
    return name;
}

/* Puts the name before a message; "the episode" says nothing there. */
static rud_status in_episode(rud_status status, const rud_explainer *explainer,
                             const rud_episode *episode, size_t number)
{
    char name[NAME_SIZE];
    if (explainer->alone && episode->id == NULL) return status;
    return rud_error_context(status, "%s", name_episode(explainer, episode, number, name));
}

static double *numbers(size_t count)
{
    return count < SIZE_MAX / sizeof(double) ? calloc(count, sizeof(double)) : NULL;
}

/* What is the same for every method. */
static rud_status create_explanation(const rud_explainer *explainer, const rud_episode *episode,
                                     const place *place, rud_explanation *e)
{
    const double none = (double)NAN;
    *e = (rud_explanation){
        .steps = episode->steps,
        .inputs = place->inputs,
        .width = rud_features_width(features_of(explainer, place->all_rows)),
        .baseline_prediction = none,
        .irrelevant = none,
        .growth = none,
        .step_relevance = numbers(episode->steps),
    };
    if (e->step_relevance == NULL) {
        return rud_error(RUD_ENOMEM, "no memory for an episode of %zu steps", episode->steps);
    }
    return RUD_OK;
}

/* The step that input t belongs to. */
static size_t step_of(const rud_explanation *e, size_t t)
{
    return t < e->steps ? t : e->steps - 1;
}

/* A predictor without a network: r_t = g_t - g_{t-1}, g_{-1} = 0, up to the chosen step. */
static rud_status explain_predictions(const rud_explainer *explainer, const rud_episode *episode,
                                      rud_explanation *e)
{
    const size_t chosen = explainer->options.step;
    const size_t end = chosen == RUD_LAST_STEP ? e->inputs : chosen + 1;
    double *g = numbers(e->inputs);
    if (g == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu predictions", e->inputs);
    const rud_status status = rud_predictor_predict(explainer->predictor, &episode, 1, &g);
    if (status == RUD_OK) {
        double before = 0;
        for (size_t t = 0; t < end; t++) {
            e->step_relevance[step_of(e, t)] += g[t] - before;
            before = g[t];
        }
        for (size_t t = 0; t < e->steps; t++) e->total += e->step_relevance[t];
        e->prediction = before;
        e->conservation_error = e->total - e->prediction;
    }
    free(g);
    return status;
}

static double probability(double log_odds)
{
    return 1 / (1 + exp(-log_odds));
}

/* Differences of log-odds become those of probabilities, g_t = sigma(y_t). */
static void make_probabilities(const rud_explainer *explainer, rud_explanation *e)
{
    if (explainer->predictor == NULL || e->step_relevance == NULL ||
        rud_predictor_target_kind(explainer->predictor) != RUD_TARGET_SUCCESS ||
        explainer->options.method != rud_attribution_method_at(0) ||
        rud_predictor_network(explainer->predictor) == NULL) {
        return;
    }
    double y = 0, before = 0;
    e->total = 0;
    for (size_t t = 0; t < e->steps; t++) {
        y += e->step_relevance[t];
        const double g = probability(y);
        e->step_relevance[t] = g - before;
        e->total += e->step_relevance[t];
        before = g;
    }
    e->prediction = probability(e->prediction);
}

/* Column b of a result. */
static rud_status take(rud_explainer *explainer, const rud_attribution_result *result, size_t b,
                       size_t B, rud_explanation *e)
{
    if (result->step_relevance == NULL) {
        free(e->step_relevance);
        e->step_relevance = NULL;
    }
    if (result->absorbed != NULL) e->absorbed = numbers(e->steps);
    if (result->relevance != NULL) e->relevance = malloc(e->inputs * e->width * sizeof(float));
    if ((result->absorbed && !e->absorbed) || (result->relevance && !e->relevance)) {
        return rud_error(RUD_ENOMEM, "no memory for an episode of %zu inputs", e->inputs);
    }
    for (size_t t = 0; t < e->inputs; t++) {
        const size_t row = t * B + b, step = step_of(e, t);
        if (e->step_relevance) e->step_relevance[step] += result->step_relevance[row];
        if (e->absorbed) e->absorbed[step] += result->absorbed[row];
        if (e->relevance) {
            memcpy(e->relevance + t * e->width, result->relevance + row * e->width,
                   e->width * sizeof(float));
        }
    }
    e->prediction = result->prediction[b];
    e->total = result->total[b];
    e->conservation_error = result->conservation_error[b];
    if (result->baseline_prediction) e->baseline_prediction = result->baseline_prediction[b];
    if (result->initial_relevance) e->initial_relevance = result->initial_relevance[b];
    if (result->irrelevant) e->irrelevant = result->irrelevant[b];
    if (result->growth) {
        e->growth = result->growth[b];
        explainer->largest_growth = fmax(explainer->largest_growth, e->growth);
    }
    if (result->near_zero) e->near_zero_denominators = (size_t)result->near_zero[b];
    make_probabilities(explainer, e);
    return RUD_OK;
}

/* The means that the network sees now; NULL where they are not known. */
static const float *feature_mean(const rud_explainer *explainer)
{
    if (explainer->predictor == NULL) return explainer->feature_mean;
    const rud_feature_statistics *statistics = &explainer->predictor->statistics;
    if (statistics->count == 0) return NULL;
    for (size_t d = 0; d < statistics->D; d++) {
        explainer->mean[d] = (float)rud_feature_statistics_mean(statistics, d);
    }
    return explainer->mean;
}

/* From the batch at work to the whole run. */
static rud_status watch_batch(void *context, double done)
{
    const rud_explainer *e = context;
    if (e->watch == NULL) return RUD_OK;
    return e->watch(e->watcher,
                    ((double)e->through + (double)e->batch_episodes * done) / (double)e->all);
}

/* Lays out the kept episodes for the batch. */
static rud_status give_episodes(rud_explainer *explainer, rud_attribution_options *options)
{
    if (!rud_explainer_needs_episodes(options)) return RUD_OK;
    const rud_reference_episodes *references = explainer->predictor->references;
    const size_t T = explainer->batch.T, D = references->D, count = references->count;
    if (T > SIZE_MAX / sizeof(float) / D / RUD_REFERENCE_EPISODES)
        return rud_error(RUD_ENOMEM, "episodes of %zu inputs do not fit memory", T);
    if (count * T * D > explainer->references_capacity) {
        float *grown = realloc(explainer->references, count * T * D * sizeof *grown);
        if (grown == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu episodes", count);
        explainer->references = grown;
        explainer->references_capacity = count * T * D;
    }
    for (size_t k = 0; k < count; k++)
        for (size_t t = 0; t < T; t++)
            rud_reference_episodes_row(references, &explainer->predictor->statistics, k, t,
                                       explainer->references + (k * T + t) * D);
    options->given = explainer->references;
    options->given_count = count;
    options->given_steps = T;
    return RUD_OK;
}

/* Packs B episodes as the network reads them and fills the input. */
static rud_status pack(rud_explainer *explainer, bool all_rows, size_t B,
                       rud_attribution_input *input)
{
    RUD_TRY(rud_batch_pack(&explainer->batch, features_of(explainer, all_rows), explainer->episodes,
                           B));
    *input = (rud_attribution_input){.network = network_of(explainer),
                                     .x = explainer->batch.x,
                                     .lengths = explainer->batch.lengths,
                                     .T = explainer->batch.T,
                                     .B = B,
                                     .feature_mean = feature_mean(explainer),
                                     .scale = 1,
                                     .names = explainer->name_of,
                                     .watch = watch_batch,
                                     .watcher = explainer};
    if (explainer->predictor) {
        rud_predictor_output_scale(explainer->predictor, &input->scale, &input->offset);
    }
    return RUD_OK;
}

/* A batch of B checked episodes, all with their final observation as input or all without. */
static rud_status explain_batch(rud_explainer *explainer, const rud_episode *const *episodes,
                                const place *places, size_t B, rud_explanation *explanations)
{
    rud_attribution_input input;
    rud_attribution_result result;
    for (size_t b = 0; b < B; b++) {
        const size_t k = places[b].index;
        explainer->episodes[b] = episodes[k];
        explainer->name_of[b] = name_episode(explainer, episodes[k], k, explainer->names[b]);
    }
    rud_attribution_options options = explainer->options;
    RUD_TRY(pack(explainer, places->all_rows, B, &input));
    RUD_TRY(give_episodes(explainer, &options));
    const rud_status status =
        rud_attribution_run(explainer->attribution, &options, &input, &result);
    if (status == RUD_EDIVERGED && explainer->predictor) {
        return rud_error_context(status, "training diverged; try a smaller "
                                         "predictor.learning_rate or predictor.clip_norm");
    }
    RUD_TRY(status);
    for (size_t b = 0; b < B; b++) {
        const size_t k = places[b].index;
        RUD_TRY(create_explanation(explainer, episodes[k], &places[b], &explanations[k]));
        RUD_TRY(take(explainer, &result, b, B, &explanations[k]));
    }
    return RUD_OK;
}

/* How many of places[count], longest first, make the next batch. */
static size_t next_batch(const rud_explainer *explainer, const place *places, size_t count)
{
    const rud_network_spec *spec = rud_network_specification(network_of(explainer));
    const double halves = (double)(spec->layers * rud_directions(spec));
    const double floats =
        (double)places->inputs * ((double)spec->inputs + 10.0 * halves * (double)spec->hidden);
    size_t B = 1;
    while (B < count && B < MOST_EPISODES && (double)(B + 1) * floats <= MOST_FLOATS &&
           places[B].all_rows == places->all_rows) {
        B++;
    }
    return B;
}

/* By kind of features, then longest first, then in their order. */
static int compare_places(const void *a, const void *b)
{
    const place *first = a, *second = b;
    if (first->all_rows != second->all_rows) return first->all_rows ? 1 : -1;
    if (first->inputs != second->inputs) return first->inputs > second->inputs ? -1 : 1;
    return first->index < second->index ? -1 : 1;
}

/* Is there a prediction at the chosen step? */
static rud_status check_step(size_t step, const rud_episode *episode, size_t inputs)
{
    if (step == RUD_LAST_STEP || step < inputs) return RUD_OK;
    if (inputs > episode->steps) {
        return rud_error(RUD_EINVAL,
                         "step %zu: there are %zu steps; choose 0 to %zu, or %zu for the "
                         "prediction after the final observation",
                         step, episode->steps, episode->steps - 1, episode->steps);
    }
    return rud_error(RUD_EINVAL, "step %zu: there are %zu steps; choose 0 to %zu", step, inputs,
                     inputs - 1);
}

/* Where each episode stands, checked. */
static rud_status find_places(const rud_explainer *explainer, const rud_episode *const *episodes,
                              size_t count, place *places)
{
    for (size_t k = 0; k < count; k++) {
        const bool all_rows = episodes[k]->observation_rows > episodes[k]->steps;
        const rud_features *features = features_of(explainer, all_rows);
        const size_t inputs = rud_features_inputs(features, episodes[k]);
        rud_status status = rud_features_check(features, episodes[k]);
        if (status == RUD_OK) status = check_step(explainer->options.step, episodes[k], inputs);
        RUD_TRY(in_episode(status, explainer, episodes[k], k));
        places[k] = (place){
            .index = k, .inputs = inputs, .all_rows = explainer->predictor == NULL && all_rows};
    }
    return RUD_OK;
}

static rud_status explain_one_by_one(const rud_explainer *explainer,
                                     const rud_episode *const *episodes, const place *places,
                                     size_t count, rud_explanation *explanations)
{
    for (size_t k = 0; k < count; k++) {
        rud_status status =
            create_explanation(explainer, episodes[k], &places[k], &explanations[k]);
        if (status == RUD_OK) {
            status = explain_predictions(explainer, episodes[k], &explanations[k]);
        }
        RUD_TRY(in_episode(status, explainer, episodes[k], k));
    }
    return RUD_OK;
}

static rud_status explain(rud_explainer *explainer, const rud_episode *const *episodes,
                          size_t count, place *places, rud_explanation *explanations)
{
    RUD_TRY(find_places(explainer, episodes, count, places));
    if (network_of(explainer) == NULL) {
        return explain_one_by_one(explainer, episodes, places, count, explanations);
    }
    qsort(places, count, sizeof *places, compare_places);
    for (size_t first = 0; first < count;) {
        const size_t B = next_batch(explainer, places + first, count - first);
        explainer->through = first;
        explainer->batch_episodes = B;
        explainer->all = count;
        RUD_TRY(explain_batch(explainer, episodes, places + first, B, explanations));
        first += B;
    }
    return RUD_OK;
}

rud_status rud_explainer_run(rud_explainer *explainer, const rud_episode *const *episodes,
                             size_t count, rud_explanation *explanations)
{
    place *places = calloc(count > 0 ? count : 1, sizeof *places);
    if (places == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu episodes", count);
    for (size_t k = 0; k < count; k++) explanations[k] = (rud_explanation){0};
    explainer->alone = count == 1;
    const rud_status status = explain(explainer, episodes, count, places, explanations);
    for (size_t k = 0; status != RUD_OK && k < count; k++) rud_explanation_free(&explanations[k]);
    free(places);
    return status;
}

/* The same connections and activations; names don't matter. */
static bool same_cell(const rud_cell *a, const rud_cell *b)
{
    bool same = a->cell_input == b->cell_input && a->hidden == b->hidden;
    for (size_t g = 0; g < RUD_GATES; g++) {
        const rud_connections *x = &a->gates[g], *y = &b->gates[g];
        same =
            same && x->forward == y->forward && x->recurrent == y->recurrent && x->bias == y->bias;
    }
    return same;
}

static bool same_specification(const rud_network_spec *a, const rud_network_spec *b)
{
    return a->inputs == b->inputs && a->hidden == b->hidden && a->layers == b->layers &&
           a->outputs == b->outputs && a->bidirectional == b->bidirectional &&
           same_cell(&a->cell, &b->cell);
}

rud_status rud_explainer_set_network(rud_explainer *explainer, const rud_network *network)
{
    explainer->replacement = NULL;
    if (network == NULL) return RUD_OK;
    const rud_network *own = network_of(explainer);
    if (own == NULL) {
        return rud_error(RUD_EINVAL,
                         "the predictor \"%s\" has no network that another could take the place of",
                         rud_predictor_cell(explainer->predictor));
    }
    if (!same_specification(rud_network_specification(own), rud_network_specification(network))) {
        return rud_error(RUD_EINVAL, "the other network must have the same inputs, hidden units, "
                                     "layers, outputs, direction and cell");
    }
    explainer->replacement = network;
    return RUD_OK;
}

/* The rows of the network's input in the order in which their steps are removed, and how many rows
 * the first removed[k] steps are. */
static void order_rows(const size_t *order, const size_t *removed, size_t count, size_t steps,
                       size_t inputs, size_t *rows, size_t *removed_rows)
{
    size_t last = steps; /* place of the last step */
    for (size_t k = 0, next = 0; k < steps; k++) {
        rows[next++] = order[k];
        if (order[k] != steps - 1) continue;
        last = k;
        if (inputs > steps) rows[next++] = steps;
    }
    for (size_t k = 0; k < count; k++) {
        removed_rows[k] = removed[k] + (inputs > steps && removed[k] > last ? 1 : 0);
    }
}

static rud_status perturb(rud_explainer *explainer, const rud_episode *episode,
                          const rud_perturbation *perturbation, double *prediction)
{
    const bool all_rows =
        explainer->predictor == NULL && episode->observation_rows > episode->steps;
    rud_attribution_input input;
    explainer->episodes[0] = episode;
    explainer->name_of[0] = name_episode(explainer, episode, 0, explainer->names[0]);
    RUD_TRY(pack(explainer, all_rows, 1, &input));
    return rud_attribution_perturb(explainer->attribution, &explainer->options, &input,
                                   perturbation, prediction);
}

rud_status rud_explainer_perturb(rud_explainer *explainer, const rud_episode *episode,
                                 const size_t *order, const size_t *removed, size_t count,
                                 double *prediction)
{
    place place;
    if (network_of(explainer) == NULL) {
        return rud_error(RUD_EINVAL,
                         "the predictor \"%s\" has no network: there are no inputs to remove",
                         rud_predictor_cell(explainer->predictor));
    }
    explainer->alone = true;
    explainer->through = 0;
    explainer->batch_episodes = explainer->all = 1;
    RUD_TRY(find_places(explainer, &episode, 1, &place));
    size_t *rows = calloc(place.inputs + count, sizeof *rows);
    if (rows == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu inputs", place.inputs);
    size_t *removed_rows = rows + place.inputs;
    order_rows(order, removed, count, episode->steps, place.inputs, rows, removed_rows);
    const rud_perturbation perturbation = {rows, removed_rows, count};
    const rud_status status = perturb(explainer, episode, &perturbation, prediction);
    free(rows);
    return status;
}

/* Episodes are packed into batches by their lengths, as an LSTM computes padded steps too; what the
 * attribution of a batch says is dealt out to its episodes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redistribution/explainer_private.h"
#include "redistribution/predictor_private.h"

#define MOST_FLOATS 16e6 /* of a batch: 64 MiB */

/* `episode "its id"`, or its number in the list; of one alone "the episode". */
static const char *name_episode(const rud_explainer *explainer, const rud_episode *episode,
                                size_t number, char name[RUD_EXPLAINER_NAME])
{
    if (episode->id != NULL)
        snprintf(name, RUD_EXPLAINER_NAME, "episode \"%s\"", episode->id);
    else if (explainer->alone)
        snprintf(name, RUD_EXPLAINER_NAME, "the episode");
    else
        snprintf(name, RUD_EXPLAINER_NAME, "episode %zu", number);
    return name;
}

/* Puts the name before a message; "the episode" says nothing there. */
static rud_status in_episode(rud_status status, const rud_explainer *explainer,
                             const rud_episode *episode, size_t number)
{
    char name[RUD_EXPLAINER_NAME];
    if (explainer->alone && episode->id == NULL) return status;
    return rud_error_context(status, "%s", name_episode(explainer, episode, number, name));
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
    RUD_TRY(rud_batch_pack(&explainer->batch, rud_explainer_features(explainer, all_rows),
                           explainer->episodes, B));
    *input = (rud_attribution_input){.network = rud_explainer_network(explainer),
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
                                const rud_explainer_place *places, size_t B,
                                rud_explanation *explanations)
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
        RUD_TRY(rud_explanation_create(explainer, episodes[k], &places[b], &explanations[k]));
        RUD_TRY(rud_explanation_take(explainer, &result, b, B, &explanations[k]));
    }
    return RUD_OK;
}

/* How many of places[count], longest first, make the next batch. */
static size_t next_batch(const rud_explainer *explainer, const rud_explainer_place *places,
                         size_t count)
{
    const rud_network_spec *spec = rud_network_specification(rud_explainer_network(explainer));
    const double halves = (double)(spec->layers * rud_directions(spec));
    const double floats =
        (double)places->inputs * ((double)spec->inputs + 10.0 * halves * (double)spec->hidden);
    size_t B = 1;
    while (B < count && B < RUD_EXPLAINER_EPISODES && (double)(B + 1) * floats <= MOST_FLOATS &&
           places[B].all_rows == places->all_rows) {
        B++;
    }
    return B;
}

/* By kind of features, then longest first, then in their order. */
static int compare_places(const void *a, const void *b)
{
    const rud_explainer_place *first = a, *second = b;
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
                              size_t count, rud_explainer_place *places)
{
    for (size_t k = 0; k < count; k++) {
        const bool all_rows = episodes[k]->observation_rows > episodes[k]->steps;
        const rud_features *features = rud_explainer_features(explainer, all_rows);
        const size_t inputs = rud_features_inputs(features, episodes[k]);
        rud_status status = rud_features_check(features, episodes[k]);
        if (status == RUD_OK) status = check_step(explainer->options.step, episodes[k], inputs);
        RUD_TRY(in_episode(status, explainer, episodes[k], k));
        places[k] = (rud_explainer_place){
            .index = k, .inputs = inputs, .all_rows = explainer->predictor == NULL && all_rows};
    }
    return RUD_OK;
}

static rud_status explain_one_by_one(const rud_explainer *explainer,
                                     const rud_episode *const *episodes,
                                     const rud_explainer_place *places, size_t count,
                                     rud_explanation *explanations)
{
    for (size_t k = 0; k < count; k++) {
        rud_status status =
            rud_explanation_create(explainer, episodes[k], &places[k], &explanations[k]);
        if (status == RUD_OK) {
            status = rud_explanation_of_predictions(explainer, episodes[k], &explanations[k]);
        }
        RUD_TRY(in_episode(status, explainer, episodes[k], k));
    }
    return RUD_OK;
}

static rud_status explain(rud_explainer *explainer, const rud_episode *const *episodes,
                          size_t count, rud_explainer_place *places, rud_explanation *explanations)
{
    RUD_TRY(find_places(explainer, episodes, count, places));
    if (rud_explainer_network(explainer) == NULL) {
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
    rud_explainer_place *places = calloc(count > 0 ? count : 1, sizeof *places);
    if (places == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu episodes", count);
    for (size_t k = 0; k < count; k++) explanations[k] = (rud_explanation){0};
    explainer->alone = count == 1;
    const rud_status status = explain(explainer, episodes, count, places, explanations);
    for (size_t k = 0; status != RUD_OK && k < count; k++) rud_explanation_free(&explanations[k]);
    free(places);
    return status;
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
    rud_explainer_place place;
    if (rud_explainer_network(explainer) == NULL) {
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

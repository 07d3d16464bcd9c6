/* The episodes with the largest gains and losses, their key steps, and the features that matter
 * there. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "episodes/batch.h"
#include "report/episode_study_private.h"

/* Is `fact` among the examples? */
static bool chosen(const rud_episode_study *study, size_t fact)
{
    for (size_t k = 0; k < study->example_count; k++) {
        if (study->examples[k].fact == fact) return true;
    }
    return false;
}

/* The largest rises, or the deepest falls, of episodes that are not chosen yet. */
static void choose(rud_episode_study *study, bool gain)
{
    for (size_t taken = 0; taken < RUD_STUDY_EXAMPLES; taken++) {
        size_t best = study->count;
        double most = 0;
        for (size_t k = 0; k < study->count; k++) {
            const double size = gain ? study->facts[k].rise : -study->facts[k].fall;
            if (size <= most || chosen(study, k)) continue;
            most = size;
            best = k;
        }
        if (best == study->count) return;
        study->examples[study->example_count++] = (rud_episode_example){.fact = best, .gain = gain};
    }
}

/* The steps t >= 1 with the largest |difference|, in order of size. */
static void find_keys(rud_episode_example *example)
{
    const double *difference = example->explanation.step_relevance;
    while (example->key_count < RUD_STUDY_KEY_STEPS) {
        size_t best = 0;
        for (size_t t = 1; t < example->explanation.steps; t++) {
            bool taken = difference[t] == 0;
            for (size_t k = 0; k < example->key_count; k++) taken |= example->keys[k].step == t;
            if (!taken && (best == 0 || fabs(difference[t]) > fabs(difference[best]))) best = t;
        }
        if (best == 0) return;
        example->keys[example->key_count++] =
            (rud_key_step){.step = best, .reward = difference[best]};
    }
}

/* The features of the largest |relevance| at the key step: row[D] of it. */
static void find_features(const rud_features *features, const float *row, rud_key_step *key)
{
    const size_t D = rud_features_width(features);
    double before = (double)INFINITY;
    while (key->feature_count < RUD_STUDY_KEY_FEATURES) {
        size_t best = D;
        for (size_t d = 0; d < D; d++) {
            const double size = fabs((double)row[d]);
            if (size > 0 && size < before && (best == D || size > fabs((double)row[best]))) {
                best = d;
            }
        }
        if (best == D) return;
        before = fabs((double)row[best]);
        const size_t k = key->feature_count++;
        key->features[k].relevance = (double)row[best];
        rud_features_name(features, best, key->features[k].name, sizeof key->features[k].name);
    }
}

/* By layer-wise relevance propagation. */
static rud_status find_network_features(rud_explainer *explainer, rud_episode_example *example)
{
    const rud_episode *episode = example->episode;
    const rud_features *features = rud_predictor_features(rud_explainer_predictor(explainer));
    rud_explanation e;
    RUD_TRY(rud_explainer_run(explainer, &episode, 1, &e));
    for (size_t k = 0; k < example->key_count; k++) {
        find_features(features, e.relevance + example->keys[k].step * e.width, &example->keys[k]);
    }
    rud_explanation_free(&e);
    return RUD_OK;
}

/* What a feature adds to a linear prediction is w_d x_{t,d}. */
static rud_status find_linear_features(const rud_predictor *predictor, rud_episode_example *example)
{
    const rud_episode *episode = example->episode;
    const rud_features *features = rud_predictor_features(predictor);
    const double *w = rud_predictor_linear_weights(predictor);
    rud_batch batch = {0};
    RUD_TRY(rud_batch_pack(&batch, features, &episode, 1));
    for (size_t k = 0; k < example->key_count; k++) {
        float *row = batch.x + example->keys[k].step * batch.D;
        for (size_t d = 0; d < batch.D; d++) row[d] = (float)(w[d] * (double)row[d]);
        find_features(features, row, &example->keys[k]);
    }
    rud_batch_free(&batch);
    return RUD_OK;
}

/* features: NULL where the predictor has no network. */
static rud_status explain(rud_explainer *difference, rud_explainer *features,
                          rud_episode_example *example)
{
    const rud_episode *episode = example->episode;
    const rud_predictor *predictor = rud_explainer_predictor(difference);
    RUD_TRY(rud_explainer_run(difference, &episode, 1, &example->explanation));
    find_keys(example);
    if (features != NULL) return find_network_features(features, example);
    if (rud_predictor_linear_weights(predictor) == NULL) return RUD_OK;
    return find_linear_features(predictor, example);
}

/* Where the data name the parts of a row, "observation[3]=2" becomes "observations/goal[1]=2". */
static void name_by_data(const rud_dataset *source, char *name, size_t size)
{
    const bool action = strncmp(name, "action", 6) == 0;
    const char *const field = action ? "actions/" : "observations/";
    char *rest = name + (action ? strlen("action") : strlen("observation"));
    if (!action && strncmp(name, "observation", 11) != 0) return; /* the time */
    const size_t column = *rest == '[' ? strtoull(rest + 1, &rest, 10) : 0;
    char value[32], place[32] = "";
    snprintf(value, sizeof value, "%s", rest + (*rest == ']'));
    const rud_dataset_leaf *leaf;
    for (size_t k = 0; (leaf = rud_dataset_leaf_at(source, k)) != NULL; k++) {
        if (!leaf->readable || strncmp(leaf->name, field, strlen(field)) != 0) continue;
        if (column < leaf->column || column >= leaf->column + leaf->width) continue;
        if (leaf->width > 1) snprintf(place, sizeof place, "[%zu]", column - leaf->column);
        snprintf(name, size, "%s%s%s", leaf->name, place, value);
        return;
    }
}

/* Reads and explains one. */
static rud_status make_example(rud_episode_study *study, rud_episode_example *example,
                               rud_explainer *difference, rud_explainer *features)
{
    const rud_episode_report *report = study->report;
    const rud_episode_fact *fact = &study->facts[example->fact];
    rud_dataset *source;
    RUD_TRY(rud_dataset_open(report->data[fact->file], report->reading, &source));
    rud_status status = rud_dataset_read(source, fact->index, &example->episode);
    if (status == RUD_OK) status = explain(difference, features, example);
    for (size_t k = 0; k < example->key_count; k++) {
        rud_key_step *key = &example->keys[k];
        for (size_t d = 0; d < key->feature_count; d++) {
            name_by_data(source, key->features[d].name, sizeof key->features[d].name);
        }
    }
    rud_dataset_close(&source);
    return status;
}

rud_status rud_episode_study_examples(rud_episode_study *study)
{
    const rud_predictor *predictor = study->report->predictor;
    rud_explainer *difference = NULL, *features = NULL;
    rud_attribution_options options = rud_attribution_options_default();
    choose(study, true);
    choose(study, false);
    rud_status status = rud_explainer_create(predictor, &options, &difference);
    if (status == RUD_OK && rud_predictor_network(predictor) != NULL) {
        status = rud_attribution_set(&options, "method", "lrp");
        if (status == RUD_OK) status = rud_explainer_create(predictor, &options, &features);
    }
    for (size_t k = 0; status == RUD_OK && k < study->example_count; k++) {
        status = make_example(study, &study->examples[k], difference, features);
    }
    rud_explainer_free(&difference);
    rud_explainer_free(&features);
    return status;
}

/* Explanations: made from what the attribution of a batch says of one of its episodes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "redistribution/explainer_private.h"

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

static double *numbers(size_t count)
{
    return count < SIZE_MAX / sizeof(double) ? calloc(count, sizeof(double)) : NULL;
}

rud_status rud_explanation_create(const rud_explainer *explainer, const rud_episode *episode,
                                  const rud_explainer_place *place, rud_explanation *e)
{
    const double none = (double)NAN;
    *e = (rud_explanation){
        .steps = episode->steps,
        .inputs = place->inputs,
        .width = rud_features_width(rud_explainer_features(explainer, place->all_rows)),
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

rud_status rud_explanation_of_predictions(const rud_explainer *explainer,
                                          const rud_episode *episode, rud_explanation *e)
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

rud_status rud_explanation_take(rud_explainer *explainer, const rud_attribution_result *result,
                                size_t b, size_t B, rud_explanation *e)
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

/* Episodes explained in batches, and their relevance made rewards. */
#include <stdlib.h>
#include <string.h>

#include "redistribution/redistribution.h"

/* Explanations kept at once: they hold the relevance of every input. */
enum { BATCH = 64 };

static rud_status check(const rud_explainer *explainer)
{
    const rud_attribution_options *attribution = rud_explainer_options(explainer);
    if (rud_explainer_predictor(explainer) == NULL) {
        return rud_error(RUD_EINVAL, "redistribution needs a return predictor, not a network");
    }
    if (attribution->step != RUD_LAST_STEP || attribution->steps_end > 0) {
        return rud_error(RUD_EINVAL, "redistribution explains the last prediction, every step by "
                                     "itself; leave out the options step and steps");
    }
    const rud_predictor *predictor = rud_explainer_predictor(explainer);
    if (rud_predictor_target_kind(predictor) == RUD_TARGET_SUCCESS &&
        attribution->method != rud_attribution_method_at(0)) {
        return rud_error(RUD_EINVAL,
                         "the model predicts the probability of success, and method %s explains "
                         "its log-odds, which are no rewards; choose difference",
                         attribution->method->name);
    }
    return RUD_OK;
}

/* r[t] = the step's relevance with what it absorbed; the sum. */
static double attributed(const rud_explanation *explanation, double *r)
{
    double sum = 0;
    for (size_t t = 0; t < explanation->steps; t++) {
        r[t] = explanation->step_relevance[t];
        if (explanation->absorbed) r[t] += explanation->absorbed[t];
        sum += r[t];
    }
    return sum;
}

/* The rewards that make up the predicted return: gamma^t r_t; in `kept`, which grows. */
static rud_status discounted_rewards(const rud_predictor *predictor, const rud_episode *episode,
                                     double **kept, const double **rewards)
{
    const double discount = rud_predictor_discount(predictor);
    double weight = 1;
    *rewards = episode->rewards;
    if (discount == 1) return RUD_OK;
    double *grown = realloc(*kept, episode->steps * sizeof *grown);
    if (grown == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu rewards", episode->steps);
    for (size_t t = 0; t < episode->steps; t++, weight *= discount) {
        grown[t] = weight * episode->rewards[t];
    }
    *rewards = *kept = grown;
    return RUD_OK;
}

static rud_status redistribute_batch(const rud_redistribution_options *options,
                                     rud_explainer *explainer, const rud_episode *const *episodes,
                                     size_t count, double *const *redistributed,
                                     double *predictions, rud_explanation *explanations)
{
    const rud_predictor *predictor = rud_explainer_predictor(explainer);
    const double mean = rud_predictor_target_mean(predictor);
    double *discounted = NULL;
    /* Differences sum to the last prediction exactly, not to rounding only. */
    const bool difference =
        rud_explainer_options(explainer)->method == rud_attribution_method_at(0);
    rud_status status = rud_explainer_run(explainer, episodes, count, explanations);
    if (status != RUD_OK) return status;
    for (size_t k = 0; k < count && status == RUD_OK; k++) {
        const double sum = attributed(&explanations[k], redistributed[k]);
        const double prediction = explanations[k].prediction;
        if (predictions) predictions[k] = prediction;
        const double *rewards = NULL;
        status = discounted_rewards(predictor, episodes[k], &discounted, &rewards);
        if (status != RUD_OK) break;
        status = rud_redistribute(options, redistributed[k], difference ? prediction : sum, rewards,
                                  episodes[k]->steps, mean, redistributed[k]);
    }
    free(discounted);
    for (size_t k = 0; k < count; k++) rud_explanation_free(&explanations[k]);
    return status;
}

rud_status rud_redistribute_episodes(const rud_redistribution_options *options,
                                     rud_explainer *explainer, const rud_episode *const *episodes,
                                     size_t count, double *const *redistributed,
                                     double *predictions)
{
    rud_explanation explanations[BATCH];
    RUD_TRY(check(explainer));
    for (size_t first = 0; first < count; first += BATCH) {
        const size_t n = count - first < BATCH ? count - first : BATCH;
        RUD_TRY(redistribute_batch(options, explainer, episodes + first, n, redistributed + first,
                                   predictions ? predictions + first : NULL, explanations));
    }
    return RUD_OK;
}

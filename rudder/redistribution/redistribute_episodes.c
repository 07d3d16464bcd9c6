/* Episodes explained in batches, and their relevance made rewards. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "redistribution/redistribution.h"

/* Explanations kept at once: they hold the relevance of every input. */
enum { BATCH = 64 };

rud_status rud_redistribution_check(const rud_predictor *predictor,
                                    const rud_attribution_options *attribution)
{
    if (predictor == NULL) {
        return rud_error(RUD_EINVAL, "redistribution needs a return predictor, not a network");
    }
    if (attribution->step != RUD_LAST_STEP || attribution->steps_end > 0) {
        return rud_error(RUD_EINVAL, "redistribution explains the last prediction, every step by "
                                     "itself; leave out the options step and steps");
    }
    if (rud_predictor_target_kind(predictor) == RUD_TARGET_SUCCESS &&
        attribution->method != rud_attribution_method_at(0)) {
        return rud_error(RUD_EINVAL,
                         "the model predicts the probability of success, and method %s explains "
                         "its log-odds, which are no rewards; choose difference",
                         attribution->method->name);
    }
    return RUD_OK;
}

/* r[t] = what the step contributes; returns the sum. */
static double attributed(const rud_explanation *explanation, double *r)
{
    double sum = 0;
    for (size_t t = 0; t < explanation->steps; t++) {
        r[t] = rud_explanation_contribution(explanation, t);
        sum += r[t];
    }
    return sum;
}

/* The rewards that make up the predicted return: gamma^t r_t, [T]. Caller owns them. */
static rud_status discount_rewards(double gamma, const rud_episode *episode, double **rewards)
{
    double weight = 1;
    *rewards = malloc(episode->steps * sizeof **rewards);
    if (*rewards == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu rewards", episode->steps);
    for (size_t t = 0; t < episode->steps; t++, weight *= gamma) {
        (*rewards)[t] = weight * episode->rewards[t];
    }
    return RUD_OK;
}

rud_status rud_redistribute_explained(const rud_redistribution_options *options,
                                      const rud_predictor *predictor,
                                      const rud_explanation *explanation,
                                      const rud_episode *episode, double *redistributed)
{
    const double gamma = rud_predictor_discount(predictor);
    const double sum = attributed(explanation, redistributed);
    /* Differences sum to the last prediction exactly, not to rounding only. */
    const bool difference = options->attribution.method == rud_attribution_method_at(0);
    double *discounted = NULL;
    if (gamma != 1) RUD_TRY(discount_rewards(gamma, episode, &discounted));
    const rud_status status =
        rud_redistribute(options, redistributed, difference ? explanation->prediction : sum,
                         discounted ? discounted : episode->rewards, episode->steps,
                         rud_predictor_target_mean(predictor), redistributed);
    free(discounted);
    return status;
}

static rud_status redistribute_batch(const rud_redistribution_options *options,
                                     rud_explainer *explainer, const rud_episode *const *episodes,
                                     size_t count, double *const *redistributed,
                                     double *predictions, rud_explanation *explanations)
{
    rud_status status = rud_explainer_run(explainer, episodes, count, explanations);
    if (status != RUD_OK) return status;
    for (size_t k = 0; k < count && status == RUD_OK; k++) {
        if (predictions) predictions[k] = explanations[k].prediction;
        status = rud_redistribute_explained(options, rud_explainer_predictor(explainer),
                                            &explanations[k], episodes[k], redistributed[k]);
    }
    for (size_t k = 0; k < count; k++) rud_explanation_free(&explanations[k]);
    return status;
}

/* Says it once for an explainer. */
static void warn_of_growth(const rud_explainer *explainer, double before)
{
    const double growth = rud_explainer_largest_growth(explainer);
    if (before > RUD_LARGE_GROWTH || growth <= RUD_LARGE_GROWTH) return;
    rud_log(RUD_LOG_WARNING,
            "relevance grew to %.2g times what it began with, and with it rewards, which cancel "
            "in their sum; %s",
            growth, rud_lrp_growth_advice(rud_explainer_options(explainer)));
}

rud_status rud_redistribute_episodes(const rud_redistribution_options *options,
                                     rud_explainer *explainer, const rud_episode *const *episodes,
                                     size_t count, double *const *redistributed,
                                     double *predictions)
{
    rud_explanation explanations[BATCH];
    const double growth = rud_explainer_largest_growth(explainer);
    RUD_TRY(rud_redistribution_check(rud_explainer_predictor(explainer),
                                     rud_explainer_options(explainer)));
    for (size_t first = 0; first < count; first += BATCH) {
        const size_t n = count - first < BATCH ? count - first : BATCH;
        RUD_TRY(redistribute_batch(options, explainer, episodes + first, n, redistributed + first,
                                   predictions ? predictions + first : NULL, explanations));
    }
    warn_of_growth(explainer, growth);
    return RUD_OK;
}

#include "training/evaluation_private.h"

#include <math.h>
#include <stdlib.h>

#include "base/statistics.h"

/* Arrays over the episodes, and over all their inputs and steps together. */
typedef struct evaluation {
    size_t n;
    size_t *steps;                      /* [n] */
    double *returns;                    /* [n] */
    double **g;                         /* [n] rows of `predictions` */
    double **exact;                     /* [n] rows of `expectations` */
    double *predictions, *expectations; /* [all inputs] */
    double **redistributed;             /* [n] rows of `all_redistributed` */
    double *all_redistributed;          /* [all steps] */
    double *rewards, *exact_rewards;    /* [all steps but the first ones] */
    double *scratch;                    /* [longest episode] */
    size_t input_count, reward_count;
} evaluation;

static void evaluation_free(evaluation *e)
{
    free(e->steps);
    free(e->returns);
    free(e->g);
    free(e->exact);
    free(e->predictions);
    free(e->expectations);
    free(e->redistributed);
    free(e->all_redistributed);
    free(e->rewards);
    free(e->exact_rewards);
    free(e->scratch);
}

static rud_status allocate(evaluation *e, const rud_predictor *predictor,
                           const rud_episodes *episodes)
{
    const rud_features *features = rud_predictor_features(predictor);
    size_t longest = 0;
    e->n = episodes->count;
    for (size_t i = 0; i < e->n; i++) {
        const size_t inputs = rud_features_inputs(features, episodes->items[i]);
        e->input_count += inputs;
        if (inputs > longest) longest = inputs;
    }
    if (longest == 0) return rud_error(RUD_EINVAL, "no episodes to judge the predictor by");
    e->steps = malloc(e->n * sizeof *e->steps);
    e->returns = malloc(e->n * sizeof *e->returns);
    e->g = malloc(e->n * sizeof *e->g);
    e->exact = malloc(e->n * sizeof *e->exact);
    e->predictions = malloc(e->input_count * sizeof *e->predictions);
    e->expectations = malloc(e->input_count * sizeof *e->expectations);
    e->redistributed = malloc(e->n * sizeof *e->redistributed);
    e->all_redistributed = malloc(e->input_count * sizeof *e->all_redistributed);
    e->rewards = malloc(e->input_count * sizeof *e->rewards);
    e->exact_rewards = malloc(e->input_count * sizeof *e->exact_rewards);
    e->scratch = malloc(longest * sizeof *e->scratch);
    if (!e->steps || !e->returns || !e->g || !e->exact || !e->predictions || !e->expectations ||
        !e->redistributed || !e->all_redistributed || !e->rewards || !e->exact_rewards ||
        !e->scratch) {
        return rud_error(RUD_ENOMEM, "no memory to evaluate %zu episodes", e->n);
    }
    size_t offset = 0;
    for (size_t i = 0; i < e->n; i++) {
        e->g[i] = e->predictions + offset;
        e->exact[i] = e->expectations + offset;
        e->redistributed[i] = e->all_redistributed + offset;
        e->steps[i] = episodes->items[i]->steps;
        e->returns[i] = rud_predictor_return(predictor, episodes->items[i]);
        offset += rud_features_inputs(features, episodes->items[i]);
    }
    return RUD_OK;
}

/* Redistributed and exact rewards of the steps t >= 1 of episode i, appended. */
static void add_rewards(evaluation *e, size_t i, size_t inputs)
{
    const size_t T = e->steps[i];
    double *exact = e->scratch;
    rud_prediction_differences(e->exact[i], inputs, T, exact);
    for (size_t t = 1; t < T; t++) {
        e->rewards[e->reward_count] = e->redistributed[i][t];
        e->exact_rewards[e->reward_count++] = exact[t];
    }
}

static rud_status redistribute(const evaluation *e, const rud_predictor *predictor,
                               const rud_redistribution_options *options,
                               const rud_episodes *episodes)
{
    rud_explainer *explainer = NULL;
    RUD_TRY(rud_explainer_create(predictor, &options->attribution, &explainer));
    const rud_status status =
        rud_redistribute_episodes(options, explainer, (const rud_episode *const *)episodes->items,
                                  e->n, e->redistributed, NULL);
    rud_explainer_free(&explainer);
    return status;
}

static rud_status against_exact(evaluation *e, const rud_predictor *predictor,
                                const rud_redistribution_options *options, const rud_env *env,
                                const rud_episodes *episodes, rud_training_result *result)
{
    RUD_TRY(redistribute(e, predictor, options, episodes));
    for (size_t i = 0; i < e->n; i++) {
        const rud_episode *episode = episodes->items[i];
        const size_t inputs = rud_features_inputs(rud_predictor_features(predictor), episode);
        RUD_TRY(rud_env_expected_return(env, episode->observations, episode->actions,
                                        episode->steps, inputs, e->exact[i]));
        add_rewards(e, i, inputs);
    }
    result->r_squared = rud_r_squared(e->predictions, e->expectations, e->input_count);
    result->reward_pearson = rud_pearson(e->rewards, e->exact_rewards, e->reward_count);
    return RUD_OK;
}

static rud_status evaluate(evaluation *e, rud_predictor *predictor,
                           const rud_redistribution_options *options, const rud_env *env,
                           const rud_episodes *episodes, rud_training_result *result)
{
    const rud_features *features = rud_predictor_features(predictor);
    RUD_TRY(allocate(e, predictor, episodes));
    RUD_TRY(
        rud_predictor_predict(predictor, (const rud_episode *const *)episodes->items, e->n, e->g));
    const double s = rud_predictor_target_std(predictor);
    result->quality = 0;
    for (size_t i = 0; i < e->n; i++) {
        const size_t inputs = rud_features_inputs(features, episodes->items[i]);
        const double error = e->returns[i] - e->g[i][inputs - 1];
        result->quality += rud_episode_quality(error, s) / (double)e->n;
    }
    result->variance_ratio =
        rud_variance_ratio((const double *const *)e->g, e->steps, e->returns, e->n);
    result->r_squared = result->reward_pearson = NAN;
    /* The exact values are of the return without a discount. */
    if (!rud_env_specification(env)->has_expected_return ||
        rud_predictor_discount(predictor) != 1) {
        return RUD_OK;
    }
    return against_exact(e, predictor, options, env, episodes, result);
}

rud_status rud_evaluate(rud_predictor *predictor, const rud_redistribution_options *options,
                        const rud_env *env, const rud_episodes *episodes,
                        rud_training_result *result)
{
    evaluation e = {0};
    const rud_status status = evaluate(&e, predictor, options, env, episodes, result);
    evaluation_free(&e);
    return status;
}

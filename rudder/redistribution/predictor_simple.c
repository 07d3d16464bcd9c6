/* Predictors that learn nothing: the return spread evenly, and the environment's exact values. */
#include <string.h>

#include "redistribution/predictor_private.h"

static rud_status create_nothing(rud_predictor *predictor, uint64_t seed)
{
    (void)predictor;
    (void)seed;
    return RUD_OK;
}

static void free_nothing(rud_predictor *predictor)
{
    (void)predictor;
}

/* g_t = G (t + 1) / T; a final observation earns nothing. */
static rud_status predict_uniform(const rud_predictor *predictor,
                                  const rud_episode *const *episodes, size_t count,
                                  double *const *g)
{
    for (size_t i = 0; i < count; i++) {
        const double G = rud_predictor_return(predictor, episodes[i]);
        const size_t T = episodes[i]->steps;
        const size_t inputs = rud_features_inputs(predictor->features, episodes[i]);
        for (size_t t = 0; t < inputs; t++) {
            g[i][t] = t + 1 < T ? G * (double)(t + 1) / (double)T : G;
        }
    }
    return RUD_OK;
}

static rud_status create_exact(rud_predictor *predictor, uint64_t seed)
{
    (void)seed;
    if (predictor->env == NULL || !rud_env_specification(predictor->env)->has_expected_return) {
        return rud_error(RUD_EINVAL, "the predictor \"exact\" needs an environment that knows its "
                                     "expected returns");
    }
    return RUD_OK;
}

static rud_status predict_exact(const rud_predictor *predictor, const rud_episode *const *episodes,
                                size_t count, double *const *g)
{
    for (size_t i = 0; i < count; i++) {
        const size_t inputs = rud_features_inputs(predictor->features, episodes[i]);
        RUD_TRY(rud_env_expected_return(predictor->env, episodes[i]->observations,
                                        episodes[i]->actions, episodes[i]->steps, inputs, g[i]));
    }
    return RUD_OK;
}

const rud_predictor_kind rud_predictor_uniform = {
    .name = "uniform",
    .create = create_nothing,
    .free = free_nothing,
    .predict = predict_uniform,
};

const rud_predictor_kind rud_predictor_exact = {
    .name = "exact",
    .create = create_exact,
    .free = free_nothing,
    .predict = predict_exact,
};

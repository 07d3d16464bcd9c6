/* A trained return predictor against the exact values, on unseen episodes. */
#ifndef RUD_TRAINING_EVALUATION_PRIVATE_H
#define RUD_TRAINING_EVALUATION_PRIVATE_H

#include "training/training.h"

/* Fills quality, variance_ratio, r_squared and reward_pearson of *result from `episodes` (of the
 * uniformly random policy); the last two are NaN where the environment has no exact values. */
rud_status rud_evaluate(rud_predictor *predictor, const rud_redistribution_options *options,
                        const rud_env *env, const rud_episodes *episodes,
                        rud_training_result *result);

#endif

/* Training a return predictor on an environment's rollouts of the uniformly random policy. */
#ifndef RUD_TRAINING_TRAINING_H
#define RUD_TRAINING_TRAINING_H

#include <stdbool.h>
#include <stdio.h>

#include "base/stop.h"
#include "config/config.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rud_training_run_options {
    const char *folder; /* RUN: model.safetensors, metrics.jsonl, config.yaml */
    bool force;         /* use a folder that holds something else: its results are replaced */
    FILE *progress;     /* NULL: silent */
    const volatile sig_atomic_t *stop; /* NULL, or set by rud_stop_request */
} rud_training_run_options;

/* Against the exact values on unseen episodes; NaN where the environment has none. */
typedef struct rud_training_result {
    size_t updates;
    double loss;           /* main, standardised, mean of the last 100 updates */
    double quality;        /* mean over the unseen episodes */
    double variance_ratio; /* same episodes */
    double r_squared;      /* of g_t against E[G | history], all steps together */
    double reward_pearson; /* of r'_t against the exact reward, t >= 1 */
    double seconds;        /* thread CPU time */
} rud_training_result;

/* Trains anew by config->train, saves the model and judges it by unseen episodes. RUD_EEXIST: the
 * folder holds something else. RUD_EINTERRUPTED, RUD_EDIVERGED: no model was written, and that of
 * an earlier run is still there. */
rud_status rud_training_run(const rud_config *config, const rud_training_run_options *options,
                            rud_training_result *result);

#ifdef __cplusplus
}
#endif
#endif

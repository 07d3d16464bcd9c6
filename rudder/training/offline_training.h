/* Training a return predictor on data sets of episodes: the model ladder, episodes held out of
 * training, and a run that goes on where it was killed. */
#ifndef RUD_TRAINING_OFFLINE_TRAINING_H
#define RUD_TRAINING_OFFLINE_TRAINING_H

#include <stdbool.h>
#include <stdio.h>

#include "base/stop.h"
#include "config/config.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rud_offline_training_options {
    const char *const *episodes; /* [episode_files] paths, in any format of rud_dataset_open */
    size_t episode_files;
    /* RUN: config.yaml, splits.json, metrics.jsonl, model.safetensors, training.json; while it
     * trains also checkpoint/ */
    const char *folder;
    bool force;     /* use a folder that holds something else: its results are replaced */
    FILE *progress; /* NULL: silent */
    const volatile sig_atomic_t *stop; /* NULL, or set by rud_stop_request */
} rud_offline_training_options;

/* One rung of the ladder. NaN where it diverged before it had learned anything. */
typedef struct rud_rung {
    char cell[RUD_NAME_SIZE];
    size_t parameters;
    size_t updates, best_update;
    bool diverged;
    double loss_main, loss_all; /* as rud_losses, means of the validation */
    double r_squared;           /* of the predicted return, in the test */
    /* How much lower its all-steps loss is than that of the best rung before it, and the standard
     * error of that; NaN for the first. */
    double gain, gain_error;
    double padding; /* share of the steps that it was trained on */
    bool chosen;
} rud_rung;

typedef struct rud_offline_result {
    size_t episodes, steps;
    size_t training, validation, test; /* episodes: see split.h */
    bool in_memory;
    rud_target_kind target;
    double discount;
    double learning_rate; /* as given, or as found by the search */
    size_t hidden;
    size_t trials; /* of the search */
    rud_rung rungs[RUD_LIST_MAX];
    size_t rung_count;
    char cell[RUD_NAME_SIZE]; /* of the chosen one; what follows is about it in the test */
    double quality;           /* mean: explained variance by the training returns' deviation */
    double r_squared;
    double rank_correlation;
    double variance_ratio;
    double error_std; /* standard deviation of G - g_last [reward units] */
    double seconds;   /* since training began, in this process; 0 where it was done before */
} rud_offline_result;

/* Trains, or goes on with a run that was killed or interrupted, or reads what a finished one found.
 * The model is the same bit for bit however often that happened. RUD_EEXIST: the folder holds
 * something else. RUD_EINVAL: the data don't allow it, such as too few episodes. RUD_EINTERRUPTED:
 * stopped, to be gone on with. */
rud_status rud_offline_training_run(const rud_config *config,
                                    const rud_offline_training_options *options,
                                    rud_offline_result *result);

/* Reads a run folder's training.json. */
rud_status rud_offline_result_read(const char *folder, rud_offline_result *result);

#ifdef __cplusplus
}
#endif
#endif

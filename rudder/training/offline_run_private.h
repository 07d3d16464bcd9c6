/* One run of offline training, as its parts hand it on: prepare, climb the ladder, judge. */
#ifndef RUD_TRAINING_OFFLINE_RUN_PRIVATE_H
#define RUD_TRAINING_OFFLINE_RUN_PRIVATE_H

#include "base/pool.h"
#include "training/fit_private.h"
#include "training/offline_folder_private.h"
#include "training/offline_training.h"

typedef struct rud_offline_run {
    rud_config config; /* with what the search chose */
    const rud_offline_training_options *options;
    rud_offline_result *result;
    rud_offline_data data;
    rud_split split;
    rud_features *features; /* standardised by the training episodes */
    rud_offline_folder paths;
    int lock; /* of the folder; -1: none yet */
    rud_pool *pool;
    pthread_mutex_t mutex;
    double steps;
    rud_fit_task task;
    char ladder[RUD_LIST_MAX][RUD_NAME_SIZE]; /* [rungs] cells */
    size_t rungs;
    rud_fit fits[RUD_LIST_MAX]; /* [rungs] */
    size_t chosen;
} rud_offline_run;

static inline rud_predictor_options *rud_offline_predictor(rud_offline_run *run)
{
    return &run->config.agent.redistributor.predictor;
}

/* Reads the episodes, splits them, and makes the features: nothing is written, and what cannot be
 * trained on has been refused. */
rud_status rud_offline_prepare(rud_offline_run *run);

/* A fit that observes the training episodes, of which others may then take over what it saw. */
rud_status rud_offline_first_fit(rud_offline_run *run, const rud_predictor_options *options,
                                 rud_fit *fit);

/* Fits every rung, from where its checkpoint stands, and chooses one. */
rud_status rud_offline_climb(rud_offline_run *run);

/* Fills the result from the fits. */
rud_status rud_offline_judge(rud_offline_run *run);

#endif

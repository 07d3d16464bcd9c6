/* One return predictor fitted to the training episodes of a split, and watched on those of the
 * validation: it is kept as it was at its best there. */
#ifndef RUD_TRAINING_FIT_PRIVATE_H
#define RUD_TRAINING_FIT_PRIVATE_H

#include <pthread.h>

#include "config/config.h"
#include "redistribution/predictor.h"
#include "training/length_buckets_private.h"
#include "training/offline_data_private.h"
#include "training/split.h"

/* What all fits of a run share. */
typedef struct rud_fit_task {
    const rud_offline_data *data;
    const rud_split *split;
    const rud_features *features;
    const rud_offline_options *options;
    uint64_t seed;
    const rud_predictor *observer; /* has observed the training episodes; NULL: there is none yet */
    size_t updates;                /* at most */
    const char *metrics;           /* path of metrics.jsonl; NULL: none is written */
    const char *folder;            /* of checkpoints; NULL: none are written */
    rud_progress *progress;
    const volatile sig_atomic_t *stop;
    pthread_mutex_t *mutex; /* of the metrics file, and of `steps` */
    double *steps;          /* that all fits have been trained on in this process */
    double started;         /* when, by rud_wall_seconds */
} rud_fit_task;

/* Where the fit stands: all that a checkpoint holds beside the predictor's state. */
typedef struct rud_fit_state {
    double updates, pass, batch; /* done; the pass under way, and the next batch in it */
    double learning_rate;
    double waits;                          /* evaluations since the loss last fell by enough */
    double reductions;                     /* of the learning rate */
    double reference;                      /* loss that it is to fall from */
    double best, best_main, best_update;   /* losses of the validation at their best */
    double sum_main, sum_all, sum_updates; /* training losses since the last evaluation */
    double rows, padded; /* inputs that went through the network; of these padding */
    double finished;     /* 0 or 1 */
    double diverged;     /* 0 or 1 */
} rud_fit_state;

typedef struct rud_fit {
    const rud_fit_task *task;
    rud_predictor_options options;
    rud_predictor *predictor;
    rud_fit_state state;
    rud_batch_plan plan;
    double planned; /* pass that `plan` is of; -1: none */
    char *metrics;  /* lines of metrics.jsonl so far */
    size_t metrics_size;
    double saved;           /* when the last checkpoint was written */
    rud_losses *validation; /* [validation_count] at the end, by the best parameters */
    double *predictions;    /* [test_count] g_last of the test, likewise */
    rud_losses *losses;     /* [batch] scratch */
    rud_episode **episodes; /* [batch] scratch */
    double **g;             /* [batch] rows of `g_values` */
    double *g_values;
    size_t g_capacity;
} rud_fit;

/* A new fit of options->cell. It observes the training episodes, or takes over what the task's
 * observer has seen. */
rud_status rud_fit_create(const rud_fit_task *task, const rud_predictor_options *options,
                          rud_fit *fit);
void rud_fit_free(rud_fit *fit);

/* Trains until the validation's loss no longer falls, from where the fit stands; then recalls the
 * best parameters and fills validation and predictions. RUD_EINTERRUPTED after writing a
 * checkpoint. A fit that diverges ends at its best. */
rud_status rud_fit_run(rud_fit *fit);

/* Checkpoints: RUN/checkpoint/<cell>. Loading leaves a fit without one as it is; one that does not
 * belong to this fit is an error. */
rud_status rud_fit_save(rud_fit *fit);
rud_status rud_fit_load(rud_fit *fit);

#endif

/* A short search for learning rate and width: trials on the task itself, few updates each. */
#ifndef RUD_TRAINING_SEARCH_PRIVATE_H
#define RUD_TRAINING_SEARCH_PRIVATE_H

#include "base/pool.h"
#include "training/fit_private.h"

typedef struct rud_trial {
    double learning_rate;
    size_t hidden;
    double loss; /* of the validation, all steps; infinite where it diverged */
} rud_trial;

typedef struct rud_search_choice {
    bool found;
    double learning_rate;
    size_t hidden;
} rud_search_choice;

/* Trial k: the first is what the options say, the others lie around it, by the task's seed. */
rud_trial rud_search_trial(const rud_predictor_options *options, uint64_t seed, size_t k);

/* Runs trials[count] of options->cell and chooses the one of lowest loss. Each has its checkpoint
 * in a folder of its own below task->folder, and goes on from there. */
rud_status rud_search_run(const rud_fit_task *task, const rud_predictor_options *options,
                          rud_pool *pool, rud_trial *trials, size_t count,
                          rud_search_choice *choice);

/* The record of a search: for which configuration, the trials, the choice. Reading one that is
 * absent, or of another configuration, leaves choice->found false. */
rud_status rud_search_write(const char *path, const char *yaml, const rud_trial *trials,
                            size_t count, const rud_search_choice *choice);
rud_status rud_search_read(const char *path, const char *yaml, rud_search_choice *choice);

#endif

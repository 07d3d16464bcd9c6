/* Finds the run of a task among many. Private to this folder. */
#ifndef RUD_EXPERIMENT_RUN_INDEX_PRIVATE_H
#define RUD_EXPERIMENT_RUN_INDEX_PRIVATE_H

#include "experiment/experiment.h"

/* What tells one run of an experiment from the others, and where it stands. */
typedef struct rud_run_key {
    bool tuning;
    int64_t delay;
    char method[RUD_NAME_SIZE];
    rud_setting setting;
    uint64_t seed;
    size_t place;
} rud_run_key;

typedef struct rud_run_index {
    rud_run_key *keys; /* [count], in order */
    size_t count;
} rud_run_index;

/* Of the runs that are there now. Caller frees. */
rud_status rud_run_index_create(const rud_runs *runs, rud_run_index *index);
void rud_run_index_free(rud_run_index *index);

/* Where the task's run stands, the first of several; SIZE_MAX: nowhere. */
size_t rud_run_index_find(const rud_run_index *index, const rud_run_task *task);

#endif

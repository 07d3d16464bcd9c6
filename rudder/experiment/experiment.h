/* Experiments: methods x environment variants x seeds as jobs over threads, resumable. */
#ifndef RUD_EXPERIMENT_EXPERIMENT_H
#define RUD_EXPERIMENT_EXPERIMENT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/stop.h"
#include "config/config.h"
#include "experiment/results.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rud_experiment_options {
    const char *folder; /* of the run; made if absent */
    bool force;         /* use a folder that holds something else: its results are replaced; runs
                           of this configuration are kept all the same */
    size_t threads;     /* 0: one a processor */
    FILE *progress;     /* NULL: silent */
    const volatile sig_atomic_t *stop; /* NULL, or set by rud_stop_request */
} rud_experiment_options;

/* Runs what is not done yet and leaves config.yaml, runs.jsonl, results.json and results.csv in
 * the folder. Each finished run is on disk before the next starts. A finished experiment is only
 * read.
 *
 * runs: out, in the order of the jobs; caller frees by rud_runs_free, also on failure.
 * RUD_EEXIST: the folder is not empty and not a run of this configuration. RUD_EINTERRUPTED: asked
 * to stop; finished runs are kept. A run whose training diverged is recorded with its error and
 * does not fail the experiment. */
rud_status rud_experiment_run(const rud_config *config, const rud_experiment_options *options,
                              rud_runs *runs);

/* One run of an experiment. */
typedef struct rud_run_task {
    const rud_config *config;
    int64_t delay; /* RUD_NO_DELAY: the environment's default */
    const char *method;
    rud_setting setting;
    uint64_t seed;
    size_t cap;                        /* episodes after which the run counts as censored */
    bool tuning;                       /* ends once solved: regrets are not needed */
    bool with_examples;                /* play examples at the end */
    const volatile sig_atomic_t *stop; /* NULL, or set by rud_stop_request */
} rud_run_task;

/* Plays the run: deterministic but for `seconds`. RUD_EDIVERGED, RUD_EINTERRUPTED. Caller frees
 * *run by rud_run_free, also on failure. */
rud_status rud_run_play(const rud_run_task *task, rud_run *run);

/* Reads back the configuration and the runs, as rud_experiment_run gave them, of a run folder whose
 * experiment need not be finished. Caller frees *runs by rud_runs_free, also on failure.
 * RUD_EINVAL: not the folder of an experiment. */
rud_status rud_experiment_read(const char *folder, rud_config *config, rud_runs *runs);

#ifdef __cplusplus
}
#endif
#endif

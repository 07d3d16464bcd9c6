/* One self-contained HTML page of a data set of episodes and what a return predictor makes of it:
 * how well returns are predicted, when they become known, where the reward moves. Opens offline,
 * readable on a phone and in dark mode. */
#ifndef RUD_REPORT_EPISODE_REPORT_H
#define RUD_REPORT_EPISODE_REPORT_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "episodes/dataset.h"
#include "redistribution/predictor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Everything is borrowed for the call. */
typedef struct rud_episode_report {
    const char *title;
    const char *const *data; /* [data_count] the data sets; their episodes count through */
    size_t data_count;
    const rud_dataset_options *reading; /* NULL: the defaults */
    const char *model;                  /* its name */
    const rud_predictor *predictor;
    const bool *trained; /* [trained_count] which episodes the predictor was fitted to or chosen by;
                            NULL: it is not known */
    size_t trained_count;              /* as many as there are episodes in all, else RUD_EINVAL */
    size_t threads;                    /* 0: one for each processor */
    FILE *progress;                    /* NULL: silence */
    const volatile sig_atomic_t *stop; /* or NULL */
} rud_episode_report;

/* Reads the data twice, an episode at a time, and writes `path` atomically. A predictor that is
 * linear and the mean return, fitted to the training episodes (to every other one if they are not
 * known), are what the predictor is compared with on the others. */
rud_status rud_episode_report_write(const rud_episode_report *report, const char *path);

/* How a run of offline training, or a data set, becomes a page. */
typedef struct rud_offline_report_options {
    const char *run;                    /* folder of the run, or a model file; needed */
    const char *data;                   /* NULL: the data sets that the run was trained on */
    const rud_dataset_options *reading; /* NULL: the defaults */
    FILE *progress;                     /* NULL: silence */
    const volatile sig_atomic_t *stop;  /* or NULL */
} rud_offline_report_options;

/* Writes the page `path`; NULL: report.html in the run's folder. The episodes of training are known
 * where the data are the run's. */
rud_status rud_offline_report_write(const rud_offline_report_options *options, const char *path);

#ifdef __cplusplus
}
#endif
#endif

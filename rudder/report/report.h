/* One self-contained HTML page of an experiment: opens offline, readable on a phone and in dark
 * mode. Charts are Vega specifications (JSON files in rudder/report/vega) with their data. */
#ifndef RUD_REPORT_REPORT_H
#define RUD_REPORT_REPORT_H

#include "experiment/results.h"

#ifdef __cplusplus
extern "C" {
#endif

/* title: the config's name. config: effective configuration as YAML text, shown at the end.
 * Writes `path` atomically. */
rud_status rud_report_write(const rud_results *results, const char *title, const char *config,
                            const char *path);

/* The page of the experiment in a run folder; path NULL: <folder>/report.html. RUD_EINVAL: not the
 * folder of an experiment. */
rud_status rud_experiment_report(const char *folder, const char *path);

/* The same results as a table for the terminal. */
rud_status rud_report_print(const rud_results *results, FILE *stream);

#ifdef __cplusplus
}
#endif
#endif

/* One self-contained HTML page of an experiment: opens offline, readable on a phone and in dark
 * mode. Charts are Vega specifications (JSON files in rudder/experiment/vega) with their data. */
#ifndef RUD_EXPERIMENT_REPORT_H
#define RUD_EXPERIMENT_REPORT_H

#include "experiment/results.h"

#ifdef __cplusplus
extern "C" {
#endif

/* title: the config's name. config: effective configuration as YAML text, shown at the end.
 * Writes `path` atomically. */
rud_status rud_report_write(const rud_results *results, const char *title, const char *config,
                            const char *path);

#ifdef __cplusplus
}
#endif
#endif

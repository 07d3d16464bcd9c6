/* Median and quartiles over runs of what changes with the episodes: the learning curves, and the
 * predictor's loss and quality. Private to this folder. */
#ifndef RUD_REPORT_BANDS_PRIVATE_H
#define RUD_REPORT_BANDS_PRIVATE_H

#include "experiment/results.h"

/* A series that each run has: `count` points, each an episode and a value (NaN: none there). */
typedef struct rud_series {
    size_t (*count)(const rud_run *run);
    size_t (*episode)(const rud_run *run, size_t k);
    double (*value)(const rud_run *run, size_t k);
} rud_series;

extern const rud_series rud_series_optimal_share;
extern const rud_series rud_series_loss;
extern const rud_series rud_series_quality;

enum { RUD_BAND_POINTS = 100 };

typedef struct rud_bands {
    size_t count;
    double episode[RUD_BAND_POINTS];
    double low[RUD_BAND_POINTS], median[RUD_BAND_POINTS], high[RUD_BAND_POINTS];
} rud_bands;

/* The series over the group's runs that did not fail, at episodes that are even on a logarithmic
 * axis. A run that has ended keeps its last value: else the band would in the end show only the
 * slowest runs. */
rud_status rud_bands_compute(const rud_runs *runs, const rud_run *group, const rud_series *series,
                             rud_bands *bands);

/* Median over the group's runs of the first episode whose reward was redistributed; infinite where
 * most runs never came so far, NaN where the method has no predictor. */
rud_status rud_gate_episode(const rud_runs *runs, const rud_run *group, double *episode);

#endif

/* What the judges share. Private to this folder. */
#ifndef RUD_EXPERIMENT_JUDGE_PRIVATE_H
#define RUD_EXPERIMENT_JUDGE_PRIVATE_H

#include "experiment/judge.h"

/* Takes memory for rows[count] and points[point_count]; with points, each row gets a curve. All
 * numbers are 0. RUD_ENOMEM. */
rud_status rud_judgement_allocate(rud_judgement *judgement, size_t count, size_t point_count);

/* Adds a fact; the key is borrowed for good. */
void rud_judgement_fact_add(rud_judgement *judgement, const char *key, double value);

/* Mean and standard deviation (of the sample, n - 1) of the finite ones of values[0],
 * values[stride],
 * ...; NaN where there is none, deviation 0 of one. */
void rud_mean_deviation(const double *values, size_t n, size_t stride, double *mean,
                        double *deviation);

/* RUD_EINTERRUPTED once the caller asked to stop. */
rud_status rud_judge_stopped(const rud_judge_work *work);

#endif

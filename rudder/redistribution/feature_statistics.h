/* Mean and standard deviation of a predictor's inputs over its training episodes. */
#ifndef RUD_REDISTRIBUTION_FEATURE_STATISTICS_H
#define RUD_REDISTRIBUTION_FEATURE_STATISTICS_H

#include "episodes/features.h"

/* Sums are of inputs as they were before standardisation. */
typedef struct rud_feature_statistics {
    size_t D;
    double count;    /* inputs seen */
    double *sums;    /* [D] */
    double *squares; /* [D] */
    double *shift;   /* [D] the standardisation in force: 0 ... */
    double *scale;   /* [D] ... and 1 for columns that are not raw */
} rud_feature_statistics;

rud_status rud_feature_statistics_create(size_t D, rud_feature_statistics *statistics);
void rud_feature_statistics_free(rud_feature_statistics *statistics);

/* Both are of the same width. */
rud_status rud_feature_statistics_copy(const rud_feature_statistics *from,
                                       rud_feature_statistics *to);

/* Adds x[inputs][D], standardised as is in force. */
void rud_feature_statistics_add(rud_feature_statistics *statistics, const float *x, size_t inputs);

/* Gives the raw columns of `features` mean 0 and standard deviation 1 over what was added. */
rud_status rud_feature_statistics_standardise(rud_feature_statistics *statistics,
                                              rud_features *features);

/* Mean of column d as the network sees it; 0 before anything was added. */
double rud_feature_statistics_mean(const rud_feature_statistics *statistics, size_t d);

#endif

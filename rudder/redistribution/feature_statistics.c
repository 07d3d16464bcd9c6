#include "redistribution/feature_statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

rud_status rud_feature_statistics_create(size_t D, rud_feature_statistics *statistics)
{
    *statistics = (rud_feature_statistics){.D = D};
    statistics->sums = calloc(D, sizeof *statistics->sums);
    statistics->squares = calloc(D, sizeof *statistics->squares);
    statistics->shift = calloc(D, sizeof *statistics->shift);
    statistics->scale = calloc(D, sizeof *statistics->scale);
    if (!statistics->sums || !statistics->squares || !statistics->shift || !statistics->scale) {
        rud_feature_statistics_free(statistics);
        return rud_error(RUD_ENOMEM, "no memory for the statistics of %zu inputs", D);
    }
    for (size_t d = 0; d < D; d++) statistics->scale[d] = 1;
    return RUD_OK;
}

void rud_feature_statistics_free(rud_feature_statistics *statistics)
{
    free(statistics->sums);
    free(statistics->squares);
    free(statistics->shift);
    free(statistics->scale);
    *statistics = (rud_feature_statistics){0};
}

rud_status rud_feature_statistics_copy(const rud_feature_statistics *from,
                                       rud_feature_statistics *to)
{
    if (from->D != to->D) {
        return rud_error(RUD_EINVAL, "statistics of %zu inputs cannot stand for %zu", from->D,
                         to->D);
    }
    const size_t size = from->D * sizeof *from->sums;
    memcpy(to->sums, from->sums, size);
    memcpy(to->squares, from->squares, size);
    memcpy(to->shift, from->shift, size);
    memcpy(to->scale, from->scale, size);
    to->count = from->count;
    return RUD_OK;
}

void rud_feature_statistics_add(rud_feature_statistics *statistics, const float *x, size_t inputs)
{
    const size_t D = statistics->D;
    for (size_t t = 0; t < inputs; t++) {
        for (size_t d = 0; d < D; d++) {
            const double value = x[t * D + d] * statistics->scale[d] + statistics->shift[d];
            statistics->sums[d] += value;
            statistics->squares[d] += value * value;
        }
    }
    statistics->count += (double)inputs;
}

rud_status rud_feature_statistics_standardise(rud_feature_statistics *statistics,
                                              rud_features *features)
{
    const double n = statistics->count;
    for (size_t d = 0; n > 0 && d < statistics->D; d++) {
        if (!rud_features_is_raw(features, d)) continue;
        const double mean = statistics->sums[d] / n;
        const double variance = statistics->squares[d] / n - mean * mean;
        statistics->shift[d] = mean;
        statistics->scale[d] = variance > 1e-12 * (1 + mean * mean) ? sqrt(variance) : 1;
    }
    return rud_features_set_standardisation(features, statistics->shift, statistics->scale);
}

double rud_feature_statistics_mean(const rud_feature_statistics *statistics, size_t d)
{
    if (statistics->count == 0) return 0;
    return (statistics->sums[d] / statistics->count - statistics->shift[d]) / statistics->scale[d];
}

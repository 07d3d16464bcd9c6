/* The mean of the observations of many episodes: what stands for the features' means where a
 * network of others, which reads observations as they are, has none stored. */
#ifndef RUD_REDISTRIBUTION_OBSERVATION_MEAN_H
#define RUD_REDISTRIBUTION_OBSERVATION_MEAN_H

#include <stddef.h>

#include "episodes/episode.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rud_observation_mean {
    double *sums; /* [width] */
    size_t width, rows;
} rud_observation_mean;

/* No rows yet. RUD_ENOMEM. */
rud_status rud_observation_mean_create(size_t width, rud_observation_mean *mean);
void rud_observation_mean_free(rud_observation_mean *mean);

/* Adds every observation, the final one too. RUD_EINVAL where they have another width. */
rud_status rud_observation_mean_add(rud_observation_mean *mean, const rud_episode *episode);

/* values[width], 0 before anything was added. Caller owns *values. RUD_ENOMEM. */
rud_status rud_observation_mean_get(const rud_observation_mean *mean, float **values);

#ifdef __cplusplus
}
#endif
#endif

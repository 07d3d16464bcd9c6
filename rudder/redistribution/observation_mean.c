#include "redistribution/observation_mean.h"

#include <stdlib.h>

static rud_status no_memory(size_t width)
{
    return rud_error(RUD_ENOMEM, "no memory for %zu features", width);
}

rud_status rud_observation_mean_create(size_t width, rud_observation_mean *mean)
{
    *mean = (rud_observation_mean){.sums = calloc(width, sizeof *mean->sums), .width = width};
    return mean->sums ? RUD_OK : no_memory(width);
}

void rud_observation_mean_free(rud_observation_mean *mean)
{
    free(mean->sums);
    *mean = (rud_observation_mean){0};
}

rud_status rud_observation_mean_add(rud_observation_mean *mean, const rud_episode *episode)
{
    if (episode->observation_width != mean->width) {
        return rud_error(RUD_EINVAL, "observations have %zu numbers, the network reads %zu",
                         episode->observation_width, mean->width);
    }
    for (size_t t = 0; t < episode->observation_rows; t++) {
        const double *row = episode->observations + t * mean->width;
        for (size_t d = 0; d < mean->width; d++) mean->sums[d] += row[d];
    }
    mean->rows += episode->observation_rows;
    return RUD_OK;
}

rud_status rud_observation_mean_get(const rud_observation_mean *mean, float **values)
{
    float *found = calloc(mean->width, sizeof *found);
    *values = found;
    if (!found) return no_memory(mean->width);
    for (size_t d = 0; mean->rows > 0 && d < mean->width; d++) {
        found[d] = (float)(mean->sums[d] / (double)mean->rows);
    }
    return RUD_OK;
}

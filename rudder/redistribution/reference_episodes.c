#include "redistribution/reference_episodes_private.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static rud_status no_memory(size_t inputs)
{
    return rud_error(RUD_ENOMEM, "no memory for a reference episode of %zu inputs", inputs);
}

rud_status rud_reference_episodes_create(size_t D, rud_reference_episodes *references)
{
    *references = (rud_reference_episodes){.D = D};
    references->mean = calloc(D, sizeof *references->mean);
    references->squares = calloc(D, sizeof *references->squares);
    references->sum = calloc(D, sizeof *references->sum);
    bool there = references->mean && references->squares && references->sum;
    for (size_t k = 0; k < RUD_REFERENCE_EPISODES; k++) {
        references->sums[k] = calloc(D, sizeof *references->sums[k]);
        there = there && references->sums[k];
    }
    if (there) return RUD_OK;
    rud_reference_episodes_free(references);
    return no_memory(0);
}

void rud_reference_episodes_free(rud_reference_episodes *references)
{
    free(references->mean);
    free(references->squares);
    free(references->sum);
    for (size_t k = 0; k < RUD_REFERENCE_EPISODES; k++) {
        free(references->sums[k]);
        free(references->x[k]);
    }
    *references = (rud_reference_episodes){0};
}

/* Makes room for an episode in place k. */
static rud_status reserve(rud_reference_episodes *references, size_t k, size_t inputs)
{
    const size_t D = references->D;
    if (inputs > SIZE_MAX / sizeof(float) / D) return no_memory(inputs);
    float *x = realloc(references->x[k], inputs * D * sizeof *x);
    if (x == NULL) return no_memory(inputs);
    references->x[k] = x;
    references->inputs[k] = inputs;
    return RUD_OK;
}

rud_status rud_reference_episodes_copy(const rud_reference_episodes *from,
                                       rud_reference_episodes *to)
{
    const size_t D = from->D;
    to->count = 0;
    to->seen = from->seen;
    memcpy(to->mean, from->mean, D * sizeof *to->mean);
    memcpy(to->squares, from->squares, D * sizeof *to->squares);
    for (size_t k = 0; k < from->count; k++, to->count++) {
        RUD_TRY(reserve(to, k, from->inputs[k]));
        memcpy(to->x[k], from->x[k], from->inputs[k] * D * sizeof *to->x[k]);
        memcpy(to->sums[k], from->sums[k], D * sizeof *to->sums[k]);
    }
    return RUD_OK;
}

static double before_standardisation(const rud_feature_statistics *statistics, size_t d, float x)
{
    return (double)x * statistics->scale[d] + statistics->shift[d];
}

static void observe(rud_reference_episodes *references, const rud_feature_statistics *statistics,
                    const float *x, size_t inputs)
{
    references->seen++;
    for (size_t d = 0; d < references->D; d++) {
        double sum = 0;
        for (size_t t = 1; t < inputs; t++)
            sum += before_standardisation(statistics, d, x[t * references->D + d]);
        const double deviation = sum - references->mean[d];
        references->sum[d] = sum;
        references->mean[d] += deviation / references->seen;
        references->squares[d] += deviation * (sum - references->mean[d]);
    }
}

/* How far the held episodes' mean sums are from the mean over all, squared and in variances, with
 * the newest in place k; k == count: as they are. */
static double distance(const rud_reference_episodes *references, size_t k)
{
    const double n = (double)references->count;
    double all = 0;
    for (size_t d = 0; d < references->D; d++) {
        double sum = 0;
        for (size_t j = 0; j < references->count; j++)
            sum += j == k ? references->sum[d] : references->sums[j][d];
        const double away = sum / n - references->mean[d];
        const double variance = references->squares[d] / references->seen;
        if (variance > 1e-12 * (1 + references->mean[d] * references->mean[d]))
            all += away * away / variance;
    }
    return all;
}

/* Where the newest is best put; the number of places: nowhere. */
static size_t best_place(const rud_reference_episodes *references)
{
    if (references->count < RUD_REFERENCE_EPISODES) return references->count;
    size_t best = references->count;
    double least = distance(references, best);
    for (size_t k = 0; k < references->count; k++) {
        const double away = distance(references, k);
        if (away >= least) continue;
        least = away;
        best = k;
    }
    return best;
}

rud_status rud_reference_episodes_add(rud_reference_episodes *references,
                                      const rud_feature_statistics *statistics, const float *x,
                                      size_t inputs)
{
    const size_t D = references->D;
    if (inputs < 2) return RUD_OK;
    observe(references, statistics, x, inputs);
    const size_t k = best_place(references);
    if (k == RUD_REFERENCE_EPISODES) return RUD_OK;
    RUD_TRY(reserve(references, k, inputs));
    for (size_t t = 0; t < inputs; t++)
        for (size_t d = 0; d < D; d++)
            references->x[k][t * D + d] =
                (float)before_standardisation(statistics, d, x[t * D + d]);
    memcpy(references->sums[k], references->sum, D * sizeof *references->sum);
    if (k == references->count) references->count++;
    return RUD_OK;
}

void rud_reference_episodes_row(const rud_reference_episodes *references,
                                const rud_feature_statistics *statistics, size_t k, size_t t,
                                float *x)
{
    const size_t D = references->D, inputs = references->inputs[k];
    const float *row = references->x[k] + (t < inputs ? t : 1 + (t - 1) % (inputs - 1)) * D;
    for (size_t d = 0; d < D; d++)
        x[d] = (float)(((double)row[d] - statistics->shift[d]) / statistics->scale[d]);
}

void rud_reference_episodes_checkpoint(rud_reference_episodes *references,
                                       rud_checkpoint *checkpoint)
{
    const size_t D = references->D;
    rud_checkpoint_values(checkpoint, &references->count, sizeof references->count);
    rud_checkpoint_values(checkpoint, &references->seen, sizeof references->seen);
    rud_checkpoint_values(checkpoint, references->mean, D * sizeof(double));
    rud_checkpoint_values(checkpoint, references->squares, D * sizeof(double));
    if (references->count > RUD_REFERENCE_EPISODES) checkpoint->failed = true;
    for (size_t k = 0; !checkpoint->failed && k < references->count; k++) {
        size_t inputs = references->inputs[k];
        rud_checkpoint_values(checkpoint, &inputs, sizeof inputs);
        if (checkpoint->reading && (inputs < 2 || inputs > checkpoint->size / sizeof(float) / D ||
                                    reserve(references, k, inputs) != RUD_OK)) {
            checkpoint->failed = true;
            break;
        }
        rud_checkpoint_values(checkpoint, references->x[k], inputs * D * sizeof(float));
        rud_checkpoint_values(checkpoint, references->sums[k], D * sizeof(double));
    }
    if (checkpoint->failed) references->count = 0;
}

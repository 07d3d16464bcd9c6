#include "report/bands_private.h"

#include <math.h>
#include <stdlib.h>

#include "base/statistics.h"
#include "experiment/results.h"

static size_t curve_count(const rud_run *run)
{
    return run->curve_count;
}

static size_t curve_episode(const rud_run *run, size_t k)
{
    return run->curve[k].episode;
}

static double curve_share(const rud_run *run, size_t k)
{
    return run->curve[k].optimal_share;
}

static size_t predictor_count(const rud_run *run)
{
    return run->predictor_count;
}

static size_t predictor_episode(const rud_run *run, size_t k)
{
    return run->predictor[k].episode;
}

static double predictor_loss(const rud_run *run, size_t k)
{
    return run->predictor[k].loss;
}

static double predictor_quality(const rud_run *run, size_t k)
{
    return run->predictor[k].quality;
}

const rud_series rud_series_optimal_share = {curve_count, curve_episode, curve_share};
const rud_series rud_series_loss = {predictor_count, predictor_episode, predictor_loss};
const rud_series rud_series_quality = {predictor_count, predictor_episode, predictor_quality};

static bool counts(const rud_run *run, const rud_run *group)
{
    return !run->tuning && !run->error && rud_same_group(run, group);
}

/* First and last episode at which any run of the group has a value; false where none has. */
static bool find_range(const rud_runs *runs, const rud_run *group, const rud_series *series,
                       double *first, double *last)
{
    *first = INFINITY;
    *last = 0.0;
    for (size_t i = 0; i < runs->count; i++) {
        const rud_run *run = &runs->items[i];
        if (!counts(run, group)) continue;
        for (size_t k = 0; k < series->count(run); k++) {
            if (!isfinite(series->value(run, k))) continue;
            *first = fmin(*first, fmax(1.0, (double)series->episode(run, k)));
            *last = fmax(*last, fmax(1.0, (double)series->episode(run, k)));
        }
    }
    return *last >= *first;
}

/* Whole numbers, even on a logarithmic axis, each once; returns how many. */
static size_t fill_grid(double first, double last, double *grid)
{
    size_t count = 0;
    for (size_t k = 0; k < RUD_BAND_POINTS; k++) {
        double share = (double)k / (RUD_BAND_POINTS - 1);
        double episode = k + 1 < RUD_BAND_POINTS ? floor(first * pow(last / first, share)) : last;
        if (count == 0 || episode > grid[count - 1]) grid[count++] = episode;
    }
    return count;
}

/* The run's last value at or before the episode; NaN before its first. */
static double value_at(const rud_run *run, const rud_series *series, double episode)
{
    double value = NAN;
    for (size_t k = 0; k < series->count(run); k++) {
        if ((double)series->episode(run, k) > episode) break;
        if (isfinite(series->value(run, k))) value = series->value(run, k);
    }
    return value;
}

rud_status rud_bands_compute(const rud_runs *runs, const rud_run *group, const rud_series *series,
                             rud_bands *bands)
{
    double first, last;
    bands->count = 0;
    if (!find_range(runs, group, series, &first, &last)) return RUD_OK;
    double *values = calloc(runs->count, sizeof *values);
    if (!values) return rud_error(RUD_ENOMEM, "curves of %s: no memory left", group->method);
    bands->count = fill_grid(first, last, bands->episode);
    for (size_t k = 0; k < bands->count; k++) {
        size_t n = 0;
        for (size_t i = 0; i < runs->count; i++) {
            if (!counts(&runs->items[i], group)) continue;
            double value = value_at(&runs->items[i], series, bands->episode[k]);
            if (!isnan(value)) values[n++] = value;
        }
        bands->low[k] = rud_quantile(values, n, 0.25);
        bands->median[k] = rud_quantile(values, n, 0.5);
        bands->high[k] = rud_quantile(values, n, 0.75);
    }
    free(values);
    return RUD_OK;
}

rud_status rud_gate_episode(const rud_runs *runs, const rud_run *group, double *episode)
{
    *episode = NAN;
    double *values = calloc(runs->count ? runs->count : 1, sizeof *values);
    if (!values) return rud_error(RUD_ENOMEM, "gate of %s: no memory left", group->method);
    size_t n = 0;
    for (size_t i = 0; i < runs->count; i++) {
        const rud_run *run = &runs->items[i];
        if (!counts(run, group) || run->predictor_count == 0) continue;
        size_t k = 0;
        while (k < run->predictor_count && !run->predictor[k].ready) k++;
        values[n++] = k < run->predictor_count ? (double)run->predictor[k].episode : INFINITY;
    }
    *episode = rud_quantile(values, n, 0.5);
    free(values);
    return RUD_OK;
}

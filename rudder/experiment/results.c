#include "experiment/results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/statistics.h"

bool rud_same_variant(const rud_run *a, const rud_run *b)
{
    return a->delay == b->delay && strcmp(a->environment, b->environment) == 0;
}

bool rud_same_group(const rud_run *a, const rud_run *b)
{
    return rud_same_variant(a, b) && strcmp(a->method, b->method) == 0;
}

static bool counts(const rud_run *run, const rud_run *group)
{
    return !run->tuning && !run->error && rud_same_group(run, group);
}

typedef double run_value(const rud_run *run);

static double episodes_of(const rud_run *run)
{
    return (double)run->episodes;
}

static double poor_decisions_of(const rud_run *run)
{
    return (double)run->poor_decisions;
}

static double seconds_of(const rud_run *run)
{
    return run->seconds;
}

/* Fills values[runs->count] with those of the group's runs that did not fail; returns how many. */
static size_t gather(const rud_runs *runs, const rud_run *group, run_value *value, double *values)
{
    size_t n = 0;
    for (size_t i = 0; i < runs->count; i++) {
        if (counts(&runs->items[i], group)) values[n++] = value(&runs->items[i]);
    }
    return n;
}

static void summarise(const rud_runs *runs, rud_summary *summary, double *values)
{
    summary->largest_solved = -INFINITY;
    for (size_t i = 0; i < runs->count; i++) {
        const rud_run *run = &runs->items[i];
        if (run->tuning || !rud_same_group(run, summary->first)) continue;
        summary->failed += run->error != NULL;
        if (run->error) continue;
        summary->solved += run->solved;
        if (!run->censored) {
            summary->largest_solved = fmax(summary->largest_solved, episodes_of(run));
        }
    }
    size_t n = gather(runs, summary->first, episodes_of, values);
    summary->runs = n;
    summary->q25_episodes = rud_quantile(values, n, 0.25);
    summary->median_episodes = rud_quantile(values, n, 0.5);
    summary->q75_episodes = rud_quantile(values, n, 0.75);
    rud_median_interval(values, n, 0, &summary->interval_low, &summary->interval_high);
    gather(runs, summary->first, poor_decisions_of, values);
    summary->median_poor_decisions = rud_quantile(values, n, 0.5);
    gather(runs, summary->first, seconds_of, values);
    summary->median_seconds = rud_quantile(values, n, 0.5);
}

static void find_groups(const rud_runs *runs, rud_results *results)
{
    size_t count = 0;
    for (size_t i = 0; i < runs->count; i++) {
        if (runs->items[i].tuning) continue;
        bool known = false;
        for (size_t k = 0; k < count && !known; k++) {
            known = rud_same_group(&runs->items[i], results->summaries[k].first);
        }
        if (!known) results->summaries[count++].first = &runs->items[i];
    }
    results->summary_count = count;
}

const rud_summary *rud_reference(const rud_results *results, const rud_summary *member)
{
    const rud_summary *reference = NULL;
    for (size_t k = 0; k < results->summary_count; k++) {
        const rud_summary *candidate = &results->summaries[k];
        if (!rud_same_variant(candidate->first, member->first)) continue;
        if (strcmp(candidate->first->method, "rudder") == 0) return candidate;
        if (!reference) reference = candidate;
    }
    return reference;
}

/* scratch: [2 * runs->count] */
static rud_comparison compare(const rud_runs *runs, const rud_summary *a, const rud_summary *b,
                              double *scratch)
{
    rud_comparison comparison = {.a = a->first, .b = b->first};
    double *of_a = scratch, *of_b = scratch + runs->count;
    size_t na = gather(runs, a->first, episodes_of, of_a);
    size_t nb = gather(runs, b->first, episodes_of, of_b);
    comparison.p_value =
        rud_mann_whitney(of_a, na, of_b, nb, &comparison.probability_of_superiority);
    comparison.ratio = a->median_episodes / b->median_episodes;
    comparison.a_censored = rud_summary_is_bound(a, a->median_episodes);
    comparison.b_censored = rud_summary_is_bound(b, b->median_episodes);
    return comparison;
}

/* scratch: [2 * runs->count] */
static void compare_all(const rud_runs *runs, rud_results *results, double *scratch)
{
    for (size_t k = 0; k < results->summary_count; k++) {
        const rud_summary *b = &results->summaries[k];
        const rud_summary *a = rud_reference(results, b);
        if (a == b) continue;
        results->comparisons[results->comparison_count++] = compare(runs, a, b, scratch);
    }
    for (size_t k = 0; k < results->comparison_count; k++) {
        scratch[k] = results->comparisons[k].p_value;
    }
    rud_holm(scratch, results->comparison_count);
    for (size_t k = 0; k < results->comparison_count; k++) {
        results->comparisons[k].p_value = scratch[k];
    }
}

rud_status rud_results_compute(const rud_runs *runs, rud_results *results)
{
    *results = (rud_results){.runs = runs};
    size_t count = runs->count ? runs->count : 1;
    double *scratch = calloc(count, 2 * sizeof *scratch);
    results->summaries = calloc(count, sizeof *results->summaries);
    results->comparisons = calloc(count, sizeof *results->comparisons);
    if (!scratch || !results->summaries || !results->comparisons) {
        free(scratch);
        rud_results_free(results);
        return rud_error(RUD_ENOMEM, "results of %zu runs: no memory left", runs->count);
    }
    find_groups(runs, results);
    for (size_t k = 0; k < results->summary_count; k++) {
        summarise(runs, &results->summaries[k], scratch);
    }
    compare_all(runs, results, scratch);
    free(scratch);
    return RUD_OK;
}

void rud_results_free(rud_results *results)
{
    free(results->summaries);
    free(results->comparisons);
    *results = (rud_results){0};
}

bool rud_summary_is_bound(const rud_summary *summary, double episodes)
{
    return episodes > summary->largest_solved;
}

const rud_comparison *rud_results_comparison(const rud_results *results, const rud_summary *summary)
{
    for (size_t k = 0; k < results->comparison_count; k++) {
        if (results->comparisons[k].b == summary->first) return &results->comparisons[k];
    }
    return NULL;
}

bool rud_first_of_variant(const rud_results *results, size_t k)
{
    for (size_t j = 0; j < k; j++) {
        if (rud_same_variant(results->summaries[j].first, results->summaries[k].first))
            return false;
    }
    return true;
}

const char *rud_first_error(const rud_runs *runs, const rud_run *group)
{
    for (size_t k = 0; k < runs->count; k++) {
        const rud_run *run = &runs->items[k];
        if (!run->tuning && run->error && rud_same_group(run, group)) return run->error;
    }
    return "";
}

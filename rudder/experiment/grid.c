#include "experiment/grid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/statistics.h"

bool rud_grid_setting(const rud_grid *grid, size_t k, rud_setting *setting)
{
    const size_t values = grid->initial_value_count, randoms = grid->random_episode_count;
    if (k >= grid->step_size_count * values * randoms) return false;
    *setting = (rud_setting){.step_size = grid->step_sizes[k / randoms / values],
                             .initial_value = grid->initial_values[k / randoms % values],
                             .random_episodes = (size_t)grid->random_episodes[k % randoms]};
    return true;
}

bool rud_grid_has(const rud_grid *grid, const char *method)
{
    for (size_t k = 0; k < grid->method_count; k++) {
        if (strcmp(grid->methods[k], method) == 0) return true;
    }
    return false;
}

bool rud_setting_equal(const rud_setting *a, const rud_setting *b)
{
    if (a->initial_value != b->initial_value || a->random_episodes != b->random_episodes) {
        return false;
    }
    if (a->step_size.sample_mean || b->step_size.sample_mean) {
        return a->step_size.sample_mean == b->step_size.sample_mean;
    }
    return a->step_size.constant == b->step_size.constant;
}

/* Medians of a setting's tuning runs; infinite where there are none. */
typedef struct score {
    double episodes, poor_decisions;
} score;

static score score_setting(const rud_runs *runs, int64_t delay, const char *method,
                           const rud_setting *setting)
{
    score median = {INFINITY, INFINITY};
    size_t n = 0;
    double *values = malloc(2 * (runs->count + 1) * sizeof *values);
    if (values == NULL) return median;
    for (size_t i = 0; i < runs->count; i++) {
        const rud_run *run = &runs->items[i];
        if (!run->tuning || run->error != NULL || run->delay != delay ||
            strcmp(run->method, method) != 0 || !rud_setting_equal(&run->setting, setting)) {
            continue;
        }
        values[n] = (double)run->episodes;
        values[runs->count + n] = (double)run->poor_decisions;
        n++;
    }
    if (n > 0) {
        median.episodes = rud_quantile(values, n, 0.5);
        median.poor_decisions = rud_quantile(values + runs->count, n, 0.5);
    }
    free(values);
    return median;
}

/* What the config says for a variant. */
static size_t random_episodes_of(const rud_config *config, int64_t delay)
{
    const double least = (double)config->agent.random_episodes;
    if (delay == RUD_NO_DELAY) return config->agent.random_episodes;
    return (size_t)ceil(fmax(least, config->random_episodes_per_delay * (double)delay));
}

rud_setting rud_grid_best(const rud_config *config, const rud_runs *runs, int64_t delay,
                          const char *method)
{
    rud_setting best = {.step_size = config->agent.step_size,
                        .initial_value = config->agent.initial_value,
                        .random_episodes = random_episodes_of(config, delay)};
    rud_setting setting;
    score lowest = {INFINITY, INFINITY};
    if (!rud_grid_has(&config->grid, method)) return best;
    for (size_t k = 0; rud_grid_setting(&config->grid, k, &setting); k++) {
        const score score = score_setting(runs, delay, method, &setting);
        if (score.episodes < lowest.episodes ||
            (score.episodes == lowest.episodes && score.poor_decisions < lowest.poor_decisions)) {
            lowest = score;
            best = setting;
        }
    }
    return best;
}

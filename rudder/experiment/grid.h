/* The grid search that gives every baseline its own best setting. */
#ifndef RUD_EXPERIMENT_GRID_H
#define RUD_EXPERIMENT_GRID_H

#include "config/config.h"
#include "experiment/results.h"

/* Settings of the grid: setting k = 0, 1, ...; false behind the last. */
bool rud_grid_setting(const rud_grid *grid, size_t k, rud_setting *setting);

/* Is the method tuned by the grid? */
bool rud_grid_has(const rud_grid *grid, const char *method);

bool rud_setting_equal(const rud_setting *a, const rud_setting *b);

/* The method's best setting in a variant from the tuning runs: the lowest median of episodes, then
 * of poor decisions. Without tuning runs the configuration's own. */
rud_setting rud_grid_best(const rud_config *config, const rud_runs *runs, int64_t delay,
                          const char *method);

#endif

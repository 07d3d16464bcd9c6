/* What `rudder inspect` finds; each function fills `object`, in the order in which it is shown. */
#ifndef RUD_CLI_INSPECT_H
#define RUD_CLI_INSPECT_H

#include "cli/cli.h"

rud_status cli_inspect_model(const char *path, json_object *object);
rud_status cli_inspect_episodes(const char *path, json_object *object);
rud_status cli_inspect_run(const char *folder, json_object *object);
rud_status cli_inspect_journal(const char *path, json_object *object);

/* Running minimum, mean, maximum and standard deviation (Welford 1962). */
typedef struct cli_range {
    double min, max, mean, squares;
    size_t count;
} cli_range;

/* What is told about episodes, whatever they stand in. Zero-initialise to start. */
typedef struct cli_totals {
    cli_range length, reward;
    size_t steps, terminated, truncated, seeds, final_observations;
    size_t observation_width, action_width;
} cli_totals;

void cli_totals_count(cli_totals *sums, const rud_episode *episode);

/* Of at least one episode. Returns whether it worked. */
bool cli_totals_add(json_object *object, const cli_totals *sums);

/* The failure of adding to `object`. */
static inline rud_status cli_added(bool added)
{
    return added ? RUD_OK : rud_error(RUD_ENOMEM, "no memory for what was found");
}

#endif

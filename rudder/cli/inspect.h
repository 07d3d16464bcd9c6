/* What `rudder inspect` finds; each function fills `object`, in the order in which it is shown. */
#ifndef RUD_CLI_INSPECT_H
#define RUD_CLI_INSPECT_H

#include "cli/cli.h"

rud_status cli_inspect_model(const char *path, json_object *object);
rud_status cli_inspect_episodes(const char *path, json_object *object);

/* Draws the member "return_histogram" of what cli_inspect_episodes finds. */
void cli_inspect_print_histogram(json_object *histogram);

rud_status cli_inspect_run(const char *folder, json_object *object);
rud_status cli_inspect_journal(const char *path, json_object *object);

/* The failure of adding to `object`. */
static inline rud_status cli_added(bool added)
{
    return added ? RUD_OK : rud_error(RUD_ENOMEM, "no memory for what was found");
}

#endif

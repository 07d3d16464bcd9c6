/* What `rudder train --episodes` prints. */
#ifndef RUD_CLI_TRAIN_OFFLINE_H
#define RUD_CLI_TRAIN_OFFLINE_H

#include "cli/cli.h"

/* A table, or JSON. Returns the exit code. */
int cli_train_offline_print(const rud_offline_result *result, const char *folder, bool json);

#endif

/* The folder of a run: made, recognised by its config.yaml, or refused. */
#ifndef RUD_CONFIG_RUN_FOLDER_H
#define RUD_CONFIG_RUN_FOLDER_H

#include <stdbool.h>

#include "config/config.h"

/* Makes the folder where it is absent and locks it, as rud_folder_lock does: before anything in it
 * is looked at. What killed processes left aside in it is removed. */
rud_status rud_run_folder_lock(const char *folder, int *lock);

/* Makes `folder` a run of `config`: writes config.yaml into it where it is absent or empty, and
 * leaves a run of this configuration as it is. RUD_EEXIST where it holds anything else, unless
 * `force`: then the files named in `replaced` (ended by NULL) are removed. */
rud_status rud_run_folder_open(const char *folder, const rud_config *config, bool force,
                               const char *const *replaced);

/* Writes `config` as the folder's config.yaml. */
rud_status rud_run_folder_write(const char *folder, const rud_config *config);

#endif

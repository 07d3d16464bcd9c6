/* How a data set is read: options of every command that reads one. */
#ifndef RUD_CLI_DATASET_OPTIONS_H
#define RUD_CLI_DATASET_OPTIONS_H

#include "cli/cli.h"

/* --from, --max-steps, --tail. For argp's children; the input is a rud_dataset_options, to be set
 * to the defaults before. */
extern const struct argp cli_dataset_argp;

#endif

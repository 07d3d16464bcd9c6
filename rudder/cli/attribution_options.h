/* --method and the options of every method of contribution analysis, for the commands that have
 * them. */
#ifndef RUD_CLI_ATTRIBUTION_OPTIONS_H
#define RUD_CLI_ATTRIBUTION_OPTIONS_H

#include "cli/cli.h"

typedef struct cli_attribution {
    rud_attribution_options options; /* to be set to the defaults before */
    const char *baseline;            /* a file; NULL: the options say all */
    uint64_t given;                  /* bit k: rud_attribution_option_at(k) */
} cli_attribution;

/* For argp's children; the input is a cli_attribution. Static; one thread at a time. */
const struct argp *cli_attribution_argp(void);

/* Does the method read the option? `method` itself is none. */
bool cli_attribution_reads(const rud_attribution_method *method,
                           const rud_attribution_option *option);

#endif

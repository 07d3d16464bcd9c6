/* The parts of `rudder redistribute`. */
#ifndef RUD_CLI_REDISTRIBUTE_H
#define RUD_CLI_REDISTRIBUTE_H

#include "cli/attribution_options.h"

typedef struct cli_redistribute {
    cli_verbosity verbosity;
    cli_attribution attribution;
    rud_dataset_options reading;
    const char *model, *input, *output;
    const char *format; /* of the output; NULL: by its path and the input's format */
    rud_correction correction;
    double mix;
    double max_error_z; /* NaN: none */
    size_t threads;
    bool keep_rewards, force, json;
} cli_redistribute_arguments;

/* What is written into the metadata: where the rewards come from. */
enum { CLI_PROVENANCE = 8, CLI_PROVENANCE_TEXT = 512 };
typedef struct cli_provenance {
    char text[CLI_PROVENANCE][CLI_PROVENANCE_TEXT];
    const char *pairs[2 * CLI_PROVENANCE]; /* key, text, key, text, ... */
    size_t count;
} cli_provenance;

/* *provenance points into itself: it stays where it is. */
rud_status cli_redistribute_provenance(const cli_redistribute_arguments *arguments,
                                       cli_provenance *provenance);

/* The model file, also where `model` is a run folder. Caller owns it; NULL without memory. */
char *cli_model_path(const char *model);

/* "last", "uniform", ...; NULL behind the last one. */
const char *cli_correction_name(size_t k);

#endif

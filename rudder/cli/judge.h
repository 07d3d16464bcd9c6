/* The judges of `rudder judge`: what they share. */
#ifndef RUD_CLI_JUDGE_H
#define RUD_CLI_JUDGE_H

#include "cli/cli.h"

typedef struct cli_judge {
    cli_verbosity verbosity;
    rud_judge_work work;
    const char *page; /* of -o; NULL: none */
    bool json;
} cli_judge;

/* Options of every judge: --json, -o, --threads, --seed, -q, -v. For argp's children; the input is
 * a cli_judge. */
extern const struct argp cli_judge_argp;

/* Prints the table or JSON, and writes the page; frees the judgement. Returns the exit code. */
int cli_judge_show(const cli_judge *judge, rud_status status, rud_judgement *judgement);

/* A number that is finite and at least `low`; else ends with a usage error that names `what`. */
double cli_judge_real(struct argp_state *state, const char *what, const char *text, double low);

cli_run cli_judge_toy;

#endif

/* The judges of `rudder judge`: what they share. */
#ifndef RUD_CLI_JUDGE_H
#define RUD_CLI_JUDGE_H

#include "cli/explain.h"

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

/* The model and episodes that the other judges need, and the methods they judge. */
typedef struct cli_judge_case {
    cli_judge judge;
    cli_explain_arguments explain; /* of it: the model, its head, the episodes' path */
    size_t output;                 /* of the head */
    rud_judge_method *methods;
    size_t method_count;
    cli_explain_model model;
    rud_episodes episodes;
} cli_judge_case;

/* Options --method and --output, those of cli_explain_argp and of cli_judge_argp; the input is a
 * cli_judge_case. */
extern const struct argp cli_judge_case_argp;

/* Frees what the options and cli_judge_case_run have taken. */
void cli_judge_case_free(cli_judge_case *judged);

/* Reads model and episodes, lets `job` judge them and shows what it found; frees all. Returns the
 * exit code. */
typedef rud_status cli_judge_job(void *context, const rud_judge_case *what,
                                 rud_judgement *judgement);
int cli_judge_case_run(cli_judge_case *judged, cli_judge_job *job, void *context);

/* The truths of `judge truth --truth FILE`. Zero-initialise; free also after a failure. */
typedef struct cli_truths {
    const rud_episodes *episodes; /* borrowed */
    double **rows;                /* [count] of T each */
} cli_truths;

/* Reads JSON lines {"id", "step_relevance": [T]}, one for each episode by its id; others are left
 * out. Messages name file and line. */
rud_status cli_truths_read(const rud_episodes *episodes, const char *path, cli_truths *truths);
void cli_truths_free(cli_truths *truths);

cli_run cli_judge_toy, cli_judge_perturbation, cli_judge_truth, cli_judge_randomise;

#endif

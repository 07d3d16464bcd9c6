/* Judging explanations: how far can relevance be trusted? Four judges, each with a table as its
 * result. Sources: toy arithmetic, Arras et al. 2019 (arXiv:1909.12114); perturbation curves and
 * AOPC, Samek et al. 2017 (arXiv:1509.06321); mass and rank accuracy, Arras et al. 2022
 * (arXiv:2003.07258); cosine similarity with a truth, Chormai 2018; randomised parameters, Adebayo
 * et al. 2018 (arXiv:1810.03292). */
#ifndef RUD_EXPERIMENT_JUDGE_H
#define RUD_EXPERIMENT_JUDGE_H

#include <signal.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a column of the table says. */
typedef struct rud_judgement_column {
    const char *key;     /* "correlation_a" */
    const char *title;   /* "corr(n_a, R_a)" */
    const char *meaning; /* a sentence */
} rud_judgement_column;

enum { RUD_JUDGEMENT_COLUMNS = 6, RUD_JUDGEMENT_TEXT = 96, RUD_JUDGEMENT_FACTS = 12 };

typedef struct rud_judgement_row {
    char group[RUD_JUDGEMENT_TEXT]; /* rows of a group stand together; "" where there is one */
    char label[RUD_JUDGEMENT_TEXT]; /* "lrp half" */
    /* By column: mean and standard deviation over networks or episodes; NaN where not defined. */
    double mean[RUD_JUDGEMENT_COLUMNS], deviation[RUD_JUDGEMENT_COLUMNS];
    double *curve; /* [points], or NULL */
} rud_judgement_row;

/* A number that the table stands on, such as how many episodes. */
typedef struct rud_judgement_fact {
    const char *key; /* "test_sequences" */
    double value;
} rud_judgement_fact;

/* A judge's result. Caller frees by rud_judgement_free. */
typedef struct rud_judgement {
    const char *judge;     /* "toy" */
    const char *title;     /* of the page */
    const char *group;     /* what groups are, "operation"; NULL where there is one */
    const char *row;       /* what rows are, "method" */
    const char *deviation; /* over what mean and deviation are, "networks" */
    const rud_judgement_column *columns;
    size_t column_count;
    rud_judgement_fact facts[RUD_JUDGEMENT_FACTS];
    size_t fact_count;
    rud_judgement_row *rows;
    size_t row_count;
    const char *point;  /* what the curves' points are, "share of steps removed"; NULL: no curves */
    const char *height; /* what the curves show, "prediction" */
    double *points;     /* [point_count] */
    size_t point_count;
} rud_judgement;

void rud_judgement_free(rud_judgement *judgement);

/* The table as text. */
void rud_judgement_print(const rud_judgement *judgement, FILE *stream);

/* One JSON object with everything: {"judge", facts..., "rows": [{group?, row, column: {"mean",
 * "std"}..., "curve"?}], "points"?}. Caller frees *text. */
rud_status rud_judgement_json(const rud_judgement *judgement, char **text);

/* One self-contained HTML page; written atomically. */
rud_status rud_judgement_page(const rud_judgement *judgement, const char *path);

/* How a judge works. */
typedef struct rud_judge_work {
    size_t threads;                    /* 0: one a processor; results do not depend on it */
    uint64_t seed;                     /* of everything drawn */
    FILE *progress;                    /* NULL: silent */
    const volatile sig_atomic_t *stop; /* NULL, or set to non-zero to stop: RUD_EINTERRUPTED */
} rud_judge_work;

/* Toy arithmetic: one-cell LSTMs (preset `lstm`; the head's weight is learned from 4 on, its bias
 * is 0) learn n_a + n_b or n_a - n_b of two marked steps. Whatever explains them should give n_a to
 * step a, +-n_b to step b, and 0 to all others. */
typedef struct rud_judge_toy_options {
    size_t networks;  /* for each operation; 50 */
    size_t sequences; /* unseen, that are explained; 2,500 */
    double goal;      /* mean squared error at which training ends; 1e-4 */
    /* Stabilisers of the linear layers for LRP; each rule is tried with each. 0 and 0.001. */
    double epsilons[4];
    size_t epsilon_count;
} rud_judge_toy_options;
rud_judge_toy_options rud_judge_toy_options_default(void);

/* A row for each operation and method. RUD_EDIVERGED if a network does not learn. */
rud_status rud_judge_toy(const rud_judge_toy_options *options, const rud_judge_work *work,
                         rud_judgement *judgement);

#ifdef __cplusplus
}
#endif
#endif

/* Judging explanations: how far can relevance be trusted? Four judges, each with a table as its
 * result. Sources: toy arithmetic, Arras et al. 2019 (arXiv:1909.12114); perturbation curves and
 * AOPC, Samek et al. 2017 (arXiv:1509.06321); mass and rank accuracy, Arras et al. 2022
 * (arXiv:2003.07258); cosine similarity with a truth, Chormai 2018; randomised parameters, Adebayo
 * et al. 2018 (arXiv:1810.03292). */
#ifndef RUD_JUDGE_JUDGE_H
#define RUD_JUDGE_JUDGE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "attribution/attribution.h"
#include "base/status.h"
#include "envs/env.h"
#include "redistribution/explainer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a column of the table says. */
typedef struct rud_judgement_column {
    const char *key;     /* "correlation_a" */
    const char *title;   /* "corr(n_a, R_a)" */
    const char *meaning; /* a sentence */
    bool decades;        /* it is above 0 and spans many decades: drawn by its logarithm */
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

/* A figure for people, three digits of it. */
enum { RUD_JUDGEMENT_NUMBER = 32 };
void rud_judgement_number(const rud_judgement_column *column, double value,
                          char text[RUD_JUDGEMENT_NUMBER]);

/* A fact for people: "mean updates" and its value, whole numbers in full. */
typedef struct rud_fact_text {
    char key[48], value[32];
} rud_fact_text;
rud_fact_text rud_judgement_fact_text(const rud_judgement_fact *fact);

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

/* A method with its options, "lrp" or "lrp:rule=half,epsilon=0.01". */
typedef struct rud_judge_method {
    char label[RUD_JUDGEMENT_TEXT]; /* the text */
    rud_attribution_options options;
} rud_judge_method;

/* RUD_EINVAL names what can be chosen. `output`, `step` and `steps` are not options here: what is
 * judged is each step's relevance for the last prediction. */
rud_status rud_judge_method_parse(const char *text, rud_judge_method *method);

/* Whose explanations are judged, of which episodes. Everything is borrowed for the call. The
 * relevance of lrp is taken with what was absorbed, as when it redistributes reward. */
typedef struct rud_judge_case {
    const rud_predictor *predictor; /* or NULL */
    const rud_network *network;     /* then this one, which reads observations as they are */
    const rud_episode *const *episodes;
    size_t count;                    /* >= 1 */
    const rud_judge_method *methods; /* [method_count]; 0: every method that the model allows */
    size_t method_count;
    size_t output; /* of the head, of every method */
} rud_judge_case;

/* Perturbation curves: the prediction while steps are removed, those of the largest relevance
 * first; beside it the smallest first, and in random order. Rows: methods, and random. */
typedef struct rud_judge_perturbation_options {
    size_t points;        /* of a curve, evenly from no step removed to all; 21 */
    size_t random_orders; /* per episode; 10 */
    rud_removal remove;   /* what takes a step's place; delete */
} rud_judge_perturbation_options;
rud_judge_perturbation_options rud_judge_perturbation_options_default(void);
rud_status rud_judge_perturbation(const rud_judge_case *what,
                                  const rud_judge_perturbation_options *options,
                                  const rud_judge_work *work, rud_judgement *judgement);

/* Relevance against a truth: either `env`, whose exact redistribution it is then (step 0 holds the
 * mean return there, so the mean over the episodes is taken off step 0 on both sides), or
 * truth[count], of episode e truth[e][T]. A step carries the truth if that is at least
 * `threshold` of the episode's largest, in magnitude: the mask of mass and rank accuracy. */
typedef struct rud_judge_truth_options {
    const rud_env *env;         /* or NULL */
    const double *const *truth; /* then this */
    double threshold;           /* in (0, 1]; 0.1 */
} rud_judge_truth_options;
rud_judge_truth_options rud_judge_truth_options_default(void);
rud_status rud_judge_truth(const rud_judge_case *what, const rud_judge_truth_options *options,
                           const rud_judge_work *work, rud_judgement *judgement);

/* Parameters drawn anew layer by layer, head first, those above staying drawn: an explanation that
 * stays as it was does not explain what the network learnt. Rows: for each method, how far down. */
typedef struct rud_judge_randomise_options {
    size_t draws; /* of parameters; 5 */
} rud_judge_randomise_options;
rud_judge_randomise_options rud_judge_randomise_options_default(void);
rud_status rud_judge_randomise(const rud_judge_case *what,
                               const rud_judge_randomise_options *options,
                               const rud_judge_work *work, rud_judgement *judgement);

#ifdef __cplusplus
}
#endif
#endif

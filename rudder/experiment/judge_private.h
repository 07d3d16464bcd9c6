/* What the judges share. Private to this folder. */
#ifndef RUD_EXPERIMENT_JUDGE_PRIVATE_H
#define RUD_EXPERIMENT_JUDGE_PRIVATE_H

#include <stdbool.h>

#include "base/pool.h"
#include "base/progress.h"
#include "experiment/judge.h"

/* Takes memory for rows[count] and points[point_count]; with points, each row gets a curve. All
 * numbers are 0. RUD_ENOMEM. */
rud_status rud_judgement_allocate(rud_judgement *judgement, size_t count, size_t point_count);

/* Adds a fact; the key is borrowed for good. */
void rud_judgement_fact_add(rud_judgement *judgement, const char *key, double value);

/* A figure for people, three digits of it. */
enum { RUD_JUDGEMENT_NUMBER = 32 };
void rud_judgement_number(const rud_judgement_column *column, double value,
                          char text[RUD_JUDGEMENT_NUMBER]);

/* A fact for people: "mean updates" and its value, whole numbers in full. */
typedef struct rud_fact_text {
    char key[48], value[32];
} rud_fact_text;
rud_fact_text rud_judgement_fact_text(const rud_judgement_fact *fact);

/* RUD_EINTERRUPTED once the caller asked to stop. */
rud_status rud_judge_stopped(const rud_judge_work *work);

/* A case at work. Zero-initialise; close also after a failure. */
typedef struct rud_judged {
    const rud_judge_case *given;
    const rud_judge_work *work;
    const rud_network *network; /* NULL: of a predictor without one */
    rud_judge_method *methods;  /* [method_count] */
    size_t method_count;
    float *feature_mean; /* [D], of a network as it is */
    size_t *first;       /* [count + 1]: place of an episode's steps among all */
    rud_pool *pool;
    rud_progress *progress; /* NULL until the judge knows how much there is to do */
} rud_judged;

/* needs_network: refuses a predictor without one. */
rud_status rud_judged_open(const rud_judge_case *given, const rud_judge_work *work,
                           bool needs_network, rud_judged *judged);
void rud_judged_close(rud_judged *judged);

/* Steps of all episodes together. */
size_t rud_judged_steps(const rud_judged *judged);

/* Caller owns *explainer. */
rud_status rud_judged_explainer(const rud_judged *judged, const rud_attribution_options *options,
                                rud_explainer **explainer);

/* How many units of progress rud_judged_explain is. */
size_t rud_judged_jobs(const rud_judged *judged);

/* relevance[method_count][steps]: R_t + absorbed[t], by `network` in place of the model's own, or
 * NULL. */
rud_status rud_judged_explain(rud_judged *judged, const rud_network *network, double *relevance);

#endif

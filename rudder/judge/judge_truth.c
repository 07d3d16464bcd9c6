#include <math.h>
#include <stdlib.h>

#include "attribution/metrics.h"
#include "base/statistics.h"
#include "judge/judge_private.h"
#include "redistribution/redistribution.h"

enum { CORRELATION_ALL, CORRELATION, COSINE, MASS, RANK, FIGURES };

static const rud_judgement_column columns[FIGURES] = {
    {"correlation_all", "corr, all", "Pearson correlation over the steps of all episodes together",
     false},
    {"correlation", "corr", "Pearson correlation over the steps of an episode", false},
    {"cosine", "cosine", "cosine similarity of an episode's relevance and truth", false},
    {"mass_accuracy", "mass", "share of all |relevance| at the steps that carry the truth", false},
    {"rank_accuracy", "rank",
     "of the K steps of largest |relevance|, the share that carries the truth, K steps doing so",
     false},
};

typedef struct comparison {
    rud_judged judged;
    const rud_judge_truth_options *options;
    double *truth;     /* [steps] */
    double *relevance; /* [methods][steps] */
    bool *mask;        /* [steps] */
    double *magnitude; /* [steps] */
    double *figures;   /* [episodes][FIGURES] */
    size_t masked;     /* steps that carry the truth */
} comparison;

rud_judge_truth_options rud_judge_truth_options_default(void)
{
    return (rud_judge_truth_options){.threshold = 0.1};
}

/* Takes the mean over the episodes off step 0. */
static void centre(const rud_judged *judged, double *values)
{
    const size_t count = judged->given->count;
    double mean = 0;
    for (size_t e = 0; e < count; e++) mean += values[judged->first[e]] / (double)count;
    for (size_t e = 0; e < count; e++) values[judged->first[e]] -= mean;
}

static rud_status find_truth(comparison *c)
{
    const rud_judged *judged = &c->judged;
    for (size_t e = 0; e < judged->given->count; e++) {
        const rud_episode *episode = judged->given->episodes[e];
        double *truth = c->truth + judged->first[e];
        if (c->options->env) {
            RUD_TRY(rud_error_context(rud_exact_redistribution(c->options->env, episode, truth),
                                      "episode %zu", e));
        }
        for (size_t t = 0; t < episode->steps && !c->options->env; t++) {
            truth[t] = c->options->truth[e][t];
        }
    }
    if (c->options->env) centre(judged, c->truth);
    return RUD_OK;
}

static void find_mask(comparison *c)
{
    const rud_judged *judged = &c->judged;
    for (size_t e = 0; e < judged->given->count; e++) {
        const double *truth = c->truth + judged->first[e];
        bool *mask = c->mask + judged->first[e];
        double largest = 0;
        for (size_t t = 0; t < judged->given->episodes[e]->steps; t++) {
            largest = fmax(largest, fabs(truth[t]));
        }
        for (size_t t = 0; t < judged->given->episodes[e]->steps; t++) {
            mask[t] = largest > 0 && fabs(truth[t]) >= c->options->threshold * largest;
            c->masked += mask[t];
        }
    }
}

static void compare(comparison *c, double *relevance, rud_judgement_row *row)
{
    const rud_judged *judged = &c->judged;
    const size_t steps = rud_judged_steps(judged);
    if (c->options->env) centre(judged, relevance);
    for (size_t k = 0; k < steps; k++) c->magnitude[k] = fabs(relevance[k]);
    for (size_t e = 0; e < judged->given->count; e++) {
        const size_t T = judged->given->episodes[e]->steps, at = judged->first[e];
        double *figures = c->figures + e * FIGURES;
        figures[CORRELATION_ALL] = NAN;
        figures[CORRELATION] = rud_pearson(relevance + at, c->truth + at, T);
        figures[COSINE] = rud_cosine_similarity(relevance + at, c->truth + at, T);
        figures[MASS] = rud_mass_accuracy(c->magnitude + at, c->mask + at, T);
        figures[RANK] = rud_rank_accuracy(c->magnitude + at, c->mask + at, T);
    }
    for (size_t f = 0; f < FIGURES; f++) {
        rud_mean_deviation(c->figures + f, judged->given->count, FIGURES, &row->mean[f],
                           &row->deviation[f]);
    }
    row->mean[CORRELATION_ALL] = rud_pearson(relevance, c->truth, steps);
}

static rud_status allocate(comparison *c)
{
    const size_t steps = rud_judged_steps(&c->judged), count = c->judged.given->count;
    c->truth = calloc(steps, sizeof *c->truth);
    c->relevance = calloc(steps, c->judged.method_count * sizeof *c->relevance);
    c->mask = calloc(steps, sizeof *c->mask);
    c->magnitude = calloc(steps, sizeof *c->magnitude);
    c->figures = calloc(count, FIGURES * sizeof *c->figures);
    if (c->truth && c->relevance && c->mask && c->magnitude && c->figures) return RUD_OK;
    return rud_error(RUD_ENOMEM, "no memory for %zu episodes", count);
}

static rud_status tabulate(comparison *c, rud_judgement *judgement)
{
    const rud_judged *judged = &c->judged;
    RUD_TRY(rud_judgement_allocate(judgement, judged->method_count, 0));
    for (size_t m = 0; m < judged->method_count; m++) {
        rud_judgement_row *row = &judgement->rows[m];
        snprintf(row->label, sizeof row->label, "%s", judged->methods[m].label);
        compare(c, c->relevance + m * rud_judged_steps(judged), row);
    }
    rud_judgement_fact_add(judgement, "episodes", (double)judged->given->count);
    rud_judgement_fact_add(judgement, "steps", (double)rud_judged_steps(judged));
    rud_judgement_fact_add(judgement, "steps_that_carry_the_truth", (double)c->masked);
    rud_judgement_fact_add(judgement, "threshold", c->options->threshold);
    return RUD_OK;
}

static rud_status judge(comparison *c, rud_judgement *judgement)
{
    if (!(c->options->threshold > 0) || c->options->threshold > 1) {
        return rud_error(RUD_EINVAL, "the threshold must be above 0 and at most 1, found %g",
                         c->options->threshold);
    }
    RUD_TRY(allocate(c));
    RUD_TRY(find_truth(c));
    find_mask(c);
    RUD_TRY(rud_progress_create(c->judged.work->progress, "truth", rud_judged_jobs(&c->judged),
                                &c->judged.progress));
    RUD_TRY(rud_judged_explain(&c->judged, NULL, c->relevance));
    return tabulate(c, judgement);
}

rud_status rud_judge_truth(const rud_judge_case *what, const rud_judge_truth_options *options,
                           const rud_judge_work *work, rud_judgement *judgement)
{
    comparison c = {.options = options};
    *judgement = (rud_judgement){.judge = "truth",
                                 .title = "Does relevance agree with the truth?",
                                 .row = "method",
                                 .deviation = "episodes",
                                 .columns = columns,
                                 .column_count = FIGURES};
    rud_status status = rud_judged_open(what, work, false, &c.judged);
    if (status == RUD_OK) status = judge(&c, judgement);
    free(c.truth);
    free(c.relevance);
    free(c.mask);
    free(c.magnitude);
    free(c.figures);
    rud_judged_close(&c.judged);
    if (status != RUD_OK) rud_judgement_free(judgement);
    return status;
}

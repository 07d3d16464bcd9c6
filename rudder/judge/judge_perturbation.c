#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attribution/metrics.h"
#include "base/rng.h"
#include "base/statistics.h"
#include "judge/judge_private.h"

enum { LARGEST_FIRST, SMALLEST_FIRST, OVER_RANDOM, FIGURES };

static const rud_judgement_column columns[FIGURES] = {
    {"aopc", "AOPC",
     "area over the perturbation curve, largest relevance first: the mean fall of the prediction "
     "while steps are removed",
     false},
    {"aopc_smallest_first", "AOPC, smallest first",
     "the same in the opposite order; the lower the better", false},
    {"aopc_over_random", "AOPC over random",
     "AOPC less that of random orders of the same episode; above 0: relevance finds what the "
     "prediction hangs on",
     false},
};

typedef struct perturbation {
    rud_judged judged;
    const rud_judge_perturbation_options *options;
    double *relevance; /* [methods][steps] */
    double *figures;   /* [methods + 1][episodes][FIGURES]; random orders stand last */
    double *curves;    /* [methods + 1][episodes][points] */
} perturbation;

/* What one episode's job needs. */
typedef struct scratch {
    size_t *order;   /* [T] */
    size_t *removed; /* [points] */
    double *curve;   /* [points] */
} scratch;

rud_judge_perturbation_options rud_judge_perturbation_options_default(void)
{
    return (rud_judge_perturbation_options){
        .points = 21, .random_orders = 10, .remove = RUD_REMOVE_DELETE};
}

static void turn_round(size_t *order, size_t T)
{
    for (size_t t = 0; t < T / 2; t++) {
        const size_t step = order[t];
        order[t] = order[T - 1 - t];
        order[T - 1 - t] = step;
    }
}

static double *figures_of(const perturbation *p, size_t m, size_t e)
{
    return p->figures + (m * p->judged.given->count + e) * FIGURES;
}

static double *curve_of(const perturbation *p, size_t m, size_t e)
{
    return p->curves + (m * p->judged.given->count + e) * p->options->points;
}

static rud_status run_random(const perturbation *p, rud_explainer *explainer, size_t e,
                             const scratch *s)
{
    const rud_episode *episode = p->judged.given->episodes[e];
    const size_t points = p->options->points, m = p->judged.method_count;
    rud_rng rng = rud_rng_stream(p->judged.work->seed, "random orders", e);
    double *mean = curve_of(p, m, e);
    for (size_t t = 0; t < episode->steps; t++) s->order[t] = t;
    for (size_t k = 0; k < p->options->random_orders; k++) {
        rud_rng_shuffle(&rng, s->order, episode->steps);
        RUD_TRY(rud_explainer_perturb(explainer, episode, s->order, s->removed, points, s->curve));
        for (size_t n = 0; n < points; n++) {
            mean[n] += s->curve[n] / (double)p->options->random_orders;
        }
    }
    double *figures = figures_of(p, m, e);
    figures[LARGEST_FIRST] = rud_aopc(mean, points);
    figures[SMALLEST_FIRST] = figures[OVER_RANDOM] = NAN;
    return RUD_OK;
}

static rud_status run_method(const perturbation *p, rud_explainer *explainer, size_t m, size_t e,
                             const scratch *s)
{
    const rud_judged *judged = &p->judged;
    const rud_episode *episode = judged->given->episodes[e];
    const size_t points = p->options->points, T = episode->steps;
    double *figures = figures_of(p, m, e), *curve = curve_of(p, m, e);
    RUD_TRY(rud_rank(p->relevance + m * rud_judged_steps(judged) + judged->first[e], T, s->order));
    RUD_TRY(rud_explainer_perturb(explainer, episode, s->order, s->removed, points, curve));
    turn_round(s->order, T);
    RUD_TRY(rud_explainer_perturb(explainer, episode, s->order, s->removed, points, s->curve));
    figures[LARGEST_FIRST] = rud_aopc(curve, points);
    figures[SMALLEST_FIRST] = rud_aopc(s->curve, points);
    figures[OVER_RANDOM] =
        figures[LARGEST_FIRST] - figures_of(p, judged->method_count, e)[LARGEST_FIRST];
    return RUD_OK;
}

static rud_status run_episode(const perturbation *p, size_t e, const scratch *s)
{
    const rud_judged *judged = &p->judged;
    const size_t T = judged->given->episodes[e]->steps, points = p->options->points;
    rud_attribution_options options = rud_attribution_options_default();
    rud_explainer *explainer = NULL;
    for (size_t n = 0; n < points; n++) {
        s->removed[n] = (size_t)lround((double)n * (double)T / (double)(points - 1));
    }
    options.remove = p->options->remove;
    options.output = judged->given->output;
    rud_status status = rud_attribution_set(&options, "method", "occlusion");
    if (status == RUD_OK) status = rud_judged_explainer(judged, &options, &explainer);
    if (status == RUD_OK) status = run_random(p, explainer, e, s);
    for (size_t m = 0; m < judged->method_count && status == RUD_OK; m++) {
        status = run_method(p, explainer, m, e, s);
    }
    rud_explainer_free(&explainer);
    return status;
}

static rud_status run_job(void *context, size_t e, size_t thread)
{
    const perturbation *p = context;
    const size_t T = p->judged.given->episodes[e]->steps, points = p->options->points;
    scratch s = {calloc(T, sizeof *s.order), calloc(points, sizeof *s.removed),
                 calloc(points, sizeof *s.curve)};
    (void)thread;
    rud_status status = s.order && s.removed && s.curve
                            ? rud_judge_stopped(p->judged.work)
                            : rud_error(RUD_ENOMEM, "no memory for %zu steps", T);
    if (status == RUD_OK) status = run_episode(p, e, &s);
    free(s.order);
    free(s.removed);
    free(s.curve);
    rud_progress_advance(p->judged.progress, 1, NULL);
    return status;
}

static void write_row(const perturbation *p, size_t m, rud_judgement_row *row)
{
    const size_t count = p->judged.given->count, points = p->options->points;
    const bool random = m == p->judged.method_count;
    double deviation;
    snprintf(row->label, sizeof row->label, "%s",
             random ? "random order" : p->judged.methods[m].label);
    for (size_t f = 0; f < FIGURES; f++) {
        rud_mean_deviation(figures_of(p, m, 0) + f, count, FIGURES, &row->mean[f],
                           &row->deviation[f]);
    }
    for (size_t n = 0; n < points; n++) {
        rud_mean_deviation(curve_of(p, m, 0) + n, count, points, &row->curve[n], &deviation);
    }
}

static rud_status tabulate(const perturbation *p, rud_judgement *judgement)
{
    const rud_judged *judged = &p->judged;
    const size_t points = p->options->points;
    RUD_TRY(rud_judgement_allocate(judgement, judged->method_count + 1, points));
    for (size_t m = 0; m <= judged->method_count; m++) write_row(p, m, &judgement->rows[m]);
    for (size_t n = 0; n < points; n++) {
        judgement->points[n] = (double)n / (double)(points - 1);
    }
    rud_judgement_fact_add(judgement, "episodes", (double)judged->given->count);
    rud_judgement_fact_add(judgement, "random_orders", (double)p->options->random_orders);
    rud_judgement_fact_add(judgement, "seed", (double)judged->work->seed);
    return RUD_OK;
}

static rud_status allocate(perturbation *p)
{
    const rud_judged *judged = &p->judged;
    const size_t rows = judged->method_count + 1, count = judged->given->count;
    if (p->options->points < 2 || p->options->points > 1000 || p->options->random_orders < 1 ||
        p->options->random_orders > 10000) {
        return rud_error(RUD_EINVAL,
                         "%zu points and %zu random orders; give 2 to 1,000 and 1 to 10,000",
                         p->options->points, p->options->random_orders);
    }
    p->relevance = calloc(rud_judged_steps(judged), judged->method_count * sizeof *p->relevance);
    p->figures = calloc(count, rows * FIGURES * sizeof *p->figures);
    p->curves = calloc(count, rows * p->options->points * sizeof *p->curves);
    if (p->relevance && p->figures && p->curves) return RUD_OK;
    return rud_error(RUD_ENOMEM, "no memory for %zu episodes", count);
}

static rud_status judge(perturbation *p, rud_judgement *judgement)
{
    rud_judged *judged = &p->judged;
    RUD_TRY(allocate(p));
    RUD_TRY(rud_progress_create(judged->work->progress, "perturbation",
                                rud_judged_jobs(judged) + judged->given->count, &judged->progress));
    RUD_TRY(rud_judged_explain(judged, NULL, p->relevance));
    RUD_TRY(rud_pool_run(judged->pool, judged->given->count, run_job, p));
    return tabulate(p, judgement);
}

rud_status rud_judge_perturbation(const rud_judge_case *what,
                                  const rud_judge_perturbation_options *options,
                                  const rud_judge_work *work, rud_judgement *judgement)
{
    perturbation p = {.options = options};
    *judgement = (rud_judgement){.judge = "perturbation",
                                 .title = "Does the prediction hang on the relevant steps?",
                                 .row = "method",
                                 .deviation = "episodes",
                                 .columns = columns,
                                 .column_count = FIGURES,
                                 .point = "share of the steps removed, largest relevance first",
                                 .height = "prediction"};
    rud_status status = rud_judged_open(what, work, true, &p.judged);
    if (status == RUD_OK) status = judge(&p, judgement);
    free(p.relevance);
    free(p.figures);
    free(p.curves);
    rud_judged_close(&p.judged);
    if (status != RUD_OK) rud_judgement_free(judgement);
    return status;
}

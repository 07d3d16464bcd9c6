/* Each network is trained, then explained by every method on the same unseen sequences. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attribution/attribution.h"
#include "base/pool.h"
#include "base/progress.h"
#include "base/statistics.h"
#include "judge/judge_private.h"
#include "judge/judge_toy_private.h"

enum { FIGURES = 4, MOST_METHODS = 32 };

static const rud_judgement_column columns[FIGURES] = {
    {"correlation_a", "corr(n_a, R_a)",
     "Pearson correlation of n_a with the relevance of step a; ideal: 1", false},
    {"correlation_b", "corr(n_b, R_b)",
     "the same of step b; ideal: 1 in addition, -1 in subtraction", false},
    {"marked_share", "(|R_a|+|R_b|)/sum|R|", "share of all |relevance| at both steps; ideal: 1",
     false},
    {"squared_error", "(R_a+R_b-y)^2", "what both steps do not account for, squared; ideal: 0",
     true},
};

static const char *const operation_names[RUD_TOY_OPERATIONS] = {"addition", "subtraction"};

/* A row of the table. */
typedef struct subject {
    char label[RUD_JUDGEMENT_TEXT];
    rud_attribution_options options;
    bool with_absorbed; /* R_t + absorbed[t], as when relevance redistributes reward */
} subject;

typedef struct toy {
    const rud_judge_toy_options *options;
    const rud_judge_work *work;
    subject subjects[MOST_METHODS];
    size_t subject_count;
    rud_toy_sequences unseen[RUD_TOY_OPERATIONS];
    rud_attribution **attributions; /* [threads] */
    size_t threads;
    double *figures;            /* [operations][networks][subjects][FIGURES] */
    size_t *restarts, *updates; /* [operations * networks] */
    rud_progress *progress;
} toy;

rud_judge_toy_options rud_judge_toy_options_default(void)
{
    return (rud_judge_toy_options){.networks = 50,
                                   .sequences = 2500,
                                   .goal = 1e-4,
                                   .epsilons = {0, 0.001},
                                   .epsilon_count = 2};
}

static subject *add_subject(toy *t, const rud_attribution_method *method)
{
    subject *added = &t->subjects[t->subject_count++];
    added->options = rud_attribution_options_default();
    added->options.method = method;
    snprintf(added->label, sizeof added->label, "%s", method->name);
    return added;
}

static void add_lrp(toy *t, const rud_attribution_method *method)
{
    static const char *const rules[] = {"all", "half", "prop", "abs"};
    for (size_t e = 0; e < t->options->epsilon_count; e++) {
        for (int rule = RUD_LRP_ALL; rule <= RUD_LRP_ABS; rule++) {
            for (int with_absorbed = 0; with_absorbed <= (rule == RUD_LRP_ALL); with_absorbed++) {
                subject *added = add_subject(t, method);
                added->options.rule = (rud_lrp_rule)rule;
                added->options.epsilon = t->options->epsilons[e];
                added->with_absorbed = with_absorbed;
                snprintf(added->label, sizeof added->label, "lrp %s, epsilon %g%s", rules[rule],
                         added->options.epsilon, with_absorbed ? ", with absorbed" : "");
            }
        }
    }
}

static void add_subjects(toy *t)
{
    const rud_attribution_method *method;
    for (size_t k = 0; (method = rud_attribution_method_at(k)) != NULL; k++) {
        if (strcmp(method->name, "lrp") == 0) {
            add_lrp(t, method);
        } else {
            add_subject(t, method);
        }
    }
}

/* The four figures of one network by one method. */
static void measure(const rud_toy_sequences *s, const rud_attribution_result *result,
                    bool with_absorbed, double *R, double figures[FIGURES])
{
    const size_t B = s->count;
    double *R_a = R, *R_b = R + B, share = 0, error = 0;
    for (size_t b = 0; b < B; b++) {
        double sum = 0;
        for (size_t t = 0; t < s->lengths[b]; t++) {
            const size_t row = t * B + b;
            const double r =
                result->step_relevance[row] + (with_absorbed ? result->absorbed[row] : 0);
            if (t == s->a[b]) R_a[b] = r;
            if (t == s->b[b]) R_b[b] = r;
            sum += fabs(r);
        }
        const double missing = R_a[b] + R_b[b] - result->prediction[b];
        share += (fabs(R_a[b]) + fabs(R_b[b])) / sum;
        error += missing * missing;
    }
    figures[0] = rud_pearson(s->n_a, R_a, B);
    figures[1] = rud_pearson(s->n_b, R_b, B);
    figures[2] = share / (double)B;
    figures[3] = error / (double)B;
}

static rud_status explain(const toy *t, const rud_network *network, const rud_toy_sequences *s,
                          rud_attribution *attribution, double *figures)
{
    const rud_attribution_input input = {.network = network,
                                         .x = s->x,
                                         .lengths = s->lengths,
                                         .T = RUD_TOY_STEPS,
                                         .B = s->count,
                                         .scale = 1};
    double *R = calloc(s->count, 2 * sizeof *R);
    rud_status status = R ? RUD_OK : rud_error(RUD_ENOMEM, "toy arithmetic: no memory left");
    for (size_t k = 0; k < t->subject_count && status == RUD_OK; k++, figures += FIGURES) {
        const subject *what = &t->subjects[k];
        rud_attribution_result result;
        status = rud_attribution_run(attribution, &what->options, &input, &result);
        if (status == RUD_OK) measure(s, &result, what->with_absorbed, R, figures);
        rud_error_context(status, "%s", what->label);
    }
    free(R);
    return status;
}

static rud_status judge_network(void *context, size_t job, size_t thread)
{
    toy *t = context;
    const size_t operation = job / t->options->networks, number = job % t->options->networks;
    const rud_toy_task task = {.operation = (rud_toy_operation)operation,
                               .seed = t->work->seed,
                               .number = number,
                               .goal = t->options->goal,
                               .stop = t->work->stop};
    rud_toy_network trained;
    RUD_TRY(rud_judge_stopped(t->work));
    RUD_TRY(rud_error_context(rud_toy_train(&task, &trained), "%s", operation_names[operation]));
    rud_status status = explain(t, trained.network, &t->unseen[operation], t->attributions[thread],
                                t->figures + job * t->subject_count * FIGURES);
    t->restarts[job] = trained.restarts;
    t->updates[job] = trained.updates;
    rud_network_free(&trained.network);
    rud_progress_advance(t->progress, 1, NULL);
    return rud_error_context(status, "%s, network %zu", operation_names[operation], number);
}

static rud_status open_toy(toy *t, size_t threads)
{
    const size_t jobs = RUD_TOY_OPERATIONS * t->options->networks;
    add_subjects(t);
    t->attributions = calloc(threads, sizeof(rud_attribution *));
    t->figures = calloc(jobs, t->subject_count * FIGURES * sizeof *t->figures);
    t->restarts = calloc(jobs, 2 * sizeof *t->restarts);
    if (!t->attributions || !t->figures || !t->restarts) {
        return rud_error(RUD_ENOMEM, "toy arithmetic: no memory for %zu networks", jobs);
    }
    t->updates = t->restarts + jobs;
    t->threads = threads;
    for (size_t k = 0; k < threads; k++) RUD_TRY(rud_attribution_create(&t->attributions[k]));
    for (size_t k = 0; k < RUD_TOY_OPERATIONS; k++) {
        RUD_TRY(rud_toy_draw((rud_toy_operation)k, t->work->seed, "toy test", 0,
                             t->options->sequences, &t->unseen[k]));
    }
    return rud_progress_create(t->work->progress, "toy networks", jobs, &t->progress);
}

static void close_toy(toy *t)
{
    for (size_t k = 0; k < t->threads; k++) rud_attribution_free(&t->attributions[k]);
    for (size_t k = 0; k < RUD_TOY_OPERATIONS; k++) rud_toy_free(&t->unseen[k]);
    rud_progress_free(&t->progress);
    free(t->attributions);
    free(t->figures);
    free(t->restarts);
}

static rud_status tabulate(const toy *t, rud_judgement *judgement)
{
    const size_t networks = t->options->networks, stride = t->subject_count * FIGURES;
    RUD_TRY(rud_judgement_allocate(judgement, RUD_TOY_OPERATIONS * t->subject_count, 0));
    for (size_t row = 0; row < judgement->row_count; row++) {
        const size_t operation = row / t->subject_count, k = row % t->subject_count;
        rud_judgement_row *to = &judgement->rows[row];
        snprintf(to->group, sizeof to->group, "%s", operation_names[operation]);
        snprintf(to->label, sizeof to->label, "%s", t->subjects[k].label);
        for (size_t f = 0; f < FIGURES; f++) {
            rud_mean_deviation(t->figures + operation * networks * stride + k * FIGURES + f,
                               networks, stride, &to->mean[f], &to->deviation[f]);
        }
    }
    double restarts = 0, updates = 0;
    for (size_t k = 0; k < RUD_TOY_OPERATIONS * networks; k++) {
        restarts += (double)t->restarts[k];
        updates += (double)t->updates[k];
    }
    rud_judgement_fact_add(judgement, "networks", (double)networks);
    rud_judgement_fact_add(judgement, "test_sequences", (double)t->options->sequences);
    rud_judgement_fact_add(judgement, "goal", t->options->goal);
    rud_judgement_fact_add(judgement, "seed", (double)t->work->seed);
    rud_judgement_fact_add(judgement, "restarts", restarts);
    rud_judgement_fact_add(judgement, "mean_updates",
                           updates / (double)(RUD_TOY_OPERATIONS * networks));
    return RUD_OK;
}

static rud_status check_options(const rud_judge_toy_options *options)
{
    const size_t most = sizeof options->epsilons / sizeof *options->epsilons;
    if (options->networks < 1 || options->networks > 100000 || options->sequences < 2 ||
        options->sequences > 1000000) {
        return rud_error(RUD_EINVAL,
                         "toy arithmetic: %zu networks and %zu sequences; give 1 to 100,000 and 2 "
                         "to 1,000,000",
                         options->networks, options->sequences);
    }
    if (!(options->goal > 0) || options->epsilon_count < 1 || options->epsilon_count > most) {
        return rud_error(RUD_EINVAL,
                         "toy arithmetic: the goal must be above 0 and there must be 1 to %zu "
                         "epsilons",
                         most);
    }
    for (size_t k = 0; k < options->epsilon_count; k++) {
        if (!(options->epsilons[k] >= 0) || !isfinite(options->epsilons[k])) {
            return rud_error(RUD_EINVAL, "toy arithmetic: epsilon must be 0 or more, found %g",
                             options->epsilons[k]);
        }
    }
    return RUD_OK;
}

rud_status rud_judge_toy(const rud_judge_toy_options *options, const rud_judge_work *work,
                         rud_judgement *judgement)
{
    *judgement = (rud_judgement){.judge = "toy",
                                 .title = "Toy arithmetic: who finds the two numbers?",
                                 .group = "operation",
                                 .row = "method",
                                 .deviation = "networks",
                                 .columns = columns,
                                 .column_count = FIGURES};
    toy t = {.options = options, .work = work};
    rud_pool *pool = NULL;
    RUD_TRY(check_options(options));
    RUD_TRY(rud_pool_create(work->threads, &pool));
    rud_status status = open_toy(&t, rud_pool_threads(pool));
    if (status == RUD_OK) {
        status = rud_pool_run(pool, RUD_TOY_OPERATIONS * options->networks, judge_network, &t);
    }
    if (status == RUD_OK) status = tabulate(&t, judgement);
    close_toy(&t);
    rud_pool_free(&pool);
    if (status != RUD_OK) rud_judgement_free(judgement);
    return status;
}

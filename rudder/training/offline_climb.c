/* The rungs of the model ladder, fitted at the same time, and the one that is kept. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/statistics.h"
#include "redistribution/quality.h"
#include "training/ladder_private.h"
#include "training/offline_run_private.h"

/* Memory of the predictions of the test of every step, of which the variance ratio is computed. */
static const size_t predictions_most = (size_t)1 << 24;

/* The metrics of all rungs in their order, as they stand in their checkpoints. */
static rud_status write_metrics(const rud_offline_run *run)
{
    size_t size = 0, used = 0;
    for (size_t k = 0; k < run->rungs; k++) size += run->fits[k].metrics_size;
    char *text = malloc(size + 1);
    if (text == NULL) return rud_error(RUD_ENOMEM, "no memory for metrics");
    for (size_t k = 0; k < run->rungs; k++) {
        memcpy(text + used, run->fits[k].metrics, run->fits[k].metrics_size);
        used += run->fits[k].metrics_size;
    }
    const rud_status status = rud_file_write(run->paths.metrics, text, size);
    free(text);
    return status;
}

rud_status rud_offline_first_fit(rud_offline_run *run, const rud_predictor_options *options,
                                 rud_fit *fit)
{
    RUD_TRY(rud_progress_create(run->options->progress, "measuring", run->split.training_count,
                                &run->task.progress));
    const rud_status status = rud_fit_create(&run->task, options, fit);
    rud_progress_free(&run->task.progress);
    return status;
}

/* The first rung has to see the episodes; networks behind it take over what it has seen. */
static rud_status create_fits(rud_offline_run *run)
{
    for (size_t k = 0; k < run->rungs; k++) {
        rud_predictor_options options = *rud_offline_predictor(run);
        memcpy(options.cell, run->ladder[k], sizeof options.cell);
        RUD_TRY(k == 0 ? rud_offline_first_fit(run, &options, &run->fits[k])
                       : rud_fit_create(&run->task, &options, &run->fits[k]));
        run->task.observer = run->fits[0].predictor;
        RUD_TRY(rud_fit_load(&run->fits[k]));
    }
    return RUD_OK;
}

/* The last rungs take longest, so they begin. */
static rud_status run_rung(void *context, size_t job, size_t thread)
{
    (void)thread;
    rud_offline_run *run = context;
    return rud_fit_run(&run->fits[run->rungs - 1 - job]);
}

static rud_status fit_all(rud_offline_run *run)
{
    uint64_t done = 0;
    for (size_t k = 0; k < run->rungs; k++) done += (uint64_t)run->fits[k].state.updates;
    RUD_TRY(rud_progress_create(run->options->progress, "training",
                                (uint64_t)run->rungs * run->task.updates, &run->task.progress));
    rud_progress_update(run->task.progress, done, NULL);
    run->task.started = rud_wall_seconds();
    const rud_status status = rud_pool_run(run->pool, run->rungs, run_rung, run);
    rud_progress_free(&run->task.progress);
    return status;
}

static rud_status choose(rud_offline_run *run)
{
    const size_t n = run->split.validation_count;
    run->chosen = 0;
    for (size_t k = 1; k < run->rungs; k++) {
        rud_paired_difference difference;
        if (rud_ladder_replaces(run->fits[run->chosen].validation, run->fits[k].validation, n,
                                &difference)) {
            run->chosen = k;
        }
        run->result->rungs[k].gain = difference.mean;
        run->result->rungs[k].gain_error = difference.standard_error;
    }
    if (isfinite(run->fits[run->chosen].validation[0].all)) return RUD_OK;
    return rud_error(RUD_EDIVERGED, "training diverged on every rung of the ladder; try a smaller "
                                    "predictor.learning_rate or predictor.clip_norm");
}

rud_status rud_offline_climb(rud_offline_run *run)
{
    run->task.metrics = run->paths.metrics;
    run->task.folder = run->paths.checkpoints;
    run->task.updates = run->config.offline.updates;
    RUD_TRY(rud_make_folders(run->paths.checkpoints));
    RUD_TRY(create_fits(run));
    RUD_TRY(write_metrics(run));
    RUD_TRY(fit_all(run));
    RUD_TRY(write_metrics(run));
    run->result->rungs[0].gain = run->result->rungs[0].gain_error = NAN;
    return choose(run);
}

static size_t parameters_of(const rud_fit *fit)
{
    size_t count = 0;
    const rud_network *network = rud_predictor_network(fit->predictor);
    if (network == NULL) return rud_features_width(rud_predictor_features(fit->predictor)) + 1;
    rud_network_parameters_const(network, &count);
    return count;
}

static void judge_rung(const rud_offline_run *run, size_t k, const double *returns)
{
    const rud_fit *fit = &run->fits[k];
    const size_t n = run->split.validation_count;
    rud_rung *rung = &run->result->rungs[k];
    memcpy(rung->cell, fit->options.cell, sizeof rung->cell);
    rung->parameters = parameters_of(fit);
    rung->updates = (size_t)fit->state.updates;
    rung->best_update = (size_t)fit->state.best_update;
    rung->diverged = fit->state.diverged != 0;
    rung->chosen = k == run->chosen;
    rung->padding = fit->state.rows > 0 ? fit->state.padded / fit->state.rows : 0;
    for (size_t i = 0; i < n; i++) {
        rung->loss_main += fit->validation[i].main / (double)n;
        rung->loss_all += fit->validation[i].all / (double)n;
    }
    rung->r_squared = rud_r_squared(fit->predictions, returns, run->split.test_count);
}

/* Of the first episodes of the test, as many as fit the memory. */
static rud_status variance_ratio(rud_offline_run *run, const double *returns)
{
    const size_t *test = run->split.test;
    size_t n = 0, total = 0;
    while (n < run->split.test_count &&
           (n < 2 || total + run->data.lengths[test[n]] + 1 <= predictions_most)) {
        total += run->data.lengths[test[n++]] + 1;
    }
    double *values = malloc(total * sizeof *values), **g = malloc(n * sizeof *g);
    size_t *steps = malloc(n * sizeof *steps);
    rud_status status = values && g && steps
                            ? RUD_OK
                            : rud_error(RUD_ENOMEM, "no memory for %zu predictions", total);
    for (size_t i = 0, at = 0; i < n && status == RUD_OK; i++) {
        rud_episode *episode = NULL;
        g[i] = values + at;
        steps[i] = run->data.lengths[test[i]];
        at += steps[i] + 1;
        status = rud_offline_data_lend(&run->data, &test[i], 1, &episode);
        if (status != RUD_OK) break;
        status = rud_predictor_predict(run->fits[run->chosen].predictor,
                                       (const rud_episode *const *)&episode, 1, &g[i]);
        rud_offline_data_give_back(&run->data, &episode, 1);
    }
    if (status == RUD_OK) {
        run->result->variance_ratio =
            rud_variance_ratio((const double *const *)g, steps, returns, n);
    }
    free(values);
    free(g);
    free(steps);
    return status;
}

/* Quality and the spread of the errors. */
static void judge_errors(const rud_offline_run *run, const double *returns)
{
    const rud_fit *fit = &run->fits[run->chosen];
    const double s = rud_predictor_target_std(fit->predictor);
    const double n = (double)run->split.test_count;
    double mean = 0, squares = 0, quality = 0;
    for (size_t i = 0; i < run->split.test_count; i++) {
        const double error = returns[i] - fit->predictions[i], deviation = error - mean;
        mean += deviation / (double)(i + 1);
        squares += deviation * (error - mean);
        quality += rud_episode_quality(error, s) / n;
    }
    run->result->quality = quality;
    run->result->error_std = sqrt(squares / (n - 1));
}

rud_status rud_offline_judge(rud_offline_run *run)
{
    const size_t n = run->split.test_count;
    rud_offline_result *result = run->result;
    double *returns = malloc(n * sizeof *returns);
    if (returns == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu returns", n);
    for (size_t i = 0; i < n; i++) returns[i] = run->data.returns[run->split.test[i]];
    result->rung_count = run->rungs;
    for (size_t k = 0; k < run->rungs; k++) judge_rung(run, k, returns);
    memcpy(result->cell, run->fits[run->chosen].options.cell, sizeof result->cell);
    result->r_squared = result->rungs[run->chosen].r_squared;
    result->rank_correlation = rud_spearman(run->fits[run->chosen].predictions, returns, n);
    judge_errors(run, returns);
    const rud_status status = variance_ratio(run, returns);
    free(returns);
    return status;
}

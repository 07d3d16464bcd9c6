/* What the fitted rungs are worth: on the validation, which chose among them, and in the test. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/statistics.h"
#include "redistribution/quality.h"
#include "training/offline_run_private.h"

/* Memory of the predictions of the test of every step, of which the variance ratio is computed. */
static const size_t predictions_most = (size_t)1 << 24;

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

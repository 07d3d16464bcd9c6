#include "training/fit_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/number.h"

/* A loss that fell by less than this share does not count as falling. */
static const double least_fall = 0.005;

static rud_status allocate(rud_fit *fit)
{
    const rud_split *split = fit->task->split;
    const size_t batch = fit->options.batch;
    fit->validation = calloc(split->validation_count, sizeof *fit->validation);
    fit->predictions = calloc(split->test_count, sizeof *fit->predictions);
    fit->losses = calloc(batch, sizeof *fit->losses);
    fit->episodes = calloc(batch, sizeof *fit->episodes);
    fit->g = calloc(batch, sizeof *fit->g);
    fit->metrics = calloc(1, 1);
    if (fit->validation && fit->predictions && fit->losses && fit->episodes && fit->g &&
        fit->metrics) {
        return RUD_OK;
    }
    return rud_error(RUD_ENOMEM, "no memory for a predictor's training");
}

static rud_status observe(rud_fit *fit)
{
    const rud_split *split = fit->task->split;
    for (size_t k = 0; k < split->training_count; k++) {
        rud_episode *episode = NULL;
        RUD_TRY(rud_stop_check(fit->task->stop));
        RUD_TRY(rud_offline_data_lend(fit->task->data, &split->training[k], 1, &episode));
        const rud_status status = rud_predictor_observe(fit->predictor, episode);
        rud_offline_data_give_back(fit->task->data, &episode, 1);
        RUD_TRY(rud_error_context(status, "episode %zu", split->training[k]));
        rud_progress_advance(fit->task->progress, 1, NULL);
    }
    return RUD_OK;
}

rud_status rud_fit_create(const rud_fit_task *task, const rud_predictor_options *options,
                          rud_fit *fit)
{
    *fit = (rud_fit){.task = task, .options = *options, .planned = -1};
    fit->state = (rud_fit_state){.learning_rate = options->adam.learning_rate,
                                 .reference = INFINITY,
                                 .best = INFINITY,
                                 .best_main = INFINITY};
    RUD_TRY(allocate(fit));
    RUD_TRY(rud_predictor_create(options, task->features, NULL, task->seed, &fit->predictor));
    if (rud_predictor_useful_updates(fit->predictor) == 0) {
        return rud_error(RUD_EINVAL,
                         "\"%s\" has nothing to train; choose linear or the cell of an "
                         "LSTM",
                         options->cell);
    }
    if (task->observer != NULL && rud_predictor_network(fit->predictor) != NULL) {
        return rud_predictor_observe_as(fit->predictor, task->observer);
    }
    return observe(fit);
}

void rud_fit_free(rud_fit *fit)
{
    rud_predictor_free(&fit->predictor);
    rud_batch_plan_free(&fit->plan);
    free(fit->metrics);
    free(fit->validation);
    free(fit->predictions);
    free(fit->losses);
    free(fit->episodes);
    free(fit->g);
    free(fit->g_values);
    *fit = (rud_fit){0};
}

/* Rows for the predictions of fit->episodes[count]. */
static rud_status reserve_rows(rud_fit *fit, size_t count)
{
    size_t needed = 0;
    for (size_t b = 0; b < count; b++) needed += fit->episodes[b]->steps + 1;
    if (needed > fit->g_capacity) {
        double *grown = realloc(fit->g_values, needed * sizeof *grown);
        if (grown == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu predictions", needed);
        fit->g_values = grown;
        fit->g_capacity = needed;
    }
    size_t at = 0;
    for (size_t b = 0; b < count; b++) {
        fit->g[b] = fit->g_values + at;
        at += fit->episodes[b]->steps + 1;
    }
    return RUD_OK;
}

/* Losses of fit->episodes[count], and last predictions; each may be NULL. */
static rud_status judge(rud_fit *fit, size_t count, rud_losses *losses, double *predictions)
{
    const rud_features *features = rud_predictor_features(fit->predictor);
    RUD_TRY(reserve_rows(fit, count));
    RUD_TRY(rud_predictor_predict(fit->predictor, (const rud_episode *const *)fit->episodes, count,
                                  fit->g));
    for (size_t b = 0; b < count; b++) {
        const size_t inputs = rud_features_inputs(features, fit->episodes[b]);
        const double G = rud_predictor_return(fit->predictor, fit->episodes[b]);
        if (losses) losses[b] = rud_predictor_losses(fit->predictor, fit->g[b], inputs, G);
        if (predictions) predictions[b] = fit->g[b][inputs - 1];
    }
    return RUD_OK;
}

/* The same of episodes numbers[n]. */
static rud_status look_at(rud_fit *fit, const size_t *numbers, size_t n, rud_losses *losses,
                          double *predictions)
{
    const rud_offline_data *data = fit->task->data;
    const size_t batch = fit->options.batch;
    for (size_t first = 0; first < n; first += batch) {
        const size_t count = n - first < batch ? n - first : batch;
        RUD_TRY(rud_offline_data_lend(data, numbers + first, count, fit->episodes));
        const rud_status status = judge(fit, count, losses ? losses + first : NULL,
                                        predictions ? predictions + first : NULL);
        rud_offline_data_give_back(data, fit->episodes, count);
        RUD_TRY(status);
    }
    return RUD_OK;
}

static rud_status validate(rud_fit *fit)
{
    const rud_split *split = fit->task->split;
    return look_at(fit, split->validation, split->validation_count, fit->validation, NULL);
}

static rud_losses mean_validation(const rud_fit *fit)
{
    const size_t n = fit->task->split->validation_count;
    rud_losses mean = {0, 0};
    for (size_t i = 0; i < n; i++) {
        mean.main += fit->validation[i].main / (double)n;
        mean.all += fit->validation[i].all / (double)n;
    }
    return mean;
}

/* One line of metrics.jsonl, kept with the fit and appended to the file. */
static rud_status add_metrics(rud_fit *fit, rud_losses validation)
{
    enum { DIGITS = 9 };
    const rud_fit_state *s = &fit->state;
    char number[5][RUD_NUMBER_SIZE], line[512];
    const double n = s->sum_updates > 0 ? s->sum_updates : 1;
    const double values[] = {s->sum_main / n, s->sum_all / n, validation.main, validation.all,
                             s->learning_rate};
    for (size_t k = 0; k < 5; k++) rud_number_rounded(values[k], DIGITS, number[k]);
    const int length = snprintf(
        line, sizeof line,
        "{\"cell\": \"%s\", \"update\": %.0f, \"loss_main\": %s, "
        "\"loss_all\": %s, \"validation_main\": %s, \"validation_all\": %s, "
        "\"learning_rate\": %s}\n",
        fit->options.cell, s->updates, number[0], number[1], number[2], number[3], number[4]);
    char *grown = realloc(fit->metrics, fit->metrics_size + (size_t)length + 1);
    if (grown == NULL) return rud_error(RUD_ENOMEM, "no memory for metrics");
    memcpy(grown + fit->metrics_size, line, (size_t)length + 1);
    fit->metrics = grown;
    fit->metrics_size += (size_t)length;
    if (fit->task->metrics == NULL) return RUD_OK;
    pthread_mutex_lock(fit->task->mutex);
    const rud_status status = rud_file_append(fit->task->metrics, line, (size_t)length);
    pthread_mutex_unlock(fit->task->mutex);
    return status;
}

/* The learning rate falls when the loss has not for a while, and training ends when that has
 * happened often enough. */
static void watch(rud_fit *fit, double loss)
{
    const rud_offline_options *options = fit->task->options;
    rud_fit_state *s = &fit->state;
    s->waits++;
    if (loss < (1 - least_fall) * s->reference) {
        s->reference = loss;
        s->waits = 0;
    }
    if (s->waits < (double)options->patience) return;
    s->waits = 0;
    if (s->reductions >= (double)options->reductions) {
        s->finished = 1;
    } else {
        s->reductions++;
        s->learning_rate *= options->reduction;
    }
}

static rud_status evaluate(rud_fit *fit)
{
    rud_fit_state *s = &fit->state;
    RUD_TRY(validate(fit));
    const rud_losses loss = mean_validation(fit);
    RUD_TRY(add_metrics(fit, loss));
    s->sum_main = s->sum_all = s->sum_updates = 0;
    if (loss.all < s->best) {
        RUD_TRY(rud_predictor_remember(fit->predictor));
        s->best = loss.all;
        s->best_main = loss.main;
        s->best_update = s->updates;
    }
    watch(fit, loss.all);
    return RUD_OK;
}

static rud_status plan_pass(rud_fit *fit)
{
    const rud_split *split = fit->task->split;
    if (fit->planned == fit->state.pass) return RUD_OK;
    RUD_TRY(rud_batch_plan_make(split->training, split->training_count, fit->task->data->lengths,
                                fit->options.batch, fit->task->seed, (uint64_t)fit->state.pass,
                                &fit->plan));
    fit->planned = fit->state.pass;
    return RUD_OK;
}

/* Adds what the batch brought to the sums; the steps in it. */
static double count_batch(rud_fit *fit, size_t count)
{
    rud_fit_state *s = &fit->state;
    double steps = 0, longest = 0;
    for (size_t b = 0; b < count; b++) {
        const double length =
            (double)rud_features_inputs(rud_predictor_features(fit->predictor), fit->episodes[b]);
        steps += length;
        longest = fmax(longest, length);
        s->sum_main += fit->losses[b].main / (double)count;
        s->sum_all += fit->losses[b].all / (double)count;
    }
    s->sum_updates++;
    s->rows += longest * (double)count;
    s->padded += longest * (double)count - steps;
    return steps;
}

static rud_status update(rud_fit *fit, double *steps)
{
    rud_fit_state *s = &fit->state;
    RUD_TRY(plan_pass(fit));
    const size_t k = (size_t)s->batch, first = fit->plan.starts[k];
    const size_t count = fit->plan.starts[k + 1] - first;
    RUD_TRY(rud_offline_data_lend(fit->task->data, fit->plan.order + first, count, fit->episodes));
    rud_predictor_set_learning_rate(fit->predictor, s->learning_rate);
    const rud_status status = rud_predictor_update(
        fit->predictor, (const rud_episode *const *)fit->episodes, count, fit->losses);
    if (status == RUD_OK) *steps = count_batch(fit, count);
    rud_offline_data_give_back(fit->task->data, fit->episodes, count);
    RUD_TRY(status);
    s->updates++;
    s->batch++;
    return RUD_OK;
}

static double update_limit(const rud_fit *fit)
{
    const double useful = (double)rud_predictor_useful_updates(fit->predictor);
    return fmin((double)fit->task->updates, useful);
}

/* Is the loss of the validation looked at now? At the end of each pass, often enough within
 * a long one, and at the end. */
static bool is_due(const rud_fit *fit)
{
    const size_t done = (size_t)fit->state.batch;
    return done == fit->plan.batches || done % fit->task->options->evaluate_every == 0 ||
           fit->state.updates >= update_limit(fit);
}

static void show_progress(rud_fit *fit, double steps)
{
    const rud_fit_task *task = fit->task;
    const rud_fit_state *s = &fit->state;
    char note[96];
    pthread_mutex_lock(task->mutex);
    *task->steps += steps;
    const double rate = *task->steps / fmax(rud_wall_seconds() - task->started, 1e-3);
    pthread_mutex_unlock(task->mutex);
    snprintf(note, sizeof note, "%s loss %.4f, %.0f steps/s", fit->options.cell,
             s->sum_all / s->sum_updates, rate);
    rud_progress_advance(task->progress, 1, note);
}

static rud_status one_update(rud_fit *fit)
{
    rud_fit_state *s = &fit->state;
    double steps = 0;
    RUD_TRY(update(fit, &steps));
    show_progress(fit, steps);
    if (is_due(fit)) RUD_TRY(evaluate(fit));
    if (s->updates >= update_limit(fit)) s->finished = 1;
    if ((size_t)s->batch < fit->plan.batches) return RUD_OK;
    s->batch = 0;
    s->pass++;
    return RUD_OK;
}

/* A checkpoint now and then, at the end, and where the caller asks to stop. What is solved at once
 * has none: it is solved anew. */
static rud_status keep(rud_fit *fit, rud_status stop)
{
    const double now = rud_wall_seconds();
    const bool lasting = rud_predictor_network(fit->predictor) != NULL;
    const bool due = now - fit->saved >= fit->task->options->checkpoint_seconds ||
                     fit->state.finished != 0 || stop != RUD_OK;
    if (fit->task->folder == NULL || !lasting || !due) return stop;
    RUD_TRY(rud_fit_save(fit));
    fit->saved = now;
    return stop == RUD_OK ? RUD_OK : rud_stop_check(fit->task->stop); /* its message again */
}

/* All losses are infinite where a fit diverged before it had a best. */
static rud_status finish(rud_fit *fit)
{
    const rud_split *split = fit->task->split;
    const size_t skipped = fit->task->updates - (size_t)fit->state.updates;
    rud_progress_advance(fit->task->progress, skipped, NULL);
    if (isinf(fit->state.best)) {
        for (size_t i = 0; i < split->validation_count; i++) {
            fit->validation[i] = (rud_losses){INFINITY, INFINITY};
        }
        for (size_t i = 0; i < split->test_count; i++) fit->predictions[i] = NAN;
        return RUD_OK;
    }
    rud_predictor_recall(fit->predictor);
    RUD_TRY(validate(fit));
    return look_at(fit, split->test, split->test_count, NULL, fit->predictions);
}

rud_status rud_fit_run(rud_fit *fit)
{
    fit->saved = rud_wall_seconds();
    while (fit->state.finished == 0) {
        rud_status status = one_update(fit);
        if (status == RUD_EDIVERGED) {
            rud_log(RUD_LOG_WARNING, "%s after update %.0f: %s", fit->options.cell,
                    fit->state.updates, rud_last_error());
            fit->state.diverged = fit->state.finished = 1;
            status = RUD_OK;
        }
        RUD_TRY(status);
        RUD_TRY(keep(fit, rud_stop_check(fit->task->stop)));
    }
    return finish(fit);
}

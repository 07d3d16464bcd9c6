/* The rungs of the model ladder, fitted at the same time, and the one that is kept. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "training/ladder_private.h"
#include "training/offline_run_private.h"

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

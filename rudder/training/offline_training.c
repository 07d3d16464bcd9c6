#include "training/offline_training.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "config/run_folder.h"
#include "training/offline_result_private.h"
#include "training/offline_run_private.h"

/* The equations of `linear` for more inputs than that take too much memory. */
enum { LINEAR_MOST = 4096 };

/* The rungs that can be tried on these features. */
static void list_rungs(rud_offline_run *run)
{
    const rud_offline_options *offline = &run->config.offline;
    const size_t D = rud_features_width(run->features);
    for (size_t k = 0; k < offline->ladder_count; k++) {
        const bool linear = rud_cell_preset(offline->ladder[k]) == NULL;
        if (linear && D > LINEAR_MOST && offline->ladder_count > 1) {
            rud_log(RUD_LOG_WARNING, "the rung linear is left out: %zu inputs are too many", D);
            continue;
        }
        memcpy(run->ladder[run->rungs++], offline->ladder[k], RUD_NAME_SIZE);
    }
}

/* The most general cell of the ladder that has a width; NULL: there is none. */
static const char *searched_cell(const rud_offline_run *run)
{
    for (size_t k = run->rungs; k-- > 0;) {
        if (rud_cell_preset(run->ladder[k]) != NULL) return run->ladder[k];
    }
    return NULL;
}

/* Trials are of `cell`; each starts from what one predictor has seen of the episodes. */
static rud_status run_trials(rud_offline_run *run, const char *cell, rud_trial *trials,
                             rud_search_choice *choice)
{
    const size_t count = run->config.offline.search_trials;
    rud_predictor_options options = *rud_offline_predictor(run);
    rud_fit observer = {0};
    snprintf(options.cell, sizeof options.cell, "%s", cell);
    run->task.updates = run->config.offline.search_updates;
    run->task.folder = run->paths.checkpoints;
    rud_status status = rud_offline_first_fit(run, &options, &observer);
    if (status == RUD_OK) {
        status = rud_progress_create(run->options->progress, "search", count * run->task.updates,
                                     &run->task.progress);
    }
    run->task.observer = observer.predictor;
    run->task.started = rud_wall_seconds();
    if (status == RUD_OK) {
        status = rud_search_run(&run->task, &options, run->pool, trials, count, choice);
    }
    rud_progress_free(&run->task.progress);
    run->task.observer = NULL;
    rud_fit_free(&observer);
    return status;
}

/* Looks for learning rate and width, and writes down what was found before it is used. */
static rud_status search(rud_offline_run *run, const char *cell)
{
    const size_t count = run->config.offline.search_trials;
    rud_predictor_options *options = rud_offline_predictor(run);
    rud_search_choice choice;
    char *yaml = NULL;
    rud_trial *trials = calloc(count, sizeof *trials);
    if (trials == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu trials", count);
    rud_status status = run_trials(run, cell, trials, &choice);
    if (status == RUD_OK) status = rud_config_to_yaml(&run->config, &yaml);
    if (status == RUD_OK) {
        status = rud_search_write(run->paths.search, yaml, trials, count, &choice);
    }
    free(yaml);
    free(trials);
    RUD_TRY(status);
    options->adam.learning_rate = choice.learning_rate;
    options->hidden = choice.hidden;
    RUD_TRY(rud_run_folder_write(run->options->folder, &run->config));
    return rud_remove_tree(run->paths.checkpoints); /* of the trials */
}

static void describe(rud_offline_run *run)
{
    rud_offline_result *result = run->result;
    const rud_predictor_options *options = rud_offline_predictor(run);
    result->episodes = run->data.episodes;
    result->steps = run->data.steps;
    result->training = run->split.training_count;
    result->validation = run->split.validation_count;
    result->test = run->split.test_count;
    result->in_memory = run->data.in_memory;
    result->target = options->target;
    result->discount = options->discount;
    result->learning_rate = options->adam.learning_rate;
    result->hidden = options->hidden;
    result->trials = run->config.offline.search_trials;
}

static rud_status save(rud_offline_run *run)
{
    RUD_TRY(rud_predictor_save(run->fits[run->chosen].predictor, run->paths.model));
    RUD_TRY(rud_offline_result_write(run->result, run->paths.training));
    return rud_remove_tree(run->paths.checkpoints);
}

/* One process at a time works in the folder. */
static rud_status lock_folder(rud_offline_run *run)
{
    if (run->lock >= 0) return RUD_OK;
    RUD_TRY(rud_run_folder_lock(run->options->folder, &run->lock));
    rud_folder_sweep(run->paths.checkpoints);
    return RUD_OK;
}

static rud_status train(rud_offline_run *run)
{
    rud_search_choice found;
    const char *cell;
    RUD_TRY(lock_folder(run));
    RUD_TRY(rud_offline_folder_open(run->options->folder, &run->paths, &run->split,
                                    run->options->force, &run->config, &found));
    if (rud_file_exists(run->paths.training)) {
        RUD_TRY(rud_remove_tree(run->paths.checkpoints));
        return rud_offline_result_read(run->options->folder, run->result);
    }
    list_rungs(run);
    if (run->config.offline.search_trials > 0 && !found.found &&
        (cell = searched_cell(run)) != NULL) {
        RUD_TRY(search(run, cell));
    }
    RUD_TRY(rud_offline_climb(run));
    describe(run);
    RUD_TRY(rud_offline_judge(run));
    return save(run);
}

static rud_status run_all(rud_offline_run *run)
{
    RUD_TRY(rud_offline_folder_create(run->options->folder, &run->paths));
    if (rud_is_folder(run->options->folder)) RUD_TRY(lock_folder(run));
    RUD_TRY(rud_offline_prepare(run));
    RUD_TRY(rud_pool_create(0, &run->pool));
    run->task = (rud_fit_task){.data = &run->data,
                               .split = &run->split,
                               .features = run->features,
                               .options = &run->config.offline,
                               .seed = run->config.first_seed,
                               .stop = run->options->stop,
                               .mutex = &run->mutex,
                               .steps = &run->steps};
    return train(run);
}

static void free_run(rud_offline_run *run)
{
    for (size_t k = 0; k < run->rungs; k++) rud_fit_free(&run->fits[k]);
    rud_pool_free(&run->pool);
    rud_features_free(&run->features);
    rud_split_free(&run->split);
    rud_offline_data_close(&run->data);
    rud_offline_folder_free(&run->paths);
    rud_folder_unlock(&run->lock);
    pthread_mutex_destroy(&run->mutex);
    free(run);
}

rud_status rud_offline_training_run(const rud_config *config,
                                    const rud_offline_training_options *options,
                                    rud_offline_result *result)
{
    const double started = rud_wall_seconds();
    *result = (rud_offline_result){0};
    rud_offline_run *run = calloc(1, sizeof *run);
    if (run == NULL) return rud_error(RUD_ENOMEM, "no memory for a run");
    run->config = *config;
    run->options = options;
    run->result = result;
    run->lock = -1;
    pthread_mutex_init(&run->mutex, NULL);
    const rud_status status = run_all(run);
    result->seconds = rud_wall_seconds() - started;
    free_run(run);
    return status;
}

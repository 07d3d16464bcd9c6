#include "training/search_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"

enum { FILE_LIMIT = 1 << 24, LEAST_WIDTH = 4 };

/* Rates within a factor of 5 either way, evenly in the logarithm; half, the same or twice the
 * width. */
rud_trial rud_search_trial(const rud_predictor_options *options, uint64_t seed, size_t k)
{
    static const double widths[] = {0.5, 1, 2};
    rud_trial trial = {.learning_rate = options->adam.learning_rate, .hidden = options->hidden};
    if (k == 0) return trial;
    rud_rng rng = rud_rng_stream(seed, "search", k);
    trial.learning_rate *= pow(5, 2 * rud_rng_uniform(&rng) - 1);
    const double hidden = (double)options->hidden * widths[rud_rng_below(&rng, 3)];
    trial.hidden = (size_t)fmax(hidden, LEAST_WIDTH);
    return trial;
}

typedef struct search {
    const rud_fit_task *task;
    const rud_predictor_options *options;
    rud_trial *trials;
} search;

/* Trains from where its checkpoint stands; what has ended is not trained again. */
static rud_status train_trial(const rud_fit_task *task, const rud_predictor_options *options,
                              double *loss)
{
    rud_fit fit = {0};
    rud_status status = rud_fit_create(task, options, &fit);
    if (status == RUD_OK) status = rud_fit_load(&fit);
    if (status == RUD_OK) {
        const double done = fit.state.finished != 0 ? (double)task->updates : fit.state.updates;
        rud_progress_advance(task->progress, (uint64_t)done, NULL);
    }
    if (status == RUD_OK && fit.state.finished == 0) status = rud_fit_run(&fit);
    *loss = fit.state.best;
    rud_fit_free(&fit);
    return status;
}

static rud_status run_trial(void *context, size_t job, size_t thread)
{
    (void)thread;
    const search *search = context;
    rud_trial *trial = &search->trials[job];
    rud_predictor_options options = *search->options;
    rud_fit_task task = *search->task;
    char name[32];
    options.adam.learning_rate = trial->learning_rate;
    options.hidden = trial->hidden;
    snprintf(name, sizeof name, "trial-%zu", job);
    char *folder = rud_path_join(search->task->folder, name);
    if (folder == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    task.folder = folder;
    rud_status status = rud_make_folders(folder);
    if (status == RUD_OK) rud_folder_sweep(folder);
    if (status == RUD_OK) status = train_trial(&task, &options, &trial->loss);
    free(folder);
    return status;
}

rud_status rud_search_run(const rud_fit_task *task, const rud_predictor_options *options,
                          rud_pool *pool, rud_trial *trials, size_t count,
                          rud_search_choice *choice)
{
    search search = {task, options, trials};
    size_t best = 0;
    for (size_t k = 0; k < count; k++) trials[k] = rud_search_trial(options, task->seed, k);
    RUD_TRY(rud_pool_run(pool, count, run_trial, &search));
    for (size_t k = 1; k < count; k++) {
        if (trials[k].loss < trials[best].loss) best = k;
    }
    *choice = (rud_search_choice){true, trials[best].learning_rate, trials[best].hidden};
    return RUD_OK;
}

static bool put_trials(json_object *root, const rud_trial *trials, size_t count)
{
    json_object *list = json_object_new_array();
    bool made = rud_json_put(root, "trials", list);
    for (size_t k = 0; made && k < count; k++) {
        json_object *o = json_object_new_object();
        made = rud_json_push(list, o) &&
               rud_json_put_number(o, "learning_rate", trials[k].learning_rate) &&
               rud_json_put_count(o, "hidden", trials[k].hidden) &&
               rud_json_put_number(o, "validation_all", trials[k].loss);
    }
    return made;
}

rud_status rud_search_write(const char *path, const char *yaml, const rud_trial *trials,
                            size_t count, const rud_search_choice *choice)
{
    json_object *root = json_object_new_object();
    const bool made = put_trials(root, trials, count) &&
                      rud_json_put_number(root, "learning_rate", choice->learning_rate) &&
                      rud_json_put_count(root, "hidden", choice->hidden) &&
                      rud_json_put_text(root, "configuration", yaml);
    const rud_status status =
        made ? rud_json_write(root, true, path) : rud_error(RUD_ENOMEM, "no memory for %s", path);
    json_object_put(root);
    return status;
}

static rud_status read_choice(json_object *root, const char *yaml, rud_search_choice *choice)
{
    char *configuration = NULL;
    uint64_t hidden;
    RUD_TRY(rud_json_get_number(root, "learning_rate", &choice->learning_rate));
    RUD_TRY(rud_json_get_count(root, "hidden", &hidden));
    RUD_TRY(rud_json_get_text(root, "configuration", &configuration));
    choice->found = configuration != NULL && strcmp(configuration, yaml) == 0;
    choice->hidden = (size_t)hidden;
    free(configuration);
    return RUD_OK;
}

rud_status rud_search_read(const char *path, const char *yaml, rud_search_choice *choice)
{
    json_object *root = NULL;
    *choice = (rud_search_choice){0};
    if (!rud_file_exists(path)) return RUD_OK;
    RUD_TRY(rud_json_read(path, FILE_LIMIT, &root));
    const rud_status status = read_choice(root, yaml, choice);
    json_object_put(root);
    return rud_error_context(status, "%s", path);
}

#include "experiment/experiment.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/pool.h"
#include "base/progress.h"
#include "config/run_folder.h"
#include "experiment/grid.h"
#include "experiment/run_index_private.h"

/* Those of an experiment, and what was made of them later. */
static const char *const result_files[] = {"runs.jsonl", "results.json", "results.csv", NULL};
static const char *const replaced_files[] = {"runs.jsonl", "results.json", "results.csv",
                                             "report.html", NULL};

/* What the jobs of one phase share. */
typedef struct phase {
    const rud_experiment_options *options;
    rud_run_task *tasks; /* [count] that are not done yet */
    size_t count, capacity;
    rud_runs *runs;      /* finished ones; guarded by mutex */
    const char *journal; /* path of runs.jsonl */
    bool played;         /* a run was not there yet */
    rud_progress *progress;
    pthread_mutex_t mutex;
} phase;

static int64_t delay_of(const rud_config *config, size_t variant)
{
    return config->delay_count > 0 ? config->delays[variant] : RUD_NO_DELAY;
}

static size_t variants(const rud_config *config)
{
    return config->delay_count > 0 ? config->delay_count : 1;
}

static rud_status add_task(phase *phase, const rud_run_task *task)
{
    if (phase->count == phase->capacity) {
        const size_t capacity = phase->capacity == 0 ? 64 : 2 * phase->capacity;
        rud_run_task *grown = realloc(phase->tasks, capacity * sizeof *grown);
        if (grown == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu runs", capacity);
        phase->tasks = grown;
        phase->capacity = capacity;
    }
    phase->tasks[phase->count] = *task;
    phase->tasks[phase->count++].stop = phase->options->stop;
    return RUD_OK;
}

/* Every combination of the grid for one method and variant. */
static rud_status add_tuning(phase *phase, const rud_config *config, const char *method,
                             int64_t delay)
{
    rud_setting setting;
    if (!rud_grid_has(&config->grid, method)) return RUD_OK;
    for (size_t k = 0; rud_grid_setting(&config->grid, k, &setting); k++) {
        for (size_t i = 0; i < config->grid.seeds; i++) {
            RUD_TRY(
                add_task(phase, &(rud_run_task){.config = config,
                                                .delay = delay,
                                                .method = method,
                                                .setting = setting,
                                                .seed = config->first_seed + config->seed_count + i,
                                                .cap = config->grid.cap,
                                                .tuning = true}));
        }
    }
    return RUD_OK;
}

/* One method and variant with its best setting, over all seeds. */
static rud_status add_runs(phase *phase, const rud_config *config, const char *method,
                           int64_t delay)
{
    const rud_setting setting = rud_grid_best(config, phase->runs, delay, method);
    for (size_t i = 0; i < config->seed_count; i++) {
        RUD_TRY(add_task(phase, &(rud_run_task){.config = config,
                                                .delay = delay,
                                                .method = method,
                                                .setting = setting,
                                                .seed = config->first_seed + i,
                                                .cap = config->cap,
                                                .with_examples = i == 0}));
    }
    return RUD_OK;
}

/* All tasks of a phase in the order of the results: variants, methods, settings, seeds. */
static rud_status list_tasks(phase *phase, const rud_config *config, bool tuning)
{
    phase->count = 0;
    for (size_t v = 0; v < variants(config); v++) {
        for (size_t m = 0; m < config->method_count; m++) {
            RUD_TRY((tuning ? add_tuning : add_runs)(phase, config, config->methods[m],
                                                     delay_of(config, v)));
        }
    }
    return RUD_OK;
}

static rud_status drop_finished(phase *phase)
{
    rud_run_index index;
    size_t kept = 0;
    RUD_TRY(rud_run_index_create(phase->runs, &index));
    for (size_t k = 0; k < phase->count; k++) {
        if (rud_run_index_find(&index, &phase->tasks[k]) == SIZE_MAX) {
            phase->tasks[kept++] = phase->tasks[k];
        }
    }
    phase->count = kept;
    rud_run_index_free(&index);
    return RUD_OK;
}

/* The finished run goes to disk before the next starts. Takes the run's arrays. */
static rud_status keep(phase *phase, rud_run *run)
{
    char *text = NULL;
    rud_status status = rud_run_to_json(run, &text);
    if (status == RUD_OK) {
        const size_t length = strlen(text);
        text[length] = '\n'; /* in place of the end: the line is written by its length */
        pthread_mutex_lock(&phase->mutex);
        status = rud_file_append(phase->journal, text, length + 1);
        if (status == RUD_OK) status = rud_runs_add(phase->runs, run);
        pthread_mutex_unlock(&phase->mutex);
    }
    free(text);
    rud_run_free(run);
    return status;
}

static rud_status play_job(void *context, size_t job, size_t thread)
{
    (void)thread;
    phase *phase = context;
    const rud_run_task *task = &phase->tasks[job];
    rud_run run;
    const rud_status status = rud_run_play(task, &run);
    if (status != RUD_OK && status != RUD_EDIVERGED) {
        rud_run_free(&run);
        return status;
    }
    if (status == RUD_EDIVERGED && (run.error = strdup(rud_last_error())) == NULL) {
        rud_run_free(&run);
        return rud_error(RUD_ENOMEM, "no memory for a message");
    }
    RUD_TRY(keep(phase, &run));
    rud_progress_advance(phase->progress, 1, task->method);
    return RUD_OK;
}

static rud_status play_phase(phase *phase, const rud_config *config, bool tuning)
{
    RUD_TRY(list_tasks(phase, config, tuning));
    RUD_TRY(drop_finished(phase));
    if (phase->count == 0) return RUD_OK;
    phase->played = true;
    rud_pool *pool = NULL;
    RUD_TRY(rud_progress_create(phase->options->progress, tuning ? "tuning" : config->name,
                                phase->count, &phase->progress));
    rud_status status = rud_pool_create(phase->options->threads, &pool);
    if (status == RUD_OK) status = rud_pool_run(pool, phase->count, play_job, phase);
    rud_pool_free(&pool);
    rud_progress_free(&phase->progress);
    return status;
}

/* Moves the runs of one phase to the end of `sorted`, in the order of its tasks. */
static rud_status move_runs(phase *phase, const rud_config *config, bool tuning,
                            const rud_run_index *index, rud_runs *sorted)
{
    RUD_TRY(list_tasks(phase, config, tuning));
    for (size_t k = 0; k < phase->count; k++) {
        const size_t place = rud_run_index_find(index, &phase->tasks[k]);
        if (place == SIZE_MAX) continue;
        rud_run moved = phase->runs->items[place];
        phase->runs->items[place] = (rud_run){0};
        RUD_TRY(rud_runs_add(sorted, &moved));
    }
    return RUD_OK;
}

/* Runs in the order of the tasks, so that results do not depend on which finished first. The
 * tuning runs move last: the settings of the others are chosen by them. */
static rud_status sort_runs(phase *phase, const rud_config *config)
{
    rud_runs sorted = {0};
    rud_run_index index;
    RUD_TRY(rud_run_index_create(phase->runs, &index));
    rud_status status = move_runs(phase, config, false, &index, &sorted);
    if (status == RUD_OK) status = move_runs(phase, config, true, &index, &sorted);
    rud_run_index_free(&index);
    rud_runs_free(phase->runs);
    *phase->runs = sorted;
    return status;
}

static rud_status write_tables(const rud_runs *runs, const rud_config *config, const char *json,
                               const char *csv)
{
    rud_results results = {0};
    char *text = NULL;
    RUD_TRY(rud_config_to_json(config, &text));
    rud_status status = rud_results_compute(runs, &results);
    if (status == RUD_OK) status = rud_results_write_json(&results, text, json);
    if (status == RUD_OK) status = rud_results_write_csv(&results, csv);
    rud_results_free(&results);
    free(text);
    return status;
}

static rud_status write_results(const char *folder, const rud_runs *runs, const rud_config *config)
{
    char *json = rud_path_join(folder, "results.json");
    char *csv = rud_path_join(folder, "results.csv");
    const rud_status status = json != NULL && csv != NULL
                                  ? write_tables(runs, config, json, csv)
                                  : rud_error(RUD_ENOMEM, "no memory for paths");
    free(json);
    free(csv);
    return status;
}

static bool has_results(const char *folder)
{
    for (size_t k = 0; result_files[k] != NULL; k++) {
        char *path = rud_path_join(folder, result_files[k]);
        const bool there = path != NULL && rud_file_exists(path);
        free(path);
        if (!there) return false;
    }
    return true;
}

static rud_status run_phases(phase *phase, const rud_config *config)
{
    RUD_TRY(rud_runs_mend(phase->journal));
    RUD_TRY(rud_runs_read(phase->journal, phase->runs));
    RUD_TRY(play_phase(phase, config, true));
    RUD_TRY(play_phase(phase, config, false));
    RUD_TRY(sort_runs(phase, config));
    if (!phase->played && has_results(phase->options->folder)) return RUD_OK;
    return write_results(phase->options->folder, phase->runs, config);
}

static rud_status run_in_folder(const rud_config *config, const rud_experiment_options *options,
                                rud_runs *runs)
{
    RUD_TRY(rud_run_folder_open(options->folder, config, options->force, replaced_files));
    char *journal = rud_path_join(options->folder, "runs.jsonl");
    if (journal == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    phase phase = {.options = options, .runs = runs, .journal = journal};
    pthread_mutex_init(&phase.mutex, NULL);
    const rud_status status = run_phases(&phase, config);
    pthread_mutex_destroy(&phase.mutex);
    free(phase.tasks);
    free(journal);
    return status;
}

rud_status rud_experiment_run(const rud_config *config, const rud_experiment_options *options,
                              rud_runs *runs)
{
    int lock;
    *runs = (rud_runs){0};
    RUD_TRY(rud_run_folder_lock(options->folder, &lock));
    const rud_status status = run_in_folder(config, options, runs);
    rud_folder_unlock(&lock);
    return status;
}

/* The runs in the order in which rud_experiment_run reports them; the file has them as they ended.
 */
static rud_status read_sorted(const char *journal, const rud_config *config, rud_runs *runs)
{
    const rud_experiment_options options = {0};
    phase phase = {.options = &options, .runs = runs};
    RUD_TRY(rud_runs_read(journal, runs));
    const rud_status status = sort_runs(&phase, config);
    free(phase.tasks);
    return status;
}

static rud_status read_files(const char *folder, const char *config_path, const char *journal,
                             rud_config *config, rud_runs *runs)
{
    if (!rud_file_exists(config_path) || !rud_file_exists(journal)) {
        return rud_error(RUD_EINVAL,
                         "%s: not the folder of an experiment: it holds no config.yaml "
                         "or no runs.jsonl",
                         folder);
    }
    RUD_TRY(rud_config_read(config_path, NULL, 0, config));
    return read_sorted(journal, config, runs);
}

rud_status rud_experiment_read(const char *folder, rud_config *config, rud_runs *runs)
{
    *runs = (rud_runs){0};
    char *config_path = rud_path_join(folder, "config.yaml");
    char *journal = rud_path_join(folder, "runs.jsonl");
    const rud_status status = config_path != NULL && journal != NULL
                                  ? read_files(folder, config_path, journal, config, runs)
                                  : rud_error(RUD_ENOMEM, "no memory for paths");
    free(config_path);
    free(journal);
    return status;
}

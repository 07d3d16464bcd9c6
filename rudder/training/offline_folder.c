#include "training/offline_folder_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "config/run_folder.h"

static const char *const result_files[] = {
    "model.safetensors", "metrics.jsonl", "splits.json", "training.json",
    "search.json",       "report.html",   NULL};

rud_status rud_offline_folder_create(const char *folder, rud_offline_folder *paths)
{
    *paths = (rud_offline_folder){
        .splits = rud_path_join(folder, "splits.json"),
        .metrics = rud_path_join(folder, "metrics.jsonl"),
        .model = rud_path_join(folder, "model.safetensors"),
        .training = rud_path_join(folder, "training.json"),
        .search = rud_path_join(folder, "search.json"),
        .checkpoints = rud_path_join(folder, "checkpoint"),
    };
    if (paths->splits && paths->metrics && paths->model && paths->training && paths->search &&
        paths->checkpoints) {
        return RUD_OK;
    }
    return rud_error(RUD_ENOMEM, "no memory for the paths of a run");
}

void rud_offline_folder_free(rud_offline_folder *paths)
{
    free(paths->splits);
    free(paths->metrics);
    free(paths->model);
    free(paths->training);
    free(paths->search);
    free(paths->checkpoints);
    *paths = (rud_offline_folder){0};
}

/* The folder is one of `config` before or after the search that it asks for. */
static rud_status claim(const char *folder, const rud_offline_folder *paths, bool force,
                        rud_config *config, rud_search_choice *choice)
{
    rud_config chosen = *config;
    char *yaml = NULL;
    *choice = (rud_search_choice){0};
    if (config->offline.search_trials > 0) {
        RUD_TRY(rud_config_to_yaml(config, &yaml));
        const rud_status status = rud_search_read(paths->search, yaml, choice);
        free(yaml);
        RUD_TRY(status);
    }
    if (!choice->found) return rud_run_folder_open(folder, config, force, result_files);
    chosen.agent.redistributor.predictor.adam.learning_rate = choice->learning_rate;
    chosen.agent.redistributor.predictor.hidden = choice->hidden;
    rud_status status = rud_run_folder_open(folder, &chosen, false, result_files);
    if (status == RUD_EEXIST) { /* killed between the search and its entry there */
        RUD_TRY(rud_run_folder_open(folder, config, force, result_files));
        status = rud_run_folder_write(folder, &chosen);
    }
    *config = chosen;
    return status;
}

/* Removes what earlier episodes have led to. */
static rud_status start_anew(const rud_offline_folder *paths)
{
    RUD_TRY(rud_remove_tree(paths->checkpoints));
    RUD_TRY(rud_remove_tree(paths->model));
    RUD_TRY(rud_remove_tree(paths->training));
    return rud_remove_tree(paths->metrics);
}

rud_status rud_offline_folder_open(const char *folder, const rud_offline_folder *paths,
                                   const rud_split *split, bool force, rud_config *config,
                                   rud_search_choice *choice)
{
    rud_split found = {0};
    RUD_TRY(claim(folder, paths, force, config, choice));
    const bool there = rud_file_exists(paths->splits);
    if (there) RUD_TRY(rud_split_read(folder, &found));
    const bool same = there && rud_split_equal(&found, split);
    rud_split_free(&found);
    if (same) return RUD_OK;
    if (there && !force) {
        return rud_error(RUD_EEXIST,
                         "%s: the folder is a run on other episodes; choose another with -o, or "
                         "replace its results with --force",
                         folder);
    }
    RUD_TRY(start_anew(paths));
    return rud_split_write(split, folder);
}

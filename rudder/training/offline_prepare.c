/* From data sets to what a predictor is trained on. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "redistribution/feature_statistics.h"
#include "training/offline_run_private.h"

static rud_status open_data(rud_offline_run *run, rud_features_options *features)
{
    const rud_offline_options *offline = &run->config.offline;
    const rud_offline_source source = {.paths = run->options->episodes,
                                       .count = run->options->episode_files,
                                       .ignored = offline->ignore,
                                       .ignored_count = offline->ignore_count,
                                       .memory = offline->memory,
                                       .discount = rud_offline_predictor(run)->discount,
                                       .progress = run->options->progress,
                                       .stop = run->options->stop};
    RUD_TRY(rud_offline_data_open(&source, &run->data));
    for (size_t k = 0; k < run->data.file_count; k++) {
        RUD_TRY(rud_offline_ignore(run->data.files[k].dataset, &source, features));
    }
    return rud_offline_data_read(&source, &run->data);
}

/* The same episodes twice: most would be in training and held out as well. */
static void warn_of_repetition(const rud_offline_data *data)
{
    for (size_t k = 1; k < data->file_count; k++) {
        for (size_t j = 0; j < k; j++) {
            const rud_offline_file *one = &data->files[j], *other = &data->files[k];
            if (one->digest != other->digest || one->episodes != other->episodes) continue;
            rud_log(RUD_LOG_WARNING,
                    "%s and %s hold the same episodes: they are in training and in the test, which "
                    "then says too much good of the predictor",
                    one->path, other->path);
            break;
        }
    }
}

static rud_status split_episodes(rud_offline_run *run)
{
    const rud_offline_options *offline = &run->config.offline;
    const rud_offline_data *data = &run->data;
    RUD_TRY(rud_error_context(rud_split_create(data->episodes, offline->held_out,
                                               offline->held_out_most, run->config.first_seed,
                                               &run->split),
                              "%s", data->files[0].path));
    for (size_t k = 0; k < data->file_count; k++) {
        const rud_offline_file *file = &data->files[k];
        RUD_TRY(
            rud_split_add_file(&run->split, file->path, file->episodes, file->steps, file->digest));
    }
    warn_of_repetition(data);
    return RUD_OK;
}

/* "data.hdf5, episode 7" of an episode's number. */
static void place_of(const rud_offline_data *data, size_t number, char *text, size_t size)
{
    size_t k = data->file_count - 1;
    while (data->files[k].first > number) k--;
    snprintf(text, size, "%s, episode %zu", data->files[k].path, number - data->files[k].first);
}

/* Their standard deviation is the unit of the losses. */
static rud_status check_spread(const rud_offline_data *data)
{
    double low = data->returns[0], high = low;
    for (size_t k = 1; k < data->episodes; k++) {
        low = fmin(low, data->returns[k]);
        high = fmax(high, data->returns[k]);
    }
    if (isfinite((high - low) * (high - low) * (double)data->episodes)) return RUD_OK;
    return rud_error(
        RUD_EINVAL,
        "%s: the returns are from %g to %g, and their variance is beyond what a number "
        "can hold; divide the rewards by something",
        data->files[0].path, low, high);
}

/* Are all returns 0 or 1? If not, the first that is neither. */
static bool are_labels(const rud_offline_data *data, size_t *other)
{
    for (*other = 0; *other < data->episodes; (*other)++) {
        if (data->returns[*other] != 0 && data->returns[*other] != 1) return false;
    }
    return true;
}

static bool is_constant(const rud_offline_data *data)
{
    for (size_t k = 1; k < data->episodes; k++) {
        if (data->returns[k] != data->returns[0]) return false;
    }
    return true;
}

static rud_status choose_target(rud_offline_run *run)
{
    const rud_offline_data *data = &run->data;
    const rud_offline_target wanted = run->config.offline.target;
    rud_predictor_options *options = rud_offline_predictor(run);
    size_t other;
    const bool labels = are_labels(data, &other), constant = is_constant(data);
    if (wanted == RUD_OFFLINE_SUCCESS && !labels) {
        char place[512];
        place_of(data, other, place, sizeof place);
        return rud_error(RUD_EINVAL,
                         "%s: the return is %g; `target: success` needs returns of 0 or 1", place,
                         data->returns[other]);
    }
    RUD_TRY(check_spread(data));
    if (constant) {
        rud_log(RUD_LOG_WARNING,
                "every episode has the return %g: there is nothing to predict, and no step earns "
                "more than another",
                data->returns[0]);
    }
    const bool success =
        wanted == RUD_OFFLINE_SUCCESS || (wanted == RUD_OFFLINE_AUTO && labels && !constant);
    options->target = success ? RUD_TARGET_SUCCESS : RUD_TARGET_RETURN;
    return RUD_OK;
}

/* One episode's inputs, x[inputs][D]; grows. */
typedef struct encoded {
    float *x;
    size_t capacity; /* inputs */
} encoded;

static rud_status add_statistics(const rud_features *features, const rud_episode *episode,
                                 encoded *encoded, rud_feature_statistics *statistics)
{
    const size_t D = statistics->D, inputs = rud_features_inputs(features, episode);
    if (inputs > encoded->capacity) {
        float *grown = inputs <= SIZE_MAX / sizeof *grown / D
                           ? realloc(encoded->x, inputs * D * sizeof *grown)
                           : NULL;
        if (grown == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu inputs", inputs);
        encoded->x = grown;
        encoded->capacity = inputs;
    }
    rud_features_encode(features, episode, encoded->x, D);
    rud_feature_statistics_add(statistics, encoded->x, inputs);
    return RUD_OK;
}

/* Checks that episode k fits the features; those of training go into the statistics. */
static rud_status look_at(rud_offline_run *run, size_t k, encoded *encoded,
                          rud_feature_statistics *statistics)
{
    rud_episode *episode = NULL;
    char place[512];
    RUD_TRY(rud_stop_check(run->options->stop));
    RUD_TRY(rud_offline_data_lend(&run->data, &k, 1, &episode));
    rud_status status = rud_features_check(run->features, episode);
    if (status == RUD_OK && !run->split.is_held_out[k]) {
        status = add_statistics(run->features, episode, encoded, statistics);
    }
    rud_offline_data_give_back(&run->data, &episode, 1);
    if (status == RUD_OK) return RUD_OK;
    place_of(&run->data, k, place, sizeof place);
    return rud_error_context(status, "%s", place);
}

/* Every episode must fit the features before anything is written; raw inputs are standardised by
 * the training episodes. */
static rud_status check_and_standardise(rud_offline_run *run, bool standardised)
{
    rud_feature_statistics statistics = {0};
    encoded encoded = {0};
    rud_progress *progress = NULL;
    RUD_TRY(rud_progress_create(run->options->progress, "checking", run->data.episodes, &progress));
    rud_status status =
        rud_feature_statistics_create(rud_features_width(run->features), &statistics);
    for (size_t k = 0; k < run->data.episodes && status == RUD_OK; k++) {
        status = look_at(run, k, &encoded, &statistics);
        rud_progress_advance(progress, 1, NULL);
    }
    rud_progress_free(&progress);
    if (status == RUD_OK && standardised) {
        status = rud_feature_statistics_standardise(&statistics, run->features);
    }
    free(encoded.x);
    rud_feature_statistics_free(&statistics);
    return status;
}

static rud_status make_features(rud_offline_run *run, rud_features_options *options)
{
    const rud_offline_data *data = &run->data;
    const bool standardised = options->standardise;
    if (options->final_observation && data->final_observations < data->episodes) {
        rud_log(RUD_LOG_INFO, "%zu of %zu episodes have no final observation: it is no input",
                data->episodes - data->final_observations, data->episodes);
        options->final_observation = false;
    }
    options->standardise = false; /* done here, once for all rungs */
    RUD_TRY(rud_error_context(rud_features_create(options, &data->observation_space,
                                                  data->has_actions ? &data->action_space : NULL,
                                                  &run->features),
                              "%s", data->files[0].path));
    return check_and_standardise(run, standardised);
}

rud_status rud_offline_prepare(rud_offline_run *run)
{
    rud_features_options features = run->config.agent.features;
    RUD_TRY(open_data(run, &features));
    RUD_TRY(split_episodes(run));
    RUD_TRY(choose_target(run));
    return make_features(run, &features);
}

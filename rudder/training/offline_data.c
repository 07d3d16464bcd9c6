#include "training/offline_data_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* In the manner of FNV-1a, but by 8 bytes at a time: tells the data of one run from that of
 * another.
 */
static uint64_t digest(uint64_t hash, const void *words, size_t size)
{
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, (const char *)words + i, sizeof word);
        hash = (hash ^ word) * UINT64_C(1099511628211);
        hash ^= hash >> 32; /* else high bits would never reach low ones */
    }
    return hash;
}

static uint64_t digest_episode(uint64_t hash, const rud_episode *e)
{
    const uint64_t sizes[] = {e->steps, e->observation_rows};
    hash = digest(hash, sizes, sizeof sizes);
    hash = digest(hash, e->observations,
                  e->observation_rows * e->observation_width * sizeof *e->observations);
    hash = digest(hash, e->actions, e->steps * e->action_width * sizeof *e->actions);
    return digest(hash, e->rewards, e->steps * sizeof *e->rewards);
}

static rud_status check_width(const rud_dataset *dataset, const rud_offline_data *data,
                              const char *what, size_t width, size_t first)
{
    if (width == first) return RUD_OK;
    return rud_error(RUD_EINVAL,
                     "%s: %s of width %zu, but those of %s have %zu; files of one run must "
                     "agree",
                     rud_dataset_path(dataset), what, width,
                     rud_dataset_path(data->files[0].dataset), first);
}

static rud_status merge_spaces(const rud_dataset *dataset, rud_offline_data *data, bool first)
{
    const rud_space *observation = rud_dataset_observation_space(dataset);
    const rud_space *action = rud_dataset_action_space(dataset);
    if (first) data->has_actions = action != NULL;
    if (!first) {
        RUD_TRY(check_width(dataset, data, "observations", observation->width,
                            data->observation_space.width));
        RUD_TRY(check_width(dataset, data, "actions", action != NULL ? action->width : 0,
                            data->action_space.width));
    }
    RUD_TRY(rud_offline_merge_space(&data->observation_space, observation));
    return action != NULL ? rud_offline_merge_space(&data->action_space, action) : RUD_OK;
}

static rud_status open_file(const char *path, rud_offline_data *data)
{
    rud_dataset_options options = rud_dataset_options_default();
    rud_offline_file *file = &data->files[data->file_count];
    options.infos = false;
    *file = (rud_offline_file){
        .path = path, .first = data->episodes, .digest = UINT64_C(14695981039346656037)};
    RUD_TRY(rud_dataset_open(path, &options, &file->dataset));
    data->file_count++;
    file->episodes = rud_dataset_episodes(file->dataset);
    file->steps = rud_dataset_steps(file->dataset);
    data->episodes += file->episodes;
    data->steps += file->steps;
    return merge_spaces(file->dataset, data, data->file_count == 1);
}

/* Memory that all episodes take. */
static double bytes_needed(const rud_offline_data *data)
{
    const double row = (double)(data->observation_space.width + data->action_space.width + 1);
    const double overhead = sizeof(rud_episode) + 64.0; /* id and allocator */
    return ((double)data->steps + (double)data->episodes) * row * sizeof(double) +
           (double)data->episodes * overhead;
}

static double return_of(const rud_episode *episode, double discount)
{
    double G = 0;
    if (discount == 1) return rud_episode_return(episode);
    for (size_t t = episode->steps; t-- > 0;) G = episode->rewards[t] + discount * G;
    return G;
}

/* Takes the episode into the tables, and into memory or not. */
static rud_status take(rud_offline_data *data, rud_offline_file *file, rud_episode *episode,
                       size_t number, double discount)
{
    data->lengths[number] = episode->steps;
    data->returns[number] = return_of(episode, discount);
    data->final_observations += episode->observation_rows > episode->steps;
    file->digest = digest_episode(file->digest, episode);
    if (data->in_memory) return rud_episodes_add(&data->memory, episode);
    const rud_status status = rud_episode_spill_add(&data->spill, episode);
    rud_episode_free(&episode);
    return status;
}

static rud_status read_file(const rud_offline_source *source, rud_offline_data *data,
                            rud_offline_file *file, rud_progress *progress)
{
    for (size_t k = 0; k < file->episodes; k++) {
        rud_episode *episode = NULL;
        RUD_TRY(rud_stop_check(source->stop));
        RUD_TRY(rud_dataset_next(file->dataset, &episode));
        if (episode == NULL) {
            return rud_error(RUD_EFORMAT, "%s: %zu episodes found, %zu expected", file->path, k,
                             file->episodes);
        }
        if (episode->no_rewards) {
            rud_episode_free(&episode);
            return rud_error(RUD_EFORMAT, "%s: no rewards, and so no return to learn",
                             rud_dataset_place(file->dataset));
        }
        RUD_TRY(take(data, file, episode, file->first + k, source->discount));
        rud_progress_advance(progress, 1, NULL);
    }
    rud_dataset_close(&file->dataset);
    return RUD_OK;
}

rud_status rud_offline_data_open(const rud_offline_source *source, rud_offline_data *data)
{
    *data = (rud_offline_data){.spill.file = -1};
    data->files = calloc(source->count + 1, sizeof *data->files);
    if (data->files == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu files", source->count);
    for (size_t k = 0; k < source->count; k++) RUD_TRY(open_file(source->paths[k], data));
    data->lengths = malloc((data->episodes + 1) * sizeof *data->lengths);
    data->returns = malloc((data->episodes + 1) * sizeof *data->returns);
    if (data->lengths == NULL || data->returns == NULL) {
        return rud_error(RUD_ENOMEM, "no memory for %zu episodes", data->episodes);
    }
    return RUD_OK;
}

rud_status rud_offline_data_read(const rud_offline_source *source, rud_offline_data *data)
{
    rud_progress *progress = NULL;
    data->in_memory = bytes_needed(data) <= (double)source->memory;
    if (!data->in_memory) RUD_TRY(rud_episode_spill_open(&data->spill));
    RUD_TRY(rud_progress_create(source->progress, "reading", data->episodes, &progress));
    rud_status status = RUD_OK;
    for (size_t k = 0; k < data->file_count && status == RUD_OK; k++) {
        status = read_file(source, data, &data->files[k], progress);
    }
    rud_progress_free(&progress);
    return status;
}

void rud_offline_data_close(rud_offline_data *data)
{
    for (size_t k = 0; k < data->file_count; k++) rud_dataset_close(&data->files[k].dataset);
    rud_episodes_free(&data->memory);
    rud_space_free(&data->observation_space);
    rud_space_free(&data->action_space);
    free(data->files);
    free(data->lengths);
    free(data->returns);
    rud_episode_spill_close(&data->spill);
    *data = (rud_offline_data){.spill.file = -1};
}

rud_status rud_offline_data_lend(const rud_offline_data *data, const size_t *numbers, size_t count,
                                 rud_episode **episodes)
{
    memset(episodes, 0, count * sizeof *episodes);
    for (size_t i = 0; i < count; i++) {
        if (data->in_memory) {
            episodes[i] = data->memory.items[numbers[i]];
            continue;
        }
        const rud_status status = rud_episode_spill_read(&data->spill, numbers[i], &episodes[i]);
        if (status == RUD_OK) continue;
        rud_offline_data_give_back(data, episodes, count);
        return status;
    }
    return RUD_OK;
}

void rud_offline_data_give_back(const rud_offline_data *data, rud_episode **episodes, size_t count)
{
    for (size_t i = 0; !data->in_memory && i < count; i++) rud_episode_free(&episodes[i]);
}

/* Opening a Minari data set: where it lies, how many episodes and steps it has, which spaces. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "episodes/minari_private.h"

static const size_t metadata_limit = (size_t)256 << 20;

rud_minari_name rud_minari_episode_name(size_t k)
{
    rud_minari_name name;
    snprintf(name.text, sizeof name.text, "episode_%zu", k);
    return name;
}

hid_t rud_minari_file(const rud_dataset *dataset)
{
    const rud_minari *state = dataset->state;
    return state->file;
}

const rud_minari_part *rud_minari_observations(const rud_dataset *dataset)
{
    const rud_minari *state = dataset->state;
    return &state->observations;
}

const rud_minari_part *rud_minari_actions(const rud_dataset *dataset)
{
    const rud_minari *state = dataset->state;
    return &state->actions;
}

/* ---- where it lies ---- */

/* folder/name where that exists, else NULL. */
static char *existing(const char *folder, const char *name)
{
    char *path = rud_path_join(folder, name);
    if (path != NULL && rud_file_exists(path)) return path;
    free(path);
    return NULL;
}

/* metadata.json stands beside a file only where that has Minari's name for it. */
static char *metadata_beside(const char *data)
{
    static const char name[] = "main_data.hdf5";
    size_t length = strlen(data), tail = sizeof name - 1;
    if (length < tail || strcmp(data + length - tail, name) != 0) return NULL;
    if (length > tail && data[length - tail - 1] != '/') return NULL;
    char *folder = length == tail ? strdup(".") : strndup(data, length - tail);
    char *path = folder == NULL ? NULL : existing(folder, "metadata.json");
    free(folder);
    return path;
}

rud_status rud_minari_find(const char *path, rud_minari_paths *paths)
{
    *paths = (rud_minari_paths){0};
    if (!rud_is_folder(path)) {
        paths->data = strdup(path);
    } else {
        paths->data = existing(path, "data/main_data.hdf5");
        if (paths->data == NULL) paths->data = existing(path, "main_data.hdf5");
    }
    if (paths->data == NULL)
        return rud_error(RUD_EFORMAT, "%s: no Minari data set: no data/main_data.hdf5 is in it",
                         path);
    paths->metadata = metadata_beside(paths->data);
    return RUD_OK;
}

static void free_paths(rud_minari_paths *paths)
{
    free(paths->data);
    free(paths->metadata);
}

/* A file by its content, or by its name: then the reader says what is wrong with it. */
static bool recognise(const char *path)
{
    rud_minari_paths paths;
    if (!rud_is_folder(path)) return rud_is_hdf5_path(path) || rud_hdf5_is_file(path);
    bool found = rud_minari_find(path, &paths) == RUD_OK;
    free_paths(&paths);
    return found;
}

/* ---- counts ---- */

typedef struct numbers {
    size_t count, largest;
} numbers;

/* "episode_12": 12, in the one way to write it. */
static bool episode_number(const char *name, size_t *number)
{
    char *end;
    if (strncmp(name, "episode_", 8) != 0) return false;
    unsigned long long value = strtoull(name + 8, &end, 10);
    if (*end != '\0' || value >= SIZE_MAX) return false;
    *number = (size_t)value;
    return strcmp(rud_minari_episode_name(*number).text, name) == 0;
}

static herr_t count_name(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    numbers *found = context;
    size_t number;
    (void)group;
    (void)info;
    if (!episode_number(name, &number)) return 0;
    found->count++;
    if (number > found->largest) found->largest = number;
    return 0;
}

static rud_status count_episodes(rud_dataset *dataset)
{
    rud_minari *state = dataset->state;
    numbers found = {0};
    if (H5Literate(state->file, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, count_name, &found) < 0)
        return rud_hdf5_failed("its groups cannot be listed");
    if (found.count == 0)
        return rud_error(RUD_EFORMAT, "holds no episode: there is no group episode_0");
    if (found.largest >= found.count)
        return rud_error(RUD_EFORMAT,
                         "%zu episodes, but the last one is episode_%zu: there is a gap",
                         found.count, found.largest);
    dataset->episodes = found.count;
    dataset->lengths = calloc(found.count, sizeof *dataset->lengths);
    if (dataset->lengths == NULL)
        return rud_error(RUD_ENOMEM, "no memory for %zu episodes", found.count);
    return RUD_OK;
}

/* By the attribute, or else by the rewards; every step takes at least its two flags. */
static rud_status find_length(hid_t episode, uint64_t bytes, size_t *length)
{
    bool found;
    uint64_t steps = 0;
    RUD_TRY(rud_hdf5_attribute_uint64(episode, "total_steps", &found, &steps));
    if (!found) {
        rud_hdf5_array rewards;
        RUD_TRY(rud_hdf5_array_open(episode, "rewards", &rewards));
        steps = rewards.rows;
        rud_hdf5_array_close(&rewards);
    }
    if (steps == 0) return rud_error(RUD_EFORMAT, "an episode of 0 steps");
    /* compressed numbers may take less than a byte */
    if (steps / 4096 > bytes)
        return rud_error(RUD_EFORMAT,
                         "total_steps claims %llu steps, but the whole file has %llu bytes",
                         (unsigned long long)steps, (unsigned long long)bytes);
    *length = (size_t)steps;
    return RUD_OK;
}

static rud_status find_lengths(rud_dataset *dataset)
{
    rud_minari *state = dataset->state;
    for (size_t k = 0; k < dataset->episodes; k++) {
        rud_minari_name name = rud_minari_episode_name(k);
        hid_t episode = H5Gopen2(state->file, name.text, H5P_DEFAULT);
        rud_status status = episode < 0 ? rud_hdf5_failed("no group")
                                        : find_length(episode, state->bytes, &dataset->lengths[k]);
        if (episode >= 0) H5Gclose(episode);
        if (status != RUD_OK) return rud_error_context(status, "%s", name.text);
        dataset->steps += dataset->lengths[k];
    }
    return RUD_OK;
}

/* ---- metadata ---- */

static rud_status read_metadata(rud_dataset *dataset, const char *path)
{
    rud_minari *state = dataset->state;
    if (path == NULL) return rud_hdf5_attribute_text(state->file, "metadata", &dataset->metadata);
    size_t size;
    return rud_file_read(path, metadata_limit, &dataset->metadata, &size);
}

static rud_status check_format(json_object *metadata)
{
    json_object *format = NULL;
    if (!json_object_object_get_ex(metadata, "data_format", &format) ||
        (json_object_is_type(format, json_type_string) &&
         strcmp(json_object_get_string(format), "hdf5") == 0))
        return RUD_OK;
    return rud_error(RUD_EFORMAT, "\"data_format\" is %.32s; only \"hdf5\" can be read",
                     json_object_to_json_string(format));
}

static rud_status check_total(json_object *metadata, const char *key, size_t counted)
{
    json_object *value = NULL;
    if (!json_object_object_get_ex(metadata, key, &value)) return RUD_OK;
    if (json_object_is_type(value, json_type_int) &&
        json_object_get_uint64(value) == (uint64_t)counted)
        return RUD_OK;
    return rud_error(RUD_EFORMAT, "\"%s\" is %s, but the file has %zu", key,
                     json_object_to_json_string(value), counted);
}

static rud_status parse_part(json_object *metadata, const char *key, const char *root,
                             rud_minari_part *part, bool *found)
{
    json_object *value = NULL;
    *found = json_object_object_get_ex(metadata, key, &value);
    if (!*found) return RUD_OK;
    /* as text inside the JSON, or as it is */
    const char *text = json_object_is_type(value, json_type_string)
                           ? json_object_get_string(value)
                           : json_object_to_json_string(value);
    return text == NULL ? rud_error(RUD_ENOMEM, "no memory for a space")
                        : rud_minari_part_parse(text, root, part);
}

static rud_status use_metadata(rud_dataset *dataset, bool *observations, bool *actions)
{
    rud_minari *state = dataset->state;
    json_object *metadata;
    RUD_TRY(rud_json_parse(dataset->metadata, strlen(dataset->metadata), &metadata));
    rud_status status = check_format(metadata);
    if (status == RUD_OK) status = check_total(metadata, "total_episodes", dataset->episodes);
    if (status == RUD_OK) status = check_total(metadata, "total_steps", dataset->steps);
    if (status == RUD_OK)
        status = parse_part(metadata, "observation_space", "observations", &state->observations,
                            observations);
    if (status == RUD_OK)
        status = parse_part(metadata, "action_space", "actions", &state->actions, actions);
    json_object_put(metadata);
    return status;
}

/* ---- opening ---- */

static rud_status find_parts(rud_dataset *dataset, const char *metadata_path)
{
    rud_minari *state = dataset->state;
    bool observations = false, actions = false;
    RUD_TRY(read_metadata(dataset, metadata_path));
    if (dataset->metadata != NULL)
        RUD_TRY(rud_error_context(use_metadata(dataset, &observations, &actions), "%s",
                                  metadata_path != NULL ? "metadata.json" : "metadata"));
    if (!observations)
        RUD_TRY(rud_minari_part_infer(state->file, dataset->episodes, "observations",
                                      &state->observations));
    if (!actions)
        RUD_TRY(rud_minari_part_infer(state->file, dataset->episodes, "actions", &state->actions));
    if (state->observations.width == 0 && !dataset->options.without_numbers) {
        const rud_minari_leaf *leaf = state->observations.leaves;
        return rud_error(
            RUD_EFORMAT, "%s holds no numbers (%s): there is nothing that can become a feature",
            leaf != NULL ? leaf->path : "observations", leaf != NULL ? leaf->type : "empty");
    }
    RUD_TRY(rud_minari_part_space(&state->observations, &dataset->observation_space));
    return rud_minari_part_space(&state->actions, &dataset->action_space);
}

static rud_status add_leaves(rud_dataset *dataset, const rud_minari_part *part)
{
    for (size_t k = 0; k < part->count; k++) {
        const rud_minari_leaf *from = &part->leaves[k];
        rud_dataset_leaf leaf = {.name = from->path,
                                 .type = from->type,
                                 .readable = from->width > 0,
                                 .column = from->column,
                                 .width = from->width,
                                 .space = from->space};
        RUD_TRY(rud_dataset_add_leaf(dataset, &leaf));
    }
    return RUD_OK;
}

static rud_status add_info_leaves(rud_dataset *dataset)
{
    rud_minari *state = dataset->state;
    hid_t first = H5Gopen2(state->file, "episode_0", H5P_DEFAULT);
    if (first < 0) return rud_hdf5_failed("episode_0");
    rud_status status = rud_minari_walk_infos(dataset, first, NULL);
    H5Gclose(first);
    return rud_error_context(status, "episode_0");
}

static rud_status open_paths(rud_dataset *dataset, const rud_minari_paths *paths)
{
    rud_minari *state = dataset->state;
    struct stat file;
    RUD_TRY(rud_hdf5_open(paths->data, 0, &state->file));
    if (stat(paths->data, &file) == 0) state->bytes = (uint64_t)file.st_size;
    RUD_TRY(count_episodes(dataset));
    RUD_TRY(find_lengths(dataset));
    RUD_TRY(find_parts(dataset, paths->metadata));
    RUD_TRY(add_leaves(dataset, &state->observations));
    RUD_TRY(add_leaves(dataset, &state->actions));
    return add_info_leaves(dataset);
}

static rud_status open_minari(rud_dataset *dataset)
{
    rud_minari *state = dataset->state = calloc(1, sizeof *state);
    if (state == NULL) return rud_error(RUD_ENOMEM, "%s: no memory left", dataset->path);
    state->file = -1;
    rud_minari_paths paths;
    RUD_TRY(rud_minari_find(dataset->path, &paths));
    rud_status status = open_paths(dataset, &paths);
    free_paths(&paths);
    return rud_error_context(status, "%s", dataset->path);
}

static void close_minari(rud_dataset *dataset)
{
    rud_minari *state = dataset->state;
    if (state == NULL) return;
    if (state->file >= 0) H5Fclose(state->file);
    rud_minari_part_free(&state->observations);
    rud_minari_part_free(&state->actions);
    free(state->buffer.bytes);
    free(state);
}

static void place_minari(const rud_dataset *dataset, size_t k, char *text, size_t size)
{
    snprintf(text, size, "%s: episode_%zu", dataset->path, k);
}

const rud_dataset_kind rud_dataset_minari = {
    .name = "minari",
    .whole = true,
    .recognise = recognise,
    .open = open_minari,
    .close = close_minari,
    .read = rud_minari_read,
    .place = place_minari,
    .create = rud_minari_create,
    .write = rud_minari_write,
    .carry = rud_minari_carry,
    .commit = rud_minari_commit,
    .abort = rud_minari_abort,
};

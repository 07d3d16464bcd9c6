#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "episodes/json_private.h"
#include "episodes/minari_private.h"

static const size_t metadata_limit = (size_t)256 << 20;

typedef struct minari {
    hid_t file;
    uint64_t bytes; /* of the file */
    rud_minari_part observations, actions;
    rud_hdf5_buffer buffer;
} minari;

rud_minari_name rud_minari_episode_name(size_t k)
{
    rud_minari_name name;
    snprintf(name.text, sizeof name.text, "episode_%zu", k);
    return name;
}

hid_t rud_minari_file(const rud_dataset *dataset)
{
    const minari *state = dataset->state;
    return state->file;
}

const rud_minari_part *rud_minari_observations(const rud_dataset *dataset)
{
    const minari *state = dataset->state;
    return &state->observations;
}

const rud_minari_part *rud_minari_actions(const rud_dataset *dataset)
{
    const minari *state = dataset->state;
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
    minari *state = dataset->state;
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
    minari *state = dataset->state;
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
    minari *state = dataset->state;
    if (path == NULL) return rud_hdf5_attribute_text(state->file, "metadata", &dataset->metadata);
    size_t size;
    return rud_file_read(path, metadata_limit, &dataset->metadata, &size);
}

static rud_status check_total(json_object *metadata, const char *key, size_t counted)
{
    json_object *value = NULL;
    if (!json_object_object_get_ex(metadata, key, &value)) return RUD_OK;
    if (json_object_is_type(value, json_type_int) &&
        json_object_get_uint64(value) == (uint64_t)counted)
        return RUD_OK;
    return rud_error(RUD_EFORMAT, "\"%s\" is %s, but the file has %zu", key,
                     json_object_get_string(value), counted);
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
    minari *state = dataset->state;
    json_object *metadata, *format = NULL;
    RUD_TRY(rud_json_parse(dataset->metadata, strlen(dataset->metadata), &metadata));
    rud_status status = RUD_OK;
    if (json_object_object_get_ex(metadata, "data_format", &format) &&
        strcmp(json_object_get_string(format), "hdf5") != 0)
        status = rud_error(RUD_EFORMAT, "\"data_format\" is \"%.32s\"; only hdf5 can be read",
                           json_object_get_string(format));
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
    minari *state = dataset->state;
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
    if (state->observations.width == 0) {
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

/* ---- infos ---- */

enum { INFO_DEPTH_MAX = 32 };

/* Called for every array below "infos"; a failure ends the walk. */
typedef struct info_walk {
    rud_dataset *dataset;
    rud_episode *episode; /* to read into; NULL: only listed as leaves */
    char path[1024];      /* of the group that is walked: "infos", "infos/nest" */
    size_t depth;
    rud_status status;
} info_walk;

static bool is_integer(rud_hdf5_number number)
{
    return number != RUD_HDF5_NONE && number != RUD_HDF5_FLOAT32 && number != RUD_HDF5_FLOAT64;
}

static rud_status list_info(const info_walk *walk, const char *path, const rud_hdf5_array *array)
{
    char space[32];
    snprintf(space, sizeof space, "(%zu)", array->width);
    rud_dataset_leaf leaf = {.name = path,
                             .type = array->type,
                             .readable = array->number != RUD_HDF5_NONE,
                             .width = array->number != RUD_HDF5_NONE ? array->width : 0,
                             .space = array->number != RUD_HDF5_NONE ? space : ""};
    return rud_dataset_add_leaf(walk->dataset, &leaf);
}

static rud_status read_info(const info_walk *walk, const char *path, const rud_hdf5_array *array)
{
    minari *state = walk->dataset->state;
    rud_episode *episode = walk->episode;
    double *values;
    if (array->number == RUD_HDF5_NONE) return RUD_OK;
    if (array->rows != episode->steps + 1)
        return rud_error(RUD_EFORMAT, "has %zu rows; %zu steps need %zu", array->rows,
                         episode->steps, episode->steps + 1);
    RUD_TRY(rud_hdf5_array_read(array, 0, array->rows, &state->buffer));
    RUD_TRY(rud_episode_add_info(episode, path + strlen("infos/"), array->width,
                                 is_integer(array->number), &values));
    rud_hdf5_to_doubles(array->number, state->buffer.bytes, array->rows * array->width, values);
    return RUD_OK;
}

static rud_status visit_array(const info_walk *walk, hid_t group, const char *name,
                              const char *path)
{
    rud_hdf5_array array;
    RUD_TRY(rud_hdf5_array_open(group, name, &array));
    rud_status status =
        walk->episode == NULL ? list_info(walk, path, &array) : read_info(walk, path, &array);
    rud_hdf5_array_close(&array);
    return rud_error_context(status, "%s", path);
}

static herr_t visit_info(hid_t group, const char *name, const H5L_info_t *link, void *context)
{
    info_walk *walk = context;
    (void)link;
    size_t length = strlen(walk->path);
    if (length + strlen(name) + 2 > sizeof walk->path || walk->depth > INFO_DEPTH_MAX) {
        walk->status = rud_error(RUD_EFORMAT, "%s: groups within groups", walk->path);
        return -1;
    }
    snprintf(walk->path + length, sizeof walk->path - length, "/%s", name);
    if (rud_hdf5_is_group(group, name)) {
        walk->depth++;
        if (H5Literate_by_name(group, name, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_info, walk,
                               H5P_DEFAULT) < 0 &&
            walk->status == RUD_OK)
            walk->status = rud_hdf5_failed(walk->path);
        walk->depth--;
    } else {
        walk->status = visit_array(walk, group, name, walk->path);
    }
    walk->path[length] = '\0';
    return walk->status == RUD_OK ? 0 : -1;
}

/* `infos` may be absent. */
static rud_status walk_infos(rud_dataset *dataset, hid_t group, rud_episode *episode)
{
    info_walk walk = {.dataset = dataset, .episode = episode, .path = "infos"};
    if (!rud_hdf5_has(group, "infos")) return RUD_OK;
    if (!rud_hdf5_is_group(group, "infos"))
        return rud_error(RUD_EFORMAT, "infos: a group is needed");
    if (H5Literate_by_name(group, "infos", H5_INDEX_NAME, H5_ITER_INC, NULL, visit_info, &walk,
                           H5P_DEFAULT) < 0 &&
        walk.status == RUD_OK)
        walk.status = rud_hdf5_failed("infos");
    return walk.status;
}

static rud_status add_info_leaves(rud_dataset *dataset)
{
    minari *state = dataset->state;
    hid_t first = H5Gopen2(state->file, "episode_0", H5P_DEFAULT);
    if (first < 0) return rud_hdf5_failed("episode_0");
    rud_status status = walk_infos(dataset, first, NULL);
    H5Gclose(first);
    return rud_error_context(status, "episode_0");
}

static rud_status open_paths(rud_dataset *dataset, const rud_minari_paths *paths)
{
    minari *state = dataset->state;
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
    minari *state = dataset->state = calloc(1, sizeof *state);
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
    minari *state = dataset->state;
    if (state == NULL) return;
    if (state->file >= 0) H5Fclose(state->file);
    rud_minari_part_free(&state->observations);
    rud_minari_part_free(&state->actions);
    free(state->buffer.bytes);
    free(state);
}

/* ---- reading an episode ---- */

static rud_status check_shape(const rud_hdf5_array *array, size_t rows, size_t width)
{
    if (array->number == RUD_HDF5_NONE)
        return rud_error(RUD_EFORMAT, "holds no numbers (%s)", array->type);
    if (array->rows != rows)
        return rud_error(RUD_EFORMAT, "has %zu rows, but %zu are needed", array->rows, rows);
    if (array->width == width) return RUD_OK;
    return rud_error(RUD_EFORMAT, "has %zu numbers in a row, but the space has %zu", array->width,
                     width);
}

/* Into one block of the rows where the leaf does not fill them. */
static rud_status scatter(const rud_hdf5_array *array, const rud_minari_leaf *leaf, size_t stride,
                          const void *numbers, double *rows)
{
    size_t count = array->rows * leaf->width;
    if (leaf->width == stride) {
        rud_hdf5_to_doubles(array->number, numbers, count, rows);
        return RUD_OK;
    }
    double *values = malloc(count * sizeof *values);
    if (values == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu numbers", count);
    rud_hdf5_to_doubles(array->number, numbers, count, values);
    for (size_t r = 0; r < array->rows; r++)
        memcpy(rows + r * stride + leaf->column, values + r * leaf->width,
               leaf->width * sizeof *values);
    free(values);
    return RUD_OK;
}

static void take_off_starts(const rud_minari_leaf *leaf, size_t count, size_t stride, double *rows)
{
    for (size_t k = 0; leaf->starts != NULL && k < leaf->width; k++) {
        double start = (double)leaf->starts[k];
        for (size_t r = 0; start != 0 && r < count; r++)
            rows[r * stride + leaf->column + k] -= start;
    }
}

rud_status rud_minari_leaf_read(hid_t group, const rud_minari_leaf *leaf, size_t count,
                                size_t stride, rud_hdf5_buffer *buffer, double *rows)
{
    rud_hdf5_array array;
    RUD_TRY(rud_hdf5_array_open(group, leaf->path, &array));
    rud_status status = check_shape(&array, count, leaf->width);
    if (status == RUD_OK) status = rud_hdf5_array_read(&array, 0, count, buffer);
    if (status == RUD_OK) status = scatter(&array, leaf, stride, buffer->bytes, rows);
    if (status == RUD_OK) take_off_starts(leaf, count, stride, rows);
    rud_hdf5_array_close(&array);
    return rud_error_context(status, "%s", leaf->path);
}

static rud_status check_leaf_finite(const rud_minari_leaf *leaf, const double *rows, size_t count,
                                    size_t stride)
{
    for (size_t r = 0; r < count; r++)
        for (size_t k = 0; k < leaf->width; k++)
            if (!isfinite(rows[r * stride + leaf->column + k]))
                return rud_error(RUD_ENONFINITE, "%s[%zu], component %zu, is %s", leaf->path, r, k,
                                 isnan(rows[r * stride + leaf->column + k]) ? "NaN" : "infinite");
    return RUD_OK;
}

static rud_status read_part(minari *state, hid_t group, const rud_minari_part *part, size_t count,
                            double *rows)
{
    for (size_t k = 0; k < part->count; k++)
        if (part->leaves[k].width > 0)
            RUD_TRY(rud_minari_leaf_read(group, &part->leaves[k], count, part->width,
                                         &state->buffer, rows));
    if (part->width == 0 || rud_check_finite("", rows, count, part->width) == RUD_OK) return RUD_OK;
    for (size_t k = 0; k < part->count; k++)
        RUD_TRY(check_leaf_finite(&part->leaves[k], rows, count, part->width));
    return RUD_OK;
}

/* The last of T flags, each 0 or 1. */
static rud_status read_flag(minari *state, hid_t group, const char *name, size_t steps, bool *flag)
{
    rud_hdf5_array array;
    RUD_TRY(rud_hdf5_array_open(group, name, &array));
    rud_status status = check_shape(&array, steps, 1);
    if (status == RUD_OK && rud_hdf5_number_size(array.number) != 1)
        status = rud_error(RUD_EFORMAT, "is of type %s, not bool", array.type);
    if (status == RUD_OK) status = rud_hdf5_array_read(&array, 0, steps, &state->buffer);
    const unsigned char *values = state->buffer.bytes;
    for (size_t t = 0; t < steps && status == RUD_OK; t++)
        if (values[t] > 1)
            status = rud_error(RUD_EFORMAT, "[%zu] is %d, not true or false", t, values[t]);
    if (status == RUD_OK) *flag = values[steps - 1] == 1;
    rud_hdf5_array_close(&array);
    return rud_error_context(status, "%s", name);
}

/* Minari numbers episodes; an id that is a text is kept in an attribute of ours. */
static rud_status read_id(hid_t group, size_t k, rud_episode *episode)
{
    char *name;
    int64_t number = (int64_t)k;
    bool found;
    RUD_TRY(rud_hdf5_attribute_text(group, "rudder_id", &name));
    if (name == NULL) {
        RUD_TRY(rud_hdf5_attribute_int64(group, "id", &found, &number));
        char text[32];
        snprintf(text, sizeof text, "%lld", (long long)number);
        return rud_episode_set_id(episode, text);
    }
    rud_status status = rud_episode_set_id(episode, name);
    free(name);
    return status;
}

static rud_status read_facts(hid_t group, size_t k, rud_episode *episode)
{
    int64_t final_observation = 1;
    bool found;
    RUD_TRY(rud_hdf5_attribute_uint64(group, "seed", &episode->has_seed, &episode->seed));
    RUD_TRY(
        rud_hdf5_attribute_int64(group, "rudder_final_observation", &found, &final_observation));
    /* the row that the writer repeated, since Minari needs T + 1 */
    if (final_observation == 0) episode->observation_rows = episode->steps;
    return read_id(group, k, episode);
}

static rud_status fill(rud_dataset *dataset, hid_t group, size_t k, rud_episode *episode)
{
    minari *state = dataset->state;
    size_t T = episode->steps;
    static const rud_minari_leaf rewards = {.path = "rewards", .width = 1};
    RUD_TRY(rud_minari_leaf_read(group, &rewards, T, 1, &state->buffer, episode->rewards));
    RUD_TRY(rud_check_finite("rewards", episode->rewards, T, 1));
    RUD_TRY(read_part(state, group, &state->observations, T + 1, episode->observations));
    if (episode->action_width > 0)
        RUD_TRY(read_part(state, group, &state->actions, T, episode->actions));
    RUD_TRY(read_flag(state, group, "terminations", T, &episode->terminated));
    RUD_TRY(read_flag(state, group, "truncations", T, &episode->truncated));
    if (dataset->options.infos) RUD_TRY(walk_infos(dataset, group, episode));
    return read_facts(group, k, episode);
}

/* total_steps is only a claim: memory is taken when the rewards have as many rows. */
static rud_status check_claim(hid_t group, size_t steps)
{
    rud_hdf5_array rewards;
    RUD_TRY(rud_hdf5_array_open(group, "rewards", &rewards));
    rud_status status = check_shape(&rewards, steps, 1);
    rud_hdf5_array_close(&rewards);
    return rud_error_context(status, "rewards");
}

static rud_status read_group(rud_dataset *dataset, hid_t group, size_t k, rud_episode **episode)
{
    minari *state = dataset->state;
    size_t steps = dataset->lengths[k];
    RUD_TRY(check_claim(group, steps));
    RUD_TRY(rud_episode_create(steps, steps + 1, state->observations.width, state->actions.width,
                               episode));
    rud_status status = fill(dataset, group, k, *episode);
    if (status != RUD_OK) rud_episode_free(episode);
    return status;
}

static rud_status read_minari(rud_dataset *dataset, size_t k, rud_episode **episode)
{
    minari *state = dataset->state;
    rud_minari_name name = rud_minari_episode_name(k);
    hid_t group = H5Gopen2(state->file, name.text, H5P_DEFAULT);
    rud_status status =
        group < 0 ? rud_hdf5_failed("cannot be opened") : read_group(dataset, group, k, episode);
    if (group >= 0) H5Gclose(group);
    return rud_error_context(status, "%s: %s", dataset->path, name.text);
}

static void place_minari(const rud_dataset *dataset, size_t k, char *text, size_t size)
{
    snprintf(text, size, "%s: episode_%zu", dataset->path, k);
}

const rud_dataset_kind rud_dataset_minari = {
    .name = "minari",
    .recognise = recognise,
    .open = open_minari,
    .close = close_minari,
    .read = read_minari,
    .place = place_minari,
    .create = rud_minari_create,
    .write = rud_minari_write,
    .carry = rud_minari_carry,
    .commit = rud_minari_commit,
    .abort = rud_minari_abort,
};

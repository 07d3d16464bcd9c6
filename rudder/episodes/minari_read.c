/* Reading an episode of a Minari data set. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "episodes/minari_private.h"

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
    char space[RUD_DATASET_SPACE_SIZE];
    rud_dataset_space_text(NULL, array->width, space);
    rud_dataset_leaf leaf = {.name = path,
                             .type = array->type,
                             .readable = array->number != RUD_HDF5_NONE,
                             .width = array->number != RUD_HDF5_NONE ? array->width : 0,
                             .space = array->number != RUD_HDF5_NONE ? space : ""};
    return rud_dataset_add_leaf(walk->dataset, &leaf);
}

static rud_status read_info(const info_walk *walk, const char *path, const rud_hdf5_array *array)
{
    rud_minari *state = walk->dataset->state;
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
rud_status rud_minari_walk_infos(rud_dataset *dataset, hid_t group, rud_episode *episode)
{
    info_walk walk = {.dataset = dataset, .episode = episode, .path = "infos"};
    if (H5Lexists(group, "infos", H5P_DEFAULT) <= 0) return RUD_OK;
    hid_t infos = H5Gopen2(group, "infos", H5P_DEFAULT);
    if (infos < 0) return rud_hdf5_failed("infos: a group is needed");
    if (H5Literate(infos, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_info, &walk) < 0 &&
        walk.status == RUD_OK)
        walk.status = rud_hdf5_failed("infos");
    H5Gclose(infos);
    return walk.status;
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

static rud_status read_part(rud_minari *state, hid_t group, const rud_minari_part *part,
                            size_t count, double *rows)
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
static rud_status read_flag(rud_minari *state, hid_t group, const char *name, size_t steps,
                            bool *flag)
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
    rud_minari *state = dataset->state;
    size_t T = episode->steps;
    RUD_TRY(read_part(state, group, &state->observations, T + 1, episode->observations));
    if (episode->action_width > 0)
        RUD_TRY(read_part(state, group, &state->actions, T, episode->actions));
    RUD_TRY(read_flag(state, group, "terminations", T, &episode->terminated));
    RUD_TRY(read_flag(state, group, "truncations", T, &episode->truncated));
    if (dataset->options.infos) RUD_TRY(rud_minari_walk_infos(dataset, group, episode));
    return read_facts(group, k, episode);
}

/* Rows as wide as the space claims them must stand in the file before memory is taken for them. */
static rud_status check_claims(hid_t group, const rud_minari_part *part, size_t rows)
{
    for (size_t k = 0; k < part->count; k++) {
        rud_hdf5_array array;
        if (part->leaves[k].width == 0) continue;
        RUD_TRY(rud_hdf5_array_open(group, part->leaves[k].path, &array));
        rud_status status = check_shape(&array, rows, part->leaves[k].width);
        rud_hdf5_array_close(&array);
        if (status != RUD_OK) return rud_error_context(status, "%s", part->leaves[k].path);
    }
    return RUD_OK;
}

/* The rewards are read first: that many steps are really there. */
static rud_status create_episode(rud_dataset *dataset, hid_t group, size_t steps,
                                 const rud_hdf5_array *rewards, rud_episode **episode)
{
    const rud_minari *state = dataset->state;
    static const size_t much = (size_t)1 << 20;
    const size_t width = state->observations.width;
    RUD_TRY(rud_error_context(check_shape(rewards, steps, 1), "rewards"));
    if (steps > much / (width + state->actions.width + 1)) {
        RUD_TRY(check_claims(group, &state->observations, steps + 1));
        RUD_TRY(check_claims(group, &state->actions, steps));
    }
    RUD_TRY(
        rud_episode_create(steps, steps + 1, width > 0 ? width : 1, state->actions.width, episode));
    (*episode)->observation_width = width;
    return RUD_OK;
}

static rud_status read_rewards(rud_dataset *dataset, hid_t group, size_t steps,
                               rud_episode **episode)
{
    rud_minari *state = dataset->state;
    rud_hdf5_array rewards;
    RUD_TRY(rud_hdf5_array_open(group, "rewards", &rewards));
    rud_status status = create_episode(dataset, group, steps, &rewards, episode);
    if (status == RUD_OK) {
        status =
            rud_error_context(rud_hdf5_array_read(&rewards, 0, steps, &state->buffer), "rewards");
        if (status == RUD_OK)
            rud_hdf5_to_doubles(rewards.number, state->buffer.bytes, steps, (*episode)->rewards);
    }
    rud_hdf5_array_close(&rewards);
    return status == RUD_OK ? rud_check_finite("rewards", (*episode)->rewards, steps, 1) : status;
}

static rud_status read_group(rud_dataset *dataset, hid_t group, size_t k, rud_episode **episode)
{
    rud_status status = read_rewards(dataset, group, dataset->lengths[k], episode);
    if (status == RUD_OK) status = fill(dataset, group, k, *episode);
    if (status != RUD_OK) rud_episode_free(episode);
    return status;
}

rud_status rud_minari_read(rud_dataset *dataset, size_t k, rud_episode **episode)
{
    rud_minari *state = dataset->state;
    rud_minari_name name = rud_minari_episode_name(k);
    hid_t group = H5Gopen2(state->file, name.text, H5P_DEFAULT);
    rud_status status =
        group < 0 ? rud_hdf5_failed("cannot be opened") : read_group(dataset, group, k, episode);
    if (group >= 0) H5Gclose(group);
    return rud_error_context(status, "%s: %s", dataset->path, name.text);
}

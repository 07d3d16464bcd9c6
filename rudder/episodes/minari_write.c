#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "episodes/minari_private.h"

typedef struct minari_writer {
    bool bare;
    rud_atomic_file single;   /* bare */
    rud_atomic_folder folder; /* else */
    char *data;               /* path of the HDF5 file aside */
    hid_t file;               /* < 0: not open */
    hid_t flag;               /* type of the two flags */
    hid_t group_creation;
    rud_minari_part observations, actions; /* of new episodes */
    void *rows;                            /* [rows_size] bytes: one array as it is written */
    size_t rows_size;
} minari_writer;

/* ---- opening ---- */

static const char *real_type(const rud_dataset_writer *writer, const char *root)
{
    return rud_dataset_is_single(writer->source, root) ? "float32" : "float64";
}

static rud_status make_parts(rud_dataset_writer *writer)
{
    minari_writer *state = writer->state;
    if (writer->same_format) return RUD_OK; /* everything is carried */
    if (writer->observation_space.width == 0)
        return rud_error(RUD_EINVAL,
                         "the spaces of a stream are not known: write it to a file first");
    if (writer->action_space.width == 0)
        return rud_error(RUD_EINVAL, "the episodes have no actions, which Minari needs");
    RUD_TRY(rud_minari_part_from_space(&writer->observation_space, "observations",
                                       real_type(writer, "observations"), &state->observations));
    return rud_minari_part_from_space(&writer->action_space, "actions",
                                      real_type(writer, "actions"), &state->actions);
}

static rud_status open_folder(rud_dataset_writer *writer)
{
    minari_writer *state = writer->state;
    RUD_TRY(rud_atomic_folder_open(writer->path, &state->folder));
    char *data = rud_path_join(state->folder.aside, "data");
    if (data != NULL) state->data = rud_path_join(data, "main_data.hdf5");
    rud_status status =
        state->data == NULL ? rud_error(RUD_ENOMEM, "no memory left") : rud_make_folders(data);
    free(data);
    return status;
}

static rud_status open_single(rud_dataset_writer *writer)
{
    minari_writer *state = writer->state;
    RUD_TRY(rud_atomic_file_open(writer->path, &state->single));
    state->data = strdup(state->single.aside);
    return state->data == NULL ? rud_error(RUD_ENOMEM, "no memory left") : RUD_OK;
}

static rud_status open_file(rud_dataset_writer *writer)
{
    minari_writer *state = writer->state;
    RUD_TRY(writer->same_format ? rud_hdf5_copy_file(rud_minari_file(writer->source), state->data,
                                                     writer->stop, &state->file)
                                : rud_hdf5_create(state->data, &state->file));
    state->flag = rud_hdf5_bool_type();
    state->group_creation = H5Pcreate(H5P_GROUP_CREATE);
    if (state->flag < 0 || state->group_creation < 0)
        return rud_hdf5_write_failed("no memory left");
    /* all attributes of an episode in its header: a heap of their own takes more room */
    H5Pset_attr_phase_change(state->group_creation, 32, 16);
    H5Pset_obj_track_times(state->group_creation, false);
    return RUD_OK;
}

static rud_status create(rud_dataset_writer *writer)
{
    minari_writer *state = writer->state;
    RUD_TRY(rud_error_context(make_parts(writer), "%s", writer->path));
    RUD_TRY(state->bare ? open_single(writer) : open_folder(writer));
    return rud_error_context(open_file(writer), "%s", writer->path);
}

rud_status rud_minari_create(rud_dataset_writer *writer)
{
    minari_writer *state = writer->state = calloc(1, sizeof *state);
    if (state == NULL) return rud_error(RUD_ENOMEM, "%s: no memory left", writer->path);
    state->file = state->flag = state->group_creation = -1;
    state->bare = rud_is_hdf5_path(writer->path);
    return create(writer);
}

/* ---- arrays ---- */

static rud_status reserve(minari_writer *state, size_t count, size_t size)
{
    size_t needed = count > SIZE_MAX / size ? SIZE_MAX : count * size;
    if (needed <= state->rows_size) return RUD_OK;
    void *rows = needed == SIZE_MAX ? NULL : realloc(state->rows, needed);
    if (rows == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu numbers", count);
    state->rows = rows;
    state->rows_size = needed;
    return RUD_OK;
}

/* values[count][stride] from `column` on, `width` of them, as int64, float32 or float64. */
static void pack(const double *values, size_t count, size_t stride, size_t column, size_t width,
                 hid_t memory, void *packed)
{
    for (size_t r = 0; r < count; r++) {
        const double *row = values + r * stride + column;
        for (size_t k = 0; k < width; k++) {
            if (memory == H5T_NATIVE_INT64)
                ((int64_t *)packed)[r * width + k] = (int64_t)row[k];
            else if (memory == H5T_NATIVE_FLOAT)
                ((float *)packed)[r * width + k] = (float)row[k];
            else
                ((double *)packed)[r * width + k] = row[k];
        }
    }
}

/* rows[given] of `stride` numbers; where `count` is one more the last row is repeated. */
static rud_status write_leaf(minari_writer *state, hid_t group, const rud_minari_leaf *leaf,
                             size_t stride, const double *rows, size_t given, size_t count)
{
    bool discrete = leaf->sort != RUD_MINARI_BOX, single = strcmp(leaf->type, "float32") == 0;
    hid_t memory = discrete ? H5T_NATIVE_INT64 : single ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
    hid_t type = discrete ? H5T_STD_I64LE : single ? H5T_IEEE_F32LE : H5T_IEEE_F64LE;
    size_t size = single ? sizeof(float) : sizeof(double);
    RUD_TRY(reserve(state, count * leaf->width, size));
    pack(rows, given, stride, leaf->column, leaf->width, memory, state->rows);
    if (count > given)
        memcpy((char *)state->rows + given * leaf->width * size,
               (char *)state->rows + (given - 1) * leaf->width * size, leaf->width * size);
    size_t width = leaf->sort == RUD_MINARI_DISCRETE ? 0 : leaf->width;
    return rud_hdf5_write(group, leaf->path, type, count, width, count, memory, state->rows, NULL);
}

static rud_status write_part(minari_writer *state, hid_t group, const rud_minari_part *part,
                             const double *rows, size_t given, size_t count)
{
    for (size_t k = 0; k < part->count; k++)
        RUD_TRY(write_leaf(state, group, &part->leaves[k], part->width, rows, given, count));
    return RUD_OK;
}

static rud_status write_flag(minari_writer *state, hid_t group, const char *name, size_t steps,
                             bool last)
{
    RUD_TRY(reserve(state, steps, 1));
    int8_t *flags = state->rows;
    memset(flags, 0, steps);
    flags[steps - 1] = last;
    return rud_hdf5_write(group, name, state->flag, steps, 0, steps, state->flag, flags, NULL);
}

static rud_status write_rewards(hid_t group, size_t steps, const double *rewards)
{
    return rud_hdf5_write(group, "rewards", H5T_IEEE_F64LE, steps, 0, steps, H5T_NATIVE_DOUBLE,
                          rewards, NULL);
}

/* The group that infos are written to: Minari needs one, even if empty. */
static rud_status open_infos(const minari_writer *state, hid_t group, hid_t *infos)
{
    if (H5Lexists(group, "infos", H5P_DEFAULT) > 0)
        return rud_hdf5_open_group_to_edit(group, "infos", infos);
    *infos = H5Gcreate2(group, "infos", H5P_DEFAULT, state->group_creation, H5P_DEFAULT);
    return *infos < 0 ? rud_hdf5_write_failed("a group cannot be made") : RUD_OK;
}

/* One that is there is replaced. */
static rud_status write_info(minari_writer *state, hid_t infos, const rud_info *info, size_t rows)
{
    if (rud_hdf5_has(infos, info->name) && H5Ldelete(infos, info->name, H5P_DEFAULT) < 0)
        return rud_hdf5_write_failed(info->name);
    hid_t memory = info->integer ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE;
    RUD_TRY(reserve(state, rows * info->width, sizeof(double)));
    pack(info->values, rows, info->width, 0, info->width, memory, state->rows);
    return rud_hdf5_write(infos, info->name, info->integer ? H5T_STD_I64LE : H5T_IEEE_F64LE, rows,
                          info->width > 1 ? info->width : 0, rows, memory, state->rows, NULL);
}

static rud_status write_infos(minari_writer *state, hid_t group, const rud_info *infos,
                              size_t count, size_t steps)
{
    hid_t below;
    RUD_TRY(rud_error_context(open_infos(state, group, &below), "infos"));
    rud_status status = RUD_OK;
    for (size_t k = 0; k < count && status == RUD_OK; k++)
        status = rud_error_context(write_info(state, below, &infos[k], steps + 1), "infos/%s",
                                   infos[k].name);
    H5Gclose(below);
    return status;
}

/* ---- attributes ---- */

static rud_status set_int64(hid_t object, const char *name, int64_t value)
{
    return rud_hdf5_set_attribute(object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
}

static rud_status set_real(hid_t object, const char *name, double value)
{
    return rud_hdf5_set_attribute(object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
}

static rud_status set_seed(hid_t group, uint64_t seed)
{
    if (seed <= INT64_MAX) return set_int64(group, "seed", (int64_t)seed);
    return rud_hdf5_set_attribute(group, "seed", H5T_STD_U64LE, H5T_NATIVE_UINT64, &seed);
}

static rud_status write_facts(hid_t group, size_t k, const rud_episode *episode)
{
    char number[32];
    snprintf(number, sizeof number, "%zu", k);
    RUD_TRY(set_int64(group, "id", (int64_t)k));
    RUD_TRY(set_int64(group, "total_steps", (int64_t)episode->steps));
    if (episode->has_seed) RUD_TRY(set_seed(group, episode->seed));
    if (episode->id != NULL && strcmp(episode->id, number) != 0)
        RUD_TRY(rud_hdf5_set_text(group, "rudder_id", episode->id));
    if (episode->observation_rows > episode->steps) return RUD_OK;
    return set_int64(group, "rudder_final_observation", 0);
}

static rud_status write_attributes(hid_t group, const rud_dataset_changes *changes)
{
    for (size_t k = 0; k < changes->attribute_count; k++)
        RUD_TRY(set_real(group, changes->attributes[k].name, changes->attributes[k].value));
    return RUD_OK;
}

/* ---- new episodes ---- */

static rud_status check_discrete(const rud_space *space, const char *name, const double *rows,
                                 size_t count)
{
    for (size_t r = 0; r < count; r++)
        for (size_t k = 0; k < space->width; k++) {
            double value = rows[r * space->width + k];
            if (!rud_space_is_discrete(space, k) ||
                (value == floor(value) && value >= 0 && value < (double)space->sizes[k]))
                continue;
            return rud_error(RUD_EINVAL,
                             "%s[%zu], component %zu, is %g: a whole number from 0 to %lld is "
                             "allowed",
                             name, r, k, value, (long long)space->sizes[k] - 1);
        }
    return RUD_OK;
}

static rud_status check(const rud_dataset_writer *writer, const rud_episode *episode)
{
    size_t observation = writer->observation_space.width, action = writer->action_space.width;
    if (episode->observation_width != observation || episode->action_width != action)
        return rud_error(RUD_EINVAL,
                         "observations and actions of widths %zu and %zu, but the spaces have %zu "
                         "and %zu",
                         episode->observation_width, episode->action_width, observation, action);
    RUD_TRY(rud_check_finite("observations", episode->observations, episode->observation_rows,
                             observation));
    RUD_TRY(rud_check_finite("actions", episode->actions, episode->steps, action));
    RUD_TRY(rud_check_finite("rewards", episode->rewards, episode->steps, 1));
    RUD_TRY(check_discrete(&writer->observation_space, "observations", episode->observations,
                           episode->observation_rows));
    return check_discrete(&writer->action_space, "actions", episode->actions, episode->steps);
}

static rud_status fill(rud_dataset_writer *writer, hid_t group, const rud_episode *episode,
                       const rud_dataset_changes *changes)
{
    minari_writer *state = writer->state;
    size_t T = episode->steps;
    RUD_TRY(write_part(state, group, &state->observations, episode->observations,
                       episode->observation_rows, T + 1));
    RUD_TRY(write_part(state, group, &state->actions, episode->actions, T, T));
    RUD_TRY(write_rewards(group, T, episode->rewards));
    RUD_TRY(write_flag(state, group, "terminations", T, episode->terminated));
    RUD_TRY(write_flag(state, group, "truncations", T, episode->truncated));
    RUD_TRY(write_infos(state, group, episode->infos, episode->info_count, T));
    RUD_TRY(write_facts(group, writer->episodes, episode));
    return write_attributes(group, changes);
}

rud_status rud_minari_write(rud_dataset_writer *writer, const rud_episode *episode,
                            const rud_dataset_changes *changes)
{
    minari_writer *state = writer->state;
    rud_minari_name name = rud_minari_episode_name(writer->episodes);
    rud_status status = check(writer, episode);
    if (status == RUD_OK) {
        hid_t group =
            H5Gcreate2(state->file, name.text, H5P_DEFAULT, state->group_creation, H5P_DEFAULT);
        status = group < 0 ? rud_hdf5_write_failed("cannot be written")
                           : fill(writer, group, episode, changes);
        if (group >= 0) H5Gclose(group);
    }
    return rud_error_context(status, "%s: %s", writer->path, name.text);
}

/* ---- episodes of another data set of the format ---- */

/* Where Minari's collector has left sums of the rewards, those of the new ones. */
static rud_status renew_sums(hid_t group, const double *rewards, size_t steps)
{
    double sum = 0, squares = 0, low = rewards[0], high = rewards[0];
    for (size_t t = 0; t < steps; t++) {
        sum += rewards[t];
        low = fmin(low, rewards[t]);
        high = fmax(high, rewards[t]);
    }
    const double mean = sum / (double)steps;
    for (size_t t = 0; t < steps; t++) squares += (rewards[t] - mean) * (rewards[t] - mean);
    const struct {
        const char *name;
        double value;
    } sums[] = {{"rewards_sum", sum},
                {"rewards_mean", mean},
                {"rewards_std", sqrt(squares / (double)steps)},
                {"rewards_max", high},
                {"rewards_min", low}};
    for (size_t k = 0; k < sizeof sums / sizeof *sums; k++)
        if (H5Aexists(group, sums[k].name) > 0)
            RUD_TRY(set_real(group, sums[k].name, sums[k].value));
    return RUD_OK;
}

static rud_status apply(rud_dataset_writer *writer, hid_t group, size_t steps,
                        const rud_dataset_changes *changes)
{
    if (changes->rewards != NULL) {
        RUD_TRY(rud_hdf5_replace(group, "rewards", H5T_IEEE_F64LE, steps, H5T_NATIVE_DOUBLE,
                                 changes->rewards));
        RUD_TRY(renew_sums(group, changes->rewards, steps));
    }
    RUD_TRY(write_infos(writer->state, group, changes->infos, changes->info_count, steps));
    return write_attributes(group, changes);
}

/* The copy holds the episode already. */
rud_status rud_minari_carry(rud_dataset_writer *writer, size_t k, const rud_episode *episode,
                            const rud_dataset_changes *changes)
{
    minari_writer *state = writer->state;
    rud_minari_name name = rud_minari_episode_name(k);
    hid_t group;
    rud_status status = rud_hdf5_open_group_to_edit(state->file, name.text, &group);
    if (status == RUD_OK) {
        status = apply(writer, group, episode->steps, changes);
        H5Gclose(group);
    }
    return rud_error_context(status, "%s: %s", writer->path, name.text);
}

/* ---- completing ---- */

/* JSON of the spaces; NULL where the source's metadata, which is carried, says them, and where a
 * bare file cannot say them. Caller frees both. */
static rud_status space_texts(const rud_dataset_writer *writer, char **observation, char **action)
{
    const minari_writer *state = writer->state;
    const rud_dataset *source = writer->source;
    const rud_minari_part *observations = &state->observations, *actions = &state->actions;
    *observation = *action = NULL;
    if (writer->same_format) {
        if (source->metadata != NULL) return RUD_OK;
        observations = rud_minari_observations(source);
        actions = rud_minari_actions(source);
    }
    rud_status status = rud_minari_part_to_json(observations, observation);
    if (status == RUD_OK) status = rud_minari_part_to_json(actions, action);
    return status == RUD_EINVAL && state->bare ? RUD_OK : status;
}

static rud_status make_metadata(const rud_dataset_writer *writer, char **json)
{
    minari_writer *state = writer->state;
    char *observation, *action;
    struct stat file = {0};
    *json = NULL;
    (void)stat(state->data, &file);
    rud_status status = space_texts(writer, &observation, &action);
    if (status == RUD_OK)
        status = rud_minari_metadata(writer, observation, action, (uint64_t)file.st_size, json);
    free(observation);
    free(action);
    return status;
}

static rud_status write_metadata_file(const minari_writer *state, const char *json)
{
    char *path = rud_path_join(state->folder.aside, "data/metadata.json");
    if (path == NULL) return rud_error(RUD_ENOMEM, "no memory left");
    rud_status status = rud_file_write(path, json, strlen(json));
    free(path);
    return status;
}

static rud_status complete_file(rud_dataset_writer *writer)
{
    minari_writer *state = writer->state;
    char *json;
    if (H5Fflush(state->file, H5F_SCOPE_GLOBAL) < 0)
        return rud_hdf5_write_failed("cannot be written");
    RUD_TRY(make_metadata(writer, &json));
    rud_status status = state->bare ? rud_hdf5_set_text(state->file, "metadata", json)
                                    : write_metadata_file(state, json);
    free(json);
    if (status != RUD_OK) return status;
    hid_t file = state->file;
    state->file = -1;
    return rud_hdf5_close(file);
}

static rud_status complete(rud_dataset_writer *writer)
{
    minari_writer *state = writer->state;
    RUD_TRY(rud_error_context(complete_file(writer), "%s", writer->path));
    return state->bare ? rud_atomic_file_commit(&state->single)
                       : rud_atomic_folder_commit(&state->folder);
}

rud_status rud_minari_commit(rud_dataset_writer *writer)
{
    rud_status status = complete(writer);
    rud_minari_abort(writer);
    return status;
}

void rud_minari_abort(rud_dataset_writer *writer)
{
    minari_writer *state = writer->state;
    if (state->file >= 0) rud_hdf5_discard(state->file);
    if (state->flag >= 0) H5Tclose(state->flag);
    if (state->group_creation >= 0) H5Pclose(state->group_creation);
    rud_atomic_file_abort(&state->single);
    rud_atomic_folder_abort(&state->folder);
    rud_minari_part_free(&state->observations);
    rud_minari_part_free(&state->actions);
    free(state->rows);
    free(state->data);
    free(state);
    writer->state = NULL;
}

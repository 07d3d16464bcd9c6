#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "episodes/d4rl_private.h"

static const size_t chunk_rows = 16384; /* also what is gathered before it is written */

/* One array of the file that grows. */
typedef struct column {
    char *name; /* "observations", "infos/coins" */
    hid_t id;
    hid_t type, memory;
    size_t width; /* 0: one dimension */
    size_t size;  /* bytes of a number in memory */
    char *bytes;  /* [chunk_rows] rows that are not written yet */
    size_t gathered, written;
} column;

enum { OBSERVATIONS, ACTIONS, REWARDS, TERMINALS, TIMEOUTS, NEXT, FIXED_COLUMNS };

typedef struct d4rl_writer {
    rud_atomic_file single;
    hid_t file; /* < 0: not open */
    hid_t flag;
    column *columns; /* [column_count]; the first ones by the enum, then the infos */
    size_t column_count;
    bool next;         /* the episodes have T + 1 observations */
    size_t unfinished; /* episodes that are marked as timed out though they only stopped */
    bool pending;      /* the last episode was unfinished */
} d4rl_writer;

/* ---- opening ---- */

/* The source's file; infos may be added to it. */
static rud_status copy_source(rud_dataset_writer *writer)
{
    d4rl_writer *state = writer->state;
    hid_t infos;
    RUD_TRY(rud_hdf5_copy_file(rud_d4rl_file(writer->source), state->single.aside, writer->stop,
                               &state->file));
    if (H5Lexists(state->file, "infos", H5P_DEFAULT) <= 0) return RUD_OK;
    RUD_TRY(rud_error_context(rud_hdf5_open_group_to_edit(state->file, "infos", &infos), "infos"));
    H5Gclose(infos);
    return RUD_OK;
}

static rud_status set_up(rud_dataset_writer *writer)
{
    d4rl_writer *state = writer->state;
    if (!writer->same_format && writer->observation_space.width == 0)
        return rud_error(RUD_EINVAL,
                         "the spaces of a stream are not known: write it to a file first");
    RUD_TRY(writer->same_format ? copy_source(writer)
                                : rud_hdf5_create(state->single.aside, &state->file));
    state->flag = rud_hdf5_bool_type();
    return state->flag < 0 ? rud_hdf5_write_failed("no memory left") : RUD_OK;
}

rud_status rud_d4rl_create(rud_dataset_writer *writer)
{
    d4rl_writer *state = writer->state = calloc(1, sizeof *state);
    if (state == NULL) return rud_error(RUD_ENOMEM, "%s: no memory left", writer->path);
    state->file = state->flag = -1;
    RUD_TRY(rud_atomic_file_open(writer->path, &state->single));
    return rud_error_context(set_up(writer), "%s", writer->path);
}

/* ---- columns ---- */

static rud_status add_column(d4rl_writer *state, const char *name, hid_t type, hid_t memory,
                             size_t width)
{
    column *columns = realloc(state->columns, (state->column_count + 1) * sizeof *columns);
    if (columns != NULL) state->columns = columns;
    column added = {.name = strdup(name), .type = type, .memory = memory, .width = width};
    added.size = H5Tget_size(memory);
    added.bytes = malloc(chunk_rows * (width > 0 ? width : 1) * added.size);
    if (columns == NULL || added.name == NULL || added.bytes == NULL) {
        free(added.name);
        free(added.bytes);
        return rud_error(RUD_ENOMEM, "no memory for the array \"%s\"", name);
    }
    added.id = -1;
    columns[state->column_count++] = added;
    return RUD_OK;
}

static rud_status add_rows_column(rud_dataset_writer *writer, const char *name, const char *root,
                                  const rud_space *space)
{
    d4rl_writer *state = writer->state;
    if (rud_space_all_discrete(space))
        return add_column(state, name, H5T_STD_I64LE, H5T_NATIVE_INT64, space->width);
    if (rud_dataset_is_single(writer->source, root))
        return add_column(state, name, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, space->width);
    return add_column(state, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, space->width);
}

static rud_status add_info_column(d4rl_writer *state, const rud_info *info)
{
    char name[1024];
    snprintf(name, sizeof name, "infos/%s", info->name);
    return add_column(state, name, info->integer ? H5T_STD_I64LE : H5T_IEEE_F64LE,
                      info->integer ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE,
                      info->width > 1 ? info->width : 0);
}

/* The first episode says which columns there are. */
static rud_status make_columns(rud_dataset_writer *writer, const rud_episode *episode)
{
    d4rl_writer *state = writer->state;
    const rud_space *observation = &writer->observation_space, *action = &writer->action_space;
    if (action->width == 0)
        return rud_error(RUD_EINVAL, "the episodes have no actions, which D4RL needs");
    state->next = episode->observation_rows > episode->steps;
    RUD_TRY(add_rows_column(writer, "observations", "observations", observation));
    RUD_TRY(add_rows_column(writer, "actions", "actions", action));
    RUD_TRY(add_column(state, "rewards", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 0));
    RUD_TRY(add_column(state, "terminals", state->flag, state->flag, 0));
    RUD_TRY(add_column(state, "timeouts", state->flag, state->flag, 0));
    RUD_TRY(add_rows_column(writer, "next_observations", "observations", observation));
    for (size_t k = 0; k < episode->info_count; k++)
        RUD_TRY(add_info_column(state, &episode->infos[k]));
    return RUD_OK;
}

static rud_status flush(d4rl_writer *state, column *c)
{
    if (c->gathered == 0) return RUD_OK;
    rud_status status;
    if (c->id < 0)
        status = rud_hdf5_write(state->file, c->name, c->type, c->gathered, c->width, chunk_rows,
                                c->memory, c->bytes, &c->id);
    else
        status = rud_error_context(
            rud_hdf5_append(c->id, c->written, c->gathered, c->width, c->memory, c->bytes), "%s",
            c->name);
    c->written += c->gathered;
    c->gathered = 0;
    return status;
}

static void put_number(const column *c, size_t place, double value)
{
    if (c->memory == H5T_NATIVE_INT64)
        ((int64_t *)c->bytes)[place] = (int64_t)value;
    else if (c->memory == H5T_NATIVE_FLOAT)
        ((float *)c->bytes)[place] = (float)value;
    else if (c->memory == H5T_NATIVE_DOUBLE)
        ((double *)c->bytes)[place] = value;
    else
        ((int8_t *)c->bytes)[place] = value != 0;
}

static rud_status append(d4rl_writer *state, column *c, const double *rows, size_t count)
{
    size_t width = c->width > 0 ? c->width : 1;
    for (size_t r = 0; r < count; r++) {
        if (c->gathered == chunk_rows) RUD_TRY(flush(state, c));
        for (size_t k = 0; k < width; k++)
            put_number(c, c->gathered * width + k, rows[r * width + k]);
        c->gathered++;
    }
    return RUD_OK;
}

static rud_status append_flags(d4rl_writer *state, column *c, size_t count, bool last)
{
    const double no = 0, yes = 1;
    for (size_t t = 0; t < count; t++)
        RUD_TRY(append(state, c, last && t + 1 == count ? &yes : &no, 1));
    return RUD_OK;
}

/* ---- new episodes ---- */

static rud_status check(const rud_dataset_writer *writer, const rud_episode *episode)
{
    const d4rl_writer *state = writer->state;
    if (episode->observation_width != writer->observation_space.width ||
        episode->action_width != writer->action_space.width)
        return rud_error(RUD_EINVAL,
                         "observations and actions of widths %zu and %zu, but the spaces have %zu "
                         "and %zu",
                         episode->observation_width, episode->action_width,
                         writer->observation_space.width, writer->action_space.width);
    if ((episode->observation_rows > episode->steps) != state->next)
        return rud_error(RUD_EINVAL,
                         "some episodes have a final observation and some have not: D4RL needs "
                         "it of all or none");
    RUD_TRY(rud_check_finite("observations", episode->observations, episode->observation_rows,
                             episode->observation_width));
    RUD_TRY(rud_check_finite("actions", episode->actions, episode->steps, episode->action_width));
    return rud_check_finite("rewards", episode->rewards, episode->steps, 1);
}

static rud_status append_infos(d4rl_writer *state, const rud_episode *episode)
{
    for (size_t k = FIXED_COLUMNS; k < state->column_count; k++) {
        column *c = &state->columns[k];
        const rud_info *info = rud_episode_info(episode, c->name + strlen("infos/"));
        if (info == NULL || info->width != (c->width > 0 ? c->width : 1))
            return rud_error(RUD_EINVAL,
                             "%s: not in every episode, or not of one width; D4RL needs that",
                             c->name);
        RUD_TRY(append(state, c, info->values + info->width, episode->steps));
    }
    if (episode->info_count == state->column_count - FIXED_COLUMNS) return RUD_OK;
    return rud_error(RUD_EINVAL, "has infos that the first episode has not; D4RL needs the same");
}

/* The end of an episode shows in its flags only: one that just stopped is marked as timed out as
 * soon as another follows. */
static rud_status mark_end(d4rl_writer *state)
{
    column *timeouts = &state->columns[TIMEOUTS];
    if (!state->pending) return RUD_OK;
    state->unfinished++;
    put_number(timeouts, timeouts->gathered - 1, 1);
    return RUD_OK;
}

static rud_status append_episode(rud_dataset_writer *writer, const rud_episode *episode)
{
    d4rl_writer *state = writer->state;
    column *c = state->columns;
    size_t T = episode->steps, width = episode->observation_width;
    RUD_TRY(mark_end(state));
    RUD_TRY(append(state, &c[OBSERVATIONS], episode->observations, T));
    RUD_TRY(append(state, &c[ACTIONS], episode->actions, T));
    RUD_TRY(append(state, &c[REWARDS], episode->rewards, T));
    RUD_TRY(append_flags(state, &c[TERMINALS], T, episode->terminated));
    RUD_TRY(append_flags(state, &c[TIMEOUTS], T, episode->truncated));
    if (state->next) RUD_TRY(append(state, &c[NEXT], episode->observations + width, T));
    state->pending = !episode->terminated && !episode->truncated;
    return append_infos(state, episode);
}

rud_status rud_d4rl_write(rud_dataset_writer *writer, const rud_episode *episode,
                          const rud_dataset_changes *changes)
{
    d4rl_writer *state = writer->state;
    (void)changes; /* rows have no place for attributes */
    rud_status status = state->column_count == 0 ? make_columns(writer, episode) : RUD_OK;
    if (status == RUD_OK) status = check(writer, episode);
    if (status == RUD_OK) status = append_episode(writer, episode);
    return rud_error_context(status, "%s: episode %zu", writer->path, writer->episodes);
}

/* ---- episodes of another data set of the format ---- */

static rud_status write_part(hid_t id, size_t first, size_t rows, size_t width,
                             const double *values)
{
    hsize_t start[2] = {first, 0}, counts[2] = {rows, width};
    hid_t file = H5Dget_space(id);
    hid_t memory = H5Screate_simple(width > 0 ? 2 : 1, counts, NULL);
    bool good = file >= 0 && memory >= 0 &&
                H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, counts, NULL) >= 0 &&
                H5Dwrite(id, H5T_NATIVE_DOUBLE, memory, file, H5P_DEFAULT, values) >= 0;
    rud_status status = good ? RUD_OK : rud_hdf5_write_failed("rows cannot be written");
    if (file >= 0) H5Sclose(file);
    if (memory >= 0) H5Sclose(memory);
    return status;
}

/* The original rewards in the new array: rows of no episode keep theirs. */
static rud_status fill_rewards(rud_dataset_writer *writer, hid_t id)
{
    rud_hdf5_array array;
    rud_hdf5_buffer buffer = {0};
    RUD_TRY(rud_hdf5_array_open(rud_d4rl_file(writer->source), "rewards", &array));
    double *values = malloc(chunk_rows * sizeof *values);
    rud_status status = values == NULL ? rud_error(RUD_ENOMEM, "no memory left") : RUD_OK;
    for (size_t first = 0; first < array.rows && status == RUD_OK; first += chunk_rows) {
        size_t count = array.rows - first < chunk_rows ? array.rows - first : chunk_rows;
        status = rud_hdf5_array_read(&array, first, count, &buffer);
        if (status != RUD_OK) break;
        rud_hdf5_to_doubles(array.number, buffer.bytes, count, values);
        status = write_part(id, first, count, 0, values);
    }
    free(values);
    free(buffer.bytes);
    rud_hdf5_array_close(&array);
    return status;
}

/* The column of a changed array, N rows of float64 or int64, in place of one of that name. */
static rud_status changed_column(rud_dataset_writer *writer, const char *name, bool integer,
                                 size_t width, column **found)
{
    d4rl_writer *state = writer->state;
    for (size_t k = 0; k < state->column_count; k++) {
        *found = &state->columns[k];
        if (strcmp((*found)->name, name) != 0) continue;
        if ((*found)->width == width) return RUD_OK;
        return rud_error(RUD_EINVAL, "%s: not of one width in all episodes", name);
    }
    if (rud_hdf5_has(state->file, name) && H5Ldelete(state->file, name, H5P_DEFAULT) < 0)
        return rud_hdf5_write_failed(name);
    RUD_TRY(add_column(state, name, integer ? H5T_STD_I64LE : H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE,
                       width));
    *found = &state->columns[state->column_count - 1];
    RUD_TRY(rud_hdf5_write(state->file, name, (*found)->type, rud_d4rl_rows(writer->source), width,
                           chunk_rows, H5T_NATIVE_DOUBLE, NULL, &(*found)->id));
    return strcmp(name, "rewards") == 0 ? fill_rewards(writer, (*found)->id) : RUD_OK;
}

static rud_status carry_info(rud_dataset_writer *writer, size_t first, size_t steps,
                             const rud_info *info)
{
    char name[1024];
    column *c = NULL;
    snprintf(name, sizeof name, "infos/%s", info->name);
    size_t width = info->width > 1 ? info->width : 0;
    RUD_TRY(changed_column(writer, name, info->integer, width, &c));
    /* the reset's row has no place */
    return rud_error_context(write_part(c->id, first, steps, width, info->values + info->width),
                             "%s", name);
}

static rud_status carry(rud_dataset_writer *writer, size_t first, size_t steps,
                        const rud_dataset_changes *changes)
{
    column *c = NULL;
    if (changes->rewards != NULL) {
        RUD_TRY(changed_column(writer, "rewards", false, 0, &c));
        RUD_TRY(write_part(c->id, first, steps, 0, changes->rewards));
    }
    for (size_t k = 0; k < changes->info_count; k++)
        RUD_TRY(carry_info(writer, first, steps, &changes->infos[k]));
    return RUD_OK;
}

rud_status rud_d4rl_carry(rud_dataset_writer *writer, size_t k, const rud_episode *episode,
                          const rud_dataset_changes *changes)
{
    return rud_error_context(
        carry(writer, rud_d4rl_start(writer->source, k), episode->steps, changes),
        "%s: episode %zu", writer->path, k);
}

/* ---- completing ---- */

/* An array that no episode has a row for is not written at all. */
static rud_status complete(rud_dataset_writer *writer)
{
    d4rl_writer *state = writer->state;
    for (size_t k = 0; k < state->column_count; k++) RUD_TRY(flush(state, &state->columns[k]));
    for (size_t k = 0; k < writer->metadata_count; k++)
        RUD_TRY(
            rud_hdf5_set_text(state->file, writer->metadata[2 * k], writer->metadata[2 * k + 1]));
    if (state->unfinished > 0)
        rud_log(RUD_LOG_WARNING, "%s: %zu unfinished episodes are marked as timed out",
                writer->path, state->unfinished);
    for (size_t k = 0; k < state->column_count; k++) {
        if (state->columns[k].id >= 0) H5Dclose(state->columns[k].id);
        state->columns[k].id = -1;
    }
    hid_t file = state->file;
    state->file = -1;
    return rud_hdf5_close(file);
}

rud_status rud_d4rl_commit(rud_dataset_writer *writer)
{
    d4rl_writer *state = writer->state;
    rud_status status = rud_error_context(complete(writer), "%s", writer->path);
    if (status == RUD_OK) status = rud_atomic_file_commit(&state->single);
    rud_d4rl_abort(writer);
    return status;
}

void rud_d4rl_abort(rud_dataset_writer *writer)
{
    d4rl_writer *state = writer->state;
    for (size_t k = 0; k < state->column_count; k++) {
        if (state->columns[k].id >= 0) H5Dclose(state->columns[k].id);
        free(state->columns[k].name);
        free(state->columns[k].bytes);
    }
    free(state->columns);
    if (state->file >= 0) rud_hdf5_discard(state->file);
    if (state->flag >= 0) H5Tclose(state->flag);
    rud_atomic_file_abort(&state->single);
    free(state);
    writer->state = NULL;
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "episodes/d4rl_private.h"
#include "episodes/features.h"

static const size_t flag_rows = (size_t)1 << 20;    /* read at once when episodes are counted */
static const size_t block_bytes = (size_t)8 << 20;  /* read at once in order */
static const size_t cache_bytes = (size_t)32 << 20; /* of decompressed chunks, for each array */

/* One array of the file with its rows in memory. */
typedef struct column {
    rud_hdf5_array array; /* id < 0: absent */
    double *values;       /* [rows][width] from d4rl.first on */
    size_t capacity;      /* numbers */
} column;

typedef struct d4rl {
    hid_t file;
    column observations, actions, rewards, next;
    rud_hdf5_array terminals, timeouts; /* timeouts may be absent */
    size_t *starts;                     /* [episodes + 1] */
    size_t capacity;                    /* of starts */
    size_t first, rows;                 /* the block in memory */
    size_t expected;                    /* the episode that follows the one read last */
    char **infos;                       /* [info_count] names below "infos" */
    size_t info_count;
    rud_hdf5_buffer buffer;
} d4rl;

hid_t rud_d4rl_file(const rud_dataset *dataset)
{
    return ((const d4rl *)dataset->state)->file;
}

size_t rud_d4rl_rows(const rud_dataset *dataset)
{
    return ((const d4rl *)dataset->state)->rewards.array.rows;
}

size_t rud_d4rl_start(const rud_dataset *dataset, size_t k)
{
    return ((const d4rl *)dataset->state)->starts[k];
}

/* Rewards at the root are enough: then the reader says what else is missing. */
static bool recognise(const char *path)
{
    hid_t file;
    if (rud_is_folder(path) || !rud_hdf5_is_file(path) ||
        rud_hdf5_open(path, cache_bytes, &file) != RUD_OK)
        return false;
    bool found = rud_hdf5_has(file, "rewards") && !rud_hdf5_is_group(file, "rewards");
    H5Fclose(file);
    return found;
}

/* ---- opening ---- */

static rud_status open_array(hid_t file, const char *name, bool needed, size_t rows,
                             rud_hdf5_array *array)
{
    array->id = -1;
    if (!needed && !rud_hdf5_has(file, name)) return RUD_OK;
    RUD_TRY(rud_hdf5_array_open(file, name, array));
    if (array->number == RUD_HDF5_NONE)
        return rud_error(RUD_EFORMAT, "%s: holds no numbers (%s)", name, array->type);
    if (rows > 0 && array->rows != rows)
        return rud_error(RUD_EFORMAT, "%s: has %zu rows, rewards have %zu", name, array->rows,
                         rows);
    if (array->width <= RUD_FEATURES_WIDTH_MAX) return RUD_OK;
    return rud_error(RUD_EFORMAT, "%s: has %zu numbers in a row; at most %zu are allowed", name,
                     array->width, RUD_FEATURES_WIDTH_MAX);
}

static rud_status need_single(const char *name, const rud_hdf5_array *array)
{
    if (array->id < 0 || array->width == 1) return RUD_OK;
    return rud_error(RUD_EFORMAT, "%s: has %zu numbers in a row, not 1", name, array->width);
}

static rud_status open_arrays(d4rl *state)
{
    RUD_TRY(open_array(state->file, "rewards", true, 0, &state->rewards.array));
    size_t rows = state->rewards.array.rows;
    if (rows == 0) return rud_error(RUD_EFORMAT, "holds no episode: rewards are empty");
    RUD_TRY(open_array(state->file, "observations", true, rows, &state->observations.array));
    RUD_TRY(open_array(state->file, "actions", false, rows, &state->actions.array));
    RUD_TRY(open_array(state->file, "terminals", true, rows, &state->terminals));
    RUD_TRY(open_array(state->file, "timeouts", false, rows, &state->timeouts));
    RUD_TRY(open_array(state->file, "next_observations", false, rows, &state->next.array));
    RUD_TRY(need_single("rewards", &state->rewards.array));
    RUD_TRY(need_single("terminals", &state->terminals));
    RUD_TRY(need_single("timeouts", &state->timeouts));
    if (state->next.array.id < 0 || state->next.array.width == state->observations.array.width)
        return RUD_OK;
    return rud_error(RUD_EFORMAT, "next_observations: has %zu numbers in a row, observations %zu",
                     state->next.array.width, state->observations.array.width);
}

/* ---- episodes ---- */

static rud_status add_end(rud_dataset *dataset, size_t end)
{
    d4rl *state = dataset->state;
    if (dataset->episodes + 1 >= state->capacity) {
        size_t capacity = state->capacity == 0 ? 1024 : 2 * state->capacity;
        size_t *starts = realloc(state->starts, capacity * sizeof *starts);
        if (starts == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu episodes", capacity);
        if (state->capacity == 0) starts[0] = 0;
        state->starts = starts;
        state->capacity = capacity;
    }
    state->starts[++dataset->episodes] = end;
    return RUD_OK;
}

static rud_status read_flags(d4rl *state, const rud_hdf5_array *array, const char *name,
                             size_t first, size_t count, double *flags)
{
    RUD_TRY(
        rud_error_context(rud_hdf5_array_read(array, first, count, &state->buffer), "%s", name));
    rud_hdf5_to_doubles(array->number, state->buffer.bytes, count, flags);
    for (size_t k = 0; k < count; k++)
        if (flags[k] != 0 && flags[k] != 1)
            return rud_error(RUD_EFORMAT, "%s[%zu] is %g, not true or false", name, first + k,
                             flags[k]);
    return RUD_OK;
}

/* Ends among rows first .. first + count - 1; terminals and timeouts are in memory. */
static rud_status add_ends(rud_dataset *dataset, size_t first, size_t count,
                           const double *terminals, const double *timeouts)
{
    const d4rl *state = dataset->state;
    size_t limit = timeouts == NULL ? dataset->options.max_episode_steps : 0;
    size_t begin = dataset->episodes > 0 ? state->starts[dataset->episodes] : 0;
    for (size_t k = 0; k < count; k++) {
        size_t end = first + k + 1;
        bool ends = terminals[k] != 0 || (timeouts != NULL && timeouts[k] != 0);
        if (!ends && (limit == 0 || end - begin < limit)) continue;
        RUD_TRY(add_end(dataset, end));
        begin = end;
    }
    return RUD_OK;
}

static rud_status find_ends(rud_dataset *dataset, double *flags)
{
    d4rl *state = dataset->state;
    size_t rows = state->rewards.array.rows;
    bool timeouts = state->timeouts.id >= 0;
    for (size_t first = 0; first < rows; first += flag_rows) {
        size_t count = rows - first < flag_rows ? rows - first : flag_rows;
        RUD_TRY(read_flags(state, &state->terminals, "terminals", first, count, flags));
        if (timeouts)
            RUD_TRY(
                read_flags(state, &state->timeouts, "timeouts", first, count, flags + flag_rows));
        RUD_TRY(add_ends(dataset, first, count, flags, timeouts ? flags + flag_rows : NULL));
    }
    return RUD_OK;
}

/* The rows behind the last end. */
static rud_status handle_tail(rud_dataset *dataset)
{
    d4rl *state = dataset->state;
    size_t rows = state->rewards.array.rows;
    size_t end = dataset->episodes > 0 ? state->starts[dataset->episodes] : 0;
    dataset->tail_steps = rows - end;
    if (dataset->tail_steps == 0) return RUD_OK;
    if (state->timeouts.id < 0 && dataset->options.max_episode_steps == 0)
        return rud_error(RUD_EFORMAT,
                         "there are no timeouts, and %zu rows behind the last terminal: say after "
                         "how many steps an episode was cut (--max-steps)",
                         dataset->tail_steps);
    if (dataset->options.tail == RUD_TAIL_DROP && dataset->episodes == 0)
        return rud_error(RUD_EFORMAT, "holds no episode that ends: the whole file is a tail");
    return dataset->options.tail == RUD_TAIL_DROP ? RUD_OK : add_end(dataset, rows);
}

static rud_status find_episodes(rud_dataset *dataset)
{
    d4rl *state = dataset->state;
    double *flags = malloc(2 * flag_rows * sizeof *flags);
    if (flags == NULL) return rud_error(RUD_ENOMEM, "no memory for flags");
    rud_status status = find_ends(dataset, flags);
    free(flags);
    if (status == RUD_OK) status = handle_tail(dataset);
    if (status != RUD_OK) return status;
    dataset->lengths = malloc(dataset->episodes * sizeof *dataset->lengths);
    if (dataset->lengths == NULL)
        return rud_error(RUD_ENOMEM, "no memory for %zu episodes", dataset->episodes);
    for (size_t k = 0; k < dataset->episodes; k++)
        dataset->lengths[k] = state->starts[k + 1] - state->starts[k];
    dataset->steps = state->starts[dataset->episodes];
    return RUD_OK;
}

/* ---- a block of rows ---- */

static rud_status read_column(d4rl *state, column *c, const char *name, size_t first, size_t count)
{
    if (c->array.id < 0) return RUD_OK;
    size_t numbers = count * c->array.width;
    if (numbers > c->capacity) {
        free(c->values);
        c->capacity = 0;
        c->values = malloc(numbers * sizeof *c->values);
        if (c->values == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu numbers", numbers);
        c->capacity = numbers;
    }
    RUD_TRY(rud_error_context(rud_hdf5_array_read(&c->array, first, count, &state->buffer), "%s",
                              name));
    rud_hdf5_to_doubles(c->array.number, state->buffer.bytes, numbers, c->values);
    return RUD_OK;
}

static rud_status read_block(d4rl *state, size_t first, size_t count)
{
    state->rows = 0;
    RUD_TRY(read_column(state, &state->observations, "observations", first, count));
    RUD_TRY(read_column(state, &state->actions, "actions", first, count));
    RUD_TRY(read_column(state, &state->rewards, "rewards", first, count));
    state->first = first;
    state->rows = count;
    return RUD_OK;
}

/* In order, as many episodes as a block holds are read in one piece. */
static rud_status need_rows(rud_dataset *dataset, size_t k)
{
    d4rl *state = dataset->state;
    size_t first = state->starts[k], end = state->starts[k + 1];
    if (first >= state->first && end <= state->first + state->rows) return RUD_OK;
    size_t width = state->observations.array.width + 1;
    if (state->actions.array.id >= 0) width += state->actions.array.width;
    size_t limit = first + block_bytes / (width * sizeof(double)), last = k + 1;
    while (k == state->expected && last < dataset->episodes && state->starts[last + 1] <= limit)
        last++;
    return read_block(state, first, state->starts[last] - first);
}

/* ---- spaces ---- */

static bool is_signed_integer(rud_hdf5_number number)
{
    return number == RUD_HDF5_INT8 || number == RUD_HDF5_INT16 || number == RUD_HDF5_INT32 ||
           number == RUD_HDF5_INT64;
}

/* An integer array is read through for its largest values. */
static rud_status find_ranges(d4rl *state, column *c, const char *name, rud_value_ranges *ranges)
{
    size_t rows = c->array.rows, step = block_bytes / (c->array.width * sizeof(double)) + 1;
    for (size_t first = 0; first < rows; first += step) {
        size_t count = rows - first < step ? rows - first : step;
        RUD_TRY(read_column(state, c, name, first, count));
        rud_value_ranges_add(ranges, c->values, count);
    }
    return RUD_OK;
}

/* next: NULL, or the array of next_observations, which may hold values that no other row has. */
static rud_status find_space(d4rl *state, column *c, const char *name, column *next,
                             rud_space *space)
{
    size_t width = c->array.width;
    if (c->array.id < 0) return RUD_OK;
    if (!is_signed_integer(c->array.number)) return rud_space_box(NULL, NULL, width, space);
    rud_value_ranges ranges;
    RUD_TRY(rud_value_ranges_create(width, &ranges));
    rud_status status = find_ranges(state, c, name, &ranges);
    if (status == RUD_OK && next != NULL && next->array.id >= 0)
        status = find_ranges(state, next, "next_observations", &ranges);
    if (status == RUD_OK) status = rud_value_ranges_space(&ranges, width == 1, space);
    rud_value_ranges_free(&ranges);
    return status;
}

static rud_status add_leaf(rud_dataset *dataset, const char *name, const rud_hdf5_array *array,
                           const rud_space *space)
{
    char text[RUD_DATASET_SPACE_SIZE];
    if (array->id < 0) return RUD_OK;
    rud_dataset_space_text(space, array->width, text);
    rud_dataset_leaf leaf = {.name = name,
                             .type = array->type,
                             .readable = array->number != RUD_HDF5_NONE,
                             .width = array->number != RUD_HDF5_NONE ? array->width : 0,
                             .space = text};
    return rud_dataset_add_leaf(dataset, &leaf);
}

static rud_status find_spaces(rud_dataset *dataset)
{
    d4rl *state = dataset->state;
    RUD_TRY(find_space(state, &state->observations, "observations", &state->next,
                       &dataset->observation_space));
    RUD_TRY(find_space(state, &state->actions, "actions", NULL, &dataset->action_space));
    RUD_TRY(
        add_leaf(dataset, "observations", &state->observations.array, &dataset->observation_space));
    return add_leaf(dataset, "actions", &state->actions.array, &dataset->action_space);
}

/* ---- infos ---- */

/* Arrays below "infos" with a row for each step; others are left to be carried. */
static rud_status add_info(rud_dataset *dataset, hid_t group, const char *name)
{
    d4rl *state = dataset->state;
    rud_hdf5_array array;
    if (rud_hdf5_is_group(group, name)) return RUD_OK;
    RUD_TRY(rud_hdf5_array_open(group, name, &array));
    bool readable = array.number != RUD_HDF5_NONE && array.rows == state->rewards.array.rows;
    if (!readable) array.number = RUD_HDF5_NONE;
    char path[512];
    snprintf(path, sizeof path, "infos/%s", name);
    rud_status status = add_leaf(dataset, path, &array, NULL);
    rud_hdf5_array_close(&array);
    if (status != RUD_OK || !readable) return status;
    char **infos = realloc(state->infos, (state->info_count + 1) * sizeof *infos);
    if (infos == NULL) return rud_error(RUD_ENOMEM, "no memory for the infos");
    state->infos = infos;
    infos[state->info_count] = strdup(name);
    return infos[state->info_count++] == NULL ? rud_error(RUD_ENOMEM, "no memory for the infos")
                                              : RUD_OK;
}

typedef struct info_list {
    rud_dataset *dataset;
    rud_status status;
} info_list;

static herr_t visit_info(hid_t group, const char *name, const H5L_info_t *link, void *context)
{
    info_list *list = context;
    (void)link;
    list->status = add_info(list->dataset, group, name);
    return list->status == RUD_OK ? 0 : -1;
}

static rud_status find_infos(rud_dataset *dataset)
{
    d4rl *state = dataset->state;
    info_list list = {.dataset = dataset};
    if (!rud_hdf5_is_group(state->file, "infos")) return RUD_OK;
    if (H5Literate_by_name(state->file, "infos", H5_INDEX_NAME, H5_ITER_INC, NULL, visit_info,
                           &list, H5P_DEFAULT) < 0 &&
        list.status == RUD_OK)
        list.status = rud_hdf5_failed("infos");
    return rud_error_context(list.status, "infos");
}

static rud_status read_info(d4rl *state, const char *name, const rud_hdf5_array *array,
                            size_t first, rud_episode *episode)
{
    double *values;
    bool integer = array->number != RUD_HDF5_FLOAT32 && array->number != RUD_HDF5_FLOAT64;
    RUD_TRY(rud_hdf5_array_read(array, first, episode->steps, &state->buffer));
    RUD_TRY(rud_episode_add_info(episode, name, array->width, integer, &values));
    /* row 0 is the reset's, of which the file knows nothing */
    rud_hdf5_to_doubles(array->number, state->buffer.bytes, episode->steps * array->width,
                        values + array->width);
    return RUD_OK;
}

static rud_status read_infos(d4rl *state, size_t first, rud_episode *episode)
{
    for (size_t k = 0; k < state->info_count; k++) {
        char path[512];
        rud_hdf5_array array;
        snprintf(path, sizeof path, "infos/%s", state->infos[k]);
        RUD_TRY(rud_hdf5_array_open(state->file, path, &array));
        rud_status status = read_info(state, state->infos[k], &array, first, episode);
        rud_hdf5_array_close(&array);
        if (status != RUD_OK) return rud_error_context(status, "%s", path);
    }
    return RUD_OK;
}

/* ---- the data set ---- */

static rud_status open_file(rud_dataset *dataset)
{
    d4rl *state = dataset->state;
    if (rud_is_folder(dataset->path)) return rud_error(RUD_EFORMAT, "a folder; D4RL is a file");
    RUD_TRY(rud_hdf5_open(dataset->path, cache_bytes, &state->file));
    RUD_TRY(open_arrays(state));
    RUD_TRY(find_episodes(dataset));
    RUD_TRY(find_spaces(dataset));
    return find_infos(dataset);
}

static rud_status open_d4rl(rud_dataset *dataset)
{
    d4rl *state = dataset->state = calloc(1, sizeof *state);
    if (state == NULL) return rud_error(RUD_ENOMEM, "%s: no memory left", dataset->path);
    state->file = state->terminals.id = state->timeouts.id = -1;
    state->observations.array.id = state->actions.array.id = -1;
    state->rewards.array.id = state->next.array.id = -1;
    return rud_error_context(open_file(dataset), "%s", dataset->path);
}

static void close_d4rl(rud_dataset *dataset)
{
    d4rl *state = dataset->state;
    if (state == NULL) return;
    column *const columns[] = {&state->observations, &state->actions, &state->rewards,
                               &state->next};
    for (size_t k = 0; k < sizeof columns / sizeof *columns; k++) {
        rud_hdf5_array_close(&columns[k]->array);
        free(columns[k]->values);
    }
    rud_hdf5_array_close(&state->terminals);
    rud_hdf5_array_close(&state->timeouts);
    if (state->file >= 0) H5Fclose(state->file);
    for (size_t k = 0; k < state->info_count; k++) free(state->infos[k]);
    free(state->infos);
    free(state->starts);
    free(state->buffer.bytes);
    free(state);
}

static rud_status read_end(d4rl *state, size_t last, rud_episode *episode)
{
    double flag;
    RUD_TRY(read_flags(state, &state->terminals, "terminals", last, 1, &flag));
    episode->terminated = flag != 0;
    episode->truncated = !episode->terminated; /* cut by a limit, or the tail */
    if (state->timeouts.id >= 0 && episode->terminated) {
        RUD_TRY(read_flags(state, &state->timeouts, "timeouts", last, 1, &flag));
        episode->truncated = flag != 0;
    }
    return RUD_OK;
}

static rud_status read_final(d4rl *state, size_t last, rud_episode *episode)
{
    if (state->next.array.id < 0) return RUD_OK;
    size_t width = episode->observation_width;
    double *row = episode->observations + episode->steps * width;
    RUD_TRY(read_column(state, &state->next, "next_observations", last, 1));
    memcpy(row, state->next.values, width * sizeof *row);
    return rud_check_finite("next_observations at the end of the episode", row, 1, width);
}

static rud_status fill(rud_dataset *dataset, size_t k, rud_episode *episode)
{
    d4rl *state = dataset->state;
    size_t T = episode->steps, at = state->starts[k] - state->first;
    size_t observation = episode->observation_width, action = episode->action_width;
    char id[32];
    memcpy(episode->observations, state->observations.values + at * observation,
           T * observation * sizeof(double));
    if (action > 0)
        memcpy(episode->actions, state->actions.values + at * action, T * action * sizeof(double));
    memcpy(episode->rewards, state->rewards.values + at, T * sizeof(double));
    RUD_TRY(rud_check_finite("observations", episode->observations, T, observation));
    RUD_TRY(rud_check_finite("actions", episode->actions, T, action));
    RUD_TRY(rud_check_finite("rewards", episode->rewards, T, 1));
    RUD_TRY(read_end(state, state->starts[k + 1] - 1, episode));
    RUD_TRY(read_final(state, state->starts[k + 1] - 1, episode));
    if (dataset->options.infos) RUD_TRY(read_infos(state, state->starts[k], episode));
    snprintf(id, sizeof id, "%zu", k);
    return rud_episode_set_id(episode, id);
}

static rud_status read_rows(rud_dataset *dataset, size_t k, rud_episode **episode)
{
    d4rl *state = dataset->state;
    size_t steps = dataset->lengths[k];
    RUD_TRY(need_rows(dataset, k));
    state->expected = k + 1;
    RUD_TRY(rud_episode_create(
        steps, state->next.array.id >= 0 ? steps + 1 : steps, state->observations.array.width,
        state->actions.array.id >= 0 ? state->actions.array.width : 0, episode));
    rud_status status = fill(dataset, k, *episode);
    if (status != RUD_OK) rud_episode_free(episode);
    return status;
}

static void place_d4rl(const rud_dataset *dataset, size_t k, char *text, size_t size)
{
    const d4rl *state = dataset->state;
    snprintf(text, size, "%s: episode %zu, rows %zu to %zu", dataset->path, k, state->starts[k],
             state->starts[k + 1] - 1);
}

static rud_status read_d4rl(rud_dataset *dataset, size_t k, rud_episode **episode)
{
    rud_status status = read_rows(dataset, k, episode);
    if (status == RUD_OK) return RUD_OK;
    char place[RUD_DATASET_PLACE_SIZE];
    place_d4rl(dataset, k, place, sizeof place);
    return rud_error_context(status, "%s", place);
}

const rud_dataset_kind rud_dataset_d4rl = {
    .name = "d4rl",
    .whole = true,
    .recognise = recognise,
    .open = open_d4rl,
    .close = close_d4rl,
    .read = read_d4rl,
    .place = place_d4rl,
    .create = rud_d4rl_create,
    .write = rud_d4rl_write,
    .carry = rud_d4rl_carry,
    .commit = rud_d4rl_commit,
    .abort = rud_d4rl_abort,
};

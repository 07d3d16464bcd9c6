#include "agent_bridge/values_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const encodings[] = {"auto", "one-hot", "raw", "none", NULL};

void rud_wire_space_free(rud_wire_space *space)
{
    rud_space_free(&space->space);
    free(space->start);
    *space = (rud_wire_space){0};
}

void rud_task_spec_free(rud_task_spec *spec)
{
    rud_wire_space_free(&spec->observation);
    rud_wire_space_free(&spec->action);
}

rud_status rud_wire_space_of(const rud_space *space, rud_wire_space *wire)
{
    *wire = (rud_wire_space){.rank = space->kind == RUD_SPACE_DISCRETE ? 0 : 1,
                             .shape = {space->width}};
    return rud_space_copy(space, &wire->space);
}

/* ---- spaces ---- */

typedef enum space_type { DISCRETE, MULTI_DISCRETE, MULTI_BINARY, BOX } space_type;
static const char *const space_types[] = {"discrete", "multi_discrete", "multi_binary", "box",
                                          NULL};

static rud_status too_wide(rud_wire_place place, const char *key)
{
    return rud_problem_set(place.problem, RUD_PROBLEM_TOO_LARGE, place.path, key,
                           "1 .. %zu components are allowed", RUD_FEATURES_WIDTH_MAX);
}

/* The problem of a status that a space's own function gave. */
static rud_status blame(rud_wire_place place, const char *key, rud_status status)
{
    if (status == RUD_OK || status == RUD_ENOMEM) return status;
    char message[512];
    snprintf(message, sizeof message, "%s", rud_last_error());
    return rud_problem_set(place.problem, rud_problem_of(status), place.path, key, "%s", message);
}

static rud_status read_discrete(rud_wire_place place, const msgpack_object *map,
                                rud_wire_space *space)
{
    uint64_t n = 0;
    int64_t start = 0;
    const msgpack_object *found = NULL;
    RUD_TRY(rud_wire_need(place, map, "n", &found));
    RUD_TRY(rud_wire_uint(place, map, "n", 1, INT64_MAX, &n));
    RUD_TRY(rud_wire_int(place, map, "start", &start));
    RUD_TRY(blame(place, "n", rud_space_discrete((int64_t)n, &space->space)));
    if (start == 0) return RUD_OK;
    space->start = malloc(sizeof *space->start);
    if (space->start == NULL) return rud_error(RUD_ENOMEM, "no memory for a space");
    *space->start = (double)start;
    return RUD_OK;
}

/* Numbers of a field as they come; *view tells their shape. Caller frees *numbers. */
static rud_status read_numbers(rud_wire_place place, const msgpack_object *map, const char *key,
                               rud_tensor_view *view, double **numbers)
{
    const msgpack_object *found = NULL;
    RUD_TRY(rud_wire_need(place, map, key, &found));
    RUD_TRY(rud_wire_tensor(place, key, found, view));
    if (view->count == 0 || view->count > RUD_FEATURES_WIDTH_MAX) return too_wide(place, key);
    *numbers = malloc(view->count * sizeof **numbers);
    if (*numbers == NULL) return rud_error(RUD_ENOMEM, "no memory for a space");
    rud_tensor_read(view, *numbers);
    return RUD_OK;
}

static rud_status take_shape(rud_wire_place place, const char *key, const rud_tensor_view *view,
                             rud_wire_space *space)
{
    if (!rud_dtype_is_integer(view->dtype)) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_TYPE, place.path, key,
                               "whole numbers are needed");
    }
    space->rank = view->rank > 0 ? view->rank : 1;
    memcpy(space->shape, view->rank > 0 ? view->shape : (const size_t[]){1},
           space->rank * sizeof *space->shape);
    return RUD_OK;
}

static rud_status set_sizes(rud_wire_place place, const char *key, const double *numbers,
                            size_t width, rud_wire_space *space)
{
    int64_t *sizes = malloc(width * sizeof *sizes);
    if (sizes == NULL) return rud_error(RUD_ENOMEM, "no memory for a space");
    for (size_t k = 0; k < width; k++) {
        sizes[k] = numbers[k] >= 1 && numbers[k] <= 9e15 ? (int64_t)numbers[k] : 0;
    }
    const rud_status status = rud_space_multi_discrete(sizes, width, &space->space);
    free(sizes);
    return blame(place, key, status);
}

static rud_status read_multi_discrete(rud_wire_place place, const msgpack_object *map,
                                      rud_wire_space *space)
{
    rud_tensor_view view;
    double *numbers = NULL;
    rud_status status = read_numbers(place, map, "nvec", &view, &numbers);
    if (status == RUD_OK) status = take_shape(place, "nvec", &view, space);
    if (status == RUD_OK) status = set_sizes(place, "nvec", numbers, view.count, space);
    free(numbers);
    RUD_TRY(status);
    if (rud_wire_find(map, "start") == NULL) return RUD_OK;
    RUD_TRY(read_numbers(place, map, "start", &view, &space->start));
    if (view.count == space->space.width && rud_dtype_is_integer(view.dtype)) return RUD_OK;
    return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_SHAPE, place.path, "start",
                           "%zu whole numbers are needed, as in nvec", space->space.width);
}

/* A shape given as a number or a list of numbers. */
static rud_status read_shape(rud_wire_place place, const msgpack_object *map, const char *key,
                             rud_wire_space *space, size_t *width)
{
    rud_tensor_view view;
    const msgpack_object *found = NULL;
    double sizes[RUD_WIRE_RANK];
    RUD_TRY(rud_wire_need(place, map, key, &found));
    RUD_TRY(rud_wire_tensor(place, key, found, &view));
    if (view.rank > 1 || view.count > RUD_WIRE_RANK || !rud_dtype_is_integer(view.dtype)) {
        if (view.count > 0) {
            return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_SHAPE, place.path, key,
                                   "a list of at most %d whole numbers is needed", RUD_WIRE_RANK);
        }
    }
    rud_tensor_read(&view, sizes);
    *width = 1;
    space->rank = view.count;
    for (size_t k = 0; k < view.count; k++) {
        if (!(sizes[k] >= 1 && sizes[k] <= (double)(RUD_FEATURES_WIDTH_MAX / *width))) {
            return too_wide(place, key);
        }
        space->shape[k] = (size_t)sizes[k];
        *width *= space->shape[k];
    }
    return RUD_OK;
}

static rud_status read_multi_binary(rud_wire_place place, const msgpack_object *map,
                                    rud_wire_space *space)
{
    size_t width = 0;
    RUD_TRY(read_shape(place, map, "n", space, &width));
    double *twos = malloc(width * sizeof *twos);
    if (twos == NULL) return rud_error(RUD_ENOMEM, "no memory for a space");
    for (size_t k = 0; k < width; k++) twos[k] = 2;
    const rud_status status = set_sizes(place, "n", twos, width, space);
    free(twos);
    space->binary = true;
    if (space->rank == 0) space->shape[space->rank++] = width;
    return status;
}

/* A bound of a box, out[width]: a number for all, or one each; absent: `none`. */
static rud_status read_bound(rud_wire_place place, const msgpack_object *map, const char *key,
                             size_t width, double none, double *out)
{
    const msgpack_object *found = rud_wire_find(map, key);
    rud_tensor_view view = {.count = 1};
    double one = none;
    if (found != NULL) RUD_TRY(rud_wire_tensor(place, key, found, &view));
    if (view.count == width && found != NULL && view.rank > 0) {
        rud_tensor_read(&view, out);
        return RUD_OK;
    }
    if (view.count != 1) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_SHAPE, place.path, key,
                               "%zu numbers; the shape needs %zu, or one for all", view.count,
                               width);
    }
    if (found != NULL) rud_tensor_read(&view, &one);
    for (size_t k = 0; k < width; k++) out[k] = one;
    return RUD_OK;
}

static rud_status read_box(rud_wire_place place, const msgpack_object *map, rud_wire_space *space)
{
    size_t width = 0;
    RUD_TRY(read_shape(place, map, "shape", space, &width));
    if (rud_wire_find(map, "low") == NULL && rud_wire_find(map, "high") == NULL) {
        return blame(place, "shape", rud_space_box(NULL, NULL, width, &space->space));
    }
    double *bounds = malloc(2 * width * sizeof *bounds);
    if (bounds == NULL) return rud_error(RUD_ENOMEM, "no memory for a space");
    rud_status status = read_bound(place, map, "low", width, -INFINITY, bounds);
    if (status == RUD_OK) {
        status = read_bound(place, map, "high", width, INFINITY, bounds + width);
    }
    if (status == RUD_OK) {
        status = blame(place, "low", rud_space_box(bounds, bounds + width, width, &space->space));
    }
    free(bounds);
    return status;
}

static rud_status read_space(rud_wire_place place, const char *key, const msgpack_object *object,
                             rud_wire_space *space)
{
    static const char *const fields[][6] = {
        [DISCRETE] = {"type", "dtype", "n", "start"},
        [MULTI_DISCRETE] = {"type", "dtype", "nvec", "start"},
        [MULTI_BINARY] = {"type", "dtype", "n"},
        [BOX] = {"type", "dtype", "shape", "low", "high"},
    };
    static rud_status (*const readers[])(rud_wire_place, const msgpack_object *,
                                         rud_wire_space *) = {
        [DISCRETE] = read_discrete,
        [MULTI_DISCRETE] = read_multi_discrete,
        [MULTI_BINARY] = read_multi_binary,
        [BOX] = read_box,
    };
    char path[128];
    unsigned type = 0;
    const msgpack_object *found = NULL;
    snprintf(path, sizeof path, "%s%s.", place.path, key);
    if (object->type != MSGPACK_OBJECT_MAP) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_TYPE, place.path, key,
                               "a space is a map");
    }
    place.path = path;
    RUD_TRY(rud_wire_need(place, object, "type", &found));
    RUD_TRY(rud_wire_choice(place, object, "type", space_types, &type));
    RUD_TRY(rud_wire_check_fields(place, object, fields[type]));
    return readers[type](place, object, space);
}

static space_type type_of(const rud_wire_space *space)
{
    if (space->binary) return MULTI_BINARY;
    switch (space->space.kind) {
    case RUD_SPACE_DISCRETE:
        return DISCRETE;
    case RUD_SPACE_MULTI_DISCRETE:
        return MULTI_DISCRETE;
    default:
        return BOX;
    }
}

static void pack_shape(rud_packer *packer, const char *key, const rud_wire_space *space)
{
    rud_pack_key(packer, key);
    rud_pack_array(packer, space->rank);
    for (size_t k = 0; k < space->rank; k++) rud_pack_uint(packer, space->shape[k]);
}

static void pack_sizes(rud_packer *packer, const rud_wire_space *space)
{
    double *sizes = malloc(space->space.width * sizeof *sizes);
    rud_pack_key(packer, "nvec");
    if (sizes == NULL) {
        packer->failed = true;
        return;
    }
    for (size_t k = 0; k < space->space.width; k++) sizes[k] = (double)space->space.sizes[k];
    rud_pack_tensor(packer, RUD_INT64, space->shape, space->rank, sizes);
    free(sizes);
}

static void pack_bounds(rud_packer *packer, const rud_wire_space *space)
{
    pack_shape(packer, "shape", space);
    if (space->space.low == NULL) return;
    rud_pack_key(packer, "low");
    rud_pack_tensor(packer, RUD_FLOAT64, space->shape, space->rank, space->space.low);
    rud_pack_key(packer, "high");
    rud_pack_tensor(packer, RUD_FLOAT64, space->shape, space->rank, space->space.high);
}

void rud_pack_space(rud_packer *packer, const rud_wire_space *space)
{
    const space_type type = type_of(space);
    if (space->space.width == 0) {
        rud_pack_nil(packer);
        return;
    }
    rud_pack_open(packer);
    rud_pack_field_text(packer, "type", space_types[type]);
    if (type == DISCRETE) {
        rud_pack_field_uint(packer, "n", (uint64_t)space->space.sizes[0]);
        rud_pack_key(packer, "start");
        rud_pack_tensor_scalar(packer, RUD_INT64, space->start != NULL ? *space->start : 0);
    } else if (type == MULTI_DISCRETE) {
        pack_sizes(packer, space);
        if (space->start != NULL) {
            rud_pack_key(packer, "start");
            rud_pack_tensor(packer, RUD_INT64, space->shape, space->rank, space->start);
        }
    } else if (type == MULTI_BINARY) {
        pack_shape(packer, "n", space);
    } else {
        pack_bounds(packer, space);
    }
    rud_pack_close(packer);
}

/* ---- specifications ---- */

static rud_status read_encodings(rud_wire_place place, const msgpack_object *map,
                                 rud_features_options *features)
{
    const msgpack_object *found = rud_wire_find(map, "observation");
    const size_t most = sizeof features->observation / sizeof features->observation[0];
    if (found == NULL) return RUD_OK;
    msgpack_object one = *found;
    const msgpack_object *items = &one;
    size_t count = 1;
    if (found->type == MSGPACK_OBJECT_ARRAY) {
        items = found->via.array.ptr;
        count = found->via.array.size;
    }
    if (count > most) {
        return rud_problem_set(place.problem, RUD_PROBLEM_TOO_LARGE, place.path, "observation",
                               "%zu encodings; at most %zu are allowed", count, most);
    }
    for (size_t k = 0; k < count; k++) {
        /* As a field of its own, so that its messages are those of a choice. */
        msgpack_object_kv pair = {.val = items[k]};
        pair.key.type = MSGPACK_OBJECT_STR;
        pair.key.via.str.ptr = "observation";
        pair.key.via.str.size = sizeof "observation" - 1;
        msgpack_object field = {.type = MSGPACK_OBJECT_MAP};
        field.via.map.ptr = &pair;
        field.via.map.size = 1;
        unsigned choice = 0;
        RUD_TRY(rud_wire_choice(place, &field, "observation", encodings, &choice));
        features->observation[k] = (rud_encoding)choice;
    }
    features->observation_count = count;
    return RUD_OK;
}

static rud_status read_features(rud_wire_place place, const msgpack_object *map,
                                rud_features_options *features)
{
    static const char *const fields[] = {"observation", "action",     "difference", "standardise",
                                         "time",        "time_scale", NULL};
    char path[128];
    unsigned action = (unsigned)features->action;
    snprintf(path, sizeof path, "%sfeatures.", place.path);
    place.path = path;
    RUD_TRY(rud_wire_check_fields(place, map, fields));
    RUD_TRY(read_encodings(place, map, features));
    RUD_TRY(rud_wire_choice(place, map, "action", encodings, &action));
    features->action = (rud_encoding)action;
    RUD_TRY(rud_wire_bool(place, map, "difference", &features->difference));
    RUD_TRY(rud_wire_bool(place, map, "standardise", &features->standardise));
    RUD_TRY(rud_wire_bool(place, map, "time", &features->time));
    return rud_wire_real(place, map, "time_scale", 1, 1e15, &features->time_scale);
}

rud_status rud_wire_task_spec(rud_wire_place place, const msgpack_object *object,
                              const rud_features_options *features, uint64_t seed,
                              rud_task_spec *spec)
{
    static const char *const fields[] = {
        "observation_space", "action_space", "final_observation", "features", "seed", "name", NULL};
    *spec = (rud_task_spec){.features = *features, .seed = seed};
    RUD_TRY(rud_wire_check_fields(place, object, fields));
    const msgpack_object *space = NULL;
    RUD_TRY(rud_wire_need(place, object, "observation_space", &space));
    RUD_TRY(read_space(place, "observation_space", space, &spec->observation));
    space = rud_wire_find(object, "action_space");
    if (space != NULL) RUD_TRY(read_space(place, "action_space", space, &spec->action));
    const msgpack_object *found = rud_wire_find(object, "features");
    if (found != NULL) RUD_TRY(read_features(place, found, &spec->features));
    RUD_TRY(rud_wire_bool(place, object, "final_observation", &spec->features.final_observation));
    RUD_TRY(rud_wire_uint(place, object, "seed", 0, UINT64_MAX, &spec->seed));
    return rud_wire_text(place, object, "name", sizeof spec->name, spec->name);
}

static void pack_features(rud_packer *packer, const rud_features_options *features)
{
    const size_t count = features->observation_count;
    rud_pack_open(packer);
    rud_pack_key(packer, "observation");
    if (count <= 1) {
        rud_pack_text(packer, encodings[count == 1 ? features->observation[0] : 0]);
    } else {
        rud_pack_array(packer, count);
        for (size_t k = 0; k < count; k++) {
            rud_pack_text(packer, encodings[features->observation[k]]);
        }
    }
    rud_pack_field_text(packer, "action", encodings[features->action]);
    rud_pack_field_bool(packer, "difference", features->difference);
    rud_pack_field_bool(packer, "standardise", features->standardise);
    rud_pack_field_bool(packer, "time", features->time);
    rud_pack_field_real(packer, "time_scale", features->time_scale);
    rud_pack_close(packer);
}

void rud_pack_task_spec(rud_packer *packer, const rud_task_spec *spec)
{
    rud_pack_open(packer);
    rud_pack_key(packer, "observation_space");
    rud_pack_space(packer, &spec->observation);
    rud_pack_key(packer, "action_space");
    rud_pack_space(packer, &spec->action);
    rud_pack_field_bool(packer, "final_observation", spec->features.final_observation);
    rud_pack_key(packer, "features");
    pack_features(packer, &spec->features);
    rud_pack_field_uint(packer, "seed", spec->seed);
    rud_pack_field_text(packer, "name", spec->name);
    rud_pack_close(packer);
}

/* FNV-1a over the packed specification. */
rud_status rud_task_key(const rud_task_spec *spec, char key[RUD_TASK_KEY + 1])
{
    rud_packer packer;
    rud_packer_init(&packer);
    rud_pack_task_spec(&packer, spec);
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t k = 0; k < packer.buffer.size; k++) {
        hash = (hash ^ (unsigned char)packer.buffer.data[k]) * 0x100000001b3;
    }
    const bool failed = packer.failed;
    rud_packer_free(&packer);
    if (failed) return rud_error(RUD_ENOMEM, "no memory for a specification");
    snprintf(key, RUD_TASK_KEY + 1, "%016" PRIx64, hash);
    return RUD_OK;
}

/* ---- inference ---- */

typedef struct inference {
    bool seen, integers;
    double largest;
    size_t rank, shape[RUD_WIRE_RANK]; /* of a row */
} inference;

static rud_status infer_field(rud_wire_place place, const char *key, const msgpack_object *value,
                              inference *inferred, size_t *rows)
{
    rud_tensor_view view;
    RUD_TRY(rud_wire_tensor(place, key, value, &view));
    if (view.rank == 0 || view.count == 0) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_SHAPE, place.path, key,
                               "a tensor with one row for each step is needed");
    }
    *rows = view.shape[0];
    const bool integers = view.rank == 1 && rud_dtype_is_integer(view.dtype);
    double *numbers = integers ? malloc(view.count * sizeof *numbers) : NULL;
    if (integers && numbers == NULL) return rud_error(RUD_ENOMEM, "no memory for an episode");
    if (integers) rud_tensor_read(&view, numbers);
    bool negative = false;
    for (size_t k = 0; integers && k < view.count; k++) {
        inferred->largest = fmax(inferred->largest, numbers[k]);
        negative |= numbers[k] < 0;
    }
    free(numbers);
    if (!inferred->seen) {
        inferred->rank = view.rank - 1;
        memcpy(inferred->shape, view.shape + 1, inferred->rank * sizeof *inferred->shape);
    }
    inferred->integers = integers && !negative && (inferred->integers || !inferred->seen);
    inferred->seen = true;
    return RUD_OK;
}

static rud_status make_inferred(rud_wire_place place, const char *key, const inference *inferred,
                                rud_wire_space *space)
{
    if (!inferred->seen) return RUD_OK;
    if (inferred->integers) {
        return blame(place, key,
                     rud_space_discrete((int64_t)fmin(inferred->largest, 9e15) + 1, &space->space));
    }
    size_t width = 1;
    space->rank = inferred->rank;
    for (size_t k = 0; k < inferred->rank; k++) {
        space->shape[k] = inferred->shape[k];
        if (space->shape[k] > RUD_FEATURES_WIDTH_MAX / width) return too_wide(place, key);
        width *= space->shape[k];
    }
    return blame(place, key, rud_space_box(NULL, NULL, width, &space->space));
}

static rud_status infer_episode(rud_wire_place place, const msgpack_object *episode,
                                inference *observation, inference *action, bool *final)
{
    size_t rows = 0, steps = 0;
    const msgpack_object *found = NULL;
    rud_tensor_view rewards;
    if (episode->type != MSGPACK_OBJECT_MAP) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_TYPE, place.path, "",
                               "an episode is a map");
    }
    RUD_TRY(rud_wire_need(place, episode, "rewards", &found));
    RUD_TRY(rud_wire_tensor(place, "rewards", found, &rewards));
    RUD_TRY(rud_wire_need(place, episode, "observations", &found));
    RUD_TRY(infer_field(place, "observations", found, observation, &rows));
    found = rud_wire_find(episode, "actions");
    if (found != NULL) RUD_TRY(infer_field(place, "actions", found, action, &steps));
    *final &= rewards.rank == 1 && rows == rewards.shape[0] + 1;
    return RUD_OK;
}

rud_status rud_infer_task_spec(rud_wire_place place, const msgpack_object *episodes,
                               const rud_features_options *features, uint64_t seed,
                               rud_task_spec *spec)
{
    inference observation = {0}, action = {0};
    bool final = true;
    *spec = (rud_task_spec){.features = *features, .seed = seed};
    if (episodes->type != MSGPACK_OBJECT_ARRAY || episodes->via.array.size == 0) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_TYPE, place.path, "episodes",
                               "a list of at least one episode is needed");
    }
    for (uint32_t k = 0; k < episodes->via.array.size; k++) {
        char path[64];
        snprintf(path, sizeof path, "episodes[%u].", k);
        RUD_TRY(infer_episode((rud_wire_place){path, place.problem}, &episodes->via.array.ptr[k],
                              &observation, &action, &final));
    }
    spec->features.final_observation = final;
    RUD_TRY(make_inferred(place, "observations", &observation, &spec->observation));
    return make_inferred(place, "actions", &action, &spec->action);
}

static bool space_holds(const rud_wire_space *space, const rud_wire_space *other)
{
    if (space->space.width != other->space.width) return false;
    if (space->space.width == 0) return true;
    if (space->space.kind != other->space.kind) return false;
    return space->space.kind != RUD_SPACE_DISCRETE ||
           other->space.sizes[0] <= space->space.sizes[0];
}

bool rud_task_spec_holds(const rud_task_spec *spec, const rud_task_spec *other)
{
    return spec->features.final_observation == other->features.final_observation &&
           space_holds(&spec->observation, &other->observation) &&
           space_holds(&spec->action, &other->action);
}

/* ---- rows and episodes ---- */

static rud_status check_rows(rud_wire_place place, const char *key, const rud_wire_space *space,
                             size_t rows, const bool *mask, bool inferred, double *values)
{
    const size_t width = space->space.width;
    for (size_t t = 0; t < rows; t++) {
        if (mask != NULL && !mask[t]) continue;
        double *row = values + t * width;
        for (size_t k = 0; space->start != NULL && k < width; k++) row[k] -= space->start[k];
        const rud_status status = rud_space_check(&space->space, row);
        if (status == RUD_OK) continue;
        char message[512];
        snprintf(message, sizeof message, "%s", rud_last_error());
        return rud_problem_set(place.problem, rud_problem_of(status), place.path, key,
                               "row %zu: %s%s", t, message,
                               inferred ? " (the space was inferred from the first episodes: send "
                                          "`configure` first)"
                                        : "");
    }
    return RUD_OK;
}

/* Does the view hold `rows` rows of the space? */
static bool fits(const rud_tensor_view *view, size_t rows, size_t width)
{
    return view->rank >= 1 && view->shape[0] == rows && view->count == rows * width;
}

static rud_status wrong_rows(rud_wire_place place, const char *key, size_t rows, size_t width,
                             const rud_tensor_view *view)
{
    char shape[128] = "";
    size_t used = 0;
    for (size_t k = 0; k < view->rank && used < sizeof shape; k++) {
        used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%zu", k > 0 ? ", " : "",
                                 view->shape[k]);
    }
    return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_SHAPE, place.path, key,
                           "shape [%s]; %zu rows of %zu numbers are needed", shape, rows, width);
}

rud_status rud_wire_rows(rud_wire_place place, const msgpack_object *map, const char *key,
                         const rud_wire_space *space, size_t rows, const bool *mask, bool inferred,
                         double *out)
{
    const msgpack_object *found = NULL;
    rud_tensor_view view;
    RUD_TRY(rud_wire_need(place, map, key, &found));
    RUD_TRY(rud_wire_tensor(place, key, found, &view));
    const bool whole = rows == RUD_ONE_ROW ? view.count == space->space.width
                                           : fits(&view, rows, space->space.width);
    if (rows == RUD_ONE_ROW) rows = 1;
    if (!whole) return wrong_rows(place, key, rows, space->space.width, &view);
    rud_tensor_read(&view, out);
    return check_rows(place, key, space, rows, mask, inferred, out);
}

static rud_status read_rewards(rud_wire_place place, const msgpack_object *map, size_t max_steps,
                               rud_tensor_view *view)
{
    const msgpack_object *found = NULL;
    RUD_TRY(rud_wire_need(place, map, "rewards", &found));
    RUD_TRY(rud_wire_tensor(place, "rewards", found, view));
    if (view->rank != 1 || view->count == 0) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_SHAPE, place.path, "rewards",
                               "one number for each of at least one step is needed");
    }
    if (view->count <= max_steps) return RUD_OK;
    return rud_problem_set(place.problem, RUD_PROBLEM_TOO_LARGE, place.path, "rewards",
                           "%zu steps; at most %zu are allowed", view->count, max_steps);
}

/* Rows of observations: T, or T + 1 where the final one is there. */
static rud_status count_rows(rud_wire_place place, const msgpack_object *map,
                             const rud_episode_rules *rules, size_t steps, size_t *rows)
{
    const msgpack_object *found = NULL;
    rud_tensor_view view;
    const size_t width = rules->spec->observation.space.width;
    RUD_TRY(rud_wire_need(place, map, "observations", &found));
    RUD_TRY(rud_wire_tensor(place, "observations", found, &view));
    *rows = view.rank > 0 ? view.shape[0] : 0;
    if (rules->spec->features.final_observation && *rows == steps) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_SHAPE, place.path, "observations",
                               "%zu rows; %zu are needed: the observation behind the last action "
                               "too, since the task has `final_observation`",
                               *rows, steps + 1);
    }
    if ((*rows == steps || *rows == steps + 1) && fits(&view, *rows, width)) return RUD_OK;
    return wrong_rows(place, "observations",
                      steps + (rules->spec->features.final_observation ? 1 : 0), width, &view);
}

static rud_status read_rest(rud_wire_place place, const msgpack_object *map, rud_episode *episode)
{
    char id[RUD_EPISODE_ID + 1] = "";
    RUD_TRY(rud_wire_text(place, map, "id", sizeof id, id));
    if (rud_wire_find(map, "id") != NULL && id[0] == '\0') {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_VALUE, place.path, "id",
                               "it is empty");
    }
    RUD_TRY(rud_wire_bool(place, map, "truncated", &episode->truncated));
    episode->terminated = !episode->truncated;
    RUD_TRY(rud_wire_bool(place, map, "terminated", &episode->terminated));
    RUD_TRY(rud_wire_uint(place, map, "seed", 0, UINT64_MAX, &episode->seed));
    episode->has_seed = rud_wire_find(map, "seed") != NULL;
    return id[0] != '\0' ? rud_episode_set_id(episode, id) : RUD_OK;
}

static rud_status fill(rud_wire_place place, const msgpack_object *map,
                       const rud_episode_rules *rules, const rud_tensor_view *rewards,
                       rud_episode *episode)
{
    rud_tensor_read(rewards, episode->rewards);
    for (size_t t = 0; t < episode->steps; t++) {
        if (isfinite(episode->rewards[t])) continue;
        return rud_problem_set(place.problem, RUD_PROBLEM_NOT_FINITE, place.path, "rewards",
                               "step %zu is not finite", t);
    }
    RUD_TRY(rud_wire_rows(place, map, "observations", &rules->spec->observation,
                          episode->observation_rows, NULL, rules->inferred, episode->observations));
    if (episode->action_width > 0) {
        RUD_TRY(rud_wire_rows(place, map, "actions", &rules->spec->action, episode->steps, NULL,
                              rules->inferred, episode->actions));
    }
    return read_rest(place, map, episode);
}

rud_status rud_wire_episode(rud_wire_place place, const msgpack_object *object,
                            const rud_episode_rules *rules, rud_episode **episode)
{
    static const char *const fields[] = {"id",         "observations", "actions", "rewards",
                                         "terminated", "truncated",    "seed",    NULL};
    rud_tensor_view rewards;
    size_t rows = 0;
    const msgpack_object *id = NULL;
    *episode = NULL;
    RUD_TRY(rud_wire_check_fields(place, object, fields));
    if (rules->needs_id) RUD_TRY(rud_wire_need(place, object, "id", &id));
    RUD_TRY(read_rewards(place, object, rules->max_steps, &rewards));
    RUD_TRY(count_rows(place, object, rules, rewards.count, &rows));
    if (rules->spec->action.space.width == 0 && rud_wire_find(object, "actions") != NULL) {
        return rud_problem_set(place.problem, RUD_PROBLEM_UNKNOWN_FIELD, place.path, "actions",
                               "the task has no actions");
    }
    RUD_TRY(rud_episode_create(rewards.count, rows, rules->spec->observation.space.width,
                               rules->spec->action.space.width, episode));
    const rud_status status = fill(place, object, rules, &rewards, *episode);
    if (status != RUD_OK) rud_episode_free(episode);
    return status;
}

void rud_wire_episodes_free(rud_episode ***episodes, size_t count)
{
    for (size_t k = 0; *episodes != NULL && k < count; k++) rud_episode_free(&(*episodes)[k]);
    free(*episodes);
    *episodes = NULL;
}

rud_status rud_wire_episodes(rud_problem *problem, const msgpack_object *map, size_t most,
                             const rud_episode_rules *rules, rud_episode ***episodes, size_t *count)
{
    const msgpack_object *list = NULL;
    *episodes = NULL;
    *count = 0;
    RUD_TRY(rud_wire_need((rud_wire_place){"", problem}, map, "episodes", &list));
    if (list->type != MSGPACK_OBJECT_ARRAY || list->via.array.size == 0) {
        return rud_problem_set(problem, RUD_PROBLEM_WRONG_TYPE, "", "episodes",
                               "a list of at least one episode is needed");
    }
    const size_t n = list->via.array.size;
    if (n > most) {
        return rud_problem_set(problem, RUD_PROBLEM_TOO_LARGE, "", "episodes",
                               "%zu episodes; at most %zu are allowed", n, most);
    }
    *episodes = calloc(n, sizeof **episodes);
    if (*episodes == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu episodes", n);
    for (; *count < n; ++*count) {
        char path[64];
        snprintf(path, sizeof path, "episodes[%zu].", *count);
        const rud_status status =
            rud_wire_episode((rud_wire_place){path, problem}, &list->via.array.ptr[*count], rules,
                             &(*episodes)[*count]);
        if (status == RUD_OK) continue;
        rud_wire_episodes_free(episodes, *count);
        *count = 0;
        return status;
    }
    return RUD_OK;
}

static void pack_shifted(rud_packer *packer, const rud_wire_space *space, const double *values,
                         rud_dtype dtype, const size_t *shape, size_t rank, size_t rows)
{
    const size_t width = space->space.width;
    if (space->start == NULL) {
        rud_pack_tensor(packer, dtype, shape, rank, values);
        return;
    }
    double *shifted = malloc(rows * width * sizeof *shifted);
    if (shifted == NULL) {
        packer->failed = true;
        return;
    }
    for (size_t k = 0; k < rows * width; k++) shifted[k] = values[k] + space->start[k % width];
    rud_pack_tensor(packer, dtype, shape, rank, shifted);
    free(shifted);
}

void rud_pack_rows(rud_packer *packer, const rud_wire_space *space, const double *values,
                   size_t rows, bool one)
{
    const rud_dtype dtype = space->space.kind == RUD_SPACE_BOX ? RUD_FLOAT64 : RUD_INT64;
    size_t shape[RUD_WIRE_RANK + 1] = {rows};
    memcpy(shape + 1, space->shape, space->rank * sizeof *shape);
    if (one && space->rank == 0) {
        rud_pack_tensor_scalar(packer, dtype, *values + (space->start != NULL ? *space->start : 0));
        return;
    }
    pack_shifted(packer, space, values, dtype, one ? shape + 1 : shape,
                 one ? space->rank : space->rank + 1, rows);
}

/* Spaces on the wire. */
#include "agent_bridge/values_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rud_wire_space_free(rud_wire_space *space)
{
    rud_space_free(&space->space);
    free(space->start);
    *space = (rud_wire_space){0};
}

rud_status rud_wire_space_of(const rud_space *space, rud_wire_space *wire)
{
    *wire = (rud_wire_space){.rank = space->kind == RUD_SPACE_DISCRETE ? 0 : 1,
                             .shape = {space->width}};
    return rud_space_copy(space, &wire->space);
}

typedef enum space_type { DISCRETE, MULTI_DISCRETE, MULTI_BINARY, BOX } space_type;
static const char *const space_types[] = {"discrete", "multi_discrete", "multi_binary", "box",
                                          NULL};

static rud_status too_wide(rud_wire_place place, const char *key)
{
    return rud_problem_set(place.problem, RUD_PROBLEM_TOO_LARGE, place.path, key,
                           "1 .. %zu components are allowed", RUD_FEATURES_WIDTH_MAX);
}

rud_status rud_wire_blame(rud_wire_place place, const char *key, rud_status status)
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
    RUD_TRY(rud_wire_blame(place, "n", rud_space_discrete((int64_t)n, &space->space)));
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
    return rud_wire_blame(place, key, status);
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
        return rud_wire_blame(place, "shape", rud_space_box(NULL, NULL, width, &space->space));
    }
    double *bounds = malloc(2 * width * sizeof *bounds);
    if (bounds == NULL) return rud_error(RUD_ENOMEM, "no memory for a space");
    rud_status status = read_bound(place, map, "low", width, -INFINITY, bounds);
    if (status == RUD_OK) {
        status = read_bound(place, map, "high", width, INFINITY, bounds + width);
    }
    if (status == RUD_OK) {
        status = rud_wire_blame(place, "low",
                                rud_space_box(bounds, bounds + width, width, &space->space));
    }
    free(bounds);
    return status;
}

rud_status rud_wire_space_read(rud_wire_place place, const char *key, const msgpack_object *object,
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

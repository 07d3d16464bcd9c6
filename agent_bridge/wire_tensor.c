/* Tensors, lists and numbers of a message. */
#include <stdio.h>
#include <string.h>

#include "agent_bridge/wire_private.h"

static const struct {
    const char *name;
    size_t size;
} dtypes[RUD_DTYPES] = {
    [RUD_BOOL] = {"bool", 1},       [RUD_INT8] = {"int8", 1},       [RUD_INT16] = {"int16", 2},
    [RUD_INT32] = {"int32", 4},     [RUD_INT64] = {"int64", 8},     [RUD_UINT8] = {"uint8", 1},
    [RUD_UINT16] = {"uint16", 2},   [RUD_UINT32] = {"uint32", 4},   [RUD_UINT64] = {"uint64", 8},
    [RUD_FLOAT32] = {"float32", 4}, [RUD_FLOAT64] = {"float64", 8},
};

size_t rud_dtype_size(rud_dtype dtype)
{
    return dtypes[dtype].size;
}

bool rud_dtype_is_integer(rud_dtype dtype)
{
    return dtype != RUD_FLOAT32 && dtype != RUD_FLOAT64;
}

static rud_status read_dtype(rud_wire_place place, const char *key, const msgpack_object *map,
                             rud_dtype *dtype)
{
    const msgpack_object *name = rud_wire_find(map, "dtype");
    char text[48];
    for (size_t k = 0; name != NULL && k < RUD_DTYPES; k++) {
        if (!rud_wire_text_is(name, dtypes[k].name)) continue;
        *dtype = (rud_dtype)k;
        return RUD_OK;
    }
    return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_TYPE, place.path, key,
                           "dtype \"%s\" is not known: bool, int8 .. int64, uint8 .. uint64, "
                           "float32 or float64",
                           name != NULL ? rud_wire_shown(name, text) : "");
}

static rud_status read_shape(rud_wire_place place, const char *key, const msgpack_object *map,
                             rud_tensor_view *view)
{
    const msgpack_object *shape = rud_wire_find(map, "shape");
    if (shape == NULL || shape->type != MSGPACK_OBJECT_ARRAY) {
        return rud_wire_wrong_type(place, key, "a tensor with a list `shape`");
    }
    if (shape->via.array.size > RUD_WIRE_RANK) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_SHAPE, place.path, key,
                               "%u dimensions; at most %d are allowed", shape->via.array.size,
                               RUD_WIRE_RANK);
    }
    view->rank = shape->via.array.size;
    view->count = 1;
    for (size_t k = 0; k < view->rank; k++) {
        const msgpack_object *size = &shape->via.array.ptr[k];
        if (size->type != MSGPACK_OBJECT_POSITIVE_INTEGER) {
            return rud_wire_wrong_type(place, key, "a tensor whose `shape` holds whole numbers");
        }
        if (size->via.u64 > UINT32_MAX ||
            (size->via.u64 > 0 && view->count > SIZE_MAX / 16 / size->via.u64)) {
            return rud_problem_set(place.problem, RUD_PROBLEM_TOO_LARGE, place.path, key,
                                   "the shape is too large");
        }
        view->shape[k] = (size_t)size->via.u64;
        view->count *= view->shape[k];
    }
    return RUD_OK;
}

static rud_status read_tensor(rud_wire_place place, const char *key, const msgpack_object *map,
                              rud_tensor_view *view)
{
    static const char *const fields[] = {"dtype", "shape", "data", NULL};
    char path[128];
    snprintf(path, sizeof path, "%s%s.", place.path, key);
    RUD_TRY(rud_wire_check_fields((rud_wire_place){path, place.problem}, map, fields));
    RUD_TRY(read_dtype(place, key, map, &view->dtype));
    RUD_TRY(read_shape(place, key, map, view));
    const msgpack_object *data = rud_wire_find(map, "data");
    if (data == NULL || data->type != MSGPACK_OBJECT_BIN) {
        return rud_wire_wrong_type(place, key, "a tensor with `data` of type bin");
    }
    const size_t needed = view->count * rud_dtype_size(view->dtype);
    if (data->via.bin.size != needed) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_SHAPE, place.path, key,
                               "%u bytes of data; shape and dtype need %zu", data->via.bin.size,
                               needed);
    }
    for (size_t k = 0; view->dtype == RUD_BOOL && k < view->count; k++) {
        if ((unsigned char)data->via.bin.ptr[k] <= 1) continue;
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_VALUE, place.path, key,
                               "byte %zu of the booleans is neither 0 nor 1", k);
    }
    view->data = data->via.bin.ptr;
    return RUD_OK;
}

/* Widens the dtype of a list so that it holds one more value; false: neither number nor boolean.
 * `first` is true before any. */
static bool widen(const msgpack_object *value, bool first, rud_dtype *dtype)
{
    if (value->type == MSGPACK_OBJECT_BOOLEAN) {
        if (!first && *dtype != RUD_BOOL) return false;
        *dtype = RUD_BOOL;
        return true;
    }
    if (!rud_wire_is_number(value) || (!first && *dtype == RUD_BOOL)) return false;
    const bool whole = value->type == MSGPACK_OBJECT_POSITIVE_INTEGER ||
                       value->type == MSGPACK_OBJECT_NEGATIVE_INTEGER;
    if (first || !whole) *dtype = whole ? RUD_INT64 : RUD_FLOAT64;
    return true;
}

/* Checks the lists at `level` against the shape of the first ones; the depth is limited by rank. */
static bool check_list(const msgpack_object *value, size_t level, bool *first,
                       rud_tensor_view *view)
{
    if (level == view->rank) {
        const bool fits = widen(value, *first, &view->dtype);
        *first = false;
        return fits;
    }
    if (value->type != MSGPACK_OBJECT_ARRAY || value->via.array.size != view->shape[level]) {
        return false;
    }
    for (uint32_t k = 0; k < value->via.array.size; k++) {
        if (!check_list(&value->via.array.ptr[k], level + 1, first, view)) return false;
    }
    return true;
}

static rud_status read_list(rud_wire_place place, const char *key, const msgpack_object *value,
                            rud_tensor_view *view)
{
    const msgpack_object *inner = value;
    bool first = true;
    view->count = 1;
    while (inner->type == MSGPACK_OBJECT_ARRAY) {
        if (view->rank == RUD_WIRE_RANK) {
            return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_SHAPE, place.path, key,
                                   "more than %d dimensions", RUD_WIRE_RANK);
        }
        view->shape[view->rank++] = inner->via.array.size;
        view->count *= inner->via.array.size; /* lists are no longer than the message */
        if (inner->via.array.size == 0) break;
        inner = &inner->via.array.ptr[0];
    }
    view->list = value;
    view->dtype = RUD_FLOAT64;
    if (check_list(value, 0, &first, view)) return RUD_OK;
    return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_TYPE, place.path, key,
                           "a tensor is needed, or a number, or lists of numbers of one length");
}

rud_status rud_wire_tensor(rud_wire_place place, const char *key, const msgpack_object *value,
                           rud_tensor_view *view)
{
    *view = (rud_tensor_view){0};
    if (value->type == MSGPACK_OBJECT_MAP) return read_tensor(place, key, value, view);
    return read_list(place, key, value, view);
}

static void read_leaves(const msgpack_object *value, size_t level, size_t rank, double **out)
{
    if (level == rank) {
        *(*out)++ = rud_wire_number(value);
        return;
    }
    for (uint32_t k = 0; k < value->via.array.size; k++) {
        read_leaves(&value->via.array.ptr[k], level + 1, rank, out);
    }
}

/* The host is little-endian; the data need not be aligned. */
#define READ_AS(type)                                                                              \
    for (size_t k = 0; k < view->count; k++) {                                                     \
        type value;                                                                                \
        memcpy(&value, view->data + k * sizeof value, sizeof value);                               \
        out[k] = (double)value;                                                                    \
    }                                                                                              \
    return

void rud_tensor_read(const rud_tensor_view *view, double *out)
{
    if (view->data == NULL) {
        read_leaves(view->list, 0, view->rank, &out);
        return;
    }
    switch (view->dtype) {
    case RUD_BOOL:
        for (size_t k = 0; k < view->count; k++) out[k] = view->data[k] != 0;
        return;
    case RUD_INT8:
        READ_AS(int8_t);
    case RUD_INT16:
        READ_AS(int16_t);
    case RUD_INT32:
        READ_AS(int32_t);
    case RUD_INT64:
        READ_AS(int64_t);
    case RUD_UINT8:
        READ_AS(uint8_t);
    case RUD_UINT16:
        READ_AS(uint16_t);
    case RUD_UINT32:
        READ_AS(uint32_t);
    case RUD_UINT64:
        READ_AS(uint64_t);
    case RUD_FLOAT32:
        READ_AS(float);
    default:
        READ_AS(double);
    }
}

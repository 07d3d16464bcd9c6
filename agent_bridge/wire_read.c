/* Reading messages that a stranger sent. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent_bridge/wire_private.h"
#include "base/messagepack.h"

static const char *const problem_names[] = {
    "",
    "malformed",
    "version",
    "unknown_op",
    "missing_field",
    "unknown_field",
    "wrong_type",
    "wrong_shape",
    "wrong_value",
    "not_finite",
    "too_large",
    "too_many",
    "no_task",
    "unknown_task",
    "unknown_stream",
    "unknown_env",
    "out_of_order",
    "needs_reset",
    "not_trained",
    "unsupported",
    "diverged",
    "busy",
    "storage",
    "forbidden",
    "shutting_down",
    "internal",
};

const char *rud_problem_name(rud_problem_code code)
{
    return problem_names[code];
}

rud_status rud_problem_set(rud_problem *problem, rud_problem_code code, const char *path,
                           const char *field, const char *format, ...)
{
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    problem->code = code;
    snprintf(problem->field, sizeof problem->field, "%s%s", path, field);
    if (problem->field[0] == '\0') return rud_error(RUD_EFORMAT, "%s", message);
    return rud_error(RUD_EFORMAT, "field \"%s\": %s", problem->field, message);
}

rud_problem_code rud_problem_of(rud_status status)
{
    switch (status) {
    case RUD_EINVAL:
        return RUD_PROBLEM_WRONG_VALUE;
    case RUD_EFORMAT:
        return RUD_PROBLEM_WRONG_VALUE;
    case RUD_ENONFINITE:
        return RUD_PROBLEM_NOT_FINITE;
    case RUD_EDIVERGED:
        return RUD_PROBLEM_DIVERGED;
    case RUD_EIO:
        return RUD_PROBLEM_STORAGE;
    default:
        return RUD_PROBLEM_INTERNAL;
    }
}

/* ---- messages ---- */

rud_status rud_message_read(const void *bytes, size_t size, rud_message *message)
{
    *message = (rud_message){0};
    RUD_TRY(rud_messagepack_check(bytes, size, RUD_WIRE_DEPTH));
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    const msgpack_unpack_return result = msgpack_unpack_next(&unpacked, bytes, size, NULL);
    if (result != MSGPACK_UNPACK_SUCCESS) {
        msgpack_unpacked_destroy(&unpacked);
        if (result == MSGPACK_UNPACK_NOMEM_ERROR) {
            return rud_error(RUD_ENOMEM, "no memory to read a message of %zu bytes", size);
        }
        return rud_error(RUD_EFORMAT, "this is not whole MessagePack");
    }
    message->root = unpacked.data;
    message->zone = msgpack_unpacked_release_zone(&unpacked);
    return RUD_OK;
}

void rud_message_free(rud_message *message)
{
    if (message->zone != NULL) msgpack_zone_free(message->zone);
    *message = (rud_message){0};
}

/* ---- fields ---- */

bool rud_wire_text_is(const msgpack_object *object, const char *value)
{
    const size_t length = strlen(value);
    return object->type == MSGPACK_OBJECT_STR && object->via.str.size == length &&
           memcmp(object->via.str.ptr, value, length) == 0;
}

const msgpack_object *rud_wire_find(const msgpack_object *map, const char *key)
{
    for (uint32_t k = 0; k < map->via.map.size; k++) {
        const msgpack_object_kv *pair = &map->via.map.ptr[k];
        if (!rud_wire_text_is(&pair->key, key)) continue;
        return pair->val.type == MSGPACK_OBJECT_NIL ? NULL : &pair->val;
    }
    return NULL;
}

static bool is_known(const msgpack_object *key, const char *const *names, size_t *index)
{
    for (*index = 0; names[*index] != NULL; ++*index) {
        if (rud_wire_text_is(key, names[*index])) return true;
    }
    return false;
}

/* A stranger's text for a message: printable, and not too long. */
static const char *shown(const msgpack_object *text, char out[48])
{
    size_t length = 0;
    for (; text->type == MSGPACK_OBJECT_STR && length < text->via.str.size && length < 47;
         length++) {
        const char c = text->via.str.ptr[length];
        out[length] = c >= 0x20 && c < 0x7f ? c : '?';
    }
    out[length] = '\0';
    return out;
}

rud_status rud_wire_check_fields(rud_wire_place place, const msgpack_object *map,
                                 const char *const *names)
{
    uint64_t seen = 0;
    char name[48];
    if (map->type != MSGPACK_OBJECT_MAP) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_TYPE, place.path, "",
                               "a map is needed");
    }
    for (uint32_t k = 0; k < map->via.map.size; k++) {
        const msgpack_object *key = &map->via.map.ptr[k].key;
        size_t index = 0;
        if (!is_known(key, names, &index)) {
            return rud_problem_set(place.problem, RUD_PROBLEM_UNKNOWN_FIELD, place.path,
                                   shown(key, name), "there is no such field here");
        }
        if (seen >> index & 1) {
            return rud_problem_set(place.problem, RUD_PROBLEM_MALFORMED, place.path, names[index],
                                   "this key stands twice");
        }
        seen |= (uint64_t)1 << index;
    }
    return RUD_OK;
}

rud_status rud_wire_need(rud_wire_place place, const msgpack_object *map, const char *key,
                         const msgpack_object **value)
{
    *value = rud_wire_find(map, key);
    if (*value != NULL) return RUD_OK;
    return rud_problem_set(place.problem, RUD_PROBLEM_MISSING_FIELD, place.path, key,
                           "it is missing");
}

static rud_status wrong_type(rud_wire_place place, const char *key, const char *needed)
{
    return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_TYPE, place.path, key, "%s is needed",
                           needed);
}

rud_status rud_wire_uint(rud_wire_place place, const msgpack_object *map, const char *key,
                         uint64_t low, uint64_t high, uint64_t *value)
{
    const msgpack_object *found = rud_wire_find(map, key);
    if (found == NULL) return RUD_OK;
    if (found->type == MSGPACK_OBJECT_NEGATIVE_INTEGER) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_VALUE, place.path, key,
                               "%lld is not allowed: %llu .. %llu", (long long)found->via.i64,
                               (unsigned long long)low, (unsigned long long)high);
    }
    if (found->type != MSGPACK_OBJECT_POSITIVE_INTEGER) {
        return wrong_type(place, key, "a whole number");
    }
    if (found->via.u64 < low || found->via.u64 > high) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_VALUE, place.path, key,
                               "%llu is not allowed: %llu .. %llu",
                               (unsigned long long)found->via.u64, (unsigned long long)low,
                               (unsigned long long)high);
    }
    *value = found->via.u64;
    return RUD_OK;
}

rud_status rud_wire_int(rud_wire_place place, const msgpack_object *map, const char *key,
                        int64_t *value)
{
    const msgpack_object *found = rud_wire_find(map, key);
    if (found == NULL) return RUD_OK;
    if (found->type == MSGPACK_OBJECT_NEGATIVE_INTEGER) {
        *value = found->via.i64;
        return RUD_OK;
    }
    if (found->type != MSGPACK_OBJECT_POSITIVE_INTEGER || found->via.u64 > INT64_MAX) {
        return wrong_type(place, key, "a whole number below 2^63");
    }
    *value = (int64_t)found->via.u64;
    return RUD_OK;
}

rud_status rud_wire_bool(rud_wire_place place, const msgpack_object *map, const char *key,
                         bool *value)
{
    const msgpack_object *found = rud_wire_find(map, key);
    if (found == NULL) return RUD_OK;
    if (found->type != MSGPACK_OBJECT_BOOLEAN) return wrong_type(place, key, "true or false");
    *value = found->via.boolean;
    return RUD_OK;
}

static bool is_number(const msgpack_object *object)
{
    return object->type == MSGPACK_OBJECT_POSITIVE_INTEGER ||
           object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER ||
           object->type == MSGPACK_OBJECT_FLOAT32 || object->type == MSGPACK_OBJECT_FLOAT64;
}

static double number_of(const msgpack_object *object)
{
    switch (object->type) {
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return (double)object->via.u64;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return (double)object->via.i64;
    case MSGPACK_OBJECT_BOOLEAN:
        return object->via.boolean ? 1 : 0;
    default:
        return object->via.f64;
    }
}

rud_status rud_wire_real(rud_wire_place place, const msgpack_object *map, const char *key,
                         double low, double high, double *value)
{
    const msgpack_object *found = rud_wire_find(map, key);
    if (found == NULL) return RUD_OK;
    if (!is_number(found)) return wrong_type(place, key, "a number");
    const double number = number_of(found);
    if (isnan(number)) {
        return rud_problem_set(place.problem, RUD_PROBLEM_NOT_FINITE, place.path, key,
                               "it is not a number");
    }
    if (!(number >= low && number <= high)) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_VALUE, place.path, key,
                               "%g is not allowed: %g .. %g", number, low, high);
    }
    *value = number;
    return RUD_OK;
}

rud_status rud_wire_text(rud_wire_place place, const msgpack_object *map, const char *key,
                         size_t size, char *text)
{
    const msgpack_object *found = rud_wire_find(map, key);
    if (found == NULL) return RUD_OK;
    if (found->type != MSGPACK_OBJECT_STR) return wrong_type(place, key, "text");
    const msgpack_object_str *str = &found->via.str;
    if (str->size >= size) {
        return rud_problem_set(place.problem, RUD_PROBLEM_TOO_LARGE, place.path, key,
                               "%u bytes; at most %zu are allowed", str->size, size - 1);
    }
    if (memchr(str->ptr, 0, str->size) != NULL) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_VALUE, place.path, key,
                               "a zero byte is not allowed");
    }
    memcpy(text, str->ptr, str->size);
    text[str->size] = '\0';
    return RUD_OK;
}

rud_status rud_wire_choice(rud_wire_place place, const msgpack_object *map, const char *key,
                           const char *const *choices, unsigned *value)
{
    const msgpack_object *found = rud_wire_find(map, key);
    char known[128] = "";
    size_t used = 0, index = 0;
    if (found == NULL) return RUD_OK;
    if (found->type != MSGPACK_OBJECT_STR) return wrong_type(place, key, "text");
    if (is_known(found, choices, &index)) {
        *value = (unsigned)index;
        return RUD_OK;
    }
    for (size_t k = 0; choices[k] != NULL && used < sizeof known; k++) {
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", k > 0 ? ", " : "",
                                 choices[k]);
    }
    return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_VALUE, place.path, key, "there are: %s",
                           known);
}

/* ---- tensors ---- */

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
                           name != NULL ? shown(name, text) : "");
}

static rud_status read_shape(rud_wire_place place, const char *key, const msgpack_object *map,
                             rud_tensor_view *view)
{
    const msgpack_object *shape = rud_wire_find(map, "shape");
    if (shape == NULL || shape->type != MSGPACK_OBJECT_ARRAY) {
        return wrong_type(place, key, "a tensor with a list `shape`");
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
            return wrong_type(place, key, "a tensor whose `shape` holds whole numbers");
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
        return wrong_type(place, key, "a tensor with `data` of type bin");
    }
    const size_t needed = view->count * rud_dtype_size(view->dtype);
    if (data->via.bin.size != needed) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_SHAPE, place.path, key,
                               "%u bytes of data; shape and dtype need %zu", data->via.bin.size,
                               needed);
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
    if (!is_number(value) || (!first && *dtype == RUD_BOOL)) return false;
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
        *(*out)++ = number_of(value);
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

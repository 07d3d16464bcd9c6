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
    const size_t length = strlen(path) - (path[0] != '\0' && field[0] == '\0'); /* "a." is "a" */
    snprintf(problem->field, sizeof problem->field, "%.*s%s", (int)length, path, field);
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

const char *rud_wire_shown(const msgpack_object *text, char out[48])
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
                                   rud_wire_shown(key, name), "there is no such field here");
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

rud_status rud_wire_wrong_type(rud_wire_place place, const char *key, const char *needed)
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
        return rud_wire_wrong_type(place, key, "a whole number");
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
        return rud_wire_wrong_type(place, key, "a whole number below 2^63");
    }
    *value = (int64_t)found->via.u64;
    return RUD_OK;
}

rud_status rud_wire_bool(rud_wire_place place, const msgpack_object *map, const char *key,
                         bool *value)
{
    const msgpack_object *found = rud_wire_find(map, key);
    if (found == NULL) return RUD_OK;
    if (found->type != MSGPACK_OBJECT_BOOLEAN)
        return rud_wire_wrong_type(place, key, "true or false");
    *value = found->via.boolean;
    return RUD_OK;
}

bool rud_wire_is_number(const msgpack_object *object)
{
    return object->type == MSGPACK_OBJECT_POSITIVE_INTEGER ||
           object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER ||
           object->type == MSGPACK_OBJECT_FLOAT32 || object->type == MSGPACK_OBJECT_FLOAT64;
}

double rud_wire_number(const msgpack_object *object)
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
    if (!rud_wire_is_number(found)) return rud_wire_wrong_type(place, key, "a number");
    const double number = rud_wire_number(found);
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

/* The bytes that follow the first one of a character (RFC 3629, section 4), and the bounds of the
 * second: no overlong forms, no surrogates, nothing beyond U+10FFFF. SIZE_MAX: it starts none. */
static size_t following_bytes(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    *high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (first < 0x80) return 0;
    if (first >= 0xC2 && first < 0xE0) return 1;
    if (first >= 0xE0 && first < 0xF0) return 2;
    if (first >= 0xF0 && first < 0xF5) return 3;
    return SIZE_MAX;
}

/* Clients that read texts strictly would not read a reply with any other bytes. */
static bool is_utf8(const char *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t k = 0; k < size;) {
        unsigned char low, high;
        const size_t more = following_bytes(bytes[k], &low, &high);
        if (more >= size - k) return false;
        for (size_t j = 1; j <= more; j++) {
            if (bytes[k + j] < low || bytes[k + j] > high) return false;
            low = 0x80;
            high = 0xBF;
        }
        k += more + 1;
    }
    return true;
}

rud_status rud_wire_text(rud_wire_place place, const msgpack_object *map, const char *key,
                         size_t size, char *text)
{
    const msgpack_object *found = rud_wire_find(map, key);
    if (found == NULL) return RUD_OK;
    if (found->type != MSGPACK_OBJECT_STR) return rud_wire_wrong_type(place, key, "text");
    const msgpack_object_str *str = &found->via.str;
    if (str->size >= size) {
        return rud_problem_set(place.problem, RUD_PROBLEM_TOO_LARGE, place.path, key,
                               "%u bytes; at most %zu are allowed", str->size, size - 1);
    }
    if (memchr(str->ptr, 0, str->size) != NULL) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_VALUE, place.path, key,
                               "a zero byte is not allowed");
    }
    if (!is_utf8(str->ptr, str->size)) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_VALUE, place.path, key,
                               "it is not UTF-8");
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
    if (found->type != MSGPACK_OBJECT_STR) return rud_wire_wrong_type(place, key, "text");
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

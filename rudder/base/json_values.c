#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

bool rud_json_put(json_object *object, const char *key, json_object *value)
{
    if (object && value && json_object_object_add(object, key, value) == 0) return true;
    json_object_put(value);
    return false;
}

bool rud_json_push(json_object *array, json_object *value)
{
    if (array && value && json_object_array_add(array, value) == 0) return true;
    json_object_put(value);
    return false;
}

json_object *rud_json_array_of(json_object *value)
{
    json_object *array = json_object_new_array();
    if (!array) {
        json_object_put(value);
        return NULL;
    }
    if (rud_json_push(array, value)) return array;
    json_object_put(array);
    return NULL;
}

/* Of a finite number; NULL without memory. */
static json_object *exact_number(double value)
{
    char text[RUD_NUMBER_SIZE];
    rud_number_text(value, text);
    return json_object_new_double_s(value, text);
}

static json_object *rounded_number(double value)
{
    char text[RUD_NUMBER_SIZE];
    rud_number_rounded(value, 6, text);
    return json_object_new_double_s(value, text);
}

bool rud_json_put_null(json_object *object, const char *key)
{
    return object && json_object_object_add(object, key, NULL) == 0;
}

bool rud_json_put_number(json_object *object, const char *key, double value)
{
    if (!isfinite(value)) return rud_json_put_null(object, key);
    return rud_json_put(object, key, exact_number(value));
}

static bool push_null(json_object *array)
{
    return array && json_object_array_add(array, NULL) == 0;
}

bool rud_json_push_number(json_object *array, double value)
{
    if (!isfinite(value)) return push_null(array);
    return rud_json_push(array, exact_number(value));
}

bool rud_json_push_rounded(json_object *array, double value)
{
    if (!isfinite(value)) return push_null(array);
    return rud_json_push(array, rounded_number(value));
}

bool rud_json_put_count(json_object *object, const char *key, uint64_t value)
{
    return rud_json_put(object, key, json_object_new_uint64(value));
}

bool rud_json_push_count(json_object *array, uint64_t value)
{
    return rud_json_push(array, json_object_new_uint64(value));
}

bool rud_json_put_bool(json_object *object, const char *key, bool value)
{
    return rud_json_put(object, key, json_object_new_boolean(value));
}

bool rud_json_put_text(json_object *object, const char *key, const char *value)
{
    return rud_json_put(object, key, json_object_new_string(value));
}

static rud_status wrong(const char *key, const char *allowed)
{
    return rud_error(RUD_EFORMAT, "field `%s` must be %s", key, allowed);
}

static bool is_number(json_object *value)
{
    return json_object_is_type(value, json_type_double) ||
           json_object_is_type(value, json_type_int);
}

rud_status rud_json_get_number(json_object *object, const char *key, double *value)
{
    json_object *field;
    bool present = json_object_object_get_ex(object, key, &field);
    if (!present || (field && !is_number(field))) return wrong(key, "a number or null");
    *value = field ? json_object_get_double(field) : NAN;
    return RUD_OK;
}

rud_status rud_json_get_count(json_object *object, const char *key, uint64_t *value)
{
    json_object *field = json_object_object_get(object, key);
    if (!json_object_is_type(field, json_type_int) || json_object_get_int64(field) < 0) {
        return wrong(key, "a whole number of at least 0");
    }
    *value = json_object_get_uint64(field);
    return RUD_OK;
}

rud_status rud_json_get_bool(json_object *object, const char *key, bool *value)
{
    json_object *field = json_object_object_get(object, key);
    if (!json_object_is_type(field, json_type_boolean)) return wrong(key, "true or false");
    *value = json_object_get_boolean(field);
    return RUD_OK;
}

rud_status rud_json_get_array(json_object *object, const char *key, json_object **array)
{
    *array = json_object_object_get(object, key);
    return json_object_is_type(*array, json_type_array) ? RUD_OK : wrong(key, "an array");
}

rud_status rud_json_get_object(json_object *object, const char *key, json_object **value)
{
    *value = json_object_object_get(object, key);
    return json_object_is_type(*value, json_type_object) ? RUD_OK : wrong(key, "an object");
}

rud_status rud_json_get_name(json_object *object, const char *key, char *name, size_t size)
{
    json_object *field = json_object_object_get(object, key);
    if (!json_object_is_type(field, json_type_string)) return wrong(key, "a text");
    const char *text = json_object_get_string(field);
    if (strlen(text) >= size) {
        return rud_error(RUD_EFORMAT, "field `%s` is longer than %zu bytes", key, size - 1);
    }
    memcpy(name, text, strlen(text) + 1);
    return RUD_OK;
}

rud_status rud_json_get_text(json_object *object, const char *key, char **text)
{
    *text = NULL;
    json_object *field = json_object_object_get(object, key);
    if (!field) return RUD_OK;
    if (!json_object_is_type(field, json_type_string)) return wrong(key, "a text or null");
    *text = strdup(json_object_get_string(field));
    return *text ? RUD_OK : rud_error(RUD_ENOMEM, "field `%s`: no memory left", key);
}

bool rud_json_number_at(json_object *array, size_t k, double *value)
{
    json_object *entry = json_object_array_get_idx(array, k);
    if (entry && !is_number(entry)) return false;
    *value = entry ? json_object_get_double(entry) : NAN;
    return true;
}

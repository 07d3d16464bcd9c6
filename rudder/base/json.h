/* JSON documents (json-c): parsed strictly, written so that doubles read back exactly, read so that
 * an error names the field. */
#ifndef RUD_BASE_JSON_H
#define RUD_BASE_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Parses text[length], all of it one JSON object. RUD_EFORMAT names the byte where it goes wrong;
 * the first is 1. An integer beyond 64 bits, which json-c would clip, is refused; NaN and Infinity,
 * which JSON does not know, are let through as numbers. A key that is there twice is refused, of
 * the object itself; what its members hold is not looked through. The caller frees *root by
 * json_object_put. */
rud_status rud_json_parse(const char *text, size_t length, json_object **root);

/* The same of a file of at most `limit` bytes; messages name it. */
rud_status rud_json_read(const char *path, size_t limit, json_object **root);

/* Writes the document as the file `path`, atomically: in lines for people, or in one. RUD_ENOMEM
 * where `root` is NULL: it could not be made. */
rud_status rud_json_write(json_object *root, bool pretty, const char *path);

/* A key of `object` that is not in known[count]; NULL if there is none. View into the object. */
const char *rud_json_unknown_key(json_object *object, const char *const *known, size_t count);

/* Puts `value` under `key`, or at the end of an array; takes it. False without memory, also where
 * `value`, `object` or `array` is NULL: it could not be made. So it is with all below. */
bool rud_json_put(json_object *object, const char *key, json_object *value);
bool rud_json_push(json_object *array, json_object *value);

/* An array of `value` alone; takes it. NULL without memory, also where `value` is NULL. */
json_object *rud_json_array_of(json_object *value);

/* The shortest number that reads back to `value`; null where it is not finite. */
bool rud_json_put_number(json_object *object, const char *key, double value);
bool rud_json_push_number(json_object *array, double value);

/* Six digits: enough to draw. */
bool rud_json_push_rounded(json_object *array, double value);

bool rud_json_put_null(json_object *object, const char *key);
bool rud_json_put_count(json_object *object, const char *key, uint64_t value);
bool rud_json_push_count(json_object *array, uint64_t value);
bool rud_json_put_bool(json_object *object, const char *key, bool value);
bool rud_json_put_text(json_object *object, const char *key, const char *value);

/* Fields of an object; RUD_EFORMAT with the field's name and what is allowed. A number that is
 * null reads as NaN. */
rud_status rud_json_get_number(json_object *object, const char *key, double *value);
rud_status rud_json_get_count(json_object *object, const char *key, uint64_t *value);
rud_status rud_json_get_bool(json_object *object, const char *key, bool *value);
rud_status rud_json_get_array(json_object *object, const char *key, json_object **array);
rud_status rud_json_get_object(json_object *object, const char *key, json_object **value);

/* Copies a text into name[size]. */
rud_status rud_json_get_name(json_object *object, const char *key, char *name, size_t size);

/* A new string, or NULL where the field is absent or null; caller owns it. */
rud_status rud_json_get_text(json_object *object, const char *key, char **text);

/* Number k of an array; NaN where it is null. False where it is something else. */
bool rud_json_number_at(json_object *array, size_t k, double *value);

#ifdef __cplusplus
}
#endif
#endif

/* JSON, strictly: what the readers and writers of episodes and features share. */
#ifndef RUD_EPISODES_JSON_PRIVATE_H
#define RUD_EPISODES_JSON_PRIVATE_H

#include <json-c/json.h>
#include <stddef.h>

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

/* A key of `object` that is not in known[count]; NULL if there is none. View into the object. */
const char *rud_json_unknown_key(json_object *object, const char *const *known, size_t count);

#ifdef __cplusplus
}
#endif
#endif

/* A look at MessagePack bytes before they are unpacked: the unpacker takes memory by the counts
 * that the bytes claim. */
#ifndef RUD_BASE_MESSAGEPACK_H
#define RUD_BASE_MESSAGEPACK_H

#include <stddef.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Deepest nesting that can be asked for. */
#define RUD_MESSAGEPACK_DEPTH_MAX 32

/* Checks that bytes[size] are one MessagePack object and nothing behind it, all of whose counts
 * and lengths fit into the bytes that follow them, with arrays and maps nested at most `depth`
 * (<= RUD_MESSAGEPACK_DEPTH_MAX) deep. What is unpacked then takes at most 24 bytes of memory a
 * byte. RUD_EFORMAT names the byte. */
rud_status rud_messagepack_check(const void *bytes, size_t size, size_t depth);

/* Finds the value of a text key (shorter than 32 bytes) in the map that bytes[size] begin with,
 * and looks at nothing behind it: what follows may be cut off or broken. It stands at *at and is
 * *length bytes long. RUD_EFORMAT: there is no such key before what cannot be read. */
rud_status rud_messagepack_find(const void *bytes, size_t size, const char *key, size_t *at,
                                size_t *length);

#ifdef __cplusplus
}
#endif
#endif

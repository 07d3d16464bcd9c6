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

#ifdef __cplusplus
}
#endif
#endif

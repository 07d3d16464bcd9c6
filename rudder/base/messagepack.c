#include "base/messagepack.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* What the first byte of an object says: `head` bytes of a length or count follow it, or `fixed`
 * holds the count; then come that many bytes, or items (each of a map's is two). */
typedef struct shape {
    bool known;
    unsigned head;   /* bytes of the length or count: 0, 1, 2, 4 */
    uint64_t fixed;  /* the count where head is 0; else bytes beside the counted ones */
    unsigned nested; /* 0: bytes are counted, 1: items of an array, 2: pairs of a map */
} shape;

/* The bytes 0xC0 .. 0xDF (MessagePack specification, "Formats"). */
static const shape shapes[32] = {
    [0x00] = {true, 0, 0, 0}, /* nil */
    [0x02] = {true, 0, 0, 0}, /* false */
    [0x03] = {true, 0, 0, 0}, /* true */
    [0x04] = {true, 1, 0, 0}, /* bin 8, 16, 32 */
    [0x05] = {true, 2, 0, 0}, [0x06] = {true, 4, 0, 0},
    [0x07] = {true, 1, 1, 0}, /* ext 8, 16, 32: a type beside the data */
    [0x08] = {true, 2, 1, 0}, [0x09] = {true, 4, 1, 0},
    [0x0A] = {true, 0, 4, 0},                           /* float 32, 64 */
    [0x0B] = {true, 0, 8, 0}, [0x0C] = {true, 0, 1, 0}, /* uint 8, 16, 32, 64 */
    [0x0D] = {true, 0, 2, 0}, [0x0E] = {true, 0, 4, 0},
    [0x0F] = {true, 0, 8, 0}, [0x10] = {true, 0, 1, 0}, /* int 8, 16, 32, 64 */
    [0x11] = {true, 0, 2, 0}, [0x12] = {true, 0, 4, 0},
    [0x13] = {true, 0, 8, 0}, [0x14] = {true, 0, 2, 0}, /* fixext 1, 2, 4, 8, 16 */
    [0x15] = {true, 0, 3, 0}, [0x16] = {true, 0, 5, 0},
    [0x17] = {true, 0, 9, 0}, [0x18] = {true, 0, 17, 0},
    [0x19] = {true, 1, 0, 0}, /* str 8, 16, 32 */
    [0x1A] = {true, 2, 0, 0}, [0x1B] = {true, 4, 0, 0},
    [0x1C] = {true, 2, 0, 1},                           /* array 16, 32 */
    [0x1D] = {true, 4, 0, 1}, [0x1E] = {true, 2, 0, 2}, /* map 16, 32 */
    [0x1F] = {true, 4, 0, 2},
};

static shape shape_of(unsigned char first)
{
    if (first < 0x80 || first >= 0xE0) return (shape){true, 0, 0, 0}; /* fixint */
    if (first < 0x90) return (shape){true, 0, first & 0x0F, 2};       /* fixmap */
    if (first < 0xA0) return (shape){true, 0, first & 0x0F, 1};       /* fixarray */
    if (first < 0xC0) return (shape){true, 0, first & 0x1F, 0};       /* fixstr */
    return shapes[first - 0xC0];
}

/* Big-endian, as all of MessagePack. */
static uint64_t number(const unsigned char *bytes, unsigned size)
{
    uint64_t value = 0;
    for (unsigned k = 0; k < size; k++) value = value << 8 | bytes[k];
    return value;
}

static rud_status too_short(size_t at)
{
    return rud_error(RUD_EFORMAT, "MessagePack: the object at byte %zu goes beyond the end", at);
}

/* Steps over one object at *at, of an array or map only its head; *items gets what stands in it. */
static rud_status step(const unsigned char *bytes, size_t size, size_t *at, uint64_t *items)
{
    const size_t start = *at;
    *items = 0;
    if (start == size) return too_short(start);
    const shape s = shape_of(bytes[start]);
    if (!s.known)
        return rud_error(RUD_EFORMAT, "MessagePack: byte %zu, 0x%02X, starts no object", start,
                         bytes[start]);
    const size_t left = size - start - 1;
    if (s.head > left) return too_short(start);
    const uint64_t count = s.fixed + (s.head ? number(bytes + start + 1, s.head) : 0);
    const uint64_t needed = s.nested == 2 ? 2 * count : count; /* an item takes a byte at least */
    if (needed > left - s.head) return too_short(start);
    *at = start + 1 + s.head + (s.nested ? 0 : (size_t)count);
    if (s.nested) *items = needed;
    return RUD_OK;
}

rud_status rud_messagepack_check(const void *bytes, size_t size, size_t depth)
{
    uint64_t open[RUD_MESSAGEPACK_DEPTH_MAX]; /* items still to come, the outermost first */
    size_t at = 0, level = 0;
    if (depth > RUD_MESSAGEPACK_DEPTH_MAX) depth = RUD_MESSAGEPACK_DEPTH_MAX;
    do {
        uint64_t items;
        const size_t start = at;
        if (level > 0) open[level - 1]--;
        RUD_TRY(step(bytes, size, &at, &items));
        if (items > 0) {
            if (level == depth)
                return rud_error(RUD_EFORMAT, "MessagePack: byte %zu: nested deeper than %zu",
                                 start, depth);
            open[level++] = items;
        }
        while (level > 0 && open[level - 1] == 0) level--;
    } while (level > 0);
    if (at == size) return RUD_OK;
    return rud_error(RUD_EFORMAT, "MessagePack: %zu bytes stand behind the object", size - at);
}

/* Steps over one whole object, however deep. */
static rud_status skip(const unsigned char *bytes, size_t size, size_t *at)
{
    uint64_t left = 1, items;
    while (left > 0) {
        RUD_TRY(step(bytes, size, at, &items));
        left += items - 1; /* at most size items for each byte: no overflow below 4 GiB */
    }
    return RUD_OK;
}

rud_status rud_messagepack_find(const void *bytes, size_t size, const char *key, size_t *at,
                                size_t *length)
{
    const unsigned char *b = bytes;
    const size_t key_length = strlen(key);
    size_t next = 0;
    uint64_t items = 0;
    if (size == 0 || shape_of(b[0]).nested != 2) return rud_error(RUD_EFORMAT, "this is no map");
    RUD_TRY(step(b, size, &next, &items));
    for (; items > 0; items -= 2) {
        const size_t name = next;
        RUD_TRY(skip(b, size, &next));
        *at = next;
        RUD_TRY(skip(b, size, &next));
        *length = next - *at;
        if (*at - name == key_length + 1 && b[name] == (0xA0 | key_length) &&
            memcmp(b + name + 1, key, key_length) == 0) {
            return RUD_OK;
        }
    }
    return rud_error(RUD_EFORMAT, "MessagePack: the map has no key \"%s\"", key);
}

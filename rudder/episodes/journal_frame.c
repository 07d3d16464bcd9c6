#include <string.h>

#include "episodes/crc32c_private.h"
#include "episodes/journal_private.h"

static const unsigned char magic[4] = {'R', 'U', 'D', 'J'};

static void put_number(unsigned char *bytes, uint32_t number)
{
    for (int k = 0; k < 4; k++) bytes[k] = (unsigned char)(number >> (8 * k));
}

static uint32_t number_at(const unsigned char *bytes)
{
    uint32_t number = 0;
    for (int k = 0; k < 4; k++) number |= (uint32_t)bytes[k] << (8 * k);
    return number;
}

void rud_journal_buffer_free(rud_journal_buffer *buffer)
{
    msgpack_sbuffer_destroy(&buffer->bytes);
    *buffer = (rud_journal_buffer){0};
}

int rud_journal_buffer_write(void *data, const char *bytes, size_t size)
{
    rud_journal_buffer *buffer = data;
    if (buffer->failed || size > RUD_JOURNAL_BATCH_MAX - buffer->bytes.size ||
        msgpack_sbuffer_write(&buffer->bytes, bytes, size) != 0) {
        buffer->failed = true;
        return -1;
    }
    return 0;
}

size_t rud_journal_frame_begin(rud_journal_buffer *buffer)
{
    static const char room[RUD_JOURNAL_FRAME];
    const size_t begin = buffer->bytes.size;
    rud_journal_buffer_write(buffer, room, sizeof room);
    return begin;
}

void rud_journal_frame_end(rud_journal_buffer *buffer, size_t begin)
{
    if (buffer->failed) return;
    unsigned char *frame = (unsigned char *)buffer->bytes.data + begin;
    const size_t size = buffer->bytes.size - begin - RUD_JOURNAL_FRAME;
    memcpy(frame, magic, sizeof magic);
    put_number(frame + 4, (uint32_t)size); /* at most RUD_JOURNAL_BATCH_MAX */
    put_number(frame + 8, rud_crc32c(frame + RUD_JOURNAL_FRAME, size));
    put_number(frame + 12, rud_crc32c(frame, 12));
}

/* The checksum comes before anything is believed: a length that was damaged leads nowhere. */
static bool is_frame_head(const unsigned char *bytes)
{
    return memcmp(bytes, magic, sizeof magic) == 0 &&
           number_at(bytes + 12) == rud_crc32c(bytes, 12);
}

/* The next byte from `at` on that may start a record. */
static size_t next_candidate(const rud_journal_scan *scan, size_t at)
{
    if (at >= scan->size) return scan->size;
    const unsigned char *found = memchr(scan->bytes + at, magic[0], scan->size - at);
    return found ? (size_t)(found - scan->bytes) : scan->size;
}

/* A record whose head is whole is stepped over even if its payload is not, so that every byte is
 * looked at once; one that goes beyond the end is torn, and nothing can follow it. */
bool rud_journal_scan_next(rud_journal_scan *scan, rud_journal_frame *frame)
{
    size_t at = scan->at;
    while (scan->size - at >= RUD_JOURNAL_FRAME) {
        const unsigned char *head = scan->bytes + at;
        if (!is_frame_head(head)) {
            at = next_candidate(scan, at + 1);
            continue;
        }
        const size_t size = number_at(head + 4);
        if (size > scan->size - at - RUD_JOURNAL_FRAME) return false;
        const size_t end = at + RUD_JOURNAL_FRAME + size;
        if (number_at(head + 8) == rud_crc32c(head + RUD_JOURNAL_FRAME, size)) {
            *frame = (rud_journal_frame){at, end, head + RUD_JOURNAL_FRAME, size};
            scan->at = end;
            return true;
        }
        at = end;
    }
    return false;
}

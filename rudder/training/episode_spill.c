#include "training/episode_spill_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static rud_status failed(const char *what)
{
    return rud_error(
        RUD_EIO,
        "the temporary file for episodes cannot be %s: %s; set TMPDIR to a folder with "
        "room, or raise `memory`",
        what, errno != 0 ? strerror(errno) : "it is too short");
}

rud_status rud_episode_spill_open(rud_episode_spill *spill)
{
    const char *folder = getenv("TMPDIR");
    *spill = (rud_episode_spill){.file = -1};
    char *path = rud_path_join(folder != NULL ? folder : "/var/tmp", "rudder-episodes-XXXXXX");
    if (path == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    spill->file = mkstemp(path);
    const rud_status status = spill->file >= 0 ? RUD_OK : failed("made");
    if (status == RUD_OK) unlink(path);
    free(path);
    return status;
}

void rud_episode_spill_close(rud_episode_spill *spill)
{
    if (spill->file >= 0) close(spill->file);
    free(spill->items);
    free(spill->buffer);
    *spill = (rud_episode_spill){.file = -1};
}

/* The three arrays of an episode in their order in the file. */
typedef struct part {
    double *values;
    size_t count;
} part;
enum { PARTS = 3 };

static void list_parts(const rud_episode *e, part parts[PARTS])
{
    parts[0] = (part){e->observations, e->observation_rows * e->observation_width};
    parts[1] = (part){e->actions, e->steps * e->action_width};
    parts[2] = (part){e->rewards, e->steps};
}

static bool are_floats(const part parts[PARTS])
{
    for (size_t p = 0; p < PARTS; p++) {
        for (size_t i = 0; i < parts[p].count; i++) {
            if ((double)(float)parts[p].values[i] != parts[p].values[i]) return false;
        }
    }
    return true;
}

/* Numbers of one episode into bytes, or back. */
static void pack(const part parts[PARTS], bool single, unsigned char *bytes)
{
    for (size_t p = 0; p < PARTS; p++) {
        if (!single) {
            memcpy(bytes, parts[p].values, parts[p].count * sizeof(double));
            bytes += parts[p].count * sizeof(double);
            continue;
        }
        for (size_t i = 0; i < parts[p].count; i++, bytes += sizeof(float)) {
            const float value = (float)parts[p].values[i];
            memcpy(bytes, &value, sizeof value);
        }
    }
}

static void unpack(const part parts[PARTS], bool single, const unsigned char *bytes)
{
    for (size_t p = 0; p < PARTS; p++) {
        if (!single) {
            memcpy(parts[p].values, bytes, parts[p].count * sizeof(double));
            bytes += parts[p].count * sizeof(double);
            continue;
        }
        for (size_t i = 0; i < parts[p].count; i++, bytes += sizeof(float)) {
            float value;
            memcpy(&value, bytes, sizeof value);
            parts[p].values[i] = value;
        }
    }
}

static size_t bytes_of(const part parts[PARTS], bool single)
{
    const size_t count = parts[0].count + parts[1].count + parts[2].count;
    return count * (single ? sizeof(float) : sizeof(double));
}

static rud_status reserve(rud_episode_spill *spill, size_t bytes)
{
    if (spill->count == spill->capacity) {
        const size_t capacity = spill->capacity > 0 ? 2 * spill->capacity : 1024;
        rud_spilled *grown = realloc(spill->items, capacity * sizeof *grown);
        if (grown == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu episodes", capacity);
        spill->items = grown;
        spill->capacity = capacity;
    }
    if (bytes > spill->buffer_capacity) {
        unsigned char *grown = realloc(spill->buffer, bytes);
        if (grown == NULL) return rud_error(RUD_ENOMEM, "no memory for an episode");
        spill->buffer = grown;
        spill->buffer_capacity = bytes;
    }
    return RUD_OK;
}

rud_status rud_episode_spill_add(rud_episode_spill *spill, const rud_episode *episode)
{
    part parts[PARTS];
    list_parts(episode, parts);
    const bool single = are_floats(parts);
    const size_t size = bytes_of(parts, single);
    RUD_TRY(reserve(spill, size));
    pack(parts, single, spill->buffer);
    for (size_t done = 0; done < size;) {
        const ssize_t written = write(spill->file, spill->buffer + done, size - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return failed("written");
        done += (size_t)written;
    }
    if (spill->count == 0) {
        spill->observation_width = episode->observation_width;
        spill->action_width = episode->action_width;
    }
    spill->items[spill->count++] =
        (rud_spilled){spill->size, episode->steps, episode->observation_rows, single};
    spill->size += size;
    return RUD_OK;
}

static rud_status read_bytes(const rud_episode_spill *spill, uint64_t offset, size_t size,
                             unsigned char *bytes)
{
    for (size_t done = 0; done < size;) {
        errno = 0;
        const ssize_t got = pread(spill->file, bytes + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return failed("read");
        done += (size_t)got;
    }
    return RUD_OK;
}

rud_status rud_episode_spill_read(const rud_episode_spill *spill, size_t k, rud_episode **episode)
{
    const rud_spilled *item = &spill->items[k];
    part parts[PARTS];
    RUD_TRY(rud_episode_create(item->steps, item->rows, spill->observation_width,
                               spill->action_width, episode));
    list_parts(*episode, parts);
    const size_t size = bytes_of(parts, item->single);
    unsigned char *bytes = malloc(size);
    rud_status status = bytes != NULL ? read_bytes(spill, item->offset, size, bytes)
                                      : rud_error(RUD_ENOMEM, "no memory for an episode");
    if (status == RUD_OK) unpack(parts, item->single, bytes);
    free(bytes);
    if (status != RUD_OK) rud_episode_free(episode);
    return status;
}

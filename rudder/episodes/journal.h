/* A journal: finished episodes kept durably on disk, the oldest first, each known by its id.
 *
 * A journal is a folder of segments, 0000000000.journal, 0000000001.journal, ... A segment is a
 * row of records, a header first, then one episode each. A record, numbers little-endian:
 *     bytes  0..3   "RUDJ"
 *     bytes  4..7   length of the payload
 *     bytes  8..11  CRC-32C of the payload
 *     bytes 12..15  CRC-32C of bytes 0..11
 *     payload       one MessagePack map
 * The header's map:
 *     {"format": "rudder-journal", "version": 1, "task": string, "first_episode": unsigned,
 *      "observation_space": space, "action_space": space or nil}
 *     space: {"kind": "discrete" or "multi_discrete", "sizes": [unsigned, ...]} or
 *            {"kind": "box", "width": unsigned, "low": tensor or nil, "high": tensor or nil}
 * An episode's map:
 *     {"id": string, "seed": unsigned or nil, "terminated": bool, "truncated": bool,
 *      "observations": tensor [T or T+1][width], "actions": tensor [T][width] or nil,
 *      "rewards": tensor [T]}
 *     tensor: {"dtype": string, "shape": [unsigned, ...], "data": bytes}
 * Data are little-endian, row by row; dtype is the first of uint8, int16, int32, float32, float64
 * that holds every number exactly. Numbers come back bit for bit. Unknown keys are ignored. */
#ifndef RUD_EPISODES_JOURNAL_H
#define RUD_EPISODES_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/space.h"
#include "episodes/episode.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Longest id of an episode or key of a task, in bytes. */
#define RUD_JOURNAL_ID_MAX 255

/* Most bytes that one call of append writes, and most that segment_bytes may be. */
#define RUD_JOURNAL_BATCH_MAX ((size_t)256 << 20)

/* What all episodes of a journal have in common. */
typedef struct rud_journal_header {
    char *task; /* key of the task, any text of at most RUD_JOURNAL_ID_MAX bytes */
    rud_space observation_space;
    rud_space action_space; /* width 0: episodes have no actions */
} rud_journal_header;

/* A deep copy; the caller frees it by rud_journal_header_free. */
rud_status rud_journal_header_copy(const rud_journal_header *from, rud_journal_header *to);
void rud_journal_header_free(rud_journal_header *header);

typedef struct rud_journal_options {
    size_t segment_bytes; /* a segment this large is followed by a new one; 1 .. BATCH_MAX */
    /* Checked at open and after each append. The last segment always stays. */
    uint64_t keep_bytes;  /* the oldest segments go while all take more than this; 0: no limit */
    size_t keep_segments; /* the oldest segments go while there are more; 0: no limit */
} rud_journal_options;

/* segments of 16 MiB, 1 GiB in all, any number */
rud_journal_options rud_journal_options_default(void);

/* A segment that was not whole. */
typedef struct rud_journal_damage {
    char *kept_as;      /* path under which the damaged file is kept aside */
    uint64_t offset;    /* of the first bad byte */
    uint64_t bad_bytes; /* bytes that belong to no whole record */
    size_t episodes;    /* whole ones that were saved from it, and are served */
} rud_journal_damage;

/* What opening a journal found and mended. */
typedef struct rud_journal_recovery {
    size_t segments;
    size_t episodes;            /* distinct ids */
    uint64_t torn_bytes;        /* cut from the end of the last segment: a record half written */
    rud_journal_damage *damage; /* [damage_count] */
    size_t damage_count;
} rud_journal_recovery;

/* ---- writing ---- */

/* Open for writing. One thread at a time appends and syncs; rud_journal_has and rud_journal_count
 * may be called by any thread meanwhile and never wait for the disk. */
typedef struct rud_journal rud_journal;

/* Opens the folder for writing, making it where it is absent, and recovers: a torn tail is cut; a
 * damaged segment is kept aside as <segment>.corrupt and its whole records are served in its
 * place; what is whole is synced to disk. header: copied; NULL where the journal exists already.
 * RUD_ESTATE (open for writing elsewhere), RUD_EINVAL (the journal is of another task or of other
 * spaces; options), RUD_EFORMAT (a version that this library does not know; no header). Caller
 * owns *journal. */
rud_status rud_journal_open(const char *folder, const rud_journal_header *header,
                            const rud_journal_options *options, rud_journal **journal);

/* Closes without a sync: what was not synced may be lost with the machine. */
void rud_journal_close(rud_journal **journal);

/* Views until close. */
const rud_journal_header *rud_journal_header_of(const rud_journal *journal);
const rud_journal_recovery *rud_journal_recovery_of(const rud_journal *journal);

/* Appends those of episodes[count] whose ids the journal does not hold: all of them or none. They
 * are durable after the next rud_journal_sync, and so are those that were held already, which may
 * have been appended just before: acknowledge only then. added[count], which may be NULL, tells
 * which were new. RUD_EINVAL (no id, or one of more than RUD_JOURNAL_ID_MAX bytes; widths other
 * than the spaces'; more than RUD_JOURNAL_BATCH_MAX bytes), RUD_ENONFINITE; RUD_EIO (disk full
 * say): the segment is cut back to its last whole record, and later calls work once there is room.
 */
rud_status rud_journal_append(rud_journal *journal, const rud_episode *episode, bool *added);
rud_status rud_journal_append_many(rud_journal *journal, const rud_episode *const *episodes,
                                   size_t count, bool *added);

/* Brings what was appended to the disk. On failure (RUD_EIO) what was appended since the last good
 * sync is taken back and its ids are forgotten, since the system may have dropped it: append it
 * again. */
rud_status rud_journal_sync(rud_journal *journal);

/* Does the journal hold an episode of this id? Ids live as long as their segment. */
bool rud_journal_has(rud_journal *journal, const char *id);

typedef struct rud_journal_counts {
    uint64_t appended; /* episodes ever, those of segments that are gone included */
    size_t episodes;   /* held now */
    size_t segments;
    uint64_t bytes; /* of all segments */
} rud_journal_counts;

rud_journal_counts rud_journal_count(rud_journal *journal);

/* ---- reading ---- */

/* Reads without changing anything, also while another process writes. */
typedef struct rud_journal_reader rud_journal_reader;

/* path: a journal's folder, or one segment of it. Reads the segments that are there now, each up
 * to the last record that is whole when the reader gets there. Caller owns *reader. RUD_EFORMAT
 * (no journal; a version that this library does not know). */
rud_status rud_journal_reader_open(const char *path, rud_journal_reader **reader);
void rud_journal_reader_close(rud_journal_reader **reader);

/* View until close. */
const rud_journal_header *rud_journal_reader_header(const rud_journal_reader *reader);

/* The next episode; *episode is NULL at the end. Caller owns *episode. RUD_EFORMAT names segment
 * and byte of what is damaged; the next call goes on with the next whole record. */
rud_status rud_journal_reader_next(rud_journal_reader *reader, rud_episode **episode);

/* The same, but episodes that `wanted` declines are stepped over, which is much faster than to
 * decode them: it is asked about each in turn. */
typedef bool rud_journal_wanted(void *context, const char *id);
rud_status rud_journal_reader_next_wanted(rud_journal_reader *reader, rud_journal_wanted *wanted,
                                          void *context, rud_episode **episode);

/* What was read so far. */
typedef struct rud_journal_progress {
    size_t segments;
    uint64_t bytes;      /* of these segments */
    uint64_t tail_bytes; /* of a record at the end of the last segment that is not whole */
    size_t damaged;      /* places of damage, each of which was a failure of the reader's */
} rud_journal_progress;

rud_journal_progress rud_journal_reader_progress(const rud_journal_reader *reader);

/* All episodes, appended to *list; on failure, damage included, *list is as it was. */
rud_status rud_journal_read(const char *path, rud_episodes *list);

/* Is `path` a folder with segments, or a file that starts as a segment does? */
bool rud_is_journal(const char *path);

#ifdef __cplusplus
}
#endif
#endif

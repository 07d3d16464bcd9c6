/* The parts of a journal; shared by the journal*.c files and their tests only. */
#ifndef RUD_EPISODES_JOURNAL_PRIVATE_H
#define RUD_EPISODES_JOURNAL_PRIVATE_H

#include <msgpack.h>

#include "episodes/journal.h"

enum { RUD_JOURNAL_VERSION = 1 };

/* Bytes of a record before its payload. */
enum { RUD_JOURNAL_FRAME = 16 };

/* A larger segment is not read. Append makes at most half of it. */
#define RUD_JOURNAL_SEGMENT_MAX ((size_t)1 << 30)

/* No observation or action is wider. */
#define RUD_JOURNAL_WIDTH_MAX ((size_t)1 << 20)

/* ---- journal_frame.c: records in bytes ---- */

/* Records that are being put together. Zero-initialise to start. */
typedef struct rud_journal_buffer {
    msgpack_sbuffer bytes;
    bool failed; /* no memory, or too large */
} rud_journal_buffer;

void rud_journal_buffer_free(rud_journal_buffer *buffer);

/* A packer's way into the buffer. */
int rud_journal_buffer_write(void *buffer, const char *bytes, size_t size);

/* Begins a record; what is packed until the end is its payload. Returns where it begins. */
size_t rud_journal_frame_begin(rud_journal_buffer *buffer);
void rud_journal_frame_end(rud_journal_buffer *buffer, size_t begin);

typedef struct rud_journal_frame {
    size_t begin, end;            /* of the record */
    const unsigned char *payload; /* view into what is scanned */
    size_t size;                  /* of the payload */
} rud_journal_frame;

/* A walk over bytes[size]. */
typedef struct rud_journal_scan {
    const unsigned char *bytes;
    size_t size;
    size_t at; /* end of the record that was found last */
} rud_journal_scan;

/* The next record whose checksums hold; bytes from scan->at to frame->begin belong to none. False
 * at the end: then bytes from scan->at on belong to none. Takes time in proportion to the bytes,
 * whatever they are. */
bool rud_journal_scan_next(rud_journal_scan *scan, rud_journal_frame *frame);

/* ---- journal_tensor.c: {dtype, shape, data} ---- */

/* rank 1 or 2 */
void rud_journal_pack_tensor(msgpack_packer *packer, const double *numbers, const size_t *shape,
                             size_t rank);

/* A tensor whose dtype is known and whose shape fits its data. */
typedef struct rud_journal_tensor {
    const unsigned char *data; /* view */
    size_t shape[2];
    size_t count; /* product of shape */
    size_t dtype; /* index of its table */
} rud_journal_tensor;

rud_status rud_journal_tensor_parse(const msgpack_object *object, size_t rank,
                                    rud_journal_tensor *tensor);

/* numbers[tensor->count] */
void rud_journal_tensor_read(const rud_journal_tensor *tensor, double *numbers);

/* ---- journal_object.c: reading MessagePack maps ---- */

/* Unpacks one object; the caller frees it by msgpack_unpacked_destroy, also on failure. Views into
 * bytes. */
rud_status rud_journal_unpack(const void *bytes, size_t size, msgpack_unpacked *unpacked);

/* The member of a map, of a type; with `or_nil` *value is NULL where it is nil or absent. */
rud_status rud_journal_member(const msgpack_object *map, const char *name, msgpack_object_type type,
                              bool or_nil, const msgpack_object **value);
rud_status rud_journal_member_bool(const msgpack_object *map, const char *name, bool *value);

/* At most RUD_JOURNAL_ID_MAX bytes, none of them 0. Caller owns *text. */
rud_status rud_journal_member_text(const msgpack_object *map, const char *name, char **text);
void rud_journal_pack_text(msgpack_packer *packer, const char *text);

/* ---- journal_header.c ---- */

/* Checks task and spaces. */
rud_status rud_journal_header_check(const rud_journal_header *header);
bool rud_journal_header_equal(const rud_journal_header *a, const rud_journal_header *b);

/* A segment's first record. */
typedef struct rud_journal_start {
    uint64_t version;       /* if it is not RUD_JOURNAL_VERSION, nothing else is set */
    uint64_t first_episode; /* number of the segment's first episode, ever */
    rud_journal_header header;
} rud_journal_start;

void rud_journal_encode_start(const rud_journal_header *header, uint64_t first_episode,
                              rud_journal_buffer *buffer);

/* The caller frees start->header. RUD_EFORMAT */
rud_status rud_journal_decode_start(const void *payload, size_t size, rud_journal_start *start);

/* ---- journal_episode.c ---- */

/* An episode that a journal of this header can hold: RUD_EINVAL, RUD_ENONFINITE. */
rud_status rud_journal_episode_check(const rud_journal_header *header, const rud_episode *episode);
void rud_journal_encode_episode(const rud_episode *episode, rud_journal_buffer *buffer);

/* RUD_EFORMAT, RUD_ENONFINITE. Caller owns *episode. */
rud_status rud_journal_decode_episode(const rud_journal_header *header, const void *payload,
                                      size_t size, rud_episode **episode);

/* The id of an episode's payload, without decoding the rest; false where it cannot be told so. */
bool rud_journal_peek_id(const void *payload, size_t size, char id[RUD_JOURNAL_ID_MAX + 1]);

/* ---- journal_ids.c: a set in order of arrival ---- */

/* Zero-initialise to start. A tree: no choice of ids makes it slow. */
typedef struct rud_journal_ids {
    void *tree;
    char **items; /* [capacity]; the set is items[first .. first + count - 1], the oldest first */
    size_t first, count, capacity;
} rud_journal_ids;

/* *added is false where the id is there already. */
rud_status rud_journal_ids_add(rud_journal_ids *ids, const char *id, bool *added);
bool rud_journal_ids_has(const rud_journal_ids *ids, const char *id);
void rud_journal_ids_drop_newest(rud_journal_ids *ids, size_t count);
void rud_journal_ids_drop_oldest(rud_journal_ids *ids, size_t count);
void rud_journal_ids_free(rud_journal_ids *ids);

/* ---- journal_segments.c: the files of a folder ---- */

typedef struct rud_journal_segment {
    uint64_t number; /* names the file */
    uint64_t bytes;
    size_t episodes;
} rud_journal_segment;

/* In order. Zero-initialise to start. */
typedef struct rud_journal_segments {
    rud_journal_segment *items;
    size_t count, capacity;
} rud_journal_segments;

/* Adds what lies in the folder; bytes and episodes are 0. */
rud_status rud_journal_segments_list(const char *folder, rud_journal_segments *segments);
rud_status rud_journal_segments_add(rud_journal_segments *segments, uint64_t number);
void rud_journal_segments_free(rud_journal_segments *segments);

/* Caller owns *path. */
rud_status rud_journal_segment_path(const char *folder, uint64_t number, char **path);

/* Removes what a killed process left half written in the folder. */
rud_status rud_journal_remove_aside(const char *folder);

/* ---- journal_survey.c: what of a segment is whole ---- */

typedef struct rud_journal_survey {
    bool has_start;
    rud_journal_start start;     /* if has_start */
    rud_journal_frame *episodes; /* [count] the whole ones whose ids were new */
    size_t count, capacity;
    size_t good_end;  /* end of the last whole record */
    size_t bad_from;  /* the first byte of damage before it; SIZE_MAX: none */
    size_t bad_bytes; /* of that damage */
} rud_journal_survey;

/* Looks at all records of bytes[size] and adds the ids to the set; an episode whose id is there
 * already counts as damage. header: what the episodes must fit; NULL: look at the start only. */
rud_status rud_journal_survey_segment(const unsigned char *bytes, size_t size,
                                      const rud_journal_header *header, rud_journal_ids *ids,
                                      rud_journal_survey *survey);
void rud_journal_survey_free(rud_journal_survey *survey);

/* The failure of a version that is not ours. */
rud_status rud_journal_unknown_version(const char *path, uint64_t version);

/* Reads the segment's file. Caller owns *bytes. */
rud_status rud_journal_segment_read(const char *path, unsigned char **bytes, size_t *size);

/* The header that the segment starts with; *found tells whether there is one. The caller frees
 * it. */
rud_status rud_journal_segment_header(const char *path, rud_journal_header *header, bool *found);

/* ---- journal_reader.c: going back to an episode ---- */

/* Where the record of an episode stands. */
typedef struct rud_journal_mark {
    size_t segment; /* of those that the reader has listed */
    size_t begin, end;
} rud_journal_mark;

/* Of the episode that was read last. */
rud_journal_mark rud_journal_reader_mark(const rud_journal_reader *reader);

/* Reads the episode there from its file; the reader's own walk goes on where it was. */
rud_status rud_journal_reader_read_at(rud_journal_reader *reader, rud_journal_mark mark,
                                      rud_episode **episode);

/* Path of the segment. Caller owns *path. */
rud_status rud_journal_reader_path(const rud_journal_reader *reader, rud_journal_mark mark,
                                   char **path);

/* ---- journal_recover.c ---- */

/* Mends the listed segments of a folder, which nobody else has open, fills in their bytes and
 * episodes and adds their ids. *appended: episodes ever. */
rud_status rud_journal_recover(const char *folder, const rud_journal_header *header,
                               rud_journal_segments *segments, rud_journal_ids *ids,
                               rud_journal_recovery *recovery, uint64_t *appended);
void rud_journal_recovery_free(rud_journal_recovery *recovery);

#endif

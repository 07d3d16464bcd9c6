/* Reading a journal without changing it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "episodes/journal_private.h"

struct rud_journal_reader {
    char *path;
    bool folder;                   /* else one segment */
    rud_journal_segments segments; /* of the folder; of one segment an item without meaning */
    size_t next;                   /* segment to be read next */
    rud_journal_header header;
    char *segment;        /* path of the segment that is being read; NULL: none */
    unsigned char *bytes; /* all of it */
    rud_journal_scan scan;
    rud_journal_mark mark; /* of the episode that was read last */
    rud_journal_progress progress;
};

static void leave_segment(rud_journal_reader *reader)
{
    free(reader->segment);
    free(reader->bytes);
    reader->segment = NULL;
    reader->bytes = NULL;
    reader->scan = (rud_journal_scan){0};
}

void rud_journal_reader_close(rud_journal_reader **reader)
{
    rud_journal_reader *gone = *reader;
    if (gone == NULL) return;
    leave_segment(gone);
    rud_journal_segments_free(&gone->segments);
    rud_journal_header_free(&gone->header);
    free(gone->path);
    free(gone);
    *reader = NULL;
}

static rud_status path_of(const rud_journal_reader *reader, size_t k, char **path)
{
    if (reader->folder)
        return rud_journal_segment_path(reader->path, reader->segments.items[k].number, path);
    *path = strdup(reader->path);
    return *path ? RUD_OK : rud_error(RUD_ENOMEM, "%s: no memory for a path", reader->path);
}

/* A segment that the writer has removed since it was listed is no failure. */
static bool was_removed(const rud_journal_reader *reader, const char *path, rud_status status)
{
    return status == RUD_EIO && reader->folder && !rud_file_exists(path);
}

static rud_status find_header(rud_journal_reader *reader)
{
    bool found = false;
    for (size_t k = 0; k < reader->segments.count && !found; k++) {
        char *path;
        RUD_TRY(path_of(reader, k, &path));
        const rud_status status = rud_journal_segment_header(path, &reader->header, &found);
        const bool removed = was_removed(reader, path, status);
        free(path);
        if (!removed) RUD_TRY(status);
    }
    if (found) return RUD_OK;
    return rud_error(RUD_EFORMAT, "%s: not a journal: no header was found", reader->path);
}

static rud_status open_reader(rud_journal_reader *reader)
{
    reader->folder = rud_is_folder(reader->path);
    RUD_TRY(reader->folder ? rud_journal_segments_list(reader->path, &reader->segments)
                           : rud_journal_segments_add(&reader->segments, 0));
    return find_header(reader);
}

rud_status rud_journal_reader_open(const char *path, rud_journal_reader **reader)
{
    *reader = NULL;
    rud_journal_reader *made = calloc(1, sizeof *made);
    if (made != NULL) made->path = strdup(path);
    if (made == NULL || made->path == NULL) {
        free(made);
        return rud_error(RUD_ENOMEM, "%s: no memory to read it", path);
    }
    const rud_status status = open_reader(made);
    if (status != RUD_OK) {
        rud_journal_reader_close(&made);
        return status;
    }
    *reader = made;
    return RUD_OK;
}

const rud_journal_header *rud_journal_reader_header(const rud_journal_reader *reader)
{
    return &reader->header;
}

rud_journal_progress rud_journal_reader_progress(const rud_journal_reader *reader)
{
    return reader->progress;
}

/* Reads the next segment that is there; reader->segment stays NULL where there is none. */
static rud_status enter_segment(rud_journal_reader *reader)
{
    while (reader->segment == NULL && reader->next < reader->segments.count) {
        char *path;
        size_t size;
        RUD_TRY(path_of(reader, reader->next++, &path));
        const rud_status status = rud_journal_segment_read(path, &reader->bytes, &size);
        const bool removed = was_removed(reader, path, status);
        if (status != RUD_OK) {
            free(path);
            if (removed) continue;
            return status;
        }
        reader->segment = path;
        reader->scan = (rud_journal_scan){.bytes = reader->bytes, .size = size};
        reader->progress.segments++;
        reader->progress.bytes += size;
    }
    return RUD_OK;
}

static rud_status damaged(const rud_journal_reader *reader, size_t begin, size_t end)
{
    return rud_error(RUD_EFORMAT, "%s: byte %zu: %zu bytes are damaged", reader->segment, begin,
                     end - begin);
}

/* The end of a segment: only the last one may hold a record that is not whole yet. */
static rud_status end_segment(rud_journal_reader *reader)
{
    const size_t begin = reader->scan.at, end = reader->scan.size;
    rud_status status = RUD_OK;
    if (begin < end && reader->next < reader->segments.count) {
        status = damaged(reader, begin, end);
    } else {
        reader->progress.tail_bytes = end - begin;
    }
    leave_segment(reader);
    return status;
}

/* A segment that is not the journal's is left as a whole. */
static rud_status check_start(rud_journal_reader *reader, const rud_journal_frame *frame)
{
    rud_journal_start start;
    RUD_TRY(rud_error_context(rud_journal_decode_start(frame->payload, frame->size, &start),
                              "%s: header", reader->segment));
    const bool known = start.version == RUD_JOURNAL_VERSION;
    const bool equal = known && rud_journal_header_equal(&start.header, &reader->header);
    rud_journal_header_free(&start.header);
    if (equal) return RUD_OK;
    const rud_status status =
        known ? rud_error(RUD_EFORMAT, "%s: a segment of another journal", reader->segment)
              : rud_journal_unknown_version(reader->segment, start.version);
    leave_segment(reader);
    return status;
}

/* What the caller asks for; wanted NULL: everything. */
typedef struct selection {
    rud_journal_wanted *wanted;
    void *context;
} selection;

static bool is_wanted(const selection *chosen, const char *id)
{
    return chosen->wanted == NULL || chosen->wanted(chosen->context, id);
}

static rud_status decode(rud_journal_reader *reader, const rud_journal_frame *frame,
                         rud_episode **episode)
{
    reader->mark = (rud_journal_mark){reader->next - 1, frame->begin, frame->end};
    return rud_error_context(
        rud_journal_decode_episode(&reader->header, frame->payload, frame->size, episode),
        "%s: byte %zu", reader->segment, frame->begin);
}

/* An id that cannot be told without decoding is asked about afterwards. */
static rud_status decode_wanted(rud_journal_reader *reader, const rud_journal_frame *frame,
                                const selection *chosen, rud_episode **episode)
{
    char id[RUD_JOURNAL_ID_MAX + 1];
    const bool told = rud_journal_peek_id(frame->payload, frame->size, id);
    if (told && !is_wanted(chosen, id)) return RUD_OK;
    RUD_TRY(decode(reader, frame, episode));
    if (!told && !is_wanted(chosen, (*episode)->id)) rud_episode_free(episode);
    return RUD_OK;
}

/* *episode stays NULL where the record is none, or is not wanted. */
static rud_status read_record(rud_journal_reader *reader, const selection *chosen,
                              rud_episode **episode)
{
    const size_t before = reader->scan.at;
    rud_journal_frame frame;
    if (!rud_journal_scan_next(&reader->scan, &frame)) return end_segment(reader);
    if (frame.begin > before) {
        reader->scan.at = frame.begin; /* the next call finds the record whole */
        return damaged(reader, before, frame.begin);
    }
    if (frame.begin == 0) return check_start(reader, &frame);
    return decode_wanted(reader, &frame, chosen, episode);
}

rud_status rud_journal_reader_next(rud_journal_reader *reader, rud_episode **episode)
{
    return rud_journal_reader_next_wanted(reader, NULL, NULL, episode);
}

rud_status rud_journal_reader_next_wanted(rud_journal_reader *reader, rud_journal_wanted *wanted,
                                          void *context, rud_episode **episode)
{
    const selection chosen = {wanted, context};
    *episode = NULL;
    do {
        if (reader->segment == NULL) RUD_TRY(enter_segment(reader));
        if (reader->segment == NULL) return RUD_OK;
        const rud_status status = read_record(reader, &chosen, episode);
        reader->progress.damaged += status == RUD_EFORMAT || status == RUD_ENONFINITE;
        RUD_TRY(status);
    } while (*episode == NULL);
    return RUD_OK;
}

rud_journal_mark rud_journal_reader_mark(const rud_journal_reader *reader)
{
    return reader->mark;
}

rud_status rud_journal_reader_path(const rud_journal_reader *reader, rud_journal_mark mark,
                                   char **path)
{
    return path_of(reader, mark.segment, path);
}

static rud_status read_bytes_at(const char *path, rud_journal_mark mark, unsigned char *bytes)
{
    const size_t size = mark.end - mark.begin;
    FILE *stream = fopen(path, "rb");
    if (stream == NULL)
        return rud_error(RUD_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    const bool read =
        fseeko(stream, (off_t)mark.begin, SEEK_SET) == 0 && fread(bytes, 1, size, stream) == size;
    fclose(stream);
    return read ? RUD_OK : rud_error(RUD_EIO, "%s: cannot be read at byte %zu", path, mark.begin);
}

static rud_status decode_at(rud_journal_reader *reader, const char *path, rud_journal_mark mark,
                            const unsigned char *bytes, rud_episode **episode)
{
    rud_journal_scan scan = {.bytes = bytes, .size = mark.end - mark.begin};
    rud_journal_frame frame;
    if (!rud_journal_scan_next(&scan, &frame) || frame.begin != 0)
        return rud_error(RUD_EIO, "%s: byte %zu: changed since it was opened", path, mark.begin);
    return rud_error_context(
        rud_journal_decode_episode(&reader->header, frame.payload, frame.size, episode),
        "%s: byte %zu", path, mark.begin);
}

rud_status rud_journal_reader_read_at(rud_journal_reader *reader, rud_journal_mark mark,
                                      rud_episode **episode)
{
    char *path;
    *episode = NULL;
    RUD_TRY(path_of(reader, mark.segment, &path));
    unsigned char *bytes = malloc(mark.end - mark.begin);
    rud_status status = bytes ? read_bytes_at(path, mark, bytes)
                              : rud_error(RUD_ENOMEM, "%s: no memory for a record", path);
    if (status == RUD_OK) status = decode_at(reader, path, mark, bytes, episode);
    free(bytes);
    free(path);
    return status;
}

static rud_status read_all(rud_journal_reader *reader, rud_episodes *list)
{
    for (;;) {
        rud_episode *episode;
        RUD_TRY(rud_journal_reader_next(reader, &episode));
        if (episode == NULL) return RUD_OK;
        RUD_TRY(rud_episodes_add(list, episode));
    }
}

rud_status rud_journal_read(const char *path, rud_episodes *list)
{
    rud_journal_reader *reader;
    RUD_TRY(rud_journal_reader_open(path, &reader));
    const size_t before = list->count;
    const rud_status status = read_all(reader, list);
    rud_journal_reader_close(&reader);
    while (status != RUD_OK && list->count > before) rud_episode_free(&list->items[--list->count]);
    return status;
}

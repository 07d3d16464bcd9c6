/* A journal that is open for writing. */
#include "episodes/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "episodes/journal_private.h"

struct rud_journal {
    char *folder;
    int lock; /* the folder, open and locked; -1: not yet */
    rud_journal_options options;
    rud_journal_header header;
    rud_journal_recovery recovery;

    /* the writer's alone */
    int file;              /* the last segment; -1: not yet */
    uint64_t size;         /* end of its last whole record */
    uint64_t synced;       /* bytes of it that are on disk */
    size_t unsynced;       /* episodes behind them */
    bool needs_cut;        /* bytes stand behind `size` that could not be cut off */
    bool taken_back;       /* unsynced episodes were, and the next sync has to say so */
    pthread_mutex_t mutex; /* guards what follows */
    rud_journal_segments segments;
    rud_journal_ids ids;
    uint64_t appended;
};

rud_journal_options rud_journal_options_default(void)
{
    return (rud_journal_options){.segment_bytes = 16 << 20, .keep_bytes = 1 << 30};
}

static rud_status failed(const rud_journal *journal, const char *what)
{
    return rud_error(RUD_EIO, "journal %s: cannot %s: %s", journal->folder, what, strerror(errno));
}

/* ---- open ---- */

/* The lock goes with the process, however it ends. */
static rud_status lock_folder(rud_journal *journal)
{
    journal->lock = open(journal->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (journal->lock < 0) return failed(journal, "open the folder");
    if (flock(journal->lock, LOCK_EX | LOCK_NB) == 0) return RUD_OK;
    if (errno != EWOULDBLOCK) return failed(journal, "lock the folder");
    return rud_error(RUD_ESTATE, "journal %s: another process writes it: stop that one first",
                     journal->folder);
}

static rud_status find_header(rud_journal *journal, bool *found)
{
    *found = false;
    for (size_t k = 0; k < journal->segments.count && !*found; k++) {
        char *path;
        RUD_TRY(
            rud_journal_segment_path(journal->folder, journal->segments.items[k].number, &path));
        const rud_status status = rud_journal_segment_header(path, &journal->header, found);
        free(path);
        RUD_TRY(status);
    }
    return RUD_OK;
}

/* The header is the one on disk; where there is none, the caller's. */
static rud_status settle_header(rud_journal *journal, const rud_journal_header *wanted)
{
    bool found;
    RUD_TRY(find_header(journal, &found));
    if (!found && wanted == NULL)
        return rud_error(RUD_EFORMAT, "%s: not a journal: no segment of it has a header",
                         journal->folder);
    if (!found) return rud_journal_header_copy(wanted, &journal->header);
    if (wanted == NULL || rud_journal_header_equal(&journal->header, wanted)) return RUD_OK;
    return rud_error(RUD_EINVAL,
                     "journal %s: it is of task \"%s\", not of \"%s\" or not of its spaces: use"
                     " another folder",
                     journal->folder, journal->header.task, wanted->task);
}

static rud_status open_last(rud_journal *journal)
{
    const rud_journal_segment *last = &journal->segments.items[journal->segments.count - 1];
    char *path;
    RUD_TRY(rud_journal_segment_path(journal->folder, last->number, &path));
    journal->file = open(path, O_WRONLY | O_CLOEXEC);
    const rud_status status = journal->file < 0 ? failed(journal, "open its last segment") : RUD_OK;
    free(path);
    journal->size = journal->synced = last->bytes;
    return status;
}

/* Writes a segment with a header only, which is durable then. */
static rud_status create_segment(rud_journal *journal, uint64_t number, size_t *size)
{
    rud_journal_buffer buffer = {0};
    char *path;
    RUD_TRY(rud_journal_segment_path(journal->folder, number, &path));
    rud_journal_encode_start(&journal->header, journal->appended, &buffer);
    *size = buffer.bytes.size;
    const rud_status status = buffer.failed
                                  ? rud_error(RUD_ENOMEM, "%s: no memory for its header", path)
                                  : rud_file_write(path, buffer.bytes.data, *size);
    rud_journal_buffer_free(&buffer);
    free(path);
    return status;
}

static rud_status begin_segment(rud_journal *journal, uint64_t number)
{
    size_t size;
    RUD_TRY(create_segment(journal, number, &size));
    pthread_mutex_lock(&journal->mutex);
    const rud_status status = rud_journal_segments_add(&journal->segments, number);
    if (status == RUD_OK) journal->segments.items[journal->segments.count - 1].bytes = size;
    pthread_mutex_unlock(&journal->mutex);
    return status;
}

/* Call with the mutex. */
static uint64_t all_bytes(const rud_journal *journal)
{
    uint64_t sum = 0;
    for (size_t k = 0; k < journal->segments.count; k++) sum += journal->segments.items[k].bytes;
    return sum;
}

static bool too_much(const rud_journal *journal)
{
    const rud_journal_options *o = &journal->options;
    return journal->segments.count > 1 &&
           ((o->keep_bytes > 0 && all_bytes(journal) > o->keep_bytes) ||
            (o->keep_segments > 0 && journal->segments.count > o->keep_segments));
}

/* Removes the oldest segments beyond what is to be kept. One that cannot be removed stays, and is
 * tried again after the next append. */
static void retire(rud_journal *journal)
{
    pthread_mutex_lock(&journal->mutex);
    while (too_much(journal)) {
        rud_journal_segments *segments = &journal->segments;
        char *path;
        if (rud_journal_segment_path(journal->folder, segments->items[0].number, &path) != RUD_OK)
            break;
        const bool gone = unlink(path) == 0 || errno == ENOENT;
        free(path);
        if (!gone) break;
        rud_journal_ids_drop_oldest(&journal->ids, segments->items[0].episodes);
        segments->count--;
        memmove(segments->items, segments->items + 1, segments->count * sizeof *segments->items);
    }
    pthread_mutex_unlock(&journal->mutex);
}

/* What a killed process wrote may be in memory only, and its episodes will count as kept. */
static rud_status sync_last(rud_journal *journal)
{
    return fdatasync(journal->file) == 0 ? RUD_OK : failed(journal, "sync");
}

static rud_status open_journal(rud_journal *journal, const rud_journal_header *header)
{
    RUD_TRY(rud_make_folders(journal->folder));
    RUD_TRY(lock_folder(journal));
    RUD_TRY(rud_journal_remove_aside(journal->folder));
    RUD_TRY(rud_journal_segments_list(journal->folder, &journal->segments));
    RUD_TRY(settle_header(journal, header));
    RUD_TRY(rud_journal_recover(journal->folder, &journal->header, &journal->segments,
                                &journal->ids, &journal->recovery, &journal->appended));
    if (journal->segments.count == 0) RUD_TRY(begin_segment(journal, 0));
    RUD_TRY(open_last(journal));
    RUD_TRY(sync_last(journal));
    retire(journal);
    return RUD_OK;
}

rud_status rud_journal_open(const char *folder, const rud_journal_header *header,
                            const rud_journal_options *options, rud_journal **journal)
{
    *journal = NULL;
    if (header != NULL) RUD_TRY(rud_journal_header_check(header));
    if (options->segment_bytes == 0 || options->segment_bytes > RUD_JOURNAL_BATCH_MAX)
        return rud_error(RUD_EINVAL, "segment_bytes is %zu: 1 to %zu are allowed",
                         options->segment_bytes, RUD_JOURNAL_BATCH_MAX);
    rud_journal *made = calloc(1, sizeof *made);
    if (made == NULL) return rud_error(RUD_ENOMEM, "journal %s: no memory to open it", folder);
    made->options = *options;
    made->lock = made->file = -1;
    pthread_mutex_init(&made->mutex, NULL);
    made->folder = strdup(folder);
    const rud_status status =
        made->folder ? open_journal(made, header) : rud_error(RUD_ENOMEM, "no memory for a path");
    if (status != RUD_OK) {
        rud_journal_close(&made);
        return status;
    }
    *journal = made;
    return RUD_OK;
}

void rud_journal_close(rud_journal **journal)
{
    rud_journal *gone = *journal;
    if (gone == NULL) return;
    if (gone->file >= 0) close(gone->file);
    if (gone->lock >= 0) close(gone->lock);
    pthread_mutex_destroy(&gone->mutex);
    rud_journal_segments_free(&gone->segments);
    rud_journal_ids_free(&gone->ids);
    rud_journal_recovery_free(&gone->recovery);
    rud_journal_header_free(&gone->header);
    free(gone->folder);
    free(gone);
    *journal = NULL;
}

const rud_journal_header *rud_journal_header_of(const rud_journal *journal)
{
    return &journal->header;
}

const rud_journal_recovery *rud_journal_recovery_of(const rud_journal *journal)
{
    return &journal->recovery;
}

/* ---- append and sync ---- */

/* Forgets the episodes that came last, as if they had never been appended. */
static void forget(rud_journal *journal, size_t episodes)
{
    pthread_mutex_lock(&journal->mutex);
    rud_journal_ids_drop_newest(&journal->ids, episodes);
    pthread_mutex_unlock(&journal->mutex);
}

/* Records in the books that the last segment now has `bytes` and so many more episodes. */
static void book(rud_journal *journal, uint64_t bytes, size_t more)
{
    pthread_mutex_lock(&journal->mutex);
    rud_journal_segment *last = &journal->segments.items[journal->segments.count - 1];
    last->bytes = journal->size = bytes;
    last->episodes += more;
    journal->appended += more;
    pthread_mutex_unlock(&journal->mutex);
    journal->unsynced += more;
}

/* Cuts what stands behind the last whole record; tried again before the next write. */
static rud_status cut(rud_journal *journal)
{
    journal->needs_cut = ftruncate(journal->file, (off_t)journal->size) != 0;
    return journal->needs_cut ? failed(journal, "cut off a record half written") : RUD_OK;
}

static void take_back(rud_journal *journal)
{
    const size_t episodes = journal->unsynced;
    pthread_mutex_lock(&journal->mutex);
    rud_journal_segment *last = &journal->segments.items[journal->segments.count - 1];
    rud_journal_ids_drop_newest(&journal->ids, episodes);
    last->bytes = journal->size = journal->synced;
    last->episodes -= episodes;
    journal->appended -= episodes;
    pthread_mutex_unlock(&journal->mutex);
    journal->unsynced = 0;
    cut(journal);
}

/* After a failed sync the system may call the lost pages clean: a second sync would succeed and
 * mean nothing. So nothing is left to rely on it. */
static rud_status sync_file(rud_journal *journal)
{
    if (journal->size == journal->synced) return RUD_OK;
    if (fdatasync(journal->file) != 0) {
        const rud_status status = failed(journal, "sync");
        take_back(journal);
        return status;
    }
    journal->synced = journal->size;
    journal->unsynced = 0;
    return RUD_OK;
}

rud_status rud_journal_sync(rud_journal *journal)
{
    if (!journal->taken_back) return sync_file(journal);
    journal->taken_back = false;
    return rud_error(RUD_EIO,
                     "journal %s: what was appended since the last sync could not be brought to"
                     " the disk: append it again",
                     journal->folder);
}

static rud_status roll_over(rud_journal *journal)
{
    const size_t at_stake = journal->unsynced;
    const rud_status status = sync_file(journal);
    if (status != RUD_OK) {
        journal->taken_back = at_stake > 0;
        return status;
    }
    RUD_TRY(
        begin_segment(journal, journal->segments.items[journal->segments.count - 1].number + 1));
    close(journal->file);
    journal->file = -1;
    return open_last(journal);
}

static rud_status write_at_end(rud_journal *journal, const char *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        const ssize_t written =
            pwrite(journal->file, bytes + done, size - done, (off_t)(journal->size + done));
        if (written > 0) {
            done += (size_t)written;
        } else if (written == 0 || errno != EINTR) {
            const rud_status status = failed(journal, "write");
            cut(journal);
            return status;
        }
    }
    return RUD_OK;
}

/* Encodes the new ones among the episodes and takes their ids into the set. */
static rud_status encode_new(rud_journal *journal, const rud_episode *const *episodes, size_t count,
                             bool *added, rud_journal_buffer *buffer, size_t *new_count)
{
    for (size_t k = 0; k < count; k++) {
        bool is_new;
        RUD_TRY(rud_journal_episode_check(&journal->header, episodes[k]));
        pthread_mutex_lock(&journal->mutex);
        const rud_status status = rud_journal_ids_add(&journal->ids, episodes[k]->id, &is_new);
        pthread_mutex_unlock(&journal->mutex);
        RUD_TRY(status);
        if (added != NULL) added[k] = is_new;
        if (!is_new) continue;
        ++*new_count;
        rud_journal_encode_episode(episodes[k], buffer);
        if (buffer->failed)
            return rud_error(RUD_EINVAL, "%zu episodes take more than %zu bytes: append fewer",
                             count, RUD_JOURNAL_BATCH_MAX);
    }
    return RUD_OK;
}

static rud_status make_ready(rud_journal *journal)
{
    if (journal->file < 0) RUD_TRY(open_last(journal));
    if (journal->needs_cut) RUD_TRY(cut(journal));
    const bool empty = journal->segments.items[journal->segments.count - 1].episodes == 0;
    if (empty || journal->size < journal->options.segment_bytes) return RUD_OK;
    return roll_over(journal);
}

rud_status rud_journal_append_many(rud_journal *journal, const rud_episode *const *episodes,
                                   size_t count, bool *added)
{
    rud_journal_buffer buffer = {0};
    size_t new_count = 0;
    for (size_t k = 0; added != NULL && k < count; k++) added[k] = false;
    RUD_TRY(make_ready(journal));
    rud_status status = encode_new(journal, episodes, count, added, &buffer, &new_count);
    if (status == RUD_OK) status = write_at_end(journal, buffer.bytes.data, buffer.bytes.size);
    if (status == RUD_OK) {
        book(journal, journal->size + buffer.bytes.size, new_count);
        retire(journal);
    } else {
        forget(journal, new_count);
        for (size_t k = 0; added != NULL && k < count; k++) added[k] = false;
    }
    rud_journal_buffer_free(&buffer);
    return status;
}

rud_status rud_journal_append(rud_journal *journal, const rud_episode *episode, bool *added)
{
    return rud_journal_append_many(journal, &episode, 1, added);
}

/* ---- questions ---- */

bool rud_journal_has(rud_journal *journal, const char *id)
{
    pthread_mutex_lock(&journal->mutex);
    const bool has = rud_journal_ids_has(&journal->ids, id);
    pthread_mutex_unlock(&journal->mutex);
    return has;
}

/* By what the segments hold: ids are taken in before their episodes are written. */
rud_journal_counts rud_journal_count(rud_journal *journal)
{
    pthread_mutex_lock(&journal->mutex);
    rud_journal_counts counts = {.appended = journal->appended,
                                 .segments = journal->segments.count,
                                 .bytes = all_bytes(journal)};
    for (size_t k = 0; k < journal->segments.count; k++)
        counts.episodes += journal->segments.items[k].episodes;
    pthread_mutex_unlock(&journal->mutex);
    return counts;
}

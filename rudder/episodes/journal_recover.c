/* What a crash or a bad disk left is made whole again. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "episodes/journal_private.h"

/* One segment while it is recovered. */
typedef struct patient {
    const char *path;
    const rud_journal_header *header;
    const unsigned char *bytes;
    size_t size;
    rud_journal_survey survey;
    uint64_t first_episode;
} patient;

void rud_journal_recovery_free(rud_journal_recovery *recovery)
{
    for (size_t k = 0; k < recovery->damage_count; k++) free(recovery->damage[k].kept_as);
    free(recovery->damage);
    *recovery = (rud_journal_recovery){0};
}

/* Gives the file the name *kept_as too: path.corrupt, or path.corrupt.2 ... where that is taken.
 * The old name stays until the mended segment replaces it, so that a crash in between loses
 * nothing; only a file system without links makes it go at once. */
static rud_status keep_aside(const char *path, char **kept_as)
{
    const size_t size = strlen(path) + 40;
    *kept_as = malloc(size);
    if (*kept_as == NULL) return rud_error(RUD_ENOMEM, "%s: no memory for a path", path);
    snprintf(*kept_as, size, "%s.corrupt", path);
    for (int k = 2; rud_file_exists(*kept_as) && !rud_same_file(path, *kept_as); k++)
        snprintf(*kept_as, size, "%s.corrupt.%d", path, k);
    if (rud_file_exists(*kept_as) || link(path, *kept_as) == 0 || rename(path, *kept_as) == 0)
        return RUD_OK;
    return rud_error(RUD_EIO, "%s: damaged, and cannot be kept aside as %s: %s", path, *kept_as,
                     strerror(errno));
}

/* A segment of the whole records only. */
static rud_status write_mended(const patient *p, size_t *size)
{
    rud_journal_buffer buffer = {0};
    rud_journal_encode_start(p->header, p->first_episode, &buffer);
    const size_t start = buffer.bytes.size;
    rud_atomic_file file;
    rud_status status = buffer.failed ? rud_error(RUD_ENOMEM, "%s: no memory", p->path)
                                      : rud_atomic_file_open(p->path, &file);
    if (status == RUD_OK) {
        /* A failed write shows when the file is committed. */
        fwrite(buffer.bytes.data, 1, start, file.stream);
        *size = start;
        for (size_t k = 0; k < p->survey.count; k++) {
            const rud_journal_frame *frame = &p->survey.episodes[k];
            *size += fwrite(p->bytes + frame->begin, 1, frame->end - frame->begin, file.stream);
        }
        status = rud_atomic_file_commit(&file);
    }
    rud_journal_buffer_free(&buffer);
    return status;
}

static rud_status mend(const patient *p, rud_journal_recovery *recovery, size_t *size)
{
    rud_journal_damage *damage =
        realloc(recovery->damage, (recovery->damage_count + 1) * sizeof *damage);
    if (damage == NULL) return rud_error(RUD_ENOMEM, "%s: no memory", p->path);
    recovery->damage = damage;
    damage += recovery->damage_count;
    *damage = (rud_journal_damage){.offset = p->survey.bad_from,
                                   .bad_bytes = p->survey.bad_bytes,
                                   .episodes = p->survey.count};
    const rud_status status = keep_aside(p->path, &damage->kept_as);
    if (status != RUD_OK) {
        free(damage->kept_as);
        return status;
    }
    recovery->damage_count++;
    return write_mended(p, size);
}

static rud_status cut_tail(const patient *p, rud_journal_recovery *recovery, size_t *size)
{
    *size = p->survey.good_end;
    if (truncate(p->path, (off_t)*size) != 0)
        return rud_error(RUD_EIO, "%s: its torn end cannot be cut: %s", p->path, strerror(errno));
    recovery->torn_bytes += p->size - *size;
    return RUD_OK;
}

/* A bad end is torn in the last segment, where a write may have been cut short; damage elsewhere,
 * and damage too where there is not even a header before it. */
static rud_status treat(patient *p, bool last, rud_journal_recovery *recovery, size_t *size)
{
    rud_journal_survey *survey = &p->survey;
    const bool tail = survey->good_end < p->size;
    *size = p->size;
    if (survey->bad_from == SIZE_MAX && survey->has_start) {
        if (!tail) return RUD_OK;
        if (last) return cut_tail(p, recovery, size);
    }
    if (tail || survey->bad_from == SIZE_MAX) {
        if (survey->bad_from == SIZE_MAX) survey->bad_from = survey->good_end;
        survey->bad_bytes += p->size - survey->good_end;
    }
    return mend(p, recovery, size);
}

static rud_status check_start(const patient *p)
{
    const rud_journal_start *start = &p->survey.start;
    if (!p->survey.has_start) return RUD_OK;
    if (start->version != RUD_JOURNAL_VERSION)
        return rud_journal_unknown_version(p->path, start->version);
    if (rud_journal_header_equal(&start->header, p->header)) return RUD_OK;
    return rud_error(RUD_EFORMAT,
                     "%s: a segment of task \"%s\" or other spaces among those of task \"%s\":"
                     " move it away",
                     p->path, start->header.task, p->header->task);
}

static rud_status survey_and_treat(patient *p, bool last, rud_journal_ids *ids,
                                   rud_journal_recovery *recovery, uint64_t *appended, size_t *size)
{
    RUD_TRY(rud_journal_survey_segment(p->bytes, p->size, p->header, ids, &p->survey));
    RUD_TRY(check_start(p));
    if (p->survey.has_start && p->survey.start.first_episode > *appended)
        *appended = p->survey.start.first_episode;
    p->first_episode = *appended;
    *appended += p->survey.count;
    return treat(p, last, recovery, size);
}

static rud_status recover_file(const char *path, bool last, const rud_journal_header *header,
                               rud_journal_segment *segment, rud_journal_ids *ids,
                               rud_journal_recovery *recovery, uint64_t *appended)
{
    unsigned char *bytes;
    size_t size;
    RUD_TRY(rud_journal_segment_read(path, &bytes, &size));
    patient p = {.path = path, .header = header, .bytes = bytes, .size = size};
    const rud_status status = survey_and_treat(&p, last, ids, recovery, appended, &size);
    segment->bytes = size;
    segment->episodes = p.survey.count;
    rud_journal_survey_free(&p.survey);
    free(bytes);
    return status;
}

rud_status rud_journal_recover(const char *folder, const rud_journal_header *header,
                               rud_journal_segments *segments, rud_journal_ids *ids,
                               rud_journal_recovery *recovery, uint64_t *appended)
{
    *appended = 0;
    for (size_t k = 0; k < segments->count; k++) {
        char *path;
        RUD_TRY(rud_journal_segment_path(folder, segments->items[k].number, &path));
        const rud_status status = recover_file(path, k + 1 == segments->count, header,
                                               &segments->items[k], ids, recovery, appended);
        free(path);
        RUD_TRY(status);
    }
    recovery->segments = segments->count;
    recovery->episodes = ids->count;
    return RUD_OK;
}

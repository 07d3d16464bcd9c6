/* What of a segment is whole, and what is not. */
#include <inttypes.h>
#include <stdlib.h>

#include "episodes/journal_private.h"

rud_status rud_journal_unknown_version(const char *path, uint64_t version)
{
    return rud_error(RUD_EFORMAT,
                     "%s: a journal of version %" PRIu64 ", this library reads version %d: use the"
                     " version of rudder that wrote it",
                     path, version, RUD_JOURNAL_VERSION);
}

static rud_status keep(rud_journal_survey *survey, const rud_journal_frame *frame)
{
    if (survey->count == survey->capacity) {
        const size_t capacity = survey->capacity ? 2 * survey->capacity : 1024;
        rud_journal_frame *episodes = realloc(survey->episodes, capacity * sizeof *episodes);
        if (episodes == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu records", capacity);
        survey->episodes = episodes;
        survey->capacity = capacity;
    }
    survey->episodes[survey->count++] = *frame;
    return RUD_OK;
}

static void damage(rud_journal_survey *survey, size_t begin, size_t end)
{
    if (survey->bad_from == SIZE_MAX) survey->bad_from = begin;
    survey->bad_bytes += end - begin;
}

static rud_status look_at_start(rud_journal_survey *survey, const rud_journal_frame *frame)
{
    const rud_status status = rud_journal_decode_start(frame->payload, frame->size, &survey->start);
    survey->has_start = status == RUD_OK;
    if (status == RUD_EFORMAT) damage(survey, frame->begin, frame->end);
    return status == RUD_EFORMAT ? RUD_OK : status;
}

/* Damage is no failure here, and no memory is. */
static rud_status look_at_episode(rud_journal_survey *survey, const rud_journal_frame *frame,
                                  const rud_journal_header *header, rud_journal_ids *ids)
{
    rud_episode *episode;
    bool added = false;
    rud_status status = rud_journal_decode_episode(header, frame->payload, frame->size, &episode);
    if (status == RUD_ENOMEM) return status;
    if (status == RUD_OK) status = rud_journal_ids_add(ids, episode->id, &added);
    rud_episode_free(&episode);
    if (status == RUD_ENOMEM) return status;
    if (added) return keep(survey, frame);
    damage(survey, frame->begin, frame->end);
    return RUD_OK;
}

rud_status rud_journal_survey_segment(const unsigned char *bytes, size_t size,
                                      const rud_journal_header *header, rud_journal_ids *ids,
                                      rud_journal_survey *survey)
{
    rud_journal_scan scan = {bytes, size, 0};
    rud_journal_frame frame;
    *survey = (rud_journal_survey){.bad_from = SIZE_MAX};
    while (rud_journal_scan_next(&scan, &frame)) {
        if (frame.begin > survey->good_end) damage(survey, survey->good_end, frame.begin);
        survey->good_end = frame.end;
        if (frame.begin == 0) {
            RUD_TRY(look_at_start(survey, &frame));
        } else if (header != NULL) {
            RUD_TRY(look_at_episode(survey, &frame, header, ids));
        }
        if (header == NULL) return RUD_OK;
    }
    return RUD_OK;
}

void rud_journal_survey_free(rud_journal_survey *survey)
{
    rud_journal_header_free(&survey->start.header);
    free(survey->episodes);
    *survey = (rud_journal_survey){0};
}

rud_status rud_journal_segment_header(const char *path, rud_journal_header *header, bool *found)
{
    unsigned char *bytes;
    size_t size;
    rud_journal_survey survey;
    *found = false;
    RUD_TRY(rud_journal_segment_read(path, &bytes, &size));
    rud_status status = rud_journal_survey_segment(bytes, size, NULL, NULL, &survey);
    if (status == RUD_OK && survey.has_start) {
        if (survey.start.version != RUD_JOURNAL_VERSION) {
            status = rud_journal_unknown_version(path, survey.start.version);
        } else {
            *header = survey.start.header;
            survey.start.header = (rud_journal_header){0};
            *found = true;
        }
    }
    rud_journal_survey_free(&survey);
    free(bytes);
    return status;
}

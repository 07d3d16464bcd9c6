/* Progress of long work on a stream of the caller's choice: a bar with time left on a terminal,
 * plain lines every few seconds otherwise, nothing when the stream is NULL. */
#ifndef RUD_BASE_PROGRESS_H
#define RUD_BASE_PROGRESS_H

#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rud_progress rud_progress;

#define RUD_TOTAL_UNKNOWN UINT64_MAX

/* stream: borrowed until free; NULL for silence. total: units of work, or
 * RUD_TOTAL_UNKNOWN: then only what is done is shown. Caller owns *progress. */
rud_status rud_progress_create(FILE *stream, const char *title, uint64_t total,
                               rud_progress **progress);

/* The work began `seconds` before create: for progress that is shown only of what takes long. */
void rud_progress_backdate(rud_progress *progress, double seconds);

/* `done` units of work are finished in all; `note` (may be NULL) stands behind the bar, such as
 * "loss 0.012". Callable from several threads; NULL progress is allowed and does nothing. */
void rud_progress_update(rud_progress *progress, uint64_t done, const char *note);

/* The same with `part` of a unit, or of several that are at work, which the share done and
 * the time left count too. */
void rud_progress_update_part(rud_progress *progress, uint64_t done, double part, const char *note);

/* Adds `count` units; otherwise as rud_progress_update. */
void rud_progress_advance(rud_progress *progress, uint64_t count, const char *note);

/* Ends the bar's line and frees. */
void rud_progress_free(rud_progress **progress);

#ifdef __cplusplus
}
#endif
#endif

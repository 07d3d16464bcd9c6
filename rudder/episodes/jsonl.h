/* Episodes as JSON lines, one episode a line:
 *     {"id", "observations": [T or T+1 rows], "actions": [T], "rewards": [T],
 *      "terminated": bool, "truncated": bool, "seed"?: unsigned 64-bit, <info>?: [T or T+1]}
 * Rows of one discrete component are plain integers, others arrays; discrete components are written
 * without a point, real ones with a point or an exponent. Every other key is an info, of numbers,
 * true, false and null (NaN) or of equally long arrays of them, which are flattened; with T entries
 * they are those of the steps. Every error names the file, the line and the field.
 *
 * Read: "id" may be an integer or absent. Where only observations are known, "actions" (then of
 * width 0), "rewards" (then 0), "terminated" (then the opposite of "truncated") and "truncated"
 * (then false) may be absent. T is the length of "actions" or "rewards"; without both, the number
 * of observation rows. Blank lines are skipped. */
#ifndef RUD_EPISODES_JSONL_H
#define RUD_EPISODES_JSONL_H

#include <stdbool.h>
#include <stdio.h>

#include "base/space.h"
#include "episodes/episode.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rud_jsonl_reader rud_jsonl_reader;

/* path: "-" is standard input. Caller owns *reader. */
rud_status rud_jsonl_open(const char *path, rud_jsonl_reader **reader);

/* The next episode; *episode is NULL at the end of the file. Caller owns *episode. RUD_EFORMAT
 * (not JSON, a field missing, unknown or of the wrong type, ragged or empty rows, widths that
 * differ from the first episode's), RUD_ENONFINITE; after these two the next call goes on with the
 * next line. */
rud_status rud_jsonl_next(rud_jsonl_reader *reader, rud_episode **episode);

/* Number of the line that was read last; the first is 1. */
size_t rud_jsonl_line(const rud_jsonl_reader *reader);
void rud_jsonl_close(rud_jsonl_reader **reader);

/* All episodes of a file, appended to *list; on failure *list is as it was. */
rud_status rud_jsonl_read(const char *path, rud_episodes *list);

/* Writes one line. observation_space and action_space say which rows are integers and which stand
 * without brackets (Discrete); action_space may be NULL where the episode has no actions. Nothing
 * is written if the episode does not fit: RUD_EINVAL (widths; a discrete value outside its space; an
 * info that is called as a field is, "seed" say), RUD_ENONFINITE. */
rud_status rud_jsonl_write(FILE *stream, const rud_space *observation_space,
                           const rud_space *action_space, const rud_episode *episode);

#ifdef __cplusplus
}
#endif
#endif

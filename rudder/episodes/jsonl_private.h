/* Lines of text and episodes, one a line, as dataset.h describes them. Shared by the files of the
 * JSON lines only. */
#ifndef RUD_EPISODES_JSONL_PRIVATE_H
#define RUD_EPISODES_JSONL_PRIVATE_H

#include <stdio.h>
#include <sys/types.h>

#include "episodes/dataset_private.h"
#include "episodes/episode.h"

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

/* Writes one line. observation_space and action_space say which rows are integers and which stand
 * without brackets (Discrete); action_space may be NULL where the episode has no actions. Nothing
 * is written if the episode does not fit: RUD_EINVAL (widths; a discrete value outside its space;
 * an info that is called as a field is, "seed" say), RUD_ENONFINITE. */
rud_status rud_jsonl_write(FILE *stream, const rud_space *observation_space,
                           const rud_space *action_space, const rud_episode *episode);

/* What the lines read so far tell of the spaces. Zero-initialise to start. */
typedef struct rud_jsonl_notes {
    rud_value_ranges observations, actions; /* width 0 before the first episode */
    bool plain_observations, plain_actions; /* rows without brackets */
} rud_jsonl_notes;

/* The episode that the JSON text[length] says. notes: added to, or NULL. Caller owns *episode. The
 * message names the field. */
rud_status rud_jsonl_parse(const char *text, size_t length, rud_jsonl_notes *notes,
                           rud_episode **episode);

/* Is it a field that every line may have? Then no info can be called so. */
bool rud_jsonl_is_field(const char *key);

/* RUD_EINVAL if one of infos[count] is called as a field is. */
rud_status rud_jsonl_check_infos(const rud_info *infos, size_t count);

/* Where a line begins. */
typedef struct rud_jsonl_mark {
    off_t offset;
    size_t line;
} rud_jsonl_mark;

/* Takes `stream`, also on failure. name: for messages; copied. */
rud_status rud_jsonl_open_stream(FILE *stream, const char *name, rud_jsonl_reader **reader);

/* rud_jsonl_next; notes: added to, or NULL. */
rud_status rud_jsonl_next_noted(rud_jsonl_reader *reader, rud_jsonl_notes *notes,
                                rud_episode **episode);

/* Of the line that was read last. */
rud_jsonl_mark rud_jsonl_mark_of(const rud_jsonl_reader *reader);
const char *rud_jsonl_text(const rud_jsonl_reader *reader, size_t *length); /* view */

/* The next call reads the line at `mark`. RUD_EIO. */
rud_status rud_jsonl_seek(rud_jsonl_reader *reader, rud_jsonl_mark mark);

/* The line at `mark` as it stands; view until the next read. */
rud_status rud_jsonl_text_at(rud_jsonl_reader *reader, rud_jsonl_mark mark, const char **text,
                             size_t *length);

/* Writes the line text[length] again, with these changes. */
rud_status rud_jsonl_write_changed(FILE *stream, const char *text, size_t length, size_t steps,
                                   const rud_dataset_changes *changes);

#endif

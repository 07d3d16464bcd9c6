/* From a line of text to an episode; shared by the jsonl_*.c files only. */
#ifndef RUD_EPISODES_JSONL_PRIVATE_H
#define RUD_EPISODES_JSONL_PRIVATE_H

#include "episodes/episode.h"

/* The episode that the JSON text[length] says. Caller owns *episode. The message names the
 * field. */
rud_status rud_jsonl_parse(const char *text, size_t length, rud_episode **episode);

#endif

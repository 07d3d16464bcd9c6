/* All episodes of a file of JSON lines. */
#ifndef TESTS_EPISODES_LINES_H
#define TESTS_EPISODES_LINES_H

#include "episodes/jsonl_private.h"

/* Appends them to *list, those before a failure too. */
static inline rud_status read_lines(const char *path, rud_episodes *list)
{
    rud_jsonl_reader *reader;
    rud_episode *episode;
    RUD_TRY(rud_jsonl_open(path, &reader));
    rud_status status = rud_jsonl_next(reader, &episode);
    while (status == RUD_OK && episode != NULL) {
        status = rud_episodes_add(list, episode);
        if (status == RUD_OK) status = rud_jsonl_next(reader, &episode);
    }
    rud_jsonl_close(&reader);
    return status;
}

#endif

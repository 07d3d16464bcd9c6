/* Episodes that don't fit into memory, in an unnamed temporary file of plain numbers: read back at
 * random far faster than from the format that they came in. Only what training reads is kept. */
#ifndef RUD_TRAINING_EPISODE_SPILL_PRIVATE_H
#define RUD_TRAINING_EPISODE_SPILL_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "episodes/episode.h"

typedef struct rud_spilled {
    uint64_t offset;
    size_t steps, rows;
    bool single; /* all numbers are floats, and stored as such */
} rud_spilled;

/* Zero-initialise to start, with file = -1. */
typedef struct rud_episode_spill {
    int file;
    rud_spilled *items; /* [count] */
    size_t count, capacity;
    size_t observation_width, action_width; /* of all episodes */
    uint64_t size;                          /* bytes written */
    unsigned char *buffer;                  /* of the episode being written */
    size_t buffer_capacity;
} rud_episode_spill;

/* The file stands in the folder TMPDIR, or /var/tmp, and has no name: nothing is left of it. */
rud_status rud_episode_spill_open(rud_episode_spill *spill);
void rud_episode_spill_close(rud_episode_spill *spill);

/* All episodes have the widths of the first. RUD_EIO on a full disk. */
rud_status rud_episode_spill_add(rud_episode_spill *spill, const rud_episode *episode);

/* Episode k; several threads may read at once. Caller owns *episode. */
rud_status rud_episode_spill_read(const rud_episode_spill *spill, size_t k, rud_episode **episode);

#endif

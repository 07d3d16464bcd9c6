/* Which episodes of a run's data sets it was trained on, and which were held out of that: a half of
 * these says when training ends and which predictor is kept, the other half tests the kept one and
 * decides nothing. */
#ifndef RUD_TRAINING_SPLIT_H
#define RUD_TRAINING_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One file: its episodes are numbers first .. first + episodes - 1 of the split. */
typedef struct rud_split_file {
    char *path;
    size_t first, episodes, steps;
    uint64_t digest; /* of all numbers of its episodes */
} rud_split_file;

typedef struct rud_split {
    uint64_t seed;
    rud_split_file *files; /* [file_count] */
    size_t file_count;
    size_t episodes;
    bool *is_held_out; /* [episodes]: of the validation or the test */
    bool *is_test;     /* [episodes] */
    /* in ascending order */
    size_t *training, *validation, *test; /* [training_count], ... */
    size_t training_count, validation_count, test_count;
} rud_split;

/* Holds out `share` of the episodes, at most `most`, at least 4, drawn by the seed. The files are
 * to be added then. RUD_EINVAL for fewer than 6 episodes. Caller frees by rud_split_free. */
rud_status rud_split_create(size_t episodes, double share, size_t most, uint64_t seed,
                            rud_split *split);
rud_status rud_split_add_file(rud_split *split, const char *path, size_t episodes, size_t steps,
                              uint64_t digest);
void rud_split_free(rud_split *split);

/* Are these the same episodes, split alike? Their files may stand elsewhere. */
bool rud_split_equal(const rud_split *a, const rud_split *b);

/* Writes a run folder's splits.json: {"seed", "files": [{"path", "episodes", "steps", "digest",
 * "validation": [numbers in the file], "test": [likewise]}]}. */
rud_status rud_split_write(const rud_split *split, const char *folder);

/* Reads it back. RUD_EIO, RUD_EFORMAT. */
rud_status rud_split_read(const char *folder, rud_split *split);

#ifdef __cplusplus
}
#endif
#endif

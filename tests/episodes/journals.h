/* What the tests of journals share: episodes of known numbers, folders and files. */
#ifndef TESTS_EPISODES_JOURNALS_H
#define TESTS_EPISODES_JOURNALS_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "episodes/journal.h"
#include "tests/harness.h"

#define ck_ok(call)                                                                                \
    do {                                                                                           \
        const rud_status ck_status = (call);                                                       \
        ck_assert_msg(ck_status == RUD_OK, "%s: %s", #call, rud_last_error());                     \
    } while (0)

/* Task "corridor": observations of 13 states, 2 actions. */
static inline rud_journal_header corridor(void)
{
    rud_journal_header header = {.task = strdup("corridor")};
    ck_ok(rud_space_discrete(13, &header.observation_space));
    ck_ok(rud_space_discrete(2, &header.action_space));
    return header;
}

/* The same numbers for the same `number`, whose id is "episode-<number>". */
static inline rud_episode *make_episode(size_t number, size_t steps)
{
    rud_rng rng = rud_rng_stream(7, "test", number);
    rud_episode *episode;
    char id[32];
    ck_ok(rud_episode_create(steps, steps + number % 2, 1, 1, &episode));
    for (size_t t = 0; t < episode->observation_rows; t++)
        episode->observations[t] = (double)rud_rng_below(&rng, 13);
    for (size_t t = 0; t < steps; t++) episode->actions[t] = (double)rud_rng_below(&rng, 2);
    episode->rewards[steps - 1] = rud_rng_normal(&rng);
    episode->terminated = number % 3 == 0;
    episode->truncated = number % 4 == 0;
    episode->has_seed = number % 2 == 0;
    if (episode->has_seed) episode->seed = UINT64_MAX - number;
    snprintf(id, sizeof id, "episode-%zu", number);
    ck_ok(rud_episode_set_id(episode, id));
    return episode;
}

static inline void assert_same_row(const double *a, const double *b, size_t count)
{
    if (count > 0) ck_assert_mem_eq(a, b, count * sizeof *a);
}

static inline void assert_same_episode(const rud_episode *a, const rud_episode *b)
{
    ck_assert_str_eq(a->id, b->id);
    ck_assert_int_eq(a->has_seed, b->has_seed);
    ck_assert(a->seed == b->seed);
    ck_assert_int_eq(a->terminated, b->terminated);
    ck_assert_int_eq(a->truncated, b->truncated);
    ck_assert_uint_eq(a->steps, b->steps);
    ck_assert_uint_eq(a->observation_rows, b->observation_rows);
    ck_assert_uint_eq(a->observation_width, b->observation_width);
    ck_assert_uint_eq(a->action_width, b->action_width);
    assert_same_row(a->observations, b->observations, a->observation_rows * a->observation_width);
    assert_same_row(a->actions, b->actions, a->steps * a->action_width);
    assert_same_row(a->rewards, b->rewards, a->steps);
}

static inline rud_journal *open_corridor(const char *folder, size_t segment_bytes)
{
    rud_journal_header header = corridor();
    rud_journal_options options = rud_journal_options_default();
    rud_journal *journal;
    if (segment_bytes > 0) options.segment_bytes = segment_bytes;
    ck_ok(rud_journal_open(folder, &header, &options, &journal));
    rud_journal_header_free(&header);
    return journal;
}

/* Appends the episodes first .. first + count - 1 of 5 steps each, and syncs. */
static inline void append_range(rud_journal *journal, size_t first, size_t count)
{
    for (size_t k = first; k < first + count; k++) {
        rud_episode *episode = make_episode(k, 5);
        bool added;
        ck_ok(rud_journal_append(journal, episode, &added));
        ck_assert(added);
        rud_episode_free(&episode);
    }
    ck_ok(rud_journal_sync(journal));
}

/* The journal, read anew, holds exactly the episodes first .. first + count - 1, in order. */
static inline void assert_range(const char *path, size_t first, size_t count)
{
    rud_episodes read = {0};
    ck_ok(rud_journal_read(path, &read));
    ck_assert_uint_eq(read.count, count);
    for (size_t k = 0; k < count; k++) {
        rud_episode *expected = make_episode(first + k, 5);
        assert_same_episode(expected, read.items[k]);
        rud_episode_free(&expected);
    }
    rud_episodes_free(&read);
}

/* A journal in `folder` of the episodes 0 .. count - 1, closed. */
static inline void write_corridor(const char *folder, size_t count, size_t segment_bytes)
{
    rud_journal *journal = open_corridor(folder, segment_bytes);
    append_range(journal, 0, count);
    rud_journal_close(&journal);
}

/* Path of a segment. View until the eighth next call. */
static inline const char *segment_path(const char *folder, int number)
{
    static char paths[8][1200];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%010d.journal", folder, number);
    return path;
}

typedef struct bytes {
    char *data;
    size_t size;
} bytes;

static inline bytes read_bytes(const char *path)
{
    bytes b;
    ck_ok(rud_file_read(path, 1 << 30, &b.data, &b.size));
    return b;
}

/* Anew: file systems flush a file that is cut to nothing and written again, which takes long. */
static inline void write_bytes(const char *path, const char *data, size_t size)
{
    unlink(path);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

#endif

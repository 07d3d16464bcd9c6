/* A journal as a data set: an index of its whole records. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "episodes/dataset_private.h"
#include "episodes/journal_private.h"

typedef struct journal {
    rud_journal_reader *reader;
    rud_journal_mark *marks; /* [episodes] */
    size_t capacity;         /* of marks and of dataset->lengths */
} journal;

static rud_status grow(rud_dataset *dataset)
{
    journal *state = dataset->state;
    if (dataset->episodes < state->capacity) return RUD_OK;
    const size_t capacity = state->capacity == 0 ? 256 : 2 * state->capacity;
    rud_journal_mark *marks = realloc(state->marks, capacity * sizeof *marks);
    if (marks != NULL) state->marks = marks;
    size_t *lengths = realloc(dataset->lengths, capacity * sizeof *lengths);
    if (lengths != NULL) dataset->lengths = lengths;
    if (marks == NULL || lengths == NULL)
        return rud_error(RUD_ENOMEM, "%s: no memory for %zu episodes", dataset->path, capacity);
    state->capacity = capacity;
    return RUD_OK;
}

static rud_status make_index(rud_dataset *dataset)
{
    journal *state = dataset->state;
    for (;;) {
        rud_episode *episode;
        const rud_status status = rud_journal_reader_next(state->reader, &episode);
        if (status == RUD_EFORMAT || status == RUD_ENONFINITE) {
            rud_log(RUD_LOG_WARNING, "%s: left out", rud_last_error());
            continue;
        }
        RUD_TRY(status);
        if (episode == NULL) return RUD_OK;
        const size_t steps = episode->steps;
        rud_episode_free(&episode);
        RUD_TRY(grow(dataset));
        state->marks[dataset->episodes] = rud_journal_reader_mark(state->reader);
        dataset->lengths[dataset->episodes++] = steps;
        dataset->steps += steps;
    }
}

static rud_status open_journal(rud_dataset *dataset)
{
    journal *state = dataset->state = calloc(1, sizeof *state);
    if (state == NULL) return rud_error(RUD_ENOMEM, "%s: no memory left", dataset->path);
    RUD_TRY(rud_journal_reader_open(dataset->path, &state->reader));
    const rud_journal_header *header = rud_journal_reader_header(state->reader);
    RUD_TRY(rud_space_copy(&header->observation_space, &dataset->observation_space));
    RUD_TRY(rud_space_copy(&header->action_space, &dataset->action_space));
    RUD_TRY(rud_dataset_add_column_leaf(dataset, "observations", &dataset->observation_space));
    RUD_TRY(rud_dataset_add_column_leaf(dataset, "actions", &dataset->action_space));
    return make_index(dataset);
}

const rud_journal_reader *rud_dataset_journal_reader(const rud_dataset *dataset)
{
    const journal *state = dataset->state;
    return dataset->kind == &rud_dataset_journal ? state->reader : NULL;
}

static void close_journal(rud_dataset *dataset)
{
    journal *state = dataset->state;
    if (state == NULL) return;
    rud_journal_reader_close(&state->reader);
    free(state->marks);
    free(state);
}

static rud_status read_journal(rud_dataset *dataset, size_t k, rud_episode **episode)
{
    journal *state = dataset->state;
    return rud_journal_reader_read_at(state->reader, state->marks[k], episode);
}

static void place_journal(const rud_dataset *dataset, size_t k, char *text, size_t size)
{
    const journal *state = dataset->state;
    char *path = NULL;
    if (k < dataset->episodes) rud_journal_reader_path(state->reader, state->marks[k], &path);
    snprintf(text, size, "%s: byte %zu", path ? path : dataset->path,
             path ? state->marks[k].begin : 0);
    free(path);
}

/* A journal is the bridge's own record of what it acknowledged: nothing else writes one. */
static rud_status create_journal(rud_dataset_writer *writer)
{
    return rud_error(RUD_EINVAL,
                     "%s: a journal is written by the agent bridge only: name a file"
                     " .jsonl or .hdf5",
                     writer->path);
}

const rud_dataset_kind rud_dataset_journal = {
    .name = "journal",
    .recognise = rud_is_journal,
    .open = open_journal,
    .close = close_journal,
    .read = read_journal,
    .place = place_journal,
    .create = create_journal,
};

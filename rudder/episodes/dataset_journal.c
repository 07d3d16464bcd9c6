/* A journal of the agent bridge as a data set: its whole episodes, held in memory. A journal is
 * written by the server alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "episodes/dataset_private.h"
#include "episodes/journal.h"

static rud_status fill(rud_dataset *dataset, const rud_journal_header *header)
{
    const rud_episodes *list = dataset->state;
    RUD_TRY(rud_space_copy(&header->observation_space, &dataset->observation_space));
    if (header->action_space.width > 0) {
        RUD_TRY(rud_space_copy(&header->action_space, &dataset->action_space));
    }
    RUD_TRY(rud_dataset_add_space(dataset, "observations", &dataset->observation_space));
    RUD_TRY(rud_dataset_add_space(dataset, "actions", &dataset->action_space));
    dataset->lengths = calloc(list->count + 1, sizeof *dataset->lengths);
    if (dataset->lengths == NULL) {
        return rud_error(RUD_ENOMEM, "%s: no memory for %zu episodes", dataset->path, list->count);
    }
    dataset->episodes = list->count;
    for (size_t k = 0; k < list->count; k++) {
        dataset->lengths[k] = list->items[k]->steps;
        dataset->steps += list->items[k]->steps;
    }
    return RUD_OK;
}

static rud_status open_journal(rud_dataset *dataset)
{
    rud_journal_reader *reader = NULL;
    rud_episodes *list = dataset->state = calloc(1, sizeof *list);
    if (list == NULL) return rud_error(RUD_ENOMEM, "%s: no memory to read it", dataset->path);
    RUD_TRY(rud_journal_read(dataset->path, list));
    RUD_TRY(rud_journal_reader_open(dataset->path, &reader));
    const rud_status status = fill(dataset, rud_journal_reader_header(reader));
    rud_journal_reader_close(&reader);
    return status;
}

static void close_journal(rud_dataset *dataset)
{
    if (dataset->state != NULL) rud_episodes_free(dataset->state);
    free(dataset->state);
}

static rud_status read_journal(rud_dataset *dataset, size_t k, rud_episode **episode)
{
    const rud_episodes *list = dataset->state;
    return rud_episode_copy(list->items[k], episode);
}

static void place_journal(const rud_dataset *dataset, size_t k, char *text, size_t size)
{
    const rud_episodes *list = dataset->state;
    const char *id = list != NULL && k < list->count ? list->items[k]->id : "";
    snprintf(text, size, "%s: episode \"%s\"", dataset->path, id);
}

static rud_status create_journal(rud_dataset_writer *writer)
{
    return rud_error(RUD_EINVAL,
                     "%s: a journal is written by `rudder serve` alone; choose minari, "
                     "d4rl or jsonl",
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

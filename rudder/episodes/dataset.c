#include "episodes/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "episodes/dataset_private.h"

/* Every format, in the order in which they are asked whether a file is theirs. */
static const rud_dataset_kind *const kinds[] = {
    &rud_dataset_journal, &rud_dataset_d4rl, &rud_dataset_minari,
    &rud_dataset_jsonl, /* says yes to anything */
};
static const size_t kind_count = sizeof kinds / sizeof *kinds;

rud_status rud_dataset_find_kind(const char *format, const rud_dataset_kind **kind)
{
    for (size_t k = 0; k < kind_count; k++) {
        *kind = kinds[k];
        if (strcmp(kinds[k]->name, format) == 0) return RUD_OK;
    }
    *kind = NULL;
    return rud_error(RUD_EINVAL, "unknown format '%s'; there are minari, d4rl, jsonl, journal",
                     format);
}

rud_dataset_options rud_dataset_options_default(void)
{
    return (rud_dataset_options){.infos = true, .tail = RUD_TAIL_TRUNCATE};
}

static rud_status choose_kind(const char *path, const char *format, const rud_dataset_kind **kind)
{
    if (format != NULL) return rud_dataset_find_kind(format, kind);
    size_t k = 0;
    while (!kinds[k]->recognise(path)) k++;
    *kind = kinds[k];
    return RUD_OK;
}

rud_status rud_dataset_open(const char *path, const rud_dataset_options *options,
                            rud_dataset **dataset)
{
    *dataset = NULL;
    rud_dataset_options chosen = options != NULL ? *options : rud_dataset_options_default();
    const rud_dataset_kind *kind;
    RUD_TRY(choose_kind(path, chosen.format, &kind));
    rud_dataset *made = calloc(1, sizeof *made);
    char *copy = strdup(path);
    if (made == NULL || copy == NULL) {
        free(made);
        free(copy);
        return rud_error(RUD_ENOMEM, "%s: no memory to read it", path);
    }
    made->kind = kind;
    made->options = chosen;
    made->path = copy;
    rud_status status = kind->open(made);
    if (status == RUD_OK && made->episodes == 0)
        status = rud_error(RUD_EFORMAT, "%s: holds no episode", made->path);
    if (status != RUD_OK) {
        rud_dataset_close(&made);
        return status;
    }
    *dataset = made;
    return RUD_OK;
}

void rud_dataset_close(rud_dataset **dataset)
{
    rud_dataset *gone = *dataset;
    if (gone == NULL) return;
    gone->kind->close(gone);
    for (size_t k = 0; k < gone->leaf_count; k++) {
        free((char *)gone->leaves[k].name);
        free((char *)gone->leaves[k].space);
    }
    free(gone->leaves);
    rud_space_free(&gone->observation_space);
    rud_space_free(&gone->action_space);
    free(gone->lengths);
    free(gone->metadata);
    free(gone->path);
    free(gone);
    *dataset = NULL;
}

rud_status rud_dataset_add_leaf(rud_dataset *dataset, const rud_dataset_leaf *leaf)
{
    rud_dataset_leaf *leaves = realloc(dataset->leaves, (dataset->leaf_count + 1) * sizeof *leaves);
    if (leaves != NULL) dataset->leaves = leaves;
    rud_dataset_leaf copy = *leaf;
    copy.name = strdup(leaf->name);
    copy.space = strdup(leaf->space);
    if (leaves == NULL || copy.name == NULL || copy.space == NULL) {
        free((char *)copy.name);
        free((char *)copy.space);
        return rud_error(RUD_ENOMEM, "no memory for the array \"%s\"", leaf->name);
    }
    leaves[dataset->leaf_count++] = copy;
    return RUD_OK;
}

void rud_dataset_space_text(const rud_space *space, size_t width, char text[RUD_DATASET_SPACE_SIZE])
{
    static const char *const kinds_of_space[] = {[RUD_SPACE_DISCRETE] = "Discrete",
                                                 [RUD_SPACE_MULTI_DISCRETE] = "MultiDiscrete",
                                                 [RUD_SPACE_BOX] = "Box",
                                                 [RUD_SPACE_MIXED] = "Mixed"};
    const bool discrete = space != NULL && space->kind == RUD_SPACE_DISCRETE;
    snprintf(text, RUD_DATASET_SPACE_SIZE, "%s(%lld)",
             space == NULL ? "" : kinds_of_space[space->kind],
             discrete ? (long long)space->sizes[0] : (long long)width);
}

bool rud_dataset_is_single(const rud_dataset *source, const char *root)
{
    bool single = false;
    for (size_t k = 0; source != NULL && k < source->leaf_count; k++) {
        const rud_dataset_leaf *leaf = &source->leaves[k];
        if (!leaf->readable || strncmp(leaf->name, root, strlen(root)) != 0) continue;
        if (strcmp(leaf->type, "float32") != 0) return false;
        single = true;
    }
    return single;
}

rud_status rud_dataset_add_column_leaf(rud_dataset *dataset, const char *name,
                                       const rud_space *space)
{
    char text[RUD_DATASET_SPACE_SIZE];
    if (space->width == 0) return RUD_OK;
    rud_dataset_space_text(space, space->width, text);
    rud_dataset_leaf leaf = {.name = name,
                             .type = rud_space_all_discrete(space) ? "integers" : "numbers",
                             .readable = true,
                             .width = space->width,
                             .space = text};
    return rud_dataset_add_leaf(dataset, &leaf);
}

const char *rud_dataset_path(const rud_dataset *dataset)
{
    return dataset->path;
}

const char *rud_dataset_format(const rud_dataset *dataset)
{
    return dataset->kind->name;
}

size_t rud_dataset_episodes(const rud_dataset *dataset)
{
    return dataset->episodes;
}

size_t rud_dataset_steps(const rud_dataset *dataset)
{
    return dataset->steps;
}

const size_t *rud_dataset_lengths(const rud_dataset *dataset)
{
    return dataset->lengths;
}

size_t rud_dataset_tail_steps(const rud_dataset *dataset)
{
    return dataset->tail_steps;
}

const rud_space *rud_dataset_observation_space(const rud_dataset *dataset)
{
    return dataset->observation_space.width > 0 ? &dataset->observation_space : NULL;
}

const rud_space *rud_dataset_action_space(const rud_dataset *dataset)
{
    return dataset->action_space.width > 0 ? &dataset->action_space : NULL;
}

const rud_dataset_leaf *rud_dataset_leaf_at(const rud_dataset *dataset, size_t k)
{
    return k < dataset->leaf_count ? &dataset->leaves[k] : NULL;
}

const char *rud_dataset_metadata(const rud_dataset *dataset)
{
    return dataset->metadata;
}

size_t rud_dataset_index(const rud_dataset *dataset)
{
    return dataset->index;
}

const char *rud_dataset_place(rud_dataset *dataset)
{
    dataset->kind->place(dataset, dataset->index, dataset->place, sizeof dataset->place);
    return dataset->place;
}

static rud_status check_index(const rud_dataset *dataset, size_t k)
{
    if (dataset->lengths == NULL)
        return rud_error(RUD_ESTATE, "%s: a stream can only be read in order", dataset->path);
    if (k < dataset->episodes) return RUD_OK;
    return rud_error(RUD_EINVAL, "%s: there is no episode %zu among %zu", dataset->path, k,
                     dataset->episodes);
}

rud_status rud_dataset_read(rud_dataset *dataset, size_t k, rud_episode **episode)
{
    *episode = NULL;
    RUD_TRY(check_index(dataset, k));
    dataset->index = k;
    return dataset->kind->read(dataset, k, episode);
}

rud_status rud_dataset_next(rud_dataset *dataset, rud_episode **episode)
{
    *episode = NULL;
    if (dataset->next == dataset->episodes) return RUD_OK;
    dataset->index = dataset->next++;
    if (dataset->lengths != NULL) return dataset->kind->read(dataset, dataset->index, episode);
    return dataset->kind->next(dataset, episode);
}

rud_status rud_dataset_seek(rud_dataset *dataset, size_t k)
{
    RUD_TRY(check_index(dataset, k));
    dataset->next = k;
    return RUD_OK;
}

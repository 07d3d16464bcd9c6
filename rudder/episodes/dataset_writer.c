#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "episodes/dataset_private.h"

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length > tail && strcmp(text + length - tail, end) == 0;
}

bool rud_is_hdf5_path(const char *path)
{
    return ends_with(path, ".hdf5") || ends_with(path, ".h5");
}

const char *rud_dataset_format_of_path(const char *path)
{
    if (strcmp(path, "-") == 0 || ends_with(path, ".jsonl")) return rud_dataset_jsonl.name;
    if (rud_is_hdf5_path(path)) return rud_dataset_minari.name;
    size_t length = strlen(path);
    while (length > 0 && path[length - 1] == '/') length--;
    while (length > 0 && path[length - 1] != '/' && path[length - 1] != '.') length--;
    bool extension = length > 0 && path[length - 1] == '.' && path[length] != '\0' &&
                     path[length] != '.' && path[length] != '/';
    return extension ? NULL : rud_dataset_minari.name;
}

static rud_status check_target(const rud_dataset_writer *writer)
{
    const char *path = writer->path;
    if (strcmp(path, "-") == 0 || !rud_file_exists(path)) return RUD_OK;
    if (!writer->force)
        return rud_error(RUD_EEXIST, "%s exists already; --force replaces it", path);
    if (!rud_is_folder(path)) return RUD_OK;
    char *file = rud_path_join(path, "data/main_data.hdf5");
    if (file == NULL) return rud_error(RUD_ENOMEM, "%s: no memory left", path);
    bool data_set = rud_file_exists(file);
    free(file);
    if (data_set && !rud_is_hdf5_path(path)) return RUD_OK;
    return rud_error(RUD_EEXIST, "%s is a folder that holds no data set: it is not replaced", path);
}

static rud_status copy_space(const rud_space *given, const rud_space *source, rud_space *space)
{
    const rud_space *from = given != NULL ? given : source;
    return from == NULL ? RUD_OK : rud_space_copy(from, space);
}

static rud_status copy_metadata(const rud_dataset_writer_options *options,
                                rud_dataset_writer *writer)
{
    if (options->metadata_count == 0) return RUD_OK;
    writer->metadata = calloc(2 * options->metadata_count, sizeof *writer->metadata);
    if (writer->metadata == NULL) return rud_error(RUD_ENOMEM, "no memory for metadata");
    writer->metadata_count = options->metadata_count;
    for (size_t k = 0; k < 2 * options->metadata_count; k++) {
        writer->metadata[k] = strdup(options->metadata[k]);
        if (writer->metadata[k] == NULL) return rud_error(RUD_ENOMEM, "no memory for metadata");
    }
    return RUD_OK;
}

static rud_status set_up(const char *path, const rud_dataset_writer_options *options,
                         rud_dataset_writer *writer)
{
    rud_dataset *source = options->source;
    writer->path = strdup(path);
    writer->name = options->name != NULL ? strdup(options->name) : NULL;
    if (writer->path == NULL || (options->name != NULL && writer->name == NULL))
        return rud_error(RUD_ENOMEM, "%s: no memory left", path);
    writer->force = options->force;
    writer->stop = options->stop;
    writer->source = source;
    writer->same_format = source != NULL && source->kind == writer->kind;
    RUD_TRY(check_target(writer));
    RUD_TRY(copy_space(options->observation_space,
                       source ? rud_dataset_observation_space(source) : NULL,
                       &writer->observation_space));
    RUD_TRY(copy_space(options->action_space, source ? rud_dataset_action_space(source) : NULL,
                       &writer->action_space));
    if (source != NULL && !writer->same_format && source->lengths != NULL &&
        writer->observation_space.width == 0)
        return rud_error(RUD_EINVAL, "%s: the observations of %s hold no numbers, which %s needs",
                         path, source->path, writer->kind->name);
    return copy_metadata(options, writer);
}

static void free_writer(rud_dataset_writer *writer)
{
    for (size_t k = 0; k < 2 * writer->metadata_count; k++) free(writer->metadata[k]);
    free(writer->metadata);
    rud_space_free(&writer->observation_space);
    rud_space_free(&writer->action_space);
    free(writer->name);
    free(writer->path);
    free(writer);
}

/* What another format cannot hold is left behind, and said so. */
static void name_what_is_left(const rud_dataset_writer *writer)
{
    const rud_dataset *source = writer->source;
    for (size_t k = 0; source != NULL && !writer->same_format && k < source->leaf_count; k++) {
        const rud_dataset_leaf *leaf = &source->leaves[k];
        if (!leaf->readable)
            rud_log(RUD_LOG_WARNING, "%s: %s (%s) cannot be written as %s and is left out",
                    writer->path, leaf->name, leaf->type, writer->kind->name);
    }
}

static rud_status choose_kind(const char *path, const char *format, const rud_dataset_kind **kind)
{
    const char *name = format != NULL ? format : rud_dataset_format_of_path(path);
    if (name != NULL) return rud_dataset_find_kind(name, kind);
    return rud_error(RUD_EINVAL,
                     "%s: the extension says no format; .jsonl, .hdf5 and none (a Minari folder) "
                     "do",
                     path);
}

rud_status rud_dataset_writer_open(const char *path, const rud_dataset_writer_options *options,
                                   rud_dataset_writer **writer)
{
    *writer = NULL;
    const rud_dataset_kind *kind;
    RUD_TRY(choose_kind(path, options->format, &kind));
    rud_dataset_writer *made = calloc(1, sizeof *made);
    if (made == NULL) return rud_error(RUD_ENOMEM, "%s: no memory left", path);
    made->kind = kind;
    rud_status status = set_up(path, options, made);
    if (status == RUD_OK) status = kind->create(made);
    if (status != RUD_OK) {
        if (made->state != NULL) kind->abort(made);
        free_writer(made);
        return status;
    }
    name_what_is_left(made);
    *writer = made;
    return RUD_OK;
}

static void count_episode(rud_dataset_writer *writer, rud_status status, const rud_episode *episode)
{
    if (status != RUD_OK) return;
    writer->episodes++;
    writer->steps += episode->steps;
}

rud_status rud_dataset_write(rud_dataset_writer *writer, const rud_episode *episode)
{
    static const rud_dataset_changes none = {0};
    if (writer->same_format && writer->source != NULL)
        return rud_error(RUD_ESTATE, "%s: only episodes of %s can be added", writer->path,
                         writer->source->path);
    rud_status status = writer->kind->write(writer, episode, &none);
    count_episode(writer, status, episode);
    return status;
}

/* The infos of the episode that stay, and those of the changes; the values are views. Caller frees
 * the list. */
static rud_status join_infos(const rud_episode *episode, const rud_dataset_changes *changes,
                             rud_info **infos, size_t *count)
{
    *count = 0;
    *infos = malloc((episode->info_count + changes->info_count + 1) * sizeof **infos);
    if (*infos == NULL) return rud_error(RUD_ENOMEM, "no memory for an episode's infos");
    for (size_t k = 0; k < episode->info_count; k++) {
        bool replaced = false;
        for (size_t i = 0; i < changes->info_count; i++)
            replaced |= strcmp(changes->infos[i].name, episode->infos[k].name) == 0;
        if (!replaced) (*infos)[(*count)++] = episode->infos[k];
    }
    for (size_t i = 0; i < changes->info_count; i++) (*infos)[(*count)++] = changes->infos[i];
    return RUD_OK;
}

static rud_status write_changed(rud_dataset_writer *writer, const rud_episode *episode,
                                const rud_dataset_changes *changes)
{
    rud_episode changed = *episode;
    RUD_TRY(join_infos(episode, changes, &changed.infos, &changed.info_count));
    if (changes->rewards != NULL) changed.rewards = (double *)changes->rewards;
    rud_status status = writer->kind->write(writer, &changed, changes);
    free(changed.infos);
    return status;
}

static bool must_be_whole(const rud_dataset_writer *writer)
{
    return writer->same_format && writer->kind->whole;
}

static rud_status not_whole(const rud_dataset_writer *writer)
{
    return rud_error(
        RUD_EINVAL, "%s: %zu of %zu episodes of %s: they can only be carried all, in their order",
        writer->path, writer->episodes, writer->source->episodes, writer->source->path);
}

rud_status rud_dataset_carry(rud_dataset_writer *writer, size_t k, const rud_episode *episode,
                             const rud_dataset_changes *changes)
{
    static const rud_dataset_changes none = {0};
    if (changes == NULL) changes = &none;
    if (writer->source == NULL)
        return rud_error(RUD_ESTATE, "%s: no data set was given to carry from", writer->path);
    if (must_be_whole(writer) && k != writer->episodes) return not_whole(writer);
    if (changes->rewards != NULL)
        RUD_TRY(rud_error_context(rud_check_finite("rewards", changes->rewards, episode->steps, 1),
                                  "%s: episode %zu", writer->path, k));
    rud_status status = writer->same_format ? writer->kind->carry(writer, k, episode, changes)
                                            : write_changed(writer, episode, changes);
    count_episode(writer, status, episode);
    return status;
}

static rud_status check_complete(const rud_dataset_writer *writer)
{
    if (writer->episodes == 0)
        return rud_error(RUD_EINVAL, "%s: not an episode was written", writer->path);
    if (must_be_whole(writer) && writer->episodes != writer->source->episodes)
        return not_whole(writer);
    return RUD_OK;
}

rud_status rud_dataset_writer_commit(rud_dataset_writer **writer)
{
    if (*writer == NULL) return rud_error(RUD_ESTATE, "this writer is closed already");
    rud_status status = check_complete(*writer);
    if (status != RUD_OK) {
        rud_dataset_writer_abort(writer);
        return status;
    }
    status = (*writer)->kind->commit(*writer);
    free_writer(*writer);
    *writer = NULL;
    return status;
}

void rud_dataset_writer_abort(rud_dataset_writer **writer)
{
    if (*writer == NULL) return;
    (*writer)->kind->abort(*writer);
    free_writer(*writer);
    *writer = NULL;
}

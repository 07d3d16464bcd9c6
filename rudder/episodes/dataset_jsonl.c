/* JSON lines as a data set: an index of the lines, or a stream. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "episodes/jsonl_private.h"

typedef struct jsonl {
    rud_jsonl_reader *reader;
    rud_jsonl_mark *marks; /* [episodes], of an index */
    size_t capacity;       /* of marks and of dataset->lengths */
    rud_jsonl_notes notes;
} jsonl;

static bool recognise(const char *path)
{
    (void)path;
    return true;
}

static rud_status check_path(const char *path)
{
    if (rud_is_folder(path))
        return rud_error(RUD_EFORMAT,
                         "%s: a folder that is no data set: neither data/main_data.hdf5 nor "
                         "main_data.hdf5 nor a journal is in it",
                         path);
    return RUD_OK;
}

/* ---- the index ---- */

static rud_status grow(rud_dataset *dataset)
{
    jsonl *state = dataset->state;
    if (dataset->episodes < state->capacity) return RUD_OK;
    size_t capacity = state->capacity == 0 ? 256 : 2 * state->capacity;
    rud_jsonl_mark *marks = realloc(state->marks, capacity * sizeof *marks);
    if (marks != NULL) state->marks = marks;
    size_t *lengths = realloc(dataset->lengths, capacity * sizeof *lengths);
    if (lengths != NULL) dataset->lengths = lengths;
    if (marks == NULL || lengths == NULL)
        return rud_error(RUD_ENOMEM, "%s: no memory for %zu episodes", dataset->path, capacity);
    state->capacity = capacity;
    return RUD_OK;
}

static rud_status add_info_leaves(rud_dataset *dataset, const rud_episode *episode)
{
    for (size_t k = 0; k < episode->info_count; k++) {
        const rud_info *info = &episode->infos[k];
        char name[256], text[RUD_DATASET_SPACE_SIZE];
        snprintf(name, sizeof name, "infos/%s", info->name);
        rud_dataset_space_text(NULL, info->width, text);
        rud_dataset_leaf leaf = {.name = name,
                                 .type = info->integer ? "integers" : "numbers",
                                 .readable = true,
                                 .width = info->width,
                                 .space = text};
        RUD_TRY(rud_dataset_add_leaf(dataset, &leaf));
    }
    return RUD_OK;
}

/* The spaces are known only behind the last line; the infos are the first episode's. */
static rud_status finish_index(rud_dataset *dataset)
{
    jsonl *state = dataset->state;
    rud_jsonl_notes *notes = &state->notes;
    RUD_TRY(rud_value_ranges_space(&notes->observations, notes->plain_observations,
                                   &dataset->observation_space));
    RUD_TRY(rud_value_ranges_space(&notes->actions, notes->plain_actions, &dataset->action_space));
    RUD_TRY(rud_dataset_add_column_leaf(dataset, "observations", &dataset->observation_space));
    RUD_TRY(rud_dataset_add_column_leaf(dataset, "actions", &dataset->action_space));
    if (dataset->episodes == 0) return RUD_OK;
    rud_episode *first;
    RUD_TRY(rud_jsonl_seek(state->reader, state->marks[0]));
    RUD_TRY(rud_jsonl_next(state->reader, &first));
    rud_status status = add_info_leaves(dataset, first);
    rud_episode_free(&first);
    return status;
}

static rud_status make_index(rud_dataset *dataset)
{
    jsonl *state = dataset->state;
    for (;;) {
        rud_episode *episode;
        RUD_TRY(rud_jsonl_next_noted(state->reader, &state->notes, &episode));
        if (episode == NULL) break;
        size_t steps = episode->steps;
        rud_episode_free(&episode);
        RUD_TRY(grow(dataset));
        state->marks[dataset->episodes] = rud_jsonl_mark_of(state->reader);
        dataset->lengths[dataset->episodes++] = steps;
        dataset->steps += steps;
    }
    return finish_index(dataset);
}

/* ---- opening ---- */

static rud_status copy_stream(FILE *from, FILE *to)
{
    char block[1 << 16];
    size_t got;
    while ((got = fread(block, 1, sizeof block, from)) > 0)
        if (fwrite(block, 1, got, to) != got) break;
    if (ferror(from) || ferror(to) || fflush(to) != 0)
        return rud_error(RUD_EIO, "standard input: cannot be copied to a temporary file: %s",
                         strerror(errno));
    rewind(to);
    return RUD_OK;
}

static rud_status open_spooled(rud_jsonl_reader **reader)
{
    FILE *file = tmpfile();
    if (file == NULL)
        return rud_error(RUD_EIO, "standard input: no temporary file: %s", strerror(errno));
    rud_status status = copy_stream(stdin, file);
    if (status == RUD_OK) return rud_jsonl_open_stream(file, "standard input", reader);
    fclose(file);
    return status;
}

static rud_status open_reader(rud_dataset *dataset, bool standard, rud_jsonl_reader **reader)
{
    if (standard && !dataset->options.stream) return open_spooled(reader);
    return rud_jsonl_open(standard ? "-" : dataset->path, reader);
}

static rud_status name_standard_input(rud_dataset *dataset)
{
    free(dataset->path);
    dataset->path = strdup("standard input");
    return dataset->path == NULL ? rud_error(RUD_ENOMEM, "no memory left") : RUD_OK;
}

static rud_status open_jsonl(rud_dataset *dataset)
{
    RUD_TRY(check_path(dataset->path));
    jsonl *state = dataset->state = calloc(1, sizeof *state);
    if (state == NULL) return rud_error(RUD_ENOMEM, "%s: no memory left", dataset->path);
    bool standard = strcmp(dataset->path, "-") == 0;
    if (standard) RUD_TRY(name_standard_input(dataset));
    RUD_TRY(open_reader(dataset, standard, &state->reader));
    if (!dataset->options.stream) return make_index(dataset);
    dataset->episodes = dataset->steps = RUD_DATASET_UNKNOWN;
    return RUD_OK;
}

static void close_jsonl(rud_dataset *dataset)
{
    jsonl *state = dataset->state;
    if (state == NULL) return;
    rud_jsonl_close(&state->reader);
    rud_value_ranges_free(&state->notes.observations);
    rud_value_ranges_free(&state->notes.actions);
    free(state->marks);
    free(state);
}

/* ---- reading ---- */

static rud_status read_jsonl(rud_dataset *dataset, size_t k, rud_episode **episode)
{
    jsonl *state = dataset->state;
    RUD_TRY(rud_jsonl_seek(state->reader, state->marks[k]));
    RUD_TRY(rud_jsonl_next(state->reader, episode));
    if (*episode != NULL && (*episode)->steps == dataset->lengths[k]) return RUD_OK;
    rud_episode_free(episode);
    return rud_error(RUD_EIO, "%s:%zu: the file has changed since it was opened", dataset->path,
                     state->marks[k].line);
}

/* The line is kept with the episode: it cannot be read again. */
static rud_status next_jsonl(rud_dataset *dataset, rud_episode **episode)
{
    jsonl *state = dataset->state;
    size_t length;
    RUD_TRY(rud_jsonl_next(state->reader, episode));
    if (*episode == NULL) {
        dataset->episodes = --dataset->next;
        return dataset->next > 0 ? RUD_OK
                                 : rud_error(RUD_EFORMAT, "%s: holds no episode", dataset->path);
    }
    const char *text = rud_jsonl_text(state->reader, &length);
    (*episode)->text = strndup(text, length);
    if ((*episode)->text != NULL) return RUD_OK;
    rud_episode_free(episode);
    return rud_error(RUD_ENOMEM, "%s: no memory for a line", dataset->path);
}

static void place_jsonl(const rud_dataset *dataset, size_t k, char *text, size_t size)
{
    const jsonl *state = dataset->state;
    snprintf(text, size, "%s:%zu", dataset->path,
             dataset->lengths != NULL && k < dataset->episodes ? state->marks[k].line
                                                               : rud_jsonl_line(state->reader));
}

/* ---- writing ---- */

typedef struct jsonl_writer {
    FILE *stream;
    bool standard;        /* standard output */
    rud_atomic_file file; /* else */
} jsonl_writer;

static rud_status create_jsonl(rud_dataset_writer *writer)
{
    jsonl_writer *state = writer->state = calloc(1, sizeof *state);
    if (state == NULL) return rud_error(RUD_ENOMEM, "%s: no memory left", writer->path);
    state->standard = strcmp(writer->path, "-") == 0;
    if (!state->standard) {
        RUD_TRY(rud_atomic_file_open(writer->path, &state->file));
        state->stream = state->file.stream;
        return RUD_OK;
    }
    int copy = dup(STDOUT_FILENO);
    state->stream = copy < 0 ? NULL : fdopen(copy, "w");
    if (state->stream != NULL) return RUD_OK;
    rud_status status = rud_error(RUD_EIO, "standard output: %s", strerror(errno));
    if (copy >= 0) close(copy);
    return status;
}

static rud_status written(rud_dataset_writer *writer, rud_status status)
{
    jsonl_writer *state = writer->state;
    if (status == RUD_OK && state->standard && fflush(state->stream) != 0)
        status = rud_error(RUD_EIO, "cannot be written: %s", strerror(errno));
    return rud_error_context(status, "%s", state->standard ? "standard output" : writer->path);
}

static rud_status write_jsonl(rud_dataset_writer *writer, const rud_episode *episode,
                              const rud_dataset_changes *changes)
{
    jsonl_writer *state = writer->state;
    (void)changes; /* a line has no place for attributes */
    if (writer->observation_space.width == 0)
        return rud_error(RUD_EINVAL, "%s: the observation space is not known", writer->path);
    return written(writer,
                   rud_jsonl_write(state->stream, &writer->observation_space,
                                   writer->action_space.width > 0 ? &writer->action_space : NULL,
                                   episode));
}

static rud_status carry_jsonl(rud_dataset_writer *writer, size_t k, const rud_episode *episode,
                              const rud_dataset_changes *changes)
{
    jsonl_writer *state = writer->state;
    jsonl *source = writer->source->state;
    const char *text = episode->text;
    size_t length = text != NULL ? strlen(text) : 0;
    if (text == NULL) RUD_TRY(rud_jsonl_text_at(source->reader, source->marks[k], &text, &length));
    return written(writer,
                   rud_jsonl_write_changed(state->stream, text, length, episode->steps, changes));
}

static void abort_jsonl(rud_dataset_writer *writer)
{
    jsonl_writer *state = writer->state;
    if (state->standard && state->stream != NULL) fclose(state->stream);
    if (!state->standard && state->stream != NULL) rud_atomic_file_abort(&state->file);
    free(state);
    writer->state = NULL;
}

static rud_status commit_jsonl(rud_dataset_writer *writer)
{
    jsonl_writer *state = writer->state;
    rud_status status = RUD_OK;
    if (!state->standard) {
        status = rud_atomic_file_commit(&state->file);
        state->stream = NULL;
    }
    abort_jsonl(writer);
    return status;
}

const rud_dataset_kind rud_dataset_jsonl = {
    .name = "jsonl",
    .recognise = recognise,
    .open = open_jsonl,
    .close = close_jsonl,
    .read = read_jsonl,
    .next = next_jsonl,
    .place = place_jsonl,
    .create = create_jsonl,
    .write = write_jsonl,
    .carry = carry_jsonl,
    .commit = commit_jsonl,
    .abort = abort_jsonl,
};

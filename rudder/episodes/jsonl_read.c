#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "episodes/jsonl_private.h"

/* Longest line, in bytes: bounds the memory that a file can ask for. */
static const size_t line_limit = (size_t)1 << 30;

struct rud_jsonl_reader {
    FILE *stream;
    char *path; /* as messages name it */
    char *line; /* [capacity] */
    size_t capacity;
    size_t length;
    size_t number;            /* of the line that was read last */
    bool ended;               /* nothing can be read any more */
    off_t offset;             /* of the byte that is read next */
    off_t line_offset;        /* of the line that was read last */
    size_t observation_width; /* of the first episode; 0 before it */
    size_t action_width;
};

static void close_stream(FILE *stream)
{
    if (stream != NULL && stream != stdin) fclose(stream);
}

rud_status rud_jsonl_open_stream(FILE *stream, const char *name, rud_jsonl_reader **reader)
{
    *reader = NULL;
    rud_jsonl_reader *made = calloc(1, sizeof *made);
    char *path = strdup(name);
    if (made == NULL || path == NULL) {
        close_stream(stream);
        free(made);
        free(path);
        return rud_error(RUD_ENOMEM, "%s: no memory to read it", name);
    }
    made->path = path;
    made->stream = stream;
    *reader = made;
    return RUD_OK;
}

rud_status rud_jsonl_open(const char *path, rud_jsonl_reader **reader)
{
    *reader = NULL;
    bool standard_input = strcmp(path, "-") == 0;
    FILE *stream = standard_input ? stdin : fopen(path, "rb");
    if (stream == NULL)
        return rud_error(RUD_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    return rud_jsonl_open_stream(stream, standard_input ? "standard input" : path, reader);
}

void rud_jsonl_close(rud_jsonl_reader **reader)
{
    if (*reader == NULL) return;
    close_stream((*reader)->stream);
    free((*reader)->path);
    free((*reader)->line);
    free(*reader);
    *reader = NULL;
}

size_t rud_jsonl_line(const rud_jsonl_reader *reader)
{
    return reader->number;
}

static rud_status grow(rud_jsonl_reader *reader)
{
    size_t capacity = reader->capacity == 0 ? 4096 : 2 * reader->capacity;
    char *line = realloc(reader->line, capacity);
    if (line == NULL) return rud_error(RUD_ENOMEM, "no memory for a line of %zu bytes", capacity);
    reader->line = line;
    reader->capacity = capacity;
    return RUD_OK;
}

/* Reads the next line, without its newline. At the end of the file `ended` is set; the last line
 * may lack its newline. */
static rud_status read_line(rud_jsonl_reader *reader)
{
    reader->length = 0;
    reader->number++;
    reader->line_offset = reader->offset;
    int byte;
    while ((byte = getc_unlocked(reader->stream)) != EOF && byte != '\n') {
        if (reader->length == line_limit)
            return rud_error(RUD_EFORMAT, "the line is longer than %zu bytes", line_limit);
        if (reader->length == reader->capacity) RUD_TRY(grow(reader));
        reader->line[reader->length++] = (char)byte;
    }
    reader->offset += (off_t)reader->length + (byte == '\n');
    if (byte != EOF) return RUD_OK;
    reader->ended = true;
    if (ferror(reader->stream)) return rud_error(RUD_EIO, "cannot be read: %s", strerror(errno));
    return RUD_OK;
}

static bool is_blank(const rud_jsonl_reader *reader)
{
    for (size_t i = 0; i < reader->length; i++)
        if (strchr(" \t\r", reader->line[i]) == NULL || reader->line[i] == '\0') return false;
    return true;
}

static rud_status check_width(const char *field, size_t found, size_t first)
{
    if (found == first) return RUD_OK;
    return rud_error(RUD_EFORMAT,
                     "field \"%s\" has rows of width %zu, the first episode's have %zu", field,
                     found, first);
}

/* All episodes of a file are as wide as its first. */
static rud_status check_widths(rud_jsonl_reader *reader, const rud_episode *episode)
{
    if (reader->observation_width == 0) {
        reader->observation_width = episode->observation_width;
        reader->action_width = episode->action_width;
    }
    RUD_TRY(check_width("observations", episode->observation_width, reader->observation_width));
    return check_width("actions", episode->action_width, reader->action_width);
}

static rud_status next(rud_jsonl_reader *reader, rud_jsonl_notes *notes, rud_episode **episode)
{
    do {
        if (reader->ended) return RUD_OK;
        rud_status status = read_line(reader);
        if (status != RUD_OK) {
            reader->ended = true; /* in the middle of a line there is nothing to go on with */
            return status;
        }
    } while (is_blank(reader));
    RUD_TRY(rud_jsonl_parse(reader->line, reader->length, notes, episode));
    rud_status status = check_widths(reader, *episode);
    if (status != RUD_OK) rud_episode_free(episode);
    return status;
}

rud_status rud_jsonl_next_noted(rud_jsonl_reader *reader, rud_jsonl_notes *notes,
                                rud_episode **episode)
{
    *episode = NULL;
    rud_status status = next(reader, notes, episode);
    return rud_error_context(status, "%s:%zu", reader->path, reader->number);
}

rud_status rud_jsonl_next(rud_jsonl_reader *reader, rud_episode **episode)
{
    return rud_jsonl_next_noted(reader, NULL, episode);
}

rud_jsonl_mark rud_jsonl_mark_of(const rud_jsonl_reader *reader)
{
    return (rud_jsonl_mark){reader->line_offset, reader->number};
}

const char *rud_jsonl_text(const rud_jsonl_reader *reader, size_t *length)
{
    *length = reader->length;
    return reader->line;
}

rud_status rud_jsonl_seek(rud_jsonl_reader *reader, rud_jsonl_mark mark)
{
    /* where the reader is already its buffer is kept */
    if ((mark.offset != reader->offset || reader->ended) &&
        fseeko(reader->stream, mark.offset, SEEK_SET) != 0)
        return rud_error(RUD_EIO, "%s: cannot be read: %s", reader->path, strerror(errno));
    reader->offset = mark.offset;
    reader->number = mark.line - 1;
    reader->ended = false;
    return RUD_OK;
}

rud_status rud_jsonl_text_at(rud_jsonl_reader *reader, rud_jsonl_mark mark, const char **text,
                             size_t *length)
{
    RUD_TRY(rud_jsonl_seek(reader, mark));
    rud_status status = read_line(reader);
    *text = rud_jsonl_text(reader, length);
    return rud_error_context(status, "%s:%zu", reader->path, reader->number);
}

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "experiment/run_json_private.h"

static const size_t size_limit = (size_t)1 << 30;

static rud_status read_line(struct json_tokener *tokener, const char *line, size_t length,
                            rud_runs *runs)
{
    if (length >= INT32_MAX) return rud_error(RUD_EFORMAT, "the line is too long");
    json_tokener_reset(tokener);
    /* the newline ends a number or word at the end of the line */
    json_object *record = json_tokener_parse_ex(tokener, line, (int)length + 1);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    if (error != json_tokener_success) {
        json_object_put(record);
        const char *cause =
            error == json_tokener_continue ? "it ends too early" : json_tokener_error_desc(error);
        return rud_error(RUD_EFORMAT, "not JSON: %s", cause);
    }
    rud_run run;
    rud_status status = rud_run_from_json(record, &run);
    json_object_put(record);
    if (status == RUD_OK) return rud_runs_add(runs, &run);
    rud_run_free(&run);
    return status;
}

static rud_status read_lines(const char *path, const char *bytes, size_t size, rud_runs *runs)
{
    struct json_tokener *tokener = json_tokener_new();
    if (!tokener) return rud_error(RUD_ENOMEM, "%s: no memory left", path);
    rud_status status = RUD_OK;
    size_t number = 0;
    for (size_t at = 0; at < size && status == RUD_OK;) {
        const char *line = bytes + at;
        size_t length = (size_t)((const char *)memchr(line, '\n', size - at) - line);
        status = rud_error_context(read_line(tokener, line, length, runs), "%s, line %zu", path,
                                   ++number);
        at += length + 1;
    }
    json_tokener_free(tokener);
    return status;
}

/* Bytes up to and with the last newline. */
static size_t whole_lines(const char *bytes, size_t size)
{
    while (size > 0 && bytes[size - 1] != '\n') size--;
    return size;
}

rud_status rud_runs_read(const char *path, rud_runs *runs)
{
    *runs = (rud_runs){0};
    if (!rud_file_exists(path)) return RUD_OK;
    char *bytes;
    size_t size;
    RUD_TRY(rud_file_read(path, size_limit, &bytes, &size));
    const rud_status status = read_lines(path, bytes, whole_lines(bytes, size), runs);
    free(bytes);
    if (status != RUD_OK) rud_runs_free(runs);
    return status;
}

rud_status rud_runs_mend(const char *path)
{
    if (!rud_file_exists(path)) return RUD_OK;
    char *bytes;
    size_t size;
    RUD_TRY(rud_file_read(path, size_limit, &bytes, &size));
    const size_t whole = whole_lines(bytes, size);
    free(bytes);
    if (whole == size || truncate(path, (off_t)whole) == 0) return RUD_OK;
    return rud_error(RUD_EIO, "%s: cannot cut off its torn last line: %s", path, strerror(errno));
}

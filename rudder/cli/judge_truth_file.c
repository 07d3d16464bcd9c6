/* rudder judge truth --truth: a truth for each episode, from JSON lines. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/judge.h"

#define MOST_BYTES ((size_t)1 << 30)

static const char *id_of(json_object *line)
{
    json_object *id = NULL;
    json_object_object_get_ex(line, "id", &id);
    return json_object_is_type(id, json_type_string) || json_object_is_type(id, json_type_int)
               ? json_object_get_string(id)
               : NULL;
}

static rud_status take_numbers(json_object *array, double *row)
{
    for (size_t t = 0; t < json_object_array_length(array); t++) {
        if (!rud_json_number_at(array, t, &row[t]) || !isfinite(row[t])) {
            return rud_error(RUD_EFORMAT, "step_relevance[%zu] is not a finite number", t);
        }
    }
    return RUD_OK;
}

/* Truths of episodes that are not there are left out. */
static rud_status take_line(cli_truths *t, json_object *line)
{
    json_object *array = NULL;
    const char *id = id_of(line);
    if (!id) return rud_error(RUD_EFORMAT, "no \"id\"");
    json_object_object_get_ex(line, "step_relevance", &array);
    if (!json_object_is_type(array, json_type_array)) {
        return rud_error(RUD_EFORMAT, "step_relevance is missing, or not an array");
    }
    for (size_t e = 0; e < t->episodes->count; e++) {
        const rud_episode *episode = t->episodes->items[e];
        if (!episode->id || strcmp(episode->id, id) != 0) continue;
        if (t->rows[e]) return rud_error(RUD_EFORMAT, "id \"%s\" stands there twice", id);
        if (json_object_array_length(array) != episode->steps) {
            return rud_error(RUD_EFORMAT, "episode \"%s\" has %zu steps, step_relevance has %zu",
                             id, episode->steps, json_object_array_length(array));
        }
        t->rows[e] = calloc(episode->steps, sizeof *t->rows[e]);
        if (!t->rows[e]) return rud_error(RUD_ENOMEM, "no memory for %zu steps", episode->steps);
        return take_numbers(array, t->rows[e]);
    }
    return RUD_OK;
}

static rud_status take_lines(cli_truths *t, const char *path, char *text)
{
    char *rest = NULL;
    size_t number = 0;
    for (char *line = text; line; line = rest) {
        rest = strchr(line, '\n');
        if (rest) *rest++ = '\0';
        number++;
        if (line[strspn(line, " \t\r")] == '\0') continue;
        json_object *object = NULL;
        rud_status status = rud_json_parse(line, strlen(line), &object);
        if (status == RUD_OK) status = take_line(t, object);
        json_object_put(object);
        RUD_TRY(rud_error_context(status, "%s:%zu", path, number));
    }
    for (size_t e = 0; e < t->episodes->count; e++) {
        const char *id = t->episodes->items[e]->id;
        if (t->rows[e]) continue;
        if (!id) {
            return rud_error(RUD_EFORMAT, "episode %zu has no id, by which %s tells its truth", e,
                             path);
        }
        return rud_error(RUD_EFORMAT, "%s: no line for episode %zu, id \"%s\"", path, e, id);
    }
    return RUD_OK;
}

rud_status cli_truths_read(const rud_episodes *episodes, const char *path, cli_truths *t)
{
    char *text;
    size_t size;
    *t = (cli_truths){.episodes = episodes};
    t->rows = calloc(t->episodes->count, sizeof *t->rows);
    if (!t->rows) return rud_error(RUD_ENOMEM, "no memory for %zu episodes", t->episodes->count);
    RUD_TRY(rud_file_read(path, MOST_BYTES, &text, &size));
    const rud_status status = take_lines(t, path, text);
    free(text);
    return status;
}

void cli_truths_free(cli_truths *t)
{
    for (size_t e = 0; t->rows && e < t->episodes->count; e++) free(t->rows[e]);
    free(t->rows);
    *t = (cli_truths){0};
}

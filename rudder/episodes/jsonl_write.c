#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "episodes/jsonl_private.h"

static rud_status check_row(const rud_space *space, const double *row)
{
    if (rud_space_all_discrete(space)) return rud_space_check(space, row);
    for (size_t k = 0; k < space->width; k++) {
        if (!isfinite(row[k])) return rud_error(RUD_ENONFINITE, "component %zu is not finite", k);
        if (rud_space_is_discrete(space, k) &&
            !(row[k] == floor(row[k]) && row[k] >= 0 && row[k] < (double)space->sizes[k]))
            return rud_space_check(space, row);
    }
    return RUD_OK;
}

static rud_status check_table(const char *field, const rud_space *space, const double *rows,
                              size_t count, size_t width)
{
    size_t expected = space == NULL ? 0 : space->width;
    if (width != expected)
        return rud_error(RUD_EINVAL, "field \"%s\": rows of width %zu, but the space has %zu",
                         field, width, expected);
    for (size_t r = 0; space != NULL && r < count; r++) {
        rud_status status = check_row(space, rows + r * width);
        if (status != RUD_OK) return rud_error_context(status, "field \"%s\"[%zu]", field, r);
    }
    return RUD_OK;
}

rud_status rud_jsonl_check_infos(const rud_info *infos, size_t count)
{
    for (size_t k = 0; k < count; k++)
        if (rud_jsonl_is_field(infos[k].name))
            return rud_error(RUD_EINVAL,
                             "the info \"%s\" is called as a field of every line is: JSON lines "
                             "cannot hold both",
                             infos[k].name);
    return RUD_OK;
}

static rud_status check(const rud_space *observation_space, const rud_space *action_space,
                        const rud_episode *episode)
{
    RUD_TRY(check_table("observations", observation_space, episode->observations,
                        episode->observation_rows, episode->observation_width));
    if (episode->action_width > 0)
        RUD_TRY(check_table("actions", action_space, episode->actions, episode->steps,
                            episode->action_width));
    for (size_t t = 0; t < episode->steps; t++)
        if (!isfinite(episode->rewards[t]))
            return rud_error(RUD_ENONFINITE, "field \"rewards\"[%zu] is not finite", t);
    return rud_jsonl_check_infos(episode->infos, episode->info_count);
}

/* JSON escapes are json-c's. */
static rud_status write_text(FILE *stream, const char *text)
{
    json_object *object = json_object_new_string(text);
    const char *quoted =
        object == NULL ? NULL
                       : json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE);
    if (quoted != NULL) fputs(quoted, stream);
    json_object_put(object);
    return quoted == NULL ? rud_error(RUD_ENOMEM, "no memory for an episode's text") : RUD_OK;
}

static rud_status write_id(FILE *stream, const char *id)
{
    fputs("\"id\": ", stream);
    RUD_TRY(write_text(stream, id));
    fputs(", ", stream);
    return RUD_OK;
}

static void write_number(FILE *stream, double value)
{
    char text[RUD_NUMBER_SIZE];
    rud_number_text(value, text);
    fputs(text, stream);
}

/* With a point or an exponent always: integers mark discrete components. */
static void write_real(FILE *stream, double value)
{
    char text[RUD_NUMBER_SIZE];
    rud_number_text(value, text);
    fputs(text, stream);
    if (strpbrk(text, ".e") == NULL) fputs(".0", stream);
}

static void write_component(FILE *stream, const rud_space *space, size_t k, double value)
{
    if (rud_space_is_discrete(space, k))
        fprintf(stream, "%" PRId64, (int64_t)value);
    else
        write_real(stream, value);
}

static void write_table(FILE *stream, const char *field, const rud_space *space, const double *rows,
                        size_t count)
{
    bool plain = space->kind == RUD_SPACE_DISCRETE;
    fprintf(stream, "\"%s\": [", field);
    for (size_t r = 0; r < count; r++) {
        if (r > 0) fputs(", ", stream);
        if (!plain) fputc('[', stream);
        for (size_t k = 0; k < space->width; k++) {
            if (k > 0) fputs(", ", stream);
            write_component(stream, space, k, rows[r * space->width + k]);
        }
        if (!plain) fputc(']', stream);
    }
    fputs("], ", stream);
}

/* null is NaN or infinity, which JSON does not know. */
static void write_info_number(FILE *stream, bool integer, double value)
{
    if (!isfinite(value))
        fputs("null", stream);
    else if (integer && fabs(value) < 9.2e18)
        fprintf(stream, "%" PRId64, (int64_t)value);
    else
        write_real(stream, value);
}

static rud_status write_infos(FILE *stream, const rud_episode *episode)
{
    for (size_t i = 0; i < episode->info_count; i++) {
        const rud_info *info = &episode->infos[i];
        fputs(", ", stream);
        RUD_TRY(write_text(stream, info->name));
        fputs(": [", stream);
        for (size_t r = 0; r <= episode->steps; r++) {
            if (r > 0) fputs(", ", stream);
            if (info->width > 1) fputc('[', stream);
            for (size_t k = 0; k < info->width; k++) {
                if (k > 0) fputs(", ", stream);
                write_info_number(stream, info->integer, info->values[r * info->width + k]);
            }
            if (info->width > 1) fputc(']', stream);
        }
        fputc(']', stream);
    }
    return RUD_OK;
}

rud_status rud_jsonl_write(FILE *stream, const rud_space *observation_space,
                           const rud_space *action_space, const rud_episode *episode)
{
    RUD_TRY(check(observation_space, action_space, episode));
    fputc('{', stream);
    if (episode->id != NULL) RUD_TRY(write_id(stream, episode->id));
    write_table(stream, "observations", observation_space, episode->observations,
                episode->observation_rows);
    if (episode->action_width > 0)
        write_table(stream, "actions", action_space, episode->actions, episode->steps);
    fputs("\"rewards\": [", stream);
    for (size_t t = 0; t < episode->steps; t++) {
        if (t > 0) fputs(", ", stream);
        write_number(stream, episode->rewards[t]);
    }
    fprintf(stream, "], \"terminated\": %s, \"truncated\": %s",
            episode->terminated ? "true" : "false", episode->truncated ? "true" : "false");
    if (episode->has_seed) fprintf(stream, ", \"seed\": %" PRIu64, episode->seed);
    RUD_TRY(write_infos(stream, episode));
    fputs("}\n", stream);
    if (ferror(stream))
        return rud_error(RUD_EIO, "an episode cannot be written: %s", strerror(errno));
    return RUD_OK;
}

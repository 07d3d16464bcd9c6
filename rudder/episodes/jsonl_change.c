/* A line of JSON written again with other rewards and further infos: all else as it stands. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "episodes/jsonl_private.h"

static json_object *number_of(double value, bool integer)
{
    if (!isfinite(value)) return NULL; /* null */
    if (integer && fabs(value) < 9.2e18) return json_object_new_int64((int64_t)value);
    char text[RUD_NUMBER_SIZE];
    rud_number_text(value, text);
    return json_object_new_double_s(value, text);
}

/* [count] numbers, or [count][width]. NULL without memory. */
static json_object *array_of(const double *values, size_t count, size_t width, bool integer)
{
    json_object *array = json_object_new_array();
    for (size_t k = 0; array != NULL && k < count; k++) {
        json_object *item = width > 1 ? array_of(values + k * width, width, 1, integer)
                                      : number_of(values[k], integer);
        bool missing = item == NULL && (width > 1 || isfinite(values[k]));
        if (!missing && json_object_array_add(array, item) == 0) continue;
        json_object_put(item);
        json_object_put(array);
        return NULL;
    }
    return array;
}

static bool change(json_object *root, size_t steps, const rud_dataset_changes *changes)
{
    bool done = changes->rewards == NULL ||
                rud_json_put(root, "rewards", array_of(changes->rewards, steps, 1, false));
    for (size_t i = 0; done && i < changes->info_count; i++) {
        const rud_info *info = &changes->infos[i];
        done = rud_json_put(root, info->name,
                            array_of(info->values, steps + 1, info->width, info->integer));
    }
    return done;
}

static rud_status print(FILE *stream, json_object *root)
{
    const char *line = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN |
                                                                JSON_C_TO_STRING_NOSLASHESCAPE);
    if (line == NULL) return rud_error(RUD_ENOMEM, "no memory for an episode's line");
    if (fputs(line, stream) == EOF || fputc('\n', stream) == EOF)
        return rud_error(RUD_EIO, "an episode cannot be written: %s", strerror(errno));
    return RUD_OK;
}

rud_status rud_jsonl_write_changed(FILE *stream, const char *text, size_t length, size_t steps,
                                   const rud_dataset_changes *changes)
{
    json_object *root;
    RUD_TRY(rud_jsonl_check_infos(changes->infos, changes->info_count));
    RUD_TRY(rud_json_parse(text, length, &root));
    rud_status status = change(root, steps, changes)
                            ? print(stream, root)
                            : rud_error(RUD_ENOMEM, "no memory for an episode's line");
    json_object_put(root);
    return status;
}

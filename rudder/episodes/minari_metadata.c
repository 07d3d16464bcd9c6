#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "episodes/minari_private.h"

static bool ends_in_version(const char *name)
{
    const char *dash = strrchr(name, '-');
    if (dash == NULL || dash == name || dash[1] != 'v' || dash[2] == '\0') return false;
    return dash[2 + strspn(dash + 2, "0123456789")] == '\0';
}

/* Minari's rule for an id: [namespace/]name-v<number>, of letters, digits and _ - : . */
static bool put_id(json_object *root, const rud_dataset_writer *writer)
{
    const char *path = writer->path;
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/') begin--;
    if (rud_is_hdf5_path(path)) end = (size_t)(strrchr(path, '.') - path);
    size_t size = (writer->name != NULL ? strlen(writer->name) : end - begin) + 8;
    char *id = malloc(size);
    if (id == NULL) return false;
    if (writer->name != NULL)
        snprintf(id, size - 4, "%s", writer->name);
    else
        snprintf(id, size - 4, "%.*s", (int)(end - begin), path + begin);
    for (char *c = id; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr("_-:./", *c) == NULL) *c = '-';
    if (!ends_in_version(id)) strcat(id, "-v0");
    bool done = rud_json_put_text(root, "dataset_id", id);
    free(id);
    return done;
}

static bool put_size(json_object *root, uint64_t bytes)
{
    char text[32];
    const uint64_t tenths = bytes / 100000; /* of a megabyte, as Minari rounds it */
    snprintf(text, sizeof text, "%llu.%llu", (unsigned long long)(tenths / 10),
             (unsigned long long)(tenths % 10));
    return rud_json_put(root, "dataset_size", json_object_new_double_s((double)bytes / 1e6, text));
}

static bool put_all(json_object *root, const rud_dataset_writer *writer,
                    const char *observation_space, const char *action_space, uint64_t bytes)
{
    json_object *id;
    bool done = rud_json_put_count(root, "total_episodes", writer->episodes) &&
                rud_json_put_count(root, "total_steps", writer->steps) &&
                rud_json_put_text(root, "data_format", "hdf5");
    if (done && observation_space != NULL)
        done = rud_json_put_text(root, "observation_space", observation_space);
    if (done && action_space != NULL) done = rud_json_put_text(root, "action_space", action_space);
    if (done && (writer->name != NULL || !json_object_object_get_ex(root, "dataset_id", &id)))
        done = put_id(root, writer);
    if (done && !json_object_object_get_ex(root, "minari_version", &id))
        done = rud_json_put_text(root, "minari_version", "0.5.3");
    done = done && put_size(root, bytes);
    for (size_t k = 0; done && k < writer->metadata_count; k++)
        done = rud_json_put_text(root, writer->metadata[2 * k], writer->metadata[2 * k + 1]);
    return done;
}

rud_status rud_minari_metadata(const rud_dataset_writer *writer, const char *observation_space,
                               const char *action_space, uint64_t data_bytes, char **json)
{
    const rud_dataset *source = writer->source;
    json_object *root = NULL;
    *json = NULL;
    if (writer->same_format && source->metadata != NULL)
        RUD_TRY(rud_json_parse(source->metadata, strlen(source->metadata), &root));
    else
        root = json_object_new_object();
    const char *text = NULL;
    if (root != NULL && put_all(root, writer, observation_space, action_space, data_bytes))
        text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_SPACED |
                                                        JSON_C_TO_STRING_NOSLASHESCAPE);
    if (text != NULL) *json = strdup(text);
    json_object_put(root);
    return *json != NULL ? RUD_OK : rud_error(RUD_ENOMEM, "no memory for the metadata");
}

/* A part as Gymnasium's space, in Minari's JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "episodes/minari_private.h"

/* Writes value k of a leaf. */
typedef void write_value(FILE *stream, const rud_minari_leaf *leaf, size_t k);

static void write_size(FILE *stream, const rud_minari_leaf *leaf, size_t k)
{
    fprintf(stream, "%lld", (long long)leaf->sizes[k]);
}

static void write_zero(FILE *stream, const rud_minari_leaf *leaf, size_t k)
{
    (void)leaf;
    (void)k;
    fputc('0', stream);
}

/* Infinite bounds stand as bare Infinity. */
static void write_bound(FILE *stream, double value)
{
    char text[RUD_NUMBER_SIZE];
    if (!isfinite(value)) {
        fprintf(stream, "%sInfinity", value < 0 ? "-" : "");
        return;
    }
    rud_number_text(value, text);
    fprintf(stream, "%s%s", text, strpbrk(text, ".e") == NULL ? ".0" : "");
}

static void write_low(FILE *stream, const rud_minari_leaf *leaf, size_t k)
{
    write_bound(stream, leaf->low == NULL ? -INFINITY : leaf->low[k]);
}

static void write_high(FILE *stream, const rud_minari_leaf *leaf, size_t k)
{
    write_bound(stream, leaf->high == NULL ? INFINITY : leaf->high[k]);
}

/* Lists within lists, as deep as the shape; *k counts the values. */
static void write_nested(FILE *stream, const rud_minari_leaf *leaf, size_t depth,
                         write_value *write, size_t *k)
{
    if (depth == leaf->rank) {
        write(stream, leaf, (*k)++);
        return;
    }
    fputc('[', stream);
    for (size_t i = 0; i < leaf->shape[depth]; i++) {
        if (i > 0) fputs(", ", stream);
        write_nested(stream, leaf, depth + 1, write, k);
    }
    fputc(']', stream);
}

static void write_values(FILE *stream, const char *key, const rud_minari_leaf *leaf,
                         write_value *write)
{
    size_t k = 0;
    fprintf(stream, ", \"%s\": ", key);
    write_nested(stream, leaf, 0, write, &k);
}

static void write_leaf(FILE *stream, const rud_minari_leaf *leaf)
{
    if (leaf->sort == RUD_MINARI_DISCRETE) {
        fprintf(stream, "{\"type\": \"Discrete\", \"dtype\": \"int64\", \"start\": 0, \"n\": %lld}",
                (long long)leaf->sizes[0]);
    } else if (leaf->sort == RUD_MINARI_MULTI_DISCRETE) {
        fputs("{\"type\": \"MultiDiscrete\", \"dtype\": \"int64\"", stream);
        write_values(stream, "nvec", leaf, write_size);
        write_values(stream, "start", leaf, write_zero);
        fputc('}', stream);
    } else {
        fprintf(stream, "{\"type\": \"Box\", \"dtype\": \"%s\", \"shape\": [", leaf->type);
        for (size_t i = 0; i < leaf->rank; i++)
            fprintf(stream, "%s%zu", i > 0 ? ", " : "", leaf->shape[i]);
        fputc(']', stream);
        write_values(stream, "low", leaf, write_low);
        write_values(stream, "high", leaf, write_high);
        fputc('}', stream);
    }
}

static size_t component_length(const char *path)
{
    return strcspn(path, "/");
}

/* The key of a Dict, quoted. */
static void write_key(FILE *stream, const char *path)
{
    json_object *key = json_object_new_string_len(path, (int)component_length(path));
    const char *quoted =
        key == NULL ? NULL : json_object_to_json_string_ext(key, JSON_C_TO_STRING_NOSLASHESCAPE);
    fprintf(stream, "%s: ", quoted != NULL ? quoted : "\"\"");
    json_object_put(key);
}

/* Leaves first .. end - 1, whose paths agree up to `at`: one array, or a group of its members,
 * which stand side by side. */
static void write_tree(FILE *stream, const rud_minari_part *part, size_t first, size_t end,
                       size_t at)
{
    const char *path = part->leaves[first].path;
    if (path[at] == '\0') {
        write_leaf(stream, &part->leaves[first]);
        return;
    }
    bool tuple = strncmp(path + at, "/_index_", 8) == 0;
    fprintf(stream, "{\"type\": \"%s\", \"subspaces\": %c", tuple ? "Tuple" : "Dict",
            tuple ? '[' : '{');
    for (size_t k = first; k < end;) {
        const char *member = part->leaves[k].path + at + 1;
        size_t length = component_length(member), next = k + 1;
        while (next < end && strncmp(part->leaves[next].path + at + 1, member, length) == 0 &&
               strchr("/", part->leaves[next].path[at + 1 + length]) != NULL)
            next++;
        if (k > first) fputs(", ", stream);
        if (!tuple) write_key(stream, member);
        write_tree(stream, part, k, next, at + 1 + length);
        k = next;
    }
    fputs(tuple ? "]}" : "}}", stream);
}

rud_status rud_minari_part_to_json(const rud_minari_part *part, char **json)
{
    size_t size;
    *json = NULL;
    for (size_t k = 0; k < part->count; k++)
        if (part->leaves[k].sort == RUD_MINARI_OTHER)
            return rud_error(RUD_EINVAL,
                             "the space of %s (%s) is not known: there is no metadata that says "
                             "it. Write a bare file (.hdf5)",
                             part->leaves[k].path, part->leaves[k].type);
    FILE *stream = open_memstream(json, &size);
    if (stream == NULL) return rud_error(RUD_ENOMEM, "no memory for a space");
    size_t root = part->count > 0 ? component_length(part->leaves[0].path) : 0;
    if (part->count > 0) write_tree(stream, part, 0, part->count, root);
    bool failed = ferror(stream) != 0;
    if (fclose(stream) == 0 && !failed) return RUD_OK;
    free(*json);
    *json = NULL;
    return rud_error(RUD_ENOMEM, "no memory for a space");
}

/* Gymnasium's spaces, as Minari writes them in JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "episodes/features.h"
#include "episodes/minari_private.h"

/* What is being read: messages name the path. */
typedef struct place {
    rud_minari_part *part;
    const char *path;
} place;

static rud_status parse(place at, json_object *space);

static rud_status find(place at, json_object *space, const char *key, json_object **value)
{
    if (json_object_object_get_ex(space, key, value)) return RUD_OK;
    return rud_error(RUD_EFORMAT, "the space of %s has no \"%s\"", at.path, key);
}

static bool is_number(json_object *value)
{
    return json_object_is_type(value, json_type_int) ||
           json_object_is_type(value, json_type_double);
}

/* Numbers in `value`, nested lists being flattened; SIZE_MAX if anything else is in them. */
static size_t count_numbers(json_object *value)
{
    if (is_number(value)) return 1;
    if (!json_object_is_type(value, json_type_array)) return SIZE_MAX;
    size_t sum = 0;
    for (size_t k = 0; k < json_object_array_length(value); k++) {
        size_t inside = count_numbers(json_object_array_get_idx(value, k));
        if (inside == SIZE_MAX) return SIZE_MAX;
        sum += inside;
    }
    return sum;
}

static void put_reals(json_object *value, double **next)
{
    if (is_number(value)) *(*next)++ = json_object_get_double(value);
    for (size_t k = 0;
         json_object_is_type(value, json_type_array) && k < json_object_array_length(value); k++)
        put_reals(json_object_array_get_idx(value, k), next);
}

static void put_integers(json_object *value, int64_t **next)
{
    if (is_number(value)) *(*next)++ = json_object_get_int64(value);
    for (size_t k = 0;
         json_object_is_type(value, json_type_array) && k < json_object_array_length(value); k++)
        put_integers(json_object_array_get_idx(value, k), next);
}

static rud_status check_width(place at, uint64_t width)
{
    if (width >= 1 && at.part->width + width <= RUD_FEATURES_WIDTH_MAX) return RUD_OK;
    return rud_error(RUD_EFORMAT, "the space of %s has %llu components; allowed are 1 to %zu",
                     at.path, (unsigned long long)width, RUD_FEATURES_WIDTH_MAX - at.part->width);
}

/* "Box(2, 3)" of the shape in `list`, a number or a list of numbers. */
static void describe(rud_minari_leaf *leaf, const char *name, json_object *list)
{
    size_t used = (size_t)snprintf(leaf->space, sizeof leaf->space, "%s(", name);
    size_t count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    if (is_number(list))
        used += (size_t)snprintf(leaf->space + used, sizeof leaf->space - used, "%lld",
                                 (long long)json_object_get_int64(list));
    for (size_t k = 0; k < count && used + 32 < sizeof leaf->space; k++)
        used +=
            (size_t)snprintf(leaf->space + used, sizeof leaf->space - used, "%s%lld", k ? ", " : "",
                             (long long)json_object_get_int64(json_object_array_get_idx(list, k)));
    if (used + 2 < sizeof leaf->space) strcpy(leaf->space + used, ")");
}

/* ---- discrete ---- */

static rud_status make_sizes(place at, rud_minari_leaf *leaf)
{
    leaf->sizes = calloc(leaf->width, sizeof *leaf->sizes);
    leaf->starts = calloc(leaf->width, sizeof *leaf->starts);
    if (leaf->sizes != NULL && leaf->starts != NULL) return RUD_OK;
    return rud_error(RUD_ENOMEM, "no memory for the space of %s", at.path);
}

static rud_status check_sizes(place at, const rud_minari_leaf *leaf)
{
    for (size_t k = 0; k < leaf->width; k++)
        if (leaf->sizes[k] < 1)
            return rud_error(RUD_EFORMAT, "the space of %s has size %lld: it must be at least 1",
                             at.path, (long long)leaf->sizes[k]);
    return RUD_OK;
}

/* Discrete by "n", MultiDiscrete by "nvec"; "start" may be absent. */
static rud_status parse_discrete(place at, json_object *space, rud_minari_sort sort,
                                 const char *key, const char *name)
{
    json_object *sizes, *starts = NULL;
    RUD_TRY(find(at, space, key, &sizes));
    size_t width = count_numbers(sizes);
    if (width == SIZE_MAX || (sort == RUD_MINARI_DISCRETE && width != 1))
        return rud_error(RUD_EFORMAT, "\"%s\" in the space of %s is not made of numbers", key,
                         at.path);
    RUD_TRY(check_width(at, width));
    if (json_object_object_get_ex(space, "start", &starts) && starts != NULL &&
        count_numbers(starts) != width)
        return rud_error(RUD_EFORMAT, "\"start\" in the space of %s does not fit \"%s\"", at.path,
                         key);
    rud_minari_leaf *leaf;
    RUD_TRY(rud_minari_part_add(at.part, at.path, sort, width, &leaf));
    snprintf(leaf->type, sizeof leaf->type, "int64");
    describe(leaf, name, sizes);
    RUD_TRY(make_sizes(at, leaf));
    int64_t *next = leaf->sizes;
    put_integers(sizes, &next);
    next = leaf->starts;
    if (starts != NULL) put_integers(starts, &next);
    return check_sizes(at, leaf);
}

/* The product of a shape, a number or a list. */
static rud_status shape_width(place at, json_object *shape, uint64_t *width)
{
    *width = 1;
    size_t count =
        json_object_is_type(shape, json_type_array) ? json_object_array_length(shape) : 1;
    for (size_t k = 0; k < count; k++) {
        json_object *item = json_object_is_type(shape, json_type_array)
                                ? json_object_array_get_idx(shape, k)
                                : shape;
        int64_t size = json_object_get_int64(item);
        if (!json_object_is_type(item, json_type_int) || size < 1 ||
            size > (int64_t)RUD_FEATURES_WIDTH_MAX || *width > RUD_FEATURES_WIDTH_MAX)
            return rud_error(RUD_EFORMAT, "the shape in the space of %s is not allowed", at.path);
        *width *= (uint64_t)size;
    }
    return RUD_OK;
}

static rud_status parse_multi_binary(place at, json_object *space)
{
    json_object *shape;
    uint64_t width;
    RUD_TRY(find(at, space, "n", &shape));
    RUD_TRY(shape_width(at, shape, &width));
    RUD_TRY(check_width(at, width));
    rud_minari_leaf *leaf;
    RUD_TRY(rud_minari_part_add(at.part, at.path, RUD_MINARI_MULTI_BINARY, width, &leaf));
    snprintf(leaf->type, sizeof leaf->type, "int8");
    describe(leaf, "MultiBinary", shape);
    RUD_TRY(make_sizes(at, leaf));
    for (size_t k = 0; k < leaf->width; k++) leaf->sizes[k] = 2;
    return RUD_OK;
}

/* ---- boxes ---- */

static rud_status parse_bounds(place at, json_object *space, const char *key, size_t width,
                               double **bounds)
{
    json_object *value = NULL;
    if (!json_object_object_get_ex(space, key, &value) || value == NULL) return RUD_OK;
    size_t count = count_numbers(value);
    if (count != 1 && count != width)
        return rud_error(RUD_EFORMAT, "\"%s\" in the space of %s does not fit its shape", key,
                         at.path);
    *bounds = malloc(width * sizeof **bounds);
    if (*bounds == NULL) return rud_error(RUD_ENOMEM, "no memory for the space of %s", at.path);
    double *next = *bounds;
    put_reals(value, &next);
    for (size_t k = count; k < width; k++) (*bounds)[k] = (*bounds)[0];
    return RUD_OK;
}

/* Minari keeps these as JPEG: uint8, two sides of at least 32, all bounds 0 and 255. */
static bool is_image(json_object *space, json_object *shape, const char *type)
{
    size_t rank = json_object_is_type(shape, json_type_array) ? json_object_array_length(shape) : 0;
    if (strcmp(type, "uint8") != 0 || rank < 2 || rank > 3) return false;
    for (size_t k = 0; k < 2; k++)
        if (json_object_get_int64(json_object_array_get_idx(shape, k)) < 32) return false;
    json_object *low = NULL, *high = NULL;
    json_object_object_get_ex(space, "low", &low);
    json_object_object_get_ex(space, "high", &high);
    while (json_object_is_type(low, json_type_array)) low = json_object_array_get_idx(low, 0);
    while (json_object_is_type(high, json_type_array)) high = json_object_array_get_idx(high, 0);
    return json_object_get_double(low) == 0 && json_object_get_double(high) == 255;
}

static rud_status add_other(place at, const char *type, const char *name, json_object *shape)
{
    rud_minari_leaf *leaf;
    RUD_TRY(rud_minari_part_add(at.part, at.path, RUD_MINARI_OTHER, 0, &leaf));
    snprintf(leaf->type, sizeof leaf->type, "%s", type);
    describe(leaf, name, shape);
    return RUD_OK;
}

static rud_status parse_box(place at, json_object *space)
{
    json_object *shape, *type;
    uint64_t width;
    RUD_TRY(find(at, space, "shape", &shape));
    RUD_TRY(find(at, space, "dtype", &type));
    RUD_TRY(shape_width(at, shape, &width));
    if (!json_object_is_type(type, json_type_string))
        return rud_error(RUD_EFORMAT, "\"dtype\" in the space of %s is no text", at.path);
    if (is_image(space, shape, json_object_get_string(type)))
        return add_other(at, "image", "Box", shape);
    RUD_TRY(check_width(at, width));
    rud_minari_leaf *leaf;
    RUD_TRY(rud_minari_part_add(at.part, at.path, RUD_MINARI_BOX, width, &leaf));
    snprintf(leaf->type, sizeof leaf->type, "%s", json_object_get_string(type));
    describe(leaf, "Box", shape);
    RUD_TRY(parse_bounds(at, space, "low", width, &leaf->low));
    RUD_TRY(parse_bounds(at, space, "high", width, &leaf->high));
    if ((leaf->low == NULL) != (leaf->high == NULL))
        return rud_error(RUD_EFORMAT, "the space of %s has one bound only", at.path);
    for (size_t k = 0; leaf->low != NULL && k < width; k++)
        if (!(leaf->low[k] <= leaf->high[k]))
            return rud_error(RUD_EFORMAT, "component %zu in the space of %s: low %g, high %g", k,
                             at.path, leaf->low[k], leaf->high[k]);
    return RUD_OK;
}

/* ---- Dict and Tuple ---- */

static rud_status parse_below(place at, const char *key, json_object *space)
{
    size_t size = strlen(at.path) + strlen(key) + 2;
    char *path = malloc(size);
    if (path == NULL) return rud_error(RUD_ENOMEM, "no memory for the space of %s", at.path);
    snprintf(path, size, "%s/%s", at.path, key);
    rud_status status = parse((place){at.part, path}, space);
    free(path);
    return status;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static rud_status parse_dict(place at, json_object *subspaces)
{
    if (!json_object_is_type(subspaces, json_type_object))
        return rud_error(RUD_EFORMAT, "\"subspaces\" in the space of %s is no object", at.path);
    size_t count = (size_t)json_object_object_length(subspaces), next = 0;
    const char **keys = malloc((count + 1) * sizeof *keys);
    if (keys == NULL) return rud_error(RUD_ENOMEM, "no memory for the space of %s", at.path);
    json_object_object_foreach(subspaces, key, value)
    {
        (void)value;
        keys[next++] = key;
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    rud_status status = RUD_OK;
    for (size_t k = 0; k < count && status == RUD_OK; k++)
        status = parse_below(at, keys[k], json_object_object_get(subspaces, keys[k]));
    free(keys);
    return status;
}

static rud_status parse_tuple(place at, json_object *subspaces)
{
    if (!json_object_is_type(subspaces, json_type_array))
        return rud_error(RUD_EFORMAT, "\"subspaces\" in the space of %s is no list", at.path);
    for (size_t k = 0; k < json_object_array_length(subspaces); k++) {
        char key[40];
        snprintf(key, sizeof key, "_index_%zu", k);
        RUD_TRY(parse_below(at, key, json_object_array_get_idx(subspaces, k)));
    }
    return RUD_OK;
}

static rud_status parse(place at, json_object *space)
{
    json_object *type = NULL, *subspaces = NULL;
    if (!json_object_is_type(space, json_type_object))
        return rud_error(RUD_EFORMAT, "the space of %s is no object", at.path);
    RUD_TRY(find(at, space, "type", &type));
    const char *name = json_object_get_string(type);
    if (name == NULL) name = "null";
    bool dict = strcmp(name, "Dict") == 0;
    if (dict || strcmp(name, "Tuple") == 0) {
        RUD_TRY(find(at, space, "subspaces", &subspaces));
        return dict ? parse_dict(at, subspaces) : parse_tuple(at, subspaces);
    }
    if (strcmp(name, "Box") == 0) return parse_box(at, space);
    if (strcmp(name, "MultiBinary") == 0) return parse_multi_binary(at, space);
    if (strcmp(name, "Discrete") == 0)
        return parse_discrete(at, space, RUD_MINARI_DISCRETE, "n", "Discrete");
    if (strcmp(name, "MultiDiscrete") == 0)
        return parse_discrete(at, space, RUD_MINARI_MULTI_DISCRETE, "nvec", "MultiDiscrete");
    if (strcmp(name, "Text") == 0) return add_other(at, "text", "Text", NULL);
    return add_other(at, name, name, NULL);
}

rud_status rud_minari_part_parse(const char *json, const char *root, rud_minari_part *part)
{
    *part = (rud_minari_part){0};
    json_object *space;
    RUD_TRY(rud_error_context(rud_json_parse(json, strlen(json), &space), "the space of %s", root));
    rud_status status = parse((place){part, root}, space);
    json_object_put(space);
    if (status != RUD_OK) rud_minari_part_free(part);
    return status;
}

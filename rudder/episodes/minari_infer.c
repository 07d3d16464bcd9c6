/* Spaces of a bare file that does not say them: the arrays of the first episode give the shapes,
 * the values of all episodes the sizes of what is discrete. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "episodes/features.h"
#include "episodes/minari_private.h"

enum { DEPTH_MAX = 32 };

static bool is_discrete_type(rud_hdf5_number number)
{
    return number == RUD_HDF5_INT8 || number == RUD_HDF5_INT16 || number == RUD_HDF5_INT32 ||
           number == RUD_HDF5_INT64 || number == RUD_HDF5_BOOL;
}

static void describe(const rud_hdf5_array *array, rud_minari_leaf *leaf)
{
    size_t used = (size_t)snprintf(leaf->space, sizeof leaf->space, "Box(");
    for (size_t k = 1; k < array->rank && used + 32 < sizeof leaf->space; k++)
        used += (size_t)snprintf(leaf->space + used, sizeof leaf->space - used, "%s%llu",
                                 k > 1 ? ", " : "", (unsigned long long)array->dims[k]);
    if (used + 2 < sizeof leaf->space) strcpy(leaf->space + used, ")");
}

static rud_status add_array(hid_t group, const char *path, rud_minari_part *part)
{
    rud_hdf5_array array;
    RUD_TRY(rud_hdf5_array_open(group, path, &array));
    rud_hdf5_array found = array;
    rud_hdf5_array_close(&array);
    /* JPEG bytes are all that Minari writes with a variable length, but texts. */
    bool image = found.number == RUD_HDF5_NONE && strcmp(found.type, "variable length") == 0;
    image = image || (found.number == RUD_HDF5_UINT8 && found.rank >= 3 && found.dims[1] >= 32 &&
                      found.dims[2] >= 32);
    bool other = image || found.number == RUD_HDF5_NONE;
    rud_minari_leaf *leaf;
    if (!other && part->width + found.width > RUD_FEATURES_WIDTH_MAX)
        return rud_error(RUD_EFORMAT, "%s: more than %zu components", path, RUD_FEATURES_WIDTH_MAX);
    RUD_TRY(rud_minari_part_add(part, path, other ? RUD_MINARI_OTHER : RUD_MINARI_BOX,
                                other ? 0 : found.width, &leaf));
    snprintf(leaf->type, sizeof leaf->type, "%s", image ? "image" : found.type);
    describe(&found, leaf);
    leaf->rank = found.rank - 1;
    for (size_t k = 0; k < leaf->rank; k++) leaf->shape[k] = (size_t)found.dims[k + 1];
    if (other || !is_discrete_type(found.number)) return RUD_OK;
    leaf->sort = found.rank == 1 ? RUD_MINARI_DISCRETE : RUD_MINARI_MULTI_DISCRETE;
    leaf->sizes = calloc(leaf->width, sizeof *leaf->sizes);
    return leaf->sizes != NULL ? RUD_OK : rud_error(RUD_ENOMEM, "%s: no memory left", path);
}

/* ---- the tree ---- */

typedef struct names {
    char **items;
    size_t count;
} names;

static herr_t add_name(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    names *list = context;
    (void)group;
    (void)info;
    char **items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (items == NULL) return -1;
    list->items = items;
    items[list->count] = strdup(name);
    return items[list->count++] == NULL ? -1 : 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The members of a Tuple are numbered, and 10 stands behind 9. */
static int compare_numbers(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    size_t p = strlen(x), q = strlen(y);
    return p != q ? (p > q) - (p < q) : strcmp(x, y);
}

static void sort_names(names *list)
{
    bool tuple = true;
    for (size_t k = 0; k < list->count; k++)
        tuple = tuple && strncmp(list->items[k], "_index_", 7) == 0;
    if (list->count > 1)
        qsort(list->items, list->count, sizeof *list->items,
              tuple ? compare_numbers : compare_names);
}

static rud_status add_tree(hid_t group, const char *path, size_t depth, rud_minari_part *part);

static rud_status add_members(hid_t group, const char *path, const names *list, size_t depth,
                              rud_minari_part *part)
{
    rud_status status = RUD_OK;
    for (size_t k = 0; k < list->count && status == RUD_OK; k++) {
        size_t size = strlen(path) + strlen(list->items[k]) + 2;
        char *below = malloc(size);
        if (below == NULL) return rud_error(RUD_ENOMEM, "%s: no memory left", path);
        snprintf(below, size, "%s/%s", path, list->items[k]);
        status = add_tree(group, below, depth + 1, part);
        free(below);
    }
    return status;
}

static rud_status add_tree(hid_t group, const char *path, size_t depth, rud_minari_part *part)
{
    if (depth > DEPTH_MAX) return rud_error(RUD_EFORMAT, "%s: groups within groups", path);
    if (!rud_hdf5_is_group(group, path)) return add_array(group, path, part);
    names list = {0};
    rud_status status = RUD_OK;
    if (H5Literate_by_name(group, path, H5_INDEX_NAME, H5_ITER_INC, NULL, add_name, &list,
                           H5P_DEFAULT) < 0)
        status = rud_hdf5_failed(path);
    sort_names(&list);
    if (status == RUD_OK) status = add_members(group, path, &list, depth, part);
    for (size_t k = 0; k < list.count; k++) free(list.items[k]);
    free(list.items);
    return status;
}

/* ---- the values ---- */

static rud_status read_range(hid_t episode, const rud_minari_leaf *leaf, rud_hdf5_buffer *buffer,
                             rud_value_ranges *ranges)
{
    rud_hdf5_array array;
    RUD_TRY(rud_hdf5_array_open(episode, leaf->path, &array));
    rud_status status = array.width == leaf->width
                            ? rud_hdf5_array_read(&array, 0, array.rows, buffer)
                            : rud_error(RUD_EFORMAT, "%zu numbers in a row, episode_0 has %zu",
                                        array.width, leaf->width);
    double *values = NULL;
    if (status == RUD_OK) {
        values = malloc((array.rows * array.width + 1) * sizeof *values);
        if (values == NULL) status = rud_error(RUD_ENOMEM, "no memory for %zu rows", array.rows);
    }
    if (status == RUD_OK) {
        rud_hdf5_to_doubles(array.number, buffer->bytes, array.rows * array.width, values);
        rud_value_ranges_add(ranges, values, array.rows);
    }
    free(values);
    rud_hdf5_array_close(&array);
    return rud_error_context(status, "%s", leaf->path);
}

static rud_status find_sizes(hid_t file, size_t episodes, rud_minari_leaf *leaf)
{
    rud_value_ranges ranges;
    rud_hdf5_buffer buffer = {0};
    RUD_TRY(rud_value_ranges_create(leaf->width, &ranges));
    rud_status status = RUD_OK;
    for (size_t k = 0; k < episodes && status == RUD_OK; k++) {
        rud_minari_name name = rud_minari_episode_name(k);
        hid_t episode = H5Gopen2(file, name.text, H5P_DEFAULT);
        status = episode < 0 ? rud_hdf5_failed("cannot be opened")
                             : read_range(episode, leaf, &buffer, &ranges);
        if (episode >= 0) H5Gclose(episode);
        rud_error_context(status, "%s", name.text);
    }
    bool discrete = true;
    for (size_t c = 0; c < leaf->width; c++) {
        leaf->sizes[c] = rud_value_ranges_size(&ranges, c);
        discrete = discrete && leaf->sizes[c] > 0;
    }
    if (!discrete)
        leaf->sort = RUD_MINARI_BOX;
    else if (leaf->sort == RUD_MINARI_DISCRETE)
        snprintf(leaf->space, sizeof leaf->space, "Discrete(%lld)", (long long)leaf->sizes[0]);
    else
        snprintf(leaf->space, sizeof leaf->space, "MultiDiscrete(%zu)", leaf->width);
    free(buffer.bytes);
    rud_value_ranges_free(&ranges);
    return status;
}

rud_status rud_minari_part_infer(hid_t file, size_t episodes, const char *root,
                                 rud_minari_part *part)
{
    *part = (rud_minari_part){0};
    hid_t first = H5Gopen2(file, "episode_0", H5P_DEFAULT);
    if (first < 0) return rud_hdf5_failed("episode_0");
    rud_status status = rud_hdf5_has(first, root)
                            ? add_tree(first, root, 0, part)
                            : rud_error(RUD_EFORMAT, "\"%s\" is missing", root);
    H5Gclose(first);
    status = rud_error_context(status, "episode_0");
    for (size_t k = 0; k < part->count && status == RUD_OK; k++)
        if (part->leaves[k].sizes != NULL) status = find_sizes(file, episodes, &part->leaves[k]);
    if (status != RUD_OK) rud_minari_part_free(part);
    return status;
}

/* Observations and actions of a Minari data set as a list of arrays. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "episodes/minari_private.h"

rud_status rud_minari_part_add(rud_minari_part *part, const char *path, rud_minari_sort sort,
                               size_t width, rud_minari_leaf **leaf)
{
    rud_minari_leaf *leaves = realloc(part->leaves, (part->count + 1) * sizeof *leaves);
    if (leaves != NULL) part->leaves = leaves;
    char *copy = strdup(path);
    if (leaves == NULL || copy == NULL) {
        free(copy);
        return rud_error(RUD_ENOMEM, "no memory for the array \"%s\"", path);
    }
    *leaf = &leaves[part->count++];
    **leaf = (rud_minari_leaf){.path = copy, .sort = sort, .width = width, .column = part->width};
    part->width += width;
    return RUD_OK;
}

void rud_minari_part_free(rud_minari_part *part)
{
    for (size_t k = 0; k < part->count; k++) {
        free(part->leaves[k].path);
        free(part->leaves[k].sizes);
        free(part->leaves[k].starts);
        free(part->leaves[k].low);
        free(part->leaves[k].high);
    }
    free(part->leaves);
    *part = (rud_minari_part){0};
}

/* One leaf at the root keeps its kind; width 1 of a MultiDiscrete is not Discrete. */
static bool is_multi_discrete(const rud_minari_part *part)
{
    const rud_minari_leaf *leaf = &part->leaves[0];
    if (part->count != 1 || leaf->sort == RUD_MINARI_DISCRETE || leaf->sizes == NULL) return false;
    for (size_t k = 0; k < leaf->width; k++)
        if (leaf->sizes[k] == 0) return false;
    return leaf->width > 0;
}

/* Joins the leaves; *bounded is whether any has bounds. */
static void join(const rud_minari_part *part, int64_t *sizes, double *low, double *high,
                 bool *bounded)
{
    *bounded = false;
    for (size_t i = 0; i < part->count; i++) {
        const rud_minari_leaf *leaf = &part->leaves[i];
        *bounded = *bounded || leaf->low != NULL;
        for (size_t k = 0; k < leaf->width; k++) {
            sizes[leaf->column + k] = leaf->sizes == NULL ? 0 : leaf->sizes[k];
            low[leaf->column + k] = leaf->low == NULL ? -INFINITY : leaf->low[k];
            high[leaf->column + k] = leaf->high == NULL ? INFINITY : leaf->high[k];
        }
    }
}

rud_status rud_minari_part_space(const rud_minari_part *part, rud_space *space)
{
    *space = (rud_space){0};
    if (part->width == 0) return RUD_OK;
    if (is_multi_discrete(part))
        return rud_space_multi_discrete(part->leaves[0].sizes, part->width, space);
    int64_t *sizes = calloc(part->width, sizeof *sizes);
    double *low = calloc(part->width, sizeof *low), *high = calloc(part->width, sizeof *high);
    rud_status status = RUD_OK;
    if (sizes == NULL || low == NULL || high == NULL) {
        status = rud_error(RUD_ENOMEM, "no memory for a space of %zu components", part->width);
    } else {
        bool bounded;
        join(part, sizes, low, high, &bounded);
        status =
            rud_space_mixed(sizes, bounded ? low : NULL, bounded ? high : NULL, part->width, space);
    }
    free(sizes);
    free(low);
    free(high);
    return status;
}

/* ---- from a rud_space ---- */

static void *copied(const void *from, size_t first, size_t count, size_t size)
{
    void *copy = from == NULL ? NULL : malloc(count * size);
    if (copy != NULL) memcpy(copy, (const char *)from + first * size, count * size);
    return copy;
}

/* Components first .. first + width - 1, all of one sort, as one leaf. */
static rud_status add_run(const rud_space *space, size_t first, size_t width, const char *path,
                          const char *real, rud_minari_part *part)
{
    bool discrete = rud_space_is_discrete(space, first);
    bool single = discrete && width == 1 && space->kind != RUD_SPACE_MULTI_DISCRETE;
    rud_minari_leaf *leaf;
    RUD_TRY(rud_minari_part_add(part, path,
                                single     ? RUD_MINARI_DISCRETE
                                : discrete ? RUD_MINARI_MULTI_DISCRETE
                                           : RUD_MINARI_BOX,
                                width, &leaf));
    snprintf(leaf->type, sizeof leaf->type, "%s", discrete ? "int64" : real);
    leaf->rank = single ? 0 : 1;
    leaf->shape[0] = width;
    if (discrete) {
        leaf->sizes = copied(space->sizes, first, width, sizeof *leaf->sizes);
    } else {
        leaf->low = copied(space->low, first, width, sizeof *leaf->low);
        leaf->high = copied(space->high, first, width, sizeof *leaf->high);
    }
    if ((discrete && leaf->sizes == NULL) ||
        (!discrete && space->low != NULL && (leaf->low == NULL || leaf->high == NULL)))
        return rud_error(RUD_ENOMEM, "no memory for a space");
    return RUD_OK;
}

static size_t run_length(const rud_space *space, size_t first)
{
    size_t end = first;
    while (end < space->width &&
           rud_space_is_discrete(space, end) == rud_space_is_discrete(space, first))
        end++;
    return end - first;
}

rud_status rud_minari_part_from_space(const rud_space *space, const char *root, const char *real,
                                      rud_minari_part *part)
{
    *part = (rud_minari_part){0};
    if (space->width == 0) return RUD_OK;
    bool tuple = run_length(space, 0) < space->width;
    rud_status status = RUD_OK;
    for (size_t first = 0; first < space->width && status == RUD_OK;) {
        char path[64];
        if (tuple)
            snprintf(path, sizeof path, "%s/_index_%zu", root, part->count);
        else
            snprintf(path, sizeof path, "%s", root);
        size_t width = run_length(space, first);
        status = add_run(space, first, width, path, real, part);
        first += width;
    }
    if (status != RUD_OK) rud_minari_part_free(part);
    return status;
}

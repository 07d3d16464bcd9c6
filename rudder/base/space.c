#include "base/space.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static rud_status copy_row(const void *from, size_t width, size_t item_size, void **to)
{
    *to = NULL;
    if (!from) return RUD_OK;
    if (width > SIZE_MAX / item_size || !(*to = malloc(width * item_size))) {
        return rud_error(RUD_ENOMEM, "no memory for a space of %zu components", width);
    }
    memcpy(*to, from, width * item_size);
    return RUD_OK;
}

rud_status rud_space_discrete(int64_t size, rud_space *space)
{
    RUD_TRY(rud_space_multi_discrete(&size, 1, space));
    space->kind = RUD_SPACE_DISCRETE;
    return RUD_OK;
}

rud_status rud_space_multi_discrete(const int64_t *sizes, size_t width, rud_space *space)
{
    *space = (rud_space){0};
    if (width == 0) return rud_error(RUD_EINVAL, "a space needs at least one component");
    for (size_t k = 0; k < width; k++) {
        if (sizes[k] < 1) {
            return rud_error(RUD_EINVAL,
                             "component %zu of a discrete space has size %" PRId64
                             ": it must be at least 1",
                             k, sizes[k]);
        }
    }
    rud_space borrowed = {.kind = RUD_SPACE_MULTI_DISCRETE, .width = width};
    borrowed.sizes = (int64_t *)sizes;
    return rud_space_copy(&borrowed, space);
}

static rud_status check_bounds(const double *low, const double *high, size_t width)
{
    if (width == 0) return rud_error(RUD_EINVAL, "a space needs at least one component");
    if (!low != !high) {
        return rud_error(RUD_EINVAL, "a box needs both bounds or none: use infinity for no bound");
    }
    for (size_t k = 0; low && k < width; k++) {
        if (!(low[k] <= high[k])) {
            return rud_error(RUD_EINVAL,
                             "component %zu of a box has bounds %g and %g: low <= high"
                             " is needed",
                             k, low[k], high[k]);
        }
    }
    return RUD_OK;
}

rud_status rud_space_box(const double *low, const double *high, size_t width, rud_space *space)
{
    *space = (rud_space){0};
    RUD_TRY(check_bounds(low, high, width));
    rud_space borrowed = {.kind = RUD_SPACE_BOX, .width = width};
    borrowed.low = (double *)low;
    borrowed.high = (double *)high;
    return rud_space_copy(&borrowed, space);
}

rud_status rud_space_mixed(const int64_t *sizes, const double *low, const double *high,
                           size_t width, rud_space *space)
{
    *space = (rud_space){0};
    size_t discrete = 0;
    for (size_t k = 0; k < width; k++) {
        if (sizes[k] < 0) {
            return rud_error(RUD_EINVAL, "component %zu of a space has size %" PRId64, k, sizes[k]);
        }
        discrete += sizes[k] > 0;
    }
    if (discrete == 0) return rud_space_box(low, high, width, space);
    if (discrete == width && width == 1) return rud_space_discrete(sizes[0], space);
    if (discrete == width) return rud_space_multi_discrete(sizes, width, space);
    RUD_TRY(check_bounds(low, high, width));
    rud_space borrowed = {.kind = RUD_SPACE_MIXED, .width = width};
    borrowed.sizes = (int64_t *)sizes;
    borrowed.low = (double *)low;
    borrowed.high = (double *)high;
    return rud_space_copy(&borrowed, space);
}

rud_status rud_space_copy(const rud_space *from, rud_space *to)
{
    void *sizes = NULL, *low = NULL, *high = NULL;
    *to = (rud_space){0};
    rud_status status = copy_row(from->sizes, from->width, sizeof *from->sizes, &sizes);
    if (status == RUD_OK) status = copy_row(from->low, from->width, sizeof *from->low, &low);
    if (status == RUD_OK) status = copy_row(from->high, from->width, sizeof *from->high, &high);
    rud_space copy = {from->kind, from->width, sizes, low, high};
    if (status != RUD_OK) {
        rud_space_free(&copy);
        return status;
    }
    *to = copy;
    return RUD_OK;
}

void rud_space_free(rud_space *space)
{
    free(space->sizes);
    free(space->low);
    free(space->high);
    *space = (rud_space){0};
}

static rud_status check_discrete(const rud_space *space, size_t k, double value)
{
    if (value == floor(value) && value >= 0 && value < (double)space->sizes[k]) return RUD_OK;
    return rud_error(RUD_EINVAL,
                     "component %zu is %g: a whole number from 0 to %" PRId64 " is allowed", k,
                     value, space->sizes[k] - 1);
}

static rud_status check_box(const rud_space *space, size_t k, double value)
{
    if (!space->low || (value >= space->low[k] && value <= space->high[k])) return RUD_OK;
    return rud_error(RUD_EINVAL, "component %zu is %g: a number from %g to %g is allowed", k, value,
                     space->low[k], space->high[k]);
}

/* In one pass without branches: rows are checked step by step of every episode. */
static bool is_discrete_row(const rud_space *space, const double *row)
{
    bool bad = false;
    for (size_t k = 0; k < space->width; k++) {
        const double value = row[k];
        bad |= !((value >= 0) & (value < (double)space->sizes[k]) & (value == floor(value)));
    }
    return !bad;
}

rud_status rud_space_check(const rud_space *space, const double *row)
{
    if (space->kind != RUD_SPACE_BOX && is_discrete_row(space, row)) return RUD_OK;
    for (size_t k = 0; k < space->width; k++) {
        if (!isfinite(row[k])) {
            return rud_error(RUD_ENONFINITE, "component %zu is %g: a finite number is needed", k,
                             row[k]);
        }
        if (rud_space_is_discrete(space, k)) {
            RUD_TRY(check_discrete(space, k, row[k]));
        } else {
            RUD_TRY(check_box(space, k, row[k]));
        }
    }
    return RUD_OK;
}

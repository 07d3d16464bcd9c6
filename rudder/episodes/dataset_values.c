/* Spaces inferred from values, and the check for finite numbers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "episodes/dataset_private.h"

/* Discrete values beyond make a one-hot input useless. */
static const double discrete_limit = 65536;

rud_status rud_value_ranges_create(size_t width, rud_value_ranges *ranges)
{
    *ranges = (rud_value_ranges){.width = width};
    ranges->low = calloc(width, sizeof *ranges->low);
    ranges->high = calloc(width, sizeof *ranges->high);
    ranges->real = calloc(width, sizeof *ranges->real);
    if (ranges->low != NULL && ranges->high != NULL && ranges->real != NULL) return RUD_OK;
    rud_value_ranges_free(ranges);
    return rud_error(RUD_ENOMEM, "no memory for %zu components", width);
}

void rud_value_ranges_free(rud_value_ranges *ranges)
{
    free(ranges->low);
    free(ranges->high);
    free(ranges->real);
    *ranges = (rud_value_ranges){0};
}

void rud_value_ranges_add(rud_value_ranges *ranges, const double *rows, size_t count)
{
    for (size_t r = 0; r < count; r++) {
        const double *row = rows + r * ranges->width;
        for (size_t k = 0; k < ranges->width; k++) {
            if (row[k] < ranges->low[k]) ranges->low[k] = row[k];
            if (row[k] > ranges->high[k]) ranges->high[k] = row[k];
        }
    }
}

int64_t rud_value_ranges_size(const rud_value_ranges *ranges, size_t k)
{
    bool discrete = !ranges->real[k] && ranges->low[k] >= 0 && ranges->high[k] < discrete_limit;
    return discrete ? (int64_t)ranges->high[k] + 1 : 0;
}

rud_status rud_value_ranges_space(const rud_value_ranges *ranges, bool plain, rud_space *space)
{
    *space = (rud_space){0};
    if (ranges->width == 0) return RUD_OK;
    int64_t *sizes = malloc(ranges->width * sizeof *sizes);
    if (sizes == NULL) return rud_error(RUD_ENOMEM, "no memory for a space");
    bool discrete = true;
    for (size_t k = 0; k < ranges->width; k++) {
        sizes[k] = rud_value_ranges_size(ranges, k);
        discrete = discrete && sizes[k] > 0;
    }
    rud_status status = discrete && !plain
                            ? rud_space_multi_discrete(sizes, ranges->width, space)
                            : rud_space_mixed(sizes, NULL, NULL, ranges->width, space);
    free(sizes);
    return status;
}

/* All bits of the exponent are set in a NaN and an infinity; the loop has no branch. */
static bool all_finite(const double *values, size_t count)
{
    static const uint64_t exponent = UINT64_C(0x7ff0000000000000);
    uint64_t bad = 0;
    for (size_t k = 0; k < count; k++) {
        uint64_t bits;
        memcpy(&bits, &values[k], sizeof bits);
        bad |= (bits & exponent) == exponent;
    }
    return bad == 0;
}

rud_status rud_check_finite(const char *name, const double *rows, size_t count, size_t width)
{
    if (all_finite(rows, count * width)) return RUD_OK;
    for (size_t k = 0; k < count * width; k++) {
        if (isfinite(rows[k])) continue;
        const char *what = isnan(rows[k]) ? "NaN" : "infinite";
        if (width == 1) return rud_error(RUD_ENONFINITE, "%s[%zu] is %s", name, k, what);
        return rud_error(RUD_ENONFINITE, "%s[%zu], component %zu, is %s", name, k / width,
                         k % width, what);
    }
    return RUD_OK;
}

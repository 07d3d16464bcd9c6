#include "episodes/batch.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for `count` lengths and rows * width inputs; what stood there is lost. */
static rud_status reserve(rud_batch *batch, size_t count, size_t rows, size_t width)
{
    if (count > PTRDIFF_MAX / sizeof *batch->lengths ||
        rows > PTRDIFF_MAX / sizeof *batch->x / width)
        return rud_error(RUD_ENOMEM, "a batch of %zu inputs of width %zu is too large", rows,
                         width);
    if (count > batch->lengths_capacity) {
        free(batch->lengths);
        batch->lengths_capacity = 0;
        batch->lengths = malloc(count * sizeof *batch->lengths);
        if (batch->lengths == NULL)
            return rud_error(RUD_ENOMEM, "no memory for a batch of %zu episodes", count);
        batch->lengths_capacity = count;
    }
    if (rows * width > batch->x_capacity) {
        free(batch->x);
        batch->x_capacity = 0;
        batch->x = malloc(rows * width * sizeof *batch->x);
        if (batch->x == NULL)
            return rud_error(RUD_ENOMEM, "no memory for a batch of %zu inputs of width %zu", rows,
                             width);
        batch->x_capacity = rows * width;
    }
    return RUD_OK;
}

rud_status rud_batch_pack(rud_batch *batch, const rud_features *features,
                          const rud_episode *const *episodes, size_t count)
{
    if (count == 0) return rud_error(RUD_EINVAL, "a batch needs at least one episode");
    size_t longest = 0;
    for (size_t b = 0; b < count; b++) {
        size_t length = rud_features_inputs(features, episodes[b]);
        if (length > longest) longest = length;
    }
    if (longest > SIZE_MAX / count)
        return rud_error(RUD_ENOMEM, "a batch of %zu episodes of up to %zu inputs is too large",
                         count, longest);
    size_t width = rud_features_width(features);
    batch->T = batch->B = batch->D = 0;
    RUD_TRY(reserve(batch, count, longest * count, width));
    batch->T = longest;
    batch->B = count;
    batch->D = width;
    for (size_t b = 0; b < count; b++) {
        float *x = batch->x + b * width;
        batch->lengths[b] = rud_features_inputs(features, episodes[b]);
        rud_features_encode(features, episodes[b], x, count * width);
        for (size_t t = batch->lengths[b]; t < longest; t++)
            memset(x + t * count * width, 0, width * sizeof *x);
    }
    return RUD_OK;
}

void rud_batch_free(rud_batch *batch)
{
    free(batch->x);
    free(batch->lengths);
    *batch = (rud_batch){0};
}

/* Rows of ragged episodes, forwards and in reverse. */
#include "nn/ragged.h"

#include <string.h>

void rud_ragged_copy(const rud_ragged *ragged, bool reverse, const float *from, size_t from_ld,
                     size_t width, float *to, size_t to_ld)
{
    const size_t B = ragged->B;
    for (size_t b = 0; b < B; b++) {
        const size_t length = rud_ragged_length(ragged, b);
        for (size_t t = 0; t < length; t++)
            memcpy(to + (t * B + b) * to_ld,
                   from + ((reverse ? length - 1 - t : t) * B + b) * from_ld, width * sizeof *to);
        for (size_t t = length; t < ragged->T; t++)
            memset(to + (t * B + b) * to_ld, 0, width * sizeof *to);
    }
}

void rud_ragged_add(const rud_ragged *ragged, bool reverse, const float *from, size_t from_ld,
                    size_t width, float *to, size_t to_ld)
{
    const size_t B = ragged->B;
    for (size_t b = 0; b < B; b++) {
        const size_t length = rud_ragged_length(ragged, b);
        for (size_t t = 0; t < length; t++) {
            const float *row = from + ((reverse ? length - 1 - t : t) * B + b) * from_ld;
            float *sum = to + (t * B + b) * to_ld;
            for (size_t k = 0; k < width; k++) sum[k] += row[k];
        }
    }
}

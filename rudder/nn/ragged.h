/* Rows of ragged episodes, forwards and in reverse: what a half that starts at each episode's own
 * end reads and leaves. Arrays are time-major, [T][B] rows of `width` floats, ld floats apart. */
#ifndef RUD_NN_RAGGED_H
#define RUD_NN_RAGGED_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rud_ragged {
    const size_t *lengths; /* [B]; NULL: all are T */
    size_t T, B;
} rud_ragged;

static inline size_t rud_ragged_length(const rud_ragged *ragged, size_t b)
{
    return ragged->lengths ? ragged->lengths[b] : ragged->T;
}

/* to = from; with `reverse`, row t of an episode is row length - 1 - t of `from`. Rows behind an
 * episode's end become 0. No overlap. */
void rud_ragged_copy(const rud_ragged *ragged, bool reverse, const float *from, size_t from_ld,
                     size_t width, float *to, size_t to_ld);

/* to += the same; rows behind an episode's end stay. */
void rud_ragged_add(const rud_ragged *ragged, bool reverse, const float *from, size_t from_ld,
                    size_t width, float *to, size_t to_ld);

#ifdef __cplusplus
}
#endif
#endif

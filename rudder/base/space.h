/* What observations and actions are made of, as Gymnasium names it. In memory every observation
 * and action is a row of doubles; discrete values are whole numbers. */
#ifndef RUD_BASE_SPACE_H
#define RUD_BASE_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rud_space_kind {
    RUD_SPACE_DISCRETE,       /* one value in 0 .. sizes[0]-1 */
    RUD_SPACE_MULTI_DISCRETE, /* `width` values, value k in 0 .. sizes[k]-1 */
    RUD_SPACE_BOX,            /* `width` real numbers */
    RUD_SPACE_MIXED,          /* `width` components of both sorts: a flattened Dict or Tuple */
} rud_space_kind;

typedef struct rud_space {
    rud_space_kind kind;
    size_t width;   /* numbers in a row */
    int64_t *sizes; /* [width]; NULL for a box; mixed: 0 for a real number */
    double *low;    /* [width], may be -infinity; NULL: unbounded, or only discrete */
    double *high;   /* [width], may be infinity */
} rud_space;

rud_status rud_space_discrete(int64_t size, rud_space *space);
rud_status rud_space_multi_discrete(const int64_t *sizes, size_t width, rud_space *space);

/* low, high: [width], or both NULL for an unbounded box. */
rud_status rud_space_box(const double *low, const double *high, size_t width, rud_space *space);

/* sizes[width]: 0 for a real number; low, high as in a box. Where all components are of one sort
 * the space is a box, multi-discrete, or with one component discrete. */
rud_status rud_space_mixed(const int64_t *sizes, const double *low, const double *high,
                           size_t width, rud_space *space);

/* Is component k < width discrete? */
static inline bool rud_space_is_discrete(const rud_space *space, size_t k)
{
    return space->sizes != NULL && space->sizes[k] > 0;
}

/* Are all of them? */
static inline bool rud_space_all_discrete(const rud_space *space)
{
    return space->kind == RUD_SPACE_DISCRETE || space->kind == RUD_SPACE_MULTI_DISCRETE;
}

/* A deep copy; the caller frees it by rud_space_free. */
rud_status rud_space_copy(const rud_space *from, rud_space *to);
void rud_space_free(rud_space *space);

/* RUD_OK if `row`[width] lies in the space; else RUD_EINVAL or RUD_ENONFINITE with a message that
 * names the component, its value and what is allowed. */
rud_status rud_space_check(const rud_space *space, const double *row);

#ifdef __cplusplus
}
#endif
#endif

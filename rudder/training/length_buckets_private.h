/* The batches of one pass over the training episodes: in random order, of episodes of like lengths,
 * so that little is padded. */
#ifndef RUD_TRAINING_LENGTH_BUCKETS_PRIVATE_H
#define RUD_TRAINING_LENGTH_BUCKETS_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Zero-initialise to start; the arrays are kept between plans. Batch k holds the episodes
 * order[starts[k]] .. order[starts[k + 1] - 1]. */
typedef struct rud_batch_plan {
    size_t *order;  /* [episodes] numbers of episodes */
    size_t *starts; /* [batches + 1] */
    size_t *scratch;
    size_t batches, capacity;
} rud_batch_plan;

/* A batch holds at most `most` episodes, and fewer where padding would exceed RUD_PADDING_MOST of
 * its steps. The plan depends on the seed, `pass` and the lengths alone. lengths: of all episodes,
 * by number. */
#define RUD_PADDING_MOST 0.2
rud_status rud_batch_plan_make(const size_t *episodes, size_t count, const size_t *lengths,
                               size_t most, uint64_t seed, uint64_t pass, rud_batch_plan *plan);
void rud_batch_plan_free(rud_batch_plan *plan);

#endif

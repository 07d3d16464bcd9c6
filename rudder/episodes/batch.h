/* Episodes packed for the network: time-major, padded with zeros, lengths beside. */
#ifndef RUD_EPISODES_BATCH_H
#define RUD_EPISODES_BATCH_H

#include "episodes/features.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero-initialise to start; the arrays grow as needed and are kept between packs. */
typedef struct rud_batch {
    size_t T;        /* inputs of the longest episode */
    size_t B;        /* episodes */
    size_t D;        /* width of an input */
    float *x;        /* [T][B][D]; zero behind an episode's end */
    size_t *lengths; /* [B] inputs of each episode, >= 1 */
    size_t x_capacity;
    size_t lengths_capacity;
} rud_batch;

/* Packs episodes[count], each checked by rud_features_check before. Allocates only where the batch
 * is larger than any before. On failure the batch is empty. */
rud_status rud_batch_pack(rud_batch *batch, const rud_features *features,
                          const rud_episode *const *episodes, size_t count);
void rud_batch_free(rud_batch *batch);

#ifdef __cplusplus
}
#endif
#endif

/* The lesson buffer: episodes kept for training, those that teach most first. */
#ifndef RUD_REDISTRIBUTION_LESSON_BUFFER_H
#define RUD_REDISTRIBUTION_LESSON_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rng.h"
#include "episodes/episode.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rud_insertion {
    RUD_INSERTION_LOSS, /* when full: replaces the episode of lowest loss, if the new one's is
                           higher */
    RUD_INSERTION_FIFO, /* when full: replaces the oldest */
} rud_insertion;

typedef enum rud_sampling {
    RUD_SAMPLING_UNIFORM,
    RUD_SAMPLING_SOFTMAX, /* softmax(loss / temperature) */
} rud_sampling;

typedef struct rud_lesson_buffer_options {
    size_t capacity; /* episodes */
    size_t bytes;    /* of all episodes */
    rud_insertion insertion;
    rud_sampling sampling;
    double temperature;  /* of softmax */
    size_t min_episodes; /* training waits for these, with at least two different returns */
} rud_lesson_buffer_options;

rud_lesson_buffer_options rud_lesson_buffer_options_default(void);

typedef struct rud_lesson_buffer rud_lesson_buffer;
rud_status rud_lesson_buffer_create(const rud_lesson_buffer_options *options,
                                    rud_lesson_buffer **buffer);
void rud_lesson_buffer_free(rud_lesson_buffer **buffer);

/* Takes `episode`, also on failure; *kept (may be NULL) says whether it went in. loss: of the
 * prediction made before it was seen. */
rud_status rud_lesson_buffer_add(rud_lesson_buffer *buffer, rud_episode *episode, double loss,
                                 bool *kept);

size_t rud_lesson_buffer_count(const rud_lesson_buffer *buffer);
const rud_episode *rud_lesson_buffer_episode(const rud_lesson_buffer *buffer, size_t i); /* view */

/* min_episodes and two different returns are there. */
bool rud_lesson_buffer_ready(const rud_lesson_buffer *buffer);

/* Draws `count` indices with replacement. */
void rud_lesson_buffer_sample(const rud_lesson_buffer *buffer, rud_rng *rng, size_t *indices,
                              size_t count);

/* The loss of episode i at its latest use. */
void rud_lesson_buffer_set_loss(rud_lesson_buffer *buffer, size_t i, double loss);

#ifdef __cplusplus
}
#endif
#endif

/* State as bytes, written and read by the same code: each part hands its values over in one order,
 * and they are appended to the bytes or taken from them. Of this machine's kind only. */
#ifndef RUD_REDISTRIBUTION_CHECKPOINT_PRIVATE_H
#define RUD_REDISTRIBUTION_CHECKPOINT_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "redistribution/lesson_buffer.h"
#include "redistribution/predictor.h"

typedef struct rud_checkpoint {
    bool reading;
    const unsigned char *from; /* reading: [size] */
    unsigned char *to;         /* writing: [size], owned */
    size_t size, capacity, at;
    bool failed; /* no memory, or the bytes ended */
} rud_checkpoint;

/* `size` bytes of plain data, to or from `values`. */
void rud_checkpoint_values(rud_checkpoint *checkpoint, void *values, size_t size);

/* A number that must be the same when it is read; false, and a failure, if it is not. */
bool rud_checkpoint_same(rud_checkpoint *checkpoint, size_t number);

/* RUD_OK, or what went wrong. */
rud_status rud_checkpoint_status(const rud_checkpoint *checkpoint);

/* predictor.c: all of a predictor that trains. */
void rud_predictor_checkpoint(rud_predictor *predictor, rud_checkpoint *checkpoint);

/* lesson_buffer.c: what is known of the lessons beside their episodes, which are found in
 * `episodes` by their ids when it is read; those that are not found are left out. */
rud_status rud_lesson_buffer_checkpoint(rud_lesson_buffer *buffer, rud_checkpoint *checkpoint,
                                        const rud_episodes *episodes);

#endif

/* State as bytes, written and read by the same code: each part hands its values over in one order,
 * and they are appended to the bytes or taken from them. Of this machine's kind only. */
#ifndef RUD_REDISTRIBUTION_CHECKPOINT_H
#define RUD_REDISTRIBUTION_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rud_checkpoint {
    bool reading;
    const unsigned char *from; /* reading: [size] */
    unsigned char *to;         /* writing: [size]; the caller frees it */
    size_t size, capacity, at;
    bool failed; /* no memory, or the bytes ended or do not fit */
} rud_checkpoint;

/* `size` bytes of plain data, to or from `values`. */
void rud_checkpoint_values(rud_checkpoint *checkpoint, void *values, size_t size);

/* A number that must be the same when it is read; false, and a failure, if it is not. */
bool rud_checkpoint_same(rud_checkpoint *checkpoint, size_t number);

/* A string. Reading replaces *text, which the caller owns, by a new one; not where that fails. */
void rud_checkpoint_text(rud_checkpoint *checkpoint, char **text);

/* RUD_OK, or what went wrong: RUD_ENOMEM when writing, RUD_EFORMAT when reading. */
rud_status rud_checkpoint_status(const rud_checkpoint *checkpoint);

#ifdef __cplusplus
}
#endif
#endif

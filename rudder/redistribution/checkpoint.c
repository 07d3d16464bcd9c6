#include "redistribution/checkpoint.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void append(rud_checkpoint *checkpoint, const void *values, size_t size)
{
    if (size > checkpoint->capacity - checkpoint->size) {
        size_t capacity = checkpoint->capacity > 0 ? checkpoint->capacity : 4096;
        while (capacity - checkpoint->size < size && capacity < SIZE_MAX / 2) capacity *= 2;
        unsigned char *grown = realloc(checkpoint->to, capacity);
        if (grown == NULL) {
            checkpoint->failed = true;
            return;
        }
        checkpoint->to = grown;
        checkpoint->capacity = capacity;
    }
    memcpy(checkpoint->to + checkpoint->size, values, size);
    checkpoint->size += size;
}

void rud_checkpoint_values(rud_checkpoint *checkpoint, void *values, size_t size)
{
    if (checkpoint->failed || size == 0) return;
    if (!checkpoint->reading) {
        append(checkpoint, values, size);
    } else if (size > checkpoint->size - checkpoint->at) {
        checkpoint->failed = true;
    } else {
        memcpy(values, checkpoint->from + checkpoint->at, size);
        checkpoint->at += size;
    }
}

bool rud_checkpoint_same(rud_checkpoint *checkpoint, size_t number)
{
    size_t found = number;
    rud_checkpoint_values(checkpoint, &found, sizeof found);
    if (found != number) checkpoint->failed = true;
    return !checkpoint->failed;
}

void rud_checkpoint_text(rud_checkpoint *checkpoint, char **text)
{
    size_t length = checkpoint->reading ? 0 : strlen(*text);
    rud_checkpoint_values(checkpoint, &length, sizeof length);
    if (!checkpoint->reading) {
        rud_checkpoint_values(checkpoint, *text, length);
        return;
    }
    if (length > checkpoint->size - checkpoint->at) checkpoint->failed = true;
    char *read = checkpoint->failed ? NULL : calloc(length + 1, 1);
    if (read == NULL) {
        checkpoint->failed = true;
        return;
    }
    rud_checkpoint_values(checkpoint, read, length);
    free(*text);
    *text = read;
}

rud_status rud_checkpoint_status(const rud_checkpoint *checkpoint)
{
    if (!checkpoint->failed) return RUD_OK;
    if (!checkpoint->reading) return rud_error(RUD_ENOMEM, "no memory for a checkpoint");
    return rud_error(RUD_EFORMAT, "the checkpoint is not whole, or of other options or features");
}

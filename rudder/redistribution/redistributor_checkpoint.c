/* A redistributor's state as bytes. */
#include <stdlib.h>

#include "redistribution/lesson_buffer_private.h"
#include "redistribution/redistributor_private.h"

static const size_t format = 0x31445552; /* "RUD1" */

static rud_status exchange(rud_redistributor *redistributor, rud_checkpoint *checkpoint,
                           const rud_episodes *episodes)
{
    rud_checkpoint_same(checkpoint, format);
    rud_predictor_checkpoint(redistributor->predictor, checkpoint);
    rud_checkpoint_values(checkpoint, &redistributor->quality, sizeof redistributor->quality);
    rud_checkpoint_values(checkpoint, &redistributor->sampling, sizeof redistributor->sampling);
    rud_checkpoint_values(checkpoint, &redistributor->episodes, sizeof redistributor->episodes);
    rud_checkpoint_values(checkpoint, &redistributor->since_training,
                          sizeof redistributor->since_training);
    rud_checkpoint_values(checkpoint, &redistributor->updates, sizeof redistributor->updates);
    rud_checkpoint_values(checkpoint, &redistributor->loss, sizeof redistributor->loss);
    RUD_TRY(rud_checkpoint_status(checkpoint));
    return rud_lesson_buffer_checkpoint(redistributor->buffer, checkpoint, episodes);
}

rud_status rud_redistributor_save(rud_redistributor *redistributor, void **bytes, size_t *size)
{
    rud_checkpoint checkpoint = {.reading = false};
    const rud_status status = exchange(redistributor, &checkpoint, NULL);
    if (status != RUD_OK) {
        free(checkpoint.to);
        return status;
    }
    *bytes = checkpoint.to;
    *size = checkpoint.size;
    return RUD_OK;
}

rud_status rud_redistributor_restore(rud_redistributor *redistributor, const void *bytes,
                                     size_t size, const rud_episodes *episodes)
{
    rud_checkpoint checkpoint = {.reading = true, .from = bytes, .size = size};
    return exchange(redistributor, &checkpoint, episodes);
}

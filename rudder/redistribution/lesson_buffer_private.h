/* A lesson buffer's part of a checkpoint. Private to this folder. */
#ifndef RUD_REDISTRIBUTION_LESSON_BUFFER_PRIVATE_H
#define RUD_REDISTRIBUTION_LESSON_BUFFER_PRIVATE_H

#include "redistribution/checkpoint.h"
#include "redistribution/lesson_buffer.h"

/* What is known of the lessons beside their episodes, which are found in `episodes` by their ids
 * when it is read; those that are not found are left out. */
rud_status rud_lesson_buffer_checkpoint(rud_lesson_buffer *buffer, rud_checkpoint *checkpoint,
                                        const rud_episodes *episodes);

#endif

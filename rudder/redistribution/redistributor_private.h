/* What a redistributor is made of; for its own files. */
#ifndef RUD_REDISTRIBUTION_REDISTRIBUTOR_PRIVATE_H
#define RUD_REDISTRIBUTION_REDISTRIBUTOR_PRIVATE_H

#include "redistribution/redistributor.h"

struct rud_redistributor {
    rud_redistributor_options options;
    rud_predictor *predictor;
    rud_explainer *explainer;   /* by the method that redistributes */
    rud_explainer *differences; /* while the gate is shut */
    rud_lesson_buffer *buffer;
    rud_quality quality;
    rud_rng sampling;
    size_t episodes, since_training, updates;
    double loss;                           /* running main loss; NaN before the first update */
    size_t *indices;                       /* scratch: [batch] */
    const rud_episode **episodes_of_batch; /* scratch: [batch] */
    rud_losses *losses;                    /* scratch: [batch] */
};

#endif

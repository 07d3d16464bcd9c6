/* Adam (Kingma and Ba 2015) with clipping by global norm and either kind of weight decay. */
#ifndef RUD_NN_ADAM_H
#define RUD_NN_ADAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rud_weight_decay {
    RUD_WEIGHT_DECAY_L2,        /* the gradient gets weight_decay * parameter */
    RUD_WEIGHT_DECAY_DECOUPLED, /* the parameter shrinks by learning_rate * weight_decay (AdamW) */
} rud_weight_decay;

typedef struct rud_adam_options {
    double learning_rate;               /* 1e-3 */
    double beta1;                       /* 0.9 */
    double beta2;                       /* 0.999 */
    double epsilon;                     /* 1e-8 */
    double weight_decay;                /* 0 */
    rud_weight_decay weight_decay_kind; /* L2 */
    double clip_norm; /* gradients are scaled to at most this global norm; 0: no clipping */
} rud_adam_options;

rud_adam_options rud_adam_options_default(void);

typedef struct rud_adam rud_adam;
rud_status rud_adam_create(const rud_adam_options *options, size_t count, rud_adam **adam);
void rud_adam_free(rud_adam **adam);

/* For schedules. */
void rud_adam_set_learning_rate(rud_adam *adam, double learning_rate);

/* One update of parameters[count] by gradients[count] (changed by clipping).
 * RUD_EDIVERGED if the gradients' norm is not finite; then nothing has changed. */
rud_status rud_adam_step(rud_adam *adam, float *parameters, float *gradients);

/* Moments and step counter, for checkpoints: [2 * count] and a count of steps. View. */
float *rud_adam_moments(rud_adam *adam);
uint64_t rud_adam_steps(const rud_adam *adam);
void rud_adam_set_steps(rud_adam *adam, uint64_t steps);

#ifdef __cplusplus
}
#endif
#endif

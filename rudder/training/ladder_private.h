/* The model ladder: predictors from simple to general, each fitted to the same episodes; a later
 * one must show that it is better. */
#ifndef RUD_TRAINING_LADDER_PRIVATE_H
#define RUD_TRAINING_LADDER_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "redistribution/predictor.h"

/* Mean of a[i].all - b[i].all over n >= 2 episodes, and its standard error. */
typedef struct rud_paired_difference {
    double mean, standard_error;
} rud_paired_difference;
rud_paired_difference rud_paired_losses(const rud_losses *a, const rud_losses *b, size_t n);

/* Does a rung of losses `rung` replace the best so far? It does where it lowers the mean loss by
 * more than two standard errors of the paired difference. A best that diverged is replaced by any
 * that did not. */
bool rud_ladder_replaces(const rud_losses *best, const rud_losses *rung, size_t n,
                         rud_paired_difference *difference);

#endif

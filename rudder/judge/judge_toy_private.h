/* Toy arithmetic: its sequences, and the networks that learn it. Private to this folder.
 *
 * A sequence has T steps, T uniform in 4 .. 10. Step t is (value, is_a, is_b), the value uniform in
 * [0.5, 1] with a random sign; one step is marked a, a later one b. The target is n_a + n_b or
 * n_a - n_b. After Arras et al. 2019, arXiv:1909.12114; the layout is ours. */
#ifndef RUD_JUDGE_JUDGE_TOY_PRIVATE_H
#define RUD_JUDGE_JUDGE_TOY_PRIVATE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "nn/network.h"

typedef enum rud_toy_operation { RUD_TOY_ADDITION, RUD_TOY_SUBTRACTION } rud_toy_operation;
enum { RUD_TOY_OPERATIONS = 2, RUD_TOY_LEAST_STEPS = 4, RUD_TOY_STEPS = 10, RUD_TOY_INPUTS = 3 };

typedef struct rud_toy_sequences {
    size_t count;               /* B */
    float *x;                   /* [RUD_TOY_STEPS][B][RUD_TOY_INPUTS]; 0 behind an end */
    size_t *lengths;            /* [B] */
    size_t *a, *b;              /* [B]: the marked steps */
    double *n_a, *n_b, *target; /* [B] */
} rud_toy_sequences;

/* The sequences of stream (seed, purpose, index). Caller frees by rud_toy_free. */
rud_status rud_toy_draw(rud_toy_operation operation, uint64_t seed, const char *purpose,
                        uint64_t index, size_t count, rud_toy_sequences *sequences);
void rud_toy_free(rud_toy_sequences *sequences);

typedef struct rud_toy_task {
    rud_toy_operation operation;
    uint64_t seed, number;             /* network `number` of this seed */
    double goal;                       /* mean squared error */
    const volatile sig_atomic_t *stop; /* NULL, or set to non-zero to stop */
} rud_toy_task;

typedef struct rud_toy_network {
    rud_network *network;
    size_t restarts; /* trainings that stalled before this one */
    size_t updates;  /* of this one */
} rud_toy_network;

/* Trains a one-cell LSTM until its mean squared error on sequences that it was not trained on is
 * below the goal; begins again from other parameters where training stalls. RUD_EDIVERGED where
 * that does not help either; RUD_EINTERRUPTED. Caller frees trained->network. */
rud_status rud_toy_train(const rud_toy_task *task, rud_toy_network *trained);

#endif

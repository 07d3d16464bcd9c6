/* Adam at a high learning rate that falls to 0 along a half cosine: the error falls below 1e-4 only
 * near the end, and about a third of all trainings stop just above it or in a local minimum. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "judge/judge_toy_private.h"
#include "nn/adam.h"

#define LEARNING_RATE 0.1
#define HEAD_WEIGHT   4.0f /* at the start; sums reach 2 and tanh does not, so 1 cannot do */
enum { UPDATES = 10000, BATCH = 100, BATCHES = 50, UNSEEN = 2500, CHECK_EVERY = 500, TRIALS = 50 };

typedef struct training {
    rud_toy_sequences batches[BATCHES], unseen;
    rud_activations *activations;
    rud_network *network;
    rud_adam *adam;
    float *parameters, *gradients; /* [count] */
    float *dy;                     /* [RUD_TOY_STEPS][BATCH] */
    size_t count;
} training;

static void close_training(training *t)
{
    for (size_t k = 0; k < BATCHES; k++) rud_toy_free(&t->batches[k]);
    rud_toy_free(&t->unseen);
    rud_activations_free(&t->activations);
    rud_network_free(&t->network);
    rud_adam_free(&t->adam);
    free(t->gradients);
    free(t->dy);
}

static rud_status open_training(const rud_toy_task *task, training *t)
{
    const rud_network_spec spec = {
        .inputs = RUD_TOY_INPUTS,
        .hidden = 1,
        .layers = 1,
        .outputs = 1,
        .cell = *rud_cell_preset("lstm"),
    };
    for (size_t k = 0; k < BATCHES; k++) {
        RUD_TRY(rud_toy_draw(task->operation, task->seed, "toy training",
                             task->number * BATCHES + k, BATCH, &t->batches[k]));
    }
    RUD_TRY(rud_toy_draw(task->operation, task->seed, "toy validation", task->number, UNSEEN,
                         &t->unseen));
    RUD_TRY(rud_activations_create(&t->activations));
    RUD_TRY(rud_network_create(&spec, &t->network));
    t->parameters = rud_network_parameters(t->network, &t->count);
    t->gradients = calloc(t->count, sizeof *t->gradients);
    t->dy = calloc(RUD_TOY_STEPS * BATCH, sizeof *t->dy);
    return t->gradients && t->dy ? RUD_OK : rud_error(RUD_ENOMEM, "toy arithmetic: no memory left");
}

/* The last prediction of sequence b. */
static size_t last_row(const rud_toy_sequences *s, size_t b)
{
    return (s->lengths[b] - 1) * s->count + b;
}

static rud_status update(training *t, const rud_toy_sequences *batch)
{
    RUD_TRY(rud_network_forward(t->network, batch->x, NULL, RUD_TOY_STEPS, BATCH, t->activations));
    const float *y = rud_activations_outputs(t->activations);
    memset(t->dy, 0, RUD_TOY_STEPS * BATCH * sizeof *t->dy);
    for (size_t b = 0; b < BATCH; b++) {
        const size_t row = last_row(batch, b);
        t->dy[row] = 2.0f / BATCH * (y[row] - (float)batch->target[b]);
    }
    RUD_TRY(rud_network_backward(t->network, t->activations, t->dy, t->gradients, NULL));
    t->gradients[rud_network_head_bias(t->network)] = 0; /* stays 0 */
    return rud_adam_step(t->adam, t->parameters, t->gradients);
}

static rud_status measure(training *t, double *error)
{
    const rud_toy_sequences *s = &t->unseen;
    RUD_TRY(rud_network_forward(t->network, s->x, NULL, RUD_TOY_STEPS, s->count, t->activations));
    const float *y = rud_activations_outputs(t->activations);
    *error = 0;
    for (size_t b = 0; b < s->count; b++) {
        const double difference = (double)y[last_row(s, b)] - s->target[b];
        *error += difference * difference / (double)s->count;
    }
    return RUD_OK;
}

static rud_status begin(training *t, uint64_t seed)
{
    rud_adam_options options = rud_adam_options_default();
    options.beta2 = 0.99;
    options.clip_norm = 1;
    rud_network_initialise(t->network, seed);
    t->parameters[rud_network_head_weight(t->network)] = HEAD_WEIGHT;
    rud_adam_free(&t->adam);
    return rud_adam_create(&options, t->count, &t->adam);
}

/* One training; *updates is how many it took to the goal, UPDATES + 1 where it stalled. */
static rud_status train_once(const rud_toy_task *task, training *t, size_t *updates)
{
    const double half_turn = acos(-1.0);
    for (*updates = 1; *updates <= UPDATES; ++*updates) {
        const double part = (double)(*updates - 1) / UPDATES;
        rud_adam_set_learning_rate(t->adam, LEARNING_RATE * 0.5 * (1 + cos(half_turn * part)));
        RUD_TRY(update(t, &t->batches[(*updates - 1) % BATCHES]));
        if (*updates % CHECK_EVERY != 0) continue;
        double error;
        if (task->stop && *task->stop) return rud_error(RUD_EINTERRUPTED, "interrupted");
        RUD_TRY(measure(t, &error));
        if (error < task->goal) break;
    }
    return RUD_OK;
}

static rud_status train(const rud_toy_task *task, training *t, rud_toy_network *trained)
{
    rud_rng seeds = rud_rng_stream(task->seed, "toy network", task->number);
    for (size_t trial = 0; trial < TRIALS; trial++) {
        size_t updates;
        RUD_TRY(begin(t, rud_rng_u64(&seeds)));
        RUD_TRY(train_once(task, t, &updates));
        if (updates > UPDATES) continue;
        *trained = (rud_toy_network){t->network, trial, updates};
        t->network = NULL;
        return RUD_OK;
    }
    return rud_error(RUD_EDIVERGED,
                     "toy arithmetic: network %llu does not reach a mean squared error of %g in %d "
                     "trainings of %d updates; give a larger goal",
                     (unsigned long long)task->number, task->goal, TRIALS, UPDATES);
}

rud_status rud_toy_train(const rud_toy_task *task, rud_toy_network *trained)
{
    *trained = (rud_toy_network){0};
    training *t = calloc(1, sizeof *t);
    if (!t) return rud_error(RUD_ENOMEM, "toy arithmetic: no memory left");
    rud_status status = open_training(task, t);
    if (status == RUD_OK) status = train(task, t, trained);
    close_training(t);
    free(t);
    return status;
}

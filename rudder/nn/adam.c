/* Adam. */
#include "nn/adam.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "nn/kernels_private.h"

struct rud_adam {
    rud_adam_options options;
    size_t count;
    uint64_t steps;
    float *moments; /* [2 * count]: first, then second */
};

rud_adam_options rud_adam_options_default(void)
{
    return (rud_adam_options){.learning_rate = 1e-3,
                              .beta1 = 0.9,
                              .beta2 = 0.999,
                              .epsilon = 1e-8,
                              .weight_decay = 0.0,
                              .weight_decay_kind = RUD_WEIGHT_DECAY_L2,
                              .clip_norm = 0.0};
}

static rud_status check(const char *name, double value, double low, double high)
{
    if (value >= low && value <= high) return RUD_OK;
    return rud_error(RUD_EINVAL, "adam: %s is %g; allowed are %g to %g", name, value, low, high);
}

static rud_status check_options(const rud_adam_options *options)
{
    const double large = 1e30, below_one = 1.0 - 1e-7; /* as floats: finite, and still below 1 */
    RUD_TRY(check("the learning rate", options->learning_rate, 0.0, large));
    RUD_TRY(check("beta1", options->beta1, 0.0, below_one));
    RUD_TRY(check("beta2", options->beta2, 0.0, below_one));
    RUD_TRY(check("epsilon", options->epsilon, 1e-30, large));
    RUD_TRY(check("weight_decay", options->weight_decay, 0.0, large));
    return check("clip_norm", options->clip_norm, 0.0, large);
}

rud_status rud_adam_create(const rud_adam_options *options, size_t count, rud_adam **adam)
{
    *adam = NULL;
    RUD_TRY(check_options(options));
    rud_adam *created = calloc(1, sizeof *created);
    float *moments = count <= SIZE_MAX / 2 ? calloc(2 * count + 1, sizeof *moments) : NULL;
    if (!created || !moments) {
        free(created);
        free(moments);
        return rud_error(RUD_ENOMEM, "adam: no memory for the moments of %zu parameters", count);
    }
    *created = (rud_adam){.options = *options, .count = count, .moments = moments};
    *adam = created;
    return RUD_OK;
}

void rud_adam_free(rud_adam **adam)
{
    if (!*adam) return;
    free((*adam)->moments);
    free(*adam);
    *adam = NULL;
}

void rud_adam_set_learning_rate(rud_adam *adam, double learning_rate)
{
    adam->options.learning_rate = learning_rate;
}

rud_status rud_adam_step(rud_adam *adam, float *parameters, float *gradients)
{
    const rud_adam_options *o = &adam->options;
    const rud_compute_scope scope = rud_compute_begin();
    const double norm = sqrt(rud_sum_of_squares(gradients, adam->count));
    if (!isfinite(norm)) {
        rud_compute_end(scope);
        return rud_error(RUD_EDIVERGED,
                         "adam: the gradients of update %llu are not finite; lower the learning "
                         "rate or set clip_norm",
                         (unsigned long long)adam->steps + 1);
    }
    adam->steps++;
    const double t = (double)adam->steps;
    const bool decoupled = o->weight_decay_kind == RUD_WEIGHT_DECAY_DECOUPLED;
    const bool clipped = o->clip_norm > 0.0 && norm > o->clip_norm;
    const rud_adam_pass pass = {
        .gradient_scale = clipped ? (float)(o->clip_norm / norm) : 1.0f,
        .l2 = decoupled ? 0.0f : (float)o->weight_decay,
        .keep = decoupled ? (float)(1.0 - o->learning_rate * o->weight_decay) : 1.0f,
        .rate = (float)(o->learning_rate / (1.0 - pow(o->beta1, t))),
        .keep1 = (float)o->beta1,
        .new1 = (float)(1.0 - o->beta1),
        .keep2 = (float)o->beta2,
        .new2 = (float)(1.0 - o->beta2),
        .root_scale = (float)(1.0 / sqrt(1.0 - pow(o->beta2, t))),
        .epsilon = (float)o->epsilon,
    };
    rud_adam_update(&pass, adam->count, parameters, gradients, adam->moments,
                    adam->moments + adam->count);
    rud_compute_end(scope);
    return RUD_OK;
}

float *rud_adam_moments(rud_adam *adam)
{
    return adam->moments;
}

uint64_t rud_adam_steps(const rud_adam *adam)
{
    return adam->steps;
}

void rud_adam_set_steps(rud_adam *adam, uint64_t steps)
{
    adam->steps = steps;
}

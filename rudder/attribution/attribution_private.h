/* What the files of this folder share. Private. */
#ifndef RUD_ATTRIBUTION_ATTRIBUTION_PRIVATE_H
#define RUD_ATTRIBUTION_ATTRIBUTION_PRIVATE_H

#include <stdint.h>

#include "attribution/attribution.h"
#include "nn/ragged.h"

/* Of integrated gradients. */
enum { RUD_MOST_NODES = 1 << 20 };

/* Stabilisers are added to single-precision numbers. */
#define RUD_MOST_EPSILON 1e30

/* Memory that grows by being replaced: its content is lost then. 64-byte aligned. */
typedef struct rud_buffer {
    void *data;
    size_t bytes;
} rud_buffer;

/* Makes room for `count` elements of `size` bytes; RUD_ENOMEM. */
rud_status rud_buffer_reserve(rud_buffer *buffer, size_t count, size_t size);
void rud_buffer_free(rud_buffer *buffer);

/* Every array there is; each is reserved by what uses it. */
struct rud_attribution {
    rud_activations *activations;
    rud_buffer results;                              /* the result's doubles */
    rud_buffer relevance;                            /* [T][B][D] */
    rud_buffer lengths;                              /* [B], up to the chosen step */
    rud_buffer sums;                                 /* [T][B][D] double, of integrated gradients */
    rud_buffer batch, batch_lengths, batch_gradient; /* of evaluations */
    rud_buffer walk;                                 /* of LRP and decomposition */
};

/* One call, its options and input checked. T and lengths go up to the chosen step only, so that
 * every method explains a last prediction. */
struct rud_attribution_call {
    rud_attribution *memory;
    const rud_attribution_options *options;
    const rud_network *network;
    const rud_network_spec *spec;
    const float *parameters;
    const float *x; /* [T][B][D] */
    rud_ragged ragged;
    size_t T, B, D;
    size_t rows_T; /* T of the input, and of the result */
    const float *feature_mean;
    double scale, offset;
    const rud_activations *given; /* NULL, or of these episodes, all steps */

    /* The result to be filled in; all begin as 0. */
    float *relevance;       /* NULL until rud_call_relevance */
    double *step_relevance; /* [T][B] */
    double *absorbed;       /* [T][B] */
    double *prediction, *baseline_prediction, *initial, *irrelevant, *largest; /* [B] */
    double *total, *error, *growth, *near_zero;                                /* [B] */
    double constant;   /* what is in every prediction and in no relevance: b_y of decomposition */
    bool steps_as_one; /* no step_relevance; the method sets total */
    bool conserves;    /* the error is a number; as the method's row says */
    const char *const *names; /* [B], or NULL */
    rud_attribution_watch *watch;
    void *watcher;
};

/* `done` of `count` evaluations are through; the watch's status. */
static inline rud_status rud_call_watch(const rud_attribution_call *call, size_t done, size_t count)
{
    return call->watch ? call->watch(call->watcher, (double)done / (double)count) : RUD_OK;
}

/* Its name, or "episode 3": for messages. */
enum { RUD_EPISODE_TEXT = 96 };
const char *rud_call_episode(const rud_attribution_call *call, size_t b,
                             char text[RUD_EPISODE_TEXT]);

/* The bits of |x|: in order as the numbers are, infinity and then NaN on top. */
static inline uint32_t rud_magnitude(float x)
{
    union {
        float number;
        uint32_t bits;
    } both = {.number = x};
    return both.bits & 0x7fffffffu;
}

/* bits = max(bits, |x|) over count numbers. */
uint32_t rud_largest_magnitude(const float *x, size_t count, uint32_t bits);

/* Are count numbers all finite? */
bool rud_all_finite(const float *x, size_t count);

/* Gives the call its relevance array; its content is undefined. */
rud_status rud_call_relevance(rud_attribution_call *call);

/* step_relevance = the sum of relevance over features; zeros behind an episode's end. */
void rud_call_sum_features(rud_attribution_call *call);

static inline size_t rud_call_length(const rud_attribution_call *call, size_t b)
{
    return rud_ragged_length(&call->ragged, b);
}

/* scale * y[output] + offset of the rows y[K] of outputs. */
static inline double rud_call_prediction(const rud_attribution_call *call, const float *y)
{
    return call->scale * (double)y[call->options->output] + call->offset;
}

/* Variations of the episodes, predicted many at a time. */
typedef struct rud_variations {
    size_t count;
    bool gradient; /* of the prediction by the inputs is wanted */
    bool watched;  /* they are what the call's time goes to */
    void *context;
    /* Writes variation k, row t at x + t * ld; returns its number of rows, which may be 0. */
    size_t (*fill)(void *context, size_t k, float *x, size_t ld);
    /* Takes its prediction, and the gradient, row t at gradient + t * ld (else NULL). */
    void (*take)(void *context, size_t k, double prediction, const float *gradient, size_t ld);
} rud_variations;
rud_status rud_predict_variations(rud_attribution_call *call, const rud_variations *variations);

/* Copies an episode; returns its length. */
size_t rud_call_copy_episode(const rud_attribution_call *call, size_t b, float *x, size_t ld);

/* Zeros, or the features' means, as options->remove says, in columns first .. first + count - 1 of
 * the row x[D]. */
void rud_call_replace(const rud_attribution_call *call, size_t first, size_t count, float *x);

/* The predictions of the episodes as they are. */
rud_status rud_call_predict(rud_attribution_call *call);

/* relevance = d prediction / dx, and the predictions. */
rud_status rud_call_gradient(rud_attribution_call *call);

/* Columns at a time, so that `floats` a column stay within a fixed memory. */
size_t rud_columns_at_once(size_t count, double floats);

/* Chosen gates of a half, side by side in columns of H, and the weights that serve neighbouring
 * columns in one matrix product. */
typedef struct rud_gate_block {
    size_t column;  /* of its first gate */
    size_t gates;   /* in number */
    size_t weights; /* place of [gates * H][inputs] in the parameters */
} rud_gate_block;
typedef struct rud_gate_columns {
    size_t count;             /* of columns */
    rud_gate gate[RUD_GATES]; /* of each column */
    size_t column[RUD_GATES]; /* of each chosen gate */
    rud_gate_block forward[RUD_GATES], recurrent[RUD_GATES];
    size_t forward_blocks, recurrent_blocks;
} rud_gate_columns;
rud_gate_columns rud_gate_columns_of(const rud_network *network, size_t layer,
                                     rud_direction direction, const bool gates[RUD_GATES]);

rud_status rud_run_difference(rud_attribution_call *call);
rud_status rud_run_gradient(rud_attribution_call *call);
rud_status rud_run_sensitivity(rud_attribution_call *call);
rud_status rud_run_gradient_x_input(rud_attribution_call *call);
rud_status rud_run_integrated_gradients(rud_attribution_call *call);
rud_status rud_run_occlusion(rud_attribution_call *call);
rud_status rud_run_lrp(rud_attribution_call *call);
rud_status rud_run_decomposition(rud_attribution_call *call);

rud_status rud_run_perturbation(rud_attribution_call *call, const rud_perturbation *perturbation,
                                double *prediction);

#endif

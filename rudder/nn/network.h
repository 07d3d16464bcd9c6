/* The network: stacked LSTM layers with a dense head. Parameters live in one flat array; forward
 * keeps what backward and contribution analysis need in a separate rud_activations, so that
 * several threads can run one network. */
#ifndef RUD_NN_NETWORK_H
#define RUD_NN_NETWORK_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "nn/cell.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rud_network_spec {
    size_t inputs;  /* D */
    size_t hidden;  /* H, of every layer */
    size_t layers;  /* L >= 1 */
    size_t outputs; /* K, of the head */
    rud_cell cell;
} rud_network_spec;

typedef struct rud_network rud_network;

/* Parameters are all 0. RUD_EINVAL for a size of 0 or beyond 2^20. Caller owns *network. */
rud_status rud_network_create(const rud_network_spec *spec, rud_network **network);
rud_status rud_network_copy(const rud_network *from, rud_network **to);
void rud_network_free(rud_network **network);
const rud_network_spec *rud_network_specification(const rud_network *network); /* view */

/* Draws initial parameters from the stream (seed, "initial parameters"). Preset `rudder`: biases
 * normal with mean 0 (b_z) and -3 (b_i) and standard deviation 1, weights with standard deviation
 * 0.1 (SPEC: the authors' values). Other cells: weights uniform in +-1/sqrt(H), biases 0, b_f = 1.
 * The head: weights uniform in +-1/sqrt(H), biases 0. */
void rud_network_initialise(rud_network *network, uint64_t seed);

/* All parameters as one array, `count` in number; absent connections are not among them. View. */
float *rud_network_parameters(rud_network *network, size_t *count);
const float *rud_network_parameters_const(const rud_network *network, size_t *count);

/* Where a parameter matrix stands in the flat array. Layer L of the result is the head (gate 0:
 * its weight in `forward`, its bias in `bias`). An absent connection is RUD_NOT_THERE. */
#define RUD_NOT_THERE ((size_t)-1)
typedef struct rud_gate_parameters {
    size_t forward;   /* [H][D or H], row-major */
    size_t recurrent; /* [H][H] */
    size_t bias;      /* [H] */
} rud_gate_parameters;
rud_gate_parameters rud_network_gate(const rud_network *network, size_t layer, rud_gate gate);

/* The head: weight [K][H] and bias [K], offsets in the flat array. */
size_t rud_network_head_weight(const rud_network *network);
size_t rud_network_head_bias(const rud_network *network);

/* What one forward pass leaves, for T steps and B episodes; grows as needed and is kept. */
typedef struct rud_activations rud_activations;
rud_status rud_activations_create(rud_activations **activations); /* caller owns */
void rud_activations_free(rud_activations **activations);

/* x[T][B][D] -> outputs y[T][B][K] of every step. h_{-1} = c_{-1} = 0. Padded steps are computed
 * like any other and are harmless: give them no gradient. x is borrowed until backward is done.
 * Allocates only where T * B is larger than ever before. */
rud_status rud_network_forward(const rud_network *network, const float *x, size_t T, size_t B,
                               rud_activations *activations);

/* y[T][B][K] of the last forward; view until the next. */
const float *rud_activations_outputs(const rud_activations *activations);

/* What forward stored of layer l, each [T][B][H]; view until the next forward. An absent gate's
 * entry is NULL. Gates are after their activation. */
typedef struct rud_layer_view {
    const float
        *gate[RUD_GATES]; /* gate g of step t, episode b, unit j: gate[g][(t*B+b)*stride+j] */
    size_t gate_stride;   /* floats from one (t, b) to the next */
    const float *c;       /* [T][B][H] */
    const float *h;       /* [T][B][H] */
} rud_layer_view;
rud_layer_view rud_activations_layer(const rud_activations *activations, size_t layer);

/* Back-propagation through time from dy[T][B][K] = dLoss/dy (0 on padded steps).
 * gradients: NULL, or [parameters], overwritten. dx: NULL, or [T][B][D], overwritten. */
rud_status rud_network_backward(const rud_network *network, rud_activations *activations,
                                const float *dy, float *gradients, float *dx);

/* One step of one episode: state in, state out. */
typedef struct rud_network_state rud_network_state;
rud_status rud_network_state_create(const rud_network *network, rud_network_state **state);
void rud_network_state_free(rud_network_state **state);
void rud_network_state_reset(rud_network_state *state);

/* x[D] -> y[K]; the state must have been created for a network of the same specification. */
void rud_network_step(const rud_network *network, rud_network_state *state, const float *x,
                      float *y);

#ifdef __cplusplus
}
#endif
#endif

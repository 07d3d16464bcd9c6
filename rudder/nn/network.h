/* The network: stacked LSTM layers, in one direction or in both, with a dense head. Parameters live
 * in one flat array; forward keeps what backward and contribution analysis need in a separate
 * rud_activations, so that several threads can run one network. */
#ifndef RUD_NN_NETWORK_H
#define RUD_NN_NETWORK_H

#include <stdbool.h>
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
    /* Every layer has a second half that reads the episode from its end. Layer l > 0 reads the
     * hidden states of both halves of the layer below, forward first: 2H inputs. The head reads the
     * final state of each half of the top layer, forward first: 2H inputs, one prediction an
     * episode. */
    bool bidirectional;
} rud_network_spec;

/* Which half of a layer: the one that starts at the first step, or the one that starts at the
 * last. A network in one direction has the first only. */
typedef enum rud_direction { RUD_FORWARD, RUD_REVERSE, RUD_DIRECTIONS } rud_direction;

/* Halves of each layer: 1 or 2. */
static inline size_t rud_directions(const rud_network_spec *spec)
{
    return spec->bidirectional ? RUD_DIRECTIONS : 1;
}

/* Inputs of a layer: D of layer 0, of the others H from each half below. */
static inline size_t rud_layer_inputs(const rud_network_spec *spec, size_t layer)
{
    return layer == 0 ? spec->inputs : rud_directions(spec) * spec->hidden;
}

/* Inputs of the head: H from each half of the top layer. */
static inline size_t rud_head_inputs(const rud_network_spec *spec)
{
    return rud_directions(spec) * spec->hidden;
}

typedef struct rud_network rud_network;

/* Parameters are all 0. RUD_EINVAL for a size of 0 or beyond 2^20. Caller owns *network. */
rud_status rud_network_create(const rud_network_spec *spec, rud_network **network);
rud_status rud_network_copy(const rud_network *from, rud_network **to);
void rud_network_free(rud_network **network);
const rud_network_spec *rud_network_specification(const rud_network *network); /* view */

/* Draws initial parameters from the stream (seed, "initial parameters"). Preset `rudder`: biases
 * normal with mean 0 (b_z) and -3 (b_i) and standard deviation 1, weights with standard deviation
 * 0.1 (the values of RUDDER's authors). Other cells: weights uniform in +-1/sqrt(H), biases 0, b_f
 * = 1. The head: weights uniform in +-1/sqrt(H), biases 0. */
void rud_network_initialise(rud_network *network, uint64_t seed);

/* All parameters as one array, `count` in number; absent connections are not among them. View. */
float *rud_network_parameters(rud_network *network, size_t *count);
const float *rud_network_parameters_const(const rud_network *network, size_t *count);

/* Where a parameter matrix stands in the flat array. Layer L of the result is the head (gate 0:
 * its weight in `forward`, its bias in `bias`). An absent connection is RUD_NOT_THERE. */
#define RUD_NOT_THERE ((size_t)-1)
typedef struct rud_gate_parameters {
    size_t forward;   /* [H][layer inputs], row-major */
    size_t recurrent; /* [H][H] */
    size_t bias;      /* [H] */
} rud_gate_parameters;
rud_gate_parameters rud_network_gate(const rud_network *network, size_t layer, rud_gate gate);

/* The same of one half of a layer; rud_network_gate tells of the forward one. */
rud_gate_parameters rud_network_half_gate(const rud_network *network, size_t layer,
                                          rud_direction direction, rud_gate gate);

/* The head: weight [K][H or 2H] and bias [K], offsets in the flat array. */
size_t rud_network_head_weight(const rud_network *network);
size_t rud_network_head_bias(const rud_network *network);

/* What one forward pass leaves, for T steps and B episodes; grows as needed and is kept. */
typedef struct rud_activations rud_activations;
rud_status rud_activations_create(rud_activations **activations); /* caller owns */
void rud_activations_free(rud_activations **activations);

/* Says of which gates forward, from the next on, keeps the pre-activations too; none at first. With
 * any, cells less than `close` from zero are computed in double precision, and so are these
 * pre-activations: relevance is divided by them. */
void rud_activations_keep(rud_activations *activations, const bool gates[RUD_GATES], float close);

/* x[T][B][D] -> outputs y[T][B][K] of every step. h_{-1} = c_{-1} = 0. Padded steps are computed
 * like any other and are harmless: give them no gradient. x and lengths are borrowed until backward
 * is done. Allocates only where T * B is larger than ever before.
 *
 * lengths: NULL (all are T), or [B], 1 .. T each. Only a bidirectional network reads them, as its
 * reverse half starts at an episode's own end; it gives one prediction an episode, at the episode's
 * last step, y[lengths[b] - 1][b], and 0 at all other steps. RUD_EINVAL for a length out of range.
 */
rud_status rud_network_forward(const rud_network *network, const float *x, const size_t *lengths,
                               size_t T, size_t B, rud_activations *activations);

/* States to start from: h_{-1} and c_{-1} of every layer, [L][B][H] each. Borrowed until backward
 * is done. */
typedef struct rud_initial_state {
    const float *h, *c;
} rud_initial_state;

/* The same from another state than 0: a long episode goes on where the pass before ended. Nothing
 * is handed back to that pass, and the gradients are those of this one's steps. RUD_EINVAL for a
 * bidirectional network, and where pre-activations are kept. */
rud_status rud_network_forward_from(const rud_network *network, const float *x,
                                    const rud_initial_state *initial, size_t T, size_t B,
                                    rud_activations *activations);

/* Did the last forward run this network on these inputs? */
bool rud_activations_are_of(const rud_activations *activations, const rud_network *network,
                            const float *x, size_t T, size_t B);

/* y[T][B][K] of the last forward; view until the next. */
const float *rud_activations_outputs(const rud_activations *activations);

/* What forward stored of one half of a layer; view until the next forward. An absent gate's entry
 * is NULL. Step t of the reverse half is the t-th that it reads: lengths[b] - 1 - t of the episode.
 */
typedef struct rud_layer_view {
    /* Gate g of step t, episode b, unit j, after its activation: gate[g][(t*B+b)*stride+j]. */
    const float *gate[RUD_GATES];
    size_t gate_stride; /* floats from one (t, b) to the next */
    /* The same before the activation, bias included; NULL unless kept. */
    const float *pre_activation[RUD_GATES];
    size_t pre_activation_stride;
    const float *c;         /* [T][B][H] */
    const float *activated; /* a_h(c), [T][B][H] */
    const float *h;         /* [T][B][H] */
    const float *x;         /* what the half read, [T][B][layer inputs] */
} rud_layer_view;
rud_layer_view rud_activations_layer(const rud_activations *activations, size_t layer);
rud_layer_view rud_activations_half(const rud_activations *activations, size_t layer,
                                    rud_direction direction);

/* Back-propagation through time from dy[T][B][K] = dLoss/dy (0 on padded steps; of a bidirectional
 * network only the rows of last steps are read).
 * gradients: NULL, or [parameters], overwritten. dx: NULL, or [T][B][D], overwritten. */
rud_status rud_network_backward(const rud_network *network, rud_activations *activations,
                                const float *dy, float *gradients, float *dx);

/* One step of one episode: state in, state out. RUD_EINVAL for a bidirectional network, which has
 * to know the end first. */
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

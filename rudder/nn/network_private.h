/* What the files of this folder share about the network and its activations. Private. */
#ifndef RUD_NN_NETWORK_PRIVATE_H
#define RUD_NN_NETWORK_PRIVATE_H

#include "nn/kernels_private.h"
#include "nn/network.h"
#include "nn/ragged.h"

/* Gates that follow one another without a gap in a row of gate values and in the parameters, so
 * that one matrix product serves them all. `lstm` has one run of four. */
typedef struct rud_gate_run {
    rud_gate first;
    size_t count; /* gates */
} rud_gate_run;

enum { RUD_GATE_RUNS = 2 }; /* four gates have no more than two gaps */

typedef struct rud_gate_runs {
    rud_gate_run run[RUD_GATE_RUNS];
    size_t count;
} rud_gate_runs;

struct rud_network {
    rud_network_spec spec; /* owns cell.name */
    rud_gate_rows rows;
    rud_gate_runs forward;                   /* gates that have a forward connection */
    rud_gate_runs recurrent;                 /* and a recurrent one */
    rud_gate_parameters (*gates)[RUD_GATES]; /* [L * directions]: where parameters stand */
    size_t head_weight, head_bias;           /* and the head's */
    size_t count;                            /* of all parameters */
    float *parameters;                       /* [count] */
};

/* One half of one layer. */
typedef struct rud_half {
    size_t layer;
    rud_direction direction;
} rud_half;

/* bias[present * H] of a half in the order of a row of gate values; 0 where there is none. */
void rud_layer_bias(const rud_network *network, rud_half half, float *bias);

/* Memory that grows by being replaced: its content is lost then. 64-byte aligned. */
typedef struct rud_workspace {
    float *data;
    size_t capacity; /* floats */
} rud_workspace;

struct rud_activations {
    const rud_network *network; /* of the last forward; NULL before the first */
    const float *x;
    const size_t *lengths; /* [B]; NULL: all are T */
    size_t T, B;
    rud_initial_state initial; /* NULL, NULL: zeros */
    bool keep[RUD_GATES];
    float close;            /* to zero: what is computed in double precision where any is kept */
    size_t kept;            /* of the present gates, in the last forward: their pre-activations */
    rud_workspace forward;  /* what forward leaves, layer by layer, then y and scratch */
    rud_workspace backward; /* scratch of backward */
};

/* Where the last forward keeps what it left of a half. */
typedef struct rud_layer_memory {
    float *gates;     /* [T][B][present * H] */
    float *c;         /* [T][B][H] */
    float *h;         /* [T][B][H]; before it h_{-1} where the pass started from a given state */
    float *activated; /* a_h(c), [T][B][H]; h itself where there is no output gate */
    float *pre;       /* [T][B][kept * H] */
    float *own_x;     /* [T][B][layer inputs], where the half cannot read x or the h below as is */
    const float *x;   /* what the half reads */
} rud_layer_memory;
rud_layer_memory rud_activations_memory(const rud_activations *activations, rud_half half);
float *rud_activations_y(const rud_activations *activations);

/* Scratch behind it, for either pass. */
typedef struct rud_pass_scratch {
    float *panels;  /* packed weights of one layer */
    float *bias;    /* [present * H] */
    float *zeros;   /* [H], all 0: h_{-1}, c_{-1} and what comes back from behind the end */
    float *finals;  /* [B][2H], of a bidirectional network: what its head reads, or its gradient */
    float *final_y; /* [B][K] */
} rud_pass_scratch;
rud_pass_scratch rud_activations_scratch(const rud_activations *activations);

/* c_{-1} of a half: row b stands b * *stride floats on. */
const float *rud_activations_first_c(const rud_activations *activations, rud_half half,
                                     size_t *stride);

/* Makes room for T steps of B episodes from `initial`. RUD_EINVAL for T or B of 0 or more than 2^31
 * - 1 steps in all; RUD_ENOMEM. */
rud_status rud_activations_reserve(const rud_network *network, const rud_initial_state *initial,
                                   size_t T, size_t B, rud_activations *activations);

typedef struct rud_backward_memory {
    double *sums;              /* [max(present * H, K)] */
    float *dh[RUD_DIRECTIONS]; /* [T][B][H], of each half */
    float *d_gates;            /* [T][B][present * H] */
    float *d_half;  /* [T][B][largest layer inputs], of a bidirectional network: from one half */
    float *d_layer; /* the same: from both */
} rud_backward_memory;
rud_status rud_activations_reserve_backward(rud_activations *activations,
                                            rud_backward_memory *memory);

/* Computes the cells of step t that are close to zero anew, in double precision, and what hangs on
 * them: the values of i, f and z, their kept pre-activations, c, a_h(c) and h. The same for other
 * kept pre-activations of gates that are close to zero. */
void rud_refine_step(const rud_activations *activations, rud_half half,
                     const rud_layer_memory *memory, size_t t);

/* finals[B][2H]: the final states of both halves of the top layer of a bidirectional network. */
void rud_gather_finals(const rud_activations *activations, float *finals);

#endif

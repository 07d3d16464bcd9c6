/* The LSTM cell, every connection optional: data that the kernels, the reference and the
 * contribution analysis read.
 *
 *     i_t = sigma(W_i x_t + U_i h_{t-1} + b_i)        input gate
 *     f_t = sigma(W_f x_t + U_f h_{t-1} + b_f)        forget gate
 *     z_t = a_z  (W_z x_t + U_z h_{t-1} + b_z)        cell input (PyTorch's g)
 *     o_t = sigma(W_o x_t + U_o h_{t-1} + b_o)        output gate
 *     c_t = f_t * c_{t-1} + i_t * z_t                 cell state
 *     h_t = o_t * a_h(c_t)                            hidden state
 *
 * Sources: Hochreiter and Schmidhuber 1997; Gers et al. 2000; Arjona-Medina et al. 2019. */
#ifndef RUD_NN_CELL_H
#define RUD_NN_CELL_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* PyTorch's gate order. */
typedef enum rud_gate {
    RUD_GATE_INPUT,
    RUD_GATE_FORGET,
    RUD_GATE_CELL_INPUT,
    RUD_GATE_OUTPUT,
    RUD_GATES
} rud_gate;

typedef enum rud_activation {
    RUD_TANH,
    RUD_RELU,
    RUD_SIGMOID,
    RUD_IDENTITY,
} rud_activation;

/* Which terms a gate's pre-activation has. A gate with none of them is absent: constant 1. */
typedef struct rud_connections {
    bool forward;   /* W x_t */
    bool recurrent; /* U h_{t-1} */
    bool bias;      /* b */
} rud_connections;

typedef struct rud_cell {
    const char *name;
    rud_connections gates[RUD_GATES]; /* the cell input is never absent */
    rud_activation cell_input;        /* a_z */
    rud_activation hidden;            /* a_h: tanh or identity */
} rud_cell;

static inline bool rud_gate_present(const rud_cell *cell, rud_gate gate)
{
    const rud_connections *c = &cell->gates[gate];
    return c->forward || c->recurrent || c->bias;
}

/* The preset `lstm`, `lstm1997`, `rudder`, `rudder-centred` or `r-lstm`; NULL if there is none of
 * that name. */
const rud_cell *rud_cell_preset(const char *name);

/* Preset k = 0, 1, ...; NULL behind the last. */
const rud_cell *rud_cell_preset_at(size_t k);

#ifdef __cplusplus
}
#endif
#endif

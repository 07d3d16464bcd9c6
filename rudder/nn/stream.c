/* One step of one episode at a time. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nn/network_private.h"

struct rud_network_state {
    size_t layers, H;
    float *h;         /* [L][H] */
    float *c;         /* [L][H] */
    float *c_next;    /* [H] */
    float *gates;     /* [present * H] */
    float *zeros;     /* [present * H] */
    float *activated; /* [H] */
};

rud_status rud_network_state_create(const rud_network *network, rud_network_state **state)
{
    const size_t L = network->spec.layers, H = network->spec.hidden, G = network->rows.present;
    *state = NULL;
    if (network->spec.bidirectional)
        return rud_error(RUD_EINVAL, "network state: a bidirectional network cannot go step by "
                                     "step; predict whole episodes");
    rud_network_state *created = calloc(1, sizeof *created);
    float *memory = L <= SIZE_MAX / 64 / H ? calloc((2 * L + 2 * G + 2) * H, sizeof *memory) : NULL;
    *state = created;
    if (!created || !memory) {
        free(memory);
        free(created);
        *state = NULL;
        return rud_error(RUD_ENOMEM, "network state: no memory for %zu layers of %zu units", L, H);
    }
    created->layers = L;
    created->H = H;
    created->h = memory;
    created->c = created->h + L * H;
    created->gates = created->c + L * H;
    created->zeros = created->gates + G * H;
    created->activated = created->zeros + G * H;
    created->c_next = created->activated + H;
    return RUD_OK;
}

void rud_network_state_free(rud_network_state **state)
{
    if (!*state) return;
    free((*state)->h);
    free(*state);
    *state = NULL;
}

void rud_network_state_reset(rud_network_state *state)
{
    memset(state->h, 0, 2 * state->layers * state->H * sizeof *state->h);
}

/* gates += weights * x for each run of gates. */
static void add_products(const rud_network *network, size_t layer, bool forward, const float *x,
                         float *gates)
{
    const size_t H = network->spec.hidden;
    const rud_gate_runs *runs = forward ? &network->forward : &network->recurrent;
    const size_t K = forward ? rud_layer_inputs(&network->spec, layer) : H;
    for (size_t k = 0; k < runs->count; k++) {
        const rud_gate_parameters at = rud_network_gate(network, layer, runs->run[k].first);
        rud_multiply_vector(network->parameters + (forward ? at.forward : at.recurrent),
                            runs->run[k].count * H, K, x,
                            gates + network->rows.slot[runs->run[k].first] * H);
    }
}

void rud_network_step(const rud_network *network, rud_network_state *state, const float *x,
                      float *y)
{
    const rud_compute_scope scope = rud_compute_begin();
    const size_t H = network->spec.hidden, K = network->spec.outputs;
    for (size_t l = 0; l < network->spec.layers; l++) {
        float *c = state->c + l * H, *h = state->h + l * H;
        rud_layer_bias(network, (rud_half){.layer = l}, state->gates);
        add_products(network, l, true, x, state->gates);
        add_products(network, l, false, h, state->gates);
        rud_gates_forward(&network->rows, 1, state->gates, state->zeros, c, H, state->c_next,
                          state->activated, h);
        memcpy(c, state->c_next, H * sizeof *c);
        x = h;
    }
    memcpy(y, network->parameters + rud_network_head_bias(network), K * sizeof *y);
    rud_multiply_vector(network->parameters + rud_network_head_weight(network), K, H, x, y);
    rud_compute_end(scope);
}

/* The forward pass over a batch. */
#include <string.h>

#include "nn/network_private.h"

/* The gates' pre-activations of all steps from the inputs: gates = W x, 0 where a gate has no
 * forward connection. */
static void project_inputs(const rud_network *network, size_t layer, const float *x, size_t steps,
                           float *panels, float *gates)
{
    const size_t H = network->spec.hidden, D = rud_layer_inputs(network, layer);
    const size_t GH = network->rows.present * H;
    for (size_t g = 0; g < RUD_GATES; g++) {
        const rud_connections *has = &network->spec.cell.gates[g];
        if (!rud_gate_present(&network->spec.cell, (rud_gate)g) || has->forward) continue;
        float *column = gates + network->rows.slot[g] * H;
        for (size_t s = 0; s < steps; s++) memset(column + s * GH, 0, H * sizeof *column);
    }
    for (size_t k = 0; k < network->forward.count; k++) {
        const rud_gate_run run = network->forward.run[k];
        const float *W = network->parameters + rud_network_gate(network, layer, run.first).forward;
        const rud_panels packed = rud_panels_pack(W, D, true, D, run.count * H, panels);
        rud_multiply(x, D, steps, &packed, false, gates + network->rows.slot[run.first] * H, GH);
    }
}

/* U^T of each run of recurrent gates, packed one behind the other. */
static void pack_recurrent(const rud_network *network, size_t layer, float *panels,
                           rud_panels packed[RUD_GATE_RUNS])
{
    const size_t H = network->spec.hidden;
    for (size_t k = 0; k < network->recurrent.count; k++) {
        const rud_gate_run run = network->recurrent.run[k];
        const float *U =
            network->parameters + rud_network_gate(network, layer, run.first).recurrent;
        packed[k] = rud_panels_pack(U, H, true, H, run.count * H, panels);
        panels += rud_panels_size(H, run.count * H);
    }
}

static void layer_forward(const rud_activations *activations, size_t layer, const float *x)
{
    const rud_network *network = activations->network;
    const size_t T = activations->T, B = activations->B, H = network->spec.hidden;
    const size_t GH = network->rows.present * H;
    const rud_layer_memory memory = rud_activations_memory(activations, layer);
    const rud_pass_scratch scratch = rud_activations_scratch(activations);
    rud_panels recurrent[RUD_GATE_RUNS];
    project_inputs(network, layer, x, T * B, scratch.panels, memory.gates);
    pack_recurrent(network, layer, scratch.panels, recurrent);
    rud_layer_bias(network, layer, scratch.bias);
    for (size_t t = 0; t < T; t++) {
        float *gates = memory.gates + t * B * GH;
        const size_t now = t * B * H;
        for (size_t k = 0; t > 0 && k < network->recurrent.count; k++)
            rud_multiply(memory.h + now - B * H, H, B, &recurrent[k], true,
                         gates + network->rows.slot[network->recurrent.run[k].first] * H, GH);
        rud_gates_forward(&network->rows, B, gates, scratch.bias,
                          t > 0 ? memory.c + now - B * H : scratch.zeros, t > 0 ? H : 0,
                          memory.c + now, memory.activated + now, memory.h + now);
    }
}

rud_status rud_network_forward(const rud_network *network, const float *x, size_t T, size_t B,
                               rud_activations *activations)
{
    RUD_TRY(rud_activations_reserve(network, T, B, activations));
    const rud_compute_scope scope = rud_compute_begin();
    const size_t H = network->spec.hidden, K = network->spec.outputs;
    activations->x = x;
    for (size_t l = 0; l < network->spec.layers; l++) {
        layer_forward(activations, l, x);
        x = rud_activations_memory(activations, l).h;
    }
    float *y = rud_activations_y(activations);
    const rud_panels V = rud_panels_pack(network->parameters + rud_network_head_weight(network), H,
                                         true, H, K, rud_activations_scratch(activations).panels);
    rud_multiply(x, H, T * B, &V, false, y, K);
    rud_add_row(network->parameters + rud_network_head_bias(network), T * B, K, y);
    rud_compute_end(scope);
    return RUD_OK;
}

/* Back-propagation through time over a batch. */
#include <string.h>

#include "nn/network_private.h"

/* One backward pass. */
typedef struct backward_pass {
    const rud_activations *activations;
    const rud_network *network;
    rud_backward_memory memory;
    rud_pass_scratch scratch;
    size_t steps;     /* T * B */
    float *gradients; /* NULL if not wanted */
} backward_pass;

static void start_sums(double *sums, size_t count)
{
    memset(sums, 0, count * sizeof *sums);
}

static void end_sums(const double *sums, size_t count, float *to)
{
    for (size_t k = 0; k < count; k++) to[k] = (float)sums[k];
}

/* dh = dy V, and the head's gradients: dV = dy^T h, db_y = sum of dy. */
static void head_backward(const backward_pass *pass, const float *dy)
{
    const rud_network *network = pass->network;
    const size_t H = network->spec.hidden, K = network->spec.outputs;
    const float *V = network->parameters + rud_network_head_weight(network);
    const rud_panels packed = rud_panels_pack(V, H, false, K, H, pass->scratch.panels);
    rud_multiply(dy, K, pass->steps, &packed, false, pass->memory.dh, H);
    if (!pass->gradients) return;
    const float *h = rud_activations_memory(pass->activations, network->spec.layers - 1).h;
    rud_multiply_transposed(dy, K, h, H, K, H, pass->steps,
                            pass->gradients + rud_network_head_weight(network), H);
    start_sums(pass->memory.sums, K);
    rud_add_column_sums(dy, pass->steps, K, pass->memory.sums);
    end_sums(pass->memory.sums, K, pass->gradients + rud_network_head_bias(network));
}

/* U of each run of recurrent gates, packed one behind the other. */
static void pack_recurrent(const backward_pass *pass, size_t layer,
                           rud_panels packed[RUD_GATE_RUNS])
{
    const rud_network *network = pass->network;
    const size_t H = network->spec.hidden;
    float *panels = pass->scratch.panels;
    for (size_t k = 0; k < network->recurrent.count; k++) {
        const rud_gate_run run = network->recurrent.run[k];
        const float *U =
            network->parameters + rud_network_gate(network, layer, run.first).recurrent;
        packed[k] = rud_panels_pack(U, H, false, run.count * H, H, panels);
        panels += rud_panels_size(run.count * H, H);
    }
}

/* d_gates of all steps from dh of all steps, last step first. What a step hands on to c of the
 * step before stands in its own dh, which is done with. */
static void steps_backward(const backward_pass *pass, size_t layer)
{
    const rud_network *network = pass->network;
    const size_t T = pass->activations->T, B = pass->activations->B, H = network->spec.hidden;
    const size_t GH = network->rows.present * H;
    const rud_layer_memory layer_memory = rud_activations_memory(pass->activations, layer);
    rud_panels recurrent[RUD_GATE_RUNS];
    pack_recurrent(pass, layer, recurrent);
    start_sums(pass->memory.sums, GH);
    for (size_t t = T; t-- > 0;) {
        const size_t now = t * B * H;
        const bool last = t == T - 1;
        float *dh = pass->memory.dh + now, *d_gates = pass->memory.d_gates + t * B * GH;
        rud_gates_backward(&network->rows, B, layer_memory.gates + t * B * GH,
                           t > 0 ? layer_memory.c + now - B * H : pass->scratch.zeros,
                           t > 0 ? H : 0, layer_memory.activated + now,
                           last ? pass->scratch.zeros : dh + B * H, last ? 0 : H, dh, d_gates);
        rud_add_column_sums(d_gates, B, GH, pass->memory.sums);
        for (size_t k = 0; t > 0 && k < network->recurrent.count; k++)
            rud_multiply(d_gates + network->rows.slot[network->recurrent.run[k].first] * H, GH, B,
                         &recurrent[k], true, dh - B * H, H);
    }
}

/* dW = d_gates^T x, dU = d_gates^T h of the step before, db = sum of d_gates. */
static void layer_gradients(const backward_pass *pass, size_t layer, const float *x)
{
    const rud_network *network = pass->network;
    const size_t B = pass->activations->B, H = network->spec.hidden, steps = pass->steps;
    const size_t D = rud_layer_inputs(network, layer), GH = network->rows.present * H;
    const float *h = rud_activations_memory(pass->activations, layer).h;
    for (size_t k = 0; k < network->forward.count; k++) {
        const rud_gate_run run = network->forward.run[k];
        rud_multiply_transposed(
            pass->memory.d_gates + network->rows.slot[run.first] * H, GH, x, D, run.count * H, D,
            steps, pass->gradients + rud_network_gate(network, layer, run.first).forward, D);
    }
    for (size_t k = 0; k < network->recurrent.count; k++) {
        const rud_gate_run run = network->recurrent.run[k];
        float *dU = pass->gradients + rud_network_gate(network, layer, run.first).recurrent;
        rud_multiply_transposed(pass->memory.d_gates + B * GH + network->rows.slot[run.first] * H,
                                GH, h, H, run.count * H, H, steps - B, dU, H);
    }
    for (size_t g = 0; g < RUD_GATES; g++) {
        const size_t bias = rud_network_gate(network, layer, (rud_gate)g).bias;
        if (bias == RUD_NOT_THERE) continue;
        end_sums(pass->memory.sums + network->rows.slot[g] * H, H, pass->gradients + bias);
    }
}

/* dx = d_gates W. */
static void inputs_backward(const backward_pass *pass, size_t layer, float *dx)
{
    const rud_network *network = pass->network;
    const size_t H = network->spec.hidden, D = rud_layer_inputs(network, layer);
    const size_t GH = network->rows.present * H;
    if (network->forward.count == 0) memset(dx, 0, pass->steps * D * sizeof *dx);
    for (size_t k = 0; k < network->forward.count; k++) {
        const rud_gate_run run = network->forward.run[k];
        const float *W = network->parameters + rud_network_gate(network, layer, run.first).forward;
        const rud_panels packed =
            rud_panels_pack(W, D, false, run.count * H, D, pass->scratch.panels);
        rud_multiply(pass->memory.d_gates + network->rows.slot[run.first] * H, GH, pass->steps,
                     &packed, k > 0, dx, D);
    }
}

rud_status rud_network_backward(const rud_network *network, rud_activations *activations,
                                const float *dy, float *gradients, float *dx)
{
    if (activations->network != network)
        return rud_error(RUD_ESTATE, "backward: no forward pass of this network comes before it");
    backward_pass pass = {.activations = activations,
                          .network = network,
                          .steps = activations->T * activations->B,
                          .gradients = gradients};
    RUD_TRY(rud_activations_reserve_backward(activations, &pass.memory));
    pass.scratch = rud_activations_scratch(activations);
    const rud_compute_scope scope = rud_compute_begin();
    head_backward(&pass, dy);
    for (size_t l = network->spec.layers; l-- > 0;) {
        const float *x = l > 0 ? rud_activations_memory(activations, l - 1).h : activations->x;
        steps_backward(&pass, l);
        if (gradients) layer_gradients(&pass, l, x);
        if (l > 0)
            inputs_backward(&pass, l, pass.memory.dh);
        else if (dx)
            inputs_backward(&pass, l, dx);
    }
    rud_compute_end(scope);
    return RUD_OK;
}

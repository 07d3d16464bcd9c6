/* Back-propagation through time over a batch. */
#include <string.h>

#include "nn/network_private.h"

/* One backward pass. */
typedef struct backward_pass {
    const rud_activations *activations;
    const rud_network *network;
    rud_backward_memory memory;
    rud_pass_scratch scratch;
    rud_ragged ragged;
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

static rud_gate_parameters gate_of(const backward_pass *pass, rud_half half, rud_gate gate)
{
    return rud_network_half_gate(pass->network, half.layer, half.direction, gate);
}

/* dh = dy V of `rows` rows, and the head's gradients: dV = dy^T h, db_y = sum of dy. */
static void head_backward(const backward_pass *pass, const float *dy, const float *h, size_t rows,
                          float *dh)
{
    const rud_network *network = pass->network;
    const size_t inputs = rud_head_inputs(&network->spec), K = network->spec.outputs;
    if (pass->gradients) {
        rud_multiply_transposed(dy, K, h, inputs, K, inputs, rows,
                                pass->gradients + rud_network_head_weight(network), inputs);
        start_sums(pass->memory.sums, K);
        rud_add_column_sums(dy, rows, K, pass->memory.sums);
        end_sums(pass->memory.sums, K, pass->gradients + rud_network_head_bias(network));
    }
    const float *V = network->parameters + rud_network_head_weight(network);
    const rud_panels packed = rud_panels_pack(V, inputs, false, K, inputs, pass->scratch.panels);
    rud_multiply(dy, K, rows, &packed, false, dh, inputs);
}

/* The same of a bidirectional network, whose head read the final states: dh of each half is 0 but
 * at its last step. */
static void final_head_backward(const backward_pass *pass, const float *dy)
{
    const rud_network_spec *spec = &pass->network->spec;
    const size_t B = pass->ragged.B, H = spec->hidden, K = spec->outputs;
    float *last_dy = pass->scratch.final_y, *finals = pass->scratch.finals;
    for (size_t b = 0; b < B; b++)
        memcpy(last_dy + b * K, dy + ((rud_ragged_length(&pass->ragged, b) - 1) * B + b) * K,
               K * sizeof *dy);
    rud_gather_finals(pass->activations, finals);
    head_backward(pass, last_dy, finals, B, finals);
    for (size_t d = 0; d < RUD_DIRECTIONS; d++) {
        float *dh = pass->memory.dh[d];
        memset(dh, 0, pass->steps * H * sizeof *dh);
        for (size_t b = 0; b < B; b++)
            memcpy(dh + ((rud_ragged_length(&pass->ragged, b) - 1) * B + b) * H,
                   finals + (b * RUD_DIRECTIONS + d) * H, H * sizeof *dh);
    }
}

/* U of each run of recurrent gates, packed one behind the other. */
static void pack_recurrent(const backward_pass *pass, rud_half half,
                           rud_panels packed[RUD_GATE_RUNS])
{
    const rud_network *network = pass->network;
    const size_t H = network->spec.hidden;
    float *panels = pass->scratch.panels;
    for (size_t k = 0; k < network->recurrent.count; k++) {
        const rud_gate_run run = network->recurrent.run[k];
        const float *U = network->parameters + gate_of(pass, half, run.first).recurrent;
        packed[k] = rud_panels_pack(U, H, false, run.count * H, H, panels);
        panels += rud_panels_size(run.count * H, H);
    }
}

/* d_gates of all steps from dh of all steps, last step first. What a step hands on to c of the
 * step before stands in its own dh, which is done with. */
static void steps_backward(const backward_pass *pass, rud_half half)
{
    const rud_network *network = pass->network;
    const size_t T = pass->activations->T, B = pass->activations->B, H = network->spec.hidden;
    const size_t GH = network->rows.present * H;
    const rud_layer_memory layer_memory = rud_activations_memory(pass->activations, half);
    rud_panels recurrent[RUD_GATE_RUNS];
    size_t first_stride;
    const float *first_c = rud_activations_first_c(pass->activations, half, &first_stride);
    pack_recurrent(pass, half, recurrent);
    start_sums(pass->memory.sums, GH);
    for (size_t t = T; t-- > 0;) {
        const size_t now = t * B * H;
        const bool last = t == T - 1;
        float *dh = pass->memory.dh[half.direction] + now,
              *d_gates = pass->memory.d_gates + t * B * GH;
        rud_gates_backward(&network->rows, B, layer_memory.gates + t * B * GH,
                           t > 0 ? layer_memory.c + now - B * H : first_c, t > 0 ? H : first_stride,
                           layer_memory.activated + now, last ? pass->scratch.zeros : dh + B * H,
                           last ? 0 : H, dh, d_gates);
        rud_add_column_sums(d_gates, B, GH, pass->memory.sums);
        for (size_t k = 0; t > 0 && k < network->recurrent.count; k++)
            rud_multiply(d_gates + network->rows.slot[network->recurrent.run[k].first] * H, GH, B,
                         &recurrent[k], true, dh - B * H, H);
    }
}

/* dW = d_gates^T x, dU = d_gates^T h of the step before, db = sum of d_gates. The first step has
 * h_{-1} before it only where that was given. */
static void layer_gradients(const backward_pass *pass, rud_half half)
{
    const rud_network *network = pass->network;
    const size_t B = pass->activations->B, H = network->spec.hidden, steps = pass->steps;
    const size_t D = rud_layer_inputs(&network->spec, half.layer), GH = network->rows.present * H;
    const rud_layer_memory memory = rud_activations_memory(pass->activations, half);
    const size_t skipped = pass->activations->initial.h ? 0 : B;
    for (size_t k = 0; k < network->forward.count; k++) {
        const rud_gate_run run = network->forward.run[k];
        float *dW = pass->gradients + gate_of(pass, half, run.first).forward;
        rud_multiply_transposed(pass->memory.d_gates + network->rows.slot[run.first] * H, GH,
                                memory.x, D, run.count * H, D, steps, dW, D);
    }
    for (size_t k = 0; k < network->recurrent.count; k++) {
        const rud_gate_run run = network->recurrent.run[k];
        float *dU = pass->gradients + gate_of(pass, half, run.first).recurrent;
        rud_multiply_transposed(
            pass->memory.d_gates + skipped * GH + network->rows.slot[run.first] * H, GH,
            memory.h + skipped * H - B * H, H, run.count * H, H, steps - skipped, dU, H);
    }
    for (size_t g = 0; g < RUD_GATES; g++) {
        const size_t bias = gate_of(pass, half, (rud_gate)g).bias;
        if (bias == RUD_NOT_THERE) continue;
        end_sums(pass->memory.sums + network->rows.slot[g] * H, H, pass->gradients + bias);
    }
}

/* dx = d_gates W. */
static void inputs_backward(const backward_pass *pass, rud_half half, float *dx)
{
    const rud_network *network = pass->network;
    const size_t H = network->spec.hidden, D = rud_layer_inputs(&network->spec, half.layer);
    const size_t GH = network->rows.present * H;
    if (network->forward.count == 0) memset(dx, 0, pass->steps * D * sizeof *dx);
    for (size_t k = 0; k < network->forward.count; k++) {
        const rud_gate_run run = network->forward.run[k];
        const float *W = network->parameters + gate_of(pass, half, run.first).forward;
        const rud_panels packed =
            rud_panels_pack(W, D, false, run.count * H, D, pass->scratch.panels);
        rud_multiply(pass->memory.d_gates + network->rows.slot[run.first] * H, GH, pass->steps,
                     &packed, k > 0, dx, D);
    }
}

/* What the two halves of a layer say of its inputs goes to dh of the halves below, or to dx. */
static void layer_backward_both(const backward_pass *pass, size_t layer, float *dx)
{
    const rud_network_spec *spec = &pass->network->spec;
    const size_t D = rud_layer_inputs(spec, layer), H = spec->hidden;
    float *sum = layer > 0 ? pass->memory.d_layer : dx;
    for (size_t d = 0; d < RUD_DIRECTIONS; d++) {
        const rud_half half = {layer, (rud_direction)d};
        steps_backward(pass, half);
        if (pass->gradients) layer_gradients(pass, half);
        if (!sum) continue;
        inputs_backward(pass, half, d == RUD_FORWARD ? sum : pass->memory.d_half);
        if (d == RUD_REVERSE)
            rud_ragged_add(&pass->ragged, true, pass->memory.d_half, D, D, sum, D);
    }
    for (size_t d = 0; layer > 0 && d < RUD_DIRECTIONS; d++)
        rud_ragged_copy(&pass->ragged, d == RUD_REVERSE, sum + d * H, D, H, pass->memory.dh[d], H);
}

static void layer_backward(const backward_pass *pass, size_t layer, float *dx)
{
    const rud_half half = {.layer = layer};
    steps_backward(pass, half);
    if (pass->gradients) layer_gradients(pass, half);
    if (layer > 0)
        inputs_backward(pass, half, pass->memory.dh[RUD_FORWARD]);
    else if (dx)
        inputs_backward(pass, half, dx);
}

rud_status rud_network_backward(const rud_network *network, rud_activations *activations,
                                const float *dy, float *gradients, float *dx)
{
    if (activations->network != network)
        return rud_error(RUD_ESTATE, "backward: no forward pass of this network comes before it");
    const bool both = network->spec.bidirectional;
    const size_t top = network->spec.layers - 1;
    backward_pass pass = {.activations = activations,
                          .network = network,
                          .ragged = {activations->lengths, activations->T, activations->B},
                          .steps = activations->T * activations->B,
                          .gradients = gradients};
    RUD_TRY(rud_activations_reserve_backward(activations, &pass.memory));
    pass.scratch = rud_activations_scratch(activations);
    const rud_compute_scope scope = rud_compute_begin();
    if (both)
        final_head_backward(&pass, dy);
    else
        head_backward(&pass, dy, rud_activations_memory(activations, (rud_half){.layer = top}).h,
                      pass.steps, pass.memory.dh[RUD_FORWARD]);
    for (size_t l = network->spec.layers; l-- > 0;) {
        if (both)
            layer_backward_both(&pass, l, dx);
        else
            layer_backward(&pass, l, dx);
    }
    rud_compute_end(scope);
    return RUD_OK;
}

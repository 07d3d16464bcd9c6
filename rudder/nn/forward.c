/* The forward pass over a batch. */
#include <string.h>

#include "nn/network_private.h"

/* The gates' pre-activations of all steps from the inputs: gates = W x, 0 where a gate has no
 * forward connection. */
static void project_inputs(const rud_network *network, rud_half half, const float *x, size_t steps,
                           float *panels, float *gates)
{
    const size_t H = network->spec.hidden, D = rud_layer_inputs(&network->spec, half.layer);
    const size_t GH = network->rows.present * H;
    for (size_t g = 0; g < RUD_GATES; g++) {
        const rud_connections *has = &network->spec.cell.gates[g];
        if (!rud_gate_present(&network->spec.cell, (rud_gate)g) || has->forward) continue;
        float *column = gates + network->rows.slot[g] * H;
        for (size_t s = 0; s < steps; s++) memset(column + s * GH, 0, H * sizeof *column);
    }
    for (size_t k = 0; k < network->forward.count; k++) {
        const rud_gate_run run = network->forward.run[k];
        const float *W =
            network->parameters +
            rud_network_half_gate(network, half.layer, half.direction, run.first).forward;
        const rud_panels packed = rud_panels_pack(W, D, true, D, run.count * H, panels);
        rud_multiply(x, D, steps, &packed, false, gates + network->rows.slot[run.first] * H, GH);
    }
}

/* U^T of each run of recurrent gates, packed one behind the other. */
static void pack_recurrent(const rud_network *network, rud_half half, float *panels,
                           rud_panels packed[RUD_GATE_RUNS])
{
    const size_t H = network->spec.hidden;
    for (size_t k = 0; k < network->recurrent.count; k++) {
        const rud_gate_run run = network->recurrent.run[k];
        const float *U =
            network->parameters +
            rud_network_half_gate(network, half.layer, half.direction, run.first).recurrent;
        packed[k] = rud_panels_pack(U, H, true, H, run.count * H, panels);
        panels += rud_panels_size(H, run.count * H);
    }
}

/* What a half reads, where it is not x or the h below as it stands: the other way round, or the h
 * of both halves below, side by side. */
static void gather_inputs(const rud_activations *activations, rud_half half, float *own_x)
{
    const rud_ragged ragged = {activations->lengths, activations->T, activations->B};
    const rud_network_spec *spec = &activations->network->spec;
    const size_t H = spec->hidden, D = rud_layer_inputs(spec, half.layer);
    const bool reverse = half.direction == RUD_REVERSE;
    if (half.layer == 0) {
        rud_ragged_copy(&ragged, reverse, activations->x, D, D, own_x, D);
        return;
    }
    for (size_t d = 0; d < RUD_DIRECTIONS; d++) {
        const rud_half below = {half.layer - 1, (rud_direction)d};
        rud_ragged_copy(&ragged, half.direction != below.direction,
                        rud_activations_memory(activations, below).h, H, H, own_x + d * H, D);
    }
}

/* Keeps W x + U h + b of the gates that are asked for. */
static void keep_pre_activations(const rud_activations *activations, const float *gates,
                                 const float *bias, float *pre)
{
    const rud_gate_rows *rows = &activations->network->rows;
    const size_t H = rows->H;
    for (size_t b = 0; b < activations->B; b++, gates += rows->present * H) {
        for (size_t g = 0; g < RUD_GATES; g++) {
            if (!activations->keep[g] || !rud_gate_present(rows->cell, (rud_gate)g)) continue;
            const size_t at = rows->slot[g] * H;
            for (size_t j = 0; j < H; j++) pre[j] = gates[at + j] + bias[at + j];
            pre += H;
        }
    }
}

static void layer_forward(const rud_activations *activations, rud_half half)
{
    const rud_network *network = activations->network;
    const size_t T = activations->T, B = activations->B, H = network->spec.hidden;
    const size_t GH = network->rows.present * H;
    const rud_layer_memory memory = rud_activations_memory(activations, half);
    const rud_pass_scratch scratch = rud_activations_scratch(activations);
    rud_panels recurrent[RUD_GATE_RUNS];
    if (memory.x == memory.own_x) gather_inputs(activations, half, memory.own_x);
    project_inputs(network, half, memory.x, T * B, scratch.panels, memory.gates);
    pack_recurrent(network, half, scratch.panels, recurrent);
    rud_layer_bias(network, half, scratch.bias);
    size_t first_stride;
    const float *first_c = rud_activations_first_c(activations, half, &first_stride);
    const bool given = activations->initial.h != NULL;
    if (given)
        memcpy(memory.h - B * H, activations->initial.h + half.layer * B * H,
               B * H * sizeof *memory.h);
    for (size_t t = 0; t < T; t++) {
        float *gates = memory.gates + t * B * GH;
        const size_t now = t * B * H;
        for (size_t k = 0; (t > 0 || given) && k < network->recurrent.count; k++)
            rud_multiply(memory.h + now - B * H, H, B, &recurrent[k], true,
                         gates + network->rows.slot[network->recurrent.run[k].first] * H, GH);
        if (activations->kept > 0)
            keep_pre_activations(activations, gates, scratch.bias,
                                 memory.pre + t * B * activations->kept * H);
        rud_gates_forward(&network->rows, B, gates, scratch.bias,
                          t > 0 ? memory.c + now - B * H : first_c, t > 0 ? H : first_stride,
                          memory.c + now, memory.activated + now, memory.h + now);
        if (activations->kept > 0) rud_refine_step(activations, half, &memory, t);
    }
}

/* y = V h + b_y of `rows` rows. */
static void head_forward(const rud_activations *activations, const float *h, size_t rows, float *y)
{
    const rud_network *network = activations->network;
    const size_t inputs = rud_head_inputs(&network->spec), K = network->spec.outputs;
    const rud_panels V =
        rud_panels_pack(network->parameters + rud_network_head_weight(network), inputs, true,
                        inputs, K, rud_activations_scratch(activations).panels);
    rud_multiply(h, inputs, rows, &V, false, y, K);
    rud_add_row(network->parameters + rud_network_head_bias(network), rows, K, y);
}

void rud_gather_finals(const rud_activations *activations, float *finals)
{
    const rud_ragged ragged = {activations->lengths, activations->T, activations->B};
    const size_t B = ragged.B, H = activations->network->spec.hidden;
    for (size_t d = 0; d < RUD_DIRECTIONS; d++) {
        const rud_half top = {activations->network->spec.layers - 1, (rud_direction)d};
        const float *h = rud_activations_memory(activations, top).h;
        for (size_t b = 0; b < B; b++)
            memcpy(finals + (b * RUD_DIRECTIONS + d) * H,
                   h + ((rud_ragged_length(&ragged, b) - 1) * B + b) * H, H * sizeof *h);
    }
}

/* The head of a bidirectional network reads the final states; y is 0 but at the last steps. */
static void final_head_forward(const rud_activations *activations)
{
    const rud_ragged ragged = {activations->lengths, activations->T, activations->B};
    const rud_network_spec *spec = &activations->network->spec;
    const size_t B = ragged.B, K = spec->outputs;
    const rud_pass_scratch scratch = rud_activations_scratch(activations);
    float *y = rud_activations_y(activations);
    rud_gather_finals(activations, scratch.finals);
    head_forward(activations, scratch.finals, B, scratch.final_y);
    memset(y, 0, ragged.T * B * K * sizeof *y);
    for (size_t b = 0; b < B; b++)
        memcpy(y + ((rud_ragged_length(&ragged, b) - 1) * B + b) * K, scratch.final_y + b * K,
               K * sizeof *y);
}

static rud_status check_lengths(const size_t *lengths, size_t T, size_t B)
{
    for (size_t b = 0; lengths && b < B; b++)
        if (lengths[b] < 1 || lengths[b] > T)
            return rud_error(RUD_EINVAL,
                             "forward: episode %zu has %zu steps; the batch allows 1 to %zu", b,
                             lengths[b], T);
    return RUD_OK;
}

static rud_status forward(const rud_network *network, const float *x, const size_t *lengths,
                          const rud_initial_state *initial, size_t T, size_t B,
                          rud_activations *activations)
{
    RUD_TRY(check_lengths(lengths, T, B));
    RUD_TRY(rud_activations_reserve(network, initial, T, B, activations));
    const rud_compute_scope scope = rud_compute_begin();
    activations->x = x;
    activations->lengths = lengths;
    for (size_t l = 0; l < network->spec.layers; l++)
        for (size_t d = 0; d < rud_directions(&network->spec); d++)
            layer_forward(activations, (rud_half){l, (rud_direction)d});
    const rud_half top = {.layer = network->spec.layers - 1};
    if (network->spec.bidirectional)
        final_head_forward(activations);
    else
        head_forward(activations, rud_activations_memory(activations, top).h, T * B,
                     rud_activations_y(activations));
    rud_compute_end(scope);
    return RUD_OK;
}

rud_status rud_network_forward(const rud_network *network, const float *x, const size_t *lengths,
                               size_t T, size_t B, rud_activations *activations)
{
    return forward(network, x, lengths, NULL, T, B, activations);
}

rud_status rud_network_forward_from(const rud_network *network, const float *x,
                                    const rud_initial_state *initial, size_t T, size_t B,
                                    rud_activations *activations)
{
    bool kept = false;
    for (size_t g = 0; g < RUD_GATES; g++) kept = kept || activations->keep[g];
    if (network->spec.bidirectional || kept)
        return rud_error(RUD_EINVAL, "forward: %s cannot start from a given state",
                         kept ? "a pass that keeps pre-activations" : "a bidirectional network");
    return forward(network, x, NULL, initial, T, B, activations);
}

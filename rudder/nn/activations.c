/* Memory of a forward and a backward pass. */
#include "nn/network_private.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64, ALIGNED_FLOATS = ALIGNMENT / sizeof(float) };

static size_t aligned(size_t floats)
{
    return (floats + ALIGNED_FLOATS - 1) / ALIGNED_FLOATS * ALIGNED_FLOATS;
}

rud_status rud_activations_create(rud_activations **activations)
{
    *activations = calloc(1, sizeof **activations);
    return *activations ? RUD_OK : rud_error(RUD_ENOMEM, "activations: no memory");
}

void rud_activations_free(rud_activations **activations)
{
    if (!*activations) return;
    free((*activations)->forward.data);
    free((*activations)->backward.data);
    free(*activations);
    *activations = NULL;
}

/* Does the layer keep a_h(c) beside c and h? */
static bool keeps_activated(const rud_network *network)
{
    return rud_gate_present(&network->spec.cell, RUD_GATE_OUTPUT);
}

/* Can a half not read x, or the h below, as it stands? */
static bool has_own_x(const rud_network *network, rud_half half)
{
    return network->spec.bidirectional && (half.layer > 0 || half.direction == RUD_REVERSE);
}

/* h_{-1}, right before h, so that both are one matrix. */
static size_t initial_floats(const rud_activations *activations)
{
    if (!activations->initial.h) return 0;
    return aligned(activations->B * activations->network->spec.hidden);
}

static size_t half_floats(const rud_activations *activations, rud_half half)
{
    const rud_network *network = activations->network;
    const size_t steps = activations->T * activations->B, H = network->spec.hidden;
    const size_t own_x = has_own_x(network, half)
                             ? aligned(steps * rud_layer_inputs(&network->spec, half.layer))
                             : 0;
    return aligned(steps * network->rows.present * H) + aligned(steps * activations->kept * H) +
           (keeps_activated(network) ? 3 : 2) * aligned(steps * H) + initial_floats(activations) +
           own_x;
}

/* The halves in order; past the last one stands what lies behind the last. */
static rud_half half_number(const rud_network *network, size_t k)
{
    const size_t directions = rud_directions(&network->spec);
    return (rud_half){k / directions, (rud_direction)(k % directions)};
}

/* Where half number k begins. */
static size_t half_place(const rud_activations *activations, size_t k)
{
    size_t place = 0;
    for (size_t before = 0; before < k; before++)
        place += half_floats(activations, half_number(activations->network, before));
    return place;
}

static size_t halves(const rud_network *network)
{
    return network->spec.layers * rud_directions(&network->spec);
}

static size_t largest_layer_inputs(const rud_network *network)
{
    const size_t first = rud_layer_inputs(&network->spec, 0);
    const size_t other = rud_layer_inputs(&network->spec, 1);
    return first > other ? first : other;
}

/* The most that is packed at one time: a right factor, or all recurrent weights of a layer. */
static size_t panels_floats(const rud_network *network)
{
    const size_t H = network->spec.hidden, K = network->spec.outputs;
    const size_t D = largest_layer_inputs(network), head = rud_head_inputs(&network->spec);
    const size_t GH = network->rows.present * H;
    size_t sizes[] = {rud_panels_size(D, GH),
                      rud_panels_size(GH, D),
                      rud_panels_size(head, K),
                      rud_panels_size(K, head),
                      0,
                      0};
    for (size_t k = 0; k < network->recurrent.count; k++) {
        const size_t run = network->recurrent.run[k].count * H;
        sizes[4] += rud_panels_size(H, run);
        sizes[5] += rud_panels_size(run, H);
    }
    size_t largest = 0;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        if (sizes[k] > largest) largest = sizes[k];
    return aligned(largest);
}

static rud_status reserve(rud_workspace *workspace, size_t floats)
{
    if (floats <= workspace->capacity) return RUD_OK;
    free(workspace->data);
    workspace->capacity = 0;
    workspace->data = aligned_alloc(ALIGNMENT, floats * sizeof(float));
    if (!workspace->data)
        return rud_error(RUD_ENOMEM,
                         "activations: no memory for %zu numbers; use fewer or shorter episodes at "
                         "a time",
                         floats);
    workspace->capacity = floats;
    return RUD_OK;
}

/* More floats than a pass can need, in floating point because it may not fit size_t. */
static double bound(const rud_network_spec *spec, double steps)
{
    const double H = (double)spec->hidden, D = (double)spec->inputs, K = (double)spec->outputs;
    const double step = 2.0 * (double)spec->layers * 15.0 * (H + D + ALIGNED_FLOATS) + K;
    return steps * step + 8.0 * (H + 64.0) * (H + D + K + 64.0);
}

static rud_status check_steps(const rud_network *network, size_t T, size_t B)
{
    if (T == 0 || B == 0)
        return rud_error(RUD_EINVAL, "forward: %zu steps of %zu episodes; give at least one", T, B);
    if (B > (size_t)INT_MAX / T)
        return rud_error(RUD_EINVAL, "forward: %zu steps of %zu episodes are more than %d in all",
                         T, B, INT_MAX);
    if (bound(&network->spec, (double)T * (double)B) > (double)(SIZE_MAX / 64))
        return rud_error(RUD_ENOMEM, "forward: %zu steps of %zu episodes do not fit memory", T, B);
    return RUD_OK;
}

/* What stands behind the halves: y, then the scratch. */
static size_t tail_floats(const rud_activations *activations)
{
    const rud_network *network = activations->network;
    const size_t H = network->spec.hidden, K = network->spec.outputs, B = activations->B;
    return aligned(activations->T * B * K) + panels_floats(network) +
           aligned(network->rows.present * H) + aligned(H) +
           (network->spec.bidirectional ? aligned(B * 2 * H) + aligned(B * K) : 0);
}

void rud_activations_keep(rud_activations *activations, const bool gates[RUD_GATES], float close)
{
    activations->close = close;
    memcpy(activations->keep, gates, sizeof activations->keep);
    activations->network = NULL; /* what the last forward left is laid out for another choice */
}

const float *rud_activations_first_c(const rud_activations *activations, rud_half half,
                                     size_t *stride)
{
    const size_t H = activations->network->spec.hidden;
    *stride = activations->initial.c ? H : 0;
    return activations->initial.c ? activations->initial.c + half.layer * activations->B * H
                                  : rud_activations_scratch(activations).zeros;
}

rud_status rud_activations_reserve(const rud_network *network, const rud_initial_state *initial,
                                   size_t T, size_t B, rud_activations *activations)
{
    activations->network = NULL;
    RUD_TRY(check_steps(network, T, B));
    rud_activations next = *activations;
    next.network = network;
    next.T = T;
    next.B = B;
    next.initial = initial ? *initial : (rud_initial_state){0};
    next.kept = 0;
    for (size_t g = 0; g < RUD_GATES; g++)
        next.kept += next.keep[g] && rud_gate_present(&network->spec.cell, (rud_gate)g);
    RUD_TRY(
        reserve(&activations->forward, half_place(&next, halves(network)) + tail_floats(&next)));
    next.forward = activations->forward;
    *activations = next;
    memset(rud_activations_scratch(activations).zeros, 0, network->spec.hidden * sizeof(float));
    return RUD_OK;
}

rud_layer_memory rud_activations_memory(const rud_activations *activations, rud_half half)
{
    const rud_network *network = activations->network;
    const size_t steps = activations->T * activations->B, H = network->spec.hidden;
    const size_t number = half.layer * rud_directions(&network->spec) + (size_t)half.direction;
    rud_layer_memory memory;
    memory.gates = activations->forward.data + half_place(activations, number);
    memory.c = memory.gates + aligned(steps * network->rows.present * H);
    memory.h = memory.c + aligned(steps * H) + initial_floats(activations);
    memory.activated = keeps_activated(network) ? memory.h + aligned(steps * H) : memory.h;
    memory.pre = memory.activated + aligned(steps * H);
    memory.own_x = memory.pre + aligned(steps * activations->kept * H);
    if (has_own_x(network, half))
        memory.x = memory.own_x;
    else if (half.layer == 0)
        memory.x = activations->x;
    else
        memory.x = rud_activations_memory(activations, (rud_half){.layer = half.layer - 1}).h;
    return memory;
}

float *rud_activations_y(const rud_activations *activations)
{
    return activations->forward.data + half_place(activations, halves(activations->network));
}

rud_pass_scratch rud_activations_scratch(const rud_activations *activations)
{
    const rud_network *network = activations->network;
    const size_t steps = activations->T * activations->B, H = network->spec.hidden;
    rud_pass_scratch scratch;
    scratch.panels = rud_activations_y(activations) + aligned(steps * network->spec.outputs);
    scratch.bias = scratch.panels + panels_floats(network);
    scratch.zeros = scratch.bias + aligned(network->rows.present * H);
    scratch.finals = scratch.zeros + aligned(H);
    scratch.final_y = scratch.finals + aligned(activations->B * 2 * H);
    return scratch;
}

rud_status rud_activations_reserve_backward(rud_activations *activations,
                                            rud_backward_memory *memory)
{
    const rud_network *network = activations->network;
    const size_t steps = activations->T * activations->B, H = network->spec.hidden;
    const size_t GH = network->rows.present * H, K = network->spec.outputs;
    const size_t sums = aligned((GH > K ? GH : K) * (sizeof(double) / sizeof(float)));
    const size_t wide = aligned(steps * largest_layer_inputs(network));
    const bool both = network->spec.bidirectional;
    RUD_TRY(reserve(&activations->backward, sums + (both ? 2 : 1) * aligned(steps * H) +
                                                aligned(steps * GH) + (both ? 2 * wide : 0)));
    memory->sums = (double *)(void *)activations->backward.data;
    memory->d_gates = activations->backward.data + sums;
    memory->dh[RUD_FORWARD] = memory->d_gates + aligned(steps * GH);
    memory->dh[RUD_REVERSE] = memory->dh[RUD_FORWARD] + aligned(steps * H);
    memory->d_half = memory->dh[RUD_REVERSE] + aligned(steps * H);
    memory->d_layer = memory->d_half + wide;
    return RUD_OK;
}

bool rud_activations_are_of(const rud_activations *activations, const rud_network *network,
                            const float *x, size_t T, size_t B)
{
    return activations->network == network && activations->x == x && activations->T == T &&
           activations->B == B;
}

const float *rud_activations_outputs(const rud_activations *activations)
{
    return rud_activations_y(activations);
}

rud_layer_view rud_activations_half(const rud_activations *activations, size_t layer,
                                    rud_direction direction)
{
    const rud_network *network = activations->network;
    const size_t H = network->spec.hidden;
    const rud_layer_memory memory =
        rud_activations_memory(activations, (rud_half){layer, direction});
    rud_layer_view view = {.gate_stride = network->rows.present * H,
                           .pre_activation_stride = activations->kept * H,
                           .c = memory.c,
                           .activated = memory.activated,
                           .h = memory.h,
                           .x = memory.x};
    size_t kept = 0;
    for (size_t g = 0; g < RUD_GATES; g++) {
        if (!rud_gate_present(&network->spec.cell, (rud_gate)g)) continue;
        view.gate[g] = memory.gates + network->rows.slot[g] * H;
        if (activations->keep[g]) view.pre_activation[g] = memory.pre + kept++ * H;
    }
    return view;
}

rud_layer_view rud_activations_layer(const rud_activations *activations, size_t layer)
{
    return rud_activations_half(activations, layer, RUD_FORWARD);
}

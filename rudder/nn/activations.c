/* Memory of a forward and a backward pass. */
#include "nn/network_private.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

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

static size_t layer_floats(const rud_network *network, size_t steps)
{
    const size_t H = network->spec.hidden;
    return aligned(steps * network->rows.present * H) +
           (keeps_activated(network) ? 3 : 2) * aligned(steps * H);
}

/* The most that is packed at one time: a right factor, or all recurrent weights of a layer. */
static size_t panels_floats(const rud_network *network)
{
    const size_t H = network->spec.hidden, K = network->spec.outputs;
    const size_t D = network->spec.inputs > H ? network->spec.inputs : H;
    const size_t GH = network->rows.present * H;
    size_t sizes[] = {rud_panels_size(D, GH),
                      rud_panels_size(GH, D),
                      rud_panels_size(H, K),
                      rud_panels_size(K, H),
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
    const double step = (double)spec->layers * 7.0 * (H + ALIGNED_FLOATS) + K;
    return steps * step + 4.0 * (H + 64.0) * (H + D + K + 64.0);
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

rud_status rud_activations_reserve(const rud_network *network, size_t T, size_t B,
                                   rud_activations *activations)
{
    activations->network = NULL;
    RUD_TRY(check_steps(network, T, B));
    const size_t steps = T * B, H = network->spec.hidden;
    RUD_TRY(reserve(&activations->forward, network->spec.layers * layer_floats(network, steps) +
                                               aligned(steps * network->spec.outputs) +
                                               panels_floats(network) +
                                               aligned(network->rows.present * H) + aligned(H)));
    activations->network = network;
    activations->T = T;
    activations->B = B;
    float *zeros = rud_activations_scratch(activations).zeros;
    for (size_t j = 0; j < H; j++) zeros[j] = 0.0f;
    return RUD_OK;
}

rud_layer_memory rud_activations_memory(const rud_activations *activations, size_t layer)
{
    const rud_network *network = activations->network;
    const size_t steps = activations->T * activations->B, H = network->spec.hidden;
    rud_layer_memory memory;
    memory.gates = activations->forward.data + layer * layer_floats(network, steps);
    memory.c = memory.gates + aligned(steps * network->rows.present * H);
    memory.h = memory.c + aligned(steps * H);
    memory.activated = keeps_activated(network) ? memory.h + aligned(steps * H) : memory.h;
    return memory;
}

float *rud_activations_y(const rud_activations *activations)
{
    const rud_network *network = activations->network;
    const size_t steps = activations->T * activations->B;
    return activations->forward.data + network->spec.layers * layer_floats(network, steps);
}

rud_pass_scratch rud_activations_scratch(const rud_activations *activations)
{
    const rud_network *network = activations->network;
    const size_t steps = activations->T * activations->B;
    rud_pass_scratch scratch;
    scratch.panels = rud_activations_y(activations) + aligned(steps * network->spec.outputs);
    scratch.bias = scratch.panels + panels_floats(network);
    scratch.zeros = scratch.bias + aligned(network->rows.present * network->spec.hidden);
    return scratch;
}

rud_status rud_activations_reserve_backward(rud_activations *activations,
                                            rud_backward_memory *memory)
{
    const rud_network *network = activations->network;
    const size_t steps = activations->T * activations->B, H = network->spec.hidden;
    const size_t GH = network->rows.present * H, K = network->spec.outputs;
    const size_t sums = aligned((GH > K ? GH : K) * (sizeof(double) / sizeof(float)));
    RUD_TRY(reserve(&activations->backward, sums + aligned(steps * H) + aligned(steps * GH)));
    memory->sums = (double *)(void *)activations->backward.data;
    memory->dh = activations->backward.data + sums;
    memory->d_gates = memory->dh + aligned(steps * H);
    return RUD_OK;
}

const float *rud_activations_outputs(const rud_activations *activations)
{
    return rud_activations_y(activations);
}

rud_layer_view rud_activations_layer(const rud_activations *activations, size_t layer)
{
    const rud_network *network = activations->network;
    const rud_layer_memory memory = rud_activations_memory(activations, layer);
    rud_layer_view view = {
        .gate_stride = network->rows.present * network->spec.hidden, .c = memory.c, .h = memory.h};
    for (size_t g = 0; g < RUD_GATES; g++)
        if (rud_gate_present(&network->spec.cell, (rud_gate)g))
            view.gate[g] = memory.gates + network->rows.slot[g] * network->spec.hidden;
    return view;
}

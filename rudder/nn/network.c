/* The network's structure and parameters. */
#include "nn/network_private.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

#define SIZE_LIMIT ((size_t)1 << 20)

static rud_status check_size(const char *what, size_t size)
{
    if (size >= 1 && size <= SIZE_LIMIT) return RUD_OK;
    return rud_error(RUD_EINVAL, "network: %s is %zu; allowed are 1 to %zu", what, size,
                     SIZE_LIMIT);
}

static rud_status check_spec(const rud_network_spec *spec)
{
    RUD_TRY(check_size("the number of inputs", spec->inputs));
    RUD_TRY(check_size("the number of hidden units", spec->hidden));
    RUD_TRY(check_size("the number of layers", spec->layers));
    RUD_TRY(check_size("the number of outputs", spec->outputs));
    if (!rud_gate_present(&spec->cell, RUD_GATE_CELL_INPUT))
        return rud_error(RUD_EINVAL, "network: the cell input has no connection; give it one");
    if (spec->cell.cell_input > RUD_IDENTITY)
        return rud_error(RUD_EINVAL, "network: unknown activation %d of the cell input",
                         (int)spec->cell.cell_input);
    if (spec->cell.hidden != RUD_TANH && spec->cell.hidden != RUD_IDENTITY)
        return rud_error(RUD_EINVAL, "network: the hidden activation must be tanh or identity");
    return RUD_OK;
}

/* The runs of gates that have the connection, broken where a present gate lacks it. */
static rud_gate_runs find_runs(const rud_cell *cell, bool forward)
{
    rud_gate_runs runs = {.count = 0};
    bool open = false;
    for (size_t g = 0; g < RUD_GATES; g++) {
        if (!rud_gate_present(cell, (rud_gate)g)) continue;
        const bool has = forward ? cell->gates[g].forward : cell->gates[g].recurrent;
        if (has && !open) runs.run[runs.count++] = (rud_gate_run){.first = (rud_gate)g};
        if (has) runs.run[runs.count - 1].count++;
        open = has;
    }
    return runs;
}

/* Gives `size` parameters to a connection that is there. */
static size_t place(bool there, size_t size, size_t *next)
{
    if (!there) return RUD_NOT_THERE;
    const size_t offset = *next;
    *next += size;
    return offset;
}

/* Layer by layer, half by half: all forward weights, all recurrent weights, all biases, each in
 * gate order; then the head. */
static void lay_out(rud_network *network)
{
    const rud_connections *has = network->spec.cell.gates;
    const size_t H = network->spec.hidden, K = network->spec.outputs;
    const size_t directions = rud_directions(&network->spec);
    size_t next = 0;
    for (size_t k = 0; k < network->spec.layers * directions; k++) {
        rud_gate_parameters *gates = network->gates[k];
        const size_t D = rud_layer_inputs(&network->spec, k / directions);
        for (size_t g = 0; g < RUD_GATES; g++)
            gates[g].forward = place(has[g].forward, H * D, &next);
        for (size_t g = 0; g < RUD_GATES; g++)
            gates[g].recurrent = place(has[g].recurrent, H * H, &next);
        for (size_t g = 0; g < RUD_GATES; g++) gates[g].bias = place(has[g].bias, H, &next);
    }
    network->head_weight = place(true, K * rud_head_inputs(&network->spec), &next);
    network->head_bias = place(true, K, &next);
    network->count = next;
}

/* An upper bound of the number of parameters, in floating point because it may not fit size_t. */
static double parameter_bound(const rud_network_spec *spec)
{
    const double H = (double)spec->hidden, D = fmax((double)spec->inputs, 2.0 * H);
    return (double)spec->layers * RUD_DIRECTIONS * RUD_GATES * H * (D + H + 1.0) +
           (double)spec->outputs * (2.0 * H + 1.0);
}

static rud_status allocate(rud_network *network)
{
    const rud_network_spec *spec = &network->spec;
    const char *name = spec->cell.name ? spec->cell.name : "";
    char *own_name = strdup(name);
    network->spec.cell.name = own_name;
    network->gates = calloc(spec->layers * rud_directions(spec), sizeof *network->gates);
    if (own_name && network->gates && parameter_bound(spec) < (double)(SIZE_MAX / 8)) {
        lay_out(network);
        network->parameters = calloc(network->count, sizeof *network->parameters);
    }
    if (network->parameters) return RUD_OK;
    return rud_error(RUD_ENOMEM,
                     "network: no memory for %zu layers with %zu inputs and %zu hidden units",
                     spec->layers, spec->inputs, spec->hidden);
}

rud_status rud_network_create(const rud_network_spec *spec, rud_network **network)
{
    *network = NULL;
    RUD_TRY(check_spec(spec));
    rud_network *created = calloc(1, sizeof *created);
    if (!created) return rud_error(RUD_ENOMEM, "network: no memory");
    created->spec = *spec;
    const rud_status status = allocate(created);
    if (status != RUD_OK) {
        rud_network_free(&created);
        return status;
    }
    created->rows = rud_gate_rows_of(&created->spec.cell, spec->hidden);
    created->forward = find_runs(&created->spec.cell, true);
    created->recurrent = find_runs(&created->spec.cell, false);
    *network = created;
    return RUD_OK;
}

rud_status rud_network_copy(const rud_network *from, rud_network **to)
{
    RUD_TRY(rud_network_create(&from->spec, to));
    memcpy((*to)->parameters, from->parameters, from->count * sizeof *from->parameters);
    return RUD_OK;
}

void rud_network_free(rud_network **network)
{
    if (!*network) return;
    free((char *)(*network)->spec.cell.name);
    free((*network)->gates);
    free((*network)->parameters);
    free(*network);
    *network = NULL;
}

const rud_network_spec *rud_network_specification(const rud_network *network)
{
    return &network->spec;
}

float *rud_network_parameters(rud_network *network, size_t *count)
{
    *count = network->count;
    return network->parameters;
}

const float *rud_network_parameters_const(const rud_network *network, size_t *count)
{
    *count = network->count;
    return network->parameters;
}

size_t rud_network_head_weight(const rud_network *network)
{
    return network->head_weight;
}

size_t rud_network_head_bias(const rud_network *network)
{
    return network->head_bias;
}

rud_gate_parameters rud_network_gate(const rud_network *network, size_t layer, rud_gate gate)
{
    if (layer < network->spec.layers)
        return rud_network_half_gate(network, layer, RUD_FORWARD, gate);
    rud_gate_parameters found = {RUD_NOT_THERE, RUD_NOT_THERE, RUD_NOT_THERE};
    if (layer == network->spec.layers && gate == 0) {
        found.forward = network->head_weight;
        found.bias = network->head_bias;
    }
    return found;
}

rud_gate_parameters rud_network_half_gate(const rud_network *network, size_t layer,
                                          rud_direction direction, rud_gate gate)
{
    const size_t directions = rud_directions(&network->spec);
    if (layer < network->spec.layers && (size_t)direction < directions && gate < RUD_GATES)
        return network->gates[layer * directions + (size_t)direction][gate];
    return (rud_gate_parameters){RUD_NOT_THERE, RUD_NOT_THERE, RUD_NOT_THERE};
}

void rud_layer_bias(const rud_network *network, rud_half half, float *bias)
{
    const size_t H = network->spec.hidden;
    memset(bias, 0, network->rows.present * H * sizeof *bias);
    for (size_t g = 0; g < RUD_GATES; g++) {
        const size_t from =
            rud_network_half_gate(network, half.layer, half.direction, (rud_gate)g).bias;
        if (from == RUD_NOT_THERE) continue;
        memcpy(bias + network->rows.slot[g] * H, network->parameters + from, H * sizeof *bias);
    }
}

/* How a group of parameters is drawn. */
typedef struct distribution {
    bool normal;
    double mean, spread; /* spread: standard deviation, or half the width of a uniform */
} distribution;

static void draw(rud_network *network, size_t offset, size_t count, distribution d, rud_rng *rng)
{
    if (offset == RUD_NOT_THERE) return;
    for (size_t k = 0; k < count; k++) {
        const double u = d.normal ? rud_rng_normal(rng) : 2.0 * rud_rng_uniform(rng) - 1.0;
        network->parameters[offset + k] = (float)(d.mean + d.spread * u);
    }
}

void rud_network_initialise(rud_network *network, uint64_t seed)
{
    const size_t H = network->spec.hidden, K = network->spec.outputs;
    const size_t directions = rud_directions(&network->spec);
    const bool rudder = strcmp(network->spec.cell.name, "rudder") == 0;
    const distribution uniform = {false, 0.0, 1.0 / sqrt((double)H)};
    const distribution weight = rudder ? (distribution){true, 0.0, 0.1} : uniform;
    rud_rng rng = rud_rng_stream(seed, "initial parameters", 0);
    for (size_t k = 0; k < network->spec.layers * directions; k++) {
        for (size_t g = 0; g < RUD_GATES; g++) {
            const rud_gate_parameters at = network->gates[k][g];
            distribution bias = {false, g == RUD_GATE_FORGET ? 1.0 : 0.0, 0.0};
            if (rudder) bias = (distribution){true, g == RUD_GATE_INPUT ? -3.0 : 0.0, 1.0};
            draw(network, at.forward, H * rud_layer_inputs(&network->spec, k / directions), weight,
                 &rng);
            draw(network, at.recurrent, H * H, weight, &rng);
            draw(network, at.bias, H, bias, &rng);
        }
    }
    draw(network, rud_network_head_weight(network), K * rud_head_inputs(&network->spec), uniform,
         &rng);
    draw(network, rud_network_head_bias(network), K, (distribution){false, 0.0, 0.0}, &rng);
}

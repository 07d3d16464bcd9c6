/* Networks and numbers for the tests of this folder. */
#ifndef TESTS_NN_NETWORKS_H
#define TESTS_NN_NETWORKS_H

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "nn/network.h"
#include "tests/harness.h"

static inline float *normal_floats(rud_rng *rng, size_t count, double scale)
{
    float *numbers = calloc(count + 1, sizeof *numbers);
    ck_assert_ptr_nonnull(numbers);
    for (size_t k = 0; k < count; k++) numbers[k] = (float)(scale * rud_rng_normal(rng));
    return numbers;
}

static inline double *to_doubles(const float *from, size_t count)
{
    double *numbers = calloc(count + 1, sizeof *numbers);
    ck_assert_ptr_nonnull(numbers);
    for (size_t k = 0; k < count; k++) numbers[k] = (double)from[k];
    return numbers;
}

/* A cell with connections and activations drawn at random. */
static inline rud_cell random_cell(rud_rng *rng)
{
    static const rud_activation hidden[] = {RUD_TANH, RUD_IDENTITY};
    rud_cell cell = {.name = "random"};
    for (size_t g = 0; g < RUD_GATES; g++) {
        cell.gates[g].forward = rud_rng_below(rng, 2);
        cell.gates[g].recurrent = rud_rng_below(rng, 2);
        cell.gates[g].bias = rud_rng_below(rng, 2);
    }
    cell.gates[RUD_GATE_CELL_INPUT].forward |= !rud_gate_present(&cell, RUD_GATE_CELL_INPUT);
    cell.cell_input = (rud_activation)rud_rng_below(rng, RUD_IDENTITY + 1);
    cell.hidden = hidden[rud_rng_below(rng, 2)];
    return cell;
}

/* The presets come first, random cells behind them. */
static inline rud_cell cell_number(size_t k)
{
    const rud_cell *preset = rud_cell_preset_at(k);
    rud_rng rng = rud_rng_stream(k, "test cell", 0);
    return preset ? *preset : random_cell(&rng);
}

/* A network with all parameters, biases too, drawn at random. */
static inline rud_network *random_network(const rud_network_spec *spec, rud_rng *rng)
{
    rud_network *network;
    size_t count;
    ck_assert_ok(rud_network_create(spec, &network));
    float *parameters = rud_network_parameters(network, &count);
    for (size_t k = 0; k < count; k++)
        parameters[k] = (float)(rud_rng_normal(rng) * 0.8 / sqrt((double)spec->hidden));
    return network;
}

/* max |a - b| / max |b|; 0 if all are 0. */
static inline double relative_difference(const float *a, const double *b, size_t count)
{
    double difference = 0.0, largest = 0.0;
    for (size_t k = 0; k < count; k++) {
        difference = fmax(difference, fabs((double)a[k] - b[k]));
        largest = fmax(largest, fabs(b[k]));
        if (!isfinite(a[k])) return INFINITY;
    }
    return difference == 0.0 ? 0.0 : difference / largest;
}

#endif

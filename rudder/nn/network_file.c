/* Networks as tensors and back. */
#include "nn/network_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 64 };

/* The four kinds of a layer's tensors, in PyTorch's order. */
typedef enum part { WEIGHT_IH, WEIGHT_HH, BIAS_IH, BIAS_HH, PARTS } part;

static const char *const part_names[PARTS] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};

static void half_part_name(part p, size_t layer, rud_direction direction, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "lstm.%s_l%zu%s", part_names[p], layer,
             direction == RUD_REVERSE ? "_reverse" : "");
}

static void part_name(part p, size_t layer, char name[NAME_SIZE])
{
    half_part_name(p, layer, RUD_FORWARD, name);
}

/* Where gate g's share of the part stands in the parameters; `size` of it. */
static size_t part_place(const rud_network *network, size_t layer, rud_direction direction,
                         size_t g, part p, size_t *size)
{
    const rud_network_spec *spec = rud_network_specification(network);
    const rud_gate_parameters at = rud_network_half_gate(network, layer, direction, (rud_gate)g);
    const size_t H = spec->hidden, D = rud_layer_inputs(spec, layer);
    *size = H * (p == WEIGHT_IH ? D : p == WEIGHT_HH ? H : 1);
    return p == WEIGHT_IH ? at.forward : p == WEIGHT_HH ? at.recurrent : at.bias;
}

/* Shape of a part: [4H][layer inputs], [4H][H] or [4H]. Returns its rank. */
static size_t part_shape(const rud_network_spec *spec, size_t layer, part p, size_t shape[2])
{
    shape[0] = RUD_GATES * spec->hidden;
    shape[1] = p == WEIGHT_IH ? rud_layer_inputs(spec, layer) : spec->hidden;
    return p == WEIGHT_IH || p == WEIGHT_HH ? 2 : 1;
}

static rud_status add_part(const rud_network *network, size_t layer, rud_direction direction,
                           part p, rud_tensor_file *file)
{
    const rud_network_spec *spec = rud_network_specification(network);
    size_t count, size, shape[2];
    const float *parameters = rud_network_parameters_const(network, &count);
    const size_t rank = part_shape(spec, layer, p, shape);
    float *rows = calloc(shape[0] * (rank == 2 ? shape[1] : 1), sizeof *rows);
    if (!rows) return rud_error(RUD_ENOMEM, "network file: no memory for layer %zu", layer);
    for (size_t g = 0; g < RUD_GATES; g++) {
        const size_t from = part_place(network, layer, direction, g, p, &size);
        if (from != RUD_NOT_THERE && p != BIAS_HH)
            memcpy(rows + g * size, parameters + from, size * sizeof *rows);
    }
    char name[NAME_SIZE];
    half_part_name(p, layer, direction, name);
    const rud_status status = rud_tensor_file_add(file, name, shape, rank, rows);
    free(rows);
    return status;
}

rud_status rud_network_to_tensors(const rud_network *network, rud_tensor_file *file)
{
    const rud_network_spec *spec = rud_network_specification(network);
    size_t count;
    const float *parameters = rud_network_parameters_const(network, &count);
    for (size_t l = 0; l < spec->layers; l++)
        for (size_t d = 0; d < rud_directions(spec); d++)
            for (part p = 0; p < PARTS; p++)
                RUD_TRY(add_part(network, l, (rud_direction)d, p, file));
    const size_t shape[2] = {spec->outputs, rud_head_inputs(spec)};
    RUD_TRY(rud_tensor_file_add(file, "head.weight", shape, 2,
                                parameters + rud_network_head_weight(network)));
    return rud_tensor_file_add(file, "head.bias", shape, 1,
                               parameters + rud_network_head_bias(network));
}

static const char *shape_text(const size_t *shape, size_t rank, char text[NAME_SIZE * 2])
{
    size_t used = 0;
    text[0] = 0;
    for (size_t k = 0; k < rank; k++)
        used += (size_t)snprintf(text + used, NAME_SIZE * 2 - used, "[%zu]", shape[k]);
    return rank == 0 ? "a single number" : text;
}

static rud_status find(const rud_tensor_file *file, const char *name, const rud_tensor **tensor)
{
    *tensor = rud_tensor_file_find(file, name);
    return *tensor ? RUD_OK : rud_error(RUD_EFORMAT, "tensor %s is missing", name);
}

static rud_status find_shaped(const rud_tensor_file *file, const char *name, const size_t *shape,
                              size_t rank, const rud_tensor **tensor)
{
    RUD_TRY(find(file, name, tensor));
    const rud_tensor *found = *tensor;
    if (found->rank == rank && memcmp(found->shape, shape, rank * sizeof *shape) == 0)
        return RUD_OK;
    char expected[NAME_SIZE * 2], there[NAME_SIZE * 2];
    return rud_error(RUD_EFORMAT, "tensor %s must have the shape %s; it has %s", name,
                     shape_text(shape, rank, expected),
                     shape_text(found->shape, found->rank, there));
}

/* Sizes of the network from the shapes of three tensors and the number of layers. */
static rud_status read_spec(const rud_tensor_file *file, const rud_cell *cell,
                            rud_network_spec *spec)
{
    const rud_tensor *ih, *head;
    char name[NAME_SIZE], text[NAME_SIZE * 2];
    part_name(WEIGHT_IH, 0, name);
    RUD_TRY(find(file, name, &ih));
    if (ih->rank != 2 || ih->count == 0 || ih->shape[0] % RUD_GATES != 0)
        return rud_error(RUD_EFORMAT,
                         "tensor %s must have the shape [4H][D], H and D at least 1; it has %s",
                         name, shape_text(ih->shape, ih->rank, text));
    RUD_TRY(find(file, "head.weight", &head));
    if (head->rank != 2 || head->count == 0 || head->shape[1] != ih->shape[0] / RUD_GATES)
        return rud_error(RUD_EFORMAT, "tensor head.weight must have the shape [K][%zu]; it has %s",
                         ih->shape[0] / RUD_GATES, shape_text(head->shape, head->rank, text));
    *spec = (rud_network_spec){.inputs = ih->shape[1],
                               .hidden = ih->shape[0] / RUD_GATES,
                               .layers = 1,
                               .outputs = head->shape[0],
                               .cell = *cell};
    for (part_name(WEIGHT_IH, 1, name); rud_tensor_file_find(file, name);)
        part_name(WEIGHT_IH, ++spec->layers, name);
    return RUD_OK;
}

/* No tensor of the LSTM is left over, as one of a second direction would be. */
static rud_status check_all_known(const rud_tensor_file *file, size_t layers)
{
    for (size_t k = 0; k < file->tensor_count; k++) {
        const char *name = file->tensors[k].name;
        bool known = strncmp(name, "lstm.", 5) != 0;
        for (size_t l = 0; !known && l < layers; l++) {
            for (part p = 0; p < PARTS; p++) {
                char expected[NAME_SIZE];
                part_name(p, l, expected);
                known |= strcmp(name, expected) == 0;
            }
        }
        if (!known)
            return rud_error(RUD_EFORMAT,
                             "tensor %s does not belong to an LSTM of %zu layers in one direction",
                             name, layers);
    }
    return RUD_OK;
}

static rud_status read_part(const rud_tensor_file *file, size_t layer, part p, rud_network *network)
{
    const rud_network_spec *spec = rud_network_specification(network);
    const rud_tensor *tensor;
    char name[NAME_SIZE];
    size_t shape[2], size, count;
    float *parameters = rud_network_parameters(network, &count);
    part_name(p, layer, name);
    const size_t rank = part_shape(spec, layer, p, shape);
    RUD_TRY(find_shaped(file, name, shape, rank, &tensor));
    for (size_t g = 0; g < RUD_GATES; g++) {
        const size_t to = part_place(network, layer, RUD_FORWARD, g, p, &size);
        const float *from = tensor->data + g * size;
        for (size_t k = 0; k < size; k++) {
            if (to != RUD_NOT_THERE)
                parameters[to + k] += from[k]; /* they were 0; the biases add up */
            else if (from[k] != 0.0f)
                return rud_error(RUD_EFORMAT,
                                 "tensor %s has %g at row %zu, but the cell %s has no such "
                                 "connection: it must be 0",
                                 name, (double)from[k], (g * size + k) / (size / spec->hidden),
                                 spec->cell.name);
        }
    }
    return RUD_OK;
}

static rud_status read_head(const rud_tensor_file *file, rud_network *network)
{
    const rud_network_spec *spec = rud_network_specification(network);
    const size_t shape[2] = {spec->outputs, spec->hidden};
    const rud_tensor *weight, *bias;
    size_t count;
    float *parameters = rud_network_parameters(network, &count);
    RUD_TRY(find_shaped(file, "head.weight", shape, 2, &weight));
    RUD_TRY(find_shaped(file, "head.bias", shape, 1, &bias));
    memcpy(parameters + rud_network_head_weight(network), weight->data,
           weight->count * sizeof *parameters);
    memcpy(parameters + rud_network_head_bias(network), bias->data,
           bias->count * sizeof *parameters);
    return RUD_OK;
}

static rud_status read_parameters(const rud_tensor_file *file, rud_network *network)
{
    const rud_network_spec *spec = rud_network_specification(network);
    for (size_t l = 0; l < spec->layers; l++)
        for (part p = 0; p < PARTS; p++) RUD_TRY(read_part(file, l, p, network));
    return read_head(file, network);
}

rud_status rud_network_from_tensors(const rud_tensor_file *file, const rud_cell *cell,
                                    rud_network **network)
{
    rud_network_spec spec;
    *network = NULL;
    RUD_TRY(read_spec(file, cell, &spec));
    RUD_TRY(check_all_known(file, spec.layers));
    rud_network *read;
    RUD_TRY(rud_network_create(&spec, &read));
    const rud_status status = read_parameters(file, read);
    if (status == RUD_OK)
        *network = read;
    else
        rud_network_free(&read);
    return status;
}

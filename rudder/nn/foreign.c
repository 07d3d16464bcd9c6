/* LSTMs from PyTorch's names and shapes. */
#include "nn/foreign.h"

#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 256, LIST_SIZE = 512, PARTS = 4, PREFIX_SHOWN = 120 };

/* The parts of a half; all but the weights may lack. */
static const char *const parts[PARTS] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
static const char *const first = "weight_ih_l0";

/* An LSTM in a file. */
typedef struct lstm {
    const rud_tensor_file *file;
    const char *prefix; /* the first prefix_length bytes */
    size_t prefix_length;
    rud_network_spec spec;
} lstm;

static void part_name(const lstm *l, size_t part, size_t layer, size_t direction,
                      char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "%.*s%s_l%zu%s", (int)l->prefix_length, l->prefix, parts[part], layer,
             direction == RUD_REVERSE ? "_reverse" : "");
}

static const rud_tensor *find_part(const lstm *l, size_t part, size_t layer, size_t direction)
{
    char name[NAME_SIZE];
    part_name(l, part, layer, direction, name);
    return rud_tensor_file_find(l->file, name);
}

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* "name [3][4]" at the end of a list; what does not fit is left out. */
static void list(const rud_tensor *tensor, char text[LIST_SIZE])
{
    char entry[NAME_SIZE];
    size_t used = (size_t)snprintf(entry, sizeof entry, "%s%s ", text[0] ? ", " : "", tensor->name);
    for (size_t k = 0; k < tensor->rank && used < sizeof entry; k++)
        used += (size_t)snprintf(entry + used, sizeof entry - used, "[%zu]", tensor->shape[k]);
    if (used < sizeof entry && strlen(text) + used < LIST_SIZE) strcat(text, entry);
}

static rud_status wrong_shape(const rud_tensor *tensor, const char *expected)
{
    char found[LIST_SIZE] = "";
    list(tensor, found);
    return rud_error(RUD_EFORMAT, "tensor %s must have the shape %s; the file has %s", tensor->name,
                     expected, found);
}

/* Finds the one prefix. */
static rud_status find_prefix(lstm *l)
{
    char names[LIST_SIZE] = "";
    size_t count = 0;
    for (size_t k = 0; k < l->file->tensor_count; k++) {
        const rud_tensor *tensor = &l->file->tensors[k];
        if (!ends_with(tensor->name, first)) continue;
        l->prefix = tensor->name;
        l->prefix_length = strlen(tensor->name) - strlen(first);
        list(tensor, names);
        count++;
    }
    if (count == 1 && l->prefix_length <= PREFIX_SHOWN) return RUD_OK;
    if (count == 1)
        return rud_error(RUD_EFORMAT, "the name before %s is longer than %d letters", first,
                         PREFIX_SHOWN);
    if (count > 1)
        return rud_error(RUD_EFORMAT, "the file holds %zu recurrent networks: %s; save one alone",
                         count, names);
    for (size_t k = 0; k < l->file->tensor_count; k++) list(&l->file->tensors[k], names);
    return rud_error(RUD_EFORMAT, "no LSTM: no tensor has a name that ends in %s; there are: %s",
                     first, count + l->file->tensor_count > 0 ? names : "none");
}

/* Is any part of the half there? */
static bool has_layer(const lstm *l, size_t layer, size_t direction)
{
    bool any = false;
    for (size_t part = 0; part < PARTS; part++) any = any || find_part(l, part, layer, direction);
    return any;
}

/* PyTorch's proj_size: h is a product of another matrix. */
static rud_status check_no_projection(const lstm *l)
{
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "%.*sweight_hr_l0", (int)l->prefix_length, l->prefix);
    if (!rud_tensor_file_find(l->file, name)) return RUD_OK;
    return rud_error(RUD_EFORMAT, "tensor %s: an LSTM with projections cannot be explained", name);
}

/* The sizes, from the first layer and the names of the others. */
static rud_status find_sizes(lstm *l)
{
    char name[NAME_SIZE], expected[NAME_SIZE + 96];
    const rud_tensor *ih = find_part(l, 0, 0, RUD_FORWARD);
    const rud_tensor *hh = find_part(l, 1, 0, RUD_FORWARD);
    part_name(l, 1, 0, RUD_FORWARD, name);
    if (!hh) return rud_error(RUD_EFORMAT, "tensor %s is missing beside %s", name, ih->name);
    RUD_TRY(check_no_projection(l));
    if (hh->rank != 2 || hh->count == 0) return wrong_shape(hh, "[4H][H]");
    const size_t H = hh->shape[1];
    if (hh->shape[0] == 3 * H || hh->shape[0] == H)
        return rud_error(
            RUD_EFORMAT,
            "no LSTM: tensor %s has the shape [%zu][%zu], as in a %s; an LSTM has four "
            "times as many rows as columns",
            name, hh->shape[0], H, hh->shape[0] == H ? "simple RNN" : "GRU");
    if (hh->shape[0] / RUD_GATES != H || hh->shape[0] % RUD_GATES)
        return wrong_shape(hh, "[4H][H]");
    if (ih->rank != 2 || ih->count == 0 || ih->shape[0] != RUD_GATES * H) {
        snprintf(expected, sizeof expected, "[%zu][inputs] beside %s [%zu][%zu]", RUD_GATES * H,
                 name, hh->shape[0], H);
        return wrong_shape(ih, expected);
    }
    l->spec = (rud_network_spec){.inputs = ih->shape[1],
                                 .hidden = H,
                                 .layers = 1,
                                 .outputs = 1,
                                 .cell = *rud_cell_preset("lstm"),
                                 .bidirectional = has_layer(l, 0, RUD_REVERSE)};
    while (has_layer(l, l->spec.layers, RUD_FORWARD)) l->spec.layers++;
    return RUD_OK;
}

/* Everything that bears the prefix is a part of the LSTM that is read. */
static rud_status check_all_known(const lstm *l)
{
    for (size_t k = 0; k < l->file->tensor_count; k++) {
        const char *name = l->file->tensors[k].name;
        const char *rest = name + l->prefix_length;
        if (strncmp(name, l->prefix, l->prefix_length) != 0) continue;
        bool known = strncmp(rest, "weight_", 7) != 0 && strncmp(rest, "bias_", 5) != 0;
        for (size_t n = 0; !known && n < l->spec.layers * RUD_DIRECTIONS * PARTS; n++) {
            const size_t direction = n / PARTS % RUD_DIRECTIONS;
            char expected[NAME_SIZE];
            part_name(l, n % PARTS, n / PARTS / RUD_DIRECTIONS, direction, expected);
            known = direction < rud_directions(&l->spec) && strcmp(name, expected) == 0;
        }
        if (!known)
            return rud_error(
                RUD_EFORMAT, "tensor %s does not belong to an LSTM of %zu layers in %s", name,
                l->spec.layers, l->spec.bidirectional ? "both directions" : "one direction");
    }
    return RUD_OK;
}

/* Is the part there, if it has to be, and of the right shape? */
static rud_status check_part(const lstm *l, size_t part, size_t layer, size_t direction)
{
    const rud_tensor *tensor = find_part(l, part, layer, direction);
    const size_t H = l->spec.hidden, rank = part < 2 ? 2 : 1;
    const size_t width = part == 0 ? rud_layer_inputs(&l->spec, layer) : H;
    char text[NAME_SIZE];
    if (!tensor && part >= 2) return RUD_OK;
    part_name(l, part, layer, direction, text);
    if (!tensor) return rud_error(RUD_EFORMAT, "tensor %s is missing", text);
    if (tensor->rank == rank && tensor->shape[0] == RUD_GATES * H &&
        (rank == 1 || tensor->shape[1] == width)) {
        return RUD_OK;
    }
    snprintf(text, sizeof text, rank == 2 ? "[%zu][%zu]" : "[%zu]", RUD_GATES * H, width);
    return wrong_shape(tensor, text);
}

static rud_status check_parts(const lstm *l)
{
    for (size_t layer = 0; layer < l->spec.layers; layer++)
        for (size_t d = 0; d < rud_directions(&l->spec); d++)
            for (size_t part = 0; part < PARTS; part++) RUD_TRY(check_part(l, part, layer, d));
    return RUD_OK;
}

static bool belongs_to_lstm(const lstm *l, const char *name)
{
    const char *rest = name + l->prefix_length;
    return strncmp(name, l->prefix, l->prefix_length) == 0 &&
           (strncmp(rest, "weight_", 7) == 0 || strncmp(rest, "bias_", 5) == 0);
}

static bool fits_head(const lstm *l, const rud_tensor *tensor)
{
    return tensor->rank == 2 && tensor->count > 0 && tensor->shape[1] == rud_head_inputs(&l->spec);
}

/* The head of the given name. */
static rud_status find_named_head(const lstm *l, const char *head, const rud_tensor **weight)
{
    char name[NAME_SIZE], expected[NAME_SIZE], names[LIST_SIZE] = "";
    snprintf(name, sizeof name, "%s%s", head, ends_with(head, ".weight") ? "" : ".weight");
    *weight = rud_tensor_file_find(l->file, name);
    if (*weight && fits_head(l, *weight)) return RUD_OK;
    snprintf(expected, sizeof expected, "[outputs][%zu]", rud_head_inputs(&l->spec));
    if (*weight) return wrong_shape(*weight, expected);
    for (size_t k = 0; k < l->file->tensor_count; k++)
        if (ends_with(l->file->tensors[k].name, ".weight")) list(&l->file->tensors[k], names);
    return rud_error(RUD_EFORMAT, "no head: there is no tensor %s; there are: %s", name,
                     names[0] ? names : "none that end in .weight");
}

/* A layer behind the head would be left out of the prediction without a word. */
static rud_status check_head_is_last(const lstm *l, const rud_tensor *head)
{
    for (size_t k = 0; k < l->file->tensor_count; k++) {
        const rud_tensor *tensor = &l->file->tensors[k];
        char behind[LIST_SIZE] = "";
        if (tensor == head || !ends_with(tensor->name, ".weight") || tensor->rank != 2 ||
            tensor->shape[1] != head->shape[0] || belongs_to_lstm(l, tensor->name))
            continue;
        list(tensor, behind);
        return rud_error(RUD_EFORMAT,
                         "more than one linear layer behind the LSTM: %s could read what %s gives; "
                         "a head is one layer. To explain what %.*s gives, choose it with --head",
                         behind, head->name, (int)(strlen(head->name) - strlen(".weight")),
                         head->name);
    }
    return RUD_OK;
}

/* The only one that fits. */
static rud_status find_head(const lstm *l, const char *head, const rud_tensor **weight)
{
    char fitting[LIST_SIZE] = "", others[LIST_SIZE] = "";
    size_t count = 0;
    if (head) return find_named_head(l, head, weight);
    for (size_t k = 0; k < l->file->tensor_count; k++) {
        const rud_tensor *tensor = &l->file->tensors[k];
        if (!ends_with(tensor->name, ".weight") || belongs_to_lstm(l, tensor->name)) continue;
        const bool fits = fits_head(l, tensor);
        list(tensor, fits ? fitting : others);
        if (fits) *weight = tensor;
        count += fits;
    }
    if (count == 1) return check_head_is_last(l, *weight);
    if (count > 1)
        return rud_error(RUD_EFORMAT, "%zu heads fit: %s; choose one with --head", count, fitting);
    return rud_error(RUD_EFORMAT,
                     "no head: it must end in .weight and have the shape [outputs][%zu], as the "
                     "final state of the LSTM has %zu numbers; there are: %s",
                     rud_head_inputs(&l->spec), rud_head_inputs(&l->spec),
                     others[0] ? others : "none that end in .weight");
}

/* Adds gate by gate to the parameters, which are 0 at first: the two biases add up. */
static void read_part(const lstm *l, size_t part, size_t layer, size_t direction,
                      rud_network *network)
{
    const rud_tensor *tensor = find_part(l, part, layer, direction);
    size_t count;
    if (!tensor) return;
    float *parameters = rud_network_parameters(network, &count);
    const size_t floats = tensor->count / RUD_GATES;
    for (size_t g = 0; g < RUD_GATES; g++) {
        const rud_gate_parameters at =
            rud_network_half_gate(network, layer, (rud_direction)direction, (rud_gate)g);
        float *to = parameters + (part == 0 ? at.forward : part == 1 ? at.recurrent : at.bias);
        for (size_t k = 0; k < floats; k++) to[k] += tensor->data[g * floats + k];
    }
}

static rud_status read_head(const lstm *l, const rud_tensor *weight, rud_network *network)
{
    char name[NAME_SIZE], expected[NAME_SIZE];
    size_t count;
    float *parameters = rud_network_parameters(network, &count);
    memcpy(parameters + rud_network_head_weight(network), weight->data,
           weight->count * sizeof *parameters);
    snprintf(name, sizeof name, "%.*sbias", (int)(strlen(weight->name) - strlen("weight")),
             weight->name);
    const rud_tensor *bias = rud_tensor_file_find(l->file, name);
    if (!bias) return RUD_OK;
    snprintf(expected, sizeof expected, "[%zu]", l->spec.outputs);
    if (bias->rank != 1 || bias->count != l->spec.outputs) return wrong_shape(bias, expected);
    memcpy(parameters + rud_network_head_bias(network), bias->data,
           bias->count * sizeof *parameters);
    return RUD_OK;
}

static rud_status read_all(const lstm *l, const rud_tensor *weight, rud_network *network)
{
    for (size_t layer = 0; layer < l->spec.layers; layer++)
        for (size_t d = 0; d < rud_directions(&l->spec); d++)
            for (size_t part = 0; part < PARTS; part++) read_part(l, part, layer, d, network);
    return read_head(l, weight, network);
}

rud_status rud_network_from_foreign(const rud_tensor_file *file, const char *head,
                                    rud_network **network)
{
    lstm l = {.file = file};
    const rud_tensor *weight = NULL;
    rud_network *read;
    *network = NULL;
    RUD_TRY(find_prefix(&l));
    RUD_TRY(find_sizes(&l));
    RUD_TRY(check_all_known(&l));
    RUD_TRY(check_parts(&l));
    RUD_TRY(find_head(&l, head, &weight));
    l.spec.outputs = weight->shape[0];
    RUD_TRY(rud_network_create(&l.spec, &read));
    const rud_status status = read_all(&l, weight, read);
    if (status == RUD_OK)
        *network = read;
    else
        rud_network_free(&read);
    return status;
}

/* Chosen gates side by side. */
#include "attribution/attribution_private.h"

/* Adds gate weights [H][inputs] to the block before, if they follow it in the parameters and stand
 * in the next column; else they start a block. */
static void add_weights(size_t weights, size_t size, size_t column, rud_gate_block *blocks,
                        size_t *count)
{
    if (weights == RUD_NOT_THERE) return;
    if (*count > 0) {
        rud_gate_block *before = &blocks[*count - 1];
        if (before->column + before->gates == column &&
            before->weights + before->gates * size == weights) {
            before->gates++;
            return;
        }
    }
    blocks[(*count)++] = (rud_gate_block){.column = column, .gates = 1, .weights = weights};
}

rud_gate_columns rud_gate_columns_of(const rud_network *network, size_t layer,
                                     rud_direction direction, const bool gates[RUD_GATES])
{
    const rud_network_spec *spec = rud_network_specification(network);
    const size_t H = spec->hidden;
    rud_gate_columns columns = {.count = 0};
    for (size_t g = 0; g < RUD_GATES; g++) {
        if (!gates[g] || !rud_gate_present(&spec->cell, (rud_gate)g)) continue;
        const rud_gate_parameters at =
            rud_network_half_gate(network, layer, direction, (rud_gate)g);
        const size_t column = columns.count++;
        columns.gate[column] = (rud_gate)g;
        columns.column[g] = column;
        add_weights(at.forward, H * rud_layer_inputs(spec, layer), column, columns.forward,
                    &columns.forward_blocks);
        add_weights(at.recurrent, H * H, column, columns.recurrent, &columns.recurrent_blocks);
    }
    return columns;
}

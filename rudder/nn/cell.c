/* The presets of the LSTM cell. */
#include "nn/cell.h"

#include <string.h>

#define ALL                                                                                        \
    {                                                                                              \
        .forward = true, .recurrent = true, .bias = true                                           \
    }

static const rud_cell presets[] = {
    {
        .name = "lstm", /* Gers et al. 2000 */
        .gates = {ALL, ALL, ALL, ALL},
        .cell_input = RUD_TANH,
        .hidden = RUD_TANH,
    },
    {
        .name = "lstm1997", /* Hochreiter and Schmidhuber 1997 */
        .gates = {[RUD_GATE_INPUT] = ALL, [RUD_GATE_CELL_INPUT] = ALL, [RUD_GATE_OUTPUT] = ALL},
        .cell_input = RUD_TANH,
        .hidden = RUD_TANH,
    },
    {
        .name = "rudder", /* Arjona-Medina et al. 2019 */
        .gates = {[RUD_GATE_INPUT] = {.recurrent = true, .bias = true},
                  [RUD_GATE_CELL_INPUT] = {.forward = true, .bias = true}},
        .cell_input = RUD_TANH,
        .hidden = RUD_IDENTITY,
    },
    {
        .name = "rudder-centred", /* ours: on centred inputs no drift has to be unlearned */
        .gates = {[RUD_GATE_INPUT] = {.recurrent = true, .bias = true},
                  [RUD_GATE_CELL_INPUT] = {.forward = true}},
        .cell_input = RUD_TANH,
        .hidden = RUD_IDENTITY,
    },
    {
        .name = "r-lstm", /* Chormai 2018 */
        .gates = {ALL, ALL, ALL, ALL},
        .cell_input = RUD_RELU,
        .hidden = RUD_TANH,
    },
};

const rud_cell *rud_cell_preset(const char *name)
{
    for (size_t k = 0; k < sizeof presets / sizeof *presets; k++)
        if (strcmp(presets[k].name, name) == 0) return &presets[k];
    return NULL;
}

const rud_cell *rud_cell_preset_at(size_t k)
{
    return k < sizeof presets / sizeof *presets ? &presets[k] : NULL;
}

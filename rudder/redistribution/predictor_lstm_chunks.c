/* Batches of long episodes, chunk by chunk: predictions are those of the whole episode, gradients
 * go back to the beginning of their chunk. */
#include <stdlib.h>
#include <string.h>

#include "redistribution/predictor_lstm_private.h"

static void limit_length(const rud_predictor *predictor, rud_lstm_chunk *chunk)
{
    const rud_lstm_model *model = predictor->model;
    const size_t most = predictor->options.chunk_length;
    chunk->length = model->batch.T - chunk->first;
    if (most > 0 && chunk->length > most) chunk->length = most;
}

rud_lstm_chunk rud_lstm_first_chunk(const rud_predictor *predictor)
{
    rud_lstm_chunk chunk = {0};
    limit_length(predictor, &chunk);
    return chunk;
}

static rud_status reserve_state(rud_lstm_model *model, size_t floats)
{
    if (floats <= model->state_capacity) return RUD_OK;
    free(model->state);
    model->state_capacity = 0;
    model->state = malloc(floats * sizeof *model->state);
    if (model->state == NULL) return rud_error(RUD_ENOMEM, "no memory for a batch's state");
    model->state_capacity = floats;
    return RUD_OK;
}

/* h and c of every layer after `steps` steps of the last pass. */
static rud_status keep_state(rud_lstm_model *model, const rud_network_spec *spec, size_t steps)
{
    const size_t row = model->batch.B * spec->hidden, half = spec->layers * row;
    RUD_TRY(reserve_state(model, 2 * half));
    for (size_t l = 0; l < spec->layers; l++) {
        const rud_layer_view layer = rud_activations_layer(model->activations, l);
        memcpy(model->state + l * row, layer.h + (steps - 1) * row, row * sizeof *layer.h);
        memcpy(model->state + half + l * row, layer.c + (steps - 1) * row, row * sizeof *layer.c);
    }
    return RUD_OK;
}

rud_status rud_lstm_next_chunk(const rud_predictor *predictor, size_t overlap,
                               rud_lstm_chunk *chunk, bool *more)
{
    rud_lstm_model *model = predictor->model;
    *more = chunk->first + chunk->length < model->batch.T;
    if (!*more) return RUD_OK;
    const size_t steps = chunk->length - overlap;
    RUD_TRY(keep_state(model, rud_network_specification(model->network), steps));
    chunk->first += steps;
    chunk->repeats = overlap;
    limit_length(predictor, chunk);
    return RUD_OK;
}

rud_status rud_lstm_forward(const rud_predictor *predictor, const rud_network *network,
                            const rud_lstm_chunk *chunk)
{
    rud_lstm_model *model = predictor->model;
    const rud_network_spec *spec = rud_network_specification(network);
    const size_t B = model->batch.B, half = spec->layers * B * spec->hidden;
    const float *x = model->batch.x + chunk->first * B * model->batch.D;
    const rud_initial_state initial = {.h = model->state, .c = model->state + half};
    return rud_network_forward_from(network, x, chunk->first > 0 ? &initial : NULL, chunk->length,
                                    B, model->activations);
}

/* The state of an LSTM predictor in training: remembered, recalled, and as a checkpoint. */
#include <stdlib.h>
#include <string.h>

#include "redistribution/predictor_lstm_private.h"

rud_status rud_lstm_remember(rud_predictor *predictor)
{
    rud_lstm_model *model = predictor->model;
    size_t count = 0;
    const float *parameters = rud_network_parameters(rud_lstm_predicting(model), &count);
    if (model->remembered == NULL) model->remembered = malloc(count * sizeof *parameters);
    if (model->remembered == NULL) {
        return rud_error(RUD_ENOMEM, "no memory for a copy of %zu parameters", count);
    }
    memcpy(model->remembered, parameters, count * sizeof *parameters);
    return RUD_OK;
}

void rud_lstm_recall(rud_predictor *predictor)
{
    rud_lstm_model *model = predictor->model;
    size_t count = 0;
    float *parameters = rud_network_parameters(rud_lstm_predicting(model), &count);
    if (model->remembered == NULL) return;
    memcpy(parameters, model->remembered, count * sizeof *parameters);
}

static void checkpoint_network(rud_network *network, rud_checkpoint *checkpoint)
{
    size_t count = 0;
    float *parameters = rud_network_parameters(network, &count);
    rud_checkpoint_same(checkpoint, count);
    rud_checkpoint_values(checkpoint, parameters, count * sizeof *parameters);
}

static void checkpoint_remembered(rud_predictor *predictor, rud_checkpoint *checkpoint)
{
    rud_lstm_model *model = predictor->model;
    size_t count = 0;
    rud_network_parameters(model->network, &count);
    bool there = model->remembered != NULL;
    rud_checkpoint_values(checkpoint, &there, sizeof there);
    if (!there || checkpoint->failed) return;
    if (checkpoint->reading && rud_lstm_remember(predictor) != RUD_OK) { /* makes room */
        checkpoint->failed = true;
        return;
    }
    rud_checkpoint_values(checkpoint, model->remembered, count * sizeof *model->remembered);
}

void rud_lstm_checkpoint(rud_predictor *predictor, rud_checkpoint *checkpoint)
{
    rud_lstm_model *model = predictor->model;
    size_t count = 0;
    rud_network_parameters(model->network, &count);
    uint64_t steps = rud_adam_steps(model->adam);
    rud_checkpoint_same(checkpoint, model->average != NULL);
    checkpoint_network(model->network, checkpoint);
    if (model->average != NULL) checkpoint_network(model->average, checkpoint);
    checkpoint_remembered(predictor, checkpoint);
    rud_checkpoint_values(checkpoint, rud_adam_moments(model->adam), 2 * count * sizeof(float));
    rud_checkpoint_values(checkpoint, &steps, sizeof steps);
    rud_adam_set_steps(model->adam, steps);
    double *const numbers[] = {&model->mean, &model->scale, &model->updates, &model->inputs_seen};
    for (size_t k = 0; k < 4; k++) rud_checkpoint_values(checkpoint, numbers[k], sizeof(double));
}

/* The state of an LSTM predictor in training: remembered, recalled, saved and loaded. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
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

static rud_status add_number(rud_tensor_file *file, const char *key, double value)
{
    char text[RUD_NUMBER_SIZE];
    rud_number_text(value, text);
    return rud_tensor_file_add_metadata(file, key, text);
}

static rud_status get_number(const rud_tensor_file *file, const char *key, double *value)
{
    const char *text = rud_tensor_file_metadata(file, key);
    if (text != NULL && rud_number_parse(text, value) && isfinite(*value)) return RUD_OK;
    return rud_error(RUD_EFORMAT, "metadata \"%s\" is missing or no finite number", key);
}

static rud_status add_array(rud_tensor_file *file, const char *name, const float *values,
                            size_t count)
{
    return values != NULL ? rud_tensor_file_add(file, name, &count, 1, values) : RUD_OK;
}

static rud_status get_array(const rud_tensor_file *file, const char *name, float *values,
                            size_t count)
{
    const rud_tensor *tensor = rud_tensor_file_find(file, name);
    if (tensor == NULL || tensor->count != count) {
        return rud_error(RUD_EFORMAT, "tensor \"%s\": %zu values found, %zu expected", name,
                         tensor != NULL ? tensor->count : 0, count);
    }
    memcpy(values, tensor->data, count * sizeof *values);
    return RUD_OK;
}

static float *average_of(const rud_lstm_model *model)
{
    size_t count = 0;
    return model->average != NULL ? rud_network_parameters(model->average, &count) : NULL;
}

rud_status rud_lstm_save_state(const rud_predictor *predictor, rud_tensor_file *file)
{
    const rud_lstm_model *model = predictor->model;
    size_t count = 0;
    const float *parameters = rud_network_parameters(model->network, &count);
    RUD_TRY(add_number(file, "state.updates", model->updates));
    RUD_TRY(add_number(file, "state.mean", model->mean));
    RUD_TRY(add_number(file, "state.scale", model->scale));
    RUD_TRY(add_array(file, "state.parameters", parameters, count));
    RUD_TRY(add_array(file, "state.average", average_of(model), count));
    RUD_TRY(add_array(file, "state.remembered", model->remembered, count));
    return add_array(file, "state.moments", rud_adam_moments(model->adam), 2 * count);
}

static rud_status load_remembered(rud_predictor *predictor, const rud_tensor_file *file,
                                  size_t count)
{
    rud_lstm_model *model = predictor->model;
    if (rud_tensor_file_find(file, "state.remembered") == NULL) return RUD_OK;
    RUD_TRY(rud_lstm_remember(predictor)); /* makes room */
    return get_array(file, "state.remembered", model->remembered, count);
}

rud_status rud_lstm_load_state(rud_predictor *predictor, const rud_tensor_file *file)
{
    rud_lstm_model *model = predictor->model;
    size_t count = 0;
    float *parameters = rud_network_parameters(model->network, &count);
    RUD_TRY(get_number(file, "state.updates", &model->updates));
    RUD_TRY(get_number(file, "state.mean", &model->mean));
    RUD_TRY(get_number(file, "state.scale", &model->scale));
    RUD_TRY(get_array(file, "state.parameters", parameters, count));
    if (model->average != NULL) {
        RUD_TRY(get_array(file, "state.average", average_of(model), count));
    }
    RUD_TRY(load_remembered(predictor, file, count));
    RUD_TRY(get_array(file, "state.moments", rud_adam_moments(model->adam), 2 * count));
    if (!(model->updates >= 0 && model->updates < 9007199254740992.0 && model->scale > 0)) {
        return rud_error(RUD_EFORMAT,
                         "metadata \"state.updates\" or \"state.scale\" is out of range");
    }
    rud_adam_set_steps(model->adam, (uint64_t)model->updates);
    return model->updates > 0 ? rud_lstm_follow_features(predictor) : RUD_OK;
}

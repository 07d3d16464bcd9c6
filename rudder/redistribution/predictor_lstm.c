/* The LSTM return predictor (Arjona-Medina et al. 2019, section 2): loss
 *     (g_last - G)^2 + lambda mean_t (g_t - G)^2
 * on standardised returns. Of success, g = sigma(y) of the output y, and the cross-entropy stands
 * in place of the square. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/network_file.h"
#include "redistribution/predictor_lstm_private.h"

static void free_lstm(rud_predictor *predictor)
{
    rud_lstm_model *model = predictor->model;
    rud_network_free(&model->network);
    rud_network_free(&model->average);
    rud_activations_free(&model->activations);
    rud_adam_free(&model->adam);
    rud_batch_free(&model->batch);
    free(model->gradients);
    free(model->added);
    free(model->remembered);
    free(model->state);
    free(model->dy);
    free(model->losses);
    free(model);
}

/* Everything beside the network, which model->network holds already. */
static rud_status create_training(rud_predictor *predictor)
{
    rud_lstm_model *model = predictor->model;
    size_t parameters = 0;
    if (predictor->options.averaging > 0) {
        RUD_TRY(rud_network_copy(model->network, &model->average));
    }
    rud_network_parameters(model->network, &parameters);
    RUD_TRY(rud_activations_create(&model->activations));
    RUD_TRY(rud_adam_create(&predictor->options.adam, parameters, &model->adam));
    model->gradients = malloc(parameters * sizeof *model->gradients);
    if (predictor->options.chunk_length > 0) {
        model->added = malloc(parameters * sizeof *model->added);
    }
    if (model->gradients == NULL || (predictor->options.chunk_length > 0 && !model->added)) {
        return rud_error(RUD_ENOMEM, "no memory for %zu gradients", parameters);
    }
    return RUD_OK;
}

static rud_status create_model(rud_predictor *predictor, rud_lstm_model **model)
{
    *model = predictor->model = calloc(1, sizeof **model);
    if (*model == NULL) return rud_error(RUD_ENOMEM, "no memory for an LSTM predictor");
    (*model)->scale = 1;
    return RUD_OK;
}

static rud_status create_lstm(rud_predictor *predictor, uint64_t seed)
{
    const rud_network_spec spec = {.inputs = rud_features_width(predictor->features),
                                   .hidden = predictor->options.hidden,
                                   .layers = predictor->options.layers,
                                   .outputs = 1,
                                   .cell = *rud_cell_preset(predictor->options.cell)};
    rud_lstm_model *model = NULL;
    RUD_TRY(create_model(predictor, &model));
    RUD_TRY(rud_network_create(&spec, &model->network));
    rud_network_initialise(model->network, seed);
    return create_training(predictor);
}

/* y <- ratio * y + offset, by the head. */
static void rescale_head(rud_network *network, double ratio, double offset)
{
    size_t count = 0;
    float *parameters = rud_network_parameters(network, &count);
    float *weight = parameters + rud_network_head_weight(network);
    float *bias = parameters + rud_network_head_bias(network);
    for (size_t j = 0; j < rud_network_specification(network)->hidden; j++) {
        weight[j] = (float)(weight[j] * ratio);
    }
    *bias = (float)(*bias * ratio + offset);
}

/* Makes the heads stand for the present target mean and scale, so that predictions in reward units
 * stay what they were when the training returns' statistics move. */
static void follow_target(const rud_predictor *predictor)
{
    rud_lstm_model *model = predictor->model;
    if (predictor->options.target == RUD_TARGET_SUCCESS) return; /* 0 and 1 are not scaled */
    const double mean = predictor->target.mean, scale = rud_predictor_scale(predictor);
    if (model->updates > 0) {
        const double ratio = model->scale / scale, offset = (model->mean - mean) / scale;
        rescale_head(model->network, ratio, offset);
        if (model->average != NULL) rescale_head(model->average, ratio, offset);
    }
    model->mean = mean;
    model->scale = scale;
}

rud_network *rud_lstm_predicting(const rud_lstm_model *model)
{
    return model->average != NULL ? model->average : model->network;
}

/* average <- decay * average + (1 - decay) * network; the first updates count for less. */
static void follow_network(const rud_predictor *predictor)
{
    const rud_lstm_model *model = predictor->model;
    if (model->average == NULL) return;
    size_t count = 0;
    const float *from = rud_network_parameters_const(model->network, &count);
    float *average = rud_network_parameters(model->average, &count);
    const double warm_up = (1 + model->updates) / (10 + model->updates);
    const double decay = fmin(predictor->options.averaging, warm_up);
    const float step = (float)(1 - decay);
    for (size_t i = 0; i < count; i++) average[i] += step * (from[i] - average[i]);
}

/* Loss of one output and its derivative. */
static double output_loss(bool success, double y, double target, double *gradient)
{
    if (success) {
        *gradient = 1 / (1 + exp(-y)) - target;
        return fmax(y, 0) + log1p(exp(-fabs(y))) - target * y;
    }
    const double error = y - target;
    *gradient = 2 * error;
    return error * error;
}

/* dLoss/dy of one column of a chunk, and what it adds to the episode's losses. y and dy:
 * [length][B], this episode's column. */
static void add_losses(const rud_predictor *predictor, const rud_lstm_chunk *chunk, const float *y,
                       size_t inputs, double target, float *dy, rud_losses *losses)
{
    const size_t B = ((const rud_lstm_model *)predictor->model)->batch.B;
    const double weight = predictor->options.all_steps_weight / (double)inputs;
    const bool success = predictor->options.target == RUD_TARGET_SUCCESS;
    for (size_t t = chunk->repeats; t < chunk->length && chunk->first + t < inputs; t++) {
        double gradient;
        const double loss = output_loss(success, y[t * B], target, &gradient);
        losses->all += loss / (double)inputs;
        dy[t * B] = (float)(weight * gradient / (double)B);
        if (chunk->first + t + 1 < inputs) continue;
        losses->main = loss;
        dy[t * B] += (float)(gradient / (double)B);
    }
}

static rud_status reserve_dy(rud_lstm_model *model, size_t floats)
{
    if (floats > model->dy_capacity) {
        float *grown = realloc(model->dy, floats * sizeof *grown);
        if (grown == NULL) return rud_error(RUD_ENOMEM, "no memory for a batch's gradients");
        model->dy = grown;
        model->dy_capacity = floats;
    }
    memset(model->dy, 0, floats * sizeof *model->dy);
    return RUD_OK;
}

/* Fills dy of the whole chunk. RUD_EDIVERGED on a non-finite loss. */
static rud_status chunk_loss(const rud_predictor *predictor, const rud_lstm_chunk *chunk,
                             const rud_episode *const *episodes, rud_losses *losses)
{
    rud_lstm_model *model = predictor->model;
    const size_t B = model->batch.B;
    const float *y = rud_activations_outputs(model->activations);
    RUD_TRY(reserve_dy(model, chunk->length * B));
    for (size_t b = 0; b < B; b++) {
        const double G = rud_predictor_return(predictor, episodes[b]);
        rud_losses loss = chunk->first > 0 ? losses[b] : (rud_losses){0, 0};
        add_losses(predictor, chunk, y + b, model->batch.lengths[b],
                   (G - model->mean) / model->scale, model->dy + b, &loss);
        if (!isfinite(loss.all + loss.main)) {
            return rud_error(RUD_EDIVERGED,
                             "training diverged: the loss is not finite; try a smaller "
                             "predictor.learning_rate or predictor.clip_norm");
        }
        losses[b] = loss;
    }
    return RUD_OK;
}

/* The gradients of the whole batch, and its losses. */
static rud_status batch_gradients(const rud_predictor *predictor,
                                  const rud_episode *const *episodes, rud_losses *losses)
{
    rud_lstm_model *model = predictor->model;
    const size_t overlap = predictor->options.chunk_overlap;
    rud_lstm_chunk chunk = rud_lstm_first_chunk(predictor);
    size_t count = 0;
    rud_network_parameters(model->network, &count);
    for (bool more = true; more;) {
        float *gradients = chunk.first > 0 ? model->added : model->gradients;
        RUD_TRY(rud_lstm_forward(predictor, model->network, &chunk));
        RUD_TRY(chunk_loss(predictor, &chunk, episodes, losses));
        RUD_TRY(
            rud_network_backward(model->network, model->activations, model->dy, gradients, NULL));
        for (size_t i = 0; chunk.first > 0 && i < count; i++) model->gradients[i] += gradients[i];
        RUD_TRY(rud_lstm_next_chunk(predictor, overlap, &chunk, &more));
    }
    return RUD_OK;
}

rud_status rud_lstm_follow_features(rud_predictor *predictor)
{
    rud_lstm_model *model = predictor->model;
    const double seen = predictor->statistics.count;
    if (!rud_features_standardise(predictor->features) || model->inputs_seen == seen) return RUD_OK;
    model->inputs_seen = seen;
    return rud_feature_statistics_standardise(&predictor->statistics, predictor->features);
}

static rud_status reserve_losses(rud_lstm_model *model, size_t count)
{
    if (count <= model->losses_capacity) return RUD_OK;
    rud_losses *grown = realloc(model->losses, count * sizeof *grown);
    if (grown == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu losses", count);
    model->losses = grown;
    model->losses_capacity = count;
    return RUD_OK;
}

static rud_status update_lstm(rud_predictor *predictor, const rud_episode *const *episodes,
                              size_t count, rud_losses *losses)
{
    rud_lstm_model *model = predictor->model;
    size_t parameters = 0;
    follow_target(predictor);
    RUD_TRY(rud_lstm_follow_features(predictor));
    RUD_TRY(rud_batch_pack(&model->batch, predictor->features, episodes, count));
    RUD_TRY(reserve_losses(model, count));
    RUD_TRY(batch_gradients(predictor, episodes, model->losses));
    if (losses != NULL) memcpy(losses, model->losses, count * sizeof *losses);
    RUD_TRY(rud_error_context(rud_adam_step(model->adam,
                                            rud_network_parameters(model->network, &parameters),
                                            model->gradients),
                              "training diverged"));
    follow_network(predictor);
    model->updates++;
    return RUD_OK;
}

/* Before the first update the head stands for no target yet, and is read by the present one. */
void rud_predictor_output_scale(const rud_predictor *predictor, double *scale, double *offset)
{
    const rud_lstm_model *model = predictor->model;
    const bool scaled =
        model->updates > 0 || predictor->options.target == RUD_TARGET_SUCCESS; /* log-odds */
    *scale = scaled ? model->scale : rud_predictor_scale(predictor);
    *offset = scaled ? model->mean : predictor->target.mean;
}

/* Predictions of the packed batch. */
/* What the network's output stands for: a return, or a probability of success. */
static double reward_units(const rud_predictor *predictor, double y)
{
    double scale = 0, offset = 0;
    rud_predictor_output_scale(predictor, &scale, &offset);
    const double units = y * scale + offset;
    return predictor->options.target == RUD_TARGET_SUCCESS ? 1 / (1 + exp(-units)) : units;
}

static rud_status predict_batch(const rud_predictor *predictor, double *const *g)
{
    const rud_lstm_model *model = predictor->model;
    rud_lstm_chunk chunk = rud_lstm_first_chunk(predictor);
    for (bool more = true; more;) {
        RUD_TRY(rud_lstm_forward(predictor, rud_lstm_predicting(model), &chunk));
        const float *outputs = rud_activations_outputs(model->activations);
        for (size_t b = 0; b < model->batch.B; b++) {
            for (size_t t = 0; t < chunk.length; t++) {
                if (chunk.first + t >= model->batch.lengths[b]) break;
                g[b][chunk.first + t] = reward_units(predictor, outputs[t * model->batch.B + b]);
            }
        }
        RUD_TRY(rud_lstm_next_chunk(predictor, 0, &chunk, &more));
    }
    return RUD_OK;
}

static rud_status predict_lstm(const rud_predictor *predictor, const rud_episode *const *episodes,
                               size_t count, double *const *g)
{
    rud_lstm_model *model = predictor->model;
    const size_t at_once = predictor->options.batch;
    for (size_t first = 0; first < count; first += at_once) {
        const size_t B = count - first < at_once ? count - first : at_once;
        RUD_TRY(rud_batch_pack(&model->batch, predictor->features, episodes + first, B));
        RUD_TRY(predict_batch(predictor, g + first));
    }
    return RUD_OK;
}

/* The network that predicts, with the scaling that its head stands for. */
static rud_status copy_lstm(const rud_predictor *from, rud_predictor *to)
{
    const rud_lstm_model *model = from->model;
    rud_lstm_model *made = NULL;
    RUD_TRY(create_model(to, &made));
    RUD_TRY(rud_network_copy(rud_lstm_predicting(model), &made->network));
    RUD_TRY(rud_activations_create(&made->activations));
    made->updates = 1;
    rud_predictor_output_scale(from, &made->scale, &made->mean);
    to->target = (rud_target){1, made->mean, made->scale * made->scale};
    return RUD_OK;
}

static rud_status create_stream(const rud_predictor *predictor, void **state)
{
    rud_network_state *network_state = NULL;
    const rud_status status =
        rud_network_state_create(rud_lstm_predicting(predictor->model), &network_state);
    *state = network_state;
    return status;
}

static void free_stream(void *state)
{
    rud_network_state *network_state = state;
    rud_network_state_free(&network_state);
}

static double step_stream(const rud_predictor *predictor, void *state, const float *x)
{
    const rud_lstm_model *model = predictor->model;
    float y = 0;
    rud_network_step(rud_lstm_predicting(model), state, x, &y);
    return reward_units(predictor, y);
}

static rud_status save_lstm(const rud_predictor *predictor, rud_tensor_file *file)
{
    follow_target(predictor); /* episodes may have been observed since the last update */
    return rud_network_to_tensors(rud_lstm_predicting(predictor->model), file);
}

static rud_status load_lstm(rud_predictor *predictor, const rud_tensor_file *file)
{
    rud_lstm_model *model = NULL;
    RUD_TRY(create_model(predictor, &model));
    RUD_TRY(
        rud_network_from_tensors(file, rud_cell_preset(predictor->options.cell), &model->network));
    const rud_network_spec *spec = rud_network_specification(model->network);
    const size_t D = rud_features_width(predictor->features);
    if (spec->inputs != D || spec->outputs != 1) {
        return rud_error(RUD_EFORMAT,
                         "the network has %zu inputs and %zu outputs, but the features in "
                         "rudder.features give %zu and a return predictor has 1",
                         spec->inputs, spec->outputs, D);
    }
    predictor->options.hidden = spec->hidden;
    predictor->options.layers = spec->layers;
    if (predictor->options.target == RUD_TARGET_RETURN) {
        model->mean = predictor->target.mean;
        model->scale = rud_predictor_scale(predictor);
    }
    model->updates = 1;
    return create_training(predictor);
}

const rud_predictor_kind rud_predictor_lstm = {
    .name = NULL,
    .useful_updates = SIZE_MAX,
    .create = create_lstm,
    .free = free_lstm,
    .update = update_lstm,
    .predict = predict_lstm,
    .copy = copy_lstm,
    .checkpoint = rud_lstm_checkpoint,
    .stream_create = create_stream,
    .stream_free = free_stream,
    .stream_step = step_stream,
    .remember = rud_lstm_remember,
    .recall = rud_lstm_recall,
    .save = save_lstm,
    .load = load_lstm,
};

const rud_network *rud_predictor_network(const rud_predictor *predictor)
{
    if (predictor->kind != &rud_predictor_lstm) return NULL;
    return rud_lstm_predicting(predictor->model);
}

void rud_predictor_set_learning_rate(rud_predictor *predictor, double learning_rate)
{
    if (predictor->kind != &rud_predictor_lstm) return;
    rud_lstm_model *model = predictor->model;
    rud_adam_set_learning_rate(model->adam, learning_rate);
}

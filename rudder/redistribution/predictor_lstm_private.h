/* What the files of the LSTM return predictor share. */
#ifndef RUD_REDISTRIBUTION_PREDICTOR_LSTM_PRIVATE_H
#define RUD_REDISTRIBUTION_PREDICTOR_LSTM_PRIVATE_H

#include "episodes/batch.h"
#include "redistribution/predictor_private.h"

typedef struct rud_lstm_model {
    rud_network *network; /* the one that is trained */
    rud_network *average; /* the one that predicts: the moving average; NULL without averaging */
    rud_activations *activations;
    rud_adam *adam;
    float *gradients;  /* [parameters] */
    float *added;      /* [parameters] gradients of one chunk; NULL without chunks */
    float *remembered; /* [parameters] by rud_predictor_remember; else NULL */
    rud_batch batch;
    float *dy; /* [T][B] */
    size_t dy_capacity;
    rud_losses *losses; /* of the last update */
    size_t losses_capacity;
    float *state; /* h and then c, [L][B][H] each: where the next chunk starts */
    size_t state_capacity;
    double mean, scale; /* of the targets that the heads stand for now */
    double updates;
    double inputs_seen; /* when the features' standardisation was set */
} rud_lstm_model;

/* The network that predicts. */
rud_network *rud_lstm_predicting(const rud_lstm_model *model);

/* Standardises the features by the episodes observed up to now, where they ask for it. */
rud_status rud_lstm_follow_features(rud_predictor *predictor);

/* A stretch of the batch that goes through the network at one time. */
typedef struct rud_lstm_chunk {
    size_t first;   /* input of every episode */
    size_t length;  /* inputs */
    size_t repeats; /* of these, that were in the chunk before too */
} rud_lstm_chunk;

/* The first chunk of the packed batch. */
rud_lstm_chunk rud_lstm_first_chunk(const rud_predictor *predictor);

/* After a pass over `chunk`: keeps the state from which the next one starts, `overlap` inputs
 * before its end, and makes it `chunk`. *more is false behind the last. */
rud_status rud_lstm_next_chunk(const rud_predictor *predictor, size_t overlap,
                               rud_lstm_chunk *chunk, bool *more);

/* Runs `network` over the chunk of the packed batch. */
rud_status rud_lstm_forward(const rud_predictor *predictor, const rud_network *network,
                            const rud_lstm_chunk *chunk);

rud_status rud_lstm_remember(rud_predictor *predictor);
void rud_lstm_recall(rud_predictor *predictor);
void rud_lstm_checkpoint(rud_predictor *predictor, rud_checkpoint *checkpoint);

#endif

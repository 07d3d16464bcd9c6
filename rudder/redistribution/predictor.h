/* Return predictors: what an episode's steps so far say of its return. The LSTM of the paper and,
 * on the same interface, the honest baselines beside it. */
#ifndef RUD_REDISTRIBUTION_PREDICTOR_H
#define RUD_REDISTRIBUTION_PREDICTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "envs/env.h"
#include "episodes/episode.h"
#include "episodes/features.h"
#include "nn/adam.h"
#include "nn/network.h"
#include "redistribution/checkpoint.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { RUD_NAME_SIZE = 24 };

/* What is predicted of an episode. */
typedef enum rud_target_kind {
    RUD_TARGET_RETURN,  /* its return, by squared error on standardised returns */
    RUD_TARGET_SUCCESS, /* its return is 0 or 1, the label of success: the probability of 1, by
                           cross-entropy; `linear` regresses on the label */
} rud_target_kind;

typedef struct rud_predictor_options {
    /* A cell preset: `lstm`, `lstm1997`, `rudder`, `rudder-centred`, `r-lstm`; or `linear` (ridge
     * regression of G on the sum of the inputs), `uniform` (g_t = G (t + 1) / T) or `exact` (the
     * environment's E[G | history]). */
    char cell[RUD_NAME_SIZE];
    size_t hidden;           /* H */
    size_t layers;           /* L */
    double all_steps_weight; /* lambda of the loss */
    /* Predictions use an exponential moving average of the parameters over the updates, with this
     * decay (Polyak and Juditsky 1992); 0: the parameters themselves. */
    double averaging;
    size_t batch; /* B, episodes an update */
    double ridge; /* of `linear` */
    rud_target_kind target;
    double discount; /* gamma: the return is sum_t gamma^t r_t */
    /* LSTMs read longer episodes in chunks of so many inputs, each from the state that the one
     * before left (truncated back-propagation through time); 0: whole. A chunk begins
     * `chunk_overlap` inputs before the end of the last one, so that every error goes back at least
     * so far. */
    size_t chunk_length, chunk_overlap;
    rud_adam_options adam;
} rud_predictor_options;

rud_predictor_options rud_predictor_options_default(void);

/* Cell k = 0, 1, ... that the options can name: the presets, then those without a network; NULL
 * behind the last. */
const char *rud_predictor_cell_at(size_t k);

typedef struct rud_predictor rud_predictor;

/* A new predictor; `features` is copied. env: needed for `exact` (borrowed until free), else may
 * be NULL. seed: of the initial parameters. Caller owns *predictor. */
rud_status rud_predictor_create(const rud_predictor_options *options, const rud_features *features,
                                const rud_env *env, uint64_t seed, rud_predictor **predictor);
void rud_predictor_free(rud_predictor **predictor);

/* A predictor that predicts from now on what `from` predicts now; it cannot be trained. The
 * environment of `exact` stays borrowed. Caller owns *to. */
rud_status rud_predictor_copy(const rud_predictor *from, rud_predictor **to);

const rud_features *rud_predictor_features(const rud_predictor *predictor); /* view */
const char *rud_predictor_cell(const rud_predictor *predictor);             /* view */

rud_target_kind rud_predictor_target_kind(const rud_predictor *predictor);
double rud_predictor_discount(const rud_predictor *predictor);

/* The return G that is predicted of an episode: discounted as the predictor's options say. */
double rud_predictor_return(const rud_predictor *predictor, const rud_episode *episode);

/* The network of an LSTM predictor; NULL for the others. View. */
const rud_network *rud_predictor_network(const rud_predictor *predictor);

/* The weights w[D] of `linear`, whose g_t = b + w . (x_0 + ... + x_t) in reward units; NULL for the
 * others. View, until it trains again. */
const double *rud_predictor_linear_weights(const rud_predictor *predictor);

/* Updates on the same episodes that make sense: any number for an LSTM (SIZE_MAX), 1 for `linear`,
 * which is solved at once, 0 where there is nothing to learn. */
size_t rud_predictor_useful_updates(const rud_predictor *predictor);

/* Mean and standard deviation s of the training returns (0 and 1 before any). */
double rud_predictor_target_mean(const rud_predictor *predictor);
double rud_predictor_target_std(const rud_predictor *predictor);

/* Tells the predictor of a training episode, once each, before it is used in an update: target
 * scaling and the sums of `linear` come from here. */
rud_status rud_predictor_observe(rud_predictor *predictor, const rud_episode *episode);

/* The same as if it were told of the episodes that `other` was told of: their features are equal.
 * Not for `linear`, which needs the episodes themselves. */
rud_status rud_predictor_observe_as(rud_predictor *predictor, const rud_predictor *other);

/* Losses of an update, in standardised units: main (g_last - G)^2, all = mean_t (g_t - G)^2; of
 * success the cross-entropy of G and g in place of the square. */
typedef struct rud_losses {
    double main, all;
} rud_losses;

/* Losses of one episode from its predictions g[inputs]. Probabilities count as no closer than 1e-3
 * to 0 and 1, so that one sure mistake does not decide. */
rud_losses rud_predictor_losses(const rud_predictor *predictor, const double *g, size_t inputs,
                                double G);

/* One training step on a batch of observed episodes. losses: [count], of each episode before the
 * step; may be NULL. `linear` solves its system; `uniform` and `exact` have nothing to learn.
 * RUD_EDIVERGED on a non-finite loss: the parameters are as before. */
rud_status rud_predictor_update(rud_predictor *predictor, const rud_episode *const *episodes,
                                size_t count, rud_losses *losses);

/* Predictions g_t [reward units] after each input: g[i] holds
 * rud_features_inputs(features, episodes[i]) values. Checks the episodes. RUD_EDIVERGED where a
 * prediction is not finite. An LSTM predictor uses memory of its own: one thread at a time. */
rud_status rud_predictor_predict(const rud_predictor *predictor, const rud_episode *const *episodes,
                                 size_t count, double *const *g);

/* Keeps from now on the inputs of 8 of the observed episodes that together look like all, which the
 * baseline `episodes` of integrated gradients starts from. Copies and checkpoints hold them; model
 * files don't. RUD_ENOMEM. */
rud_status rud_predictor_keep_episodes(rud_predictor *predictor);

/* Predictions of an episode while it runs. Several streams may read one predictor, which must stay
 * and must not be trained meanwhile. */
typedef struct rud_prediction_stream rud_prediction_stream;

/* RUD_EINVAL for `uniform` and `exact`, which need the whole episode. Caller owns *stream. */
rud_status rud_prediction_stream_create(const rud_predictor *predictor,
                                        rud_prediction_stream **stream);
void rud_prediction_stream_free(rud_prediction_stream **stream);

/* The next input, in order: s_t and a_t, in their spaces, or the final observation with action
 * NULL. *g: the prediction after it [reward units], the same as rud_predictor_predict's but for
 * rounding. RUD_EDIVERGED where it is not finite. */
rud_status rud_prediction_stream_step(rud_prediction_stream *stream, const double *observation,
                                      const double *action, double *g);

/* Keeps a copy of the parameters that predict now, in the place of an earlier one; and predicts by
 * it from now on. Neither has to do with further updates but with averaging, where they go on from
 * what was recalled. Without a network nothing happens. */
rud_status rud_predictor_remember(rud_predictor *predictor);
void rud_predictor_recall(rud_predictor *predictor);

/* For learning-rate schedules. */
void rud_predictor_set_learning_rate(rud_predictor *predictor, double learning_rate);

/* Model files (safetensors; metadata rudder.cell, rudder.features, rudder.target_mean,
 * rudder.target_std, rudder.version, rudder.target: "success" and rudder.discount where they are
 * not the usual; tensor features.mean). `path` may be a run folder that holds model.safetensors.
 * RUD_EINVAL for `uniform` and `exact`, which have no parameters. */
rud_status rud_predictor_save(const rud_predictor *predictor, const char *path);
rud_status rud_predictor_load(const char *path, rud_predictor **predictor);

/* All that training goes on from, bit for bit: statistics of what was observed, parameters, their
 * average, what is remembered, Adam's moments. Reading is into a predictor that was created with
 * the same options and features; where rud_checkpoint_status then tells a failure, the predictor is
 * of no use. */
void rud_predictor_checkpoint(rud_predictor *predictor, rud_checkpoint *checkpoint);

#ifdef __cplusplus
}
#endif
#endif

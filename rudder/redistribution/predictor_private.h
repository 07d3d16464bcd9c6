/* What the kinds of return predictor share. To add one: a file with an rud_predictor_kind, and one
 * row in predictor.c. */
#ifndef RUD_REDISTRIBUTION_PREDICTOR_PRIVATE_H
#define RUD_REDISTRIBUTION_PREDICTOR_PRIVATE_H

#include "nn/safetensors.h"
#include "redistribution/checkpoint.h"
#include "redistribution/feature_statistics.h"
#include "redistribution/predictor.h"
#include "redistribution/reference_episodes_private.h"

/* Running mean and variance of the training returns (Welford). */
typedef struct rud_target {
    double count, mean, squares;
} rud_target;

typedef struct rud_predictor_kind {
    const char *name;      /* NULL: any cell preset */
    size_t useful_updates; /* as rud_predictor_useful_updates */
    rud_status (*create)(rud_predictor *predictor, uint64_t seed);
    void (*free)(rud_predictor *predictor);
    /* The sum over an episode's inputs, sum[D], and its return; may be NULL. */
    rud_status (*observe)(rud_predictor *predictor, const double *sum, double G);
    /* May be NULL: nothing to learn. */
    rud_status (*update)(rud_predictor *predictor, const rud_episode *const *episodes, size_t count,
                         rud_losses *losses);
    /* Without a network: from several threads at once. */
    rud_status (*predict)(const rud_predictor *predictor, const rud_episode *const *episodes,
                          size_t count, double *const *g);
    /* Fills to->model for predicting only; NULL: there is no model. */
    rud_status (*copy)(const rud_predictor *from, rud_predictor *to);
    /* What a stream keeps between its inputs, and one input x[D]; NULL: it has to see the whole
     * episode. */
    rud_status (*stream_create)(const rud_predictor *predictor, void **state);
    void (*stream_free)(void *state);
    double (*stream_step)(const rud_predictor *predictor, void *state, const float *x);
    /* The model of a predictor that trains; NULL: there is none. */
    void (*checkpoint)(rud_predictor *predictor, rud_checkpoint *checkpoint);
    rud_status (*remember)(rud_predictor *predictor); /* these two: NULL without a network */
    void (*recall)(rud_predictor *predictor);
    /* Model files; NULL: there is nothing to save. */
    rud_status (*save)(const rud_predictor *predictor, rud_tensor_file *file);
    rud_status (*load)(rud_predictor *predictor, const rud_tensor_file *file);
} rud_predictor_kind;

struct rud_predictor {
    const rud_predictor_kind *kind;
    rud_predictor_options options;
    rud_features *features;
    const rud_env *env;
    rud_target target;
    rud_feature_statistics statistics;  /* of all inputs observed */
    rud_reference_episodes *references; /* NULL unless asked for */
    double *episode_sum;                /* [D] scratch */
    float *inputs;                      /* scratch: one episode's inputs */
    size_t inputs_capacity;
    void *model; /* of the kind */
    bool fixed;  /* a copy, which cannot be trained */
};

extern const rud_predictor_kind rud_predictor_lstm;
extern const rud_predictor_kind rud_predictor_linear;
extern const rud_predictor_kind rud_predictor_uniform;
extern const rud_predictor_kind rud_predictor_exact;

/* The kind of a cell's name; NULL with a message if there is none. */
const rud_predictor_kind *rud_predictor_kind_of(const char *cell);

/* The arrays that every kind has; the features must be there. */
rud_status rud_predictor_allocate(rud_predictor *predictor);

/* Encodes one checked episode into predictor->inputs, [inputs][D]. */
rud_status rud_predictor_encode(rud_predictor *predictor, const rud_episode *episode,
                                size_t *inputs);

/* The target's standard deviation for scaling: 1 where the returns don't vary. */
double rud_predictor_scale(const rud_predictor *predictor);

/* Predictions of an LSTM predictor are scale * y + offset of its network's outputs y. */
void rud_predictor_output_scale(const rud_predictor *predictor, double *scale, double *offset);

#endif

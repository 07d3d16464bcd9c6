/* What an explainer is made of. Private to this folder. */
#ifndef RUD_REDISTRIBUTION_EXPLAINER_PRIVATE_H
#define RUD_REDISTRIBUTION_EXPLAINER_PRIVATE_H

#include "episodes/batch.h"
#include "redistribution/explainer.h"

/* Batches beyond 64 episodes gain no speed. */
enum { RUD_EXPLAINER_EPISODES = 64, RUD_EXPLAINER_NAME = 80, RUD_ALL_ROWS = 1 };

/* An episode's place in the order of lengths. */
typedef struct rud_explainer_place {
    size_t index, inputs;
    bool all_rows; /* its final observation is an input */
} rud_explainer_place;

struct rud_explainer {
    const rud_predictor *predictor; /* NULL: of a network as it is */
    const rud_network *network;     /* of that; NULL with a predictor */
    const float *feature_mean;      /* [D] of that */
    const rud_network *replacement; /* by rud_explainer_set_network; else NULL */
    rud_attribution_options options;
    rud_attribution *attribution;
    rud_features *features[2]; /* of a network: without and with the final observation */
    float *mean;               /* [D] of a predictor's features */
    float *references;         /* [references][T][D]: where integrated gradients start */
    size_t references_capacity;
    rud_batch batch;
    const rud_episode *episodes[RUD_EXPLAINER_EPISODES];
    char names[RUD_EXPLAINER_EPISODES][RUD_EXPLAINER_NAME];
    const char *name_of[RUD_EXPLAINER_EPISODES];
    bool alone; /* one episode is explained */
    rud_attribution_watch *watch;
    void *watcher;
    size_t through, batch_episodes, all; /* episodes before the batch at work, in it, in the run */
    double largest_growth;
};

/* The network that is explained; NULL where the predictor has none. */
const rud_network *rud_explainer_network(const rud_explainer *explainer);

/* all_rows: with the final observation as an input, of a network as it is. */
const rud_features *rud_explainer_features(const rud_explainer *explainer, bool all_rows);

/* What is the same for every method; caller frees by rud_explanation_free, also on failure. */
rud_status rud_explanation_create(const rud_explainer *explainer, const rud_episode *episode,
                                  const rud_explainer_place *place, rud_explanation *e);

/* A predictor without a network: r_t = g_t - g_{t-1}, g_{-1} = 0, up to the chosen step. */
rud_status rud_explanation_of_predictions(const rud_explainer *explainer,
                                          const rud_episode *episode, rud_explanation *e);

/* Takes over column b of a result of B episodes. */
rud_status rud_explanation_take(rud_explainer *explainer, const rud_attribution_result *result,
                                size_t b, size_t B, rud_explanation *e);

#endif

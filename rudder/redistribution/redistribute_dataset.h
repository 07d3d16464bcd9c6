/* A data set written again with its rewards redistributed. */
#ifndef RUD_REDISTRIBUTION_REDISTRIBUTE_DATASET_H
#define RUD_REDISTRIBUTION_REDISTRIBUTE_DATASET_H

#include "redistribution/explain_dataset.h"
#include "redistribution/redistribution.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Infos that every episode gets, T + 1 rows each, the first one 0. */
#define RUD_INFO_ORIGINAL      "original_rewards"      /* where `rewards` are the redistributed */
#define RUD_INFO_REDISTRIBUTED "redistributed_rewards" /* where `rewards` stay: keep_rewards */
#define RUD_INFO_PREDICTION    "predicted_return"      /* g_last, the same at every step */
#define RUD_INFO_QUALITY       "prediction_quality"    /* 1 - (G - g_last)^2 / s^2, likewise */

/* The same as attributes, and whether the episode was redistributed: 1, or 0 where its prediction
 * error was beyond the limit. */
#define RUD_ATTRIBUTE_PREDICTION    "rudder_predicted_return"
#define RUD_ATTRIBUTE_QUALITY       "rudder_prediction_quality"
#define RUD_ATTRIBUTE_REDISTRIBUTED "rudder_redistributed"

typedef struct rud_dataset_redistribution {
    rud_redistribution_options options; /* its method takes the place of work.attribution */
    bool keep_rewards; /* the redistributed rewards become the info, `rewards` stay */
    double
        error_limit; /* episodes with |G - g_last| beyond it keep their rewards; INFINITY: none */
    rud_dataset_work work;
} rud_dataset_redistribution;

typedef struct rud_dataset_redistributed {
    size_t episodes, steps;
    size_t kept;               /* episodes beyond the error limit */
    double explained_variance; /* 1 - mean (G - g_last)^2 / Var(G) of these episodes; NaN if all
                                  returns are the same */
    double mean_quality;       /* over the episodes */
} rud_dataset_redistributed;

/* Carries every episode of `source` into `writer`, whose source it is; committing is the caller's.
 * Original rewards that an episode holds from an earlier redistribution stay, with a warning.
 * Streams: memory holds some episodes only. Messages name file and episode. */
rud_status rud_redistribute_dataset(const rud_dataset_redistribution *how, rud_dataset *source,
                                    rud_dataset_writer *writer, rud_dataset_redistributed *result);

#ifdef __cplusplus
}
#endif
#endif

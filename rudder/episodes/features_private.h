/* What features are made of; shared by the features_*.c files only. */
#ifndef RUD_EPISODES_FEATURES_PRIVATE_H
#define RUD_EPISODES_FEATURES_PRIVATE_H

#include "episodes/features.h"

/* One encoded component of a row. */
typedef struct rud_features_input {
    size_t component;
    size_t column; /* first, or only, column in x[D] */
    bool one_hot;  /* else raw */
    double shift;  /* raw: (value - shift) / scale */
    double scale;
} rud_features_input;

/* Observation or action. */
typedef struct rud_features_part {
    rud_space space;            /* width 0: unknown, nothing is encoded */
    rud_encoding *encodings;    /* [space.width], never auto */
    rud_features_input *inputs; /* [input_count], by column; left-out components are absent */
    size_t input_count;
} rud_features_part;

struct rud_features {
    rud_features_part observation;
    rud_features_part action;
    bool difference;
    bool standardise;
    bool time;
    bool final_observation;
    double time_scale;
    size_t width; /* D */
};

/* The encodings of one part as they are given: one for all components, or one for each. */
typedef struct rud_features_encodings {
    const rud_encoding *items; /* [count] */
    size_t count;              /* 0: auto for all */
} rud_features_encodings;

/* rud_features_create without the options' limit of 64 encodings. Of `options` only the fields
 * from `difference` on are read. */
rud_status rud_features_build(const rud_features_options *options,
                              rud_features_encodings observation, rud_features_encodings action,
                              const rud_space *observation_space, const rud_space *action_space,
                              rud_features **features);

#endif

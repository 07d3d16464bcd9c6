/* How observations and actions become the inputs of the network: described by data and stored
 * with the model.
 *
 * Input t is the encoding of (s_t, a_t), t = 0 .. T-1; with a final observation one more input
 * follows, s_T with a zero action: every action column is 0. phi(s) one-hots or copies each
 * component; with `difference` the input is phi(s_t) - phi(s_{t-1}), phi(s_{-1}) = 0, so that a
 * constant attribute appears once and its credit falls where it became known. Columns stand in the
 * order observation, action, time; action and time are never differenced. */
#ifndef RUD_EPISODES_FEATURES_H
#define RUD_EPISODES_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/space.h"
#include "episodes/episode.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rud_encoding {
    RUD_ENCODING_AUTO,    /* one-hot for discrete components, raw for those of a box */
    RUD_ENCODING_ONE_HOT, /* sizes[k] inputs */
    RUD_ENCODING_RAW,     /* one input: (value - shift) / scale */
    RUD_ENCODING_NONE,    /* left out */
} rud_encoding;

/* No observation or action space has more components, and no input more columns. */
#define RUD_FEATURES_WIDTH_MAX ((size_t)1 << 20)

/* What a config says about features. `observation` has one entry for each component, or one entry
 * that holds for all. */
typedef struct rud_features_options {
    rud_encoding observation[64];
    size_t observation_count; /* 0: auto for all */
    rud_encoding action;
    bool difference;
    bool standardise; /* predictors learn shift and scale of raw columns from training episodes */
    bool time;        /* one more input: t / time_scale */
    bool final_observation; /* one more step, s_T with a zero action */
    double time_scale;      /* T_max [steps]; >= 1 where `time` */
} rud_features_options;

/* auto, no difference, no time, final observation, time_scale 1 */
rud_features_options rud_features_options_default(void);

typedef struct rud_features rud_features;

/* Copies the spaces. action_space: NULL where only observations are known. RUD_EINVAL if the
 * options do not fit the spaces (one-hot of a box, a number of encodings that is neither 1 nor the
 * width, more than RUD_FEATURES_WIDTH_MAX columns) or no input is left. Caller owns *features. */
rud_status rud_features_create(const rud_features_options *options,
                               const rud_space *observation_space, const rud_space *action_space,
                               rud_features **features);
rud_status rud_features_copy(const rud_features *from, rud_features **to);
void rud_features_free(rud_features **features);

/* Sets what raw columns subtract and divide by, after the difference: shift[D], scale[D], finite,
 * scale > 0; 0 and 1 at first. Entries of other columns are ignored. On failure nothing has
 * changed. */
rud_status rud_features_set_standardisation(rud_features *features, const double *shift,
                                            const double *scale);

/* Is column d raw: a number, neither one-hot nor the time? */
bool rud_features_is_raw(const rud_features *features, size_t d);

/* Width D of an input. */
size_t rud_features_width(const rud_features *features);
bool rud_features_final_observation(const rud_features *features);
bool rud_features_difference(const rud_features *features);
bool rud_features_standardise(const rud_features *features); /* false in a loaded model */
const rud_space *rud_features_observation_space(const rud_features *features); /* view */
const rud_space *rud_features_action_space(const rud_features *features);      /* view; or NULL */

/* A name for input column d, such as "observation[1]=3" or "action=0", written into name[size]; ""
 * where d >= D. */
void rud_features_name(const rud_features *features, size_t d, char *name, size_t size);

/* Checks that the episode fits: widths, values in their spaces, finite numbers, and a final
 * observation where the model needs one. Ignored are actions that are not encoded and a final
 * observation that is not needed. The message names field and row. RUD_EINVAL, RUD_ENONFINITE. */
rud_status rud_features_check(const rud_features *features, const rud_episode *episode);

/* Inputs that a checked episode gives: T, or T + 1 with a final observation. */
size_t rud_features_inputs(const rud_features *features, const rud_episode *episode);

/* Writes the inputs of a checked episode: input t at x + t * stride, stride >= D floats. */
void rud_features_encode(const rud_features *features, const rud_episode *episode, float *x,
                         size_t stride);

/* One input: s_t, s_{t-1} (NULL at t = 0), a_t (NULL with the final observation), all in the
 * spaces; x[D]. rud_features_encode is this in a loop. */
void rud_features_encode_step(const rud_features *features, const double *observation,
                              const double *previous, const double *action, size_t t, float *x);

/* The description as JSON text (the model's metadata `rudder.features`), and back. Caller owns
 * the result. RUD_EFORMAT on text that is not such a description. */
rud_status rud_features_to_json(const rud_features *features, char **text);
rud_status rud_features_from_json(const char *text, rud_features **features);

#ifdef __cplusplus
}
#endif
#endif

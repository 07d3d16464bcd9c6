/* Online reward redistribution: predictor, lesson buffer, quality and gate together. Agents in
 * this process and over the bridge use the same object. */
#ifndef RUD_REDISTRIBUTION_REDISTRIBUTOR_H
#define RUD_REDISTRIBUTION_REDISTRIBUTOR_H

#include "redistribution/lesson_buffer.h"
#include "redistribution/predictor.h"
#include "redistribution/quality.h"
#include "redistribution/redistribution.h"

#ifdef __cplusplus
extern "C" {
#endif

/* When the predictor trains: rounds of at most `updates` updates (the first of `first_updates`),
 * ended early once the running main loss is under `loss_threshold`. A round is due when `every`
 * episodes have come since the last one, and the episodes in all have grown by the share `growth`:
 * what the same number of episodes can teach becomes less as they add up. */
typedef struct rud_training_options {
    size_t every;
    double growth;
    size_t first_updates;
    size_t updates;
    double loss_threshold; /* standardised units */
} rud_training_options;

typedef struct rud_redistributor_options {
    rud_predictor_options predictor;
    rud_lesson_buffer_options lesson_buffer;
    rud_training_options training;
    rud_redistribution_options redistribution;
    double gate; /* quality minus its standard error must exceed it; 0.1 */
} rud_redistributor_options;

rud_redistributor_options rud_redistributor_options_default(void);

typedef struct rud_redistributor rud_redistributor;

/* env: for the predictor `exact`, else may be NULL. seed: of initial parameters and sampling. */
rud_status rud_redistributor_create(const rud_redistributor_options *options,
                                    const rud_features *features, const rud_env *env, uint64_t seed,
                                    rud_redistributor **redistributor);
void rud_redistributor_free(rud_redistributor **redistributor);

/* What is said of one episode. */
typedef struct rud_redistribution_report {
    bool ready;        /* the gate was open: `redistributed` is r', else the original rewards */
    double prediction; /* g_last */
    double quality;    /* of this episode */
} rud_redistribution_report;

/* A new finished episode: predicted, then (quality known) put into the lesson buffer.
 * redistributed [T] out, by the model as it was before. The episode is copied. */
rud_status rud_redistributor_submit(rud_redistributor *redistributor, const rud_episode *episode,
                                    double *redistributed, rud_redistribution_report *report);

/* What submit does but for the rewards, of several episodes: all are predicted, then learned from
 * in order. errors[count], which may be NULL: G minus the prediction made before. An episode that
 * does not fit fails, and nothing has changed. */
rud_status rud_redistributor_learn(rud_redistributor *redistributor,
                                   const rud_episode *const *episodes, size_t count,
                                   double *errors);

/* Rewards of any episode by the present model; nothing is learned. */
rud_status rud_redistributor_redistribute(rud_redistributor *redistributor,
                                          const rud_episode *episode, double *redistributed,
                                          rud_redistribution_report *report);

/* The same of a batch of episodes, faster than one by one and with the same numbers, bit for bit.
 * redistributed[count], [T] each, and reports[count] out. */
rud_status rud_redistributor_redistribute_many(rud_redistributor *redistributor,
                                               const rud_episode *const *episodes, size_t count,
                                               double *const *redistributed,
                                               rud_redistribution_report *reports);

/* True when the schedule says that training is due. */
bool rud_redistributor_due(const rud_redistributor *redistributor);

/* At most `updates` updates from the lesson buffer (SIZE_MAX: as the schedule says). *done (may be
 * NULL): updates made; 0 while the lesson buffer is not ready. */
rud_status rud_redistributor_train(rud_redistributor *redistributor, size_t updates, size_t *done);

/* Quality from errors G - prediction of other predictions of the same episodes, by the standard
 * deviation of the training returns here; `ready` and so on as in the state below. */
typedef struct rud_gate_state {
    bool ready;
    double quality;
    double standard_error;
} rud_gate_state;
rud_gate_state rud_redistributor_gate(const rud_redistributor *redistributor,
                                      const rud_quality *quality);

/* For a caller that trains in small pieces: the updates that the schedule gives the round which is
 * due now. The next round counts its episodes from here. */
size_t rud_redistributor_begin_round(rud_redistributor *redistributor);

/* State for progress and reports. */
typedef struct rud_redistributor_state {
    bool ready;
    size_t episodes; /* submitted */
    size_t updates;
    double loss;           /* running main loss, standardised */
    double quality;        /* prequential */
    double standard_error; /* of it */
} rud_redistributor_state;
rud_redistributor_state rud_redistributor_get_state(const rud_redistributor *redistributor);

/* The whole state as bytes that restore, on a machine of the same kind, goes on from; of the
 * lessons, which all need ids, only these. Caller frees *bytes. */
rud_status rud_redistributor_save(rud_redistributor *redistributor, void **bytes, size_t *size);

/* Into a redistributor that was just created with the same options and features. Lessons are found
 * in `episodes` by their ids and copied; what is not there is left out. RUD_EFORMAT: the bytes are
 * not of such a redistributor; it must be freed then. */
rud_status rud_redistributor_restore(rud_redistributor *redistributor, const void *bytes,
                                     size_t size, const rud_episodes *episodes);

/* Views. */
rud_predictor *rud_redistributor_predictor(rud_redistributor *redistributor);
const rud_lesson_buffer *rud_redistributor_lessons(const rud_redistributor *redistributor);
const rud_quality *rud_redistributor_quality(const rud_redistributor *redistributor);

#ifdef __cplusplus
}
#endif
#endif

/* A few episodes that stand for all: what is expected of the rest of an episode is the mean over
 * how they went on. Chosen so that their inputs add up to what they do in the mean episode, which
 * makes that mean far less noisy than one over as many episodes drawn at random (in the manner of
 * Welling 2009, "Herding dynamical weights to learn", and Chen, Welling and Smola 2010). */
#ifndef RUD_REDISTRIBUTION_REFERENCE_EPISODES_PRIVATE_H
#define RUD_REDISTRIBUTION_REFERENCE_EPISODES_PRIVATE_H

#include "redistribution/checkpoint.h"
#include "redistribution/feature_statistics.h"

enum { RUD_REFERENCE_EPISODES = 8 };

/* Inputs are as they were before standardisation. */
typedef struct rud_reference_episodes {
    size_t D;
    size_t count;                          /* held */
    double seen;                           /* episodes */
    double *mean, *squares;                /* [D] of an episode's sum over the inputs behind the
                                              first (Welford) */
    double *sum;                           /* [D] scratch: of the newest */
    double *sums[RUD_REFERENCE_EPISODES];  /* [D] */
    float *x[RUD_REFERENCE_EPISODES];      /* [inputs][D] */
    size_t inputs[RUD_REFERENCE_EPISODES]; /* at least 2: shorter episodes are left out */
} rud_reference_episodes;

rud_status rud_reference_episodes_create(size_t D, rud_reference_episodes *references);
void rud_reference_episodes_free(rud_reference_episodes *references);

/* Both are of the same width. On failure `to` holds fewer episodes. */
rud_status rud_reference_episodes_copy(const rud_reference_episodes *from,
                                       rud_reference_episodes *to);

/* Sees x[inputs][D], standardised as `statistics` says, and keeps it where that brings the sums
 * nearer to the mean. */
rud_status rud_reference_episodes_add(rud_reference_episodes *references,
                                      const rud_feature_statistics *statistics, const float *x,
                                      size_t inputs);

/* Row t of episode k as the network sees it, x[D]; behind its end it begins again with the second.
 */
void rud_reference_episodes_row(const rud_reference_episodes *references,
                                const rud_feature_statistics *statistics, size_t k, size_t t,
                                float *x);

void rud_reference_episodes_checkpoint(rud_reference_episodes *references,
                                       rud_checkpoint *checkpoint);

#endif

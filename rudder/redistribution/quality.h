/* How good a return predictor is: on episodes that it was not trained on. */
#ifndef RUD_REDISTRIBUTION_QUALITY_H
#define RUD_REDISTRIBUTION_QUALITY_H

#include <stddef.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Quality of one episode: 1 - error^2 / s^2, s the standard deviation of the training returns.
 * s = 0: 1 if the error is 0, else 0. Not clipped. */
double rud_episode_quality(double error, double s);

enum { RUD_QUALITY_WINDOW = 100 };

/* Prequential quality: of the last 100 new episodes, each predicted before it was learned from, by
 * a predictor that has learned something. Errors are kept, not qualities, so that all of them are
 * measured by the same s. Zero-initialise to start. */
typedef struct rud_quality {
    double errors[RUD_QUALITY_WINDOW];
    size_t count; /* episodes seen in all */
} rud_quality;

void rud_quality_add(rud_quality *quality, double error);

/* Mean quality over the window and its standard error, by the standard deviation s of the training
 * returns; 0 and infinity with fewer than two episodes. */
double rud_quality_mean(const rud_quality *quality, double s);
double rud_quality_standard_error(const rud_quality *quality, double s);

/* Variance ratio v = mean over t of Var(G - g_{t-1}) / Var(G), g_{-1} = 0: what remains of the
 * variance of the reward-to-go. Below 1 redistribution helps Monte Carlo and policy-gradient
 * learners. At step t the episodes with more than t steps count.
 *
 * g [n][steps[i]] (a final input's prediction is not needed), returns [n].
 * NaN where Var(G) is 0 or n < 2. */
double rud_variance_ratio(const double *const *g, const size_t *steps, const double *returns,
                          size_t n);

#ifdef __cplusplus
}
#endif
#endif

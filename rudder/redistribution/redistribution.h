/* Redistributed rewards from return predictions: differences, correction, mixing.
 *
 * Source: Arjona-Medina et al. 2019, arXiv:1806.07857, section 2 and appendix. */
#ifndef RUD_REDISTRIBUTION_REDISTRIBUTION_H
#define RUD_REDISTRIBUTION_REDISTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the prediction error e = G - g_last goes, so that the redistributed rewards sum to G. */
typedef enum rud_correction {
    RUD_CORRECTION_LAST,         /* all to the last step: causal */
    RUD_CORRECTION_UNIFORM,      /* e / T to every step; not causal */
    RUD_CORRECTION_PROPORTIONAL, /* in proportion to |r'_t|, all zero: last; not causal */
    RUD_CORRECTION_NONE,         /* nowhere */
} rud_correction;

typedef enum rud_baseline {
    RUD_BASELINE_ZERO, /* g_{-1} = 0: r'_0 holds the mean return */
    RUD_BASELINE_MEAN, /* g_{-1} = mean return: the sum is G minus the mean */
} rud_baseline;

typedef struct rud_redistribution_options {
    rud_correction correction; /* last */
    rud_baseline baseline;     /* zero */
    double mix;                /* w in [0, 1]: (1 - w) r_t + w r'_t; 1 */
} rud_redistribution_options;

rud_redistribution_options rud_redistribution_options_default(void);

/* Prediction differences, before correction:
 *     difference[t] = g[t] - g[t-1],  g[-1] = 0
 * A final-observation input's share is added to difference[T-1], so that cumulative sums are
 * g_0 .. g_{T-2}, g_last.
 *
 * g [inputs]  predictions [reward units]; inputs is T or T + 1
 * difference [T]  out; no overlap with g. */
void rud_prediction_differences(const double *g, size_t inputs, size_t T, double *difference);

/* Redistributed rewards of one episode, in double throughout.
 *
 * step_relevance [T]  what each step earned, such as prediction differences [reward units]
 * prediction          g_last, what the step relevances sum to
 * rewards [T]         the original rewards; their sum is G
 * mean_return         of the training returns; used with RUD_BASELINE_MEAN
 * redistributed [T]   out; may be the same array as step_relevance
 *
 * RUD_ENONFINITE for NaN or infinity in what was given; then `redistributed` is untouched. */
rud_status rud_redistribute(const rud_redistribution_options *options, const double *step_relevance,
                            double prediction, const double *rewards, size_t T, double mean_return,
                            double *redistributed);

#ifdef __cplusplus
}
#endif
#endif

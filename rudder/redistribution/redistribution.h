/* Redistributed rewards: what each step adds to the predicted return by any method of contribution
 * analysis, then correction and mixing.
 *
 * Source: Arjona-Medina et al. 2019, arXiv:1806.07857, section 2 and appendix. */
#ifndef RUD_REDISTRIBUTION_REDISTRIBUTION_H
#define RUD_REDISTRIBUTION_REDISTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>

#include "redistribution/explainer.h"

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
    /* What a step's relevance is; difference. Of the last step's prediction, step by step: `step`
     * and `steps` stay unset. */
    rud_attribution_options attribution;
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

/* The exact redistribution of an episode of `env`: the change of E[G | history] at each step.
 *
 * exact [T]  out
 *
 * RUD_EINVAL where the environment does not know its expected return, or the episode is not as wide
 * as its spaces. */
rud_status rud_exact_redistribution(const rud_env *env, const rud_episode *episode, double *exact);

/* Redistributed rewards of one episode, in double throughout.
 *
 * step_relevance [T]  what each step earned, such as prediction differences [reward units]
 * prediction          what the step relevances sum to: g_last, where the method conserves it
 * rewards [T]         the original rewards; their sum is G
 * mean_return         of the training returns; used with RUD_BASELINE_MEAN
 * redistributed [T]   out; may be the same array as step_relevance
 *
 * RUD_ENONFINITE for NaN or infinity in what was given; then `redistributed` is untouched. */
rud_status rud_redistribute(const rud_redistribution_options *options, const double *step_relevance,
                            double prediction, const double *rewards, size_t T, double mean_return,
                            double *redistributed);

/* RUD_EINVAL for options of contribution analysis that no rewards can be made of. */
rud_status rud_redistribution_check(const rud_predictor *predictor,
                                    const rud_attribution_options *attribution);

/* Redistributed rewards of one episode from its explanation by options->attribution of `predictor`.
 * redistributed[T] out. As rud_redistribute_episodes says. */
rud_status rud_redistribute_explained(const rud_redistribution_options *options,
                                      const rud_predictor *predictor,
                                      const rud_explanation *explanation,
                                      const rud_episode *episode, double *redistributed);

/* Redistributed rewards of a batch of episodes of any lengths, by the explainer's method; each gets
 * the numbers that it has alone, bit for bit. The relevance of a step holds what was absorbed there
 * (lrp). What a method's relevance sums to is what the correction takes for redistributed: where it
 * conserves nothing, the rest of the return goes where the correction says. Of a predictor of the
 * discounted return the rewards gamma^t r_t are redistributed: what comes out adds up to that
 * return without a further discount. A predictor of success allows the method difference only.
 *
 * explainer             of a return predictor, created with options->attribution
 * redistributed[count]  out: [T] each
 * predictions [count]   out: g_last; may be NULL
 *
 * On failure the content of `redistributed` and `predictions` is undefined, and the message names
 * the episode. */
rud_status rud_redistribute_episodes(const rud_redistribution_options *options,
                                     rud_explainer *explainer, const rud_episode *const *episodes,
                                     size_t count, double *const *redistributed,
                                     double *predictions);

#ifdef __cplusplus
}
#endif
#endif

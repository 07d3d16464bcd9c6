/* How well relevance agrees with a truth, and how well it says what a prediction hangs on. Plain
 * numbers, whatever they belong to. */
#ifndef RUD_ATTRIBUTION_METRICS_H
#define RUD_ATTRIBUTION_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* a.b / (|a| |b|); NaN where either is 0 everywhere. Source: Chormai 2018. */
double rud_cosine_similarity(const double *a, const double *b, size_t n);

/* Share of the relevance inside the mask. relevance[n] >= 0: give magnitudes of signed relevance.
 * NaN where the relevance is 0 everywhere. Source: Arras et al. 2022, arXiv:2003.07258. */
double rud_mass_accuracy(const double *relevance, const bool *mask, size_t n);

/* order[n]: the places of relevance[n], that of the largest first; among equals in their order.
 * RUD_ENOMEM. */
rud_status rud_rank(const double *relevance, size_t n, size_t *order);

/* Of the K places of largest relevance, the share inside the mask, K = places of the mask; among
 * equals the first counts as larger. NaN where the mask is empty, or without memory. Same source.
 */
double rud_rank_accuracy(const double *relevance, const bool *mask, size_t n);

/* How the channels (features) of a place become one magnitude. Same source. */
typedef enum rud_pooling {
    RUD_POOL_SUM_ABS,    /* |sum R| */
    RUD_POOL_SUM_POS,    /* max(0, sum R) */
    RUD_POOL_MAX_NORM,   /* max |R| */
    RUD_POOL_L1_NORM,    /* sum |R| */
    RUD_POOL_L2_NORM,    /* sqrt(sum R^2) */
    RUD_POOL_L2_NORM_SQ, /* sum R^2 */
} rud_pooling;

/* The pooled value of relevance[0], relevance[stride], ..., `channels` of them. */
double rud_pool_channels(rud_pooling pooling, const double *relevance, size_t channels,
                         size_t stride);

/* Area over the perturbation curve: the mean of curve[0] - curve[k], k = 0 .. n-1; curve[k] is the
 * prediction after k removals. NaN for n = 0. Source: Samek et al. 2017, arXiv:1509.06321. */
double rud_aopc(const double *curve, size_t n);

#ifdef __cplusplus
}
#endif
#endif

#include "attribution/metrics.h"

#include <math.h>
#include <stdlib.h>

double rud_cosine_similarity(const double *a, const double *b, size_t n)
{
    double aa = 0, bb = 0, ab = 0;
    for (size_t k = 0; k < n; k++) {
        aa += a[k] * a[k];
        bb += b[k] * b[k];
        ab += a[k] * b[k];
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa) / sqrt(bb) : (double)NAN;
}

double rud_mass_accuracy(const double *relevance, const bool *mask, size_t n)
{
    double inside = 0, all = 0;
    for (size_t k = 0; k < n; k++) {
        all += relevance[k];
        if (mask[k]) inside += relevance[k];
    }
    return all > 0 ? inside / all : (double)NAN;
}

typedef struct ranked {
    double relevance;
    size_t place;
} ranked;

static int compare_ranked(const void *a, const void *b)
{
    const ranked *first = a, *second = b;
    if (first->relevance != second->relevance) {
        return first->relevance > second->relevance ? -1 : 1;
    }
    return first->place < second->place ? -1 : 1;
}

rud_status rud_rank(const double *relevance, size_t n, size_t *order)
{
    ranked *sorted = calloc(n + 1, sizeof *sorted);
    if (!sorted) return rud_error(RUD_ENOMEM, "no memory to rank %zu places", n);
    for (size_t k = 0; k < n; k++) sorted[k] = (ranked){relevance[k], k};
    qsort(sorted, n, sizeof *sorted, compare_ranked);
    for (size_t k = 0; k < n; k++) order[k] = sorted[k].place;
    free(sorted);
    return RUD_OK;
}

double rud_rank_accuracy(const double *relevance, const bool *mask, size_t n)
{
    size_t *order = calloc(n + 1, sizeof *order), size = 0, inside = 0;
    if (order && rud_rank(relevance, n, order) == RUD_OK) {
        for (size_t k = 0; k < n; k++) size += mask[k];
        for (size_t k = 0; k < size; k++) inside += mask[order[k]];
    }
    free(order);
    return size > 0 ? (double)inside / (double)size : (double)NAN;
}

double rud_pool_channels(rud_pooling pooling, const double *relevance, size_t channels,
                         size_t stride)
{
    double sum = 0, absolute = 0, squares = 0, largest = 0;
    for (size_t c = 0; c < channels; c++) {
        const double R = relevance[c * stride];
        sum += R;
        absolute += fabs(R);
        squares += R * R;
        largest = fmax(largest, fabs(R));
    }
    switch (pooling) {
    case RUD_POOL_SUM_ABS:
        return fabs(sum);
    case RUD_POOL_SUM_POS:
        return fmax(0, sum);
    case RUD_POOL_MAX_NORM:
        return largest;
    case RUD_POOL_L1_NORM:
        return absolute;
    case RUD_POOL_L2_NORM:
        return sqrt(squares);
    case RUD_POOL_L2_NORM_SQ:
        break;
    }
    return squares;
}

double rud_aopc(const double *curve, size_t n)
{
    double sum = 0;
    for (size_t k = 0; k < n; k++) sum += curve[0] - curve[k];
    return n > 0 ? sum / (double)n : (double)NAN;
}

#include "training/ladder_private.h"

#include <math.h>

rud_paired_difference rud_paired_losses(const rud_losses *a, const rud_losses *b, size_t n)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++) { /* Welford */
        const double value = a[i].all - b[i].all, deviation = value - mean;
        mean += deviation / (double)(i + 1);
        squares += deviation * (value - mean);
    }
    return (rud_paired_difference){mean, sqrt(squares / (double)(n - 1) / (double)n)};
}

bool rud_ladder_replaces(const rud_losses *best, const rud_losses *rung, size_t n,
                         rud_paired_difference *difference)
{
    *difference = (rud_paired_difference){NAN, NAN};
    if (!isfinite(rung[0].all)) return false;
    if (!isfinite(best[0].all)) return true;
    *difference = rud_paired_losses(best, rung, n);
    return difference->mean > 2 * difference->standard_error;
}

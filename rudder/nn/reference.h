/* The plain scalar double-precision twin of the network: the oracle that the fast kernels are
 * tested against. Slow, and meant to be read beside cell.h: one line a formula. For networks in one
 * direction; two of them make the oracle of a bidirectional one. */
#ifndef RUD_NN_REFERENCE_H
#define RUD_NN_REFERENCE_H

#include "nn/network.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One episode: x[T][D], parameters as rud_network_parameters but in double, y[T][K] out. */
rud_status rud_reference_forward(const rud_network *network, const double *parameters,
                                 const double *x, size_t T, double *y);

/* Gradients of sum over t, k of dy[t][k] * y[t][k]: gradients[parameters] and dx[T][D] out (either
 * may be NULL). */
rud_status rud_reference_backward(const rud_network *network, const double *parameters,
                                  const double *x, size_t T, const double *dy, double *gradients,
                                  double *dx);

#ifdef __cplusplus
}
#endif
#endif

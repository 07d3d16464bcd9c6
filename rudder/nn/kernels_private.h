/* The hot loops of the network, all of them, behind a few functions: matrix products (those that
 * contribution analysis uses too are in products.h), gate functions, the optimiser's pass. Private
 * to this folder. Matrices are row-major; ld is the number
 * of floats from one row to the next. The results depend on sizes and values only. */
#ifndef RUD_NN_KERNELS_PRIVATE_H
#define RUD_NN_KERNELS_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/cell.h"
#include "nn/products.h"

/* C[M][N] = A[K][M]^T B[K][N]: weight gradients, K being the long side. */
void rud_multiply_transposed(const float *A, size_t lda, const float *B, size_t ldb, size_t M,
                             size_t N, size_t K, float *C, size_t ldc);

/* y[M] += A[M][K] x[K], for a single step of a single episode. */
void rud_multiply_vector(const float *A, size_t M, size_t K, const float *x, float *y);

/* Adds row[N] to each of the M rows of C. */
void rud_add_row(const float *row, size_t M, size_t N, float *C);

/* sums[N] += the column sums of A[M][N]. */
void rud_add_column_sums(const float *A, size_t M, size_t N, double *sums);

/* How the gates of one layer stand in a row of gate values: present gates only, in gate order,
 * H floats each. */
typedef struct rud_gate_rows {
    const rud_cell *cell;
    size_t H;
    size_t present;         /* gates in a row */
    size_t slot[RUD_GATES]; /* of a present gate: its place among the present ones */
} rud_gate_rows;
rud_gate_rows rud_gate_rows_of(const rud_cell *cell, size_t H);

/* One step of B episodes. gates[B][present * H]: W x + U h in, gate values out. bias[present * H].
 * The rows of c_previous lie c_previous_ld floats apart (0: all episodes start from one row).
 * activated[B][H] gets a_h(c) where the cell has an output gate; else it is not touched, as h is
 * the same, and may be h. Nothing else overlaps. */
void rud_gates_forward(const rud_gate_rows *rows, size_t B, float *gates, const float *bias,
                       const float *c_previous, size_t c_previous_ld, float *c, float *activated,
                       float *h);

/* The same step backwards. activated: a_h(c_t) (of a cell without output gate: h_t).
 * dh[B][H]: dLoss/dh_t in, dLoss/dc_{t-1} out. The rows of dc, what step t+1 handed on, lie dc_ld
 * floats apart. d_gates[B][present * H] gets the gradients of the pre-activations. */
void rud_gates_backward(const rud_gate_rows *rows, size_t B, const float *gates,
                        const float *c_previous, size_t c_previous_ld, const float *activated,
                        const float *dc, size_t dc_ld, float *dh, float *d_gates);

/* Sum of squares, in double. */
double rud_sum_of_squares(const float *x, size_t n);

/* Adam's pass over n parameters p with gradients g and moments m, v:
 *     g *= gradient_scale;  g' = g + l2 * p;  m = keep1 m + new1 g';
 *     v = keep2 v + new2 g'^2;  p = keep * p - rate * m / (root_scale * sqrt(v) + epsilon)
 */
typedef struct rud_adam_pass {
    float gradient_scale, l2, keep, rate, keep1, new1, keep2, new2, root_scale, epsilon;
} rud_adam_pass;
void rud_adam_update(const rud_adam_pass *pass, size_t n, float *p, float *g, float *m, float *v);

#endif

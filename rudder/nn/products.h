/* Matrix products with a packed right factor, and the scope that arithmetic on networks runs in.
 * Matrices are row-major; ld is the number of floats from one row to the next. The results depend
 * on sizes and values only, and a row of a result on its own row alone. */
#ifndef RUD_NN_PRODUCTS_H
#define RUD_NN_PRODUCTS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Every function that computes opens a scope first and closes it before it returns. Inside it
 * OpenBLAS runs on the calling thread alone, and subnormal numbers are flushed to zero: gradients
 * shrink going back in time until they are subnormal, and arithmetic on those is many times slower.
 * The end restores the caller's mode. */
typedef struct rud_compute_scope {
    unsigned caller_mode;
} rud_compute_scope;
rud_compute_scope rud_compute_begin(void);
void rud_compute_end(rud_compute_scope scope);

/* A right factor B[K][N], laid out for rud_multiply. `transposed`: it is given as [N][K]. */
typedef struct rud_panels {
    size_t K, N;
    float *data; /* [rud_panels_size(K, N)]; borrowed */
} rud_panels;
size_t rud_panels_size(size_t K, size_t N);
rud_panels rud_panels_pack(const float *B, size_t ld, bool transposed, size_t K, size_t N,
                           float *data);

/* C[M][N] = A[M][K] B, or C += A B if `add`. */
void rud_multiply(const float *A, size_t lda, size_t M, const rud_panels *B, bool add, float *C,
                  size_t ldc);

#ifdef __cplusplus
}
#endif
#endif

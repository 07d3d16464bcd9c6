/* Matrix products. The right factor is packed into panels of LANES columns, K rows each, filled up
 * with zeros, so that the inner loop reads one vector after another; a tile of the result stays in
 * registers over a block of K. Packed once, the recurrent weights serve every step. Long inner
 * products (weight gradients) go to OpenBLAS. */
#include "nn/kernels_private.h"

#include <cblas.h>
#include <string.h>

#if defined(__AVX512F__)
enum { LANES = 16, TILE_ROWS = 8 };
#else
enum { LANES = 8, TILE_ROWS = 4 };
#endif
enum { DOT_LANES = 8, DOT_ROWS = 4 };
enum { TILE_VECTORS = 2, BLOCK_ROWS = 64, BLOCK_K = 256 };

/* No vector crosses a call, all being inlined: how it would be passed does not matter. */
#pragma GCC diagnostic ignored "-Wpsabi"
#define INLINE static inline __attribute__((always_inline))

typedef float dot_vector __attribute__((vector_size(DOT_LANES * sizeof(float))));
typedef float dot_sums __attribute__((vector_size(DOT_ROWS * sizeof(float))));
typedef float vector __attribute__((vector_size(LANES * sizeof(float))));

void rud_multiply_transposed(const float *A, size_t lda, const float *B, size_t ldb, size_t M,
                             size_t N, size_t K, float *C, size_t ldc)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)M, (blasint)N, (blasint)K, 1.0f,
                A, (blasint)lda, B, (blasint)ldb, 0.0f, C, (blasint)ldc);
}

size_t rud_panels_size(size_t K, size_t N)
{
    return K * ((N + LANES - 1) / LANES * LANES);
}

rud_panels rud_panels_pack(const float *B, size_t ld, bool transposed, size_t K, size_t N,
                           float *data)
{
    const size_t row_step = transposed ? 1 : ld, column_step = transposed ? ld : 1;
    float *to = data;
    for (size_t n = 0; n < N; n += LANES) {
        const size_t columns = N - n < LANES ? N - n : LANES;
        for (size_t k = 0; k < K; k++, to += LANES) {
            const float *from = B + k * row_step + n * column_step;
            for (size_t j = 0; j < columns; j++) to[j] = from[j * column_step];
            for (size_t j = columns; j < LANES; j++) to[j] = 0.0f;
        }
    }
    return (rud_panels){.K = K, .N = N, .data = data};
}

INLINE vector load(const float *from, size_t count)
{
    vector v = {0};
    memcpy(&v, from, (count < LANES ? count : LANES) * sizeof(float));
    return v;
}

INLINE void store(const vector *v, size_t count, float *to)
{
    memcpy(to, v, (count < LANES ? count : LANES) * sizeof(float));
}

/* One tile: rows x vectors of the result, over K; `columns` of them exist. The three sizes in
 * front are constants where it is called, so that the tile lives in registers. */
INLINE void tile(size_t rows, size_t vectors, bool whole, size_t columns, const float *A,
                 size_t lda, size_t K, const float *panel, size_t panel_step, bool add, float *C,
                 size_t ldc)
{
    vector sum[TILE_ROWS][TILE_VECTORS] = {{{0}}};
    for (size_t k = 0; k < K; k++) {
        vector b[TILE_VECTORS];
#pragma GCC unroll 2
        for (size_t v = 0; v < vectors; v++) b[v] = load(panel + v * panel_step + k * LANES, LANES);
#pragma GCC unroll 8
        for (size_t r = 0; r < rows; r++) {
#pragma GCC unroll 2
            for (size_t v = 0; v < vectors; v++) sum[r][v] += A[r * lda + k] * b[v];
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < rows; r++) {
#pragma GCC unroll 2
        for (size_t v = 0; v < vectors; v++) {
            float *to = C + r * ldc + v * LANES;
            const size_t count = whole ? LANES : columns - v * LANES;
            if (add) sum[r][v] += load(to, count);
            store(&sum[r][v], count, to);
        }
    }
}

/* Picks the tile of constant size for `columns` <= 2 LANES. */
INLINE void tile_rows(size_t rows, size_t columns, const float *A, size_t lda, size_t K,
                      const float *panel, size_t panel_step, bool add, float *C, size_t ldc)
{
    if (columns == 2 * LANES)
        tile(rows, 2, true, columns, A, lda, K, panel, panel_step, add, C, ldc);
    else if (columns > LANES)
        tile(rows, 2, false, columns, A, lda, K, panel, panel_step, add, C, ldc);
    else if (columns == LANES)
        tile(rows, 1, true, columns, A, lda, K, panel, panel_step, add, C, ldc);
    else
        tile(rows, 1, false, columns, A, lda, K, panel, panel_step, add, C, ldc);
}

/* C[M][columns] from one pair of panels. */
static void multiply_strip(const float *A, size_t lda, size_t M, size_t K, const float *panel,
                           size_t panel_step, size_t columns, bool add, float *C, size_t ldc)
{
    size_t m = 0;
    for (; M - m >= TILE_ROWS; m += TILE_ROWS)
        tile_rows(TILE_ROWS, columns, A + m * lda, lda, K, panel, panel_step, add, C + m * ldc,
                  ldc);
    if (TILE_ROWS > 4 && M - m >= 4) {
        tile_rows(4, columns, A + m * lda, lda, K, panel, panel_step, add, C + m * ldc, ldc);
        m += 4;
    }
    if (M - m >= 2) {
        tile_rows(2, columns, A + m * lda, lda, K, panel, panel_step, add, C + m * ldc, ldc);
        m += 2;
    }
    if (M - m >= 1)
        tile_rows(1, columns, A + m * lda, lda, K, panel, panel_step, add, C + m * ldc, ldc);
}

void rud_multiply(const float *A, size_t lda, size_t M, const rud_panels *B, bool add, float *C,
                  size_t ldc)
{
    const size_t K = B->K, N = B->N, strip = TILE_VECTORS * LANES;
    for (size_t m = 0; m < M; m += BLOCK_ROWS) {
        const size_t block_rows = M - m < BLOCK_ROWS ? M - m : BLOCK_ROWS;
        for (size_t k = 0; k < K; k += BLOCK_K) {
            const size_t block_k = K - k < BLOCK_K ? K - k : BLOCK_K;
            for (size_t n = 0; n < N; n += strip)
                multiply_strip(A + m * lda + k, lda, block_rows, block_k,
                               B->data + n * K + k * LANES, K * LANES,
                               N - n < strip ? N - n : strip, add || k > 0, C + m * ldc + n, ldc);
        }
    }
}

/* The sums of the lanes of four vectors: neighbours first, for two vectors at a time. */
INLINE dot_sums sum_lanes(const dot_vector v[DOT_ROWS])
{
    const dot_vector a = __builtin_shufflevector(v[0], v[1], 0, 8, 2, 10, 4, 12, 6, 14) +
                         __builtin_shufflevector(v[0], v[1], 1, 9, 3, 11, 5, 13, 7, 15);
    const dot_vector b = __builtin_shufflevector(v[2], v[3], 0, 8, 2, 10, 4, 12, 6, 14) +
                         __builtin_shufflevector(v[2], v[3], 1, 9, 3, 11, 5, 13, 7, 15);
    const dot_vector c = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13) +
                         __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    return __builtin_shufflevector(c, c, 0, 1, 2, 3) + __builtin_shufflevector(c, c, 4, 5, 6, 7);
}

/* y[rows] += A[rows][K] x[K]; `rows`, at most 4, is a constant where it is called. */
INLINE void dot_rows(size_t rows, const float *A, size_t K, const float *x, float *y)
{
    dot_vector sum[DOT_ROWS] = {{0}};
    const size_t whole = K / DOT_LANES * DOT_LANES;
    for (size_t k = 0; k < whole; k += DOT_LANES) {
        dot_vector a, b;
        memcpy(&b, x + k, sizeof b);
#pragma GCC unroll 4
        for (size_t r = 0; r < rows; r++) {
            memcpy(&a, A + r * K + k, sizeof a);
            sum[r] += a * b;
        }
    }
    dot_sums total = {0};
    memcpy(&total, y, rows * sizeof *y);
    total += sum_lanes(sum);
    for (size_t k = whole; k < K; k++)
        for (size_t r = 0; r < rows; r++) total[r] += A[r * K + k] * x[k];
    memcpy(y, &total, rows * sizeof *y);
}

void rud_multiply_vector(const float *A, size_t M, size_t K, const float *x, float *y)
{
    size_t m = 0;
    for (; M - m >= DOT_ROWS; m += DOT_ROWS) dot_rows(DOT_ROWS, A + m * K, K, x, y + m);
    for (; m < M; m++) dot_rows(1, A + m * K, K, x, y + m);
}

void rud_add_row(const float *row, size_t M, size_t N, float *C)
{
    for (size_t m = 0; m < M; m++, C += N)
        for (size_t n = 0; n < N; n++) C[n] += row[n];
}

void rud_add_column_sums(const float *A, size_t M, size_t N, double *sums)
{
    for (size_t m = 0; m < M; m++, A += N)
        for (size_t n = 0; n < N; n++) sums[n] += (double)A[n];
}

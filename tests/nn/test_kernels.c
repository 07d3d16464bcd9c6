/* The kernels against plain loops in double precision. */
#include "nn/kernels_private.h"

#include "tests/nn/networks.h"

/* Rows of C lie this much further apart than they must, and what is between stays as it was. */
enum { GAP = 3 };

typedef struct factors {
    size_t M, N, K;
    float *A, *B; /* [M][K], [K][N] */
} factors;

static double entry(const factors *f, size_t m, size_t n, double *magnitude)
{
    double sum = 0.0;
    *magnitude = 0.0;
    for (size_t k = 0; k < f->K; k++) {
        const double term = (double)f->A[m * f->K + k] * (double)f->B[k * f->N + n];
        sum += term;
        *magnitude += fabs(term);
    }
    return sum;
}

static void check_product(const factors *f, const float *C, const float *start, bool add)
{
    const size_t ld = f->N + GAP;
    for (size_t m = 0; m < f->M; m++) {
        for (size_t n = 0; n < f->N; n++) {
            double magnitude;
            const double before = add ? (double)start[m * ld + n] : 0.0;
            const double expected = before + entry(f, m, n, &magnitude);
            ck_assert_double_eq_tol((double)C[m * ld + n], expected,
                                    1e-6 * (magnitude + fabs(before)));
        }
        for (size_t n = f->N; n < ld; n++) ck_assert(C[m * ld + n] == start[m * ld + n]);
    }
}

static float *transposed(const float *A, size_t rows, size_t columns)
{
    float *T = calloc(rows * columns, sizeof *T);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) T[c * rows + r] = A[r * columns + c];
    return T;
}

static void check_products(size_t M, size_t N, size_t K)
{
    rud_rng rng = rud_rng_stream(M * 10000 + N * 100 + K, "test kernels", 0);
    const factors f = {M, N, K, normal_floats(&rng, M * K, 1.0), normal_floats(&rng, K * N, 1.0)};
    const size_t ld = N + GAP;
    float *C = normal_floats(&rng, M * ld, 1.0), *start = malloc(M * ld * sizeof *start);
    float *data = malloc(rud_panels_size(K, N) * sizeof *data);
    float *At = transposed(f.A, M, K), *Bt = transposed(f.B, K, N);
    for (size_t k = 0; k < M * ld; k++) start[k] = C[k];
    rud_panels B = rud_panels_pack(f.B, N, false, K, N, data);
    rud_multiply(f.A, K, M, &B, true, C, ld);
    check_product(&f, C, start, true);
    B = rud_panels_pack(Bt, K, true, K, N, data);
    rud_multiply(f.A, K, M, &B, false, C, ld);
    check_product(&f, C, start, false);
    rud_multiply_transposed(At, M, f.B, N, M, N, K, C, ld);
    check_product(&f, C, start, false);
    free(f.A), free(f.B), free(C), free(start), free(data), free(At), free(Bt);
}

START_TEST(matrix_products)
{
    static const size_t N[] = {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 70};
    const size_t M = (size_t)_i;
    for (size_t n = 0; n < sizeof N / sizeof *N; n++) {
        check_products(M, N[n], 1);
        check_products(M, N[n], 17);
    }
    check_products(M + 60, 20, 255 + M % 3);
}
END_TEST

START_TEST(product_with_a_vector)
{
    for (size_t M = 1; M <= 9; M++) {
        for (size_t K = 1; K <= 40; K++) {
            rud_rng rng = rud_rng_stream(M * 100 + K, "test kernels", 1);
            const factors f = {M, 1, K, normal_floats(&rng, M * K, 1.0),
                               normal_floats(&rng, K, 1.0)};
            float *y = normal_floats(&rng, M + 1, 1.0), before[10];
            for (size_t m = 0; m <= M; m++) before[m] = y[m];
            rud_multiply_vector(f.A, M, K, f.B, y);
            ck_assert(y[M] == before[M]);
            for (size_t m = 0; m < M; m++) {
                double magnitude;
                const double expected = (double)before[m] + entry(&f, m, 0, &magnitude);
                ck_assert_double_eq_tol((double)y[m], expected, 1e-6 * (magnitude + 1.0));
            }
            free(f.A), free(f.B), free(y);
        }
    }
}
END_TEST

START_TEST(sums_of_columns_rows_and_squares)
{
    const float A[3][2] = {{1.0f, 2.0f}, {3.0f, 4.0f}, {5.0f, 7.0f}};
    double sums[2] = {100.0, 200.0};
    rud_add_column_sums(&A[0][0], 3, 2, sums);
    ck_assert_double_eq(sums[0], 109.0);
    ck_assert_double_eq(sums[1], 213.0);
    float C[2][3] = {{1.0f, 2.0f, 3.0f}, {4.0f, 5.0f, 6.0f}};
    const float row[3] = {10.0f, 20.0f, 30.0f};
    rud_add_row(row, 2, 3, &C[0][0]);
    ck_assert(C[0][0] == 11.0f && C[0][2] == 33.0f && C[1][1] == 25.0f);
    float x[100];
    for (size_t n = 0; n < 100; n++) {
        x[n] = (float)n;
        const double N = (double)n; /* sum of k^2 for k = 0 .. n */
        ck_assert_double_eq(rud_sum_of_squares(x, n + 1), N * (N + 1) * (2 * N + 1) / 6);
    }
}
END_TEST

/* Largest relative errors of the functions over a sweep of inputs. */
typedef struct errors {
    double sigmoid, tanh;
} errors;

/* Runs n inputs through the gates of one step: sigmoid stands in the input gate, tanh in the cell
 * input. */
static void gates_of(const float *x, size_t n, float *sigmoid, float *hyperbolic)
{
    const rud_gate_rows rows = rud_gate_rows_of(rud_cell_preset("lstm"), n);
    float *gates = malloc(4 * n * sizeof *gates), *rest = calloc(8 * n, sizeof *rest);
    for (size_t k = 0; k < 4 * n; k++) gates[k] = x[k % n];
    rud_gates_forward(&rows, 1, gates, rest, rest + 4 * n, n, rest + 5 * n, rest + 6 * n,
                      rest + 7 * n);
    for (size_t k = 0; k < n; k++) {
        sigmoid[k] = gates[k];
        hyperbolic[k] = gates[2 * n + k];
        ck_assert(gates[k] == gates[n + k] && gates[k] == gates[3 * n + k]);
    }
    free(gates);
    free(rest);
}

START_TEST(gate_functions_are_accurate)
{
    enum { N = 100000 };
    float *x = malloc(N * sizeof *x), *s = malloc(N * sizeof *s), *h = malloc(N * sizeof *h);
    const double widest[] = {1e-6, 1e-3, 0.3, 1.0, 4.0, 20.0, 87.0};
    errors most = {0.0, 0.0};
    for (size_t w = 0; w < sizeof widest / sizeof *widest; w++) {
        for (size_t k = 0; k < N; k++)
            x[k] = (float)(widest[w] * (2.0 * ((double)k + 0.5) / N - 1.0));
        gates_of(x, N, s, h);
        for (size_t k = 0; k < N; k++) {
            const double sigmoid = 1.0 / (1.0 + exp(-(double)x[k])), t = tanh((double)x[k]);
            most.sigmoid = fmax(most.sigmoid, fabs((double)s[k] - sigmoid) / sigmoid);
            most.tanh = fmax(most.tanh, fabs((double)h[k] - t) / fabs(t));
        }
    }
    ck_assert_double_lt(most.sigmoid, 3e-7);
    ck_assert_double_lt(most.tanh, 3e-7);
    free(x), free(s), free(h);
}
END_TEST

START_TEST(gate_functions_at_the_edges)
{
    const float x[] = {0.0f, -0.0f, 1e4f, -1e4f, INFINITY, -INFINITY, NAN};
    float s[7], h[7];
    gates_of(x, 6, s, h);
    ck_assert(s[0] == 0.5f && s[1] == 0.5f && s[2] == 1.0f && s[4] == 1.0f);
    ck_assert(s[3] >= 0.0f && s[3] < 1e-37f && s[5] >= 0.0f && s[5] < 1e-37f);
    ck_assert(h[0] == 0.0f && h[1] == 0.0f);
    ck_assert(h[2] == 1.0f && h[3] == -1.0f && h[4] == 1.0f && h[5] == -1.0f);
}
END_TEST

/* A network that is broken must not look sound. */
START_TEST(nan_comes_through)
{
    const rud_gate_rows rows = rud_gate_rows_of(rud_cell_preset("lstm"), 1);
    for (size_t g = 0; g < RUD_GATES; g++) {
        float gates[4] = {0.5f, 0.5f, 0.5f, 0.5f}, zeros[4] = {0}, one = 1.0f, c, a, h;
        gates[g] = NAN;
        rud_gates_forward(&rows, 1, gates, zeros, &one, 1, &c, &a, &h);
        ck_assert(isnan(h));
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("nn/kernels");
    TCase *products = tcase_create("products");
    tcase_add_loop_test(products, matrix_products, 1, 20);
    tcase_add_test(products, product_with_a_vector);
    tcase_add_test(products, sums_of_columns_rows_and_squares);
    TCase *gates = tcase_create("gates");
    tcase_add_test(gates, gate_functions_are_accurate);
    tcase_add_test(gates, gate_functions_at_the_edges);
    tcase_add_test(gates, nan_comes_through);
    suite_add_tcase(suite, products);
    suite_add_tcase(suite, gates);
    return suite;
}

/* The reference's gradients against central differences of its forward pass. */
#include "nn/reference.h"

#include "tests/nn/networks.h"

enum { T = 5, D = 3, H = 4, K = 2, RANDOM_CELLS = 16, CELLS = 4 + RANDOM_CELLS };

/* One network on one episode, and the weights of its outputs in the loss. */
typedef struct problem {
    rud_network *network;
    double *parameters, x[T * D], dy[T * K];
    size_t count;
} problem;

static double loss(const problem *p)
{
    double y[T * K], sum = 0.0;
    ck_assert_ok(rud_reference_forward(p->network, p->parameters, p->x, T, y));
    for (size_t k = 0; k < T * K; k++) sum += p->dy[k] * y[k];
    return sum;
}

static void check_derivative(const problem *p, double *variable, double derivative, const char *of,
                             size_t k)
{
    const double step = 1e-5, value = *variable;
    *variable = value + step;
    const double above = loss(p);
    *variable = value - step;
    const double below = loss(p);
    *variable = value;
    const double expected = (above - below) / (2.0 * step);
    ck_assert_msg(fabs(derivative - expected) < 1e-8 * (1.0 + fabs(expected)),
                  "d loss / d %s[%zu] is %.12g, central difference %.12g", of, k, derivative,
                  expected);
}

static void check_problem(const rud_cell *cell, size_t layers, uint64_t seed)
{
    rud_rng rng = rud_rng_stream(seed, "test reference", layers);
    const rud_network_spec spec = {D, H, layers, K, *cell, false};
    problem p = {.network = random_network(&spec, &rng)};
    const float *parameters = rud_network_parameters(p.network, &p.count);
    p.parameters = to_doubles(parameters, p.count);
    for (size_t k = 0; k < T * D; k++) p.x[k] = rud_rng_normal(&rng);
    for (size_t k = 0; k < T * K; k++) p.dy[k] = rud_rng_normal(&rng);
    double *gradients = malloc(p.count * sizeof *gradients), dx[T * D], dx_alone[T * D];
    ck_assert_ok(rud_reference_backward(p.network, p.parameters, p.x, T, p.dy, gradients, dx));
    ck_assert_ok(rud_reference_backward(p.network, p.parameters, p.x, T, p.dy, NULL, dx_alone));
    ck_assert_mem_eq(dx, dx_alone, sizeof dx);
    for (size_t k = 0; k < p.count; k++)
        check_derivative(&p, &p.parameters[k], gradients[k], "parameter", k);
    for (size_t k = 0; k < T * D; k++) check_derivative(&p, &p.x[k], dx[k], "x", k);
    free(gradients);
    free(p.parameters);
    rud_network_free(&p.network);
}

START_TEST(gradients_are_central_differences)
{
    const rud_cell cell = cell_number((size_t)_i);
    check_problem(&cell, 1, (uint64_t)_i);
    check_problem(&cell, 2, (uint64_t)_i);
}
END_TEST

/* rudder, one unit, weights 1, worked by hand: z_0 = tanh(1), i_0 = sigmoid(-3), c = i z, h = c. */
START_TEST(one_unit_by_hand)
{
    const rud_network_spec spec = {1, 1, 1, 1, *rud_cell_preset("rudder"), false};
    rud_network *network;
    ck_assert_ok(rud_network_create(&spec, &network));
    double parameters[6], y[2]; /* W_z, U_i, b_i, b_z, V, b_y */
    const double values[6] = {1.0, 1.0, -3.0, 0.5, 2.0, 0.25}, x[2] = {0.5, -1.0};
    size_t count;
    rud_network_parameters(network, &count);
    ck_assert_uint_eq(count, 6);
    for (size_t k = 0; k < 6; k++) parameters[k] = values[k];
    ck_assert_ok(rud_reference_forward(network, parameters, x, 2, y));
    const double h0 = tanh(1.0) / (1.0 + exp(3.0));
    const double h1 = h0 + tanh(-0.5) / (1.0 + exp(3.0 - h0));
    ck_assert_double_eq_tol(y[0], 2.0 * h0 + 0.25, 1e-15);
    ck_assert_double_eq_tol(y[1], 2.0 * h1 + 0.25, 1e-15);
    rud_network_free(&network);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("nn/reference");
    TCase *tcase = tcase_create("reference");
    tcase_add_loop_test(tcase, gradients_are_central_differences, 0, CELLS);
    tcase_add_test(tcase, one_unit_by_hand);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* Passes that go on from a given state, against the pass over the whole episode. */
#include <string.h>

#include "nn/network.h"
#include "tests/nn/networks.h"

enum { D = 3, H = 9, L = 2, K = 2, B = 5, T = 12, CUT = 7, PRESETS = 5, CELLS = PRESETS + 4 };

typedef struct problem {
    rud_network *network;
    rud_activations *whole, *part;
    float *x, *dy, h[L * B * H], c[L * B * H];
    size_t count;
} problem;

/* The state after CUT steps of the whole pass. */
static problem create_problem(size_t cell)
{
    rud_rng rng = rud_rng_stream(cell, "test initial state", 0);
    const rud_network_spec spec = {D, H, L, K, cell_number(cell), false};
    problem p = {.network = random_network(&spec, &rng)};
    rud_network_parameters(p.network, &p.count);
    p.x = normal_floats(&rng, T * B * D, 1.0);
    p.dy = normal_floats(&rng, T * B * K, 1.0);
    ck_assert_ok(rud_activations_create(&p.whole));
    ck_assert_ok(rud_activations_create(&p.part));
    ck_assert_ok(rud_network_forward(p.network, p.x, NULL, T, B, p.whole));
    for (size_t l = 0; l < L; l++) {
        const rud_layer_view layer = rud_activations_layer(p.whole, l);
        memcpy(p.h + l * B * H, layer.h + (CUT - 1) * B * H, B * H * sizeof(float));
        memcpy(p.c + l * B * H, layer.c + (CUT - 1) * B * H, B * H * sizeof(float));
    }
    return p;
}

static void free_problem(problem *p)
{
    rud_network_free(&p->network);
    rud_activations_free(&p->whole);
    rud_activations_free(&p->part);
    free(p->x);
    free(p->dy);
}

START_TEST(outputs_are_those_of_the_whole_episode)
{
    problem p = create_problem((size_t)_i);
    const rud_initial_state initial = {p.h, p.c};
    ck_assert_ok(
        rud_network_forward_from(p.network, p.x + CUT * B * D, &initial, T - CUT, B, p.part));
    double *whole = to_doubles(rud_activations_outputs(p.whole) + CUT * B * K, (T - CUT) * B * K);
    ck_assert_double_le(
        relative_difference(rud_activations_outputs(p.part), whole, (T - CUT) * B * K), 1e-6);
    free(whole);
    free_problem(&p);
}
END_TEST

static double loss_of(const problem *p, const rud_initial_state *initial)
{
    double loss = 0;
    ck_assert_ok(rud_network_forward_from(p->network, p->x, initial, T, B, p->part));
    const float *y = rud_activations_outputs(p->part);
    for (size_t k = 0; k < T * B * K; k++) loss += (double)p->dy[k] * y[k];
    return loss;
}

/* Gradients by the parameters against central differences: the state before the first step is not
 * zero, so the recurrent weights get a share from there. */
START_TEST(gradients_agree_with_finite_differences)
{
    problem p = create_problem((size_t)_i);
    const rud_initial_state initial = {p.h, p.c};
    float *gradients = calloc(p.count, sizeof *gradients);
    float *parameters = rud_network_parameters(p.network, &p.count);
    (void)loss_of(&p, &initial);
    ck_assert_ok(rud_network_backward(p.network, p.part, p.dy, gradients, NULL));
    double difference = 0, size = 0;
    rud_rng rng = rud_rng_stream((uint64_t)_i, "test directions", 0);
    for (size_t k = 0; k < 40; k++) {
        const size_t at = (size_t)rud_rng_below(&rng, p.count);
        const float before = parameters[at], step = 4e-3f;
        parameters[at] = before + step;
        const double above = loss_of(&p, &initial);
        parameters[at] = before - step;
        const double slope = (above - loss_of(&p, &initial)) / (2.0 * (double)step);
        parameters[at] = before;
        difference += (slope - gradients[at]) * (slope - gradients[at]);
        size += slope * slope;
    }
    ck_assert_double_gt(size, 0);
    ck_assert_double_le(sqrt(difference / size), 1e-2);
    free(gradients);
    free_problem(&p);
}
END_TEST

/* A pass from zeros is the ordinary one, bit for bit, and leaves no trace in the next. */
START_TEST(zeros_are_the_ordinary_start)
{
    problem p = create_problem(0);
    static const float zeros[L * B * H];
    const rud_initial_state initial = {zeros, zeros}, given = {p.h, p.c};
    const size_t size = T * B * K * sizeof(float);
    ck_assert_ok(rud_network_forward_from(p.network, p.x, &initial, T, B, p.part));
    ck_assert_int_eq(
        memcmp(rud_activations_outputs(p.part), rud_activations_outputs(p.whole), size), 0);
    ck_assert_ok(rud_network_forward_from(p.network, p.x, &given, T, B, p.part));
    ck_assert_int_ne(
        memcmp(rud_activations_outputs(p.part), rud_activations_outputs(p.whole), size), 0);
    ck_assert_ok(rud_network_forward(p.network, p.x, NULL, T, B, p.part));
    ck_assert_int_eq(
        memcmp(rud_activations_outputs(p.part), rud_activations_outputs(p.whole), size), 0);
    free_problem(&p);
}
END_TEST

START_TEST(refused_where_it_makes_no_sense)
{
    problem p = create_problem(0);
    const rud_initial_state initial = {p.h, p.c};
    const bool keep[RUD_GATES] = {true};
    rud_activations_keep(p.part, keep, 0);
    ck_assert_int_eq(rud_network_forward_from(p.network, p.x, &initial, T, B, p.part), RUD_EINVAL);
    rud_network *both;
    const rud_network_spec spec = {D, H, L, K, cell_number(0), true};
    ck_assert_ok(rud_network_create(&spec, &both));
    ck_assert_int_eq(rud_network_forward_from(both, p.x, &initial, T, B, p.whole), RUD_EINVAL);
    rud_network_free(&both);
    free_problem(&p);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("nn/initial_state");
    TCase *passes = tcase_create("passes");
    tcase_add_loop_test(passes, outputs_are_those_of_the_whole_episode, 0, CELLS);
    tcase_add_loop_test(passes, gradients_agree_with_finite_differences, 0, PRESETS);
    tcase_add_test(passes, zeros_are_the_ordinary_start);
    tcase_add_test(passes, refused_where_it_makes_no_sense);
    suite_add_tcase(suite, passes);
    return suite;
}

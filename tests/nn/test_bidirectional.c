/* Networks in both directions, against an oracle put together from networks in one direction: a
 * half is a layer of its own whose head is the identity, run by the double-precision twin. */
#include <string.h>

#include "nn/reference.h"
#include "tests/nn/networks.h"

enum { D = 3, H = 5, K = 2, CELLS = 8 };

/* One half of one layer as a network of its own, y = h. */
static rud_network *half_alone(const rud_network *network, size_t layer, rud_direction direction)
{
    const rud_network_spec *whole = rud_network_specification(network);
    const rud_network_spec spec = {rud_layer_inputs(whole, layer), H, 1, H, whole->cell, false};
    rud_network *alone;
    size_t count;
    ck_assert_ok(rud_network_create(&spec, &alone));
    float *to = rud_network_parameters(alone, &count);
    const float *from = rud_network_parameters_const(network, &count);
    for (size_t g = 0; g < RUD_GATES; g++) {
        const rud_gate_parameters a = rud_network_half_gate(network, layer, direction, (rud_gate)g);
        const rud_gate_parameters b = rud_network_gate(alone, 0, (rud_gate)g);
        if (a.forward != RUD_NOT_THERE)
            memcpy(to + b.forward, from + a.forward, H * spec.inputs * sizeof *to);
        if (a.recurrent != RUD_NOT_THERE)
            memcpy(to + b.recurrent, from + a.recurrent, H * H * sizeof *to);
        if (a.bias != RUD_NOT_THERE) memcpy(to + b.bias, from + a.bias, H * sizeof *to);
    }
    for (size_t j = 0; j < H; j++) to[rud_network_head_weight(alone) + j * H + j] = 1.0f;
    return alone;
}

/* Rows the other way round. */
static double *reversed(const double *rows, size_t T, size_t width)
{
    double *other = calloc(T * width, sizeof *other);
    for (size_t t = 0; t < T; t++)
        memcpy(other + t * width, rows + (T - 1 - t) * width, width * sizeof *other);
    return other;
}

/* h[T][H] of a half, in the order in which it reads. dh: NULL, or dLoss/dh, and then dx [T][inputs]
 * in the episode's order is added to. */
static double *run_half(const rud_network *network, size_t layer, rud_direction direction,
                        const double *x, size_t T, const double *dh, double *dx)
{
    rud_network *alone = half_alone(network, layer, direction);
    const size_t inputs = rud_network_specification(alone)->inputs;
    size_t count;
    const float *single = rud_network_parameters_const(alone, &count);
    double *parameters = to_doubles(single, count), *h = calloc(T * H, sizeof *h);
    double *read = direction == RUD_REVERSE ? reversed(x, T, inputs) : NULL;
    ck_assert_ok(rud_reference_forward(alone, parameters, read ? read : x, T, h));
    if (dh) {
        double *d_read = calloc(T * inputs, sizeof *d_read);
        ck_assert_ok(
            rud_reference_backward(alone, parameters, read ? read : x, T, dh, NULL, d_read));
        for (size_t t = 0; t < T; t++)
            for (size_t k = 0; k < inputs; k++)
                dx[t * inputs + k] += d_read[(read ? T - 1 - t : t) * inputs + k];
        free(d_read);
    }
    free(parameters), free(read);
    rud_network_free(&alone);
    return h;
}

/* y[K] of an episode by a network of one or two layers, and dx of sum of dy[k] y[k]. */
static void oracle(const rud_network *network, const double *x, size_t T, const double *dy,
                   double *y, double *dx)
{
    const size_t L = rud_network_specification(network)->layers;
    size_t count;
    const float *p = rud_network_parameters_const(network, &count);
    const float *V = p + rud_network_head_weight(network), *b = p + rud_network_head_bias(network);
    double *inputs[3] = {calloc(T * D, sizeof(double))}, *h[2][2];
    memcpy(inputs[0], x, T * D * sizeof(double));
    for (size_t l = 0; l < L; l++) {
        inputs[l + 1] = calloc(T * 2 * H, sizeof(double));
        for (size_t d = 0; d < 2; d++) {
            h[l][d] = run_half(network, l, (rud_direction)d, inputs[l], T, NULL, NULL);
            for (size_t t = 0; t < T; t++)
                memcpy(inputs[l + 1] + t * 2 * H + d * H, h[l][d] + (d ? T - 1 - t : t) * H,
                       H * sizeof(double));
        }
    }
    double *dh[2] = {calloc(T * H, sizeof(double)), calloc(T * H, sizeof(double))};
    for (size_t k = 0; k < K; k++) {
        y[k] = (double)b[k];
        for (size_t j = 0; j < 2 * H; j++) {
            y[k] += (double)V[k * 2 * H + j] * h[L - 1][j / H][(T - 1) * H + j % H];
            dh[j / H][(T - 1) * H + j % H] += dy[k] * (double)V[k * 2 * H + j];
        }
    }
    for (size_t l = L; l-- > 0;) {
        const size_t width = l > 0 ? 2 * H : D;
        double *d_inputs = calloc(T * width, sizeof(double));
        for (size_t d = 0; d < 2; d++)
            free(run_half(network, l, (rud_direction)d, inputs[l], T, dh[d], d_inputs));
        for (size_t t = 0; t < T && l > 0; t++)
            for (size_t j = 0; j < 2 * H; j++)
                dh[j / H][(j < H ? t : T - 1 - t) * H + j % H] = d_inputs[t * width + j];
        if (l == 0) memcpy(dx, d_inputs, T * D * sizeof *dx);
        free(d_inputs);
    }
    for (size_t l = 0; l < L; l++) free(h[l][0]), free(h[l][1]), free(inputs[l]);
    free(inputs[L]), free(dh[0]), free(dh[1]);
}

typedef struct problem {
    rud_network *network;
    rud_activations *activations;
    size_t T, B, lengths[4], count;
    float *x, *dy, *dx, *gradients;
} problem;

static problem create_problem(size_t cell, size_t layers)
{
    const rud_network_spec spec = {D, H, layers, K, cell_number(cell), true};
    rud_rng rng = rud_rng_stream(cell, "test bidirectional", layers);
    problem p = {.T = 7, .B = 4, .lengths = {3, 7, 1, 5}};
    p.network = random_network(&spec, &rng);
    rud_network_parameters(p.network, &p.count);
    ck_assert_ok(rud_activations_create(&p.activations));
    p.x = normal_floats(&rng, p.T * p.B * D, 1.0);
    p.dy = normal_floats(&rng, p.T * p.B * K, 1.0);
    p.dx = normal_floats(&rng, p.T * p.B * D, 1.0);
    p.gradients = normal_floats(&rng, p.count, 1.0);
    return p;
}

static void free_problem(problem *p)
{
    rud_network_free(&p->network);
    rud_activations_free(&p->activations);
    free(p->x), free(p->dy), free(p->dx), free(p->gradients);
}

static void run(problem *p)
{
    ck_assert_ok(rud_network_forward(p->network, p->x, p->lengths, p->T, p->B, p->activations));
    ck_assert_ok(rud_network_backward(p->network, p->activations, p->dy, p->gradients, p->dx));
}

static void check_episode(const problem *p, size_t b)
{
    const size_t T = p->lengths[b], last = (T - 1) * p->B + b;
    double *x = calloc(T * D, sizeof *x), *dx = calloc(T * D, sizeof *dx), dy[K], y[K];
    float *got = calloc(p->T * D, sizeof *got);
    for (size_t t = 0; t < p->T; t++)
        for (size_t d = 0; d < D; d++) {
            if (t < T) x[t * D + d] = (double)p->x[(t * p->B + b) * D + d];
            got[t * D + d] = p->dx[(t * p->B + b) * D + d];
        }
    for (size_t k = 0; k < K; k++) dy[k] = (double)p->dy[last * K + k];
    oracle(p->network, x, T, dy, y, dx);
    const float *outputs = rud_activations_outputs(p->activations);
    ck_assert_double_lt(relative_difference(outputs + last * K, y, K), 2e-6);
    ck_assert_double_lt(relative_difference(got, dx, T * D), 1e-5);
    for (size_t k = T * D; k < p->T * D; k++) ck_assert(got[k] == 0.0f);
    for (size_t t = 0; t < p->T; t++)
        for (size_t k = 0; k < K; k++)
            ck_assert(t == T - 1 || outputs[(t * p->B + b) * K + k] == 0.0f);
    free(x), free(dx), free(got);
}

START_TEST(both_directions_agree_with_two_networks_in_one)
{
    problem p = create_problem((size_t)_i / 2, 1 + (size_t)_i % 2);
    run(&p);
    for (size_t b = 0; b < p.B; b++) check_episode(&p, b);
    free_problem(&p);
}
END_TEST

/* dLoss/dparameter by central differences of the outputs at the last steps. */
START_TEST(parameter_gradients_are_slopes)
{
    problem p = create_problem((size_t)_i, 2);
    run(&p);
    float *parameters = rud_network_parameters(p.network, &p.count);
    for (size_t k = 0; k < p.count; k += 7) {
        const float at = parameters[k], step = 0.01f;
        double loss[2] = {0.0, 0.0};
        for (size_t side = 0; side < 2; side++) {
            parameters[k] = side ? at + step : at - step;
            ck_assert_ok(rud_network_forward(p.network, p.x, p.lengths, p.T, p.B, p.activations));
            const float *y = rud_activations_outputs(p.activations);
            for (size_t row = 0; row < p.T * p.B * K; row++)
                loss[side] += (double)y[row] * (double)p.dy[row];
        }
        parameters[k] = at;
        const double slope = (loss[1] - loss[0]) / (2.0 * (double)step);
        ck_assert_double_eq_tol((double)p.gradients[k], slope, 2e-3 * (1.0 + fabs(slope)));
    }
    free_problem(&p);
}
END_TEST

START_TEST(lengths_are_checked_and_steps_refused)
{
    problem p = create_problem(0, 1);
    rud_network_state *state;
    p.lengths[2] = 0;
    ck_assert_int_eq(rud_network_forward(p.network, p.x, p.lengths, p.T, p.B, p.activations),
                     RUD_EINVAL);
    p.lengths[2] = p.T + 1;
    ck_assert_int_eq(rud_network_forward(p.network, p.x, p.lengths, p.T, p.B, p.activations),
                     RUD_EINVAL);
    ck_assert_int_eq(rud_network_state_create(p.network, &state), RUD_EINVAL);
    ck_assert_ptr_null(state);
    free_problem(&p);
}
END_TEST

/* Pre-activations that are kept make the gates, and cells close to zero are not far from what they
 * were. */
START_TEST(kept_pre_activations_make_the_gates)
{
    const bool keep[RUD_GATES] = {true, false, true, true};
    problem p = create_problem(0, 1);
    run(&p);
    double *y = to_doubles(rud_activations_outputs(p.activations), p.T * p.B * K);
    rud_activations_keep(p.activations, keep, 0.002f);
    ck_assert_ok(rud_network_forward(p.network, p.x, p.lengths, p.T, p.B, p.activations));
    ck_assert_double_lt(
        relative_difference(rud_activations_outputs(p.activations), y, p.T * p.B * K), 1e-6);
    for (size_t d = 0; d < RUD_DIRECTIONS; d++) {
        const rud_layer_view view = rud_activations_half(p.activations, 0, (rud_direction)d);
        ck_assert_ptr_null(view.pre_activation[RUD_GATE_FORGET]);
        for (size_t g = 0; g < RUD_GATES; g++) {
            for (size_t row = 0; keep[g] && row < p.T * p.B; row++) {
                for (size_t j = 0; j < H; j++) {
                    const double pre =
                        (double)view.pre_activation[g][row * view.pre_activation_stride + j];
                    const double value =
                        g == RUD_GATE_CELL_INPUT ? tanh(pre) : 1.0 / (1.0 + exp(-pre));
                    ck_assert_double_eq_tol((double)view.gate[g][row * view.gate_stride + j], value,
                                            1e-6);
                }
            }
        }
    }
    free(y);
    free_problem(&p);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("nn/bidirectional");
    TCase *tc = tcase_create("bidirectional");
    tcase_add_loop_test(tc, both_directions_agree_with_two_networks_in_one, 0, 2 * CELLS);
    tcase_add_loop_test(tc, parameter_gradients_are_slopes, 0, 3);
    tcase_add_test(tc, lengths_are_checked_and_steps_refused);
    tcase_add_test(tc, kept_pre_activations_make_the_gates);
    suite_add_tcase(suite, tc);
    return suite;
}

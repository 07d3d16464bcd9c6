/* Layer-wise relevance propagation: conservation, and what it says of the paper's network. */
#include "tests/attribution/problems.h"

enum { CELLS = 12 }; /* the presets and random ones */

static const char *const rules[] = {"all", "half", "prop", "abs"};

/* `absorbed` is summed where it arises, never computed as a difference. */
static void check_conservation(problem *p)
{
    static const double epsilons[] = {0.0, 0.001, 0.1}, factors[] = {0.0, 0.3, 1.0};
    set_option(p, "method", "lrp");
    for (size_t k = 0; k < 4 * 3 * 3; k++) {
        set_option(p, "rule", rules[k % 4]);
        p->options.epsilon = epsilons[k / 4 % 3];
        p->options.bias_factor = factors[k / 12];
        explain(p);
        for (size_t b = 0; b < p->input.B; b++) {
            const double error = fabs(p->result.conservation_error[b]);
            ck_assert_msg(error <= 1e-4 * p->result.largest[b],
                          "rule %s, epsilon %g, bias factor %g: %g is missing of %g", rules[k % 4],
                          p->options.epsilon, p->options.bias_factor, error, p->result.largest[b]);
        }
    }
}

START_TEST(relevance_is_conserved)
{
    problem p = create_problem((size_t)_i, 1, false, (uint64_t)_i);
    check_conservation(&p);
    free_problem(&p);
}
END_TEST

START_TEST(relevance_is_conserved_in_a_stack)
{
    problem p = create_problem((size_t)_i, 2, false, (uint64_t)_i);
    check_conservation(&p);
    free_problem(&p);
}
END_TEST

START_TEST(relevance_is_conserved_in_both_directions)
{
    problem p = create_problem((size_t)_i, 1 + (size_t)_i % 2, true, (uint64_t)_i);
    check_conservation(&p);
    free_problem(&p);
}
END_TEST

/* With bias factor 1 a linear layer keeps nothing, so products alone absorb; without a product
 * stabiliser nothing does but what has no inputs: b_y's share is spread over h. */
START_TEST(bias_factor_one_absorbs_nothing)
{
    problem p = create_problem(0, 2, false, 3);
    set_option(&p, "method", "lrp");
    set_option(&p, "bias-factor", "1");
    p.input.offset = 0.0;
    for (size_t k = 0; k < 4; k++) {
        set_option(&p, "rule", rules[k]);
        set_option(&p, "product-epsilon", "0");
        explain(&p);
        for (size_t row = 0; row < p.input.T * p.input.B; row++)
            ck_assert_double_le(fabs(p.result.absorbed[row]),
                                1e-6 * p.result.largest[row % p.input.B]);
    }
    free_problem(&p);
}
END_TEST

/* y_t = b_y + sum over k <= t of V (i_k z_k), so V (i_t z_t) arrives at z_t: R_t + absorbed[t], and
 * that is the prediction difference, for t >= 1. */
START_TEST(the_papers_network_gets_its_prediction_differences)
{
    problem p = create_problem(2, 1, false, 4);
    ck_assert_str_eq(rud_network_specification(p.network)->cell.name, "rudder");
    const size_t B = p.input.B, count = p.input.T * B;
    set_option(&p, "method", "difference");
    explain(&p);
    double *difference = calloc(count, sizeof *difference);
    memcpy(difference, p.result.step_relevance, count * sizeof *difference);
    set_option(&p, "method", "lrp");
    set_option(&p, "epsilon", "0");
    explain(&p);
    for (size_t row = 0; row < count; row++) {
        const double R = p.result.step_relevance[row] + p.result.absorbed[row];
        ck_assert_double_eq_tol(R, difference[row], 2e-5 * p.result.largest[row % B]);
    }
    free(difference);
    free_problem(&p);
}
END_TEST

START_TEST(given_activations_say_the_same)
{
    problem p = create_problem(0, 2, false, 5);
    rud_activations *activations;
    const size_t D = rud_network_specification(p.network)->inputs;
    const size_t count = p.input.T * p.input.B * D;
    ck_assert_ok(rud_activations_create(&activations));
    set_option(&p, "method", "lrp");
    set_option(&p, "rule", "half");
    explain(&p);
    float *expected = calloc(count, sizeof *expected);
    memcpy(expected, p.result.relevance, count * sizeof *expected);
    rud_attribution_keep(&p.options, activations);
    ck_assert_ok(rud_network_forward(p.network, p.x, p.lengths, p.input.T, p.input.B, activations));
    p.input.activations = activations;
    explain(&p);
    ck_assert_mem_eq(p.result.relevance, expected, count * sizeof *expected);
    /* Kept for the rule all: not enough for half. */
    set_option(&p, "rule", "all");
    rud_attribution_keep(&p.options, activations);
    ck_assert_ok(rud_network_forward(p.network, p.x, p.lengths, p.input.T, p.input.B, activations));
    explain(&p);
    set_option(&p, "rule", "half");
    ck_assert_int_eq(rud_attribution_run(p.attribution, &p.options, &p.input, &p.result),
                     RUD_ESTATE);
    p.input.scale = 1.0;
    p.input.x = p.mean; /* other episodes */
    ck_assert_int_eq(rud_attribution_run(p.attribution, &p.options, &p.input, &p.result),
                     RUD_ESTATE);
    rud_activations_free(&activations);
    free(expected);
    free_problem(&p);
}
END_TEST

/* Without a stabiliser every denominator is right to the last digits, however little of it is left
 * of single precision: the pre-activations of what was stored are those of double precision. */
START_TEST(without_stabiliser_pre_activations_are_exact)
{
    problem p = create_problem(0, 1, false, 7);
    const rud_network_spec *spec = rud_network_specification(p.network);
    const size_t D = spec->inputs, H = spec->hidden, B = p.input.B;
    rud_activations *activations;
    size_t count;
    const float *parameters = rud_network_parameters_const(p.network, &count);
    ck_assert_ok(rud_activations_create(&activations));
    set_option(&p, "method", "lrp");
    set_option(&p, "rule", "half");
    set_option(&p, "epsilon", "0");
    rud_attribution_keep(&p.options, activations);
    ck_assert_ok(rud_network_forward(p.network, p.x, p.lengths, p.input.T, B, activations));
    const rud_layer_view view = rud_activations_layer(activations, 0);
    for (size_t k = 0; k < p.lengths[1] * RUD_GATES * H; k++) {
        const size_t t = k / H / RUD_GATES, g = k / H % RUD_GATES, j = k % H, row = t * B + 1;
        const rud_gate_parameters at = rud_network_gate(p.network, 0, (rud_gate)g);
        double sum = (double)parameters[at.bias + j];
        for (size_t d = 0; d < D; d++)
            sum += (double)parameters[at.forward + j * D + d] * (double)p.x[row * D + d];
        for (size_t i = 0; t > 0 && i < H; i++)
            sum += (double)parameters[at.recurrent + j * H + i] * (double)view.h[(row - B) * H + i];
        const double pre = (double)view.pre_activation[g][row * view.pre_activation_stride + j];
        ck_assert_msg(fabs(pre - sum) <= 1e-7 * fabs(sum) + 1e-14,
                      "gate %zu, step %zu, unit %zu: %.9g, not %.9g", g, t, j, pre, sum);
    }
    rud_activations_free(&activations);
    free_problem(&p);
}
END_TEST

/* h = o * c with o = sigma(0) = 0.5 and c = signal. */
static rud_network *create_product(void)
{
    const rud_cell cell = {
        .name = "opposed",
        .gates = {[RUD_GATE_CELL_INPUT] = {.forward = true}, [RUD_GATE_OUTPUT] = {.bias = true}},
        .cell_input = RUD_IDENTITY,
        .hidden = RUD_IDENTITY};
    const rud_network_spec spec = {1, 1, 1, 1, cell, false};
    rud_network *network;
    size_t count;
    ck_assert_ok(rud_network_create(&spec, &network));
    float *parameters = rud_network_parameters(network, &count);
    parameters[rud_network_gate(network, 0, RUD_GATE_CELL_INPUT).forward] = 1.0f;
    parameters[rud_network_head_weight(network)] = 1.0f;
    return network;
}

/* Gate and signal that cancel exactly: 0.5 and -0.5. */
START_TEST(near_zero_denominators_are_counted)
{
    const float x = -0.5f;
    rud_network *network = create_product();
    rud_attribution *attribution;
    rud_attribution_options options;
    rud_attribution_result result;
    ck_assert_ok(rud_attribution_create(&attribution));
    const rud_attribution_input input = {.network = network, .x = &x, .T = 1, .B = 1, .scale = 1.0};
    set_options(&options, "method", "lrp", "rule", "prop", "product-epsilon", "0", NULL);
    ck_assert_ok(rud_attribution_run(attribution, &options, &input, &result));
    ck_assert_uint_eq(result.near_zero_denominators, 1);
    ck_assert_double_eq_tol(result.conservation_error[0], 0.0, 1e-7);
    ck_assert(result.relevance[0] == 0.0f); /* nothing to share it by: the step keeps all */
    set_options(&options, "method", "lrp", "rule", "prop", NULL);
    ck_assert_ok(rud_attribution_run(attribution, &options, &input, &result));
    ck_assert_uint_eq(result.near_zero_denominators, 0);
    rud_network_free(&network);
    rud_attribution_free(&attribution);
}
END_TEST

/* Gate 0.5 and signal -0.49 share R in the proportion 50 : -49. */
START_TEST(growth_is_told_and_what_ends_it)
{
    const float x = -0.49f;
    rud_network *network = create_product();
    rud_attribution *attribution;
    rud_attribution_options options;
    rud_attribution_result result;
    ck_assert_ok(rud_attribution_create(&attribution));
    const rud_attribution_input input = {.network = network, .x = &x, .T = 1, .B = 1, .scale = 3.0};
    set_options(&options, "method", "lrp", "rule", "prop", "product-epsilon", "0", "epsilon", "0",
                NULL);
    ck_assert_ok(rud_attribution_run(attribution, &options, &input, &result));
    ck_assert_double_eq_tol(result.growth[0], 50.0, 1e-4);
    ck_assert_ptr_nonnull(strstr(rud_lrp_growth_advice(&options), "product-epsilon of 2"));
    ck_assert_ok(rud_attribution_set(&options, "product-epsilon", "2"));
    ck_assert_ok(rud_attribution_run(attribution, &options, &input, &result));
    ck_assert(result.growth[0] == 1.0);
    ck_assert_ptr_null(strstr(rud_lrp_growth_advice(&options), "product-epsilon"));
    set_options(&options, "method", "gradient", NULL);
    ck_assert_ok(rud_attribution_run(attribution, &options, &input, &result));
    ck_assert_ptr_null(result.growth);
    rud_network_free(&network);
    rud_attribution_free(&attribution);
}
END_TEST

/* Relevance that overflows is refused; without a denominator near zero none is blamed. */
START_TEST(non_finite_relevance_is_refused)
{
    problem p = create_problem(0, 1, false, 6);
    size_t count;
    float *parameters = rud_network_parameters(p.network, &count);
    set_option(&p, "method", "lrp");
    parameters[rud_network_head_weight(p.network)] = 3e38f;
    p.options.output = 0;
    p.input.scale = 1e30;
    ck_assert_int_eq(rud_attribution_run(p.attribution, &p.options, &p.input, &p.result),
                     RUD_ENONFINITE);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "it grew from step to step"));
    free_problem(&p);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("attribution/lrp");
    TCase *tc = tcase_create("lrp");
    tcase_add_loop_test(tc, relevance_is_conserved, 0, CELLS);
    tcase_add_loop_test(tc, relevance_is_conserved_in_a_stack, 0, CELLS);
    tcase_add_loop_test(tc, relevance_is_conserved_in_both_directions, 0, CELLS);
    tcase_add_test(tc, bias_factor_one_absorbs_nothing);
    tcase_add_test(tc, the_papers_network_gets_its_prediction_differences);
    tcase_add_test(tc, given_activations_say_the_same);
    tcase_add_test(tc, without_stabiliser_pre_activations_are_exact);
    tcase_add_test(tc, near_zero_denominators_are_counted);
    tcase_add_test(tc, growth_is_told_and_what_ends_it);
    tcase_add_test(tc, non_finite_relevance_is_refused);
    suite_add_tcase(suite, tc);
    return suite;
}

/* Adam against numbers worked by hand. */
#include "nn/adam.h"

#include <math.h>
#include <string.h>

#include "tests/nn/networks.h"

static rud_adam *create(rud_adam_options options, size_t count)
{
    rud_adam *adam;
    ck_assert_ok(rud_adam_create(&options, count, &adam));
    return adam;
}

static rud_adam_options with_rate(double learning_rate)
{
    rud_adam_options options = rud_adam_options_default();
    options.learning_rate = learning_rate;
    return options;
}

START_TEST(defaults_are_as_documented)
{
    const rud_adam_options o = rud_adam_options_default();
    ck_assert(o.learning_rate == 1e-3 && o.beta1 == 0.9 && o.beta2 == 0.999 && o.epsilon == 1e-8);
    ck_assert(o.weight_decay == 0.0 && o.clip_norm == 0.0);
    ck_assert_int_eq(o.weight_decay_kind, RUD_WEIGHT_DECAY_L2);
}
END_TEST

/* Step 1 moves by the learning rate. Step 2 with g = -0.25: m = 0.9 * 0.05 - 0.1 * 0.25 = 0.02,
 * v = 0.999 * 0.00025 + 0.001 * 0.0625 = 0.00031225; m / 0.19 = 0.10526316,
 * sqrt(v / 0.001999) = 0.39522528; the quotient is 0.26633711. */
START_TEST(two_steps_by_hand)
{
    rud_adam *adam = create(with_rate(0.1), 1);
    float p = 1.0f, g = 0.5f;
    ck_assert_ok(rud_adam_step(adam, &p, &g));
    ck_assert_double_eq_tol((double)p, 0.9, 1e-6);
    ck_assert(g == 0.5f);
    g = -0.25f;
    ck_assert_ok(rud_adam_step(adam, &p, &g));
    ck_assert_double_eq_tol((double)p, 0.9 - 0.026633711, 1e-6);
    ck_assert_double_eq_tol((double)rud_adam_moments(adam)[0], 0.02, 1e-8);
    ck_assert_double_eq_tol((double)rud_adam_moments(adam)[1], 0.00031225, 1e-9);
    ck_assert_uint_eq(rud_adam_steps(adam), 2);
    rud_adam_free(&adam);
    ck_assert_ptr_null(adam);
}
END_TEST

/* p = 2, g = 1, decay 0.5, rate 0.1: L2 makes the gradient 2, and the first step still moves by
 * the rate; decoupled, p shrinks by 0.1 * 0.5 * 2 besides. */
START_TEST(weight_decay_of_either_kind)
{
    rud_adam_options options = with_rate(0.1);
    options.weight_decay = 0.5;
    rud_adam *adam = create(options, 1);
    float p = 2.0f, g = 1.0f;
    ck_assert_ok(rud_adam_step(adam, &p, &g));
    ck_assert_double_eq_tol((double)p, 1.9, 1e-6);
    ck_assert_double_eq_tol((double)rud_adam_moments(adam)[0], 0.2, 1e-7);
    rud_adam_free(&adam);
    options.weight_decay_kind = RUD_WEIGHT_DECAY_DECOUPLED;
    adam = create(options, 1);
    p = 2.0f;
    ck_assert_ok(rud_adam_step(adam, &p, &g));
    ck_assert_double_eq_tol((double)p, 1.8, 1e-6);
    ck_assert_double_eq_tol((double)rud_adam_moments(adam)[0], 0.1, 1e-7);
    rud_adam_free(&adam);
}
END_TEST

START_TEST(gradients_are_clipped_to_the_global_norm)
{
    rud_adam_options options = with_rate(0.1);
    options.clip_norm = 1.0;
    rud_adam *adam = create(options, 3);
    float p[3] = {0}, g[3] = {3.0f, 0.0f, -4.0f}, short_g[3] = {0.6f, 0.0f, 0.7f};
    ck_assert_ok(rud_adam_step(adam, p, g));
    const double clipped[3] = {0.6, 0.0, -0.8};
    for (size_t k = 0; k < 3; k++) {
        ck_assert_double_eq_tol((double)g[k], clipped[k], 1e-7);
        ck_assert_double_eq_tol((double)rud_adam_moments(adam)[k], 0.1 * clipped[k], 1e-8);
        ck_assert_double_eq_tol((double)rud_adam_moments(adam)[3 + k],
                                0.001 * clipped[k] * clipped[k], 1e-9);
    }
    ck_assert_ok(rud_adam_step(adam, p, short_g));
    ck_assert(short_g[0] == 0.6f && short_g[2] == 0.7f);
    rud_adam_free(&adam);
}
END_TEST

/* 1e25^2 is no float32 any more. */
START_TEST(the_norm_is_summed_in_double)
{
    rud_adam_options options = with_rate(0.1);
    options.clip_norm = 5.0;
    rud_adam *adam = create(options, 2);
    float p[2] = {0}, g[2] = {3e25f, 4e25f};
    ck_assert_ok(rud_adam_step(adam, p, g));
    ck_assert_double_eq_tol((double)g[0], 3.0, 1e-5);
    ck_assert_double_eq_tol((double)g[1], 4.0, 1e-5);
    rud_adam_free(&adam);
}
END_TEST

START_TEST(non_finite_gradients_change_nothing)
{
    enum { N = 40 };
    rud_adam_options options = with_rate(0.1);
    options.clip_norm = 1.0;
    options.weight_decay = 0.1;
    rud_adam *adam = create(options, N);
    float p[N], g[N], p_before[N], g_before[N], moments[2 * N];
    for (size_t k = 0; k < N; k++) p[k] = g[k] = (float)k;
    ck_assert_ok(rud_adam_step(adam, p, g));
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t k = 0; k < 3 * N; k++) {
        g[k % N] = bad[k / N];
        memcpy(p_before, p, sizeof p);
        memcpy(g_before, g, sizeof g);
        memcpy(moments, rud_adam_moments(adam), sizeof moments);
        ck_assert_int_eq(rud_adam_step(adam, p, g), RUD_EDIVERGED);
        ck_assert_ptr_nonnull(strstr(rud_last_error(), "update 2"));
        ck_assert_mem_eq(p, p_before, sizeof p);
        ck_assert_mem_eq(g, g_before, sizeof g);
        ck_assert_mem_eq(rud_adam_moments(adam), moments, sizeof moments);
        ck_assert_uint_eq(rud_adam_steps(adam), 1);
        g[k % N] = 1.0f;
    }
    rud_adam_free(&adam);
}
END_TEST

/* Adam in double, as Kingma and Ba write it. */
START_TEST(many_steps_agree_with_the_formulas)
{
    enum { N = 37, STEPS = 50 };
    const rud_adam_options o = {0.02, 0.8, 0.95, 1e-6, 0.03, RUD_WEIGHT_DECAY_L2, 0.0};
    rud_adam *adam = create(o, N);
    rud_rng rng = rud_rng_stream(1, "test adam", 0);
    double p64[N], m[N] = {0}, v[N] = {0};
    float *p = normal_floats(&rng, N, 1.0);
    for (size_t k = 0; k < N; k++) p64[k] = (double)p[k];
    for (size_t t = 1; t <= STEPS; t++) {
        float *g = normal_floats(&rng, N, 1.0);
        for (size_t k = 0; k < N; k++) {
            const double d = (double)g[k] + 0.03 * p64[k];
            m[k] = 0.8 * m[k] + 0.2 * d;
            v[k] = 0.95 * v[k] + 0.05 * d * d;
            const double m_hat = m[k] / (1.0 - pow(0.8, (double)t));
            const double v_hat = v[k] / (1.0 - pow(0.95, (double)t));
            p64[k] -= 0.02 * m_hat / (sqrt(v_hat) + 1e-6);
        }
        ck_assert_ok(rud_adam_step(adam, p, g));
        free(g);
    }
    ck_assert_double_lt(relative_difference(p, p64, N), 1e-5);
    free(p);
    rud_adam_free(&adam);
}
END_TEST

START_TEST(a_checkpoint_goes_on_as_if_never_stopped)
{
    enum { N = 5 };
    rud_adam *first = create(with_rate(0.1), N), *second = create(with_rate(0.3), N);
    float p[N] = {0}, q[N], g[N] = {1.0f, -2.0f, 3.0f, -4.0f, 5.0f};
    for (size_t k = 0; k < 3; k++) ck_assert_ok(rud_adam_step(first, p, g));
    memcpy(q, p, sizeof q);
    memcpy(rud_adam_moments(second), rud_adam_moments(first), 2 * N * sizeof(float));
    rud_adam_set_steps(second, rud_adam_steps(first));
    rud_adam_set_learning_rate(second, 0.1);
    g[0] = -0.5f;
    ck_assert_ok(rud_adam_step(first, p, g));
    ck_assert_ok(rud_adam_step(second, q, g));
    ck_assert_mem_eq(p, q, sizeof p);
    ck_assert(p[0] != 0.0f);
    rud_adam_free(&first);
    rud_adam_free(&second);
}
END_TEST

START_TEST(impossible_options_are_refused)
{
    rud_adam_options bad[12];
    for (size_t k = 0; k < 12; k++) bad[k] = rud_adam_options_default();
    bad[0].learning_rate = -1.0, bad[1].learning_rate = NAN, bad[2].learning_rate = INFINITY;
    bad[3].beta1 = 1.0, bad[4].beta1 = -0.1, bad[5].beta2 = 1.0, bad[6].beta2 = NAN;
    bad[7].epsilon = 0.0, bad[8].weight_decay = -1.0, bad[9].clip_norm = -1.0;
    bad[10].clip_norm = NAN, bad[11].epsilon = -1e-8;
    for (size_t k = 0; k < 12; k++) {
        rud_adam *adam;
        ck_assert_int_eq(rud_adam_create(&bad[k], 1, &adam), RUD_EINVAL);
        ck_assert_ptr_null(adam);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("nn/adam");
    TCase *tcase = tcase_create("adam");
    tcase_add_test(tcase, defaults_are_as_documented);
    tcase_add_test(tcase, two_steps_by_hand);
    tcase_add_test(tcase, weight_decay_of_either_kind);
    tcase_add_test(tcase, gradients_are_clipped_to_the_global_norm);
    tcase_add_test(tcase, the_norm_is_summed_in_double);
    tcase_add_test(tcase, non_finite_gradients_change_nothing);
    tcase_add_test(tcase, many_steps_agree_with_the_formulas);
    tcase_add_test(tcase, a_checkpoint_goes_on_as_if_never_stopped);
    tcase_add_test(tcase, impossible_options_are_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

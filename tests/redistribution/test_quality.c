/* Quality of predictions and variance ratio against values worked out by hand. */
#include "redistribution/quality.h"

#include <math.h>

#include "tests/harness.h"

START_TEST(quality_of_an_episode)
{
    ck_assert_double_eq(rud_episode_quality(0, 2), 1);
    ck_assert_double_eq(rud_episode_quality(1, 2), 0.75);
    ck_assert_double_eq(rud_episode_quality(-4, 2), -3); /* not clipped */
    ck_assert_double_eq(rud_episode_quality(0, 0), 1);
    ck_assert_double_eq(rud_episode_quality(1e-9, 0), 0);
}
END_TEST

START_TEST(mean_and_standard_error)
{
    rud_quality quality = {0};
    ck_assert_double_eq(rud_quality_mean(&quality, 1), 0);
    rud_quality_add(&quality, 0);
    ck_assert_double_eq(rud_quality_mean(&quality, 1), 0);
    ck_assert(isinf(rud_quality_standard_error(&quality, 1)));
    /* qualities 1 and 0: mean 1/2, variance 1/2 (n - 1), standard error sqrt(1/2 / 2) */
    rud_quality_add(&quality, 1);
    ck_assert_double_eq_tol(rud_quality_mean(&quality, 1), 0.5, 1e-15);
    ck_assert_double_eq_tol(rud_quality_standard_error(&quality, 1), 0.5, 1e-15);
    /* the same errors by another s: 1 and 3/4 */
    ck_assert_double_eq_tol(rud_quality_mean(&quality, 2), 0.875, 1e-15);
    ck_assert_double_eq_tol(rud_quality_standard_error(&quality, 2), 0.125, 1e-15);
}
END_TEST

START_TEST(window_holds_the_last_hundred)
{
    rud_quality quality = {0};
    for (int k = 0; k < 130; k++) rud_quality_add(&quality, 2);
    ck_assert_double_eq_tol(rud_quality_mean(&quality, 1), -3, 1e-12);
    for (int k = 0; k < 25; k++) rud_quality_add(&quality, 0);
    ck_assert_double_eq_tol(rud_quality_mean(&quality, 1), -2, 1e-12);
    for (int k = 0; k < 75; k++) rud_quality_add(&quality, 0);
    ck_assert_double_eq(rud_quality_mean(&quality, 1), 1);
    ck_assert_double_eq(rud_quality_standard_error(&quality, 1), 0);
    ck_assert_uint_eq(quality.count, 230);
}
END_TEST

/* Var(G) = 4; after the first step G - g_0 = -1, 1 has variance 1: (1 + 1/4) / 2. */
START_TEST(variance_ratio_by_hand)
{
    const double first[2] = {1, 9}, second[2] = {3, 9};
    const double *g[] = {first, second};
    const size_t steps[] = {2, 2};
    ck_assert_double_eq_tol(rud_variance_ratio(g, steps, (double[]){0, 4}, 2), 0.625, 1e-15);
}
END_TEST

/* Var(G) over all three is 8/3. At t = 1 two are left, with variance 1; at t = 2 only one, which
 * has no variance: (1 + 3/8) / 2. */
START_TEST(variance_ratio_of_ragged_episodes)
{
    const double first[3] = {1, 0, 0}, second[2] = {3, 0}, third[1] = {2};
    const double *g[] = {first, second, third};
    const size_t steps[] = {3, 2, 1};
    ck_assert_double_eq_tol(rud_variance_ratio(g, steps, (double[]){0, 4, 2}, 3), 0.6875, 1e-15);
}
END_TEST

enum { T = 50 };

START_TEST(variance_ratio_without_and_with_foresight)
{
    static double nothing[T], low[T], high[T];
    const size_t steps[] = {T, T, T};
    const double *g[] = {nothing, nothing, nothing}, *perfect[] = {low, nothing, high};
    const double returns[] = {-5, 0, 5};
    for (size_t t = 0; t < T; t++) {
        low[t] = -5;
        high[t] = 5;
    }
    ck_assert_double_eq_tol(rud_variance_ratio(g, steps, returns, 3), 1, 1e-12);
    /* all is known after the first step: only t = 0 keeps its variance */
    ck_assert_double_eq_tol(rud_variance_ratio(perfect, steps, returns, 3), 1.0 / T, 1e-12);
}
END_TEST

START_TEST(variance_ratio_of_equal_returns_is_unknown)
{
    const double one[1] = {1}, two[1] = {2};
    const double *g[] = {one, two};
    const size_t steps[] = {1, 1};
    ck_assert(isnan(rud_variance_ratio(g, steps, (double[]){3, 3}, 2)));
    ck_assert(isnan(rud_variance_ratio(g, steps, (double[]){3}, 1)));
    ck_assert(isnan(rud_variance_ratio(g, steps, NULL, 0)));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("redistribution/quality");
    TCase *quality = tcase_create("quality");
    tcase_add_test(quality, quality_of_an_episode);
    tcase_add_test(quality, mean_and_standard_error);
    tcase_add_test(quality, window_holds_the_last_hundred);
    suite_add_tcase(suite, quality);
    TCase *ratio = tcase_create("variance ratio");
    tcase_add_test(ratio, variance_ratio_by_hand);
    tcase_add_test(ratio, variance_ratio_of_ragged_episodes);
    tcase_add_test(ratio, variance_ratio_without_and_with_foresight);
    tcase_add_test(ratio, variance_ratio_of_equal_returns_is_unknown);
    suite_add_tcase(suite, ratio);
    return suite;
}

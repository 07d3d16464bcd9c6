#include "tests/harness.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/statistics.h"

START_TEST(quantiles_are_linear_between_order_statistics)
{
    const double values[] = {4, 1, 3, 2};
    ck_assert_double_eq(rud_quantile(values, 4, 0.0), 1);
    ck_assert_double_eq(rud_quantile(values, 4, 0.25), 1.75);
    ck_assert_double_eq(rud_quantile(values, 4, 0.5), 2.5);
    ck_assert_double_eq(rud_quantile(values, 4, 0.75), 3.25);
    ck_assert_double_eq(rud_quantile(values, 4, 1.0), 4);
    ck_assert_double_eq(values[0], 4); /* the input is left as it was */
    ck_assert_double_eq(rud_quantile(values, 1, 0.3), 4);
    ck_assert(isnan(rud_quantile(values, 0, 0.5)));
}
END_TEST

START_TEST(quantiles_take_infinities)
{
    const double values[] = {1, INFINITY, INFINITY};
    ck_assert(isinf(rud_quantile(values, 3, 0.6)));
    ck_assert_double_eq(rud_quantile(values, 3, 0.0), 1);
}
END_TEST

START_TEST(median_interval_is_reproducible_and_sane)
{
    double values[101], low, high, again_low, again_high;
    for (int i = 0; i < 101; i++) values[i] = (i * 37) % 101; /* 0 .. 100, shuffled */
    rud_median_interval(values, 101, 5, &low, &high);
    rud_median_interval(values, 101, 5, &again_low, &again_high);
    ck_assert_double_eq(low, again_low);
    ck_assert_double_eq(high, again_high);
    /* by the binomial distribution the order statistics at 50 -+ 1.96 * sqrt(101) / 2 */
    ck_assert_double_eq_tol(low, 40, 2.5);
    ck_assert_double_eq_tol(high, 60, 2.5);
    const double constant[] = {7, 7, 7};
    rud_median_interval(constant, 3, 1, &low, &high);
    ck_assert_double_eq(low, 7);
    ck_assert_double_eq(high, 7);
    rud_median_interval(constant, 0, 1, &low, &high);
    ck_assert(isnan(low) && isnan(high));
}
END_TEST

/* Twice U of the values that the mask chooses: pairs chosen > other, equal ones count half. */
static int twice_u(const double *values, int n, unsigned mask)
{
    int u = 0;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            if (!(mask >> i & 1) || (mask >> j & 1)) continue;
            u += values[i] > values[j] ? 2 : values[i] == values[j] ? 1 : 0;
        }
    }
    return u;
}

/* Share of all choices of na values whose U is as small as that of the first na. */
static double enumerate(const double *values, int na, int n)
{
    int observed = twice_u(values, n, (1u << na) - 1), as_small = 0, all = 0;
    for (unsigned mask = 0; mask < 1u << n; mask++) {
        if (__builtin_popcount(mask) != na) continue;
        all++;
        as_small += twice_u(values, n, mask) <= observed;
    }
    return (double)as_small / all;
}

START_TEST(mann_whitney_equals_enumeration)
{
    static const struct {
        int na, nb;
        double values[12];
    } cases[] = {
        {3, 3, {1, 2, 3, 4, 5, 6}},
        {3, 3, {4, 5, 6, 1, 2, 3}},
        {4, 5, {1, 6, 3, 8, 2, 9, 7, 5, 4}},
        {4, 4, {1, 1, 2, 3, 1, 2, 2, 3}},
        {5, 7, {1, 2, 2, 2, 9, 2, 2, 3, 9, 9, 9, 9}},
        {2, 6, {5, 5, 5, 5, 5, 5, 5, 5}},
        {6, 6, {10, 10, 10, 3, 4, 10, 10, 10, 10, 10, 7, 10}},
        {1, 1, {1, 2}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const double *a = cases[k].values, *b = a + cases[k].na;
        int na = cases[k].na, nb = cases[k].nb;
        double superiority;
        double p = rud_mann_whitney(a, (size_t)na, b, (size_t)nb, &superiority);
        ck_assert_double_eq_tol(p, enumerate(a, na, na + nb), 1e-14);
        double u = twice_u(a, na + nb, (1u << na) - 1) / 2.0;
        ck_assert_double_eq_tol(superiority, 1.0 - u / (na * nb), 1e-14);
    }
}
END_TEST

/* Samples without ties of n values each whose U is u. */
static void make_samples(int n, int u, double *a, double *b)
{
    for (int i = 0; i < n; i++) {
        int below = u / (n - i); /* values of b under this one */
        u -= below;
        a[i] = below - 0.5 + 1e-3 * i;
        b[i] = i;
    }
}

/* Critical values, one-sided, level 0.05: Mann and Whitney's test in the usual tables. */
START_TEST(mann_whitney_agrees_with_published_critical_values)
{
    static const struct {
        int n, critical;
    } table[] = {{5, 4}, {8, 15}, {10, 27}, {15, 72}, {20, 138}};
    double a[20], b[20];
    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++) {
        size_t n = (size_t)table[k].n;
        make_samples(table[k].n, table[k].critical, a, b);
        ck_assert_double_le(rud_mann_whitney(a, n, b, n, NULL), 0.05);
        make_samples(table[k].n, table[k].critical + 1, a, b);
        ck_assert_double_gt(rud_mann_whitney(a, n, b, n, NULL), 0.05);
    }
    make_samples(20, 0, a, b);
    ck_assert_double_eq_tol(rud_mann_whitney(a, 20, b, 20, NULL) * 137846528820.0, 1.0, 1e-9);
}
END_TEST

START_TEST(mann_whitney_tails_meet)
{
    const double a[] = {1, 4, 6, 9, 12}, b[] = {2, 3, 5, 6, 20, 21};
    double less = rud_mann_whitney(a, 5, b, 6, NULL);
    double more = rud_mann_whitney(b, 6, a, 5, NULL);
    ck_assert_double_gt(less + more, 1.0); /* the observed U is in both tails */
    ck_assert_double_lt(less, 1.0);
    double superiority, inferiority;
    rud_mann_whitney(a, 5, b, 6, &superiority);
    rud_mann_whitney(b, 6, a, 5, &inferiority);
    ck_assert_double_eq_tol(superiority + inferiority, 1.0, 1e-14);
}
END_TEST

/* P(U <= u) for samples of n without ties: choices counted by the largest value. */
static double exact_tail(int n, int u)
{
    static double ways[26][26][626]; /* [na][nb][U] */
    memset(ways, 0, sizeof ways);
    for (int a = 0; a <= n; a++) {
        for (int b = 0; b <= n; b++) {
            for (int s = 0; s <= a * b; s++) {
                double count = a == 0 || b == 0 ? 1.0 : ways[a][b - 1][s];
                if (a > 0 && b > 0 && s >= b) count += ways[a - 1][b][s - b];
                ways[a][b][s] = count;
            }
        }
    }
    double tail = 0.0, all = 0.0;
    for (int s = 0; s <= n * n; s++) {
        all += ways[n][n][s];
        tail += s <= u ? ways[n][n][s] : 0.0;
    }
    return tail / all;
}

START_TEST(mann_whitney_of_large_samples_is_near_the_exact_one)
{
    double a[25], b[25];
    for (int u = 100; u <= 500; u += 50) {
        make_samples(25, u, a, b);
        double p = rud_mann_whitney(a, 25, b, 25, NULL);
        ck_assert_double_eq_tol(p, exact_tail(25, u), 2e-3);
    }
}
END_TEST

/* a: 15 zeros, 10 ones; b the other way. U = 100 + 300 / 2, variance = 625 / 12 *
 * (51 - 31200 / 2450) = 1992.98, z = (250.5 - 312.5) / 44.643 = -1.3888, p = 0.0824. */
START_TEST(mann_whitney_of_large_samples_corrects_for_ties)
{
    double a[25], b[25];
    for (int i = 0; i < 25; i++) {
        a[i] = i < 15 ? 0 : 1;
        b[i] = i < 10 ? 0 : 1;
    }
    double superiority;
    ck_assert_double_eq_tol(rud_mann_whitney(a, 25, b, 25, &superiority), 0.0824, 1e-4);
    ck_assert_double_eq_tol(superiority, 0.6, 1e-12);
    for (int i = 0; i < 25; i++) a[i] = b[i] = 3;
    ck_assert_double_eq(rud_mann_whitney(a, 25, b, 25, NULL), 1.0);
}
END_TEST

START_TEST(mann_whitney_without_values_is_nan)
{
    const double values[] = {1, NAN};
    double superiority = 0;
    ck_assert(isnan(rud_mann_whitney(values, 0, values, 1, &superiority)));
    ck_assert(isnan(superiority));
    ck_assert(isnan(rud_mann_whitney(values, 1, values, 2, NULL)));
}
END_TEST

START_TEST(holm_by_hand)
{
    /* in order 0.005, 0.01, 0.03, 0.04: times 4, 3, 2, 1, never smaller than the one before */
    double p[] = {0.01, 0.04, NAN, 0.03, 0.005};
    rud_holm(p, 5);
    ck_assert_double_eq_tol(p[0], 0.03, 1e-15);
    ck_assert_double_eq_tol(p[1], 0.06, 1e-15);
    ck_assert(isnan(p[2]));
    ck_assert_double_eq_tol(p[3], 0.06, 1e-15);
    ck_assert_double_eq_tol(p[4], 0.02, 1e-15);
    double large[] = {0.7, 0.9};
    rud_holm(large, 2);
    ck_assert_double_eq(large[0], 1.0);
    ck_assert_double_eq(large[1], 1.0);
    rud_holm(NULL, 0);
}
END_TEST

START_TEST(correlation_and_determination_by_hand)
{
    /* deviations -1.5 -0.5 0.5 1.5 and -1 -1 1 1: 4 / sqrt(5 * 4) */
    const double x[] = {1, 2, 3, 4}, y[] = {1, 1, 3, 3}, constant[] = {2, 2, 2, 2};
    ck_assert_double_eq_tol(rud_pearson(x, y, 4), 4 / sqrt(20), 1e-15);
    /* residuals 0 1 0 1 of deviations' squares 4 */
    ck_assert_double_eq_tol(rud_r_squared(x, y, 4), 0.5, 1e-15);
    ck_assert_double_eq_tol(rud_r_squared(y, y, 4), 1.0, 1e-15);
    ck_assert(isnan(rud_pearson(x, constant, 4)));
    ck_assert(isnan(rud_r_squared(x, constant, 4)));
    ck_assert(isnan(rud_pearson(x, y, 0)));
}
END_TEST

START_TEST(rank_correlation)
{
    const double x[] = {1, 2, 3, 4}, curved[] = {1, 8, 27, 64}, falling[] = {0, -1, -5, -9};
    const double tied[] = {1, 2, 2, 3}, constant[] = {2, 2, 2, 2}, hole[] = {1, NAN, 2, 3};
    ck_assert_double_eq_tol(rud_spearman(x, curved, 4), 1, 1e-15);
    ck_assert_double_eq_tol(rud_spearman(x, falling, 4), -1, 1e-15);
    /* ranks 0, 1.5, 1.5, 3 against 0 .. 3: 4.5 / sqrt(5 * 4.5) */
    ck_assert_double_eq_tol(rud_spearman(x, tied, 4), 4.5 / sqrt(22.5), 1e-15);
    ck_assert(isnan(rud_spearman(x, constant, 4)));
    ck_assert(isnan(rud_spearman(x, hole, 4)));
}
END_TEST

START_TEST(means_leave_out_what_is_not_there)
{
    const double values[] = {1, 9, NAN, 9, 3, 9}; /* every second one */
    double mean, deviation;
    rud_mean_deviation(values, 3, 2, &mean, &deviation);
    ck_assert_double_eq(mean, 2);
    ck_assert_double_eq_tol(deviation, sqrt(2), 1e-15);
    rud_mean_deviation(values + 2, 1, 1, &mean, &deviation);
    ck_assert(isnan(mean) && isnan(deviation));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/statistics");
    TCase *quantiles = tcase_create("quantiles");
    tcase_add_test(quantiles, quantiles_are_linear_between_order_statistics);
    tcase_add_test(quantiles, quantiles_take_infinities);
    tcase_add_test(quantiles, median_interval_is_reproducible_and_sane);
    suite_add_tcase(suite, quantiles);
    TCase *tests = tcase_create("tests");
    tcase_add_test(tests, mann_whitney_equals_enumeration);
    tcase_add_test(tests, mann_whitney_agrees_with_published_critical_values);
    tcase_add_test(tests, mann_whitney_tails_meet);
    tcase_add_test(tests, mann_whitney_of_large_samples_is_near_the_exact_one);
    tcase_add_test(tests, mann_whitney_of_large_samples_corrects_for_ties);
    tcase_add_test(tests, mann_whitney_without_values_is_nan);
    tcase_add_test(tests, holm_by_hand);
    tcase_add_test(tests, correlation_and_determination_by_hand);
    tcase_add_test(tests, rank_correlation);
    tcase_add_test(tests, means_leave_out_what_is_not_there);
    suite_add_tcase(suite, tests);
    return suite;
}

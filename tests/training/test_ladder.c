#include "training/ladder_private.h"

#include <math.h>

#include "tests/harness.h"

/* By hand: differences 1, 2, 3, 2: mean 2, deviation sqrt(2/3), standard error sqrt(2/3) / 2. */
START_TEST(a_rung_must_be_better_beyond_chance)
{
    const rud_losses best[] = {{0, 5}, {0, 6}, {0, 7}, {0, 8}};
    const rud_losses rung[] = {{0, 4}, {0, 4}, {0, 4}, {0, 6}};
    rud_losses noisy[] = {{0, 4}, {0, 9}, {0, 2}, {0, 8}};
    rud_losses diverged[] = {{0, INFINITY}, {0, INFINITY}, {0, INFINITY}, {0, INFINITY}};
    rud_paired_difference difference;
    ck_assert(rud_ladder_replaces(best, rung, 4, &difference));
    ck_assert_double_eq_tol(difference.mean, 2, 1e-12);
    ck_assert_double_eq_tol(difference.standard_error, sqrt(2.0 / 3) / 2, 1e-12);
    ck_assert(!rud_ladder_replaces(rung, best, 4, &difference));
    ck_assert(!rud_ladder_replaces(best, best, 4, &difference));
    ck_assert(!rud_ladder_replaces(best, noisy, 4, &difference)); /* 0.75 lower, by chance */
    ck_assert_double_gt(difference.mean, 0);
    ck_assert(!rud_ladder_replaces(best, diverged, 4, &difference));
    ck_assert(rud_ladder_replaces(diverged, best, 4, &difference));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("training/ladder");
    TCase *tcase = tcase_create("ladder");
    tcase_add_test(tcase, a_rung_must_be_better_beyond_chance);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* The table of action values against values worked out by hand. */
#include "agents/q_table_private.h"

#include <string.h>

#include "tests/harness.h"

static rud_q_table *created(const int64_t *sizes, size_t width, int64_t actions,
                            rud_step_size step_size, double initial_value)
{
    rud_space observation, action;
    rud_q_table *table = NULL;
    ck_assert_ok(rud_space_multi_discrete(sizes, width, &observation));
    ck_assert_ok(rud_space_discrete(actions, &action));
    ck_assert_ok(rud_q_table_create(&observation, &action, &step_size, initial_value, &table));
    rud_space_free(&observation);
    rud_space_free(&action);
    return table;
}

static const rud_step_size sample_mean = {.sample_mean = true, .constant = 0.5},
                           half = {.sample_mean = false, .constant = 0.5};
static const int64_t two_by_three[] = {2, 3};

START_TEST(sample_mean_forgets_the_initial_value)
{
    rud_q_table *table = created(two_by_three, 2, 2, sample_mean, -100);
    const double s[] = {1, 2}, other[] = {0, 2};
    const double targets[] = {1, 2, 6}, means[] = {1, 1.5, 3};
    ck_assert_double_eq(rud_q_table_max(table, s), -100);
    for (int k = 0; k < 3; k++) {
        ck_assert_ok(rud_q_table_learn(table, s, 1, targets[k]));
        ck_assert_double_eq_tol(rud_q_table_max(table, s), means[k], 1e-12);
    }
    ck_assert_uint_eq(rud_q_table_greedy(table, s), 1);
    ck_assert_ok(rud_q_table_learn(table, s, 0, 4)); /* visits are counted by action */
    ck_assert_double_eq(rud_q_table_max(table, s), 4);
    ck_assert_uint_eq(rud_q_table_greedy(table, s), 0);
    ck_assert_double_eq(rud_q_table_max(table, other), -100);
    rud_q_table_free(&table);
    ck_assert_ptr_null(table);
}
END_TEST

START_TEST(constant_step_starts_at_the_initial_value)
{
    rud_q_table *table = created(two_by_three, 2, 1, half, 10);
    const double s[] = {0, 1}, targets[] = {0, 0, 6.5}, values[] = {5, 2.5, 4.5};
    for (int k = 0; k < 3; k++) {
        ck_assert_ok(rud_q_table_learn(table, s, 0, targets[k]));
        ck_assert_double_eq(rud_q_table_max(table, s), values[k]);
    }
    rud_q_table_free(&table);
}
END_TEST

START_TEST(lowest_of_equal_actions_is_greedy)
{
    rud_q_table *table = created(two_by_three, 2, 4, half, 1);
    const double s[] = {1, 0};
    ck_assert_uint_eq(rud_q_table_actions(table), 4);
    ck_assert_uint_eq(rud_q_table_greedy(table, s), 0); /* never seen: all are equal */
    ck_assert_ok(rud_q_table_learn(table, s, 0, -1));   /* 0, 1, 1, 1 */
    ck_assert_uint_eq(rud_q_table_greedy(table, s), 1);
    ck_assert_ok(rud_q_table_learn(table, s, 3, 5)); /* 0, 1, 1, 3 */
    ck_assert_uint_eq(rud_q_table_greedy(table, s), 3);
    ck_assert_ok(rud_q_table_learn(table, s, 2, 5)); /* 0, 1, 3, 3 */
    ck_assert_uint_eq(rud_q_table_greedy(table, s), 2);
    rud_q_table_free(&table);
}
END_TEST

/* More states than the first capacity: all values stay, and come back to the initial one after
 * clearing. */
START_TEST(table_grows_and_clears)
{
    enum { SIDE = 100 };
    rud_q_table *table = created((const int64_t[]){SIDE, SIDE}, 2, 2, sample_mean, -1);
    for (int round = 0; round < 2; round++) {
        for (int k = 0; k < SIDE * SIDE; k++) {
            const double s[] = {k / SIDE, k % SIDE};
            ck_assert_double_eq(rud_q_table_max(table, s), -1);
            ck_assert_ok(rud_q_table_learn(table, s, 1, k + round));
        }
        for (int k = 0; k < SIDE * SIDE; k++) {
            const double s[] = {k / SIDE, k % SIDE};
            ck_assert_double_eq(rud_q_table_max(table, s), k + round);
        }
        rud_q_table_clear(table);
    }
    rud_q_table_free(&table);
}
END_TEST

static void assert_refused(const rud_space *observation, const rud_space *action,
                           rud_status expected)
{
    rud_q_table *table = NULL;
    ck_assert_int_eq(rud_q_table_create(observation, action, &half, 0, &table), expected);
    ck_assert_ptr_null(table);
}

START_TEST(spaces_that_do_not_fit_are_refused)
{
    const int64_t huge[] = {INT64_C(1) << 32, INT64_C(1) << 32};
    rud_space box, many, discrete, actions, pairs;
    ck_assert_ok(rud_space_box(NULL, NULL, 2, &box));
    ck_assert_ok(rud_space_multi_discrete(huge, 2, &many));
    ck_assert_ok(rud_space_discrete(3, &discrete));
    ck_assert_ok(rud_space_discrete(INT64_C(1) << 60, &actions));
    ck_assert_ok(rud_space_multi_discrete(two_by_three, 2, &pairs));
    assert_refused(&box, &discrete, RUD_EINVAL);
    assert_refused(&discrete, &box, RUD_EINVAL);
    assert_refused(&discrete, &pairs, RUD_EINVAL);
    assert_refused(&many, &discrete, RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "too many states"));
    assert_refused(&discrete, &actions, RUD_ENOMEM);
    rud_space_free(&box);
    rud_space_free(&many);
    rud_space_free(&discrete);
    rud_space_free(&actions);
    rud_space_free(&pairs);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("agents/q_table");
    TCase *values = tcase_create("values");
    tcase_add_test(values, sample_mean_forgets_the_initial_value);
    tcase_add_test(values, constant_step_starts_at_the_initial_value);
    tcase_add_test(values, lowest_of_equal_actions_is_greedy);
    tcase_add_test(values, table_grows_and_clears);
    tcase_add_test(values, spaces_that_do_not_fit_are_refused);
    suite_add_tcase(suite, values);
    return suite;
}

#include "base/space.h"

#include <math.h>
#include <string.h>

#include "tests/harness.h"

static void assert_message_has(const char *part)
{
    ck_assert_msg(strstr(rud_last_error(), part), "'%s' is not in '%s'", part, rud_last_error());
}

static rud_status check_one(const rud_space *space, double value)
{
    return rud_space_check(space, &value);
}

START_TEST(discrete_takes_whole_numbers_of_its_range)
{
    rud_space space;
    ck_assert_int_eq(rud_space_discrete(3, &space), RUD_OK);
    ck_assert_int_eq(space.kind, RUD_SPACE_DISCRETE);
    ck_assert_uint_eq(space.width, 1);
    ck_assert_int_eq(check_one(&space, 0), RUD_OK);
    ck_assert_int_eq(check_one(&space, 2), RUD_OK);
    ck_assert_int_eq(check_one(&space, 3), RUD_EINVAL);
    assert_message_has("component 0 is 3");
    assert_message_has("0 to 2");
    ck_assert_int_eq(check_one(&space, -1), RUD_EINVAL);
    ck_assert_int_eq(check_one(&space, 0.5), RUD_EINVAL);
    ck_assert_int_eq(check_one(&space, NAN), RUD_ENONFINITE);
    rud_space_free(&space);
    ck_assert_ptr_null(space.sizes);
}
END_TEST

START_TEST(multi_discrete_has_a_range_for_each)
{
    rud_space space;
    ck_assert_int_eq(rud_space_multi_discrete((int64_t[]){2, 5}, 2, &space), RUD_OK);
    ck_assert_int_eq(rud_space_check(&space, (double[]){1, 4}), RUD_OK);
    ck_assert_int_eq(rud_space_check(&space, (double[]){2, 4}), RUD_EINVAL);
    assert_message_has("component 0");
    ck_assert_int_eq(rud_space_check(&space, (double[]){1, 5}), RUD_EINVAL);
    assert_message_has("component 1");
    rud_space_free(&space);
}
END_TEST

START_TEST(a_box_has_bounds)
{
    rud_space space;
    ck_assert_int_eq(rud_space_box((double[]){-1, -INFINITY}, (double[]){1, INFINITY}, 2, &space),
                     RUD_OK);
    ck_assert_int_eq(rud_space_check(&space, (double[]){1, -1e300}), RUD_OK);
    ck_assert_int_eq(rud_space_check(&space, (double[]){1.01, 0}), RUD_EINVAL);
    assert_message_has("component 0 is 1.01");
    assert_message_has("-1 to 1");
    ck_assert_int_eq(rud_space_check(&space, (double[]){0, INFINITY}), RUD_ENONFINITE);
    assert_message_has("component 1");
    rud_space_free(&space);
}
END_TEST

START_TEST(a_box_may_be_unbounded)
{
    rud_space space;
    ck_assert_int_eq(rud_space_box(NULL, NULL, 1, &space), RUD_OK);
    ck_assert_int_eq(check_one(&space, -1e300), RUD_OK);
    ck_assert_int_eq(check_one(&space, -INFINITY), RUD_ENONFINITE);
    rud_space_free(&space);
}
END_TEST

START_TEST(impossible_spaces_are_refused)
{
    rud_space space;
    double zero = 0, one = 1, nan = NAN;
    ck_assert_int_eq(rud_space_discrete(0, &space), RUD_EINVAL);
    ck_assert_int_eq(rud_space_discrete(-4, &space), RUD_EINVAL);
    ck_assert_int_eq(rud_space_multi_discrete((int64_t[]){2, 0}, 2, &space), RUD_EINVAL);
    assert_message_has("component 1");
    ck_assert_int_eq(rud_space_multi_discrete(NULL, 0, &space), RUD_EINVAL);
    ck_assert_int_eq(rud_space_box(NULL, NULL, 0, &space), RUD_EINVAL);
    ck_assert_int_eq(rud_space_box(&one, &zero, 1, &space), RUD_EINVAL);
    ck_assert_int_eq(rud_space_box(&nan, &one, 1, &space), RUD_EINVAL);
    ck_assert_int_eq(rud_space_box(&zero, NULL, 1, &space), RUD_EINVAL);
    rud_space_free(&space); /* as init left it: nothing to free */
}
END_TEST

START_TEST(a_copy_stands_alone)
{
    double low[2] = {0, 1}, high[2] = {2, 3};
    rud_space space, copy;
    ck_assert_int_eq(rud_space_box(low, high, 2, &space), RUD_OK);
    ck_assert_int_eq(rud_space_copy(&space, &copy), RUD_OK);
    rud_space_free(&space);
    ck_assert_int_eq(copy.kind, RUD_SPACE_BOX);
    ck_assert_uint_eq(copy.width, 2);
    ck_assert_mem_eq(copy.low, low, sizeof low);
    ck_assert_mem_eq(copy.high, high, sizeof high);
    ck_assert_ptr_null(copy.sizes);
    rud_space_free(&copy);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/space");
    TCase *tests = tcase_create("space");
    tcase_add_test(tests, discrete_takes_whole_numbers_of_its_range);
    tcase_add_test(tests, multi_discrete_has_a_range_for_each);
    tcase_add_test(tests, a_box_has_bounds);
    tcase_add_test(tests, a_box_may_be_unbounded);
    tcase_add_test(tests, impossible_spaces_are_refused);
    tcase_add_test(tests, a_copy_stands_alone);
    suite_add_tcase(suite, tests);
    return suite;
}

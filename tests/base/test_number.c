#include "base/number.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "tests/harness.h"

static void check_text(double value, const char *expected)
{
    char text[RUD_NUMBER_SIZE];
    rud_number_text(value, text);
    ck_assert_str_eq(text, expected);
}

static void check_round_trip(double value)
{
    char text[RUD_NUMBER_SIZE];
    double read = NAN;
    rud_number_text(value, text);
    ck_assert_msg(rud_number_parse(text, &read), "\"%s\"", text);
    ck_assert_msg(read == value && signbit(read) == signbit(value), "%a became %s, read as %a",
                  value, text, read);
}

START_TEST(numbers_are_short_where_they_can_be)
{
    check_text(0.1, "0.1");
    check_text(-12, "-12");
    check_text(1.0 / 3, "0.3333333333333333");
    check_text(0.1 + 0.2, "0.30000000000000004");
    check_text(-0.0, "-0.0");
}
END_TEST

START_TEST(edge_numbers_round_trip)
{
    const double values[] = {0.0,  -0.0, DBL_MAX, -DBL_MAX, DBL_MIN, 5e-324, DBL_EPSILON, 1e15,
                             1e16, 1e17, 1e22,    1e23,     1.0 / 3, 0x1p53, 0x1p53 + 2,  0x1p64};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) check_round_trip(values[i]);
}
END_TEST

/* Random bit patterns: every exponent. */
START_TEST(random_numbers_round_trip)
{
    rud_rng rng = rud_rng_stream(1, "test", 0);
    for (int i = 0; i < 5000; i++) {
        uint64_t bits = rud_rng_u64(&rng);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) check_round_trip(value);
    }
}
END_TEST

START_TEST(digits_are_rounded)
{
    char text[RUD_NUMBER_SIZE];
    rud_number_rounded(2.0 / 3, 6, text);
    ck_assert_str_eq(text, "0.666667");
    rud_number_rounded(-1234567.0, 3, text);
    ck_assert_str_eq(text, "-1.23e+06");
}
END_TEST

START_TEST(only_decimal_numbers_are_read)
{
    static const char *const bad[] = {"",     " 1", "1 ",  "0x10", "nan", "inf", "1,5",
                                      "1.5x", "1e", "--1", ".",    "+",   "1e+", "1.2.3"};
    double value = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!rud_number_parse(bad[i], &value), "\"%s\" was read as %g", bad[i], value);
        ck_assert_double_eq(value, 7);
    }
    ck_assert(rud_number_parse("+1.5e1", &value));
    ck_assert_double_eq(value, 15);
    ck_assert(rud_number_parse("-1e999", &value));
    ck_assert(isinf(value) && value < 0);
}
END_TEST

START_TEST(a_decimal_comma_of_the_host_changes_nothing)
{
    char text[RUD_NUMBER_SIZE];
    double value = 0;
    test_use_decimal_comma();
    check_text(-1.5, "-1.5");
    check_round_trip(0.1);
    rud_number_rounded(2.0 / 3, 3, text);
    ck_assert_str_eq(text, "0.667");
    ck_assert(rud_number_parse("2.25", &value));
    ck_assert_double_eq(value, 2.25);
    ck_assert(!rud_number_parse("2,25", &value));
    snprintf(text, sizeof text, "%.1f", 1.5); /* and the host keeps its locale */
    ck_assert_str_eq(text, "1,5");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/number");
    TCase *tcase = tcase_create("number");
    tcase_add_test(tcase, numbers_are_short_where_they_can_be);
    tcase_add_test(tcase, edge_numbers_round_trip);
    tcase_add_test(tcase, random_numbers_round_trip);
    tcase_add_test(tcase, digits_are_rounded);
    tcase_add_test(tcase, only_decimal_numbers_are_read);
    tcase_add_test(tcase, a_decimal_comma_of_the_host_changes_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}

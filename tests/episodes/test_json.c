#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "episodes/json_private.h"
#include "tests/harness.h"

static double read_back(const char *text)
{
    char object[80];
    snprintf(object, sizeof object, "{\"x\": %s}", text);
    json_object *root = NULL, *value = NULL;
    ck_assert_msg(rud_json_parse(object, strlen(object), &root) == RUD_OK, "%s: %s", object,
                  rud_last_error());
    ck_assert(json_object_object_get_ex(root, "x", &value));
    double number = json_object_get_double(value);
    json_object_put(root);
    return number;
}

static void check_round_trip(double value)
{
    char text[RUD_JSON_NUMBER_SIZE];
    rud_json_number(value, text);
    double read = read_back(text);
    ck_assert_msg(read == value && signbit(read) == signbit(value), "%a became %s, read as %a",
                  value, text, read);
}

START_TEST(numbers_are_short_where_they_can_be)
{
    char text[RUD_JSON_NUMBER_SIZE];
    rud_json_number(0.1, text);
    ck_assert_str_eq(text, "0.1");
    rud_json_number(-12, text);
    ck_assert_str_eq(text, "-12");
    rud_json_number(1.0 / 3, text);
    ck_assert_str_eq(text, "0.3333333333333333");
    rud_json_number(0.1 + 0.2, text);
    ck_assert_str_eq(text, "0.30000000000000004");
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

static void check_refused(const char *text, size_t length, const char *word)
{
    json_object *root = NULL;
    ck_assert_int_eq(rud_json_parse(text, length, &root), RUD_EFORMAT);
    ck_assert_ptr_null(root);
    ck_assert_msg(strstr(rud_last_error(), word) != NULL, "\"%s\" lacks \"%s\"", rud_last_error(),
                  word);
}

START_TEST(what_is_not_one_object_is_refused)
{
    check_refused("", 0, "ends too soon");
    check_refused("{\"a\": [1, 2", 11, "ends too soon, at byte 12");
    check_refused("[1]", 3, "not a JSON object");
    check_refused("null ", 5, "not a JSON object");
    check_refused("{} {}", 5, "byte 4");
    check_refused("{\"a\": 1,}", 9, "byte 9");
    check_refused("{\"a\0\": 1}", 9, "byte 4: a zero byte");
    check_refused("{\"a\": \"\xff\"}", 10, "not JSON at byte");
}
END_TEST

/* json-c alone would clip them without a word. */
START_TEST(integers_beyond_64_bits_are_refused)
{
    static const char *const fine[] = {
        "{\"a\": [18446744073709551615, -9223372036854775808]}",
        "{\"a\\\"1\": \"18446744073709551616\", \"b\": 118446744073709551616.5}",
        "{\"a\": 118446744073709551616e-20}"};
    static const char *const large[] = {"{\"a\": 18446744073709551616}",
                                        "{\"a\": 100000000000000000000}",
                                        "{\"a\": -9223372036854775809}"};
    static const size_t bytes[] = {7, 7, 8};
    for (size_t i = 0; i < 3; i++) {
        json_object *root = NULL;
        ck_assert_msg(rud_json_parse(fine[i], strlen(fine[i]), &root) == RUD_OK, "%s: %s", fine[i],
                      rud_last_error());
        json_object_put(root);
        char message[64];
        snprintf(message, sizeof message, "the integer at byte %zu does not fit", bytes[i]);
        check_refused(large[i], strlen(large[i]), message);
    }
}
END_TEST

START_TEST(an_unknown_key_is_found)
{
    static const char *const known[] = {"a", "b"};
    json_object *root = NULL;
    ck_assert_int_eq(rud_json_parse("{\"a\": 1, \"b\": 2} ", 17, &root), RUD_OK);
    ck_assert_ptr_null(rud_json_unknown_key(root, known, 2));
    ck_assert_str_eq(rud_json_unknown_key(root, known, 1), "b");
    json_object_put(root);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("episodes/json");
    TCase *tcase = tcase_create("json");
    tcase_add_test(tcase, numbers_are_short_where_they_can_be);
    tcase_add_test(tcase, edge_numbers_round_trip);
    tcase_add_test(tcase, random_numbers_round_trip);
    tcase_add_test(tcase, what_is_not_one_object_is_refused);
    tcase_add_test(tcase, integers_beyond_64_bits_are_refused);
    tcase_add_test(tcase, an_unknown_key_is_found);
    suite_add_tcase(suite, tcase);
    return suite;
}

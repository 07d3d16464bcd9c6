#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "tests/harness.h"

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

START_TEST(numbers_that_are_not_finite_are_null)
{
    json_object *array = json_object_new_array();
    ck_assert(rud_json_push_number(array, (double)NAN));
    ck_assert(rud_json_push_rounded(array, (double)INFINITY));
    ck_assert(rud_json_push_number(array, 0.1));
    ck_assert_str_eq(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PLAIN),
                     "[null,null,0.1]");
    json_object_put(array);
}
END_TEST

START_TEST(an_object_that_could_not_be_made_takes_nothing)
{
    ck_assert(!rud_json_push(NULL, json_object_new_string("freed")));
    ck_assert(!rud_json_put(NULL, "key", json_object_new_string("freed")));
    ck_assert(!rud_json_push_number(NULL, 1));
    ck_assert(!rud_json_push_number(NULL, (double)NAN));
    ck_assert(!rud_json_push_rounded(NULL, (double)NAN));
    ck_assert(!rud_json_put_number(NULL, "key", (double)NAN));
    ck_assert(!rud_json_put_null(NULL, "key"));
}
END_TEST

START_TEST(a_document_comes_back_from_its_file)
{
    for (int pretty = 0; pretty < 2; pretty++) {
        char path[512];
        double number = 0;
        json_object *root = json_object_new_object(), *read;
        snprintf(path, sizeof path, "%s/document.json", test_folder());
        ck_assert(rud_json_put_number(root, "a", 0.1));
        ck_assert_int_eq(rud_json_write(root, pretty != 0, path), RUD_OK);
        ck_assert_int_eq(rud_json_read(path, 64, &read), RUD_OK);
        ck_assert_int_eq(rud_json_get_number(read, "a", &number), RUD_OK);
        ck_assert(number == 0.1);
        json_object_put(root);
        json_object_put(read);
    }
}
END_TEST

START_TEST(a_file_that_is_no_document_is_named)
{
    char path[512];
    json_object *root;
    snprintf(path, sizeof path, "%s/document.json", test_folder());
    ck_assert_int_eq(rud_file_write(path, "{\"a\": 1} x", 10), RUD_OK);
    ck_assert_int_eq(rud_json_read(path, 64, &root), RUD_EFORMAT);
    ck_assert_ptr_null(root);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "document.json: not JSON at byte"));
    ck_assert_int_ne(rud_json_read(path, 9, &root), RUD_OK);
    ck_assert_int_eq(rud_json_write(NULL, false, path), RUD_ENOMEM);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/json");
    TCase *tcase = tcase_create("json");
    tcase_add_test(tcase, what_is_not_one_object_is_refused);
    tcase_add_test(tcase, integers_beyond_64_bits_are_refused);
    tcase_add_test(tcase, an_unknown_key_is_found);
    tcase_add_test(tcase, numbers_that_are_not_finite_are_null);
    tcase_add_test(tcase, an_object_that_could_not_be_made_takes_nothing);
    tcase_add_test(tcase, a_document_comes_back_from_its_file);
    tcase_add_test(tcase, a_file_that_is_no_document_is_named);
    suite_add_tcase(suite, tcase);
    return suite;
}

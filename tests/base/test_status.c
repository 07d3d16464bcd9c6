#include "base/status.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness.h"

START_TEST(error_keeps_code_and_message)
{
    ck_assert_str_eq(rud_last_error(), "");
    ck_assert_int_eq(rud_error(RUD_EFORMAT, "line %d: no key", 7), RUD_EFORMAT);
    ck_assert_str_eq(rud_last_error(), "line 7: no key");
    ck_assert_int_eq(rud_error(RUD_EIO, "again: %s", rud_last_error()), RUD_EIO);
    ck_assert_str_eq(rud_last_error(), "again: line 7: no key");
}
END_TEST

START_TEST(context_goes_before_the_message)
{
    rud_error(RUD_EINVAL, "size is 0");
    ck_assert_int_eq(rud_error_context(RUD_EINVAL, "field '%s'", "cells"), RUD_EINVAL);
    ck_assert_int_eq(rud_error_context(RUD_EINVAL, "a.yaml"), RUD_EINVAL);
    ck_assert_str_eq(rud_last_error(), "a.yaml: field 'cells': size is 0");
}
END_TEST

START_TEST(context_leaves_success_alone)
{
    rud_error(RUD_EINVAL, "old");
    ck_assert_int_eq(rud_error_context(RUD_OK, "a.yaml"), RUD_OK);
    ck_assert_str_eq(rud_last_error(), "old");
}
END_TEST

START_TEST(a_long_message_is_cut)
{
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    rud_error(RUD_EINVAL, "%s", text);
    size_t length = strlen(rud_last_error());
    ck_assert_uint_gt(length, 500);
    ck_assert_uint_lt(length, sizeof text - 1);
    rud_error_context(RUD_EINVAL, "a.yaml");
    ck_assert_int_eq(strncmp(rud_last_error(), "a.yaml: xxx", 11), 0);
    ck_assert_uint_eq(strlen(rud_last_error()), length);
}
END_TEST

static void *fail_in_thread(void *before)
{
    snprintf(before, 16, "%s", rud_last_error());
    rud_error(RUD_EIO, "from the thread");
    return NULL;
}

START_TEST(each_thread_has_its_own_message)
{
    char before[16] = "unset";
    pthread_t thread;
    rud_error(RUD_EINVAL, "from main");
    ck_assert_int_eq(pthread_create(&thread, NULL, fail_in_thread, before), 0);
    pthread_join(thread, NULL);
    ck_assert_str_eq(before, "");
    ck_assert_str_eq(rud_last_error(), "from main");
}
END_TEST

static rud_status try_twice(rud_status first, int *reached)
{
    RUD_TRY(first);
    *reached = 1;
    return RUD_OK;
}

START_TEST(try_returns_only_on_failure)
{
    int reached = 0;
    ck_assert_int_eq(try_twice(RUD_EDIVERGED, &reached), RUD_EDIVERGED);
    ck_assert_int_eq(reached, 0);
    ck_assert_int_eq(try_twice(RUD_OK, &reached), RUD_OK);
    ck_assert_int_eq(reached, 1);
}
END_TEST

START_TEST(every_code_has_its_own_name)
{
    for (int code = RUD_OK; code <= RUD_EINTERRUPTED; code++) {
        const char *name = rud_status_name((rud_status)code);
        ck_assert_str_ne(name, rud_status_name((rud_status)-1));
        for (int other = RUD_OK; other < code; other++) {
            ck_assert_str_ne(name, rud_status_name((rud_status)other));
        }
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/status");
    TCase *tests = tcase_create("status");
    tcase_add_test(tests, error_keeps_code_and_message);
    tcase_add_test(tests, context_goes_before_the_message);
    tcase_add_test(tests, context_leaves_success_alone);
    tcase_add_test(tests, a_long_message_is_cut);
    tcase_add_test(tests, each_thread_has_its_own_message);
    tcase_add_test(tests, try_returns_only_on_failure);
    tcase_add_test(tests, every_code_has_its_own_name);
    suite_add_tcase(suite, tests);
    return suite;
}

#include "base/stop.h"

#include <pthread.h>
#include <stddef.h>

#include "tests/harness.h"

static volatile sig_atomic_t flag;

static void on_signal(int signal)
{
    (void)signal;
    rud_stop_request(&flag);
}

START_TEST(a_signal_sets_the_flag)
{
    ck_assert_int_eq(rud_stop_check(NULL), RUD_OK);
    ck_assert_int_eq(rud_stop_check(&flag), RUD_OK);
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    ck_assert_int_eq(rud_stop_check(&flag), RUD_EINTERRUPTED);
    ck_assert_str_eq(rud_last_error(), "interrupted");
    ck_assert_int_eq(rud_stop_check(NULL), RUD_OK);
}
END_TEST

static void *wait_for_the_flag(void *context)
{
    (void)context;
    while (rud_stop_check(&flag) == RUD_OK) continue;
    return NULL;
}

/* It would hang with a plain flag, and ThreadSanitizer would report one that is only volatile. */
START_TEST(another_thread_sees_the_flag)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_the_flag, NULL), 0);
    rud_stop_request(&flag);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/stop");
    TCase *tcase = tcase_create("stop");
    tcase_add_test(tcase, a_signal_sets_the_flag);
    tcase_add_test(tcase, another_thread_sees_the_flag);
    suite_add_tcase(suite, tcase);
    return suite;
}

#include "base/clock.h"

#include <check.h>
#include <time.h>

#include "tests/harness.h"

START_TEST(sleep_takes_wall_time_and_little_of_the_processors)
{
    const struct timespec pause = {0, 20000000};
    const double wall = rud_wall_seconds(), thread = rud_thread_seconds();
    nanosleep(&pause, NULL);
    const double slept = rud_wall_seconds() - wall, worked = rud_thread_seconds() - thread;
    ck_assert_double_ge(slept, 0.02);
    ck_assert_double_ge(worked, 0);
    ck_assert_double_lt(worked, slept);
}
END_TEST

START_TEST(both_go_on_while_a_thread_works)
{
    const double wall = rud_wall_seconds(), thread = rud_thread_seconds();
    while (rud_thread_seconds() - thread < 0.001) continue;
    ck_assert_double_gt(rud_wall_seconds(), wall);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/clock");
    TCase *tcase = tcase_create("clock");
    tcase_add_test(tcase, sleep_takes_wall_time_and_little_of_the_processors);
    tcase_add_test(tcase, both_go_on_while_a_thread_works);
    suite_add_tcase(suite, tcase);
    return suite;
}

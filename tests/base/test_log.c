#include "base/log.h"

#include <stdio.h>
#include <string.h>

#include "base/pool.h"
#include "tests/harness.h"

typedef struct received {
    int messages;
    rud_log_level level;
    char last[256];
} received;

static void receive(void *context, rud_log_level level, const char *message)
{
    received *got = context;
    got->messages++;
    got->level = level;
    snprintf(got->last, sizeof got->last, "%s", message);
}

START_TEST(messages_of_the_level_arrive)
{
    received got = {0};
    rud_log_set(receive, &got, RUD_LOG_INFO);
    rud_log(RUD_LOG_DEBUG, "not this");
    ck_assert_int_eq(got.messages, 0);
    rud_log(RUD_LOG_INFO, "update %d", 3);
    ck_assert_int_eq(got.messages, 1);
    ck_assert_int_eq(got.level, RUD_LOG_INFO);
    ck_assert_str_eq(got.last, "update 3");
    rud_log(RUD_LOG_WARNING, "a warning");
    ck_assert_int_eq(got.messages, 2);
    ck_assert_int_eq(got.level, RUD_LOG_WARNING);
}
END_TEST

START_TEST(logging_can_be_turned_off)
{
    received got = {0};
    rud_log(RUD_LOG_WARNING, "nobody listens yet");
    rud_log_set(receive, &got, RUD_LOG_DEBUG);
    rud_log_set(NULL, NULL, RUD_LOG_DEBUG);
    rud_log(RUD_LOG_WARNING, "nobody listens now");
    ck_assert_int_eq(got.messages, 0);
}
END_TEST

static rud_status log_job(void *context, size_t job, size_t thread)
{
    (void)context;
    (void)thread;
    rud_log(RUD_LOG_INFO, "job %zu", job);
    return RUD_OK;
}

/* receive() counts without a lock of its own: calls at the same time would lose some. */
START_TEST(messages_never_come_at_the_same_time)
{
    enum { JOBS = 5000 };
    received got = {0};
    rud_pool *pool;
    ck_assert_int_eq(rud_pool_create(4, &pool), RUD_OK);
    rud_log_set(receive, &got, RUD_LOG_INFO);
    ck_assert_int_eq(rud_pool_run(pool, JOBS, log_job, NULL), RUD_OK);
    rud_log_set(NULL, NULL, RUD_LOG_INFO);
    rud_pool_free(&pool);
    ck_assert_int_eq(got.messages, JOBS);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/log");
    TCase *tests = tcase_create("log");
    tcase_add_test(tests, messages_of_the_level_arrive);
    tcase_add_test(tests, logging_can_be_turned_off);
    tcase_add_test(tests, messages_never_come_at_the_same_time);
    suite_add_tcase(suite, tests);
    return suite;
}

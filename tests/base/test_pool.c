#include "base/pool.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/rng.h"
#include "tests/harness.h"

enum { JOBS = 500, MOST_THREADS = 4 };

static rud_pool *pool_of(size_t threads)
{
    rud_pool *pool;
    ck_assert_int_eq(rud_pool_create(threads, &pool), RUD_OK);
    return pool;
}

typedef struct tally {
    size_t threads;
    atomic_int runs[JOBS];
    atomic_int wrong_threads;
    atomic_bool busy[MOST_THREADS];
} tally;

static rud_status count_job(void *context, size_t job, size_t thread)
{
    tally *tally = context;
    if (thread >= tally->threads || atomic_exchange(&tally->busy[thread], true)) {
        tally->wrong_threads++;
        return RUD_OK;
    }
    tally->runs[job]++;
    tally->busy[thread] = false;
    return RUD_OK;
}

/* Each thread number is in use once at a time: it can name scratch memory. */
START_TEST(every_job_runs_once)
{
    tally tally = {.threads = (size_t)_i};
    rud_pool *pool = pool_of(tally.threads);
    ck_assert_uint_eq(rud_pool_threads(pool), tally.threads);
    ck_assert_int_eq(rud_pool_run(pool, JOBS, count_job, &tally), RUD_OK);
    for (size_t job = 0; job < JOBS; job++) ck_assert_int_eq(tally.runs[job], 1);
    ck_assert_int_eq(tally.wrong_threads, 0);
    rud_pool_free(&pool);
    ck_assert_ptr_null(pool);
}
END_TEST

START_TEST(a_pool_serves_many_runs)
{
    enum { RUNS = 2000 };
    tally tally = {.threads = MOST_THREADS};
    rud_pool *pool = pool_of(MOST_THREADS);
    for (int run = 0; run < RUNS; run++) {
        ck_assert_int_eq(rud_pool_run(pool, (size_t)run % 6, count_job, &tally), RUD_OK);
    }
    /* of six runs in a row 5 - k start job k; the last two have 0 and 1 jobs */
    ck_assert_int_eq(tally.runs[0], RUNS / 6 * 5 + 1);
    ck_assert_int_eq(tally.runs[4], RUNS / 6);
    ck_assert_int_eq(tally.runs[5], 0);
    rud_pool_free(&pool);
}
END_TEST

static rud_status draw_job(void *context, size_t job, size_t thread)
{
    (void)thread;
    double *sums = context;
    rud_rng rng = rud_rng_stream(7, "job", job);
    for (int k = 0; k < 100; k++) sums[job] += rud_rng_normal(&rng);
    return RUD_OK;
}

START_TEST(results_do_not_depend_on_the_threads)
{
    double first[JOBS] = {0};
    for (size_t threads = 1; threads <= MOST_THREADS; threads++) {
        double sums[JOBS] = {0};
        rud_pool *pool = pool_of(threads);
        ck_assert_int_eq(rud_pool_run(pool, JOBS, draw_job, sums), RUD_OK);
        rud_pool_free(&pool);
        if (threads == 1) memcpy(first, sums, sizeof sums);
        ck_assert_mem_eq(first, sums, sizeof sums);
    }
    ck_assert_double_ne(first[0], first[1]);
}
END_TEST

static rud_status fail_from_third(void *context, size_t job, size_t thread)
{
    (void)thread;
    ++*(int *)context;
    return job < 3 ? RUD_OK : rud_error(RUD_EDIVERGED, "job %zu diverged", job);
}

START_TEST(no_job_starts_after_a_failure)
{
    int runs = 0;
    rud_pool *pool = pool_of(1);
    ck_assert_int_eq(rud_pool_run(pool, JOBS, fail_from_third, &runs), RUD_EDIVERGED);
    ck_assert_int_eq(runs, 4);
    ck_assert_str_eq(rud_last_error(), "job 3 diverged");
    runs = 0;
    ck_assert_int_eq(rud_pool_run(pool, 3, fail_from_third, &runs), RUD_OK);
    ck_assert_int_eq(runs, 3);
    rud_pool_free(&pool);
}
END_TEST

/* Job 0 fails after job 1 has: still job 0 is the one reported. */
static rud_status fail_in_reverse(void *context, size_t job, size_t thread)
{
    (void)thread;
    atomic_bool *second_done = context;
    if (job == 1) {
        rud_error(RUD_EIO, "job 1 failed first");
        *second_done = true;
        return RUD_EIO;
    }
    while (!*second_done) sched_yield();
    return rud_error(RUD_EFORMAT, "job %zu failed later", job);
}

START_TEST(the_lowest_failing_job_is_reported)
{
    for (int repeat = 0; repeat < 100; repeat++) {
        atomic_bool second_done = false;
        rud_pool *pool = pool_of(2);
        ck_assert_int_eq(rud_pool_run(pool, 2, fail_in_reverse, &second_done), RUD_EFORMAT);
        ck_assert_str_eq(rud_last_error(), "job 0 failed later");
        rud_pool_free(&pool);
    }
}
END_TEST

static rud_status run_inside(void *context, size_t job, size_t thread)
{
    (void)thread;
    tally tally = {.threads = MOST_THREADS};
    return job == 0 ? rud_pool_run(context, 2, count_job, &tally) : RUD_OK;
}

START_TEST(a_job_cannot_run_jobs_on_its_own_pool)
{
    rud_pool *pool = pool_of(2);
    ck_assert_int_eq(rud_pool_run(pool, 1, run_inside, pool), RUD_ESTATE);
    rud_pool_free(&pool);
}
END_TEST

START_TEST(zero_threads_means_all_processors)
{
    ck_assert_uint_ge(rud_processor_count(), 1);
    rud_pool *pool = pool_of(0);
    ck_assert_uint_eq(rud_pool_threads(pool), rud_processor_count());
    rud_pool_free(&pool);
    rud_pool_free(&pool);
}
END_TEST

START_TEST(too_many_threads_are_refused)
{
    rud_pool *pool;
    ck_assert_int_eq(rud_pool_create(SIZE_MAX, &pool), RUD_EINVAL);
    ck_assert_ptr_null(pool);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/pool");
    TCase *tests = tcase_create("pool");
    tcase_add_loop_test(tests, every_job_runs_once, 1, MOST_THREADS + 1);
    tcase_add_test(tests, a_pool_serves_many_runs);
    tcase_add_test(tests, results_do_not_depend_on_the_threads);
    tcase_add_test(tests, no_job_starts_after_a_failure);
    tcase_add_test(tests, the_lowest_failing_job_is_reported);
    tcase_add_test(tests, a_job_cannot_run_jobs_on_its_own_pool);
    tcase_add_test(tests, zero_threads_means_all_processors);
    tcase_add_test(tests, too_many_threads_are_refused);
    suite_add_tcase(suite, tests);
    return suite;
}

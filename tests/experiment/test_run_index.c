#include "experiment/run_index_private.h"

#include <stdio.h>

#include "base/rng.h"
#include "tests/harness.h"

static const char *const methods[] = {"rudder", "exact", "q-learning"};
static const rud_setting settings[] = {
    {.step_size = {.sample_mean = true, .constant = 0.5}},
    {.step_size = {.constant = 0.1}},
    {.step_size = {.constant = 0.5}},
    {.step_size = {.constant = 0.5}, .initial_value = -1},
    {.step_size = {.constant = 0.5}, .initial_value = -1, .random_episodes = 7},
};
enum { METHODS = 3, SETTINGS = 5, SEEDS = 4, DELAYS = 2, TASKS = METHODS * SETTINGS * SEEDS * 4 };

static rud_run_task task_of(size_t k)
{
    return (rud_run_task){.tuning = k % 2,
                          .delay = k / 2 % DELAYS == 0 ? RUD_NO_DELAY : 50,
                          .seed = UINT64_MAX - k / 4 % SEEDS,
                          .method = methods[k / 4 / SEEDS % METHODS],
                          .setting = settings[k / 4 / SEEDS / METHODS]};
}

static void add(rud_runs *runs, const rud_run_task *task)
{
    rud_run run = {
        .tuning = task->tuning, .delay = task->delay, .seed = task->seed, .setting = task->setting};
    snprintf(run.method, sizeof run.method, "%s", task->method);
    ck_assert_ok(rud_runs_add(runs, &run));
}

/* All but every third task has run, in random order: each is found in its place, or not at all. */
START_TEST(each_run_is_found_and_no_other)
{
    size_t order[TASKS], place[TASKS];
    rud_rng rng = rud_rng_stream(1, "test", 0);
    rud_runs runs = {0};
    rud_run_index index;
    for (size_t k = 0; k < TASKS; k++) order[k] = k;
    for (size_t k = TASKS; k > 1; k--) {
        const size_t other = (size_t)rud_rng_below(&rng, k), kept = order[k - 1];
        order[k - 1] = order[other];
        order[other] = kept;
    }
    for (size_t i = 0; i < TASKS; i++) {
        const rud_run_task task = task_of(order[i]);
        place[order[i]] = order[i] % 3 == 0 ? SIZE_MAX : runs.count;
        if (order[i] % 3 != 0) add(&runs, &task);
    }
    ck_assert_ok(rud_run_index_create(&runs, &index));
    for (size_t k = 0; k < TASKS; k++) {
        const rud_run_task task = task_of(k);
        ck_assert_uint_eq(rud_run_index_find(&index, &task), place[k]);
    }
    rud_run_index_free(&index);
    rud_runs_free(&runs);
}
END_TEST

START_TEST(of_two_equal_runs_the_first_is_found)
{
    rud_runs runs = {0};
    rud_run_index index;
    const rud_run_task task = task_of(0), other = task_of(1);
    ck_assert_ok(rud_run_index_create(&runs, &index));
    ck_assert_uint_eq(rud_run_index_find(&index, &task), SIZE_MAX);
    rud_run_index_free(&index);
    add(&runs, &other);
    for (int k = 0; k < 3; k++) add(&runs, &task);
    ck_assert_ok(rud_run_index_create(&runs, &index));
    ck_assert_uint_eq(rud_run_index_find(&index, &task), 1);
    rud_run_index_free(&index);
    rud_runs_free(&runs);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("experiment/run_index");
    TCase *tcase = tcase_create("finding");
    tcase_add_test(tcase, each_run_is_found_and_no_other);
    tcase_add_test(tcase, of_two_equal_runs_the_first_is_found);
    suite_add_tcase(suite, tcase);
    return suite;
}

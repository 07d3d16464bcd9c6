#include "training/length_buckets_private.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "tests/harness.h"

enum { EPISODES = 3000, MOST = 16 };

/* Skewed lengths: most are short, some are a hundred times as long. */
static void draw_lengths(uint64_t seed, size_t lengths[EPISODES], size_t numbers[EPISODES])
{
    rud_rng rng = rud_rng_stream(seed, "test lengths", 0);
    for (size_t k = 0; k < EPISODES; k++) {
        lengths[k] = 1 + (size_t)(2 * pow(100, rud_rng_uniform(&rng)));
        numbers[k] = k;
    }
}

START_TEST(batches_hold_every_episode_once_with_little_padding)
{
    size_t lengths[EPISODES], numbers[EPISODES], seen[EPISODES] = {0};
    rud_batch_plan plan = {0};
    double rows = 0, steps = 0;
    draw_lengths((uint64_t)_i, lengths, numbers);
    ck_assert_ok(rud_batch_plan_make(numbers, EPISODES, lengths, MOST, 1, (uint64_t)_i, &plan));
    ck_assert_uint_eq(plan.starts[0], 0);
    ck_assert_uint_eq(plan.starts[plan.batches], EPISODES);
    for (size_t b = 0; b < plan.batches; b++) {
        const size_t size = plan.starts[b + 1] - plan.starts[b];
        size_t longest = 0;
        ck_assert(size >= 1 && size <= MOST);
        for (size_t k = plan.starts[b]; k < plan.starts[b + 1]; k++) {
            seen[plan.order[k]]++;
            steps += (double)lengths[plan.order[k]];
            if (lengths[plan.order[k]] > longest) longest = lengths[plan.order[k]];
        }
        rows += (double)(longest * size);
    }
    for (size_t k = 0; k < EPISODES; k++) ck_assert_uint_eq(seen[k], 1);
    ck_assert_double_lt((rows - steps) / rows, RUD_PADDING_MOST);
    ck_assert_uint_lt(plan.batches, EPISODES / MOST * 5 / 4); /* most are full */
    rud_batch_plan_free(&plan);
}
END_TEST

START_TEST(passes_differ_and_repeat)
{
    size_t lengths[EPISODES], numbers[EPISODES], first[EPISODES];
    rud_batch_plan plan = {0};
    draw_lengths(1, lengths, numbers);
    ck_assert_ok(rud_batch_plan_make(numbers, EPISODES, lengths, MOST, 1, 0, &plan));
    memcpy(first, plan.order, sizeof first);
    ck_assert_ok(rud_batch_plan_make(numbers, EPISODES, lengths, MOST, 1, 1, &plan));
    ck_assert_int_ne(memcmp(first, plan.order, sizeof first), 0);
    ck_assert_ok(rud_batch_plan_make(numbers, EPISODES, lengths, MOST, 1, 0, &plan));
    ck_assert_int_eq(memcmp(first, plan.order, sizeof first), 0);
    rud_batch_plan_free(&plan);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("training/length_buckets");
    TCase *tcase = tcase_create("batches");
    tcase_add_loop_test(tcase, batches_hold_every_episode_once_with_little_padding, 0, 3);
    tcase_add_test(tcase, passes_differ_and_repeat);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* Held-out episodes, batches by length, and the rule of the model ladder. */
#include "training/split.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "tests/harness.h"
#include "training/ladder_private.h"
#include "training/length_buckets_private.h"

#define ck_assert_ok(expression) ck_assert_msg((expression) == RUD_OK, "%s", rud_last_error())

START_TEST(a_split_is_one)
{
    rud_split split, again, other;
    ck_assert_ok(rud_split_create(1000, 0.2, 5000, 7, &split));
    ck_assert_ok(rud_split_create(1000, 0.2, 5000, 7, &again));
    ck_assert_ok(rud_split_create(1000, 0.2, 5000, 8, &other));
    ck_assert_uint_eq(split.validation_count, 100);
    ck_assert_uint_eq(split.test_count, 100);
    ck_assert_uint_eq(split.training_count, 800);
    for (size_t k = 0; k < 800; k++) ck_assert(!split.is_held_out[split.training[k]]);
    for (size_t k = 0; k < 100; k++) {
        ck_assert(split.is_held_out[split.validation[k]] && !split.is_test[split.validation[k]]);
        ck_assert(split.is_held_out[split.test[k]] && split.is_test[split.test[k]]);
    }
    for (size_t k = 1; k < 100; k++) {
        ck_assert_uint_lt(split.validation[k - 1], split.validation[k]);
        ck_assert_uint_lt(split.test[k - 1], split.test[k]);
    }
    ck_assert(rud_split_equal(&split, &again));
    ck_assert(!rud_split_equal(&split, &other));
    rud_split_free(&split);
    rud_split_free(&again);
    rud_split_free(&other);
}
END_TEST

START_TEST(every_part_has_two_episodes)
{
    static const struct {
        size_t episodes, most;
        double share;
        size_t validation, test;
    } cases[] = {
        {6, 100, 0.01, 2, 2}, {6, 100, 0.9, 2, 2}, {7, 100, 0.9, 3, 2}, {1000, 30, 0.5, 15, 15}};
    rud_split split;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ck_assert_ok(rud_split_create(cases[k].episodes, cases[k].share, cases[k].most, 0, &split));
        ck_assert_uint_eq(split.validation_count, cases[k].validation);
        ck_assert_uint_eq(split.test_count, cases[k].test);
        rud_split_free(&split);
    }
    ck_assert_int_eq(rud_split_create(5, 0.5, 100, 0, &split), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "5 episodes"));
    rud_split_free(&split);
}
END_TEST

START_TEST(a_split_reads_back)
{
    const char *folder = test_folder();
    rud_split split, read;
    ck_assert_ok(rud_split_create(40, 0.25, 100, UINT64_MAX, &split));
    ck_assert_ok(rud_split_add_file(&split, "a \"b\".hdf5", 30, 300, UINT64_MAX - 1));
    ck_assert_ok(rud_split_add_file(&split, "c.jsonl", 10, 100, 5));
    ck_assert_ok(rud_split_write(&split, folder));
    ck_assert_ok(rud_split_read(folder, &read));
    ck_assert(rud_split_equal(&split, &read));
    ck_assert_str_eq(read.files[0].path, "a \"b\".hdf5");
    ck_assert_uint_eq(read.files[1].first, 30);
    ck_assert(read.files[0].digest == UINT64_MAX - 1);
    ck_assert_uint_eq(read.validation_count, 5);
    ck_assert_uint_eq(read.test_count, 5);
    read.files[1].digest = 6;
    ck_assert(!rud_split_equal(&split, &read));
    rud_split_free(&split);
    rud_split_free(&read);
}
END_TEST

START_TEST(bad_splits_are_refused)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{\"seed\": 1, \"files\": []}",
        "{\"seed\": 1, \"files\": [{\"path\": \"x\"}]}",
        "{\"seed\": 1, \"files\": [{\"path\": \"x\", \"episodes\": 2, \"steps\": 2, \"digest\": "
        "\"0\", \"validation\": [], \"test\": [2]}]}",
        "{\"seed\": 1, \"files\": [{\"path\": \"x\", \"episodes\": 2000000000000, \"steps\": 2, "
        "\"digest\": \"0\", \"validation\": [], \"test\": []}]}"};
    const char *folder = test_folder();
    char path[512];
    rud_split split;
    snprintf(path, sizeof path, "%s/splits.json", folder);
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        ck_assert_ok(rud_file_write(path, texts[k], strlen(texts[k])));
        ck_assert_msg(rud_split_read(folder, &split) == RUD_EFORMAT, "%s", texts[k]);
        ck_assert_ptr_nonnull(strstr(rud_last_error(), "splits.json"));
    }
}
END_TEST

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

/* By hand: differences 1, 2, 3, 2: mean 2, deviation sqrt(2/3), standard error sqrt(2/3) / 2. */
START_TEST(a_rung_must_be_better_beyond_chance)
{
    const rud_losses best[] = {{0, 5}, {0, 6}, {0, 7}, {0, 8}};
    const rud_losses rung[] = {{0, 4}, {0, 4}, {0, 4}, {0, 6}};
    rud_losses noisy[] = {{0, 4}, {0, 9}, {0, 2}, {0, 8}};
    rud_losses diverged[] = {{0, INFINITY}, {0, INFINITY}, {0, INFINITY}, {0, INFINITY}};
    rud_paired_difference difference;
    ck_assert(rud_ladder_replaces(best, rung, 4, &difference));
    ck_assert_double_eq_tol(difference.mean, 2, 1e-12);
    ck_assert_double_eq_tol(difference.standard_error, sqrt(2.0 / 3) / 2, 1e-12);
    ck_assert(!rud_ladder_replaces(rung, best, 4, &difference));
    ck_assert(!rud_ladder_replaces(best, best, 4, &difference));
    ck_assert(!rud_ladder_replaces(best, noisy, 4, &difference)); /* 0.75 lower, by chance */
    ck_assert_double_gt(difference.mean, 0);
    ck_assert(!rud_ladder_replaces(best, diverged, 4, &difference));
    ck_assert(rud_ladder_replaces(diverged, best, 4, &difference));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("training/split");
    TCase *split = tcase_create("split");
    tcase_add_test(split, a_split_is_one);
    tcase_add_test(split, every_part_has_two_episodes);
    tcase_add_test(split, a_split_reads_back);
    tcase_add_test(split, bad_splits_are_refused);
    suite_add_tcase(suite, split);
    TCase *batches = tcase_create("batches");
    tcase_add_loop_test(batches, batches_hold_every_episode_once_with_little_padding, 0, 3);
    tcase_add_test(batches, passes_differ_and_repeat);
    suite_add_tcase(suite, batches);
    TCase *ladder = tcase_create("ladder");
    tcase_add_test(ladder, a_rung_must_be_better_beyond_chance);
    suite_add_tcase(suite, ladder);
    return suite;
}

#include "training/split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/harness.h"

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

Suite *test_suite(void)
{
    Suite *suite = suite_create("training/split");
    TCase *split = tcase_create("split");
    tcase_add_test(split, a_split_is_one);
    tcase_add_test(split, every_part_has_two_episodes);
    tcase_add_test(split, a_split_reads_back);
    tcase_add_test(split, bad_splits_are_refused);
    suite_add_tcase(suite, split);
    return suite;
}

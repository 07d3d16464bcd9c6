/* The folder of a run: made, recognised, refused. */
#include "config/run_folder.h"

#include <stdlib.h>

#include "base/file.h"
#include "tests/small_config.h"

static const char *const replaced[] = {"old.json", "gone.json", NULL};
static char folder[512];

static const char *at(const char *name)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void new_folder(void)
{
    snprintf(folder, sizeof folder, "%s/a/b", test_folder());
}

static rud_status open_folder(const rud_config *config, bool force)
{
    return rud_run_folder_open(folder, config, force, replaced);
}

START_TEST(new_folder_gets_the_configuration)
{
    const rud_config config = small_config(METHODS("exact"));
    char *wanted = NULL, *found = NULL;
    size_t size;
    new_folder();
    ck_assert_ok(open_folder(&config, _i));
    ck_assert_ok(rud_config_to_yaml(&config, &wanted));
    ck_assert_ok(rud_file_read(at("config.yaml"), 1 << 20, &found, &size));
    ck_assert_str_eq(found, wanted);
    free(wanted);
    free(found);
}
END_TEST

/* Also by force, which is for the folder of something else. */
START_TEST(same_configuration_opens_and_keeps_its_results)
{
    rud_config config = small_config(METHODS("exact"));
    new_folder();
    ck_assert_ok(open_folder(&config, false));
    ck_assert_ok(rud_file_write(at("old.json"), "1", 1));
    ck_assert_ok(open_folder(&config, _i));
    ck_assert(rud_file_exists(at("old.json")));
    config.first_seed++;
    ck_assert_int_eq(open_folder(&config, false), RUD_EEXIST);
    ck_assert(rud_file_exists(at("old.json")));
}
END_TEST

START_TEST(force_replaces_results_and_nothing_else)
{
    rud_config config = small_config(METHODS("exact"));
    new_folder();
    ck_assert_ok(open_folder(&config, false));
    ck_assert_ok(rud_file_write(at("old.json"), "1", 1));
    ck_assert_ok(rud_file_write(at("mine.json"), "1", 1));
    config.first_seed++;
    ck_assert_ok(open_folder(&config, true));
    ck_assert(!rud_file_exists(at("old.json")));
    ck_assert(rud_file_exists(at("mine.json")));
    ck_assert_ok(open_folder(&config, false));
}
END_TEST

START_TEST(file_in_place_of_the_folder_is_refused)
{
    const rud_config config = small_config(METHODS("exact"));
    snprintf(folder, sizeof folder, "%s/file", test_folder());
    ck_assert_ok(rud_file_write(folder, "1", 1));
    ck_assert_int_ne(open_folder(&config, false), RUD_OK);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), folder));
    ck_assert(!rud_is_folder(folder));
}
END_TEST

START_TEST(one_run_at_a_time_and_what_the_dead_left_is_gone)
{
    char left[600];
    int first, second;
    snprintf(folder, sizeof folder, "%s/deep/run", test_folder());
    ck_assert_ok(rud_run_folder_lock(folder, &first));
    ck_assert_int_eq(rud_run_folder_lock(folder, &second), RUD_ESTATE);
    ck_assert_int_eq(second, -1);
    rud_folder_unlock(&first);
    snprintf(left, sizeof left, "%s/.runs.jsonl.999999999.0.tmp", folder);
    ck_assert_ok(rud_file_write(left, "", 0));
    ck_assert_ok(rud_run_folder_lock(folder, &first));
    ck_assert(!rud_file_exists(left));
    rud_folder_unlock(&first);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("config/run_folder");
    TCase *opening = tcase_create("opening");
    tcase_add_loop_test(opening, new_folder_gets_the_configuration, 0, 2);
    tcase_add_loop_test(opening, same_configuration_opens_and_keeps_its_results, 0, 2);
    tcase_add_test(opening, force_replaces_results_and_nothing_else);
    tcase_add_test(opening, one_run_at_a_time_and_what_the_dead_left_is_gone);
    tcase_add_test(opening, file_in_place_of_the_folder_is_refused);
    suite_add_tcase(suite, opening);
    return suite;
}

/* What is refused of damaged files, and what is said. tests/fixtures/bad/make.py makes them. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "episodes/dataset.h"
#include "tests/harness.h"

static const char *const folder = "tests/fixtures/bad";

typedef struct bad_file {
    const char *name;
    rud_status status;
    const char *message; /* a part of it */
} bad_file;

static const bad_file files[] = {
    {"cycle.hdf5", RUD_EFORMAT, "episode_0: infos/again"},
    {"empty.hdf5", RUD_EFORMAT, "the file is empty"},
    {"empty.jsonl", RUD_EFORMAT, "holds no episode"},
    {"flat-empty.hdf5", RUD_EFORMAT, "holds no episode"},
    {"flat-endless-row.hdf5", RUD_EFORMAT, "rewards: its rows are too long"},
    {"flat-lying.hdf5", RUD_EFORMAT, "rewards: its shape claims 1000000000000 rows"},
    {"flat-nan.hdf5", RUD_ENONFINITE, "episode 1, rows 3 to 5: rewards[1] is infinite"},
    {"flat-no-ends.hdf5", RUD_EFORMAT, "there are no timeouts"},
    {"flat-no-terminals.hdf5", RUD_EFORMAT, "terminals: it is missing"},
    {"flat-odd-flag.hdf5", RUD_EFORMAT, "terminals[2] is 2"},
    {"flat-ragged.hdf5", RUD_EFORMAT, "actions: has 5 rows, rewards have 6"},
    {"gap.hdf5", RUD_EFORMAT, "there is a gap"},
    {"garbled.hdf5", RUD_EFORMAT, "episode_1: no group"},
    {"info-rows.hdf5", RUD_EFORMAT, "episode_1: infos/speed: has 3 rows; 3 steps need 4"},
    {"lying-shape.hdf5", RUD_EFORMAT, "episode_0: rewards: its shape claims 1000000000000 rows"},
    {"lying-steps.hdf5", RUD_EFORMAT, "episode_1: total_steps claims 1000000000000 steps"},
    {"nan-reward.hdf5", RUD_ENONFINITE, "episode_1: rewards[1] is NaN"},
    {"nan.hdf5", RUD_ENONFINITE, "episode_1: observations[2], component 1, is NaN"},
    {"negative-seed.hdf5", RUD_EFORMAT, "episode_1: attribute \"seed\" is -4"},
    {"no-flags.hdf5", RUD_EFORMAT, "episode_0: truncations: it is missing"},
    {"no-groups.hdf5", RUD_EFORMAT, "there is no group episode_0"},
    {"no-json", RUD_EFORMAT, "metadata.json: not JSON"},
    {"no-observations.hdf5", RUD_EFORMAT, "episode_0: \"observations\" is missing"},
    {"no-rewards.hdf5", RUD_EFORMAT, "episode_1: rewards: it is missing"},
    {"null-format", RUD_EFORMAT, "\"data_format\" is null; only \"hdf5\" can be read"},
    {"null-total", RUD_EFORMAT, "\"total_steps\" is null, but the file has 6"},
    {"odd-flag.hdf5", RUD_EFORMAT, "episode_0: terminations: [2] is 7"},
    {"ragged.hdf5", RUD_EFORMAT, "episode_1: actions: has 2 rows, but 3 are needed"},
    {"short-observations.hdf5", RUD_EFORMAT, "episode_0: observations: has 3 rows, but 4"},
    {"space-huge", RUD_EFORMAT, "the space of observations has 1000000000000 components"},
    {"space-kind", RUD_EFORMAT, "observations holds no numbers (text)"},
    {"space-width", RUD_EFORMAT, "episode_0: observations: has 2 numbers in a row"},
    {"text-flag.hdf5", RUD_EFORMAT, "episode_0: terminations: holds no numbers (text)"},
    {"text.hdf5", RUD_EFORMAT, "not an HDF5 file"},
    {"totals", RUD_EFORMAT, "\"total_episodes\" is 3, but the file has 2"},
    {"truncated.hdf5", RUD_EFORMAT, "truncated file"},
    {"wide-observations.hdf5", RUD_EFORMAT, "episode_1: observations: has 3 numbers in a row"},
    {"zero-episodes.hdf5", RUD_EFORMAT, "there is no group episode_0"},
    {"zero-steps.hdf5", RUD_EFORMAT, "episode_0: an episode of 0 steps"},
};
static const size_t file_count = sizeof files / sizeof *files;

/* Opens and reads all; the first failure. */
static rud_status read_all(const char *path)
{
    rud_dataset *dataset;
    RUD_TRY(rud_dataset_open(path, NULL, &dataset));
    rud_status status = RUD_OK;
    rud_episode *episode = NULL;
    do {
        rud_episode_free(&episode);
        status = rud_dataset_next(dataset, &episode);
    } while (status == RUD_OK && episode != NULL);
    rud_dataset_close(&dataset);
    return status;
}

START_TEST(every_file_is_refused_with_its_place)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, files[_i].name);
    rud_status status = read_all(path);
    ck_assert_msg(status == files[_i].status, "%s: %s: %s", path, rud_status_name(status),
                  rud_last_error());
    ck_assert_msg(strncmp(rud_last_error(), path, strlen(path)) == 0, "does not start by %s: %s",
                  path, rud_last_error());
    ck_assert_msg(strstr(rud_last_error(), files[_i].message) != NULL, "says: %s",
                  rud_last_error());
}
END_TEST

/* No file of the corpus is forgotten; the one that is good shows that the others are not refused
 * for what they share with it. */
START_TEST(the_table_is_complete)
{
    char path[512];
    DIR *opened = opendir(folder);
    ck_assert_ptr_nonnull(opened);
    for (struct dirent *entry; (entry = readdir(opened)) != NULL;) {
        const char *name = entry->d_name;
        size_t k = 0;
        if (name[0] == '.' || strcmp(name, "make.py") == 0) continue;
        while (k < file_count && strcmp(files[k].name, name) != 0) k++;
        snprintf(path, sizeof path, "%s/%s", folder, name);
        if (k == file_count)
            ck_assert_msg(read_all(path) == RUD_OK, "not in the table: %s", rud_last_error());
    }
    closedir(opened);
}
END_TEST

START_TEST(what_is_behind_a_damaged_episode_can_be_read)
{
    rud_dataset *dataset;
    rud_episode *episode;
    ck_assert_int_eq(rud_dataset_open("tests/fixtures/bad/short-observations.hdf5", NULL, &dataset),
                     RUD_OK);
    ck_assert_int_eq(rud_dataset_next(dataset, &episode), RUD_EFORMAT);
    ck_assert_ptr_null(episode);
    ck_assert_int_eq(rud_dataset_next(dataset, &episode), RUD_OK);
    ck_assert_ptr_null(episode);
    rud_dataset_close(&dataset);
    ck_assert_int_eq(rud_dataset_open("tests/fixtures/bad/flat-nan.hdf5", NULL, &dataset), RUD_OK);
    ck_assert_int_eq(rud_dataset_next(dataset, &episode), RUD_OK);
    rud_episode_free(&episode);
    ck_assert_int_eq(rud_dataset_next(dataset, &episode), RUD_ENONFINITE);
    rud_dataset_close(&dataset);
}
END_TEST

START_TEST(what_is_not_there_is_named)
{
    ck_assert_int_eq(read_all("tests/fixtures/bad/none.hdf5"), RUD_EIO);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "none.hdf5: cannot be opened: No such file"));
    ck_assert_int_eq(read_all("tests/fixtures/bad/none"), RUD_EIO);
    ck_assert_int_eq(read_all("tests/fixtures"), RUD_EFORMAT);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "no data set"));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("episodes/bad_files");
    TCase *tcase = tcase_create("refused");
    tcase_add_loop_test(tcase, every_file_is_refused_with_its_place, 0, (int)file_count);
    tcase_add_test(tcase, the_table_is_complete);
    tcase_add_test(tcase, what_is_behind_a_damaged_episode_can_be_read);
    tcase_add_test(tcase, what_is_not_there_is_named);
    suite_add_tcase(suite, tcase);
    return suite;
}

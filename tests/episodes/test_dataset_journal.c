/* A journal is read like any other data set. */
#include "episodes/dataset.h"
#include "tests/episodes/journals.h"

static rud_dataset *open_dataset(const char *path)
{
    rud_dataset *dataset;
    ck_ok(rud_dataset_open(path, NULL, &dataset));
    ck_assert_str_eq(rud_dataset_format(dataset), "journal");
    return dataset;
}

static void assert_read(rud_dataset *dataset, size_t k, size_t number)
{
    rud_episode *episode, *expected = make_episode(number, 5);
    ck_ok(rud_dataset_read(dataset, k, &episode));
    assert_same_episode(expected, episode);
    rud_episode_free(&expected);
    rud_episode_free(&episode);
}

START_TEST(episodes_are_read_at_random)
{
    const char *folder = test_folder();
    write_corridor(folder, 30, 1000);
    rud_dataset *dataset = open_dataset(folder);
    ck_assert_uint_eq(rud_dataset_episodes(dataset), 30);
    ck_assert_uint_eq(rud_dataset_steps(dataset), 150);
    for (size_t k = 0; k < 30; k++) {
        ck_assert_uint_eq(rud_dataset_lengths(dataset)[k], 5);
        assert_read(dataset, k * 7 % 30, k * 7 % 30);
    }
    rud_episode *episode;
    size_t count = 0;
    ck_ok(rud_dataset_seek(dataset, 10));
    for (;; count++) {
        ck_ok(rud_dataset_next(dataset, &episode));
        if (episode == NULL) break;
        rud_episode_free(&episode);
    }
    ck_assert_uint_eq(count, 20);
    ck_assert_ptr_nonnull(strstr(rud_dataset_place(dataset), ".journal: byte "));
    rud_dataset_close(&dataset);
}
END_TEST

START_TEST(spaces_are_those_of_the_header)
{
    const char *folder = test_folder();
    write_corridor(folder, 3, 0);
    rud_dataset *dataset = open_dataset(segment_path(folder, 0));
    ck_assert_int_eq(rud_dataset_observation_space(dataset)->sizes[0], 13);
    ck_assert_int_eq(rud_dataset_action_space(dataset)->sizes[0], 2);
    ck_assert_str_eq(rud_dataset_leaf_at(dataset, 0)->space, "Discrete(13)");
    ck_assert_str_eq(rud_dataset_leaf_at(dataset, 1)->space, "Discrete(2)");
    rud_dataset_close(&dataset);
}
END_TEST

/* A record in the middle of the second segment is damaged. */
START_TEST(damaged_records_are_left_out)
{
    const char *folder = test_folder(), *path = segment_path(folder, 1);
    write_corridor(folder, 30, 1000);
    rud_episodes first = {0};
    ck_ok(rud_journal_read(segment_path(folder, 0), &first));
    bytes whole = read_bytes(path);
    whole.data[whole.size / 2] ^= 1;
    write_bytes(path, whole.data, whole.size);
    rud_dataset *dataset = open_dataset(folder);
    ck_assert_uint_eq(rud_dataset_episodes(dataset), 29);
    const rud_journal_reader *reader = rud_dataset_journal_reader(dataset);
    ck_assert_uint_eq(rud_journal_reader_progress(reader).damaged, 1);
    ck_assert_uint_gt(rud_journal_reader_progress(reader).segments, 1);
    assert_read(dataset, 0, 0);
    assert_read(dataset, first.count - 1, first.count - 1);
    assert_read(dataset, 28, 29);
    rud_dataset_close(&dataset);
    rud_episodes_free(&first);
    free(whole.data);
}
END_TEST

START_TEST(a_file_that_changed_is_told)
{
    const char *folder = test_folder(), *path = segment_path(folder, 0);
    write_corridor(folder, 3, 0);
    rud_dataset *dataset = open_dataset(folder);
    bytes whole = read_bytes(path);
    rud_episode *episode;
    whole.data[whole.size - 1] ^= 1;
    write_bytes(path, whole.data, whole.size - (_i ? 10 : 0));
    ck_assert_int_eq(rud_dataset_read(dataset, 2, &episode), RUD_EIO);
    ck_assert_ptr_null(episode);
    assert_read(dataset, 1, 1);
    rud_dataset_close(&dataset);
    free(whole.data);
}
END_TEST

START_TEST(an_empty_journal_is_refused_and_none_is_written)
{
    const char *folder = test_folder();
    rud_journal *journal = open_corridor(folder, 0);
    rud_journal_close(&journal);
    rud_dataset *dataset;
    ck_assert_int_eq(rud_dataset_open(folder, NULL, &dataset), RUD_EFORMAT);
    rud_journal_header header = corridor();
    const rud_dataset_writer_options options = {.format = "journal",
                                                .observation_space = &header.observation_space};
    rud_dataset_writer *writer;
    char path[1200];
    snprintf(path, sizeof path, "%s/new", folder);
    ck_assert_int_eq(rud_dataset_writer_open(path, &options, &writer), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "agent bridge only"));
    rud_journal_header_free(&header);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("episodes/dataset_journal");
    TCase *tests = tcase_create("dataset_journal");
    tcase_add_test(tests, episodes_are_read_at_random);
    tcase_add_test(tests, spaces_are_those_of_the_header);
    tcase_add_test(tests, damaged_records_are_left_out);
    tcase_add_loop_test(tests, a_file_that_changed_is_told, 0, 2);
    tcase_add_test(tests, an_empty_journal_is_refused_and_none_is_written);
    suite_add_tcase(suite, tests);
    return suite;
}

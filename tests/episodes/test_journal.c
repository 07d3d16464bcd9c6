/* What is appended is kept: once, in order, bit for bit; or the call says that it is not. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "tests/episodes/journals.h"

/* Stands before the C library's: the disk fails when a test says so. */
static bool disk_fails;

int fdatasync(int file)
{
    if (!disk_fails) return fsync(file);
    errno = EIO;
    return -1;
}

START_TEST(appended_episodes_come_back)
{
    const char *folder = test_folder();
    rud_journal *journal = open_corridor(folder, 0);
    append_range(journal, 0, 30);
    const rud_journal_counts counts = rud_journal_count(journal);
    ck_assert_uint_eq(counts.appended, 30);
    ck_assert_uint_eq(counts.episodes, 30);
    ck_assert_uint_eq(counts.segments, 1);
    assert_range(folder, 0, 30);
    assert_range(segment_path(folder, 0), 0, 30);
    rud_journal_close(&journal);

    journal = open_corridor(folder, 0);
    ck_assert_uint_eq(rud_journal_count(journal).appended, 30);
    ck_assert_uint_eq(rud_journal_count(journal).bytes, counts.bytes);
    ck_assert_uint_eq(rud_journal_recovery_of(journal)->torn_bytes, 0);
    ck_assert_uint_eq(rud_journal_recovery_of(journal)->damage_count, 0);
    append_range(journal, 30, 5);
    rud_journal_close(&journal);
    assert_range(folder, 0, 35);
}
END_TEST

/* Columns that each fit one dtype and not the one before it; -0 and the smallest numbers too. */
START_TEST(numbers_come_back_bit_for_bit)
{
    static const double columns[][4] = {
        {0, 1, 255, 7},
        {0, 256, 1, 2},
        {-1, 32767, -32768, 0},
        {32768, 0, 1, 2},
        {INT32_MIN, INT32_MAX, 0, 1},
        {0.5, 1, 2, 3},
        {-0.0, 1, 2, 3},
        {2147483648.0, 0, 1, 2},
        {0.1, 1, 2, 3},
        {1e300, 1, 2, 3},
        {5e-324, 0, 0, 0},
        {2147483647, 0.5, 0, 0},
        {0x1p-149, -0x1p127, 0, 1},
        {9007199254740993.0, 1, -1, 0},
    };
    const char *folder = test_folder();
    rud_journal_header header = {.task = strdup("box")};
    ck_ok(rud_space_box(NULL, NULL, 4, &header.observation_space));
    const rud_journal_options options = rud_journal_options_default();
    rud_journal *journal;
    rud_episode *episode;
    rud_episodes read = {0};
    ck_ok(rud_journal_open(folder, &header, &options, &journal));
    ck_ok(rud_episode_create(1, 1, 4, 0, &episode));
    memcpy(episode->observations, columns[_i], sizeof columns[_i]);
    episode->rewards[0] = columns[_i][0];
    ck_ok(rud_episode_set_id(episode, ""));
    ck_ok(rud_journal_append(journal, episode, NULL));
    ck_ok(rud_journal_read(folder, &read));
    ck_assert_uint_eq(read.count, 1);
    assert_same_episode(episode, read.items[0]);
    rud_episodes_free(&read);
    rud_episode_free(&episode);
    rud_journal_close(&journal);
    rud_journal_header_free(&header);
}
END_TEST

/* Integers below 256 take a byte each: the size of a record says so. */
START_TEST(records_are_small)
{
    const char *folder = test_folder();
    rud_journal *journal = open_corridor(folder, 0);
    rud_episode *episode = make_episode(1, 1000);
    memset(episode->rewards, 0, 1000 * sizeof(double));
    const uint64_t before = rud_journal_count(journal).bytes;
    ck_ok(rud_journal_append(journal, episode, NULL));
    ck_assert_uint_lt(rud_journal_count(journal).bytes - before, 3 * 1000 + 300);
    rud_episode_free(&episode);
    rud_journal_close(&journal);
}
END_TEST

static void make_space(int which, rud_space *space)
{
    const int64_t sizes[] = {2, 51, INT64_MAX};
    const double low[] = {-INFINITY, -1, 0}, high[] = {INFINITY, 0.1, 0};
    if (which == 0) ck_ok(rud_space_discrete(INT64_MAX, space));
    if (which == 1) ck_ok(rud_space_multi_discrete(sizes, 3, space));
    if (which == 2) ck_ok(rud_space_box(low, high, 3, space));
    if (which == 3) ck_ok(rud_space_box(NULL, NULL, 2, space));
    if (which == 4) *space = (rud_space){0};
}

/* _i counts the kinds of observation (4) and action (5). */
START_TEST(task_and_spaces_come_back)
{
    const char *folder = test_folder();
    rud_journal_header header = {.task = strdup("k\xc3\xa9y/1 \"x\"")};
    make_space(_i % 4, &header.observation_space);
    make_space(_i / 4, &header.action_space);
    const rud_journal_options options = rud_journal_options_default();
    rud_journal *journal;
    ck_ok(rud_journal_open(folder, &header, &options, &journal));
    rud_journal_close(&journal);
    ck_ok(rud_journal_open(folder, NULL, &options, &journal));
    const rud_journal_header *found = rud_journal_header_of(journal);
    ck_assert_str_eq(found->task, header.task);
    ck_assert_uint_eq(found->observation_space.width, header.observation_space.width);
    ck_assert_uint_eq(found->action_space.width, header.action_space.width);
    rud_journal_close(&journal);
    ck_ok(rud_journal_open(folder, &header, &options, &journal)); /* it is equal in all */
    rud_journal_close(&journal);
    rud_journal_header_free(&header);
}
END_TEST

START_TEST(another_task_or_space_is_refused)
{
    const char *folder = test_folder();
    const rud_journal_options options = rud_journal_options_default();
    write_corridor(folder, 3, 0);
    rud_journal *journal;
    for (int k = 0; k < 4; k++) {
        rud_journal_header header = corridor();
        if (k == 0) header.task[0] = 'C';
        if (k == 1) header.observation_space.sizes[0]++;
        if (k == 2) header.observation_space.kind = RUD_SPACE_MULTI_DISCRETE;
        if (k == 3) rud_space_free(&header.action_space);
        ck_assert_int_eq(rud_journal_open(folder, &header, &options, &journal), RUD_EINVAL);
        ck_assert_ptr_null(journal);
        rud_journal_header_free(&header);
    }
    assert_range(folder, 0, 3);
    ck_assert_int_eq(rud_journal_open(test_folder(), NULL, &options, &journal), RUD_EFORMAT);
}
END_TEST

START_TEST(a_second_writer_is_refused)
{
    const char *folder = test_folder();
    rud_journal *journal = open_corridor(folder, 0), *second;
    const rud_journal_options options = rud_journal_options_default();
    ck_assert_int_eq(rud_journal_open(folder, NULL, &options, &second), RUD_ESTATE);
    rud_journal_close(&journal);
    ck_ok(rud_journal_open(folder, NULL, &options, &second));
    rud_journal_close(&second);
}
END_TEST

START_TEST(an_id_is_kept_once)
{
    const char *folder = test_folder();
    rud_journal *journal = open_corridor(folder, 0);
    append_range(journal, 0, 10);
    ck_assert(rud_journal_has(journal, "episode-9"));
    ck_assert(!rud_journal_has(journal, "episode-10"));
    rud_journal_close(&journal);

    journal = open_corridor(folder, 0);
    rud_episode *many[4] = {make_episode(9, 5), make_episode(10, 5), make_episode(10, 5),
                            make_episode(11, 5)};
    const bool expected[4] = {false, true, false, true};
    bool added[4];
    ck_ok(rud_journal_append_many(journal, (const rud_episode *const *)many, 4, added));
    ck_assert_mem_eq(added, expected, sizeof added);
    ck_ok(rud_journal_append_many(journal, (const rud_episode *const *)many, 4, added));
    for (int k = 0; k < 4; k++) ck_assert(!added[k]);
    ck_assert_uint_eq(rud_journal_count(journal).appended, 12);
    assert_range(folder, 0, 12);
    for (int k = 0; k < 4; k++) rud_episode_free(&many[k]);
    rud_journal_close(&journal);
}
END_TEST

/* Of a call that fails nothing is kept, whatever came before what is wrong. */
START_TEST(bad_episodes_are_refused_whole)
{
    const char *folder = test_folder();
    rud_journal *journal = open_corridor(folder, 0);
    rud_episode *good = make_episode(0, 5), *bad = make_episode(1, 5);
    char id[RUD_JOURNAL_ID_MAX + 2];
    rud_status expected = RUD_EINVAL;
    memset(id, 'x', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    if (_i == 0) ck_ok(rud_episode_set_id(bad, NULL));
    if (_i == 1) ck_ok(rud_episode_set_id(bad, id));
    if (_i == 2) bad->observation_width = 2, bad->observation_rows = bad->steps = 2;
    if (_i == 3) bad->action_width = 0;
    if (_i >= 4) expected = RUD_ENONFINITE;
    if (_i == 4) bad->rewards[2] = NAN;
    if (_i == 5) bad->observations[2] = INFINITY;
    if (_i == 6) bad->actions[2] = -INFINITY;
    const rud_episode *const both[2] = {good, bad};
    bool added[2] = {true, true};
    ck_assert_int_eq(rud_journal_append_many(journal, both, 2, added), expected);
    ck_assert(!added[0] && !added[1]);
    ck_assert(!rud_journal_has(journal, good->id));
    append_range(journal, 0, 1);
    rud_journal_close(&journal);
    assert_range(folder, 0, 1);
    rud_episode_free(&good);
    rud_episode_free(&bad);
}
END_TEST

START_TEST(segments_follow_each_other)
{
    const char *folder = test_folder();
    rud_journal *journal = open_corridor(folder, 1000);
    append_range(journal, 0, 100);
    const rud_journal_counts counts = rud_journal_count(journal);
    ck_assert_uint_gt(counts.segments, 5);
    for (int k = 0; k < (int)counts.segments; k++) {
        bytes b = read_bytes(segment_path(folder, k));
        ck_assert_uint_lt(b.size, 1500);
        free(b.data);
    }
    rud_journal_close(&journal);
    assert_range(folder, 0, 100);
    journal = open_corridor(folder, 1000);
    ck_assert_uint_eq(rud_journal_count(journal).segments, counts.segments);
    ck_assert_uint_eq(rud_journal_count(journal).bytes, counts.bytes);
    for (int k = 0; k < 100; k++) {
        char id[32];
        snprintf(id, sizeof id, "episode-%d", k);
        ck_assert(rud_journal_has(journal, id));
    }
    rud_journal_close(&journal);
}
END_TEST

/* What is held is the newest of a row without holes, and so after a restart; what is gone may
 * come again, and the count of all goes on. */
static void check_retention(const char *folder, const rud_journal_options *options)
{
    rud_journal_header header = corridor();
    rud_journal *journal;
    ck_ok(rud_journal_open(folder, &header, options, &journal));
    append_range(journal, 0, 200);
    const rud_journal_counts counts = rud_journal_count(journal);
    ck_assert_uint_eq(counts.appended, 200);
    ck_assert_uint_gt(counts.episodes, 10);
    ck_assert_uint_lt(counts.episodes, 60);
    if (options->keep_segments > 0) ck_assert_uint_eq(counts.segments, options->keep_segments);
    if (options->keep_bytes > 0) ck_assert_uint_le(counts.bytes, options->keep_bytes);
    ck_assert(!rud_journal_has(journal, "episode-0"));
    ck_assert(rud_journal_has(journal, "episode-199"));
    rud_journal_close(&journal);
    assert_range(folder, 200 - counts.episodes, counts.episodes);

    ck_ok(rud_journal_open(folder, &header, options, &journal));
    const rud_journal_counts again = rud_journal_count(journal);
    ck_assert_uint_eq(again.appended, counts.appended);
    ck_assert_uint_eq(again.episodes, counts.episodes);
    ck_assert_uint_eq(again.bytes, counts.bytes);
    rud_journal_close(&journal);
    rud_journal_header_free(&header);
}

START_TEST(the_oldest_segments_go)
{
    rud_journal_options options = {.segment_bytes = 1000};
    if (_i == 0) options.keep_segments = 4;
    if (_i == 1) options.keep_bytes = 4000;
    check_retention(test_folder(), &options);
}
END_TEST

/* Sets the size beyond which no file grows: writes are cut short there, as on a full disk. */
static void limit_files(rlim_t size)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* _i bytes of room: none, a part of a record, or all but its last byte. */
START_TEST(a_full_disk_loses_nothing)
{
    const char *folder = test_folder();
    signal(SIGXFSZ, SIG_IGN);
    rud_journal *journal = open_corridor(folder, 0);
    append_range(journal, 0, 10);
    const uint64_t bytes = rud_journal_count(journal).bytes;
    rud_episode *next = make_episode(10, 5);
    for (int k = 0; k < 3; k++) {
        bool added = true;
        limit_files(bytes + (rlim_t)_i);
        ck_assert_int_eq(rud_journal_append(journal, next, &added), RUD_EIO);
        ck_assert_ptr_nonnull(strstr(rud_last_error(), "cannot write"));
        ck_assert(!added);
        ck_assert(!rud_journal_has(journal, next->id));
        ck_assert_uint_eq(rud_journal_count(journal).bytes, bytes);
        ck_ok(rud_journal_sync(journal));
        limit_files(RLIM_INFINITY);
        assert_range(folder, 0, 10);
    }
    append_range(journal, 10, 10);
    rud_journal_close(&journal);
    assert_range(folder, 0, 20);
    rud_episode_free(&next);
}
END_TEST

/* The disk is full just when a segment should begin. */
START_TEST(a_full_disk_at_a_new_segment_loses_nothing)
{
    const char *folder = test_folder();
    signal(SIGXFSZ, SIG_IGN);
    rud_journal *journal = open_corridor(folder, 1);
    append_range(journal, 0, 3);
    rud_episode *next = make_episode(3, 5);
    limit_files(10);
    ck_assert_int_eq(rud_journal_append(journal, next, NULL), RUD_EIO);
    limit_files(RLIM_INFINITY);
    append_range(journal, 3, 3);
    ck_assert_uint_eq(rud_journal_count(journal).segments, 6);
    rud_journal_close(&journal);
    assert_range(folder, 0, 6);
    rud_episode_free(&next);
}
END_TEST

START_TEST(what_could_not_be_synced_is_taken_back)
{
    const char *folder = test_folder();
    rud_journal *journal = open_corridor(folder, 0);
    append_range(journal, 0, 10);
    rud_episode *lost = make_episode(10, 5);
    bool added;
    ck_ok(rud_journal_append(journal, lost, &added));
    disk_fails = true;
    ck_assert_int_eq(rud_journal_sync(journal), RUD_EIO);
    disk_fails = false;
    ck_assert(!rud_journal_has(journal, lost->id));
    ck_assert_uint_eq(rud_journal_count(journal).appended, 10);
    assert_range(folder, 0, 10);
    append_range(journal, 10, 2);
    rud_journal_close(&journal);
    assert_range(folder, 0, 12);
    rud_episode_free(&lost);
}
END_TEST

/* The sync before a new segment fails: then the caller's own sync must not say that all is well. */
START_TEST(a_sync_that_failed_within_append_is_told)
{
    const char *folder = test_folder();
    rud_journal *journal = open_corridor(folder, 1);
    rud_episode *first = make_episode(0, 5), *second = make_episode(1, 5);
    ck_ok(rud_journal_append(journal, first, NULL));
    disk_fails = true;
    ck_assert_int_eq(rud_journal_append(journal, second, NULL), RUD_EIO);
    disk_fails = false;
    ck_assert_int_eq(rud_journal_sync(journal), RUD_EIO);
    ck_ok(rud_journal_sync(journal));
    ck_assert_uint_eq(rud_journal_count(journal).episodes, 0);
    append_range(journal, 0, 3);
    rud_journal_close(&journal);
    assert_range(folder, 0, 3);
    rud_episode_free(&first);
    rud_episode_free(&second);
}
END_TEST

/* Asks until the writer has appended all; what was seen once stays, and so does all before it. */
static void *ask(void *argument)
{
    rud_journal *journal = argument;
    uint64_t seen = 0;
    while (seen < 300) {
        const rud_journal_counts counts = rud_journal_count(journal);
        char id[32];
        snprintf(id, sizeof id, "episode-%" PRIu64, counts.appended - 1);
        if (counts.appended < seen || counts.episodes != counts.appended) return "went back";
        if (counts.appended > 0 && !rud_journal_has(journal, id)) return "an id is missing";
        seen = counts.appended;
    }
    return NULL;
}

START_TEST(questions_may_be_asked_meanwhile)
{
    const char *folder = test_folder();
    rud_journal *journal = open_corridor(folder, 2000);
    pthread_t thread;
    void *complaint;
    ck_assert_int_eq(pthread_create(&thread, NULL, ask, journal), 0);
    for (size_t k = 0; k < 300; k += 10) append_range(journal, k, 10);
    ck_assert_int_eq(pthread_join(thread, &complaint), 0);
    ck_assert_msg(complaint == NULL, "%s", (char *)complaint);
    rud_journal_close(&journal);
}
END_TEST

START_TEST(bad_options_are_refused)
{
    rud_journal_header header = corridor();
    rud_journal_options options = rud_journal_options_default();
    rud_journal *journal;
    options.segment_bytes = _i ? RUD_JOURNAL_BATCH_MAX + 1 : 0;
    ck_assert_int_eq(rud_journal_open(test_folder(), &header, &options, &journal), RUD_EINVAL);
    rud_journal_header_free(&header);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("episodes/journal");
    TCase *tests = tcase_create("journal");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, appended_episodes_come_back);
    tcase_add_loop_test(tests, numbers_come_back_bit_for_bit, 0, 14);
    tcase_add_test(tests, records_are_small);
    tcase_add_loop_test(tests, task_and_spaces_come_back, 0, 20);
    tcase_add_test(tests, another_task_or_space_is_refused);
    tcase_add_test(tests, a_second_writer_is_refused);
    tcase_add_test(tests, an_id_is_kept_once);
    tcase_add_loop_test(tests, bad_episodes_are_refused_whole, 0, 7);
    tcase_add_test(tests, segments_follow_each_other);
    tcase_add_loop_test(tests, the_oldest_segments_go, 0, 2);
    tcase_add_loop_test(tests, a_full_disk_loses_nothing, 0, 60);
    tcase_add_test(tests, a_full_disk_at_a_new_segment_loses_nothing);
    tcase_add_test(tests, what_could_not_be_synced_is_taken_back);
    tcase_add_test(tests, a_sync_that_failed_within_append_is_told);
    tcase_add_test(tests, questions_may_be_asked_meanwhile);
    tcase_add_loop_test(tests, bad_options_are_refused, 0, 2);
    suite_add_tcase(suite, tests);
    return suite;
}

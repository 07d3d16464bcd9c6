/* Reading a journal while another process writes it. */
#include <math.h>
#include <sched.h>
#include <sys/wait.h>

#include "tests/episodes/journals.h"

enum { WRITTEN = 5000 };

static void write_and_exit(const char *folder, const rud_journal_options *options)
{
    rud_journal_header header = corridor();
    rud_journal *journal;
    if (rud_journal_open(folder, &header, options, &journal) != RUD_OK) _exit(1);
    for (size_t k = 0; k < WRITTEN; k++) {
        rud_episode *episode = make_episode(k, 5);
        if (rud_journal_append(journal, episode, NULL) != RUD_OK) _exit(1);
        rud_episode_free(&episode);
    }
    _exit(0);
}

/* Reads all that is there; it must be a row without holes. Returns the number behind its last. */
static size_t read_row(const char *folder)
{
    rud_journal_reader *reader;
    rud_episode *episode;
    size_t first = 0, count = 0;
    ck_ok(rud_journal_reader_open(folder, &reader));
    for (;;) {
        ck_ok(rud_journal_reader_next(reader, &episode));
        if (episode == NULL) break;
        if (count == 0) ck_assert_int_eq(sscanf(episode->id, "episode-%zu", &first), 1);
        rud_episode *expected = make_episode(first + count++, 5);
        assert_same_episode(expected, episode);
        rud_episode_free(&expected);
        rud_episode_free(&episode);
    }
    rud_journal_reader_close(&reader);
    return first + count;
}

START_TEST(a_reader_sees_whole_records_only)
{
    const char *folder = test_folder();
    const rud_journal_options options = {.segment_bytes = 20000};
    const pid_t writer = fork();
    if (writer == 0) write_and_exit(folder, &options);
    while (!rud_is_journal(folder)) sched_yield();
    size_t seen = 0;
    int how = 0;
    for (bool ended = false; !ended;) {
        ended = waitpid(writer, &how, WNOHANG) == writer;
        const size_t now = read_row(folder);
        ck_assert_uint_ge(now, seen);
        seen = now;
    }
    ck_assert_int_eq(how, 0);
    ck_assert_uint_eq(seen, WRITTEN);
}
END_TEST

START_TEST(damage_is_named_and_the_rest_is_read)
{
    const char *folder = test_folder(), *path = segment_path(folder, 1);
    write_corridor(folder, 30, 1000);
    bytes whole = read_bytes(path);
    whole.data[whole.size - 1] ^= 1;
    write_bytes(path, whole.data, whole.size);
    rud_journal_reader *reader;
    rud_episode *episode;
    size_t count = 0, damaged = 0;
    ck_ok(rud_journal_reader_open(folder, &reader));
    for (;;) {
        const rud_status status = rud_journal_reader_next(reader, &episode);
        if (status == RUD_EFORMAT) {
            damaged++;
            ck_assert_ptr_nonnull(strstr(rud_last_error(), path));
            continue;
        }
        ck_assert_int_eq(status, RUD_OK);
        if (episode == NULL) break;
        count++;
        rud_episode_free(&episode);
    }
    ck_assert_uint_eq(count, 29);
    ck_assert_uint_eq(damaged, 1);
    rud_journal_reader_close(&reader);
    rud_episodes list = {0};
    ck_ok(rud_episodes_add(&list, make_episode(0, 5)));
    ck_assert_int_eq(rud_journal_read(folder, &list), RUD_EFORMAT);
    ck_assert_uint_eq(list.count, 1);
    rud_episodes_free(&list);
    free(whole.data);
}
END_TEST

START_TEST(progress_tells_what_was_read)
{
    const char *folder = test_folder();
    rud_journal *journal = open_corridor(folder, 1000);
    append_range(journal, 0, 30);
    const rud_journal_counts counts = rud_journal_count(journal);
    rud_journal_close(&journal);
    FILE *file = fopen(segment_path(folder, (int)counts.segments - 1), "ab");
    fputs("RUDJ and then nothing", file);
    ck_assert_int_eq(fclose(file), 0);
    rud_journal_reader *reader;
    rud_episode *episode;
    ck_ok(rud_journal_reader_open(folder, &reader));
    ck_assert_str_eq(rud_journal_reader_header(reader)->task, "corridor");
    do {
        ck_ok(rud_journal_reader_next(reader, &episode));
        rud_episode_free(&episode);
    } while (rud_journal_reader_progress(reader).tail_bytes == 0);
    const rud_journal_progress progress = rud_journal_reader_progress(reader);
    ck_assert_uint_eq(progress.segments, counts.segments);
    ck_assert_uint_eq(progress.bytes, counts.bytes + 21);
    ck_assert_uint_eq(progress.tail_bytes, 21);
    rud_journal_reader_close(&reader);
}
END_TEST

/* Counts what it is asked about, and wants every seventh. */
static bool every_seventh(void *asked, const char *id)
{
    char expected[64];
    size_t *number = asked;
    const bool is_long = *number % 2 == 1;
    snprintf(expected, sizeof expected, "%s-%zu",
             is_long ? "an id of more than thirty-one bytes" : "short", *number);
    ck_assert_str_eq(id, expected);
    return (*number)++ % 7 == 0;
}

START_TEST(what_is_not_wanted_is_stepped_over)
{
    enum { COUNT = 100 };
    const char *folder = test_folder();
    rud_journal *journal = open_corridor(folder, 1000);
    for (size_t k = 0; k < COUNT; k++) {
        char id[64];
        rud_episode *episode = make_episode(k, 5);
        snprintf(id, sizeof id, "%s-%zu",
                 k % 2 == 1 ? "an id of more than thirty-one bytes" : "short", k);
        ck_ok(rud_episode_set_id(episode, id));
        ck_ok(rud_journal_append(journal, episode, NULL));
        rud_episode_free(&episode);
    }
    rud_journal_close(&journal);
    rud_journal_reader *reader;
    size_t asked = 0, read = 0;
    ck_ok(rud_journal_reader_open(folder, &reader));
    for (;; read++) {
        rud_episode *episode;
        ck_ok(rud_journal_reader_next_wanted(reader, every_seventh, &asked, &episode));
        if (episode == NULL) break;
        rud_episode *expected = make_episode(7 * read, 5);
        assert_same_row(episode->rewards, expected->rewards, expected->steps);
        ck_assert_uint_eq(asked, 7 * read + 1);
        rud_episode_free(&expected);
        rud_episode_free(&episode);
    }
    rud_journal_reader_close(&reader);
    ck_assert_uint_eq(asked, COUNT);
    ck_assert_uint_eq(read, 15);
}
END_TEST

/* Written by tests/fixtures/journal.py, which knows journals by their description only. */
START_TEST(a_journal_of_another_writer_is_read)
{
    static const double observations[] = {0.1, -0.2, 3, 0, 1e-300, -1};
    rud_journal_reader *reader;
    rud_episodes list = {0};
    ck_ok(rud_journal_reader_open("tests/fixtures/journal", &reader));
    const rud_journal_header *header = rud_journal_reader_header(reader);
    ck_assert_str_eq(header->task, "fixture");
    ck_assert_int_eq(header->observation_space.kind, RUD_SPACE_BOX);
    ck_assert_double_eq(header->observation_space.low[0], -INFINITY);
    ck_assert_double_eq(header->observation_space.high[1], 0.1);
    ck_assert_int_eq(header->action_space.kind, RUD_SPACE_DISCRETE);
    ck_assert_int_eq(header->action_space.sizes[0], 40000);
    rud_journal_reader_close(&reader);
    ck_ok(rud_journal_read("tests/fixtures/journal", &list));
    ck_assert_uint_eq(list.count, 2);
    const rud_episode *first = list.items[0], *second = list.items[1];
    ck_assert_str_eq(first->id, "first");
    ck_assert(first->has_seed && first->seed == UINT64_MAX);
    ck_assert(first->terminated && !first->truncated);
    ck_assert_uint_eq(first->steps, 2);
    ck_assert_uint_eq(first->observation_rows, 3);
    assert_same_row(first->observations, observations, 6);
    assert_same_row(first->actions, (const double[]){39999, 0}, 2);
    assert_same_row(first->rewards, (const double[]){0.5, -1.25}, 2);
    ck_assert_str_eq(second->id, "zweite \xc3\xa9");
    ck_assert(!second->has_seed && !second->terminated && second->truncated);
    assert_same_row(second->observations, (const double[]){-300, 0}, 2);
    assert_same_row(second->actions, (const double[]){255}, 1);
    assert_same_row(second->rewards, (const double[]){-2}, 1);
    rud_episodes_free(&list);
}
END_TEST

START_TEST(what_is_no_journal_is_refused)
{
    const char *folder = test_folder();
    char path[1200];
    rud_journal_reader *reader;
    snprintf(path, sizeof path, "%s/a-file", folder);
    write_bytes(path, "{\"id\": 1}\n", 10);
    ck_assert(!rud_is_journal(folder));
    ck_assert(!rud_is_journal(path));
    ck_assert(!rud_is_journal("/nowhere/at all"));
    ck_assert_int_eq(rud_journal_reader_open(folder, &reader), RUD_EFORMAT);
    ck_assert_int_eq(rud_journal_reader_open(path, &reader), RUD_EFORMAT);
    ck_assert_int_eq(rud_journal_reader_open("/nowhere/at all", &reader), RUD_EIO);
    ck_assert_ptr_null(reader);
    write_corridor(folder, 1, 0);
    ck_assert(rud_is_journal(folder));
    ck_assert(rud_is_journal(segment_path(folder, 0)));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("episodes/journal_reader");
    TCase *tests = tcase_create("journal_reader");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_reader_sees_whole_records_only);
    tcase_add_test(tests, damage_is_named_and_the_rest_is_read);
    tcase_add_test(tests, progress_tells_what_was_read);
    tcase_add_test(tests, what_is_not_wanted_is_stepped_over);
    tcase_add_test(tests, a_journal_of_another_writer_is_read);
    tcase_add_test(tests, what_is_no_journal_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}

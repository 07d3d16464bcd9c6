/* After a crash or damage every whole episode is served, once; what is not whole is named. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "episodes/crc32c_private.h"
#include "episodes/journal_private.h"
#include "tests/episodes/journals.h"

/* Stand before the C library's, which take milliseconds: here processes die, the machine never. */
int fsync(int file)
{
    (void)file;
    return 0;
}

int fdatasync(int file)
{
    return fsync(file);
}

/* Where the records of a segment begin; the last entry is the end. The first record is the header.
 * Returns the number of records. */
static size_t find_records(const bytes *b, size_t begins[100])
{
    rud_journal_scan scan = {(const unsigned char *)b->data, b->size, 0};
    rud_journal_frame frame;
    size_t count = 0;
    while (rud_journal_scan_next(&scan, &frame)) begins[count++] = frame.begin;
    begins[count] = b->size;
    return count;
}

static size_t count_readable(const char *path)
{
    rud_journal_reader *reader;
    rud_episode *episode;
    size_t count = 0;
    ck_ok(rud_journal_reader_open(path, &reader));
    for (;;) {
        const rud_status status = rud_journal_reader_next(reader, &episode);
        ck_assert(status == RUD_OK || status == RUD_EFORMAT || status == RUD_ENONFINITE);
        if (status == RUD_OK && episode == NULL) break;
        count += episode != NULL;
        rud_episode_free(&episode);
    }
    rud_journal_reader_close(&reader);
    return count;
}

START_TEST(a_tail_torn_anywhere_is_cut)
{
    const char *folder = test_folder(), *path = segment_path(folder, 0);
    size_t begins[100];
    write_corridor(folder, 5, 0);
    bytes whole = read_bytes(path);
    const size_t last = find_records(&whole, begins) - 1;
    for (size_t size = begins[last] + 1; size < whole.size; size++) {
        write_bytes(path, whole.data, size);
        assert_range(folder, 0, 4); /* a reader stops before it */
        rud_journal *journal = open_corridor(folder, 0);
        const rud_journal_recovery *recovery = rud_journal_recovery_of(journal);
        ck_assert_uint_eq(recovery->torn_bytes, size - begins[last]);
        ck_assert_uint_eq(recovery->damage_count, 0);
        ck_assert_uint_eq(recovery->episodes, 4);
        ck_assert(!rud_journal_has(journal, "episode-4"));
        append_range(journal, 4, 2);
        rud_journal_close(&journal);
        assert_range(folder, 0, 6);
    }
    free(whole.data);
}
END_TEST

/* Some file systems leave zeros where data should have been. */
START_TEST(a_tail_of_zeros_is_cut)
{
    const char *folder = test_folder(), *path = segment_path(folder, 0);
    write_corridor(folder, 5, 0);
    bytes whole = read_bytes(path);
    ck_assert_int_eq(truncate(path, (off_t)whole.size + 5000), 0);
    rud_journal *journal = open_corridor(folder, 0);
    ck_assert_uint_eq(rud_journal_recovery_of(journal)->torn_bytes, 5000);
    rud_journal_close(&journal);
    assert_range(folder, 0, 5);
    free(whole.data);
}
END_TEST

static void assert_same_file(const char *path, const char *data, size_t size)
{
    bytes found = read_bytes(path);
    ck_assert_uint_eq(found.size, size);
    ck_assert_mem_eq(found.data, data, size);
    free(found.data);
}

/* A bit flipped in record `record` (0 is the header) of the only segment: in the last it cannot be
 * told from a torn tail; elsewhere the file is kept aside and only that record is missing. */
static void check_flipped(rud_journal *journal, const bytes *damaged, const char *path,
                          size_t record, const size_t begins[])
{
    const rud_journal_recovery *recovery = rud_journal_recovery_of(journal);
    char aside[1300];
    snprintf(aside, sizeof aside, "%s.corrupt", path);
    ck_assert_uint_eq(recovery->damage_count, record == 5 ? 0 : 1);
    ck_assert_uint_eq(recovery->episodes, record == 0 ? 5 : 4);
    if (record == 5) {
        ck_assert_uint_eq(recovery->torn_bytes, begins[6] - begins[5]);
        return;
    }
    ck_assert_str_eq(recovery->damage[0].kept_as, aside);
    ck_assert_uint_eq(recovery->damage[0].offset, begins[record]);
    ck_assert_uint_eq(recovery->damage[0].bad_bytes, begins[record + 1] - begins[record]);
    ck_assert_uint_eq(recovery->damage[0].episodes, recovery->episodes);
    assert_same_file(aside, damaged->data, damaged->size);
    ck_assert_int_eq(unlink(aside), 0);
}

START_TEST(a_bit_flipped_anywhere_costs_one_record)
{
    const char *folder = test_folder(), *path = segment_path(folder, 0);
    size_t begins[100];
    write_corridor(folder, 5, 0);
    bytes whole = read_bytes(path);
    ck_assert_uint_eq(find_records(&whole, begins), 6);
    for (size_t k = 0, record = 0; k < whole.size; k++) {
        if (k == begins[record + 1]) record++;
        whole.data[k] ^= (char)(1 << k % 8);
        write_bytes(path, whole.data, whole.size);
        if (record > 0) ck_assert_uint_eq(count_readable(folder), 4);
        rud_journal *journal = open_corridor(folder, 0);
        check_flipped(journal, &whole, path, record, begins);
        for (size_t e = 0; e < 5; e++) {
            char id[32];
            snprintf(id, sizeof id, "episode-%zu", e);
            ck_assert_int_eq(rud_journal_has(journal, id), e + 1 != record);
        }
        rud_journal_close(&journal);
        ck_assert_uint_eq(count_readable(folder), record == 0 ? 5 : 4);
        whole.data[k] ^= (char)(1 << k % 8);
    }
    free(whole.data);
}
END_TEST

START_TEST(a_damaged_segment_in_the_middle_is_kept_aside)
{
    const char *folder = test_folder(), *path = segment_path(folder, 2);
    size_t begins[100];
    write_corridor(folder, 30, 1000);
    bytes whole = read_bytes(path);
    const size_t records = find_records(&whole, begins);
    ck_assert_uint_ge(records, 4);
    if (_i == 0) whole.data[begins[2] + 20] ^= 1; /* one record */
    if (_i == 1) whole.size -= 10;                /* the end is missing */
    if (_i == 2) memset(whole.data, 'R', whole.size);
    if (_i == 3) whole.size = 0;
    write_bytes(path, whole.data, whole.size);
    const size_t lost = _i < 2 ? 1 : records - 1;
    ck_assert_uint_eq(count_readable(folder), 30 - lost);
    for (int k = 0; k < 2; k++) { /* the second time there is nothing left to mend */
        rud_journal *journal = open_corridor(folder, 1000);
        const rud_journal_recovery *recovery = rud_journal_recovery_of(journal);
        ck_assert_uint_eq(recovery->damage_count, k == 0);
        ck_assert_uint_eq(recovery->episodes, 30 - lost);
        ck_assert_uint_eq(rud_journal_count(journal).appended, 30);
        rud_journal_close(&journal);
    }
    ck_assert_uint_eq(count_readable(folder), 30 - lost);
    char aside[1300];
    snprintf(aside, sizeof aside, "%s.corrupt", path);
    assert_same_file(aside, whole.data, whole.size);
    free(whole.data);
}
END_TEST

START_TEST(what_was_kept_aside_before_is_not_overwritten)
{
    const char *folder = test_folder(), *path = segment_path(folder, 0);
    char aside[1300];
    snprintf(aside, sizeof aside, "%s.corrupt", path);
    write_corridor(folder, 5, 0);
    write_bytes(aside, "earlier", 7);
    bytes whole = read_bytes(path);
    whole.data[20] ^= 1;
    write_bytes(path, whole.data, whole.size);
    rud_journal *journal = open_corridor(folder, 0);
    rud_journal_close(&journal);
    assert_same_file(aside, "earlier", 7);
    snprintf(aside, sizeof aside, "%s.corrupt.2", path);
    assert_same_file(aside, whole.data, whole.size);
    free(whole.data);
}
END_TEST

/* A crash after the second name was given and before the mended segment stood. */
START_TEST(mending_can_be_cut_short)
{
    const char *folder = test_folder(), *path = segment_path(folder, 0);
    char aside[1300], second[1300];
    snprintf(aside, sizeof aside, "%s.corrupt", path);
    snprintf(second, sizeof second, "%s.corrupt.2", path);
    write_corridor(folder, 5, 0);
    bytes whole = read_bytes(path);
    whole.data[20] ^= 1;
    write_bytes(path, whole.data, whole.size);
    ck_assert_int_eq(link(path, aside), 0);
    char half[1300];
    snprintf(half, sizeof half, "%s/.0000000000.journal.1234.0.tmp", folder);
    write_bytes(half, whole.data, 100);
    rud_journal *journal = open_corridor(folder, 0);
    rud_journal_close(&journal);
    assert_range(folder, 0, 5);
    ck_assert(!rud_file_exists(second));
    ck_assert(!rud_file_exists(half));
    assert_same_file(aside, whole.data, whole.size);
    free(whole.data);
}
END_TEST

static void put_number(char *at, uint32_t number)
{
    for (int k = 0; k < 4; k++) at[k] = (char)(number >> (8 * k));
}

/* Makes the checksums of the record at `begin` right again. */
static void seal(char *record, size_t end)
{
    put_number(record + 8, rud_crc32c(record + RUD_JOURNAL_FRAME, end - RUD_JOURNAL_FRAME));
    put_number(record + 12, rud_crc32c(record, 12));
}

START_TEST(a_version_to_come_is_refused_and_left_alone)
{
    const char *folder = test_folder(), *path = segment_path(folder, _i);
    const rud_journal_options options = rud_journal_options_default();
    size_t begins[100];
    rud_journal *journal;
    write_corridor(folder, 20, 1000);
    bytes whole = read_bytes(path);
    find_records(&whole, begins);
    for (char *at = whole.data;; at++) {
        if (memcmp(at, "version", 7) != 0) continue;
        at[7] = 2;
        break;
    }
    seal(whole.data, begins[1]);
    write_bytes(path, whole.data, whole.size);
    ck_assert_int_eq(rud_journal_open(folder, NULL, &options, &journal), RUD_EFORMAT);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "version 2"));
    assert_same_file(path, whole.data, whole.size);
    free(whole.data);
}
END_TEST

/* Bytes that pass the checksums and are no episode are damage like any other. */
START_TEST(hostile_payloads_are_survived)
{
    const char *folder = test_folder(), *path = segment_path(folder, 0);
    size_t begins[100];
    rud_rng rng = rud_rng_stream(5, "test", (uint64_t)_i);
    write_corridor(folder, 5, 0);
    bytes whole = read_bytes(path);
    find_records(&whole, begins);
    for (int round = 0; round < 50; round++) {
        char *damaged = malloc(whole.size);
        memcpy(damaged, whole.data, whole.size);
        const size_t record = 1 + rud_rng_below(&rng, 5);
        const size_t size = begins[record + 1] - begins[record];
        for (size_t k = 0; k <= rud_rng_below(&rng, 4); k++)
            damaged[begins[record] + RUD_JOURNAL_FRAME +
                    rud_rng_below(&rng, size - RUD_JOURNAL_FRAME)] = (char)rud_rng_u32(&rng);
        seal(damaged + begins[record], size);
        write_bytes(path, damaged, whole.size);
        const size_t readable = count_readable(folder);
        rud_journal *journal = open_corridor(folder, 0);
        ck_assert_uint_ge(readable, 4);
        ck_assert_uint_ge(rud_journal_count(journal).episodes, 4);
        ck_assert_uint_le(rud_journal_count(journal).episodes, readable);
        rud_journal_close(&journal);
        free(damaged);
    }
    free(whole.data);
}
END_TEST

START_TEST(an_episode_that_stands_twice_is_served_once)
{
    const char *folder = test_folder(), *path = segment_path(folder, 0);
    size_t begins[100];
    write_corridor(folder, 5, 0);
    bytes whole = read_bytes(path);
    find_records(&whole, begins);
    FILE *file = fopen(path, "ab");
    fwrite(whole.data + begins[2], 1, begins[4] - begins[2], file);
    ck_assert_int_eq(fclose(file), 0);
    rud_journal *journal = open_corridor(folder, 0);
    ck_assert_uint_eq(rud_journal_recovery_of(journal)->damage_count, 1);
    rud_journal_close(&journal);
    assert_range(folder, 0, 5);
    free(whole.data);
}
END_TEST

START_TEST(a_segment_of_another_task_is_refused)
{
    const char *folder = test_folder(), *other = test_folder();
    const rud_journal_options options = rud_journal_options_default();
    rud_journal_header header = corridor();
    rud_journal *journal;
    write_corridor(folder, 5, 0);
    header.task[0] = 'X';
    ck_ok(rud_journal_open(other, &header, &options, &journal));
    rud_journal_close(&journal);
    bytes foreign = read_bytes(segment_path(other, 0));
    write_bytes(segment_path(folder, 1), foreign.data, foreign.size);
    ck_assert_int_eq(rud_journal_open(folder, NULL, &options, &journal), RUD_EFORMAT);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "Xorridor"));
    assert_same_file(segment_path(folder, 1), foreign.data, foreign.size);
    free(foreign.data);
    rud_journal_header_free(&header);
}
END_TEST

/* Appends groups of three until it is killed; tells through the pipe how many are on disk. */
static void append_until_killed(const char *folder, size_t first, int told)
{
    rud_journal *journal = open_corridor(folder, 2000);
    for (size_t next = first;;) {
        rud_episode *group[3];
        for (size_t k = 0; k < 3; k++) group[k] = make_episode(next + k, 5);
        if (rud_journal_append_many(journal, (const rud_episode *const *)group, 3, NULL) !=
                RUD_OK ||
            rud_journal_sync(journal) != RUD_OK)
            _exit(1);
        for (size_t k = 0; k < 3; k++) rud_episode_free(&group[k]);
        next += 3;
        if (write(told, &next, sizeof next) != sizeof next) _exit(1);
    }
}

/* Kills a writer after `count` acknowledgements and `microseconds` more. Returns how many episodes
 * it has acknowledged. */
static size_t kill_writer(const char *folder, size_t first, size_t count, long microseconds)
{
    int ends[2];
    size_t acknowledged = first;
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t writer = fork();
    if (writer == 0) append_until_killed(folder, first, ends[1]);
    close(ends[1]);
    for (size_t k = 0; k < count; k++)
        ck_assert_int_eq(read(ends[0], &acknowledged, sizeof acknowledged), sizeof acknowledged);
    nanosleep(&(struct timespec){.tv_nsec = 1000 * microseconds}, NULL);
    kill(writer, SIGKILL);
    int how;
    ck_assert_int_eq(waitpid(writer, &how, 0), writer);
    ck_assert(WIFSIGNALED(how));
    while (read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) continue;
    close(ends[0]);
    return acknowledged;
}

START_TEST(a_killed_writer_loses_nothing_acknowledged)
{
    const char *folder = test_folder();
    rud_rng rng = rud_rng_stream(9, "test", 0);
    size_t held = 0;
    for (int round = 0; round < 30; round++) {
        const size_t acknowledged =
            kill_writer(folder, held, 1 + rud_rng_below(&rng, 10), (long)rud_rng_below(&rng, 500));
        rud_journal *journal = open_corridor(folder, 2000);
        held = rud_journal_count(journal).episodes;
        ck_assert_uint_eq(rud_journal_recovery_of(journal)->damage_count, 0);
        ck_assert_uint_ge(held, acknowledged);
        rud_journal_close(&journal);
        assert_range(folder, 0, held);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("episodes/journal_recovery");
    TCase *tests = tcase_create("journal_recovery");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_tail_torn_anywhere_is_cut);
    tcase_add_test(tests, a_tail_of_zeros_is_cut);
    tcase_add_test(tests, a_bit_flipped_anywhere_costs_one_record);
    tcase_add_loop_test(tests, a_damaged_segment_in_the_middle_is_kept_aside, 0, 4);
    tcase_add_test(tests, what_was_kept_aside_before_is_not_overwritten);
    tcase_add_test(tests, mending_can_be_cut_short);
    tcase_add_loop_test(tests, a_version_to_come_is_refused_and_left_alone, 0, 2);
    tcase_add_loop_test(tests, hostile_payloads_are_survived, 0, 10);
    tcase_add_test(tests, an_episode_that_stands_twice_is_served_once);
    tcase_add_test(tests, a_segment_of_another_task_is_refused);
    tcase_add_test(tests, a_killed_writer_loses_nothing_acknowledged);
    suite_add_tcase(suite, tests);
    return suite;
}

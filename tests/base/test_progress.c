#define _XOPEN_SOURCE 700 /* posix_openpt */
#include "base/progress.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/pool.h"
#include "tests/harness.h"

static rud_progress *progress_on(FILE *stream, uint64_t total)
{
    rud_progress *progress;
    ck_assert_int_eq(rud_progress_create(stream, "training", total, &progress), RUD_OK);
    return progress;
}

static char *content_of(FILE *stream)
{
    static char text[65536];
    rewind(stream);
    text[fread(text, 1, sizeof text - 1, stream)] = '\0';
    return text;
}

static void assert_has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part), "'%s' is not in '%s'", part, text);
}

START_TEST(a_file_gets_one_plain_line_at_the_end)
{
    FILE *stream = tmpfile();
    rud_progress *progress = progress_on(stream, 1000);
    for (uint64_t done = 1; done <= 250; done++) rud_progress_update(progress, done, "loss 0.012");
    rud_progress_free(&progress);
    ck_assert_ptr_null(progress);
    char *text = content_of(stream);
    assert_has(text, "training: ");
    assert_has(text, "25 %");
    assert_has(text, "250/1000");
    assert_has(text, "elapsed");
    assert_has(text, "left");
    assert_has(text, "loss 0.012\n");
    ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
    ck_assert_ptr_null(strchr(text, '\r'));
    fclose(stream);
}
END_TEST

START_TEST(finished_work_has_no_time_left)
{
    FILE *stream = tmpfile();
    rud_progress *progress = progress_on(stream, 3);
    rud_progress_advance(progress, 2, "old note");
    rud_progress_advance(progress, 1, NULL);
    rud_progress_free(&progress);
    char *text = content_of(stream);
    assert_has(text, "100 %");
    assert_has(text, "3/3");
    ck_assert_ptr_null(strstr(text, "left"));
    ck_assert_ptr_null(strstr(text, "note"));
    fclose(stream);
}
END_TEST

START_TEST(units_in_the_middle_count)
{
    FILE *stream = tmpfile();
    rud_progress *progress = progress_on(stream, 4);
    rud_progress_update_part(progress, 1, 1.5, NULL);
    rud_progress_free(&progress);
    char *text = content_of(stream);
    assert_has(text, "62 %");
    assert_has(text, "1/4");
    fclose(stream);
}
END_TEST

START_TEST(no_work_at_all_is_finished)
{
    FILE *stream = tmpfile();
    rud_progress *progress = progress_on(stream, 0);
    rud_progress_free(&progress);
    assert_has(content_of(stream), "100 %");
    fclose(stream);
}
END_TEST

START_TEST(an_unknown_total_shows_what_is_done_and_since_when)
{
    FILE *stream = tmpfile();
    rud_progress *progress = progress_on(stream, RUD_TOTAL_UNKNOWN);
    rud_progress_backdate(progress, 75);
    rud_progress_advance(progress, 7, NULL);
    rud_progress_free(&progress);
    const char *content = content_of(stream);
    assert_has(content, "training: 7  1:15 elapsed");
    ck_assert_ptr_null(strchr(content, '%'));
    ck_assert_ptr_null(strstr(content, "left"));
    fclose(stream);
}
END_TEST

/* Opens a pseudo-terminal of `columns`: what is written to *stream can be read from the result; -1
 * where the machine has none, as in some containers. */
static int open_terminal(unsigned short columns, FILE **stream)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0) {
        printf("SKIP progress in a terminal: there is no /dev/ptmx to open\n");
        return -1;
    }
    ck_assert_int_eq(grantpt(master), 0);
    ck_assert_int_eq(unlockpt(master), 0);
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    ck_assert_int_eq(ioctl(master, TIOCSWINSZ, &size), 0);
    *stream = fopen(ptsname(master), "w");
    ck_assert_ptr_nonnull(*stream);
    return master;
}

/* A terminal hands on what was written piece by piece: reads up to the newline. */
static size_t read_last_line(int master, char *text, size_t capacity)
{
    size_t size = 0;
    do {
        ssize_t got = read(master, text + size, capacity - 1 - size);
        ck_assert_int_gt(got, 0);
        size += (size_t)got;
    } while (text[size - 1] != '\n');
    text[size] = '\0';
    return size;
}

START_TEST(a_terminal_gets_a_bar_on_one_line)
{
    FILE *stream;
    int master = open_terminal(60, &stream);
    if (master < 0) return;
    rud_progress *progress = progress_on(stream, 4);
    rud_progress_update(progress, 2, "a note that is too long for the terminal");
    rud_progress_free(&progress);
    char text[4096];
    size_t size = read_last_line(master, text, sizeof text);
    assert_has(text, "\rtraining [");
    assert_has(text, "[........................]   0 %  0/4");
    assert_has(text, "[############............]  50 %  2/4");
    ck_assert_ptr_null(strstr(text, "too long"));
    ck_assert_ptr_eq(strchr(text, '\n'), text + size - 1);
    /* between two returns stands at most one line of the terminal and its four escape bytes */
    for (char *part = strtok(text, "\r\n"); part; part = strtok(NULL, "\r\n")) {
        ck_assert_uint_lt(strlen(part), 60 + 4);
    }
    fclose(stream);
    close(master);
}
END_TEST

START_TEST(silence_is_allowed)
{
    rud_progress *progress = progress_on(NULL, 10);
    rud_progress_update(progress, 5, "note");
    rud_progress_free(&progress);
    rud_progress_update(NULL, 5, "note");
    rud_progress_advance(NULL, 5, NULL);
    rud_progress_free(&progress);
}
END_TEST

static rud_status advance_job(void *context, size_t job, size_t thread)
{
    (void)job;
    (void)thread;
    rud_progress_advance(context, 1, "working");
    return RUD_OK;
}

START_TEST(threads_advance_together)
{
    FILE *stream = tmpfile();
    rud_progress *progress = progress_on(stream, 5000);
    rud_pool *pool;
    ck_assert_int_eq(rud_pool_create(4, &pool), RUD_OK);
    ck_assert_int_eq(rud_pool_run(pool, 5000, advance_job, progress), RUD_OK);
    rud_pool_free(&pool);
    rud_progress_free(&progress);
    assert_has(content_of(stream), "5000/5000");
    fclose(stream);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/progress");
    TCase *tests = tcase_create("progress");
    tcase_add_test(tests, a_file_gets_one_plain_line_at_the_end);
    tcase_add_test(tests, finished_work_has_no_time_left);
    tcase_add_test(tests, units_in_the_middle_count);
    tcase_add_test(tests, no_work_at_all_is_finished);
    tcase_add_test(tests, an_unknown_total_shows_what_is_done_and_since_when);
    tcase_add_test(tests, a_terminal_gets_a_bar_on_one_line);
    tcase_add_test(tests, silence_is_allowed);
    tcase_add_test(tests, threads_advance_together);
    suite_add_tcase(suite, tests);
    return suite;
}

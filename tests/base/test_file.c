#include "base/file.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness.h"

static const char *file_in(const char *folder, const char *name)
{
    static char path[2048];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void assert_content(const char *path, const char *content)
{
    char *bytes;
    size_t size;
    ck_assert_int_eq(rud_file_read(path, 1000, &bytes, &size), RUD_OK);
    ck_assert_uint_eq(size, strlen(content));
    ck_assert_str_eq(bytes, content);
    free(bytes);
}

static int entries(const char *folder)
{
    DIR *listing = opendir(folder);
    ck_assert_ptr_nonnull(listing);
    int count = 0;
    while (readdir(listing)) count++;
    closedir(listing);
    return count - 2; /* . and .. */
}

static void assert_message_has(const char *part)
{
    ck_assert_msg(strstr(rud_last_error(), part), "'%s' is not in '%s'", part, rud_last_error());
}

/* A disk that is full after `bytes`: write() then fails as it does for want of space. */
static struct rlimit limit_file_size(rlim_t bytes)
{
    struct rlimit before, limit;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    return before;
}

START_TEST(write_makes_and_replaces)
{
    const char *folder = test_folder();
    const char *path = file_in(folder, "a");
    ck_assert_int_eq(rud_file_write(path, "one", 3), RUD_OK);
    assert_content(path, "one");
    ck_assert_int_eq(rud_file_write(path, "second", 6), RUD_OK);
    assert_content(path, "second");
    ck_assert_int_eq(rud_file_write(path, NULL, 0), RUD_OK);
    assert_content(path, "");
    ck_assert_int_eq(entries(folder), 1);
}
END_TEST

START_TEST(a_full_disk_leaves_the_old_file)
{
    const char *folder = test_folder();
    const char *path = file_in(folder, "a");
    ck_assert_int_eq(rud_file_write(path, "old", 3), RUD_OK);
    char *large = calloc(1, 1 << 20);
    struct rlimit before = limit_file_size(4096);
    rud_status at_once = rud_file_write(path, large, 1 << 20);
    char message[256];
    snprintf(message, sizeof message, "%s", rud_last_error());
    /* fits into the stream's buffer after the limit: the failure shows at commit only */
    rud_atomic_file file;
    ck_assert_int_eq(rud_atomic_file_open(path, &file), RUD_OK);
    for (int k = 0; k < 5000; k++) fputc('x', file.stream);
    rud_status at_commit = rud_atomic_file_commit(&file);
    setrlimit(RLIMIT_FSIZE, &before);
    free(large);

    ck_assert_int_eq(at_once, RUD_EIO);
    ck_assert_int_eq(at_commit, RUD_EIO);
    ck_assert_msg(strstr(message, path) && strstr(message, "File too large"), "%s", message);
    assert_message_has(path);
    assert_content(path, "old");
    ck_assert_int_eq(entries(folder), 1);
}
END_TEST

START_TEST(abort_leaves_the_old_file)
{
    const char *folder = test_folder();
    const char *path = file_in(folder, "a");
    ck_assert_int_eq(rud_file_write(path, "old", 3), RUD_OK);
    rud_atomic_file file;
    ck_assert_int_eq(rud_atomic_file_open(path, &file), RUD_OK);
    fputs("new", file.stream);
    rud_atomic_file_abort(&file);
    rud_atomic_file_abort(&file);
    ck_assert_int_eq(rud_atomic_file_commit(&file), RUD_ESTATE);
    assert_content(path, "old");
    ck_assert_int_eq(entries(folder), 1);
}
END_TEST

START_TEST(the_old_file_stands_until_commit)
{
    const char *path = file_in(test_folder(), "a");
    ck_assert_int_eq(rud_file_write(path, "old", 3), RUD_OK);
    rud_atomic_file file, other;
    ck_assert_int_eq(rud_atomic_file_open(path, &file), RUD_OK);
    ck_assert_int_eq(rud_atomic_file_open(path, &other), RUD_OK);
    fputs("new", file.stream);
    fputs("newer", other.stream);
    fflush(file.stream);
    assert_content(path, "old");
    ck_assert_int_eq(rud_atomic_file_commit(&file), RUD_OK);
    assert_content(path, "new");
    ck_assert_int_eq(rud_atomic_file_commit(&other), RUD_OK);
    assert_content(path, "newer");
    rud_atomic_file_abort(&file);
    assert_content(path, "newer");
}
END_TEST

/* A process of the same number that was killed may have left its file aside. */
START_TEST(a_name_aside_that_is_taken_is_passed_by)
{
    const char *folder = test_folder();
    const char *path = file_in(folder, "a");
    rud_atomic_file file;
    ck_assert_int_eq(rud_atomic_file_open(path, &file), RUD_OK);
    char left[2048];
    unsigned count;
    size_t stem = strlen(file.aside) - strlen("0.tmp");
    ck_assert_int_eq(sscanf(file.aside + stem, "%u", &count), 1);
    snprintf(left, sizeof left, "%.*s%u.tmp", (int)stem, file.aside, count + 1);
    fclose(fopen(left, "w"));
    rud_atomic_file_abort(&file);
    ck_assert_int_eq(rud_file_write(path, "x", 1), RUD_OK);
    assert_content(path, "x");
}
END_TEST

/* Root may write anywhere, so root's test becomes nobody for a while. */
START_TEST(an_unwritable_folder_is_named)
{
    bool is_root = geteuid() == 0;
    if (is_root && seteuid(65534) != 0) {
        printf("SKIP an_unwritable_folder_is_named: root, and cannot become nobody\n");
        return;
    }
    const char *path = "/rudder-test-of-an-unwritable-folder";
    rud_status written = rud_file_write(path, "x", 1);
    assert_message_has(path);
    assert_message_has("Permission denied");
    rud_status appended = rud_file_append(path, "x", 1);
    assert_message_has(path);
    rud_status made = rud_make_folders(path);
    assert_message_has(path);
    if (is_root) ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(written, RUD_EIO);
    ck_assert_int_eq(appended, RUD_EIO);
    ck_assert_int_eq(made, RUD_EIO);
}
END_TEST

START_TEST(a_folder_in_the_way_is_named)
{
    const char *folder = test_folder();
    ck_assert_int_eq(rud_file_write(folder, "x", 1), RUD_EIO);
    assert_message_has(folder);
    char *bytes;
    size_t size;
    ck_assert_int_eq(rud_file_read(folder, 100, &bytes, &size), RUD_EIO);
    assert_message_has("directory");
    ck_assert_ptr_null(bytes);
    ck_assert_int_eq(rud_file_write(file_in(folder, "none/a"), "x", 1), RUD_EIO);
    assert_message_has("No such file");
}
END_TEST

START_TEST(a_pipe_is_not_replaced)
{
    const char *folder = test_folder();
    const char *path = file_in(folder, "pipe");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(rud_file_write(path, "x", 1), RUD_EIO);
    assert_message_has("pipe: cannot write: it is a device or a pipe");
    rud_atomic_folder instead;
    ck_assert_int_eq(rud_atomic_folder_open(path, &instead), RUD_EIO);
    assert_message_has("pipe: cannot make this folder");
    struct stat entry;
    ck_assert_int_eq(lstat(path, &entry), 0);
    ck_assert(S_ISFIFO(entry.st_mode));
    ck_assert_int_eq(entries(folder), 1);
}
END_TEST

START_TEST(a_file_is_not_replaced_by_a_folder)
{
    const char *folder = test_folder();
    const char *path = file_in(folder, "notes");
    ck_assert_int_eq(rud_file_write(path, "old", 3), RUD_OK);
    rud_atomic_folder instead;
    ck_assert_int_eq(rud_atomic_folder_open(path, &instead), RUD_EIO);
    ck_assert_int_eq(rud_atomic_folder_open(file_in(folder, "notes/"), &instead), RUD_EIO);
    assert_content(file_in(folder, "notes"), "old");
    ck_assert_int_eq(entries(folder), 1);
}
END_TEST

START_TEST(a_link_stays_and_its_file_is_written)
{
    const char *folder = test_folder();
    char link[2048];
    snprintf(link, sizeof link, "%s", file_in(folder, "link"));
    const char *path = file_in(folder, "file");
    ck_assert_int_eq(rud_file_write(path, "old", 3), RUD_OK);
    ck_assert_int_eq(symlink("file", link), 0);
    ck_assert_int_eq(rud_file_write(link, "new", 3), RUD_OK);
    assert_content(path, "new");
    struct stat entry;
    ck_assert_int_eq(lstat(link, &entry), 0);
    ck_assert(S_ISLNK(entry.st_mode));
    ck_assert_int_eq(entries(folder), 2);
}
END_TEST

START_TEST(append_adds_at_the_end)
{
    const char *path = file_in(test_folder(), "log");
    ck_assert_int_eq(rud_file_append(path, "one\n", 4), RUD_OK);
    ck_assert_int_eq(rud_file_append(path, "two\n", 4), RUD_OK);
    assert_content(path, "one\ntwo\n");
}
END_TEST

/* The record crosses the limit: its first part is written and must go again. */
START_TEST(a_failed_append_is_cut_back)
{
    const char *path = file_in(test_folder(), "log");
    ck_assert_int_eq(rud_file_append(path, "first\n", 6), RUD_OK);
    char record[8192];
    memset(record, 'x', sizeof record);
    struct rlimit before = limit_file_size(4096);
    rud_status status = rud_file_append(path, record, sizeof record);
    setrlimit(RLIMIT_FSIZE, &before);
    ck_assert_int_eq(status, RUD_EIO);
    assert_message_has(path);
    assert_content(path, "first\n");
    ck_assert_int_eq(rud_file_append(path, "second\n", 7), RUD_OK);
    assert_content(path, "first\nsecond\n");
}
END_TEST

START_TEST(read_keeps_every_byte)
{
    enum { SIZE = 300001 }; /* more than any first buffer */
    const char *path = file_in(test_folder(), "a");
    char *written = malloc(SIZE), *bytes;
    for (int k = 0; k < SIZE; k++) written[k] = (char)(k % 251);
    ck_assert_int_eq(rud_file_write(path, written, SIZE), RUD_OK);
    size_t size;
    ck_assert_int_eq(rud_file_read(path, SIZE, &bytes, &size), RUD_OK);
    ck_assert_uint_eq(size, SIZE);
    ck_assert_int_eq(memcmp(written, bytes, SIZE), 0);
    ck_assert_int_eq(bytes[SIZE], '\0');
    free(bytes);
    ck_assert_int_eq(rud_file_read(path, SIZE - 1, &bytes, &size), RUD_EFORMAT);
    ck_assert_ptr_null(bytes);
    assert_message_has(path);
    free(written);
}
END_TEST

START_TEST(read_names_what_is_missing)
{
    char *bytes;
    size_t size;
    const char *path = file_in(test_folder(), "none");
    ck_assert_int_eq(rud_file_read(path, 100, &bytes, &size), RUD_EIO);
    assert_message_has(path);
    assert_message_has("No such file");
    ck_assert_ptr_null(bytes);
}
END_TEST

START_TEST(one_file_is_told_from_two)
{
    const char *folder = test_folder();
    char file[2048], other[2048], name[2048];
    snprintf(file, sizeof file, "%s/one", folder);
    snprintf(other, sizeof other, "%s/two", folder);
    snprintf(name, sizeof name, "%s/link", folder);
    ck_assert_int_eq(rud_file_write(file, "x", 1), RUD_OK);
    ck_assert(!rud_same_file(file, other)); /* which is not there */
    ck_assert(!rud_same_file(other, other));
    ck_assert_int_eq(rud_file_write(other, "x", 1), RUD_OK);
    ck_assert(!rud_same_file(file, other));
    ck_assert(rud_same_file(file, file));
    ck_assert_int_eq(symlink(file, name), 0);
    ck_assert(rud_same_file(file, name));
}
END_TEST

START_TEST(folders_are_made_with_their_parents)
{
    const char *folder = test_folder();
    const char *deep = file_in(folder, "a/b//c/");
    ck_assert(!rud_is_folder(deep));
    ck_assert_int_eq(rud_make_folders(deep), RUD_OK);
    ck_assert(rud_is_folder(deep));
    ck_assert_int_eq(rud_make_folders(deep), RUD_OK);

    const char *file = file_in(folder, "file");
    ck_assert(!rud_file_exists(file));
    ck_assert_int_eq(rud_file_write(file, "x", 1), RUD_OK);
    ck_assert(rud_file_exists(file));
    ck_assert(!rud_is_folder(file));
    ck_assert_int_eq(rud_make_folders(file), RUD_EIO);
    ck_assert_int_eq(rud_make_folders(file_in(folder, "file/below")), RUD_EIO);
    ck_assert_int_eq(rud_make_folders(""), RUD_EIO);
}
END_TEST

START_TEST(paths_are_joined_by_one_slash)
{
    const struct {
        const char *folder, *name, *path;
    } cases[] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {"", "b", "b"}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char *path = rud_path_join(cases[k].folder, cases[k].name);
        ck_assert_str_eq(path, cases[k].path);
        free(path);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/file");
    TCase *tests = tcase_create("file");
    tcase_add_test(tests, write_makes_and_replaces);
    tcase_add_test(tests, a_full_disk_leaves_the_old_file);
    tcase_add_test(tests, abort_leaves_the_old_file);
    tcase_add_test(tests, the_old_file_stands_until_commit);
    tcase_add_test(tests, a_name_aside_that_is_taken_is_passed_by);
    tcase_add_test(tests, an_unwritable_folder_is_named);
    tcase_add_test(tests, a_folder_in_the_way_is_named);
    tcase_add_test(tests, a_pipe_is_not_replaced);
    tcase_add_test(tests, a_file_is_not_replaced_by_a_folder);
    tcase_add_test(tests, a_link_stays_and_its_file_is_written);
    tcase_add_test(tests, append_adds_at_the_end);
    tcase_add_test(tests, a_failed_append_is_cut_back);
    tcase_add_test(tests, read_keeps_every_byte);
    tcase_add_test(tests, read_names_what_is_missing);
    tcase_add_test(tests, one_file_is_told_from_two);
    tcase_add_test(tests, folders_are_made_with_their_parents);
    tcase_add_test(tests, paths_are_joined_by_one_slash);
    suite_add_tcase(suite, tests);
    return suite;
}

/* Folders that one process works in at a time. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/harness.h"

/* The lock goes with its process, even one that is killed. */
START_TEST(one_process_at_a_time)
{
    const char *folder = test_folder();
    int ready[2], lock;
    ck_assert_int_eq(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
        const char got = rud_folder_lock(folder, &lock) == RUD_OK;
        if (write(ready[1], &got, 1) != 1) _exit(1);
        for (;;) pause();
    }
    char got = 0;
    ck_assert_int_eq(read(ready[0], &got, 1), 1);
    ck_assert_int_eq(got, 1);
    ck_assert_int_eq(rud_folder_lock(folder, &lock), RUD_ESTATE);
    ck_assert_int_eq(lock, -1);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), folder));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    ck_assert_int_eq(rud_folder_lock(folder, &lock), RUD_OK);
    rud_folder_unlock(&lock);
    ck_assert_int_eq(lock, -1);
    rud_folder_unlock(&lock);
    ck_assert_int_eq(rud_folder_lock(folder, &lock), RUD_OK);
    rud_folder_unlock(&lock);
    ck_assert_int_eq(rud_folder_lock("/nowhere/at/all", &lock), RUD_EIO);
}
END_TEST

/* What a killed process leaves aside is removed; what a living one writes, and all else, stays. */
START_TEST(only_what_the_dead_left_is_swept)
{
    static const char *const stay[] = {".a.tmp",   ".a.1x.0.tmp",      ".a.0.0.tmp", "a.7.0.tmp",
                                       ".7.0.tmp", ".a.7.0.temporary", ".a.7.b.tmp"};
    const char *folder = test_folder();
    char path[1200], own[1200];
    for (size_t k = 0; k < sizeof stay / sizeof *stay; k++) {
        snprintf(path, sizeof path, "%s/%s", folder, stay[k]);
        ck_assert_int_eq(rud_file_write(path, "", 0), RUD_OK);
    }
    snprintf(own, sizeof own, "%s/.model.%ld.3.tmp", folder, (long)getpid());
    ck_assert_int_eq(rud_file_write(own, "", 0), RUD_OK);

    /* a process that is surely dead, in the middle of writing */
    rud_atomic_file file;
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    const pid_t child = fork();
    if (child == 0) _exit(rud_atomic_file_open(path, &file) == RUD_OK ? 0 : 1);
    int code;
    waitpid(child, &code, 0);
    ck_assert_int_eq(code, 0);
    char left[1200];
    snprintf(left, sizeof left, "ls %s/.model.safetensors.%ld.*.tmp >/dev/null 2>&1", folder,
             (long)child);
    ck_assert_int_eq(system(left), 0);
    rud_folder_sweep(folder);
    ck_assert_int_ne(system(left), 0);
    ck_assert(rud_file_exists(own));
    for (size_t k = 0; k < sizeof stay / sizeof *stay; k++) {
        snprintf(path, sizeof path, "%s/%s", folder, stay[k]);
        ck_assert_msg(rud_file_exists(path), "%s is gone", path);
    }
    rud_folder_sweep("/nowhere/at/all");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/folder_lock");
    TCase *tcase = tcase_create("folder");
    tcase_add_test(tcase, one_process_at_a_time);
    tcase_add_test(tcase, only_what_the_dead_left_is_swept);
    suite_add_tcase(suite, tcase);
    return suite;
}

#define _XOPEN_SOURCE 700 /* nftw */
#include "tests/harness.h"

#include <ftw.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 1024, PATHS = 8 };

static char scratch[PATH_SIZE / 2];

static char *next_path(void)
{
    static char paths[PATHS][PATH_SIZE];
    static unsigned next;
    return paths[next++ % PATHS];
}

const char *test_shared(const char *name)
{
    const char *folder = getenv("RUDDER_SHARED");
    char *path = next_path();
    snprintf(path, PATH_SIZE, "%s/%s", folder ? folder : "../shared", name);
    if (access(path, R_OK) == 0) return path;
    static int noted; /* each test runs in a process of its own: one note a test */
    if (!noted++) printf("SKIP %s: %s is not there\n", tcase_name(), path);
    return NULL;
}

const char *test_folder(void)
{
    char *path = next_path();
    snprintf(path, PATH_SIZE, "%s/XXXXXX", scratch);
    ck_assert_ptr_nonnull(mkdtemp(path));
    return path;
}

/* Made by the system's localedef: which locales are installed differs from machine to machine. */
void test_use_decimal_comma(void)
{
    const char *folder = test_folder();
    char command[4 * PATH_SIZE];
    snprintf(command, sizeof command,
             "printf 'LC_NUMERIC\\ndecimal_point \",\"\\nthousands_sep \"\"\\ngrouping -1\\n"
             "END LC_NUMERIC\\n' > %s/comma.txt && "
             "{ localedef -c -i %s/comma.txt %s/comma >%s/log 2>&1; [ -d %s/comma ]; }",
             folder, folder, folder, folder, folder);
    ck_assert_msg(system(command) == 0, "localedef failed: see %s/log", folder);
    ck_assert_int_eq(setenv("LOCPATH", folder, 1), 0);
    ck_assert_ptr_nonnull(setlocale(LC_NUMERIC, "comma"));
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

static int allow_writing(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)place;
    return type == FTW_D || type == FTW_DNR ? chmod(path, 0700) : 0;
}

static void remove_scratch(void)
{
    nftw(scratch, allow_writing, 16, FTW_PHYS);
    nftw(scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static int make_scratch(void)
{
    const char *folder = getenv("TMPDIR");
    snprintf(scratch, sizeof scratch, "%s/rudder-test-XXXXXX", folder ? folder : "/tmp");
    if (mkdtemp(scratch)) return 0;
    perror(scratch);
    return -1;
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* or every forked test would print the buffer again */
    setenv("CK_DEFAULT_TIMEOUT", "120", 0);
    if (make_scratch() != 0) return EXIT_FAILURE;

    SRunner *runner = srunner_create(test_suite());
    srunner_run_all(runner, CK_ENV);
    int run = srunner_ntests_run(runner);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);

    remove_scratch();
    printf("%d checks, %d failed\n", run, failed); /* tests/run reads this line */
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

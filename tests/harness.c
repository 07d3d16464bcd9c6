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

static FILE *open_in(const char *folder, const char *name)
{
    char path[2 * PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "w");
    ck_assert_ptr_nonnull(stream);
    return stream;
}

/* Made by the system's localedef, with a character map of our own: which locales and maps are
 * installed differs from machine to machine. */
void test_use_decimal_comma(void)
{
    const char *folder = test_folder();
    char command[4 * PATH_SIZE];
    FILE *map = open_in(folder, "map"), *locale = open_in(folder, "locale");
    fputs("<code_set_name> ASCII\n<escape_char> /\n<mb_cur_min> 1\n<mb_cur_max> 1\nCHARMAP\n", map);
    for (unsigned c = 0; c < 128; c++) fprintf(map, "<U%04X> /x%02x c\n", c, c);
    fputs("END CHARMAP\n", map);
    fputs("LC_NUMERIC\ndecimal_point \",\"\nthousands_sep \"\"\ngrouping -1\nEND LC_NUMERIC\n",
          locale);
    ck_assert_int_eq(fclose(map), 0);
    ck_assert_int_eq(fclose(locale), 0);
    /* It complains of the categories that are not there. */
    snprintf(command, sizeof command,
             "cd '%s' && localedef -c -f ./map -i ./locale ./comma >/dev/null 2>&1", folder);
    ck_assert_int_ne(system(command), -1);
    ck_assert_int_eq(setenv("LOCPATH", folder, 1), 0);
    ck_assert_ptr_nonnull(setlocale(LC_NUMERIC, "comma"));
    ck_assert_int_eq(unsetenv("LOCPATH"), 0); /* where it is set, newlocale of glibc leaks */
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

/* Folders that one process works in at a time. */
#define _GNU_SOURCE /* flock */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"

rud_status rud_folder_lock(const char *folder, int *lock)
{
    *lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*lock < 0) return rud_error(RUD_EIO, "%s: cannot open: %s", folder, strerror(errno));
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return RUD_OK;
    rud_folder_unlock(lock);
    return rud_error(RUD_ESTATE,
                     "%s: another process works in this folder: wait for its end, or choose "
                     "another folder",
                     folder);
}

void rud_folder_unlock(int *lock)
{
    if (*lock >= 0) close(*lock);
    *lock = -1;
}

/* ".name.<process>.<count>.tmp", as rud_atomic_file_open names it: the process; else 0. */
static long process_of(const char *name)
{
    static const char tail[] = ".tmp";
    const size_t length = strlen(name), end = sizeof tail - 1;
    char *rest;
    if (name[0] != '.' || length <= end || strcmp(name + length - end, tail) != 0) return 0;
    size_t at = length - end, dots = 0;
    while (at > 1 && dots < 2) dots += name[--at] == '.';
    if (dots < 2 || at <= 1) return 0;
    const long process = strtol(name + at + 1, &rest, 10);
    if (*rest != '.' || process <= 0) return 0;
    (void)strtoul(rest + 1, &rest, 10);
    return strcmp(rest, tail) == 0 ? process : 0;
}

void rud_folder_sweep(const char *folder)
{
    DIR *stream = opendir(folder);
    if (stream == NULL) return;
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        const long process = process_of(entry->d_name);
        if (process > 0 && kill((pid_t)process, 0) != 0 && errno == ESRCH)
            unlinkat(dirfd(stream), entry->d_name, 0);
    }
    closedir(stream);
}

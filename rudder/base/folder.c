/* Atomic folders. */
#define _GNU_SOURCE /* renameat2, nftw */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static rud_status failed(const char *path, const char *what)
{
    return rud_error(RUD_EIO, "%s: cannot %s: %s", path, what, strerror(errno));
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

rud_status rud_remove_tree(const char *path)
{
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT) return RUD_OK;
    return failed(path, "be removed");
}

/* A file system without sync for folders is no failure. */
static int sync_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)place;
    if (type != FTW_F && type != FTW_DP) return 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    int result = fsync(file) != 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT) ? -1 : 0;
    close(file);
    return result;
}

/* The path without slashes at its end, as a new string. */
static char *trimmed(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    return strndup(path, length);
}

static rud_status make_parents(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path) return RUD_OK;
    char *parent = strndup(path, (size_t)(slash - path));
    if (parent == NULL) return rud_error(RUD_ENOMEM, "%s: no memory left", path);
    rud_status status = rud_make_folders(parent);
    free(parent);
    return status;
}

static rud_status make_aside(rud_atomic_folder *folder)
{
    static atomic_uint count;
    const char *slash = strrchr(folder->path, '/');
    int parent = slash ? (int)(slash - folder->path) + 1 : 0;
    size_t size = strlen(folder->path) + 64;
    folder->aside = malloc(size);
    if (folder->aside == NULL) return rud_error(RUD_ENOMEM, "%s: no memory left", folder->path);
    int made;
    do {
        snprintf(folder->aside, size, "%.*s.%s.%ld.%u.tmp", parent, folder->path,
                 folder->path + parent, (long)getpid(), atomic_fetch_add(&count, 1u));
        made = mkdir(folder->aside, 0777);
    } while (made != 0 && errno == EEXIST);
    return made == 0 ? RUD_OK : failed(folder->path, "write");
}

static void clear(rud_atomic_folder *folder)
{
    free(folder->path);
    free(folder->aside);
    *folder = (rud_atomic_folder){0};
}

rud_status rud_atomic_folder_open(const char *path, rud_atomic_folder *folder)
{
    *folder = (rud_atomic_folder){.path = trimmed(path)};
    if (folder->path == NULL) return rud_error(RUD_ENOMEM, "%s: no memory left", path);
    rud_status status = RUD_OK;
    if (rud_file_exists(folder->path) && !rud_is_folder(folder->path))
        status = rud_error(RUD_EIO, "%s: cannot make this folder: it is a file", folder->path);
    if (status == RUD_OK) status = make_parents(folder->path);
    if (status == RUD_OK) status = make_aside(folder);
    if (status != RUD_OK) clear(folder);
    return status;
}

/* Without an exchange in one step the old folder steps aside first. */
static int replace_in_two_steps(const rud_atomic_folder *folder)
{
    size_t size = strlen(folder->aside) + 5;
    char *old = malloc(size);
    if (old == NULL) return -1;
    snprintf(old, size, "%s.old", folder->aside);
    int result = rename(folder->path, old);
    if (result == 0 && (result = rename(folder->aside, folder->path)) != 0) {
        int cause = errno;
        if (rename(old, folder->path) != 0) cause = errno;
        errno = cause;
    }
    if (result == 0) rud_remove_tree(old);
    free(old);
    return result;
}

static int put_in_place(const rud_atomic_folder *folder)
{
    if (!rud_file_exists(folder->path)) return rename(folder->aside, folder->path);
    if (renameat2(AT_FDCWD, folder->aside, AT_FDCWD, folder->path, RENAME_EXCHANGE) == 0) {
        rud_remove_tree(folder->aside); /* the old one, now */
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) return -1;
    return replace_in_two_steps(folder);
}

rud_status rud_atomic_folder_commit(rud_atomic_folder *folder)
{
    if (folder->path == NULL) return rud_error(RUD_ESTATE, "this atomic folder is not open");
    rud_status status = RUD_OK;
    if (nftw(folder->aside, sync_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
        status = failed(folder->path, "sync");
    else if (put_in_place(folder) != 0)
        status = failed(folder->path, "put the new folder in place");
    if (status != RUD_OK) rud_remove_tree(folder->aside);
    clear(folder);
    return status;
}

void rud_atomic_folder_abort(rud_atomic_folder *folder)
{
    if (folder->path == NULL) return;
    rud_remove_tree(folder->aside);
    clear(folder);
}

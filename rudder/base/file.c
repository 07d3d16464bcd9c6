#define _XOPEN_SOURCE 700 /* realpath */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static rud_status no_memory(const char *path)
{
    return rud_error(RUD_ENOMEM, "%s: no memory left", path);
}

/* Call while errno still tells the cause. */
static rud_status failed(const char *path, const char *what)
{
    return rud_error(RUD_EIO, "%s: cannot %s: %s", path, what, strerror(errno));
}

/* The folder that `path` lies in, as a new string. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return strdup(".");
    if (slash == path) return strdup("/");
    return strndup(path, (size_t)(slash - path));
}

/* Makes a new or renamed entry durable. A folder that cannot be opened or synced here (no right to
 * read it, a file system without such a call) is no failure. */
static rud_status sync_folder_of(const char *path)
{
    char *folder = folder_of(path);
    if (!folder) return no_memory(path);
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (file < 0) return RUD_OK;
    rud_status status = RUD_OK;
    if (fsync(file) != 0 && errno == EIO) status = failed(path, "sync its folder");
    close(file);
    return status;
}

static rud_status write_all(int file, const char *path, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(file, bytes, size);
        if (written < 0) {
            if (errno == EINTR) continue;
            return failed(path, "write");
        }
        bytes += written;
        size -= (size_t)written;
    }
    return RUD_OK;
}

/* Sets file->aside to "folder/.name.<process>.<count>.tmp" and opens it. A name that is there
 * already was left by a killed process of the same number: the next one is taken. */
static int open_aside(rud_atomic_file *file)
{
    static atomic_uint count;
    const char *slash = strrchr(file->path, '/');
    int folder_length = slash ? (int)(slash - file->path) + 1 : 0;
    size_t size = strlen(file->path) + 64;
    file->aside = malloc(size);
    if (!file->aside) return -1;
    int descriptor;
    do {
        snprintf(file->aside, size, "%.*s.%s.%ld.%u.tmp", folder_length, file->path,
                 file->path + folder_length, (long)getpid(), atomic_fetch_add(&count, 1u));
        descriptor = open(file->aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (descriptor < 0 && errno == EEXIST);
    return descriptor;
}

static void atomic_file_clear(rud_atomic_file *file)
{
    free(file->path);
    free(file->aside);
    *file = (rud_atomic_file){0};
}

/* A device or a pipe would be replaced by the file that is renamed to its name. */
static rud_status check_replaceable(const char *path)
{
    struct stat target;
    if (stat(path, &target) != 0 || S_ISREG(target.st_mode)) return RUD_OK;
    if (S_ISDIR(target.st_mode))
        return rud_error(RUD_EIO, "%s: cannot write: it is a folder", path);
    return rud_error(RUD_EIO, "%s: cannot write: it is a device or a pipe; name a file", path);
}

/* The path as a new string; of a link that leads to a file, the file's, so that the link stays. */
static char *behind_link(const char *path)
{
    struct stat entry;
    char *target = NULL;
    if (lstat(path, &entry) == 0 && S_ISLNK(entry.st_mode)) target = realpath(path, NULL);
    return target ? target : strdup(path);
}

rud_status rud_atomic_file_open(const char *path, rud_atomic_file *file)
{
    *file = (rud_atomic_file){0};
    RUD_TRY(check_replaceable(path));
    file->path = behind_link(path);
    if (!file->path) return no_memory(path);
    int descriptor = open_aside(file);
    if (descriptor >= 0) file->stream = fdopen(descriptor, "w");
    if (file->stream) return RUD_OK;
    rud_status status = failed(path, "write");
    if (descriptor >= 0) {
        close(descriptor);
        unlink(file->aside);
    }
    atomic_file_clear(file);
    return status;
}

/* Brings all that was written to the disk and closes the stream, whatever happens. */
static rud_status sync_and_close(rud_atomic_file *file)
{
    rud_status status = RUD_OK;
    if (fflush(file->stream) != 0) {
        status = failed(file->path, "write");
    } else if (ferror(file->stream)) {
        /* an earlier write failed; what errno said then is gone */
        status = rud_error(RUD_EIO, "%s: cannot write: an earlier write failed", file->path);
    } else if (fsync(fileno(file->stream)) != 0 && errno != EINVAL) {
        status = failed(file->path, "sync");
    }
    if (fclose(file->stream) != 0 && status == RUD_OK) status = failed(file->path, "close");
    file->stream = NULL;
    return status;
}

rud_status rud_atomic_file_commit(rud_atomic_file *file)
{
    if (!file->stream) return rud_error(RUD_ESTATE, "this atomic file is not open");
    rud_status status = sync_and_close(file);
    if (status == RUD_OK && rename(file->aside, file->path) != 0) {
        status = failed(file->path, "put the new file in place");
    }
    if (status == RUD_OK) {
        status = sync_folder_of(file->path);
    } else {
        unlink(file->aside);
    }
    atomic_file_clear(file);
    return status;
}

void rud_atomic_file_abort(rud_atomic_file *file)
{
    if (!file->stream) return;
    fclose(file->stream);
    unlink(file->aside);
    atomic_file_clear(file);
}

rud_status rud_file_write(const char *path, const void *bytes, size_t size)
{
    rud_atomic_file file;
    RUD_TRY(rud_atomic_file_open(path, &file));
    if (size > 0 && fwrite(bytes, 1, size, file.stream) != size) {
        rud_status status = failed(path, "write");
        rud_atomic_file_abort(&file);
        return status;
    }
    return rud_atomic_file_commit(&file);
}

rud_status rud_file_append(const char *path, const void *bytes, size_t size)
{
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0) return failed(path, "append");
    struct stat before;
    if (fstat(file, &before) != 0) {
        rud_status status = failed(path, "append");
        close(file);
        return status;
    }
    rud_status status = write_all(file, path, bytes, size);
    if (status == RUD_OK && fsync(file) != 0 && errno != EINVAL) status = failed(path, "sync");
    if (status != RUD_OK && ftruncate(file, before.st_size) != 0 && S_ISREG(before.st_mode)) {
        status = rud_error_context(status, "a part of a record may stand at the end");
    }
    close(file);
    if (status == RUD_OK && before.st_size == 0) status = sync_folder_of(path);
    return status;
}

/* Grows *bytes to hold at least one byte more than `used` and the NUL. */
static rud_status grow(const char *path, char **bytes, size_t used, size_t *capacity)
{
    if (used + 1 < *capacity) return RUD_OK;
    size_t larger_capacity = *capacity ? 2 * *capacity : 1 << 16;
    if (larger_capacity < *capacity) return no_memory(path);
    char *larger = realloc(*bytes, larger_capacity);
    if (!larger) return no_memory(path);
    *bytes = larger;
    *capacity = larger_capacity;
    return RUD_OK;
}

/* Reads to the end; does not trust the size that the system tells, which pipes have not. */
static rud_status read_all(int file, const char *path, size_t limit, char **bytes, size_t *size)
{
    size_t used = 0, capacity = 0;
    for (;;) {
        RUD_TRY(grow(path, bytes, used, &capacity));
        ssize_t got = read(file, *bytes + used, capacity - used - 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed(path, "read");
        if (got == 0) break;
        used += (size_t)got;
        if (used > limit) {
            return rud_error(RUD_EFORMAT, "%s: larger than the %zu bytes allowed", path, limit);
        }
    }
    (*bytes)[used] = '\0';
    *size = used;
    return RUD_OK;
}

rud_status rud_file_read(const char *path, size_t limit, char **bytes, size_t *size)
{
    *bytes = NULL;
    *size = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return failed(path, "read");
    rud_status status = read_all(file, path, limit, bytes, size);
    close(file);
    if (status != RUD_OK) {
        free(*bytes);
        *bytes = NULL;
    }
    return status;
}

static rud_status make_folder(const char *path)
{
    if (mkdir(path, 0777) == 0 || rud_is_folder(path)) return RUD_OK;
    return failed(path, "make this folder");
}

rud_status rud_make_folders(const char *path)
{
    char *part = strdup(path);
    if (!part) return no_memory(path);
    rud_status status = RUD_OK;
    for (char *at = part + 1; *part && *at && status == RUD_OK; at++) {
        if (*at != '/') continue;
        *at = '\0';
        status = make_folder(part);
        *at = '/';
    }
    if (status == RUD_OK) status = make_folder(part);
    free(part);
    return status;
}

bool rud_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool rud_same_file(const char *a, const char *b)
{
    struct stat left, right;
    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev &&
           left.st_ino == right.st_ino;
}

bool rud_is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

char *rud_path_join(const char *folder, const char *name)
{
    size_t length = strlen(folder);
    bool needs_slash = length > 0 && folder[length - 1] != '/';
    size_t size = length + strlen(name) + 2;
    char *path = malloc(size);
    if (path) snprintf(path, size, "%s%s%s", folder, needs_slash ? "/" : "", name);
    return path;
}

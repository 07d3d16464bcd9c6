/* Files: whole or not at all. A file is written aside, synced to disk and renamed into place. */
#ifndef RUD_BASE_FILE_H
#define RUD_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rud_atomic_file {
    FILE *stream; /* write here */
    char *path;   /* where the file will stand */
    char *aside;  /* where it is written meanwhile: in the same folder */
} rud_atomic_file;

/* Where `path` is a link, the file that it leads to is written. A folder, device or pipe is
 * refused: RUD_EIO. */
rud_status rud_atomic_file_open(const char *path, rud_atomic_file *file);

/* Flushes, syncs, renames, syncs the folder, closes. On failure the old file at `path` is as it
 * was and nothing is left aside; only if the sync of the folder fails does the new file stand. */
rud_status rud_atomic_file_commit(rud_atomic_file *file);

/* Gives up: closes and removes what was written aside. Does nothing after commit. */
void rud_atomic_file_abort(rud_atomic_file *file);

/* A folder written aside, next to where it will stand. */
typedef struct rud_atomic_folder {
    char *path;  /* where the folder will stand */
    char *aside; /* write into this one */
} rud_atomic_folder;

/* Makes the folder aside, and the parents of `path` where they are absent. RUD_EIO where something
 * else than a folder stands at `path`. */
rud_status rud_atomic_folder_open(const char *path, rud_atomic_folder *folder);

/* Syncs everything in the folder and puts it in place. What stood at the path is exchanged in one
 * step where the file system can, and removed. On failure it is as it was. */
rud_status rud_atomic_folder_commit(rud_atomic_folder *folder);

/* Gives up: removes what was written aside. Does nothing after commit. */
void rud_atomic_folder_abort(rud_atomic_folder *folder);

/* Writes bytes[size] as the file `path`, atomically. */
rud_status rud_file_write(const char *path, const void *bytes, size_t size);

/* Appends bytes[size] to `path` (created if absent) and syncs. On failure the file is cut back to
 * its old length. */
rud_status rud_file_append(const char *path, const void *bytes, size_t size);

/* Reads the whole file, at most `limit` bytes; *bytes has a NUL behind its end. Caller owns
 * *bytes. */
rud_status rud_file_read(const char *path, size_t limit, char **bytes, size_t *size);

/* CRC-32 (ISO-HDLC, as in gzip) of the file's bytes. */
rud_status rud_file_crc32(const char *path, uint32_t *crc);

/* Makes the folder and its parents where they are absent. */
rud_status rud_make_folders(const char *path);

/* Removes the file, or the folder with everything in it; what is not there is no failure. */
rud_status rud_remove_tree(const char *path);

/* Locks the folder for this process, until rud_folder_unlock or its end, however it ends.
 * RUD_ESTATE if another one has it. Where the file system has no locks nothing is locked. */
rud_status rud_folder_lock(const char *folder, int *lock);

/* Does nothing where *lock is -1, which it is then. */
void rud_folder_unlock(int *lock);

/* Removes the files aside that killed processes left in the folder. */
void rud_folder_sweep(const char *folder);

bool rud_file_exists(const char *path);
/* Do both paths lead to one file? */
bool rud_same_file(const char *a, const char *b);
bool rud_is_folder(const char *path);

/* "folder/name" as a new string; NULL without memory. Caller owns it. */
char *rud_path_join(const char *folder, const char *name);

#ifdef __cplusplus
}
#endif
#endif

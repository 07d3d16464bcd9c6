/* The files of a journal's folder. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "episodes/journal_private.h"

static const char suffix[] = ".journal";

/* At least ten digits, so that names are in order of age. */
static bool number_of(const char *name, uint64_t *number)
{
    size_t digits = strspn(name, "0123456789");
    if (digits < 10 || digits > 19 || strcmp(name + digits, suffix) != 0) return false;
    *number = strtoull(name, NULL, 10);
    return digits == 10 || name[0] != '0';
}

rud_status rud_journal_segment_path(const char *folder, uint64_t number, char **path)
{
    char name[64];
    snprintf(name, sizeof name, "%010" PRIu64 "%s", number, suffix);
    *path = rud_path_join(folder, name);
    return *path ? RUD_OK : rud_error(RUD_ENOMEM, "%s: no memory for a path", folder);
}

rud_status rud_journal_segments_add(rud_journal_segments *segments, uint64_t number)
{
    if (segments->count == segments->capacity) {
        const size_t capacity = segments->capacity ? 2 * segments->capacity : 16;
        rud_journal_segment *items = realloc(segments->items, capacity * sizeof *items);
        if (items == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu segments", capacity);
        segments->items = items;
        segments->capacity = capacity;
    }
    segments->items[segments->count++] = (rud_journal_segment){.number = number};
    return RUD_OK;
}

static int by_number(const void *a, const void *b)
{
    const uint64_t left = ((const rud_journal_segment *)a)->number;
    const uint64_t right = ((const rud_journal_segment *)b)->number;
    return (left > right) - (left < right);
}

rud_status rud_journal_segments_list(const char *folder, rud_journal_segments *segments)
{
    rud_status status = RUD_OK;
    uint64_t number;
    DIR *directory = opendir(folder);
    if (directory == NULL)
        return rud_error(RUD_EIO, "%s: cannot be opened: %s", folder, strerror(errno));
    for (struct dirent *entry; status == RUD_OK && (entry = readdir(directory));) {
        if (number_of(entry->d_name, &number)) status = rud_journal_segments_add(segments, number);
    }
    closedir(directory);
    if (segments->count > 0)
        qsort(segments->items, segments->count, sizeof *segments->items, by_number);
    return status;
}

void rud_journal_segments_free(rud_journal_segments *segments)
{
    free(segments->items);
    *segments = (rud_journal_segments){0};
}

/* base/file.c writes "name" aside as ".name.<process>.<count>.tmp". */
static bool is_aside(const char *name)
{
    const size_t length = strlen(name);
    return name[0] == '.' && strstr(name, ".journal.") != NULL && length > 4 &&
           strcmp(name + length - 4, ".tmp") == 0;
}

rud_status rud_journal_remove_aside(const char *folder)
{
    DIR *directory = opendir(folder);
    if (directory == NULL)
        return rud_error(RUD_EIO, "%s: cannot be opened: %s", folder, strerror(errno));
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (is_aside(entry->d_name)) unlinkat(dirfd(directory), entry->d_name, 0);
    }
    closedir(directory);
    return RUD_OK;
}

rud_status rud_journal_segment_read(const char *path, unsigned char **bytes, size_t *size)
{
    return rud_file_read(path, RUD_JOURNAL_SEGMENT_MAX, (char **)bytes, size);
}

bool rud_is_journal(const char *path)
{
    char start[4] = "";
    if (rud_is_folder(path)) {
        rud_journal_segments segments = {0};
        const bool found =
            rud_journal_segments_list(path, &segments) == RUD_OK && segments.count > 0;
        rud_journal_segments_free(&segments);
        return found;
    }
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return false; /* a pipe is read once */
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) return false;
    const bool read = fread(start, 1, sizeof start, stream) == sizeof start;
    fclose(stream);
    return read && memcmp(start, "RUDJ", sizeof start) == 0;
}

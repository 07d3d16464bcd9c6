#include "config/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { CONFIG_LIMIT = 1 << 20 };

rud_status rud_run_folder_lock(const char *folder, int *lock)
{
    *lock = -1;
    RUD_TRY(rud_make_folders(folder));
    RUD_TRY(rud_folder_lock(folder, lock));
    rud_folder_sweep(folder);
    return RUD_OK;
}

static bool is_empty(const char *folder)
{
    DIR *stream = opendir(folder);
    if (stream == NULL) return true;
    bool empty = true;
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) empty = false;
    }
    closedir(stream);
    return empty;
}

/* Does the file hold just this text? */
static rud_status same_text(const char *path, const char *text, bool *same)
{
    char *found = NULL;
    size_t size = 0;
    *same = false;
    if (!rud_file_exists(path)) return RUD_OK;
    RUD_TRY(rud_file_read(path, CONFIG_LIMIT, &found, &size));
    *same = strcmp(found, text) == 0;
    free(found);
    return RUD_OK;
}

static rud_status remove_files(const char *folder, const char *const *names)
{
    for (size_t k = 0; names[k] != NULL; k++) {
        char *path = rud_path_join(folder, names[k]);
        if (path == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
        const bool failed = unlink(path) != 0 && errno != ENOENT;
        const rud_status status =
            failed ? rud_error(RUD_EIO, "%s: cannot be removed: %s", path, strerror(errno))
                   : RUD_OK;
        free(path);
        RUD_TRY(status);
    }
    return RUD_OK;
}

static rud_status claim(const char *folder, const char *path, const char *text, bool force,
                        const char *const *replaced)
{
    bool same = false;
    RUD_TRY(same_text(path, text, &same));
    if (same) return RUD_OK;
    if (!force && !is_empty(folder)) {
        return rud_error(RUD_EEXIST,
                         "%s: the folder is not empty and not a run of this configuration; choose "
                         "another with -o, or replace its results with --force",
                         folder);
    }
    RUD_TRY(rud_make_folders(folder));
    RUD_TRY(remove_files(folder, replaced));
    return rud_file_write(path, text, strlen(text));
}

rud_status rud_run_folder_open(const char *folder, const rud_config *config, bool force,
                               const char *const *replaced)
{
    char *text = NULL;
    RUD_TRY(rud_config_to_yaml(config, &text));
    char *path = rud_path_join(folder, "config.yaml");
    const rud_status status = path != NULL ? claim(folder, path, text, force, replaced)
                                           : rud_error(RUD_ENOMEM, "no memory for a path");
    free(path);
    free(text);
    return status;
}

rud_status rud_run_folder_write(const char *folder, const rud_config *config)
{
    char *text = NULL;
    RUD_TRY(rud_config_to_yaml(config, &text));
    char *path = rud_path_join(folder, "config.yaml");
    const rud_status status = path != NULL ? rud_file_write(path, text, strlen(text))
                                           : rud_error(RUD_ENOMEM, "no memory for a path");
    free(path);
    free(text);
    return status;
}

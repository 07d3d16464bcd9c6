/* Where a fit stands, as a file: RUN/checkpoint/<cell>. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "redistribution/checkpoint.h"
#include "training/fit_private.h"

static const size_t format = 0x31465552; /* "RUF1" */
static const size_t largest_file = (size_t)1 << 32;

static char *checkpoint_path(const rud_fit *fit)
{
    return rud_path_join(fit->task->folder, fit->options.cell);
}

static rud_status exchange(rud_fit *fit, rud_checkpoint *checkpoint)
{
    rud_checkpoint_same(checkpoint, format);
    rud_checkpoint_same(checkpoint, sizeof fit->state);
    rud_checkpoint_text(checkpoint, &fit->metrics);
    rud_checkpoint_values(checkpoint, &fit->state, sizeof fit->state);
    rud_predictor_checkpoint(fit->predictor, checkpoint);
    fit->metrics_size = strlen(fit->metrics);
    return rud_checkpoint_status(checkpoint);
}

rud_status rud_fit_save(rud_fit *fit)
{
    char *path = checkpoint_path(fit);
    if (path == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    rud_checkpoint checkpoint = {.reading = false};
    rud_status status = exchange(fit, &checkpoint);
    if (status == RUD_OK) status = rud_file_write(path, checkpoint.to, checkpoint.size);
    free(checkpoint.to);
    free(path);
    return status;
}

static rud_status load(rud_fit *fit, const char *path)
{
    char *bytes = NULL;
    size_t size = 0;
    RUD_TRY(rud_file_read(path, largest_file, &bytes, &size));
    rud_checkpoint checkpoint = {.reading = true, .from = (unsigned char *)bytes, .size = size};
    const rud_status status = exchange(fit, &checkpoint);
    free(bytes);
    if (status == RUD_OK && checkpoint.at == size) return RUD_OK;
    return rud_error(RUD_EFORMAT, "%s is damaged, or of another program: start anew with --force",
                     path);
}

rud_status rud_fit_load(rud_fit *fit)
{
    char *path = checkpoint_path(fit);
    if (path == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    const rud_status status = rud_file_exists(path) ? load(fit, path) : RUD_OK;
    free(path);
    return status;
}

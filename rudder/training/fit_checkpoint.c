/* Where a fit stands, as a file: RUN/checkpoint/<cell>.safetensors. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "training/fit_private.h"

/* The metadata of rud_fit_state's members. */
typedef struct member {
    const char *name;
    size_t offset;
} member;

#define MEMBER(name)                                                                               \
    {                                                                                              \
        "fit." #name, offsetof(rud_fit_state, name)                                                \
    }
static const member members[] = {
    MEMBER(updates),     MEMBER(pass),        MEMBER(batch),     MEMBER(learning_rate),
    MEMBER(waits),       MEMBER(reductions),  MEMBER(reference), MEMBER(best),
    MEMBER(best_main),   MEMBER(best_update), MEMBER(sum_main),  MEMBER(sum_all),
    MEMBER(sum_updates), MEMBER(rows),        MEMBER(padded),    MEMBER(finished),
    MEMBER(diverged),
};
enum { MEMBERS = sizeof members / sizeof members[0] };
_Static_assert(sizeof(rud_fit_state) == MEMBERS * sizeof(double), "a member is not saved");

/* Reads back as infinity: before the first evaluation there is no best loss. */
static const char infinite[] = "1e999";

static rud_status add_state(const rud_fit *fit, rud_tensor_file *file)
{
    for (size_t k = 0; k < MEMBERS; k++) {
        char text[RUD_NUMBER_SIZE];
        double value;
        memcpy(&value, (const char *)&fit->state + members[k].offset, sizeof value);
        if (isfinite(value)) {
            rud_number_text(value, text);
        } else {
            snprintf(text, sizeof text, "%s", infinite);
        }
        RUD_TRY(rud_tensor_file_add_metadata(file, members[k].name, text));
    }
    return RUD_OK;
}

static rud_status get_state(const rud_tensor_file *file, rud_fit_state *state)
{
    for (size_t k = 0; k < MEMBERS; k++) {
        const char *text = rud_tensor_file_metadata(file, members[k].name);
        double value;
        if (text == NULL || !rud_number_parse(text, &value) || !(value >= 0)) {
            return rud_error(RUD_EFORMAT, "metadata \"%s\" is missing or wrong", members[k].name);
        }
        memcpy((char *)state + members[k].offset, &value, sizeof value);
    }
    return RUD_OK;
}

static char *checkpoint_path(const rud_fit *fit)
{
    char name[RUD_NAME_SIZE + 16];
    snprintf(name, sizeof name, "%s.safetensors", fit->options.cell);
    return rud_path_join(fit->task->folder, name);
}

static rud_status fill(const rud_fit *fit, rud_tensor_file *file)
{
    RUD_TRY(rud_tensor_file_add_metadata(file, "fit.cell", fit->options.cell));
    RUD_TRY(rud_tensor_file_add_metadata(file, "fit.metrics", fit->metrics));
    RUD_TRY(add_state(fit, file));
    return rud_predictor_save_state(fit->predictor, file);
}

rud_status rud_fit_save(rud_fit *fit)
{
    char *path = checkpoint_path(fit);
    rud_tensor_file file = {0};
    rud_status status =
        path != NULL ? fill(fit, &file) : rud_error(RUD_ENOMEM, "no memory for a path");
    if (status == RUD_OK) status = rud_tensor_file_write(&file, path);
    rud_tensor_file_free(&file);
    free(path);
    return status;
}

static rud_status take_metrics(rud_fit *fit, const char *text)
{
    char *metrics = strdup(text);
    if (metrics == NULL) return rud_error(RUD_ENOMEM, "no memory for metrics");
    free(fit->metrics);
    fit->metrics = metrics;
    fit->metrics_size = strlen(metrics);
    return RUD_OK;
}

static rud_status take(rud_fit *fit, const rud_tensor_file *file)
{
    const char *cell = rud_tensor_file_metadata(file, "fit.cell");
    const char *metrics = rud_tensor_file_metadata(file, "fit.metrics");
    rud_fit_state state;
    if (cell == NULL || metrics == NULL || strcmp(cell, fit->options.cell) != 0) {
        return rud_error(RUD_EFORMAT, "not a checkpoint of the predictor \"%s\"",
                         fit->options.cell);
    }
    RUD_TRY(get_state(file, &state));
    RUD_TRY(rud_predictor_load_state(fit->predictor, file));
    RUD_TRY(take_metrics(fit, metrics));
    fit->state = state;
    return RUD_OK;
}

rud_status rud_fit_load(rud_fit *fit)
{
    char *path = checkpoint_path(fit);
    if (path == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    rud_tensor_file file = {0};
    rud_status status = RUD_OK;
    if (rud_file_exists(path)) {
        status = rud_tensor_file_read(path, &file);
        if (status == RUD_OK) status = rud_error_context(take(fit, &file), "%s", path);
        if (status == RUD_EFORMAT) {
            status = rud_error_context(status, "the checkpoint cannot be used; start anew with "
                                               "--force");
        }
    }
    rud_tensor_file_free(&file);
    free(path);
    return status;
}

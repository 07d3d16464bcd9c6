/* Return predictors as model files. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "redistribution/predictor_private.h"

static rud_status add_number(rud_tensor_file *file, const char *key, double value)
{
    char text[RUD_NUMBER_SIZE];
    rud_number_text(value, text);
    return rud_tensor_file_add_metadata(file, key, text);
}

static rud_status add_features(const rud_predictor *predictor, rud_tensor_file *file)
{
    const size_t D = rud_features_width(predictor->features);
    char *text = NULL;
    RUD_TRY(rud_features_to_json(predictor->features, &text));
    rud_status status = rud_tensor_file_add_metadata(file, "rudder.features", text);
    free(text);
    RUD_TRY(status);

    float *mean = malloc(D * sizeof *mean);
    if (mean == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu feature means", D);
    for (size_t d = 0; d < D; d++) {
        mean[d] = (float)rud_feature_statistics_mean(&predictor->statistics, d);
    }
    status = rud_tensor_file_add(file, "features.mean", (size_t[]){D}, 1, mean);
    free(mean);
    return status;
}

static rud_status fill(const rud_predictor *predictor, rud_tensor_file *file)
{
    RUD_TRY(rud_tensor_file_add_metadata(file, "rudder.cell", predictor->options.cell));
    RUD_TRY(rud_tensor_file_add_metadata(file, "rudder.version", RUD_VERSION));
    RUD_TRY(add_number(file, "rudder.target_mean", rud_predictor_target_mean(predictor)));
    RUD_TRY(add_number(file, "rudder.target_std", rud_predictor_target_std(predictor)));
    if (predictor->options.target == RUD_TARGET_SUCCESS) {
        RUD_TRY(rud_tensor_file_add_metadata(file, "rudder.target", "success"));
    }
    if (predictor->options.discount != 1) {
        RUD_TRY(add_number(file, "rudder.discount", predictor->options.discount));
    }
    RUD_TRY(predictor->kind->save(predictor, file));
    return add_features(predictor, file);
}

rud_status rud_predictor_save(const rud_predictor *predictor, const char *path)
{
    if (predictor->kind->save == NULL) {
        return rud_error(RUD_EINVAL, "%s: the predictor \"%s\" has no parameters to save", path,
                         predictor->options.cell);
    }
    rud_tensor_file file = {0};
    rud_status status = fill(predictor, &file);
    if (status == RUD_OK) status = rud_tensor_file_write(&file, path);
    rud_tensor_file_free(&file);
    return status;
}

static rud_status read_text(const rud_tensor_file *file, const char *key, const char **text)
{
    *text = rud_tensor_file_metadata(file, key);
    if (*text == NULL) {
        return rud_error(RUD_EFORMAT, "metadata \"%s\" is missing: not a model of rudder", key);
    }
    return RUD_OK;
}

static rud_status read_number(const rud_tensor_file *file, const char *key, double *value)
{
    const char *text = NULL;
    RUD_TRY(read_text(file, key, &text));
    if (!rud_number_parse(text, value) || !isfinite(*value)) {
        return rud_error(RUD_EFORMAT, "metadata \"%s\" is \"%s\"; a finite number is needed", key,
                         text);
    }
    return RUD_OK;
}

static rud_status load_target(rud_predictor *predictor, const rud_tensor_file *file)
{
    double mean = 0, s = 0;
    RUD_TRY(read_number(file, "rudder.target_mean", &mean));
    RUD_TRY(read_number(file, "rudder.target_std", &s));
    if (s < 0) return rud_error(RUD_EFORMAT, "metadata \"rudder.target_std\" is negative");
    predictor->target = (rud_target){.count = 1, .mean = mean, .squares = s * s};

    const char *kind = rud_tensor_file_metadata(file, "rudder.target");
    if (kind != NULL && strcmp(kind, "success") == 0) {
        predictor->options.target = RUD_TARGET_SUCCESS;
    } else if (kind != NULL) {
        return rud_error(RUD_EFORMAT, "metadata \"rudder.target\" is \"%s\": not known", kind);
    }
    if (rud_tensor_file_metadata(file, "rudder.discount") == NULL) return RUD_OK;
    double *discount = &predictor->options.discount;
    RUD_TRY(read_number(file, "rudder.discount", discount));
    if (*discount > 0 && *discount <= 1) return RUD_OK;
    return rud_error(RUD_EFORMAT, "metadata \"rudder.discount\" is not above 0 and at most 1");
}

static rud_status load_feature_mean(rud_predictor *predictor, const rud_tensor_file *file)
{
    const size_t D = rud_features_width(predictor->features);
    const rud_tensor *mean = rud_tensor_file_find(file, "features.mean");
    if (mean == NULL) return RUD_OK;
    if (mean->count != D) {
        return rud_error(RUD_EFORMAT, "features.mean has %zu values, the features give %zu",
                         mean->count, D);
    }
    rud_feature_statistics_add(&predictor->statistics, mean->data, 1);
    return RUD_OK;
}

static rud_status load_from(const rud_tensor_file *file, rud_predictor *predictor)
{
    const char *cell = NULL, *features = NULL;
    RUD_TRY(read_text(file, "rudder.cell", &cell));
    RUD_TRY(read_text(file, "rudder.features", &features));
    predictor->kind = rud_predictor_kind_of(cell);
    if (predictor->kind == NULL || predictor->kind->load == NULL) {
        return rud_error(RUD_EFORMAT, "metadata \"rudder.cell\" is \"%s\": no such predictor",
                         cell);
    }
    RUD_TRY(rud_error_context(rud_features_from_json(features, &predictor->features),
                              "metadata \"rudder.features\""));
    RUD_TRY(rud_predictor_allocate(predictor));
    predictor->options = rud_predictor_options_default();
    snprintf(predictor->options.cell, sizeof predictor->options.cell, "%s", cell);
    RUD_TRY(load_target(predictor, file));
    RUD_TRY(load_feature_mean(predictor, file));
    return predictor->kind->load(predictor, file);
}

static rud_status load_file(const char *path, rud_predictor *predictor)
{
    rud_tensor_file file = {0};
    RUD_TRY(rud_tensor_file_read(path, &file));
    const rud_status status = rud_error_context(load_from(&file, predictor), "%s", path);
    rud_tensor_file_free(&file);
    return status;
}

rud_status rud_predictor_load(const char *path, rud_predictor **predictor)
{
    *predictor = NULL;
    char *file = rud_is_folder(path) ? rud_path_join(path, "model.safetensors") : strdup(path);
    rud_predictor *loaded = calloc(1, sizeof *loaded);
    rud_status status = RUD_OK;
    if (file == NULL || loaded == NULL) {
        status = rud_error(RUD_ENOMEM, "no memory to load a model");
    } else {
        status = load_file(file, loaded);
    }
    free(file);
    if (status != RUD_OK) {
        rud_predictor_free(&loaded);
        return status;
    }
    *predictor = loaded;
    return RUD_OK;
}

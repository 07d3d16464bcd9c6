/* The model that `rudder explain` asks, and what integrated gradients start from. */
#include <stdlib.h>
#include <string.h>

#include "cli/explain.h"

static rud_status load_ours(const cli_explain_arguments *arguments, cli_explain_model *model)
{
    if (arguments->head) {
        return rud_error(RUD_EINVAL, "--head is for networks of others; %s has one head",
                         arguments->model);
    }
    return rud_predictor_load(arguments->model, &model->predictor);
}

/* A network of somebody else has no description of its features. */
static rud_status load_file(const cli_explain_arguments *arguments, const rud_tensor_file *file,
                            cli_explain_model *model)
{
    if (rud_tensor_file_metadata(file, "rudder.features")) return load_ours(arguments, model);
    return rud_error_context(rud_network_from_foreign(file, arguments->head, &model->network), "%s",
                             arguments->model);
}

/* An experiment's folder holds none, say. */
static rud_status check_folder(const char *folder)
{
    char *path = rud_path_join(folder, "model.safetensors");
    if (!path) return rud_error(RUD_ENOMEM, "no memory for a path");
    const bool there = rud_file_exists(path);
    free(path);
    if (there) return RUD_OK;
    return rud_error(RUD_EINVAL,
                     "%s holds no model.safetensors; give a run of `rudder train`, or a file",
                     folder);
}

static rud_status load(const cli_explain_arguments *arguments, cli_explain_model *model)
{
    rud_tensor_file file = {0};
    if (rud_is_folder(arguments->model)) {
        RUD_TRY(check_folder(arguments->model));
        return load_ours(arguments, model);
    }
    RUD_TRY(rud_tensor_file_read(arguments->model, &file));
    const rud_status status = load_file(arguments, &file, model);
    rud_tensor_file_free(&file);
    return status;
}

static size_t width_of(const cli_explain_model *model)
{
    return model->predictor ? rud_features_width(rud_predictor_features(model->predictor))
                            : rud_network_specification(model->network)->inputs;
}

/* The inputs that the episode gives, [steps][D]; the caller owns them. */
static rud_status encode(const cli_explain_model *model, const rud_episode *episode, float **inputs,
                         size_t *steps)
{
    const size_t D = width_of(model);
    const rud_features *features =
        model->predictor ? rud_predictor_features(model->predictor) : NULL;
    if (features) RUD_TRY(rud_features_check(features, episode));
    if (!features && episode->observation_width != D) {
        return rud_error(RUD_EINVAL, "observations have %zu numbers, the network reads %zu",
                         episode->observation_width, D);
    }
    *steps = features ? rud_features_inputs(features, episode) : episode->observation_rows;
    *inputs = malloc(*steps * D * sizeof **inputs);
    if (!*inputs) return rud_error(RUD_ENOMEM, "no memory for %zu inputs", *steps);
    if (features) {
        rud_features_encode(features, episode, *inputs, D);
    } else {
        for (size_t k = 0; k < *steps * D; k++) (*inputs)[k] = (float)episode->observations[k];
    }
    return RUD_OK;
}

/* The first episode of the file. */
static rud_status read_baseline(const char *path, cli_explain_model *model)
{
    rud_dataset_options options = rud_dataset_options_default();
    rud_dataset *dataset;
    rud_episode *episode = NULL;
    options.infos = false;
    options.stream = true;
    rud_status status = rud_dataset_open(path, &options, &dataset);
    if (status != RUD_OK) {
        return rud_error_context(status, "--baseline is neither zero nor mean nor a file");
    }
    status = rud_dataset_next(dataset, &episode);
    if (status == RUD_OK) {
        status =
            rud_error_context(encode(model, episode, &model->given, &model->options.given_steps),
                              "%s", rud_dataset_place(dataset));
    }
    rud_episode_free(&episode);
    rud_dataset_close(&dataset);
    model->options.baseline = RUD_FROM_GIVEN;
    model->options.given = model->given;
    return rud_error_context(status, "--baseline");
}

bool cli_explain_needs_mean(const rud_attribution_options *options)
{
    return (strcmp(options->method->name, "integrated-gradients") == 0 &&
            options->baseline == RUD_FROM_MEAN) ||
           (strcmp(options->method->name, "occlusion") == 0 && options->remove == RUD_REMOVE_MEAN);
}

rud_status cli_explain_model_open(const cli_explain_arguments *arguments, rud_dataset *source,
                                  cli_explain_model *model)
{
    *model = (cli_explain_model){.options = arguments->attribution.options};
    RUD_TRY(load(arguments, model));
    if (arguments->attribution.baseline) {
        RUD_TRY(read_baseline(arguments->attribution.baseline, model));
    }
    if (!model->network || !cli_explain_needs_mean(&model->options)) return RUD_OK;
    return cli_explain_source_mean(source, width_of(model), &model->feature_mean);
}

void cli_explain_model_close(cli_explain_model *model)
{
    rud_predictor_free(&model->predictor);
    rud_network_free(&model->network);
    free(model->feature_mean);
    free(model->given);
    *model = (cli_explain_model){0};
}

rud_status cli_explain_model_explainer(const cli_explain_model *model, rud_explainer **explainer)
{
    if (model->predictor) {
        return rud_explainer_create(model->predictor, &model->options, explainer);
    }
    return rud_explainer_create_for_network(model->network, model->feature_mean, &model->options,
                                            explainer);
}

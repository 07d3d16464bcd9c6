/* What a model file holds. */
#include <string.h>

#include "cli/inspect.h"

static rud_status add_tensors(const rud_tensor_file *file, json_object *object)
{
    json_object *list = json_object_new_array();
    if (!rud_json_put(object, "tensors", list)) return cli_added(false);
    for (size_t k = 0; k < file->tensor_count; k++) {
        const rud_tensor *tensor = &file->tensors[k];
        json_object *item = json_object_new_object(), *shape = json_object_new_array();
        bool added = rud_json_put_text(item, "name", tensor->name);
        added = rud_json_put(item, "shape", shape) && added;
        for (size_t i = 0; added && i < tensor->rank; i++) {
            added = rud_json_push_count(shape, tensor->shape[i]);
        }
        if (!rud_json_push(list, item) || !added) return cli_added(false);
    }
    return RUD_OK;
}

static rud_status add_features(const rud_features *features, json_object *object)
{
    char text[256];
    cli_space_text(rud_features_observation_space(features), text, sizeof text);
    RUD_TRY(cli_added(rud_json_put_text(object, "observation_space", text)));
    cli_space_text(rud_features_action_space(features), text, sizeof text);
    json_object *names = json_object_new_array();
    RUD_TRY(cli_added(
        rud_json_put_text(object, "action_space", text) &&
        rud_json_put_bool(object, "difference", rud_features_difference(features)) &&
        rud_json_put_bool(object, "final_observation", rud_features_final_observation(features)) &&
        rud_json_put_count(object, "inputs", rud_features_width(features)) &&
        rud_json_put(object, "features", names)));
    for (size_t d = 0; d < rud_features_width(features); d++) {
        rud_features_name(features, d, text, sizeof text);
        if (!rud_json_push(names, json_object_new_string(text))) return cli_added(false);
    }
    return RUD_OK;
}

static rud_status add_predictor(const rud_predictor *predictor, json_object *object)
{
    const rud_network *network = rud_predictor_network(predictor);
    RUD_TRY(cli_added(rud_json_put_text(object, "cell", rud_predictor_cell(predictor))));
    if (network) {
        const rud_network_spec *spec = rud_network_specification(network);
        size_t parameters;
        rud_network_parameters_const(network, &parameters);
        RUD_TRY(cli_added(rud_json_put_count(object, "hidden", spec->hidden) &&
                          rud_json_put_count(object, "layers", spec->layers) &&
                          rud_json_put_count(object, "parameters", parameters)));
    }
    RUD_TRY(cli_added(
        rud_json_put_number(object, "target_mean", rud_predictor_target_mean(predictor)) &&
        rud_json_put_number(object, "target_std", rud_predictor_target_std(predictor))));
    return add_features(rud_predictor_features(predictor), object);
}

static rud_status add_model(const char *path, const rud_tensor_file *file, json_object *object)
{
    const bool ours = rud_tensor_file_metadata(file, "rudder.cell") != NULL;
    const char *version = rud_tensor_file_metadata(file, "rudder.version");
    RUD_TRY(cli_added(rud_json_put_text(object, "kind", ours ? "model" : "tensors") &&
                      rud_json_put_text(object, "file", path)));
    if (version) RUD_TRY(cli_added(rud_json_put_text(object, "version", version)));
    if (ours) {
        rud_predictor *predictor;
        RUD_TRY(rud_predictor_load(path, &predictor));
        const rud_status status = add_predictor(predictor, object);
        rud_predictor_free(&predictor);
        RUD_TRY(status);
    }
    return add_tensors(file, object);
}

rud_status cli_inspect_model(const char *path, json_object *object)
{
    rud_tensor_file file = {0};
    RUD_TRY(rud_tensor_file_read(path, &file));
    const rud_status status = add_model(path, &file, object);
    rud_tensor_file_free(&file);
    return status;
}

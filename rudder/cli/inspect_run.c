/* What the folder of an experiment or of a training holds. Nothing is written or repaired: the run
 * may be going on. */
#include <stdlib.h>
#include <string.h>

#include "cli/inspect.h"

static const size_t journal_limit = (size_t)1 << 30;

static bool is_true(json_object *record, const char *name)
{
    json_object *value;
    return json_object_object_get_ex(record, name, &value) && json_object_get_boolean(value);
}

typedef struct journal {
    uint64_t finished, solved, failed, tuning;
} journal;

static void count_record(json_object *record, journal *counts)
{
    json_object *error;
    if (is_true(record, "tuning")) {
        counts->tuning++;
        return;
    }
    counts->finished++;
    counts->solved += is_true(record, "solved");
    counts->failed += json_object_object_get_ex(record, "error", &error) && error;
}

/* Every whole line; a last one without its newline is being written. */
static rud_status count_lines(const char *path, journal *counts)
{
    char *text;
    size_t size, number = 0;
    RUD_TRY(rud_file_read(path, journal_limit, &text, &size));
    rud_status status = RUD_OK;
    char *line = text;
    for (char *end; status == RUD_OK && (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        number++;
        json_object *record = NULL;
        status = rud_json_parse(line, (size_t)(end - line), &record);
        if (status == RUD_OK) count_record(record, counts);
        status = rud_error_context(status, "%s:%zu", path, number);
        json_object_put(record);
    }
    free(text);
    return status;
}

static rud_status add_names(json_object *object, const rud_config *config)
{
    json_object *methods = json_object_new_array(), *delays = json_object_new_array();
    bool added = rud_json_put(object, "methods", methods);
    added = rud_json_put(object, "delays", delays) && added;
    for (size_t k = 0; added && k < config->method_count; k++) {
        added = rud_json_push(methods, json_object_new_string(config->methods[k]));
    }
    for (size_t k = 0; added && k < config->delay_count; k++) {
        added = rud_json_push(delays, json_object_new_int64(config->delays[k]));
    }
    return cli_added(added);
}

static rud_status add_experiment(const char *path, const rud_config *config, json_object *object)
{
    journal counts = {0};
    RUD_TRY(count_lines(path, &counts));
    RUD_TRY(add_names(object, config));
    const size_t variants = config->delay_count ? config->delay_count : 1;
    return cli_added(
        rud_json_put_count(object, "first_seed", config->first_seed) &&
        rud_json_put_count(object, "seeds", config->seed_count) &&
        rud_json_put_count(object, "runs", variants * config->method_count * config->seed_count) &&
        rud_json_put_count(object, "finished", counts.finished) &&
        rud_json_put_count(object, "solved", counts.solved) &&
        rud_json_put_count(object, "failed", counts.failed) &&
        rud_json_put_count(object, "tuning_runs", counts.tuning));
}

/* An experiment has a journal of runs, a training a model. */
static rud_status add_run(const char *folder, const char *config_path, const char *runs,
                          const char *model, json_object *object)
{
    rud_config config;
    if (!rud_file_exists(config_path)) {
        return rud_error(RUD_EFORMAT, "%s: not the folder of a run: it holds no config.yaml",
                         folder);
    }
    const bool experiment = rud_file_exists(runs);
    RUD_TRY(rud_config_read(config_path, NULL, 0, &config));
    RUD_TRY(cli_added(rud_json_put_text(object, "kind", experiment ? "experiment" : "training") &&
                      rud_json_put_text(object, "folder", folder) &&
                      rud_json_put_text(object, "name", config.name) &&
                      rud_json_put_text(object, "environment", config.environment)));
    if (experiment) return add_experiment(runs, &config, object);
    if (!rud_file_exists(model)) {
        return cli_added(rud_json_put_text(object, "model", "not there yet"));
    }
    RUD_TRY(cli_inspect_model(model, object));
    return cli_added(rud_json_put_text(object, "kind", "training"));
}

rud_status cli_inspect_run(const char *folder, json_object *object)
{
    char *config = rud_path_join(folder, "config.yaml");
    char *runs = rud_path_join(folder, "runs.jsonl");
    char *model = rud_path_join(folder, "model.safetensors");
    const rud_status status = config && runs && model
                                  ? add_run(folder, config, runs, model, object)
                                  : rud_error(RUD_ENOMEM, "no memory for the paths of a run");
    free(config);
    free(runs);
    free(model);
    return status;
}

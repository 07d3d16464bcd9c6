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
        json_object *record = json_tokener_parse(line);
        if (record) {
            count_record(record, counts);
        } else {
            status = rud_error(RUD_EFORMAT, "%s:%zu: not JSON", path, number);
        }
        json_object_put(record);
    }
    free(text);
    return status;
}

static rud_status add_names(json_object *object, const rud_config *config)
{
    json_object *methods = json_object_new_array(), *delays = json_object_new_array();
    bool added = cli_json_add(object, "methods", methods);
    added = cli_json_add(object, "delays", delays) && added;
    for (size_t k = 0; added && k < config->method_count; k++) {
        added = json_object_array_add(methods, json_object_new_string(config->methods[k])) == 0;
    }
    for (size_t k = 0; added && k < config->delay_count; k++) {
        added = json_object_array_add(delays, json_object_new_int64(config->delays[k])) == 0;
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
        cli_json_add_count(object, "first_seed", config->first_seed) &&
        cli_json_add_count(object, "seeds", config->seed_count) &&
        cli_json_add_count(object, "runs", variants * config->method_count * config->seed_count) &&
        cli_json_add_count(object, "finished", counts.finished) &&
        cli_json_add_count(object, "solved", counts.solved) &&
        cli_json_add_count(object, "failed", counts.failed) &&
        cli_json_add_count(object, "tuning_runs", counts.tuning));
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
    RUD_TRY(cli_added(cli_json_add_text(object, "kind", experiment ? "experiment" : "training") &&
                      cli_json_add_text(object, "folder", folder) &&
                      cli_json_add_text(object, "name", config.name) &&
                      cli_json_add_text(object, "environment", config.environment)));
    if (experiment) return add_experiment(runs, &config, object);
    if (!rud_file_exists(model)) {
        return cli_added(cli_json_add_text(object, "model", "not there yet"));
    }
    RUD_TRY(cli_inspect_model(model, object));
    return cli_added(cli_json_add_text(object, "kind", "training"));
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

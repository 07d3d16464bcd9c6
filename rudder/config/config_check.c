/* What the table cannot check alone: names, values that don't go together, and what an environment
 * allows. */
#include <string.h>

#include "base/names.h"
#include "config/config_private.h"
#include "episodes/features.h"
#include "nn/cell.h"

static rud_status unknown_name(const char *what, const char *name, rud_names *names)
{
    char known[RUD_NAMES_SIZE];
    rud_names_list(names, known);
    const char *nearest = rud_names_nearest(name, names);
    if (nearest) {
        return rud_error(RUD_EINVAL, "unknown %s \"%s\"; did you mean \"%s\"? There are: %s", what,
                         name, nearest, known);
    }
    return rud_error(RUD_EINVAL, "unknown %s \"%s\"; there are: %s", what, name, known);
}

static bool is_known(const char *name, rud_names *names)
{
    const char *other;
    for (size_t k = 0; (other = names(k)); k++) {
        if (strcmp(other, name) == 0) return true;
    }
    return false;
}

/* Blames the key of the two that was given, the first where both were. */
static rud_status blame_either(const rud_config_reader *reader, const char *first,
                               const char *second, rud_status code)
{
    const rud_config_place place = reader->places[rud_config_key_number(rud_config_find(first))];
    return rud_config_blame(reader, place.line || place.setting ? first : second, code);
}

static rud_status check_methods(const rud_config_reader *reader, const char *path,
                                const char (*methods)[RUD_NAME_SIZE], size_t count)
{
    for (size_t k = 0; k < count; k++) {
        if (!is_known(methods[k], rud_agent_name)) {
            return rud_config_blame(reader, path,
                                    unknown_name("method", methods[k], rud_agent_name));
        }
        for (size_t j = 0; j < k; j++) {
            if (strcmp(methods[j], methods[k]) != 0) continue;
            const rud_status code = rud_error(RUD_EINVAL, "method \"%s\" twice", methods[k]);
            return rud_config_blame(reader, path, code);
        }
    }
    return RUD_OK;
}

/* The name is a folder's too. */
static rud_status check_run_name(const rud_config_reader *reader)
{
    const char *name = reader->config->name;
    if (!strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) return RUD_OK;
    const rud_status code =
        rud_error(RUD_EINVAL, "name \"%s\" cannot be a folder's: leave out slashes", name);
    return rud_config_blame(reader, "name", code);
}

static rud_status check_delays(const rud_config_reader *reader)
{
    const rud_config *config = reader->config;
    for (size_t k = 0; k < config->delay_count; k++) {
        for (size_t j = 0; j < k; j++) {
            if (config->delays[j] != config->delays[k]) continue;
            const rud_status code =
                rud_error(RUD_EINVAL, "delay %lld twice", (long long)config->delays[k]);
            return rud_config_blame(reader, "environment.delay", code);
        }
    }
    return RUD_OK;
}

/* Tries the features on an environment, the observation's encoding first: the message then stands
 * at the key that does not fit. */
static rud_status check_features(const rud_config_reader *reader, const rud_env *env)
{
    const rud_env_spec *spec = rud_env_specification(env);
    const rud_features_options *wanted = &reader->config->agent.features;
    rud_features_options tried = rud_features_options_default();
    rud_features *features = NULL;
    tried.observation_count = wanted->observation_count;
    memcpy(tried.observation, wanted->observation, sizeof tried.observation);
    rud_status status =
        rud_features_create(&tried, &spec->observation_space, &spec->action_space, &features);
    rud_features_free(&features);
    if (status != RUD_OK) return rud_config_blame(reader, "features.observation", status);

    status = rud_features_create(wanted, &spec->observation_space, &spec->action_space, &features);
    rud_features_free(&features);
    return rud_config_blame(reader, "features.action", status);
}

/* Training that waits for more than the buffer's memory can hold would never start. */
static rud_status check_lesson_bytes(const rud_config_reader *reader, const rud_env_spec *spec)
{
    const rud_config *config = reader->config;
    const rud_lesson_buffer_options *buffer = &config->agent.redistributor.lesson_buffer;
    bool used = false;
    for (size_t k = 0; k < config->method_count; k++) {
        used = used || rud_agent_predictor(config->methods[k], "");
    }
    const double numbers = (double)(spec->max_steps + 1) *
                           (double)(spec->observation_space.width + spec->action_space.width + 1);
    const double needed = (double)buffer->min_episodes * numbers * sizeof(double);
    if (!used || needed <= (double)buffer->bytes) return RUD_OK;
    const rud_status code =
        rud_error(RUD_EINVAL,
                  "lesson_buffer.bytes is %zu, but lesson_buffer.min_episodes: %zu need %.0f bytes",
                  buffer->bytes, buffer->min_episodes, needed);
    return blame_either(reader, "lesson_buffer.bytes", "lesson_buffer.min_episodes", code);
}

/* One variant; each option is tried alone first, so that the message stands at its key. */
static rud_status check_variant(const rud_config_reader *reader, int64_t delay)
{
    const rud_config *config = reader->config;
    rud_env_options options = rud_env_options_default();
    rud_env *env = NULL;
    options.delay = delay;
    rud_status status = rud_env_create(config->environment, &options, 1, &env);
    rud_env_free(&env);
    if (status != RUD_OK) return rud_config_blame(reader, "environment.delay", status);

    options.immediate_reward = config->environment_options.immediate_reward;
    status = rud_env_create(config->environment, &options, 1, &env);
    rud_env_free(&env);
    if (status != RUD_OK) return rud_config_blame(reader, "environment.reward", status);

    options.delayed = config->environment_options.delayed;
    status = rud_env_create(config->environment, &options, 1, &env);
    if (status != RUD_OK) return rud_config_blame(reader, "environment.delayed", status);
    status = check_features(reader, env);
    if (status == RUD_OK) status = check_lesson_bytes(reader, rud_env_specification(env));
    rud_env_free(&env);
    return status;
}

static rud_status check_environment(const rud_config_reader *reader)
{
    const rud_config *config = reader->config;
    if (config->environment[0] == '\0') return RUD_OK; /* rud_config_need_environment */
    if (!is_known(config->environment, rud_env_name)) {
        return rud_config_blame(reader, "environment.name",
                                unknown_name("environment", config->environment, rud_env_name));
    }
    RUD_TRY(check_delays(reader));
    if (config->delay_count == 0) return check_variant(reader, 0);
    for (size_t k = 0; k < config->delay_count; k++) {
        RUD_TRY(check_variant(reader, config->delays[k]));
    }
    return RUD_OK;
}

static rud_status check_lesson_buffer(const rud_config_reader *reader)
{
    const rud_lesson_buffer_options *buffer = &reader->config->agent.redistributor.lesson_buffer;
    if (buffer->min_episodes <= buffer->capacity) return RUD_OK;
    const rud_status code = rud_error(RUD_EINVAL,
                                      "training waits for lesson_buffer.min_episodes: %zu, but "
                                      "lesson_buffer.capacity is %zu",
                                      buffer->min_episodes, buffer->capacity);
    return blame_either(reader, "lesson_buffer.min_episodes", "lesson_buffer.capacity", code);
}

static rud_status twice(const rud_config_reader *reader, const rud_config_key *key, size_t k)
{
    char value[RUD_CONFIG_TEXT];
    rud_config_format(reader->config, key, k, value);
    return rud_config_blame(reader, key->path, rud_error(RUD_EINVAL, "%s twice", value));
}

/* A setting that stands twice in the grid would be tried twice. */
static rud_status check_grid(const rud_config_reader *reader)
{
    static const char *const lists[] = {"grid.step_size", "grid.initial_value",
                                        "grid.random_episodes"};
    char one[RUD_CONFIG_TEXT], other[RUD_CONFIG_TEXT];
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const rud_config_key *key = rud_config_find(lists[i]);
        for (size_t k = 0; k < rud_config_count(reader->config, key); k++) {
            rud_config_format(reader->config, key, k, one);
            for (size_t j = 0; j < k; j++) {
                rud_config_format(reader->config, key, j, other);
                if (strcmp(one, other) == 0) return twice(reader, key, k);
            }
        }
    }
    return RUD_OK;
}

/* Without a network there are predictions to take the difference of, and nothing else. */
static rud_status check_redistribution(const rud_config_reader *reader)
{
    const rud_redistributor_options *options = &reader->config->agent.redistributor;
    const rud_attribution_method *method = options->redistribution.attribution.method;
    const rud_status status = rud_attribution_check(&options->redistribution.attribution, NULL);
    if (status != RUD_OK) {
        return blame_either(reader, "redistribution.remove", "redistribution.per", status);
    }
    if (method == rud_attribution_method_at(0) || rud_cell_preset(options->predictor.cell)) {
        return RUD_OK;
    }
    const rud_status code = rud_error(
        RUD_EINVAL,
        "method %s needs the network of an LSTM, and predictor.cell is \"%s\"; choose difference",
        method->name, options->predictor.cell);
    return rud_config_blame(reader, "redistribution.method", code);
}

static rud_status check_learning(const rud_config_reader *reader)
{
    const char *cell = reader->config->agent.redistributor.predictor.cell;
    RUD_TRY(check_run_name(reader));
    if (!is_known(cell, rud_predictor_cell_at)) {
        return rud_config_blame(reader, "predictor.cell",
                                unknown_name("cell", cell, rud_predictor_cell_at));
    }
    RUD_TRY(check_lesson_buffer(reader));
    return check_redistribution(reader);
}

/* A predictor without parameters cannot be a rung, and none can be one twice. */
static rud_status check_ladder(const rud_config_reader *reader)
{
    const rud_offline_options *offline = &reader->config->offline;
    rud_status code = RUD_OK;
    for (size_t k = 0; k < offline->ladder_count && code == RUD_OK; k++) {
        const char *cell = offline->ladder[k];
        if (!is_known(cell, rud_predictor_cell_at))
            code = unknown_name("cell", cell, rud_predictor_cell_at);
        if (strcmp(cell, "uniform") == 0 || strcmp(cell, "exact") == 0) {
            code = rud_error(RUD_EINVAL,
                             "\"%s\" has nothing to train; choose linear or the cell of "
                             "an LSTM",
                             cell);
        }
        for (size_t j = 0; j < k && code == RUD_OK; j++) {
            if (strcmp(offline->ladder[j], cell) == 0) {
                code = rud_error(RUD_EINVAL, "cell \"%s\" twice", cell);
            }
        }
    }
    return rud_config_blame(reader, "offline.ladder", code);
}

static rud_status check_chunks(const rud_config_reader *reader)
{
    const rud_predictor_options *options = &reader->config->agent.redistributor.predictor;
    if (options->chunk_length == 0 || options->chunk_overlap < options->chunk_length) {
        return RUD_OK;
    }
    const rud_status code = rud_error(
        RUD_EINVAL, "chunks of %zu steps cannot overlap by %zu; the overlap must be smaller",
        options->chunk_length, options->chunk_overlap);
    return blame_either(reader, "chunk.overlap", "chunk.length", code);
}

rud_status rud_config_check(const rud_config_reader *reader)
{
    const rud_config *config = reader->config;
    RUD_TRY(check_methods(reader, "methods", config->methods, config->method_count));
    RUD_TRY(check_methods(reader, "grid.methods", config->grid.methods, config->grid.method_count));
    RUD_TRY(check_grid(reader));
    RUD_TRY(check_learning(reader));
    RUD_TRY(check_ladder(reader));
    RUD_TRY(check_chunks(reader));
    return check_environment(reader);
}

rud_status rud_config_check_server(const rud_config_reader *reader)
{
    const rud_config *config = reader->config;
    RUD_TRY(check_learning(reader));
    if (strcmp(config->agent.redistributor.predictor.cell, "exact") != 0) return RUD_OK;
    return rud_config_blame(reader, "predictor.cell",
                            rud_error(RUD_EINVAL, "\"exact\" knows the environments of an "
                                                  "experiment only: choose another for a server"));
}

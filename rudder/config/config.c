#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/json.h"
#include "base/number.h"
#include "config/config_private.h"

static rud_grid grid_default(void)
{
    return (rud_grid){
        .step_sizes = {{.sample_mean = true},
                       {.constant = 0.1},
                       {.constant = 0.03},
                       {.constant = 0.01}},
        .step_size_count = 4,
        .initial_values = {0, 10},
        .initial_value_count = 2,
        .random_episodes = {0},
        .random_episode_count = 1,
        .seeds = 5,
        .cap = 20000,
    };
}

static rud_offline_options offline_default(void)
{
    return (rud_offline_options){
        .ladder = {"linear", "rudder", "lstm1997", "lstm"},
        .ladder_count = 4,
        .held_out = 0.2,
        .held_out_most = 2000,
        .updates = 20000,
        .evaluate_every = 500,
        .patience = 5,
        .reduction = 0.3,
        .reductions = 2,
        .checkpoint_seconds = 5,
        .memory = (size_t)1 << 30,
        .search_updates = 300,
    };
}

rud_config rud_config_default(void)
{
    return (rud_config){
        .name = "experiment",
        .environment_options = rud_env_options_default(),
        .methods = {"rudder"},
        .method_count = 1,
        .seed_count = 10,
        .cap = 100000,
        .window = 750,
        .optimal_share = 0.95,
        .grid = grid_default(),
        .agent = rud_agent_options_default(),
        .train = {.updates = 10000, .learning_rate_end = 1e-4, .decay = 0.3, .test_episodes = 1000},
        .server = rud_server_options_default(),
        .offline = offline_default(),
    };
}

/* "configs/watch-repair.yaml" -> "watch-repair"; cut at a whole character of UTF-8. */
static void name_from_path(const char *path, char *name, size_t size)
{
    const char *slash = strrchr(path, '/');
    const char *start = slash ? slash + 1 : path;
    const char *dot = strrchr(start, '.');
    size_t length = dot && dot != start ? (size_t)(dot - start) : strlen(start);
    if (length == 0) return; /* the default stays */
    if (length >= size) {
        length = size - 1;
        while (length > 0 && ((unsigned char)start[length] & 0xC0) == 0x80) length--;
    }
    memset(name, 0, size);
    memcpy(name, start, length);
}

rud_status rud_config_read(const char *path, const char *const *settings, size_t count,
                           rud_config *config)
{
    rud_config read = rud_config_default();
    name_from_path(path, read.name, sizeof read.name);
    rud_config_reader reader = {.config = &read, .path = path};
    RUD_TRY(rud_config_read_file(&reader));
    for (size_t k = 0; k < count; k++) {
        RUD_TRY(rud_config_read_setting(&reader, "", settings[k]));
    }
    RUD_TRY(rud_config_check(&reader));
    *config = read;
    return RUD_OK;
}

rud_status rud_config_read_server(const char *path, const char *const *settings, size_t count,
                                  rud_config *config)
{
    rud_config read = rud_config_default();
    rud_config_reader reader = {.config = &read, .path = path};
    if (path != NULL) {
        name_from_path(path, read.name, sizeof read.name);
        RUD_TRY(rud_config_read_file(&reader));
    }
    for (size_t k = 0; k < count; k++) {
        RUD_TRY(rud_config_read_setting(&reader, "", settings[k]));
    }
    RUD_TRY(rud_config_check_server(&reader));
    read.server.seed = read.first_seed;
    read.server.features = read.agent.features;
    read.server.redistributor = read.agent.redistributor;
    *config = read;
    return RUD_OK;
}

rud_status rud_config_need_environment(const rud_config *config)
{
    if (config->environment[0] != '\0') return RUD_OK;
    return rud_error(RUD_EINVAL,
                     "environment.name is missing; `rudder envs` lists the environments");
}

rud_status rud_config_set_environment(rud_env_options *options, const char *const *settings,
                                      size_t count)
{
    rud_config config = rud_config_default();
    rud_config_reader reader = {.config = &config};
    config.environment_options = *options;
    for (size_t k = 0; k < count; k++) {
        RUD_TRY(rud_config_read_setting(&reader, "environment.", settings[k]));
    }
    if (config.environment[0]) {
        return rud_config_blame(&reader, "environment.name",
                                rud_error(RUD_EINVAL, "the name cannot be set here"));
    }
    if (config.delay_count > 1) {
        return rud_config_blame(&reader, "environment.delay",
                                rud_error(RUD_EINVAL, "one delay only, not a list"));
    }
    if (config.delay_count == 1) config.environment_options.delay = config.delays[0];
    *options = config.environment_options;
    return RUD_OK;
}

/* Length of the section in a path: 0 for a key at the top. */
static size_t section_length(const char *path)
{
    const char *dot = strchr(path, '.');
    return dot ? (size_t)(dot - path) : 0;
}

/* True for the first key of a section. */
static bool opens_section(size_t k)
{
    const char *path = rud_config_key_at(k)->path;
    const size_t length = section_length(path);
    return length > 0 && (k == 0 || strncmp(rud_config_key_at(k - 1)->path, path, length + 1) != 0);
}

static rud_status no_memory(void)
{
    return rud_error(RUD_ENOMEM, "no memory for a configuration's text");
}

/* A name that was not given, such as the environment's, has no text that reads back. */
static bool is_absent(const rud_config *config, const rud_config_key *key)
{
    return key->type == RUD_CONFIG_NAME && key->capacity == 0 &&
           ((const char *)config)[key->offset] == '\0';
}

rud_status rud_config_to_yaml(const rud_config *config, char **text)
{
    *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(text, &size);
    if (!stream) return no_memory();
    bool failed = false;
    const rud_config_key *key;
    for (size_t k = 0; !failed && (key = rud_config_key_at(k)); k++) {
        const size_t section = section_length(key->path);
        if (opens_section(k)) fprintf(stream, "%.*s:\n", (int)section, key->path);
        if (is_absent(config, key)) continue;
        char *value = rud_config_value_text(config, key);
        failed = !value;
        const char *name = key->path + (section ? section + 1 : 0);
        if (value) fprintf(stream, "%s%s: %s\n", section ? "  " : "", name, value);
        free(value);
    }
    failed = ferror(stream) || failed;
    failed = fclose(stream) != 0 || failed;
    if (!failed) return RUD_OK;
    free(*text);
    *text = NULL;
    return no_memory();
}

/* Numbers and booleans as they are, all else as text. */
static json_object *json_value(const rud_config *config, const rud_config_key *key, size_t i)
{
    double number;
    char text[RUD_CONFIG_TEXT];
    const void *value = (const char *)config + key->offset + i * key->size;
    if (key->type == RUD_CONFIG_NAME) return json_object_new_string(value);
    rud_config_format(config, key, i, text);
    switch (key->type) {
    case RUD_CONFIG_BOOLEAN:
        return json_object_new_boolean(strcmp(text, "true") == 0);
    case RUD_CONFIG_SIZE:
    case RUD_CONFIG_SEED:
        return json_object_new_uint64(strtoull(text, NULL, 10));
    case RUD_CONFIG_INTEGER:
        return json_object_new_int64(strtoll(text, NULL, 10));
    case RUD_CONFIG_REAL:
        return json_object_new_double_s(*(const double *)value, text);
    case RUD_CONFIG_DELAYED:
        if (strcmp(text, "end") == 0) return json_object_new_string(text);
        return json_object_new_int64(strtoll(text, NULL, 10));
    case RUD_CONFIG_STEP_SIZE:
        if (strcmp(text, "1/n") == 0) return json_object_new_string(text);
        return json_object_new_double_s(((const rud_step_size *)value)->constant, text);
    case RUD_CONFIG_OPTION:
        return rud_number_parse(text, &number) ? json_object_new_double_s(number, text)
                                               : json_object_new_string(text);
    default:
        return json_object_new_string(text);
    }
}

static json_object *json_values(const rud_config *config, const rud_config_key *key)
{
    if (key->capacity == 0) return json_value(config, key, 0);
    json_object *array = json_object_new_array();
    for (size_t i = 0; array && i < rud_config_count(config, key); i++) {
        if (rud_json_push(array, json_value(config, key, i))) continue;
        json_object_put(array);
        return NULL;
    }
    return array;
}

static bool json_fill(const rud_config *config, json_object *root)
{
    json_object *section = root; /* owned by root */
    const rud_config_key *key;
    for (size_t k = 0; (key = rud_config_key_at(k)); k++) {
        const size_t length = section_length(key->path);
        if (opens_section(k)) {
            char name[64];
            snprintf(name, sizeof name, "%.*s", (int)length, key->path);
            section = json_object_new_object();
            if (!rud_json_put(root, name, section)) return false;
        }
        json_object *parent = length ? section : root;
        const char *name = key->path + (length ? length + 1 : 0);
        if (!rud_json_put(parent, name, json_values(config, key))) return false;
    }
    return true;
}

rud_status rud_config_to_json(const rud_config *config, char **text)
{
    *text = NULL;
    json_object *root = json_object_new_object();
    if (root && json_fill(config, root)) {
        const char *json = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN);
        if (json) *text = strdup(json);
    }
    json_object_put(root);
    return *text ? RUD_OK : no_memory();
}

/* `text` in lines of at most WIDTH columns, indented. */
static void print_wrapped(FILE *stream, const char *text)
{
    enum { WIDTH = 80, INDENT = 4 };
    size_t column = 0;
    while (*text) {
        const size_t length = strcspn(text, " ");
        if (column > 0 && column + 1 + length > WIDTH) {
            fputc('\n', stream);
            column = 0;
        }
        fprintf(stream, "%*s%.*s", column ? 1 : INDENT, "", (int)length, text);
        column += (column ? 1 : INDENT) + length;
        text += length + strspn(text + length, " ");
    }
    fputc('\n', stream);
}

void rud_config_help(FILE *stream)
{
    const rud_config defaults = rud_config_default();
    const rud_config_key *key;
    for (size_t k = 0; (key = rud_config_key_at(k)); k++) {
        char allowed[RUD_CONFIG_TEXT];
        rud_config_describe(key, allowed);
        char *value = rud_config_value_text(&defaults, key);
        if (opens_section(k) || section_length(key->path) == 0) fputc('\n', stream);
        fprintf(stream, "%s: %s%s; default %s\n", key->path, allowed,
                key->capacity ? ", or a list of such" : "", value ? value : "?");
        print_wrapped(stream, key->help);
        free(value);
    }
}

/* rudder inspect: what a file or folder is. */
#include "cli/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_JSON = 256 };

typedef struct arguments {
    cli_verbosity verbosity;
    const char *path;
    bool json;
} arguments;

static const struct argp_option options[] = {
    {"json", KEY_JSON, 0, 0, "Print one JSON object", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->verbosity;
        return 0;
    case KEY_JSON:
        a->json = true;
        return 0;
    default:
        return cli_one_argument(key, argument, state, "FILE", &a->path);
    }
}

/* A safetensors file starts with the length of its header, which is JSON. */
static rud_status is_model(const char *path, bool *model)
{
    unsigned char start[9] = {0};
    FILE *stream = fopen(path, "rb");
    if (!stream) return rud_error(RUD_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    const size_t read = fread(start, 1, sizeof start, stream);
    const bool failed = ferror(stream) != 0;
    fclose(stream);
    if (failed) return rud_error(RUD_EIO, "%s: cannot be read", path);
    uint64_t length = 0;
    for (size_t k = 0; k < 8; k++) length |= (uint64_t)start[k] << (8 * k);
    const bool named = strstr(path, ".safetensors") != NULL;
    *model = named || (read == sizeof start && start[8] == '{' && length < (1u << 30));
    return RUD_OK;
}

/* A folder that holds no data set is taken for that of a run: the message says what is missing. */
static bool is_run(const char *path)
{
    char *data = rud_path_join(path, "data/main_data.hdf5");
    char *inside = rud_path_join(path, "main_data.hdf5");
    const bool run = !(data && rud_file_exists(data)) && !(inside && rud_file_exists(inside));
    free(data);
    free(inside);
    return run;
}

static rud_status inspect(const char *path, json_object *object)
{
    if (strcmp(path, "-") == 0) return cli_inspect_episodes(path, object);
    if (rud_is_journal(path)) return cli_inspect_episodes(path, object);
    if (rud_is_folder(path)) {
        return is_run(path) ? cli_inspect_run(path, object) : cli_inspect_episodes(path, object);
    }
    bool model = false;
    RUD_TRY(is_model(path, &model));
    return model ? cli_inspect_model(path, object) : cli_inspect_episodes(path, object);
}

static const char *value_text(json_object *value)
{
    if (!value) return "-";
    if (json_object_is_type(value, json_type_string)) return json_object_get_string(value);
    return json_object_to_json_string_ext(value,
                                          JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
}

static void print_number(json_object *value)
{
    if (json_object_is_type(value, json_type_double)) {
        printf("%.6g", json_object_get_double(value));
    } else {
        fputs(value_text(value), stdout);
    }
}

/* "min 3, mean 4.5, max 6". */
static void print_members(json_object *object)
{
    const char *between = "";
    json_object_object_foreach(object, name, value)
    {
        printf("%s%s ", between, name);
        print_number(value);
        between = ", ";
    }
}

static void print_list(json_object *list)
{
    const size_t count = json_object_array_length(list);
    for (size_t k = 0; k < count; k++) {
        json_object *item = json_object_array_get_idx(list, k);
        const bool object = json_object_is_type(item, json_type_object);
        if (object) {
            printf("\n    ");
            print_members(item);
        } else {
            printf("%s%s", k ? ", " : " ", value_text(item));
        }
    }
}

static void print_plain(json_object *object)
{
    json_object *histogram = NULL;
    json_object_object_foreach(object, name, value)
    {
        if (strcmp(name, "return_histogram") == 0) {
            histogram = value;
            continue;
        }
        const bool list = json_object_is_type(value, json_type_array);
        printf("%-*s", list ? 18 : 19, name);
        if (list) {
            print_list(value);
        } else if (json_object_is_type(value, json_type_object)) {
            print_members(value);
        } else {
            print_number(value);
        }
        printf("\n");
    }
    if (histogram) cli_inspect_print_histogram(histogram);
}

static rud_status inspect_and_print(const arguments *a)
{
    json_object *object = json_object_new_object();
    rud_status status = cli_added(object != NULL);
    if (status == RUD_OK) status = inspect(a->path, object);
    /* of a damaged data set what could be read */
    const bool found = object && json_object_object_length(object) > 0;
    if (found && a->json) {
        const rud_status printed = cli_json_print(object, stdout);
        return status == RUD_OK ? printed : status;
    }
    if (found) print_plain(object);
    json_object_put(object);
    return status;
}

int cli_inspect(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_verbosity_argp, 0, 0, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "FILE",
        "Shows what a model (safetensors), a data set of episodes (Minari, D4RL, JSON lines, a "
        "journal of the agent bridge, - for standard input) or the folder of a run holds.",
        children,
        0,
        0};
    arguments a = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    const rud_status status = inspect_and_print(&a);
    return status == RUD_OK ? CLI_DONE : cli_fail(status);
}

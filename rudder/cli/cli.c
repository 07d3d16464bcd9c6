#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int print_failure(int code)
{
    fflush(stdout); /* what was found first stands first */
    fprintf(stderr, "rudder: %s\n", rud_last_error());
    return code;
}

int cli_fail(rud_status status)
{
    return print_failure(status == RUD_EINTERRUPTED ? CLI_INTERRUPTED : CLI_FAILED);
}

int cli_fail_usage(rud_status status)
{
    return print_failure(status == RUD_ENOMEM ? CLI_FAILED : CLI_USAGE);
}

static void print_log(void *context, rud_log_level level, const char *message)
{
    (void)context;
    fprintf(stderr, "%s%s\n", level == RUD_LOG_WARNING ? "warning: " : "", message);
}

static error_t parse_verbosity(int key, char *argument, struct argp_state *state)
{
    (void)argument;
    cli_verbosity *verbosity = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        rud_log_set(print_log, NULL, RUD_LOG_WARNING);
        return 0;
    case 'q':
        verbosity->quiet = true;
        rud_log_set(NULL, NULL, RUD_LOG_WARNING);
        return 0;
    case 'v':
        rud_log_set(print_log, NULL, RUD_LOG_DEBUG);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option verbosity_options[] = {
    {"quiet", 'q', 0, 0, "No progress and no warnings", 0},
    {"verbose", 'v', 0, 0, "Log what is done", 0},
    {0},
};

const struct argp cli_verbosity_argp = {verbosity_options, parse_verbosity, 0, 0, 0, 0, 0};

FILE *cli_progress(const cli_verbosity *verbosity)
{
    return verbosity->quiet ? NULL : stderr;
}

rud_status cli_settings_add(cli_settings *settings, const char *setting)
{
    const char **items = realloc(settings->items, (settings->count + 1) * sizeof *items);
    if (!items) return rud_error(RUD_ENOMEM, "no memory for the settings");
    items[settings->count] = setting;
    settings->items = items;
    settings->count++;
    return RUD_OK;
}

void cli_settings_free(cli_settings *settings)
{
    free(settings->items);
    *settings = (cli_settings){0};
}

error_t cli_one_argument(int key, char *argument, struct argp_state *state, const char *name,
                         const char **value)
{
    switch (key) {
    case ARGP_KEY_ARG:
        if (*value) argp_error(state, "one %s only, found '%s' too", name, argument);
        *value = argument;
        return 0;
    case ARGP_KEY_END:
        if (!*value) argp_error(state, "%s is missing", name);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

uint64_t cli_number(struct argp_state *state, const char *what, const char *text, uint64_t low,
                    uint64_t high)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long number = strtoull(text, &end, 10);
    /* strtoull takes blanks and signs too: the first character must be a digit. */
    if (!isdigit((unsigned char)*text) || *end || errno == ERANGE || number < low ||
        number > high) {
        argp_error(state, "%s must be a whole number from %llu to %llu, found '%s'", what,
                   (unsigned long long)low, (unsigned long long)high, text);
    }
    return number;
}

bool cli_has_extension(const char *path, const char *extension)
{
    const size_t length = path ? strlen(path) : 0, end = strlen(extension);
    return length > end && strcmp(path + length - end, extension) == 0;
}

const char *cli_output_path(struct argp_state *state, const char *path)
{
    if (!*path) argp_error(state, "-o '' names no file: give a path");
    return path;
}

rud_status cli_json_print(json_object *object, FILE *stream)
{
    const char *text = object ? json_object_to_json_string_ext(
                                    object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)
                              : NULL;
    if (text) fprintf(stream, "%s\n", text);
    json_object_put(object);
    return text ? RUD_OK : rud_error(RUD_ENOMEM, "no memory for the JSON output");
}

rud_status cli_json_print_made(bool made, json_object *object, FILE *stream)
{
    if (made) return cli_json_print(object, stream);
    json_object_put(object);
    return cli_json_print(NULL, stream);
}

void cli_space_text(const rud_space *space, char *text, size_t size)
{
    if (space->kind == RUD_SPACE_BOX) {
        snprintf(text, size, "Box(%zu)", space->width);
        return;
    }
    if (space->kind == RUD_SPACE_DISCRETE) {
        snprintf(text, size, "Discrete(%lld)", (long long)space->sizes[0]);
        return;
    }
    if (space->kind == RUD_SPACE_MIXED) {
        size_t discrete = 0;
        for (size_t k = 0; k < space->width; k++) discrete += rud_space_is_discrete(space, k);
        snprintf(text, size, "Mixed(%zu discrete, %zu real)", discrete, space->width - discrete);
        return;
    }
    size_t used = (size_t)snprintf(text, size, "MultiDiscrete([");
    for (size_t k = 0; k < space->width && used < size; k++) {
        used += (size_t)snprintf(text + used, size - used, "%s%lld", k ? ", " : "",
                                 (long long)space->sizes[k]);
    }
    if (used < size) snprintf(text + used, size - used, "])");
}

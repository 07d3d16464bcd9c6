/* rudder judge truth */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/judge.h"

enum { KEY_ENVIRONMENT = 256, KEY_SET, KEY_TRUTH, KEY_THRESHOLD };
#define MOST_BYTES ((size_t)1 << 30)

typedef struct arguments {
    cli_judge_case judged;
    cli_settings settings;
    const char *environment, *truth;
    double threshold;
    rud_env *env; /* of that name */
} arguments;

static const struct argp_option options[] = {
    {"environment", KEY_ENVIRONMENT, "NAME", 0,
     "The episodes are of this environment: the truth is its exact redistribution", 0},
    {"set", KEY_SET, "KEY=VALUE", 0, "Option of the environment, such as delay=20", 0},
    {"truth", KEY_TRUTH, "FILE", 0,
     "JSON lines {\"id\", \"step_relevance\", \"absorbed\"}, as `rudder explain --json` writes "
     "them; absorbed may lack, else it is added",
     0},
    {"threshold", KEY_THRESHOLD, "X", 0,
     "Steps of at least this share of an episode's largest truth carry it (default 0.1)", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->judged;
        return 0;
    case KEY_ENVIRONMENT:
        a->environment = argument;
        return 0;
    case KEY_SET:
        return cli_settings_add(&a->settings, argument) == RUD_OK ? 0 : ENOMEM;
    case KEY_TRUTH:
        a->truth = argument;
        return 0;
    case KEY_THRESHOLD:
        a->threshold = cli_judge_real(state, "--threshold", argument, 0);
        if (a->threshold == 0 || a->threshold > 1) {
            argp_error(state, "--threshold must be above 0 and at most 1, found '%s'", argument);
        }
        return 0;
    case ARGP_KEY_END:
        if (!a->environment == !a->truth) {
            argp_error(state, "give either --environment NAME or --truth FILE");
        }
        if (a->settings.count > 0 && !a->environment) {
            argp_error(state, "--set belongs to --environment");
        }
        cli_output_apart(state, a->judged.judge.page, a->truth);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Truths by episode, [count] rows of T. */
typedef struct truths {
    const rud_episodes *episodes;
    double **rows; /* [count]; NULL until found */
} truths;

static const char *id_of(json_object *line)
{
    json_object *id = NULL;
    json_object_object_get_ex(line, "id", &id);
    return json_object_is_type(id, json_type_string) || json_object_is_type(id, json_type_int)
               ? json_object_get_string(id)
               : NULL;
}

/* Adds the numbers of a field to row[steps]. */
static rud_status add_numbers(json_object *line, const char *field, size_t steps, double *row)
{
    json_object *array = NULL;
    json_object_object_get_ex(line, field, &array);
    if (!json_object_is_type(array, json_type_array)) {
        return rud_error(RUD_EFORMAT, "%s is missing, or not an array", field);
    }
    if (json_object_array_length(array) != steps) {
        return rud_error(RUD_EFORMAT, "it has %zu steps, %s has %zu", steps, field,
                         json_object_array_length(array));
    }
    for (size_t t = 0; t < steps; t++) {
        double number;
        if (!rud_json_number_at(array, t, &number) || !isfinite(number)) {
            return rud_error(RUD_EFORMAT, "%s[%zu] is not a finite number", field, t);
        }
        row[t] += number;
    }
    return RUD_OK;
}

/* What lrp absorbed is part of its truth, as it is of the relevance that is judged. */
static rud_status take_numbers(json_object *line, const rud_episode *episode, double *row)
{
    rud_status status = add_numbers(line, "step_relevance", episode->steps, row);
    if (status == RUD_OK && json_object_object_get_ex(line, "absorbed", NULL)) {
        status = add_numbers(line, "absorbed", episode->steps, row);
    }
    return rud_error_context(status, "episode \"%s\"", episode->id);
}

/* Truths of episodes that are not there are left out. */
static rud_status take_line(truths *t, json_object *line)
{
    const char *id = id_of(line);
    if (!id) return rud_error(RUD_EFORMAT, "no \"id\"");
    for (size_t e = 0; e < t->episodes->count; e++) {
        const rud_episode *episode = t->episodes->items[e];
        if (!episode->id || strcmp(episode->id, id) != 0) continue;
        if (t->rows[e]) return rud_error(RUD_EFORMAT, "id \"%s\" stands there twice", id);
        t->rows[e] = calloc(episode->steps, sizeof *t->rows[e]);
        if (!t->rows[e]) return rud_error(RUD_ENOMEM, "no memory for %zu steps", episode->steps);
        return take_numbers(line, episode, t->rows[e]);
    }
    return RUD_OK;
}

static rud_status take_lines(truths *t, const char *path, char *text)
{
    char *rest = NULL;
    size_t number = 0;
    for (char *line = text; line; line = rest) {
        rest = strchr(line, '\n');
        if (rest) *rest++ = '\0';
        number++;
        if (line[strspn(line, " \t\r")] == '\0') continue;
        json_object *object = NULL;
        rud_status status = rud_json_parse(line, strlen(line), &object);
        if (status == RUD_OK) status = take_line(t, object);
        json_object_put(object);
        RUD_TRY(rud_error_context(status, "%s:%zu", path, number));
    }
    for (size_t e = 0; e < t->episodes->count; e++) {
        const char *id = t->episodes->items[e]->id;
        if (t->rows[e]) continue;
        if (!id) {
            return rud_error(RUD_EFORMAT, "episode %zu has no id, by which %s tells its truth", e,
                             path);
        }
        return rud_error(RUD_EFORMAT, "%s: no line for episode %zu, id \"%s\"", path, e, id);
    }
    return RUD_OK;
}

static rud_status read_truths(truths *t, const char *path)
{
    char *text;
    size_t size;
    t->rows = calloc(t->episodes->count, sizeof *t->rows);
    if (!t->rows) return rud_error(RUD_ENOMEM, "no memory for %zu episodes", t->episodes->count);
    RUD_TRY(rud_file_read(path, MOST_BYTES, &text, &size));
    const rud_status status = take_lines(t, path, text);
    free(text);
    return status;
}

static rud_status judge(void *context, const rud_judge_case *what, rud_judgement *judgement)
{
    const arguments *a = context;
    truths t = {.episodes = &a->judged.episodes};
    rud_status status = a->truth ? read_truths(&t, a->truth) : RUD_OK;
    if (status == RUD_OK) {
        const rud_judge_truth_options truth_options = {
            .env = a->env, .truth = (const double *const *)t.rows, .threshold = a->threshold};
        status = rud_judge_truth(what, &truth_options, &a->judged.judge.work, judgement);
    }
    for (size_t e = 0; t.rows && e < t.episodes->count; e++) free(t.rows[e]);
    free(t.rows);
    return status;
}

/* Makes the environment; what is wrong then was wrong on the command line. */
static rud_status open_environment(arguments *a)
{
    rud_env_options env_options = rud_env_options_default();
    RUD_TRY(rud_config_set_environment(&env_options, a->settings.items, a->settings.count));
    RUD_TRY(rud_env_create(a->environment, &env_options, 1, &a->env));
    if (rud_env_specification(a->env)->has_expected_return) return RUD_OK;
    return rud_error(RUD_EINVAL, "%s does not know its expected return; give --truth FILE",
                     a->environment);
}

int cli_judge_truth(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_judge_case_argp, 0, 0, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "EPISODES",
        "Compares relevance with the exact redistribution of the environment (the change of the "
        "expected return at each step) or with a given truth.\v"
        "With --environment the mean over the episodes is taken off step 0 on both sides: the "
        "truth has the mean return there, and not every method does.",
        children,
        0,
        0};
    arguments a = {.threshold = rud_judge_truth_options_default().threshold};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    const rud_status status = a.environment ? open_environment(&a) : RUD_OK;
    const int code =
        status == RUD_OK ? cli_judge_case_run(&a.judged, judge, &a) : cli_fail_usage(status);
    cli_judge_case_free(&a.judged);
    rud_env_free(&a.env);
    cli_settings_free(&a.settings);
    return code;
}

/* rudder envs: lists the environments, or records episodes of the random policy. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum { KEY_SET = 256, KEY_SEED, KEY_JSON };

typedef struct arguments {
    cli_verbosity verbosity;
    cli_settings settings;
    const char *action; /* NULL: list */
    const char *name, *output;
    uint64_t count, seed;
    bool json;
} arguments;

static const struct argp_option options[] = {
    {0, 0, 0, 0, "Listing:", 1},
    {"json", KEY_JSON, 0, 0, "Print a JSON array", 1},
    {0, 0, 0, 0, "Rollout:", 2},
    {"episodes", 'n', "N", 0, "Episodes (default 1)", 2},
    {"seed", KEY_SEED, "S", 0, "Episode k has the seed S + k (default 0)", 2},
    {"set", KEY_SET, "KEY=VALUE", 0, "Option of the environment, such as delay=20", 2},
    {"output", 'o', "OUT", 0,
     "Write here instead of standard output, whole or not at all: .jsonl are JSON lines, .hdf5 "
     "Minari's bare file, a path without extension its folder",
     2},
    {0},
};

static void check_end(const arguments *a, struct argp_state *state)
{
    if (!a->action && (a->settings.count || a->count || a->output || a->seed)) {
        argp_error(state, "-n, --seed, --set and -o belong to `envs rollout NAME`");
    }
    if (!a->action) return;
    if (!a->name) argp_error(state, "NAME is missing; `rudder envs` lists the environments");
    if (a->json)
        argp_error(state, "a rollout writes JSON lines unless -o says otherwise: leave out --json");
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->verbosity;
        return 0;
    case KEY_SET:
        if (cli_settings_add(&a->settings, argument) == RUD_OK) return 0;
        return ENOMEM;
    case KEY_SEED:
        a->seed = cli_number(state, "--seed", argument, 0, UINT64_MAX);
        return 0;
    case KEY_JSON:
        a->json = true;
        return 0;
    case 'n':
        a->count = cli_number(state, "-n", argument, 1, 1000000000);
        return 0;
    case 'o':
        a->output = cli_output_path(state, argument);
        return 0;
    case ARGP_KEY_ARG:
        if (!a->action && strcmp(argument, "rollout") == 0) {
            a->action = argument;
        } else if (a->action && !a->name) {
            a->name = argument;
        } else {
            argp_error(state, "'%s' is not understood; write `envs` or `envs rollout NAME`",
                       argument);
        }
        return 0;
    case ARGP_KEY_END:
        check_end(a, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The options that --set takes, in text[size]: "delay, delayed". */
static void option_names(const rud_env_spec *spec, char *text, size_t size)
{
    snprintf(text, size, "%s%sdelayed", spec->options & RUD_ENV_HAS_DELAY ? "delay, " : "",
             spec->options & RUD_ENV_HAS_REWARD ? "reward, " : "");
}

static rud_status add_json(json_object *list, const rud_env_spec *spec, const char *observation,
                           const char *action, const char *names)
{
    json_object *o = json_object_new_object(); /* the list owns it from here on */
    if (rud_json_push(list, o) && rud_json_put_text(o, "name", spec->name) &&
        rud_json_put_text(o, "summary", spec->summary) &&
        rud_json_put_text(o, "observation_space", observation) &&
        rud_json_put_text(o, "action_space", action) && rud_json_put_text(o, "options", names) &&
        rud_json_put_count(o, "max_steps", spec->max_steps) &&
        rud_json_put_number(o, "reward_min", spec->reward_min) &&
        rud_json_put_number(o, "reward_max", spec->reward_max) &&
        rud_json_put_number(o, "optimal_return", spec->optimal_return)) {
        return RUD_OK;
    }
    return rud_error(RUD_ENOMEM, "no memory for the JSON output");
}

/* One environment: into `list`, or printed where that is NULL. */
static rud_status list_one(const char *name, json_object *list)
{
    const rud_env_options env_options = rud_env_options_default();
    rud_env *env;
    RUD_TRY(rud_env_create(name, &env_options, 1, &env));
    const rud_env_spec *spec = rud_env_specification(env);
    char observation[256], action[256], names[64];
    cli_space_text(&spec->observation_space, observation, sizeof observation);
    cli_space_text(&spec->action_space, action, sizeof action);
    option_names(spec, names, sizeof names);
    rud_status status = RUD_OK;
    if (list) {
        status = add_json(list, spec, observation, action, names);
    } else {
        printf("%s\n  %s\n  observation %s, action %s, at most %zu steps", spec->name,
               spec->summary, observation, action, spec->max_steps);
        if (isfinite(spec->optimal_return)) printf(", optimal return %g", spec->optimal_return);
        printf("\n  options %s\n", names);
    }
    rud_env_free(&env);
    return status;
}

static rud_status list_all(bool json)
{
    json_object *list = json ? json_object_new_array() : NULL;
    if (json && !list) return rud_error(RUD_ENOMEM, "no memory for the JSON output");
    const char *name;
    rud_status status = RUD_OK;
    for (size_t k = 0; status == RUD_OK && (name = rud_env_name(k)); k++) {
        status = list_one(name, list);
    }
    if (status == RUD_OK && json) return cli_json_print(list, stdout);
    json_object_put(list);
    return status;
}

/* Episode k depends on its own seed alone, so that each can be played again. */
static rud_status record(rud_env *env, const arguments *a, uint64_t k, rud_dataset_writer *writer)
{
    rud_rng rng = rud_rng_stream(a->seed, "random policy", k);
    rud_episode *episode;
    char id[128];
    rud_env_seed(env, a->seed + k);
    RUD_TRY(rud_rollout_random(env, &rng, &episode));
    episode->seed = a->seed + k;
    episode->has_seed = true;
    snprintf(id, sizeof id, "%s-%llu-%llu", a->name, (unsigned long long)a->seed,
             (unsigned long long)k);
    rud_status status = rud_episode_set_id(episode, id);
    if (status == RUD_OK) status = rud_dataset_write(writer, episode);
    rud_episode_free(&episode);
    return status;
}

static rud_status record_all(rud_env *env, const arguments *a, rud_dataset_writer *writer)
{
    rud_progress *progress;
    FILE *shown = a->output ? cli_progress(&a->verbosity) : NULL;
    RUD_TRY(rud_progress_create(shown, a->name, a->count, &progress));
    rud_status status = RUD_OK;
    for (uint64_t k = 0; status == RUD_OK && k < a->count; k++) {
        status = rud_stop_check(&cli_stop);
        if (status == RUD_OK) status = record(env, a, k, writer);
        rud_progress_update(progress, k + 1, NULL);
    }
    rud_progress_free(&progress);
    return status;
}

/* A file that stands there is replaced: the same command writes the same episodes. */
static rud_status record_to_output(rud_env *env, const arguments *a)
{
    const rud_env_spec *spec = rud_env_specification(env);
    const char *path = a->output ? a->output : "-";
    const rud_dataset_writer_options options = {.force = true,
                                                .observation_space = &spec->observation_space,
                                                .action_space = &spec->action_space};
    rud_dataset_writer *writer;
    RUD_TRY(rud_dataset_writer_open(path, &options, &writer));
    const rud_status status = record_all(env, a, writer);
    if (status == RUD_OK) return rud_dataset_writer_commit(&writer);
    rud_dataset_writer_abort(&writer);
    return status;
}

static int rollout(arguments *a)
{
    rud_env_options env_options = rud_env_options_default();
    rud_env *env = NULL;
    if (a->count == 0) a->count = 1;
    rud_status status =
        rud_config_set_environment(&env_options, a->settings.items, a->settings.count);
    if (status == RUD_OK) status = rud_env_create(a->name, &env_options, 1, &env);
    if (status != RUD_OK) return cli_fail_usage(status);
    status = record_to_output(env, a);
    rud_env_free(&env);
    return status == RUD_OK ? CLI_DONE : cli_fail(status);
}

int cli_envs(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_verbosity_argp, 0, "General:", 3}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "\nrollout NAME",
        "Lists the environments, or records episodes of the uniformly random policy, with the "
        "observation behind the last action.",
        children,
        0,
        0};
    arguments a = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    int code = CLI_DONE;
    if (a.action) {
        code = rollout(&a);
    } else {
        const rud_status status = list_all(a.json);
        if (status != RUD_OK) code = cli_fail(status);
    }
    cli_settings_free(&a.settings);
    return code;
}

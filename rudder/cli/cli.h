/* What the subcommands of the program share. */
#ifndef RUD_CLI_CLI_H
#define RUD_CLI_CLI_H

#include <argp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <json-c/json.h>

#include "rudder.h"

/* Exit codes. */
enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_INTERRUPTED = 130 };

/* One subcommand; argv[0] is "rudder <name>". Returns the exit code. */
typedef int cli_run(int argc, char **argv);

cli_run cli_experiment, cli_train, cli_explain, cli_envs, cli_report, cli_inspect, cli_judge_main,
    cli_bench, cli_export, cli_serve, cli_keygen, cli_redistribute;

/* Set once SIGINT or SIGTERM has come: see rud_stop_check. A second one ends the process at once.
 */
extern volatile sig_atomic_t cli_stop;

/* Prints "rudder: <message of the last failure>" and returns the exit code of `status`. */
int cli_fail(rud_status status);

/* The same for what was wrong with the command line or the configuration: exit code 2. */
int cli_fail_usage(rud_status status);

/* Options of every command: -q, -v. For argp's children. */
typedef struct cli_verbosity {
    bool quiet;
} cli_verbosity;
extern const struct argp cli_verbosity_argp;

/* NULL with -q: where progress goes. */
FILE *cli_progress(const cli_verbosity *verbosity);

/* The argument of every --set, in order. Views into argv. */
typedef struct cli_settings {
    const char **items;
    size_t count;
} cli_settings;
rud_status cli_settings_add(cli_settings *settings, const char *setting);
void cli_settings_free(cli_settings *settings);

/* For the default case of a command's argp parser: takes the command's one argument, called `name`,
 * into *value; a second one, or none, is a usage error. */
error_t cli_one_argument(int key, char *argument, struct argp_state *state, const char *name,
                         const char **value);

/* CONFIG, --set, -o, --force, --json and the verbosity: for argp's children. */
typedef struct cli_config_options {
    cli_verbosity verbosity;
    cli_settings settings;
    const char *config;
    const char *folder; /* NULL: runs/<name of the configuration> */
    bool force, json;
    bool no_environment; /* the command does without environment.name */
} cli_config_options;
extern const struct argp cli_config_argp;

/* Reads the configuration and hands it and the run's folder to `job`, which returns the exit code.
 * Frees the settings. */
typedef int cli_config_job(void *context, const rud_config *config, const char *folder);
int cli_config_run(cli_config_options *options, cli_config_job *job, void *context);

/* A whole number of `low` .. `high`, all of `text`; else ends with a usage error that names
 * `what`. */
uint64_t cli_number(struct argp_state *state, const char *what, const char *text, uint64_t low,
                    uint64_t high);

/* Does a file of the path have the extension, ".json" say? path: NULL for none. */
bool cli_has_extension(const char *path, const char *extension);

/* The argument of -o; an empty one ends with a usage error. */
const char *cli_output_path(struct argp_state *state, const char *path);

/* Prints `object` as one line of JSON and frees it; NULL: no memory was left for it. */
rud_status cli_json_print(json_object *object, FILE *stream);

/* The same of an object that was filled as far as `made` says; else memory was at an end. */
rud_status cli_json_print_made(bool made, json_object *object, FILE *stream);

/* A space as Gymnasium writes it, "MultiDiscrete([2, 4])", in text[size]. */
void cli_space_text(const rud_space *space, char *text, size_t size);

#endif

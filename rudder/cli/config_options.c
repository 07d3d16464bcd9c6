/* What the subcommands that run a configuration share: CONFIG and its options. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum { KEY_SET = 512, KEY_FORCE, KEY_JSON };

static const struct argp_option options[] = {
    {"set", KEY_SET, "KEY=VALUE", 0, "Change a key of the configuration; may be repeated", 0},
    {"output", 'o', "DIR", 0, "Folder of the run (default runs/NAME, the configuration's name)", 0},
    {"force", KEY_FORCE, 0, 0,
     "Use DIR even if it holds something else, whose results are replaced. Runs of this same "
     "configuration are kept",
     0},
    {"json", KEY_JSON, 0, 0, "Print JSON instead of a table", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    cli_config_options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->verbosity;
        return 0;
    case KEY_SET:
        return cli_settings_add(&o->settings, argument) == RUD_OK ? 0 : ENOMEM;
    case 'o':
        o->folder = cli_output_path(state, argument);
        return 0;
    case KEY_FORCE:
        o->force = true;
        return 0;
    case KEY_JSON:
        o->json = true;
        return 0;
    default:
        return cli_one_argument(key, argument, state, "CONFIG", &o->config);
    }
}

static const struct argp_child children[] = {{&cli_verbosity_argp, 0, 0, 0}, {0}};
const struct argp cli_config_argp = {options, parse, "CONFIG", 0, children, 0, 0};

int cli_config_run(cli_config_options *options, cli_config_job *job, void *context)
{
    rud_config config;
    int code = CLI_DONE;
    rud_status status =
        rud_config_read(options->config, options->settings.items, options->settings.count, &config);
    if (status == RUD_OK && !options->no_environment) {
        status = rud_error_context(rud_config_need_environment(&config), "%s", options->config);
    }
    if (status == RUD_OK) {
        char *folder =
            options->folder ? strdup(options->folder) : rud_path_join("runs", config.name);
        code = folder ? job(context, &config, folder)
                      : cli_fail(rud_error(RUD_ENOMEM, "no memory for the folder's name"));
        free(folder);
    } else {
        code = cli_fail_usage(status);
    }
    cli_settings_free(&options->settings);
    return code;
}

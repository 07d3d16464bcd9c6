/* Where redistributed rewards come from: model, method, version. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/redistribute.h"

const char *cli_correction_name(size_t k)
{
    static const char *const names[] = {
        [RUD_CORRECTION_LAST] = "last",
        [RUD_CORRECTION_UNIFORM] = "uniform",
        [RUD_CORRECTION_PROPORTIONAL] = "proportional",
        [RUD_CORRECTION_NONE] = "none",
    };
    return k < sizeof names / sizeof *names ? names[k] : NULL;
}

char *cli_model_path(const char *model)
{
    return rud_is_folder(model) ? rud_path_join(model, "model.safetensors") : strdup(model);
}

/* Gives the place for the text of one more key. */
static char *add(cli_provenance *provenance, const char *key)
{
    const size_t k = provenance->count++;
    provenance->pairs[2 * k] = key;
    provenance->pairs[2 * k + 1] = provenance->text[k];
    return provenance->text[k];
}

/* "rule=all epsilon=0.001" of those that the method reads. */
static void write_options(const cli_attribution *attribution, char *text)
{
    const rud_attribution_options options = rud_attribution_settled(&attribution->options);
    const rud_attribution_option *option;
    size_t used = 0;
    text[0] = '\0';
    for (size_t k = 0; (option = rud_attribution_option_at(k)); k++) {
        char value[RUD_OPTION_TEXT];
        if (!option->method || !cli_attribution_reads(options.method, option)) {
            continue;
        }
        rud_attribution_get(&options, option->name, value);
        const bool file = attribution->baseline && strcmp(option->name, "baseline") == 0;
        if (used >= CLI_PROVENANCE_TEXT) return;
        used +=
            (size_t)snprintf(text + used, CLI_PROVENANCE_TEXT - used, "%s%s=%s", used ? " " : "",
                             option->name, file ? attribution->baseline : value);
    }
}

static rud_status add_model(const cli_redistribute_arguments *a, cli_provenance *provenance)
{
    uint32_t crc;
    char *file = cli_model_path(a->model);
    if (!file) return rud_error(RUD_ENOMEM, "no memory for a path");
    const rud_status status = rud_file_crc32(file, &crc);
    snprintf(add(provenance, "rudder_model"), CLI_PROVENANCE_TEXT, "%s", file);
    free(file);
    if (status != RUD_OK) return status;
    snprintf(add(provenance, "rudder_model_crc32"), CLI_PROVENANCE_TEXT, "%08lx",
             (unsigned long)crc);
    return RUD_OK;
}

rud_status cli_redistribute_provenance(const cli_redistribute_arguments *arguments,
                                       cli_provenance *provenance)
{
    const cli_attribution *attribution = &arguments->attribution;
    provenance->count = 0;
    RUD_TRY(add_model(arguments, provenance));
    snprintf(add(provenance, "rudder_version"), CLI_PROVENANCE_TEXT, "%s", RUD_VERSION);
    snprintf(add(provenance, "rudder_method"), CLI_PROVENANCE_TEXT, "%s",
             attribution->options.method->name);
    char *text = add(provenance, "rudder_method_options");
    write_options(attribution, text);
    if (!*text) provenance->count--;
    snprintf(add(provenance, "rudder_correction"), CLI_PROVENANCE_TEXT, "%s",
             cli_correction_name(arguments->correction));
    rud_number_text(arguments->mix, add(provenance, "rudder_mix"));
    if (isfinite(arguments->max_error_z)) {
        rud_number_text(arguments->max_error_z, add(provenance, "rudder_max_error_z"));
    }
    return RUD_OK;
}

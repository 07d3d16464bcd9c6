/* The episodes that are to be explained. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/explain.h"

void cli_explained_free(cli_explained *explained)
{
    rud_episode_free(&explained->episode);
    free(explained->place);
    rud_explanation_free(&explained->explanation);
    *explained = (cli_explained){0};
}

rud_status cli_explain_source_open(const cli_explain_arguments *arguments, rud_dataset **source)
{
    rud_dataset_options options = rud_dataset_options_default();
    options.infos = false;
    options.stream = !cli_explain_needs_mean(&arguments->attribution.options);
    return rud_dataset_open(arguments->episodes, &options, source);
}

rud_status cli_explain_source_next(rud_dataset *source, cli_explained *explained)
{
    *explained = (cli_explained){0};
    RUD_TRY(rud_dataset_next(source, &explained->episode));
    if (!explained->episode) return RUD_OK;
    explained->place = strdup(rud_dataset_place(source));
    if (explained->place) return RUD_OK;
    cli_explained_free(explained);
    return rud_error(RUD_ENOMEM, "no memory for an episode");
}

/* Can the file be read a second time? */
static bool is_regular(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

uint64_t cli_explain_source_count(const rud_dataset *source)
{
    char buffer[1 << 16], last = '\n';
    uint64_t lines = 0;
    size_t length;
    if (rud_dataset_lengths(source)) return rud_dataset_episodes(source);
    const char *path = rud_dataset_path(source);
    FILE *file = is_regular(path) ? fopen(path, "rb") : NULL;
    if (!file) return RUD_TOTAL_UNKNOWN;
    while ((length = fread(buffer, 1, sizeof buffer, file)) > 0) {
        for (size_t k = 0; k < length; k++) lines += buffer[k] == '\n';
        last = buffer[length - 1];
    }
    fclose(file);
    return lines + (last != '\n');
}

static rud_status add_all(rud_dataset *source, rud_observation_mean *mean)
{
    for (;;) {
        cli_explained explained;
        RUD_TRY(rud_stop_check(&cli_stop));
        RUD_TRY(cli_explain_source_next(source, &explained));
        if (!explained.episode) return rud_dataset_seek(source, 0);
        const rud_status status = rud_error_context(
            rud_observation_mean_add(mean, explained.episode), "%s", explained.place);
        cli_explained_free(&explained);
        RUD_TRY(status);
    }
}

rud_status cli_explain_source_mean(rud_dataset *source, size_t width, float **mean)
{
    rud_observation_mean sums;
    *mean = NULL;
    RUD_TRY(rud_observation_mean_create(width, &sums));
    rud_status status = add_all(source, &sums);
    if (status == RUD_OK) status = rud_observation_mean_get(&sums, mean);
    rud_observation_mean_free(&sums);
    return status;
}

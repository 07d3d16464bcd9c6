/* The episodes that are to be explained. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/explain.h"

void cli_explained_free(cli_explained *explained)
{
    rud_episode_free(&explained->episode);
    rud_explanation_free(&explained->explanation);
    *explained = (cli_explained){0};
}

rud_status cli_explain_source_open(const char *path, cli_explain_source *source)
{
    *source = (cli_explain_source){
        .path = path,
        .name = strcmp(path, "-") == 0 ? "standard input" : path,
    };
    return rud_jsonl_open(path, &source->reader);
}

void cli_explain_source_close(cli_explain_source *source)
{
    rud_jsonl_close(&source->reader);
    for (size_t k = 0; k < source->held_count; k++) cli_explained_free(&source->held[k]);
    free(source->held);
    *source = (cli_explain_source){0};
}

static rud_status read_next(cli_explain_source *source, cli_explained *explained)
{
    RUD_TRY(rud_jsonl_next(source->reader, &explained->episode));
    explained->line = rud_jsonl_line(source->reader);
    return RUD_OK;
}

rud_status cli_explain_source_next(cli_explain_source *source, cli_explained *explained)
{
    *explained = (cli_explained){0};
    if (!source->held) return read_next(source, explained);
    if (source->next == source->held_count) return RUD_OK;
    *explained = source->held[source->next];
    source->held[source->next++] = (cli_explained){0};
    return RUD_OK;
}

/* Can the file be read a second time? */
static bool is_regular(const cli_explain_source *source)
{
    struct stat status;
    return strcmp(source->path, "-") != 0 && stat(source->path, &status) == 0 &&
           S_ISREG(status.st_mode);
}

uint64_t cli_explain_source_count(const cli_explain_source *source)
{
    char buffer[1 << 16], last = '\n';
    uint64_t lines = 0;
    size_t length;
    if (source->held) return source->held_count;
    FILE *file = is_regular(source) ? fopen(source->path, "rb") : NULL;
    if (!file) return RUD_TOTAL_UNKNOWN;
    while ((length = fread(buffer, 1, sizeof buffer, file)) > 0) {
        for (size_t k = 0; k < length; k++) lines += buffer[k] == '\n';
        last = buffer[length - 1];
    }
    fclose(file);
    return lines + (last != '\n');
}

/* The sum of each column, and how many rows there are. */
typedef struct sums {
    double *columns; /* [width] */
    size_t width, rows;
} sums;

static rud_status add_rows(const cli_explain_source *source, const cli_explained *explained,
                           sums *sums)
{
    const rud_episode *episode = explained->episode;
    if (episode->observation_width != sums->width) {
        return rud_error(RUD_EINVAL, "%s:%zu: observations have %zu numbers, the network reads %zu",
                         source->name, explained->line, episode->observation_width, sums->width);
    }
    for (size_t t = 0; t < episode->observation_rows; t++) {
        for (size_t d = 0; d < sums->width; d++) {
            sums->columns[d] += episode->observations[t * sums->width + d];
        }
    }
    sums->rows += episode->observation_rows;
    return RUD_OK;
}

/* Takes what was read, also on failure. */
static rud_status hold(cli_explain_source *source, cli_explained *explained)
{
    const size_t count = source->held_count;
    if ((count & (count - 1)) == 0) { /* the room doubles at powers of two */
        const size_t room = count ? 2 * count : 1;
        cli_explained *held = realloc(source->held, room * sizeof *held);
        if (!held) {
            cli_explained_free(explained);
            return rud_error(RUD_ENOMEM, "no memory for %zu episodes", room);
        }
        source->held = held;
    }
    source->held[source->held_count++] = *explained;
    return RUD_OK;
}

static rud_status add_all(cli_explain_source *source, bool again, sums *sums)
{
    for (;;) {
        cli_explained explained = {0};
        RUD_TRY(rud_stop_check(&cli_stop));
        RUD_TRY(read_next(source, &explained));
        if (!explained.episode) return RUD_OK;
        rud_status status = add_rows(source, &explained, sums);
        if (again || status != RUD_OK) {
            cli_explained_free(&explained);
        } else {
            status = hold(source, &explained);
        }
        RUD_TRY(status);
    }
}

rud_status cli_explain_source_mean(cli_explain_source *source, size_t width, float **mean)
{
    const bool again = is_regular(source);
    sums sums = {.columns = calloc(width, sizeof(double)), .width = width};
    float *found = malloc(width * sizeof *found);
    rud_status status = sums.columns && found
                            ? add_all(source, again, &sums)
                            : rud_error(RUD_ENOMEM, "no memory for %zu features", width);
    for (size_t d = 0; status == RUD_OK && d < width; d++) {
        found[d] = sums.rows ? (float)(sums.columns[d] / (double)sums.rows) : 0;
    }
    if (status == RUD_OK && again) {
        rud_jsonl_close(&source->reader);
        status = rud_jsonl_open(source->path, &source->reader);
    }
    free(sums.columns);
    *mean = status == RUD_OK ? found : NULL;
    if (status != RUD_OK) free(found);
    return status;
}

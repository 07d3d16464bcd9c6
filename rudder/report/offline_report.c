/* The page of a run of offline training, or of other data as its predictor sees them. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/episode_report.h"
#include "training/split.h"

/* What a page is made from. */
typedef struct sources {
    rud_predictor *predictor;
    rud_split split; /* no files: the run has none */
    const char **data;
    size_t data_count;
    bool *trained; /* NULL: not known */
} sources;

static void free_sources(sources *s)
{
    rud_predictor_free(&s->predictor);
    rud_split_free(&s->split);
    free(s->data);
    free(s->trained);
}

static bool holds(const char *folder, const char *name)
{
    char *file = rud_path_join(folder, name);
    const bool there = file != NULL && rud_file_exists(file);
    free(file);
    return there;
}

/* File k of the split, or all of them with k = SIZE_MAX. */
static rud_status take_trained(sources *s, size_t k)
{
    const size_t first = k == SIZE_MAX ? 0 : s->split.files[k].first;
    const size_t count = k == SIZE_MAX ? s->split.episodes : s->split.files[k].episodes;
    s->trained = malloc((count + 1) * sizeof *s->trained);
    if (s->trained == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu episodes", count);
    for (size_t i = 0; i < count; i++) s->trained[i] = !s->split.is_test[first + i];
    return RUD_OK;
}

static rud_status take_given(const char *data, sources *s)
{
    s->data[s->data_count++] = data;
    for (size_t k = 0; k < s->split.file_count; k++) {
        if (rud_same_file(data, s->split.files[k].path)) return take_trained(s, k);
    }
    return RUD_OK;
}

static rud_status open_sources(const rud_offline_report_options *options, sources *s)
{
    RUD_TRY(rud_predictor_load(options->run, &s->predictor));
    if (rud_is_folder(options->run) && holds(options->run, "splits.json")) {
        RUD_TRY(rud_split_read(options->run, &s->split));
    }
    s->data = malloc((s->split.file_count + 1) * sizeof *s->data);
    if (s->data == NULL) return rud_error(RUD_ENOMEM, "no memory for a page");
    if (options->data) return take_given(options->data, s);
    if (s->split.file_count == 0) {
        return rud_error(RUD_EINVAL, "%s was not trained on a data set: name one, with -m %s",
                         options->run, options->run);
    }
    for (size_t k = 0; k < s->split.file_count; k++) {
        s->data[s->data_count++] = s->split.files[k].path;
    }
    return take_trained(s, SIZE_MAX);
}

static size_t count_trained(const sources *s)
{
    if (s->trained == NULL) return 0;
    for (size_t k = 0; k < s->split.file_count; k++) {
        if (s->data_count == 1 && rud_same_file(s->data[0], s->split.files[k].path)) {
            return s->split.files[k].episodes;
        }
    }
    return s->split.episodes;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static rud_status write_page(const rud_offline_report_options *options, const sources *s,
                             const char *path)
{
    char title[512];
    snprintf(title, sizeof title, "Episodes of %s", last_part(s->data[0]));
    const rud_episode_report report = {
        .title = title,
        .data = s->data,
        .data_count = s->data_count,
        .reading = options->reading,
        .model = options->run,
        .predictor = s->predictor,
        .trained = s->trained,
        .trained_count = count_trained(s),
        .progress = options->progress,
        .stop = options->stop,
    };
    return rud_episode_report_write(&report, path);
}

rud_status rud_offline_report_write(const rud_offline_report_options *options, const char *path)
{
    sources s = {.predictor = NULL};
    char *own = path ? NULL : rud_path_join(options->run, "report.html");
    rud_status status =
        path || own ? open_sources(options, &s) : rud_error(RUD_ENOMEM, "no memory for a path");
    if (status == RUD_OK) status = write_page(options, &s, path ? path : own);
    free_sources(&s);
    free(own);
    return status;
}

/* Explains a data set of episodes over several threads, a chunk at a time: memory does not grow
 * with the file. libhdf5 is not thread-safe; one thread reads, while the others rest. */
#include <pthread.h>
#include <stdlib.h>

#include "cli/explain.h"

enum { GROUP = 8 /* episodes a job: they are explained as one batch */ };
static const size_t chunk_bytes = (size_t)64 << 20; /* of episodes in a chunk, about */
static const double patience = 1;                   /* [s] before progress is shown */

typedef struct run {
    rud_dataset *source;
    const cli_explain_sink *sink;
    cli_explain_counts *counts;
    rud_pool *pool;
    rud_explainer **explainers; /* [threads] */
    cli_explained *chunk;       /* [room] */
    size_t room, count;
    FILE *stream;          /* of the progress; NULL: none */
    pthread_mutex_t mutex; /* guards what follows */
    rud_progress *progress;
    double started;
    uint64_t finished, total;
    double *parts; /* [threads]: episodes' worth that each has done of its group */
    size_t threads;
} run;

/* Who tells of its group. */
typedef struct watcher {
    run *r;
    size_t thread, count; /* count: episodes of the group */
} watcher;

/* Progress is shown only of what takes long. The mutex is held. */
static void show(run *r)
{
    const double elapsed = rud_wall_seconds() - r->started;
    double part = 0;
    if (r->stream && !r->progress && elapsed >= patience) {
        if (rud_progress_create(r->stream, "explain", r->total, &r->progress) == RUD_OK) {
            rud_progress_backdate(r->progress, elapsed);
        } else {
            r->stream = NULL; /* without memory for it the work goes on all the same */
        }
    }
    for (size_t k = 0; k < r->threads; k++) part += r->parts[k];
    rud_progress_update_part(r->progress, r->finished, part, NULL);
}

static void advance(run *r, size_t thread, size_t count)
{
    pthread_mutex_lock(&r->mutex);
    r->finished += count;
    r->parts[thread] = 0;
    show(r);
    pthread_mutex_unlock(&r->mutex);
}

/* In the middle of a group. */
static rud_status watch(void *context, double done)
{
    const watcher *w = context;
    pthread_mutex_lock(&w->r->mutex);
    w->r->parts[w->thread] = done * (double)w->count;
    show(w->r);
    pthread_mutex_unlock(&w->r->mutex);
    return rud_stop_check(&cli_stop);
}

static rud_status explain_one(rud_explainer *explainer, cli_explained *explained)
{
    const rud_episode *episode = explained->episode;
    const rud_status status = rud_explainer_run(explainer, &episode, 1, &explained->explanation);
    explained->done = status == RUD_OK;
    return rud_error_context(status, "%s", explained->place);
}

/* A job: one group. If it fails as a whole, its episodes are explained one by one up to the one
 * that is at fault. */
static rud_status explain_group(void *context, size_t job, size_t thread)
{
    run *r = context;
    const rud_episode *episodes[GROUP];
    rud_explanation explanations[GROUP];
    cli_explained *group = r->chunk + job * GROUP;
    const size_t left = r->count - job * GROUP, count = left < GROUP ? left : GROUP;
    for (size_t k = 0; k < count; k++) episodes[k] = group[k].episode;
    watcher w = {r, thread, count};
    RUD_TRY(rud_stop_check(&cli_stop));
    rud_explainer_set_watch(r->explainers[thread], watch, &w);
    const rud_status status =
        rud_explainer_run(r->explainers[thread], episodes, count, explanations);
    rud_explainer_set_watch(r->explainers[thread], NULL, NULL);
    if (status == RUD_ENOMEM || status == RUD_EINTERRUPTED) return status;
    for (size_t k = 0; k < count; k++) {
        if (status != RUD_OK) {
            RUD_TRY(explain_one(r->explainers[thread], &group[k]));
        } else {
            group[k].explanation = explanations[k];
            group[k].done = true;
        }
    }
    advance(r, thread, count);
    return RUD_OK;
}

/* Fills the chunk; *ended: the source has no more. An episode that cannot be read ends the chunk
 * too. */
static rud_status read_chunk(run *r, bool *ended)
{
    size_t bytes = 0;
    r->count = 0;
    *ended = false;
    while (r->count < r->room && bytes < chunk_bytes) {
        cli_explained *next = &r->chunk[r->count];
        RUD_TRY(cli_explain_source_next(r->source, next));
        *ended = !next->episode;
        if (*ended) return RUD_OK;
        bytes += rud_episode_bytes(next->episode);
        r->count++;
    }
    return RUD_OK;
}

static void count_odd(const rud_explanation *e, cli_explain_counts *counts)
{
    counts->near_zero_denominators += e->near_zero_denominators;
    counts->near_zero_episodes += e->near_zero_denominators > 0;
    if (!(e->growth > RUD_LARGE_GROWTH)) return;
    counts->grown_episodes++;
    if (e->growth > counts->largest_growth) counts->largest_growth = e->growth;
}

/* Hands over what stands before the first episode that has no explanation. */
static rud_status write_chunk(run *r)
{
    rud_status status = RUD_OK;
    for (size_t k = 0; k < r->count && status == RUD_OK && r->chunk[k].done; k++) {
        count_odd(&r->chunk[k].explanation, r->counts);
        status = r->sink->write(r->sink->context, &r->chunk[k]);
    }
    return status;
}

static void clear_chunk(run *r)
{
    for (size_t k = 0; k < r->count; k++) cli_explained_free(&r->chunk[k]);
    r->count = 0;
}

/* The chunk is explained and handed over; then a failure of reading it counts. */
static rud_status explain_chunk(run *r, rud_status reading)
{
    char message[1024];
    snprintf(message, sizeof message, "%s", rud_last_error());
    rud_status status = rud_pool_run(r->pool, (r->count + GROUP - 1) / GROUP, explain_group, r);
    if (status == RUD_OK) {
        status = reading;
    } else {
        snprintf(message, sizeof message, "%s", rud_last_error());
    }
    const rud_status written = write_chunk(r);
    if (written != RUD_OK) return written;
    return status == RUD_OK ? RUD_OK : rud_error(status, "%s", message);
}

/* Only counts what is left. */
static rud_status count_rest(run *r)
{
    for (;;) {
        cli_explained explained;
        RUD_TRY(rud_stop_check(&cli_stop));
        RUD_TRY(cli_explain_source_next(r->source, &explained));
        if (!explained.episode) return RUD_OK;
        cli_explained_free(&explained);
        r->counts->episodes++;
        r->counts->left_out++;
    }
}

static rud_status explain_all(run *r)
{
    bool ended = false;
    const size_t room = r->room;
    while (!ended) {
        const size_t most = r->sink->most, explained = r->counts->episodes;
        if (most && explained == most) return count_rest(r);
        r->room = most && most - explained < room ? most - explained : room;
        rud_status status = read_chunk(r, &ended);
        status = explain_chunk(r, status);
        r->counts->episodes += r->count;
        clear_chunk(r);
        RUD_TRY(status);
    }
    return RUD_OK;
}

static rud_status create_explainers(const cli_explain_model *model, run *r, size_t threads)
{
    r->explainers = calloc(threads, sizeof(rud_explainer *));
    r->room = 4 * GROUP * threads;
    r->chunk = calloc(r->room, sizeof *r->chunk);
    r->parts = calloc(threads, sizeof *r->parts);
    r->threads = threads;
    if (!r->explainers || !r->chunk || !r->parts) {
        return rud_error(RUD_ENOMEM, "no memory for %zu threads", threads);
    }
    for (size_t k = 0; k < threads; k++) {
        RUD_TRY(cli_explain_model_explainer(model, &r->explainers[k]));
    }
    return RUD_OK;
}

rud_status cli_explain_run(rud_dataset *source, const cli_explain_model *model, size_t threads,
                           FILE *progress, const cli_explain_sink *sink, cli_explain_counts *counts)
{
    run r = {.source = source,
             .sink = sink,
             .counts = counts,
             .stream = progress,
             .mutex = PTHREAD_MUTEX_INITIALIZER,
             .started = rud_wall_seconds()};
    *counts = (cli_explain_counts){0};
    RUD_TRY(rud_pool_create(threads, &r.pool));
    threads = rud_pool_threads(r.pool);
    rud_status status = create_explainers(model, &r, threads);
    if (progress) r.total = cli_explain_source_count(source);
    if (sink->most && r.total > sink->most) r.total = sink->most;
    if (status == RUD_OK) status = explain_all(&r);
    for (size_t k = 0; r.explainers && k < threads; k++) rud_explainer_free(&r.explainers[k]);
    free(r.explainers);
    free(r.chunk);
    free(r.parts);
    rud_progress_free(&r.progress);
    rud_pool_free(&r.pool);
    return status;
}

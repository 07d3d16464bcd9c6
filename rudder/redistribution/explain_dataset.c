/* While a chunk is explained group by group over the threads, one of them hands over the chunk
 * before it and reads the one behind it: libhdf5 must be called by one thread at a time. */
#include "redistribution/explain_dataset.h"

#include <stdlib.h>

#include "base/pool.h"
#include "base/progress.h"
#include "base/stop.h"

enum { GROUP = 64 /* episodes a job at most: they are explained as one batch */ };
static const size_t chunk_bytes = (size_t)32 << 20; /* of episodes in a chunk, about */
static const size_t group_bytes = (size_t)2 << 20;  /* of a job's, about */

typedef struct chunk {
    rud_explained *items; /* [count] */
    size_t count, capacity;
    size_t *groups; /* [group_count + 1] where each begins */
    size_t group_count, group_capacity;
} chunk;

typedef struct run {
    const rud_dataset_work *work;
    rud_dataset *source;
    rud_explained_sink *sink;
    void *context; /* of the sink */
    rud_pool *pool;
    rud_explainer **explainers; /* [threads] */
    chunk before, now, behind;  /* to hand over, to explain, to read */
    bool ended;                 /* all is read */
    rud_progress *progress;
} run;

static rud_status check_array(const rud_dataset *source, const char *name, const rud_space *found,
                              const rud_space *wanted)
{
    const size_t width = found ? found->width : 0, needed = wanted ? wanted->width : 0;
    if (needed == 0 || width == needed) return RUD_OK;
    return rud_error(RUD_EINVAL, "%s: %s have %zu numbers a row, the model reads %zu",
                     rud_dataset_path(source), name, width, needed);
}

rud_status rud_dataset_check_width(const rud_dataset *source, const rud_predictor *predictor)
{
    const rud_features *features = rud_predictor_features(predictor);
    if (rud_dataset_episodes(source) == RUD_DATASET_UNKNOWN) return RUD_OK;
    RUD_TRY(check_array(source, "observations", rud_dataset_observation_space(source),
                        rud_features_observation_space(features)));
    return check_array(source, "actions", rud_dataset_action_space(source),
                       rud_features_action_space(features));
}

/* Room for one more of `size` bytes behind `count`: doubled where it is used up. */
static rud_status grow(void **items, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity) return RUD_OK;
    const size_t more = *capacity ? 2 * *capacity : 256;
    void *grown = realloc(*items, more * size);
    if (grown == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu episodes", more);
    *items = grown;
    *capacity = more;
    return RUD_OK;
}

static rud_status explain_group(run *r, size_t number, size_t thread)
{
    rud_explained *group = r->now.items + r->now.groups[number];
    const size_t count = r->now.groups[number + 1] - r->now.groups[number];
    const rud_episode *episodes[GROUP];
    rud_explanation explanations[GROUP];
    RUD_TRY(rud_stop_check(r->work->stop));
    for (size_t k = 0; k < count; k++) episodes[k] = group[k].episode;
    const rud_status status =
        rud_explainer_run(r->explainers[thread], episodes, count, explanations);
    if (status != RUD_OK) {
        return rud_error_context(status, "%s: of the episodes from number %zu on",
                                 rud_dataset_path(r->source), group[0].index);
    }
    for (size_t k = 0; k < count; k++) group[k].explanation = explanations[k];
    rud_progress_advance(r->progress, count, NULL);
    return RUD_OK;
}

/* Reads and checks the next episode. */
static rud_status read_episode(run *r, chunk *c)
{
    rud_episode *episode;
    RUD_TRY(rud_stop_check(r->work->stop));
    RUD_TRY(grow((void **)&c->items, &c->capacity, c->count, sizeof *c->items));
    RUD_TRY(rud_dataset_next(r->source, &episode));
    r->ended = episode == NULL;
    if (r->ended) return RUD_OK;
    c->items[c->count++] =
        (rud_explained){.episode = episode, .index = rud_dataset_index(r->source)};
    return rud_error_context(
        rud_features_check(rud_predictor_features(r->work->predictor), episode), "%s",
        rud_dataset_place(r->source));
}

/* Fills the empty chunk and cuts it into groups. */
static rud_status read_chunk(run *r, chunk *c)
{
    size_t bytes = 0, in_group = 0;
    c->group_count = 0;
    while (bytes < chunk_bytes && !r->ended) {
        RUD_TRY(read_episode(r, c));
        if (r->ended) break;
        const size_t size = rud_episode_bytes(c->items[c->count - 1].episode);
        const bool begins = c->group_count == 0 || in_group + size > group_bytes ||
                            c->count - 1 - c->groups[c->group_count - 1] == GROUP;
        if (begins) {
            RUD_TRY(grow((void **)&c->groups, &c->group_capacity, c->group_count + 1,
                         sizeof *c->groups));
            c->groups[c->group_count++] = c->count - 1;
            in_group = 0;
        }
        in_group += size;
        bytes += size;
    }
    if (c->group_count > 0) c->groups[c->group_count] = c->count;
    return RUD_OK;
}

static void clear_chunk(chunk *c)
{
    for (size_t k = 0; k < c->count; k++) {
        rud_episode_free(&c->items[k].episode);
        rud_explanation_free(&c->items[k].explanation);
    }
    c->count = 0;
}

static void free_chunk(chunk *c)
{
    clear_chunk(c);
    free(c->items);
    free(c->groups);
}

static rud_status hand_over(run *r, chunk *c)
{
    for (size_t k = 0; k < c->count; k++) RUD_TRY(r->sink(r->context, &c->items[k]));
    clear_chunk(c);
    return RUD_OK;
}

/* Job 0 has the files to itself, the others explain. */
static rud_status run_job(void *context, size_t job, size_t thread)
{
    run *r = context;
    if (job > 0) return explain_group(r, job - 1, thread);
    RUD_TRY(hand_over(r, &r->before));
    return read_chunk(r, &r->behind);
}

static rud_status explain_all(run *r)
{
    do {
        RUD_TRY(rud_pool_run(r->pool, 1 + r->now.group_count, run_job, r));
        const chunk empty = r->before;
        r->before = r->now;
        r->now = r->behind;
        r->behind = empty;
    } while (!r->ended || r->now.count > 0 || r->before.count > 0);
    return RUD_OK;
}

/* In the middle of a group. */
static rud_status heed_stop(void *context, double done)
{
    const run *r = context;
    (void)done;
    return rud_stop_check(r->work->stop);
}

static rud_status set_up(run *r)
{
    const size_t count = rud_dataset_episodes(r->source);
    RUD_TRY(rud_dataset_check_width(r->source, r->work->predictor));
    RUD_TRY(rud_pool_create(r->work->threads, &r->pool));
    const size_t threads = rud_pool_threads(r->pool);
    r->explainers = calloc(threads, sizeof(rud_explainer *));
    if (r->explainers == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu threads", threads);
    for (size_t k = 0; k < threads; k++) {
        RUD_TRY(rud_explainer_create(r->work->predictor, &r->work->attribution, &r->explainers[k]));
        rud_explainer_set_watch(r->explainers[k], heed_stop, r);
    }
    return rud_progress_create(r->work->progress, r->work->title,
                               count == RUD_DATASET_UNKNOWN ? RUD_TOTAL_UNKNOWN : count,
                               &r->progress);
}

rud_status rud_explain_dataset(const rud_dataset_work *work, rud_dataset *source,
                               rud_explained_sink *sink, void *context)
{
    run r = {.work = work, .source = source, .sink = sink, .context = context};
    rud_status status = set_up(&r);
    if (status == RUD_OK) status = explain_all(&r);
    free_chunk(&r.before);
    free_chunk(&r.now);
    free_chunk(&r.behind);
    for (size_t k = 0; r.explainers && k < rud_pool_threads(r.pool); k++) {
        rud_explainer_free(&r.explainers[k]);
    }
    free(r.explainers);
    rud_progress_free(&r.progress);
    rud_pool_free(&r.pool);
    return status;
}

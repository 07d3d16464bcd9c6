#include "redistribution/redistribute_dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "redistribution/quality.h"

enum { INFOS = 3, ATTRIBUTES = 3 };

typedef struct run {
    const rud_dataset_redistribution *how;
    rud_dataset_writer *writer;
    const char *path; /* of the source */
    double *rows;     /* [INFOS][T + 1] of the infos, then [T] of the redistributed rewards */
    size_t capacity;
    rud_dataset_redistributed *result;
    double return_mean, return_squares; /* running, by Welford */
    double error_squares, qualities;
    size_t grown; /* episodes whose relevance grew beyond RUD_LARGE_GROWTH */
    size_t again; /* episodes that were redistributed before */
} run;

static rud_status reserve(run *r, size_t count)
{
    if (count <= r->capacity) return RUD_OK;
    double *rows = realloc(r->rows, count * sizeof *rows);
    if (rows == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu rewards", count);
    r->rows = rows;
    r->capacity = count;
    return RUD_OK;
}

static void count_episode(run *r, size_t steps, double G, double error, double quality)
{
    const double n = (double)++r->result->episodes, before = G - r->return_mean;
    r->result->steps += steps;
    r->return_mean += before / n;
    r->return_squares += before * (G - r->return_mean);
    r->error_squares += error * error;
    r->qualities += quality;
}

/* Row 0 belongs to the reset. */
static void fill_row(double *row, size_t T, const double *values, double constant)
{
    row[0] = 0;
    for (size_t t = 0; t < T; t++) row[t + 1] = values ? values[t] : constant;
}

/* Writes the episode with what is known of it now. */
static rud_status carry(run *r, const rud_explained *explained, const double *redistributed,
                        double prediction, double quality, bool kept)
{
    const rud_episode *episode = explained->episode;
    const bool keep = r->how->keep_rewards;
    const bool again = !keep && rud_episode_info(episode, RUD_INFO_ORIGINAL) != NULL;
    const size_t T = episode->steps, rows = T + 1;
    rud_info infos[INFOS] = {
        {.name = keep ? RUD_INFO_REDISTRIBUTED : RUD_INFO_ORIGINAL, .values = r->rows},
        {.name = RUD_INFO_PREDICTION, .values = r->rows + rows},
        {.name = RUD_INFO_QUALITY, .values = r->rows + 2 * rows},
    };
    for (size_t k = 0; k < INFOS; k++) infos[k].width = 1;
    fill_row(infos[0].values, T, keep ? redistributed : episode->rewards, 0);
    fill_row(infos[1].values, T, NULL, prediction);
    fill_row(infos[2].values, T, NULL, quality);
    const rud_dataset_attribute attributes[ATTRIBUTES] = {
        {RUD_ATTRIBUTE_PREDICTION, prediction},
        {RUD_ATTRIBUTE_QUALITY, quality},
        {RUD_ATTRIBUTE_REDISTRIBUTED, kept ? 0 : 1},
    };
    const rud_dataset_changes changes = {.rewards = keep ? NULL : redistributed,
                                         .infos = again ? infos + 1 : infos,
                                         .info_count = again ? INFOS - 1 : INFOS,
                                         .attributes = attributes,
                                         .attribute_count = ATTRIBUTES};
    r->again += again;
    return rud_dataset_carry(r->writer, explained->index, episode, &changes);
}

static void warn(const run *r)
{
    if (r->again > 0) {
        rud_log(RUD_LOG_WARNING,
                "%s: %zu of %zu episodes were redistributed before: their " RUD_INFO_ORIGINAL
                " stay, and what is redistributed now are their present rewards",
                r->path, r->again, r->result->episodes);
    }
    if (r->grown == 0) return;
    rud_log(RUD_LOG_WARNING,
            "in %zu of %zu episodes relevance grew to more than %g times what it began with, and "
            "with it rewards, which cancel in their sum; %s",
            r->grown, r->result->episodes, RUD_LARGE_GROWTH,
            rud_lrp_growth_advice(&r->how->options.attribution));
}

static rud_status redistribute(void *context, rud_explained *explained)
{
    run *r = context;
    const rud_episode *episode = explained->episode;
    const rud_explanation *explanation = &explained->explanation;
    const rud_predictor *predictor = r->how->work.predictor;
    const size_t T = episode->steps;
    if (episode->no_rewards) {
        return rud_error(RUD_EFORMAT, "%s: episode %zu has no rewards that could be redistributed",
                         r->path, explained->index);
    }
    RUD_TRY(reserve(r, INFOS * (T + 1) + T));
    double *redistributed = r->rows + INFOS * (T + 1);
    const double prediction = explanation->prediction, G = rud_predictor_return(predictor, episode);
    const double error = G - prediction;
    const double quality = rud_episode_quality(error, rud_predictor_target_std(predictor));
    const bool kept = fabs(error) > r->how->error_limit;
    r->grown += !kept && explanation->growth > RUD_LARGE_GROWTH;
    if (kept) {
        memcpy(redistributed, episode->rewards, T * sizeof *redistributed);
    } else {
        RUD_TRY(rud_error_context(rud_redistribute_explained(&r->how->options, predictor,
                                                             explanation, episode, redistributed),
                                  "%s: episode %zu", r->path, explained->index));
    }
    r->result->kept += kept;
    count_episode(r, T, G, error, quality);
    return carry(r, explained, redistributed, prediction, quality, kept);
}

rud_status rud_redistribute_dataset(const rud_dataset_redistribution *how, rud_dataset *source,
                                    rud_dataset_writer *writer, rud_dataset_redistributed *result)
{
    run r = {.how = how, .writer = writer, .path = rud_dataset_path(source), .result = result};
    rud_dataset_work work = how->work;
    *result = (rud_dataset_redistributed){0};
    work.attribution = how->options.attribution;
    RUD_TRY(rud_redistribution_check(work.predictor, &work.attribution));
    const rud_status status = rud_explain_dataset(&work, source, redistribute, &r);
    free(r.rows);
    if (status != RUD_OK) return status;
    warn(&r);
    const double n = (double)result->episodes;
    result->mean_quality = r.qualities / n;
    result->explained_variance =
        r.return_squares > 0 ? 1 - r.error_squares / r.return_squares : (double)NAN;
    return RUD_OK;
}

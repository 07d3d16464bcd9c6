#include "redistribution/redistributor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "redistribution/predictor_private.h"
#include "redistribution/redistributor_private.h"

enum { BATCH = 64 };

/* Weight of a new batch in the running loss. */
static const double running_weight = 0.05;

rud_redistributor_options rud_redistributor_options_default(void)
{
    return (rud_redistributor_options){
        .predictor = rud_predictor_options_default(),
        .lesson_buffer = rud_lesson_buffer_options_default(),
        .training = {.every = 10,
                     .growth = 0.02,
                     .first_updates = 1000,
                     .updates = 100,
                     .loss_threshold = 0},
        .redistribution = rud_redistribution_options_default(),
        .gate = 0.1,
    };
}

static rud_status allocate(rud_redistributor *redistributor)
{
    const size_t batch = redistributor->options.predictor.batch;
    redistributor->indices = calloc(batch, sizeof *redistributor->indices);
    redistributor->episodes_of_batch = calloc(batch, sizeof *redistributor->episodes_of_batch);
    redistributor->losses = calloc(batch, sizeof *redistributor->losses);
    if (!redistributor->indices || !redistributor->episodes_of_batch || !redistributor->losses) {
        return rud_error(RUD_ENOMEM, "no memory for batches of %zu episodes", batch);
    }
    return RUD_OK;
}

rud_status rud_redistributor_create(const rud_redistributor_options *options,
                                    const rud_features *features, const rud_env *env, uint64_t seed,
                                    rud_redistributor **redistributor)
{
    rud_redistributor *created = calloc(1, sizeof *created);
    *redistributor = NULL;
    if (created == NULL) return rud_error(RUD_ENOMEM, "no memory for a redistributor");
    created->options = *options;
    created->sampling = rud_rng_stream(seed, "lesson buffer", 0);
    created->loss = NAN;
    rud_status status = allocate(created);
    if (status == RUD_OK) {
        status =
            rud_predictor_create(&options->predictor, features, env, seed, &created->predictor);
    }
    if (status == RUD_OK && rud_explainer_needs_episodes(&options->redistribution.attribution)) {
        status = rud_predictor_keep_episodes(created->predictor);
    }
    if (status == RUD_OK) {
        status = rud_explainer_create(created->predictor, &options->redistribution.attribution,
                                      &created->explainer);
    }
    if (status == RUD_OK) {
        const rud_attribution_options differences = rud_attribution_options_default();
        status = rud_explainer_create(created->predictor, &differences, &created->differences);
    }
    if (status == RUD_OK) {
        status = rud_lesson_buffer_create(&options->lesson_buffer, &created->buffer);
    }
    if (status != RUD_OK) rud_redistributor_free(&created);
    *redistributor = created;
    return status;
}

void rud_redistributor_free(rud_redistributor **redistributor)
{
    if (*redistributor == NULL) return;
    rud_explainer_free(&(*redistributor)->explainer);
    rud_explainer_free(&(*redistributor)->differences);
    rud_predictor_free(&(*redistributor)->predictor);
    rud_lesson_buffer_free(&(*redistributor)->buffer);
    free((*redistributor)->indices);
    free((*redistributor)->episodes_of_batch);
    free((*redistributor)->losses);
    free(*redistributor);
    *redistributor = NULL;
}

rud_gate_state rud_redistributor_gate(const rud_redistributor *redistributor,
                                      const rud_quality *quality)
{
    const double s = rud_predictor_target_std(redistributor->predictor);
    const double mean = rud_quality_mean(quality, s);
    const double error = rud_quality_standard_error(quality, s);
    return (rud_gate_state){.ready = mean - error > redistributor->options.gate,
                            .quality = mean,
                            .standard_error = error};
}

rud_redistributor_state rud_redistributor_get_state(const rud_redistributor *redistributor)
{
    const rud_gate_state gate = rud_redistributor_gate(redistributor, &redistributor->quality);
    return (rud_redistributor_state){
        .ready = gate.ready,
        .episodes = redistributor->episodes,
        .updates = redistributor->updates,
        .loss = redistributor->loss,
        .quality = gate.quality,
        .standard_error = gate.standard_error,
    };
}

const rud_quality *rud_redistributor_quality(const rud_redistributor *redistributor)
{
    return &redistributor->quality;
}

rud_predictor *rud_redistributor_predictor(rud_redistributor *redistributor)
{
    return redistributor->predictor;
}

const rud_lesson_buffer *rud_redistributor_lessons(const rud_redistributor *redistributor)
{
    return redistributor->buffer;
}

/* While the gate is shut the original rewards stay, and only predictions are wanted: those of the
 * cheapest method. */
static rud_status redistribute_batch(rud_redistributor *redistributor,
                                     const rud_episode *const *episodes, size_t count,
                                     double *const *redistributed,
                                     rud_redistribution_report *reports)
{
    double predictions[BATCH];
    const bool ready = rud_redistributor_get_state(redistributor).ready;
    const double s = rud_predictor_target_std(redistributor->predictor);
    RUD_TRY(rud_redistribute_episodes(&redistributor->options.redistribution,
                                      ready ? redistributor->explainer : redistributor->differences,
                                      episodes, count, redistributed, predictions));
    for (size_t k = 0; k < count; k++) {
        const rud_episode *episode = episodes[k];
        const double error =
            rud_predictor_return(redistributor->predictor, episode) - predictions[k];
        if (!ready) {
            memcpy(redistributed[k], episode->rewards, episode->steps * sizeof **redistributed);
        }
        reports[k] = (rud_redistribution_report){
            .ready = ready, .prediction = predictions[k], .quality = rud_episode_quality(error, s)};
    }
    return RUD_OK;
}

rud_status rud_redistributor_redistribute_many(rud_redistributor *redistributor,
                                               const rud_episode *const *episodes, size_t count,
                                               double *const *redistributed,
                                               rud_redistribution_report *reports)
{
    for (size_t first = 0; first < count; first += BATCH) {
        const size_t n = count - first < BATCH ? count - first : BATCH;
        RUD_TRY(redistribute_batch(redistributor, episodes + first, n, redistributed + first,
                                   reports + first));
    }
    return RUD_OK;
}

rud_status rud_redistributor_redistribute(rud_redistributor *redistributor,
                                          const rud_episode *episode, double *redistributed,
                                          rud_redistribution_report *report)
{
    return redistribute_batch(redistributor, &episode, 1, &redistributed, report);
}

/* What an untrained predictor says is no prediction, and says nothing of its quality. */
static bool has_learnt(const rud_redistributor *redistributor)
{
    return redistributor->updates > 0 ||
           rud_predictor_useful_updates(redistributor->predictor) == 0;
}

/* Quality, statistics and lesson buffer, of an episode whose prediction was g_last. */
static rud_status take(rud_redistributor *redistributor, const rud_episode *episode,
                       double prediction)
{
    const double G = rud_predictor_return(redistributor->predictor, episode);
    rud_episode *copy = NULL;
    RUD_TRY(rud_predictor_observe(redistributor->predictor, episode));
    if (has_learnt(redistributor)) rud_quality_add(&redistributor->quality, G - prediction);
    const rud_losses losses = rud_predictor_losses(redistributor->predictor, &prediction, 1, G);
    RUD_TRY(rud_episode_copy(episode, &copy));
    RUD_TRY(rud_lesson_buffer_add(redistributor->buffer, copy, losses.main, NULL));
    redistributor->episodes++;
    redistributor->since_training++;
    return RUD_OK;
}

rud_status rud_redistributor_submit(rud_redistributor *redistributor, const rud_episode *episode,
                                    double *redistributed, rud_redistribution_report *report)
{
    RUD_TRY(rud_redistributor_redistribute(redistributor, episode, redistributed, report));
    return take(redistributor, episode, report->prediction);
}

/* Predictions of all episodes, one behind the other: g[i] points into *memory. */
static rud_status predict_all(rud_redistributor *redistributor, const rud_episode *const *episodes,
                              size_t count, double **g, double **memory)
{
    const rud_features *features = rud_predictor_features(redistributor->predictor);
    size_t total = 0;
    for (size_t i = 0; i < count; i++) total += rud_features_inputs(features, episodes[i]);
    *memory = malloc(total * sizeof **memory);
    if (*memory == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu predictions", total);
    total = 0;
    for (size_t i = 0; i < count; i++) {
        g[i] = *memory + total;
        total += rud_features_inputs(features, episodes[i]);
    }
    return rud_predictor_predict(redistributor->predictor, episodes, count, g);
}

rud_status rud_redistributor_learn(rud_redistributor *redistributor,
                                   const rud_episode *const *episodes, size_t count, double *errors)
{
    const rud_features *features = rud_predictor_features(redistributor->predictor);
    double *memory = NULL;
    double **g = malloc((count + 1) * sizeof *g);
    if (g == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu episodes", count);
    rud_status status = predict_all(redistributor, episodes, count, g, &memory);
    for (size_t i = 0; status == RUD_OK && i < count; i++) {
        const size_t inputs = rud_features_inputs(features, episodes[i]);
        if (errors != NULL)
            errors[i] =
                rud_predictor_return(redistributor->predictor, episodes[i]) - g[i][inputs - 1];
        status = take(redistributor, episodes[i], g[i][inputs - 1]);
    }
    free(memory);
    free(g);
    return status;
}

bool rud_redistributor_due(const rud_redistributor *redistributor)
{
    const rud_training_options *training = &redistributor->options.training;
    const double since = (double)redistributor->since_training;
    return since >= (double)training->every &&
           since >= training->growth * (double)redistributor->episodes &&
           rud_lesson_buffer_ready(redistributor->buffer);
}

/* One update on a batch from the lesson buffer. */
static rud_status update(rud_redistributor *redistributor)
{
    const size_t batch = redistributor->options.predictor.batch;
    rud_lesson_buffer_sample(redistributor->buffer, &redistributor->sampling,
                             redistributor->indices, batch);
    for (size_t b = 0; b < batch; b++) {
        redistributor->episodes_of_batch[b] =
            rud_lesson_buffer_episode(redistributor->buffer, redistributor->indices[b]);
    }
    RUD_TRY(rud_predictor_update(redistributor->predictor, redistributor->episodes_of_batch, batch,
                                 redistributor->losses));
    double main = 0;
    for (size_t b = 0; b < batch; b++) {
        rud_lesson_buffer_set_loss(redistributor->buffer, redistributor->indices[b],
                                   redistributor->losses[b].main);
        main += redistributor->losses[b].main / (double)batch;
    }
    redistributor->loss = isnan(redistributor->loss)
                              ? main
                              : (1 - running_weight) * redistributor->loss + running_weight * main;
    redistributor->updates++;
    return RUD_OK;
}

size_t rud_redistributor_begin_round(rud_redistributor *redistributor)
{
    const rud_training_options *training = &redistributor->options.training;
    redistributor->since_training = 0;
    return redistributor->updates == 0 ? training->first_updates : training->updates;
}

rud_status rud_redistributor_train(rud_redistributor *redistributor, size_t updates, size_t *done)
{
    const rud_training_options *training = &redistributor->options.training;
    const bool scheduled = updates == SIZE_MAX;
    const size_t useful = rud_predictor_useful_updates(redistributor->predictor);
    size_t count = 0;
    if (scheduled) updates = rud_redistributor_begin_round(redistributor);
    if (updates > useful) updates = useful;
    if (!rud_lesson_buffer_ready(redistributor->buffer)) updates = 0;
    for (; count < updates; count++) {
        if (scheduled && count > 0 && redistributor->loss < training->loss_threshold) break;
        RUD_TRY(update(redistributor));
    }
    if (done != NULL) *done = count;
    return RUD_OK;
}

/* A small task for the tests of this folder: observations 0, 1, 2 and actions 0, 1; the last step
 * pays the number of observations that were 2. */
#ifndef TESTS_REDISTRIBUTION_LESSONS_H
#define TESTS_REDISTRIBUTION_LESSONS_H

#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "redistribution/predictor.h"
#include "tests/harness.h"

enum { COUNTED = 2, LESSON_STEPS = 9 };

static inline rud_features *lesson_features(bool final_observation)
{
    rud_features_options options = rud_features_options_default();
    rud_space observation, action;
    rud_features *features = NULL;
    options.final_observation = final_observation;
    ck_assert_ok(rud_space_discrete(3, &observation));
    ck_assert_ok(rud_space_discrete(2, &action));
    ck_assert_ok(rud_features_create(&options, &observation, &action, &features));
    rud_space_free(&observation);
    rud_space_free(&action);
    return features;
}

/* Sets the last reward by the observations. */
static inline void pay_lesson(rud_episode *episode)
{
    double G = 0;
    for (size_t t = 0; t < episode->steps; t++) G += episode->observations[t] == COUNTED;
    episode->rewards[episode->steps - 1] = G;
}

static inline rud_episode *lesson(rud_rng *rng, size_t steps)
{
    rud_episode *episode = NULL;
    ck_assert_ok(rud_episode_create(steps, steps + 1, 1, 1, &episode));
    for (size_t t = 0; t <= steps; t++) episode->observations[t] = (double)rud_rng_below(rng, 3);
    for (size_t t = 0; t < steps; t++) episode->actions[t] = (double)rud_rng_below(rng, 2);
    episode->terminated = true;
    pay_lesson(episode);
    return episode;
}

/* `count` episodes of 2 .. LESSON_STEPS steps. */
static inline rud_episodes lessons(uint64_t seed, size_t count)
{
    rud_rng rng = rud_rng_stream(seed, "test lessons", 0);
    rud_episodes list = {0};
    for (size_t i = 0; i < count; i++) {
        const size_t steps = 2 + (size_t)rud_rng_below(&rng, LESSON_STEPS - 1);
        ck_assert_ok(rud_episodes_add(&list, lesson(&rng, steps)));
    }
    return list;
}

static inline const rud_episode *const *lesson_items(const rud_episodes *list)
{
    return (const rud_episode *const *)list->items;
}

static inline rud_predictor_options lesson_options(const char *cell)
{
    rud_predictor_options options = rud_predictor_options_default();
    snprintf(options.cell, sizeof options.cell, "%s", cell);
    options.hidden = 8;
    options.batch = 16;
    options.averaging = 0;
    return options;
}

static inline rud_predictor *lesson_predictor(const rud_predictor_options *options)
{
    rud_features *features = lesson_features(true);
    rud_predictor *predictor = NULL;
    ck_assert_ok(rud_predictor_create(options, features, NULL, 1, &predictor));
    rud_features_free(&features);
    return predictor;
}

static inline void observe_lessons(rud_predictor *predictor, const rud_episodes *list)
{
    for (size_t i = 0; i < list->count; i++) {
        ck_assert_ok(rud_predictor_observe(predictor, list->items[i]));
    }
}

/* Updates on batches in turn; the mean main loss of the last tenth. */
static inline double train_lessons(rud_predictor *predictor, const rud_episodes *list, size_t batch,
                                   size_t updates)
{
    double sum = 0;
    size_t counted = 0;
    rud_losses losses[64];
    ck_assert_uint_le(batch, 64);
    for (size_t k = 0; k < updates; k++) {
        const size_t first = k * batch % (list->count - batch + 1);
        ck_assert_ok(rud_predictor_update(predictor, lesson_items(list) + first, batch, losses));
        if (10 * (k + 1) <= 9 * updates) continue;
        for (size_t i = 0; i < batch; i++) sum += losses[i].main;
        counted += batch;
    }
    return sum / (double)counted;
}

/* Predictions of one episode in g[LESSON_STEPS + 1]. */
static inline void predict_lesson(rud_predictor *predictor, const rud_episode *episode, double *g)
{
    ck_assert_ok(rud_predictor_predict(predictor, &episode, 1, &g));
}

#endif

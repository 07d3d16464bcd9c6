#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "episodes/batch.h"
#include "tests/harness.h"

/* Observations one-hot of 5, raw action: D = 6. */
static rud_features *make_features(bool final)
{
    rud_space observations = {0}, actions = {0};
    ck_assert_int_eq(rud_space_discrete(5, &observations), RUD_OK);
    ck_assert_int_eq(rud_space_box(NULL, NULL, 1, &actions), RUD_OK);
    rud_features_options options = rud_features_options_default();
    options.final_observation = final;
    rud_features *features = NULL;
    ck_assert_int_eq(rud_features_create(&options, &observations, &actions, &features), RUD_OK);
    rud_space_free(&observations);
    rud_space_free(&actions);
    return features;
}

static rud_episode *make_episode(rud_rng *rng, size_t steps)
{
    rud_episode *episode = NULL;
    ck_assert_int_eq(rud_episode_create(steps, steps + 1, 1, 1, &episode), RUD_OK);
    for (size_t t = 0; t <= steps; t++) episode->observations[t] = (double)rud_rng_below(rng, 5);
    for (size_t t = 0; t < steps; t++) episode->actions[t] = 1 + rud_rng_uniform(rng);
    return episode;
}

/* Every column of the batch is the episode's own encoding, then zeros. */
static void check_batch(const rud_batch *batch, const rud_features *features,
                        const rud_episode *const *episodes, size_t count)
{
    size_t longest = 0;
    ck_assert_uint_eq(batch->B, count);
    ck_assert_uint_eq(batch->D, 6);
    for (size_t b = 0; b < count; b++) {
        size_t length = rud_features_inputs(features, episodes[b]);
        ck_assert_uint_eq(batch->lengths[b], length);
        if (length > longest) longest = length;
        ck_assert_uint_ge(length, 1);
        float *alone = malloc(length * 6 * sizeof *alone);
        rud_features_encode(features, episodes[b], alone, 6);
        for (size_t t = 0; t < batch->T; t++) {
            for (size_t d = 0; d < 6; d++) {
                float x = batch->x[(t * count + b) * 6 + d];
                ck_assert_float_eq(x, t < length ? alone[t * 6 + d] : 0);
            }
        }
        free(alone);
    }
    ck_assert_uint_eq(batch->T, longest);
}

static void pack_and_check(rud_batch *batch, const rud_features *features, const size_t *steps,
                           size_t count)
{
    rud_rng rng = rud_rng_stream(7, "test", count);
    rud_episode *episodes[8] = {0};
    for (size_t b = 0; b < count; b++) episodes[b] = make_episode(&rng, steps[b]);
    const rud_episode *const *view = (const rud_episode *const *)episodes;
    ck_assert_int_eq(rud_batch_pack(batch, features, view, count), RUD_OK);
    check_batch(batch, features, view, count);
    for (size_t b = 0; b < count; b++) rud_episode_free(&episodes[b]);
}

START_TEST(short_episodes_are_padded_with_zeros)
{
    rud_features *features = make_features(_i);
    rud_batch batch = {0};
    pack_and_check(&batch, features, (size_t[]){3, 9, 1, 4}, 4);
    ck_assert_uint_eq(batch.T, 9 + (size_t)_i);
    rud_batch_free(&batch);
    ck_assert_ptr_null(batch.x);
    rud_features_free(&features);
}
END_TEST

/* Larger, smaller, larger again: nothing of an earlier batch shines through. */
START_TEST(a_batch_can_be_packed_again)
{
    rud_features *features = make_features(true);
    rud_batch batch = {0};
    pack_and_check(&batch, features, (size_t[]){2, 3}, 2);
    pack_and_check(&batch, features, (size_t[]){30, 20, 10, 25, 1}, 5);
    const float *x = batch.x;
    for (size_t i = 0; i < batch.x_capacity; i++) batch.x[i] = NAN;
    pack_and_check(&batch, features, (size_t[]){1, 7, 2}, 3);
    ck_assert_ptr_eq(batch.x, x);
    pack_and_check(&batch, features, (size_t[]){1, 50}, 2);
    rud_batch_free(&batch);
    rud_features_free(&features);
}
END_TEST

START_TEST(a_batch_of_nothing_is_refused)
{
    rud_features *features = make_features(true);
    rud_batch batch = {0};
    ck_assert_int_eq(rud_batch_pack(&batch, features, NULL, 0), RUD_EINVAL);
    rud_batch_free(&batch);
    rud_features_free(&features);
}
END_TEST

/* Sizes only: the encoding is never reached. */
START_TEST(sizes_that_overflow_are_refused)
{
    rud_features *features = make_features(false);
    rud_episode huge = {.steps = SIZE_MAX / 4, .observation_rows = SIZE_MAX / 4};
    const rud_episode *episodes[] = {&huge, &huge, &huge, &huge, &huge};
    rud_batch batch = {0};
    ck_assert_int_eq(rud_batch_pack(&batch, features, episodes, 5), RUD_ENOMEM);
    ck_assert_int_eq(rud_batch_pack(&batch, features, episodes, 1), RUD_ENOMEM);
    ck_assert_uint_eq(batch.B, 0);
    rud_batch_free(&batch);
    rud_features_free(&features);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("episodes/batch");
    TCase *tcase = tcase_create("batch");
    tcase_add_loop_test(tcase, short_episodes_are_padded_with_zeros, 0, 2);
    tcase_add_test(tcase, a_batch_can_be_packed_again);
    tcase_add_test(tcase, a_batch_of_nothing_is_refused);
    tcase_add_test(tcase, sizes_that_overflow_are_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

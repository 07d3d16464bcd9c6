#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "episodes/features.h"
#include "tests/harness.h"

/* MultiDiscrete [3, 2]. */
static rud_space space_multi(void)
{
    rud_space space = {0};
    ck_assert_int_eq(rud_space_multi_discrete((const int64_t[]){3, 2}, 2, &space), RUD_OK);
    return space;
}

static rud_space space_discrete(int64_t size)
{
    rud_space space = {0};
    ck_assert_int_eq(rud_space_discrete(size, &space), RUD_OK);
    return space;
}

static rud_space space_box(size_t width)
{
    rud_space space = {0};
    ck_assert_int_eq(rud_space_box(NULL, NULL, width, &space), RUD_OK);
    return space;
}

/* Takes both spaces. */
static rud_features *make_features(rud_features_options options, rud_space observations,
                                   rud_space actions)
{
    rud_features *features = NULL;
    rud_status status = rud_features_create(&options, &observations, &actions, &features);
    ck_assert_msg(status == RUD_OK, "%s", rud_last_error());
    rud_space_free(&observations);
    rud_space_free(&actions);
    return features;
}

static rud_episode *make_episode(size_t steps, size_t rows, size_t width,
                                 const double *observations, size_t action_width,
                                 const double *actions)
{
    rud_episode *episode = NULL;
    ck_assert_int_eq(rud_episode_create(steps, rows, width, action_width, &episode), RUD_OK);
    memcpy(episode->observations, observations, rows * width * sizeof(double));
    if (action_width > 0) memcpy(episode->actions, actions, steps * action_width * sizeof(double));
    return episode;
}

/* Encodes with a stride that is wider than the input, and compares with expected[rows][D]. */
static void check_encoding(const rud_features *features, const rud_episode *episode,
                           const float *expected, size_t rows)
{
    enum { STRIDE = 16 };
    size_t width = rud_features_width(features);
    float x[8 * STRIDE];
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = 99;
    ck_assert_msg(rud_features_check(features, episode) == RUD_OK, "%s", rud_last_error());
    ck_assert_uint_eq(rud_features_inputs(features, episode), rows);
    rud_features_encode(features, episode, x, STRIDE);
    for (size_t t = 0; t < 8; t++)
        for (size_t d = 0; d < STRIDE; d++) {
            float wanted = t < rows && d < width ? expected[t * width + d] : 99;
            ck_assert_msg(x[t * STRIDE + d] == wanted, "x[%zu][%zu] is %g, not %g", t, d,
                          (double)x[t * STRIDE + d], (double)wanted);
        }
}

static const double multi_rows[] = {0, 1, 2,
                                    1, 2, 0}; /* s_0 = (0, 1), s_1 = (2, 1), s_2 = (2, 0) */
static const double multi_actions[] = {1, 0};

START_TEST(one_hot_is_encoded)
{
    rud_features *features =
        make_features(rud_features_options_default(), space_multi(), space_discrete(2));
    rud_episode *episode = make_episode(2, 3, 2, multi_rows, 1, multi_actions);
    const float expected[] = {1, 0, 0, 0, 1, 0, 1, /* */
                              0, 0, 1, 0, 1, 1, 0, /* */
                              0, 0, 1, 1, 0, 0, 0};
    check_encoding(features, episode, expected, 3);
    rud_episode_free(&episode);
    rud_features_free(&features);
}
END_TEST

/* The unchanged second component of s_1 vanishes; actions are not differenced. */
START_TEST(one_hot_differences_are_encoded)
{
    rud_features_options options = rud_features_options_default();
    options.difference = true;
    rud_features *features = make_features(options, space_multi(), space_discrete(2));
    rud_episode *episode = make_episode(2, 3, 2, multi_rows, 1, multi_actions);
    const float expected[] = {1,  0, 0, 0, 1,  0, 1, /* */
                              -1, 0, 1, 0, 0,  1, 0, /* */
                              0,  0, 0, 1, -1, 0, 0};
    check_encoding(features, episode, expected, 3);
    rud_episode_free(&episode);
    rud_features_free(&features);
}
END_TEST

/* Without the final observation the row s_T is not read, whatever it holds. */
START_TEST(a_final_row_that_is_not_needed_is_ignored)
{
    rud_features_options options = rud_features_options_default();
    options.final_observation = false;
    rud_features *features = make_features(options, space_multi(), space_discrete(2));
    rud_episode *episode = make_episode(2, 3, 2, multi_rows, 1, multi_actions);
    episode->observations[4] = NAN;
    const float expected[] = {1, 0, 0, 0, 1, 0, 1, /* */
                              0, 0, 1, 0, 1, 1, 0};
    check_encoding(features, episode, expected, 2);
    rud_episode_free(&episode);
    rud_features_free(&features);
}
END_TEST

START_TEST(time_is_encoded_and_never_differenced)
{
    rud_features_options options = rud_features_options_default();
    options.difference = options.time = true;
    options.time_scale = 4;
    rud_features *features = make_features(options, space_discrete(2), space_discrete(2));
    rud_episode *episode =
        make_episode(2, 3, 1, (const double[]){1, 1, 0}, 1, (const double[]){0, 1});
    const float expected[] = {0, 1,  1, 0, 0,     /* */
                              0, 0,  0, 1, 0.25F, /* */
                              1, -1, 0, 0, 0.5F};
    check_encoding(features, episode, expected, 3);
    rud_episode_free(&episode);
    rud_features_free(&features);
}
END_TEST

/* Component 0 raw, 1 left out, 2 one-hot; the action raw. */
START_TEST(each_component_has_its_own_encoding)
{
    rud_space space = {0};
    ck_assert_int_eq(rud_space_multi_discrete((const int64_t[]){9, 9, 2}, 3, &space), RUD_OK);
    rud_features_options options = {
        .observation = {RUD_ENCODING_RAW, RUD_ENCODING_NONE, RUD_ENCODING_AUTO},
        .observation_count = 3,
        .action = RUD_ENCODING_RAW};
    rud_features *features = make_features(options, space, space_discrete(5));
    rud_episode *episode =
        make_episode(2, 2, 3, (const double[]){7, 8, 1, 3, 8, 0}, 1, (const double[]){4, 2});
    const float expected[] = {7, 0, 1, 4, /* */
                              3, 1, 0, 2};
    check_encoding(features, episode, expected, 2);
    rud_episode_free(&episode);
    rud_features_free(&features);
}
END_TEST

START_TEST(raw_boxes_are_standardised)
{
    rud_features_options options = rud_features_options_default();
    options.difference = true;
    rud_features *features = make_features(options, space_box(2), space_box(1));
    const double shift[] = {1, -2, 10}, scale[] = {2, 0.5, 4};
    ck_assert_int_eq(rud_features_set_standardisation(features, shift, scale), RUD_OK);
    rud_episode *episode =
        make_episode(1, 2, 2, (const double[]){5, -1, 2, -1}, 1, (const double[]){12});
    const float expected[] = {2,  2, 0.5F, /* (5 - 1) / 2, (-1 + 2) / 0.5, (12 - 10) / 4 */
                              -2, 4, 0};   /* (2 - 5 - 1) / 2, (0 + 2) / 0.5; no action: 0 */
    check_encoding(features, episode, expected, 2);
    rud_episode_free(&episode);
    rud_features_free(&features);
}
END_TEST

START_TEST(standardisation_leaves_one_hot_alone)
{
    rud_features *features =
        make_features(rud_features_options_default(), space_discrete(2), space_box(1));
    const double shift[] = {NAN, 5, 1}, scale[] = {0, -1, 2};
    ck_assert_int_eq(rud_features_set_standardisation(features, shift, scale), RUD_OK);
    rud_episode *episode = make_episode(1, 2, 1, (const double[]){1, 0}, 1, (const double[]){2});
    const float expected[] = {0, 1, 0.5F, 1, 0, 0};
    check_encoding(features, episode, expected, 2);
    rud_episode_free(&episode);
    rud_features_free(&features);
}
END_TEST

START_TEST(bad_standardisation_changes_nothing)
{
    rud_features *features =
        make_features(rud_features_options_default(), space_box(1), space_box(1));
    const double zero[] = {0, 0}, one[] = {1, 1};
    const double bad[][2] = {{1, 0}, {1, -1}, {1, NAN}, {1, INFINITY}};
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(rud_features_set_standardisation(features, one, bad[i]), RUD_EINVAL);
        ck_assert_ptr_nonnull(strstr(rud_last_error(), "action[0]"));
    }
    ck_assert_int_eq(rud_features_set_standardisation(features, (const double[]){0, NAN}, one),
                     RUD_EINVAL);
    rud_episode *episode = make_episode(1, 2, 1, (const double[]){3, 4}, 1, (const double[]){5});
    const float expected[] = {3, 5, 4, 0};
    check_encoding(features, episode, expected, 2);
    ck_assert_int_eq(rud_features_set_standardisation(features, zero, one), RUD_OK);
    rud_episode_free(&episode);
    rud_features_free(&features);
}
END_TEST

START_TEST(observations_may_stand_alone)
{
    rud_features_options options = rud_features_options_default();
    options.final_observation = false;
    rud_space observations = space_discrete(3);
    rud_features *features = NULL;
    ck_assert_int_eq(rud_features_create(&options, &observations, NULL, &features), RUD_OK);
    rud_space_free(&observations);
    ck_assert_ptr_null(rud_features_action_space(features));
    rud_episode *episode = make_episode(2, 2, 1, (const double[]){2, 0}, 0, NULL);
    const float expected[] = {0, 0, 1, 1, 0, 0};
    check_encoding(features, episode, expected, 2);
    rud_episode_free(&episode);
    rud_features_free(&features);
}
END_TEST

/* Features with every option, over mixed encodings, and a random episode that fits them. */
static rud_features *random_features(rud_rng *rng)
{
    rud_space space = {0};
    ck_assert_int_eq(rud_space_multi_discrete((const int64_t[]){4, 7, 2}, 3, &space), RUD_OK);
    rud_features_options options = rud_features_options_default();
    options.observation_count = 3;
    for (size_t k = 0; k < 3; k++)
        options.observation[k] = (rud_encoding)(k == 0 ? 1 : rud_rng_below(rng, 4));
    options.action = (rud_encoding)rud_rng_below(rng, 4);
    options.difference = rud_rng_below(rng, 2);
    options.time = rud_rng_below(rng, 2);
    options.final_observation = rud_rng_below(rng, 2);
    options.time_scale = 7;
    return make_features(options, space, space_discrete(3));
}

static rud_episode *random_episode(rud_rng *rng, size_t steps)
{
    rud_episode *episode = NULL;
    ck_assert_int_eq(rud_episode_create(steps, steps + 1, 3, 1, &episode), RUD_OK);
    const uint64_t sizes[] = {4, 7, 2};
    for (size_t i = 0; i < 3 * (steps + 1); i++)
        episode->observations[i] = (double)rud_rng_below(rng, sizes[i % 3]);
    for (size_t t = 0; t < steps; t++) episode->actions[t] = (double)rud_rng_below(rng, 3);
    return episode;
}

START_TEST(a_step_is_encoded_as_in_the_episode)
{
    rud_rng rng = rud_rng_stream(11, "test", (uint64_t)_i);
    rud_features *features = random_features(&rng);
    rud_episode *episode = random_episode(&rng, 9);
    size_t width = rud_features_width(features), rows = rud_features_inputs(features, episode);
    float *x = malloc(rows * width * sizeof *x), *step = malloc(width * sizeof *step);
    rud_features_encode(features, episode, x, width);
    for (size_t t = 0; t < rows; t++) {
        const double *observation = episode->observations + 3 * t;
        for (size_t d = 0; d < width; d++) step[d] = NAN;
        rud_features_encode_step(features, observation, t == 0 ? NULL : observation - 3,
                                 t == 9 ? NULL : episode->actions + t, t, step);
        ck_assert_mem_eq(step, x + t * width, width * sizeof *x);
    }
    free(x);
    free(step);
    rud_episode_free(&episode);
    rud_features_free(&features);
}
END_TEST

/* Differences sum to phi(s_T): what the encoding without them gives for the last observation. */
START_TEST(differences_telescope)
{
    rud_rng rng = rud_rng_stream(13, "test", (uint64_t)_i);
    rud_features_options options = rud_features_options_default();
    options.action = RUD_ENCODING_NONE;
    options.observation_count = 3;
    options.observation[1] = _i % 2 ? RUD_ENCODING_RAW : RUD_ENCODING_ONE_HOT;
    rud_space space = {0};
    ck_assert_int_eq(rud_space_multi_discrete((const int64_t[]){4, 7, 2}, 3, &space), RUD_OK);
    rud_space actions = space_discrete(3);
    rud_features *plain = NULL;
    ck_assert_int_eq(rud_features_create(&options, &space, &actions, &plain), RUD_OK);
    options.difference = true;
    rud_features *difference = make_features(options, space, actions);
    size_t width = rud_features_width(plain);
    ck_assert_uint_eq(width, _i % 2 ? 7 : 13);
    rud_episode *episode = random_episode(&rng, 20);
    float x[21 * 13], dx[21 * 13];
    rud_features_encode(plain, episode, x, width);
    rud_features_encode(difference, episode, dx, width);
    for (size_t d = 0; d < width; d++) {
        float sum = 0;
        for (size_t t = 0; t <= 20; t++) {
            sum += dx[t * width + d];
            ck_assert_float_eq(sum, x[t * width + d]);
        }
    }
    rud_episode_free(&episode);
    rud_features_free(&plain);
    rud_features_free(&difference);
}
END_TEST

static void check_name(const rud_features *features, size_t d, const char *expected)
{
    char name[40];
    rud_features_name(features, d, name, sizeof name);
    ck_assert_str_eq(name, expected);
}

START_TEST(columns_have_names)
{
    rud_features_options options = rud_features_options_default();
    options.observation_count = 2;
    options.observation[1] = RUD_ENCODING_RAW;
    options.time = true;
    rud_features *features = make_features(options, space_multi(), space_discrete(2));
    ck_assert_uint_eq(rud_features_width(features), 7);
    check_name(features, 0, "observation[0]=0");
    check_name(features, 2, "observation[0]=2");
    check_name(features, 3, "observation[1]");
    check_name(features, 4, "action=0");
    check_name(features, 5, "action=1");
    check_name(features, 6, "time");
    check_name(features, 7, "");
    char small[7];
    rud_features_name(features, 0, small, sizeof small);
    ck_assert_str_eq(small, "observ");
    rud_features_free(&features);
    features = make_features(rud_features_options_default(), space_discrete(2), space_box(2));
    check_name(features, 1, "observation=1");
    check_name(features, 3, "action[1]");
    rud_features_free(&features);
}
END_TEST

/* The message holds `word`. Takes both spaces. */
static void check_refused(rud_features_options options, rud_space observations, rud_space actions,
                          const char *word)
{
    rud_features *features = NULL;
    ck_assert_int_eq(rud_features_create(&options, &observations, &actions, &features), RUD_EINVAL);
    ck_assert_ptr_null(features);
    ck_assert_msg(strstr(rud_last_error(), word) != NULL, "\"%s\" lacks \"%s\"", rud_last_error(),
                  word);
    rud_space_free(&observations);
    rud_space_free(&actions);
}

START_TEST(options_that_do_not_fit_are_refused)
{
    rud_features_options options = rud_features_options_default();
    options.action = RUD_ENCODING_ONE_HOT;
    check_refused(options, space_multi(), space_box(1), "action: component 0");
    options = rud_features_options_default();
    options.observation_count = 3;
    check_refused(options, space_multi(), space_discrete(2), "observation: 3 encodings for 2");
    options.observation_count = 65;
    check_refused(options, space_box(65), space_discrete(2), "at most 64");
    options = rud_features_options_default();
    options.observation_count = 1;
    options.observation[0] = options.action = RUD_ENCODING_NONE;
    check_refused(options, space_multi(), space_discrete(2), "no input is left");
    options = rud_features_options_default();
    options.time = true;
    const double scales[] = {0, 0.5, -1, NAN, INFINITY};
    for (size_t i = 0; i < 5; i++) {
        options.time_scale = scales[i];
        check_refused(options, space_multi(), space_discrete(2), "time scale");
    }
    options = rud_features_options_default();
    options.action = (rud_encoding)7;
    check_refused(options, space_multi(), space_discrete(2), "unknown encoding 7");
}
END_TEST

START_TEST(inputs_that_are_too_wide_are_refused)
{
    int64_t limit = (int64_t)RUD_FEATURES_WIDTH_MAX;
    rud_features_options options = rud_features_options_default();
    check_refused(options, space_discrete(INT64_MAX), space_discrete(1),
                  "observation: component 0");
    check_refused(options, space_discrete(limit), space_discrete(1), "action: component 0");
    check_refused(options, space_box(RUD_FEATURES_WIDTH_MAX + 1), space_discrete(1), "components");
    options.time = true;
    check_refused(options, space_discrete(limit - 1), space_discrete(1), "time");
    options.time = false;
    rud_features *features = make_features(options, space_discrete(limit - 1), space_discrete(1));
    ck_assert_uint_eq(rud_features_width(features), RUD_FEATURES_WIDTH_MAX);
    check_name(features, (size_t)limit - 2, "observation=1048574");
    check_name(features, (size_t)limit - 1, "action=0");
    rud_features_free(&features);
}
END_TEST

static void check_misfit(const rud_features *features, const rud_episode *episode,
                         rud_status status, const char *message)
{
    ck_assert_int_eq(rud_features_check(features, episode), status);
    ck_assert_msg(strncmp(rud_last_error(), message, strlen(message)) == 0,
                  "\"%s\" does not begin with \"%s\"", rud_last_error(), message);
}

START_TEST(episodes_that_do_not_fit_are_named)
{
    rud_features *features =
        make_features(rud_features_options_default(), space_multi(), space_discrete(2));
    rud_episode *episode = make_episode(2, 3, 2, multi_rows, 1, multi_actions);
    ck_assert_int_eq(rud_features_check(features, episode), RUD_OK);
    episode->observations[3] = 2;
    check_misfit(features, episode, RUD_EINVAL, "field \"observations\"[1]: component 1");
    episode->observations[3] = 0.5;
    check_misfit(features, episode, RUD_EINVAL, "field \"observations\"[1]: component 1");
    episode->observations[3] = 1;
    episode->observations[4] = NAN;
    check_misfit(features, episode, RUD_ENONFINITE, "field \"observations\"[2]: component 0");
    episode->observations[4] = 0;
    episode->actions[1] = -1;
    check_misfit(features, episode, RUD_EINVAL, "field \"actions\"[1]: component 0");
    episode->actions[1] = 0;
    episode->rewards[1] = INFINITY;
    check_misfit(features, episode, RUD_ENONFINITE, "field \"rewards\"[1] is not finite");
    rud_episode_free(&episode);
    episode = make_episode(2, 2, 2, multi_rows, 1, multi_actions);
    check_misfit(features, episode, RUD_EINVAL, "field \"observations\": 2 rows found, 3 expected");
    rud_episode_free(&episode);
    episode = make_episode(2, 3, 1, multi_rows, 1, multi_actions);
    check_misfit(features, episode, RUD_EINVAL,
                 "field \"observations\": rows of width 1 found, 2 expected");
    rud_episode_free(&episode);
    episode = make_episode(2, 3, 2, multi_rows, 0, NULL);
    check_misfit(features, episode, RUD_EINVAL,
                 "field \"actions\": rows of width 0 found, 1 expected");
    rud_episode_free(&episode);
    rud_features_free(&features);
}
END_TEST

/* A float must hold the input, and the difference of two. */
START_TEST(numbers_too_large_for_an_input_are_refused)
{
    rud_features_options options = rud_features_options_default();
    options.difference = true;
    rud_features *features = make_features(options, space_box(1), space_discrete(1));
    const double large = FLT_MAX / 2;
    rud_episode *episode =
        make_episode(1, 2, 1, (const double[]){large, -large}, 1, (const double[]){0});
    ck_assert_int_eq(rud_features_check(features, episode), RUD_OK);
    float x[2 * 2];
    rud_features_encode(features, episode, x, 2);
    ck_assert(isfinite(x[0]) && isfinite(x[2]));
    episode->observations[1] = -1.5 * large;
    check_misfit(features, episode, RUD_ENONFINITE, "field \"observations\"[1]: component 0");
    rud_episode_free(&episode);
    rud_features_free(&features);
}
END_TEST

START_TEST(actions_that_are_left_out_are_not_checked)
{
    rud_features_options options = rud_features_options_default();
    options.action = RUD_ENCODING_NONE;
    rud_features *features = make_features(options, space_discrete(2), space_discrete(2));
    rud_episode *episode = make_episode(1, 2, 1, (const double[]){1, 0}, 0, NULL);
    const float expected[] = {0, 1, 1, 0};
    check_encoding(features, episode, expected, 2);
    rud_episode_free(&episode);
    rud_features_free(&features);
}
END_TEST

START_TEST(a_copy_encodes_the_same)
{
    rud_features_options options = rud_features_options_default();
    options.difference = options.time = true;
    options.time_scale = 8;
    rud_features *features = make_features(options, space_box(1), space_discrete(2)), *copy = NULL;
    const double shift[] = {3, 0, 0, 0}, scale[] = {4, 1, 1, 1};
    ck_assert_int_eq(rud_features_set_standardisation(features, shift, scale), RUD_OK);
    ck_assert_int_eq(rud_features_copy(features, &copy), RUD_OK);
    rud_features_free(&features);
    ck_assert(rud_features_difference(copy) && rud_features_final_observation(copy));
    ck_assert_int_eq(rud_features_observation_space(copy)->kind, RUD_SPACE_BOX);
    ck_assert_int_eq(rud_features_action_space(copy)->sizes[0], 2);
    rud_episode *episode = make_episode(1, 2, 1, (const double[]){7, 5}, 1, (const double[]){1});
    const float expected[] = {1, 0, 1, 0, -1.25F, 0, 0, 0.125F};
    check_encoding(copy, episode, expected, 2);
    rud_episode_free(&episode);
    rud_features_free(&copy);
}
END_TEST

static TCase *encoding_case(void)
{
    TCase *tcase = tcase_create("encoding");
    tcase_add_test(tcase, one_hot_is_encoded);
    tcase_add_test(tcase, one_hot_differences_are_encoded);
    tcase_add_test(tcase, a_final_row_that_is_not_needed_is_ignored);
    tcase_add_test(tcase, time_is_encoded_and_never_differenced);
    tcase_add_test(tcase, each_component_has_its_own_encoding);
    tcase_add_test(tcase, raw_boxes_are_standardised);
    tcase_add_test(tcase, standardisation_leaves_one_hot_alone);
    tcase_add_test(tcase, bad_standardisation_changes_nothing);
    tcase_add_test(tcase, observations_may_stand_alone);
    tcase_add_loop_test(tcase, a_step_is_encoded_as_in_the_episode, 0, 30);
    tcase_add_loop_test(tcase, differences_telescope, 0, 6);
    tcase_add_test(tcase, a_copy_encodes_the_same);
    return tcase;
}

static TCase *checks_case(void)
{
    TCase *tcase = tcase_create("checks");
    tcase_add_test(tcase, columns_have_names);
    tcase_add_test(tcase, options_that_do_not_fit_are_refused);
    tcase_add_test(tcase, inputs_that_are_too_wide_are_refused);
    tcase_add_test(tcase, episodes_that_do_not_fit_are_named);
    tcase_add_test(tcase, numbers_too_large_for_an_input_are_refused);
    tcase_add_test(tcase, actions_that_are_left_out_are_not_checked);
    return tcase;
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("episodes/features");
    suite_add_tcase(suite, encoding_case());
    suite_add_tcase(suite, checks_case());
    return suite;
}

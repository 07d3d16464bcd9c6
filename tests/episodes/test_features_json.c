#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "episodes/features.h"
#include "tests/harness.h"

static rud_features *from_json(const char *text)
{
    rud_features *features = NULL;
    rud_status status = rud_features_from_json(text, &features);
    ck_assert_msg(status == RUD_OK, "%s", rud_last_error());
    return features;
}

/* `text` written again from the features it describes. */
static void check_round_trip(const char *text)
{
    rud_features *features = from_json(text);
    char *again = NULL;
    ck_assert_int_eq(rud_features_to_json(features, &again), RUD_OK);
    ck_assert_str_eq(again, text);
    free(again);
    rud_features_free(&features);
}

START_TEST(descriptions_round_trip)
{
    check_round_trip(
        "{\"observation_space\": {\"kind\": \"multi-discrete\", \"sizes\": [2, 51, 4]}, "
        "\"action_space\": {\"kind\": \"discrete\", \"sizes\": [2]}, "
        "\"observation\": [\"one-hot\", \"raw\", \"none\"], \"action\": [\"one-hot\"], "
        "\"difference\": true, \"final_observation\": true, \"time\": true, \"time_scale\": 50, "
        "\"shift\": [0.1], \"scale\": [0.3333333333333333]}");
    check_round_trip(
        "{\"observation_space\": {\"kind\": \"box\", \"width\": 2, \"low\": [null, -1.5], "
        "\"high\": [1e+300, null]}, \"action_space\": {\"kind\": \"box\", \"width\": 3}, "
        "\"observation\": [\"raw\"], \"action\": [\"raw\"], \"difference\": false, "
        "\"final_observation\": false, \"time\": false, \"time_scale\": 1, "
        "\"shift\": [0, 0, 1, 2, 3], \"scale\": [1, 1, 4, 5, 6]}");
    check_round_trip("{\"observation_space\": {\"kind\": \"discrete\", \"sizes\": [3]}, "
                     "\"action_space\": null, \"observation\": [\"one-hot\"], \"action\": [], "
                     "\"difference\": false, \"final_observation\": false, \"time\": false, "
                     "\"time_scale\": 1, \"shift\": [], \"scale\": []}");
}
END_TEST

static rud_space random_space(rud_rng *rng, size_t width)
{
    rud_space space = {0};
    const int64_t sizes[] = {4, 7, 2};
    const double low[] = {-1, -INFINITY, 0}, high[] = {0.1, 1, INFINITY};
    rud_status status = RUD_OK;
    switch (rud_rng_below(rng, 3)) {
    case 0:
        status = rud_space_multi_discrete(sizes, width, &space);
        break;
    case 1:
        status = rud_space_box(NULL, NULL, width, &space);
        break;
    default:
        status = rud_space_box(low, high, width, &space);
    }
    ck_assert_int_eq(status, RUD_OK);
    return space;
}

static rud_features *random_features(rud_rng *rng)
{
    rud_space observations = random_space(rng, 3), actions = random_space(rng, 2);
    rud_features_options options = rud_features_options_default();
    options.observation_count = 3;
    options.observation[1] = RUD_ENCODING_RAW;
    options.observation[2] = rud_rng_below(rng, 2) ? RUD_ENCODING_NONE : RUD_ENCODING_AUTO;
    options.difference = rud_rng_below(rng, 2);
    options.time = rud_rng_below(rng, 2);
    options.final_observation = rud_rng_below(rng, 2);
    options.time_scale = 1 + rud_rng_uniform(rng);
    rud_features *features = NULL;
    ck_assert_int_eq(rud_features_create(&options, &observations, &actions, &features), RUD_OK);
    double shift[32], scale[32];
    for (size_t d = 0; d < 32; d++) {
        shift[d] = rud_rng_normal(rng);
        scale[d] = 0.1 + rud_rng_uniform(rng);
    }
    ck_assert_int_eq(rud_features_set_standardisation(features, shift, scale), RUD_OK);
    rud_space_free(&observations);
    rud_space_free(&actions);
    return features;
}

/* Values 0 and 1 lie in every space of random_space but bounded boxes, which the encoding does
 * not mind. */
START_TEST(features_read_back_encode_the_same)
{
    rud_rng rng = rud_rng_stream(17, "test", (uint64_t)_i);
    rud_features *features = random_features(&rng);
    char *text = NULL;
    ck_assert_int_eq(rud_features_to_json(features, &text), RUD_OK);
    rud_features *read = from_json(text);
    free(text);
    size_t width = rud_features_width(features);
    ck_assert_uint_eq(rud_features_width(read), width);
    ck_assert_int_eq(rud_features_difference(read), rud_features_difference(features));
    rud_episode *episode = NULL;
    ck_assert_int_eq(rud_episode_create(6, 7, 3, 2, &episode), RUD_OK);
    for (size_t i = 0; i < 21; i++) episode->observations[i] = (double)rud_rng_below(&rng, 2);
    for (size_t i = 0; i < 12; i++) episode->actions[i] = (double)rud_rng_below(&rng, 2);
    size_t rows = rud_features_inputs(features, episode);
    ck_assert_uint_eq(rud_features_inputs(read, episode), rows);
    float a[7 * 32], b[7 * 32];
    rud_features_encode(features, episode, a, width);
    rud_features_encode(read, episode, b, width);
    ck_assert_mem_eq(a, b, rows * width * sizeof *a);
    for (size_t d = 0; d < width; d++) {
        char one[64], other[64];
        rud_features_name(features, d, one, sizeof one);
        rud_features_name(read, d, other, sizeof other);
        ck_assert_str_eq(one, other);
    }
    rud_episode_free(&episode);
    rud_features_free(&features);
    rud_features_free(&read);
}
END_TEST

START_TEST(standardisation_may_be_absent)
{
    rud_features *features =
        from_json("{\"observation_space\": {\"kind\": \"box\", \"width\": 1}, "
                  "\"action_space\": null, \"observation\": [\"auto\"], \"action\": [], "
                  "\"difference\": false, \"final_observation\": false, \"time\": false, "
                  "\"time_scale\": 1}");
    float x = 0;
    rud_features_encode_step(features, (const double[]){0.75}, NULL, NULL, 0, &x);
    ck_assert_float_eq(x, 0.75F);
    rud_features_free(&features);
}
END_TEST

/* The good description, and one edit of it that makes it bad. */
static const char *const good =
    "{\"observation_space\": {\"kind\": \"multi-discrete\", \"sizes\": [2, 3]}, "
    "\"action_space\": {\"kind\": \"box\", \"width\": 2, \"low\": [0, 0], \"high\": [1, null]}, "
    "\"observation\": [\"one-hot\", \"raw\"], \"action\": [\"raw\"], \"difference\": true, "
    "\"final_observation\": true, \"time\": true, \"time_scale\": 50, "
    "\"shift\": [1, 2, 3], \"scale\": [1, 2, 3]}";

typedef struct edit {
    const char *from, *to, *message;
} edit;

static const edit edits[] = {
    {"{\"observation_space\"", "[\"observation_space\"", "not JSON"},
    {"\"difference\": true, ", "", "\"difference\" is missing"},
    {"\"observation_space\"", "\"observations\"", "unknown key \"observations\""},
    {"\"sizes\"", "\"size\"", "unknown key \"size\""},
    {"\"sizes\": [2, 3]", "\"sizes\": []", "\"sizes\" has 0 entries"},
    {"\"sizes\": [2, 3]", "\"sizes\": [2, 0]", "component 1"},
    {"\"sizes\": [2, 3]", "\"sizes\": [2, -3]", "component 1"},
    {"\"sizes\": [2, 3]", "\"sizes\": [2, 3.5]", "\"sizes\" is of type double"},
    {"\"sizes\": [2, 3]", "\"sizes\": 2", "\"sizes\" is of type int"},
    {"\"sizes\": [2, 3]", "\"sizes\": [1048577, 3]", "wider than"},
    {"\"sizes\": [2, 3]", "\"sizes\": [9223372036854775807, 3]", "wider than"},
    {"\"sizes\": [2, 3]", "\"sizes\": [2, 3, 4]", "2 encodings for 3 components"},
    {"multi-discrete", "discrete", "a discrete space has 2 sizes"},
    {"multi-discrete", "dictionary", "\"kind\" is the unknown \"dictionary\""},
    {"\"width\": 2", "\"width\": 0", "\"width\" is 0"},
    {"\"width\": 2", "\"width\": -2", "\"width\" is -2"},
    {"\"width\": 2", "\"width\": 1000000000000", "\"width\" is 1000000000000"},
    {"\"width\": 2", "\"width\": 3", "\"low\" has 2 entries, not 3"},
    {"\"low\": [0, 0], ", "", "\"low\" and \"high\""},
    {"\"low\": [0, 0]", "\"low\": [2, 0]", "component 0"},
    {"\"low\": [0, 0]", "\"low\": [0, NaN]", "\"low\"[1] is not a finite number"},
    {"\"low\": [0, 0]", "\"low\": [0, \"0\"]", "\"low\" is of type string"},
    {"\"one-hot\", \"raw\"", "\"one-hot\", \"cold\"", "\"observation\" is the unknown \"cold\""},
    {"\"one-hot\", \"raw\"", "\"one-hot\", 1", "\"observation\" is of type int"},
    {"\"action\": [\"raw\"]", "\"action\": [\"one-hot\"]", "action: component 0"},
    {"\"action\": [\"raw\"]", "\"action\": [\"raw\", \"raw\", \"raw\"]", "3 encodings for 2"},
    {"\"difference\": true", "\"difference\": 1", "\"difference\" is of type int, not boolean"},
    {"\"time_scale\": 50", "\"time_scale\": 0", "time scale 0"},
    {"\"time_scale\": 50", "\"time_scale\": Infinity", "time scale inf"},
    {"\"time_scale\": 50", "\"time_scale\": \"50\"", "\"time_scale\" is of type string"},
    {"\"shift\": [1, 2, 3]", "\"shift\": [1, 2]", "\"shift\" has 2 entries, not 3"},
    {"\"shift\": [1, 2, 3]", "\"shift\": [1, 2, null]", "\"shift\"[2] is not a finite number"},
    {"\"shift\": [1, 2, 3]", "\"shift\": [1, 2, 1e999]", "\"shift\"[2] is not a finite number"},
    {"\"scale\": [1, 2, 3]", "\"scale\": [1, 2, 0]", "action[1]"},
    {"\"scale\": [1, 2, 3]", "\"scale\": [-1, 2, 3]", "observation[1]"},
    {", \"scale\": [1, 2, 3]", "", "\"shift\" and \"scale\""},
    {"3]}", "3]} {}", "not JSON at byte"},
};

static void apply(const edit *change, char *text, size_t size)
{
    const char *at = strstr(good, change->from);
    if (strcmp(change->from, "3]}") == 0) at = good + strlen(good) - 3;
    ck_assert_ptr_nonnull(at);
    snprintf(text, size, "%.*s%s%s", (int)(at - good), good, change->to, at + strlen(change->from));
}

START_TEST(bad_descriptions_are_refused)
{
    char text[1024];
    apply(&edits[_i], text, sizeof text);
    rud_features *features = from_json(good);
    rud_features_free(&features);
    ck_assert_msg(rud_features_from_json(text, &features) == RUD_EFORMAT, "accepted: %s", text);
    ck_assert_ptr_null(features);
    ck_assert_msg(strstr(rud_last_error(), edits[_i].message) != NULL,
                  "%s\n  says \"%s\", not \"%s\"", text, rud_last_error(), edits[_i].message);
    ck_assert_int_eq(strncmp(rud_last_error(), "description of features: ", 25), 0);
}
END_TEST

/* Byte changes: refused, or read as features that can be used. */
START_TEST(mutated_descriptions_do_no_harm)
{
    static const char bytes[] = "[]{}\",:0129.-+eE nulltrue";
    rud_rng rng = rud_rng_stream(19, "test", 0);
    size_t refused = 0;
    for (int k = 0; k < 1000; k++) {
        char text[1024];
        snprintf(text, sizeof text, "%s", good);
        for (uint64_t n = 1 + rud_rng_below(&rng, 3); n > 0; n--)
            text[rud_rng_below(&rng, strlen(good))] = bytes[rud_rng_below(&rng, sizeof bytes - 1)];
        rud_features *features = NULL;
        rud_status status = rud_features_from_json(text, &features);
        ck_assert(status == RUD_OK || status == RUD_EFORMAT);
        ck_assert_int_eq(status == RUD_OK, features != NULL);
        refused += status != RUD_OK;
        if (features != NULL) ck_assert_uint_ge(rud_features_width(features), 1);
        rud_features_free(&features);
    }
    ck_assert_uint_ge(refused, 500);
    ck_assert_uint_lt(refused, 1000);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("episodes/features_json");
    TCase *tcase = tcase_create("features_json");
    tcase_add_test(tcase, descriptions_round_trip);
    tcase_add_loop_test(tcase, features_read_back_encode_the_same, 0, 30);
    tcase_add_test(tcase, standardisation_may_be_absent);
    tcase_add_loop_test(tcase, bad_descriptions_are_refused, 0,
                        (int)(sizeof edits / sizeof *edits));
    tcase_add_test(tcase, mutated_descriptions_do_no_harm);
    suite_add_tcase(suite, tcase);
    return suite;
}

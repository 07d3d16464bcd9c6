/* Standardisation learned from inputs: mean 0 and standard deviation 1 over what was added. */
#include <math.h>

#include "redistribution/feature_statistics.h"
#include "tests/harness.h"

/* A box of two numbers beside a one-hot action of two: columns raw, raw, one-hot, one-hot. */
static rud_features *two_raw_columns(void)
{
    rud_features_options options = rud_features_options_default();
    options.difference = options.standardise = true;
    rud_space observations, actions;
    rud_features *features = NULL;
    ck_assert_int_eq(rud_space_box(NULL, NULL, 2, &observations), RUD_OK);
    ck_assert_int_eq(rud_space_discrete(2, &actions), RUD_OK);
    ck_assert_int_eq(rud_features_create(&options, &observations, &actions, &features), RUD_OK);
    rud_space_free(&observations);
    rud_space_free(&actions);
    return features;
}

START_TEST(raw_columns_get_mean_0_and_deviation_1)
{
    rud_features *features = two_raw_columns();
    rud_feature_statistics statistics;
    const float x[] = {1, 7, 1, 0, 3, 7, 0, 1, 5, 7, 1, 0};
    ck_assert_int_eq(rud_feature_statistics_create(4, &statistics), RUD_OK);
    rud_feature_statistics_add(&statistics, x, 3);
    ck_assert_int_eq(rud_feature_statistics_standardise(&statistics, features), RUD_OK);
    ck_assert_double_eq_tol(statistics.shift[0], 3, 1e-12);
    ck_assert_double_eq_tol(statistics.scale[0], sqrt(8.0 / 3), 1e-12);
    ck_assert_double_eq(statistics.scale[1], 1); /* a constant is only centred */
    ck_assert_double_eq(statistics.shift[2], 0);
    ck_assert_double_eq_tol(rud_feature_statistics_mean(&statistics, 0), 0, 1e-12);
    ck_assert_double_eq_tol(rud_feature_statistics_mean(&statistics, 2), 2.0 / 3, 1e-12);
    float first[4];
    rud_features_encode_step(features, (const double[]){5, 7}, NULL, (const double[]){1}, 0, first);
    ck_assert_double_eq_tol(first[0], 2 / sqrt(8.0 / 3), 1e-6);
    ck_assert_double_eq_tol(first[1], 0, 1e-6);
    rud_feature_statistics_free(&statistics);
    rud_features_free(&features);
}
END_TEST

/* What is added later is standardised already; the statistics are of the inputs before that. */
START_TEST(later_inputs_count_alike)
{
    rud_features *features = two_raw_columns();
    rud_feature_statistics once, twice;
    const float x[] = {1, 2, 1, 0, 4, 3, 0, 1}, y[] = {-2, 5, 1, 0, 8, 1, 0, 1};
    ck_assert_int_eq(rud_feature_statistics_create(4, &once), RUD_OK);
    ck_assert_int_eq(rud_feature_statistics_create(4, &twice), RUD_OK);
    rud_feature_statistics_add(&once, x, 2);
    rud_feature_statistics_add(&once, y, 2);
    rud_feature_statistics_add(&twice, x, 2);
    ck_assert_int_eq(rud_feature_statistics_standardise(&twice, features), RUD_OK);
    float standardised[8];
    for (size_t i = 0; i < 8; i++) {
        standardised[i] = (float)((y[i] - twice.shift[i % 4]) / twice.scale[i % 4]);
    }
    rud_feature_statistics_add(&twice, standardised, 2);
    for (size_t d = 0; d < 4; d++) {
        ck_assert_double_eq_tol(twice.sums[d], once.sums[d], 1e-5);
        ck_assert_double_eq_tol(twice.squares[d], once.squares[d], 1e-5);
    }
    rud_feature_statistics_free(&once);
    rud_feature_statistics_free(&twice);
    rud_features_free(&features);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("redistribution/feature_statistics");
    TCase *tcase = tcase_create("standardisation");
    tcase_add_test(tcase, raw_columns_get_mean_0_and_deviation_1);
    tcase_add_test(tcase, later_inputs_count_alike);
    suite_add_tcase(suite, tcase);
    return suite;
}

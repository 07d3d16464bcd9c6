#include "redistribution/observation_mean.h"

#include <stdlib.h>
#include <string.h>

#include "tests/harness.h"

static rud_episode *episode_of(size_t rows, const double *observations)
{
    rud_episode *episode;
    ck_assert_ok(rud_episode_create(2, rows, 2, 0, &episode));
    memcpy(episode->observations, observations, rows * 2 * sizeof *observations);
    return episode;
}

/* By hand: (1 + 2 + 3 + 4 + 5) / 5 and (10 + 20 + 30 + 0 + 0) / 5. */
START_TEST(every_row_counts_alike)
{
    static const double two_rows[] = {1, 10, 2, 20}, three_rows[] = {3, 30, 4, 0, 5, 0};
    rud_episode *short_one = episode_of(2, two_rows), *with_final = episode_of(3, three_rows);
    rud_observation_mean mean;
    float *values;
    ck_assert_ok(rud_observation_mean_create(2, &mean));
    ck_assert_ok(rud_observation_mean_add(&mean, short_one));
    ck_assert_ok(rud_observation_mean_add(&mean, with_final));
    ck_assert_ok(rud_observation_mean_get(&mean, &values));
    ck_assert_float_eq(values[0], 3);
    ck_assert_float_eq(values[1], 12);
    free(values);
    rud_observation_mean_free(&mean);
    rud_episode_free(&short_one);
    rud_episode_free(&with_final);
}
END_TEST

START_TEST(another_width_is_refused)
{
    static const double rows[] = {1, 10, 2, 20};
    rud_episode *episode = episode_of(2, rows);
    rud_observation_mean mean;
    float *values;
    ck_assert_ok(rud_observation_mean_create(3, &mean));
    ck_assert_int_eq(rud_observation_mean_add(&mean, episode), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "have 2 numbers, the network reads 3"));
    ck_assert_ok(rud_observation_mean_get(&mean, &values));
    for (size_t d = 0; d < 3; d++) ck_assert_float_eq(values[d], 0);
    free(values);
    rud_observation_mean_free(&mean);
    rud_episode_free(&episode);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("redistribution/observation_mean");
    TCase *tcase = tcase_create("observation mean");
    tcase_add_test(tcase, every_row_counts_alike);
    tcase_add_test(tcase, another_width_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

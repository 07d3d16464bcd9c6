#include "tests/harness.h"

#include "report/bands_private.h"
#include "tests/sample_runs.h"

/* A run of one method whose share is `share` at episode 100 and `end` at `last`. */
static rud_run curve_run(double share, double end, size_t last)
{
    rud_run run = {.delay = 50, .solved = true, .episodes = last};
    snprintf(run.environment, sizeof run.environment, "watch-repair");
    snprintf(run.method, sizeof run.method, "rudder");
    run.curve = sample_array(2, sizeof *run.curve);
    run.curve[run.curve_count++] = (rud_curve_point){100, share};
    run.curve[run.curve_count++] = (rud_curve_point){last, end};
    return run;
}

static void add(rud_runs *runs, rud_run run)
{
    ck_assert_int_eq(rud_runs_add(runs, &run), RUD_OK);
}

START_TEST(a_run_that_has_ended_keeps_its_last_value)
{
    rud_runs runs = {0};
    add(&runs, curve_run(0.5, 0.9, 200));
    add(&runs, curve_run(0.6, 0.8, 400));
    add(&runs, curve_run(0.7, 0.7, 1000));
    rud_bands bands;
    ck_assert_int_eq(rud_bands_compute(&runs, &runs.items[0], &rud_series_optimal_share, &bands),
                     RUD_OK);
    size_t last = bands.count - 1;
    ck_assert_double_eq(bands.episode[0], 100);
    ck_assert_double_eq(bands.episode[last], 1000);
    ck_assert_double_eq_tol(bands.low[0], 0.55, 1e-12);
    ck_assert_double_eq_tol(bands.median[0], 0.6, 1e-12);
    ck_assert_double_eq_tol(bands.high[0], 0.65, 1e-12);
    ck_assert_double_eq_tol(bands.low[last], 0.75, 1e-12);
    ck_assert_double_eq_tol(bands.median[last], 0.8, 1e-12);
    ck_assert_double_eq_tol(bands.high[last], 0.85, 1e-12);
    for (size_t k = 1; k < bands.count; k++) {
        ck_assert_double_gt(bands.episode[k], bands.episode[k - 1]);
    }
    rud_runs_free(&runs);
}
END_TEST

START_TEST(failed_tuning_and_other_runs_are_left_out)
{
    rud_runs runs = {0};
    add(&runs, curve_run(0.5, 0.9, 200));
    rud_run failed = curve_run(0.1, 0.1, 900), tuning = curve_run(0.2, 0.2, 900);
    rud_run other = curve_run(0.3, 0.3, 900);
    failed.error = strdup("diverged");
    tuning.tuning = true;
    other.delay = 200;
    add(&runs, failed);
    add(&runs, tuning);
    add(&runs, other);
    rud_bands bands;
    ck_assert_int_eq(rud_bands_compute(&runs, &runs.items[0], &rud_series_optimal_share, &bands),
                     RUD_OK);
    ck_assert_double_eq(bands.episode[bands.count - 1], 200);
    ck_assert_double_eq_tol(bands.median[0], 0.5, 1e-12);
    ck_assert_int_eq(rud_bands_compute(&runs, &runs.items[0], &rud_series_quality, &bands), RUD_OK);
    ck_assert_uint_eq(bands.count, 0); /* no predictor */
    rud_runs_free(&runs);
}
END_TEST

static rud_run predictor_run(size_t ready_from)
{
    rud_run run = curve_run(0.5, 0.5, 400);
    run.predictor = sample_array(4, sizeof *run.predictor);
    for (size_t k = 1; k <= 4; k++) {
        run.predictor[run.predictor_count++] =
            (rud_predictor_point){.episode = 100 * k,
                                  .loss = k == 1 ? NAN : 1.0 / (double)k,
                                  .quality = k == 1 ? NAN : 0.2 * (double)k,
                                  .ready = 100 * k >= ready_from};
    }
    return run;
}

START_TEST(values_that_are_not_there_are_left_out)
{
    rud_runs runs = {0};
    add(&runs, predictor_run(300));
    rud_bands bands;
    ck_assert_int_eq(rud_bands_compute(&runs, &runs.items[0], &rud_series_loss, &bands), RUD_OK);
    ck_assert_double_eq(bands.episode[0], 200);
    ck_assert_double_eq_tol(bands.median[0], 0.5, 1e-12);
    ck_assert_double_eq_tol(bands.median[bands.count - 1], 0.25, 1e-12);
    rud_runs_free(&runs);
}
END_TEST

START_TEST(the_gate_opens_at_the_median_episode)
{
    rud_runs runs = {0};
    double episode;
    add(&runs, predictor_run(200));
    add(&runs, predictor_run(400));
    add(&runs, predictor_run(9999));
    ck_assert_int_eq(rud_gate_episode(&runs, &runs.items[0], &episode), RUD_OK);
    ck_assert_double_eq(episode, 400);
    add(&runs, predictor_run(9999));
    add(&runs, predictor_run(9999));
    ck_assert_int_eq(rud_gate_episode(&runs, &runs.items[0], &episode), RUD_OK);
    ck_assert(isinf(episode));
    rud_runs_free(&runs);
    add(&runs, curve_run(0.5, 0.5, 400));
    ck_assert_int_eq(rud_gate_episode(&runs, &runs.items[0], &episode), RUD_OK);
    ck_assert(isnan(episode));
    rud_runs_free(&runs);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("report/bands");
    TCase *bands = tcase_create("bands");
    tcase_add_test(bands, a_run_that_has_ended_keeps_its_last_value);
    tcase_add_test(bands, failed_tuning_and_other_runs_are_left_out);
    tcase_add_test(bands, values_that_are_not_there_are_left_out);
    tcase_add_test(bands, the_gate_opens_at_the_median_episode);
    suite_add_tcase(suite, bands);
    return suite;
}

/* The predictors beside the LSTM: linear by hand, uniform, exact. */
#include <math.h>
#include <string.h>

#include "agents/rollout.h"
#include "envs/env.h"
#include "tests/redistribution/lessons.h"

/* Observations of two real numbers; actions are not seen. */
static rud_predictor *linear_predictor(double ridge)
{
    rud_features_options features_options = rud_features_options_default();
    rud_predictor_options options = rud_predictor_options_default();
    rud_features *features = NULL;
    rud_predictor *predictor = NULL;
    rud_space observation;
    features_options.final_observation = false;
    strcpy(options.cell, "linear");
    options.ridge = ridge;
    ck_assert_ok(rud_space_box(NULL, NULL, 2, &observation));
    ck_assert_ok(rud_features_create(&features_options, &observation, NULL, &features));
    ck_assert_ok(rud_predictor_create(&options, features, NULL, 1, &predictor));
    rud_space_free(&observation);
    rud_features_free(&features);
    return predictor;
}

static rud_episode *rows(const double (*x)[2], size_t steps, double G)
{
    rud_episode *episode = NULL;
    ck_assert_ok(rud_episode_create(steps, steps, 2, 0, &episode));
    memcpy(episode->observations, x, steps * sizeof *x);
    episode->rewards[steps - 1] = G;
    return episode;
}

START_TEST(linear_recovers_known_weights)
{
    enum { T = 5, EPISODES = 40 };
    rud_predictor *predictor = linear_predictor(1e-12);
    rud_rng rng = rud_rng_stream(1, "test linear", 0);
    rud_episodes list = {0};
    for (int k = 0; k < EPISODES; k++) {
        double x[T][2], G = 5;
        for (size_t t = 0; t < T; t++) {
            for (size_t d = 0; d < 2; d++) x[t][d] = (double)rud_rng_below(&rng, 17) / 8 - 1;
            G += 3 * x[t][0] - 2 * x[t][1];
        }
        ck_assert_ok(rud_episodes_add(&list, rows(x, T, G)));
    }
    observe_lessons(predictor, &list);
    rud_losses losses[EPISODES];
    ck_assert_ok(rud_predictor_update(predictor, lesson_items(&list), EPISODES, losses));
    for (size_t k = 0; k < EPISODES; k++) {
        double g[T], wanted = 5;
        predict_lesson(predictor, list.items[k], g);
        for (size_t t = 0; t < T; t++) {
            const double *x = list.items[k]->observations + 2 * t;
            wanted += 3 * x[0] - 2 * x[1]; /* g_t = b + w . (x_0 + ... + x_t) */
            ck_assert_double_eq_tol(g[t], wanted, 1e-6);
        }
        ck_assert_double_lt(losses[k].main, 1e-10);
    }
    ck_assert_uint_eq(rud_predictor_useful_updates(predictor), 1);
    ck_assert_ptr_null(rud_predictor_network(predictor));
    rud_episodes_free(&list);
    rud_predictor_free(&predictor);
}
END_TEST

static double determinant(const double m[3][3])
{
    return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
           m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
           m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
}

/* Sums (1, 2), (3, -1), (0, 1) with returns 4, 1, 2 and ridge 0.5: the normal equations with
 * 3 * 0.5 on the diagonal of the two weights, solved by Cramer's rule. */
START_TEST(linear_is_ridge_regression)
{
    const double A[3][3] = {{10 + 1.5, -1, 4}, {-1, 6 + 1.5, 2}, {4, 2, 3}};
    const double right[3] = {4 * 1 + 1 * 3 + 2 * 0, 4 * 2 - 1 * 1 + 2 * 1, 7};
    double w[3];
    for (int k = 0; k < 3; k++) {
        double replaced[3][3];
        memcpy(replaced, A, sizeof replaced);
        for (int row = 0; row < 3; row++) replaced[row][k] = right[row];
        w[k] = determinant((const double(*)[3])replaced) / determinant(A);
    }
    rud_predictor *predictor = linear_predictor(0.5);
    rud_episodes list = {0};
    ck_assert_ok(rud_episodes_add(&list, rows((const double[][2]){{0, 1}, {1, 1}}, 2, 4)));
    ck_assert_ok(rud_episodes_add(&list, rows((const double[][2]){{3, -1}}, 1, 1)));
    ck_assert_ok(rud_episodes_add(&list, rows((const double[][2]){{0, 1}}, 1, 2)));
    observe_lessons(predictor, &list);
    ck_assert_ok(rud_predictor_update(predictor, lesson_items(&list), 1, NULL));
    double g[2];
    predict_lesson(predictor, list.items[0], g);
    ck_assert_double_eq_tol(g[0], w[2] + w[1], 1e-6);
    ck_assert_double_eq_tol(g[1], w[2] + w[0] + 2 * w[1], 1e-6);
    predict_lesson(predictor, list.items[1], g);
    ck_assert_double_eq_tol(g[0], w[2] + 3 * w[0] - w[1], 1e-6);
    rud_episodes_free(&list);
    rud_predictor_free(&predictor);
}
END_TEST

/* Huge inputs make the equations overflow: the solution before stays. */
START_TEST(linear_without_solution_keeps_the_last_one)
{
    rud_predictor *predictor = linear_predictor(0.5);
    rud_episodes list = {0};
    double before[1], after[1];
    ck_assert_ok(rud_episodes_add(&list, rows((const double[][2]){{3, -1}}, 1, 1)));
    ck_assert_ok(rud_episodes_add(&list, rows((const double[][2]){{0, 1}}, 1, 2)));
    observe_lessons(predictor, &list);
    ck_assert_ok(rud_predictor_update(predictor, lesson_items(&list), 1, NULL));
    predict_lesson(predictor, list.items[0], before);
    ck_assert_double_gt(before[0], 0.1);

    ck_assert_ok(rud_episodes_add(&list, rows((const double[][2]){{1e30, 1e30}}, 1, 1e3)));
    ck_assert_ok(rud_predictor_observe(predictor, list.items[2]));
    const rud_status status = rud_predictor_update(predictor, lesson_items(&list), 1, NULL);
    ck_assert_int_eq(status, RUD_EDIVERGED);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "predictor.ridge"));
    predict_lesson(predictor, list.items[0], after);
    ck_assert_double_eq(after[0], before[0]);
    rud_episodes_free(&list);
    rud_predictor_free(&predictor);
}
END_TEST

START_TEST(uniform_by_hand)
{
    const rud_predictor_options options = lesson_options("uniform");
    rud_predictor *predictor = lesson_predictor(&options);
    rud_rng rng = rud_rng_stream(2, "test uniform", 0);
    rud_episode *episode = lesson(&rng, 4);
    double g[5];
    episode->rewards[0] = 3;
    episode->rewards[3] = 9;
    predict_lesson(predictor, episode, g);
    for (size_t t = 0; t < 4; t++) ck_assert_double_eq_tol(g[t], 3.0 * (double)(t + 1), 1e-12);
    ck_assert_double_eq(g[4], 12);
    ck_assert_uint_eq(rud_predictor_useful_updates(predictor), 0);
    rud_losses losses = {5, 5};
    ck_assert_ok(
        rud_predictor_update(predictor, (const rud_episode *const[]){episode}, 1, &losses));
    ck_assert_double_eq(losses.main, 0);
    rud_episode_free(&episode);
    rud_predictor_free(&predictor);
}
END_TEST

static rud_predictor *exact_predictor(rud_env *env, bool final_observation)
{
    const rud_env_spec *spec = rud_env_specification(env);
    const rud_predictor_options options = lesson_options("exact");
    rud_features_options features_options = rud_features_options_default();
    rud_features *features = NULL;
    rud_predictor *predictor = NULL;
    features_options.final_observation = final_observation;
    ck_assert_ok(rud_features_create(&features_options, &spec->observation_space,
                                     &spec->action_space, &features));
    ck_assert_ok(rud_predictor_create(&options, features, env, 1, &predictor));
    rud_features_free(&features);
    return predictor;
}

START_TEST(exact_is_the_environments_expectation)
{
    const rud_env_options env_options = rud_env_options_default();
    rud_env *env = NULL;
    rud_rng rng = rud_rng_stream(3, "test exact", 0);
    double g[52], expected[51];
    ck_assert_ok(rud_env_create("coin-walk", &env_options, 1, &env));
    for (int final = 0; final <= 1; final++) {
        const size_t inputs = final ? 51 : 50;
        rud_predictor *predictor = exact_predictor(env, final);
        rud_episode *episode = NULL;
        ck_assert_ok(rud_rollout_random(env, &rng, &episode));
        g[inputs] = 77; /* not to be written */
        predict_lesson(predictor, episode, g);
        ck_assert_ok(rud_env_expected_return(env, episode->observations, episode->actions, 50,
                                             inputs, expected));
        ck_assert_mem_eq(g, expected, inputs * sizeof *g);
        ck_assert_double_eq(g[inputs], 77);
        ck_assert_double_eq_tol(g[inputs - 1], rud_episode_return(episode), 1e-9);
        rud_episode_free(&episode);
        rud_predictor_free(&predictor);
    }
    rud_env_free(&env);
}
END_TEST

START_TEST(exact_needs_an_environment)
{
    rud_features *features = lesson_features(true);
    const rud_predictor_options options = lesson_options("exact");
    rud_predictor *predictor = NULL;
    ck_assert_int_eq(rud_predictor_create(&options, features, NULL, 1, &predictor), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "exact"));
    ck_assert_ptr_null(predictor);
    rud_features_free(&features);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("redistribution/predictor_simple");
    TCase *linear = tcase_create("linear");
    tcase_add_test(linear, linear_recovers_known_weights);
    tcase_add_test(linear, linear_is_ridge_regression);
    tcase_add_test(linear, linear_without_solution_keeps_the_last_one);
    suite_add_tcase(suite, linear);
    TCase *others = tcase_create("others");
    tcase_add_test(others, uniform_by_hand);
    tcase_add_test(others, exact_is_the_environments_expectation);
    tcase_add_test(others, exact_needs_an_environment);
    suite_add_tcase(suite, others);
    return suite;
}

/* Redistributed rewards: differences, corrections, baseline and mixing by hand; sums; causality. */
#include "redistribution/redistribution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/rollout.h"
#include "tests/redistribution/lessons.h"

static void assert_close(const double *found, const double *wanted, size_t n)
{
    for (size_t i = 0; i < n; i++) ck_assert_double_eq_tol(found[i], wanted[i], 1e-12);
}

START_TEST(differences_by_hand)
{
    double r[3];
    rud_prediction_differences((double[]){2, 5, 4}, 3, 3, r);
    assert_close(r, (double[]){2, 3, -1}, 3);
    rud_prediction_differences((double[]){2, 5, 4, 7}, 4, 3, r);
    assert_close(r, (double[]){2, 3, 2}, 3);
    rud_prediction_differences((double[]){5}, 1, 1, r);
    assert_close(r, (double[]){5}, 1);
    rud_prediction_differences((double[]){5, 7}, 2, 1, r);
    assert_close(r, (double[]){7}, 1);
}
END_TEST

/* Relevances 2, 3, -1 predict 4; the return is 10, so that e = 6 is to be placed. */
static const double relevance[3] = {2, 3, -1}, rewards[3] = {0, 0, 10};

static void assert_redistributed(rud_correction correction, rud_baseline baseline, double mix,
                                 const double *wanted)
{
    const rud_redistribution_options options = {
        .correction = correction, .baseline = baseline, .mix = mix};
    double r[3];
    ck_assert_ok(rud_redistribute(&options, relevance, 4, rewards, 3, 1.5, r));
    assert_close(r, wanted, 3);
    double in_place[3] = {2, 3, -1};
    ck_assert_ok(rud_redistribute(&options, in_place, 4, rewards, 3, 1.5, in_place));
    ck_assert_mem_eq(in_place, r, sizeof r);
}

START_TEST(corrections_by_hand)
{
    const rud_baseline zero = RUD_BASELINE_ZERO;
    assert_redistributed(RUD_CORRECTION_LAST, zero, 1, (double[]){2, 3, 5});
    assert_redistributed(RUD_CORRECTION_UNIFORM, zero, 1, (double[]){4, 5, 1});
    assert_redistributed(RUD_CORRECTION_PROPORTIONAL, zero, 1, (double[]){4, 6, 0});
    assert_redistributed(RUD_CORRECTION_NONE, zero, 1, (double[]){2, 3, -1});
}
END_TEST

START_TEST(baseline_and_mix_by_hand)
{
    const rud_baseline mean = RUD_BASELINE_MEAN;
    assert_redistributed(RUD_CORRECTION_LAST, mean, 1, (double[]){0.5, 3, 5});
    assert_redistributed(RUD_CORRECTION_LAST, RUD_BASELINE_ZERO, 0.25, (double[]){0.5, 0.75, 8.75});
    assert_redistributed(RUD_CORRECTION_LAST, RUD_BASELINE_ZERO, 0, rewards);
    assert_redistributed(RUD_CORRECTION_LAST, mean, 0.5, (double[]){0.25, 1.5, 7.5});
}
END_TEST

START_TEST(proportional_without_any_relevance_goes_last)
{
    rud_redistribution_options options = rud_redistribution_options_default();
    options.correction = RUD_CORRECTION_PROPORTIONAL;
    const double nothing[3] = {0, 0, 0};
    double r[3];
    ck_assert_ok(rud_redistribute(&options, nothing, 0, rewards, 3, 0, r));
    assert_close(r, rewards, 3);
}
END_TEST

START_TEST(sum_is_the_return)
{
    enum { LONGEST = 60 };
    rud_rng rng = rud_rng_stream((uint64_t)_i, "test sums", 0);
    for (int k = 0; k < 300; k++) {
        const size_t T = 1 + (size_t)rud_rng_below(&rng, LONGEST);
        const size_t inputs = T + (size_t)rud_rng_below(&rng, 2);
        const double size = pow(10, 6 * rud_rng_uniform(&rng) - 3);
        double g[LONGEST + 1], paid[LONGEST], r[LONGEST], G = 0, sum = 0;
        for (size_t t = 0; t < inputs; t++) g[t] = size * rud_rng_normal(&rng);
        for (size_t t = 0; t < T; t++) G += paid[t] = size * rud_rng_normal(&rng);
        const rud_redistribution_options options = {.correction = (rud_correction)_i,
                                                    .mix = k % 2 ? 1 : rud_rng_uniform(&rng)};
        rud_prediction_differences(g, inputs, T, r);
        ck_assert_ok(rud_redistribute(&options, r, g[inputs - 1], paid, T, 0, r));
        for (size_t t = 0; t < T; t++) sum += r[t];
        ck_assert_double_eq_tol(sum, G, 1e-6 * fabs(G));
    }
}
END_TEST

/* One bad number in each place. */
START_TEST(not_finite_is_refused_and_nothing_written)
{
    const double bad = _i % 2 ? NAN : -INFINITY;
    double given[3] = {2, 3, -1}, paid[3] = {0, 0, 10}, r[3] = {7, 8, 9};
    double prediction = 4, mean = 1;
    rud_redistribution_options options = rud_redistribution_options_default();
    options.baseline = RUD_BASELINE_MEAN;
    switch (_i / 2) {
    case 0:
        given[1] = bad;
        break;
    case 1:
        paid[2] = bad;
        break;
    case 2:
        prediction = bad;
        break;
    default:
        mean = bad;
    }
    ck_assert_int_eq(rud_redistribute(&options, given, prediction, paid, 3, mean, r),
                     RUD_ENONFINITE);
    assert_close(r, (double[]){7, 8, 9}, 3);
}
END_TEST

static rud_predictor *trained(void)
{
    const rud_predictor_options options = lesson_options("lstm");
    rud_predictor *predictor = lesson_predictor(&options);
    rud_episodes list = lessons(3, 32);
    observe_lessons(predictor, &list);
    train_lessons(predictor, &list, 16, 20);
    rud_episodes_free(&list);
    return predictor;
}

static void redistribute(rud_predictor *predictor, rud_correction correction,
                         const rud_episode *episode, double *r)
{
    const rud_redistribution_options options = {.correction = correction, .mix = 1};
    double g[LESSON_STEPS + 1];
    predict_lesson(predictor, episode, g);
    rud_prediction_differences(g, episode->steps + 1, episode->steps, r);
    ck_assert_ok(
        rud_redistribute(&options, r, g[episode->steps], episode->rewards, episode->steps, 0, r));
}

/* Everything behind step t changes: observations, actions and rewards. */
static void change_after(rud_episode *episode, size_t t)
{
    for (size_t k = t + 1; k <= episode->steps; k++) {
        episode->observations[k] = 2 - episode->observations[k];
        if (k == episode->steps) break;
        episode->actions[k] = 1 - episode->actions[k];
        episode->rewards[k] += 3;
    }
}

START_TEST(a_later_step_changes_no_earlier_reward)
{
    enum { T = LESSON_STEPS };
    rud_predictor *predictor = trained();
    rud_rng rng = rud_rng_stream(5, "test causality", 0);
    const rud_correction last = rud_redistribution_options_default().correction;
    for (size_t t = 0; t + 1 < T; t++) {
        rud_episode *episode = lesson(&rng, T);
        double before[T], after[T], uniform_before[T], uniform_after[T];
        redistribute(predictor, last, episode, before);
        redistribute(predictor, RUD_CORRECTION_UNIFORM, episode, uniform_before);
        change_after(episode, t);
        redistribute(predictor, last, episode, after);
        redistribute(predictor, RUD_CORRECTION_UNIFORM, episode, uniform_after);
        ck_assert_mem_eq(before, after, (t + 1) * sizeof *before);
        ck_assert_double_ne(before[T - 1], after[T - 1]);
        ck_assert_double_ne(uniform_before[0], uniform_after[0]); /* the correction that is not */
        rud_episode_free(&episode);
    }
    rud_predictor_free(&predictor);
}
END_TEST

static rud_explainer *explainer_of(const rud_predictor *predictor,
                                   const rud_redistribution_options *options)
{
    rud_explainer *explainer = NULL;
    ck_assert_ok(rud_explainer_create(predictor, &options->attribution, &explainer));
    return explainer;
}

/* By every method: r' is relevance and what was absorbed, but for the correction at the last step,
 * which makes it sum to the return; of a batch as of each episode alone, bit for bit. */
START_TEST(every_method_redistributes)
{
    enum { COUNT = 70 };
    rud_redistribution_options options = rud_redistribution_options_default();
    options.attribution.method = rud_attribution_method_at((size_t)_i);
    options.attribution.nodes = 4;
    rud_episodes list = lessons(11, COUNT);
    rud_predictor *predictor = trained();
    rud_explainer *explainer = explainer_of(predictor, &options);
    double rows[COUNT][LESSON_STEPS], alone[LESSON_STEPS], predictions[COUNT], prediction;
    double *redistributed[COUNT], *one = alone;
    for (size_t i = 0; i < COUNT; i++) redistributed[i] = rows[i];
    ck_assert_ok(rud_redistribute_episodes(&options, explainer, lesson_items(&list), COUNT,
                                           redistributed, predictions));
    for (size_t i = 0; i < COUNT; i++) {
        const size_t T = list.items[i]->steps;
        const double G = rud_episode_return(list.items[i]);
        rud_explanation e;
        double sum = 0;
        ck_assert_ok(rud_redistribute_episodes(&options, explainer, lesson_items(&list) + i, 1,
                                               &one, &prediction));
        ck_assert_mem_eq(rows[i], alone, T * sizeof *alone);
        ck_assert(predictions[i] == prediction);
        ck_assert_ok(rud_explainer_run(explainer, lesson_items(&list) + i, 1, &e));
        for (size_t t = 0; t < T; t++) {
            const double r = e.step_relevance[t] + (e.absorbed ? e.absorbed[t] : 0);
            if (t + 1 < T) ck_assert_double_eq_tol(rows[i][t], r, 1e-12);
            sum += rows[i][t];
        }
        ck_assert_double_eq_tol(sum, G, 1e-9);
        rud_explanation_free(&e);
    }
    rud_explainer_free(&explainer);
    rud_predictor_free(&predictor);
    rud_episodes_free(&list);
}
END_TEST

static void refuse(const rud_redistribution_options *options, rud_explainer *explainer,
                   const rud_episode *episode, const char *word)
{
    double r[LESSON_STEPS], *row = r;
    ck_assert_int_eq(rud_redistribute_episodes(options, explainer, &episode, 1, &row, NULL),
                     RUD_EINVAL);
    ck_assert_msg(strstr(rud_last_error(), word) != NULL, "%s", rud_last_error());
}

/* Other steps' predictions, parts of an episode and networks without returns have no r'. */
START_TEST(what_is_no_redistribution_is_refused)
{
    rud_redistribution_options options = rud_redistribution_options_default();
    rud_episodes list = lessons(12, 20);
    rud_predictor *predictor = trained();
    options.attribution.step = 1;
    rud_explainer *explainer = explainer_of(predictor, &options);
    refuse(&options, explainer, list.items[0], "step");
    rud_explainer_free(&explainer);
    options.attribution = rud_attribution_options_default();
    ck_assert_ok(rud_attribution_set(&options.attribution, "method", "decomposition"));
    ck_assert_ok(rud_attribution_set(&options.attribution, "steps", "0:1"));
    explainer = explainer_of(predictor, &options);
    refuse(&options, explainer, list.items[0], "steps");
    rud_explainer_free(&explainer);
    ck_assert_ok(rud_explainer_create_for_network(rud_predictor_network(predictor), NULL,
                                                  &options.attribution, &explainer));
    refuse(&options, explainer, list.items[0], "return predictor");
    rud_explainer_free(&explainer);
    rud_predictor_free(&predictor);
    rud_episodes_free(&list);
}
END_TEST

/* Summed up to step t it is E[G | history] after t; the final observation's share is the last
 * step's. */
START_TEST(the_exact_redistribution_adds_up_to_the_expected_return)
{
    const rud_env_options options = rud_env_options_default();
    rud_rng rng = rud_rng_stream(1, "test exact", 0);
    rud_env *env;
    rud_episode *episode;
    ck_assert_ok(rud_env_create("coin-walk", &options, 1, &env));
    ck_assert_ok(rud_rollout_random(env, &rng, &episode));
    const size_t T = episode->steps, rows = episode->observation_rows;
    double *exact = calloc(T, sizeof *exact), *expected = calloc(rows, sizeof *expected), sum = 0;
    ck_assert_uint_eq(rows, T + 1);
    ck_assert_ok(rud_exact_redistribution(env, episode, exact));
    ck_assert_ok(
        rud_env_expected_return(env, episode->observations, episode->actions, T, rows, expected));
    for (size_t t = 0; t < T; t++) {
        sum += exact[t];
        ck_assert_double_eq_tol(sum, expected[t + 1 < T ? t : T], 1e-9);
    }
    episode->action_width++; /* a shape that is not the environment's: nothing of it is read */
    ck_assert_int_eq(rud_exact_redistribution(env, episode, exact), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "coin-walk has"));
    episode->action_width--;
    free(exact);
    free(expected);
    rud_episode_free(&episode);
    rud_env_free(&env);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("redistribution/redistribution");
    TCase *by_hand = tcase_create("by hand");
    tcase_add_test(by_hand, differences_by_hand);
    tcase_add_test(by_hand, corrections_by_hand);
    tcase_add_test(by_hand, baseline_and_mix_by_hand);
    tcase_add_test(by_hand, proportional_without_any_relevance_goes_last);
    tcase_add_test(by_hand, the_exact_redistribution_adds_up_to_the_expected_return);
    suite_add_tcase(suite, by_hand);
    TCase *rules = tcase_create("rules");
    tcase_add_loop_test(rules, sum_is_the_return, RUD_CORRECTION_LAST, RUD_CORRECTION_NONE);
    tcase_add_loop_test(rules, not_finite_is_refused_and_nothing_written, 0, 8);
    tcase_add_test(rules, a_later_step_changes_no_earlier_reward);
    suite_add_tcase(suite, rules);
    TCase *methods = tcase_create("methods");
    int count = 0;
    while (rud_attribution_method_at((size_t)count)) count++;
    tcase_add_loop_test(methods, every_method_redistributes, 0, count);
    tcase_add_test(methods, what_is_no_redistribution_is_refused);
    suite_add_tcase(suite, methods);
    return suite;
}

/* Predictor, lesson buffer, quality and gate together: what is given to the learner, and when the
 * predictor trains. */
#include "redistribution/redistributor.h"

#include <math.h>
#include <string.h>

#include "tests/redistribution/lessons.h"

static rud_redistributor_options options_for(const char *cell)
{
    rud_redistributor_options options = rud_redistributor_options_default();
    options.predictor = lesson_options(cell);
    options.predictor.batch = 8;
    options.lesson_buffer.min_episodes = 4;
    options.training = (rud_training_options){.every = 3, .first_updates = 8, .updates = 6};
    return options;
}

static rud_redistributor *created(const rud_redistributor_options *options, uint64_t seed)
{
    rud_features *features = lesson_features(true);
    rud_redistributor *redistributor = NULL;
    ck_assert_ok(rud_redistributor_create(options, features, NULL, seed, &redistributor));
    rud_features_free(&features);
    return redistributor;
}

static rud_redistribution_report submit(rud_redistributor *redistributor,
                                        const rud_episode *episode, double *redistributed)
{
    rud_redistribution_report report;
    ck_assert_ok(rud_redistributor_submit(redistributor, episode, redistributed, &report));
    return report;
}

/* `uniform` always predicts the return: its quality is 1 with the second episode, and the third is
 * the first that the gate lets through. */
START_TEST(original_rewards_until_the_gate_opens)
{
    const rud_redistributor_options options = options_for("uniform");
    rud_redistributor *redistributor = created(&options, 1);
    rud_episodes list = lessons(1, 6);
    for (size_t i = 0; i < list.count; i++) {
        const size_t T = list.items[i]->steps;
        const double G = rud_episode_return(list.items[i]);
        double r[LESSON_STEPS];
        ck_assert_uint_eq(rud_redistributor_get_state(redistributor).ready, i >= 2);
        const rud_redistribution_report report = submit(redistributor, list.items[i], r);
        ck_assert_uint_eq(report.ready, i >= 2);
        ck_assert_double_eq_tol(report.prediction, G, 1e-12);
        ck_assert_double_eq_tol(report.quality, 1, 1e-12);
        for (size_t t = 0; t < T; t++) {
            const double wanted = i >= 2 ? G / (double)T : list.items[i]->rewards[t];
            ck_assert_double_eq_tol(r[t], wanted, 1e-12);
        }
    }
    rud_episodes_free(&list);
    rud_redistributor_free(&redistributor);
}
END_TEST

START_TEST(gate_stays_shut_for_a_predictor_that_knows_nothing)
{
    rud_redistributor_options options = options_for("linear");
    options.training.every = 1000; /* never trained: always predicts 0 */
    rud_redistributor *redistributor = created(&options, 1);
    rud_episodes list = lessons(2, 60);
    for (size_t i = 0; i < list.count; i++) {
        double r[LESSON_STEPS];
        const rud_redistribution_report report = submit(redistributor, list.items[i], r);
        ck_assert(!report.ready);
        ck_assert_mem_eq(r, list.items[i]->rewards, list.items[i]->steps * sizeof *r);
    }
    const rud_redistributor_state state = rud_redistributor_get_state(redistributor);
    ck_assert(!state.ready && state.quality == 0 && state.standard_error == INFINITY);
    rud_episodes_free(&list);
    rud_redistributor_free(&redistributor);
}
END_TEST

/* Each episode is predicted by the model that has not seen it; the quality is that of these errors,
 * from the first update on, by the standard deviation of all returns. */
START_TEST(quality_is_prequential)
{
    enum { COUNT = 40 };
    const rud_redistributor_options options = options_for("linear");
    rud_redistributor *redistributor = created(&options, 1);
    rud_predictor *predictor = rud_redistributor_predictor(redistributor);
    rud_episodes list = lessons(3, COUNT);
    double errors[COUNT], quality = 0, squares = 0;
    size_t learned = 0, n = 0;
    for (size_t i = 0; i < COUNT; i++) {
        double before[LESSON_STEPS + 1], after[LESSON_STEPS + 1], r[LESSON_STEPS];
        const size_t T = list.items[i]->steps;
        const double s_before = rud_predictor_target_std(predictor);
        predict_lesson(predictor, list.items[i], before);
        const rud_redistribution_report report = submit(redistributor, list.items[i], r);
        ck_assert_double_eq(report.prediction, before[T]);
        const double error = rud_episode_return(list.items[i]) - before[T];
        ck_assert_double_eq(report.quality, rud_episode_quality(error, s_before));
        if (rud_redistributor_get_state(redistributor).updates > 0) errors[n++] = error;
        ck_assert_ok(rud_redistributor_train(redistributor, 1, NULL));
        predict_lesson(predictor, list.items[i], after);
        learned += after[T] != before[T];
    }
    ck_assert_uint_gt(learned, COUNT / 2);
    const double s = rud_predictor_target_std(predictor);
    ck_assert(n > COUNT / 2 && n < COUNT);
    for (size_t i = 0; i < n; i++) quality += (1 - pow(errors[i] / s, 2)) / (double)n;
    for (size_t i = 0; i < n; i++) squares += pow(1 - pow(errors[i] / s, 2) - quality, 2);
    const rud_redistributor_state state = rud_redistributor_get_state(redistributor);
    const double standard_error = sqrt(squares / (double)(n - 1) / (double)n);
    ck_assert_double_eq_tol(state.quality, quality, 1e-9);
    ck_assert_double_eq_tol(state.standard_error, standard_error, 1e-9);
    ck_assert_uint_eq(state.ready, quality - standard_error > options.gate);
    ck_assert_uint_eq(state.episodes, COUNT);
    rud_episodes_free(&list);
    rud_redistributor_free(&redistributor);
}
END_TEST

static size_t train(rud_redistributor *redistributor, size_t updates)
{
    size_t done = 77;
    ck_assert_ok(rud_redistributor_train(redistributor, updates, &done));
    return done;
}

static void submit_some(rud_redistributor *redistributor, const rud_episodes *list, size_t *next,
                        size_t count)
{
    double r[LESSON_STEPS];
    for (size_t k = 0; k < count; k++) submit(redistributor, list->items[(*next)++], r);
}

/* every 3 episodes, from the fourth on; 8 updates at first, then 6 */
START_TEST(training_follows_the_schedule)
{
    const rud_redistributor_options options = options_for("lstm");
    rud_redistributor *redistributor = created(&options, 1);
    rud_episodes list = lessons(4, 20);
    size_t next = 0;
    submit_some(redistributor, &list, &next, 3);
    ck_assert(!rud_redistributor_due(redistributor)); /* the lesson buffer waits for 4 */
    ck_assert_uint_eq(train(redistributor, 5), 0);
    submit_some(redistributor, &list, &next, 1);
    ck_assert(rud_redistributor_due(redistributor));
    ck_assert(isnan(rud_redistributor_get_state(redistributor).loss));
    ck_assert_uint_eq(train(redistributor, SIZE_MAX), 8);
    ck_assert(!rud_redistributor_due(redistributor));
    submit_some(redistributor, &list, &next, 2);
    ck_assert(!rud_redistributor_due(redistributor));
    submit_some(redistributor, &list, &next, 1);
    ck_assert(rud_redistributor_due(redistributor));
    ck_assert_uint_eq(train(redistributor, SIZE_MAX), 6);
    ck_assert_uint_eq(train(redistributor, 5), 5); /* as many as are asked for */
    const rud_redistributor_state state = rud_redistributor_get_state(redistributor);
    ck_assert_uint_eq(state.updates, 19);
    ck_assert_double_gt(state.loss, 0);
    ck_assert_uint_eq(rud_lesson_buffer_count(rud_redistributor_lessons(redistributor)), 7);
    rud_episodes_free(&list);
    rud_redistributor_free(&redistributor);
}
END_TEST

START_TEST(low_loss_ends_a_round_early)
{
    rud_redistributor_options options = options_for("lstm");
    options.training.loss_threshold = 1e9;
    rud_redistributor *redistributor = created(&options, 1);
    rud_episodes list = lessons(5, 8);
    size_t next = 0;
    submit_some(redistributor, &list, &next, 8);
    ck_assert_uint_eq(train(redistributor, SIZE_MAX), 1);
    rud_redistributor_free(&redistributor);

    rud_episodes_free(&list);
}
END_TEST

/* Updates that are of use: one for linear, none for uniform. */
START_TEST(simple_predictors_need_few_updates)
{
    rud_episodes list = lessons(5, 8);
    for (size_t useful = 0; useful <= 1; useful++) {
        const rud_redistributor_options options = options_for(useful ? "linear" : "uniform");
        rud_redistributor *redistributor = created(&options, 1);
        size_t next = 0;
        submit_some(redistributor, &list, &next, 8);
        ck_assert_uint_eq(train(redistributor, SIZE_MAX), useful);
        ck_assert_uint_eq(train(redistributor, 10), useful);
        rud_redistributor_free(&redistributor);
    }
    rud_episodes_free(&list);
}
END_TEST

/* With growth 1/2 a round is due once half of all episodes are new. */
START_TEST(rounds_become_rarer_with_growth)
{
    rud_redistributor_options options = options_for("linear");
    options.training.growth = 0.5;
    rud_redistributor *redistributor = created(&options, 1);
    rud_episodes list = lessons(5, 40);
    size_t rounds[8] = {0}, count = 0, next = 0;
    while (next < list.count) {
        submit_some(redistributor, &list, &next, 1);
        if (!rud_redistributor_due(redistributor)) continue;
        ck_assert_uint_lt(count, 8);
        rounds[count++] = next;
        train(redistributor, SIZE_MAX);
    }
    const size_t wanted[] = {4, 8, 16, 32};
    ck_assert_uint_eq(count, 4);
    ck_assert_mem_eq(rounds, wanted, sizeof wanted);
    rud_episodes_free(&list);
    rud_redistributor_free(&redistributor);
}
END_TEST

START_TEST(equal_returns_teach_nothing)
{
    const rud_redistributor_options options = options_for("lstm");
    rud_redistributor *redistributor = created(&options, 1);
    rud_episodes list = lessons(6, 8);
    size_t next = 0;
    for (size_t i = 0; i < 8; i++) list.items[i]->rewards[list.items[i]->steps - 1] = 1;
    submit_some(redistributor, &list, &next, 8);
    ck_assert(!rud_redistributor_due(redistributor));
    ck_assert_uint_eq(train(redistributor, SIZE_MAX), 0);
    rud_episodes_free(&list);
    rud_redistributor_free(&redistributor);
}
END_TEST

/* All redistributed rewards of 60 episodes with training in between. */
static void play(uint64_t seed, const rud_episodes *list, double (*r)[LESSON_STEPS], size_t *ready)
{
    const rud_redistributor_options options = options_for("lstm");
    rud_redistributor *redistributor = created(&options, seed);
    for (size_t i = 0; i < list->count; i++) {
        *ready += submit(redistributor, list->items[i], r[i]).ready;
        if (rud_redistributor_due(redistributor)) train(redistributor, 20);
    }
    rud_redistributor_free(&redistributor);
}

START_TEST(same_seed_same_rewards_and_their_sum)
{
    enum { COUNT = 60 };
    static double r[3][COUNT][LESSON_STEPS];
    rud_episodes list = lessons(7, COUNT);
    size_t ready = 0;
    for (size_t k = 0; k < 3; k++) play(k / 2, &list, r[k], &ready);
    ck_assert_mem_eq(r[0], r[1], sizeof r[0]);
    ck_assert_mem_ne(r[0], r[2], sizeof r[0]);
    ck_assert_uint_gt(ready, COUNT / 2);
    for (size_t i = 0; i < COUNT; i++) {
        const double G = rud_episode_return(list.items[i]);
        double sum = 0;
        for (size_t t = 0; t < list.items[i]->steps; t++) sum += r[0][i][t];
        ck_assert_double_eq_tol(sum, G, 1e-6 * fabs(G) + 1e-12);
    }
    rud_episodes_free(&list);
}
END_TEST

START_TEST(redistributing_learns_nothing)
{
    const rud_redistributor_options options = options_for("lstm");
    rud_redistributor *redistributor = created(&options, 1);
    rud_episodes list = lessons(8, 12);
    rud_redistribution_report first, second;
    double r[LESSON_STEPS], again[LESSON_STEPS];
    size_t next = 0;
    submit_some(redistributor, &list, &next, 10);
    train(redistributor, 10);
    const rud_redistributor_state before = rud_redistributor_get_state(redistributor);
    ck_assert_ok(rud_redistributor_redistribute(redistributor, list.items[11], r, &first));
    ck_assert_ok(rud_redistributor_redistribute(redistributor, list.items[11], again, &second));
    const rud_redistributor_state after = rud_redistributor_get_state(redistributor);
    ck_assert_mem_eq(r, again, list.items[11]->steps * sizeof *r);
    ck_assert_double_eq(first.prediction, second.prediction);
    ck_assert_uint_eq(after.episodes, before.episodes);
    ck_assert_double_eq(after.quality, before.quality);
    ck_assert_uint_eq(rud_lesson_buffer_count(rud_redistributor_lessons(redistributor)), 10);
    rud_episodes_free(&list);
    rud_redistributor_free(&redistributor);
}
END_TEST

START_TEST(unfit_episode_leaves_no_trace)
{
    const rud_redistributor_options options = options_for("lstm");
    rud_redistributor *redistributor = created(&options, 1);
    rud_episodes list = lessons(9, 1);
    rud_redistribution_report report;
    double r[LESSON_STEPS];
    list.items[0]->observation_rows--;
    ck_assert_int_eq(rud_redistributor_submit(redistributor, list.items[0], r, &report),
                     RUD_EINVAL);
    ck_assert_uint_eq(rud_redistributor_get_state(redistributor).episodes, 0);
    ck_assert_uint_eq(rud_lesson_buffer_count(rud_redistributor_lessons(redistributor)), 0);
    rud_episodes_free(&list);
    rud_redistributor_free(&redistributor);
}
END_TEST

/* Together as one by one, bit for bit, gate shut or open; by lrp as by the difference. */
START_TEST(many_are_redistributed_as_one_by_one)
{
    enum { COUNT = 90 };
    rud_redistributor_options options = options_for("lstm");
    options.gate = -1000;
    if (_i == 1) {
        ck_assert_ok(rud_attribution_set(&options.redistribution.attribution, "method", "lrp"));
    }
    rud_redistributor *redistributor = created(&options, 1);
    rud_episodes list = lessons(8, COUNT);
    double rows[COUNT][LESSON_STEPS], *redistributed[COUNT];
    rud_redistribution_report reports[COUNT];
    size_t next = 0;
    for (size_t i = 0; i < COUNT; i++) redistributed[i] = rows[i];
    for (size_t round = 0; round < 2; round++) {
        ck_assert_ok(rud_redistributor_redistribute_many(redistributor, lesson_items(&list), COUNT,
                                                         redistributed, reports));
        for (size_t i = 0; i < COUNT; i++) {
            const size_t T = list.items[i]->steps;
            rud_redistribution_report report;
            double r[LESSON_STEPS];
            ck_assert_ok(rud_redistributor_redistribute(redistributor, list.items[i], r, &report));
            ck_assert_mem_eq(rows[i], r, T * sizeof *r);
            ck_assert_uint_eq(reports[i].ready, round == 1);
            ck_assert_uint_eq(report.ready, round == 1);
            ck_assert(reports[i].prediction == report.prediction);
            ck_assert(reports[i].quality == report.quality);
            const bool original = memcmp(r, list.items[i]->rewards, T * sizeof *r) == 0;
            ck_assert_uint_eq(original, round == 0);
        }
        submit_some(redistributor, &list, &next, 20);
        train(redistributor, 20);
        submit_some(redistributor, &list, &next, 10);
    }
    rud_redistributor_free(&redistributor);
    rud_episodes_free(&list);
}
END_TEST

/* The method says what a step's reward is. */
START_TEST(the_method_of_the_options_redistributes)
{
    rud_redistributor_options options = options_for("lstm");
    options.gate = -1000;
    rud_attribution_options *attribution = &options.redistribution.attribution;
    ck_assert_ok(rud_attribution_set(attribution, "method", "occlusion"));
    ck_assert_ok(rud_attribution_set(attribution, "remove", "mean"));
    rud_redistributor *redistributor = created(&options, 1);
    rud_episodes list = lessons(9, 20);
    rud_explainer *explainer = NULL;
    rud_redistribution_report report;
    rud_explanation e;
    double r[LESSON_STEPS];
    size_t next = 0;
    submit_some(redistributor, &list, &next, 10);
    train(redistributor, 20);
    submit_some(redistributor, &list, &next, 5);
    ck_assert_ok(
        rud_explainer_create(rud_redistributor_predictor(redistributor), attribution, &explainer));
    ck_assert_ok(rud_explainer_run(explainer, lesson_items(&list) + 17, 1, &e));
    ck_assert_ok(rud_redistributor_redistribute(redistributor, list.items[17], r, &report));
    ck_assert(report.ready);
    ck_assert_mem_eq(r, e.step_relevance, (e.steps - 1) * sizeof *r);
    rud_explanation_free(&e);
    rud_explainer_free(&explainer);
    rud_redistributor_free(&redistributor);
    rud_episodes_free(&list);

    options.predictor = lesson_options("linear");
    rud_features *features = lesson_features(true);
    ck_assert_int_eq(rud_redistributor_create(&options, features, NULL, 1, &redistributor),
                     RUD_EINVAL);
    ck_assert_ptr_null(redistributor);
    rud_features_free(&features);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("redistribution/redistributor");
    TCase *rewards = tcase_create("rewards");
    tcase_add_test(rewards, original_rewards_until_the_gate_opens);
    tcase_add_test(rewards, gate_stays_shut_for_a_predictor_that_knows_nothing);
    tcase_add_test(rewards, quality_is_prequential);
    tcase_add_test(rewards, same_seed_same_rewards_and_their_sum);
    tcase_add_test(rewards, redistributing_learns_nothing);
    tcase_add_test(rewards, unfit_episode_leaves_no_trace);
    tcase_add_loop_test(rewards, many_are_redistributed_as_one_by_one, 0, 2);
    tcase_add_test(rewards, the_method_of_the_options_redistributes);
    suite_add_tcase(suite, rewards);
    TCase *training = tcase_create("training");
    tcase_add_test(training, training_follows_the_schedule);
    tcase_add_test(training, low_loss_ends_a_round_early);
    tcase_add_test(training, simple_predictors_need_few_updates);
    tcase_add_test(training, rounds_become_rarer_with_growth);
    tcase_add_test(training, equal_returns_teach_nothing);
    suite_add_tcase(suite, training);
    return suite;
}

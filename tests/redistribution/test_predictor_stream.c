/* Copies of predictors, and predictions step by step. */
#include <math.h>

#include "tests/redistribution/lessons.h"

static const char *const cells[] = {"lstm", "lstm1997", "rudder", "r-lstm", "linear"};
enum { CELLS = 5, EPISODES = 24 };

static rud_predictor *trained(const char *cell, const rud_episodes *list)
{
    const rud_predictor_options options = lesson_options(cell);
    rud_predictor *predictor = lesson_predictor(&options);
    observe_lessons(predictor, list);
    for (int k = 0; k < 30; k++) {
        ck_assert_ok(rud_predictor_update(predictor, lesson_items(list), EPISODES, NULL));
    }
    return predictor;
}

static void predict(const rud_predictor *predictor, const rud_episode *episode, double *g)
{
    ck_assert_ok(rud_predictor_predict(predictor, &episode, 1, &g));
}

START_TEST(a_stream_predicts_what_the_batch_does)
{
    rud_episodes list = lessons(2, EPISODES);
    rud_predictor *predictor = trained(cells[_i], &list);
    for (size_t i = 0; i < list.count; i++) {
        const rud_episode *episode = list.items[i];
        double g[LESSON_STEPS + 1], streamed = 0;
        rud_prediction_stream *stream = NULL;
        predict(predictor, episode, g);
        ck_assert_ok(rud_prediction_stream_create(predictor, &stream));
        for (size_t t = 0; t <= episode->steps; t++) {
            const double *action = t < episode->steps ? episode->actions + t : NULL;
            ck_assert_ok(
                rud_prediction_stream_step(stream, episode->observations + t, action, &streamed));
            ck_assert_double_eq_tol(streamed, g[t], 1e-5);
        }
        rud_prediction_stream_free(&stream);
    }
    rud_predictor_free(&predictor);
    rud_episodes_free(&list);
}
END_TEST

START_TEST(a_copy_stays_as_it_is)
{
    rud_episodes list = lessons(2, EPISODES);
    rud_predictor *predictor = trained(cells[_i], &list), *copy = NULL;
    double before[LESSON_STEPS + 1], now[LESSON_STEPS + 1];
    predict(predictor, list.items[0], before);
    ck_assert_ok(rud_predictor_copy(predictor, &copy));
    rud_episodes more = lessons(3, EPISODES);
    observe_lessons(predictor, &more);
    ck_assert_ok(rud_predictor_update(predictor, lesson_items(&more), EPISODES, NULL));
    predict(copy, list.items[0], now);
    ck_assert_mem_eq(before, now, (list.items[0]->steps + 1) * sizeof *now);
    predict(predictor, list.items[0], now);
    ck_assert_double_ne(before[0], now[0]);
    ck_assert_int_eq(rud_predictor_observe(copy, list.items[0]), RUD_ESTATE);
    ck_assert_int_eq(rud_predictor_update(copy, lesson_items(&list), 1, NULL), RUD_ESTATE);
    rud_episodes_free(&list);
    rud_episodes_free(&more);
    rud_predictor_free(&predictor);
    rud_predictor_free(&copy);
}
END_TEST

/* G / T at every step cannot be known before the end. */
START_TEST(uniform_cannot_be_streamed)
{
    const rud_predictor_options options = lesson_options("uniform");
    rud_predictor *predictor = lesson_predictor(&options);
    rud_prediction_stream *stream = NULL;
    ck_assert_int_eq(rud_prediction_stream_create(predictor, &stream), RUD_EINVAL);
    ck_assert_ptr_null(stream);
    rud_predictor_free(&predictor);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("redistribution/predictor_stream");
    TCase *tc = tcase_create("stream");
    tcase_add_loop_test(tc, a_stream_predicts_what_the_batch_does, 0, CELLS);
    tcase_add_loop_test(tc, a_copy_stays_as_it_is, 0, CELLS);
    tcase_add_test(tc, uniform_cannot_be_streamed);
    suite_add_tcase(suite, tc);
    return suite;
}

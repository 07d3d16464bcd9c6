/* The LSTM return predictor: what it learns, what it predicts, what keeps it steady. */
#include "redistribution/predictor.h"

#include <math.h>
#include <string.h>

#include "tests/redistribution/lessons.h"

static const char *const cells[] = {"lstm", "lstm1997", "rudder"};

START_TEST(training_learns_to_count)
{
    const rud_predictor_options options = lesson_options(cells[_i]);
    rud_predictor *predictor = lesson_predictor(&options);
    rud_episodes list = lessons(1, 64);
    double error = 0, s;
    observe_lessons(predictor, &list);
    s = rud_predictor_target_std(predictor);
    ck_assert_double_gt(train_lessons(predictor, &list, 64, 1), 0.5);
    ck_assert_double_lt(train_lessons(predictor, &list, 16, 600), 0.02);
    for (size_t i = 0; i < list.count; i++) {
        double g[LESSON_STEPS + 1];
        predict_lesson(predictor, list.items[i], g);
        error += pow(g[list.items[i]->steps] - rud_episode_return(list.items[i]), 2) / 64;
    }
    ck_assert_double_lt(error, 0.03 * s * s);
    rud_episodes_free(&list);
    rud_predictor_free(&predictor);
}
END_TEST

/* Losses that update reports, from the predictions before it. */
START_TEST(losses_are_those_of_the_predictions)
{
    const rud_predictor_options options = lesson_options("lstm");
    rud_predictor *predictor = lesson_predictor(&options);
    rud_episodes list = lessons(2, 8);
    double g[8][LESSON_STEPS + 1], *rows[8];
    rud_losses losses[8];
    observe_lessons(predictor, &list);
    train_lessons(predictor, &list, 8, 3);
    for (size_t i = 0; i < 8; i++) rows[i] = g[i];
    ck_assert_ok(rud_predictor_predict(predictor, lesson_items(&list), 8, rows));
    ck_assert_ok(rud_predictor_update(predictor, lesson_items(&list), 8, losses));
    const double s = rud_predictor_target_std(predictor);
    for (size_t i = 0; i < 8; i++) {
        const size_t T = list.items[i]->steps;
        const double G = rud_episode_return(list.items[i]);
        double all = 0;
        for (size_t t = 0; t <= T; t++) all += pow((g[i][t] - G) / s, 2) / (double)(T + 1);
        ck_assert_double_eq_tol(losses[i].main, pow((g[i][T] - G) / s, 2), 1e-5);
        ck_assert_double_eq_tol(losses[i].all, all, 1e-5);
    }
    rud_episodes_free(&list);
    rud_predictor_free(&predictor);
}
END_TEST

/* V (i_t * z_t) of one step of the first layer, in reward units. */
static double gated_input(const rud_predictor *predictor, const rud_activations *activations,
                          size_t t)
{
    size_t count;
    const rud_network *network = rud_predictor_network(predictor);
    const size_t H = rud_network_specification(network)->hidden;
    const float *V =
        rud_network_parameters_const(network, &count) + rud_network_head_weight(network);
    const rud_layer_view layer = rud_activations_layer(activations, 0);
    const float *i = layer.gate[RUD_GATE_INPUT] + t * layer.gate_stride;
    const float *z = layer.gate[RUD_GATE_CELL_INPUT] + t * layer.gate_stride;
    double sum = 0;
    for (size_t j = 0; j < H; j++) sum += (double)V[j] * i[j] * z[j];
    return sum * rud_predictor_target_std(predictor);
}

START_TEST(rudder_difference_is_the_gated_input)
{
    const rud_predictor_options options = lesson_options("rudder");
    rud_predictor *predictor = lesson_predictor(&options);
    rud_episodes list = lessons(3, 32);
    rud_activations *activations = NULL;
    observe_lessons(predictor, &list);
    train_lessons(predictor, &list, 16, 200);
    ck_assert_ok(rud_activations_create(&activations));
    const rud_features *features = rud_predictor_features(predictor);
    const size_t D = rud_features_width(features);
    double largest = 0;
    for (size_t k = 0; k < list.count; k++) {
        const rud_episode *episode = list.items[k];
        float *x = calloc((episode->steps + 1) * D, sizeof *x);
        double g[LESSON_STEPS + 1];
        ck_assert_ptr_nonnull(x);
        rud_features_encode(features, episode, x, D);
        ck_assert_ok(rud_network_forward(rud_predictor_network(predictor), x, NULL,
                                         episode->steps + 1, 1, activations));
        predict_lesson(predictor, episode, g);
        for (size_t t = 1; t <= episode->steps; t++) {
            const double difference = g[t] - g[t - 1];
            ck_assert_double_eq_tol(difference, gated_input(predictor, activations, t), 1e-5);
            largest = fmax(largest, fabs(difference));
        }
        free(x);
    }
    ck_assert_double_gt(largest, 0.3); /* there is something to compare */
    rud_activations_free(&activations);
    rud_episodes_free(&list);
    rud_predictor_free(&predictor);
}
END_TEST

START_TEST(predictions_stay_when_the_returns_statistics_move)
{
    rud_predictor_options options = lesson_options("lstm");
    options.averaging = _i ? 0.9 : 0;
    options.adam.weight_decay = 0;
    rud_predictor *predictor = lesson_predictor(&options);
    rud_episodes list = lessons(4, 32), more = lessons(5, 64);
    double before[LESSON_STEPS + 1], after[LESSON_STEPS + 1];
    observe_lessons(predictor, &list);
    train_lessons(predictor, &list, 16, 30);
    rud_predictor_set_learning_rate(predictor, 0);
    if (_i) train_lessons(predictor, &list, 16, 400); /* the average has arrived */
    predict_lesson(predictor, list.items[0], before);
    const double mean = rud_predictor_target_mean(predictor);

    for (size_t i = 0; i < more.count; i++) {
        more.items[i]->rewards[0] += 50 * (double)(i % 7);
    }
    observe_lessons(predictor, &more);
    ck_assert_double_gt(fabs(rud_predictor_target_mean(predictor) - mean), 20);
    ck_assert_double_gt(rud_predictor_target_std(predictor), 20);
    predict_lesson(predictor, list.items[0], after);
    ck_assert_mem_eq(before, after, (list.items[0]->steps + 1) * sizeof *before);
    train_lessons(predictor, &list, 16, 1); /* moves nothing but the units of the head */
    predict_lesson(predictor, list.items[0], after);
    for (size_t t = 0; t <= list.items[0]->steps; t++) {
        ck_assert_double_eq_tol(after[t], before[t], 1e-4);
    }
    rud_episodes_free(&list);
    rud_episodes_free(&more);
    rud_predictor_free(&predictor);
}
END_TEST

START_TEST(target_statistics_are_those_of_the_returns)
{
    const rud_predictor_options options = lesson_options("lstm");
    rud_predictor *predictor = lesson_predictor(&options);
    rud_episodes list = lessons(6, 20);
    double mean = 0, variance = 0;
    ck_assert_double_eq(rud_predictor_target_mean(predictor), 0);
    ck_assert_double_eq(rud_predictor_target_std(predictor), 1);
    ck_assert_ok(rud_predictor_observe(predictor, list.items[0]));
    ck_assert_double_eq(rud_predictor_target_std(predictor), 0);
    for (size_t i = 1; i < 20; i++) {
        ck_assert_ok(rud_predictor_observe(predictor, list.items[i]));
    }
    for (size_t i = 0; i < 20; i++) mean += rud_episode_return(list.items[i]) / 20;
    for (size_t i = 0; i < 20; i++) {
        variance += pow(rud_episode_return(list.items[i]) - mean, 2) / 20;
    }
    ck_assert_double_eq_tol(rud_predictor_target_mean(predictor), mean, 1e-12);
    ck_assert_double_eq_tol(rud_predictor_target_std(predictor), sqrt(variance), 1e-12);
    rud_episodes_free(&list);
    rud_predictor_free(&predictor);
}
END_TEST

/* 40 episodes of different lengths in batches of 16, against one by one. */
START_TEST(ragged_batch_predicts_as_one_by_one)
{
    enum { COUNT = 40 };
    const rud_predictor_options options = lesson_options(cells[_i]);
    rud_predictor *predictor = lesson_predictor(&options);
    rud_episodes list = lessons(7, COUNT);
    static double g[COUNT][LESSON_STEPS + 2];
    double *rows[COUNT], alone[LESSON_STEPS + 1];
    observe_lessons(predictor, &list);
    train_lessons(predictor, &list, 16, 20);
    for (size_t i = 0; i < COUNT; i++) {
        rows[i] = g[i];
        g[i][list.items[i]->steps + 1] = 77; /* behind the end */
    }
    ck_assert_ok(rud_predictor_predict(predictor, lesson_items(&list), COUNT, rows));
    for (size_t i = 0; i < COUNT; i++) {
        const size_t T = list.items[i]->steps;
        predict_lesson(predictor, list.items[i], alone);
        for (size_t t = 0; t <= T; t++) ck_assert_double_eq_tol(g[i][t], alone[t], 1e-5);
        ck_assert_double_eq(g[i][T + 1], 77);
    }
    rud_episodes_free(&list);
    rud_predictor_free(&predictor);
}
END_TEST

static size_t copy_parameters(const rud_predictor *predictor, float *copy, size_t capacity)
{
    size_t count = 0;
    const float *from = rud_network_parameters_const(rud_predictor_network(predictor), &count);
    ck_assert_uint_le(count, capacity);
    memcpy(copy, from, count * sizeof *copy);
    return count;
}

enum { PARAMETERS = 4096 };

/* Two updates of the average from those of the same predictor without averaging: the decays are
 * 1 / 10 and 2 / 11 at the start. */
START_TEST(moving_average_predicts)
{
    rud_predictor_options options = lesson_options("lstm");
    rud_predictor *plain = lesson_predictor(&options);
    options.averaging = 0.99;
    rud_predictor *averaged = lesson_predictor(&options);
    rud_episodes list = lessons(8, 16);
    static float average[PARAMETERS], now[PARAMETERS], found[PARAMETERS];
    const double decay[] = {1.0 / 10, 2.0 / 11};
    observe_lessons(plain, &list);
    observe_lessons(averaged, &list);
    copy_parameters(plain, average, PARAMETERS);
    for (size_t k = 0; k < 2; k++) {
        train_lessons(plain, &list, 16, 1);
        train_lessons(averaged, &list, 16, 1);
        const size_t count = copy_parameters(plain, now, PARAMETERS);
        copy_parameters(averaged, found, PARAMETERS);
        for (size_t i = 0; i < count; i++) {
            average[i] = (float)(decay[k] * average[i] + (1 - decay[k]) * now[i]);
            ck_assert_double_eq_tol(found[i], average[i], 1e-6);
        }
    }
    rud_episodes_free(&list);
    rud_predictor_free(&plain);
    rud_predictor_free(&averaged);
}
END_TEST

START_TEST(divergence_is_told)
{
    rud_predictor_options options = lesson_options(_i ? "r-lstm" : "lstm");
    options.adam.learning_rate = _i ? 1e25 : 1e20;
    options.adam.clip_norm = 0;
    rud_predictor *predictor = lesson_predictor(&options);
    rud_episodes list = lessons(9, 16);
    static float before[PARAMETERS], after[PARAMETERS];
    rud_status status = RUD_OK;
    size_t count = 0;
    observe_lessons(predictor, &list);
    for (int k = 0; k < 50 && status == RUD_OK; k++) {
        double g[LESSON_STEPS + 1], *rows[] = {g};
        count = copy_parameters(predictor, before, PARAMETERS);
        const rud_status predicted = rud_predictor_predict(predictor, lesson_items(&list), 1, rows);
        ck_assert_msg(predicted == RUD_OK || predicted == RUD_EDIVERGED, "%s", rud_last_error());
        for (size_t t = 0; predicted == RUD_OK && t <= list.items[0]->steps; t++) {
            ck_assert(isfinite(g[t]));
        }
        status = rud_predictor_update(predictor, lesson_items(&list), 16, NULL);
    }
    ck_assert_int_eq(status, RUD_EDIVERGED);
    ck_assert_msg(strstr(rud_last_error(), "diverged") != NULL, "%s", rud_last_error());
    copy_parameters(predictor, after, PARAMETERS);
    ck_assert_mem_eq(before, after, count * sizeof *before);
    rud_episodes_free(&list);
    rud_predictor_free(&predictor);
}
END_TEST

START_TEST(predictions_that_are_not_finite_are_told)
{
    const rud_predictor_options options = lesson_options("lstm");
    rud_predictor *predictor = lesson_predictor(&options);
    rud_episodes list = lessons(9, 2);
    double g[2][LESSON_STEPS + 1], *rows[] = {g[0], g[1]};
    size_t count = 0;
    const rud_network *network = rud_predictor_network(predictor);
    float *parameters = (float *)rud_network_parameters_const(network, &count);
    ck_assert_ok(rud_predictor_predict(predictor, lesson_items(&list), 2, rows));
    parameters[rud_network_head_bias(network)] = INFINITY;
    ck_assert_int_eq(rud_predictor_predict(predictor, lesson_items(&list), 2, rows), RUD_EDIVERGED);
    rud_episodes_free(&list);
    rud_predictor_free(&predictor);
}
END_TEST

START_TEST(same_seed_same_predictor)
{
    const rud_predictor_options options = lesson_options("lstm");
    rud_features *features = lesson_features(true);
    rud_episodes list = lessons(10, 32);
    static float parameters[3][PARAMETERS];
    size_t count = 0;
    for (uint64_t k = 0; k < 3; k++) {
        rud_predictor *predictor = NULL;
        ck_assert_ok(rud_predictor_create(&options, features, NULL, k / 2, &predictor));
        observe_lessons(predictor, &list);
        train_lessons(predictor, &list, 16, 10);
        count = copy_parameters(predictor, parameters[k], PARAMETERS);
        rud_predictor_free(&predictor);
    }
    ck_assert_mem_eq(parameters[0], parameters[1], count * sizeof(float));
    ck_assert_mem_ne(parameters[0], parameters[2], count * sizeof(float));
    rud_features_free(&features);
    rud_episodes_free(&list);
}
END_TEST

static const char *const all_cells[] = {"lstm", "linear", "uniform"};

START_TEST(unfit_episodes_are_refused)
{
    const rud_predictor_options options = lesson_options(all_cells[_i]);
    rud_predictor *predictor = lesson_predictor(&options);
    rud_episodes list = lessons(11, 2);
    double g[LESSON_STEPS + 1], *rows[] = {g, g};
    list.items[1]->observation_rows--; /* without s_T */
    ck_assert_int_eq(rud_predictor_predict(predictor, lesson_items(&list), 2, rows), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "final observation"));
    ck_assert_int_eq(rud_predictor_observe(predictor, list.items[1]), RUD_EINVAL);
    list.items[1]->observation_rows++;
    list.items[1]->observations[0] = 3; /* outside the space */
    ck_assert_int_eq(rud_predictor_observe(predictor, list.items[1]), RUD_EINVAL);
    list.items[1]->observations[0] = 0;
    list.items[1]->rewards[0] = NAN;
    ck_assert_int_eq(rud_predictor_observe(predictor, list.items[1]), RUD_ENONFINITE);
    ck_assert_int_eq(rud_predictor_predict(predictor, lesson_items(&list), 2, rows),
                     RUD_ENONFINITE);
    ck_assert_double_eq(rud_predictor_target_mean(predictor), 0); /* nothing was observed */
    ck_assert_double_eq(rud_predictor_target_std(predictor), 1);
    rud_episodes_free(&list);
    rud_predictor_free(&predictor);
}
END_TEST

START_TEST(impossible_options_are_refused)
{
    rud_features *features = lesson_features(true);
    rud_predictor_options options = lesson_options("gru");
    rud_predictor *predictor = NULL;
    ck_assert_int_eq(rud_predictor_create(&options, features, NULL, 1, &predictor), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "gru"));
    options = lesson_options("lstm");
    options.batch = 0;
    ck_assert_int_eq(rud_predictor_create(&options, features, NULL, 1, &predictor), RUD_EINVAL);
    options = lesson_options("lstm");
    options.hidden = 0;
    ck_assert_int_eq(rud_predictor_create(&options, features, NULL, 1, &predictor), RUD_EINVAL);
    ck_assert_ptr_null(predictor);
    rud_features_free(&features);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("redistribution/predictor");
    TCase *learning = tcase_create("learning");
    tcase_add_loop_test(learning, training_learns_to_count, 0, 3);
    tcase_add_test(learning, losses_are_those_of_the_predictions);
    tcase_add_loop_test(learning, divergence_is_told, 0, 2);
    tcase_add_test(learning, predictions_that_are_not_finite_are_told);
    tcase_add_test(learning, moving_average_predicts);
    tcase_add_test(learning, same_seed_same_predictor);
    suite_add_tcase(suite, learning);
    TCase *predictions = tcase_create("predictions");
    tcase_add_test(predictions, rudder_difference_is_the_gated_input);
    tcase_add_loop_test(predictions, predictions_stay_when_the_returns_statistics_move, 0, 2);
    tcase_add_test(predictions, target_statistics_are_those_of_the_returns);
    tcase_add_loop_test(predictions, ragged_batch_predicts_as_one_by_one, 0, 3);
    suite_add_tcase(suite, predictions);
    TCase *refusals = tcase_create("refusals");
    tcase_add_loop_test(refusals, unfit_episodes_are_refused, 0, 3);
    tcase_add_test(refusals, impossible_options_are_refused);
    suite_add_tcase(suite, refusals);
    return suite;
}

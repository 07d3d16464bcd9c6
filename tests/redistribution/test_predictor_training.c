/* What training on data sets asks of a predictor: chunks, discount, success, and a state to go on
 * from. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "redistribution/redistribution.h"
#include "tests/redistribution/lessons.h"

enum { MANY = 120 };

/* Largest difference between the predictions of two predictors for the lessons. */
static double largest_difference(rud_predictor *a, rud_predictor *b, const rud_episodes *list)
{
    double largest = 0, one[LESSON_STEPS + 1], other[LESSON_STEPS + 1];
    for (size_t i = 0; i < list->count; i++) {
        predict_lesson(a, list->items[i], one);
        predict_lesson(b, list->items[i], other);
        for (size_t t = 0; t <= list->items[i]->steps; t++) {
            largest = fmax(largest, fabs(one[t] - other[t]));
        }
    }
    return largest;
}

static rud_predictor *trained(const rud_predictor_options *options, const rud_episodes *list,
                              size_t updates)
{
    rud_predictor *predictor = lesson_predictor(options);
    observe_lessons(predictor, list);
    train_lessons(predictor, list, 16, updates);
    return predictor;
}

/* With the overlap so long that nothing is cut off, every gradient is that of the whole episode. */
START_TEST(chunks_that_cut_nothing_train_alike)
{
    rud_episodes list = lessons(1, MANY);
    rud_predictor_options options = lesson_options("lstm");
    rud_predictor *whole = trained(&options, &list, 40);
    options.chunk_length = 64;
    options.chunk_overlap = 8;
    rud_predictor *chunks = trained(&options, &list, 40);
    ck_assert_double_eq(largest_difference(whole, chunks, &list), 0);
    rud_predictor_free(&whole);
    rud_predictor_free(&chunks);
    rud_episodes_free(&list);
}
END_TEST

/* Before any update the losses of an update say what the chunks predict: what the whole episode
 * does. Afterwards training still works. */
START_TEST(chunks_carry_the_state)
{
    static const size_t lengths[][2] = {{1, 0}, {3, 0}, {4, 3}, {5, 2}, {10, 9}};
    rud_episodes list = lessons(2, MANY);
    rud_predictor_options options = lesson_options("lstm");
    rud_predictor *whole = lesson_predictor(&options);
    options.chunk_length = lengths[_i][0];
    options.chunk_overlap = lengths[_i][1];
    rud_predictor *chunks = lesson_predictor(&options);
    observe_lessons(whole, &list);
    observe_lessons(chunks, &list);
    ck_assert_double_le(largest_difference(whole, chunks, &list), 1e-6);
    rud_losses one[16], other[16];
    ck_assert_ok(rud_predictor_update(whole, lesson_items(&list), 16, one));
    ck_assert_ok(rud_predictor_update(chunks, lesson_items(&list), 16, other));
    for (size_t i = 0; i < 16; i++) {
        ck_assert_double_eq_tol(one[i].main, other[i].main, 1e-5);
        ck_assert_double_eq_tol(one[i].all, other[i].all, 1e-5);
    }
    ck_assert_double_lt(train_lessons(chunks, &list, 16, 600), 0.2);
    rud_predictor_free(&whole);
    rud_predictor_free(&chunks);
    rud_episodes_free(&list);
}
END_TEST

START_TEST(chunks_that_never_advance_are_refused)
{
    rud_predictor_options options = lesson_options("lstm");
    rud_features *features = lesson_features(true);
    rud_predictor *predictor = NULL;
    options.chunk_length = options.chunk_overlap = 4;
    ck_assert_int_eq(rud_predictor_create(&options, features, NULL, 1, &predictor), RUD_EINVAL);
    options = lesson_options("lstm");
    options.discount = 0;
    ck_assert_int_eq(rud_predictor_create(&options, features, NULL, 1, &predictor), RUD_EINVAL);
    rud_features_free(&features);
}
END_TEST

/* By hand: 1 + 0.5 * 2 + 0.25 * 4 = 3. What is redistributed is that. */
START_TEST(discounted_returns)
{
    rud_episodes list = lessons(3, MANY);
    rud_predictor_options options = lesson_options("linear");
    options.discount = 0.5;
    rud_rng rng = rud_rng_stream(0, "test lesson", 0);
    rud_episode *episode = lesson(&rng, 3);
    memcpy(episode->rewards, (double[]){1, 2, 4}, 3 * sizeof(double));
    rud_predictor *predictor = lesson_predictor(&options);
    ck_assert_double_eq(rud_predictor_return(predictor, episode), 3);

    observe_lessons(predictor, &list);
    ck_assert_ok(rud_predictor_update(predictor, lesson_items(&list), 16, NULL));
    rud_redistribution_options redistribution = rud_redistribution_options_default();
    rud_explainer *explainer = NULL;
    double r[3], *rows = r;
    ck_assert_ok(rud_explainer_create(predictor, &redistribution.attribution, &explainer));
    ck_assert_ok(rud_redistribute_episodes(&redistribution, explainer,
                                           (const rud_episode *const *)&episode, 1, &rows, NULL));
    ck_assert_double_eq_tol(r[0] + r[1] + r[2], 3, 1e-12);

    char path[512];
    rud_predictor *loaded = NULL;
    snprintf(path, sizeof path, "%s/model.safetensors", test_folder());
    ck_assert_ok(rud_predictor_save(predictor, path));
    ck_assert_ok(rud_predictor_load(path, &loaded));
    ck_assert_double_eq(rud_predictor_discount(loaded), 0.5);
    rud_explainer_free(&explainer);
    rud_predictor_free(&loaded);
    rud_predictor_free(&predictor);
    rud_episode_free(&episode);
    rud_episodes_free(&list);
}
END_TEST

/* Success: was any observation 2? */
static rud_episodes labelled(uint64_t seed, size_t count)
{
    rud_episodes list = lessons(seed, count);
    for (size_t i = 0; i < count; i++) {
        rud_episode *e = list.items[i];
        e->rewards[e->steps - 1] = e->rewards[e->steps - 1] > 2;
    }
    return list;
}

START_TEST(success_is_a_probability)
{
    rud_episodes list = labelled(4, MANY);
    rud_predictor_options options = lesson_options("lstm");
    options.target = RUD_TARGET_SUCCESS;
    rud_predictor *predictor = lesson_predictor(&options), *loaded = NULL;
    observe_lessons(predictor, &list);
    /* The cross-entropy before training, from the predictions by its formula. */
    rud_losses losses[16];
    double g[LESSON_STEPS + 1], expected[16];
    for (size_t i = 0; i < 16; i++) {
        const rud_episode *e = list.items[i];
        predict_lesson(predictor, e, g);
        expected[i] = rud_episode_return(e) > 0 ? -log(g[e->steps]) : -log(1 - g[e->steps]);
    }
    ck_assert_ok(rud_predictor_update(predictor, lesson_items(&list), 16, losses));
    for (size_t i = 0; i < 16; i++) ck_assert_double_eq_tol(losses[i].main, expected[i], 1e-5);

    ck_assert_double_lt(train_lessons(predictor, &list, 16, 1500), 0.1);
    char path[512];
    snprintf(path, sizeof path, "%s/model.safetensors", test_folder());
    ck_assert_ok(rud_predictor_save(predictor, path));
    ck_assert_ok(rud_predictor_load(path, &loaded));
    ck_assert_int_eq(rud_predictor_target_kind(loaded), RUD_TARGET_SUCCESS);
    ck_assert_double_eq(largest_difference(predictor, loaded, &list), 0);
    for (size_t i = 0; i < list.count; i++) {
        predict_lesson(loaded, list.items[i], g);
        for (size_t t = 0; t <= list.items[i]->steps; t++) ck_assert(g[t] >= 0 && g[t] <= 1);
    }
    rud_predictor_free(&predictor);
    rud_predictor_free(&loaded);
    rud_episodes_free(&list);
}
END_TEST

/* Differences of probabilities sum to the probability, not to log-odds; other methods are refused.
 */
START_TEST(success_is_redistributed_by_differences)
{
    rud_episodes list = labelled(5, MANY);
    rud_predictor_options options = lesson_options("lstm");
    options.target = RUD_TARGET_SUCCESS;
    rud_predictor *predictor = trained(&options, &list, 200);
    rud_redistribution_options redistribution = rud_redistribution_options_default();
    redistribution.correction = RUD_CORRECTION_NONE;
    rud_explainer *explainer = NULL;
    ck_assert_ok(rud_explainer_create(predictor, &redistribution.attribution, &explainer));
    for (size_t i = 0; i < list.count; i++) {
        const rud_episode *e = list.items[i];
        double g[LESSON_STEPS + 1], r[LESSON_STEPS], *rows = r, prediction = 0, sum = 0;
        predict_lesson(predictor, e, g);
        ck_assert_ok(
            rud_redistribute_episodes(&redistribution, explainer, &e, 1, &rows, &prediction));
        ck_assert_double_eq_tol(prediction, g[e->steps], 1e-6);
        for (size_t t = 0; t < e->steps; t++) {
            sum += r[t];
            ck_assert_double_eq_tol(sum, t + 1 < e->steps ? g[t] : g[e->steps], 1e-6);
        }
    }
    rud_explainer_free(&explainer);
    ck_assert_ok(rud_attribution_set(&redistribution.attribution, "method", "gradient-x-input"));
    ck_assert_ok(rud_explainer_create(predictor, &redistribution.attribution, &explainer));
    double r[LESSON_STEPS], *rows = r;
    ck_assert_int_eq(
        rud_redistribute_episodes(&redistribution, explainer, lesson_items(&list), 1, &rows, NULL),
        RUD_EINVAL);
    rud_explainer_free(&explainer);
    rud_predictor_free(&predictor);
    rud_episodes_free(&list);
}
END_TEST

START_TEST(success_needs_labels)
{
    rud_episodes list = lessons(6, MANY);
    rud_predictor_options options = lesson_options("lstm");
    options.target = RUD_TARGET_SUCCESS;
    rud_predictor *predictor = lesson_predictor(&options);
    rud_status status = RUD_OK;
    for (size_t i = 0; i < list.count && status == RUD_OK; i++) {
        status = rud_predictor_observe(predictor, list.items[i]);
    }
    ck_assert_int_eq(status, RUD_EINVAL);
    rud_predictor_free(&predictor);
    rud_episodes_free(&list);
}
END_TEST

/* Saved, loaded into a new predictor and trained on, it is the one that was never interrupted. */
START_TEST(training_goes_on_from_a_state)
{
    static const double averaging[] = {0, 0.9};
    rud_episodes list = lessons(7, MANY);
    rud_predictor_options options = lesson_options("lstm");
    options.averaging = averaging[_i];
    rud_predictor *first = trained(&options, &list, 30), *second = lesson_predictor(&options);
    ck_assert_ok(rud_predictor_remember(first));
    train_lessons(first, &list, 16, 30);
    rud_checkpoint written = {.reading = false};
    rud_predictor_checkpoint(first, &written);
    ck_assert_ok(rud_checkpoint_status(&written));

    ck_assert_ok(rud_predictor_observe_as(second, first));
    rud_checkpoint read = {.reading = true, .from = written.to, .size = written.size};
    rud_predictor_checkpoint(second, &read);
    ck_assert_ok(rud_checkpoint_status(&read));
    ck_assert_double_eq(largest_difference(first, second, &list), 0);
    train_lessons(first, &list, 16, 50);
    train_lessons(second, &list, 16, 50);
    ck_assert_double_eq(largest_difference(first, second, &list), 0);
    rud_predictor *thirty = trained(&options, &list, 30);
    ck_assert_double_gt(largest_difference(thirty, second, &list), 0);
    rud_predictor_recall(second);
    ck_assert_double_eq(largest_difference(thirty, second, &list), 0);

    rud_predictor_options wider = options;
    wider.hidden++;
    rud_predictor *other = lesson_predictor(&wider);
    read.at = 0;
    rud_predictor_checkpoint(other, &read);
    ck_assert_int_eq(rud_checkpoint_status(&read), RUD_EFORMAT);
    free(written.to);
    rud_predictor_free(&first);
    rud_predictor_free(&second);
    rud_predictor_free(&thirty);
    rud_predictor_free(&other);
    rud_episodes_free(&list);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("redistribution/predictor_training");
    TCase *chunks = tcase_create("chunks");
    tcase_add_test(chunks, chunks_that_cut_nothing_train_alike);
    tcase_add_loop_test(chunks, chunks_carry_the_state, 0, 5);
    tcase_add_test(chunks, chunks_that_never_advance_are_refused);
    suite_add_tcase(suite, chunks);
    TCase *targets = tcase_create("targets");
    tcase_add_test(targets, discounted_returns);
    tcase_add_test(targets, success_is_a_probability);
    tcase_add_test(targets, success_is_redistributed_by_differences);
    tcase_add_test(targets, success_needs_labels);
    suite_add_tcase(suite, targets);
    TCase *state = tcase_create("state");
    tcase_add_loop_test(state, training_goes_on_from_a_state, 0, 2);
    suite_add_tcase(suite, state);
    return suite;
}

/* Explanations of episodes: those of a batch, of one episode, and of the attribution that they
 * stand on are the same. */
#include "redistribution/explainer.h"

#include <math.h>
#include <string.h>

#include "base/pool.h"
#include "redistribution/redistribution.h"
#include "tests/nn/networks.h"
#include "tests/redistribution/lessons.h"

enum { EPISODES = 70 }; /* more than one batch */

/* Every method. */
static const char *const variants[][7] = {
    {"difference", NULL},
    {"gradient", NULL},
    {"sensitivity", NULL},
    {"gradient-x-input", NULL},
    {"integrated-gradients", "baseline", "mean", "nodes", "5", NULL},
    {"occlusion", "per", "feature", "remove", "mean", NULL},
    {"occlusion", "window", "2", NULL},
    {"lrp", "rule", "all", NULL},
    {"lrp", "rule", "abs", "epsilon", "0.01", NULL},
    {"lrp", "bias-factor", "1", NULL},
    {"decomposition", NULL},
    {"decomposition", "steps", "0:2", NULL},
    {"integrated-gradients", "baseline", "episodes", "nodes", "3", NULL},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static rud_attribution_options variant(size_t k)
{
    rud_attribution_options options = rud_attribution_options_default();
    ck_assert_ok(rud_attribution_set(&options, "method", variants[k][0]));
    for (size_t i = 1; i < 6 && variants[k][i]; i += 2) {
        ck_assert_ok(rud_attribution_set(&options, variants[k][i], variants[k][i + 1]));
    }
    return options;
}

static rud_predictor *untrained(const char *cell)
{
    const rud_predictor_options options = lesson_options(cell);
    return lesson_predictor(&options);
}

static rud_predictor *trained(const char *cell, const rud_episodes *list)
{
    rud_predictor *predictor = untrained(cell);
    ck_assert_ok(rud_predictor_keep_episodes(predictor));
    observe_lessons(predictor, list);
    train_lessons(predictor, list, 16, 30);
    return predictor;
}

static void check_same_array(const void *a, const void *b, size_t bytes)
{
    ck_assert_uint_eq(a == NULL, b == NULL);
    if (a != NULL) ck_assert_mem_eq(a, b, bytes);
}

static void check_same(const rud_explanation *a, const rud_explanation *b)
{
    const size_t offset = offsetof(rud_explanation, prediction);
    ck_assert_uint_eq(a->steps, b->steps);
    ck_assert_uint_eq(a->inputs, b->inputs);
    ck_assert_uint_eq(a->width, b->width);
    check_same_array(a->relevance, b->relevance, a->inputs * a->width * sizeof *a->relevance);
    check_same_array(a->step_relevance, b->step_relevance, a->steps * sizeof(double));
    check_same_array(a->absorbed, b->absorbed, a->steps * sizeof(double));
    ck_assert_mem_eq((const char *)a + offset, (const char *)b + offset, sizeof *a - offset);
}

static void free_all(rud_explanation *explanations, size_t count)
{
    for (size_t i = 0; i < count; i++) rud_explanation_free(&explanations[i]);
}

/* Bit for bit. */
START_TEST(a_batch_says_the_same_as_its_episodes_alone)
{
    static const char *const cells[] = {"lstm", "rudder"};
    rud_episodes list = lessons(1, EPISODES);
    rud_predictor *predictor = trained(cells[_i], &list);
    rud_explanation together[EPISODES], alone;
    for (size_t k = 0; k < VARIANTS; k++) {
        const rud_attribution_options options = variant(k);
        rud_explainer *explainer = NULL;
        ck_assert_ok(rud_explainer_create(predictor, &options, &explainer));
        ck_assert_ok(rud_explainer_run(explainer, lesson_items(&list), EPISODES, together));
        for (size_t i = 0; i < EPISODES; i++) {
            ck_assert_ok(rud_explainer_run(explainer, lesson_items(&list) + i, 1, &alone));
            check_same(&together[i], &alone);
            rud_explanation_free(&alone);
        }
        free_all(together, EPISODES);
        rud_explainer_free(&explainer);
    }
    rud_predictor_free(&predictor);
    rud_episodes_free(&list);
}
END_TEST

/* A copy explains from the same episodes; a predictor that keeps none cannot. */
START_TEST(episodes_to_start_from_are_kept)
{
    rud_attribution_options options = rud_attribution_options_default();
    ck_assert_ok(rud_attribution_set(&options, "method", "integrated-gradients"));
    ck_assert_ok(rud_attribution_set(&options, "baseline", "episodes"));
    rud_episodes list = lessons(1, 20);
    rud_predictor *predictor = trained("lstm", &list), *copy = NULL;
    rud_explainer *explainers[2] = {NULL}, *refused = NULL;
    rud_explanation explanations[2];
    ck_assert_ok(rud_predictor_copy(predictor, &copy));
    for (size_t k = 0; k < 2; k++) {
        ck_assert_ok(rud_explainer_create(k == 0 ? predictor : copy, &options, &explainers[k]));
        ck_assert_ok(rud_explainer_run(explainers[k], lesson_items(&list), 1, &explanations[k]));
    }
    check_same(&explanations[0], &explanations[1]);
    ck_assert_double_eq_tol(explanations[0].total, explanations[0].prediction, 1e-3);
    free_all(explanations, 2);
    for (size_t k = 0; k < 2; k++) rud_explainer_free(&explainers[k]);
    rud_predictor_free(&copy);
    rud_predictor_free(&predictor);
    predictor = untrained("lstm");
    ck_assert_int_eq(rud_explainer_create(predictor, &options, &refused), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "no episodes are kept"));
    rud_predictor_free(&predictor);
    rud_episodes_free(&list);
}
END_TEST

/* The difference is that of the predictions, the final observation's share with the last step. */
START_TEST(difference_is_that_of_the_predictions)
{
    static const char *const cells[] = {"lstm", "linear", "uniform"};
    const rud_attribution_options options = rud_attribution_options_default();
    rud_episodes list = lessons(2, 40);
    rud_predictor *predictor = trained(cells[_i], &list);
    rud_explainer *explainer = NULL;
    rud_explanation e[40];
    ck_assert_ok(rud_explainer_create(predictor, &options, &explainer));
    ck_assert_ok(rud_explainer_run(explainer, lesson_items(&list), 40, e));
    for (size_t i = 0; i < 40; i++) {
        const size_t T = list.items[i]->steps;
        double g[LESSON_STEPS + 1], difference[LESSON_STEPS];
        predict_lesson(predictor, list.items[i], g);
        rud_prediction_differences(g, T + 1, T, difference);
        ck_assert_mem_eq(e[i].step_relevance, difference, T * sizeof *difference);
        ck_assert(e[i].prediction == g[T]);
        ck_assert_double_eq_tol(e[i].total, g[T], 1e-9);
        ck_assert_double_eq_tol(e[i].conservation_error, 0, 1e-9);
        ck_assert_ptr_null(e[i].relevance);
    }
    free_all(e, 40);
    rud_explainer_free(&explainer);
    rud_predictor_free(&predictor);
    rud_episodes_free(&list);
}
END_TEST

/* Relevance rows sum to what the steps get, in reward units, and with what was absorbed to the
 * prediction. */
START_TEST(final_observation_joins_the_last_step)
{
    const rud_attribution_options options = variant(7); /* lrp */
    rud_episodes list = lessons(3, 32);
    rud_predictor *predictor = trained("lstm", &list);
    rud_explainer *explainer = NULL;
    rud_explanation e[32];
    ck_assert_ok(rud_explainer_create(predictor, &options, &explainer));
    ck_assert_ok(rud_explainer_run(explainer, lesson_items(&list), 32, e));
    for (size_t i = 0; i < 32; i++) {
        const size_t T = list.items[i]->steps, D = e[i].width;
        double g[LESSON_STEPS + 1], rows[LESSON_STEPS + 1] = {0}, absorbed = 0;
        predict_lesson(predictor, list.items[i], g);
        ck_assert_uint_eq(e[i].inputs, T + 1);
        for (size_t t = 0; t <= T; t++) {
            for (size_t d = 0; d < D; d++) rows[t] += e[i].relevance[t * D + d];
        }
        ck_assert_double_ne(rows[T], 0);
        rows[T - 1] += rows[T];
        for (size_t t = 0; t < T; t++) {
            ck_assert_double_eq_tol(e[i].step_relevance[t], rows[t], 1e-6);
            absorbed += e[i].absorbed[t];
        }
        ck_assert_double_eq_tol(e[i].prediction, g[T], 1e-5);
        ck_assert_double_eq_tol(e[i].total + absorbed, g[T], 1e-4);
        ck_assert_double_eq_tol(e[i].total + absorbed - e[i].prediction, e[i].conservation_error,
                                1e-9);
    }
    free_all(e, 32);
    rud_explainer_free(&explainer);
    rud_predictor_free(&predictor);
    rud_episodes_free(&list);
}
END_TEST

/* An untrained predictor predicts too, and its explanation says the same. */
START_TEST(predictors_are_read_as_they_predict)
{
    rud_predictor *predictor = untrained("lstm");
    rud_episodes list = lessons(4, 33);
    rud_explainer *explainer = NULL;
    rud_explanation e;
    double g[LESSON_STEPS + 1];
    const rud_attribution_options options = rud_attribution_options_default();
    ck_assert_ok(rud_explainer_create(predictor, &options, &explainer));
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = round; i < 33; i += 3) {
            ck_assert_ok(rud_predictor_observe(predictor, list.items[i]));
        }
        predict_lesson(predictor, list.items[round], g);
        ck_assert_ok(rud_explainer_run(explainer, lesson_items(&list) + round, 1, &e));
        ck_assert(e.prediction == g[list.items[round]->steps]);
        rud_explanation_free(&e);
        train_lessons(predictor, &list, 16, 1);
    }
    rud_explainer_free(&explainer);
    rud_predictor_free(&predictor);
    rud_episodes_free(&list);
}
END_TEST

/* An episode of observation rows that are the inputs. */
static rud_episode *rows_of(rud_rng *rng, size_t steps, size_t rows, size_t width)
{
    rud_episode *episode = NULL;
    ck_assert_ok(rud_episode_create(steps, rows, width, 0, &episode));
    for (size_t k = 0; k < rows * width; k++) episode->observations[k] = rud_rng_normal(rng);
    return episode;
}

/* Of a network as it is: every observation row is an input. */
START_TEST(a_network_reads_observations_as_they_are)
{
    enum { D = 5, COUNT = 6 };
    const bool bidirectional = _i == 1;
    const rud_network_spec spec = {D, 7, 2, 3, cell_number(0), bidirectional};
    rud_rng rng = rud_rng_stream(5, "test explainer", 0);
    rud_network *network = random_network(&spec, &rng);
    rud_attribution_options options = variant(7);
    options.output = 2;
    rud_attribution *attribution = NULL;
    rud_attribution_result result;
    rud_explainer *explainer = NULL;
    rud_explanation e[COUNT];
    rud_episodes list = {0};
    for (size_t i = 0; i < COUNT; i++) {
        const size_t steps = 3 + 2 * i % 5;
        ck_assert_ok(rud_episodes_add(&list, rows_of(&rng, steps, steps + i % 2, D)));
    }
    ck_assert_ok(rud_attribution_create(&attribution));
    ck_assert_ok(rud_explainer_create_for_network(network, NULL, &options, &explainer));
    ck_assert_ok(rud_explainer_run(explainer, lesson_items(&list), COUNT, e));
    for (size_t i = 0; i < COUNT; i++) {
        const rud_episode *episode = list.items[i];
        const size_t T = episode->observation_rows;
        float x[10 * D];
        for (size_t k = 0; k < T * D; k++) x[k] = (float)episode->observations[k];
        const rud_attribution_input input = {
            .network = network, .x = x, .T = T, .B = 1, .scale = 1};
        ck_assert_ok(rud_attribution_run(attribution, &options, &input, &result));
        ck_assert_uint_eq(e[i].inputs, T);
        ck_assert_mem_eq(e[i].relevance, result.relevance, T * D * sizeof(float));
        ck_assert(e[i].prediction == result.prediction[0]);
    }
    char name[32];
    rud_explainer_feature_name(explainer, 3, name, sizeof name);
    ck_assert_str_eq(name, "observation[3]");
    free_all(e, COUNT);
    rud_explainer_free(&explainer);
    rud_attribution_free(&attribution);
    rud_network_free(&network);
    rud_episodes_free(&list);
}
END_TEST

static void check_refused(rud_explainer *explainer, const rud_episodes *list, const char *words)
{
    rud_explanation e[8];
    ck_assert_uint_le(list->count, 8);
    const rud_status status = rud_explainer_run(explainer, lesson_items(list), list->count, e);
    ck_assert_msg(status == RUD_EINVAL && strstr(rud_last_error(), words), "%d: %s", (int)status,
                  rud_last_error());
    for (size_t i = 0; i < list->count; i++) ck_assert_ptr_null(e[i].step_relevance);
}

/* The short episode is named, wherever its length put it in the batch. */
START_TEST(messages_name_the_episode)
{
    static const char *const cells[] = {"lstm", "linear"};
    rud_episodes list = lessons(6, 8);
    rud_predictor *predictor = untrained(cells[_i]);
    rud_attribution_options options = rud_attribution_options_default();
    rud_explainer *explainer = NULL;
    rud_rng rng = rud_rng_stream(6, "test explainer", 0);
    rud_episode_free(&list.items[3]);
    list.items[3] = lesson(&rng, 1);
    options.step = 2;
    ck_assert_ok(rud_explainer_create(predictor, &options, &explainer));
    check_refused(explainer, &list, "episode 3");
    check_refused(explainer, &list,
                  "step 2: there are 1 steps; choose 0 to 0, or 1 for the "
                  "prediction after the final observation");
    ck_assert_ok(rud_episode_set_id(list.items[3], "short one"));
    check_refused(explainer, &list, "episode \"short one\"");
    list.items[3]->actions[0] = 7;
    check_refused(explainer, &list, "episode \"short one\": field \"actions\"[0]");
    rud_explainer_free(&explainer);
    rud_predictor_free(&predictor);
    rud_episodes_free(&list);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
    rud_episodes list = lessons(7, 8);
    rud_predictor *linear = untrained("linear");
    rud_attribution_options options = variant(7);
    rud_explainer *explainer = NULL;
    ck_assert_int_eq(rud_explainer_create(linear, &options, &explainer), RUD_EINVAL);
    ck_assert_ptr_null(explainer);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "linear"));
    options = rud_attribution_options_default();
    options.output = 1;
    ck_assert_int_eq(rud_explainer_create(linear, &options, &explainer), RUD_EINVAL);
    rud_predictor_free(&linear);

    const rud_network_spec spec = {4, 3, 1, 1, cell_number(0), false};
    rud_rng rng = rud_rng_stream(7, "test explainer", 0);
    rud_network *network = random_network(&spec, &rng);
    options = variant(7);
    ck_assert_ok(rud_explainer_create_for_network(network, NULL, &options, &explainer));
    check_refused(explainer, &list, "rows of width 1 found, 4 expected");
    rud_explainer_free(&explainer);
    options.output = 1; /* at once, before there is an episode to blame */
    ck_assert_int_eq(rud_explainer_create_for_network(network, NULL, &options, &explainer),
                     RUD_EINVAL);
    ck_assert_ptr_null(explainer);
    rud_network_free(&network);
    rud_episodes_free(&list);
}
END_TEST

/* What a watch has seen; it ends the run once `stop` is passed. */
typedef struct seen {
    double done, stop;
    size_t calls;
} seen;

static rud_status watch(void *context, double done)
{
    seen *s = context;
    ck_assert(done > s->done && done <= 1);
    s->done = done;
    s->calls++;
    return done > s->stop ? rud_error(RUD_EINTERRUPTED, "enough") : RUD_OK;
}

/* Several batches, and several evaluations in each: up to 1, and then every episode is explained.
 */
START_TEST(long_runs_are_watched_and_ended)
{
    static const size_t chosen[] = {4, 5, 10}; /* integrated gradients, occlusion, decomposition */
    rud_episodes list = lessons(9, EPISODES);
    rud_predictor *predictor = trained("lstm", &list);
    const rud_attribution_options options = variant(chosen[_i]);
    rud_explainer *explainer = NULL;
    rud_explanation e[EPISODES];
    seen all = {.stop = 2}, some = {.stop = 0.3};
    ck_assert_ok(rud_explainer_create(predictor, &options, &explainer));
    rud_explainer_set_watch(explainer, watch, &all);
    ck_assert_ok(rud_explainer_run(explainer, lesson_items(&list), EPISODES, e));
    free_all(e, EPISODES);
    ck_assert(all.done == 1);
    ck_assert_uint_gt(all.calls, 2);
    rud_explainer_set_watch(explainer, watch, &some);
    ck_assert_int_eq(rud_explainer_run(explainer, lesson_items(&list), EPISODES, e),
                     RUD_EINTERRUPTED);
    ck_assert(some.done > 0.3 && some.done < 1);
    for (size_t i = 0; i < EPISODES; i++) ck_assert_ptr_null(e[i].step_relevance);
    rud_explainer_free(&explainer);
    rud_predictor_free(&predictor);
    rud_episodes_free(&list);
}
END_TEST

/* Another cell's weights mean something else, though they may be as many. */
START_TEST(only_a_network_of_the_same_specification_takes_the_place)
{
    rud_network_spec spec = {4, 3, 1, 1, *rud_cell_preset("lstm"), false};
    rud_rng rng = rud_rng_stream(8, "test explainer", 0);
    rud_network *network = random_network(&spec, &rng), *same = random_network(&spec, &rng);
    spec.cell.cell_input = RUD_RELU;
    rud_network *other_activation = random_network(&spec, &rng);
    spec.cell = *rud_cell_preset("lstm1997");
    rud_network *other_gates = random_network(&spec, &rng);
    const rud_attribution_options options = variant(7);
    rud_explainer *explainer = NULL;
    ck_assert_ok(rud_explainer_create_for_network(network, NULL, &options, &explainer));
    ck_assert_ok(rud_explainer_set_network(explainer, same));
    ck_assert_int_eq(rud_explainer_set_network(explainer, other_activation), RUD_EINVAL);
    ck_assert_int_eq(rud_explainer_set_network(explainer, other_gates), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "cell"));
    rud_explainer_free(&explainer);
    rud_network_free(&other_gates);
    rud_network_free(&other_activation);
    rud_network_free(&same);
    rud_network_free(&network);
}
END_TEST

typedef struct shared {
    const rud_predictor *predictor;
    const rud_episodes *list;
    rud_attribution_options options;
    rud_explanation *explanations;
} shared;

static rud_status explain_part(void *context, size_t part, size_t thread)
{
    (void)thread;
    const shared *s = context;
    rud_explainer *explainer = NULL;
    RUD_TRY(rud_explainer_create(s->predictor, &s->options, &explainer));
    const rud_status status = rud_explainer_run(explainer, lesson_items(s->list) + part * 8, 8,
                                                s->explanations + part * 8);
    rud_explainer_free(&explainer);
    return status;
}

/* One predictor, an explainer a thread. */
START_TEST(threads_share_a_predictor)
{
    static const char *const cells[] = {"lstm", "linear"};
    rud_episodes list = lessons(8, 32);
    rud_predictor *predictor = trained(cells[_i], &list);
    rud_explanation one[32], four[32];
    shared s = {predictor, &list, variant(_i == 0 ? 4 : 0), NULL};
    for (size_t threads = 1; threads <= 4; threads += 3) {
        rud_pool *pool = NULL;
        s.explanations = threads == 1 ? one : four;
        ck_assert_ok(rud_pool_create(threads, &pool));
        ck_assert_ok(rud_pool_run(pool, 4, explain_part, &s));
        rud_pool_free(&pool);
    }
    for (size_t i = 0; i < 32; i++) check_same(&one[i], &four[i]);
    free_all(one, 32);
    free_all(four, 32);
    rud_predictor_free(&predictor);
    rud_episodes_free(&list);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("redistribution/explainer");
    TCase *tests = tcase_create("explainer");
    tcase_add_loop_test(tests, a_batch_says_the_same_as_its_episodes_alone, 0, 2);
    tcase_add_test(tests, episodes_to_start_from_are_kept);
    tcase_add_loop_test(tests, difference_is_that_of_the_predictions, 0, 3);
    tcase_add_test(tests, final_observation_joins_the_last_step);
    tcase_add_test(tests, predictors_are_read_as_they_predict);
    tcase_add_loop_test(tests, a_network_reads_observations_as_they_are, 0, 2);
    tcase_add_loop_test(tests, messages_name_the_episode, 0, 2);
    tcase_add_test(tests, what_does_not_fit_is_refused);
    tcase_add_loop_test(tests, long_runs_are_watched_and_ended, 0, 3);
    tcase_add_test(tests, only_a_network_of_the_same_specification_takes_the_place);
    tcase_add_loop_test(tests, threads_share_a_predictor, 0, 2);
    suite_add_tcase(suite, tests);
    return suite;
}

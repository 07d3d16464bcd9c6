/* A data set with its rewards redistributed, against the redistribution of each episode by itself.
 */
#include "redistribution/redistribute_dataset.h"

#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "tests/redistribution/lessons.h"

enum { COUNT = 300 };

/* Lessons as a file, and a linear predictor that has learned from them. */
typedef struct problem {
    rud_episodes list;
    rud_predictor *predictor;
    char *in, *out;
} problem;

static void create_problem(problem *p)
{
    rud_features *features = lesson_features(true);
    rud_predictor_options options = rud_predictor_options_default();
    rud_dataset_writer *writer;
    snprintf(options.cell, sizeof options.cell, "linear");
    p->list = lessons(5, COUNT);
    p->in = rud_path_join(test_folder(), "in.jsonl");
    p->out = rud_path_join(test_folder(), "out.jsonl");
    ck_assert_ok(rud_predictor_create(&options, features, NULL, 1, &p->predictor));
    const rud_dataset_writer_options writing = {
        .observation_space = rud_features_observation_space(features),
        .action_space = rud_features_action_space(features)};
    ck_assert_ok(rud_dataset_writer_open(p->in, &writing, &writer));
    for (size_t k = 0; k < COUNT; k++) {
        ck_assert_ok(rud_predictor_observe(p->predictor, p->list.items[k]));
        ck_assert_ok(rud_dataset_write(writer, p->list.items[k]));
    }
    ck_assert_ok(rud_dataset_writer_commit(&writer));
    ck_assert_ok(rud_predictor_update(p->predictor, NULL, 0, NULL));
    rud_features_free(&features);
}

static void free_problem(problem *p)
{
    rud_episodes_free(&p->list);
    rud_predictor_free(&p->predictor);
    free(p->in);
    free(p->out);
}

static rud_dataset_redistribution usual(const problem *p)
{
    return (rud_dataset_redistribution){.options = rud_redistribution_options_default(),
                                        .error_limit = (double)INFINITY,
                                        .work = {.predictor = p->predictor, .threads = 1}};
}

/* Writes p->out, and reads it back. */
static rud_episodes run(const problem *p, const rud_dataset_redistribution *how,
                        rud_dataset_redistributed *result)
{
    rud_dataset *source;
    rud_dataset_writer *writer;
    rud_episodes list = {0};
    ck_assert_ok(rud_dataset_open(p->in, NULL, &source));
    const rud_dataset_writer_options writing = {.source = source, .force = true};
    ck_assert_ok(rud_dataset_writer_open(p->out, &writing, &writer));
    ck_assert_ok(rud_redistribute_dataset(how, source, writer, result));
    ck_assert_ok(rud_dataset_writer_commit(&writer));
    rud_dataset_close(&source);
    ck_assert_ok(rud_dataset_open(p->out, NULL, &source));
    for (rud_episode *episode;;) {
        ck_assert_ok(rud_dataset_next(source, &episode));
        if (episode == NULL) break;
        ck_assert_ok(rud_episodes_add(&list, episode));
    }
    rud_dataset_close(&source);
    ck_assert_uint_eq(list.count, COUNT);
    return list;
}

static const double *info(const rud_episode *episode, const char *name)
{
    const rud_info *found = rud_episode_info(episode, name);
    ck_assert_ptr_nonnull(found);
    ck_assert_double_eq(found->values[0], 0);
    return found->values + 1;
}

/* Rewards and prediction that the episode has alone. */
static double alone(const problem *p, size_t k, double *redistributed)
{
    const rud_redistribution_options options = rud_redistribution_options_default();
    const rud_episode *episode = p->list.items[k];
    rud_explainer *explainer;
    double prediction;
    ck_assert_ok(rud_explainer_create(p->predictor, &options.attribution, &explainer));
    ck_assert_ok(
        rud_redistribute_episodes(&options, explainer, &episode, 1, &redistributed, &prediction));
    rud_explainer_free(&explainer);
    return prediction;
}

START_TEST(each_episode_gets_what_it_has_alone)
{
    problem p;
    rud_dataset_redistributed result;
    create_problem(&p);
    rud_dataset_redistribution how = usual(&p);
    how.work.threads = _i == 0 ? 1 : 3;
    rud_episodes list = run(&p, &how, &result);
    double sum = 0, squares = 0, errors = 0;
    for (size_t k = 0; k < COUNT; k++) {
        const rud_episode *found = list.items[k], *given = p.list.items[k];
        double wanted[LESSON_STEPS];
        const double prediction = alone(&p, k, wanted), G = rud_episode_return(given);
        sum += G;
        squares += G * G;
        errors += (G - prediction) * (G - prediction);
        for (size_t t = 0; t < given->steps; t++) {
            ck_assert_double_eq(found->rewards[t], wanted[t]);
            ck_assert_double_eq(info(found, RUD_INFO_ORIGINAL)[t], given->rewards[t]);
            ck_assert_double_eq(info(found, RUD_INFO_PREDICTION)[t], prediction);
        }
        ck_assert_double_eq_tol(rud_episode_return(found), rud_episode_return(given), 1e-12);
    }
    ck_assert_uint_eq(result.episodes, COUNT);
    ck_assert_uint_eq(result.kept, 0);
    ck_assert_double_eq_tol(result.explained_variance, 1 - errors / (squares - sum * sum / COUNT),
                            1e-9);
    rud_episodes_free(&list);
    free_problem(&p);
}
END_TEST

START_TEST(the_first_rewards_are_never_lost)
{
    problem p;
    rud_dataset_redistributed result;
    create_problem(&p);
    const rud_dataset_redistribution how = usual(&p);
    rud_episodes once = run(&p, &how, &result);
    free(p.in);
    p.in = strdup(p.out);
    rud_episodes twice = run(&p, &how, &result);
    for (size_t k = 0; k < COUNT; k++) {
        const rud_episode *given = p.list.items[k];
        for (size_t t = 0; t < given->steps; t++) {
            ck_assert_double_eq(info(twice.items[k], RUD_INFO_ORIGINAL)[t], given->rewards[t]);
        }
        ck_assert_double_eq_tol(rud_episode_return(twice.items[k]),
                                rud_episode_return(once.items[k]), 1e-12);
    }
    rud_episodes_free(&once);
    rud_episodes_free(&twice);
    free_problem(&p);
}
END_TEST

START_TEST(kept_rewards_stay_where_they_are)
{
    problem p;
    rud_dataset_redistributed result;
    create_problem(&p);
    rud_dataset_redistribution how = usual(&p);
    how.keep_rewards = true;
    rud_episodes list = run(&p, &how, &result);
    for (size_t k = 0; k < COUNT; k++) {
        double wanted[LESSON_STEPS];
        alone(&p, k, wanted);
        for (size_t t = 0; t < list.items[k]->steps; t++) {
            ck_assert_double_eq(list.items[k]->rewards[t], p.list.items[k]->rewards[t]);
            ck_assert_double_eq(info(list.items[k], RUD_INFO_REDISTRIBUTED)[t], wanted[t]);
        }
    }
    rud_episodes_free(&list);
    free_problem(&p);
}
END_TEST

/* What lies beyond the limit is as it was. */
START_TEST(bad_predictions_keep_their_rewards)
{
    problem p;
    rud_dataset_redistributed result;
    create_problem(&p);
    rud_dataset_redistribution how = usual(&p);
    how.error_limit = 0.3;
    rud_episodes list = run(&p, &how, &result);
    size_t kept = 0;
    for (size_t k = 0; k < COUNT; k++) {
        const rud_episode *found = list.items[k], *given = p.list.items[k];
        double wanted[LESSON_STEPS];
        const bool beyond =
            fabs(rud_episode_return(given) - alone(&p, k, wanted)) > how.error_limit;
        for (size_t t = 0; t < given->steps; t++) {
            ck_assert_double_eq(found->rewards[t], beyond ? given->rewards[t] : wanted[t]);
        }
        kept += beyond;
    }
    ck_assert_uint_gt(kept, 0);
    ck_assert_uint_lt(kept, COUNT);
    ck_assert_uint_eq(result.kept, kept);
    rud_episodes_free(&list);
    free_problem(&p);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("redistribution/redistribute_dataset");
    TCase *tcase = tcase_create("all");
    tcase_add_loop_test(tcase, each_episode_gets_what_it_has_alone, 0, 2);
    tcase_add_test(tcase, the_first_rewards_are_never_lost);
    tcase_add_test(tcase, kept_rewards_stay_where_they_are);
    tcase_add_test(tcase, bad_predictions_keep_their_rewards);
    suite_add_tcase(suite, tcase);
    return suite;
}

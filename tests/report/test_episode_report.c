/* The page of a data set: its figures against known ones, and what it warns of. */
#include "report/episode_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/redistribution/lessons.h"

enum { COUNT = 400 };

typedef struct problem {
    rud_episodes list;
    rud_predictor *predictor; /* linear: the lessons' return is linear in their observations */
    char *data, *page;
    bool trained[COUNT];
} problem;

static void create_problem(problem *p, void change(rud_episode *episode))
{
    rud_features *features = lesson_features(true);
    rud_predictor_options options = rud_predictor_options_default();
    rud_dataset_writer *writer;
    snprintf(options.cell, sizeof options.cell, "linear");
    p->list = lessons(7, COUNT);
    p->data = rud_path_join(test_folder(), "<in>.jsonl");
    p->page = rud_path_join(test_folder(), "page.html");
    ck_assert_ok(rud_predictor_create(&options, features, NULL, 1, &p->predictor));
    const rud_dataset_writer_options writing = {
        .observation_space = rud_features_observation_space(features),
        .action_space = rud_features_action_space(features)};
    ck_assert_ok(rud_dataset_writer_open(p->data, &writing, &writer));
    for (size_t k = 0; k < COUNT; k++) {
        if (change) change(p->list.items[k]);
        p->trained[k] = k % 4 != 0;
        if (p->trained[k]) ck_assert_ok(rud_predictor_observe(p->predictor, p->list.items[k]));
        ck_assert_ok(rud_dataset_write(writer, p->list.items[k]));
    }
    ck_assert_ok(rud_dataset_writer_commit(&writer));
    ck_assert_ok(rud_predictor_update(p->predictor, NULL, 0, NULL));
    rud_features_free(&features);
}

/* The page without the charting script; caller owns it. */
static char *write_page(const problem *p, bool known)
{
    const char *data = p->data;
    const rud_episode_report report = {.title = "lessons & <tags>",
                                       .data = &data,
                                       .data_count = 1,
                                       .model = "linear",
                                       .predictor = p->predictor,
                                       .trained = known ? p->trained : NULL,
                                       .trained_count = COUNT,
                                       .threads = 2};
    char *page;
    size_t size;
    ck_assert_ok(rud_episode_report_write(&report, p->page));
    ck_assert_ok(rud_file_read(p->page, (size_t)16 << 20, &page, &size));
    char *frame = strstr(page, "<footer");
    ck_assert_ptr_nonnull(frame);
    *frame = '\0';
    return page;
}

static void free_problem(problem *p, char *page)
{
    rud_episodes_free(&p->list);
    rud_predictor_free(&p->predictor);
    free(p->data);
    free(p->page);
    free(page);
}

START_TEST(figures_and_training_episodes)
{
    problem p;
    create_problem(&p, NULL);
    char *page = write_page(&p, true);
    ck_assert_ptr_nonnull(strstr(page, "<h1>lessons &amp; &lt;tags&gt;</h1>"));
    ck_assert_ptr_null(strstr(page, "<in>"));
    ck_assert_ptr_nonnull(
        strstr(page, "of them used in training: fitted to, or chosen by</td><td>300<"));
    ck_assert_ptr_nonnull(strstr(
        page, "Measured on 100 episodes that the model was neither fitted to nor chosen by"));
    ck_assert_ptr_nonnull(strstr(page, "reward paid at the last step</td><td>100 %<"));
    ck_assert_ptr_nonnull(strstr(page, "<b>used in training</b>"));
    /* the model is the linear baseline itself, which knows what each feature adds */
    ck_assert_ptr_nonnull(strstr(page, "The model is linear"));
    ck_assert_ptr_null(strstr(page, "no better than a linear one"));
    ck_assert_ptr_nonnull(strstr(page, "<td class=\"word\">observation="));
    ck_assert_ptr_null(strstr(page, "The reward is not late"));
    free_problem(&p, page);
}
END_TEST

START_TEST(training_episodes_may_be_unknown)
{
    problem p;
    create_problem(&p, NULL);
    char *page = write_page(&p, false);
    ck_assert_ptr_nonnull(strstr(page, "is not known"));
    ck_assert_ptr_null(strstr(page, "used in training"));
    free_problem(&p, page);
}
END_TEST

/* The same return, paid when it is earned. */
static void pay_at_once(rud_episode *episode)
{
    for (size_t t = 0; t < episode->steps; t++) {
        episode->rewards[t] = episode->observations[t] == COUNTED;
    }
}

START_TEST(immediate_rewards_are_warned_of)
{
    problem p;
    create_problem(&p, pay_at_once);
    char *page = write_page(&p, true);
    ck_assert_ptr_nonnull(strstr(page, "The reward is not late"));
    free_problem(&p, page);
}
END_TEST

static void pay_all_the_same(rud_episode *episode)
{
    for (size_t t = 0; t < episode->steps; t++) episode->rewards[t] = 0;
    episode->rewards[episode->steps - 1] = 5;
}

START_TEST(constant_returns_are_warned_of)
{
    problem p;
    create_problem(&p, pay_all_the_same);
    char *page = write_page(&p, true);
    ck_assert_ptr_nonnull(strstr(page, "Every episode has the return 5: there is nothing"));
    ck_assert_ptr_null(strstr(page, "hardly predicted"));
    ck_assert_ptr_null(strstr(page, "nan"));
    free_problem(&p, page);
}
END_TEST

static void keep_one_step(rud_episode *episode)
{
    episode->steps = 1;
    episode->observation_rows = 2;
    episode->rewards[0] = episode->actions[0];
}

START_TEST(single_steps_are_warned_of)
{
    problem p;
    create_problem(&p, keep_one_step);
    char *page = write_page(&p, true);
    ck_assert_ptr_nonnull(strstr(page, "Every episode has one step"));
    free_problem(&p, page);
}
END_TEST

/* Observations that count the steps; three at most are allowed. */
static void show_the_time(rud_episode *episode)
{
    episode->steps = episode->steps > 2 ? 2 : episode->steps;
    episode->observation_rows = episode->steps + 1;
    for (size_t t = 0; t <= episode->steps; t++) episode->observations[t] = (double)t;
    episode->rewards[0] = 0;
    episode->rewards[episode->steps - 1] = episode->actions[0];
}

START_TEST(a_clock_is_warned_of)
{
    problem p;
    create_problem(&p, show_the_time);
    char *page = write_page(&p, true);
    ck_assert_ptr_nonnull(strstr(page, "The time is among the features: observation 0."));
    free_problem(&p, page);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("report/episode_report");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, figures_and_training_episodes);
    tcase_add_test(tcase, training_episodes_may_be_unknown);
    tcase_add_test(tcase, immediate_rewards_are_warned_of);
    tcase_add_test(tcase, constant_returns_are_warned_of);
    tcase_add_test(tcase, single_steps_are_warned_of);
    tcase_add_test(tcase, a_clock_is_warned_of);
    suite_add_tcase(suite, tcase);
    return suite;
}

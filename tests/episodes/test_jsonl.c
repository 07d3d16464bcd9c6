#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "episodes/jsonl_private.h"
#include "tests/episodes/lines.h"
#include "tests/harness.h"

static const char *scratch_file(void)
{
    static char path[1100];
    snprintf(path, sizeof path, "%s/data.jsonl", test_folder());
    return path;
}

static const char *write_text(const char *text)
{
    const char *path = scratch_file();
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

/* The only episode of a file that holds `text`. */
static rud_episode *read_one(const char *text)
{
    rud_episodes list = {0};
    rud_status status = read_lines(write_text(text), &list);
    ck_assert_msg(status == RUD_OK, "%s", rud_last_error());
    ck_assert_uint_eq(list.count, 1);
    rud_episode *episode = NULL;
    ck_assert_int_eq(rud_episode_copy(list.items[0], &episode), RUD_OK);
    rud_episodes_free(&list);
    return episode;
}

static void fill_row(rud_rng *rng, const rud_space *space, double *row)
{
    for (size_t k = 0; k < space->width; k++)
        row[k] = space->kind == RUD_SPACE_BOX
                     ? rud_rng_normal(rng) * pow(10, (double)rud_rng_below(rng, 40) - 20)
                     : (double)rud_rng_below(rng, (uint64_t)space->sizes[k]);
}

/* An episode of random values in the spaces. */
static rud_episode *make_episode(rud_rng *rng, const rud_space *observations,
                                 const rud_space *actions, bool final)
{
    size_t steps = 1 + rud_rng_below(rng, 20);
    rud_episode *episode = NULL;
    ck_assert_int_eq(
        rud_episode_create(steps, steps + final, observations->width, actions->width, &episode),
        RUD_OK);
    for (size_t t = 0; t < steps + final; t++)
        fill_row(rng, observations, episode->observations + t * observations->width);
    for (size_t t = 0; t < steps; t++) {
        fill_row(rng, actions, episode->actions + t * actions->width);
        episode->rewards[t] = rud_rng_normal(rng);
    }
    episode->terminated = rud_rng_below(rng, 2);
    episode->truncated = rud_rng_below(rng, 2);
    episode->has_seed = rud_rng_below(rng, 2);
    if (episode->has_seed) episode->seed = rud_rng_below(rng, 2) ? UINT64_MAX : rud_rng_u64(rng);
    if (rud_rng_below(rng, 2))
        ck_assert_int_eq(rud_episode_set_id(episode, "ep/\"1\"\n\xc3\xa9"), RUD_OK);
    return episode;
}

static void check_equal(const rud_episode *a, const rud_episode *b)
{
    ck_assert_uint_eq(a->steps, b->steps);
    ck_assert_uint_eq(a->observation_rows, b->observation_rows);
    ck_assert_uint_eq(a->observation_width, b->observation_width);
    ck_assert_uint_eq(a->action_width, b->action_width);
    ck_assert_int_eq(a->terminated, b->terminated);
    ck_assert_int_eq(a->truncated, b->truncated);
    ck_assert_int_eq(a->has_seed, b->has_seed);
    ck_assert(a->seed == b->seed);
    ck_assert_pstr_eq(a->id, b->id);
    ck_assert_mem_eq(a->observations, b->observations,
                     a->observation_rows * a->observation_width * sizeof(double));
    ck_assert_mem_eq(a->actions, b->actions, a->steps * a->action_width * sizeof(double));
    ck_assert_mem_eq(a->rewards, b->rewards, a->steps * sizeof(double));
}

/* 0 discrete, 1 multi-discrete, 2 box of width 3, 3 box of width 1 */
static rud_space make_space(int which)
{
    const int64_t sizes[] = {2, 51, 4};
    rud_space space = {0};
    rud_status status = RUD_OK;
    if (which == 0) status = rud_space_discrete(13, &space);
    if (which == 1) status = rud_space_multi_discrete(sizes, 3, &space);
    if (which == 2) status = rud_space_box(NULL, NULL, 3, &space);
    if (which == 3) status = rud_space_box(NULL, NULL, 1, &space);
    ck_assert_int_eq(status, RUD_OK);
    return space;
}

/* _i counts the kinds of observation (4), of action (4), and with or without s_T. */
START_TEST(episodes_round_trip)
{
    rud_space observations = make_space(_i % 4), actions = make_space(_i / 4 % 4);
    rud_rng rng = rud_rng_stream(3, "test", (uint64_t)_i);
    rud_episodes written = {0}, read = {0};
    const char *path = scratch_file();
    FILE *file = fopen(path, "wb");
    for (int k = 0; k < 10; k++) {
        rud_episode *episode = make_episode(&rng, &observations, &actions, _i / 16);
        rud_status status = rud_jsonl_write(file, &observations, &actions, episode);
        ck_assert_msg(status == RUD_OK, "%s", rud_last_error());
        ck_assert_int_eq(rud_episodes_add(&written, episode), RUD_OK);
    }
    ck_assert_int_eq(fclose(file), 0);
    rud_status status = read_lines(path, &read);
    ck_assert_msg(status == RUD_OK, "%s", rud_last_error());
    ck_assert_uint_eq(read.count, 10);
    for (size_t k = 0; k < 10; k++) check_equal(written.items[k], read.items[k]);
    rud_episodes_free(&written);
    rud_episodes_free(&read);
    rud_space_free(&observations);
    rud_space_free(&actions);
}
END_TEST

static void check_written(const rud_episode *episode, const rud_space *observations,
                          const rud_space *actions, const char *expected)
{
    char text[512] = "";
    FILE *stream = fmemopen(text, sizeof text, "w");
    ck_assert_int_eq(rud_jsonl_write(stream, observations, actions, episode), RUD_OK);
    ck_assert_int_eq(fclose(stream), 0);
    ck_assert_str_eq(text, expected);
}

START_TEST(a_line_is_written_as_described)
{
    rud_space discrete = make_space(0), multi = make_space(1), box = make_space(3);
    rud_episode *episode = NULL;
    ck_assert_int_eq(rud_episode_create(2, 3, 1, 3, &episode), RUD_OK);
    ck_assert_int_eq(rud_episode_set_id(episode, "a/b"), RUD_OK);
    episode->observations[1] = 12;
    episode->actions[4] = 50;
    episode->rewards[1] = -0.5;
    episode->terminated = episode->has_seed = true;
    episode->seed = UINT64_MAX;
    check_written(episode, &discrete, &multi,
                  "{\"id\": \"a/b\", \"observations\": [0, 12, 0], "
                  "\"actions\": [[0, 0, 0], [0, 50, 0]], \"rewards\": [0, -0.5], "
                  "\"terminated\": true, \"truncated\": false, \"seed\": 18446744073709551615}\n");
    rud_episode_free(&episode);
    ck_assert_int_eq(rud_episode_create(1, 1, 1, 0, &episode), RUD_OK);
    episode->observations[0] = 0.1;
    check_written(episode, &box, NULL,
                  "{\"observations\": [[0.1]], \"rewards\": [0], \"terminated\": false, "
                  "\"truncated\": false}\n");
    rud_episode_free(&episode);
    rud_space_free(&discrete);
    rud_space_free(&multi);
    rud_space_free(&box);
}
END_TEST

/* A refused episode leaves no half line behind. */
static void check_refused(const rud_episode *episode, const rud_space *observations,
                          const rud_space *actions, rud_status expected, const char *message)
{
    char text[64] = "";
    FILE *stream = fmemopen(text, sizeof text, "w");
    ck_assert_int_eq(rud_jsonl_write(stream, observations, actions, episode), expected);
    ck_assert_int_eq(ftell(stream), 0);
    ck_assert_msg(strstr(rud_last_error(), message) != NULL, "\"%s\" lacks \"%s\"",
                  rud_last_error(), message);
    fclose(stream);
}

START_TEST(episodes_that_do_not_fit_are_not_written)
{
    rud_space discrete = make_space(0), box = make_space(2), narrow = make_space(3);
    rud_episode *episode = NULL;
    ck_assert_int_eq(rud_episode_create(2, 2, 3, 1, &episode), RUD_OK);
    check_refused(episode, &narrow, &discrete, RUD_EINVAL, "\"observations\": rows of width 3");
    check_refused(episode, &box, &box, RUD_EINVAL, "\"actions\": rows of width 1");
    check_refused(episode, &box, NULL, RUD_EINVAL, "\"actions\"");
    episode->actions[1] = 0.5;
    check_refused(episode, &box, &discrete, RUD_EINVAL, "\"actions\"[1]: component 0");
    episode->actions[1] = 13;
    check_refused(episode, &box, &discrete, RUD_EINVAL, "\"actions\"[1]: component 0");
    episode->actions[1] = 0;
    episode->observations[5] = INFINITY;
    check_refused(episode, &box, &discrete, RUD_ENONFINITE, "\"observations\"[1]: component 2");
    episode->observations[5] = 0;
    episode->rewards[1] = NAN;
    check_refused(episode, &box, &discrete, RUD_ENONFINITE, "\"rewards\"[1]");
    episode->rewards[1] = 0;
    double *values;
    ck_assert_int_eq(rud_episode_add_info(episode, "seed", 1, true, &values), RUD_OK);
    check_refused(episode, &box, &discrete, RUD_EINVAL, "the info \"seed\"");
    rud_episode_free(&episode);
    rud_space_free(&discrete);
    rud_space_free(&box);
    rud_space_free(&narrow);
}
END_TEST

START_TEST(a_full_disk_is_noticed)
{
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL) return;
    setvbuf(full, NULL, _IONBF, 0);
    rud_space discrete = make_space(0);
    rud_episode *episode = NULL;
    ck_assert_int_eq(rud_episode_create(2, 2, 1, 0, &episode), RUD_OK);
    ck_assert_int_eq(rud_jsonl_write(full, &discrete, NULL, episode), RUD_EIO);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), strerror(ENOSPC)));
    fclose(full);
    rud_episode_free(&episode);
    rud_space_free(&discrete);
}
END_TEST

START_TEST(observations_alone_are_enough)
{
    rud_episode *episode = read_one("{\"observations\": [[1, 2], [3, 4], [5, 6]]}");
    ck_assert_uint_eq(episode->steps, 3);
    ck_assert_uint_eq(episode->observation_rows, 3);
    ck_assert_uint_eq(episode->action_width, 0);
    ck_assert_double_eq(episode->observations[5], 6);
    ck_assert_double_eq(rud_episode_return(episode), 0);
    ck_assert(episode->terminated && !episode->truncated && !episode->has_seed);
    ck_assert_ptr_null(episode->id);
    rud_episode_free(&episode);
}
END_TEST

START_TEST(steps_come_from_actions_or_rewards)
{
    rud_episode *episode = read_one("{\"observations\": [1, 2, 3], \"rewards\": [4, 5]}");
    ck_assert_uint_eq(episode->steps, 2);
    ck_assert_uint_eq(episode->observation_rows, 3);
    ck_assert_double_eq(rud_episode_return(episode), 9);
    rud_episode_free(&episode);
    episode = read_one("{\"observations\": [1, 2, 3], \"actions\": [[7], [8]]}");
    ck_assert_uint_eq(episode->steps, 2);
    ck_assert_double_eq(episode->actions[1], 8);
    rud_episode_free(&episode);
}
END_TEST

START_TEST(a_cut_episode_has_not_terminated)
{
    rud_episode *episode = read_one("{\"id\": null, \"observations\": [1], \"truncated\": true}");
    ck_assert_ptr_null(episode->id);
    ck_assert(!episode->terminated && episode->truncated);
    rud_episode_free(&episode);
}
END_TEST

START_TEST(an_id_may_be_an_integer)
{
    rud_episode *episode = read_one("{\"id\": -12, \"observations\": [1]}");
    ck_assert_str_eq(episode->id, "-12");
    rud_episode_free(&episode);
}
END_TEST

/* Blank lines, Windows line ends, no newline at the end; line numbers count them all. */
START_TEST(lines_are_counted)
{
    const char *path = write_text("\n{\"id\": \"a\", \"observations\": [1]}\r\n \t\r\n"
                                  "{\"id\": \"b\", \"observations\": [2]}");
    rud_jsonl_reader *reader = NULL;
    rud_episode *episode = NULL;
    ck_assert_int_eq(rud_jsonl_open(path, &reader), RUD_OK);
    ck_assert_int_eq(rud_jsonl_next(reader, &episode), RUD_OK);
    ck_assert_str_eq(episode->id, "a");
    ck_assert_uint_eq(rud_jsonl_line(reader), 2);
    rud_episode_free(&episode);
    ck_assert_int_eq(rud_jsonl_next(reader, &episode), RUD_OK);
    ck_assert_str_eq(episode->id, "b");
    ck_assert_uint_eq(rud_jsonl_line(reader), 4);
    rud_episode_free(&episode);
    for (int k = 0; k < 2; k++) {
        ck_assert_int_eq(rud_jsonl_next(reader, &episode), RUD_OK);
        ck_assert_ptr_null(episode);
    }
    rud_jsonl_close(&reader);
    ck_assert_ptr_null(reader);
}
END_TEST

START_TEST(an_empty_file_has_no_episodes)
{
    rud_episodes list = {0};
    ck_assert_int_eq(read_lines(write_text(""), &list), RUD_OK);
    ck_assert_uint_eq(list.count, 0);
}
END_TEST

START_TEST(standard_input_is_a_dash)
{
    ck_assert_ptr_nonnull(freopen(write_text("{\"observations\": [1]}\nno\n"), "rb", stdin));
    rud_episodes list = {0};
    ck_assert_int_eq(read_lines("-", &list), RUD_EFORMAT);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "standard input:2: "));
    ck_assert_uint_eq(list.count, 1);
    rud_episodes_free(&list);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("episodes/jsonl");
    TCase *writing = tcase_create("writing");
    tcase_add_loop_test(writing, episodes_round_trip, 0, 32);
    tcase_add_test(writing, a_line_is_written_as_described);
    tcase_add_test(writing, episodes_that_do_not_fit_are_not_written);
    tcase_add_test(writing, a_full_disk_is_noticed);
    suite_add_tcase(suite, writing);
    TCase *reading = tcase_create("reading");
    tcase_add_test(reading, observations_alone_are_enough);
    tcase_add_test(reading, steps_come_from_actions_or_rewards);
    tcase_add_test(reading, a_cut_episode_has_not_terminated);
    tcase_add_test(reading, an_id_may_be_an_integer);
    tcase_add_test(reading, lines_are_counted);
    tcase_add_test(reading, an_empty_file_has_no_episodes);
    tcase_add_test(reading, standard_input_is_a_dash);
    suite_add_tcase(suite, reading);
    return suite;
}

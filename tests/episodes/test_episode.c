#include <string.h>

#include "episodes/episode.h"
#include "tests/harness.h"

static rud_episode *make_episode(double first_reward)
{
    rud_episode *episode = NULL;
    ck_assert_int_eq(rud_episode_create(3, 4, 2, 1, &episode), RUD_OK);
    for (size_t i = 0; i < 8; i++) episode->observations[i] = (double)i;
    for (size_t t = 0; t < 3; t++) {
        episode->actions[t] = 10 + (double)t;
        episode->rewards[t] = first_reward + (double)t;
    }
    return episode;
}

START_TEST(a_new_episode_is_all_zero)
{
    rud_episode *episode = NULL;
    ck_assert_int_eq(rud_episode_create(5, 6, 3, 2, &episode), RUD_OK);
    ck_assert_uint_eq(episode->steps, 5);
    ck_assert_uint_eq(episode->observation_rows, 6);
    ck_assert_ptr_null(episode->id);
    for (size_t i = 0; i < 18; i++) ck_assert_double_eq(episode->observations[i], 0);
    for (size_t i = 0; i < 10; i++) ck_assert_double_eq(episode->actions[i], 0);
    ck_assert_double_eq(rud_episode_return(episode), 0);
    rud_episode_free(&episode);
    ck_assert_ptr_null(episode);
    rud_episode_free(&episode);
}
END_TEST

START_TEST(impossible_shapes_are_refused)
{
    rud_episode *episode = NULL;
    ck_assert_int_eq(rud_episode_create(0, 1, 1, 1, &episode), RUD_EINVAL);
    ck_assert_int_eq(rud_episode_create(3, 2, 1, 1, &episode), RUD_EINVAL);
    ck_assert_int_eq(rud_episode_create(3, 5, 1, 1, &episode), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "3 or 4"));
    ck_assert_int_eq(rud_episode_create(3, 3, 0, 1, &episode), RUD_EINVAL);
    ck_assert_ptr_null(episode);
}
END_TEST

START_TEST(sizes_that_overflow_are_refused)
{
    rud_episode *episode = NULL;
    ck_assert_int_eq(rud_episode_create(SIZE_MAX, SIZE_MAX, 1, 0, &episode), RUD_EINVAL);
    ck_assert_int_eq(rud_episode_create(4, 4, SIZE_MAX / 4, 0, &episode), RUD_ENOMEM);
    ck_assert_int_eq(rud_episode_create(SIZE_MAX / 8, SIZE_MAX / 8, 16, 0, &episode), RUD_ENOMEM);
    ck_assert_int_eq(rud_episode_create(4, 4, 1, SIZE_MAX / 8, &episode), RUD_ENOMEM);
    ck_assert_ptr_null(episode);
}
END_TEST

START_TEST(a_copy_is_equal_and_stands_alone)
{
    rud_episode *episode = make_episode(0.5), *copy = NULL;
    episode->seed = UINT64_MAX;
    episode->has_seed = episode->truncated = true;
    ck_assert_int_eq(rud_episode_set_id(episode, "seven"), RUD_OK);
    ck_assert_int_eq(rud_episode_copy(episode, &copy), RUD_OK);
    size_t bytes = rud_episode_bytes(episode);
    episode->observations[7] = episode->actions[2] = episode->rewards[2] = -1;
    ck_assert_int_eq(rud_episode_set_id(episode, NULL), RUD_OK);
    ck_assert_ptr_null(episode->id);
    rud_episode_free(&episode);

    ck_assert_str_eq(copy->id, "seven");
    ck_assert(copy->seed == UINT64_MAX && copy->has_seed);
    ck_assert(copy->truncated && !copy->terminated);
    ck_assert_double_eq(copy->observations[7], 7);
    ck_assert_double_eq(copy->actions[2], 12);
    ck_assert_double_eq(copy->rewards[2], 2.5);
    ck_assert_uint_eq(rud_episode_bytes(copy), bytes);
    rud_episode_free(&copy);
}
END_TEST

START_TEST(an_episode_without_actions_can_be_copied)
{
    rud_episode *episode = NULL, *copy = NULL;
    ck_assert_int_eq(rud_episode_create(2, 2, 1, 0, &episode), RUD_OK);
    ck_assert_int_eq(rud_episode_copy(episode, &copy), RUD_OK);
    ck_assert_uint_eq(copy->action_width, 0);
    rud_episode_free(&episode);
    rud_episode_free(&copy);
}
END_TEST

START_TEST(the_return_is_the_sum_of_rewards)
{
    rud_episode *episode = make_episode(0.5);
    ck_assert_double_eq(rud_episode_return(episode), 0.5 + 1.5 + 2.5);
    rud_episode_free(&episode);
}
END_TEST

START_TEST(bytes_count_every_number_and_the_id)
{
    rud_episode *episode = make_episode(0);
    size_t numbers = 4 * 2 + 3 * 1 + 3;
    ck_assert_uint_eq(rud_episode_bytes(episode), sizeof *episode + 8 * numbers);
    ck_assert_int_eq(rud_episode_set_id(episode, "abc"), RUD_OK);
    ck_assert_uint_eq(rud_episode_bytes(episode), sizeof *episode + 8 * numbers + 4);
    rud_episode_free(&episode);
}
END_TEST

START_TEST(a_list_keeps_order_while_it_grows)
{
    rud_episodes list = {0};
    for (int k = 0; k < 100; k++)
        ck_assert_int_eq(rud_episodes_add(&list, make_episode(k)), RUD_OK);
    ck_assert_uint_eq(list.count, 100);
    for (int k = 0; k < 100; k++) ck_assert_double_eq(list.items[k]->rewards[0], k);
    rud_episodes_free(&list);
    ck_assert_uint_eq(list.count, 0);
    ck_assert_ptr_null(list.items);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("episodes/episode");
    TCase *tcase = tcase_create("episode");
    tcase_add_test(tcase, a_new_episode_is_all_zero);
    tcase_add_test(tcase, impossible_shapes_are_refused);
    tcase_add_test(tcase, sizes_that_overflow_are_refused);
    tcase_add_test(tcase, a_copy_is_equal_and_stands_alone);
    tcase_add_test(tcase, an_episode_without_actions_can_be_copied);
    tcase_add_test(tcase, the_return_is_the_sum_of_rewards);
    tcase_add_test(tcase, bytes_count_every_number_and_the_id);
    tcase_add_test(tcase, a_list_keeps_order_while_it_grows);
    suite_add_tcase(suite, tcase);
    return suite;
}

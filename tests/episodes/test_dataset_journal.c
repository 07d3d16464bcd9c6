/* A journal read as a data set, as every command reads what agents sent. */
#include <stdio.h>
#include <string.h>

#include "episodes/dataset.h"
#include "episodes/journal.h"
#include "tests/harness.h"

enum { EPISODES = 5 };

static rud_episode *episode(size_t k)
{
    char id[32];
    rud_episode *made = NULL;
    ck_assert_int_eq(rud_episode_create(2 + k, 3 + k, 1, 1, &made), RUD_OK);
    for (size_t t = 0; t < made->steps; t++) {
        made->observations[t] = (double)((t + k) % 3);
        made->actions[t] = (double)(t % 2);
        made->rewards[t] = 0.25 * (double)t;
    }
    made->terminated = true;
    snprintf(id, sizeof id, "episode %zu", k);
    ck_assert_int_eq(rud_episode_set_id(made, id), RUD_OK);
    return made;
}

static void write_journal(const char *folder)
{
    const rud_journal_options options = rud_journal_options_default();
    rud_journal_header header = {.task = "test"};
    rud_journal *journal = NULL;
    ck_assert_int_eq(rud_space_discrete(3, &header.observation_space), RUD_OK);
    ck_assert_int_eq(rud_space_discrete(2, &header.action_space), RUD_OK);
    ck_assert_int_eq(rud_journal_open(folder, &header, &options, &journal), RUD_OK);
    for (size_t k = 0; k < EPISODES; k++) {
        rud_episode *next = episode(k);
        ck_assert_int_eq(rud_journal_append(journal, next, NULL), RUD_OK);
        rud_episode_free(&next);
    }
    ck_assert_int_eq(rud_journal_sync(journal), RUD_OK);
    rud_journal_close(&journal);
    rud_space_free(&header.observation_space);
    rud_space_free(&header.action_space);
}

START_TEST(a_journal_is_a_data_set)
{
    const char *folder = test_folder();
    rud_dataset *dataset = NULL;
    write_journal(folder);
    ck_assert_msg(rud_dataset_open(folder, NULL, &dataset) == RUD_OK, "%s", rud_last_error());
    ck_assert_str_eq(rud_dataset_format(dataset), "journal");
    ck_assert_int_eq(rud_dataset_observation_space(dataset)->sizes[0], 3);
    ck_assert_int_eq(rud_dataset_action_space(dataset)->sizes[0], 2);
    for (size_t k = 0; k < EPISODES; k++) {
        rud_episode *found = NULL, *wanted = episode(k);
        ck_assert_int_eq(rud_dataset_next(dataset, &found), RUD_OK);
        ck_assert_ptr_nonnull(found);
        ck_assert_str_eq(found->id, wanted->id);
        ck_assert_uint_eq(found->steps, wanted->steps);
        ck_assert_mem_eq(found->observations, wanted->observations,
                         wanted->observation_rows * sizeof(double));
        ck_assert_mem_eq(found->rewards, wanted->rewards, wanted->steps * sizeof(double));
        rud_episode_free(&found);
        rud_episode_free(&wanted);
    }
    rud_episode *behind = NULL;
    ck_assert_int_eq(rud_dataset_next(dataset, &behind), RUD_OK);
    ck_assert_ptr_null(behind);
    rud_dataset_close(&dataset);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("dataset journal");
    TCase *tc = tcase_create("journal");
    tcase_add_test(tc, a_journal_is_a_data_set);
    suite_add_tcase(suite, tc);
    return suite;
}

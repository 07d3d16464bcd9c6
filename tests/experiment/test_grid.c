/* The grid search: which setting is the best of constructed tuning runs. */
#include "experiment/grid.h"

#include "tests/small_config.h"

/* Settings 0 .. 3: step sizes 1/n and 0.1, each with initial values 0 and 10; all with 30 random
 * episodes. */
static rud_config tuned(void)
{
    rud_config config = small_config(METHODS("monte-carlo"));
    set_methods(config.grid.methods, &config.grid.method_count, METHODS("monte-carlo"));
    config.grid.step_sizes[0] = (rud_step_size){.sample_mean = true};
    config.grid.step_sizes[1] = (rud_step_size){.constant = 0.1};
    config.grid.step_size_count = 2;
    config.grid.initial_values[0] = 0;
    config.grid.initial_values[1] = 10;
    config.grid.initial_value_count = 2;
    config.grid.random_episodes[0] = 30;
    config.grid.random_episode_count = 1;
    config.agent.step_size = (rud_step_size){.constant = 0.7};
    config.agent.initial_value = 3;
    config.agent.random_episodes = 7;
    return config;
}

static void add(rud_runs *runs, const rud_config *config, size_t setting, size_t episodes,
                size_t poor_decisions)
{
    rud_run run = {.delay = 5, .tuning = true, .solved = true};
    snprintf(run.method, sizeof run.method, "monte-carlo");
    ck_assert(rud_grid_setting(&config->grid, setting, &run.setting));
    run.episodes = episodes;
    run.poor_decisions = poor_decisions;
    ck_assert_ok(rud_runs_add(runs, &run));
}

static void assert_best(const rud_config *config, const rud_runs *runs, size_t setting)
{
    rud_setting wanted;
    ck_assert(rud_grid_setting(&config->grid, setting, &wanted));
    const rud_setting best = rud_grid_best(config, runs, 5, "monte-carlo");
    ck_assert(rud_setting_equal(&best, &wanted));
}

START_TEST(settings_are_all_combinations)
{
    rud_config config = tuned();
    rud_setting settings[5];
    size_t count = 0;
    while (rud_grid_setting(&config.grid, count, &settings[count])) count++;
    ck_assert_uint_eq(count, 4);
    for (size_t a = 0; a < 4; a++) {
        ck_assert_int_eq(settings[a].step_size.sample_mean, a < 2);
        ck_assert_double_eq(settings[a].initial_value, a % 2 ? 10 : 0);
        ck_assert_uint_eq(settings[a].random_episodes, 30);
        for (size_t b = 0; b < 4; b++) {
            ck_assert_int_eq(rud_setting_equal(&settings[a], &settings[b]), a == b);
        }
    }
    /* with 1/n the constant means nothing */
    settings[4] = settings[0];
    settings[4].step_size.constant = 0.3;
    ck_assert(rud_setting_equal(&settings[0], &settings[4]));
    config.grid.random_episodes[1] = 0;
    config.grid.random_episode_count = 2;
    ck_assert(rud_grid_setting(&config.grid, 7, &settings[4]));
    ck_assert(!rud_grid_setting(&config.grid, 8, &settings[4]));
    ck_assert(!rud_setting_equal(&settings[3], &settings[4])); /* by the random episodes alone */
    ck_assert(rud_grid_has(&config.grid, "monte-carlo"));
    ck_assert(!rud_grid_has(&config.grid, "rudder"));
}
END_TEST

/* Of methods that are not tuned; the longer the delay, the more. */
START_TEST(random_episodes_grow_with_the_delay)
{
    rud_config config = tuned();
    const rud_runs none = {0};
    ck_assert_uint_eq(rud_grid_best(&config, &none, 200, "rudder").random_episodes, 7);
    config.random_episodes_per_delay = 2.5;
    ck_assert_uint_eq(rud_grid_best(&config, &none, 1, "rudder").random_episodes, 7);
    ck_assert_uint_eq(rud_grid_best(&config, &none, 5, "rudder").random_episodes, 13);
    ck_assert_uint_eq(rud_grid_best(&config, &none, 200, "rudder").random_episodes, 500);
    ck_assert_uint_eq(rud_grid_best(&config, &none, RUD_NO_DELAY, "rudder").random_episodes, 7);
}
END_TEST

START_TEST(lowest_median_wins)
{
    const rud_config config = tuned();
    rud_runs runs = {0};
    const size_t episodes[4][3] = {{10, 500, 900}, {450, 400, 460}, {300, 470, 480}, {999, 1, 998}};
    for (size_t k = 0; k < 4; k++) {
        for (size_t i = 0; i < 3; i++) add(&runs, &config, k, episodes[k][i], 5);
    }
    assert_best(&config, &runs, 1);
    rud_runs_free(&runs);
}
END_TEST

START_TEST(poor_decisions_break_ties)
{
    const rud_config config = tuned();
    rud_runs runs = {0};
    const size_t poor[4] = {40, 30, 20, 20}; /* the first of equals */
    for (size_t k = 0; k < 4; k++) add(&runs, &config, k, 400, poor[k]);
    assert_best(&config, &runs, 2);
    rud_runs_free(&runs);
}
END_TEST

START_TEST(only_fitting_runs_count)
{
    const rud_config config = tuned();
    rud_runs runs = {0};
    for (size_t k = 0; k < 4; k++) add(&runs, &config, k, 400 + k, 5);
    for (size_t k = 0; k < 4; k++) add(&runs, &config, 3, 1, 1);
    runs.items[4].tuning = false;
    runs.items[5].delay = 50;
    snprintf(runs.items[6].method, RUD_NAME_SIZE, "q-learning");
    runs.items[7].error = strdup("diverged");
    assert_best(&config, &runs, 0);
    runs.items[4].tuning = true;
    assert_best(&config, &runs, 3);
    rud_runs_free(&runs);
}
END_TEST

START_TEST(without_tuning_the_configuration_speaks)
{
    const rud_config config = tuned();
    rud_runs runs = {0};
    const rud_setting own = {
        .step_size = {.constant = 0.7}, .initial_value = 3, .random_episodes = 7};
    rud_setting best = rud_grid_best(&config, &runs, 5, "monte-carlo");
    ck_assert(rud_setting_equal(&best, &own));
    add(&runs, &config, 1, 10, 1);
    best = rud_grid_best(&config, &runs, 5, "rudder");
    ck_assert(rud_setting_equal(&best, &own));
    rud_runs_free(&runs);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("experiment/grid");
    TCase *best = tcase_create("best");
    tcase_add_test(best, settings_are_all_combinations);
    tcase_add_test(best, random_episodes_grow_with_the_delay);
    tcase_add_test(best, lowest_median_wins);
    tcase_add_test(best, poor_decisions_break_ties);
    tcase_add_test(best, only_fitting_runs_count);
    tcase_add_test(best, without_tuning_the_configuration_speaks);
    suite_add_tcase(suite, best);
    return suite;
}

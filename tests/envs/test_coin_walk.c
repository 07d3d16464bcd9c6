/* Coin-walk against episodes traced by hand, enumeration and simulation. */
#include <math.h>
#include <stdlib.h>

#include "envs/env.h"
#include "tests/harness.h"

enum { STEPS = 50 };

static rud_env *created(bool immediate, size_t copies)
{
    rud_env_options options = rud_env_options_default();
    options.immediate_reward = immediate;
    rud_env *env = NULL;
    ck_assert_int_eq(rud_env_create("coin-walk", &options, copies, &env), RUD_OK);
    return env;
}

/* One episode of one copy; observations[STEPS + 1], rewards[STEPS]. Returns G. */
static double play(bool immediate, const double *actions, double *observations, double *rewards)
{
    rud_env *env = created(immediate, 1);
    ck_assert_int_eq(rud_env_reset(env, NULL, observations), RUD_OK);
    double G = 0;
    for (size_t t = 0; t < STEPS; t++) {
        bool terminated, truncated;
        ck_assert_int_eq(rud_env_step(env, &actions[t], &observations[t + 1], &rewards[t],
                                      &terminated, &truncated),
                         RUD_OK);
        ck_assert(terminated == (t == STEPS - 1) && !truncated);
        G += rewards[t];
    }
    rud_env_free(&env);
    return G;
}

static void draw_actions(uint64_t number, double *actions)
{
    rud_rng rng = rud_rng_stream(1, "test actions", number);
    for (size_t t = 0; t < STEPS; t++) actions[t] = (double)rud_rng_below(&rng, 2);
}

START_TEST(walls_stop_the_walk)
{
    double observations[STEPS + 1], rewards[STEPS], actions[STEPS] = {0};
    ck_assert_double_eq(play(true, actions, observations, rewards), 0);
    for (size_t t = 0; t <= STEPS; t++) ck_assert_double_eq(observations[t], t < 7 ? 7.0 - t : 0);

    for (size_t t = 0; t < STEPS; t++) actions[t] = 1;
    ck_assert_double_eq(play(true, actions, observations, rewards), 1);
    for (size_t t = 0; t <= STEPS; t++) ck_assert_double_eq(observations[t], t < 5 ? 7.0 + t : 12);
    /* s_2 = 9: the coin belongs to the step that starts there, not to the one that leads there. */
    for (size_t t = 0; t < STEPS; t++) ck_assert_double_eq(rewards[t], t == 2);
}
END_TEST

/* 7 steps down to 0, one against the wall, 9 up: at the coin at t = 17, 19, .. 49. */
START_TEST(coin_at_the_last_step_counts)
{
    double observations[STEPS + 1], rewards[STEPS], actions[STEPS];
    for (size_t t = 0; t < STEPS; t++) actions[t] = t < 8 ? 0 : t < 17 ? 1 : t % 2;
    ck_assert_double_eq(play(true, actions, observations, rewards), 17);
    for (size_t t = 0; t < STEPS; t++) ck_assert_double_eq(rewards[t], t >= 17 && t % 2 == 1);
    ck_assert_double_eq(observations[49], 9);
}
END_TEST

START_TEST(coins_are_paid_at_the_end_by_default)
{
    double observations[STEPS + 1], at_once[STEPS], at_end[STEPS], actions[STEPS];
    draw_actions((uint64_t)_i, actions);
    double G = play(true, actions, observations, at_once);
    play(false, actions, observations, at_end);
    for (size_t t = 0; t < STEPS; t++) {
        ck_assert_double_eq(at_once[t], observations[t] == 9);
        ck_assert_double_eq(at_end[t], t == STEPS - 1 ? G : 0);
    }
}
END_TEST

/* s_50 = 9 is reached once more, but no step starts there. */
START_TEST(optimal_policy_gets_24)
{
    rud_env *env = created(false, 1);
    double observation, reward, G = 0, action;
    bool terminated = false, truncated, matters;
    ck_assert_int_eq(rud_env_reset(env, NULL, &observation), RUD_OK);
    while (!terminated) {
        ck_assert_int_eq(rud_env_optimal_action(env, &observation, &action, &matters), RUD_OK);
        ck_assert(matters == (observation != 9));
        ck_assert_int_eq(rud_env_step(env, &action, &observation, &reward, &terminated, &truncated),
                         RUD_OK);
        G += reward;
    }
    ck_assert_double_eq(observation, 9);
    ck_assert_double_eq(G, 24);
    ck_assert_double_eq(rud_env_specification(env)->optimal_return, 24);
    ck_assert_double_eq(rud_env_specification(env)->reward_max, 24);
    rud_env_free(&env);
}
END_TEST

/* Left first: at the coin at t = 4, 6, .. 48. */
START_TEST(action_values_count_the_coins_still_to_be_had)
{
    rud_env *env = created(true, 1);
    const double start = 7, left = 0, right = 1, coin = 9;
    ck_assert_double_eq(rud_env_action_value(env, &start, &left), 23);
    ck_assert_double_eq(rud_env_action_value(env, &start, &right), 24);
    ck_assert(isnan(rud_env_action_value(env, &coin, &left)));
    rud_env_free(&env);
}
END_TEST

static void expect(const double *observations, const double *actions, size_t rows, double *expected)
{
    rud_env *env = created(false, 1);
    ck_assert_int_eq(rud_env_expected_return(env, observations, actions, STEPS, rows, expected),
                     RUD_OK);
    rud_env_free(&env);
}

/* The returns of `copies` episodes that share the first `shared` actions; then copy i acts by the
 * bits of i (all ways to go on, if copies = 2^(STEPS - shared)), or at random if rng is given. */
static void returns_after(const double *actions, size_t shared, rud_rng *rng, size_t copies,
                          double *returns)
{
    rud_env *env = created(true, copies);
    double *chosen = calloc(copies, sizeof(double)), *observations = calloc(copies, sizeof(double));
    double *rewards = calloc(copies, sizeof(double));
    bool *terminated = calloc(copies, 1), *truncated = calloc(copies, 1);
    ck_assert_int_eq(rud_env_reset(env, NULL, observations), RUD_OK);
    for (size_t i = 0; i < copies; i++) returns[i] = 0;
    for (size_t t = 0; t < STEPS; t++) {
        for (size_t i = 0; i < copies; i++) {
            chosen[i] = t < shared ? actions[t]
                        : rng      ? (double)rud_rng_below(rng, 2)
                                   : (double)(i >> (t - shared) & 1);
        }
        ck_assert_int_eq(rud_env_step(env, chosen, observations, rewards, terminated, truncated),
                         RUD_OK);
        for (size_t i = 0; i < copies; i++) returns[i] += rewards[i];
    }
    free(chosen);
    free(observations);
    free(rewards);
    free(terminated);
    free(truncated);
    rud_env_free(&env);
}

START_TEST(expected_return_is_the_mean_over_all_continuations)
{
    enum { LONGEST = 11 };
    double observations[STEPS + 1], rewards[STEPS], actions[STEPS], expected[STEPS + 1];
    double *returns = calloc((size_t)1 << LONGEST, sizeof(double));
    draw_actions((uint64_t)_i, actions);
    if (_i == 0) { /* one that stays by the coin, where more is to be had */
        for (size_t t = 0; t < STEPS; t++) actions[t] = t < 2 || t % 2;
    }
    play(false, actions, observations, rewards);
    expect(observations, actions, STEPS, expected);
    for (size_t left = 0; left <= LONGEST; left++) {
        const size_t count = (size_t)1 << left;
        returns_after(actions, STEPS - left, NULL, count, returns);
        double sum = 0;
        for (size_t i = 0; i < count; i++) sum += returns[i];
        ck_assert_double_eq_tol(expected[STEPS - left - 1], sum / (double)count, 1e-12);
    }
    free(returns);
}
END_TEST

START_TEST(expected_return_is_the_mean_of_simulations)
{
    enum { COUNT = 20000 };
    const size_t times[] = {0, 1, 10, 25, 40};
    double observations[STEPS + 1], rewards[STEPS], actions[STEPS], expected[STEPS + 1];
    double *returns = calloc(COUNT, sizeof(double));
    draw_actions(100 + (uint64_t)_i, actions);
    play(false, actions, observations, rewards);
    expect(observations, actions, STEPS + 1, expected);
    rud_rng rng = rud_rng_stream(2, "test continuations", (uint64_t)_i);
    for (size_t k = 0; k < sizeof times / sizeof times[0]; k++) {
        returns_after(actions, times[k] + 1, &rng, COUNT, returns);
        double sum = 0, squares = 0;
        for (size_t i = 0; i < COUNT; i++) {
            sum += returns[i];
            squares += returns[i] * returns[i];
        }
        const double mean = sum / COUNT, variance = squares / COUNT - mean * mean;
        ck_assert_double_gt(variance, 0);
        ck_assert_double_eq_tol(expected[times[k]], mean, 4 * sqrt(variance / COUNT));
    }
    free(returns);
}
END_TEST

/* The value at t is the mean of those at t + 1 over both actions; the last is G, whether s_T is
 * given or not. */
START_TEST(expected_return_is_a_martingale_that_ends_in_the_return)
{
    double observations[STEPS + 1], rewards[STEPS], actions[STEPS], expected[STEPS + 1];
    double other_expected[STEPS + 1];
    draw_actions(200 + (uint64_t)_i, actions);
    const double G = play(false, actions, observations, rewards);
    expect(observations, actions, STEPS + 1, expected);
    ck_assert_double_eq(expected[STEPS - 1], G);
    ck_assert_double_eq(expected[STEPS], G);
    for (size_t t = 0; t + 1 < STEPS; t++) {
        double other_observations[STEPS + 1], other_rewards[STEPS];
        actions[t + 1] = 1 - actions[t + 1];
        play(false, actions, other_observations, other_rewards);
        expect(other_observations, actions, STEPS, other_expected);
        actions[t + 1] = 1 - actions[t + 1];
        ck_assert_double_eq(other_expected[t], expected[t]);
        ck_assert_double_eq_tol(expected[t], (expected[t + 1] + other_expected[t + 1]) / 2, 1e-12);
    }
}
END_TEST

START_TEST(expected_return_refuses_impossible_moves)
{
    rud_env *env = created(false, 1);
    const double observations[] = {7, 8, 10}, actions[] = {1, 1};
    double expected[3];
    ck_assert_int_eq(rud_env_expected_return(env, observations, actions, 2, 3, expected),
                     RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "observation 2 is 10"));
    rud_env_free(&env);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("envs/coin_walk");
    TCase *rules = tcase_create("rules");
    tcase_add_test(rules, walls_stop_the_walk);
    tcase_add_test(rules, coin_at_the_last_step_counts);
    tcase_add_loop_test(rules, coins_are_paid_at_the_end_by_default, 0, 10);
    tcase_add_test(rules, optimal_policy_gets_24);
    tcase_add_test(rules, action_values_count_the_coins_still_to_be_had);
    suite_add_tcase(suite, rules);

    TCase *exact = tcase_create("expected return");
    tcase_add_loop_test(exact, expected_return_is_the_mean_over_all_continuations, 0, 6);
    tcase_add_loop_test(exact, expected_return_is_the_mean_of_simulations, 0, 3);
    tcase_add_loop_test(exact, expected_return_is_a_martingale_that_ends_in_the_return, 0, 10);
    tcase_add_test(exact, expected_return_refuses_impossible_moves);
    suite_add_tcase(suite, exact);
    return suite;
}

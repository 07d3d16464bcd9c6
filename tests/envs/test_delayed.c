/* delayed(ENV, n): what is paid when, by hand and on an environment whose episodes differ in
 * length. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "envs/env.h"
#include "tests/harness.h"

enum { SHORTEST = 2, LONGEST = 8 };

/* Pays 1, 2, 3, ...; an episode is cut after `length` steps: 5, or a random number if `delay` is
 * set. */
typedef struct counter {
    int32_t time, length;
} counter;

static rud_status specify_counter(const rud_env_options *options, rud_env_spec *spec)
{
    (void)options;
    spec->reward_min = 1;
    spec->reward_max = LONGEST;
    spec->max_steps = LONGEST;
    spec->optimal_return = NAN;
    RUD_TRY(rud_space_discrete(LONGEST + 1, &spec->observation_space));
    return rud_space_discrete(1, &spec->action_space);
}

static void reset_counter(const rud_env_options *options, void *state, rud_rng *rng,
                          double *observation)
{
    const uint64_t range = LONGEST - SHORTEST + 1;
    const int32_t random = SHORTEST + (int32_t)rud_rng_below(rng, range);
    *(counter *)state = (counter){.time = 0, .length = options->delay ? random : 5};
    *observation = 0;
}

static void step_counter(const rud_env_options *options, void *states, rud_rng *rngs, size_t copies,
                         const double *actions, double *observations, double *rewards,
                         bool *terminated, bool *truncated)
{
    (void)options;
    (void)rngs;
    (void)actions;
    counter *counters = states;
    for (size_t i = 0; i < copies; i++) {
        counters[i].time++;
        observations[i] = rewards[i] = counters[i].time;
        terminated[i] = false;
        truncated[i] = counters[i].time == counters[i].length;
    }
}

static const rud_env_kind counter_kind = {
    .name = "counter",
    .summary = "-",
    .state_size = sizeof(counter),
    .options = RUD_ENV_HAS_DELAY,
    .specify = specify_counter,
    .reset = reset_counter,
    .step = step_counter,
};

static rud_env *created(int64_t delayed, bool random_length, size_t copies)
{
    const rud_env_options options = {.delay = random_length, .delayed = delayed};
    rud_env *env = NULL;
    ck_assert_int_eq(rud_env_create_from_kind(&counter_kind, &options, copies, &env), RUD_OK);
    return env;
}

static double step(rud_env *env, bool *over)
{
    const double action = 0;
    double observation, reward;
    bool terminated, truncated;
    ck_assert_int_eq(rud_env_step(env, &action, &observation, &reward, &terminated, &truncated),
                     RUD_OK);
    *over = terminated || truncated;
    return reward;
}

typedef struct timing {
    int64_t delayed;
    double paid[5];
} timing;

static const timing timings[] = {
    {0, {1, 2, 3, 4, 5}},        {1, {0, 1, 2, 3, 4 + 5}},      {2, {0, 0, 1, 2, 3 + 4 + 5}},
    {4, {0, 0, 0, 0, 15}},       {5, {0, 0, 0, 0, 15}},         {LONGEST - 1, {0, 0, 0, 0, 15}},
    {LONGEST, {0, 0, 0, 0, 15}}, {INT64_MAX, {0, 0, 0, 0, 15}}, {RUD_DELAYED_END, {0, 0, 0, 0, 15}},
};
enum { TIMINGS = sizeof timings / sizeof timings[0] };

START_TEST(rewards_are_paid_n_steps_later)
{
    rud_env *env = created(timings[_i].delayed, false, 1);
    double observation;
    bool over;
    for (int episode = 0; episode < 3; episode++) {
        ck_assert_int_eq(rud_env_reset(env, NULL, &observation), RUD_OK);
        for (size_t t = 0; t < 5; t++) {
            ck_assert_double_eq(step(env, &over), timings[_i].paid[t]);
            ck_assert(over == (t == 4));
        }
    }
    rud_env_free(&env);
}
END_TEST

START_TEST(abandoned_episode_leaves_nothing_pending)
{
    rud_env *env = created(timings[_i].delayed, false, 1);
    double observation;
    bool over;
    ck_assert_int_eq(rud_env_reset(env, NULL, &observation), RUD_OK);
    for (int t = 0; t < 3; t++) step(env, &over);
    ck_assert_int_eq(rud_env_reset(env, NULL, &observation), RUD_OK);
    for (size_t t = 0; t < 5; t++) ck_assert_double_eq(step(env, &over), timings[_i].paid[t]);
    rud_env_free(&env);
}
END_TEST

/* Copies with episodes of different lengths, each reset as it ends: an episode of T steps pays
 * T (T + 1) / 2 in all, and within the stated range. */
START_TEST(return_is_conserved_in_every_copy)
{
    enum { B = 7, STEPS = 200 };
    rud_env *env = created(timings[_i].delayed, true, B);
    const rud_env_spec *spec = rud_env_specification(env);
    double observations[B], rewards[B], paid[B] = {0};
    const double actions[B] = {0};
    bool terminated[B], truncated[B], lengths[LONGEST + 1] = {false};
    ck_assert_int_eq(rud_env_reset(env, NULL, observations), RUD_OK);
    for (int t = 0; t < STEPS; t++) {
        ck_assert_int_eq(rud_env_step(env, actions, observations, rewards, terminated, truncated),
                         RUD_OK);
        for (size_t i = 0; i < B; i++) {
            ck_assert(rewards[i] >= spec->reward_min && rewards[i] <= spec->reward_max);
            paid[i] += rewards[i];
            if (!truncated[i]) continue;
            const double T = observations[i];
            ck_assert_double_eq(paid[i], T * (T + 1) / 2);
            lengths[(size_t)T] = true;
            paid[i] = 0;
        }
        ck_assert_int_eq(rud_env_reset(env, truncated, observations), RUD_OK);
    }
    for (size_t T = SHORTEST; T <= LONGEST; T++) ck_assert(lengths[T]);
    rud_env_free(&env);
}
END_TEST

/* Coin-walk's own default pays at the end: the wrapper around immediate rewards does the same. */
START_TEST(delayed_coin_walk_is_coin_walk)
{
    enum { B = 16, STEPS = 50 };
    const rud_env_options plain = {0};
    const rud_env_options wrapped = {.immediate_reward = true, .delayed = RUD_DELAYED_END};
    rud_env *a = NULL, *b = NULL;
    ck_assert_int_eq(rud_env_create("coin-walk", &plain, B, &a), RUD_OK);
    ck_assert_int_eq(rud_env_create("coin-walk", &wrapped, B, &b), RUD_OK);
    double actions[B], observations[2][B], rewards[2][B], sum = 0;
    bool terminated[2][B], truncated[2][B];
    rud_rng rng = rud_rng_stream(4, "test actions", 0);
    ck_assert_int_eq(rud_env_reset(a, NULL, observations[0]), RUD_OK);
    ck_assert_int_eq(rud_env_reset(b, NULL, observations[1]), RUD_OK);
    for (int t = 0; t < STEPS; t++) {
        for (size_t i = 0; i < B; i++) actions[i] = (double)rud_rng_below(&rng, 2);
        ck_assert_int_eq(
            rud_env_step(a, actions, observations[0], rewards[0], terminated[0], truncated[0]),
            RUD_OK);
        ck_assert_int_eq(
            rud_env_step(b, actions, observations[1], rewards[1], terminated[1], truncated[1]),
            RUD_OK);
        ck_assert_mem_eq(observations[0], observations[1], sizeof observations[0]);
        ck_assert_mem_eq(rewards[0], rewards[1], sizeof rewards[0]);
        ck_assert_mem_eq(terminated[0], terminated[1], sizeof terminated[0]);
        for (size_t i = 0; i < B; i++) sum += rewards[0][i];
    }
    ck_assert_double_gt(sum, 0);
    rud_env_free(&a);
    rud_env_free(&b);
}
END_TEST

/* The repair cost moves from the first step to the last; what is expected of the history stays. */
START_TEST(delayed_watch_repair_pays_its_cost_at_the_end)
{
    enum { T = 6, WIDTH = 5 };
    rud_env_options options = {.delay = T};
    rud_env *plain = NULL, *wrapped = NULL;
    ck_assert_int_eq(rud_env_create("watch-repair", &options, 1, &plain), RUD_OK);
    options.delayed = RUD_DELAYED_END;
    ck_assert_int_eq(rud_env_create("watch-repair", &options, 1, &wrapped), RUD_OK);
    double rows[T + 1][WIDTH], other[T + 1][WIDTH], reward, G = 0, paid = 0;
    double expected[T + 1], other_expected[T + 1];
    const double actions[T] = {0};
    bool terminated, truncated;
    ck_assert_int_eq(rud_env_reset(plain, NULL, rows[0]), RUD_OK);
    ck_assert_int_eq(rud_env_reset(wrapped, NULL, other[0]), RUD_OK);
    for (size_t t = 0; t < T; t++) {
        ck_assert_int_eq(
            rud_env_step(plain, &actions[t], rows[t + 1], &reward, &terminated, &truncated),
            RUD_OK);
        G += reward;
        ck_assert_int_eq(
            rud_env_step(wrapped, &actions[t], other[t + 1], &paid, &terminated, &truncated),
            RUD_OK);
        ck_assert(t == T - 1 || paid == 0);
    }
    ck_assert_double_eq_tol(paid, G, 1e-12);
    ck_assert_mem_eq(rows, other, sizeof rows);
    ck_assert_int_eq(rud_env_expected_return(plain, rows[0], actions, T, T + 1, expected), RUD_OK);
    ck_assert_int_eq(rud_env_expected_return(wrapped, rows[0], actions, T, T + 1, other_expected),
                     RUD_OK);
    ck_assert_mem_eq(expected, other_expected, sizeof expected);
    rud_env_free(&plain);
    rud_env_free(&wrapped);
}
END_TEST

static void assert_described(const char *name, rud_env_options options, const char *expected_name,
                             double reward_min, double reward_max)
{
    rud_env *env = NULL;
    ck_assert_int_eq(rud_env_create(name, &options, 1, &env), RUD_OK);
    const rud_env_spec *spec = rud_env_specification(env);
    ck_assert_str_eq(spec->name, expected_name);
    ck_assert(spec->reward_min == reward_min && spec->reward_max == reward_max);
    rud_env_free(&env);
}

START_TEST(specification_tells_of_the_wrapper)
{
    assert_described("coin-walk", (rud_env_options){.delayed = RUD_DELAYED_END},
                     "delayed(coin-walk, end)", 0, 24 * 50);
    assert_described("coin-walk", (rud_env_options){.immediate_reward = true, .delayed = 3},
                     "delayed(coin-walk, 3)", 0, 4);
    assert_described("coin-walk", (rud_env_options){.immediate_reward = true, .delayed = 1000},
                     "delayed(coin-walk, 1000)", 0, 50);
    assert_described("watch-repair", (rud_env_options){.delay = 200, .delayed = 2},
                     "delayed(watch-repair, 2)", -INFINITY, INFINITY);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("envs/delayed");
    TCase *timing_case = tcase_create("timing");
    tcase_add_loop_test(timing_case, rewards_are_paid_n_steps_later, 0, TIMINGS);
    tcase_add_loop_test(timing_case, abandoned_episode_leaves_nothing_pending, 0, TIMINGS);
    tcase_add_loop_test(timing_case, return_is_conserved_in_every_copy, 0, TIMINGS);
    suite_add_tcase(suite, timing_case);

    TCase *wrapped = tcase_create("wrapped environments");
    tcase_add_test(wrapped, delayed_coin_walk_is_coin_walk);
    tcase_add_test(wrapped, delayed_watch_repair_pays_its_cost_at_the_end);
    tcase_add_test(wrapped, specification_tells_of_the_wrapper);
    suite_add_tcase(suite, wrapped);
    return suite;
}

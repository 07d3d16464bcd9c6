/* Steps of some copies only: the others stay where they are, and what happens to a copy does not
 * depend on the others. */
#include <string.h>

#include "envs/env.h"
#include "tests/harness.h"

enum { COPIES = 7, ROUNDS = 120 };

static const rud_env_options variants[] = {
    {.delayed = 0}, {.delayed = 3}, {.delayed = RUD_DELAYED_END}};

static rud_env *created(const char *name, const rud_env_options *options, size_t copies,
                        uint64_t seed)
{
    rud_env *env = NULL;
    ck_assert_msg(rud_env_create(name, options, copies, &env) == RUD_OK, "%s", rud_last_error());
    rud_env_seed(env, seed);
    return env;
}

START_TEST(each_copy_is_as_it_would_be_alone)
{
    const char *name = _i % 2 == 0 ? "coin-walk" : "watch-repair";
    rud_env *env = created(name, &variants[_i / 2], COPIES, 5), *alone[COPIES];
    const size_t width = rud_env_specification(env)->observation_space.width;
    double observations[COPIES * 8], rewards[COPIES] = {0}, actions[COPIES];
    bool terminated[COPIES], truncated[COPIES], mask[COPIES], over[COPIES] = {false};
    rud_rng rng = rud_rng_stream(1, "test masks", 0);
    ck_assert_int_eq(rud_env_reset(env, NULL, observations), RUD_OK);
    for (size_t i = 0; i < COPIES; i++) {
        double observation[8];
        alone[i] = created(name, &variants[_i / 2], 1, 5 + i);
        ck_assert_int_eq(rud_env_reset(alone[i], NULL, observation), RUD_OK);
    }
    for (int round = 0; round < ROUNDS; round++) {
        double before[COPIES * 8];
        memcpy(before, observations, sizeof before);
        for (size_t i = 0; i < COPIES; i++) {
            mask[i] = !over[i] && rud_rng_below(&rng, 2) == 0;
            actions[i] = mask[i] ? (double)rud_rng_below(&rng, 2) : -1; /* not read else */
        }
        ck_assert_int_eq(
            rud_env_step_some(env, mask, actions, observations, rewards, terminated, truncated),
            RUD_OK);
        for (size_t i = 0; i < COPIES; i++) {
            double observation[8], reward = 0;
            bool ended = false, cut = false;
            if (!mask[i]) {
                ck_assert_mem_eq(observations + i * width, before + i * width,
                                 width * sizeof(double));
                continue;
            }
            ck_assert_int_eq(
                rud_env_step(alone[i], &actions[i], observation, &reward, &ended, &cut), RUD_OK);
            ck_assert_mem_eq(observations + i * width, observation, width * sizeof(double));
            ck_assert_double_eq(rewards[i], reward);
            ck_assert_int_eq(terminated[i], ended);
            over[i] = ended || cut;
        }
    }
    rud_env_free(&env);
    for (size_t i = 0; i < COPIES; i++) rud_env_free(&alone[i]);
}
END_TEST

START_TEST(a_bad_action_moves_no_copy)
{
    rud_env *env = created("coin-walk", &variants[0], 3, 1);
    double observations[3], rewards[3], actions[3] = {1, 0, 2};
    bool terminated[3], truncated[3];
    const bool all[3] = {true, true, true}, but_last[3] = {true, true, false};
    ck_assert_int_eq(rud_env_reset(env, NULL, observations), RUD_OK);
    ck_assert_int_eq(
        rud_env_step_some(env, all, actions, observations, rewards, terminated, truncated),
        RUD_EINVAL);
    ck_assert_double_eq(observations[0], 7);
    ck_assert_int_eq(
        rud_env_step_some(env, but_last, actions, observations, rewards, terminated, truncated),
        RUD_OK);
    ck_assert_double_eq(observations[0], 8);
    ck_assert_double_eq(observations[1], 6);
    ck_assert_double_eq(observations[2], 7);
    rud_env_free(&env);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("envs/step_some");
    TCase *tc = tcase_create("masks");
    tcase_add_loop_test(tc, each_copy_is_as_it_would_be_alone, 0, 6);
    tcase_add_test(tc, a_bad_action_moves_no_copy);
    suite_add_tcase(suite, tc);
    return suite;
}

/* Recorded episodes against the environment stepped by hand. */
#include <math.h>
#include <string.h>

#include "agents/rollout.h"
#include "tests/harness.h"

static rud_env *created(const char *name, size_t copies)
{
    const rud_env_options options = rud_env_options_default();
    rud_env *env = NULL;
    ck_assert_int_eq(rud_env_create(name, &options, copies, &env), RUD_OK);
    rud_env_seed(env, 9);
    return env;
}

/* Replays the episode's actions in a fresh environment of the same seed. */
static void assert_replays(const rud_episode *episode, const char *name)
{
    rud_env *env = created(name, 1);
    double observation[8], reward;
    bool terminated = false, truncated = false;
    const size_t bytes = episode->observation_width * sizeof(double);
    ck_assert_int_eq(rud_env_reset(env, NULL, observation), RUD_OK);
    for (size_t t = 0; t < episode->steps; t++) {
        ck_assert(!terminated && !truncated);
        ck_assert_mem_eq(episode->observations + t * episode->observation_width, observation,
                         bytes);
        ck_assert_int_eq(
            rud_env_step(env, episode->actions + t, observation, &reward, &terminated, &truncated),
            RUD_OK);
        ck_assert_double_eq(episode->rewards[t], reward);
    }
    ck_assert(terminated == episode->terminated && truncated == episode->truncated);
    ck_assert_mem_eq(episode->observations + episode->steps * episode->observation_width,
                     observation, bytes);
    rud_env_free(&env);
}

static const char *const names[] = {"coin-walk", "watch-repair"};

START_TEST(random_rollout_records_the_whole_episode)
{
    rud_env *env = created(names[_i], 1);
    rud_rng rng = rud_rng_stream(1, "test actions", 0);
    rud_episode *episode = NULL;
    ck_assert_int_eq(rud_rollout_random(env, &rng, &episode), RUD_OK);
    ck_assert_uint_eq(episode->steps, 50);
    ck_assert_uint_eq(episode->observation_rows, 51);
    ck_assert_uint_eq(episode->action_width, 1);
    ck_assert(episode->terminated && !episode->truncated);
    ck_assert_ptr_null(episode->id);
    assert_replays(episode, names[_i]);
    rud_episode_free(&episode);
    rud_env_free(&env);
}
END_TEST

START_TEST(random_actions_are_uniform_and_seeded)
{
    enum { EPISODES = 200, ACTIONS = EPISODES * 50 };
    rud_env *env = created("coin-walk", 1);
    rud_rng rng = rud_rng_stream(1, "test actions", 0), same = rng;
    double ones = 0;
    for (int k = 0; k < EPISODES; k++) {
        rud_episode *episode = NULL;
        ck_assert_int_eq(rud_rollout_random(env, &rng, &episode), RUD_OK);
        for (size_t t = 0; t < episode->steps; t++) {
            ck_assert_double_eq(episode->actions[t], (double)rud_rng_below(&same, 2));
            ones += episode->actions[t];
        }
        rud_episode_free(&episode);
    }
    ck_assert_double_eq_tol(ones / ACTIONS, 0.5, 4 * 0.5 / sqrt(ACTIONS));
    rud_env_free(&env);
}
END_TEST

/* Walks towards the coin and checks what it is shown. */
static rud_status towards_the_coin(void *context, const rud_episode *so_far, size_t t,
                                   double *action)
{
    size_t *calls = context;
    ck_assert_uint_eq(t, (*calls)++);
    ck_assert_uint_eq(so_far->steps, t);
    ck_assert_uint_eq(so_far->observation_rows, t + 1);
    if (t > 0) ck_assert_double_eq(so_far->actions[t - 1], so_far->observations[t - 1] < 9);
    *action = so_far->observations[t] < 9;
    return RUD_OK;
}

START_TEST(policy_sees_the_episode_so_far)
{
    rud_env *env = created("coin-walk", 1);
    rud_episode *episode = NULL;
    size_t calls = 0;
    ck_assert_int_eq(rud_rollout(env, towards_the_coin, &calls, &episode), RUD_OK);
    ck_assert_uint_eq(calls, 50);
    ck_assert_double_eq(rud_episode_return(episode), 24);
    rud_episode_free(&episode);
    rud_env_free(&env);
}
END_TEST

static rud_status fails_at_three(void *context, const rud_episode *so_far, size_t t, double *action)
{
    (void)context;
    (void)so_far;
    *action = 0;
    return t == 3 ? rud_error(RUD_EDIVERGED, "no action for step %zu", t) : RUD_OK;
}

static rud_status leaves_the_space(void *context, const rud_episode *so_far, size_t t,
                                   double *action)
{
    (void)context;
    (void)so_far;
    *action = (double)t;
    return RUD_OK;
}

START_TEST(failures_are_passed_on)
{
    rud_env *env = created("coin-walk", 1), *many = created("coin-walk", 2);
    rud_episode *episode = NULL;
    rud_rng rng = rud_rng_stream(1, "test actions", 0);
    ck_assert_int_eq(rud_rollout(env, fails_at_three, NULL, &episode), RUD_EDIVERGED);
    ck_assert_ptr_null(episode);
    ck_assert_str_eq(rud_last_error(), "no action for step 3");
    ck_assert_int_eq(rud_rollout(env, leaves_the_space, NULL, &episode), RUD_EINVAL);
    ck_assert_ptr_null(episode);
    ck_assert_int_eq(rud_rollout_random(many, &rng, &episode), RUD_EINVAL);
    rud_env_free(&env);
    rud_env_free(&many);
}
END_TEST

/* Ends after a random number of 1 .. 4 steps; with `delay` set, never. */
static rud_status specify_short(const rud_env_options *options, rud_env_spec *spec)
{
    (void)options;
    spec->max_steps = 4;
    RUD_TRY(rud_space_discrete(1, &spec->observation_space));
    return options->immediate_reward ? rud_space_box(NULL, NULL, 1, &spec->action_space)
                                     : rud_space_discrete(3, &spec->action_space);
}

static void reset_short(const rud_env_options *options, void *state, rud_rng *rng,
                        double *observation)
{
    *(int32_t *)state = options->delay ? -1 : 1 + (int32_t)rud_rng_below(rng, 4);
    *observation = 0;
}

static void step_short(const rud_env_options *options, void *states, rud_rng *rngs, size_t copies,
                       const double *actions, double *observations, double *rewards,
                       bool *terminated, bool *truncated)
{
    (void)options;
    (void)rngs;
    int32_t *left = states;
    for (size_t i = 0; i < copies; i++) {
        left[i]--;
        observations[i] = 0;
        rewards[i] = actions[i];
        terminated[i] = false;
        truncated[i] = left[i] == 0;
    }
}

static const rud_env_kind short_kind = {.name = "short",
                                        .summary = "-",
                                        .state_size = sizeof(int32_t),
                                        .options = RUD_ENV_HAS_DELAY | RUD_ENV_HAS_REWARD,
                                        .specify = specify_short,
                                        .reset = reset_short,
                                        .step = step_short};

START_TEST(short_episode_has_its_own_length)
{
    const rud_env_options options = rud_env_options_default();
    rud_env *env = NULL;
    ck_assert_int_eq(rud_env_create_from_kind(&short_kind, &options, 1, &env), RUD_OK);
    rud_rng rng = rud_rng_stream(1, "test actions", 0);
    bool seen[5] = {false};
    for (int k = 0; k < 40; k++) {
        rud_episode *episode = NULL;
        ck_assert_int_eq(rud_rollout_random(env, &rng, &episode), RUD_OK);
        ck_assert(episode->steps >= 1 && episode->steps <= 4);
        ck_assert_uint_eq(episode->observation_rows, episode->steps + 1);
        ck_assert(episode->truncated && !episode->terminated);
        ck_assert_mem_eq(episode->rewards, episode->actions, episode->steps * sizeof(double));
        seen[episode->steps] = true;
        rud_episode_free(&episode);
    }
    ck_assert(seen[1] && seen[2] && seen[3] && seen[4]);
    rud_env_free(&env);
}
END_TEST

START_TEST(endless_episode_and_real_actions_are_refused)
{
    rud_env_options options = rud_env_options_default();
    rud_env *env = NULL;
    rud_episode *episode = NULL;
    rud_rng rng = rud_rng_stream(1, "test actions", 0);
    options.delay = 1;
    ck_assert_int_eq(rud_env_create_from_kind(&short_kind, &options, 1, &env), RUD_OK);
    ck_assert_int_eq(rud_rollout_random(env, &rng, &episode), RUD_ESTATE);
    ck_assert_ptr_null(episode);
    rud_env_free(&env);

    options.immediate_reward = true;
    ck_assert_int_eq(rud_env_create_from_kind(&short_kind, &options, 1, &env), RUD_OK);
    ck_assert_int_eq(rud_rollout_random(env, &rng, &episode), RUD_EINVAL);
    rud_env_free(&env);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("agents/rollout");
    TCase *recording = tcase_create("recording");
    tcase_add_loop_test(recording, random_rollout_records_the_whole_episode, 0, 2);
    tcase_add_test(recording, random_actions_are_uniform_and_seeded);
    tcase_add_test(recording, policy_sees_the_episode_so_far);
    tcase_add_test(recording, short_episode_has_its_own_length);
    tcase_add_test(recording, failures_are_passed_on);
    tcase_add_test(recording, endless_episode_and_real_actions_are_refused);
    suite_add_tcase(suite, recording);
    return suite;
}

/* Agents: what each learns from a short episode, by hand; exploration; RUDDER's values. */
#include "agents/agent.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agents/agent_private.h"
#include "agents/rollout.h"
#include "tests/harness.h"

static rud_env *env_of(const char *name, int64_t delay)
{
    rud_env_options options = rud_env_options_default();
    rud_env *env = NULL;
    options.delay = delay;
    ck_assert_ok(rud_env_create(name, &options, 1, &env));
    return env;
}

static rud_agent *created(const char *method, const rud_agent_options *options, const rud_env *env)
{
    rud_agent *agent = NULL;
    ck_assert_ok(rud_agent_create(method, options, env, 1, &agent));
    return agent;
}

/* Positions 7, 8, 7, 6 of coin-walk; actions 1, 0, 0; rewards 1, 0, 5. */
static rud_episode *walk(void)
{
    const double observations[] = {7, 8, 7, 6}, actions[] = {1, 0, 0}, rewards[] = {1, 0, 5};
    rud_episode *episode = NULL;
    ck_assert_ok(rud_episode_create(3, 4, 1, 1, &episode));
    memcpy(episode->observations, observations, sizeof observations);
    memcpy(episode->actions, actions, sizeof actions);
    memcpy(episode->rewards, rewards, sizeof rewards);
    episode->terminated = true;
    return episode;
}

/* Shows the agent an episode as a rollout does: row by row, then the whole. */
static void show(rud_agent *agent, const rud_episode *episode)
{
    for (size_t t = 0; t < episode->steps; t++) {
        rud_episode so_far = *episode;
        double action;
        so_far.steps = t;
        so_far.observation_rows = t + 1;
        so_far.terminated = so_far.truncated = false;
        ck_assert_ok(rud_agent_act(agent, &so_far, t, &action));
    }
    ck_assert_ok(rud_agent_finish(agent, episode));
}

static void assert_greedy(const rud_agent *agent, double state, double action, double value)
{
    double found = -1;
    rud_agent_greedy(agent, &state, &found);
    ck_assert_double_eq(found, action);
    ck_assert_double_eq_tol(rud_q_table_max(agent->table, &state), value, 1e-12);
}

START_TEST(monte_carlo_by_hand)
{
    rud_env *env = env_of("coin-walk", 0);
    const rud_agent_options options = rud_agent_options_default();
    rud_agent *agent = created("monte-carlo", &options, env);
    rud_episode *episode = walk();
    show(agent, episode); /* rewards-to-go 6, 5, 5 */
    assert_greedy(agent, 7, 1, 6);
    assert_greedy(agent, 8, 0, 5);
    assert_greedy(agent, 6, 0, 0);
    episode->rewards[0] = -9; /* -4, 5, 5: Q(7, 1) is the mean of 6 and -4 */
    show(agent, episode);
    assert_greedy(agent, 7, 0, 5);
    rud_episode_free(&episode);
    rud_agent_free(&agent);
    rud_env_free(&env);
}
END_TEST

static rud_agent *q_learner(const rud_env *env)
{
    rud_agent_options options = rud_agent_options_default();
    options.step_size = (rud_step_size){.sample_mean = false, .constant = 0.5};
    options.initial_value = 2;
    options.discount = 0.9;
    return created("q-learning", &options, env);
}

/* alpha 1/2, gamma 0.9, all values 2 at first:
 *     Q(7, 1) = 2 + (1 + 0.9 * 2 - 2) / 2 = 2.4
 *     Q(8, 0) = 2 + (0 + 0.9 * 2.4 - 2) / 2 = 2.08
 *     Q(7, 0) = 2 + (5 - 2) / 2 = 3.5, or with 0.9 * 2 more if the episode is only cut */
START_TEST(q_learning_by_hand)
{
    rud_env *env = env_of("coin-walk", 0);
    rud_agent *agent = q_learner(env);
    rud_episode *episode = walk();
    episode->terminated = !_i;
    episode->truncated = _i;
    show(agent, episode);
    assert_greedy(agent, 7, 0, _i ? 4.4 : 3.5);
    assert_greedy(agent, 8, 0, 2.08);
    assert_greedy(agent, 6, 0, 2);
    rud_episode_free(&episode);
    rud_agent_free(&agent);
    rud_env_free(&env);
}
END_TEST

/* The values of q_learning_by_hand, but for the last step: where it leads is not known. */
START_TEST(q_learning_needs_the_final_observation_of_a_cut_episode)
{
    rud_env *env = env_of("coin-walk", 0);
    rud_agent *agent = q_learner(env);
    rud_episode *episode = walk(), *shorter = NULL;
    episode->terminated = false;
    episode->truncated = true;
    episode->observation_rows = episode->steps;
    ck_assert_ok(rud_episode_copy(episode, &shorter)); /* has no memory for a fourth row */
    show(agent, shorter);
    assert_greedy(agent, 7, 1, 2.4);
    assert_greedy(agent, 8, 0, 2.08);
    shorter->steps = 0;
    ck_assert_int_eq(rud_agent_finish(agent, shorter), RUD_EINVAL);
    shorter->steps = 3;
    rud_episode_free(&shorter);
    rud_episode_free(&episode);
    rud_agent_free(&agent);
    rud_env_free(&env);
}
END_TEST

static rud_status act(void *agent, const rud_episode *so_far, size_t t, double *action)
{
    return rud_agent_act(agent, so_far, t, action);
}

/* Plays one episode; how many actions are not the lowest. */
static size_t play(rud_env *env, rud_agent *agent)
{
    rud_episode *episode = NULL;
    size_t ones = 0;
    ck_assert_ok(rud_rollout(env, act, agent, &episode));
    for (size_t t = 0; t < episode->steps; t++) ones += episode->actions[t] != 0;
    episode->rewards[episode->steps - 1] = 0; /* all values stay equal: 0 is greedy */
    ck_assert_ok(rud_agent_finish(agent, episode));
    rud_episode_free(&episode);
    return ones;
}

START_TEST(random_episodes_come_first)
{
    rud_env *env = env_of("coin-walk", 0);
    rud_agent_options options = rud_agent_options_default();
    options.exploration = 0;
    options.random_episodes = 20;
    rud_agent *agent = created("monte-carlo", &options, env);
    double ones = 0;
    for (int k = 0; k < 20; k++) ones += (double)play(env, agent);
    ck_assert_double_eq_tol(ones / 1000, 0.5, 4 * 0.5 / sqrt(1000));
    for (int k = 0; k < 20; k++) ck_assert_uint_eq(play(env, agent), 0);
    rud_agent_free(&agent);
    rud_env_free(&env);
}
END_TEST

/* An action is explored with probability 0.2, and is then the other one in half of the cases. */
START_TEST(exploration_draws_from_all_actions)
{
    enum { STEPS = 200 * 50 };
    rud_env *env = env_of("coin-walk", 0);
    rud_agent_options options = rud_agent_options_default();
    options.exploration = 0.2;
    rud_agent *agent = created("monte-carlo", &options, env);
    double ones = 0;
    for (int k = 0; k < STEPS / 50; k++) ones += (double)play(env, agent);
    ck_assert_double_eq_tol(ones / STEPS, 0.1, 4 * sqrt(0.1 * 0.9 / STEPS));
    rud_agent_free(&agent);
    rud_env_free(&env);
}
END_TEST

static void learn(rud_env *env, rud_agent *agent, size_t episodes)
{
    for (size_t k = 0; k < episodes; k++) {
        rud_episode *episode = NULL;
        ck_assert_ok(rud_rollout(env, act, agent, &episode));
        ck_assert_ok(rud_agent_finish(agent, episode));
        rud_episode_free(&episode);
    }
}

/* r'_0 of the exact predictor is E[G | s_0, a_0] itself. */
START_TEST(rudder_learns_exact_values)
{
    rud_env *env = env_of("watch-repair", 5);
    rud_agent_options options = rud_agent_options_default();
    options.random_episodes = 300;
    rud_agent *agent = created("exact", &options, env);
    double observation[5], best, found;
    bool matters;
    size_t states = 0;
    learn(env, agent, 300);
    ck_assert(rud_redistributor_get_state(rud_agent_redistributor(agent)).ready);
    for (size_t k = 0; rud_env_initial_observation(env, k, observation); k++) {
        ck_assert_ok(rud_env_optimal_action(env, observation, &best, &matters));
        rud_agent_greedy(agent, observation, &found);
        ck_assert_double_eq(found, best);
        ck_assert_double_eq_tol(rud_q_table_max(agent->table, observation),
                                rud_env_action_value(env, observation, &best), 1e-9);
        states++;
    }
    ck_assert_uint_eq(states, 4);
    rud_agent_free(&agent);
    rud_env_free(&env);
}
END_TEST

/* While the gate is shut RUDDER learns as Monte Carlo does; the third episode of `uniform` opens
 * it, and from then on nothing of the original rewards is left. */
START_TEST(rudder_learns_anew_when_the_gate_opens)
{
    rud_env *env = env_of("coin-walk", 0);
    const rud_agent_options options = rud_agent_options_default();
    rud_agent *agent = created("uniform", &options, env);
    rud_episode *episode = walk();
    show(agent, episode);
    assert_greedy(agent, 7, 1, 6);
    assert_greedy(agent, 8, 0, 5);
    episode->rewards[2] = 8;
    show(agent, episode);
    show(agent, episode);
    /* returns 6, 9, 9 over 3 steps each: 2, 3, 3 a step */
    assert_greedy(agent, 8, 0, 8.0 / 3);
    assert_greedy(agent, 7, 0, 8.0 / 3);
    rud_episode_free(&episode);
    rud_agent_free(&agent);
    rud_env_free(&env);
}
END_TEST

static const char *const methods[] = {"rudder",  "monte-carlo", "q-learning",
                                      "uniform", "linear",      "exact"};

START_TEST(methods_are_listed_and_made)
{
    rud_env *env = env_of("watch-repair", 5);
    rud_agent_options options = rud_agent_options_default();
    size_t count = 0;
    /* The simple predictors have no network and redistribute by the difference all the same. */
    ck_assert_ok(rud_attribution_set(&options.redistributor.redistribution.attribution, "method",
                                     "gradient-x-input"));
    while (rud_agent_name(count)) count++;
    ck_assert_uint_eq(count, 6);
    ck_assert_ptr_null(rud_agent_summary(count));
    for (size_t k = 0; k < 6; k++) {
        bool listed = false;
        for (size_t j = 0; j < count; j++) listed |= strcmp(rud_agent_name(j), methods[k]) == 0;
        ck_assert_msg(listed, "%s", methods[k]);
        rud_agent *agent = created(methods[k], &options, env);
        learn(env, agent, 25);
        rud_redistributor *redistributor = rud_agent_redistributor(agent);
        const bool predicts = strcmp(methods[k], "monte-carlo") && strcmp(methods[k], "q-learning");
        ck_assert_int_eq(redistributor != NULL, predicts);
        if (redistributor != NULL && k > 0) {
            const rud_predictor *predictor = rud_redistributor_predictor(redistributor);
            ck_assert_str_eq(rud_predictor_cell(predictor), methods[k]);
        }
        rud_agent_free(&agent);
    }
    rud_env_free(&env);
}
END_TEST

/* A box of observations and one action. */
static rud_status specify_box(const rud_env_options *options, rud_env_spec *spec)
{
    (void)options;
    spec->max_steps = 1;
    RUD_TRY(rud_space_box(NULL, NULL, 1, &spec->observation_space));
    return rud_space_discrete(1, &spec->action_space);
}

static void reset_box(const rud_env_options *options, void *state, rud_rng *rng,
                      double *observation)
{
    (void)options;
    (void)state;
    (void)rng;
    *observation = 0;
}

static void step_box(const rud_env_options *options, void *states, rud_rng *rngs, size_t copies,
                     const double *actions, double *observations, double *rewards, bool *terminated,
                     bool *truncated)
{
    (void)options;
    (void)states;
    (void)rngs;
    (void)actions;
    for (size_t i = 0; i < copies; i++) {
        observations[i] = rewards[i] = 0;
        terminated[i] = true;
        truncated[i] = false;
    }
}

START_TEST(unknown_method_and_box_are_refused)
{
    static const rud_env_kind box = {.name = "box",
                                     .summary = "-",
                                     .state_size = 1,
                                     .specify = specify_box,
                                     .reset = reset_box,
                                     .step = step_box};
    const rud_env_options env_options = rud_env_options_default();
    const rud_agent_options options = rud_agent_options_default();
    rud_env *env = env_of("coin-walk", 0), *boxed = NULL;
    rud_agent *agent = NULL;
    ck_assert_int_eq(rud_agent_create("sarsa", &options, env, 1, &agent), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "sarsa"));
    ck_assert_ptr_null(agent);
    ck_assert_ok(rud_env_create_from_kind(&box, &env_options, 1, &boxed));
    for (size_t k = 0; k < 6; k++) {
        ck_assert_int_eq(rud_agent_create(methods[k], &options, boxed, 1, &agent), RUD_EINVAL);
        ck_assert_ptr_null(agent);
    }
    rud_env_free(&boxed);
    rud_env_free(&env);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("agents/agent");
    TCase *by_hand = tcase_create("by hand");
    tcase_add_test(by_hand, monte_carlo_by_hand);
    tcase_add_loop_test(by_hand, q_learning_by_hand, 0, 2);
    tcase_add_test(by_hand, q_learning_needs_the_final_observation_of_a_cut_episode);
    suite_add_tcase(suite, by_hand);
    TCase *acting = tcase_create("acting");
    tcase_add_test(acting, random_episodes_come_first);
    tcase_add_test(acting, exploration_draws_from_all_actions);
    suite_add_tcase(suite, acting);
    TCase *rudder = tcase_create("rudder");
    tcase_add_test(rudder, rudder_learns_exact_values);
    tcase_add_test(rudder, rudder_learns_anew_when_the_gate_opens);
    suite_add_tcase(suite, rudder);
    TCase *methods_case = tcase_create("methods");
    tcase_add_test(methods_case, methods_are_listed_and_made);
    tcase_add_test(methods_case, unknown_method_and_box_are_refused);
    suite_add_tcase(suite, methods_case);
    return suite;
}

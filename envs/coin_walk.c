/* Coin-walk, from the public RUDDER tutorial: a walk on 13 positions, with a coin for every step
 * that starts at position 9. The coins are paid at the last step, or at once.
 *
 * observation: Discrete(13), the position; start 7
 * action: Discrete(2), 0 = -1, 1 = +1, clipped to 0..12
 * reward of step t: 1 if s_t = 9 (before the move), else 0; T = 50 steps */
#include "envs/kinds_private.h"

enum { POSITIONS = 13, START = 7, COIN = 9, STEPS = 50 };

/* The coin is reached at t = 2, and from then on at every second step: t = 2, 4, .. 48. */
static const double most_coins = 24;

typedef struct walk {
    int32_t position, time, coins;
} walk;

static int32_t moved(int32_t position, double action)
{
    const int32_t next = position + 2 * (int32_t)action - 1;
    return next < 0 ? 0 : next >= POSITIONS ? POSITIONS - 1 : next;
}

static rud_status specify(const rud_env_options *options, rud_env_spec *spec)
{
    spec->reward_min = 0;
    spec->reward_max = options->immediate_reward ? 1 : most_coins;
    spec->max_steps = STEPS;
    spec->optimal_return = most_coins;
    RUD_TRY(rud_space_discrete(POSITIONS, &spec->observation_space));
    return rud_space_discrete(2, &spec->action_space);
}

static void reset(const rud_env_options *options, void *state, rud_rng *rng, double *observation)
{
    (void)options;
    (void)rng;
    *(walk *)state = (walk){.position = START};
    *observation = START;
}

static void step(const rud_env_options *options, void *states, rud_rng *rngs, size_t copies,
                 const double *actions, double *observations, double *rewards, bool *terminated,
                 bool *truncated)
{
    (void)rngs;
    walk *walks = states;
    const bool immediate = options->immediate_reward;
    for (size_t i = 0; i < copies; i++) {
        walk w = walks[i];
        const int32_t coin = w.position == COIN;
        w.coins += coin;
        w.position = moved(w.position, actions[i]);
        w.time++;
        walks[i] = w;

        const bool last = w.time == STEPS;
        observations[i] = w.position;
        rewards[i] = immediate ? coin : last ? w.coins : 0;
        terminated[i] = last;
        truncated[i] = false;
    }
}

/* The observation has no time, so that a walk too late to reach the coin looks like any other. */
static bool optimal_action(const rud_env_options *options, const double *observation,
                           double *action)
{
    (void)options;
    *action = *observation < COIN ? 1 : 0;
    return *observation != COIN;
}

static bool initial_observation(const rud_env_options *options, size_t k, double *observation)
{
    (void)options;
    *observation = START;
    return k == 0;
}

typedef enum policy { UNIFORMLY_RANDOM, OPTIMAL } policy;

/* V[n][p] = expected coins of the last n steps from position p:
 * V[0][p] = 0,  V[n][p] = [p = coin] + mean or maximum over a of V[n-1][moved(p, a)]. */
static void values(policy by, double V[STEPS + 1][POSITIONS])
{
    for (int32_t p = 0; p < POSITIONS; p++) V[0][p] = 0;
    for (int32_t n = 1; n <= STEPS; n++) {
        for (int32_t p = 0; p < POSITIONS; p++) {
            const double left = V[n - 1][moved(p, 0)], right = V[n - 1][moved(p, 1)];
            const double best = left > right ? left : right;
            V[n][p] = (p == COIN) + (by == OPTIMAL ? best : (left + right) / 2);
        }
    }
}

static double action_value(const rud_env_options *options, const double *observation,
                           const double *action)
{
    (void)options;
    double V[STEPS + 1][POSITIONS];
    values(OPTIMAL, V);
    const int32_t position = (int32_t)*observation;
    return (position == COIN) + V[STEPS - 1][moved(position, *action)];
}

/* E[G | s_0, a_0 .. s_t, a_t] = coins so far + V[T-1-t][s_{t+1}]; s_{t+1} follows from s_t, a_t, so
 * that the final observation adds nothing. */
static rud_status expected_return(const rud_env_options *options, const double *observations,
                                  const double *actions, size_t steps, size_t rows,
                                  double *expected)
{
    (void)options;
    double V[STEPS + 1][POSITIONS];
    values(UNIFORMLY_RANDOM, V);
    int32_t coins = 0;
    for (size_t t = 0; t < steps; t++) {
        const int32_t position = (int32_t)observations[t];
        const int32_t next = moved(position, actions[t]);
        if (t + 1 < rows && observations[t + 1] != next) {
            return rud_error(RUD_EINVAL,
                             "coin-walk: action %g at position %d leads to %d, but observation %zu "
                             "is %g; is this an episode of coin-walk?",
                             actions[t], (int)position, (int)next, t + 1, observations[t + 1]);
        }
        coins += position == COIN;
        expected[t] = coins + V[STEPS - 1 - t][next];
    }
    if (rows > steps) expected[steps] = expected[steps - 1];
    return RUD_OK;
}

const rud_env_kind rud_env_kind_coin_walk = {
    .name = "coin-walk",
    .summary = "a walk on a line that passes a coin; coins are paid at the end (50 steps)",
    .state_size = sizeof(walk),
    .options = RUD_ENV_HAS_REWARD,
    .specify = specify,
    .reset = reset,
    .step = step,
    .optimal_action = optimal_action,
    .action_value = action_value,
    .initial_observation = initial_observation,
    .expected_return = expected_return,
};

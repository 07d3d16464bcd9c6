/* Environments: one interface, vectorised over B independent copies, over caller-owned arrays.
 *
 * Gymnasium's rules: terminated and truncated stay apart, the environment owns its random
 * streams, reset starts an episode, a step after the end is an error (no automatic reset).
 * To add an environment: one file with an rud_env_kind, its declaration in kinds_private.h and its
 * row in env.c; outside the library: the file and rud_env_create_from_kind. */
#ifndef RUD_ENVS_ENV_H
#define RUD_ENVS_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/space.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Options of all environments. The first ones only some of them have, as rud_env_spec.options says;
 * where an environment lacks one, it must keep its default. */
typedef struct rud_env_options {
    int64_t delay;         /* watch-repair: steps until the reward; 0: the environment's default */
    bool immediate_reward; /* coin-walk: pay each coin at once (config: reward: immediate) */
    int64_t delayed;       /* wrapper delayed(ENV, n): 0 none, n >= 1 steps, RUD_DELAYED_END */
} rud_env_options;

enum { RUD_ENV_HAS_DELAY = 1, RUD_ENV_HAS_REWARD = 2 }; /* `delay`, `immediate_reward` */

#define RUD_DELAYED_END (-1) /* everything is paid at the last step */

rud_env_options rud_env_options_default(void);

typedef struct rud_env_spec {
    const char *name;
    const char *summary; /* one line */
    rud_space observation_space;
    rud_space action_space;
    double reward_min, reward_max; /* may be infinite */
    size_t max_steps;              /* no episode is longer */
    double optimal_return;         /* expected return of the optimal policy; NaN if unknown */
    unsigned options;              /* that it has: RUD_ENV_HAS_... in one number */
    bool has_expected_return;      /* rud_env_expected_return works */
    bool has_optimal_action;       /* rud_env_optimal_action works */
} rud_env_spec;

typedef struct rud_env rud_env;

/* copies >= 1. RUD_EINVAL names an unknown environment, or an option that is bad or not its own.
 * Caller owns *env. The new environment is seeded with 0 and must be reset. */
rud_status rud_env_create(const char *name, const rud_env_options *options, size_t copies,
                          rud_env **env);

/* The same for an environment that is not in the library's table. `kind` is borrowed until the
 * environment is freed. */
typedef struct rud_env_kind rud_env_kind;
rud_status rud_env_create_from_kind(const rud_env_kind *kind, const rud_env_options *options,
                                    size_t copies, rud_env **env);

void rud_env_free(rud_env **env);
const rud_env_spec *rud_env_specification(const rud_env *env); /* view until free */
size_t rud_env_copies(const rud_env *env);

/* Copy i gets the streams of seed + i; the next reset starts them. The k-th reset of a copy after
 * the seeding starts episode k, whose random numbers depend on (seed + i, k) alone: not on what
 * was done in earlier episodes, nor on whether these were finished. */
void rud_env_seed(rud_env *env, uint64_t seed);

/* The same for the copies whose mask[i] is true (mask NULL: all); the others' streams go on. */
void rud_env_seed_some(rud_env *env, const bool *mask, uint64_t seed);

/* Starts an episode in each copy whose mask[i] is true (mask NULL: in all) and writes its row of
 * observations[B][width]; other rows are left alone. */
rud_status rud_env_reset(rud_env *env, const bool *mask, double *observations);

/* One step of every copy. actions[B][action width] in; observations[B][width], rewards[B],
 * terminated[B], truncated[B] out. RUD_ESTATE if a copy's episode is over (reset it first),
 * RUD_EINVAL if an action is not in the space; then no copy has moved. */
rud_status rud_env_step(rud_env *env, const double *actions, double *observations, double *rewards,
                        bool *terminated, bool *truncated);

/* One step of the copies whose mask[i] is true; rows of the others are neither read nor written.
 * Errors as above, of these copies. */
rud_status rud_env_step_some(rud_env *env, const bool *mask, const double *actions,
                             double *observations, double *rewards, bool *terminated,
                             bool *truncated);

/* An optimal action in the given state; *action has action_space.width numbers. RUD_EINVAL where
 * has_optimal_action is false. *matters is false where every action is optimal. */
rud_status rud_env_optimal_action(const rud_env *env, const double *observation, double *action,
                                  bool *matters);

/* Expected return of an episode that starts with `observation` and `action` and goes on optimally;
 * NaN where it is unknown, or where no episode starts with `observation`. What a first action
 * costs (its regret) is the best action's value minus its own. */
double rud_env_action_value(const rud_env *env, const double *observation, const double *action);

/* Every observation that an episode can start with: the k-th, k = 0, 1, ...; false behind the
 * last. observation[width] out. */
bool rud_env_initial_observation(const rud_env *env, size_t k, double *observation);

/* Exact E[G | s_0, a_0 .. s_t, a_t] of one episode for the uniformly random policy, in
 * expected[rows], rows = steps or steps + 1 (then with s_T as last condition). History means
 * observations and actions, never rewards. observations [rows][width], actions [steps][width].
 * RUD_EINVAL where has_expected_return is false. */
rud_status rud_env_expected_return(const rud_env *env, const double *observations,
                                   const double *actions, size_t steps, size_t rows,
                                   double *expected);

/* Name and one line of environment k = 0, 1, ...; NULL behind the last. */
const char *rud_env_name(size_t k);
const char *rud_env_summary(size_t k);

/* What an environment's file provides. `state` is an array of `copies` states of state_size bytes,
 * zeroed at create; rng[copies] are the copies' streams. */
struct rud_env_kind {
    const char *name;
    const char *summary;
    size_t state_size;
    unsigned options; /* that it reads: RUD_ENV_HAS_... in one number */
    /* Checks the options and fills the specification but for name, summary, options and the has_
     * flags, which env.c sets. env.c frees the spaces, also on failure. */
    rud_status (*specify)(const rud_env_options *options, rud_env_spec *spec);
    void (*reset)(const rud_env_options *options, void *state, rud_rng *rng, double *observation);
    /* Steps `copies` copies; actions are in the space and no episode is over. What is drawn should
     * not depend on the actions, so that methods which act differently face the same events. */
    void (*step)(const rud_env_options *options, void *states, rud_rng *rngs, size_t copies,
                 const double *actions, double *observations, double *rewards, bool *terminated,
                 bool *truncated);
    /* The rest may be NULL. Observations and actions are in their spaces. */
    bool (*optimal_action)(const rud_env_options *options, const double *observation,
                           double *action); /* returns `matters` */
    double (*action_value)(const rud_env_options *options, const double *observation,
                           const double *action); /* `observation` is an initial one */
    bool (*initial_observation)(const rud_env_options *options, size_t k, double *observation);
    rud_status (*expected_return)(const rud_env_options *options, const double *observations,
                                  const double *actions, size_t steps, size_t rows,
                                  double *expected);
};

#ifdef __cplusplus
}
#endif
#endif

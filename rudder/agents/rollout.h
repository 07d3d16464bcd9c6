/* Plays one episode in an environment and records it. */
#ifndef RUD_AGENTS_ROLLOUT_H
#define RUD_AGENTS_ROLLOUT_H

#include <stddef.h>

#include "base/rng.h"
#include "base/status.h"
#include "envs/env.h"
#include "episodes/episode.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Chooses action t into action[action width]. so_far (view) holds s_0 .. s_t in t + 1 rows, and
 * the actions and rewards of the t steps done: so_far->steps is t. */
typedef rud_status rud_policy(void *context, const rud_episode *so_far, size_t t, double *action);

/* Resets the environment, which must have one copy, and plays to the end. The episode holds T + 1
 * observations and no id. Caller owns *episode. A policy's failure is passed on. */
rud_status rud_rollout(rud_env *env, rud_policy *policy, void *context, rud_episode **episode);

/* The same with the uniformly random policy; RUD_EINVAL if the actions are not discrete. */
rud_status rud_rollout_random(rud_env *env, rud_rng *rng, rud_episode **episode);

#ifdef __cplusplus
}
#endif
#endif

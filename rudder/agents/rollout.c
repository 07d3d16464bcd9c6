#include "agents/rollout.h"

/* Plays into `work`, which has room for spec->max_steps steps; its counts grow with the episode,
 * as the policy sees it. */
static rud_status play(rud_env *env, rud_policy *policy, void *context, rud_episode *work)
{
    const size_t width = work->observation_width, max_steps = work->steps;
    work->steps = 0;
    work->observation_rows = 1;
    RUD_TRY(rud_env_reset(env, NULL, work->observations));
    while (!work->terminated && !work->truncated) {
        const size_t t = work->steps;
        if (t == max_steps) {
            return rud_error(RUD_ESTATE, "%s: the episode goes on after its maximum of %zu steps",
                             rud_env_specification(env)->name, max_steps);
        }
        double *action = work->actions + t * work->action_width;
        RUD_TRY(policy(context, work, t, action));
        RUD_TRY(rud_env_step(env, action, work->observations + (t + 1) * width, work->rewards + t,
                             &work->terminated, &work->truncated));
        work->steps++;
        work->observation_rows++;
    }
    return RUD_OK;
}

rud_status rud_rollout(rud_env *env, rud_policy *policy, void *context, rud_episode **episode)
{
    *episode = NULL;
    const rud_env_spec *spec = rud_env_specification(env);
    if (rud_env_copies(env) != 1) {
        return rud_error(RUD_EINVAL, "%s: a rollout needs an environment of one copy, not %zu",
                         spec->name, rud_env_copies(env));
    }
    rud_episode *work = NULL;
    RUD_TRY(rud_episode_create(spec->max_steps, spec->max_steps + 1, spec->observation_space.width,
                               spec->action_space.width, &work));
    const rud_status status = play(env, policy, context, work);
    if (status == RUD_OK && work->steps == spec->max_steps) {
        *episode = work;
        return RUD_OK;
    }
    /* A shorter episode gives back the room that it did not need. */
    const rud_status copied = status == RUD_OK ? rud_episode_copy(work, episode) : status;
    rud_episode_free(&work);
    return copied;
}

typedef struct random_policy {
    const rud_space *space;
    rud_rng *rng;
} random_policy;

static rud_status uniformly_random(void *context, const rud_episode *so_far, size_t t,
                                   double *action)
{
    (void)so_far;
    (void)t;
    const random_policy *random = context;
    for (size_t k = 0; k < random->space->width; k++) {
        action[k] = (double)rud_rng_below(random->rng, (uint64_t)random->space->sizes[k]);
    }
    return RUD_OK;
}

rud_status rud_rollout_random(rud_env *env, rud_rng *rng, rud_episode **episode)
{
    *episode = NULL;
    const rud_env_spec *spec = rud_env_specification(env);
    if (!rud_space_all_discrete(&spec->action_space)) {
        return rud_error(RUD_EINVAL, "%s: random actions need a discrete action space", spec->name);
    }
    random_policy random = {.space = &spec->action_space, .rng = rng};
    return rud_rollout(env, uniformly_random, &random, episode);
}

/* Q-learning (Watkins 1989), step by step:
 *     Q(s_t, a_t) <- Q + alpha (r_t + gamma max_a Q(s_{t+1}, a) - Q),  the maximum 0 at the end. */
#include "agents/agent_private.h"

static rud_status step(rud_agent *agent, const rud_episode *episode, size_t t)
{
    const bool last = t + 1 == episode->steps, over = last && episode->terminated;
    /* Cut off, and what was seen then is not recorded: the target is unknown. */
    if (last && !over && episode->observation_rows == episode->steps) return RUD_OK;
    const double next = over ? 0 : rud_q_table_max(agent->table, rud_observation(episode, t + 1));
    return rud_q_table_learn(agent->table, rud_observation(episode, t),
                             rud_discrete_action(episode, t),
                             episode->rewards[t] + agent->options.discount * next);
}

const rud_agent_kind rud_agent_q_learning = {
    .name = "q-learning",
    .summary = "Q-learning, step by step",
    .step = step,
};

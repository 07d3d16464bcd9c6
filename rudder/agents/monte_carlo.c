/* Every-visit Monte Carlo control (Sutton and Barto 2018, chapter 5), undiscounted. */
#include "agents/agent_private.h"

rud_status rud_learn_rewards_to_go(rud_q_table *table, const rud_episode *episode)
{
    double to_go = 0;
    for (size_t t = episode->steps; t-- > 0;) {
        to_go += episode->rewards[t];
        RUD_TRY(rud_q_table_learn(table, rud_observation(episode, t),
                                  rud_discrete_action(episode, t), to_go));
    }
    return RUD_OK;
}

static rud_status finish(rud_agent *agent, const rud_episode *episode)
{
    return rud_learn_rewards_to_go(agent->table, episode);
}

const rud_agent_kind rud_agent_monte_carlo = {
    .name = "monte-carlo",
    .summary = "every-visit Monte Carlo: Q(s, a) from the reward-to-go",
    .finish = finish,
};

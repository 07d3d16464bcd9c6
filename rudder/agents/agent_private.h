/* What a kind of agent provides. */
#ifndef RUD_AGENTS_AGENT_PRIVATE_H
#define RUD_AGENTS_AGENT_PRIVATE_H

#include "agents/agent.h"
#include "agents/q_table_private.h"

typedef struct rud_agent_kind {
    const char *name;
    const char *summary;
    /* RUDDER's predictor; NULL: as the options say, or no predictor. */
    const char *predictor_cell;
    /* The rest may be NULL. */
    rud_status (*create)(rud_agent *agent, const rud_env *env, uint64_t seed);
    void (*free)(rud_agent *agent);
    /* The transition from row t to row t + 1, which is filled. */
    rud_status (*step)(rud_agent *agent, const rud_episode *episode, size_t t);
    rud_status (*finish)(rud_agent *agent, const rud_episode *episode);
} rud_agent_kind;

struct rud_agent {
    const rud_agent_kind *kind;
    rud_agent_options options;
    rud_q_table *table;
    rud_rng exploration;
    size_t episodes;                  /* finished */
    rud_redistributor *redistributor; /* of RUDDER */
    void *memory;                     /* of the kind */
};

extern const rud_agent_kind rud_agent_q_learning;
extern const rud_agent_kind rud_agent_monte_carlo;
extern const rud_agent_kind rud_agent_rudder;
extern const rud_agent_kind rud_agent_rudder_uniform;
extern const rud_agent_kind rud_agent_rudder_linear;
extern const rud_agent_kind rud_agent_rudder_exact;

/* Row t of the episode's observations, and action t of a Discrete space. */
static inline const double *rud_observation(const rud_episode *episode, size_t t)
{
    return episode->observations + t * episode->observation_width;
}

static inline size_t rud_discrete_action(const rud_episode *episode, size_t t)
{
    return (size_t)episode->actions[t];
}

/* Every-visit Monte Carlo: each (s_t, a_t) of the episode learns from the reward-to-go. */
rud_status rud_learn_rewards_to_go(rud_q_table *table, const rud_episode *episode);

#endif

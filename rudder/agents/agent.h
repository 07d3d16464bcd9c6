/* Agents: tabular learners over the environment's state tuple, on one interface. To add one: a
 * file with an rud_agent_kind, and one row in agent.c. */
#ifndef RUD_AGENTS_AGENT_H
#define RUD_AGENTS_AGENT_H

#include "envs/env.h"
#include "episodes/episode.h"
#include "redistribution/redistributor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Q <- Q + alpha (target - Q): alpha constant, or 1/n with n the visits of (s, a). */
typedef struct rud_step_size {
    bool sample_mean; /* 1/n */
    double constant;  /* else */
} rud_step_size;

typedef struct rud_agent_options {
    double exploration;     /* probability of an action drawn uniformly from all */
    size_t random_episodes; /* at first: all actions are drawn so */
    rud_step_size step_size;
    double initial_value;
    double discount;                         /* of Q-learning; 1 */
    rud_redistributor_options redistributor; /* of RUDDER */
    rud_features_options features;           /* of RUDDER's predictor */
} rud_agent_options;

rud_agent_options rud_agent_options_default(void);

typedef struct rud_agent rud_agent;

/* method: `q-learning`, `monte-carlo`, `rudder` (predictor as options.redistributor.predictor.cell
 * says), or RUDDER with another predictor: `uniform`, `linear`, `exact`. env: one copy, borrowed
 * until free. RUD_EINVAL for an unknown method or a space that is not discrete. */
rud_status rud_agent_create(const char *method, const rud_agent_options *options,
                            const rud_env *env, uint64_t seed, rud_agent **agent);
void rud_agent_free(rud_agent **agent);

/* Name and one line of method k = 0, 1, ...; NULL behind the last. */
const char *rud_agent_name(size_t k);
const char *rud_agent_summary(size_t k);

/* The cell of the predictor that the method redistributes rewards by: its own, or `configured`;
 * NULL for a method that doesn't redistribute, or is unknown. */
const char *rud_agent_predictor(const char *method, const char *configured);

/* An action for row t of the running episode, whose rows 0 .. t and rewards before t are filled:
 * epsilon-greedy. Agents that learn step by step do so here. action[action width] out. */
rud_status rud_agent_act(rud_agent *agent, const rud_episode *so_far, size_t t, double *action);

/* The greedy action in a state, without learning or randomness. */
void rud_agent_greedy(const rud_agent *agent, const double *observation, double *action);

/* The episode is finished: learn from it. Q-learning learns nothing from the last step of an
 * episode that was truncated and lacks its final observation. RUD_EINVAL for no steps;
 * RUD_EDIVERGED where RUDDER's training diverged. */
rud_status rud_agent_finish(rud_agent *agent, const rud_episode *episode);

/* RUDDER's redistributor; NULL for the others. View. */
rud_redistributor *rud_agent_redistributor(rud_agent *agent);

#ifdef __cplusplus
}
#endif
#endif

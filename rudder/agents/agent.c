#include "agents/agent.h"

#include <stdlib.h>
#include <string.h>

#include "agents/agent_private.h"

static const rud_agent_kind *const kinds[] = {
    &rud_agent_rudder,         &rud_agent_monte_carlo,   &rud_agent_q_learning,
    &rud_agent_rudder_uniform, &rud_agent_rudder_linear, &rud_agent_rudder_exact,
};
enum { KINDS = sizeof kinds / sizeof *kinds };

const char *rud_agent_name(size_t k)
{
    return k < KINDS ? kinds[k]->name : NULL;
}

const char *rud_agent_summary(size_t k)
{
    return k < KINDS ? kinds[k]->summary : NULL;
}

static const rud_agent_kind *find_kind(const char *method)
{
    for (size_t k = 0; k < KINDS; k++) {
        if (strcmp(kinds[k]->name, method) == 0) return kinds[k];
    }
    return NULL;
}

const char *rud_agent_predictor(const char *method, const char *configured)
{
    const rud_agent_kind *kind = find_kind(method);
    if (kind == &rud_agent_rudder) return configured;
    return kind != NULL ? kind->predictor_cell : NULL;
}

rud_agent_options rud_agent_options_default(void)
{
    return (rud_agent_options){
        .exploration = 0.1,
        .step_size = {.sample_mean = true, .constant = 0.1},
        .initial_value = 0,
        .discount = 1,
        .redistributor = rud_redistributor_options_default(),
        .features = rud_features_options_default(),
    };
}

static rud_status fill(rud_agent *agent, const rud_env *env, uint64_t seed)
{
    const rud_env_spec *spec = rud_env_specification(env);
    RUD_TRY(rud_q_table_create(&spec->observation_space, &spec->action_space,
                               &agent->options.step_size, agent->options.initial_value,
                               &agent->table));
    const char *cell = agent->kind->predictor_cell;
    if (cell != NULL) {
        memcpy(agent->options.redistributor.predictor.cell, cell, strlen(cell) + 1);
        /* Without a network only differences can be had. */
        agent->options.redistributor.redistribution.attribution = rud_attribution_options_default();
    }
    agent->exploration = rud_rng_stream(seed, "exploration", 0);
    return agent->kind->create != NULL ? agent->kind->create(agent, env, seed) : RUD_OK;
}

rud_status rud_agent_create(const char *method, const rud_agent_options *options,
                            const rud_env *env, uint64_t seed, rud_agent **agent)
{
    const rud_agent_kind *kind = find_kind(method);
    *agent = NULL;
    if (kind == NULL) return rud_error(RUD_EINVAL, "unknown method \"%s\"", method);
    rud_agent *created = calloc(1, sizeof *created);
    if (created == NULL) return rud_error(RUD_ENOMEM, "no memory for an agent");
    created->kind = kind;
    created->options = *options;
    const rud_status status = fill(created, env, seed);
    if (status != RUD_OK) rud_agent_free(&created);
    *agent = created;
    return status;
}

void rud_agent_free(rud_agent **agent)
{
    if (*agent == NULL) return;
    if ((*agent)->kind->free != NULL) (*agent)->kind->free(*agent);
    rud_q_table_free(&(*agent)->table);
    rud_redistributor_free(&(*agent)->redistributor);
    free(*agent);
    *agent = NULL;
}

rud_status rud_agent_act(rud_agent *agent, const rud_episode *so_far, size_t t, double *action)
{
    if (t > 0 && agent->kind->step != NULL) RUD_TRY(agent->kind->step(agent, so_far, t - 1));
    const double exploration =
        agent->episodes < agent->options.random_episodes ? 1 : agent->options.exploration;
    if (rud_rng_uniform(&agent->exploration) < exploration) {
        *action = (double)rud_rng_below(&agent->exploration, rud_q_table_actions(agent->table));
    } else {
        rud_agent_greedy(agent, rud_observation(so_far, t), action);
    }
    return RUD_OK;
}

void rud_agent_greedy(const rud_agent *agent, const double *observation, double *action)
{
    *action = (double)rud_q_table_greedy(agent->table, observation);
}

rud_status rud_agent_finish(rud_agent *agent, const rud_episode *episode)
{
    if (episode->steps == 0) return rud_error(RUD_EINVAL, "an episode without steps");
    if (agent->kind->step != NULL) RUD_TRY(agent->kind->step(agent, episode, episode->steps - 1));
    agent->episodes++;
    return agent->kind->finish != NULL ? agent->kind->finish(agent, episode) : RUD_OK;
}

rud_redistributor *rud_agent_redistributor(rud_agent *agent)
{
    return agent->redistributor;
}

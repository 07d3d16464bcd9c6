/* RUDDER with direct estimation of action values (Arjona-Medina et al. 2019, section 2: with
 * kappa = 0, Q(s, a) = E[r' | s, a]).
 *
 * Until the gate opens the rewards are the original ones, for which kappa is not 0: then values are
 * learned from the reward-to-go, as Monte Carlo does. When it opens, and then whenever the
 * predictor has been trained, the values are learned anew from the lesson buffer's episodes,
 * redistributed by the new model. */
#include <stdlib.h>

#include "agents/agent_private.h"

typedef struct rudder_memory {
    double *redistributed; /* [max_steps] */
    bool open;             /* the gate, when the values were learned last */
} rudder_memory;

static rud_status create(rud_agent *agent, const rud_env *env, uint64_t seed)
{
    const rud_env_spec *spec = rud_env_specification(env);
    rudder_memory *memory = agent->memory = calloc(1, sizeof *memory);
    if (memory == NULL) return rud_error(RUD_ENOMEM, "no memory for an agent");
    memory->redistributed = malloc(spec->max_steps * sizeof *memory->redistributed);
    if (memory->redistributed == NULL) {
        return rud_error(RUD_ENOMEM, "no memory for %zu rewards", spec->max_steps);
    }
    rud_features *features = NULL;
    RUD_TRY(rud_features_create(&agent->options.features, &spec->observation_space,
                                &spec->action_space, &features));
    const rud_status status = rud_redistributor_create(&agent->options.redistributor, features, env,
                                                       seed, &agent->redistributor);
    rud_features_free(&features);
    return status;
}

static void free_memory(rud_agent *agent)
{
    rudder_memory *memory = agent->memory;
    if (memory != NULL) free(memory->redistributed);
    free(memory);
}

/* Q(s_t, a_t) <- r'_t. */
static rud_status learn_redistributed(rud_agent *agent, const rud_episode *episode)
{
    const rudder_memory *memory = agent->memory;
    for (size_t t = 0; t < episode->steps; t++) {
        RUD_TRY(rud_q_table_learn(agent->table, rud_observation(episode, t),
                                  rud_discrete_action(episode, t), memory->redistributed[t]));
    }
    return RUD_OK;
}

static rud_status learn_anew(rud_agent *agent)
{
    rudder_memory *memory = agent->memory;
    const rud_lesson_buffer *lessons = rud_redistributor_lessons(agent->redistributor);
    rud_q_table_clear(agent->table);
    for (size_t i = 0; i < rud_lesson_buffer_count(lessons); i++) {
        const rud_episode *episode = rud_lesson_buffer_episode(lessons, i);
        rud_redistribution_report report;
        RUD_TRY(rud_redistributor_redistribute(agent->redistributor, episode, memory->redistributed,
                                               &report));
        RUD_TRY(learn_redistributed(agent, episode));
    }
    return RUD_OK;
}

static rud_status finish(rud_agent *agent, const rud_episode *episode)
{
    rudder_memory *memory = agent->memory;
    rud_redistribution_report report;
    size_t updates = 0;
    RUD_TRY(
        rud_redistributor_submit(agent->redistributor, episode, memory->redistributed, &report));
    RUD_TRY(report.ready ? learn_redistributed(agent, episode)
                         : rud_learn_rewards_to_go(agent->table, episode));
    if (rud_redistributor_due(agent->redistributor)) {
        RUD_TRY(rud_redistributor_train(agent->redistributor, SIZE_MAX, &updates));
    }
    const bool opened = !memory->open;
    memory->open = rud_redistributor_get_state(agent->redistributor).ready;
    return memory->open && (opened || updates > 0) ? learn_anew(agent) : RUD_OK;
}

const rud_agent_kind rud_agent_rudder = {.name = "rudder",
                                         .summary = "RUDDER with the configured predictor",
                                         .create = create,
                                         .free = free_memory,
                                         .finish = finish};
const rud_agent_kind rud_agent_rudder_uniform = {
    .name = "uniform",
    .summary = "RUDDER's learner with the return spread evenly",
    .predictor_cell = "uniform",
    .create = create,
    .free = free_memory,
    .finish = finish};
const rud_agent_kind rud_agent_rudder_linear = {.name = "linear",
                                                .summary = "RUDDER with a linear predictor",
                                                .predictor_cell = "linear",
                                                .create = create,
                                                .free = free_memory,
                                                .finish = finish};
const rud_agent_kind rud_agent_rudder_exact = {
    .name = "exact",
    .summary = "RUDDER with the environment's exact expected returns",
    .predictor_cell = "exact",
    .create = create,
    .free = free_memory,
    .finish = finish};

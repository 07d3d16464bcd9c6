/* RUDDER with direct estimation of action values (Arjona-Medina et al. 2019, section 2: with
 * kappa = 0, Q(s, a) = E[r' | s, a]).
 *
 * Until the gate opens the rewards are the original ones, for which kappa is not 0: then values are
 * learned from the reward-to-go, as Monte Carlo does. When it opens, and then whenever the
 * predictor has been trained, the values are learned anew from the lesson buffer's episodes,
 * redistributed by the new model. */
#include <stdlib.h>

#include "agents/agent_private.h"

enum { LESSONS_AT_ONCE = 64 };

typedef struct rudder_memory {
    double *redistributed; /* of one episode, or of several, one behind the other */
    size_t capacity;
    bool open; /* the gate, when the values were learned last */
} rudder_memory;

static rud_status create(rud_agent *agent, const rud_env *env, uint64_t seed)
{
    const rud_env_spec *spec = rud_env_specification(env);
    agent->memory = calloc(1, sizeof(rudder_memory));
    if (agent->memory == NULL) return rud_error(RUD_ENOMEM, "no memory for an agent");
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

/* Makes room for the rewards of so many steps. */
static rud_status reserve(rudder_memory *memory, size_t steps)
{
    if (steps <= memory->capacity) return RUD_OK;
    free(memory->redistributed);
    memory->capacity = 0;
    memory->redistributed = calloc(steps, sizeof *memory->redistributed);
    if (memory->redistributed == NULL) {
        return rud_error(RUD_ENOMEM, "no memory for %zu rewards", steps);
    }
    memory->capacity = steps;
    return RUD_OK;
}

/* Q(s_t, a_t) <- r'_t. */
static rud_status learn_redistributed(rud_agent *agent, const rud_episode *episode,
                                      const double *redistributed)
{
    for (size_t t = 0; t < episode->steps; t++) {
        RUD_TRY(rud_q_table_learn(agent->table, rud_observation(episode, t),
                                  rud_discrete_action(episode, t), redistributed[t]));
    }
    return RUD_OK;
}

/* Lessons first .. first + n - 1, n at most LESSONS_AT_ONCE. */
static rud_status learn_lessons(rud_agent *agent, const rud_lesson_buffer *lessons, size_t first,
                                size_t n)
{
    rudder_memory *memory = agent->memory;
    const rud_episode *episodes[LESSONS_AT_ONCE];
    double *redistributed[LESSONS_AT_ONCE];
    rud_redistribution_report reports[LESSONS_AT_ONCE];
    size_t steps = 0;
    for (size_t k = 0; k < n; k++) {
        episodes[k] = rud_lesson_buffer_episode(lessons, first + k);
        steps += episodes[k]->steps;
    }
    RUD_TRY(reserve(memory, steps));
    for (size_t k = 0, at = 0; k < n; at += episodes[k++]->steps) {
        redistributed[k] = memory->redistributed + at;
    }
    RUD_TRY(rud_redistributor_redistribute_many(agent->redistributor, episodes, n, redistributed,
                                                reports));
    for (size_t k = 0; k < n; k++) {
        RUD_TRY(learn_redistributed(agent, episodes[k], redistributed[k]));
    }
    return RUD_OK;
}

static rud_status learn_anew(rud_agent *agent)
{
    const rud_lesson_buffer *lessons = rud_redistributor_lessons(agent->redistributor);
    const size_t count = rud_lesson_buffer_count(lessons);
    rud_q_table_clear(agent->table);
    for (size_t first = 0; first < count; first += LESSONS_AT_ONCE) {
        const size_t left = count - first;
        RUD_TRY(
            learn_lessons(agent, lessons, first, left < LESSONS_AT_ONCE ? left : LESSONS_AT_ONCE));
    }
    return RUD_OK;
}

static rud_status finish(rud_agent *agent, const rud_episode *episode)
{
    rudder_memory *memory = agent->memory;
    rud_redistribution_report report;
    size_t updates = 0;
    RUD_TRY(reserve(memory, episode->steps));
    RUD_TRY(
        rud_redistributor_submit(agent->redistributor, episode, memory->redistributed, &report));
    RUD_TRY(report.ready ? learn_redistributed(agent, episode, memory->redistributed)
                         : rud_learn_rewards_to_go(agent->table, episode));
    /* As long as actions are random in any case, a model is of no use yet. */
    if (agent->episodes >= agent->options.random_episodes &&
        rud_redistributor_due(agent->redistributor)) {
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

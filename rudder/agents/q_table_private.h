/* Action values by state: a hash table over the state tuple. */
#ifndef RUD_AGENTS_Q_TABLE_PRIVATE_H
#define RUD_AGENTS_Q_TABLE_PRIVATE_H

#include "agents/agent.h"

typedef struct rud_q_table rud_q_table;

/* The observation space must be discrete with fewer than 2^64 states, the action space Discrete.
 * Copies what it needs of the spaces. Caller owns *table. */
rud_status rud_q_table_create(const rud_space *observation_space, const rud_space *action_space,
                              const rud_step_size *step_size, double initial_value,
                              rud_q_table **table);
void rud_q_table_free(rud_q_table **table);

/* Forgets everything. */
void rud_q_table_clear(rud_q_table *table);

/* Number of actions. */
size_t rud_q_table_actions(const rud_q_table *table);

/* The greedy action; the lowest of several. */
size_t rud_q_table_greedy(const rud_q_table *table, const double *observation);

/* max_a Q(s, a). */
double rud_q_table_max(const rud_q_table *table, const double *observation);

/* Q(s, a) <- Q(s, a) + alpha (target - Q(s, a)). */
rud_status rud_q_table_learn(rud_q_table *table, const double *observation, size_t action,
                             double target);

#endif

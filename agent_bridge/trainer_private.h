/* What the trainer and the loading of a task's state share. */
#ifndef RUD_AGENT_BRIDGE_TRAINER_PRIVATE_H
#define RUD_AGENT_BRIDGE_TRAINER_PRIVATE_H

#include "agent_bridge/server_private.h"

/* Swaps `predictor`, which is taken, in as the published model. */
rud_status rud_trainer_swap(rud_task *task, rud_predictor *predictor, uint64_t version);

/* Takes up to 64 episodes in. */
rud_status rud_trainer_learn(const rud_server *server, rud_task *task,
                             const rud_episode *const *episodes, size_t count);

/* The task's checkpoint and model; what a new task's folder holds of them. */
rud_status rud_task_save(rud_task *task);
rud_status rud_task_load(rud_server *server, rud_task *task);

#endif

/* What the trainer and the loading of a task's state share. */
#ifndef RUD_AGENT_BRIDGE_TRAINER_PRIVATE_H
#define RUD_AGENT_BRIDGE_TRAINER_PRIVATE_H

#include "agent_bridge/server_private.h"

/* Swaps `predictor`, which is taken, in as the published model. */
rud_status rud_trainer_swap(rud_task *task, rud_predictor *predictor, uint64_t version);

/* Takes up to 64 episodes in. */
rud_status rud_trainer_learn(const rud_server *server, rud_task *task,
                             const rud_episode *const *episodes, size_t count);

/* Writes the checkpoint, and the published model beside it. */
rud_status rud_task_save(rud_task *task);

/* The same at the moment when the learner's model becomes version task->last_version: the
 * checkpoint holds it then, and is the one file to be written. */
rud_status rud_task_save_published(rud_task *task);

/* What the folder of a task with a new learner holds: learner, model, lessons. RUD_EFORMAT,
 * RUD_EINVAL: nothing that can be used, and the learner is of no use any more. */
rud_status rud_task_load(rud_server *server, rud_task *task);

/* The journal's latest episodes alone, for a new learner. */
rud_status rud_task_load_episodes(rud_server *server, rud_task *task);

#endif

/* D4RL's flat layout: what its reader and its writer share. */
#ifndef RUD_EPISODES_D4RL_PRIVATE_H
#define RUD_EPISODES_D4RL_PRIVATE_H

#include "episodes/dataset_private.h"
#include "episodes/hdf5_private.h"

/* The file of an open data set, its rows N, and the first row of episode k. */
hid_t rud_d4rl_file(const rud_dataset *dataset);
size_t rud_d4rl_rows(const rud_dataset *dataset);
size_t rud_d4rl_start(const rud_dataset *dataset, size_t k);

/* The writer's functions of rud_dataset_kind. */
rud_status rud_d4rl_create(rud_dataset_writer *writer);
rud_status rud_d4rl_write(rud_dataset_writer *writer, const rud_episode *episode,
                          const rud_dataset_changes *changes);
rud_status rud_d4rl_carry(rud_dataset_writer *writer, size_t k, const rud_episode *episode,
                          const rud_dataset_changes *changes);
rud_status rud_d4rl_commit(rud_dataset_writer *writer);
void rud_d4rl_abort(rud_dataset_writer *writer);

#endif

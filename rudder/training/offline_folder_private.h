/* The folder of a run of offline training: made, gone on with, or refused. */
#ifndef RUD_TRAINING_OFFLINE_FOLDER_PRIVATE_H
#define RUD_TRAINING_OFFLINE_FOLDER_PRIVATE_H

#include "config/config.h"
#include "training/search_private.h"
#include "training/split.h"

typedef struct rud_offline_folder {
    char *splits, *metrics, *model, *training, *search, *checkpoints; /* paths */
} rud_offline_folder;

rud_status rud_offline_folder_create(const char *folder, rud_offline_folder *paths);
void rud_offline_folder_free(rud_offline_folder *paths);

/* Makes the folder a run of `config` on the episodes of `split`, or finds that it is one: then what
 * it holds is kept. What an earlier search chose is put into `config`, and *choice->found set.
 * RUD_EEXIST where it holds anything else, unless `force`. */
rud_status rud_offline_folder_open(const char *folder, const rud_offline_folder *paths,
                                   const rud_split *split, bool force, rud_config *config,
                                   rud_search_choice *choice);

#endif

/* What offline training found, as training.json. */
#ifndef RUD_TRAINING_OFFLINE_RESULT_PRIVATE_H
#define RUD_TRAINING_OFFLINE_RESULT_PRIVATE_H

#include "training/offline_training.h"

rud_status rud_offline_result_write(const rud_offline_result *result, const char *path);

#endif

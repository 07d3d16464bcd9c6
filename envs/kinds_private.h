/* The environments of the library; env.c lists them. */
#ifndef RUD_ENVS_KINDS_PRIVATE_H
#define RUD_ENVS_KINDS_PRIVATE_H

#include "envs/env.h"

extern const rud_env_kind rud_env_kind_coin_walk;
extern const rud_env_kind rud_env_kind_watch_repair;

#endif

/* delayed(ENV, n): each reward is paid n steps later; what is pending when the episode ends is
 * paid at its last step. The return stays the same, and so do the observations. */
#ifndef RUD_ENVS_DELAYED_PRIVATE_H
#define RUD_ENVS_DELAYED_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* The rewards that `copies` copies still have to pay. */
typedef struct rud_delayed rud_delayed;

/* delay: n >= 1, or RUD_DELAYED_END. Caller owns *delayed. */
rud_status rud_delayed_create(int64_t delay, size_t max_steps, size_t copies,
                              rud_delayed **delayed);
void rud_delayed_free(rud_delayed **delayed);

/* Forgets what is pending in one copy: its episode starts anew. */
void rud_delayed_reset(rud_delayed *delayed, size_t copy);

/* One step of the copies first .. end - 1: rewards[copies] holds what was earned and becomes what
 * is paid. over[i] says that this step is the copy's last. */
void rud_delayed_pay(rud_delayed *delayed, size_t first, size_t end, const bool *over,
                     double *rewards);

/* Turns the range of the rewards earned into the range of the rewards paid. */
void rud_delayed_range(int64_t delay, size_t max_steps, double *reward_min, double *reward_max);

#endif

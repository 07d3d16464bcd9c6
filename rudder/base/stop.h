/* A flag that asks long work to stop. It may be set by a signal handler, or by any thread. */
#ifndef RUD_BASE_STOP_H
#define RUD_BASE_STOP_H

#include <signal.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sets the flag, which is 0 before; safe in a signal handler. */
void rud_stop_request(volatile sig_atomic_t *stop);

/* RUD_EINTERRUPTED once the flag is set; RUD_OK before, and where `stop` is NULL. */
rud_status rud_stop_check(const volatile sig_atomic_t *stop);

#ifdef __cplusplus
}
#endif
#endif

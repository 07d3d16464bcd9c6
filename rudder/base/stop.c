#include "base/stop.h"

#include <stddef.h>

/* sig_atomic_t is safe between a signal handler and its own thread alone; the workers are others.
 */
void rud_stop_request(volatile sig_atomic_t *stop)
{
    __atomic_store_n(stop, 1, __ATOMIC_RELAXED);
}

rud_status rud_stop_check(const volatile sig_atomic_t *stop)
{
    if (stop == NULL || __atomic_load_n(stop, __ATOMIC_RELAXED) == 0) return RUD_OK;
    return rud_error(RUD_EINTERRUPTED, "interrupted");
}

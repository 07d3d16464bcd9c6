/* A small thread pool: runs numbered jobs, lowest number first. */
#ifndef RUD_BASE_POOL_H
#define RUD_BASE_POOL_H

#include <stddef.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rud_pool rud_pool;

/* One job; `thread` in 0 .. threads-1 tells which worker runs it (for scratch memory by worker). */
typedef rud_status rud_job(void *context, size_t job, size_t thread);

/* threads >= 1; 0 means one for each processor this process may use. Caller owns *pool. */
rud_status rud_pool_create(size_t threads, rud_pool **pool);
void rud_pool_free(rud_pool **pool);
size_t rud_pool_threads(const rud_pool *pool);

/* Runs job 0 .. jobs-1 and waits for all that were started. After a job fails no further job is
 * started; returns the failure of the lowest failing job, its message as rud_last_error(). */
rud_status rud_pool_run(rud_pool *pool, size_t jobs, rud_job *job, void *context);

/* Processors this process may use, at least 1. */
size_t rud_processor_count(void);

#ifdef __cplusplus
}
#endif
#endif

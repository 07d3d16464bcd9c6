#define _GNU_SOURCE /* sched_getaffinity */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGE_SIZE = 1024 };

typedef struct worker {
    struct rud_pool *pool;
    pthread_t thread;
    size_t number;
} worker;

/* The thread that calls rud_pool_run works too, as number 0; workers[k] has number k + 1. */
struct rud_pool {
    pthread_mutex_t mutex;
    pthread_cond_t work_arrived;
    pthread_cond_t work_finished;
    bool stopping;
    bool running;  /* a rud_pool_run is under way */
    size_t round;  /* counts the calls of rud_pool_run: tells a worker what is new */
    size_t active; /* workers still in this round */

    rud_job *job;
    void *context;
    size_t jobs;
    size_t next_job;

    rud_status status; /* of the lowest failing job so far */
    size_t failed_job;
    char message[MESSAGE_SIZE];

    size_t started; /* workers whose thread runs */
    worker workers[];
};

static void record_failure(rud_pool *pool, size_t job, rud_status status)
{
    if (pool->status != RUD_OK && pool->failed_job < job) return;
    pool->status = status;
    pool->failed_job = job;
    snprintf(pool->message, sizeof pool->message, "%s", rud_last_error());
}

/* Takes jobs until none is left or one failed. The mutex is held on entry and on return. */
static void work(rud_pool *pool, size_t thread)
{
    while (pool->next_job < pool->jobs && pool->status == RUD_OK) {
        size_t job = pool->next_job++;
        pthread_mutex_unlock(&pool->mutex);
        rud_status status = pool->job(pool->context, job, thread);
        pthread_mutex_lock(&pool->mutex);
        if (status != RUD_OK) record_failure(pool, job, status);
    }
}

static void *worker_main(void *argument)
{
    worker *self = argument;
    rud_pool *pool = self->pool;
    size_t seen_round = 0;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (!pool->stopping && pool->round == seen_round) {
            pthread_cond_wait(&pool->work_arrived, &pool->mutex);
        }
        if (pool->stopping) break;
        seen_round = pool->round;
        work(pool, self->number);
        if (--pool->active == 0) pthread_cond_signal(&pool->work_finished);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

static rud_status start_workers(rud_pool *pool, size_t count)
{
    while (pool->started < count) {
        worker *next = &pool->workers[pool->started];
        next->pool = pool;
        next->number = pool->started + 1;
        int error = pthread_create(&next->thread, NULL, worker_main, next);
        if (error) {
            return rud_error(RUD_ENOMEM, "cannot start thread %zu of %zu: %s; use fewer threads",
                             next->number + 1, count + 1, strerror(error));
        }
        pool->started++;
    }
    return RUD_OK;
}

rud_status rud_pool_create(size_t threads, rud_pool **pool)
{
    const size_t most_threads = 4096;
    *pool = NULL;
    if (threads == 0) threads = rud_processor_count();
    if (threads > most_threads) {
        return rud_error(RUD_EINVAL, "%zu threads are too many: at most %zu are allowed", threads,
                         most_threads);
    }
    rud_pool *created = calloc(1, sizeof *created + (threads - 1) * sizeof(worker));
    if (!created) return rud_error(RUD_ENOMEM, "no memory for a pool of %zu threads", threads);
    pthread_mutex_init(&created->mutex, NULL);
    pthread_cond_init(&created->work_arrived, NULL);
    pthread_cond_init(&created->work_finished, NULL);
    rud_status status = start_workers(created, threads - 1);
    if (status != RUD_OK) {
        rud_pool_free(&created);
        return status;
    }
    *pool = created;
    return RUD_OK;
}

void rud_pool_free(rud_pool **pool)
{
    rud_pool *freed = *pool;
    if (!freed) return;
    pthread_mutex_lock(&freed->mutex);
    freed->stopping = true;
    pthread_cond_broadcast(&freed->work_arrived);
    pthread_mutex_unlock(&freed->mutex);
    for (size_t k = 0; k < freed->started; k++) pthread_join(freed->workers[k].thread, NULL);
    pthread_cond_destroy(&freed->work_finished);
    pthread_cond_destroy(&freed->work_arrived);
    pthread_mutex_destroy(&freed->mutex);
    free(freed);
    *pool = NULL;
}

size_t rud_pool_threads(const rud_pool *pool)
{
    return pool->started + 1;
}

rud_status rud_pool_run(rud_pool *pool, size_t jobs, rud_job *job, void *context)
{
    pthread_mutex_lock(&pool->mutex);
    if (pool->running) {
        pthread_mutex_unlock(&pool->mutex);
        return rud_error(RUD_ESTATE, "this thread pool is running jobs already: a job must not "
                                     "start others on its own pool");
    }
    pool->running = true;
    pool->job = job;
    pool->context = context;
    pool->jobs = jobs;
    pool->next_job = 0;
    pool->status = RUD_OK;
    pool->active = pool->started;
    pool->round++;
    pthread_cond_broadcast(&pool->work_arrived);

    work(pool, 0);
    while (pool->active > 0) pthread_cond_wait(&pool->work_finished, &pool->mutex);

    rud_status status = pool->status;
    if (status != RUD_OK) rud_error(status, "%s", pool->message);
    pool->running = false;
    pthread_mutex_unlock(&pool->mutex);
    return status;
}

size_t rud_processor_count(void)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return (size_t)CPU_COUNT(&allowed);
    long online = sysconf(_SC_NPROCESSORS_ONLN); /* more processors than a cpu_set_t holds */
    return online > 0 ? (size_t)online : 1;
}

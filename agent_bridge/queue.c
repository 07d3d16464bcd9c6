/* Requests on their way between threads. */
#include <math.h>
#include <time.h>

#include "agent_bridge/server_private.h"

void rud_queue_init(rud_queue *queue)
{
    *queue = (rud_queue){0};
    pthread_mutex_init(&queue->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->arrived, &attributes);
    pthread_condattr_destroy(&attributes);
    queue->last = &queue->first;
}

void rud_queue_free(rud_queue *queue)
{
    for (rud_request *request = queue->first, *next; request != NULL; request = next) {
        next = request->next;
        rud_request_free(&request);
    }
    pthread_mutex_destroy(&queue->lock);
    pthread_cond_destroy(&queue->arrived);
}

void rud_queue_push(rud_queue *queue, rud_request *request)
{
    pthread_mutex_lock(&queue->lock);
    request->next = NULL;
    *queue->last = request;
    queue->last = &request->next;
    queue->count++;
    pthread_cond_signal(&queue->arrived);
    pthread_mutex_unlock(&queue->lock);
}

void rud_queue_close(rud_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_broadcast(&queue->arrived);
    pthread_mutex_unlock(&queue->lock);
}

rud_request *rud_queue_take(rud_queue *queue, double seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    const double end = (double)until.tv_nsec * 1e-9 + seconds;
    until.tv_sec += (time_t)end;
    until.tv_nsec = (long)((end - floor(end)) * 1e9);
    pthread_mutex_lock(&queue->lock);
    bool in_time = seconds > 0;
    while (in_time && queue->first == NULL && !queue->closed) {
        in_time = pthread_cond_timedwait(&queue->arrived, &queue->lock, &until) == 0;
    }
    rud_request *first = queue->first;
    queue->first = NULL;
    queue->last = &queue->first;
    queue->count = 0;
    pthread_mutex_unlock(&queue->lock);
    return first;
}

bool rud_queue_is_closed(rud_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    const bool closed = queue->closed;
    pthread_mutex_unlock(&queue->lock);
    return closed;
}

/* Requests on their way between threads. */
#include "agent_bridge/server_private.h"

void rud_queue_init(rud_queue *queue)
{
    *queue = (rud_queue){0};
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->arrived, NULL);
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

rud_request *rud_queue_take(rud_queue *queue, bool wait)
{
    pthread_mutex_lock(&queue->lock);
    while (wait && queue->first == NULL && !queue->closed) {
        pthread_cond_wait(&queue->arrived, &queue->lock);
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

/* The storage thread: keeps episodes in their tasks' journals. What comes while the disk syncs is
 * synced together the next time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent_bridge/server_private.h"

void rud_storage_init(rud_storage *storage)
{
    *storage = (rud_storage){0};
    pthread_mutex_init(&storage->lock, NULL);
    pthread_cond_init(&storage->arrived, NULL);
    storage->last = &storage->first;
}

void rud_storage_free(rud_storage *storage)
{
    for (rud_request *request = storage->first, *next; request != NULL; request = next) {
        next = request->next_stored;
        rud_request_free(&request);
    }
    pthread_mutex_destroy(&storage->lock);
    pthread_cond_destroy(&storage->arrived);
}

void rud_storage_push(rud_storage *storage, rud_request *request)
{
    pthread_mutex_lock(&storage->lock);
    request->next_stored = NULL;
    *storage->last = request;
    storage->last = &request->next_stored;
    pthread_mutex_unlock(&storage->lock);
}

void rud_storage_prepared(rud_storage *storage, rud_request *request)
{
    pthread_mutex_lock(&storage->lock);
    request->prepared = true;
    pthread_cond_signal(&storage->arrived);
    pthread_mutex_unlock(&storage->lock);
}

void rud_storage_close(rud_storage *storage)
{
    pthread_mutex_lock(&storage->lock);
    storage->closed = true;
    pthread_cond_signal(&storage->arrived);
    pthread_mutex_unlock(&storage->lock);
}

/* The prepared requests in front, as a list by next_stored; NULL at the end of all. */
static rud_request *take(rud_storage *storage)
{
    pthread_mutex_lock(&storage->lock);
    while (!(storage->first != NULL && storage->first->prepared) &&
           !(storage->closed && storage->first == NULL)) {
        pthread_cond_wait(&storage->arrived, &storage->lock);
    }
    rud_request *first = storage->first, **link = &first;
    while (*link != NULL && (*link)->prepared) link = &(*link)->next_stored;
    storage->first = *link;
    if (storage->first == NULL) storage->last = &storage->first;
    *link = NULL;
    pthread_mutex_unlock(&storage->lock);
    return first;
}

/* Notes a failure of the journal for those who wait for it. */
static void fail(rud_request *request, rud_status status)
{
    if (status == RUD_OK || request->stored != RUD_OK) return;
    request->stored = status;
    snprintf(request->message_text, sizeof request->message_text, "%s", rud_last_error());
}

static bool stores(const rud_request *request)
{
    return request->store && request->status == RUD_OK;
}

static void append(rud_request *request)
{
    request->added = calloc(request->count, sizeof *request->added);
    if (request->added == NULL) {
        fail(request, rud_error(RUD_ENOMEM, "no memory for %zu episodes", request->count));
        return;
    }
    fail(request, rud_journal_append_many(request->task->journal,
                                          (const rud_episode *const *)request->episodes,
                                          request->count, request->added));
}

/* Syncs each journal that was written to; on failure none of its episodes is acknowledged. */
static void sync_all(rud_request *requests)
{
    for (rud_request *request = requests; request != NULL; request = request->next_stored) {
        if (!stores(request)) continue;
        bool done = false;
        for (rud_request *other = requests; other != request && !done; other = other->next_stored) {
            done = stores(other) && other->task == request->task;
        }
        if (done) continue;
        const rud_status status = rud_journal_sync(request->task->journal);
        for (rud_request *other = requests; status != RUD_OK && other != NULL;
             other = other->next_stored) {
            if (stores(other) && other->task == request->task) fail(other, status);
        }
    }
}

void *rud_storage_main(void *argument)
{
    rud_name_thread("rudder-storage");
    rud_server *server = argument;
    rud_request *requests;
    while ((requests = take(&server->stored)) != NULL) {
        for (rud_request *request = requests; request != NULL; request = request->next_stored) {
            if (stores(request)) append(request);
        }
        if (server->keeps) sync_all(requests);
        for (rud_request *request = requests, *next; request != NULL; request = next) {
            next = request->next_stored;
            rud_queue_push(&server->training, request);
        }
    }
    return NULL;
}

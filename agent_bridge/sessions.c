/* What the server knows of its clients. Of the front thread. */
#include <stdlib.h>
#include <string.h>

#include "agent_bridge/server_private.h"

/* FNV-1a; a client that makes its identities collide slows down itself and those beside it. */
static size_t slot_of(const unsigned char *identity, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t k = 0; k < size; k++) hash = (hash ^ identity[k]) * 0x100000001b3;
    return (size_t)(hash ^ hash >> 32) % RUD_SESSION_SLOTS;
}

rud_session *rud_sessions_find(const rud_sessions *sessions, const unsigned char *identity,
                               size_t size)
{
    rud_session *session = sessions->slots[slot_of(identity, size)];
    while (session != NULL &&
           (session->identity_size != size || memcmp(session->identity, identity, size) != 0)) {
        session = session->next;
    }
    return session;
}

rud_status rud_sessions_add(rud_sessions *sessions, const unsigned char *identity, size_t size,
                            rud_session **session)
{
    rud_session **slot = &sessions->slots[slot_of(identity, size)];
    *session = calloc(1, sizeof **session);
    if (*session == NULL) return rud_error(RUD_ENOMEM, "no memory for a session");
    memcpy((*session)->identity, identity, size);
    (*session)->identity_size = size;
    (*session)->next_env = 1;
    (*session)->next = *slot;
    *slot = *session;
    sessions->count++;
    return RUD_OK;
}

static void end_session(rud_sessions *sessions, rud_session *session)
{
    sessions->count--;
    sessions->streams -= session->stream_count;
    sessions->envs -= session->env_count;
    for (size_t k = 0; k < session->stream_count; k++) rud_stream_free(&session->streams[k]);
    for (size_t k = 0; k < session->env_count; k++) rud_remote_env_free(&session->envs[k]);
    free(session->streams);
    free(session->envs);
    free(session);
}

void rud_sessions_expire(rud_sessions *sessions, double before)
{
    for (size_t k = 0; k < RUD_SESSION_SLOTS; k++) {
        rud_session **link = &sessions->slots[k];
        while (*link != NULL) {
            rud_session *session = *link;
            if (session->last_seen >= before || session->pending > 0) {
                link = &session->next;
                continue;
            }
            *link = session->next;
            end_session(sessions, session);
        }
    }
}

void rud_sessions_free(rud_sessions *sessions)
{
    for (size_t k = 0; k < RUD_SESSION_SLOTS; k++) {
        while (sessions->slots[k] != NULL) {
            rud_session *session = sessions->slots[k];
            sessions->slots[k] = session->next;
            end_session(sessions, session);
        }
    }
}

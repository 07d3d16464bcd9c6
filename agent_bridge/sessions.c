/* What the server knows of its clients. Of the front thread. */
#include <stdlib.h>
#include <string.h>

#include "agent_bridge/server_private.h"

/* So many are looked at for one that may go. */
enum { LOOKED_AT = 64 };

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

static void append(rud_sessions *sessions, rud_session *session)
{
    session->older = sessions->newest;
    session->newer = NULL;
    if (session->older != NULL) {
        session->older->newer = session;
    } else {
        sessions->oldest = session;
    }
    sessions->newest = session;
}

static void unlink_session(rud_sessions *sessions, rud_session *session)
{
    if (session->older != NULL) {
        session->older->newer = session->newer;
    } else {
        sessions->oldest = session->newer;
    }
    if (session->newer != NULL) {
        session->newer->older = session->older;
    } else {
        sessions->newest = session->older;
    }
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
    append(sessions, *session);
    sessions->count++;
    return RUD_OK;
}

void rud_sessions_touch(rud_sessions *sessions, rud_session *session, double now)
{
    unlink_session(sessions, session);
    append(sessions, session);
    session->last_seen = now;
}

static void end_session(rud_sessions *sessions, rud_session *session)
{
    rud_session **link = &sessions->slots[slot_of(session->identity, session->identity_size)];
    while (*link != session) link = &(*link)->next;
    *link = session->next;
    unlink_session(sessions, session);
    sessions->count--;
    sessions->streams -= session->stream_count;
    sessions->envs -= session->env_count;
    for (size_t k = 0; k < session->stream_count; k++) rud_stream_free(&session->streams[k]);
    for (size_t k = 0; k < session->env_count; k++) rud_remote_env_free(&session->envs[k]);
    free(session->streams);
    free(session->envs);
    free(session);
}

bool rud_sessions_make_room(rud_sessions *sessions, double before)
{
    rud_session *session = sessions->oldest;
    for (size_t k = 0; k < LOOKED_AT && session != NULL; k++, session = session->newer) {
        if (session->pending > 0 || session->stream_count > 0 || session->env_count > 0) continue;
        end_session(sessions, session);
        return true;
    }
    session = sessions->oldest;
    if (session == NULL || session->pending > 0 || session->last_seen >= before) return false;
    end_session(sessions, session);
    return true;
}

void rud_sessions_expire(rud_sessions *sessions, double before)
{
    rud_session *session = sessions->oldest;
    while (session != NULL && session->last_seen < before) {
        rud_session *newer = session->newer;
        if (session->pending == 0) end_session(sessions, session);
        session = newer;
    }
}

void rud_sessions_free(rud_sessions *sessions)
{
    for (rud_session *session = sessions->oldest, *newer; session != NULL; session = newer) {
        newer = session->newer;
        end_session(sessions, session);
    }
}

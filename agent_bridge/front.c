/* The front thread: receives, hands requests on, and sends what was answered. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent_bridge/server_private.h"
#include "agent_bridge/state_private.h"
#include "attribution/attribution.h"
#include "base/log.h"
#include "base/messagepack.h"
#include "base/stop.h"

enum {
    POLL_MS = 100,
    RECEIVE_AT_ONCE = 64,
    MOST_WAITING = 512,
    BUSY_MS = 20,
    DRAIN_MS = 500,
    BLOCKED_MS = 5
};

/* The front thread itself works on a request no larger than this where nothing else waits. */
static const size_t small_request = 16384;

/* Where all sessions are taken, the client of one that was idle for so long may be gone. */
static const double gone_seconds = 60;

/* ---- answers ---- */

static void free_reply(void *data, void *hint)
{
    (void)hint;
    free(data);
}

/* Sends the reply, whose memory goes with it; false if the client has to read others first. */
static bool send_reply(rud_server *server, rud_request *request)
{
    zmq_msg_t payload;
    if (request->reply.failed) return true;
    if (zmq_send(server->router, request->identity, request->identity_size,
                 ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
        if (errno == EAGAIN) return false;
        atomic_fetch_add(&server->counters.undelivered, 1);
        return true;
    }
    const size_t size = request->reply.buffer.size;
    char *data = msgpack_sbuffer_release(&request->reply.buffer);
    if (zmq_msg_init_data(&payload, data, size, free_reply, NULL) != 0) {
        free(data);
        zmq_msg_init(&payload); /* the message must end */
    }
    if (zmq_msg_send(&payload, server->router, ZMQ_DONTWAIT) < 0) {
        atomic_fetch_add(&server->counters.undelivered, 1);
        zmq_msg_close(&payload);
    }
    return true;
}

/* A request that is answered counts no more. */
static void forget(rud_server *server, rud_request *request)
{
    if (!request->is_progress) {
        rud_session *session =
            rud_sessions_find(&server->sessions, request->identity, request->identity_size);
        if (session != NULL && session->pending > 0) session->pending--;
        atomic_fetch_sub(&server->counters.buffered, request->bytes);
    }
    rud_request_free(&request);
}

/* Sends what is ready. Replies that a client does not take yet wait in server->blocked. */
static void send_answers(rud_server *server)
{
    char bytes[64];
    if (atomic_exchange(&server->woken, false)) {
        while (read(server->wake[0], bytes, sizeof bytes) > 0) continue;
    }
    rud_request *list = server->blocked, **end = &list;
    while (*end != NULL) end = &(*end)->next;
    *end = rud_queue_take(&server->answers, 0);
    rud_request **blocked = &server->blocked;
    for (rud_request *request = list, *next; request != NULL; request = next) {
        next = request->next;
        if (send_reply(server, request)) {
            forget(server, request);
        } else {
            *blocked = request;
            blocked = &request->next;
        }
    }
    *blocked = NULL;
}

/* ---- requests ---- */

static rud_status read_id(rud_request *request, const msgpack_object *map)
{
    const rud_wire_place place = {"", &request->problem};
    const msgpack_object *id = rud_wire_find(map, "id");
    if (id == NULL) return rud_error(RUD_EFORMAT, "no id");
    if (id->type == MSGPACK_OBJECT_POSITIVE_INTEGER) {
        request->id_number = id->via.u64;
    } else {
        request->id_is_text = true;
        RUD_TRY(rud_wire_text(place, map, "id", sizeof request->id_text, request->id_text));
        if (request->id_text[0] == '\0') return rud_error(RUD_EFORMAT, "an empty id");
    }
    request->has_id = true;
    return RUD_OK;
}

/* The id in a frame that is not whole, or too deep, where it stands before what is wrong. `status`
 * with its message is why the frame was refused. */
static rud_status refuse_frame(rud_request *request, rud_status status)
{
    char why[256];
    const char *bytes = zmq_msg_data(&request->frame);
    size_t at = 0, length = 0;
    msgpack_object_kv pair = {.key = {.type = MSGPACK_OBJECT_STR, .via.str = {2, "id"}}};
    const msgpack_object map = {.type = MSGPACK_OBJECT_MAP, .via.map = {1, &pair}};
    if (status != RUD_EFORMAT) return status;
    snprintf(why, sizeof why, "%s", rud_last_error());
    RUD_TRY(rud_messagepack_find(bytes, zmq_msg_size(&request->frame), "id", &at, &length));
    RUD_TRY(rud_message_read(bytes + at, length, &request->message));
    pair.val = request->message.root;
    RUD_TRY(read_id(request, &map));
    return rud_problem_set(&request->problem, RUD_PROBLEM_MALFORMED, "", "", "%s", why);
}

/* version, id and op; without has_id there is no id to answer to. */
static rud_status read_envelope(rud_request *request)
{
    const msgpack_object *root = &request->message.root;
    const rud_wire_place place = {"", &request->problem};
    if (root->type != MSGPACK_OBJECT_MAP) return rud_error(RUD_EFORMAT, "no map");
    RUD_TRY(read_id(request, root));
    uint64_t version = 0;
    const msgpack_object *found = NULL;
    RUD_TRY(rud_wire_need(place, root, "version", &found));
    RUD_TRY(rud_wire_uint(place, root, "version", 0, UINT64_MAX, &version));
    if (version != RUD_WIRE_VERSION) {
        return rud_problem_set(&request->problem, RUD_PROBLEM_VERSION, "", "version",
                               "version %llu of the protocol is not spoken here: %d is",
                               (unsigned long long)version, RUD_WIRE_VERSION);
    }
    return RUD_OK;
}

static rud_status find_operation(rud_request *request)
{
    const msgpack_object *op = NULL;
    const rud_wire_place place = {"", &request->problem};
    RUD_TRY(rud_wire_need(place, &request->message.root, "op", &op));
    for (size_t k = 0; k < rud_operation_count; k++) {
        if (!rud_wire_text_is(op, rud_operations[k].name)) continue;
        request->operation = &rud_operations[k];
        return rud_wire_check_fields(place, &request->message.root, request->operation->fields);
    }
    return rud_problem_set(&request->problem, RUD_PROBLEM_UNKNOWN_OP, "", "op",
                           "there is no such operation; `hello` lists them");
}

/* Too much waits already. */
static rud_status check_load(const rud_server *server, const rud_session *session,
                             rud_request *request)
{
    const rud_server_limits *limits = &server->options.limits;
    const size_t buffered = atomic_load(&server->counters.buffered);
    if (session->pending < limits->pending && buffered < limits->buffered_bytes) return RUD_OK;
    request->problem.retry_after_ms = BUSY_MS;
    return rud_problem_set(&request->problem, RUD_PROBLEM_BUSY, "", "",
                           "%zu requests of this client and %zu bytes in all wait: try again in "
                           "%d ms",
                           session->pending, buffered, BUSY_MS);
}

static rud_status begin(rud_server *server, rud_session *session, rud_request *request)
{
    RUD_TRY(find_operation(request));
    RUD_TRY(rud_wire_bool((rud_wire_place){"", &request->problem}, &request->message.root, "lists",
                          &request->reply.lists));
    RUD_TRY(check_load(server, session, request));
    RUD_TRY(request->operation->begin(server, session, request));
    if (request->task != NULL && !request->by_chance) session->task = request->task;
    return RUD_OK;
}

/* May the front thread do the work itself? Only where that takes no longer than handing it on. */
static bool is_quick(const rud_server *server, const rud_request *request)
{
    const rud_attribution_method *method =
        server->options.redistributor.redistribution.attribution.method;
    return request->operation->quick && request->bytes <= small_request &&
           method == rud_attribution_method_at(0);
}

/* Hands a request that began on. `alone`: nothing else waits. */
static void go_on(rud_server *server, rud_request *request, bool alone)
{
    if (request->next_step == RUD_NEXT_REPLY) {
        rud_server_answer(server, request, RUD_OK);
        return;
    }
    const bool works = request->operation->batched || request->operation->work != NULL;
    if (request->next_step == RUD_NEXT_STORAGE) rud_storage_push(&server->stored, request);
    request->next = NULL;
    if (!works) {
        rud_server_pass(server, request, RUD_OK);
    } else if (alone && is_quick(server, request)) {
        rud_work(&server->front, request);
    } else {
        /* What was read of a large message takes many times its bytes: it is read again. */
        if (request->bytes > small_request) rud_message_free(&request->message);
        rud_queue_push(&server->work, request);
    }
}

static rud_session *session_of(rud_server *server, rud_request *request)
{
    rud_session *session =
        rud_sessions_find(&server->sessions, request->identity, request->identity_size);
    const double now = rud_now();
    if (session == NULL) {
        if (server->sessions.count >= server->options.limits.sessions &&
            !rud_sessions_make_room(&server->sessions, now - gone_seconds)) {
            rud_problem_set(&request->problem, RUD_PROBLEM_TOO_MANY, "", "",
                            "this server has its %zu sessions", server->sessions.count);
            return NULL;
        }
        if (rud_sessions_add(&server->sessions, request->identity, request->identity_size,
                             &session) != RUD_OK) {
            return NULL;
        }
    }
    rud_sessions_touch(&server->sessions, session, now);
    return session;
}

/* A whole message; takes the request. */
static void handle(rud_server *server, rud_request *request, bool alone)
{
    const size_t size = zmq_msg_size(&request->frame);
    rud_status status = rud_message_read(zmq_msg_data(&request->frame), size, &request->message);
    status = status == RUD_OK ? read_envelope(request) : refuse_frame(request, status);
    if (!request->has_id) {
        atomic_fetch_add(&server->counters.dropped, 1);
        rud_request_free(&request);
        return;
    }
    atomic_fetch_add(&server->counters.requests, 1);
    rud_session *session = status == RUD_OK ? session_of(server, request) : NULL;
    if (status == RUD_OK && session == NULL) status = RUD_EFORMAT;
    if (session != NULL && server->blocked != NULL &&
        session->pending >= server->options.limits.pending) {
        /* It sends without reading its replies. */
        atomic_fetch_add(&server->counters.undelivered, 1);
        rud_request_free(&request);
        return;
    }
    request->bytes = size;
    atomic_fetch_add(&server->counters.buffered, size);
    if (status == RUD_OK) status = begin(server, session, request);
    if (session != NULL) session->pending++;
    if (status == RUD_OK) {
        go_on(server, request, alone);
    } else {
        rud_server_answer(server, request, status);
    }
}

/* Reads one message of two frames; false if there is none. *request is NULL where it was dropped.
 */
static bool receive(rud_server *server, rud_request **request)
{
    zmq_msg_t identity;
    *request = NULL;
    zmq_msg_init(&identity);
    if (zmq_msg_recv(&identity, server->router, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&identity);
        return false;
    }
    rud_request *made = calloc(1, sizeof *made);
    if (made != NULL) {
        made->identity_size = zmq_msg_size(&identity);
        memcpy(made->identity, zmq_msg_data(&identity), made->identity_size);
        rud_packer_init(&made->reply);
        zmq_msg_init(&made->frame);
        made->has_frame = true;
    }
    bool more = zmq_msg_more(&identity) != 0;
    if (more && made != NULL) {
        more = zmq_msg_recv(&made->frame, server->router, ZMQ_DONTWAIT) >= 0 &&
               zmq_msg_more(&made->frame) != 0;
    }
    zmq_msg_close(&identity);
    if (!more && made != NULL) {
        *request = made;
        return true;
    }
    while (more) { /* a message of more frames is dropped */
        zmq_msg_t rest;
        zmq_msg_init(&rest);
        more = zmq_msg_recv(&rest, server->router, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(&rest) != 0;
        zmq_msg_close(&rest);
    }
    atomic_fetch_add(&server->counters.dropped, 1);
    rud_request_free(&made);
    return true;
}

static size_t waiting(rud_server *server)
{
    pthread_mutex_lock(&server->work.lock);
    const size_t count = server->work.count;
    pthread_mutex_unlock(&server->work.lock);
    return count;
}

/* What has come, but not more than can be worked on: the rest waits in the sockets, which take
 * turns between clients. */
static void receive_some(rud_server *server)
{
    rud_request *previous = NULL, *request = NULL;
    size_t count = 0;
    while (count < RECEIVE_AT_ONCE && waiting(server) < MOST_WAITING && receive(server, &request)) {
        if (previous != NULL) handle(server, previous, false);
        previous = request;
        count++;
    }
    if (previous != NULL) handle(server, previous, count == 1 && waiting(server) == 0);
}

/* ---- the loop ---- */

static void wait_for_work(rud_server *server)
{
    zmq_pollitem_t items[3] = {{.socket = server->router, .events = ZMQ_POLLIN},
                               {.fd = server->wake[0], .events = ZMQ_POLLIN},
                               {.socket = rud_guard_socket(server), .events = ZMQ_POLLIN}};
    if (waiting(server) >= MOST_WAITING) items[0].events = 0;
    const int count = items[2].socket != NULL ? 3 : 2;
    const long wait = server->blocked != NULL ? BLOCKED_MS : POLL_MS;
    if (zmq_poll(items, count, wait) > 0 && count == 3 && items[2].revents != 0) {
        rud_guard_answer(server);
    }
}

static void expire(rud_server *server, double *checked)
{
    const double now = rud_now();
    if (now - *checked < 1) return;
    *checked = now;
    rud_sessions_expire(&server->sessions, now - (double)server->options.limits.session_seconds);
}

/* Does any request wait for its answer? */
static bool is_idle(rud_server *server)
{
    return atomic_load(&server->counters.buffered) == 0;
}

rud_status rud_server_run(rud_server *server, const volatile sig_atomic_t *stop)
{
    double checked = rud_now();
    while (rud_stop_check(stop) == RUD_OK && !server->closing) {
        wait_for_work(server);
        receive_some(server);
        send_answers(server);
        expire(server, &checked);
        rud_guard_report(server);
    }
    rud_log(RUD_LOG_INFO, "stopping");
    const double deadline = rud_now() + 1e-3 * DRAIN_MS;
    while (!is_idle(server) && rud_now() < deadline) {
        wait_for_work(server);
        send_answers(server);
    }
    atomic_store(&server->ending, true);
    rud_server_join(server);
    send_answers(server);
    return RUD_OK;
}

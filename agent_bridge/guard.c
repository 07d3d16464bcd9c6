/* Who may talk to the server: CURVE, and an allow-list of client keys by ZAP (ZeroMQ RFC 27). The
 * list is read at each handshake, so that a key can be added or taken away at any time. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent_bridge/keys.h"
#include "agent_bridge/state_private.h"
#include "base/file.h"
#include "base/log.h"

/* Clients that fail before ZAP is asked, having no key or the wrong one of the server, try again
 * and again: they are told of together, at most so often. */
static const double report_seconds = 60;

typedef struct rud_guard {
    void *socket;
    void *failures; /* the router's failed handshakes */
    size_t failed;  /* not told yet */
    double reported;
} rud_guard;

static rud_status failed(const char *what)
{
    return rud_error(RUD_EIO, "%s: %s", what, zmq_strerror(errno));
}

static rud_status set_keys(rud_server *server)
{
    const int on = 1;
    char secret[RUD_KEY_TEXT], public_key[RUD_KEY_TEXT];
    RUD_TRY(rud_keys_read_secret(server->options.secret_key, secret, public_key));
    if (zmq_setsockopt(server->router, ZMQ_CURVE_SERVER, &on, sizeof on) != 0 ||
        zmq_setsockopt(server->router, ZMQ_CURVE_SECRETKEY, secret, RUD_KEY_TEXT) != 0 ||
        zmq_setsockopt(server->router, ZMQ_ZAP_DOMAIN, "rudder", strlen("rudder")) != 0) {
        return failed("CURVE");
    }
    return RUD_OK;
}

static rud_status watch_failures(rud_server *server)
{
    static const char address[] = "inproc://handshakes";
    const int all = 0, linger = 0;
    rud_guard *guard = server->guard;
    guard->failures = zmq_socket(server->context, ZMQ_PAIR);
    if (guard->failures == NULL) return failed("no socket");
    zmq_setsockopt(guard->failures, ZMQ_LINGER, &linger, sizeof linger);
    /* The I/O thread waits until there is room for the event: there always is. */
    zmq_setsockopt(guard->failures, ZMQ_RCVHWM, &all, sizeof all);
    if (zmq_socket_monitor(server->router, address,
                           ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) != 0 ||
        zmq_connect(guard->failures, address) != 0) {
        return failed("no monitor");
    }
    return RUD_OK;
}

static bool is_public(const char *name)
{
    const size_t length = strlen(name), suffix = strlen(".public");
    return length > suffix && strcmp(name + length - suffix, ".public") == 0;
}

static int is_key(const struct dirent *entry)
{
    return is_public(entry->d_name);
}

/* The list may be filled later: an empty one is told, not refused. */
static rud_status check_list(const char *folder)
{
    struct dirent **keys = NULL;
    const int count = scandir(folder, &keys, is_key, NULL);
    if (count < 0) {
        return rud_error(RUD_EINVAL, "server.allowed_clients: %s: %s", folder, strerror(errno));
    }
    if (count == 0) {
        rud_log(RUD_LOG_WARNING,
                "%s holds no key *.public: no client can connect until it does (`rudder keygen`)",
                folder);
    }
    for (int k = 0; k < count; k++) free(keys[k]);
    free(keys);
    return RUD_OK;
}

rud_status rud_guard_open(rud_server *server)
{
    const int linger = 0;
    if (server->options.secret_key[0] == '\0') return RUD_OK;
    RUD_TRY(check_list(server->options.allowed_clients));
    server->guard = calloc(1, sizeof *server->guard);
    if (server->guard == NULL) return rud_error(RUD_ENOMEM, "no memory for a server");
    server->guard->socket = zmq_socket(server->context, ZMQ_REP);
    if (server->guard->socket == NULL) return failed("no socket");
    zmq_setsockopt(server->guard->socket, ZMQ_LINGER, &linger, sizeof linger);
    if (zmq_bind(server->guard->socket, "inproc://zeromq.zap.01") != 0) return failed("ZAP");
    RUD_TRY(watch_failures(server));
    return set_keys(server);
}

void rud_guard_close(rud_server *server)
{
    if (server->guard == NULL) return;
    if (server->guard->failures != NULL) {
        zmq_socket_monitor(server->router, NULL, 0);
        zmq_close(server->guard->failures);
    }
    if (server->guard->socket != NULL) zmq_close(server->guard->socket);
    free(server->guard);
    server->guard = NULL;
}

void *rud_guard_socket(rud_server *server)
{
    return server->guard != NULL ? server->guard->socket : NULL;
}

void rud_guard_report(rud_server *server)
{
    rud_guard *guard = server->guard;
    char event[6]; /* and the address that is listened on */
    if (guard == NULL) return;
    while (zmq_recv(guard->failures, event, sizeof event, ZMQ_DONTWAIT) >= 0) {
        zmq_recv(guard->failures, NULL, 0, 0);
        guard->failed++;
    }
    const double now = rud_now();
    if (guard->failed == 0 || (guard->reported > 0 && now - guard->reported < report_seconds)) {
        return;
    }
    rud_log(RUD_LOG_WARNING,
            "refused %zu connections of clients without a key or with another server's key",
            guard->failed);
    guard->failed = 0;
    guard->reported = now;
}

static bool is_in_file(const char *folder, const char *name, const char *key)
{
    char found[RUD_KEY_TEXT];
    char *path = rud_path_join(folder, name);
    if (path == NULL) return false;
    const rud_status status = rud_keys_read_public(path, found);
    free(path);
    if (status != RUD_OK) rud_log(RUD_LOG_WARNING, "%s", rud_last_error());
    return status == RUD_OK && strcmp(found, key) == 0;
}

static bool is_allowed(const char *folder, const char *key)
{
    DIR *entries = opendir(folder);
    bool found = false;
    if (entries == NULL) {
        rud_log(RUD_LOG_WARNING, "%s: %s; no client is allowed", folder, strerror(errno));
        return false;
    }
    for (struct dirent *entry; !found && (entry = readdir(entries)) != NULL;) {
        found = is_public(entry->d_name) && is_in_file(folder, entry->d_name, key);
    }
    closedir(entries);
    return found;
}

/* Frames of a question: version, request id, domain, address, identity, mechanism, credentials. */
enum { ID = 1, ADDRESS = 3, MECHANISM = 5, CREDENTIALS = 6, FRAMES = 7, FRAME_SIZE = 256 };

typedef struct question {
    char frames[FRAMES][FRAME_SIZE];
    size_t sizes[FRAMES];
    size_t count;
} question;

/* One whole question; false if there is none, or it is none. */
static bool receive(void *socket, question *asked)
{
    int more = 1;
    *asked = (question){0};
    while (more) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&frame);
            return false;
        }
        const size_t size = zmq_msg_size(&frame);
        if (asked->count < FRAMES && size < FRAME_SIZE) {
            memcpy(asked->frames[asked->count], zmq_msg_data(&frame), size);
            asked->sizes[asked->count] = size;
        }
        asked->count++;
        more = zmq_msg_more(&frame);
        zmq_msg_close(&frame);
    }
    return true;
}

static bool decide(const rud_server *server, const question *asked)
{
    char key[RUD_KEY_TEXT] = "";
    if (asked->count != FRAMES || strcmp(asked->frames[MECHANISM], "CURVE") != 0 ||
        asked->sizes[CREDENTIALS] != 32 ||
        zmq_z85_encode(key, (const uint8_t *)asked->frames[CREDENTIALS], 32) == NULL) {
        return false;
    }
    if (is_allowed(server->options.allowed_clients, key)) return true;
    rud_log(RUD_LOG_WARNING, "refused a client at %s: its key %s is not in %s",
            asked->frames[ADDRESS], key, server->options.allowed_clients);
    return false;
}

void rud_guard_answer(rud_server *server)
{
    question asked;
    void *socket = server->guard->socket;
    if (!receive(socket, &asked)) return;
    const bool allowed = decide(server, &asked);
    zmq_send(socket, "1.0", 3, ZMQ_SNDMORE);
    zmq_send(socket, asked.frames[ID], asked.sizes[ID], ZMQ_SNDMORE);
    zmq_send(socket, allowed ? "200" : "400", 3, ZMQ_SNDMORE);
    zmq_send(socket, allowed ? "OK" : "not allowed", allowed ? 2 : 11, ZMQ_SNDMORE);
    zmq_send(socket, "", 0, ZMQ_SNDMORE);
    zmq_send(socket, "", 0, 0);
}

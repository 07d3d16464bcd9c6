/* The server: its socket and its threads. */
#include "agent_bridge/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "agent_bridge/server_private.h"
#include "agent_bridge/state_private.h"
#include "base/pool.h"

enum { LINGER_MS = 500, SEND_LIMIT = 2000, BACKLOG = 4096 };

rud_server_options rud_server_options_default(void)
{
    return (rud_server_options){
        .bind = "tcp://127.0.0.1:5555",
        .limits = {.message_bytes = (size_t)16 << 20,
                   .steps = 100000,
                   .episodes = 4096,
                   .streams = 4096,
                   .environments = 64,
                   .copies = 4096,
                   .tasks = 16,
                   .inputs = 65536,
                   .sessions = 4096,
                   .pending = 1024,
                   .buffered_bytes = (size_t)256 << 20,
                   .session_seconds = 3600},
        .features = rud_features_options_default(),
        .redistributor = rud_redistributor_options_default(),
        .publish_every = 10,
        .publish_margin = 0.01,
        .background_training = true,
        .segment_bytes = (size_t)16 << 20,
        .keep_bytes = (size_t)1 << 30,
    };
}

double rud_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void rud_name_thread(const char *name)
{
    prctl(PR_SET_NAME, name);
}

static rud_status failed(const char *what)
{
    return rud_error(RUD_EIO, "%s: %s", what, zmq_strerror(errno));
}

/* ---- setting up ---- */

static rud_status set_number(rud_server *server, int option, int value)
{
    if (zmq_setsockopt(server->router, option, &value, sizeof value) == 0) return RUD_OK;
    return failed("a socket's option");
}

static rud_status set_options(rud_server *server)
{
    const int64_t largest = (int64_t)server->options.limits.message_bytes;
    RUD_TRY(set_number(server, ZMQ_ROUTER_MANDATORY, 1));
    RUD_TRY(set_number(server, ZMQ_ROUTER_HANDOVER, 1));
    RUD_TRY(set_number(server, ZMQ_LINGER, LINGER_MS));
    RUD_TRY(set_number(server, ZMQ_SNDHWM, SEND_LIMIT));
    /* Beyond it a client that connects waits for a second before it tries again. */
    RUD_TRY(set_number(server, ZMQ_BACKLOG, BACKLOG));
    RUD_TRY(set_number(server, ZMQ_IPV6, strchr(server->options.bind, '[') != NULL));
    if (zmq_setsockopt(server->router, ZMQ_MAXMSGSIZE, &largest, sizeof largest) != 0) {
        return failed("the limit of messages");
    }
    return RUD_OK;
}

static rud_status bind_socket(rud_server *server)
{
    size_t size = sizeof server->address;
    server->context = zmq_ctx_new();
    server->router = server->context ? zmq_socket(server->context, ZMQ_ROUTER) : NULL;
    if (server->router == NULL) return failed("no socket");
    RUD_TRY(set_options(server));
    RUD_TRY(rud_guard_open(server));
    if (zmq_bind(server->router, server->options.bind) != 0) {
        const rud_status status = errno == EADDRINUSE ? RUD_ESTATE : RUD_EINVAL;
        return rud_error(status, "cannot listen on %s: %s%s", server->options.bind,
                         zmq_strerror(errno),
                         errno == ENODEV ? ": give a number, such as 127.0.0.1" : "");
    }
    if (zmq_getsockopt(server->router, ZMQ_LAST_ENDPOINT, server->address, &size) != 0) {
        return failed("the address");
    }
    return RUD_OK;
}

static rud_status open_wake(rud_server *server)
{
    if (pipe(server->wake) != 0) return failed("no pipe");
    for (size_t k = 0; k < 2; k++) {
        fcntl(server->wake[k], F_SETFL, O_NONBLOCK);
        fcntl(server->wake[k], F_SETFD, FD_CLOEXEC);
    }
    return RUD_OK;
}

static rud_status start_threads(rud_server *server)
{
    int error = pthread_create(&server->storage, NULL, rud_storage_main, server);
    server->storage_started = error == 0;
    if (error == 0) error = pthread_create(&server->trainer, NULL, rud_trainer_main, server);
    server->trainer_started = server->storage_started && error == 0;
    for (size_t k = 0; error == 0 && k < server->worker_count; k++) {
        rud_worker *worker = &server->workers[k];
        error = pthread_create(&worker->thread, NULL, rud_worker_main, worker);
        worker->started = error == 0;
    }
    return error == 0 ? RUD_OK : rud_error(RUD_ENOMEM, "no thread: %s", strerror(error));
}

static rud_status create_parts(rud_server *server)
{
    const rud_server_limits *limits = &server->options.limits;
    server->worker_count = server->options.workers;
    if (server->worker_count == 0) server->worker_count = rud_processor_count();
    server->tasks = calloc(limits->tasks, sizeof *server->tasks);
    server->workers = calloc(server->worker_count, sizeof *server->workers);
    if (server->tasks == NULL || server->workers == NULL) {
        return rud_error(RUD_ENOMEM, "no memory for a server");
    }
    RUD_TRY(rud_worker_init(&server->front, server));
    for (size_t k = 0; k < server->worker_count; k++) {
        RUD_TRY(rud_worker_init(&server->workers[k], server));
    }
    RUD_TRY(open_wake(server));
    RUD_TRY(rud_state_open(server));
    RUD_TRY(rud_tasks_load(server));
    return bind_socket(server);
}

rud_status rud_server_create(const rud_server_options *options, rud_server **server)
{
    rud_server *created = calloc(1, sizeof *created);
    *server = NULL;
    if (created == NULL) return rud_error(RUD_ENOMEM, "no memory for a server");
    created->options = *options;
    created->started = rud_now();
    created->wake[0] = created->wake[1] = created->state_lock = -1;
    rud_queue_init(&created->work);
    rud_queue_init(&created->training);
    rud_queue_init(&created->answers);
    rud_storage_init(&created->stored);
    pthread_mutex_init(&created->task_lock, NULL);
    rud_status status = rud_state_check(&created->options);
    if (status == RUD_OK) status = create_parts(created);
    if (status == RUD_OK) status = start_threads(created);
    if (status != RUD_OK) rud_server_free(&created);
    *server = created;
    return status;
}

void rud_server_join(rud_server *server)
{
    rud_queue_close(&server->work);
    for (size_t k = 0; server->workers != NULL && k < server->worker_count; k++) {
        if (server->workers[k].started) pthread_join(server->workers[k].thread, NULL);
        server->workers[k].started = false;
    }
    rud_storage_close(&server->stored);
    if (server->storage_started) pthread_join(server->storage, NULL);
    rud_queue_close(&server->training);
    if (server->trainer_started) pthread_join(server->trainer, NULL);
    server->storage_started = server->trainer_started = false;
}

void rud_server_free(rud_server **server)
{
    rud_server *s = *server;
    if (s == NULL) return;
    rud_server_join(s);
    rud_queue_free(&s->work);
    rud_queue_free(&s->training);
    rud_queue_free(&s->answers);
    rud_storage_free(&s->stored);
    for (rud_request *request = s->blocked, *next; request != NULL; request = next) {
        next = request->next;
        rud_request_free(&request);
    }
    rud_sessions_free(&s->sessions);
    rud_worker_free(&s->front);
    for (size_t k = 0; s->workers != NULL && k < s->worker_count; k++) {
        if (s->workers[k].server != NULL) rud_worker_free(&s->workers[k]);
    }
    for (size_t k = 0; k < s->task_count; k++) rud_task_free(&s->tasks[k]);
    rud_guard_close(s);
    if (s->router != NULL) zmq_close(s->router);
    if (s->context != NULL) zmq_ctx_term(s->context);
    for (size_t k = 0; k < 2; k++) {
        if (s->wake[k] >= 0) close(s->wake[k]);
    }
    rud_state_close(s);
    pthread_mutex_destroy(&s->task_lock);
    free(s->tasks);
    free(s->workers);
    free(s);
    *server = NULL;
}

const char *rud_server_address(const rud_server *server)
{
    return server->address;
}

void rud_server_add_task(rud_server *server, rud_task *task)
{
    pthread_mutex_lock(&server->task_lock);
    server->tasks[server->task_count++] = task;
    pthread_mutex_unlock(&server->task_lock);
}

#include "agent_bridge/client.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <zmq.h>

#include "agent_bridge/values_private.h"
#include "base/rng.h"

enum { ADDRESS_SIZE = 256, KEY_SIZE = 41, IDENTITY_SIZE = 16, TRIES = 2, BUSY_TRIES = 100 };

struct rud_client {
    char address[ADDRESS_SIZE];
    char server_key[KEY_SIZE], public_key[KEY_SIZE], secret_key[KEY_SIZE];
    double timeout;
    unsigned char identity[IDENTITY_SIZE];
    void *context, *socket;
    uint64_t id;      /* of the last request */
    uint64_t awaited; /* of the one whose reply is waited for */
    char error[32];
    rud_wire_space observation, action; /* of the task, for packing */
    /* What was configured. Every request names the task, since the session that selected it may
     * have ended, and a server would infer another one from the episodes. */
    bool configured, final_observation;
    uint64_t seed;
    char name[RUD_TASK_NAME + 1], task[RUD_TASK_KEY + 1];
    rud_packer request;
    zmq_msg_t frame;
    rud_message reply; /* views into frame */
};

rud_client_options rud_client_options_default(void)
{
    return (rud_client_options){.address = "tcp://127.0.0.1:5555", .timeout = 10};
}

const char *rud_client_error(const rud_client *client)
{
    return client->error;
}

void rud_client_set_timeout(rud_client *client, double timeout)
{
    client->timeout = timeout;
}

/* ---- the connection ---- */

/* A routing id of its own, so that the session outlives the connection. */
static void make_identity(rud_client *client)
{
    static _Thread_local uint64_t count;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const uint64_t seed = (uint64_t)now.tv_sec * 1000000007u ^ (uint64_t)now.tv_nsec << 20 ^
                          (uint64_t)getpid() << 44 ^ (uint64_t)(uintptr_t)client;
    rud_rng rng = rud_rng_stream(seed, "client", count++);
    for (size_t k = 0; k < IDENTITY_SIZE; k += 8) {
        const uint64_t part = rud_rng_u64(&rng);
        memcpy(client->identity + k, &part, sizeof part);
    }
    client->identity[0] |= 0x80; /* ZeroMQ keeps ids that start with a zero byte */
}

static rud_status set_text(rud_client *client, int option, const char *text)
{
    if (zmq_setsockopt(client->socket, option, text, strlen(text)) == 0) return RUD_OK;
    return rud_error(RUD_EINVAL, "a CURVE key is not 40 characters of Z85: %s",
                     zmq_strerror(errno));
}

static rud_status set_keys(rud_client *client)
{
    if (client->server_key[0] == '\0') return RUD_OK;
    RUD_TRY(set_text(client, ZMQ_CURVE_SERVERKEY, client->server_key));
    RUD_TRY(set_text(client, ZMQ_CURVE_PUBLICKEY, client->public_key));
    return set_text(client, ZMQ_CURVE_SECRETKEY, client->secret_key);
}

static rud_status connect_socket(rud_client *client)
{
    const int linger = 0, ipv6 = strchr(client->address, '[') != NULL;
    if (client->socket != NULL) zmq_close(client->socket);
    client->socket = zmq_socket(client->context, ZMQ_DEALER);
    if (client->socket == NULL) return rud_error(RUD_ENOMEM, "no socket");
    zmq_setsockopt(client->socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(client->socket, ZMQ_IPV6, &ipv6, sizeof ipv6);
    zmq_setsockopt(client->socket, ZMQ_ROUTING_ID, client->identity, IDENTITY_SIZE);
    RUD_TRY(set_keys(client));
    if (zmq_connect(client->socket, client->address) == 0) return RUD_OK;
    return rud_error(RUD_EINVAL, "cannot connect to %s: %s", client->address, zmq_strerror(errno));
}

static rud_status copy_text(const char *what, const char *from, char *to, size_t size)
{
    if (from == NULL) return RUD_OK;
    if (strlen(from) >= size) return rud_error(RUD_EINVAL, "%s is too long", what);
    memcpy(to, from, strlen(from) + 1);
    return RUD_OK;
}

static rud_status set_up(rud_client *client, const rud_client_options *options)
{
    client->timeout = options->timeout;
    RUD_TRY(copy_text("the address", options->address, client->address, ADDRESS_SIZE));
    RUD_TRY(copy_text("the server's key", options->server_key, client->server_key, KEY_SIZE));
    RUD_TRY(copy_text("the public key", options->public_key, client->public_key, KEY_SIZE));
    RUD_TRY(copy_text("the secret key", options->secret_key, client->secret_key, KEY_SIZE));
    make_identity(client);
    client->context = zmq_ctx_new();
    if (client->context == NULL) return rud_error(RUD_ENOMEM, "no ZeroMQ context");
    return connect_socket(client);
}

rud_status rud_client_create(const rud_client_options *options, rud_client **client)
{
    *client = calloc(1, sizeof **client);
    if (*client == NULL) return rud_error(RUD_ENOMEM, "no memory for a client");
    rud_packer_init(&(*client)->request);
    zmq_msg_init(&(*client)->frame);
    const rud_status status = set_up(*client, options);
    if (status != RUD_OK) rud_client_free(client);
    return status;
}

void rud_client_free(rud_client **client)
{
    rud_client *c = *client;
    if (c == NULL) return;
    if (c->socket != NULL) zmq_close(c->socket);
    if (c->context != NULL) zmq_ctx_term(c->context);
    rud_message_free(&c->reply);
    zmq_msg_close(&c->frame);
    rud_packer_free(&c->request);
    rud_wire_space_free(&c->observation);
    rud_wire_space_free(&c->action);
    free(c);
    *client = NULL;
}

/* ---- a call ---- */

/* Opens the request; its other fields follow. */
static void begin(rud_client *client, const char *op)
{
    rud_packer_free(&client->request);
    rud_packer_init(&client->request);
    rud_pack_open(&client->request);
    rud_pack_field_uint(&client->request, "version", RUD_WIRE_VERSION);
    client->awaited = ++client->id;
    rud_pack_field_uint(&client->request, "id", client->id);
    rud_pack_field_text(&client->request, "op", op);
}

static void begin_of_task(rud_client *client, const char *op)
{
    begin(client, op);
    if (client->configured) rud_pack_field_text(&client->request, "task", client->task);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Is the message in client->frame about the present request, or `any`? */
static bool is_ours(rud_client *client, bool any)
{
    rud_message_free(&client->reply);
    if (rud_message_read(zmq_msg_data(&client->frame), zmq_msg_size(&client->frame),
                         &client->reply) != RUD_OK ||
        client->reply.root.type != MSGPACK_OBJECT_MAP) {
        return false;
    }
    const msgpack_object *id = rud_wire_find(&client->reply.root, "id");
    return id != NULL && id->type == MSGPACK_OBJECT_POSITIVE_INTEGER &&
           (any || id->via.u64 == client->awaited);
}

/* Waits for the reply; *answered is false if none came in time. */
static rud_status receive(rud_client *client, bool any, bool *answered)
{
    double deadline = now() + client->timeout;
    *answered = false;
    for (;;) {
        const double left = deadline - now();
        if (left <= 0) return RUD_OK;
        zmq_pollitem_t item = {.socket = client->socket, .events = ZMQ_POLLIN};
        if (zmq_poll(&item, 1, (long)(left * 1000) + 1) < 0 && errno != EINTR) {
            return rud_error(RUD_EIO, "%s: %s", client->address, zmq_strerror(errno));
        }
        if (errno == EINTR && item.revents == 0) continue;
        zmq_msg_close(&client->frame);
        zmq_msg_init(&client->frame);
        if (zmq_msg_recv(&client->frame, client->socket, ZMQ_DONTWAIT) < 0) continue;
        if (!is_ours(client, any)) continue;
        *answered = rud_wire_find(&client->reply.root, "progress") == NULL;
        if (*answered) return RUD_OK;
        deadline = now() + client->timeout;
    }
}

static rud_status send_request(rud_client *client)
{
    const msgpack_sbuffer *buffer = &client->request.buffer;
    if (client->request.failed) return rud_error(RUD_ENOMEM, "no memory for a request");
    if (zmq_send(client->socket, buffer->data, buffer->size, ZMQ_DONTWAIT) >= 0) return RUD_OK;
    return rud_error(RUD_EIO, "%s: %s", client->address, zmq_strerror(errno));
}

static rud_status try_once(rud_client *client, bool *answered)
{
    RUD_TRY(send_request(client));
    RUD_TRY(receive(client, false, answered));
    return *answered ? RUD_OK : connect_socket(client);
}

/* The server's error as a status of ours; *wait: seconds after which to try again, or 0. */
static rud_status read_error(rud_client *client, double *wait)
{
    rud_problem problem = {0};
    const rud_wire_place place = {"", &problem};
    const msgpack_object *error = rud_wire_find(&client->reply.root, "error");
    char message[1024] = "no message";
    uint64_t milliseconds = 0;
    snprintf(client->error, sizeof client->error, "internal");
    if (error != NULL && error->type == MSGPACK_OBJECT_MAP) {
        rud_wire_text(place, error, "code", sizeof client->error, client->error);
        rud_wire_text(place, error, "message", sizeof message, message);
        rud_wire_uint(place, error, "retry_after_ms", 0, 60000, &milliseconds);
    }
    if (strcmp(client->error, "busy") == 0) *wait = 1e-3 * (double)(milliseconds + 1);
    rud_status status = RUD_EINVAL;
    if (strcmp(client->error, "not_finite") == 0) status = RUD_ENONFINITE;
    if (strcmp(client->error, "storage") == 0) status = RUD_EIO;
    if (strcmp(client->error, "diverged") == 0) status = RUD_EDIVERGED;
    if (strcmp(client->error, "internal") == 0) status = RUD_ESTATE;
    return rud_error(status, "%s: %s: %s", client->address, client->error, message);
}

static rud_status check_reply(rud_client *client, double *wait)
{
    rud_problem problem = {0};
    bool ok = false;
    RUD_TRY(rud_wire_bool((rud_wire_place){"", &problem}, &client->reply.root, "ok", &ok));
    return ok ? RUD_OK : read_error(client, wait);
}

static void sleep_for(double seconds)
{
    const struct timespec duration = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};
    nanosleep(&duration, NULL);
}

static rud_status configure_again(rud_client *client);

/* Sends the request and waits for its reply; `again`: a second try is harmless. A server that has
 * been started anew may have to be told of the task again. */
static rud_status finish(rud_client *client, bool again)
{
    rud_pack_close(&client->request);
    for (int busy = 0; busy < BUSY_TRIES; busy++) {
        client->error[0] = '\0';
        bool answered = false;
        double wait = 0;
        for (int k = 0; k < (again ? TRIES : 1) && !answered; k++) {
            RUD_TRY(try_once(client, &answered));
        }
        if (!answered) {
            return rud_error(RUD_EIO,
                             "no answer from %s within %g s: is `rudder serve` running "
                             "there, and are the keys right?",
                             client->address, client->timeout);
        }
        const rud_status status = check_reply(client, &wait);
        if (client->configured && strcmp(client->error, "unknown_task") == 0) {
            RUD_TRY(configure_again(client));
            continue;
        }
        if (wait == 0) return status;
        sleep_for(wait);
    }
    return rud_error(RUD_ESTATE, "%s stays busy", client->address);
}

/* ---- replies ---- */

static rud_status read_task_of(const msgpack_object *map, rud_client_task *task)
{
    rud_problem problem = {0};
    const rud_wire_place place = {"", &problem};
    if (task == NULL) return RUD_OK;
    *task = (rud_client_task){.quality = NAN};
    RUD_TRY(rud_wire_text(place, map, "task", sizeof task->task, task->task));
    RUD_TRY(rud_wire_uint(place, map, "model_version", 0, UINT64_MAX, &task->model_version));
    RUD_TRY(rud_wire_bool(place, map, "ready", &task->ready));
    RUD_TRY(rud_wire_real(place, map, "quality", -INFINITY, INFINITY, &task->quality));
    RUD_TRY(rud_wire_uint(place, map, "episodes", 0, UINT64_MAX, &task->episodes));
    return rud_wire_uint(place, map, "updates", 0, UINT64_MAX, &task->updates);
}

static rud_status read_task(const rud_client *client, rud_client_task *task)
{
    return read_task_of(&client->reply.root, task);
}

/* ---- operations ---- */

static void pack_spec(rud_packer *packer, const rud_client *client)
{
    rud_pack_key(packer, "spec");
    rud_pack_open(packer);
    rud_pack_key(packer, "observation_space");
    rud_pack_space(packer, &client->observation);
    rud_pack_key(packer, "action_space");
    rud_pack_space(packer, &client->action);
    rud_pack_field_bool(packer, "final_observation", client->final_observation);
    rud_pack_field_uint(packer, "seed", client->seed);
    if (client->name[0] != '\0') rud_pack_field_text(packer, "name", client->name);
    rud_pack_close(packer);
}

/* Sends the specification and keeps the task's name. */
static rud_status configure(rud_client *client)
{
    rud_problem problem = {0};
    client->configured = false;
    begin(client, "configure");
    pack_spec(&client->request, client);
    RUD_TRY(finish(client, true));
    RUD_TRY(rud_wire_text((rud_wire_place){"", &problem}, &client->reply.root, "task",
                          sizeof client->task, client->task));
    client->configured = true;
    return RUD_OK;
}

/* In the midst of another request, which is closed and stays as it is. */
static rud_status configure_again(rud_client *client)
{
    const uint64_t awaited = client->awaited;
    rud_packer request = client->request;
    rud_packer_init(&client->request);
    const rud_status status = configure(client);
    rud_packer_free(&client->request);
    client->request = request;
    client->awaited = awaited;
    return status;
}

rud_status rud_client_configure(rud_client *client, const rud_client_spec *spec,
                                rud_client_task *task)
{
    client->configured = false;
    client->name[0] = '\0';
    RUD_TRY(copy_text("the task's name", spec->name, client->name, sizeof client->name));
    client->final_observation = spec->final_observation;
    client->seed = spec->seed;
    rud_wire_space_free(&client->observation);
    rud_wire_space_free(&client->action);
    RUD_TRY(rud_wire_space_of(spec->observation_space, &client->observation));
    if (spec->action_space != NULL) {
        RUD_TRY(rud_wire_space_of(spec->action_space, &client->action));
    }
    RUD_TRY(configure(client));
    return read_task(client, task);
}

/* Numbers as float64, but whole ones as int64: so a server that infers its spaces finds them. */
static void pack_numbers(rud_packer *packer, const char *key, const double *numbers, size_t rows,
                         size_t width)
{
    const size_t shape[2] = {rows, width};
    bool whole = true;
    for (size_t k = 0; k < rows * width && whole; k++) {
        whole = numbers[k] == floor(numbers[k]) && fabs(numbers[k]) < 9e15;
    }
    rud_pack_key(packer, key);
    rud_pack_tensor(packer, whole ? RUD_INT64 : RUD_FLOAT64, shape, width == 1 ? 1 : 2, numbers);
}

static void pack_episodes(rud_packer *packer, const rud_episode *const *episodes, size_t count)
{
    rud_pack_key(packer, "episodes");
    rud_pack_array(packer, count);
    for (size_t k = 0; k < count; k++) {
        const rud_episode *e = episodes[k];
        rud_pack_open(packer);
        if (e->id != NULL) rud_pack_field_text(packer, "id", e->id);
        pack_numbers(packer, "observations", e->observations, e->observation_rows,
                     e->observation_width);
        if (e->action_width > 0) {
            pack_numbers(packer, "actions", e->actions, e->steps, e->action_width);
        }
        rud_pack_field_row(packer, "rewards", e->rewards, e->steps);
        rud_pack_field_bool(packer, "terminated", e->terminated);
        rud_pack_field_bool(packer, "truncated", e->truncated);
        if (e->has_seed) rud_pack_field_uint(packer, "seed", e->seed);
        rud_pack_close(packer);
    }
}

rud_status rud_client_submit(rud_client *client, const rud_episode *const *episodes, size_t count,
                             size_t *accepted, rud_client_task *task)
{
    rud_problem problem = {0};
    uint64_t number = 0;
    begin_of_task(client, "submit");
    pack_episodes(&client->request, episodes, count);
    RUD_TRY(finish(client, true));
    RUD_TRY(rud_wire_uint((rud_wire_place){"", &problem}, &client->reply.root, "accepted", 0,
                          UINT64_MAX, &number));
    if (accepted != NULL) *accepted = (size_t)number;
    return read_task(client, task);
}

static rud_status read_result(const msgpack_object *map, size_t steps, double *redistributed,
                              rud_redistribution_report *report)
{
    rud_problem problem = {0};
    const rud_wire_place place = {"", &problem};
    const msgpack_object *rewards = NULL;
    rud_tensor_view view;
    *report = (rud_redistribution_report){.prediction = NAN, .quality = NAN};
    if (map->type != MSGPACK_OBJECT_MAP) return rud_error(RUD_EFORMAT, "a result is no map");
    RUD_TRY(rud_wire_need(place, map, "redistributed_rewards", &rewards));
    RUD_TRY(rud_wire_tensor(place, "redistributed_rewards", rewards, &view));
    if (view.count != steps) {
        return rud_error(RUD_EFORMAT, "%zu rewards for an episode of %zu steps", view.count, steps);
    }
    rud_tensor_read(&view, redistributed);
    RUD_TRY(rud_wire_bool(place, map, "ready", &report->ready));
    RUD_TRY(rud_wire_real(place, map, "prediction", -INFINITY, INFINITY, &report->prediction));
    return rud_wire_real(place, map, "quality", -INFINITY, INFINITY, &report->quality);
}

rud_status rud_client_redistribute(rud_client *client, const rud_episode *const *episodes,
                                   size_t count, bool submit, double *const *redistributed,
                                   rud_redistribution_report *reports, rud_client_task *task)
{
    rud_problem problem = {0};
    const msgpack_object *results = NULL;
    begin_of_task(client, "redistribute");
    pack_episodes(&client->request, episodes, count);
    if (submit) rud_pack_field_bool(&client->request, "submit", true);
    RUD_TRY(finish(client, true));
    RUD_TRY(
        rud_wire_need((rud_wire_place){"", &problem}, &client->reply.root, "results", &results));
    if (results->type != MSGPACK_OBJECT_ARRAY || results->via.array.size != count) {
        return rud_error(RUD_EFORMAT, "the reply does not hold %zu results", count);
    }
    for (size_t k = 0; k < count; k++) {
        RUD_TRY(read_result(&results->via.array.ptr[k], episodes[k]->steps, redistributed[k],
                            &reports[k]));
    }
    return read_task(client, task);
}

static rud_status post(rud_client *client, const char *op, const rud_episode *episode, uint64_t *id)
{
    begin_of_task(client, op);
    pack_episodes(&client->request, &episode, 1);
    rud_pack_close(&client->request);
    *id = client->id;
    return send_request(client);
}

rud_status rud_client_post_submit(rud_client *client, const rud_episode *episode, uint64_t *id)
{
    return post(client, "submit", episode, id);
}

rud_status rud_client_post_redistribute(rud_client *client, const rud_episode *episode,
                                        uint64_t *id)
{
    return post(client, "redistribute", episode, id);
}

static rud_status read_answer(const msgpack_object *root, rud_client_answer *answer)
{
    rud_problem problem = {0};
    const rud_wire_place place = {"", &problem};
    const msgpack_object *results = rud_wire_find(root, "results"), *rewards = NULL;
    uint64_t accepted = 0;
    rud_tensor_view view;
    RUD_TRY(rud_wire_uint(place, root, "accepted", 0, SIZE_MAX, &accepted));
    answer->accepted = (size_t)accepted;
    if (results == NULL) return RUD_OK;
    if (results->type != MSGPACK_OBJECT_ARRAY || results->via.array.size != 1 ||
        results->via.array.ptr->type != MSGPACK_OBJECT_MAP) {
        return rud_error(RUD_EFORMAT, "the reply does not hold one result");
    }
    const msgpack_object *result = results->via.array.ptr;
    RUD_TRY(rud_wire_text(place, result, "id", sizeof answer->episode, answer->episode));
    RUD_TRY(rud_wire_need(place, result, "redistributed_rewards", &rewards));
    RUD_TRY(rud_wire_tensor(place, "redistributed_rewards", rewards, &view));
    if (view.count > answer->most_steps) {
        return rud_error(RUD_EFORMAT, "%zu rewards are more than there is room for", view.count);
    }
    answer->steps = view.count;
    return read_result(result, view.count, answer->rewards, &answer->report);
}

rud_status rud_client_take(rud_client *client, rud_client_answer *answer)
{
    bool answered = false;
    double wait = 0;
    answer->id = 0;
    answer->episode[0] = '\0';
    client->error[0] = '\0';
    RUD_TRY(receive(client, true, &answered));
    if (!answered) {
        return rud_error(RUD_EIO, "no answer from %s within %g s", client->address,
                         client->timeout);
    }
    answer->id = rud_wire_find(&client->reply.root, "id")->via.u64;
    RUD_TRY(check_reply(client, &wait));
    return read_answer(&client->reply.root, answer);
}

static void pack_row(rud_packer *packer, const char *key, const rud_wire_space *space,
                     const double *row)
{
    rud_pack_key(packer, key);
    rud_pack_rows(packer, space, row, 1, true);
}

rud_status rud_client_stream(rud_client *client, const rud_client_step *step, double *redistributed,
                             bool *ready)
{
    rud_problem problem = {0};
    const rud_wire_place place = {"", &problem};
    rud_packer *packer = &client->request;
    const bool ends = step->terminated || step->truncated;
    begin(client, "stream.step");
    if (step->t == 0) {
        rud_pack_key(packer, "opens");
        rud_pack_array(packer, 1);
        rud_pack_open(packer);
        rud_pack_field_uint(packer, "stream", step->stream);
        rud_pack_field_text(packer, "episode", step->episode);
        if (client->configured) rud_pack_field_text(packer, "task", client->task);
        rud_pack_close(packer);
    }
    rud_pack_field_uint(packer, "stream", step->stream);
    rud_pack_field_uint(packer, "t", step->t);
    pack_row(packer, "observation", &client->observation, step->observation);
    if (step->action != NULL) pack_row(packer, "action", &client->action, step->action);
    rud_pack_field_real(packer, "reward", step->reward);
    rud_pack_field_bool(packer, "terminated", step->terminated);
    rud_pack_field_bool(packer, "truncated", step->truncated);
    if (ends && step->final_observation != NULL) {
        pack_row(packer, "final_observation", &client->observation, step->final_observation);
    }
    RUD_TRY(finish(client, !ends));
    RUD_TRY(rud_wire_bool(place, &client->reply.root, "ready", ready));
    return rud_wire_real(place, &client->reply.root, "redistributed_reward", -INFINITY, INFINITY,
                         redistributed);
}

rud_status rud_client_train(rud_client *client, uint64_t updates, uint64_t *done,
                            rud_client_task *task)
{
    rud_problem problem = {0};
    uint64_t number = 0;
    begin_of_task(client, "train");
    rud_pack_field_uint(&client->request, "updates", updates);
    RUD_TRY(finish(client, false));
    RUD_TRY(rud_wire_uint((rud_wire_place){"", &problem}, &client->reply.root, "done", 0,
                          UINT64_MAX, &number));
    if (done != NULL) *done = number;
    return read_task(client, task);
}

rud_status rud_client_pause(rud_client *client, bool pause, rud_client_task *task)
{
    begin_of_task(client, pause ? "train.pause" : "train.resume");
    RUD_TRY(finish(client, true));
    return read_task(client, task);
}

static rud_status read_server(const msgpack_object *map, rud_client_server *server)
{
    rud_problem problem = {0};
    const rud_wire_place place = {"server.", &problem};
    if (map->type != MSGPACK_OBJECT_MAP) return rud_error(RUD_EFORMAT, "`server` is no map");
    uint64_t *const counts[] = {&server->sessions, &server->streams, &server->environments,
                                &server->requests, &server->errors,  &server->dropped};
    static const char *const names[] = {"sessions", "streams", "environments",
                                        "requests", "errors",  "dropped"};
    RUD_TRY(rud_wire_text(place, map, "version", sizeof server->version, server->version));
    RUD_TRY(rud_wire_real(place, map, "uptime_seconds", 0, INFINITY, &server->uptime_seconds));
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        RUD_TRY(rud_wire_uint(place, map, names[k], 0, UINT64_MAX, counts[k]));
    }
    return RUD_OK;
}

static rud_status read_tasks(const msgpack_object *list, rud_client_server *server)
{
    if (list->type != MSGPACK_OBJECT_ARRAY) return rud_error(RUD_EFORMAT, "`tasks` is no list");
    const size_t count = list->via.array.size;
    server->tasks = calloc(count + 1, sizeof *server->tasks);
    if (server->tasks == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu tasks", count);
    for (; server->task_count < count; server->task_count++) {
        const msgpack_object *map = &list->via.array.ptr[server->task_count];
        if (map->type != MSGPACK_OBJECT_MAP) return rud_error(RUD_EFORMAT, "a task is no map");
        RUD_TRY(read_task_of(map, &server->tasks[server->task_count]));
    }
    return RUD_OK;
}

rud_status rud_client_status(rud_client *client, rud_client_server *server, rud_client_task *task)
{
    rud_problem problem = {0};
    const rud_wire_place place = {"", &problem};
    const msgpack_object *part = NULL;
    begin_of_task(client, "status");
    RUD_TRY(finish(client, true));
    RUD_TRY(read_task(client, task));
    if (server == NULL) return RUD_OK;
    *server = (rud_client_server){0};
    RUD_TRY(rud_wire_need(place, &client->reply.root, "server", &part));
    RUD_TRY(read_server(part, server));
    RUD_TRY(rud_wire_need(place, &client->reply.root, "tasks", &part));
    const rud_status status = read_tasks(part, server);
    if (status != RUD_OK) rud_client_server_free(server);
    return status;
}

void rud_client_server_free(rud_client_server *server)
{
    free(server->tasks);
    server->tasks = NULL;
    server->task_count = 0;
}

rud_status rud_client_shutdown(rud_client *client)
{
    begin(client, "shutdown");
    return finish(client, false);
}

/* A server in this process, and requests written as JSON. */
#ifndef TESTS_AGENT_BRIDGE_SUPPORT_H
#define TESTS_AGENT_BRIDGE_SUPPORT_H

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <zmq.h>

#include "../harness.h"
#include "agent_bridge/client.h"
#include "agent_bridge/server.h"
#include "agent_bridge/wire_private.h"
#include "agents/rollout.h"
#include "base/stop.h"
#include "envs/env.h"

typedef struct local_server {
    rud_server *server;
    pthread_t thread;
    volatile sig_atomic_t stop;
    rud_status result;
} local_server;

static inline void *local_main(void *argument)
{
    local_server *local = argument;
    local->result = rud_server_run(local->server, &local->stop);
    return NULL;
}

/* Small models and a free port; change the rest before local_start. */
static inline rud_server_options local_options(void)
{
    rud_server_options options = rud_server_options_default();
    snprintf(options.bind, sizeof options.bind, "tcp://127.0.0.1:*");
    options.redistributor.predictor.hidden = 8;
    options.redistributor.training.first_updates = 50;
    options.redistributor.training.updates = 10;
    options.workers = 1;
    return options;
}

static inline void local_start(local_server *local, const rud_server_options *options)
{
    memset(local, 0, sizeof *local);
    const rud_status status = rud_server_create(options, &local->server);
    ck_assert_msg(status == RUD_OK, "%s", rud_last_error());
    ck_assert_int_eq(pthread_create(&local->thread, NULL, local_main, local), 0);
}

static inline void local_stop(local_server *local)
{
    rud_stop_request(&local->stop);
    pthread_join(local->thread, NULL);
    ck_assert_int_eq(local->result, RUD_OK);
    rud_server_free(&local->server);
}

static inline rud_client *local_client(const local_server *local)
{
    rud_client_options options = rud_client_options_default();
    rud_client *client = NULL;
    options.address = rud_server_address(local->server);
    ck_assert_int_eq(rud_client_create(&options, &client), RUD_OK);
    return client;
}

/* Selects the task of coin-walk. */
static inline void configure_coin_walk(rud_client *client, const char *name)
{
    rud_space observation, action;
    ck_assert_int_eq(rud_space_discrete(13, &observation), RUD_OK);
    ck_assert_int_eq(rud_space_discrete(2, &action), RUD_OK);
    const rud_client_spec spec = {.observation_space = &observation,
                                  .action_space = &action,
                                  .final_observation = true,
                                  .name = name};
    const rud_status status = rud_client_configure(client, &spec, NULL);
    ck_assert_msg(status == RUD_OK, "%s", rud_last_error());
    rud_space_free(&observation);
    rud_space_free(&action);
}

/* Episodes of coin-walk with the ids <prefix><number>. */
static inline void coin_walks(size_t count, uint64_t seed, const char *prefix, rud_episodes *list)
{
    const rud_env_options options = rud_env_options_default();
    rud_env *env = NULL;
    ck_assert_int_eq(rud_env_create("coin-walk", &options, 1, &env), RUD_OK);
    rud_env_seed(env, seed);
    for (size_t k = 0; k < count; k++) {
        char id[64];
        rud_rng rng = rud_rng_stream(seed, "test", k);
        rud_episode *episode = NULL;
        ck_assert_int_eq(rud_rollout_random(env, &rng, &episode), RUD_OK);
        snprintf(id, sizeof id, "%s%zu", prefix, k);
        ck_assert_int_eq(rud_episode_set_id(episode, id), RUD_OK);
        ck_assert_int_eq(rud_episodes_add(list, episode), RUD_OK);
    }
    rud_env_free(&env);
}

/* ---- requests as JSON ---- */

/* {"$bin": "00ff"} stands for bytes. */
static inline bool pack_hex(msgpack_packer *packer, json_object *value)
{
    json_object *hex = NULL;
    if (!json_object_object_get_ex(value, "$bin", &hex)) return false;
    const char *text = json_object_get_string(hex);
    const size_t size = strlen(text) / 2;
    msgpack_pack_bin(packer, size);
    for (size_t k = 0; k < size; k++) {
        const char digits[3] = {text[2 * k], text[2 * k + 1], '\0'};
        const char byte = (char)strtol(digits, NULL, 16);
        msgpack_pack_bin_body(packer, &byte, 1);
    }
    return true;
}

static inline void pack_json(msgpack_packer *packer, json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_null:
        msgpack_pack_nil(packer);
        return;
    case json_type_boolean:
        if (json_object_get_boolean(value)) {
            msgpack_pack_true(packer);
        } else {
            msgpack_pack_false(packer);
        }
        return;
    case json_type_double:
        msgpack_pack_double(packer, json_object_get_double(value));
        return;
    case json_type_int:
        msgpack_pack_int64(packer, json_object_get_int64(value));
        return;
    case json_type_string:
        msgpack_pack_str(packer, (size_t)json_object_get_string_len(value));
        msgpack_pack_str_body(packer, json_object_get_string(value),
                              (size_t)json_object_get_string_len(value));
        return;
    case json_type_array:
        msgpack_pack_array(packer, json_object_array_length(value));
        for (size_t k = 0; k < json_object_array_length(value); k++) {
            pack_json(packer, json_object_array_get_idx(value, k));
        }
        return;
    case json_type_object:
        if (pack_hex(packer, value)) return;
        msgpack_pack_map(packer, (size_t)json_object_object_length(value));
        json_object_object_foreach(value, key, member)
        {
            msgpack_pack_str(packer, strlen(key));
            msgpack_pack_str_body(packer, key, strlen(key));
            pack_json(packer, member);
        }
        return;
    }
}

/* A connection of its own: one session. */
typedef struct raw {
    void *context, *socket;
    zmq_msg_t frame;
    rud_message reply; /* views into frame */
} raw;

static inline raw raw_connect(const char *address)
{
    const int linger = 0;
    raw r = {.context = zmq_ctx_new()};
    r.socket = zmq_socket(r.context, ZMQ_DEALER);
    zmq_setsockopt(r.socket, ZMQ_LINGER, &linger, sizeof linger);
    ck_assert_int_eq(zmq_connect(r.socket, address), 0);
    zmq_msg_init(&r.frame);
    return r;
}

static inline void raw_close(raw *r)
{
    rud_message_free(&r->reply);
    zmq_msg_close(&r->frame);
    zmq_close(r->socket);
    zmq_ctx_term(r->context);
}

/* Waits for a reply; false if none comes within `milliseconds`. */
static inline bool raw_receive(raw *r, long milliseconds)
{
    zmq_pollitem_t item = {.socket = r->socket, .events = ZMQ_POLLIN};
    if (zmq_poll(&item, 1, milliseconds) <= 0) return false;
    rud_message_free(&r->reply);
    ck_assert_int_ge(zmq_msg_recv(&r->frame, r->socket, 0), 0);
    ck_assert_int_eq(rud_message_read(zmq_msg_data(&r->frame), zmq_msg_size(&r->frame), &r->reply),
                     RUD_OK);
    return true;
}

static inline void raw_send(raw *r, const char *json)
{
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    json_object *value = json_tokener_parse(json);
    ck_assert_msg(value != NULL, "not JSON: %s", json);
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    pack_json(&packer, value);
    ck_assert_int_ge(zmq_send(r->socket, buffer.data, buffer.size, 0), 0);
    msgpack_sbuffer_destroy(&buffer);
    json_object_put(value);
}

/* A field of the reply, by the path "error.code". */
static inline const msgpack_object *raw_field(const raw *r, const char *path)
{
    const msgpack_object *at = &r->reply.root;
    char part[64];
    while (at != NULL && *path != '\0') {
        const size_t length = strcspn(path, ".");
        snprintf(part, sizeof part, "%.*s", (int)length, path);
        at = at->type == MSGPACK_OBJECT_MAP ? rud_wire_find(at, part) : NULL;
        path += length + (path[length] == '.');
    }
    return at;
}

static inline bool raw_is(const raw *r, const char *path, const char *text)
{
    const msgpack_object *field = raw_field(r, path);
    return field != NULL && rud_wire_text_is(field, text);
}

/* Sends and expects success. */
static inline void raw_ok(raw *r, const char *json)
{
    char code[48] = "";
    raw_send(r, json);
    ck_assert_msg(raw_receive(r, 5000), "no reply to %s", json);
    const msgpack_object *error = raw_field(r, "error.message");
    if (error != NULL) {
        snprintf(code, sizeof code, "%.*s", (int)error->via.str.size, error->via.str.ptr);
    }
    const msgpack_object *ok = raw_field(r, "ok");
    ck_assert_msg(ok != NULL && ok->via.boolean, "%s: %s", json, code);
}

#endif

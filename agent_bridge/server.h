/* The agent bridge's server: agents send episodes over ZeroMQ and get their rewards back
 * redistributed, while the return predictor learns. PROTOCOL.md is the contract on the wire.
 *
 * Threads: the caller's own receives, answers what is small and sends; `workers` threads predict;
 * one keeps episodes durably; one trains. Every reply is made by a complete model: a new one is
 * swapped in by pointer. */
#ifndef RUD_AGENT_BRIDGE_SERVER_H
#define RUD_AGENT_BRIDGE_SERVER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "episodes/features.h"
#include "redistribution/redistributor.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { RUD_ADDRESS_SIZE = 256 };

typedef struct rud_server_limits {
    size_t message_bytes;
    size_t steps;                 /* of an episode */
    size_t episodes;              /* in a message */
    size_t streams, environments; /* of a session */
    size_t copies;                /* of an environment */
    size_t tasks, sessions;
    size_t inputs;          /* of a task's network */
    size_t pending;         /* requests of a session that wait */
    size_t buffered_bytes;  /* of all requests that wait */
    size_t session_seconds; /* idle time after which a session expires */
} rud_server_limits;

typedef struct rud_server_options {
    char bind[RUD_ADDRESS_SIZE];  /* tcp://127.0.0.1:5555; port * takes a free one */
    char state[RUD_ADDRESS_SIZE]; /* folder; "": nothing outlives the server */
    size_t workers;               /* 0: one for each processor */
    rud_server_limits limits;
    uint64_t seed;                           /* of tasks that name none */
    rud_features_options features;           /* of tasks that name none */
    rud_redistributor_options redistributor; /* of all tasks */

    /* Background training publishes a model when its quality exceeds that of the published one on
     * the same episodes by `publish_margin`, `publish_every` episodes after the last at the
     * earliest. */
    size_t publish_every;
    double publish_margin;
    bool background_training; /* false: only `train` trains */

    size_t segment_bytes; /* of the journals, */
    size_t keep_bytes;    /* each of which keeps this much; 0: all */

    bool allow_shutdown; /* by the operation `shutdown` */
    /* CURVE: a file with the server's secret key, and a folder with the public keys of clients
     * that are allowed; both "": none. Without it only loopback addresses are bound, unless
     * `insecure`. */
    char secret_key[RUD_ADDRESS_SIZE];
    char allowed_clients[RUD_ADDRESS_SIZE];
    bool insecure;
} rud_server_options;

rud_server_options rud_server_options_default(void);

typedef struct rud_server rud_server;

/* Binds, locks the state folder and loads what it holds. RUD_EINVAL (options, an address that is
 * not allowed), RUD_ESTATE (another server has the folder or the address), RUD_EIO, RUD_EFORMAT.
 * Caller owns *server. */
rud_status rud_server_create(const rud_server_options *options, rud_server **server);
void rud_server_free(rud_server **server);

/* The address that is bound, its port resolved. View. */
const char *rud_server_address(const rud_server *server);

/* Serves until *stop is not 0 or a client shut it down; then drains and keeps the state. */
rud_status rud_server_run(rud_server *server, const volatile sig_atomic_t *stop);

#ifdef __cplusplus
}
#endif
#endif

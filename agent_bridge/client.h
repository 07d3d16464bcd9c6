/* A client of the agent bridge: blocking calls over one connection. PROTOCOL.md says what each
 * operation does. A client belongs to one thread at a time.
 *
 * A call that gets no answer in time fails with RUD_EIO and a message that names the address; the
 * connection is made anew then, and the session goes on. Where a second try is harmless (all but
 * train and the steps of environments), it is made. `busy` is waited out. What the server refuses
 * is RUD_EINVAL, or RUD_ESTATE, or as rud_client_error names it. */
#ifndef RUD_AGENT_BRIDGE_CLIENT_H
#define RUD_AGENT_BRIDGE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/space.h"
#include "episodes/episode.h"
#include "redistribution/redistributor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rud_client_options {
    const char *address; /* tcp://127.0.0.1:5555 */
    double timeout;      /* [seconds] of one try; progress of a long call restarts it; 10 */
    /* CURVE keys as Z85 text; all NULL: none */
    const char *server_key, *public_key, *secret_key;
} rud_client_options;

rud_client_options rud_client_options_default(void);

typedef struct rud_client rud_client;

/* Does not wait for the server. Copies the options. Caller owns *client. */
rud_status rud_client_create(const rud_client_options *options, rud_client **client);
void rud_client_free(rud_client **client);

/* Of later calls [seconds]. */
void rud_client_set_timeout(rud_client *client, double timeout);

/* The protocol's code of the last error that the server told, such as "wrong_shape"; "" if the
 * last call did not fail so. View until the next call. */
const char *rud_client_error(const rud_client *client);

/* What replies tell of the task. */
typedef struct rud_client_task {
    char task[32];
    uint64_t model_version;
    bool ready;
    double quality; /* NaN: not known yet */
    uint64_t episodes, updates;
} rud_client_task;

typedef struct rud_client_spec {
    const rud_space *observation_space;
    const rud_space *action_space; /* NULL: none */
    bool final_observation;
    uint64_t seed;
    const char *name; /* may be NULL */
} rud_client_spec;

/* Selects or creates the task of later calls, which go on with it whatever becomes of the session;
 * a server that does not know it any more is told again (not of what is posted: `unknown_task`).
 * task may be NULL. */
rud_status rud_client_configure(rud_client *client, const rud_client_spec *spec,
                                rud_client_task *task);

/* How many of the episodes, which need ids, were new; task and accepted may be NULL. */
rud_status rud_client_submit(rud_client *client, const rud_episode *const *episodes, size_t count,
                             size_t *accepted, rud_client_task *task);

/* redistributed[count], [T] each, and reports[count] out; submit: keeps the episodes too. task may
 * be NULL. */
rud_status rud_client_redistribute(rud_client *client, const rud_episode *const *episodes,
                                   size_t count, bool submit, double *const *redistributed,
                                   rud_redistribution_report *reports, rud_client_task *task);

/* Pipelining: one episode is sent, and *id says which request it was; nothing is waited for. */
rud_status rud_client_post_submit(rud_client *client, const rud_episode *episode, uint64_t *id);
rud_status rud_client_post_redistribute(rud_client *client, const rud_episode *episode,
                                        uint64_t *id);

/* The next answer to anything that was posted, in whatever order. rewards[most_steps] and *report
 * of a redistribution; *accepted of a submission. What the server refused is told as elsewhere,
 * with the *id; *id is 0 where no answer came in time. */
typedef struct rud_client_answer {
    uint64_t id;
    char episode[160]; /* id; "" of a submission */
    double *rewards;   /* [most_steps], the caller's; of a redistribution */
    size_t most_steps, steps;
    rud_redistribution_report report;
    size_t accepted;
} rud_client_answer;
rud_status rud_client_take(rud_client *client, rud_client_answer *answer);

/* A stream's first step opens it: number, episode's id, t = 0. */
typedef struct rud_client_step {
    uint32_t stream;
    const char *episode; /* id */
    size_t t;
    const double *observation; /* [width] */
    const double *action;      /* [width]; NULL: none */
    double reward;
    bool terminated, truncated;
    const double *final_observation; /* [width]; where the episode ends and the task has one */
} rud_client_step;

/* The widths are those of the spaces that rud_client_configure was given. */
rud_status rud_client_stream(rud_client *client, const rud_client_step *step, double *redistributed,
                             bool *ready);

/* Updates now; pauses background training. done may be NULL. */
rud_status rud_client_train(rud_client *client, uint64_t updates, uint64_t *done,
                            rud_client_task *task);
rud_status rud_client_pause(rud_client *client, bool pause, rud_client_task *task);

typedef struct rud_client_server {
    char version[32];
    double uptime_seconds;
    uint64_t sessions, streams, environments, requests, errors, dropped;
    rud_client_task *tasks; /* [task_count]; freed by rud_client_server_free */
    size_t task_count;
} rud_client_server;

/* server and task may be NULL; task->task is "" where none is selected. */
rud_status rud_client_status(rud_client *client, rud_client_server *server, rud_client_task *task);
void rud_client_server_free(rud_client_server *server);

rud_status rud_client_shutdown(rud_client *client);

#ifdef __cplusplus
}
#endif
#endif

/* The parts of the server. The front thread owns the socket, sessions, streams and environments;
 * the trainer owns each task's learner; what they share stands behind locks. */
#ifndef RUD_AGENT_BRIDGE_SERVER_PRIVATE_H
#define RUD_AGENT_BRIDGE_SERVER_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include <zmq.h>

#include "agent_bridge/server.h"
#include "agent_bridge/values_private.h"
#include "envs/env.h"
#include "episodes/journal.h"
#include "redistribution/explainer.h"

enum { RUD_IDENTITY_MAX = 255, RUD_REQUEST_ID_MAX = 64 };

typedef struct rud_task rud_task;
typedef struct rud_session rud_session;
typedef struct rud_request rud_request;
typedef struct rud_stream rud_stream;
typedef struct rud_worker rud_worker;

/* ---- published models ---- */

/* A complete model that does not change any more; counted by those who hold it. */
typedef struct rud_model {
    atomic_size_t holders;
    uint64_t version;
    rud_predictor *predictor;
} rud_model;

void rud_model_release(rud_model **model);

/* ---- tasks ---- */

/* What others than the trainer see of a task. */
typedef struct rud_task_view {
    rud_model *model; /* held */
    rud_gate_state gate;
    double target_mean, target_std; /* of the training returns */
    uint64_t episodes;              /* distinct acknowledged ids */
    rud_redistributor_state state;  /* of the learner */
    size_t lessons;
    bool paused, running; /* background training */
} rud_task_view;

/* What a client last asked of background training. */
typedef enum rud_pausing {
    RUD_PAUSING_NONE, /* nothing: as the server is configured */
    RUD_PAUSING_RESUMED,
    RUD_PAUSING_PAUSED,
} rud_pausing;

struct rud_task {
    char key[RUD_TASK_KEY + 1];
    rud_task_spec spec;
    atomic_bool inferred; /* from episodes; nobody has given the specification yet */
    size_t index;
    char *folder; /* of its state */

    pthread_mutex_t lock; /* of `view` and `paused` */
    rud_task_view view;
    bool paused;

    /* of the storage thread */
    rud_journal *journal;

    /* of the trainer */
    rud_redistributor *learner;
    rud_predictor *predicting;     /* a copy of the published model, with memory of its own */
    rud_quality published_quality; /* of the published model */
    uint64_t last_version;         /* the highest that was ever given to a model */
    rud_pausing pausing;
    size_t updates_published; /* of the learner, when its model was published */
    size_t since_published;   /* episodes */
    size_t round;             /* updates left of this round of background training */
    bool diverged;
    uint64_t taken;                /* episodes of the journal that were taken in, cut ones too */
    bool unsaved;                  /* something has changed since the checkpoint */
    bool save_failed;              /* and the checkpoint could not be written */
    rud_request *held, **held_end; /* an explicit training, and what has to wait for it */
};

/* A snapshot, whose model the caller releases. */
rud_task_view rud_task_look(rud_task *task);

/* Makes a task known to all threads. */
void rud_server_add_task(rud_server *server, rud_task *task);

rud_status rud_task_create(rud_server *server, rud_task_spec *spec, bool inferred, rud_task **task);
void rud_task_free(rud_task **task);

/* What happens where a request names no task and the session has none. */
typedef enum rud_selection {
    RUD_SELECT_NEED,  /* an error */
    RUD_SELECT_INFER, /* from the request's episodes */
    RUD_SELECT_ONLY,  /* the only task there is, else an error */
    RUD_SELECT_MAYBE, /* the only task there is, else none */
} rud_selection;

/* The task that a request, or a map in it, means (PROTOCOL.md, section 3): request->task. */
rud_status rud_task_select(rud_server *server, rud_session *session, rud_request *request,
                           const msgpack_object *map, rud_selection selection);

/* Writes the specification into the task's folder; loads all tasks of the state folder. */
rud_status rud_task_keep_spec(const rud_task *task);
rud_status rud_tasks_load(rud_server *server);

/* "task", "model_version", "ready", ... of a reply. */
void rud_pack_task(rud_packer *packer, const rud_task *task, const rud_task_view *view);

/* ---- requests ---- */

/* How a request goes on after a step of its work. */
typedef enum rud_next {
    RUD_NEXT_REPLY,   /* the reply is whole */
    RUD_NEXT_WORK,    /* a worker does the rest */
    RUD_NEXT_STORAGE, /* a worker does its part if there is one; then the storage thread and the
                         trainer, in the order of arrival */
} rud_next;

typedef struct rud_operation {
    const char *name;
    const char *const *fields; /* version, id, op, lists and its own; NULL behind the last */
    /* On the front thread. */
    rud_status (*begin)(rud_server *server, rud_session *session, rud_request *request);
    /* By a worker, for those whose next is WORK. NULL: redistribute, which is worked on together
     * with others (`batched`). */
    rud_status (*work)(rud_worker *worker, rud_request *request);
    /* By the trainer, for those whose next is STORAGE: finishes the reply. */
    rud_status (*finish)(rud_request *request);
    bool batched;
    bool quick; /* of few episodes: the front thread may do it */
} rud_operation;

extern const rud_operation rud_operations[];
extern const size_t rud_operation_count;

/* One request on its way. */
struct rud_request {
    rud_request *next, *next_stored;
    unsigned char identity[RUD_IDENTITY_MAX];
    size_t identity_size;
    zmq_msg_t frame;
    bool has_frame;
    size_t bytes; /* counted as buffered */
    bool has_id;
    rud_message message;
    bool is_progress; /* not a reply: the request goes on */
    bool id_is_text;
    uint64_t id_number;
    char id_text[RUD_REQUEST_ID_MAX + 1];
    const rud_operation *operation;
    rud_task *task;
    bool by_chance; /* the task is the only one there is: the session does not select it */
    rud_next next_step;

    rud_packer reply; /* open: its map is closed by the sender */
    rud_status status;
    rud_problem problem;
    char message_text[512]; /* of the failure */

    /* submit, redistribute and the end of streams */
    rud_episode **episodes; /* [count] */
    size_t count;
    bool *added;       /* [count] set by the storage thread */
    rud_status stored; /* of the journal, with its message in message_text */
    bool store, created;
    bool terminal; /* time_limit */
    rud_redistribution_options redistribution;
    bool prepared; /* the storage thread may take it */
    void *context; /* of the operation; freed by `free_context` */
    void (*free_context)(void *context);

    /* train: updates > 0; train.pause and train.resume: pausing */
    uint64_t updates, done;
    double reported; /* when progress was told last */
    bool pausing, pause;
    bool weights; /* model */
};

/* The episodes of a message, by the rules of its task. */
rud_status rud_request_read_episodes(rud_server *server, rud_request *request);

/* Opens the reply: version, id, ok. */
void rud_reply_open(rud_request *request);

/* Gives a request that is answered back to the front thread, which sends and frees it. Any thread.
 */
void rud_server_answer(rud_server *server, rud_request *request, rud_status status);

/* Sends a progress message for a request that goes on. Any thread. */
void rud_server_progress(rud_server *server, const rud_request *request, uint64_t done,
                         uint64_t total);

void rud_request_free(rud_request **request);

/* ---- sessions ---- */

typedef struct rud_remote_env {
    uint32_t handle;
    rud_env *env;
    rud_wire_space observation, action;
    bool vector;
    unsigned autoreset;
    bool was_reset;
    double *observations, *actions, *rewards, *finals;
    bool *terminated, *truncated, *over, *mask;
} rud_remote_env;

struct rud_session {
    rud_session *next;          /* of the same slot */
    rud_session *older, *newer; /* in the order of last_seen */
    unsigned char identity[RUD_IDENTITY_MAX];
    size_t identity_size;
    double last_seen; /* [seconds] */
    size_t pending;
    rud_task *task; /* selected */
    rud_stream **streams;
    size_t stream_count, stream_capacity; /* in the order of their numbers */
    rud_remote_env **envs;
    size_t env_count, env_capacity;
    uint32_t next_env;
};

enum { RUD_SESSION_SLOTS = 1024 };

typedef struct rud_sessions {
    rud_session *slots[RUD_SESSION_SLOTS];
    rud_session *oldest, *newest; /* by last_seen */
    size_t count, streams, envs;
} rud_sessions;

rud_session *rud_sessions_find(const rud_sessions *sessions, const unsigned char *identity,
                               size_t size);
rud_status rud_sessions_add(rud_sessions *sessions, const unsigned char *identity, size_t size,
                            rud_session **session);
/* Its client was seen. */
void rud_sessions_touch(rud_sessions *sessions, rud_session *session, double now);
/* Ends the longest idle session that has nothing open, or else the longest idle one if it was not
 * seen since `before`; false if there is none of either kind. */
bool rud_sessions_make_room(rud_sessions *sessions, double before);
/* Ends those not seen since `before`. */
void rud_sessions_expire(rud_sessions *sessions, double before);
void rud_sessions_free(rud_sessions *sessions);

void rud_stream_free(rud_stream **stream);
void rud_remote_env_free(rud_remote_env **env);

/* ---- queues and threads ---- */

typedef struct rud_queue {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    rud_request *first, **last;
    size_t count;
    bool closed;
} rud_queue;

void rud_queue_init(rud_queue *queue);
void rud_queue_free(rud_queue *queue);
void rud_queue_push(rud_queue *queue, rud_request *request);

/* Everything that waits, as a list; waits for something, at most `seconds`. */
rud_request *rud_queue_take(rud_queue *queue, double seconds);

/* Wakes those who wait; they get what is left, then NULL. */
void rud_queue_close(rud_queue *queue);
bool rud_queue_is_closed(rud_queue *queue);

/* Requests for the storage thread in their order of arrival; each is taken once it is prepared and
 * all before it are. */
typedef struct rud_storage {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    rud_request *first, **last;
    bool closed;
} rud_storage;

void rud_storage_init(rud_storage *storage);
void rud_storage_free(rud_storage *storage);
void rud_storage_push(rud_storage *storage, rud_request *request);
void rud_storage_prepared(rud_storage *storage, rud_request *request);
void rud_storage_close(rud_storage *storage);

/* A thread's own copy of a task's model. */
typedef struct rud_worker_copy {
    uint64_t version;
    rud_predictor *predictor;
    rud_explainer *explainer;   /* by the configured method */
    rud_explainer *differences; /* by differences of predictions */
} rud_worker_copy;

/* One thread that predicts, with memory of its own. */
struct rud_worker {
    rud_server *server;
    pthread_t thread;
    bool started;
    rud_worker_copy *copies; /* [limits.tasks] */
};

rud_status rud_worker_init(rud_worker *worker, rud_server *server);
void rud_worker_free(rud_worker *worker);

/* The worker's own copy of a model. View. */
rud_status rud_worker_model(rud_worker *worker, rud_task *task, const rud_model *model,
                            rud_worker_copy **copy);

void *rud_worker_main(void *worker);
void *rud_storage_main(void *server);
void *rud_trainer_main(void *server);

/* Does the work of one request, or of several redistributions of one task, and passes them on. */
void rud_work(rud_worker *worker, rud_request *requests);

/* Passes a request on after its work. */
void rud_server_pass(rud_server *server, rud_request *request, rud_status status);

/* A task that is new or has been loaded: learner and published model from what its folder holds. */
rud_status rud_trainer_start_task(rud_server *server, rud_task *task);

/* Its learner as of a new task. */
rud_status rud_task_create_learner(const rud_server *server, rud_task *task);

typedef struct rud_counters {
    atomic_uint_fast64_t requests, errors, dropped, undelivered;
    atomic_size_t buffered;
} rud_counters;

struct rud_server {
    rud_server_options options;
    char address[RUD_ADDRESS_SIZE];
    double started;
    void *context, *router;
    struct rud_guard *guard; /* CURVE; NULL: none */
    int wake[2];             /* answers wait: a byte in a pipe */
    atomic_bool woken;
    char *state;    /* folder */
    bool keeps;     /* the state outlives the server */
    int state_lock; /* file; -1: none */
    rud_counters counters;

    rud_task **tasks; /* [limits.tasks] */
    size_t task_count;
    rud_sessions sessions;
    rud_worker front; /* the front thread's own */
    rud_worker *workers;
    size_t worker_count;
    pthread_t storage, trainer;
    bool storage_started, trainer_started;

    rud_queue work, training, answers;
    rud_request *blocked; /* answered, but the client does not read */
    rud_storage stored;
    pthread_mutex_t task_lock; /* of the list of tasks */
    bool closing;              /* `shutdown` was asked for */
    atomic_bool ending;        /* what still waits is refused */
};

/* Lets every thread finish what it has. */
void rud_server_join(rud_server *server);

/* What `top -H` shows of the calling thread; at most 15 characters. */
void rud_name_thread(const char *name);

double rud_now(void); /* seconds of a clock that only goes on */

#endif

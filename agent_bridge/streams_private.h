/* Streams: the rewards of an episode while it runs. Of the front thread. */
#ifndef RUD_AGENT_BRIDGE_STREAMS_PRIVATE_H
#define RUD_AGENT_BRIDGE_STREAMS_PRIVATE_H

#include "agent_bridge/operations_private.h"

/* A stream keeps the model and the readiness that it was opened with. Its episode's arrays have
 * room for `capacity` steps. */
struct rud_stream {
    uint32_t number;
    rud_task *task;
    rud_model *model; /* held */
    bool ready;
    double target_std;
    rud_redistribution_options redistribution;
    bool terminal, store;
    rud_prediction_stream *prediction;
    char id[RUD_EPISODE_ID + 1];
    size_t steps, capacity;
    double *observations; /* [capacity + 1][width] */
    double *actions;      /* [capacity][width] */
    double *rewards;      /* [capacity] */
    double *g;            /* [capacity + 1] predictions */
    double weight;        /* gamma^steps */
    double last_reward;   /* what the last step was given */
};

/* How an episode ended. */
typedef struct rud_stream_end {
    size_t index; /* row of the message */
    uint32_t number;
    char id[RUD_EPISODE_ID + 1];
    size_t steps;
    double *rewards; /* [steps] redistributed; owned */
    double correction, prediction, quality;
    bool ready, cut, store;
    size_t stored; /* index among the request's episodes, if store */
} rud_stream_end;

/* NULL if there is none of that number. */
rud_stream *rud_stream_find(const rud_session *session, uint32_t number);

/* Opens the stream that a map describes; *opened: it was not open already. */
rud_status rud_stream_open(rud_server *server, rud_session *session, rud_request *request,
                           const msgpack_object *map, rud_stream **stream, bool *opened);

/* Closes and frees. */
void rud_stream_close(rud_server *server, rud_session *session, rud_stream *stream);

/* Makes room for one step more. */
rud_status rud_stream_reserve(rud_server *server, rud_stream *stream);

/* One step, for which room was reserved; *reward is what it is given. */
rud_status rud_stream_step(rud_stream *stream, const double *observation, const double *action,
                           double original, double *reward);

/* The episode ends: what it was worth. final_observation: NULL where the task needs none. The
 * episode goes to request->episodes if it is to be stored. */
rud_status rud_stream_finish(rud_stream *stream, const double *final_observation, bool terminated,
                             bool truncated, rud_request *request, rud_stream_end *end);

#endif

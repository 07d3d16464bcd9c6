#include "agent_bridge/streams_private.h"

#include <stdlib.h>
#include <string.h>

void rud_stream_free(rud_stream **stream)
{
    rud_stream *s = *stream;
    if (s == NULL) return;
    rud_prediction_stream_free(&s->prediction);
    rud_model_release(&s->model);
    free(s->observations);
    free(s->actions);
    free(s->rewards);
    free(s->g);
    free(s);
    *stream = NULL;
}

/* Where a stream of that number stands, or would. */
static size_t place_of(const rud_session *session, uint32_t number)
{
    size_t low = 0, high = session->stream_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (session->streams[middle]->number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

rud_stream *rud_stream_find(const rud_session *session, uint32_t number)
{
    const size_t place = place_of(session, number);
    if (place == session->stream_count || session->streams[place]->number != number) return NULL;
    return session->streams[place];
}

static rud_status insert(rud_server *server, rud_session *session, rud_stream *stream)
{
    if (session->stream_count == session->stream_capacity) {
        const size_t capacity = session->stream_capacity > 0 ? 2 * session->stream_capacity : 8;
        rud_stream **grown = realloc(session->streams, capacity * sizeof *grown);
        if (grown == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu streams", capacity);
        session->streams = grown;
        session->stream_capacity = capacity;
    }
    const size_t place = place_of(session, stream->number);
    memmove(session->streams + place + 1, session->streams + place,
            (session->stream_count - place) * sizeof(rud_stream *));
    session->streams[place] = stream;
    session->stream_count++;
    server->sessions.streams++;
    return RUD_OK;
}

void rud_stream_close(rud_server *server, rud_session *session, rud_stream *stream)
{
    const size_t place = place_of(session, stream->number);
    session->stream_count--;
    server->sessions.streams--;
    memmove(session->streams + place, session->streams + place + 1,
            (session->stream_count - place) * sizeof(rud_stream *));
    rud_stream_free(&stream);
}

/* ---- open ---- */

static rud_status read_options(rud_server *server, rud_request *request, const msgpack_object *map,
                               rud_stream *stream)
{
    static const char *const time_limits[] = {"cut", "terminal", NULL};
    const rud_wire_place place = {"", &request->problem};
    const msgpack_object *found = NULL;
    uint64_t number = 0;
    unsigned time_limit = 0;
    RUD_TRY(rud_wire_need(place, map, "stream", &found));
    RUD_TRY(rud_wire_uint(place, map, "stream", 0, UINT32_MAX, &number));
    RUD_TRY(rud_wire_need(place, map, "episode", &found));
    RUD_TRY(rud_wire_text(place, map, "episode", sizeof stream->id, stream->id));
    if (stream->id[0] == '\0') {
        return rud_problem_set(&request->problem, RUD_PROBLEM_WRONG_VALUE, "", "episode",
                               "it is empty");
    }
    stream->number = (uint32_t)number;
    stream->redistribution = server->options.redistributor.redistribution;
    stream->redistribution.correction = RUD_CORRECTION_LAST;
    stream->store = true;
    RUD_TRY(rud_wire_real(place, map, "mix", 0, 1, &stream->redistribution.mix));
    RUD_TRY(rud_wire_choice(place, map, "time_limit", time_limits, &time_limit));
    stream->terminal = time_limit == 1;
    return rud_wire_bool(place, map, "submit", &stream->store);
}

static rud_status start(rud_server *server, rud_session *session, rud_request *request,
                        rud_stream *stream)
{
    const size_t most = server->options.limits.streams;
    if (session->stream_count >= most) {
        return rud_problem_set(&request->problem, RUD_PROBLEM_TOO_MANY, "", "stream",
                               "this client has its %zu streams", most);
    }
    rud_task_view view = rud_task_look(request->task);
    stream->task = request->task;
    stream->model = view.model; /* held for the stream */
    stream->ready = view.gate.ready;
    stream->target_std = view.target_std;
    const rud_status status =
        rud_prediction_stream_create(stream->model->predictor, &stream->prediction);
    if (status == RUD_EINVAL) request->problem.code = RUD_PROBLEM_UNSUPPORTED;
    return status;
}

/* The same again is harmless, also together with the first step: that may have been carried out. */
static rud_status check_open(rud_request *request, const rud_stream *open, const rud_stream *asked)
{
    if (open->steps <= 1 && strcmp(open->id, asked->id) == 0) return RUD_OK;
    return rud_problem_set(&request->problem, RUD_PROBLEM_OUT_OF_ORDER, "", "stream",
                           "stream %u is open for episode \"%s\" with %zu steps: close it first",
                           open->number, open->id, open->steps);
}

static rud_status try_open(rud_server *server, rud_session *session, rud_request *request,
                           const msgpack_object *map, rud_stream *stream)
{
    RUD_TRY(rud_task_select(server, session, request, map, RUD_SELECT_NEED));
    RUD_TRY(start(server, session, request, stream));
    return insert(server, session, stream);
}

rud_status rud_stream_open(rud_server *server, rud_session *session, rud_request *request,
                           const msgpack_object *map, rud_stream **stream, bool *opened)
{
    rud_stream *made = calloc(1, sizeof *made);
    *opened = false;
    *stream = NULL;
    if (made == NULL) return rud_error(RUD_ENOMEM, "no memory for a stream");
    rud_status status = read_options(server, request, map, made);
    rud_stream *open = status == RUD_OK ? rud_stream_find(session, made->number) : NULL;
    if (open != NULL) {
        status = check_open(request, open, made);
        request->task = open->task;
        rud_stream_free(&made);
        *stream = open;
        return status;
    }
    if (status == RUD_OK) status = try_open(server, session, request, map, made);
    if (status != RUD_OK) {
        rud_stream_free(&made);
        return status;
    }
    *stream = made;
    *opened = true;
    return RUD_OK;
}

/* ---- steps ---- */

static bool grow(double **array, size_t count)
{
    double *grown = realloc(*array, (count > 0 ? count : 1) * sizeof *grown);
    if (grown != NULL) *array = grown;
    return grown != NULL;
}

rud_status rud_stream_reserve(rud_server *server, rud_stream *stream)
{
    if (stream->steps < stream->capacity) return RUD_OK;
    const size_t most = server->options.limits.steps;
    size_t capacity = stream->capacity > 0 ? 2 * stream->capacity : 64;
    if (capacity > most) capacity = most;
    const size_t width = stream->task->spec.observation.space.width;
    if (!grow(&stream->observations, (capacity + 1) * width) ||
        !grow(&stream->actions, capacity * stream->task->spec.action.space.width) ||
        !grow(&stream->rewards, capacity) || !grow(&stream->g, capacity + 1)) {
        return rud_error(RUD_ENOMEM, "no memory for an episode of %zu steps", capacity);
    }
    stream->capacity = capacity;
    return RUD_OK;
}

rud_status rud_stream_step(rud_stream *stream, const double *observation, const double *action,
                           double original, double *reward)
{
    const size_t t = stream->steps, width = stream->task->spec.observation.space.width;
    const size_t action_width = stream->task->spec.action.space.width;
    const double w = stream->redistribution.mix;
    if (t == 0) stream->weight = 1;
    RUD_TRY(rud_prediction_stream_step(stream->prediction, observation,
                                       action_width > 0 ? action : NULL, &stream->g[t]));
    memcpy(stream->observations + t * width, observation, width * sizeof *observation);
    if (action_width > 0) {
        memcpy(stream->actions + t * action_width, action, action_width * sizeof *action);
    }
    stream->rewards[t] = original;
    double difference = stream->g[t] - (t > 0 ? stream->g[t - 1] : 0);
    if (t == 0 && stream->redistribution.baseline == RUD_BASELINE_MEAN) {
        difference -= rud_predictor_target_mean(stream->model->predictor);
    }
    *reward = stream->ready ? (1 - w) * stream->weight * original + w * difference : original;
    stream->last_reward = *reward;
    stream->weight *= rud_predictor_discount(stream->model->predictor);
    stream->steps++;
    return RUD_OK;
}

/* ---- the end ---- */

static rud_status make_episode(const rud_stream *stream, bool final, bool terminated,
                               bool truncated, rud_episode **episode)
{
    const size_t T = stream->steps, rows = T + (final ? 1 : 0);
    const size_t width = stream->task->spec.observation.space.width;
    const size_t action_width = stream->task->spec.action.space.width;
    RUD_TRY(rud_episode_create(T, rows, width, action_width, episode));
    memcpy((*episode)->observations, stream->observations, rows * width * sizeof(double));
    if (action_width > 0) {
        memcpy((*episode)->actions, stream->actions, T * action_width * sizeof(double));
    }
    memcpy((*episode)->rewards, stream->rewards, T * sizeof(double));
    (*episode)->terminated = terminated || (stream->terminal && truncated);
    (*episode)->truncated = truncated;
    const rud_status status = rud_episode_set_id(*episode, stream->id);
    if (status != RUD_OK) rud_episode_free(episode);
    return status;
}

static rud_status keep_episode(rud_request *request, rud_episode *episode)
{
    rud_episode **grown =
        realloc(request->episodes, (request->count + 1) * sizeof *request->episodes);
    if (grown == NULL) {
        rud_episode_free(&episode);
        return rud_error(RUD_ENOMEM, "no memory for an episode");
    }
    request->episodes = grown;
    request->episodes[request->count++] = episode;
    request->store = true;
    return RUD_OK;
}

/* Caller owns *discounted. */
static rud_status discount_rewards(const rud_stream *stream, double **discounted)
{
    const double gamma = rud_predictor_discount(stream->model->predictor);
    double weight = 1;
    *discounted = malloc(stream->steps * sizeof **discounted);
    if (*discounted == NULL) {
        return rud_error(RUD_ENOMEM, "no memory for %zu rewards", stream->steps);
    }
    for (size_t t = 0; t < stream->steps; t++, weight *= gamma) {
        (*discounted)[t] = weight * stream->rewards[t];
    }
    return RUD_OK;
}

/* Rewards of the whole episode: what its steps were given, the last one corrected; where it is cut,
 * the original ones. discounted [T]: gamma^t r_t, which make up the return that is predicted. */
static rud_status reward_all(const rud_stream *stream, size_t inputs, const double *discounted,
                             rud_stream_end *end)
{
    const size_t T = stream->steps;
    double G = 0;
    for (size_t t = 0; t < T; t++) G += discounted[t];
    end->prediction = stream->g[inputs - 1];
    end->quality = rud_episode_quality(G - end->prediction, stream->target_std);
    end->rewards = malloc(T * sizeof *end->rewards);
    if (end->rewards == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu rewards", T);
    if (!end->ready) {
        memcpy(end->rewards, stream->rewards, T * sizeof *end->rewards);
        return RUD_OK;
    }
    rud_prediction_differences(stream->g, inputs, T, end->rewards);
    RUD_TRY(rud_redistribute(&stream->redistribution, end->rewards, end->prediction, discounted, T,
                             rud_predictor_target_mean(stream->model->predictor), end->rewards));
    end->correction = end->rewards[T - 1] - stream->last_reward;
    return RUD_OK;
}

rud_status rud_stream_finish(rud_stream *stream, const double *final_observation, bool terminated,
                             bool truncated, rud_request *request, rud_stream_end *end)
{
    const size_t T = stream->steps, width = stream->task->spec.observation.space.width;
    size_t inputs = T;
    *end = (rud_stream_end){.number = stream->number,
                            .steps = T,
                            .cut = truncated && !terminated && !stream->terminal,
                            .store = stream->store};
    memcpy(end->id, stream->id, sizeof end->id);
    end->ready = stream->ready && !end->cut;
    if (final_observation != NULL) {
        memcpy(stream->observations + T * width, final_observation, width * sizeof(double));
        RUD_TRY(rud_prediction_stream_step(stream->prediction, final_observation, NULL,
                                           &stream->g[inputs++]));
    }
    double *discounted = NULL;
    RUD_TRY(discount_rewards(stream, &discounted));
    const rud_status status = reward_all(stream, inputs, discounted, end);
    free(discounted);
    RUD_TRY(status);
    if (!stream->store) return RUD_OK;
    rud_episode *episode = NULL;
    RUD_TRY(make_episode(stream, final_observation != NULL, terminated, truncated, &episode));
    end->stored = request->count;
    return keep_episode(request, episode);
}

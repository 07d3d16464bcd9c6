/* stream.open, stream.step, stream.close. */
#include <stdlib.h>
#include <string.h>

#include "agent_bridge/streams_private.h"

/* Episodes that ended in a request: request->context. */
typedef struct ends {
    rud_stream_end *items; /* [count] */
    size_t count;
    bool one; /* a single stream: the reply's field is a map, not a list */
    bool close;
} ends;

static void free_ends(void *context)
{
    ends *all = context;
    for (size_t k = 0; k < all->count; k++) free(all->items[k].rewards);
    free(all->items);
    free(all);
}

static rud_status make_ends(rud_request *request, size_t most, ends **made)
{
    *made = calloc(1, sizeof **made);
    if (*made != NULL) (*made)->items = calloc(most, sizeof *(*made)->items);
    if (*made == NULL || (*made)->items == NULL) {
        free(*made);
        return rud_error(RUD_ENOMEM, "no memory for %zu streams", most);
    }
    request->context = *made;
    request->free_context = free_ends;
    return RUD_OK;
}

static void pack_end(rud_request *request, const rud_stream_end *end)
{
    rud_packer *reply = &request->reply;
    rud_pack_field_uint(reply, "stream", end->number);
    rud_pack_field_text(reply, "episode", end->id);
    rud_pack_field_row(reply, "redistributed_rewards", end->rewards, end->steps);
    rud_pack_field_real(reply, "correction", end->correction);
    rud_pack_field_real(reply, "prediction", end->prediction);
    rud_pack_field_real(reply, "quality", end->quality);
    rud_pack_field_bool(reply, "ready", end->ready);
    rud_pack_field_bool(reply, "cut", end->cut);
    const bool stored = end->store && request->stored == RUD_OK;
    rud_pack_field_bool(reply, "accepted", stored && request->added[end->stored]);
    if (!end->store || request->stored == RUD_OK) return;
    rud_pack_key(reply, "error");
    rud_pack_open(reply);
    rud_pack_field_text(
        reply, "code",
        rud_problem_name(request->stored == RUD_EIO ? RUD_PROBLEM_STORAGE : RUD_PROBLEM_INTERNAL));
    rud_pack_field_text(reply, "message", request->message_text);
    rud_pack_close(reply);
}

/* What ended, behind what the reply holds already. */
rud_status rud_finish_stream(rud_request *request)
{
    const ends *all = request->context;
    rud_packer *reply = &request->reply;
    if (all->close) {
        pack_end(request, &all->items[0]);
    } else if (all->count > 0) {
        rud_pack_key(reply, "ended");
        if (!all->one) rud_pack_array(reply, all->count);
        for (size_t k = 0; k < all->count; k++) {
            rud_pack_open(reply);
            if (!all->one) rud_pack_field_uint(reply, "index", all->items[k].index);
            pack_end(request, &all->items[k]);
            rud_pack_close(reply);
        }
    }
    /* The episode's rewards were given whether it could be kept or not. */
    request->stored = RUD_OK;
    return RUD_OK;
}

static rud_status finish_or_store(rud_request *request)
{
    if (request->store) {
        request->next_step = RUD_NEXT_STORAGE;
        return RUD_OK;
    }
    return rud_finish_stream(request);
}

/* ---- open ---- */

rud_status rud_begin_stream_open(rud_server *server, rud_session *session, rud_request *request)
{
    rud_stream *stream = NULL;
    bool opened = false;
    RUD_TRY(rud_stream_open(server, session, request, &request->message.root, &stream, &opened));
    rud_task_view view = rud_task_look(request->task);
    rud_model *now = view.model;
    view.model = stream->model;
    view.gate.ready = stream->ready;
    rud_reply_open(request);
    rud_pack_task(&request->reply, request->task, &view);
    rud_pack_field_uint(&request->reply, "stream", stream->number);
    rud_model_release(&now);
    return RUD_OK;
}

/* ---- step ---- */

/* The columns of a step of N streams. */
typedef struct step {
    size_t N;
    bool one;
    rud_task *task;
    double *memory; /* of all columns */
    double *number, *t, *reward, *terminated, *truncated, *given, *prediction;
    double *observations, *actions, *finals;
    bool *ends;           /* [N] */
    rud_stream **streams; /* [N] */
    bool *repeated;       /* [N] the step that was made last, again */
    rud_stream **opened;  /* by this message */
    size_t opened_count;
} step;

static void free_step(step *s)
{
    free(s->memory);
    free(s->observations);
    free(s->actions);
    free(s->finals);
    free(s->ends);
    free(s->repeated);
    free(s->streams);
    free(s->opened);
}

static rud_status count_streams(rud_request *request, step *s)
{
    const rud_wire_place place = {"", &request->problem};
    const msgpack_object *found = NULL;
    rud_tensor_view view;
    RUD_TRY(rud_wire_need(place, &request->message.root, "stream", &found));
    RUD_TRY(rud_wire_tensor(place, "stream", found, &view));
    s->one = view.rank == 0;
    s->N = view.count;
    if (view.rank <= 1 && view.count > 0) return RUD_OK;
    return rud_problem_set(&request->problem, RUD_PROBLEM_WRONG_SHAPE, "", "stream",
                           "a number, or a list of at least one number, is needed");
}

static rud_status allocate(step *s)
{
    const size_t N = s->N;
    s->memory = calloc(7 * N, sizeof *s->memory);
    s->ends = calloc(N, sizeof *s->ends);
    s->repeated = calloc(N, sizeof *s->repeated);
    s->streams = calloc(N, sizeof(rud_stream *));
    if (!s->memory || !s->ends || !s->repeated || !s->streams) {
        return rud_error(RUD_ENOMEM, "no memory for %zu streams", N);
    }
    double **const columns[] = {&s->number,    &s->t,     &s->reward,    &s->terminated,
                                &s->truncated, &s->given, &s->prediction};
    for (size_t k = 0; k < 7; k++) *columns[k] = s->memory + k * N;
    return RUD_OK;
}

typedef enum column_kind { WHOLE, REAL, FLAG } column_kind;

static bool is_kind(const rud_tensor_view *view, column_kind kind)
{
    if (kind == FLAG) return view->dtype == RUD_BOOL;
    return view->dtype != RUD_BOOL && (kind == REAL || rud_dtype_is_integer(view->dtype));
}

/* N values of a field; where it is absent and need not be there, they stay 0. */
static rud_status read_column(rud_request *request, const step *s, const char *key,
                              column_kind kind, double *out)
{
    static const char *const kinds[] = {"whole numbers", "numbers", "true or false"};
    const rud_wire_place place = {"", &request->problem};
    const msgpack_object *found = rud_wire_find(&request->message.root, key);
    rud_tensor_view view;
    if (found == NULL && kind == FLAG) return RUD_OK;
    RUD_TRY(rud_wire_need(place, &request->message.root, key, &found));
    RUD_TRY(rud_wire_tensor(place, key, found, &view));
    if (!is_kind(&view, kind)) {
        return rud_problem_set(&request->problem, RUD_PROBLEM_WRONG_TYPE, "", key, "%s needed",
                               kinds[kind]);
    }
    if (view.rank != (s->one ? 0 : 1) || view.count != s->N) {
        return rud_problem_set(&request->problem, RUD_PROBLEM_WRONG_SHAPE, "", key,
                               "%zu values; one for each of %zu streams is needed", view.count,
                               s->N);
    }
    rud_tensor_read(&view, out);
    return RUD_OK;
}

static rud_status read_columns(rud_request *request, step *s)
{
    RUD_TRY(read_column(request, s, "stream", WHOLE, s->number));
    RUD_TRY(read_column(request, s, "t", WHOLE, s->t));
    RUD_TRY(read_column(request, s, "reward", REAL, s->reward));
    RUD_TRY(read_column(request, s, "terminated", FLAG, s->terminated));
    RUD_TRY(read_column(request, s, "truncated", FLAG, s->truncated));
    for (size_t k = 0; k < s->N; k++) {
        s->ends[k] = s->terminated[k] != 0 || s->truncated[k] != 0;
    }
    const rud_wire_place place = {"", &request->problem};
    return rud_wire_check_rewards(place, "reward", s->reward, s->N);
}

/* Finds row k's stream and checks that this is its next step, or its last again. */
static rud_status find_stream(rud_server *server, rud_session *session, rud_request *request,
                              step *s, size_t k)
{
    const double number = s->number[k];
    rud_stream *stream = NULL;
    if (number >= 0 && number <= UINT32_MAX) stream = rud_stream_find(session, (uint32_t)number);
    if (stream == NULL) {
        return rud_problem_set(&request->problem, RUD_PROBLEM_UNKNOWN_STREAM, "", "stream",
                               "stream %.0f is not open", number);
    }
    if (s->task != NULL && stream->task != s->task) {
        return rud_problem_set(&request->problem, RUD_PROBLEM_WRONG_VALUE, "", "stream",
                               "the streams of one message must be of one task");
    }
    s->task = stream->task;
    s->streams[k] = stream;
    s->repeated[k] = !s->ends[k] && stream->steps > 0 && s->t[k] + 1 == (double)stream->steps;
    if (s->repeated[k]) return RUD_OK;
    if (s->t[k] != (double)stream->steps) {
        request->problem.has_expected = true;
        request->problem.expected = stream->steps;
        return rud_problem_set(&request->problem, RUD_PROBLEM_OUT_OF_ORDER, "", "t",
                               "step %.0f of stream %.0f; step %zu is next", s->t[k], number,
                               stream->steps);
    }
    if (stream->steps >= server->options.limits.steps) {
        return rud_problem_set(&request->problem, RUD_PROBLEM_TOO_LARGE, "", "t",
                               "an episode has at most %zu steps", server->options.limits.steps);
    }
    return rud_stream_reserve(server, stream);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* No stream may stand in two rows. `given` is scratch here. */
static rud_status check_distinct(rud_request *request, const step *s)
{
    memcpy(s->given, s->number, s->N * sizeof *s->given);
    qsort(s->given, s->N, sizeof *s->given, compare);
    for (size_t k = 1; k < s->N; k++) {
        if (s->given[k] != s->given[k - 1]) continue;
        return rud_problem_set(&request->problem, RUD_PROBLEM_WRONG_VALUE, "", "stream",
                               "stream %.0f stands twice", s->given[k]);
    }
    return RUD_OK;
}

static rud_status read_rows(rud_request *request, step *s)
{
    const rud_wire_place place = {"", &request->problem};
    const msgpack_object *root = &request->message.root;
    const rud_task_spec *spec = &s->task->spec;
    const size_t rows = s->one ? RUD_ONE_ROW : s->N, width = spec->observation.space.width;
    const size_t action_width = spec->action.space.width;
    bool any = false;
    for (size_t k = 0; k < s->N; k++) any |= s->ends[k];
    s->observations = malloc(s->N * width * sizeof *s->observations);
    s->actions = malloc((s->N * action_width + 1) * sizeof *s->actions);
    if (s->observations == NULL || s->actions == NULL) {
        return rud_error(RUD_ENOMEM, "no memory for %zu rows", s->N);
    }
    RUD_TRY(rud_wire_rows(place, root, "observation", &spec->observation, rows, NULL,
                          s->task->inferred, s->observations));
    if (action_width > 0) {
        RUD_TRY(rud_wire_rows(place, root, "action", &spec->action, rows, NULL, s->task->inferred,
                              s->actions));
    }
    if (!any || !spec->features.final_observation) return RUD_OK;
    s->finals = malloc(s->N * width * sizeof *s->finals);
    if (s->finals == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu rows", s->N);
    return rud_wire_rows(place, root, "final_observation", &spec->observation, rows, s->ends,
                         s->task->inferred, s->finals);
}

static rud_status open_some(rud_server *server, rud_session *session, rud_request *request, step *s)
{
    static const char *const fields[] = {"stream", "episode",    "task",   "spec",
                                         "mix",    "time_limit", "submit", NULL};
    const msgpack_object *list = rud_wire_find(&request->message.root, "opens");
    const rud_wire_place place = {"opens.", &request->problem};
    if (list == NULL) return RUD_OK;
    if (list->type != MSGPACK_OBJECT_ARRAY) {
        return rud_problem_set(&request->problem, RUD_PROBLEM_WRONG_TYPE, "", "opens",
                               "a list of maps is needed");
    }
    s->opened = calloc(list->via.array.size + 1, sizeof(rud_stream *));
    if (s->opened == NULL) return rud_error(RUD_ENOMEM, "no memory for streams");
    for (uint32_t k = 0; k < list->via.array.size; k++) {
        const msgpack_object *map = &list->via.array.ptr[k];
        rud_stream *stream = NULL;
        bool opened = false;
        RUD_TRY(rud_wire_check_fields(place, map, fields));
        RUD_TRY(rud_stream_open(server, session, request, map, &stream, &opened));
        if (opened) s->opened[s->opened_count++] = stream;
    }
    return RUD_OK;
}

static rud_status prepare(rud_server *server, rud_session *session, rud_request *request, step *s)
{
    RUD_TRY(count_streams(request, s));
    RUD_TRY(allocate(s));
    RUD_TRY(read_columns(request, s));
    RUD_TRY(check_distinct(request, s));
    RUD_TRY(open_some(server, session, request, s));
    for (size_t k = 0; k < s->N; k++) RUD_TRY(find_stream(server, session, request, s, k));
    request->task = s->task;
    return read_rows(request, s);
}

/* Row k moves; if its episode ends, so does the stream. */
static rud_status move(rud_request *request, step *s, ends *all, size_t k)
{
    rud_stream *stream = s->streams[k];
    const size_t width = s->task->spec.observation.space.width;
    const size_t action_width = s->task->spec.action.space.width;
    if (!s->repeated[k]) {
        RUD_TRY(rud_stream_step(stream, s->observations + k * width, s->actions + k * action_width,
                                s->reward[k], &s->given[k]));
    }
    s->given[k] = stream->last_reward;
    s->prediction[k] = stream->g[stream->steps - 1];
    if (!s->ends[k]) return RUD_OK;
    rud_stream_end *end = &all->items[all->count];
    const double *final = s->finals != NULL ? s->finals + k * width : NULL;
    const rud_status status =
        rud_stream_finish(stream, final, s->terminated[k] != 0, s->truncated[k] != 0, request, end);
    all->count++; /* also on failure: its memory is freed with the others' */
    RUD_TRY(status);
    end->index = k;
    if (end->ready) s->given[k] = end->rewards[end->steps - 1];
    return RUD_OK;
}

static void pack_step(rud_request *request, const step *s, const bool *ready,
                      const double *versions)
{
    rud_packer *reply = &request->reply;
    rud_reply_open(request);
    if (s->one) {
        rud_pack_field_real(reply, "redistributed_reward", s->given[0]);
        rud_pack_field_real(reply, "prediction", s->prediction[0]);
        rud_pack_field_bool(reply, "ready", ready[0]);
        rud_pack_field_uint(reply, "model_version", (uint64_t)versions[0]);
        return;
    }
    rud_pack_field_row(reply, "redistributed_reward", s->given, s->N);
    rud_pack_field_row(reply, "prediction", s->prediction, s->N);
    rud_pack_key(reply, "ready");
    rud_pack_flags(reply, ready, s->N);
    rud_pack_key(reply, "model_version");
    rud_pack_tensor(reply, RUD_INT64, &s->N, 1, versions);
}

static rud_status carry_out(rud_server *server, rud_session *session, rud_request *request, step *s)
{
    ends *all = NULL;
    RUD_TRY(make_ends(request, s->N, &all));
    all->one = s->one;
    bool *ready = s->repeated; /* its use is over, row by row */
    double *versions = s->t;
    for (size_t k = 0; k < s->N; k++) {
        RUD_TRY(move(request, s, all, k));
        ready[k] = s->streams[k]->ready;
        versions[k] = (double)s->streams[k]->model->version;
    }
    pack_step(request, s, ready, versions);
    for (size_t k = 0; k < s->N; k++) {
        if (s->ends[k]) rud_stream_close(server, session, s->streams[k]);
    }
    return finish_or_store(request);
}

rud_status rud_begin_stream_step(rud_server *server, rud_session *session, rud_request *request)
{
    step s = {0};
    rud_status status = prepare(server, session, request, &s);
    if (status != RUD_OK) { /* as if it had not been sent */
        for (size_t k = 0; k < s.opened_count; k++) {
            rud_stream_close(server, session, s.opened[k]);
        }
    } else {
        status = carry_out(server, session, request, &s);
    }
    free_step(&s);
    return status;
}

/* ---- close ---- */

typedef struct closing {
    bool terminated, truncated, abandon;
} closing;

static rud_status abandon(rud_server *server, rud_session *session, rud_request *request,
                          rud_stream *stream)
{
    rud_reply_open(request);
    rud_pack_field_uint(&request->reply, "stream", stream->number);
    rud_pack_field_bool(&request->reply, "abandoned", true);
    rud_stream_close(server, session, stream);
    return RUD_OK;
}

static rud_status end_stream(rud_server *server, rud_session *session, rud_request *request,
                             rud_stream *stream, const closing *how)
{
    const rud_task_spec *spec = &stream->task->spec;
    ends *all = NULL;
    double *final = NULL;
    rud_status status = RUD_OK;
    RUD_TRY(make_ends(request, 1, &all));
    all->close = true;
    if (spec->features.final_observation) {
        final = malloc(spec->observation.space.width * sizeof *final);
        if (final == NULL) return rud_error(RUD_ENOMEM, "no memory for an observation");
        status = rud_wire_rows((rud_wire_place){"", &request->problem}, &request->message.root,
                               "final_observation", &spec->observation, RUD_ONE_ROW, NULL,
                               stream->task->inferred, final);
    }
    if (status == RUD_OK) {
        status = rud_stream_finish(stream, final, how->terminated, how->truncated, request,
                                   &all->items[0]);
        all->count = 1;
    }
    free(final);
    RUD_TRY(status);
    rud_stream_close(server, session, stream);
    rud_reply_open(request);
    return finish_or_store(request);
}

rud_status rud_begin_stream_close(rud_server *server, rud_session *session, rud_request *request)
{
    const rud_wire_place place = {"", &request->problem};
    const msgpack_object *root = &request->message.root, *found = NULL;
    closing how = {0};
    uint64_t number = 0;
    RUD_TRY(rud_wire_need(place, root, "stream", &found));
    RUD_TRY(rud_wire_uint(place, root, "stream", 0, UINT32_MAX, &number));
    RUD_TRY(rud_wire_bool(place, root, "terminated", &how.terminated));
    RUD_TRY(rud_wire_bool(place, root, "truncated", &how.truncated));
    RUD_TRY(rud_wire_bool(place, root, "abandon", &how.abandon));
    rud_stream *stream = rud_stream_find(session, (uint32_t)number);
    if (stream == NULL) {
        return rud_problem_set(&request->problem, RUD_PROBLEM_UNKNOWN_STREAM, "", "stream",
                               "stream %u is not open", (unsigned)number);
    }
    request->task = stream->task;
    if (how.abandon || stream->steps == 0) return abandon(server, session, request, stream);
    if (!how.terminated && !how.truncated) {
        return rud_problem_set(&request->problem, RUD_PROBLEM_MISSING_FIELD, "", "terminated",
                               "say how the episode ended: terminated, truncated or abandon");
    }
    return end_stream(server, session, request, stream, &how);
}

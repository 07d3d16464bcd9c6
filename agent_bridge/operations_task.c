/* hello, configure, status, model, train, shutdown. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent_bridge/operations_private.h"
#include "attribution/attribution.h"
#include "base/file.h"
#include "base/log.h"

void rud_pack_task_now(rud_packer *packer, rud_task *task)
{
    rud_task_view view = rud_task_look(task);
    rud_pack_task(packer, task, &view);
    rud_model_release(&view.model);
}

static void pack_spec(rud_packer *packer, const rud_task *task)
{
    rud_pack_key(packer, "spec");
    rud_pack_task_spec(packer, &task->spec);
}

/* ---- hello ---- */

static void pack_limits(rud_packer *packer, const rud_server_limits *limits)
{
    rud_pack_key(packer, "limits");
    rud_pack_open(packer);
    rud_pack_field_uint(packer, "message_bytes", limits->message_bytes);
    rud_pack_field_uint(packer, "depth", RUD_WIRE_DEPTH);
    rud_pack_field_uint(packer, "steps", limits->steps);
    rud_pack_field_uint(packer, "episodes", limits->episodes);
    rud_pack_field_uint(packer, "width", RUD_FEATURES_WIDTH_MAX);
    rud_pack_field_uint(packer, "streams", limits->streams);
    rud_pack_field_uint(packer, "environments", limits->environments);
    rud_pack_field_uint(packer, "copies", limits->copies);
    rud_pack_field_uint(packer, "tasks", limits->tasks);
    rud_pack_field_uint(packer, "inputs", limits->inputs);
    rud_pack_field_uint(packer, "sessions", limits->sessions);
    rud_pack_field_uint(packer, "pending", limits->pending);
    rud_pack_field_uint(packer, "buffered_bytes", limits->buffered_bytes);
    rud_pack_field_uint(packer, "session_seconds", limits->session_seconds);
    rud_pack_close(packer);
}

static const char *operation_name(size_t k)
{
    return k < rud_operation_count ? rud_operations[k].name : NULL;
}

static const char *method_name(size_t k)
{
    const rud_attribution_method *method = rud_attribution_method_at(k);
    return method != NULL ? method->name : NULL;
}

static void pack_names(rud_packer *packer, const char *key, const char *(*name)(size_t))
{
    size_t count = 0;
    while (name(count) != NULL) count++;
    rud_pack_key(packer, key);
    rud_pack_array(packer, count);
    for (size_t k = 0; k < count; k++) rud_pack_text(packer, name(k));
}

rud_status rud_begin_hello(rud_server *server, rud_session *session, rud_request *request)
{
    char client[RUD_EPISODE_ID + 1] = "";
    RUD_TRY(rud_wire_text((rud_wire_place){"", &request->problem}, &request->message.root, "client",
                          sizeof client, client));
    RUD_TRY(rud_task_select(server, session, request, &request->message.root, RUD_SELECT_MAYBE));
    if (client[0] != '\0') rud_log(RUD_LOG_DEBUG, "hello from %s", client);
    rud_packer *reply = &request->reply;
    rud_reply_open(request);
    rud_pack_field_text(reply, "server", "rudder " RUD_VERSION);
    rud_pack_key(reply, "versions");
    rud_pack_array(reply, 1);
    rud_pack_uint(reply, RUD_WIRE_VERSION);
    pack_names(reply, "operations", operation_name);
    pack_limits(reply, &server->options.limits);
    pack_names(reply, "methods", method_name);
    pack_names(reply, "environments", rud_env_name);
    if (request->task == NULL) return RUD_OK;
    rud_pack_task_now(reply, request->task);
    pack_spec(reply, request->task);
    return RUD_OK;
}

/* ---- configure ---- */

rud_status rud_begin_configure(rud_server *server, rud_session *session, rud_request *request)
{
    const msgpack_object *spec = NULL;
    RUD_TRY(rud_wire_need((rud_wire_place){"", &request->problem}, &request->message.root, "spec",
                          &spec));
    RUD_TRY(rud_task_select(server, session, request, &request->message.root, RUD_SELECT_NEED));
    rud_task_view view = rud_task_look(request->task);
    rud_reply_open(request);
    rud_pack_task(&request->reply, request->task, &view);
    rud_pack_field_bool(&request->reply, "created", request->created);
    pack_spec(&request->reply, request->task);
    rud_pack_field_uint(&request->reply, "inputs",
                        rud_features_width(rud_predictor_features(view.model->predictor)));
    rud_model_release(&view.model);
    return RUD_OK;
}

/* ---- status ---- */

static void pack_server(rud_packer *packer, rud_server *server)
{
    rud_pack_key(packer, "server");
    rud_pack_open(packer);
    rud_pack_field_text(packer, "version", RUD_VERSION);
    rud_pack_field_real(packer, "uptime_seconds", rud_now() - server->started);
    rud_pack_field_uint(packer, "sessions", server->sessions.count);
    rud_pack_field_uint(packer, "streams", server->sessions.streams);
    rud_pack_field_uint(packer, "environments", server->sessions.envs);
    rud_pack_field_uint(packer, "tasks", server->task_count);
    rud_pack_field_uint(packer, "requests", atomic_load(&server->counters.requests));
    rud_pack_field_uint(packer, "errors", atomic_load(&server->counters.errors));
    rud_pack_field_uint(packer, "dropped", atomic_load(&server->counters.dropped));
    rud_pack_field_uint(packer, "undelivered", atomic_load(&server->counters.undelivered));
    rud_pack_field_uint(packer, "buffered_bytes", atomic_load(&server->counters.buffered));
    rud_pack_field_text(packer, "state", server->keeps ? server->state : NULL);
    rud_pack_close(packer);
}

static const char *training_of(const rud_task_view *view)
{
    if (view->running) return "running";
    return view->paused ? "paused" : "waiting";
}

static void pack_task_status(rud_packer *packer, rud_task *task)
{
    rud_task_view view = rud_task_look(task);
    const bool published = isfinite(view.gate.standard_error);
    const bool candidate = isfinite(view.state.standard_error);
    rud_pack_task(packer, task, &view);
    rud_pack_field_real(packer, "standard_error", view.gate.standard_error);
    rud_pack_field_real(packer, "loss", view.state.loss);
    rud_pack_field_uint(packer, "lessons", view.lessons);
    rud_pack_field_real(packer, "published_quality", published ? view.gate.quality : NAN);
    rud_pack_field_real(packer, "candidate_quality", candidate ? view.state.quality : NAN);
    rud_pack_field_text(packer, "training", training_of(&view));
    pack_spec(packer, task);
    rud_model_release(&view.model);
}

static void pack_totals(rud_packer *packer, rud_server *server)
{
    uint64_t episodes = 0, updates = 0;
    for (size_t k = 0; k < server->task_count; k++) {
        rud_task_view view = rud_task_look(server->tasks[k]);
        episodes += view.episodes;
        updates += view.state.updates;
        rud_model_release(&view.model);
    }
    rud_pack_field_text(packer, "task", NULL);
    rud_pack_field_uint(packer, "model_version", 0);
    rud_pack_field_bool(packer, "ready", false);
    rud_pack_field_text(packer, "quality", NULL);
    rud_pack_field_uint(packer, "episodes", episodes);
    rud_pack_field_uint(packer, "updates", updates);
}

rud_status rud_begin_status(rud_server *server, rud_session *session, rud_request *request)
{
    RUD_TRY(rud_task_select(server, session, request, &request->message.root, RUD_SELECT_MAYBE));
    rud_packer *reply = &request->reply;
    rud_reply_open(request);
    pack_server(reply, server);
    rud_pack_key(reply, "tasks");
    rud_pack_array(reply, server->task_count);
    for (size_t k = 0; k < server->task_count; k++) {
        rud_pack_open(reply);
        rud_pack_task_now(reply, server->tasks[k]);
        rud_pack_field_text(reply, "name", server->tasks[k]->spec.name);
        rud_pack_close(reply);
    }
    if (request->task != NULL) {
        pack_task_status(reply, request->task);
    } else {
        pack_totals(reply, server);
    }
    return RUD_OK;
}

/* ---- model ---- */

rud_status rud_begin_model(rud_server *server, rud_session *session, rud_request *request)
{
    RUD_TRY(rud_wire_bool((rud_wire_place){"", &request->problem}, &request->message.root,
                          "weights", &request->weights));
    request->next_step = RUD_NEXT_WORK;
    return rud_task_select(server, session, request, &request->message.root, RUD_SELECT_ONLY);
}

/* The model as the bytes of its file. */
static rud_status pack_weights(rud_request *request, const rud_server *server,
                               const rud_worker *worker, const rud_predictor *predictor)
{
    enum { MOST = 1 << 30 };
    char name[64], *bytes = NULL;
    size_t size = 0;
    snprintf(name, sizeof name, "sent-%p.safetensors", (const void *)worker);
    char *path = rud_path_join(server->state, name);
    if (path == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    rud_status status = rud_predictor_save(predictor, path);
    if (status == RUD_OK) status = rud_file_read(path, MOST, &bytes, &size);
    if (status == RUD_OK) {
        rud_pack_key(&request->reply, "safetensors");
        rud_pack_bytes(&request->reply, bytes, size);
    }
    remove(path);
    free(bytes);
    free(path);
    return status;
}

static rud_status pack_model(rud_worker *worker, rud_request *request, const rud_task_view *view)
{
    rud_worker_copy *copy = NULL;
    RUD_TRY(rud_worker_model(worker, request->task, view->model, &copy));
    const rud_predictor *predictor = copy->predictor;
    const rud_network *network = rud_predictor_network(predictor);
    rud_packer *reply = &request->reply;
    rud_reply_open(request);
    rud_pack_task(reply, request->task, view);
    rud_pack_field_text(reply, "cell", rud_predictor_cell(predictor));
    rud_pack_field_uint(reply, "hidden",
                        network != NULL ? rud_network_specification(network)->hidden : 0);
    rud_pack_field_uint(reply, "layers",
                        network != NULL ? rud_network_specification(network)->layers : 0);
    rud_pack_field_uint(reply, "inputs", rud_features_width(rud_predictor_features(predictor)));
    rud_pack_field_real(reply, "target_mean", rud_predictor_target_mean(predictor));
    rud_pack_field_real(reply, "target_std", rud_predictor_target_std(predictor));
    if (!request->weights) return RUD_OK;
    if (view->model->version == 0) {
        return rud_problem_set(&request->problem, RUD_PROBLEM_NOT_TRAINED, "", "",
                               "no model is published yet");
    }
    return pack_weights(request, worker->server, worker, predictor);
}

rud_status rud_work_model(rud_worker *worker, rud_request *request)
{
    rud_task_view view = rud_task_look(request->task);
    const rud_status status = pack_model(worker, request, &view);
    rud_model_release(&view.model);
    return status;
}

/* ---- train ---- */

rud_status rud_begin_train(rud_server *server, rud_session *session, rud_request *request)
{
    const rud_wire_place place = {"", &request->problem};
    const msgpack_object *updates = NULL;
    RUD_TRY(rud_wire_need(place, &request->message.root, "updates", &updates));
    RUD_TRY(
        rud_wire_uint(place, &request->message.root, "updates", 1, 1000000000, &request->updates));
    RUD_TRY(rud_task_select(server, session, request, &request->message.root, RUD_SELECT_ONLY));
    request->next_step = RUD_NEXT_STORAGE;
    return RUD_OK;
}

rud_status rud_finish_train(rud_request *request)
{
    rud_task_view view = rud_task_look(request->task);
    rud_reply_open(request);
    rud_pack_task(&request->reply, request->task, &view);
    rud_pack_field_uint(&request->reply, "done", request->done);
    rud_pack_field_real(&request->reply, "loss", view.state.loss);
    rud_model_release(&view.model);
    return RUD_OK;
}

static rud_status begin_pausing(rud_server *server, rud_session *session, rud_request *request,
                                bool pause)
{
    RUD_TRY(rud_task_select(server, session, request, &request->message.root, RUD_SELECT_ONLY));
    request->pausing = true;
    request->pause = pause;
    request->next_step = RUD_NEXT_STORAGE;
    return RUD_OK;
}

rud_status rud_begin_pause(rud_server *server, rud_session *session, rud_request *request)
{
    return begin_pausing(server, session, request, true);
}

rud_status rud_begin_resume(rud_server *server, rud_session *session, rud_request *request)
{
    return begin_pausing(server, session, request, false);
}

rud_status rud_finish_pause(rud_request *request)
{
    rud_task_view view = rud_task_look(request->task);
    rud_reply_open(request);
    rud_pack_task(&request->reply, request->task, &view);
    rud_pack_field_text(&request->reply, "training", training_of(&view));
    rud_model_release(&view.model);
    return RUD_OK;
}

/* ---- shutdown ---- */

rud_status rud_begin_shutdown(rud_server *server, rud_session *session, rud_request *request)
{
    (void)session;
    if (!server->options.allow_shutdown) {
        return rud_problem_set(&request->problem, RUD_PROBLEM_FORBIDDEN, "", "",
                               "this server does not allow it: server.allow_shutdown");
    }
    server->closing = true;
    rud_reply_open(request);
    return RUD_OK;
}

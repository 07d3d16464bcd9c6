/* explain. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent_bridge/operations_private.h"

typedef struct explaining {
    rud_attribution_options options;
    bool relevance;
} explaining;

/* An option's value as rud_attribution_set reads it. */
static rud_status option_text(rud_request *request, const msgpack_object *value, char *text,
                              size_t size)
{
    switch (value->type) {
    case MSGPACK_OBJECT_STR:
        if (value->via.str.size >= size) break;
        memcpy(text, value->via.str.ptr, value->via.str.size);
        text[value->via.str.size] = '\0';
        return RUD_OK;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        snprintf(text, size, "%llu", (unsigned long long)value->via.u64);
        return RUD_OK;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        snprintf(text, size, "%lld", (long long)value->via.i64);
        return RUD_OK;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        snprintf(text, size, "%.17g", value->via.f64);
        return RUD_OK;
    case MSGPACK_OBJECT_BOOLEAN:
        snprintf(text, size, "%s", value->via.boolean ? "true" : "false");
        return RUD_OK;
    default:
        break;
    }
    return rud_problem_set(&request->problem, RUD_PROBLEM_WRONG_TYPE, "", "options",
                           "values are short texts or numbers");
}

static rud_status set_option(rud_request *request, explaining *how, const char *name,
                             const char *value)
{
    char message[512];
    if (rud_attribution_set(&how->options, name, value) == RUD_OK) return RUD_OK;
    snprintf(message, sizeof message, "%s", rud_last_error());
    return rud_problem_set(&request->problem, RUD_PROBLEM_WRONG_VALUE,
                           strcmp(name, "method") == 0 ? "" : "options.", name, "%s", message);
}

static rud_status read_options(rud_request *request, explaining *how)
{
    const msgpack_object *root = &request->message.root, *map = rud_wire_find(root, "options");
    const rud_wire_place place = {"", &request->problem};
    char name[RUD_OPTION_TEXT] = "", value[RUD_OPTION_TEXT] = "";
    how->options = rud_attribution_options_default();
    RUD_TRY(rud_wire_text(place, root, "method", sizeof name, name));
    if (name[0] != '\0') RUD_TRY(set_option(request, how, "method", name));
    RUD_TRY(rud_wire_bool(place, root, "relevance", &how->relevance));
    if (map == NULL) return RUD_OK;
    if (map->type != MSGPACK_OBJECT_MAP) {
        return rud_problem_set(&request->problem, RUD_PROBLEM_WRONG_TYPE, "", "options",
                               "a map is needed");
    }
    for (uint32_t k = 0; k < map->via.map.size; k++) {
        RUD_TRY(option_text(request, &map->via.map.ptr[k].key, name, sizeof name));
        RUD_TRY(option_text(request, &map->via.map.ptr[k].val, value, sizeof value));
        RUD_TRY(set_option(request, how, name, value));
    }
    return RUD_OK;
}

rud_status rud_begin_explain(rud_server *server, rud_session *session, rud_request *request)
{
    explaining *how = calloc(1, sizeof *how);
    if (how == NULL) return rud_error(RUD_ENOMEM, "no memory for an explanation");
    request->context = how;
    request->free_context = free;
    request->next_step = RUD_NEXT_WORK;
    RUD_TRY(read_options(request, how));
    return rud_task_select(server, session, request, &request->message.root, RUD_SELECT_INFER);
}

static void pack_columns(rud_packer *reply, const rud_explainer *explainer, size_t D)
{
    char name[96];
    rud_pack_key(reply, "columns");
    rud_pack_array(reply, D);
    for (size_t d = 0; d < D; d++) {
        rud_explainer_feature_name(explainer, d, name, sizeof name);
        rud_pack_text(reply, name);
    }
}

static void pack_relevance(rud_packer *reply, const rud_explanation *e)
{
    const size_t shape[2] = {e->inputs, e->width}, count = e->inputs * e->width;
    rud_pack_key(reply, "relevance");
    double *values = e->relevance != NULL ? malloc(count * sizeof *values) : NULL;
    if (values == NULL) {
        if (e->relevance != NULL) reply->failed = true;
        rud_pack_nil(reply);
        return;
    }
    for (size_t k = 0; k < count; k++) values[k] = e->relevance[k];
    rud_pack_tensor(reply, RUD_FLOAT64, shape, 2, values);
    free(values);
}

static void pack_explanation(rud_packer *reply, const rud_episode *episode,
                             const rud_explanation *e, bool relevance)
{
    rud_pack_open(reply);
    if (episode->id != NULL) rud_pack_field_text(reply, "id", episode->id);
    rud_pack_field_real(reply, "prediction", e->prediction);
    if (e->step_relevance != NULL) {
        rud_pack_field_row(reply, "step_relevance", e->step_relevance, e->steps);
    } else {
        rud_pack_field_text(reply, "step_relevance", NULL);
    }
    rud_pack_field_real(reply, "total", e->total);
    rud_pack_field_real(reply, "initial_relevance", e->initial_relevance);
    rud_pack_field_real(reply, "conservation_error", e->conservation_error);
    if (relevance) pack_relevance(reply, e);
    rud_pack_close(reply);
}

/* The episodes one by one, so that few explanations are in memory and progress can be told. */
static rud_status explain_all(rud_server *server, rud_request *request, rud_explainer *explainer)
{
    const explaining *how = request->context;
    double told = rud_now();
    for (size_t k = 0; k < request->count; k++) {
        rud_explanation e = {0};
        if (atomic_load(&server->ending)) {
            return rud_problem_set(&request->problem, RUD_PROBLEM_SHUTTING_DOWN, "", "",
                                   "the server ends");
        }
        const rud_episode *episode = request->episodes[k];
        RUD_TRY(rud_explainer_run(explainer, &episode, 1, &e));
        pack_explanation(&request->reply, episode, &e, how->relevance);
        rud_explanation_free(&e);
        if (rud_now() - told < 0.5) continue;
        told = rud_now();
        rud_server_progress(server, request, k + 1, request->count);
    }
    return RUD_OK;
}

static rud_status explain(rud_worker *worker, rud_request *request, const rud_task_view *view)
{
    const explaining *how = request->context;
    rud_worker_copy *copy = NULL;
    rud_explainer *explainer = NULL;
    if (view->model->version == 0) {
        return rud_problem_set(&request->problem, RUD_PROBLEM_NOT_TRAINED, "", "",
                               "no model is published yet");
    }
    RUD_TRY(rud_worker_model(worker, request->task, view->model, &copy));
    RUD_TRY(rud_request_read_episodes(worker->server, request));
    const rud_status made = rud_explainer_create(copy->predictor, &how->options, &explainer);
    if (made == RUD_EINVAL && rud_predictor_network(copy->predictor) == NULL) {
        request->problem.code = RUD_PROBLEM_UNSUPPORTED;
    }
    RUD_TRY(made);
    rud_packer *reply = &request->reply;
    rud_reply_open(request);
    rud_pack_task(reply, request->task, view);
    rud_pack_field_text(reply, "method", how->options.method->name);
    if (how->relevance) {
        pack_columns(reply, explainer, rud_features_width(rud_predictor_features(copy->predictor)));
    }
    rud_pack_key(reply, "results");
    rud_pack_array(reply, request->count);
    const rud_status status = explain_all(worker->server, request, explainer);
    rud_explainer_free(&explainer);
    return status;
}

rud_status rud_work_explain(rud_worker *worker, rud_request *request)
{
    rud_task_view view = rud_task_look(request->task);
    const rud_status status = explain(worker, request, &view);
    rud_model_release(&view.model);
    return status;
}

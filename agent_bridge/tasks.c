/* Tasks: one for each specification of spaces. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent_bridge/state_private.h"
#include "base/file.h"
#include "base/log.h"

static rud_model *hold(rud_model *model)
{
    atomic_fetch_add(&model->holders, 1);
    return model;
}

void rud_model_release(rud_model **model)
{
    if (*model != NULL && atomic_fetch_sub(&(*model)->holders, 1) == 1) {
        rud_predictor_free(&(*model)->predictor);
        free(*model);
    }
    *model = NULL;
}

rud_task_view rud_task_look(rud_task *task)
{
    pthread_mutex_lock(&task->lock);
    rud_task_view view = task->view;
    view.paused = task->paused;
    hold(view.model);
    pthread_mutex_unlock(&task->lock);
    return view;
}

/* Of the front thread; NULL: there is none. */
static rud_task *find(const rud_server *server, const char *key)
{
    for (size_t k = 0; k < server->task_count; k++) {
        if (strcmp(server->tasks[k]->key, key) == 0) return server->tasks[k];
    }
    return NULL;
}

void rud_task_free(rud_task **task)
{
    rud_task *t = *task;
    if (t == NULL) return;
    rud_task_spec_free(&t->spec);
    rud_model_release(&t->view.model);
    rud_journal_close(&t->journal);
    rud_redistributor_free(&t->learner);
    rud_predictor_free(&t->predicting);
    pthread_mutex_destroy(&t->lock);
    free(t->folder);
    free(t);
    *task = NULL;
}

static rud_status create_features(const rud_task_spec *spec, rud_features **features)
{
    const rud_space *action = spec->action.space.width > 0 ? &spec->action.space : NULL;
    return rud_features_create(&spec->features, &spec->observation.space, action, features);
}

/* Can the specification become a network's inputs here? `blame` is the field that it came from. */
static rud_status check_features(const rud_server *server, rud_wire_place blame, const char *key,
                                 const rud_task_spec *spec)
{
    const size_t most = server->options.limits.inputs;
    rud_features *features = NULL;
    RUD_TRY(rud_wire_blame(blame, key, create_features(spec, &features)));
    const size_t inputs = rud_features_width(features);
    rud_features_free(&features);
    if (inputs <= most) return RUD_OK;
    return rud_problem_set(blame.problem, RUD_PROBLEM_TOO_LARGE, blame.path, key,
                           "the network would have %zu inputs; this server allows %zu "
                           "(server.max_inputs)",
                           inputs, most);
}

rud_status rud_task_create_learner(const rud_server *server, rud_task *task)
{
    rud_features *features = NULL;
    RUD_TRY(create_features(&task->spec, &features));
    const rud_status status = rud_redistributor_create(&server->options.redistributor, features,
                                                       NULL, task->spec.seed, &task->learner);
    rud_features_free(&features);
    return status;
}

/* What a journal had to mend is told, not hidden. */
static void log_recovery(const rud_task *task)
{
    const rud_journal_recovery *recovery = rud_journal_recovery_of(task->journal);
    if (recovery->torn_bytes > 0) {
        rud_log(RUD_LOG_WARNING, "%s/journal: %llu bytes of a record that was not finished are cut",
                task->folder, (unsigned long long)recovery->torn_bytes);
    }
    for (size_t k = 0; k < recovery->damage_count; k++) {
        const rud_journal_damage *damage = &recovery->damage[k];
        rud_log(RUD_LOG_WARNING,
                "%s: damaged at byte %llu and kept aside; %zu episodes of it are served",
                damage->kept_as, (unsigned long long)damage->offset, damage->episodes);
    }
}

static rud_status open_journal(const rud_server *server, rud_task *task)
{
    rud_journal_options options = rud_journal_options_default();
    rud_journal_header header = {.task = task->key,
                                 .observation_space = task->spec.observation.space,
                                 .action_space = task->spec.action.space};
    options.segment_bytes = server->options.segment_bytes;
    options.keep_bytes = server->options.keep_bytes;
    char *folder = rud_path_join(task->folder, "journal");
    if (folder == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    const rud_status status = rud_journal_open(folder, &header, &options, &task->journal);
    free(folder);
    if (status == RUD_OK) log_recovery(task);
    return status;
}

static rud_status fill_folder(rud_server *server, rud_task *task)
{
    RUD_TRY(rud_make_folders(task->folder));
    RUD_TRY(rud_task_keep_spec(task));
    RUD_TRY(open_journal(server, task));
    return rud_trainer_start_task(server, task);
}

static rud_status create(rud_server *server, rud_task *task)
{
    char name[RUD_TASK_KEY + 8];
    snprintf(name, sizeof name, "task-%s", task->key);
    task->folder = rud_path_join(server->state, name);
    if (task->folder == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    RUD_TRY(rud_task_create_learner(server, task));
    const bool is_new = !rud_file_exists(task->folder);
    const rud_status status = fill_folder(server, task);
    if (status != RUD_OK && is_new) rud_state_remove(task->folder);
    return status;
}

rud_status rud_task_create(rud_server *server, rud_task_spec *spec, bool inferred, rud_task **task)
{
    *task = calloc(1, sizeof **task);
    if (*task == NULL) {
        rud_task_spec_free(spec);
        return rud_error(RUD_ENOMEM, "no memory for a task");
    }
    (*task)->spec = *spec;
    *spec = (rud_task_spec){0};
    (*task)->inferred = inferred;
    (*task)->index = server->task_count;
    pthread_mutex_init(&(*task)->lock, NULL);
    rud_status status = rud_task_key(&(*task)->spec, (*task)->key);
    if (status == RUD_OK) status = create(server, *task);
    if (status != RUD_OK) {
        rud_task_free(task);
        return status;
    }
    rud_server_add_task(server, *task);
    return RUD_OK;
}

/* Selects the task of a specification, which is taken, or creates it. */
static rud_status select_spec(rud_server *server, rud_request *request, rud_task_spec *spec,
                              bool inferred)
{
    char key[RUD_TASK_KEY + 1];
    rud_status status = rud_task_key(spec, key);
    request->task = status == RUD_OK ? find(server, key) : NULL;
    if (request->task == NULL && status == RUD_OK &&
        server->task_count >= server->options.limits.tasks) {
        status =
            rud_problem_set(&request->problem, RUD_PROBLEM_TOO_MANY, "", "",
                            "this server has its %zu tasks; raise server.max_tasks, or use one "
                            "of them",
                            server->options.limits.tasks);
    }
    if (request->task == NULL && status == RUD_OK) {
        status =
            check_features(server, (rud_wire_place){inferred ? "" : "spec.", &request->problem},
                           inferred ? "episodes" : "features", spec);
    }
    if (request->task == NULL && status == RUD_OK) {
        request->created = true;
        return rud_task_create(server, spec, inferred, &request->task);
    }
    if (request->task != NULL && !inferred) request->task->inferred = false;
    rud_task_spec_free(spec);
    return status;
}

static rud_status select_given(rud_server *server, rud_request *request,
                               const msgpack_object *given)
{
    const rud_wire_place place = {"spec.", &request->problem};
    rud_task_spec spec;
    rud_status status =
        rud_wire_task_spec(place, given, &server->options.features, server->options.seed, &spec);
    if (status == RUD_OK) return select_spec(server, request, &spec, false);
    rud_task_spec_free(&spec);
    return status;
}

static rud_status select_inferred(rud_server *server, rud_request *request,
                                  const msgpack_object *map)
{
    const rud_wire_place place = {"", &request->problem};
    const msgpack_object *episodes = NULL;
    rud_task_spec spec;
    RUD_TRY(rud_wire_need(place, map, "episodes", &episodes));
    const rud_status status = rud_infer_task_spec(place, episodes, &server->options.features,
                                                  server->options.seed, &spec);
    if (status != RUD_OK) {
        rud_task_spec_free(&spec);
        return status;
    }
    for (size_t k = server->task_count; k > 0; k--) {
        rud_task *task = server->tasks[k - 1];
        if (!task->inferred || !rud_task_spec_holds(&task->spec, &spec)) continue;
        rud_task_spec_free(&spec);
        request->task = task;
        return RUD_OK;
    }
    return select_spec(server, request, &spec, true);
}

static rud_status select_named(rud_server *server, rud_request *request, const msgpack_object *map)
{
    char key[RUD_EPISODE_ID + 1] = "";
    const rud_wire_place place = {"", &request->problem};
    RUD_TRY(rud_wire_text(place, map, "task", sizeof key, key));
    request->task = find(server, key);
    if (request->task != NULL) return RUD_OK;
    return rud_problem_set(&request->problem, RUD_PROBLEM_UNKNOWN_TASK, "", "task",
                           "this server has no such task: send its specification");
}

rud_status rud_task_select(rud_server *server, rud_session *session, rud_request *request,
                           const msgpack_object *map, rud_selection selection)
{
    const msgpack_object *given = rud_wire_find(map, "spec");
    rud_status status = RUD_OK;
    request->task = NULL;
    if (given != NULL && rud_wire_find(map, "task") != NULL) {
        return rud_problem_set(&request->problem, RUD_PROBLEM_UNKNOWN_FIELD, "", "spec",
                               "send `task` or `spec`, not both");
    }
    if (rud_wire_find(map, "task") != NULL) {
        status = select_named(server, request, map);
    } else if (given != NULL) {
        status = select_given(server, request, given);
    } else if (session->task != NULL) {
        request->task = session->task;
    } else if (selection == RUD_SELECT_INFER) {
        status = select_inferred(server, request, map);
    } else if (selection != RUD_SELECT_NEED && server->task_count == 1) {
        request->task = server->tasks[0];
        request->by_chance = true;
    }
    RUD_TRY(status);
    if (request->task == NULL && selection != RUD_SELECT_MAYBE) {
        return rud_problem_set(&request->problem, RUD_PROBLEM_NO_TASK, "", "",
                               "no task is selected: send `spec`, or `configure` first");
    }
    return RUD_OK;
}

void rud_pack_task(rud_packer *packer, const rud_task *task, const rud_task_view *view)
{
    const bool measured = isfinite(view->gate.standard_error);
    rud_pack_field_text(packer, "task", task->key);
    rud_pack_field_uint(packer, "model_version", view->model->version);
    rud_pack_field_bool(packer, "ready", view->gate.ready);
    rud_pack_field_real(packer, "quality", measured ? view->gate.quality : NAN);
    rud_pack_field_uint(packer, "episodes", view->episodes);
    rud_pack_field_uint(packer, "updates", view->state.updates);
}

/* The trainer: the one thread that changes what tasks know. It takes episodes in, trains in slices
 * between them, and publishes models. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent_bridge/trainer_private.h"
#include "base/file.h"
#include "base/log.h"

enum { LEARN_AT_ONCE = 64, LEAST_UNSEEN = 20 };

static const double slice_seconds = 0.005, progress_seconds = 0.5, save_seconds = 1;

/* ---- what others see ---- */

static void show(rud_task *task)
{
    const rud_predictor *predictor = rud_redistributor_predictor(task->learner);
    const rud_gate_state gate = rud_redistributor_gate(task->learner, &task->published_quality);
    const rud_redistributor_state state = rud_redistributor_get_state(task->learner);
    const rud_journal_counts counts = rud_journal_count(task->journal);
    pthread_mutex_lock(&task->lock);
    task->view.gate = gate;
    task->view.state = state;
    task->view.target_mean = rud_predictor_target_mean(predictor);
    task->view.target_std = rud_predictor_target_std(predictor);
    task->view.episodes = counts.appended;
    task->view.lessons = rud_lesson_buffer_count(rud_redistributor_lessons(task->learner));
    task->view.running = task->round > 0 || task->held != NULL;
    pthread_mutex_unlock(&task->lock);
}

rud_status rud_trainer_swap(rud_task *task, rud_predictor *predictor, uint64_t version)
{
    rud_predictor *copy = NULL;
    rud_model *model = calloc(1, sizeof *model);
    rud_status status = model != NULL ? rud_predictor_copy(predictor, &copy)
                                      : rud_error(RUD_ENOMEM, "no memory for a model");
    if (status != RUD_OK) {
        free(model);
        rud_predictor_free(&predictor);
        return status;
    }
    *model = (rud_model){.holders = 1, .version = version, .predictor = predictor};
    rud_predictor_free(&task->predicting);
    task->predicting = copy;
    pthread_mutex_lock(&task->lock);
    rud_model *old = task->view.model;
    task->view.model = model;
    pthread_mutex_unlock(&task->lock);
    rud_model_release(&old);
    return RUD_OK;
}

/* A failure here leaves the task as it is. */
static void note(rud_task *task, rud_status status)
{
    if (status == RUD_OK) return;
    if (status == RUD_EDIVERGED) task->diverged = true;
    rud_log(RUD_LOG_WARNING, "task %s: %s", task->key, rud_last_error());
}

/* What could not be kept is tried again with the next checkpoint; that it could not is told once.
 */
static void keep(const rud_server *server, rud_task *task, rud_status (*save)(rud_task *))
{
    task->unsaved = true;
    if (!server->keeps) return;
    const rud_status status = save(task);
    if (!task->save_failed) note(task, status);
    task->unsaved = task->save_failed = status != RUD_OK;
}

/* The learner's model becomes the published one. It is on disk before anyone sees its number, so
 * that after a crash the number cannot be given to another model. */
static rud_status publish(const rud_server *server, rud_task *task)
{
    rud_predictor *predictor = NULL;
    RUD_TRY(rud_predictor_copy(rud_redistributor_predictor(task->learner), &predictor));
    task->published_quality = *rud_redistributor_quality(task->learner);
    task->updates_published = rud_redistributor_get_state(task->learner).updates;
    task->since_published = 0;
    task->last_version++;
    keep(server, task, rud_task_save_published);
    return rud_trainer_swap(task, predictor, task->last_version);
}

/* Version 0: the model of a learner that has made no updates. */
static rud_status begin_anew(rud_task *task)
{
    rud_predictor *predictor = NULL;
    RUD_TRY(rud_predictor_copy(rud_redistributor_predictor(task->learner), &predictor));
    RUD_TRY(rud_trainer_swap(task, predictor, 0));
    task->published_quality = *rud_redistributor_quality(task->learner);
    task->updates_published = task->since_published = 0;
    return RUD_OK;
}

rud_status rud_trainer_start_task(rud_server *server, rud_task *task)
{
    task->paused = !server->options.background_training;
    RUD_TRY(begin_anew(task));
    const rud_status status = rud_task_load(server, task);
    if (status == RUD_EFORMAT || status == RUD_EINVAL) { /* the episodes are kept, all else anew */
        rud_log(RUD_LOG_WARNING, "%s; its task starts to learn anew", rud_last_error());
        rud_redistributor_free(&task->learner);
        RUD_TRY(rud_task_create_learner(server, task));
        RUD_TRY(begin_anew(task));
        RUD_TRY(rud_task_load_episodes(server, task));
    } else {
        RUD_TRY(status);
    }
    show(task);
    return RUD_OK;
}

/* Is the model in training better on episodes that neither had seen? */
static bool should_publish(const rud_server *server, const rud_task *task)
{
    const rud_quality *candidate = rud_redistributor_quality(task->learner);
    const size_t updates = rud_redistributor_get_state(task->learner).updates;
    if (task->paused || updates == task->updates_published || candidate->count < LEAST_UNSEEN ||
        task->since_published < server->options.publish_every) {
        return false;
    }
    const double quality = rud_redistributor_gate(task->learner, candidate).quality;
    const double published =
        rud_redistributor_gate(task->learner, &task->published_quality).quality;
    return quality > published + server->options.publish_margin;
}

/* ---- episodes ---- */

/* Errors of the published model on episodes that are about to be learnt from. */
static rud_status judge_published(rud_task *task, const rud_episode *const *episodes, size_t count,
                                  double *errors)
{
    const rud_features *features = rud_predictor_features(task->predicting);
    for (size_t k = 0; k < count; k++) {
        const size_t inputs = rud_features_inputs(features, episodes[k]);
        double *g = malloc(inputs * sizeof *g);
        if (g == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu predictions", inputs);
        const rud_status status = rud_predictor_predict(task->predicting, &episodes[k], 1, &g);
        errors[k] = rud_predictor_return(task->predicting, episodes[k]) - g[inputs - 1];
        free(g);
        RUD_TRY(status);
    }
    return RUD_OK;
}

rud_status rud_trainer_learn(const rud_server *server, rud_task *task,
                             const rud_episode *const *episodes, size_t count)
{
    double errors[LEARN_AT_ONCE], published[LEARN_AT_ONCE];
    const bool same = rud_redistributor_get_state(task->learner).updates == task->updates_published;
    const uint64_t version = task->view.model->version;
    if (!same && version > 0) RUD_TRY(judge_published(task, episodes, count, published));
    RUD_TRY(rud_redistributor_learn(task->learner, episodes, count, errors));
    for (size_t k = 0; k < count && version > 0; k++) {
        rud_quality_add(&task->published_quality, same ? errors[k] : published[k]);
    }
    task->since_published += count;
    return should_publish(server, task) ? publish(server, task) : RUD_OK;
}

/* Learns from what these requests of one task have added; together, where they are many. */
static void take_in(const rud_server *server, rud_request *requests, const rud_request *end)
{
    const rud_episode *batch[LEARN_AT_ONCE];
    rud_task *task = requests->task;
    size_t count = 0;
    for (const rud_request *request = requests; request != end; request = request->next) {
        for (size_t k = 0; request->stored == RUD_OK && k < request->count; k++) {
            const rud_episode *episode = request->episodes[k];
            task->taken += request->added[k];
            if (!request->added[k] || (episode->truncated && !episode->terminated)) continue;
            batch[count++] = episode;
            if (count < LEARN_AT_ONCE) continue;
            note(task, rud_trainer_learn(server, task, batch, count));
            count = 0;
        }
    }
    if (count > 0) note(task, rud_trainer_learn(server, task, batch, count));
    task->unsaved = true;
    show(task);
}

/* ---- training ---- */

static bool is_training(const rud_request *request)
{
    return request->updates > 0;
}

/* Trains for a slice of time, at most `left` updates. Without any there is nothing to learn from:
 * one is tried even if the slice is over before the thread gets its turn. */
static rud_status train_slice(rud_task *task, size_t left, size_t *done)
{
    const double end = rud_now() + slice_seconds;
    *done = 0;
    while (*done < left && (*done == 0 || rud_now() < end)) {
        size_t made = 0;
        RUD_TRY(rud_redistributor_train(task->learner, 1, &made));
        if (made == 0) break;
        *done += made;
    }
    return RUD_OK;
}

/* A slice of the explicit training that the task holds; true once it is finished. */
static bool train_held(rud_server *server, rud_task *task, bool closing)
{
    rud_request *request = task->held;
    size_t done = 0;
    rud_status status = closing ? rud_problem_set(&request->problem, RUD_PROBLEM_SHUTTING_DOWN, "",
                                                  "", "the server ends; %llu updates were made",
                                                  (unsigned long long)request->done)
                                : train_slice(task, request->updates - request->done, &done);
    request->done += done;
    const double now = rud_now();
    if (now - request->reported > progress_seconds) {
        request->reported = now;
        rud_server_progress(server, request, request->done, request->updates);
    }
    if (status == RUD_OK && done > 0 && request->done < request->updates) return false;
    if (status == RUD_OK && request->done > 0) status = publish(server, task);
    if (status == RUD_EDIVERGED) request->problem.code = RUD_PROBLEM_DIVERGED;
    task->held = request->next;
    if (task->held == NULL) task->held_end = NULL;
    show(task);
    rud_server_answer(server, request,
                      status == RUD_OK ? request->operation->finish(request) : status);
    return true;
}

static bool is_due(const rud_task *task)
{
    return !task->paused && !task->diverged &&
           (task->round > 0 || rud_redistributor_due(task->learner));
}

static void train_background(const rud_server *server, rud_task *task)
{
    const rud_training_options *training = &server->options.redistributor.training;
    size_t done = 0;
    if (task->round == 0) task->round = rud_redistributor_begin_round(task->learner);
    const rud_status status = train_slice(task, task->round, &done);
    task->round -= done;
    const double loss = rud_redistributor_get_state(task->learner).loss;
    if (status != RUD_OK || done == 0 || loss < training->loss_threshold) task->round = 0;
    if (rud_predictor_useful_updates(rud_redistributor_predictor(task->learner)) == 1) {
        task->round = 0; /* solved at once */
    }
    note(task, status);
    show(task);
}

/* ---- the order of requests ---- */

static void hold(rud_task *task, rud_request *request)
{
    request->next = NULL;
    if (task->held == NULL) task->held_end = &task->held;
    *task->held_end = request;
    task->held_end = &request->next;
}

static bool same_client(const rud_request *a, const rud_request *b)
{
    return a->identity_size == b->identity_size &&
           memcmp(a->identity, b->identity, a->identity_size) == 0;
}

/* Must the request wait for an explicit training? Only another client's episodes need not. */
static bool must_wait(const rud_request *request)
{
    const rud_request *held = request->task->held;
    return held != NULL && (is_training(request) || same_client(held, request));
}

static void set_paused(const rud_server *server, rud_task *task, bool paused)
{
    const rud_pausing asked = paused ? RUD_PAUSING_PAUSED : RUD_PAUSING_RESUMED;
    if (paused) task->round = 0;
    pthread_mutex_lock(&task->lock);
    task->paused = paused;
    pthread_mutex_unlock(&task->lock);
    if (task->pausing == asked) return;
    task->pausing = asked;
    keep(server, task, rud_task_save);
}

/* Requests from `request` on that add episodes to its task and need not wait; *end: behind the
 * last. */
static void find_run(rud_request *request, rud_request **end)
{
    rud_request *next = request->next;
    while (next != NULL && next->status == RUD_OK && next->task == request->task && next->store &&
           !must_wait(next)) {
        next = next->next;
    }
    *end = next;
}

/* Takes the requests up to `end`, all of which store, in, and answers them. */
static void take_in_and_answer(rud_server *server, rud_request *requests, rud_request *end)
{
    take_in(server, requests, end);
    for (rud_request *request = requests, *next; request != end; request = next) {
        next = request->next;
        rud_server_answer(server, request, request->operation->finish(request));
    }
}

/* The first of a list of requests, and those that go with it; returns the rest. */
static rud_request *process(rud_server *server, rud_request *request)
{
    rud_request *rest = request->next;
    rud_task *task = request->task;
    if (request->status != RUD_OK) {
        rud_server_answer(server, request, request->status);
    } else if (must_wait(request)) {
        hold(task, request);
    } else if (is_training(request)) {
        set_paused(server, task, true);
        request->reported = rud_now();
        hold(task, request);
        show(task);
    } else if (request->store) {
        find_run(request, &rest);
        take_in_and_answer(server, request, rest);
    } else {
        if (request->pausing) set_paused(server, task, request->pause);
        show(task);
        rud_server_answer(server, request, request->operation->finish(request));
    }
    return rest;
}

/* What waited for a training that is over, up to the next one. */
static void release_held(rud_server *server, rud_task *task)
{
    rud_request *requests = task->held;
    task->held = NULL;
    task->held_end = NULL;
    while (requests != NULL) requests = process(server, requests);
}

/* A slice for each task that has something to train; false if none has. */
static bool train_some(rud_server *server, bool closing)
{
    bool any = false;
    pthread_mutex_lock(&server->task_lock);
    const size_t count = server->task_count;
    pthread_mutex_unlock(&server->task_lock);
    for (size_t k = 0; k < count; k++) {
        rud_task *task = server->tasks[k];
        if (task->held != NULL) {
            any = true;
            if (train_held(server, task, closing)) release_held(server, task);
        } else if (!closing && is_due(task)) {
            any = true;
            train_background(server, task);
        }
    }
    return any;
}

/* Keeps what was learnt since the last time. */
static void save_some(rud_server *server)
{
    pthread_mutex_lock(&server->task_lock);
    const size_t count = server->task_count;
    pthread_mutex_unlock(&server->task_lock);
    for (size_t k = 0; server->keeps && k < count; k++) {
        rud_task *task = server->tasks[k];
        if (task->unsaved) keep(server, task, rud_task_save);
    }
}

void *rud_trainer_main(void *argument)
{
    rud_name_thread("rudder-trainer");
    rud_server *server = argument;
    bool busy = false;
    double saved = rud_now();
    for (;;) {
        if (rud_now() - saved > save_seconds) {
            save_some(server);
            saved = rud_now();
        }
        const bool closed = rud_queue_is_closed(&server->training);
        rud_request *requests = rud_queue_take(&server->training, busy ? 0 : save_seconds);
        if (closed && requests == NULL && !busy) break;
        while (requests != NULL) requests = process(server, requests);
        busy = train_some(server, closed);
    }
    save_some(server);
    return NULL;
}

/* The workers: predictions of whole episodes. What waits for the same task goes through the network
 * together. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent_bridge/server_private.h"

enum { REQUESTS_AT_ONCE = 32 };

rud_status rud_worker_init(rud_worker *worker, rud_server *server)
{
    worker->server = server;
    worker->copies = calloc(server->options.limits.tasks, sizeof *worker->copies);
    if (worker->copies == NULL) return rud_error(RUD_ENOMEM, "no memory for a worker");
    return RUD_OK;
}

static void free_copy(rud_worker_copy *copy)
{
    rud_explainer_free(&copy->explainer);
    rud_explainer_free(&copy->differences);
    rud_predictor_free(&copy->predictor);
}

void rud_worker_free(rud_worker *worker)
{
    for (size_t k = 0; worker->copies != NULL && k < worker->server->options.limits.tasks; k++) {
        free_copy(&worker->copies[k]);
    }
    free(worker->copies);
    worker->copies = NULL;
}

static rud_status renew(const rud_worker *worker, const rud_model *model, rud_worker_copy *copy)
{
    const rud_attribution_options differences = rud_attribution_options_default();
    free_copy(copy);
    RUD_TRY(rud_predictor_copy(model->predictor, &copy->predictor));
    RUD_TRY(rud_explainer_create(copy->predictor, &differences, &copy->differences));
    RUD_TRY(rud_explainer_create(copy->predictor,
                                 &worker->server->options.redistributor.redistribution.attribution,
                                 &copy->explainer));
    copy->version = model->version;
    return RUD_OK;
}

rud_status rud_worker_model(rud_worker *worker, rud_task *task, const rud_model *model,
                            rud_worker_copy **copy)
{
    *copy = &worker->copies[task->index];
    if ((*copy)->explainer != NULL && (*copy)->version == model->version) return RUD_OK;
    const rud_status status = renew(worker, model, *copy);
    if (status != RUD_OK) free_copy(*copy);
    return status;
}

/* While the gate is shut only predictions are wanted: those of the cheapest method. */
static rud_status explainer_of(rud_worker *worker, rud_task *task, const rud_task_view *view,
                               rud_explainer **explainer)
{
    rud_worker_copy *copy = NULL;
    RUD_TRY(rud_worker_model(worker, task, view->model, &copy));
    *explainer = view->gate.ready ? copy->explainer : copy->differences;
    return RUD_OK;
}

/* ---- redistribute ---- */

rud_status rud_request_read_episodes(rud_server *server, rud_request *request)
{
    const rud_episode_rules rules = {.spec = &request->task->spec,
                                     .max_steps = server->options.limits.steps,
                                     .needs_id = request->store,
                                     .inferred = request->task->inferred};
    RUD_TRY(rud_wire_episodes(&request->problem, &request->message.root,
                              server->options.limits.episodes, &rules, &request->episodes,
                              &request->count));
    for (size_t k = 0; request->terminal && k < request->count; k++) {
        request->episodes[k]->terminated |= request->episodes[k]->truncated;
    }
    return RUD_OK;
}

static bool is_cut(const rud_episode *episode)
{
    return episode->truncated && !episode->terminated;
}

/* What one episode's reply says. */
static void pack_result(rud_packer *reply, const rud_task_view *view, const rud_episode *episode,
                        double prediction, const double *redistributed)
{
    const bool cut = is_cut(episode), ready = view->gate.ready && !cut;
    const double error = rud_predictor_return(view->model->predictor, episode) - prediction;
    rud_pack_open(reply);
    if (episode->id != NULL) rud_pack_field_text(reply, "id", episode->id);
    rud_pack_field_row(reply, "redistributed_rewards", ready ? redistributed : episode->rewards,
                       episode->steps);
    rud_pack_field_real(reply, "prediction", prediction);
    rud_pack_field_real(reply, "quality", rud_episode_quality(error, view->target_std));
    rud_pack_field_bool(reply, "ready", ready);
    rud_pack_field_bool(reply, "cut", cut);
    rud_pack_close(reply);
}

/* Room for the rewards and predictions of some requests' episodes. */
typedef struct results {
    const rud_episode **episodes; /* [count] */
    double **redistributed;       /* [count], into numbers */
    double *predictions;          /* [count] */
    double *numbers;
    size_t count;
} results;

static void free_results(results *all)
{
    free(all->episodes);
    free(all->redistributed);
    free(all->predictions);
    free(all->numbers);
}

static rud_status make_results(rud_request *const *requests, size_t count, results *all)
{
    size_t total = 0, steps = 0;
    for (size_t j = 0; j < count; j++) total += requests[j]->count;
    all->episodes = malloc(total * sizeof *all->episodes);
    all->redistributed = malloc(total * sizeof *all->redistributed);
    all->predictions = malloc(total * sizeof *all->predictions);
    if (!all->episodes || !all->redistributed || !all->predictions) {
        return rud_error(RUD_ENOMEM, "no memory for %zu episodes", total);
    }
    for (size_t j = 0; j < count; j++) {
        for (size_t k = 0; k < requests[j]->count; k++) {
            all->episodes[all->count++] = requests[j]->episodes[k];
            steps += requests[j]->episodes[k]->steps;
        }
    }
    all->numbers = malloc(steps * sizeof *all->numbers);
    if (!all->numbers) return rud_error(RUD_ENOMEM, "no memory for %zu rewards", steps);
    steps = 0;
    for (size_t i = 0; i < all->count; i++) {
        all->redistributed[i] = all->numbers + steps;
        steps += all->episodes[i]->steps;
    }
    return RUD_OK;
}

static rud_status predict(rud_worker *worker, rud_request *const *requests, size_t count,
                          const rud_task_view *view, results *all)
{
    rud_explainer *explainer = NULL;
    RUD_TRY(explainer_of(worker, requests[0]->task, view, &explainer));
    RUD_TRY(make_results(requests, count, all));
    return rud_redistribute_episodes(&requests[0]->redistribution, explainer, all->episodes,
                                     all->count, all->redistributed, all->predictions);
}

/* requests[count] of one task and one mixing weight, whose episodes are read. */
static void redistribute(rud_worker *worker, rud_request *const *requests, size_t count)
{
    rud_task_view view = rud_task_look(requests[0]->task);
    results all = {0};
    rud_status status = predict(worker, requests, count, &view, &all);
    if (status != RUD_OK && count > 1) { /* one of them is to blame: each alone */
        for (size_t j = 0; j < count; j++) redistribute(worker, requests + j, 1);
        count = 0;
    }
    for (size_t j = 0, i = 0; j < count; j++) {
        rud_request *request = requests[j];
        rud_reply_open(request);
        if (!request->store) rud_pack_task(&request->reply, request->task, &view);
        rud_pack_key(&request->reply, "results");
        rud_pack_array(&request->reply, request->count);
        for (size_t k = 0; status == RUD_OK && k < request->count; k++, i++) {
            pack_result(&request->reply, &view, all.episodes[i], all.predictions[i],
                        all.redistributed[i]);
        }
        rud_server_pass(worker->server, request, status);
    }
    free_results(&all);
    rud_model_release(&view.model);
}

static void redistribute_requests(rud_worker *worker, rud_request *list)
{
    rud_request *requests[REQUESTS_AT_ONCE];
    size_t count = 0;
    for (rud_request *next; list != NULL; list = next) {
        next = list->next;
        const rud_status status = rud_request_read_episodes(worker->server, list);
        if (status == RUD_OK) {
            requests[count++] = list;
        } else {
            rud_server_pass(worker->server, list, status);
        }
    }
    if (count > 0) redistribute(worker, requests, count);
}

/* ---- the queue ---- */

/* The message of a large request was freed while it waited. A server that ends works no more. */
static rud_status prepare(rud_worker *worker, rud_request *request)
{
    if (atomic_load(&worker->server->ending)) {
        return rud_problem_set(&request->problem, RUD_PROBLEM_SHUTTING_DOWN, "", "",
                               "the server ends");
    }
    if (request->message.zone != NULL) return RUD_OK;
    return rud_message_read(zmq_msg_data(&request->frame), zmq_msg_size(&request->frame),
                            &request->message);
}

void rud_work(rud_worker *worker, rud_request *requests)
{
    rud_request *list = requests, **ready = &requests;
    for (rud_request *next; list != NULL; list = next) {
        next = list->next;
        const rud_status status = prepare(worker, list);
        if (status == RUD_OK) {
            *ready = list;
            ready = &list->next;
        } else {
            rud_server_pass(worker->server, list, status);
        }
    }
    *ready = NULL;
    if (requests == NULL) return;
    if (requests->operation->batched) {
        redistribute_requests(worker, requests);
    } else {
        rud_server_pass(worker->server, requests, requests->operation->work(worker, requests));
    }
}

static bool go_together(const rud_request *a, const rud_request *b)
{
    return b->operation == a->operation && b->task == a->task &&
           b->redistribution.mix == a->redistribution.mix;
}

/* The first request that waits, with those right behind it that can be worked on together; NULL at
 * the end of all. */
static rud_request *take(rud_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->first == NULL && !queue->closed) {
        pthread_cond_wait(&queue->arrived, &queue->lock);
    }
    rud_request *first = queue->first;
    if (first != NULL) {
        rud_request *end = first;
        size_t count = 1;
        while (first->operation->batched && count < REQUESTS_AT_ONCE && end->next != NULL &&
               go_together(first, end->next)) {
            end = end->next;
            count++;
        }
        queue->first = end->next;
        if (queue->first == NULL) queue->last = &queue->first;
        queue->count -= count;
        end->next = NULL;
    }
    pthread_mutex_unlock(&queue->lock);
    return first;
}

void *rud_worker_main(void *argument)
{
    rud_name_thread("rudder-worker");
    rud_worker *worker = argument;
    rud_request *requests;
    while ((requests = take(&worker->server->work)) != NULL) rud_work(worker, requests);
    return NULL;
}

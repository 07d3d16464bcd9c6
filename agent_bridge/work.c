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

void rud_worker_free(rud_worker *worker)
{
    for (size_t k = 0; worker->copies != NULL && k < worker->server->options.limits.tasks; k++) {
        rud_predictor_free(&worker->copies[k].predictor);
    }
    free(worker->copies);
    worker->copies = NULL;
}

rud_status rud_worker_predictor(rud_worker *worker, rud_task *task, const rud_model *model,
                                rud_predictor **predictor)
{
    rud_predictor **copy = &worker->copies[task->index].predictor;
    if (*copy == NULL || worker->copies[task->index].version != model->version) {
        rud_predictor_free(copy);
        RUD_TRY(rud_predictor_copy(model->predictor, copy));
        worker->copies[task->index].version = model->version;
    }
    *predictor = *copy;
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
static rud_status pack_result(rud_request *request, const rud_task_view *view,
                              const rud_features *features, const rud_episode *episode,
                              const double *g, double *rewards)
{
    const size_t T = episode->steps, inputs = rud_features_inputs(features, episode);
    const double prediction = g[inputs - 1];
    const bool cut = is_cut(episode), ready = view->gate.ready && !cut;
    if (ready) {
        rud_prediction_differences(g, inputs, T, rewards);
        RUD_TRY(rud_redistribute(&request->redistribution, rewards, prediction, episode->rewards, T,
                                 view->target_mean, rewards));
    }
    const double error = rud_episode_return(episode) - prediction;
    rud_packer *reply = &request->reply;
    rud_pack_open(reply);
    if (episode->id != NULL) rud_pack_field_text(reply, "id", episode->id);
    rud_pack_field_row(reply, "redistributed_rewards", ready ? rewards : episode->rewards, T);
    rud_pack_field_real(reply, "prediction", prediction);
    rud_pack_field_real(reply, "quality", rud_episode_quality(error, view->target_std));
    rud_pack_field_bool(reply, "ready", ready);
    rud_pack_field_bool(reply, "cut", cut);
    rud_pack_close(reply);
    return RUD_OK;
}

static rud_status pack_results(rud_request *request, const rud_task_view *view,
                               const rud_predictor *predictor, double *const *g)
{
    size_t longest = 1;
    for (size_t k = 0; k < request->count; k++) {
        if (request->episodes[k]->steps > longest) longest = request->episodes[k]->steps;
    }
    double *rewards = malloc(longest * sizeof *rewards);
    if (rewards == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu rewards", longest);
    rud_reply_open(request);
    if (!request->store) rud_pack_task(&request->reply, request->task, view);
    rud_pack_key(&request->reply, "results");
    rud_pack_array(&request->reply, request->count);
    rud_status status = RUD_OK;
    for (size_t k = 0; status == RUD_OK && k < request->count; k++) {
        status = pack_result(request, view, rud_predictor_features(predictor), request->episodes[k],
                             g[k], rewards);
    }
    free(rewards);
    return status;
}

/* The episodes of several requests in one list, and where their predictions go. */
typedef struct gathered {
    const rud_episode **episodes; /* [count] */
    double **g;                   /* [count], into numbers */
    double *numbers;
    size_t count;
} gathered;

static void free_gathered(gathered *all)
{
    free(all->episodes);
    free(all->g);
    free(all->numbers);
}

static rud_status gather(rud_request *const *requests, size_t count, const rud_features *features,
                         gathered *all)
{
    size_t total = 0, inputs = 0;
    *all = (gathered){0};
    for (size_t j = 0; j < count; j++) total += requests[j]->count;
    all->episodes = malloc((total + 1) * sizeof *all->episodes);
    all->g = malloc((total + 1) * sizeof *all->g);
    if (!all->episodes || !all->g) return rud_error(RUD_ENOMEM, "no memory for a batch");
    for (size_t j = 0; j < count; j++) {
        for (size_t k = 0; k < requests[j]->count; k++) {
            all->episodes[all->count++] = requests[j]->episodes[k];
            inputs += rud_features_inputs(features, requests[j]->episodes[k]);
        }
    }
    all->numbers = malloc(inputs * sizeof *all->numbers);
    if (!all->numbers) return rud_error(RUD_ENOMEM, "no memory for %zu predictions", inputs);
    inputs = 0;
    for (size_t i = 0; i < all->count; i++) {
        all->g[i] = all->numbers + inputs;
        inputs += rud_features_inputs(features, all->episodes[i]);
    }
    return RUD_OK;
}

/* requests[count] of one task, whose episodes are read. */
static void redistribute(rud_worker *worker, rud_request *const *requests, size_t count)
{
    rud_task *task = requests[0]->task;
    rud_task_view view = rud_task_look(task);
    rud_predictor *predictor = NULL;
    gathered all = {0};
    rud_status status = rud_worker_predictor(worker, task, view.model, &predictor);
    if (status == RUD_OK) status = gather(requests, count, rud_predictor_features(predictor), &all);
    if (status == RUD_OK) status = rud_predictor_predict(predictor, all.episodes, all.count, all.g);
    size_t first = 0;
    if (status != RUD_OK && count > 1) { /* one of them is to blame: each alone */
        for (size_t j = 0; j < count; j++) redistribute(worker, requests + j, 1);
        count = 0;
    }
    for (size_t j = 0; j < count; j++) {
        const size_t episodes = requests[j]->count;
        const rud_status packed =
            status == RUD_OK ? pack_results(requests[j], &view, predictor, all.g + first) : status;
        first += episodes;
        rud_server_pass(worker->server, requests[j], packed);
    }
    free_gathered(&all);
    rud_model_release(&view.model);
}

void rud_redistribute_requests(rud_worker *worker, rud_request *list)
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

void rud_work(rud_worker *worker, rud_request *requests)
{
    if (requests->operation->batched) {
        rud_redistribute_requests(worker, requests);
    } else {
        rud_server_pass(worker->server, requests, requests->operation->work(worker, requests));
    }
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
               end->next->operation == first->operation && end->next->task == first->task) {
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
    rud_worker *worker = argument;
    rud_request *requests;
    while ((requests = take(&worker->server->work)) != NULL) rud_work(worker, requests);
    return NULL;
}

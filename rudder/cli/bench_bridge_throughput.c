/* rudder bench --part bridge: how much many clients at once get answered. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_bridge.h"

enum {
    CLIENTS = 16,
    PIPELINE = 32, /* requests of a client that wait */
    CROWD = 200    /* clients that only must not starve */
};

static const double throughput_seconds = 3;

/* One client that keeps PIPELINE requests under way and checks each reply. */
typedef struct loader {
    const cli_bridge_bench *b;
    size_t number;
    bool submit;
    double until;
    size_t done;
    rud_status status;
    char message[256];
} loader;

static rud_status load_one(loader *l, rud_client *client, uint64_t *id, rud_episode *episode,
                           size_t sent)
{
    char name[64];
    if (!l->submit) return rud_client_post_redistribute(client, episode, id);
    snprintf(name, sizeof name, "load-%zu-%zu", l->number, sent);
    RUD_TRY(rud_episode_set_id(episode, name));
    return rud_client_post_submit(client, episode, id);
}

/* The answer must be to a request that waits, and hold that episode's return. */
static rud_status check_answer(const loader *l, const rud_client_answer *answer,
                               uint64_t waiting[PIPELINE], rud_episode *const *episodes)
{
    size_t k = 0;
    while (k < PIPELINE && waiting[k] != answer->id) k++;
    if (k == PIPELINE) return rud_error(RUD_EFORMAT, "an answer that nobody waits for");
    waiting[k] = 0;
    if (l->submit) {
        return answer->accepted == 1 ? RUD_OK : rud_error(RUD_EFORMAT, "an episode was not kept");
    }
    double sum = 0;
    for (size_t t = 0; t < answer->steps; t++) sum += answer->rewards[t];
    if (answer->steps == CLI_BRIDGE_STEPS && fabs(sum - rud_episode_return(episodes[k])) < 1e-6 &&
        strcmp(answer->episode, episodes[k]->id) == 0) {
        return RUD_OK;
    }
    return rud_error(RUD_EFORMAT, "the answer is of another episode");
}

static rud_status load_with(loader *l, rud_client *client, rud_episode *const *episodes)
{
    uint64_t waiting[PIPELINE] = {0};
    double rewards[CLI_BRIDGE_STEPS];
    rud_client_answer answer = {.rewards = rewards, .most_steps = CLI_BRIDGE_STEPS};
    size_t sent = 0, left = 0;
    while (left > 0 || rud_wall_seconds() < l->until) {
        for (size_t k = 0; k < PIPELINE && rud_wall_seconds() < l->until; k++) {
            if (waiting[k] != 0) continue;
            RUD_TRY(load_one(l, client, &waiting[k], episodes[k], sent++));
            left++;
        }
        if (left == 0) break;
        RUD_TRY(rud_client_take(client, &answer));
        RUD_TRY(check_answer(l, &answer, waiting, episodes));
        left--;
        l->done++;
    }
    return RUD_OK;
}

static void *load(void *argument)
{
    loader *l = argument;
    rud_client *client = NULL;
    rud_episode *episodes[PIPELINE] = {NULL};
    l->status = cli_bridge_connect(l->b, &client);
    for (size_t k = 0; l->status == RUD_OK && k < PIPELINE; k++) {
        l->status = rud_episode_copy(
            l->b->episodes.items[(l->number * PIPELINE + k) % CLI_BRIDGE_EPISODES], &episodes[k]);
    }
    if (l->status == RUD_OK) l->status = load_with(l, client, episodes);
    if (l->status != RUD_OK) snprintf(l->message, sizeof l->message, "%s", rud_last_error());
    for (size_t k = 0; k < PIPELINE; k++) rud_episode_free(&episodes[k]);
    rud_client_free(&client);
    return NULL;
}

static size_t resident_mib(pid_t process)
{
    char path[64], line[128];
    size_t kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)process);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "VmRSS: %zu kB", &kib) == 1) break;
    }
    if (file) fclose(file);
    return kib / 1024;
}

static rud_status print_throughput(const cli_bridge_bench *b, const char *what, double rate,
                                   double fairness)
{
    const size_t memory = resident_mib(b->server.pid);
    if (!b->json) {
        printf("%-28s %9.0f a second; slowest client %.2f of the mean; server %zu MiB\n", what,
               rate, fairness, memory);
        fflush(stdout);
        return RUD_OK;
    }
    json_object *o = json_object_new_object();
    const bool made = rud_json_put_text(o, "part", "bridge") &&
                      rud_json_put_text(o, "measure", what) &&
                      rud_json_put_number(o, "per_second", rate) &&
                      rud_json_put_number(o, "slowest_to_mean", fairness) &&
                      rud_json_put_count(o, "server_mib", memory);
    return cli_json_print_made(made, o, stdout);
}

/* Starts a thread for each loader; *started: those that were. */
static rud_status start_loaders(loader *loaders, pthread_t *threads, size_t count,
                                void *(*main)(void *), size_t *started)
{
    for (*started = 0; *started < count; ++*started) {
        if (pthread_create(&threads[*started], NULL, main, &loaders[*started]) != 0) {
            return rud_error(RUD_ENOMEM, "no thread for client %zu", *started);
        }
    }
    return RUD_OK;
}

/* Waits for all; the failure of the last one that failed. */
static rud_status join_loaders(const loader *loaders, const pthread_t *threads, size_t count)
{
    rud_status status = RUD_OK;
    for (size_t k = 0; k < count; k++) {
        pthread_join(threads[k], NULL);
        if (loaders[k].status != RUD_OK) {
            status = rud_error(loaders[k].status, "client %zu: %s", k, loaders[k].message);
        }
    }
    return status;
}

static rud_status report(const cli_bridge_bench *b, const char *what, const loader *loaders,
                         size_t count, double seconds)
{
    size_t done = 0, least = SIZE_MAX;
    for (size_t k = 0; k < count; k++) {
        done += loaders[k].done;
        if (loaders[k].done < least) least = loaders[k].done;
    }
    const double mean = (double)done / (double)count;
    return print_throughput(b, what, (double)done / seconds, mean > 0 ? (double)least / mean : 0);
}

static rud_status measure(const cli_bridge_bench *b, const char *what, size_t count, bool submit,
                          void *(*main)(void *))
{
    loader *loaders = calloc(count, sizeof *loaders);
    pthread_t *threads = calloc(count, sizeof *threads);
    const double start = rud_wall_seconds();
    size_t started = 0;
    rud_status status = RUD_OK;
    if (loaders && threads) {
        for (size_t k = 0; k < count; k++) {
            loaders[k] = (loader){
                .b = b, .number = k, .submit = submit, .until = start + throughput_seconds};
        }
        status = start_loaders(loaders, threads, count, main, &started);
        const rud_status loaded = join_loaders(loaders, threads, started);
        if (status == RUD_OK) status = loaded;
    } else {
        status = rud_error(RUD_ENOMEM, "no memory for %zu clients", count);
    }
    if (status == RUD_OK) status = report(b, what, loaders, count, rud_wall_seconds() - start);
    free(loaders);
    free(threads);
    return status;
}

/* A client that plays episodes step by step, as many as it can. */
static void *stream_on(void *argument)
{
    loader *l = argument;
    rud_client *client = NULL;
    l->status = cli_bridge_connect(l->b, &client);
    for (size_t k = 0;
         l->status == RUD_OK && (rud_wall_seconds() < l->until || k % CLI_BRIDGE_STEPS != 0); k++) {
        l->status = cli_bridge_stream_step(l->b, client, (uint32_t)l->number, k);
        l->done += l->status == RUD_OK;
    }
    if (l->status != RUD_OK) snprintf(l->message, sizeof l->message, "%s", rud_last_error());
    rud_client_free(&client);
    return NULL;
}

rud_status cli_bridge_throughputs(const cli_bridge_bench *b)
{
    cli_bridge_unpin(b);
    RUD_TRY(measure(b, "redistribute, 16 clients", CLIENTS, false, load));
    RUD_TRY(measure(b, "submit, 16 clients", CLIENTS, true, load));
    return measure(b, "stream.step, 200 clients", CROWD, false, stream_on);
}

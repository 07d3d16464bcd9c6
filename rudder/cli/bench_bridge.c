/* rudder bench --part bridge: a server and an echo of the same size beside it, each a process of
 * its own, and what clients of both measure. */
#define _GNU_SOURCE /* CPU_SET */
#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zmq.h>

#include "cli/bench.h"

enum {
    T = 50,
    RUNS = 5,
    CALLS = 2000,   /* round trips of a run */
    CLIENTS = 16,   /* of the throughput */
    PIPELINE = 32,  /* requests of a client that wait */
    CROWD = 200,    /* clients that only must not starve */
    LESSONS = 200,  /* episodes before the training */
    REQUEST = 1450, /* bytes of a redistribution of T steps, */
    STEP = 130,     /* and of a stream's step */
    ADDRESS = 64
};

static const double throughput_seconds = 3;

typedef struct process {
    pid_t pid;
    char address[ADDRESS];
} process;

typedef struct bench {
    bool json;
    int first_core, second_core; /* clients, I/O and workers on one, the trainer on the other */
    process server, echo;
    char folder[ADDRESS];
    rud_episodes episodes; /* of coin-walk */
} bench;

/* ---- processes ---- */

static void pin(pid_t thread, int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    sched_setaffinity(thread, sizeof set, &set); /* where it is refused, nothing is pinned */
}

static bool is_trainer(pid_t process, const char *thread)
{
    char path[320], name[32] = "";
    snprintf(path, sizeof path, "/proc/%d/task/%s/comm", (int)process, thread);
    FILE *file = fopen(path, "r");
    if (!file) return false;
    const bool read = fgets(name, sizeof name, file) != NULL;
    fclose(file);
    return read && strncmp(name, "rudder-trainer", 14) == 0;
}

/* The trainer on one core, all other threads of the server on the other. */
static void pin_server(const bench *b)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)b->server.pid);
    DIR *threads = opendir(path);
    for (struct dirent *entry; threads && (entry = readdir(threads));) {
        if (entry->d_name[0] == '.') continue;
        pin((pid_t)atoi(entry->d_name),
            is_trainer(b->server.pid, entry->d_name) ? b->second_core : b->first_core);
    }
    if (threads) closedir(threads);
}

static void unpin_all(const bench *b)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)b->first_core, &set);
    CPU_SET((size_t)b->second_core, &set);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)b->server.pid);
    DIR *threads = opendir(path);
    for (struct dirent *entry; threads && (entry = readdir(threads));) {
        if (entry->d_name[0] != '.') {
            sched_setaffinity((pid_t)atoi(entry->d_name), sizeof set, &set);
        }
    }
    if (threads) closedir(threads);
    sched_setaffinity(0, sizeof set, &set);
}

/* Runs `rudder serve` and reads the line that it prints when it is ready. */
static rud_status start_server(bench *b)
{
    int out[2];
    char line[256] = "", program[512];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0 || pipe(out) != 0) return rud_error(RUD_EIO, "cannot start a server");
    program[length] = '\0';
    b->server.pid = fork();
    if (b->server.pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        execl(program, program, "serve", "-q", "--bind", "tcp://127.0.0.1:*", "--state", b->folder,
              (char *)NULL);
        _exit(1);
    }
    close(out[1]);
    FILE *stream = fdopen(out[0], "r");
    const bool ready = stream && fgets(line, sizeof line, stream) != NULL;
    const char *at = strstr(line, "tcp://");
    if (stream) fclose(stream);
    if (b->server.pid < 0 || !ready || !at) return rud_error(RUD_EIO, "the server did not start");
    snprintf(b->server.address, ADDRESS, "%.*s", (int)strcspn(at, "\n"), at);
    return RUD_OK;
}

static void echo(const char *address)
{
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_ROUTER);
    if (zmq_bind(socket, address) != 0) _exit(1);
    for (;;) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, socket, 0) < 0) _exit(1);
        const int more = zmq_msg_more(&frame) ? ZMQ_SNDMORE : 0;
        zmq_msg_send(&frame, socket, more);
    }
}

static rud_status start_echo(bench *b)
{
    snprintf(b->echo.address, ADDRESS, "tcp://127.0.0.1:%d", 20000 + (int)getpid() % 20000);
    b->echo.pid = fork();
    if (b->echo.pid == 0) {
        pin(0, b->first_core); /* its I/O thread inherits it */
        echo(b->echo.address);
    }
    return b->echo.pid > 0 ? RUD_OK : rud_error(RUD_EIO, "cannot start an echo");
}

static void end(const process *p, int signal)
{
    if (p->pid <= 0) return;
    kill(p->pid, signal);
    waitpid(p->pid, NULL, 0);
}

/* ---- clients ---- */

static rud_status connect_client(const bench *b, rud_client **client)
{
    rud_space observation, action;
    rud_client_options options = rud_client_options_default();
    options.address = b->server.address;
    RUD_TRY(rud_client_create(&options, client));
    RUD_TRY(rud_space_discrete(13, &observation));
    RUD_TRY(rud_space_discrete(2, &action));
    const rud_client_spec spec = {
        .observation_space = &observation, .action_space = &action, .final_observation = true};
    const rud_status status = rud_client_configure(*client, &spec, NULL);
    rud_space_free(&observation);
    rud_space_free(&action);
    return status;
}

static rud_status play_episodes(bench *b)
{
    const rud_env_options options = rud_env_options_default();
    rud_env *env = NULL;
    RUD_TRY(rud_env_create("coin-walk", &options, 1, &env));
    rud_status status = RUD_OK;
    for (size_t k = 0; status == RUD_OK && k < LESSONS; k++) {
        char id[32];
        rud_rng rng = rud_rng_stream(0, "benchmark", k);
        rud_episode *episode = NULL;
        status = rud_rollout_random(env, &rng, &episode);
        snprintf(id, sizeof id, "lesson-%zu", k);
        if (status == RUD_OK) status = rud_episode_set_id(episode, id);
        if (status == RUD_OK) status = rud_episodes_add(&b->episodes, episode);
    }
    rud_env_free(&env);
    return status;
}

/* A model, so that rewards are redistributed. */
static rud_status train(const bench *b)
{
    rud_client *client = NULL;
    const rud_episode *const *items = (const rud_episode *const *)b->episodes.items;
    rud_status status = connect_client(b, &client);
    if (status == RUD_OK) status = rud_client_pause(client, true, NULL);
    if (status == RUD_OK) status = rud_client_submit(client, items, LESSONS / 2, NULL, NULL);
    if (status == RUD_OK) status = rud_client_train(client, 1000, NULL, NULL);
    if (status == RUD_OK) {
        status = rud_client_submit(client, items + LESSONS / 2, LESSONS / 2, NULL, NULL);
    }
    rud_client_free(&client);
    return status;
}

/* Trains until the server ends: nobody waits for the answer. */
static void *train_on(void *argument)
{
    rud_client *client = NULL;
    if (connect_client(argument, &client) == RUD_OK) {
        rud_client_train(client, 1000000000, NULL, NULL);
    }
    rud_client_free(&client);
    return NULL;
}

/* ---- latency ---- */

typedef rud_status one_call(void *context, size_t k);

typedef struct caller {
    const bench *b;
    rud_client *client;
    void *echo; /* socket */
    size_t bytes;
    uint32_t stream;
} caller;

static rud_status call_redistribute(void *context, size_t k)
{
    const caller *c = context;
    const rud_episode *episode = c->b->episodes.items[k % LESSONS];
    double rewards[T];
    double *redistributed = rewards;
    rud_redistribution_report report;
    return rud_client_redistribute(c->client, &episode, 1, false, &redistributed, &report, NULL);
}

static rud_status call_stream(void *context, size_t k)
{
    const caller *c = context;
    const rud_episode *episode = c->b->episodes.items[k / T % LESSONS];
    const size_t t = k % T;
    char id[48];
    double reward = 0;
    bool ready = false;
    snprintf(id, sizeof id, "stream-%u-%zu", c->stream, k / T);
    const rud_client_step step = {.stream = c->stream,
                                  .episode = id,
                                  .t = t,
                                  .observation = episode->observations + t,
                                  .action = episode->actions + t,
                                  .reward = episode->rewards[t],
                                  .terminated = t + 1 == T,
                                  .final_observation = episode->observations + t + 1};
    return rud_client_stream(c->client, &step, &reward, &ready);
}

static rud_status call_echo(void *context, size_t k)
{
    static const char bytes[REQUEST];
    char reply[REQUEST];
    const caller *c = context;
    (void)k;
    if (zmq_send(c->echo, bytes, c->bytes, 0) < 0 ||
        zmq_recv(c->echo, reply, sizeof reply, 0) < 0) {
        return rud_error(RUD_EIO, "the echo does not answer");
    }
    return RUD_OK;
}

typedef struct latency {
    double median, p99; /* [us] medians over the runs */
} latency;

static rud_status measure_run(one_call *call, void *context, latency *run)
{
    static double us[CALLS];
    for (size_t k = 0; k < CALLS; k++) {
        const double start = rud_wall_seconds();
        RUD_TRY(call(context, k));
        us[k] = 1e6 * (rud_wall_seconds() - start);
    }
    *run = (latency){rud_quantile(us, CALLS, 0.5), rud_quantile(us, CALLS, 0.99)};
    return RUD_OK;
}

static latency median_of(const latency runs[RUNS])
{
    double medians[RUNS], p99s[RUNS];
    for (size_t k = 0; k < RUNS; k++) {
        medians[k] = runs[k].median;
        p99s[k] = runs[k].p99;
    }
    return (latency){rud_quantile(medians, RUNS, 0.5), rud_quantile(p99s, RUNS, 0.5)};
}

static rud_status print_latency(const bench *b, const char *what, latency found, latency beside)
{
    if (!b->json) {
        printf("%-28s median %7.1f us, %7.1f above the echo of %5.1f; p99 %7.1f us (echo %.1f)\n",
               what, found.median, found.median - beside.median, beside.median, found.p99,
               beside.p99);
        fflush(stdout);
        return RUD_OK;
    }
    json_object *o = json_object_new_object();
    if (rud_json_put_text(o, "part", "bridge") && rud_json_put_text(o, "measure", what) &&
        rud_json_put_number(o, "median_us", found.median) &&
        rud_json_put_number(o, "p99_us", found.p99) &&
        rud_json_put_number(o, "echo_median_us", beside.median) &&
        rud_json_put_number(o, "echo_p99_us", beside.p99) &&
        rud_json_put_number(o, "above_echo_us", found.median - beside.median)) {
        return cli_json_print(o, stdout);
    }
    json_object_put(o);
    return rud_error(RUD_ENOMEM, "no memory for the JSON output");
}

/* In turn with the echo. */
static rud_status measure_latency(const bench *b, const char *what, one_call *call, caller *c)
{
    latency runs[RUNS], echoes[RUNS];
    for (size_t k = 0; k < RUNS; k++) {
        RUD_TRY(rud_stop_check(&cli_stop));
        RUD_TRY(measure_run(call_echo, c, &echoes[k]));
        RUD_TRY(measure_run(call, c, &runs[k]));
    }
    return print_latency(b, what, median_of(runs), median_of(echoes));
}

static rud_status measure_latencies(const bench *b, caller *c)
{
    c->bytes = REQUEST;
    RUD_TRY(measure_latency(b, "redistribute", call_redistribute, c));
    c->bytes = STEP;
    RUD_TRY(measure_latency(b, "stream.step", call_stream, c));
    pthread_t trainer;
    if (pthread_create(&trainer, NULL, train_on, (void *)b) != 0) {
        return rud_error(RUD_ENOMEM, "no thread");
    }
    pthread_detach(trainer);
    c->bytes = REQUEST;
    return measure_latency(b, "redistribute, training", call_redistribute, c);
}

static rud_status latencies(const bench *b)
{
    caller c = {.b = b, .stream = 1};
    const int linger = 0, timeout = 5000;
    pin(0, b->first_core);
    pin_server(b);
    void *context = zmq_ctx_new();
    c.echo = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(c.echo, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(c.echo, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    zmq_connect(c.echo, b->echo.address);
    rud_status status = connect_client(b, &c.client);
    if (status == RUD_OK) status = measure_latencies(b, &c);
    rud_client_free(&c.client);
    zmq_close(c.echo);
    zmq_ctx_term(context);
    return status;
}

/* ---- throughput ---- */

/* One client that keeps PIPELINE requests under way and checks each reply. */
typedef struct loader {
    const bench *b;
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
    if (answer->steps == T && fabs(sum - rud_episode_return(episodes[k])) < 1e-6 &&
        strcmp(answer->episode, episodes[k]->id) == 0) {
        return RUD_OK;
    }
    return rud_error(RUD_EFORMAT, "the answer is of another episode");
}

static rud_status load_with(loader *l, rud_client *client, rud_episode *const *episodes)
{
    uint64_t waiting[PIPELINE] = {0};
    double rewards[T];
    rud_client_answer answer = {.rewards = rewards, .most_steps = T};
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
    l->status = connect_client(l->b, &client);
    for (size_t k = 0; l->status == RUD_OK && k < PIPELINE; k++) {
        l->status = rud_episode_copy(l->b->episodes.items[(l->number * PIPELINE + k) % LESSONS],
                                     &episodes[k]);
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

static rud_status print_throughput(const bench *b, const char *what, double rate, double fairness)
{
    const size_t memory = resident_mib(b->server.pid);
    if (!b->json) {
        printf("%-28s %9.0f a second; slowest client %.2f of the mean; server %zu MiB\n", what,
               rate, fairness, memory);
        fflush(stdout);
        return RUD_OK;
    }
    json_object *o = json_object_new_object();
    if (rud_json_put_text(o, "part", "bridge") && rud_json_put_text(o, "measure", what) &&
        rud_json_put_number(o, "per_second", rate) &&
        rud_json_put_number(o, "slowest_to_mean", fairness) &&
        rud_json_put_count(o, "server_mib", memory)) {
        return cli_json_print(o, stdout);
    }
    json_object_put(o);
    return rud_error(RUD_ENOMEM, "no memory for the JSON output");
}

static rud_status run_threads(const bench *b, const char *what, size_t count, bool submit,
                              void *(*main)(void *))
{
    loader *loaders = calloc(count, sizeof *loaders);
    pthread_t *threads = calloc(count, sizeof *threads);
    const double start = rud_wall_seconds();
    size_t started = 0, done = 0, least = SIZE_MAX;
    rud_status status = loaders && threads ? RUD_OK : rud_error(RUD_ENOMEM, "no memory");
    for (; status == RUD_OK && started < count; started++) {
        loaders[started] = (loader){
            .b = b, .number = started, .submit = submit, .until = start + throughput_seconds};
        if (pthread_create(&threads[started], NULL, main, &loaders[started]) != 0) {
            status = rud_error(RUD_ENOMEM, "no thread for client %zu", started);
            break;
        }
    }
    for (size_t k = 0; k < started; k++) {
        pthread_join(threads[k], NULL);
        if (loaders[k].status != RUD_OK) {
            status = rud_error(loaders[k].status, "client %zu: %s", k, loaders[k].message);
        }
        done += loaders[k].done;
        if (loaders[k].done < least) least = loaders[k].done;
    }
    const double mean = (double)done / (double)count;
    if (status == RUD_OK) {
        status = print_throughput(b, what, (double)done / (rud_wall_seconds() - start),
                                  mean > 0 ? (double)least / mean : 0);
    }
    free(loaders);
    free(threads);
    return status;
}

/* A client that plays episodes step by step, as many as it can. */
static void *stream_on(void *argument)
{
    loader *l = argument;
    caller c = {.b = l->b, .stream = (uint32_t)l->number};
    l->status = connect_client(l->b, &c.client);
    for (size_t k = 0; l->status == RUD_OK && (rud_wall_seconds() < l->until || k % T != 0); k++) {
        l->status = call_stream(&c, k);
        l->done += l->status == RUD_OK;
    }
    if (l->status != RUD_OK) snprintf(l->message, sizeof l->message, "%s", rud_last_error());
    rud_client_free(&c.client);
    return NULL;
}

/* ---- all ---- */

static void find_cores(bench *b)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    b->first_core = b->second_core = -1;
    for (int core = 0; core < CPU_SETSIZE; core++) {
        if (!CPU_ISSET((size_t)core, &set)) continue;
        if (b->first_core < 0) {
            b->first_core = core;
        } else if (b->second_core < 0) {
            b->second_core = core;
        }
    }
    if (b->second_core < 0) b->second_core = b->first_core;
}

static rud_status measure_throughputs(bench *b)
{
    unpin_all(b);
    RUD_TRY(run_threads(b, "redistribute, 16 clients", CLIENTS, false, load));
    RUD_TRY(run_threads(b, "submit, 16 clients", CLIENTS, true, load));
    return run_threads(b, "stream.step, 200 clients", CROWD, false, stream_on);
}

/* Throughput is measured on a new server: the first one's trainer trains for ever. */
static rud_status measure_all(bench *b)
{
    RUD_TRY(play_episodes(b));
    RUD_TRY(start_echo(b));
    RUD_TRY(start_server(b));
    RUD_TRY(train(b));
    RUD_TRY(latencies(b));
    end(&b->server, SIGKILL);
    RUD_TRY(start_server(b));
    return measure_throughputs(b);
}

static void remove_folder(const char *folder)
{
    char *const arguments[] = {"rm", "-rf", (char *)folder, NULL};
    const pid_t pid = fork();
    if (pid == 0) {
        execvp("rm", arguments);
        _exit(1);
    }
    if (pid > 0) waitpid(pid, NULL, 0);
}

rud_status cli_bench_bridge(bool json)
{
    bench b = {.json = json};
    find_cores(&b);
    const char *folder = getenv("TMPDIR");
    snprintf(b.folder, sizeof b.folder, "%s/rudder-bench-XXXXXX", folder ? folder : "/tmp");
    if (!mkdtemp(b.folder)) return rud_error(RUD_EIO, "cannot make a folder %s", b.folder);
    const rud_status status = measure_all(&b);
    end(&b.echo, SIGKILL);
    end(&b.server, SIGTERM);
    rud_episodes_free(&b.episodes);
    remove_folder(b.folder);
    return status;
}

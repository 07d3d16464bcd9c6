/* What takes too long for a test: `make chaos`, `make soak` and `make mutate` run it.
 *   endurance chaos RUDDER [KILLS]      kills the server under load; is every acknowledged episode
 * kept? endurance soak RUDDER [MINUTES]     submits, streams, disconnects and malformed frames; is
 * memory flat? endurance mutate RUDDER [FRAMES]    mutated frames against a server that serves a
 * good client too RUDDER is the program. Ends with 1 where the answer is no. */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <zmq.h>

#include "rudder.h"

enum { LOADERS = 4, PIPELINE = 16, STEPS = 20, MOST = 2000000, ADDRESS = 160 };

typedef struct server {
    const char *program;
    char folder[64], bind[ADDRESS];
    pid_t pid;
    rlim_t largest_file; /* [bytes] 0: no limit */
} server;

static void fail(const char *what)
{
    fprintf(stderr, "failed: %s\n", what);
    exit(1);
}

static void must(rud_status status)
{
    if (status != RUD_OK) fail(rud_last_error());
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void rest(double duration)
{
    const struct timespec time = {(time_t)duration,
                                  (long)((duration - (double)(time_t)duration) * 1e9)};
    nanosleep(&time, NULL);
}

/* ---- the server's process ---- */

static void make_folder(server *s)
{
    const char *folder = getenv("TMPDIR");
    snprintf(s->folder, sizeof s->folder, "%.40s/rudder-XXXXXX", folder ? folder : "/tmp");
    if (!mkdtemp(s->folder)) fail("no folder");
    snprintf(s->bind, sizeof s->bind, "ipc://%s/socket", s->folder);
}

static void remove_folder(const server *s)
{
    const pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", s->folder, (char *)NULL);
        _exit(1);
    }
    waitpid(pid, NULL, 0);
}

enum { MOST_SETTINGS = 4 };
#define SETTINGS(...) ((const char *const[MOST_SETTINGS + 1]){__VA_ARGS__})

/* Starts it with settings[], ended by NULL, and waits for its line; returns the seconds that this
 * took. */
static double start(server *s, const char *const *settings)
{
    int out[2];
    char line[512] = "", state[96];
    const char *arguments[8 + 2 * MOST_SETTINGS] = {s->program, "serve",   "-q", "--bind",
                                                    s->bind,    "--state", state};
    for (size_t k = 0; settings[k] != NULL; k++) {
        arguments[7 + 2 * k] = "--set";
        arguments[8 + 2 * k] = settings[k];
    }
    const double begin = seconds();
    snprintf(state, sizeof state, "%s/state", s->folder);
    if (pipe(out) != 0) fail("no pipe");
    s->pid = fork();
    if (s->pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        if (s->largest_file > 0) {
            const struct rlimit limit = {s->largest_file, s->largest_file};
            signal(SIGXFSZ, SIG_IGN); /* a write fails then */
            setrlimit(RLIMIT_FSIZE, &limit);
        }
        execv(s->program, (char *const *)arguments);
        _exit(1);
    }
    close(out[1]);
    FILE *stream = fdopen(out[0], "r");
    if (!stream || !fgets(line, sizeof line, stream) || !strstr(line, "listening")) {
        fail("the server did not start");
    }
    fclose(stream);
    return seconds() - begin;
}

static void stop(server *s, int signal)
{
    kill(s->pid, signal);
    waitpid(s->pid, NULL, 0);
}

static rud_client *connect_client(const server *s)
{
    rud_space observation, action;
    rud_client *client = NULL;
    rud_client_options options = rud_client_options_default();
    options.address = s->bind;
    options.timeout = 20;
    must(rud_client_create(&options, &client));
    must(rud_space_discrete(8, &observation));
    must(rud_space_discrete(2, &action));
    const rud_client_spec spec = {
        .observation_space = &observation, .action_space = &action, .final_observation = true};
    must(rud_client_configure(client, &spec, NULL));
    rud_space_free(&observation);
    rud_space_free(&action);
    return client;
}

/* An episode whose return is the number of its ones. */
static rud_episode *make_episode(rud_rng *rng, const char *id)
{
    rud_episode *episode = NULL;
    must(rud_episode_create(STEPS, STEPS + 1, 1, 1, &episode));
    must(rud_episode_set_id(episode, id));
    for (size_t t = 0; t <= STEPS; t++) episode->observations[t] = (double)rud_rng_below(rng, 8);
    for (size_t t = 0; t < STEPS; t++) {
        episode->actions[t] = (double)rud_rng_below(rng, 2);
        episode->rewards[STEPS - 1] += episode->observations[t] == 1;
    }
    episode->terminated = true;
    return episode;
}

/* ---- chaos ---- */

/* Ids are numbers; acknowledged[n] says that n's submission was. */
static unsigned char *acknowledged;
static atomic_size_t next_id;

typedef struct loader {
    const server *s;
    pthread_t thread;
    uint64_t seed;
} loader;

/* Submits until the server does not answer any more. */
static void *submit_on(void *argument)
{
    loader *l = argument;
    rud_rng rng = rud_rng_stream(l->seed, "endurance", 0);
    uint64_t requests[PIPELINE] = {0};
    size_t numbers[PIPELINE];
    rud_client *client = connect_client(l->s);
    rud_client_answer answer = {0};
    rud_client_set_timeout(client, 0.3);
    for (;;) {
        for (size_t k = 0; k < PIPELINE; k++) {
            char id[32];
            if (requests[k] != 0) continue;
            numbers[k] = atomic_fetch_add(&next_id, 1);
            if (numbers[k] >= MOST) fail("too many episodes");
            snprintf(id, sizeof id, "%zu", numbers[k]);
            rud_episode *episode = make_episode(&rng, id);
            const rud_status sent = rud_client_post_submit(client, episode, &requests[k]);
            rud_episode_free(&episode);
            if (sent != RUD_OK) requests[k] = 0;
        }
        if (rud_client_take(client, &answer) != RUD_OK) break;
        for (size_t k = 0; k < PIPELINE; k++) {
            if (requests[k] != answer.id) continue;
            acknowledged[numbers[k]] = 1;
            requests[k] = 0;
        }
    }
    rud_client_free(&client);
    return NULL;
}

static char *journal_of(const server *s)
{
    static char path[512];
    char state[96];
    snprintf(state, sizeof state, "%s/state", s->folder);
    DIR *entries = opendir(state);
    path[0] = '\0';
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        if (strncmp(entry->d_name, "task-", 5) != 0) continue;
        snprintf(path, sizeof path, "%s/%s/journal", state, entry->d_name);
    }
    if (entries) closedir(entries);
    return path;
}

/* Is every acknowledged episode in the journal once, and none twice? Returns how many are there. */
static size_t check_journal(const server *s)
{
    unsigned char *seen = calloc(MOST, 1);
    rud_journal_reader *reader = NULL;
    size_t count = 0;
    if (!seen) fail("no memory");
    must(rud_journal_reader_open(journal_of(s), &reader));
    for (;;) {
        rud_episode *episode = NULL;
        must(rud_journal_reader_next(reader, &episode));
        if (!episode) break;
        const size_t number = strtoull(episode->id, NULL, 10);
        if (number >= MOST || seen[number]) fail("an episode is there twice");
        seen[number] = 1;
        count++;
        rud_episode_free(&episode);
    }
    for (size_t k = 0; k < MOST; k++) {
        if (acknowledged[k] && !seen[k]) fail("an acknowledged episode is lost");
    }
    rud_journal_reader_close(&reader);
    free(seen);
    return count;
}

/* Asks the restarted server what it has, and compares with what was told before it was killed. */
static void check_told(const server *s, size_t kept, uint64_t version)
{
    rud_client *client = connect_client(s);
    rud_client_task task;
    must(rud_client_status(client, NULL, &task));
    if (task.episodes != kept) fail("the server counts other episodes than its journal");
    if (task.model_version < version) fail("a model whose version was told is gone");
    rud_client_free(&client);
}

/* The version of the model that the server tells now, under load. */
static uint64_t told_version(const server *s)
{
    rud_client *client = connect_client(s);
    rud_client_task task;
    must(rud_client_status(client, NULL, &task));
    rud_client_free(&client);
    return task.model_version;
}

static int chaos(server *s, size_t kills)
{
    const char *const *settings = SETTINGS("predictor.hidden=8");
    rud_rng rng = rud_rng_stream(1, "endurance", 1);
    double slowest = 0;
    size_t kept = 0;
    uint64_t version = 0;
    for (size_t k = 0; k < kills; k++) {
        loader loaders[LOADERS];
        const double took = start(s, settings);
        if (took > slowest) slowest = took;
        if (k > 0) check_told(s, kept, version);
        for (size_t i = 0; i < LOADERS; i++) {
            loaders[i] = (loader){.s = s, .seed = k * LOADERS + i};
            pthread_create(&loaders[i].thread, NULL, submit_on, &loaders[i]);
        }
        rest(0.1 + 0.4 * rud_rng_uniform(&rng));
        version = told_version(s);
        stop(s, SIGKILL);
        for (size_t i = 0; i < LOADERS; i++) pthread_join(loaders[i].thread, NULL);
        kept = check_journal(s);
    }
    size_t count = 0;
    for (size_t k = 0; k < MOST; k++) count += acknowledged[k];
    printf("%zu kills: %zu episodes were acknowledged, %zu are kept, none is lost or there twice; "
           "model %llu; slowest start %.2f s\n",
           kills, count, kept, (unsigned long long)version, slowest);
    return 0;
}

/* ---- full ---- */

/* A disk that takes no more is a limit of the files' size here. Submissions are refused then, and
 * everything else goes on. */
static int full(server *s)
{
    enum { LARGEST = 200000 };
    s->largest_file = LARGEST;
    start(s, SETTINGS("predictor.hidden=8"));
    rud_client *client = connect_client(s);
    rud_rng rng = rud_rng_stream(7, "endurance", 6);
    rud_status status = RUD_OK;
    rud_client_task task;
    size_t accepted = 0;
    for (size_t k = 0; status == RUD_OK && k < MOST; k++) {
        char id[32];
        size_t now = 0;
        snprintf(id, sizeof id, "%zu", k);
        rud_episode *episode = make_episode(&rng, id);
        const rud_episode *given = episode;
        status = rud_client_submit(client, &given, 1, &now, &task);
        accepted += now;
        rud_episode_free(&episode);
    }
    if (strcmp(rud_client_error(client), "storage") != 0) fail("not refused with `storage`");
    rud_episode *episode = make_episode(&rng, "good");
    const rud_episode *given = episode;
    double rewards[STEPS], *redistributed = rewards;
    rud_redistribution_report report;
    must(rud_client_redistribute(client, &given, 1, false, &redistributed, &report, NULL));
    must(rud_client_status(client, NULL, &task));
    if (task.episodes != accepted) fail("what was refused counts");
    rud_episode_free(&episode);
    rud_client_free(&client);
    stop(s, SIGKILL);
    s->largest_file = 0;
    start(s, SETTINGS("predictor.hidden=8"));
    client = connect_client(s);
    must(rud_client_status(client, NULL, &task));
    if (task.episodes != accepted) fail("the restarted server holds other episodes");
    rud_client_free(&client);
    stop(s, SIGTERM);
    printf("%zu episodes were kept, then submissions were refused and all else went on\n",
           accepted);
    return 0;
}

/* ---- soak ---- */

static atomic_bool ended;

static void *soak_episodes(void *argument)
{
    const loader *l = argument;
    rud_rng rng = rud_rng_stream(l->seed, "endurance", 2);
    for (size_t k = 0; !ended; k++) {
        rud_client *client = connect_client(l->s); /* a new session each time */
        for (size_t i = 0; i < 20 && !ended; i++) {
            char id[64];
            double rewards[STEPS], *redistributed = rewards;
            rud_redistribution_report report;
            snprintf(id, sizeof id, "soak-%llu-%zu-%zu", (unsigned long long)l->seed, k, i);
            rud_episode *episode = make_episode(&rng, id);
            const rud_episode *given = episode;
            must(rud_client_redistribute(client, &given, 1, true, &redistributed, &report, NULL));
            rud_episode_free(&episode);
            rest(0.05);
        }
        rud_client_free(&client);
    }
    return NULL;
}

static void *soak_streams(void *argument)
{
    const loader *l = argument;
    for (size_t k = 0; !ended; k++) {
        rud_client *client = connect_client(l->s);
        for (uint32_t stream = 0; stream < 20; stream++) {
            char id[64];
            const size_t steps = 1 + (k + stream) % STEPS; /* most are left open */
            snprintf(id, sizeof id, "stream-%llu-%zu-%u", (unsigned long long)l->seed, k, stream);
            for (size_t t = 0; t < steps; t++) {
                const double observation = (double)(t % 8), action = 1, last = 0;
                double reward = 0;
                bool ready = false;
                const rud_client_step step = {.stream = stream,
                                              .episode = id,
                                              .t = t,
                                              .observation = &observation,
                                              .action = &action,
                                              .reward = 1,
                                              .terminated = t + 1 == STEPS,
                                              .final_observation = &last};
                must(rud_client_stream(client, &step, &reward, &ready));
            }
        }
        rud_client_free(&client);
        rest(0.5);
    }
    return NULL;
}

/* Bytes of all kinds; some of them start as a request does. */
static size_t make_garbage(rud_rng *rng, unsigned char *bytes, size_t most)
{
    static const char start_of_request[] = "\x84\xa7version\x01\xa2id\x05\xa2op";
    const size_t size = rud_rng_below(rng, most);
    for (size_t k = 0; k < size; k++) bytes[k] = (unsigned char)rud_rng_u32(rng);
    const size_t head = sizeof start_of_request - 1;
    if (rud_rng_below(rng, 2) == 0 && size > head) memcpy(bytes, start_of_request, head);
    return size;
}

static void *soak_garbage(void *argument)
{
    const loader *l = argument;
    rud_rng rng = rud_rng_stream(l->seed, "endurance", 3);
    while (!ended) {
        void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_DEALER);
        const int linger = 100;
        zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
        zmq_connect(socket, l->s->bind);
        for (size_t k = 0; k < 100; k++) {
            unsigned char bytes[512];
            zmq_send(socket, bytes, make_garbage(&rng, bytes, sizeof bytes), ZMQ_DONTWAIT);
        }
        rest(0.2);
        zmq_close(socket);
        zmq_ctx_term(context);
    }
    return NULL;
}

static size_t resident_kib(pid_t pid)
{
    char path[64], line[128];
    size_t kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "VmRSS: %zu kB", &kib) == 1) break;
    }
    if (file) fclose(file);
    return kib;
}

static size_t descriptors(pid_t pid)
{
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *entries = opendir(path);
    while (entries && readdir(entries)) count++;
    if (entries) closedir(entries);
    return count;
}

/* Flat: after a sixth of the time, memory grows by less than a tenth, descriptors not at all. */
static int soak(server *s, double minutes)
{
    /* Sessions and journal segments come and go within minutes, as they would within days. */
    start(s, SETTINGS("server.session_seconds=20", "server.journal_segment_bytes=131072",
                      "server.journal_bytes=1048576"));
    loader loaders[6];
    void *(*const mains[6])(void *) = {soak_episodes, soak_episodes, soak_streams,
                                       soak_streams,  soak_garbage,  soak_garbage};
    for (size_t i = 0; i < 6; i++) {
        loaders[i] = (loader){.s = s, .seed = i};
        pthread_create(&loaders[i].thread, NULL, mains[i], &loaders[i]);
    }
    const double begin = seconds(), step = minutes * 60 / 30;
    size_t settled = 0, memory = 0, most = 0, files = 0, first_files = 0;
    printf("minutes  resident MiB  descriptors\n");
    for (size_t k = 1; k <= 30; k++) {
        rest(begin + step * (double)k - seconds());
        memory = resident_kib(s->pid);
        files = descriptors(s->pid);
        printf("%7.1f  %12.1f  %11zu\n", step * (double)k / 60, (double)memory / 1024, files);
        fflush(stdout);
        if (k == 5) settled = memory, first_files = files;
        if (k > 5 && memory > most) most = memory;
    }
    ended = true;
    for (size_t i = 0; i < 6; i++) pthread_join(loaders[i].thread, NULL);
    stop(s, SIGTERM);
    const bool flat = most <= settled + settled / 10 && files <= first_files + 16;
    printf("%s\n", flat ? "memory and descriptors are flat" : "memory or descriptors grow");
    return flat ? 0 : 1;
}

/* ---- mutate ---- */

/* A request of the C client, as bytes: taken from a socket that only listens. */
static size_t record_request(const server *s, unsigned char *bytes, size_t most)
{
    char address[ADDRESS + 8];
    snprintf(address, sizeof address, "%s-2", s->bind);
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_ROUTER);
    if (zmq_bind(socket, address) != 0) fail("cannot listen");
    rud_client_options options = rud_client_options_default();
    rud_client *client = NULL;
    rud_rng rng = rud_rng_stream(5, "endurance", 5);
    rud_episode *episode = make_episode(&rng, "mutated");
    uint64_t id;
    options.address = address;
    must(rud_client_create(&options, &client));
    must(rud_client_post_submit(client, episode, &id));
    zmq_recv(socket, bytes, most, 0);
    const int size = zmq_recv(socket, bytes, most, 0);
    rud_client_free(&client);
    rud_episode_free(&episode);
    zmq_close(socket);
    zmq_ctx_term(context);
    return size > 0 ? (size_t)size : 0;
}

static int mutate(server *s, size_t frames)
{
    unsigned char original[4096], bytes[4096];
    rud_rng rng = rud_rng_stream(2, "endurance", 4);
    const int high_water = 1000;
    start(s, SETTINGS("server.max_tasks=4096"));
    const size_t size = record_request(s, original, sizeof original);
    rud_client *client = connect_client(s);
    rud_episode *episode = make_episode(&rng, "good");
    const rud_episode *good = episode;
    double rewards[STEPS], *redistributed = rewards;
    rud_redistribution_report report;
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(socket, ZMQ_SNDHWM, &high_water, sizeof high_water);
    zmq_connect(socket, s->bind);
    size_t answered = 0;
    for (size_t k = 0; k < frames; k++) {
        memcpy(bytes, original, size);
        for (size_t n = 1 + rud_rng_below(&rng, 6); n > 0; n--) {
            bytes[rud_rng_below(&rng, size)] = (unsigned char)rud_rng_u32(&rng);
        }
        const size_t sent = rud_rng_below(&rng, 4) == 0 ? rud_rng_below(&rng, size) : size;
        zmq_send(socket, bytes, sent, 0);
        while (zmq_recv(socket, bytes, sizeof bytes, ZMQ_DONTWAIT) >= 0) answered++;
        if (k % 1000 != 0) continue;
        must(rud_client_redistribute(client, &good, 1, false, &redistributed, &report, NULL));
    }
    rud_client_server about;
    must(rud_client_status(client, &about, NULL));
    printf("%zu mutated frames: %zu answered so far, %llu dropped; the good client was served "
           "throughout\n",
           frames, answered, (unsigned long long)about.dropped);
    rud_client_server_free(&about);
    rud_client_free(&client);
    rud_episode_free(&episode);
    zmq_close(socket);
    zmq_ctx_term(context);
    stop(s, SIGTERM);
    return 0;
}

int main(int argc, char **argv)
{
    server s = {.program = argc > 2 ? argv[2] : ""};
    int code = 2;
    acknowledged = calloc(MOST, 1);
    if (!acknowledged) fail("no memory");
    if (argc > 2) make_folder(&s);
    const char *number = argc > 3 && *argv[3] ? argv[3] : NULL;
    if (argc > 2 && strcmp(argv[1], "chaos") == 0)
        code = chaos(&s, number ? strtoul(number, NULL, 10) : 50);
    if (argc > 2 && strcmp(argv[1], "soak") == 0) code = soak(&s, number ? atof(number) : 30);
    if (argc > 2 && strcmp(argv[1], "mutate") == 0)
        code = mutate(&s, number ? strtoul(number, NULL, 10) : 1000000);
    if (argc > 2 && strcmp(argv[1], "full") == 0) code = full(&s);
    if (code == 2)
        fprintf(stderr, "usage: endurance chaos|soak|mutate|full RUDDER [KILLS|MINUTES|FRAMES]\n");
    if (argc > 2) remove_folder(&s);
    free(acknowledged);
    return code;
}

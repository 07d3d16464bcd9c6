/* rudder serve: the agent bridge. */
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

enum {
    KEY_SET = 256,
    KEY_BIND,
    KEY_STATE,
    KEY_INSECURE,
    KEY_STATUS,
    KEY_KEY,
    KEY_SERVER_KEY,
    KEY_PARENT
};

typedef struct arguments {
    cli_verbosity verbosity;
    cli_settings settings;
    const char *config, *bind, *state, *key, *server_key;
    long parent; /* 0: none */
    bool insecure, status;
} arguments;

static const struct argp_option options[] = {
    {"bind", KEY_BIND, "ADDRESS", 0,
     "ZeroMQ address (default tcp://127.0.0.1:5555); port * takes a free one", 0},
    {"parent", KEY_PARENT, "PID", 0, "End when this parent process has ended", 0},
    {"state", KEY_STATE, "DIR", 0, "Keep episodes and models in DIR over restarts", 0},
    {"set", KEY_SET, "KEY=VALUE", 0, "Change a key of the configuration; may be repeated", 0},
    {"insecure", KEY_INSECURE, 0, 0,
     "Allow an ADDRESS that other machines reach, without CURVE keys", 0},
    {"status", KEY_STATUS, 0, 0, "Ask the server that runs at ADDRESS, and print a table", 0},
    {"key", KEY_KEY, "FILE", 0, "With --status: a secret key that the server allows", 0},
    {"server-key", KEY_SERVER_KEY, "FILE", 0, "With --status: the server's public key", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    char *end;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->verbosity;
        return 0;
    case KEY_SET:
        return cli_settings_add(&a->settings, argument) == RUD_OK ? 0 : ENOMEM;
    case KEY_BIND:
        a->bind = argument;
        return 0;
    case KEY_PARENT:
        a->parent = strtol(argument, &end, 10);
        if (*end || a->parent <= 0) argp_error(state, "--parent=%s is no process", argument);
        return 0;
    case KEY_STATE:
        a->state = argument;
        return 0;
    case KEY_INSECURE:
        a->insecure = true;
        return 0;
    case KEY_STATUS:
        a->status = true;
        return 0;
    case KEY_KEY:
        a->key = argument;
        return 0;
    case KEY_SERVER_KEY:
        a->server_key = argument;
        return 0;
    case ARGP_KEY_END:
        if (!a->key != !a->server_key) argp_error(state, "--key and --server-key belong together");
        if (a->key && !a->status) argp_error(state, "--key and --server-key go with --status");
        return 0;
    case ARGP_KEY_ARG:
        if (a->config) argp_error(state, "one CONFIG only, found '%s' too", argument);
        a->config = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Tells systemd, where it asked to be told (sd_notify(3)). A name that starts with @ is abstract.
 */
static void notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof address.sun_path) {
        return;
    }
    memcpy(address.sun_path, path, strlen(path));
    if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
    const socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, length) < 0) {
        rud_log(RUD_LOG_WARNING, "NOTIFY_SOCKET=%s takes no message", path);
    }
    close(fd);
}

/* An option that takes the place of a key. */
static rud_status replace(const char *option, const char *value, char *key, size_t size)
{
    if (!value) return RUD_OK;
    if (strlen(value) >= size) {
        return rud_error(RUD_EINVAL, "%s is too long: at most %zu bytes", option, size - 1);
    }
    snprintf(key, size, "%s", value);
    return RUD_OK;
}

/* An orphan gets another parent. (A death signal would come when the parent's thread ends.) */
static void *watch_parent(void *parent)
{
    const struct timespec pause = {.tv_nsec = 200000000};
    while (getppid() == (pid_t)(intptr_t)parent) nanosleep(&pause, NULL);
    rud_stop_request(&cli_stop);
    return NULL;
}

static rud_status follow(pid_t parent)
{
    pthread_t thread;
    if (parent == 0) return RUD_OK;
    if (pthread_create(&thread, NULL, watch_parent, (void *)(intptr_t)parent) != 0) {
        return rud_error(RUD_ENOMEM, "no thread to watch process %ld", (long)parent);
    }
    pthread_detach(thread);
    return RUD_OK;
}

static int serve(const rud_server_options *server_options, pid_t parent)
{
    rud_server *server;
    rud_status status = follow(parent);
    if (status == RUD_OK) status = rud_server_create(server_options, &server);
    if (status != RUD_OK) {
        return status == RUD_EINVAL ? cli_fail_usage(status) : cli_fail(status);
    }
    printf("rudder: listening on %s\n", rud_server_address(server));
    fflush(stdout);
    notify("READY=1");
    status = rud_server_run(server, &cli_stop);
    notify("STOPPING=1");
    rud_server_free(&server);
    return status == RUD_OK ? CLI_DONE : cli_fail(status);
}

/* ---- --status ---- */

static void print_number(const char *what, double value)
{
    if (isnan(value)) {
        printf("  %-18s -\n", what);
    } else {
        printf("  %-18s %.6g\n", what, value);
    }
}

static void print_task(const rud_client_task *task)
{
    printf("\ntask %s\n", task->task);
    printf("  %-18s %s\n", "ready", task->ready ? "yes" : "no: original rewards are returned");
    print_number("quality", task->quality);
    printf("  %-18s %llu\n", "model version", (unsigned long long)task->model_version);
    printf("  %-18s %llu\n", "episodes", (unsigned long long)task->episodes);
    printf("  %-18s %llu\n", "updates", (unsigned long long)task->updates);
}

static void print_server(const char *address, const rud_client_server *server)
{
    printf("%s, rudder %s, up %.0f s\n", address, server->version, server->uptime_seconds);
    printf("  %-18s %llu\n", "sessions", (unsigned long long)server->sessions);
    printf("  %-18s %llu\n", "streams", (unsigned long long)server->streams);
    printf("  %-18s %llu\n", "environments", (unsigned long long)server->environments);
    printf("  %-18s %llu, %llu answered by an error, %llu dropped\n", "requests",
           (unsigned long long)server->requests, (unsigned long long)server->errors,
           (unsigned long long)server->dropped);
    for (size_t k = 0; k < server->task_count; k++) print_task(&server->tasks[k]);
}

static rud_status read_keys(const arguments *a, char keys[3][RUD_KEY_TEXT],
                            rud_client_options *client_options)
{
    if (!a->key) return RUD_OK;
    RUD_TRY(rud_keys_read_secret(a->key, keys[0], keys[1]));
    RUD_TRY(rud_keys_read_public(a->server_key, keys[2]));
    client_options->secret_key = keys[0];
    client_options->public_key = keys[1];
    client_options->server_key = keys[2];
    return RUD_OK;
}

static int ask_status(const arguments *a, const char *address)
{
    char keys[3][RUD_KEY_TEXT];
    rud_client_options client_options = rud_client_options_default();
    rud_client *client = NULL;
    rud_client_server server = {0};
    client_options.address = address;
    client_options.timeout = 3;
    rud_status status = read_keys(a, keys, &client_options);
    if (status == RUD_OK) status = rud_client_create(&client_options, &client);
    if (status == RUD_OK) status = rud_client_status(client, &server, NULL);
    if (status == RUD_OK) print_server(address, &server);
    rud_client_server_free(&server);
    rud_client_free(&client);
    return status == RUD_OK ? CLI_DONE : cli_fail(status);
}

static int read_and_serve(const arguments *a)
{
    rud_config config;
    rud_status status =
        rud_config_read_server(a->config, a->settings.items, a->settings.count, &config);
    if (status == RUD_OK) {
        status = replace("--bind", a->bind, config.server.bind, sizeof config.server.bind);
    }
    if (status == RUD_OK) {
        status = replace("--state", a->state, config.server.state, sizeof config.server.state);
    }
    if (status != RUD_OK) return cli_fail_usage(status);
    config.server.insecure |= a->insecure;
    return a->status ? ask_status(a, config.server.bind) : serve(&config.server, (pid_t)a->parent);
}

int cli_serve(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_verbosity_argp, 0, 0, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "[CONFIG]",
        "Redistributes the rewards of agents that connect over ZeroMQ, and learns from their "
        "episodes meanwhile; agent_bridge/PROTOCOL.md tells how to talk to it.\v"
        "Prints a line when it is ready. Ends by SIGINT or SIGTERM within two seconds; with "
        "--state a restart goes on where it was.",
        children,
        0,
        0};
    arguments a = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    const int code = read_and_serve(&a);
    cli_settings_free(&a.settings);
    return code;
}

/* The processes of `rudder bench --part bridge`, and the cores that they run on. */
#define _GNU_SOURCE /* CPU_SET */
#include <dirent.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zmq.h>

#include "cli/bench_bridge.h"

void cli_bridge_find_cores(cli_bridge_bench *b)
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

static cpu_set_t cores_of(int one, int other)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)one, &set);
    CPU_SET((size_t)other, &set);
    return set;
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

static void place_server(const cli_bridge_bench *b, const cpu_set_t *trainer,
                         const cpu_set_t *others)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)b->server.pid);
    DIR *threads = opendir(path);
    for (struct dirent *entry; threads && (entry = readdir(threads));) {
        if (entry->d_name[0] == '.') continue;
        sched_setaffinity((pid_t)atoi(entry->d_name), sizeof *others,
                          is_trainer(b->server.pid, entry->d_name) ? trainer : others);
    }
    if (threads) closedir(threads);
}

void cli_bridge_pin(const cli_bridge_bench *b)
{
    const cpu_set_t first = cores_of(b->first_core, b->first_core);
    const cpu_set_t second = cores_of(b->second_core, b->second_core);
    sched_setaffinity(0, sizeof first, &first);
    place_server(b, &second, &first);
}

void cli_bridge_unpin(const cli_bridge_bench *b)
{
    const cpu_set_t both = cores_of(b->first_core, b->second_core);
    place_server(b, &both, &both);
    sched_setaffinity(0, sizeof both, &both);
}

/* Runs `rudder serve` and reads the line that it prints when it is ready. */
rud_status cli_bridge_start_server(cli_bridge_bench *b)
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
    snprintf(b->server.address, CLI_BRIDGE_ADDRESS, "%.*s", (int)strcspn(at, "\n"), at);
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

rud_status cli_bridge_start_echo(cli_bridge_bench *b)
{
    snprintf(b->echo.address, CLI_BRIDGE_ADDRESS, "tcp://127.0.0.1:%d",
             20000 + (int)getpid() % 20000);
    b->echo.pid = fork();
    if (b->echo.pid == 0) {
        const cpu_set_t first = cores_of(b->first_core, b->first_core);
        sched_setaffinity(0, sizeof first, &first); /* its I/O thread inherits it */
        echo(b->echo.address);
    }
    return b->echo.pid > 0 ? RUD_OK : rud_error(RUD_EIO, "cannot start an echo");
}

void cli_bridge_end(cli_bridge_process *process, int signal)
{
    if (process->pid <= 0) return;
    kill(process->pid, signal);
    waitpid(process->pid, NULL, 0);
    process->pid = 0;
}

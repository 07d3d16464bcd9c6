/* The state folder:
 *     lock                  held by the server that has the folder
 *     task-<key>/spec       the specification, as on the wire
 *     task-<key>/journal/   its episodes
 *     task-<key>/model...   what was learnt from them */
#define _GNU_SOURCE /* flock, nftw */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent_bridge/state_private.h"
#include "base/file.h"
#include "base/log.h"

static rud_status make_temporary(rud_server *server)
{
    const char *folder = getenv("TMPDIR");
    server->state = rud_path_join(folder != NULL ? folder : "/tmp", "rudder-XXXXXX");
    if (server->state == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    if (mkdtemp(server->state) != NULL) return RUD_OK;
    const rud_status status =
        rud_error(RUD_EIO, "cannot make the folder %s: %s", server->state, strerror(errno));
    free(server->state);
    server->state = NULL;
    return status;
}

static rud_status lock_folder(rud_server *server)
{
    char *path = rud_path_join(server->state, "lock");
    if (path == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    server->state_lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    rud_status status = RUD_OK;
    if (server->state_lock < 0) {
        status = rud_error(RUD_EIO, "%s: %s", path, strerror(errno));
    } else if (flock(server->state_lock, LOCK_EX | LOCK_NB) != 0) {
        status = rud_error(RUD_ESTATE,
                           "another server has the state folder %s: stop it, or give "
                           "another folder",
                           server->state);
        close(server->state_lock);
        server->state_lock = -1;
    }
    free(path);
    return status;
}

rud_status rud_state_open(rud_server *server)
{
    server->keeps = server->options.state[0] != '\0';
    if (!server->keeps) return make_temporary(server);
    server->state = strdup(server->options.state);
    if (server->state == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    RUD_TRY(rud_make_folders(server->state));
    return lock_folder(server);
}

static int remove_entry(const char *path, const struct stat *about, int type, struct FTW *place)
{
    (void)about;
    (void)type;
    (void)place;
    return remove(path);
}

void rud_state_remove(const char *folder)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void rud_state_close(rud_server *server)
{
    if (server->state_lock >= 0) close(server->state_lock);
    if (server->state != NULL && !server->keeps) rud_state_remove(server->state);
    free(server->state);
    server->state = NULL;
}

rud_status rud_task_keep_spec(const rud_task *task)
{
    rud_packer packer;
    char *path = rud_path_join(task->folder, "spec");
    rud_packer_init(&packer);
    rud_pack_open(&packer);
    rud_pack_field_bool(&packer, "inferred", task->inferred);
    rud_pack_key(&packer, "spec");
    rud_pack_task_spec(&packer, &task->spec);
    rud_pack_close(&packer);
    rud_status status = RUD_OK;
    if (path == NULL || packer.failed) {
        status = rud_error(RUD_ENOMEM, "no memory for a specification");
    } else if (!rud_file_exists(path)) {
        status = rud_file_write(path, packer.buffer.data, packer.buffer.size);
    }
    rud_packer_free(&packer);
    free(path);
    return status;
}

static rud_status read_spec(const rud_server *server, const rud_message *message,
                            rud_task_spec *spec, bool *inferred)
{
    rud_problem problem = {0};
    const rud_wire_place place = {"", &problem};
    const msgpack_object *object = NULL;
    *spec = (rud_task_spec){0};
    if (message->root.type != MSGPACK_OBJECT_MAP) return rud_error(RUD_EFORMAT, "no map");
    RUD_TRY(rud_wire_bool(place, &message->root, "inferred", inferred));
    RUD_TRY(rud_wire_need(place, &message->root, "spec", &object));
    return rud_wire_task_spec(place, object, &server->options.features, server->options.seed, spec);
}

static rud_status load_task(rud_server *server, const char *name)
{
    enum { MOST = 64 << 20 };
    char *folder = rud_path_join(server->state, name);
    char *path = folder != NULL ? rud_path_join(folder, "spec") : NULL;
    char *bytes = NULL;
    size_t size = 0;
    bool inferred = false;
    rud_message message = {0};
    rud_task_spec spec = {0};
    rud_task *task = NULL;
    rud_status status = path == NULL ? rud_error(RUD_ENOMEM, "no memory for a path")
                                     : rud_file_read(path, MOST, &bytes, &size);
    if (status == RUD_OK) {
        status = rud_error_context(rud_message_read(bytes, size, &message), "%s", path);
    }
    if (status == RUD_OK) {
        status = rud_error_context(read_spec(server, &message, &spec, &inferred), "%s", path);
    }
    if (status == RUD_OK) {
        status = rud_error_context(rud_task_create(server, &spec, inferred, &task), "%s", folder);
    }
    rud_task_spec_free(&spec);
    rud_message_free(&message);
    free(bytes);
    free(path);
    free(folder);
    return status;
}

static int is_task(const struct dirent *entry)
{
    return strncmp(entry->d_name, "task-", 5) == 0;
}

/* A server that was killed before it wrote the specification has acknowledged nothing of the task:
 * its folder is removed, unless somebody put other things there. */
static rud_status is_begun(const rud_server *server, const char *name, bool *begun)
{
    char *folder = rud_path_join(server->state, name);
    char *spec = folder != NULL ? rud_path_join(folder, "spec") : NULL;
    const bool known = spec != NULL;
    *begun = known && rud_file_exists(spec);
    if (known) rud_folder_sweep(folder);
    if (known && !*begun && rmdir(folder) != 0) {
        rud_log(RUD_LOG_WARNING, "%s: left alone, since it holds no specification", folder);
    }
    free(spec);
    free(folder);
    return known ? RUD_OK : rud_error(RUD_ENOMEM, "no memory for a path");
}

static rud_status load_tasks(rud_server *server, struct dirent **entries, size_t count)
{
    size_t tasks = 0;
    for (size_t k = 0; k < count; k++) {
        bool begun = false;
        RUD_TRY(is_begun(server, entries[k]->d_name, &begun));
        if (!begun) continue;
        if (++tasks > server->options.limits.tasks) {
            return rud_error(RUD_EINVAL,
                             "%s holds more tasks than server.max_tasks = %zu: raise it",
                             server->state, server->options.limits.tasks);
        }
        RUD_TRY(load_task(server, entries[k]->d_name));
    }
    return RUD_OK;
}

rud_status rud_tasks_load(rud_server *server)
{
    struct dirent **entries = NULL;
    const int count = scandir(server->state, &entries, is_task, alphasort);
    if (count < 0) return rud_error(RUD_EIO, "%s: %s", server->state, strerror(errno));
    const rud_status status = load_tasks(server, entries, (size_t)count);
    for (int k = 0; k < count; k++) free(entries[k]);
    free(entries);
    return status;
}

/* ---- options ---- */

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Does only this machine reach the address? */
static bool is_local(const char *address)
{
    return begins(address, "ipc://") || begins(address, "tcp://127.") ||
           begins(address, "tcp://[::1]:") || begins(address, "tcp://localhost:");
}

/* ZeroMQ would take a port modulo 2^16. */
static bool has_port(const char *address)
{
    const char *port = strrchr(address, ':') + 1;
    const size_t digits = strspn(port, "0123456789");
    if (strcmp(port, "*") == 0) return true;
    return digits > 0 && digits <= 5 && port[digits] == '\0' && atoi(port) <= UINT16_MAX;
}

/* ZeroMQ would take a Unix socket's name away from the server that listens there. */
static rud_status check_unused(const char *address)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const char *path = address + strlen("ipc://");
    if (!begins(address, "ipc://") || strlen(path) >= sizeof name.sun_path) return RUD_OK;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return rud_error(RUD_EIO, "no socket: %s", strerror(errno));
    memcpy(name.sun_path, path, strlen(path));
    const bool used = connect(fd, (const struct sockaddr *)&name, sizeof name) == 0;
    close(fd);
    if (!used) return RUD_OK;
    return rud_error(RUD_ESTATE, "another server listens on %s: stop it, or give another address",
                     address);
}

rud_status rud_state_check(const rud_server_options *options)
{
    const bool curve = options->secret_key[0] != '\0';
    if (options->publish_every == 0 || options->limits.tasks == 0) {
        return rud_error(RUD_EINVAL, "server: tasks and publish_every must be at least 1");
    }
    if (curve != (options->allowed_clients[0] != '\0')) {
        return rud_error(RUD_EINVAL,
                         "server.secret_key and server.allowed_clients belong together: "
                         "give both, or none");
    }
    const bool is_tcp = begins(options->bind, "tcp://");
    if (is_tcp ? !has_port(options->bind) : !begins(options->bind, "ipc://")) {
        return rud_error(RUD_EINVAL,
                         "\"%s\" is no address to listen on: tcp://ADDRESS:PORT, with a port up to "
                         "65535 or *, or ipc://PATH",
                         options->bind);
    }
    RUD_TRY(check_unused(options->bind));
    if (curve || options->insecure || is_local(options->bind)) return RUD_OK;
    return rud_error(RUD_EINVAL,
                     "%s may be reached from other machines: give keys (`rudder keygen`, "
                     "server.secret_key, server.allowed_clients), or --insecure",
                     options->bind);
}

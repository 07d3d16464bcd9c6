#include "agent_bridge/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zmq.h>

#include "base/file.h"

/* A new file with these rights from its first byte on. */
static rud_status write_key(const char *path, const char *key, mode_t mode)
{
    char line[RUD_KEY_TEXT + 1];
    const int length = snprintf(line, sizeof line, "%s\n", key);
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        return rud_error(errno == EEXIST ? RUD_EEXIST : RUD_EIO, "%s: %s", path, strerror(errno));
    }
    const bool written = write(fd, line, (size_t)length) == length && fsync(fd) == 0;
    const int error = errno;
    if (close(fd) == 0 && written) return RUD_OK;
    unlink(path);
    return rud_error(RUD_EIO, "%s: %s", path, strerror(error));
}

static char *with_suffix(const char *name, const char *suffix)
{
    const size_t size = strlen(name) + strlen(suffix) + 1;
    char *path = malloc(size);
    if (path != NULL) snprintf(path, size, "%s%s", name, suffix);
    return path;
}

rud_status rud_keys_generate(const char *name)
{
    char secret[RUD_KEY_TEXT], public_key[RUD_KEY_TEXT];
    if (zmq_curve_keypair(public_key, secret) != 0) {
        return rud_error(RUD_EINVAL, "this libzmq has no CURVE: %s", zmq_strerror(errno));
    }
    char *secret_path = with_suffix(name, ".secret"), *public_path = with_suffix(name, ".public");
    rud_status status = RUD_OK;
    if (secret_path == NULL || public_path == NULL) {
        status = rud_error(RUD_ENOMEM, "no memory for a path");
    } else if (rud_file_exists(public_path)) {
        status = rud_error(RUD_EEXIST, "%s exists already: give another name", public_path);
    }
    if (status == RUD_OK) status = write_key(secret_path, secret, 0600);
    if (status == RUD_OK) {
        status = write_key(public_path, public_key, 0644);
        if (status != RUD_OK) unlink(secret_path);
    }
    free(secret_path);
    free(public_path);
    return status;
}

static rud_status read_key(const char *path, char key[RUD_KEY_TEXT])
{
    enum { MOST = 256 };
    unsigned char binary[32];
    char *bytes = NULL;
    size_t size = 0;
    RUD_TRY(rud_file_read(path, MOST, &bytes, &size));
    while (size > 0 && (bytes[size - 1] == '\n' || bytes[size - 1] == '\r')) size--;
    const bool fits = size == RUD_KEY_TEXT - 1;
    if (fits) {
        memcpy(key, bytes, size);
        key[size] = '\0';
    }
    free(bytes);
    if (fits && zmq_z85_decode(binary, key) != NULL) return RUD_OK;
    return rud_error(RUD_EFORMAT,
                     "%s: a key of 40 characters is needed, as `rudder keygen` writes "
                     "it",
                     path);
}

rud_status rud_keys_read_public(const char *path, char public_key[RUD_KEY_TEXT])
{
    return read_key(path, public_key);
}

rud_status rud_keys_read_secret(const char *path, char secret[RUD_KEY_TEXT],
                                char public_key[RUD_KEY_TEXT])
{
    struct stat about;
    if (stat(path, &about) != 0) return rud_error(RUD_EIO, "%s: %s", path, strerror(errno));
    if ((about.st_mode & 0077) != 0) {
        return rud_error(RUD_EINVAL,
                         "%s: others than its owner may use this file (mode %03o): chmod 600 it, "
                         "and think of the key as known",
                         path, (unsigned)about.st_mode & 0777);
    }
    RUD_TRY(read_key(path, secret));
    if (zmq_curve_public(public_key, secret) == 0) return RUD_OK;
    return rud_error(RUD_EFORMAT, "%s: no public key can be made from it", path);
}

/* Files copied whole, byte by byte, and changed in place: what is not changed comes through as it
 * is, whatever it is, and at the speed of the disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/stop.h"
#include "episodes/hdf5_private.h"

static const size_t block_bytes = (size_t)1 << 20;

static rud_status cannot(const char *what)
{
    return rud_error(RUD_EIO, "cannot be %s: %s", what, strerror(errno));
}

static rud_status write_all(int file, const char *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        const ssize_t written = write(file, bytes + done, size - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return cannot("written");
        done += (size_t)written;
    }
    return RUD_OK;
}

static rud_status copy_bytes(int from, int to, const volatile sig_atomic_t *stop, char *block)
{
    for (off_t at = 0;;) {
        RUD_TRY(rud_stop_check(stop));
        const ssize_t got = pread(from, block, block_bytes, at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return cannot("read");
        if (got == 0) return RUD_OK;
        RUD_TRY(write_all(to, block, (size_t)got));
        at += got;
    }
}

static rud_status copy_to(int from, const char *path, const volatile sig_atomic_t *stop)
{
    char *block = malloc(block_bytes);
    if (block == NULL) return rud_error(RUD_ENOMEM, "no memory left");
    const int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    rud_status status = to < 0 ? cannot("written") : copy_bytes(from, to, stop, block);
    if (to >= 0 && close(to) != 0 && status == RUD_OK) status = cannot("written");
    free(block);
    return status;
}

static rud_status open_copy(const char *path, hid_t *file)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    *file = -1;
    if (access >= 0) {
        H5Pset_file_locking(access, true, true);
        H5Pset_cache(access, 0, 521, 0, 0.75);
        rud_hdf5_limit_memory(access);
        /* what is new is readable from HDF5 1.8 on; the rest is as new as it was */
        H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_LATEST);
        *file = H5Fopen(path, H5F_ACC_RDWR, access);
        H5Pclose(access);
    }
    return *file < 0 ? rud_hdf5_write_failed("the copy cannot be changed") : RUD_OK;
}

rud_status rud_hdf5_copy_file(hid_t from, const char *path, const volatile sig_atomic_t *stop,
                              hid_t *file)
{
    int *descriptor = NULL;
    *file = -1;
    if (H5Fget_vfd_handle(from, H5P_DEFAULT, (void **)&descriptor) < 0 || descriptor == NULL)
        return rud_hdf5_failed("cannot be read");
    RUD_TRY(copy_to(*descriptor, path, stop));
    return open_copy(path, file);
}

/* Behind a link, and under another name, lies what belongs to something else too. */
static rud_status check_single(hid_t parent, const char *name, hid_t object)
{
    H5L_info_t link;
    H5O_info_t info;
    if (H5Lget_info(parent, name, &link, H5P_DEFAULT) < 0 ||
        H5Oget_info2(object, &info, H5O_INFO_BASIC) < 0)
        return rud_hdf5_failed("cannot be read");
    if (link.type == H5L_TYPE_HARD && info.rc == 1) return RUD_OK;
    return rud_error(RUD_EFORMAT,
                     "stands in the file under several names, or is a link: it cannot be changed "
                     "for one of them");
}

rud_status rud_hdf5_open_group_to_edit(hid_t parent, const char *name, hid_t *group)
{
    *group = H5Gopen2(parent, name, H5P_DEFAULT);
    if (*group < 0) return rud_hdf5_failed("a group is needed");
    const rud_status status = check_single(parent, name, *group);
    if (status == RUD_OK) return RUD_OK;
    H5Gclose(*group);
    *group = -1;
    return status;
}

/* One dimension of `count` numbers of `type`, stored as they are in this place only. */
static bool can_be_overwritten(hid_t group, const char *name, hid_t id, hid_t type, size_t count)
{
    const hid_t stored = H5Dget_type(id), space = H5Dget_space(id),
                creation = H5Dget_create_plist(id);
    const bool can = stored >= 0 && space >= 0 && creation >= 0 && H5Tequal(stored, type) > 0 &&
                     H5Sget_simple_extent_ndims(space) == 1 &&
                     H5Sget_simple_extent_npoints(space) == (hssize_t)count &&
                     H5Pget_nfilters(creation) == 0 && H5Pget_external_count(creation) == 0 &&
                     check_single(group, name, id) == RUD_OK;
    if (stored >= 0) H5Tclose(stored);
    if (space >= 0) H5Sclose(space);
    if (creation >= 0) H5Pclose(creation);
    return can;
}

rud_status rud_hdf5_replace(hid_t group, const char *name, hid_t type, size_t count, hid_t memory,
                            const void *values)
{
    const hid_t id = H5Dopen2(group, name, H5P_DEFAULT);
    const bool fits = id >= 0 && can_be_overwritten(group, name, id, type, count);
    const bool written = fits && H5Dwrite(id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    rud_status status = !fits || written ? RUD_OK : rud_hdf5_write_failed(name);
    if (status != RUD_OK) rud_hdf5_write_nowhere(group);
    if (id >= 0 && H5Dclose(id) < 0 && status == RUD_OK) status = rud_hdf5_write_failed(name);
    if (status != RUD_OK || fits) return status;
    if (H5Ldelete(group, name, H5P_DEFAULT) < 0) return rud_hdf5_write_failed(name);
    return rud_hdf5_write(group, name, type, count, 0, count, memory, values, NULL);
}

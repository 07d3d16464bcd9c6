#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "episodes/hdf5_private.h"

static const uint64_t chunk_bytes_limit = (uint64_t)1 << 31; /* libhdf5 allows less than 2^32 */

rud_status rud_hdf5_write_failed(const char *what)
{
    (void)rud_hdf5_failed(what);
    return rud_error(RUD_EIO, "%s", rud_last_error());
}

/* Small nodes: an array has one chunk and a group few entries, and the default nodes would take
 * more room than an episode's numbers. */
static hid_t creation_properties(void)
{
    hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    if (creation < 0) return creation;
    H5Pset_istore_k(creation, 4);
    H5Pset_link_creation_order(creation, 0);
    H5Pset_obj_track_times(creation, false);
    return creation;
}

rud_status rud_hdf5_create(const char *path, hid_t *file)
{
    rud_hdf5_start();
    hid_t creation = creation_properties();
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    *file = -1;
    if (creation >= 0 && access >= 0) {
        H5Pset_file_locking(access, true, true);
        rud_hdf5_limit_memory(access);
        /* numbers go straight to the disk: a failure that shows when an array is closed could not
         * be mended any more */
        H5Pset_cache(access, 0, 521, 0, 0.75);
        /* Readable from HDF5 1.8 (2008) on; older layouts are larger and slower. */
        H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
        *file = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
    }
    rud_status status = *file < 0 ? rud_hdf5_write_failed("cannot be written") : RUD_OK;
    if (creation >= 0) H5Pclose(creation);
    if (access >= 0) H5Pclose(access);
    return status;
}

/* A file without a name in memory; else, what takes everything but cannot be cut to a length, which
 * libhdf5 may ask for. < 0 on failure. */
static int open_nowhere(void)
{
    char name[64];
    snprintf(name, sizeof name, "/rudder-nowhere-%ld", (long)getpid());
    const int file = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (file < 0) return open("/dev/null", O_RDWR | O_CLOEXEC);
    shm_unlink(name);
    return file;
}

/* libhdf5 writes what it holds whenever it closes something, and where that fails (a full disk) it
 * keeps the file open. So the rest, some MiB at most, is written elsewhere. */
void rud_hdf5_write_nowhere(hid_t object)
{
    int *descriptor = NULL;
    hid_t file = H5Iget_file_id(object);
    int nowhere = open_nowhere();
    if (nowhere >= 0 && file >= 0 &&
        H5Fget_vfd_handle(file, H5P_DEFAULT, (void **)&descriptor) >= 0 && descriptor != NULL)
        dup2(nowhere, *descriptor);
    if (nowhere >= 0) close(nowhere);
    if (file >= 0) H5Fclose(file);
}

void rud_hdf5_discard(hid_t file)
{
    rud_hdf5_write_nowhere(file);
    H5Fclose(file);
}

rud_status rud_hdf5_close(hid_t file)
{
    if (H5Fflush(file, H5F_SCOPE_GLOBAL) < 0) {
        rud_status status = rud_hdf5_write_failed("cannot be written");
        rud_hdf5_discard(file);
        return status;
    }
    return H5Fclose(file) < 0 ? rud_hdf5_write_failed("cannot be written") : RUD_OK;
}

hid_t rud_hdf5_bool_type(void)
{
    hid_t type = H5Tenum_create(H5T_STD_I8LE);
    const int8_t no = 0, yes = 1;
    if (type < 0) return type;
    H5Tenum_insert(type, "FALSE", &no);
    H5Tenum_insert(type, "TRUE", &yes);
    return type;
}

/* Chunks of `rows` rows, or as many as a chunk can hold. Without the time of writing, so that the
 * same numbers make the same file. */
static hid_t chunked(size_t rows, size_t width, hid_t type)
{
    size_t row = (width > 0 ? width : 1) * H5Tget_size(type);
    hsize_t chunk[2] = {rows > 0 ? rows : 1, width};
    if (row > 0 && chunk[0] > chunk_bytes_limit / row) chunk[0] = chunk_bytes_limit / row;
    if (chunk[0] == 0) chunk[0] = 1;
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    if (creation >= 0) H5Pset_obj_track_times(creation, false);
    if (creation >= 0 && H5Pset_chunk(creation, width > 0 ? 2 : 1, chunk) < 0) {
        H5Pclose(creation);
        return -1;
    }
    return creation;
}

static hid_t link_properties(void)
{
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    if (links < 0) return links;
    H5Pset_create_intermediate_group(links, 1);
    H5Pset_char_encoding(links, H5T_CSET_UTF8);
    return links;
}

rud_status rud_hdf5_write(hid_t group, const char *name, hid_t type, size_t rows, size_t width,
                          size_t chunk_rows, hid_t memory, const void *values, hid_t *id)
{
    hsize_t dims[2] = {rows, width}, limits[2] = {H5S_UNLIMITED, width};
    hid_t space = H5Screate_simple(width > 0 ? 2 : 1, dims, limits);
    hid_t creation = chunked(chunk_rows, width, type);
    hid_t links = link_properties();
    hid_t made = -1;
    if (space >= 0 && creation >= 0 && links >= 0)
        made = H5Dcreate2(group, name, type, space, links, creation, H5P_DEFAULT);
    bool good = made >= 0;
    if (good && values != NULL)
        good = H5Dwrite(made, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    rud_status status = good ? RUD_OK : rud_hdf5_write_failed(name);
    if (!good) rud_hdf5_write_nowhere(group);
    if (made >= 0 && (!good || id == NULL) && H5Dclose(made) < 0 && good)
        status = rud_hdf5_write_failed(name);
    if (id != NULL) *id = good ? made : -1;
    if (space >= 0) H5Sclose(space);
    if (creation >= 0) H5Pclose(creation);
    if (links >= 0) H5Pclose(links);
    return status;
}

rud_status rud_hdf5_append(hid_t id, size_t before, size_t rows, size_t width, hid_t memory,
                           const void *values)
{
    int rank = width > 0 ? 2 : 1;
    hsize_t dims[2] = {before + rows, width}, start[2] = {before, 0}, counts[2] = {rows, width};
    if (H5Dset_extent(id, dims) < 0) return rud_hdf5_write_failed("rows cannot be added");
    hid_t file = H5Dget_space(id);
    hid_t space = H5Screate_simple(rank, counts, NULL);
    bool good = file >= 0 && space >= 0 &&
                H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, counts, NULL) >= 0 &&
                H5Dwrite(id, memory, space, file, H5P_DEFAULT, values) >= 0;
    rud_status status = good ? RUD_OK : rud_hdf5_write_failed("rows cannot be written");
    if (file >= 0) H5Sclose(file);
    if (space >= 0) H5Sclose(space);
    return status;
}

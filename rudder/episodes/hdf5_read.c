#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "episodes/hdf5_private.h"

/* No filter that is in use makes numbers smaller than by this factor (deflate: 1032). */
static const uint64_t compression_limit = 4096;

static const uint64_t small_storage = (uint64_t)1 << 20;
static const uint64_t unwritten_storage = (uint64_t)64 << 20;

typedef struct cause {
    char text[200];
    bool system; /* the operating system refused */
} cause;

/* The stack's first entry is the innermost one. */
static herr_t find_cause(unsigned number, const H5E_error2_t *error, void *context)
{
    cause *found = context;
    const char *words = error->desc == NULL ? NULL : strstr(error->desc, "error message = '");
    if (number == 0 && words != NULL) {
        words += strlen("error message = '");
        snprintf(found->text, sizeof found->text, "%.*s", (int)strcspn(words, "'"), words);
    } else if (number == 0 && error->desc != NULL) {
        snprintf(found->text, sizeof found->text, "%s", error->desc);
    }
    found->system = found->system || (error->desc != NULL && strstr(error->desc, "errno = "));
    return 0;
}

rud_status rud_hdf5_failed(const char *what)
{
    cause found = {.text = "libhdf5 does not say why"};
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, find_cause, &found);
    return rud_error(found.system ? RUD_EIO : RUD_EFORMAT, "%s: %s", what, found.text);
}

void rud_hdf5_start(void)
{
    H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

bool rud_hdf5_is_file(const char *path)
{
    rud_hdf5_start();
    return H5Fis_hdf5(path) > 0;
}

/* libhdf5 would keep 32 MiB of headers, which take more than ten times that in memory. */
void rud_hdf5_limit_memory(hid_t access)
{
    H5AC_cache_config_t config = {.version = H5AC__CURR_CACHE_CONFIG_VERSION};
    if (H5Pget_mdc_config(access, &config) < 0) return;
    config.set_initial_size = true;
    config.initial_size = config.min_size = (size_t)1 << 20;
    config.max_size = (size_t)2 << 20;
    H5Pset_mdc_config(access, &config);
}

rud_status rud_hdf5_open(const char *path, size_t cache, hid_t *file)
{
    *file = -1;
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) return rud_error(RUD_EIO, "cannot be opened: %s", strerror(errno));
    int first = getc(stream);
    fclose(stream);
    if (first == EOF) return rud_error(RUD_EFORMAT, "the file is empty");
    if (!rud_hdf5_is_file(path))
        return rud_error(RUD_EFORMAT, "not an HDF5 file: it has no HDF5 signature");
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access < 0) return rud_hdf5_failed("cannot be opened");
    /* A file system without locks is no obstacle. */
    H5Pset_file_locking(access, true, true);
    H5Pset_cache(access, 0, 521, cache, 0.75);
    rud_hdf5_limit_memory(access);
    *file = H5Fopen(path, H5F_ACC_RDONLY, access);
    rud_status status = *file < 0 ? rud_hdf5_failed("damaged or cut off") : RUD_OK;
    H5Pclose(access);
    return status;
}

bool rud_hdf5_has(hid_t group, const char *name)
{
    return H5Lexists(group, name, H5P_DEFAULT) > 0 &&
           H5Oexists_by_name(group, name, H5P_DEFAULT) > 0;
}

bool rud_hdf5_is_group(hid_t group, const char *name)
{
    H5O_info_t info;
    return rud_hdf5_has(group, name) &&
           H5Oget_info_by_name2(group, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0 &&
           info.type == H5O_TYPE_GROUP;
}

typedef struct number_type {
    const char *name;
    size_t size;
} number_type;

static const number_type number_types[] = {
    [RUD_HDF5_NONE] = {"unknown", 0},    [RUD_HDF5_FLOAT32] = {"float32", 4},
    [RUD_HDF5_FLOAT64] = {"float64", 8}, [RUD_HDF5_INT8] = {"int8", 1},
    [RUD_HDF5_INT16] = {"int16", 2},     [RUD_HDF5_INT32] = {"int32", 4},
    [RUD_HDF5_INT64] = {"int64", 8},     [RUD_HDF5_UINT8] = {"uint8", 1},
    [RUD_HDF5_UINT16] = {"uint16", 2},   [RUD_HDF5_UINT32] = {"uint32", 4},
    [RUD_HDF5_UINT64] = {"uint64", 8},   [RUD_HDF5_BOOL] = {"bool", 1},
};

size_t rud_hdf5_number_size(rud_hdf5_number number)
{
    return number_types[number].size;
}

static rud_hdf5_number integer_of(size_t size, bool is_signed)
{
    switch (size) {
    case 1:
        return is_signed ? RUD_HDF5_INT8 : RUD_HDF5_UINT8;
    case 2:
        return is_signed ? RUD_HDF5_INT16 : RUD_HDF5_UINT16;
    case 4:
        return is_signed ? RUD_HDF5_INT32 : RUD_HDF5_UINT32;
    case 8:
        return is_signed ? RUD_HDF5_INT64 : RUD_HDF5_UINT64;
    default:
        return RUD_HDF5_NONE;
    }
}

static void find_type(hid_t type, rud_hdf5_array *array)
{
    size_t size = H5Tget_size(type);
    switch (H5Tget_class(type)) {
    case H5T_FLOAT:
        array->number = size == 4   ? RUD_HDF5_FLOAT32
                        : size == 8 ? RUD_HDF5_FLOAT64
                        : size == 2 ? RUD_HDF5_FLOAT32 /* half: widened by libhdf5 */
                                    : RUD_HDF5_NONE;
        array->type = size == 2 ? "float16" : number_types[array->number].name;
        return;
    case H5T_INTEGER:
        array->number = integer_of(size, H5Tget_sign(type) == H5T_SGN_2);
        array->type = number_types[array->number].name;
        return;
    case H5T_ENUM:
        array->number = size == 1 ? RUD_HDF5_BOOL : RUD_HDF5_NONE;
        array->type = size == 1 ? "bool" : "enumeration";
        return;
    case H5T_STRING:
        array->type = "text";
        return;
    case H5T_VLEN:
        array->type = "variable length";
        return;
    default:
        array->type = "no numbers";
    }
}

/* The type in memory for array->number; read as stored, converted by libhdf5 only where the byte
 * order or the width asks for it. */
static hid_t memory_type(rud_hdf5_number number)
{
    switch (number) {
    case RUD_HDF5_FLOAT32:
        return H5T_NATIVE_FLOAT;
    case RUD_HDF5_FLOAT64:
        return H5T_NATIVE_DOUBLE;
    case RUD_HDF5_INT8:
        return H5T_NATIVE_INT8;
    case RUD_HDF5_INT16:
        return H5T_NATIVE_INT16;
    case RUD_HDF5_INT32:
        return H5T_NATIVE_INT32;
    case RUD_HDF5_INT64:
        return H5T_NATIVE_INT64;
    case RUD_HDF5_UINT8:
        return H5T_NATIVE_UINT8;
    case RUD_HDF5_UINT16:
        return H5T_NATIVE_UINT16;
    case RUD_HDF5_UINT32:
        return H5T_NATIVE_UINT32;
    case RUD_HDF5_UINT64:
        return H5T_NATIVE_UINT64;
    default:
        return -1;
    }
}

static rud_status find_shape(rud_hdf5_array *array)
{
    hid_t space = H5Dget_space(array->id);
    if (space < 0) return rud_hdf5_failed("its shape cannot be read");
    int rank = H5Sget_simple_extent_ndims(space);
    bool fits = rank >= 1 && rank <= RUD_HDF5_RANK_MAX &&
                H5Sget_simple_extent_dims(space, array->dims, NULL) == rank;
    H5Sclose(space);
    if (rank == 0) return rud_error(RUD_EFORMAT, "a single value, but rows are needed");
    if (!fits)
        return rud_error(RUD_EFORMAT, "of %d dimensions; 1 to %d are allowed", rank,
                         (int)RUD_HDF5_RANK_MAX);
    array->rank = (size_t)rank;
    array->rows = (size_t)array->dims[0];
    array->width = 1;
    for (size_t k = 1; k < array->rank; k++) {
        if (array->dims[k] == 0) return rud_error(RUD_EFORMAT, "its rows are empty");
        if (array->width > (size_t)PTRDIFF_MAX / 8 / array->dims[k])
            return rud_error(RUD_EFORMAT, "its rows are too long");
        array->width *= (size_t)array->dims[k];
    }
    return RUD_OK;
}

static bool is_filtered(hid_t id, bool *external)
{
    hid_t creation = H5Dget_create_plist(id);
    bool filtered = creation >= 0 && H5Pget_nfilters(creation) > 0;
    *external = creation >= 0 &&
                (H5Pget_external_count(creation) > 0 || H5Pget_layout(creation) == H5D_VIRTUAL);
    if (creation >= 0) H5Pclose(creation);
    return filtered;
}

/* Bytes that an array without anything stored may claim: HDF5 lets it read as its fill value. */
static uint64_t unwritten_limit(hid_t id)
{
    hsize_t size = 0;
    const hid_t file = H5Iget_file_id(id);
    if (file >= 0) {
        H5Fget_filesize(file, &size);
        H5Fclose(file);
    }
    return size > unwritten_storage ? size : unwritten_storage;
}

/* A shape costs nothing to claim, so what it claims beyond a little must stand in the file. How it
 * is stored is asked only there, for that takes longer than reading a small array. */
static rud_status check_storage(const rud_hdf5_array *array, size_t stored_size)
{
    if (array->width > SIZE_MAX / stored_size)
        return rud_error(RUD_EFORMAT, "its rows are too long");
    const uint64_t row = (uint64_t)array->width * stored_size;
    if (array->rows <= small_storage / row) return RUD_OK;
    bool external;
    const uint64_t held = H5Dget_storage_size(array->id);
    const bool filtered = is_filtered(array->id, &external);
    if (external) return rud_error(RUD_EFORMAT, "stored in other files, which is not supported");
    const uint64_t limit =
        filtered && held <= UINT64_MAX / compression_limit ? held * compression_limit : held;
    if (array->rows <= limit / row || array->rows <= unwritten_limit(array->id) / row)
        return RUD_OK;
    return rud_error(
        RUD_EFORMAT,
        "its shape claims %zu rows of %llu bytes, but the file holds only %llu bytes%s",
        array->rows, (unsigned long long)row, (unsigned long long)held,
        filtered ? " compressed" : "");
}

static rud_status describe(rud_hdf5_array *array)
{
    hid_t type = H5Dget_type(array->id);
    if (type < 0) return rud_hdf5_failed("its type cannot be read");
    find_type(type, array);
    size_t stored_size = H5Tget_size(type);
    H5Tclose(type);
    RUD_TRY(find_shape(array));
    return stored_size == 0 ? RUD_OK : check_storage(array, stored_size);
}

rud_status rud_hdf5_array_open(hid_t group, const char *name, rud_hdf5_array *array)
{
    *array = (rud_hdf5_array){.id = -1, .type = "no numbers"};
    array->id = H5Dopen2(group, name, H5P_DEFAULT);
    rud_status status =
        array->id < 0 ? rud_hdf5_failed("not an array that can be read") : describe(array);
    if (array->id < 0 && H5Lexists(group, name, H5P_DEFAULT) <= 0)
        status = rud_error(RUD_EFORMAT, "it is missing");
    if (status != RUD_OK) rud_hdf5_array_close(array);
    return rud_error_context(status, "%s", name);
}

void rud_hdf5_array_close(rud_hdf5_array *array)
{
    if (array->id >= 0) H5Dclose(array->id);
    array->id = -1;
}

static rud_status grow(rud_hdf5_buffer *buffer, size_t count, size_t width, size_t size)
{
    if (count > (size_t)PTRDIFF_MAX / width / size)
        return rud_error(RUD_EFORMAT, "%zu rows of %zu numbers are too many", count, width);
    size_t needed = count * width * size;
    if (needed <= buffer->size) return RUD_OK;
    free(buffer->bytes);
    buffer->size = 0;
    buffer->bytes = malloc(needed);
    if (buffer->bytes == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu bytes", needed);
    buffer->size = needed;
    return RUD_OK;
}

/* An enum is read as the int8 it stands on: its own type in memory. */
static herr_t read_rows(const rud_hdf5_array *array, hid_t memory, hid_t file, void *bytes)
{
    if (array->number != RUD_HDF5_BOOL)
        return H5Dread(array->id, memory_type(array->number), memory, file, H5P_DEFAULT, bytes);
    hid_t type = H5Dget_type(array->id);
    herr_t result = type < 0 ? -1 : H5Dread(array->id, type, memory, file, H5P_DEFAULT, bytes);
    if (type >= 0) H5Tclose(type);
    return result;
}

static herr_t read_part(const rud_hdf5_array *array, size_t first, size_t count, void *bytes)
{
    hsize_t start[RUD_HDF5_RANK_MAX] = {first}, counts[RUD_HDF5_RANK_MAX];
    memcpy(counts, array->dims, sizeof counts);
    counts[0] = count;
    hid_t file = H5Dget_space(array->id);
    hid_t memory = H5Screate_simple((int)array->rank, counts, NULL);
    herr_t result = -1;
    if (file >= 0 && memory >= 0 &&
        H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, counts, NULL) >= 0)
        result = read_rows(array, memory, file, bytes);
    if (file >= 0) H5Sclose(file);
    if (memory >= 0) H5Sclose(memory);
    return result;
}

/* Why an array cannot be read, if it is for want of a filter; h5py brings some of its own. */
static rud_status read_failed(const rud_hdf5_array *array)
{
    const rud_status status = rud_hdf5_failed("cannot be read");
    const hid_t creation = H5Dget_create_plist(array->id);
    const int count = creation < 0 ? 0 : H5Pget_nfilters(creation);
    char name[64] = "";
    unsigned flags, config;
    size_t values = 0;
    H5Z_filter_t missing = 0;
    for (int k = 0; k < count && missing == 0; k++) {
        const H5Z_filter_t filter = H5Pget_filter2(creation, (unsigned)k, &flags, &values, NULL,
                                                   sizeof name, name, &config);
        if (filter > 0 && H5Zfilter_avail(filter) <= 0) missing = filter;
    }
    if (creation >= 0) H5Pclose(creation);
    if (missing == 0) return status;
    return rud_error(RUD_EFORMAT,
                     "is compressed by the filter %s (number %d), which is not installed here; "
                     "write it anew with gzip, or install the filter for libhdf5",
                     name, (int)missing);
}

rud_status rud_hdf5_array_read(const rud_hdf5_array *array, size_t first, size_t count,
                               rud_hdf5_buffer *buffer)
{
    size_t size = rud_hdf5_number_size(array->number);
    if (size == 0) return rud_error(RUD_EFORMAT, "holds no numbers (%s)", array->type);
    if (first > array->rows || count > array->rows - first)
        return rud_error(RUD_EFORMAT, "has %zu rows, %zu are needed", array->rows, first + count);
    RUD_TRY(grow(buffer, count, array->width, size));
    if (count == 0) return RUD_OK;
    herr_t result = first == 0 && count == array->rows
                        ? read_rows(array, H5S_ALL, H5S_ALL, buffer->bytes)
                        : read_part(array, first, count, buffer->bytes);
    return result < 0 ? read_failed(array) : RUD_OK;
}

#define CONVERT(type)                                                                              \
    for (size_t k = 0; k < count; k++) values[k] = (double)((const type *)numbers)[k];             \
    break

void rud_hdf5_to_doubles(rud_hdf5_number number, const void *numbers, size_t count, double *values)
{
    switch (number) {
    case RUD_HDF5_FLOAT32:
        CONVERT(float);
    case RUD_HDF5_FLOAT64:
        memcpy(values, numbers, count * sizeof *values);
        break;
    case RUD_HDF5_BOOL:
    case RUD_HDF5_INT8:
        CONVERT(int8_t);
    case RUD_HDF5_INT16:
        CONVERT(int16_t);
    case RUD_HDF5_INT32:
        CONVERT(int32_t);
    case RUD_HDF5_INT64:
        CONVERT(int64_t);
    case RUD_HDF5_UINT8:
        CONVERT(uint8_t);
    case RUD_HDF5_UINT16:
        CONVERT(uint16_t);
    case RUD_HDF5_UINT32:
        CONVERT(uint32_t);
    case RUD_HDF5_UINT64:
        CONVERT(uint64_t);
    case RUD_HDF5_NONE:
        break;
    }
}

/* Copies objects between files by reading and writing them: libhdf5's own H5Ocopy crashes where the
 * disk is full, and cannot write a newer file's arrays in an older layout. */
#include <stdlib.h>
#include <string.h>

#include "episodes/hdf5_private.h"

enum { DEPTH_MAX = 32, VARIABLE_ROWS = 64 };
static const size_t block_bytes = (size_t)4 << 20;

/* Objects on the way down: one that holds itself would never end. */
typedef struct way {
    haddr_t addresses[DEPTH_MAX];
    size_t depth;
} way;

/* One array on its way. */
typedef struct array_copy {
    hid_t from, to;
    hid_t type, memory; /* as stored; in memory */
    hid_t space;
    int rank;
    hsize_t dims[H5S_MAX_RANK];
    size_t row; /* bytes in memory */
    bool variable;
} array_copy;

static bool is_variable(hid_t type)
{
    return H5Tdetect_class(type, H5T_VLEN) > 0 || H5Tdetect_class(type, H5T_STRING) > 0;
}

/* Deflate makes a byte of at most 1032: beyond that the shape is a lie, and copying would not end.
 */
static rud_status check_size(const array_copy *a)
{
    const double claimed =
                     (double)H5Sget_simple_extent_npoints(a->space) * (double)H5Tget_size(a->type),
                 stored = (double)H5Dget_storage_size(a->from);
    if (claimed <= 1032.0 * stored + (double)((size_t)64 << 20)) return RUD_OK;
    return rud_error(RUD_EFORMAT, "its shape claims %.3g bytes, %.3g are stored", claimed, stored);
}

/* Rows first .. first + count - 1. */
static rud_status copy_rows(const array_copy *a, hsize_t first, hsize_t count, void *bytes)
{
    hsize_t start[H5S_MAX_RANK] = {first}, counts[H5S_MAX_RANK];
    memcpy(counts, a->dims, sizeof counts);
    counts[0] = count;
    hid_t part = H5Screate_simple(a->rank, counts, NULL);
    if (part < 0 || H5Sselect_hyperslab(a->space, H5S_SELECT_SET, start, NULL, counts, NULL) < 0 ||
        H5Dread(a->from, a->memory, part, a->space, H5P_DEFAULT, bytes) < 0) {
        rud_status status = rud_hdf5_failed("cannot be read");
        if (part >= 0) H5Sclose(part);
        return status;
    }
    rud_status status = RUD_OK;
    if (H5Dwrite(a->to, a->memory, part, a->space, H5P_DEFAULT, bytes) < 0) {
        status = rud_hdf5_write_failed("cannot be written");
        rud_hdf5_write_nowhere(a->to);
    }
    if (a->variable) H5Dvlen_reclaim(a->memory, part, H5P_DEFAULT, bytes);
    H5Sclose(part);
    return status;
}

static rud_status copy_scalar(const array_copy *a)
{
    void *bytes = calloc(1, H5Tget_size(a->memory) + 1);
    if (bytes == NULL) return rud_error(RUD_ENOMEM, "no memory left");
    rud_status status = RUD_OK;
    if (H5Dread(a->from, a->memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) < 0) {
        status = rud_hdf5_failed("cannot be read");
    } else {
        if (H5Dwrite(a->to, a->memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) < 0) {
            status = rud_hdf5_write_failed("cannot be written");
            rud_hdf5_write_nowhere(a->to);
        }
        if (a->variable) H5Dvlen_reclaim(a->memory, a->space, H5P_DEFAULT, bytes);
    }
    free(bytes);
    return status;
}

/* Whole chunks at a time, which may be compressed. */
static hsize_t rows_at_once(const array_copy *a, hid_t creation)
{
    hsize_t chunk[H5S_MAX_RANK] = {1};
    if (H5Pget_layout(creation) == H5D_CHUNKED) H5Pget_chunk(creation, a->rank, chunk);
    if (H5Pget_nfilters(creation) <= 0) chunk[0] = 1;
    hsize_t rows = a->variable ? VARIABLE_ROWS : block_bytes / a->row;
    rows -= rows % chunk[0];
    return rows > 0 ? rows : chunk[0];
}

static rud_status copy_values(array_copy *a, hid_t creation)
{
    a->rank = H5Sget_simple_extent_ndims(a->space);
    if (H5Dget_storage_size(a->from) == 0) return RUD_OK; /* nothing was ever written */
    if (a->rank <= 0) return copy_scalar(a);
    H5Sget_simple_extent_dims(a->space, a->dims, NULL);
    a->row = H5Tget_size(a->memory);
    for (int k = 1; k < a->rank; k++) {
        if (a->dims[k] > 0 && a->row > (SIZE_MAX >> 8) / a->dims[k])
            return rud_error(RUD_EFORMAT, "its rows are too wide");
        a->row *= a->dims[k];
    }
    if (a->row == 0 || a->dims[0] == 0) return RUD_OK;
    hsize_t most = rows_at_once(a, creation);
    if (most > a->dims[0]) most = a->dims[0];
    void *bytes = most <= SIZE_MAX / a->row ? malloc((size_t)most * a->row) : NULL;
    if (bytes == NULL) return rud_error(RUD_ENOMEM, "no memory for its rows");
    rud_status status = RUD_OK;
    for (hsize_t first = 0; first < a->dims[0] && status == RUD_OK; first += most) {
        const hsize_t left = a->dims[0] - first;
        status = copy_rows(a, first, left < most ? left : most, bytes);
    }
    free(bytes);
    return status;
}

static rud_status fill_array(array_copy *a, hid_t to, const char *name, hid_t creation)
{
    RUD_TRY(check_size(a));
    a->variable = is_variable(a->type);
    a->to = H5Dcreate2(to, name, a->type, a->space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (a->to < 0) {
        rud_status status = rud_hdf5_write_failed("cannot be written");
        rud_hdf5_write_nowhere(to);
        return status;
    }
    rud_status status = copy_values(a, creation);
    if (status == RUD_OK) status = rud_hdf5_copy_attributes(a->from, a->to);
    if (H5Dclose(a->to) < 0 && status == RUD_OK) status = rud_hdf5_write_failed("not written");
    return status;
}

static bool copy_filters(hid_t from, hid_t to)
{
    const int count = H5Pget_nfilters(from);
    for (int k = 0; k < count; k++) {
        unsigned flags, values[32], config;
        size_t value_count = 32;
        const H5Z_filter_t filter =
            H5Pget_filter2(from, (unsigned)k, &flags, &value_count, values, 0, NULL, &config);
        if (filter < 0 || H5Pset_filter(to, filter, flags, value_count, values) < 0) return false;
    }
    return true;
}

static bool copy_fill_value(hid_t from, hid_t type, hid_t memory, hid_t to)
{
    H5D_fill_value_t kind;
    if (is_variable(type) || H5Pfill_value_defined(from, &kind) < 0 ||
        kind != H5D_FILL_VALUE_USER_DEFINED)
        return true;
    void *value = calloc(1, H5Tget_size(memory));
    const bool done = value != NULL && H5Pget_fill_value(from, memory, value) >= 0 &&
                      H5Pset_fill_value(to, memory, value) >= 0;
    free(value);
    return done;
}

/* Anew, as the list that a file gives is bound to its version. < 0 on failure. */
static hid_t creation_like(hid_t list, const array_copy *a)
{
    hsize_t chunk[H5S_MAX_RANK];
    const H5D_layout_t layout = H5Pget_layout(list);
    hid_t made = H5Pcreate(H5P_DATASET_CREATE);
    bool good = made >= 0;
    if (good && layout == H5D_CHUNKED) {
        const int rank = H5Pget_chunk(list, H5S_MAX_RANK, chunk);
        good = rank > 0 && H5Pset_chunk(made, rank, chunk) >= 0 && copy_filters(list, made);
    } else if (good && layout == H5D_COMPACT) {
        good = H5Pset_layout(made, layout) >= 0;
    }
    if (good && copy_fill_value(list, a->type, a->memory, made)) return made;
    if (made >= 0) H5Pclose(made);
    return -1;
}

static rud_status copy_array(hid_t from, hid_t to, const char *name)
{
    array_copy a = {.from = from};
    hid_t list = H5Dget_create_plist(from);
    a.type = H5Dget_type(from);
    a.memory = a.type < 0 ? -1 : H5Tget_native_type(a.type, H5T_DIR_DEFAULT);
    a.space = H5Dget_space(from);
    hid_t creation = list < 0 || a.memory < 0 || a.space < 0 ? -1 : creation_like(list, &a);
    rud_status status =
        creation < 0 ? rud_hdf5_failed("cannot be read") : fill_array(&a, to, name, creation);
    if (creation >= 0) H5Pclose(creation);
    if (a.space >= 0) H5Sclose(a.space);
    if (a.memory >= 0) H5Tclose(a.memory);
    if (a.type >= 0) H5Tclose(a.type);
    if (list >= 0) H5Pclose(list);
    return status;
}

static rud_status copy_object(hid_t from, hid_t to, const char *name, way *way);

typedef struct members {
    hid_t to;
    way *way;
    const char *except; /* names that begin so stay behind; NULL: none */
    rud_status status;
} members;

/* Links that are no objects of this file are left behind. */
static herr_t copy_member(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    members *m = context;
    if (info->type != H5L_TYPE_HARD) return 0;
    if (m->except != NULL && strncmp(name, m->except, strlen(m->except)) == 0) return 0;
    hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    m->status =
        object < 0 ? rud_hdf5_failed("cannot be opened") : copy_object(object, m->to, name, m->way);
    if (object >= 0) H5Oclose(object);
    m->status = rud_error_context(m->status, "%s", name);
    return m->status == RUD_OK ? 0 : -1;
}

static rud_status copy_all(hid_t from, members *m)
{
    if (H5Literate(from, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, copy_member, m) < 0 &&
        m->status == RUD_OK)
        m->status = rud_hdf5_failed("cannot be read");
    return m->status;
}

/* All attributes in the header: a heap of their own takes more room. */
static hid_t create_group_like(hid_t from, hid_t to, const char *name)
{
    unsigned order = 0;
    hid_t list = H5Gget_create_plist(from), creation = H5Pcreate(H5P_GROUP_CREATE), made = -1;
    if (list >= 0 && creation >= 0 && H5Pget_link_creation_order(list, &order) >= 0 &&
        H5Pset_link_creation_order(creation, order) >= 0 &&
        H5Pset_attr_phase_change(creation, 32, 16) >= 0)
        made = H5Gcreate2(to, name, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (list >= 0) H5Pclose(list);
    if (creation >= 0) H5Pclose(creation);
    return made;
}

static rud_status copy_group(hid_t from, hid_t to, const char *name, way *way)
{
    hid_t made = create_group_like(from, to, name);
    members m = {.to = made, .way = way};
    if (made < 0) {
        rud_status status = rud_hdf5_write_failed("cannot be written");
        rud_hdf5_write_nowhere(to);
        return status;
    }
    copy_all(from, &m);
    if (m.status == RUD_OK) m.status = rud_hdf5_copy_attributes(from, made);
    H5Gclose(made);
    return m.status;
}

static rud_status copy_object(hid_t from, hid_t to, const char *name, way *way)
{
    H5O_info_t info;
    if (H5Oget_info2(from, &info, H5O_INFO_BASIC) < 0) return rud_hdf5_failed("cannot be read");
    if (info.type == H5O_TYPE_DATASET) return copy_array(from, to, name);
    if (info.type != H5O_TYPE_GROUP) return RUD_OK; /* a named type: its arrays hold it */
    for (size_t k = 0; k < way->depth; k++)
        if (way->addresses[k] == info.addr) return rud_error(RUD_EFORMAT, "the group holds itself");
    if (way->depth == DEPTH_MAX)
        return rud_error(RUD_EFORMAT, "more than %d groups within each other", DEPTH_MAX);
    way->addresses[way->depth++] = info.addr;
    rud_status status = copy_group(from, to, name, way);
    way->depth--;
    return status;
}

rud_status rud_hdf5_copy(hid_t from, const char *name, hid_t to, const char *new_name)
{
    way way = {.depth = 0};
    hid_t object = H5Oopen(from, name, H5P_DEFAULT);
    if (object < 0) return rud_hdf5_failed("cannot be opened");
    rud_status status = copy_object(object, to, new_name, &way);
    H5Oclose(object);
    return status;
}

rud_status rud_hdf5_copy_members(hid_t from, hid_t to, const char *except)
{
    way way = {.depth = 0};
    members m = {.to = to, .way = &way, .except = except};
    return copy_all(from, &m);
}

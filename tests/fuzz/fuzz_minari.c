/* Minari's and D4RL's layouts. The bytes are not the file itself: libhdf5 1.10 does not stand
 * damaged headers, which is its own affair. They say which file libhdf5 makes: groups, names,
 * types, shapes, values, attributes and metadata that our readers do not expect. */
#include "tests/fuzz/fuzz.h"

#include <hdf5.h>
#include <string.h>

#include "episodes/dataset.h"

typedef struct input {
    const uint8_t *bytes;
    size_t size, at;
} input;

static unsigned next(input *in, unsigned choices)
{
    return in->at < in->size ? in->bytes[in->at++] % choices : 0;
}

static hid_t make_type(input *in, unsigned usual)
{
    const int8_t no = 0, yes = 1;
    unsigned choice = next(in, 16);
    if (choice > 8) choice = usual;
    hid_t type;
    switch (choice) {
    case 0:
        return H5Tcopy(H5T_IEEE_F64LE);
    case 1:
        return H5Tcopy(H5T_IEEE_F32BE);
    case 2:
        return H5Tcopy(H5T_STD_I64LE);
    case 3:
        type = H5Tenum_create(H5T_STD_I8LE);
        H5Tenum_insert(type, "FALSE", &no);
        H5Tenum_insert(type, "TRUE", &yes);
        return type;
    case 4:
        return H5Tcopy(H5T_STD_U8LE);
    case 5:
        type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, H5T_VARIABLE);
        return type;
    case 6:
        return H5Tvlen_create(H5T_STD_U8LE);
    case 7:
        type = H5Tcreate(H5T_COMPOUND, 16);
        H5Tinsert(type, "a", 0, H5T_STD_I64LE);
        H5Tinsert(type, "b", 8, H5T_IEEE_F64LE);
        return type;
    default:
        return H5Tcopy(H5T_STD_U64LE);
    }
}

/* Values from the bytes; huge shapes and some others are left unwritten. */
static void fill(input *in, hid_t id, hid_t type, size_t count)
{
    uint8_t values[4096];
    H5T_class_t class = H5Tget_class(type);
    if (class == H5T_STRING || class == H5T_VLEN || count * H5Tget_size(type) > sizeof values)
        return;
    unsigned pattern = next(in, 8);
    memset(values, pattern == 7 ? 0xff : 0, sizeof values);
    for (size_t k = 0; k < 8 && pattern > 2; k++) values[k * 5] = (uint8_t)next(in, 256);
    H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
}

static void make_array(input *in, hid_t group, const char *name, unsigned usual, hsize_t rows,
                       hsize_t width)
{
    static const hsize_t odd[] = {0, 1, 2, 3, 5, 40, (hsize_t)1 << 40, (hsize_t)1 << 62};
    hsize_t dims[3] = {rows, width, 1}, limits[3] = {H5S_UNLIMITED, H5S_UNLIMITED, H5S_UNLIMITED};
    int rank = width > 0 ? 2 : 1;
    unsigned change = next(in, 16);
    if (change == 1) return; /* missing */
    if (change == 2) rank = (int)next(in, 4);
    if (change == 3) dims[next(in, 3)] = odd[next(in, 8)];
    if (change == 4) dims[0]++;
    if (dims[1] == 0 && rank > 1) dims[1] = change == 5 ? 0 : 1;
    hsize_t chunk[3] = {2, 2, 2};
    hid_t type = make_type(in, usual), space = H5Screate_simple(rank, dims, limits);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    if (rank > 0) H5Pset_chunk(creation, rank, chunk);
    if (rank > 0 && change == 6) H5Pset_deflate(creation, 1);
    hid_t id = H5Dcreate2(group, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    size_t count = 1;
    for (int k = 0; k < rank; k++) count *= dims[k] < 4096 ? (size_t)dims[k] : 4096;
    if (id >= 0 && change != 7 && count < 4096) fill(in, id, type, count);
    if (id >= 0) H5Dclose(id);
    H5Pclose(creation);
    if (space >= 0) H5Sclose(space);
    H5Tclose(type);
}

static void make_attribute(input *in, hid_t group, const char *name, int64_t usual)
{
    static const int64_t odd[] = {0, -1, 1000000000000, INT64_MAX, INT64_MIN, 3};
    unsigned change = next(in, 16);
    if (change == 1) return;
    int64_t value = change == 2 ? odd[next(in, 6)] : usual;
    hid_t type = change == 3 ? H5T_IEEE_F64LE : change == 4 ? H5T_STD_U64LE : H5T_STD_I64LE;
    hsize_t many = 3;
    hid_t space = change == 5 ? H5Screate_simple(1, &many, NULL) : H5Screate(H5S_SCALAR);
    hid_t id = H5Acreate2(group, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    int64_t values[3] = {value, value, value};
    if (id >= 0) H5Awrite(id, H5T_NATIVE_INT64, values);
    if (id >= 0) H5Aclose(id);
    H5Sclose(space);
}

static void make_members(input *in, hid_t group, const char *name, hsize_t rows)
{
    static const char *const names[] = {"_index_0", "_index_1", "a", "b", "_index_10", "long/er"};
    hid_t below = H5Gcreate2(group, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (below < 0) return;
    for (unsigned k = next(in, 4); k > 0; k--)
        make_array(in, below, names[next(in, 6)], next(in, 3), rows, next(in, 3));
    if (next(in, 16) == 1)
        H5Lcreate_hard(group, name, below, "again", H5P_DEFAULT, H5P_DEFAULT); /* a cycle */
    H5Gclose(below);
}

static void make_episode(input *in, hid_t file, unsigned number)
{
    char name[32];
    snprintf(name, sizeof name, "episode_%u", next(in, 32) == 1 ? number + 1 : number);
    hid_t group = H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0) return;
    hsize_t steps = 1 + next(in, 4);
    make_attribute(in, group, "total_steps", (int64_t)steps);
    make_attribute(in, group, "seed", 5);
    make_attribute(in, group, "rudder_final_observation", 1);
    if (next(in, 8) == 1)
        make_members(in, group, "observations", steps + 1);
    else
        make_array(in, group, "observations", 1, steps + 1, 2);
    make_array(in, group, "actions", 2, steps, 0);
    make_array(in, group, "rewards", 0, steps, 0);
    make_array(in, group, "terminations", 3, steps, 0);
    make_array(in, group, "truncations", 3, steps, 0);
    make_members(in, group, "infos", steps + 1);
    H5Gclose(group);
}

static void make_flat(input *in, hid_t file)
{
    hsize_t rows = 1 + next(in, 6);
    make_array(in, file, "rewards", 0, rows, 0);
    make_array(in, file, "observations", 1, rows, 2);
    make_array(in, file, "actions", 1, rows, 1);
    make_array(in, file, "terminals", 3, rows, 0);
    make_array(in, file, "timeouts", 3, rows, 0);
    make_array(in, file, "next_observations", 1, rows, 2);
    make_members(in, file, "infos", rows);
}

/* What is left of the bytes is the metadata. */
static void make_metadata(input *in, hid_t file)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    size_t size = in->size - in->at;
    char *text = calloc(size + 1, 1);
    memcpy(text, in->bytes + in->at, size);
    H5Tset_size(type, H5T_VARIABLE);
    hid_t id = H5Acreate2(file, "metadata", type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(id, type, &text);
    H5Aclose(id);
    H5Sclose(space);
    H5Tclose(type);
    free(text);
}

static void make_file(input *in, const char *path)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    if (file < 0) abort();
    unsigned layout = next(in, 8);
    if (layout == 1) {
        make_flat(in, file);
    } else {
        for (unsigned k = 0, count = 1 + next(in, 3); k < count; k++) make_episode(in, file, k);
        if (layout >= 4) make_metadata(in, file);
    }
    H5Fclose(file);
}

static void carry_all(rud_dataset *dataset, const char *path, const char *format)
{
    const rud_dataset_writer_options options = {.format = format, .force = true, .source = dataset};
    rud_dataset_writer *writer;
    if (rud_dataset_writer_open(path, &options, &writer) != RUD_OK) return;
    rud_status status = RUD_OK;
    for (size_t k = 0; k < rud_dataset_episodes(dataset) && status == RUD_OK; k++) {
        rud_episode *episode;
        if (rud_dataset_read(dataset, k, &episode) != RUD_OK) continue;
        const rud_dataset_changes changes = {.rewards = episode->rewards,
                                             .infos = episode->infos,
                                             .info_count = episode->info_count};
        status = rud_dataset_carry(writer, k, episode, &changes);
        rud_episode_free(&episode);
    }
    if (status == RUD_OK)
        (void)rud_dataset_writer_commit(&writer);
    else
        rud_dataset_writer_abort(&writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const formats[] = {"minari", "minari", "jsonl", "d4rl"};
    input in = {bytes, size, 0};
    char path[64], copy[64];
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    snprintf(path, sizeof path, "/dev/shm/fuzz-%d.hdf5", (int)getpid());
    snprintf(copy, sizeof copy, "/dev/shm/fuzz-copy-%d.hdf5", (int)getpid());
    const char *format = formats[next(&in, 4)];
    make_file(&in, path);
    rud_dataset *dataset;
    if (rud_dataset_open(path, NULL, &dataset) == RUD_OK) {
        carry_all(dataset, copy, format);
        rud_dataset_close(&dataset);
    }
    if (H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) != 0)
        abort(); /* something was left open */
    unlink(path);
    unlink(copy);
    return 0;
}

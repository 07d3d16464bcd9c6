/* HDF5 data sets written again in their own format: the copy is changed in place, whatever is in
 * the file and however little room the disk has. */
#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/stop.h"
#include "episodes/dataset.h"
#include "tests/episodes/hdf5_equal.h"
#include "tests/harness.h"

static const char bare[] = "tests/fixtures/minari/frozenlake/random-v0/data/main_data.hdf5";

typedef struct path {
    char text[1200];
} path;

static path in_folder(const char *folder, const char *name)
{
    path joined;
    snprintf(joined.text, sizeof joined.text, "%s/%s", folder, name);
    return joined;
}

static rud_dataset *open_set(const char *name)
{
    rud_dataset *dataset;
    ck_assert_msg(rud_dataset_open(name, NULL, &dataset) == RUD_OK, "%s", rud_last_error());
    return dataset;
}

/* Rewards 0.5, 1.5, 2.5, ... and an info as long as the rewards. */
static rud_status carry(rud_dataset *source, rud_dataset_writer *writer, size_t k)
{
    rud_episode *episode;
    RUD_TRY(rud_dataset_read(source, k, &episode));
    const size_t T = episode->steps;
    double *rewards = calloc(2 * T + 1, sizeof *rewards), *kept = rewards + T;
    for (size_t t = 0; t < T; t++) rewards[t] = (double)t + 0.5;
    memcpy(kept + 1, episode->rewards, T * sizeof *kept);
    rud_info info = {.name = (char[]){"original_rewards"}, .width = 1, .values = kept};
    rud_dataset_changes changes = {.rewards = rewards, .infos = &info, .info_count = 1};
    const rud_status status = rud_dataset_carry(writer, k, episode, &changes);
    free(rewards);
    rud_episode_free(&episode);
    return status;
}

static rud_status carry_all(const char *from, const char *to, const char *format)
{
    const ssize_t open = H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL);
    rud_dataset *source = open_set(from);
    const rud_dataset_writer_options options = {.source = source, .format = format};
    rud_dataset_writer *writer;
    rud_status status = rud_dataset_writer_open(to, &options, &writer);
    for (size_t k = 0; status == RUD_OK && k < rud_dataset_episodes(source); k++)
        status = carry(source, writer, k);
    if (status == RUD_OK) status = rud_dataset_writer_commit(&writer);
    char message[512];
    snprintf(message, sizeof message, "%s", rud_last_error());
    rud_dataset_writer_abort(&writer);
    rud_dataset_close(&source);
    if (status == RUD_OK)
        ck_assert_int_eq(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), open);
    else
        rud_error(status, "%s", message);
    return status;
}

static void assert_carried(const char *from, const char *to)
{
    rud_dataset *source = open_set(from), *carried = open_set(to);
    ck_assert_uint_eq(rud_dataset_episodes(source), rud_dataset_episodes(carried));
    for (size_t k = 0; k < rud_dataset_episodes(source); k++) {
        rud_episode *a, *b;
        ck_assert_int_eq(rud_dataset_read(source, k, &a), RUD_OK);
        ck_assert_msg(rud_dataset_read(carried, k, &b) == RUD_OK, "%s", rud_last_error());
        ck_assert_uint_eq(a->steps, b->steps);
        for (size_t t = 0; t < b->steps; t++) ck_assert_double_eq(b->rewards[t], (double)t + 0.5);
        const rud_info *kept = rud_episode_info(b, "original_rewards");
        ck_assert_ptr_nonnull(kept);
        ck_assert_mem_eq(kept->values + 1, a->rewards, a->steps * sizeof(double));
        rud_episode_free(&a);
        rud_episode_free(&b);
    }
    rud_dataset_close(&source);
    rud_dataset_close(&carried);
}

/* Only what it holds stands in the folder. */
static void assert_only(const char *folder, const char *names)
{
    char command[2600];
    snprintf(command, sizeof command, "test \"$(ls -A '%s' | tr '\\n' ' ')\" = '%s'", folder,
             names);
    ck_assert_msg(system(command) == 0, "%s holds something else", folder);
}

static hid_t change_file(const char *name)
{
    char command[2600];
    snprintf(command, sizeof command, "cp %s '%s'", bare, name);
    ck_assert_int_eq(system(command), 0);
    const hid_t file = H5Fopen(name, H5F_ACC_RDWR, H5P_DEFAULT);
    ck_assert_int_ge(file, 0);
    return file;
}

/* One group under two names would get the rewards of both. */
START_TEST(a_group_of_several_names_is_refused)
{
    const char *folder = test_folder();
    path from = in_folder(folder, "a.hdf5"), to = in_folder(folder, "b.hdf5");
    const hid_t file = change_file(from.text);
    if (_i == 0) {
        H5Ldelete(file, "episode_1", H5P_DEFAULT);
        H5Lcreate_hard(file, "episode_0", file, "episode_1", H5P_DEFAULT, H5P_DEFAULT);
    } else {
        H5Ldelete(file, "episode_1/infos", H5P_DEFAULT);
        H5Lcreate_soft("/episode_0/infos", file, "episode_1/infos", H5P_DEFAULT, H5P_DEFAULT);
    }
    H5Fclose(file);
    rud_dataset *source = open_set(from.text);
    const rud_dataset_writer_options options = {.source = source};
    rud_dataset_writer *writer;
    ck_assert_int_eq(rud_dataset_writer_open(to.text, &options, &writer), RUD_OK);
    /* both have 5 steps, or the infos of one fit the other */
    rud_status status = RUD_OK;
    for (size_t k = 0; k < 2 && status == RUD_OK; k++) {
        const rud_dataset_changes changes = {0};
        rud_episode *episode;
        ck_assert_int_eq(rud_dataset_read(source, 0, &episode), RUD_OK);
        status = rud_dataset_carry(writer, k, episode, &changes);
        rud_episode_free(&episode);
    }
    ck_assert_int_eq(status, RUD_EFORMAT);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), _i == 0 ? "episode_0" : "episode_1: infos"));
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "several names"));
    rud_dataset_writer_abort(&writer);
    rud_dataset_close(&source);
    assert_only(folder, "a.hdf5 ");
}
END_TEST

/* A link to another file: that file must not be written to. */
START_TEST(other_files_are_never_changed)
{
    const char *folder = test_folder();
    path from = in_folder(folder, "a.hdf5"), other = in_folder(folder, "other.hdf5"),
         to = in_folder(folder, "b.hdf5");
    H5Fclose(change_file(other.text));
    const hid_t file = change_file(from.text);
    H5Ldelete(file, "episode_0/infos", H5P_DEFAULT);
    H5Lcreate_external("other.hdf5", "/episode_0/infos", file, "episode_0/infos", H5P_DEFAULT,
                       H5P_DEFAULT);
    H5Fclose(file);
    ck_assert_int_eq(carry_all(from.text, to.text, NULL), RUD_EFORMAT);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "episode_0: infos"));
    hdf5_comparison c = hdf5_compare(other.text, bare, " ");
    ck_assert_str_eq(c.difference, "");
    assert_only(folder, "a.hdf5 other.hdf5 ");
}
END_TEST

START_TEST(all_episodes_are_carried_in_their_order)
{
    const char *folder = test_folder();
    path to = in_folder(folder, "b.hdf5");
    rud_dataset *source = open_set(bare);
    const rud_dataset_writer_options options = {.source = source};
    rud_dataset_writer *writer;
    ck_assert_int_eq(rud_dataset_writer_open(to.text, &options, &writer), RUD_OK);
    ck_assert_int_eq(carry(source, writer, 1), RUD_EINVAL);
    ck_assert_int_eq(carry(source, writer, 0), RUD_OK);
    ck_assert_int_eq(carry(source, writer, 0), RUD_EINVAL);
    ck_assert_int_eq(rud_dataset_writer_commit(&writer), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "1 of "));
    rud_dataset_close(&source);
    assert_only(folder, "");
}
END_TEST

/* What is new does not say when it was written: the same numbers make the same file. */
static void assert_no_time(const char *name)
{
    const hid_t file = H5Fopen(name, H5F_ACC_RDONLY, H5P_DEFAULT);
    H5O_info_t info;
    ck_assert_int_ge(H5Oget_info_by_name2(file, "episode_0/infos/original_rewards", &info,
                                          H5O_INFO_TIME, H5P_DEFAULT),
                     0);
    ck_assert_int_eq(info.mtime, 0);
    H5Fclose(file);
}

/* Whatever type and layout the rewards have, the new ones are float64; the others stay as they are.
 * Compressed ones are written anew, as are those that another episode shares. */
START_TEST(rewards_of_any_kind_are_replaced)
{
    enum { STEPS = 5, PLAIN, CHUNKED, COMPRESSED, SHARED };
    const struct {
        hid_t type;
        int layout;
    } kinds[] = {{H5T_IEEE_F64LE, PLAIN},   {H5T_IEEE_F64LE, CHUNKED},
                 {H5T_IEEE_F64BE, CHUNKED}, {H5T_IEEE_F64LE, COMPRESSED},
                 {H5T_IEEE_F32LE, PLAIN},   {H5T_STD_I64LE, COMPRESSED},
                 {H5T_IEEE_F64LE, SHARED}};
    const double values[STEPS] = {0, 0, 0, 0, 3};
    const hsize_t steps = STEPS;
    const char *folder = test_folder();
    path from = in_folder(folder, "a.hdf5"), to = in_folder(folder, "b.hdf5");
    const hid_t file = change_file(from.text), space = H5Screate_simple(1, &steps, NULL),
                creation = H5Pcreate(H5P_DATASET_CREATE);
    if (kinds[_i].layout != PLAIN) H5Pset_chunk(creation, 1, &steps);
    if (kinds[_i].layout == COMPRESSED) H5Pset_deflate(creation, 4);
    H5Ldelete(file, "episode_1/rewards", H5P_DEFAULT);
    const hid_t id = H5Dcreate2(file, "episode_1/rewards", kinds[_i].type, space, H5P_DEFAULT,
                                creation, H5P_DEFAULT);
    ck_assert_int_ge(H5Dwrite(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
    if (kinds[_i].layout == SHARED)
        H5Lcreate_hard(file, "episode_1/rewards", file, "shared", H5P_DEFAULT, H5P_DEFAULT);
    H5Dclose(id);
    H5Pclose(creation);
    H5Sclose(space);
    H5Fclose(file);
    ck_assert_msg(carry_all(from.text, to.text, NULL) == RUD_OK, "%s", rud_last_error());
    assert_carried(from.text, to.text);
    assert_no_time(to.text);
    hdf5_comparison c = hdf5_compare(from.text, to.text,
                                     " rewards rewards_sum rewards_mean rewards_std rewards_max "
                                     "rewards_min ");
    ck_assert_str_eq(c.difference, "");
}
END_TEST

/* Stopped while the file is copied: nothing is left. */
START_TEST(copying_can_be_stopped)
{
    const char *folder = test_folder();
    path to = in_folder(folder, _i == 0 ? "b.hdf5" : "b");
    volatile sig_atomic_t stop = 0;
    rud_dataset *source = open_set(bare);
    const rud_dataset_writer_options options = {.source = source, .stop = &stop};
    rud_dataset_writer *writer;
    rud_stop_request(&stop);
    ck_assert_int_eq(rud_dataset_writer_open(to.text, &options, &writer), RUD_EINTERRUPTED);
    rud_dataset_close(&source);
    assert_only(folder, "");
}
END_TEST

/* Pictures only, as variable-length bytes. */
static void make_pictures(const char *name)
{
    uint8_t bytes[7][3];
    hvl_t rows[7];
    for (size_t r = 0; r < 7; r++) {
        memset(bytes[r], (int)(r + 1), sizeof bytes[r]);
        rows[r] = (hvl_t){.len = 1 + r % 3, .p = bytes[r]};
    }
    const hid_t file = change_file(name), type = H5Tvlen_create(H5T_STD_U8LE);
    for (int k = 0; k < 6; k++) {
        char episode[32];
        snprintf(episode, sizeof episode, "episode_%d", k);
        const hid_t group = H5Gopen2(file, episode, H5P_DEFAULT);
        H5Ldelete(group, "observations", H5P_DEFAULT);
        const hsize_t count = 7;
        const hid_t space = H5Screate_simple(1, &count, NULL);
        const hid_t id =
            H5Dcreate2(group, "observations", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        ck_assert_int_ge(H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows), 0);
        H5Dclose(id);
        H5Sclose(space);
        H5Gclose(group);
    }
    H5Tclose(type);
    H5Fclose(file);
}

/* They cannot be features, but can be looked at and carried. */
START_TEST(pictures_alone_come_through)
{
    const char *folder = test_folder();
    path from = in_folder(folder, "a.hdf5"), to = in_folder(folder, "b.hdf5");
    rud_dataset_options options = rud_dataset_options_default();
    rud_dataset *source;
    make_pictures(from.text);
    ck_assert_int_eq(rud_dataset_open(from.text, &options, &source), RUD_EFORMAT);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "observations holds no numbers"));
    options.without_numbers = true;
    ck_assert_msg(rud_dataset_open(from.text, &options, &source) == RUD_OK, "%s", rud_last_error());
    ck_assert_ptr_null(rud_dataset_observation_space(source));
    rud_dataset_writer_options writing = {.source = source};
    rud_dataset_writer *writer;
    ck_assert_int_eq(rud_dataset_writer_open(in_folder(folder, "b.jsonl").text, &writing, &writer),
                     RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "hold no numbers, which jsonl needs"));
    ck_assert_int_eq(rud_dataset_writer_open(to.text, &writing, &writer), RUD_OK);
    for (size_t k = 0; k < rud_dataset_episodes(source); k++) {
        rud_episode *episode;
        ck_assert_msg(rud_dataset_read(source, k, &episode) == RUD_OK, "%s", rud_last_error());
        ck_assert_uint_eq(episode->observation_width, 0);
        rud_episode_free(&episode);
        ck_assert_msg(carry(source, writer, k) == RUD_OK, "%s", rud_last_error());
    }
    ck_assert_msg(rud_dataset_writer_commit(&writer) == RUD_OK, "%s", rud_last_error());
    rud_dataset_close(&source);
    hdf5_comparison c = hdf5_compare(from.text, to.text,
                                     " rewards rewards_sum rewards_mean rewards_std rewards_max "
                                     "rewards_min ");
    ck_assert_str_eq(c.difference, "");
}
END_TEST

static size_t size_of(const char *name)
{
    struct stat status;
    ck_assert_int_eq(stat(name, &status), 0);
    return (size_t)status.st_size;
}

static void limit_files(rlim_t size)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Where no file may grow, not even one in memory, libhdf5 cannot close what it has begun to write
 * and keeps its memory. Asked by LeakSanitizer. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

/* A disk that takes no more, wherever that happens, is a failure that names the file; nothing is
 * left behind, and with enough room all is there. */
static const struct {
    const char *from, *to, *format; /* formats of the source and of the target */
} ways[] = {{"minari", "b.hdf5", "minari"},
            {"minari", "b", "minari"},
            {"minari", "b.hdf5", "d4rl"},
            {"d4rl", "b.hdf5", "d4rl"},
            {"d4rl", "b.hdf5", "minari"}};
enum { WAYS = sizeof ways / sizeof *ways, PARTS = 12 };

START_TEST(a_full_disk_leaves_nothing_behind)
{
    const int way = _i % WAYS, part = _i / WAYS;
    const char *folder = test_folder();
    path from = in_folder(folder, "a.hdf5"), to = in_folder(folder, ways[way].to);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_msg(carry_all(bare, from.text, ways[way].from) == RUD_OK, "%s", rud_last_error());
    ck_assert_msg(carry_all(from.text, to.text, ways[way].format) == RUD_OK, "%s",
                  rud_last_error());
    if (strcmp(ways[way].from, ways[way].format) == 0) assert_carried(from.text, to.text);
    path data = strcmp(ways[way].to, "b") == 0 ? in_folder(folder, "b/data/main_data.hdf5") : to;
    const size_t whole = size_of(data.text);
    ck_assert_int_eq(rud_remove_tree(to.text), RUD_OK);
    limit_files(whole * (size_t)part / PARTS);
    const rud_status status = carry_all(from.text, to.text, ways[way].format);
    limit_files(RLIM_INFINITY);
    ck_assert_msg(status == RUD_EIO, "%zu bytes: %s", whole, rud_last_error());
    ck_assert_ptr_nonnull(strstr(rud_last_error(), ways[way].to));
    assert_only(folder, "a.hdf5 ");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("episodes/carry_whole");
    /* a file that could not be closed, as no file may grow, would crash libhdf5 at the end */
    H5dont_atexit();
    TCase *tcase = tcase_create("whole");
    tcase_add_loop_test(tcase, a_group_of_several_names_is_refused, 0, 2);
    tcase_add_test(tcase, other_files_are_never_changed);
    tcase_add_test(tcase, all_episodes_are_carried_in_their_order);
    tcase_add_loop_test(tcase, copying_can_be_stopped, 0, 2);
    tcase_add_test(tcase, pictures_alone_come_through);
    tcase_add_loop_test(tcase, rewards_of_any_kind_are_replaced, 0, 7);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("full disk");
    tcase_add_loop_test(tcase, a_full_disk_leaves_nothing_behind, 0, WAYS * PARTS);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* Data sets that Minari wrote: read, written again, and converted. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "episodes/dataset.h"
#include "tests/episodes/hdf5_equal.h"
#include "tests/harness.h"

static const char *const fixtures[] = {"cartpole/random-v0", "frozenlake/random-v0", "plain/buf-v0",
                                       "zoo/mixed-v3"};

static rud_dataset *open_fixture(const char *name)
{
    char path[256];
    rud_dataset *dataset;
    snprintf(path, sizeof path, "tests/fixtures/minari/%s", name);
    ck_assert_msg(rud_dataset_open(path, NULL, &dataset) == RUD_OK, "%s", rud_last_error());
    return dataset;
}

/* Writes all of `source` to `path`; the changes apply to each episode. */
static void copy_to(rud_dataset *source, const char *path, const char *format)
{
    rud_dataset_writer_options options = {.source = source, .format = format};
    rud_dataset_writer *writer;
    ck_assert_msg(rud_dataset_writer_open(path, &options, &writer) == RUD_OK, "%s",
                  rud_last_error());
    ck_assert_int_eq(rud_dataset_seek(source, 0), RUD_OK);
    for (size_t k = 0; k < rud_dataset_episodes(source); k++) {
        rud_episode *episode;
        ck_assert_int_eq(rud_dataset_next(source, &episode), RUD_OK);
        ck_assert_msg(rud_dataset_carry(writer, k, episode, NULL) == RUD_OK, "%s",
                      rud_last_error());
        rud_episode_free(&episode);
    }
    ck_assert_msg(rud_dataset_writer_commit(&writer) == RUD_OK, "%s", rud_last_error());
    ck_assert_ptr_null(writer);
}

static void assert_same_episode(const rud_episode *a, const rud_episode *b)
{
    ck_assert_uint_eq(a->steps, b->steps);
    ck_assert_uint_eq(a->observation_rows, b->observation_rows);
    ck_assert_uint_eq(a->observation_width, b->observation_width);
    ck_assert_uint_eq(a->action_width, b->action_width);
    ck_assert_mem_eq(a->observations, b->observations,
                     a->observation_rows * a->observation_width * sizeof(double));
    ck_assert_mem_eq(a->actions, b->actions, a->steps * a->action_width * sizeof(double));
    ck_assert_mem_eq(a->rewards, b->rewards, a->steps * sizeof(double));
    ck_assert(a->terminated == b->terminated && a->truncated == b->truncated);
    ck_assert(a->has_seed == b->has_seed && a->seed == b->seed);
    ck_assert_uint_eq(a->info_count, b->info_count);
    for (size_t k = 0; k < a->info_count; k++) {
        const rud_info *other = rud_episode_info(b, a->infos[k].name);
        ck_assert_msg(other != NULL, "no info %s", a->infos[k].name);
        ck_assert_uint_eq(a->infos[k].width, other->width);
        ck_assert_mem_eq(a->infos[k].values, other->values,
                         (a->steps + 1) * other->width * sizeof(double));
    }
}

static void assert_same_episodes(rud_dataset *a, rud_dataset *b)
{
    ck_assert_uint_eq(rud_dataset_episodes(a), rud_dataset_episodes(b));
    for (size_t k = 0; k < rud_dataset_episodes(a); k++) {
        rud_episode *x, *y;
        ck_assert_int_eq(rud_dataset_read(a, k, &x), RUD_OK);
        ck_assert_msg(rud_dataset_read(b, k, &y) == RUD_OK, "%s", rud_last_error());
        assert_same_episode(x, y);
        rud_episode_free(&x);
        rud_episode_free(&y);
    }
}

/* ---- reading ---- */

START_TEST(zoo_is_flattened_in_the_order_of_its_keys)
{
    static const char *const names[] = {"observations/box",
                                        "observations/disc",
                                        "observations/img",
                                        "observations/mb",
                                        "observations/md",
                                        "observations/tup/_index_0",
                                        "observations/tup/_index_1",
                                        "actions/_index_0",
                                        "actions/_index_1",
                                        "infos/k",
                                        "infos/nest/flag",
                                        "infos/s",
                                        "infos/v",
                                        "infos/x"};
    static const size_t columns[] = {0, 6, 7, 7, 11, 13, 14, 0, 1};
    static const int64_t sizes[] = {0, 0, 0, 0, 0, 0, 5, 2, 2, 2, 2, 3, 4, 0, 3};
    rud_dataset *zoo = open_fixture("zoo/mixed-v3");
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        const rud_dataset_leaf *leaf = rud_dataset_leaf_at(zoo, k);
        ck_assert_ptr_nonnull(leaf);
        ck_assert_str_eq(leaf->name, names[k]);
        if (k < sizeof columns / sizeof *columns) ck_assert_uint_eq(leaf->column, columns[k]);
        bool text = strcmp(names[k], "infos/s") == 0, image = k == 2;
        ck_assert(leaf->readable == !(text || image));
        if (image) ck_assert_str_eq(leaf->type, "image");
    }
    ck_assert_ptr_null(rud_dataset_leaf_at(zoo, sizeof names / sizeof *names));
    const rud_space *space = rud_dataset_observation_space(zoo);
    ck_assert_int_eq(space->kind, RUD_SPACE_MIXED);
    ck_assert_uint_eq(space->width, 15);
    for (size_t k = 0; k < 15; k++) ck_assert_int_eq(space->sizes[k], sizes[k]);
    ck_assert_double_eq(space->low[0], -1);
    ck_assert_double_eq(space->high[13], 1);
    rud_dataset_close(&zoo);
}
END_TEST

/* Discrete(5, start = 2): the file's 2 .. 6 are 0 .. 4 here. All numbers lie in their spaces. */
START_TEST(starts_are_taken_off)
{
    rud_dataset *zoo = open_fixture("zoo/mixed-v3");
    rud_episode *episode;
    ck_assert_int_eq(rud_dataset_read(zoo, 1, &episode), RUD_OK);
    ck_assert_uint_eq(episode->observation_rows, 5);
    for (size_t r = 0; r < 5; r++)
        ck_assert_msg(rud_space_check(rud_dataset_observation_space(zoo),
                                      episode->observations + r * 15) == RUD_OK,
                      "%s", rud_last_error());
    ck_assert_str_eq(episode->id, "1");
    ck_assert_uint_eq(episode->seed, 8);
    ck_assert_uint_eq(rud_episode_info(episode, "v")->width, 3);
    ck_assert(rud_episode_info(episode, "nest/flag")->integer);
    ck_assert(!rud_episode_info(episode, "x")->integer);
    rud_episode_free(&episode);
    rud_dataset_close(&zoo);
}
END_TEST

START_TEST(seeds_beyond_int64_and_flags_are_exact)
{
    rud_dataset *dataset = open_fixture("cartpole/random-v0");
    rud_episode *episode;
    ck_assert_uint_eq(rud_dataset_episodes(dataset), 3);
    ck_assert_uint_eq(rud_dataset_steps(dataset), 57);
    ck_assert_uint_eq(rud_dataset_lengths(dataset)[1], 20);
    ck_assert_int_eq(rud_dataset_read(dataset, 0, &episode), RUD_OK);
    ck_assert(episode->has_seed && episode->seed == UINT64_C(11910853008508362643));
    ck_assert(episode->terminated && !episode->truncated);
    rud_episode_free(&episode);
    rud_dataset_close(&dataset);

    size_t truncated = 0; /* Minari marks what was not played to its end so */
    dataset = open_fixture("frozenlake/random-v0");
    for (size_t k = 0; k < rud_dataset_episodes(dataset); k++) {
        ck_assert_int_eq(rud_dataset_read(dataset, k, &episode), RUD_OK);
        truncated += episode->truncated;
        ck_assert_uint_eq(rud_episode_info(episode, "prob")->width, 1);
        rud_episode_free(&episode);
    }
    ck_assert_uint_eq(truncated, 1);
    rud_dataset_close(&dataset);
}
END_TEST

START_TEST(the_ways_to_name_a_data_set_are_one)
{
    static const char *const paths[] = {"tests/fixtures/minari/zoo/mixed-v3/",
                                        "tests/fixtures/minari/zoo/mixed-v3/data",
                                        "tests/fixtures/minari/zoo/mixed-v3/data/main_data.hdf5"};
    rud_dataset *zoo = open_fixture("zoo/mixed-v3");
    for (size_t k = 0; k < 3; k++) {
        rud_dataset *other;
        ck_assert_int_eq(rud_dataset_open(paths[k], NULL, &other), RUD_OK);
        ck_assert_str_eq(rud_dataset_format(other), "minari");
        ck_assert_ptr_nonnull(rud_dataset_metadata(other));
        assert_same_episodes(zoo, other);
        rud_dataset_close(&other);
    }
    rud_dataset_close(&zoo);
}
END_TEST

/* A bare file does not say its spaces: they follow from types and values. */
START_TEST(spaces_of_a_bare_file_are_inferred)
{
    rud_dataset *lake = open_fixture("frozenlake/random-v0"), *bare;
    char path[1200], *bytes;
    size_t size;
    snprintf(path, sizeof path, "%s/bare.hdf5", test_folder());
    ck_assert_int_eq(rud_file_read("tests/fixtures/minari/frozenlake/random-v0/data/main_data.hdf5",
                                   (size_t)1 << 30, &bytes, &size),
                     RUD_OK);
    ck_assert_int_eq(rud_file_write(path, bytes, size), RUD_OK);
    free(bytes);
    ck_assert_int_eq(rud_dataset_open(path, NULL, &bare), RUD_OK);
    int64_t largest = 0;
    for (size_t k = 0; k < rud_dataset_episodes(lake); k++) {
        rud_episode *episode;
        ck_assert_int_eq(rud_dataset_read(lake, k, &episode), RUD_OK);
        for (size_t t = 0; t <= episode->steps; t++)
            if ((int64_t)episode->observations[t] > largest)
                largest = (int64_t)episode->observations[t];
        rud_episode_free(&episode);
    }
    ck_assert_int_eq(rud_dataset_observation_space(bare)->kind, RUD_SPACE_DISCRETE);
    ck_assert_int_eq(rud_dataset_observation_space(bare)->sizes[0], largest + 1);
    assert_same_episodes(lake, bare);
    /* and a folder that is made of it says them */
    char folder[1200];
    snprintf(folder, sizeof folder, "%s/lake", test_folder());
    copy_to(bare, folder, NULL);
    rud_dataset_close(&bare);
    ck_assert_msg(rud_dataset_open(folder, NULL, &bare) == RUD_OK, "%s", rud_last_error());
    ck_assert_ptr_nonnull(strstr(rud_dataset_metadata(bare), "Discrete"));
    assert_same_episodes(lake, bare);
    rud_dataset_close(&bare);
    rud_dataset_close(&lake);
}
END_TEST

/* An array of the root with a fill value, of which nothing is ever written. */
static void add_unwritten(hid_t file, const char *name, hid_t type, hsize_t rows, hsize_t chunk,
                          double fill)
{
    hid_t space = H5Screate_simple(1, &rows, NULL), creation = H5Pcreate(H5P_DATASET_CREATE);
    if (chunk > 0) H5Pset_chunk(creation, 1, &chunk);
    H5Pset_fill_value(creation, H5T_NATIVE_DOUBLE, &fill);
    hid_t id = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    ck_assert_int_ge(id, 0);
    H5Dclose(id);
    H5Pclose(creation);
    H5Sclose(space);
}

/* As h5py and every other reader of HDF5 has it. A shape that claims more than could be meant is
 * refused before memory is taken or its rows are gone through. */
START_TEST(what_was_never_written_is_the_fill_value)
{
    enum { ROWS = 6 };
    const double rewards[ROWS] = {1, 2, 3, 4, 5, 6};
    const hsize_t rows = ROWS;
    char path[1200];
    snprintf(path, sizeof path, "%s/flat.hdf5", test_folder());
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(1, &rows, NULL);
    hid_t id =
        H5Dcreate2(file, "rewards", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, rewards);
    H5Dclose(id);
    H5Sclose(space);
    add_unwritten(file, "observations", H5T_IEEE_F64LE, rows, 4, 0.5);
    add_unwritten(file, "actions", H5T_STD_I64LE, rows, 0, 1);
    add_unwritten(file, "terminals", H5T_STD_U8LE, rows, 0, 0);
    add_unwritten(file, "timeouts", H5T_STD_U8LE, rows, 2, 1);
    H5Fclose(file);
    rud_dataset *dataset;
    ck_assert_msg(rud_dataset_open(path, NULL, &dataset) == RUD_OK, "%s", rud_last_error());
    ck_assert_uint_eq(rud_dataset_episodes(dataset), ROWS); /* each cut by its timeout */
    rud_episode *episode;
    ck_assert_int_eq(rud_dataset_read(dataset, 5, &episode), RUD_OK);
    ck_assert_double_eq(episode->observations[0], 0.5);
    ck_assert_double_eq(episode->actions[0], 1);
    ck_assert_double_eq(episode->rewards[0], 6);
    ck_assert(!episode->terminated && episode->truncated);
    rud_episode_free(&episode);
    rud_dataset_close(&dataset);

    file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    H5Ldelete(file, "actions", H5P_DEFAULT);
    add_unwritten(file, "actions", H5T_STD_I64LE, (hsize_t)1 << 24, 0, 1); /* 128 MiB */
    H5Fclose(file);
    ck_assert_int_eq(rud_dataset_open(path, NULL, &dataset), RUD_EFORMAT);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "actions: its shape claims 16777216 rows"));
}
END_TEST

/* ---- writing again ---- */

START_TEST(every_array_and_attribute_comes_through)
{
    const char *name = fixtures[_i / 2];
    char path[1200], data[1300], original[256];
    bool bare = _i % 2;
    snprintf(path, sizeof path, "%s/%s", test_folder(), bare ? "copy.hdf5" : "deep/copy-v0");
    snprintf(data, sizeof data, "%s%s", path, bare ? "" : "/data/main_data.hdf5");
    snprintf(original, sizeof original, "tests/fixtures/minari/%s/data/main_data.hdf5", name);
    rud_dataset *dataset = open_fixture(name), *copy;
    copy_to(dataset, path, NULL);
    hdf5_comparison c = hdf5_compare(original, data, " ");
    ck_assert_str_eq(c.difference, "");
    ck_assert_int_gt(c.objects, 20);
    /* nothing but infos, which must be there, and the bare file's metadata is new */
    c = hdf5_compare(data, original, " infos metadata ");
    ck_assert_str_eq(c.difference, "");
    ck_assert_int_eq(rud_dataset_open(path, NULL, &copy), RUD_OK);
    assert_same_episodes(dataset, copy);
    rud_dataset_close(&copy);
    rud_dataset_close(&dataset);
}
END_TEST

/* Numbers, flags, seeds and infos are the same by way of the other formats. */
START_TEST(json_lines_and_back_lose_no_number)
{
    const char *folder = test_folder();
    char lines[1200], bare[1200], again[1200];
    snprintf(lines, sizeof lines, "%s/a.jsonl", folder);
    snprintf(bare, sizeof bare, "%s/b.hdf5", folder);
    snprintf(again, sizeof again, "%s/c.jsonl", folder);
    rud_dataset *dataset = open_fixture(fixtures[_i]), *json, *minari, *last;
    copy_to(dataset, lines, NULL);
    ck_assert_msg(rud_dataset_open(lines, NULL, &json) == RUD_OK, "%s", rud_last_error());
    ck_assert_str_eq(rud_dataset_format(json), "jsonl");
    assert_same_episodes(dataset, json);
    /* what is discrete stays so: integers in the text */
    const rud_space *space = rud_dataset_observation_space(dataset);
    for (size_t k = 0; k < space->width; k++)
        ck_assert(rud_space_is_discrete(space, k) ==
                  rud_space_is_discrete(rud_dataset_observation_space(json), k));
    copy_to(json, bare, NULL);
    ck_assert_msg(rud_dataset_open(bare, NULL, &minari) == RUD_OK, "%s", rud_last_error());
    assert_same_episodes(dataset, minari);
    copy_to(minari, again, NULL);
    ck_assert_int_eq(rud_dataset_open(again, NULL, &last), RUD_OK);
    assert_same_episodes(dataset, last);
    rud_dataset_close(&last);
    rud_dataset_close(&minari);
    rud_dataset_close(&json);
    rud_dataset_close(&dataset);
}
END_TEST

START_TEST(flat_rows_keep_episodes)
{
    char path[1200];
    snprintf(path, sizeof path, "%s/flat.hdf5", test_folder());
    rud_dataset *dataset = open_fixture("cartpole/random-v0"), *flat;
    copy_to(dataset, path, "d4rl");
    ck_assert_msg(rud_dataset_open(path, NULL, &flat) == RUD_OK, "%s", rud_last_error());
    ck_assert_str_eq(rud_dataset_format(flat), "d4rl");
    ck_assert_uint_eq(rud_dataset_steps(flat), 57);
    ck_assert_str_eq(rud_dataset_leaf_at(flat, 0)->type, "float32");
    for (size_t k = 0; k < 3; k++) {
        rud_episode *x, *y;
        ck_assert_int_eq(rud_dataset_read(dataset, 2 - k, &x), RUD_OK);
        ck_assert_int_eq(rud_dataset_read(flat, 2 - k, &y), RUD_OK);
        y->seed = x->seed; /* the rows have no place for it */
        y->has_seed = x->has_seed;
        assert_same_episode(x, y);
        rud_episode_free(&x);
        rud_episode_free(&y);
    }
    rud_dataset_close(&flat);
    rud_dataset_close(&dataset);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("episodes/dataset");
    TCase *tcase = tcase_create("reading");
    tcase_add_test(tcase, zoo_is_flattened_in_the_order_of_its_keys);
    tcase_add_test(tcase, starts_are_taken_off);
    tcase_add_test(tcase, seeds_beyond_int64_and_flags_are_exact);
    tcase_add_test(tcase, the_ways_to_name_a_data_set_are_one);
    tcase_add_test(tcase, spaces_of_a_bare_file_are_inferred);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("writing again");
    tcase_add_test(tcase, what_was_never_written_is_the_fill_value);
    tcase_add_loop_test(tcase, every_array_and_attribute_comes_through, 0, 8);
    tcase_add_loop_test(tcase, json_lines_and_back_lose_no_number, 0, 4);
    tcase_add_test(tcase, flat_rows_keep_episodes);
    suite_add_tcase(suite, tcase);
    return suite;
}

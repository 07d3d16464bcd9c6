/* Data sets that are written: layout, changed rewards, and outputs that exist. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "episodes/dataset.h"
#include "tests/episodes/hdf5_equal.h"
#include "tests/harness.h"

typedef struct path {
    char text[1200];
} path;

static path in_folder(const char *folder, const char *name)
{
    path joined;
    snprintf(joined.text, sizeof joined.text, "%s/%s", folder, name);
    return joined;
}

/* T steps of Discrete(5) and Box(2) side by side, actions Discrete(3), an info. */
static rud_episode *make_episode(size_t T, size_t rows, uint64_t seed)
{
    rud_episode *episode;
    double *speed;
    ck_assert_int_eq(rud_episode_create(T, rows, 3, 1, &episode), RUD_OK);
    ck_assert_int_eq(rud_episode_add_info(episode, "car/speed", 1, true, &speed), RUD_OK);
    for (size_t r = 0; r < rows; r++) {
        episode->observations[3 * r] = (double)((r + seed) % 5);
        episode->observations[3 * r + 1] = 0.1 * (double)r;
        episode->observations[3 * r + 2] = -1e-9 / (double)(r + 1);
    }
    for (size_t t = 0; t < T; t++) {
        episode->actions[t] = (double)(t % 3);
        episode->rewards[t] = t + 1 == T ? 0.3 * (double)T : 0;
        speed[t + 1] = (double)t;
    }
    episode->seed = seed;
    episode->has_seed = true;
    return episode;
}

static void spaces(rud_space *observation, rud_space *action)
{
    static const int64_t sizes[] = {5, 0, 0};
    ck_assert_int_eq(rud_space_mixed(sizes, NULL, NULL, 3, observation), RUD_OK);
    ck_assert_int_eq(rud_space_discrete(3, action), RUD_OK);
}

static rud_dataset_writer *open_writer(const char *name, const char *format, bool force,
                                       rud_status expected)
{
    rud_space observation, action;
    spaces(&observation, &action);
    rud_dataset_writer_options options = {.format = format,
                                          .force = force,
                                          .observation_space = &observation,
                                          .action_space = &action};
    rud_dataset_writer *writer;
    rud_status status = rud_dataset_writer_open(name, &options, &writer);
    ck_assert_msg(status == expected, "%s", rud_last_error());
    rud_space_free(&observation);
    rud_space_free(&action);
    return writer;
}

/* Three episodes: an end, a cut, and one that just stops; the largest seed. */
static void write_three(const char *name, const char *format, bool final_observation)
{
    rud_dataset_writer *writer = open_writer(name, format, true, RUD_OK);
    for (size_t k = 0; k < 3; k++) {
        size_t T = 4 + k;
        rud_episode *episode =
            make_episode(T, final_observation ? T + 1 : T, k == 2 ? UINT64_MAX : k);
        episode->terminated = k == 0;
        episode->truncated = k == 1;
        if (k == 1) ck_assert_int_eq(rud_episode_set_id(episode, "second"), RUD_OK);
        ck_assert_msg(rud_dataset_write(writer, episode) == RUD_OK, "%s", rud_last_error());
        rud_episode_free(&episode);
    }
    ck_assert_msg(rud_dataset_writer_commit(&writer) == RUD_OK, "%s", rud_last_error());
}

static rud_dataset *open_set(const char *name)
{
    rud_dataset *dataset;
    ck_assert_msg(rud_dataset_open(name, NULL, &dataset) == RUD_OK, "%s", rud_last_error());
    return dataset;
}

static void assert_three(const char *name, bool final_observation)
{
    rud_dataset *dataset = open_set(name);
    ck_assert_uint_eq(rud_dataset_episodes(dataset), 3);
    ck_assert_uint_eq(rud_dataset_steps(dataset), 15);
    for (size_t k = 0; k < 3; k++) {
        size_t T = 4 + k;
        rud_episode *read, *made = make_episode(T, final_observation ? T + 1 : T, k);
        if (k == 2) {
            rud_episode_free(&made);
            made = make_episode(T, final_observation ? T + 1 : T, UINT64_MAX);
        }
        ck_assert_msg(rud_dataset_read(dataset, k, &read) == RUD_OK, "%s", rud_last_error());
        ck_assert_uint_eq(read->steps, T);
        ck_assert_uint_eq(read->observation_rows, made->observation_rows);
        ck_assert_mem_eq(read->observations, made->observations,
                         made->observation_rows * 3 * sizeof(double));
        ck_assert_mem_eq(read->actions, made->actions, T * sizeof(double));
        ck_assert_mem_eq(read->rewards, made->rewards, T * sizeof(double));
        ck_assert_uint_eq(read->seed, made->seed);
        ck_assert(read->terminated == (k == 0) && read->truncated == (k == 1));
        if (k == 1) ck_assert_str_eq(read->id, "second");
        const rud_info *info = rud_episode_info(read, "car/speed");
        ck_assert_ptr_nonnull(info);
        ck_assert(info->integer);
        ck_assert_mem_eq(info->values, made->infos[0].values, (T + 1) * sizeof(double));
        rud_episode_free(&read);
        rud_episode_free(&made);
    }
    rud_dataset_close(&dataset);
}

START_TEST(what_is_written_is_read)
{
    static const char *const names[] = {"set.jsonl", "set.hdf5", "set", "set.h5"};
    path name = in_folder(test_folder(), names[_i / 2]);
    write_three(name.text, NULL, _i % 2);
    assert_three(name.text, _i % 2);
}
END_TEST

static hid_t type_of(hid_t file, const char *name, int *rank, hsize_t dims[2], hsize_t chunk[2],
                     hsize_t limits[2])
{
    hid_t id = H5Dopen2(file, name, H5P_DEFAULT);
    ck_assert_msg(id >= 0, "%s", name);
    hid_t space = H5Dget_space(id), creation = H5Dget_create_plist(id);
    *rank = H5Sget_simple_extent_ndims(space);
    H5Sget_simple_extent_dims(space, dims, limits);
    ck_assert_int_eq(H5Pget_layout(creation), H5D_CHUNKED);
    H5Pget_chunk(creation, 2, chunk);
    hid_t type = H5Dget_type(id);
    H5Pclose(creation);
    H5Sclose(space);
    H5Dclose(id);
    return type;
}

/* The layout that Minari's loader and filters count on. */
START_TEST(arrays_have_the_layout_of_minari)
{
    static const struct {
        const char *name;
        hsize_t rows, width;
        H5T_class_t class;
        size_t size;
    } arrays[] = {
        {"episode_1/observations/_index_0", 6, 0, H5T_INTEGER, 8},
        {"episode_1/observations/_index_1", 6, 2, H5T_FLOAT, 8},
        {"episode_1/actions", 5, 0, H5T_INTEGER, 8},
        {"episode_1/rewards", 5, 0, H5T_FLOAT, 8},
        {"episode_1/terminations", 5, 0, H5T_ENUM, 1},
        {"episode_1/truncations", 5, 0, H5T_ENUM, 1},
        {"episode_1/infos/car/speed", 6, 0, H5T_INTEGER, 8},
    };
    path name = in_folder(test_folder(), "set.hdf5");
    write_three(name.text, NULL, true);
    hid_t file = H5Fopen(name.text, H5F_ACC_RDONLY, H5P_DEFAULT);
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) {
        int rank;
        hsize_t dims[2] = {0}, chunk[2] = {0}, limits[2] = {0};
        hid_t type = type_of(file, arrays[k].name, &rank, dims, chunk, limits);
        ck_assert_int_eq(rank, arrays[k].width > 0 ? 2 : 1);
        ck_assert(dims[0] == arrays[k].rows && dims[1] == arrays[k].width);
        ck_assert(chunk[0] == dims[0] && chunk[1] == dims[1]);
        ck_assert(limits[0] == H5S_UNLIMITED && limits[1] == dims[1]);
        ck_assert_int_eq(H5Tget_class(type), arrays[k].class);
        ck_assert_uint_eq(H5Tget_size(type), arrays[k].size);
        if (arrays[k].class == H5T_ENUM) {
            char *first = H5Tget_member_name(type, 0), *second = H5Tget_member_name(type, 1);
            ck_assert_str_eq(first, "FALSE");
            ck_assert_str_eq(second, "TRUE");
            H5free_memory(first);
            H5free_memory(second);
        }
        H5Tclose(type);
    }
    hid_t seed = H5Aopen_by_name(file, "episode_2", "seed", H5P_DEFAULT, H5P_DEFAULT);
    hid_t type = H5Aget_type(seed);
    ck_assert_int_eq(H5Tget_sign(type), H5T_SGN_NONE); /* from 2^63 on */
    H5Tclose(type);
    H5Aclose(seed);
    H5Fclose(file);
}
END_TEST

/* ---- changes ---- */

static double attribute(hid_t file, const char *name)
{
    double value = NAN;
    hid_t id = H5Aopen_by_name(file, "episode_1", name, H5P_DEFAULT, H5P_DEFAULT);
    if (id < 0) return value;
    H5Aread(id, H5T_NATIVE_DOUBLE, &value);
    H5Aclose(id);
    return value;
}

/* Writes `source` again, rewards moved to the first step, the old ones kept. */
static void move_rewards(const char *from, const char *to)
{
    static const char *const metadata[] = {"rudder_method", "a test"};
    rud_dataset *source = open_set(from);
    rud_dataset_writer_options options = {
        .source = source, .metadata = metadata, .metadata_count = 1};
    rud_dataset_writer *writer;
    ck_assert_msg(rud_dataset_writer_open(to, &options, &writer) == RUD_OK, "%s", rud_last_error());
    for (size_t k = 0; k < rud_dataset_episodes(source); k++) {
        rud_episode *episode;
        ck_assert_int_eq(rud_dataset_read(source, k, &episode), RUD_OK);
        double *rewards = calloc(episode->steps, sizeof *rewards);
        double *kept = calloc(episode->steps + 1, sizeof *kept);
        rewards[0] = rud_episode_return(episode) + 0.25;
        memcpy(kept + 1, episode->rewards, episode->steps * sizeof *kept);
        rud_info info = {.name = (char[]){"original_rewards"}, .width = 1, .values = kept};
        rud_dataset_attribute quality = {"prediction", 1.5};
        rud_dataset_changes changes = {.rewards = rewards,
                                       .infos = &info,
                                       .info_count = 1,
                                       .attributes = &quality,
                                       .attribute_count = 1};
        ck_assert_msg(rud_dataset_carry(writer, k, episode, &changes) == RUD_OK, "%s",
                      rud_last_error());
        free(rewards);
        free(kept);
        rud_episode_free(&episode);
    }
    ck_assert_msg(rud_dataset_writer_commit(&writer) == RUD_OK, "%s", rud_last_error());
    rud_dataset_close(&source);
}

static void assert_moved(const char *from, const char *to)
{
    rud_dataset *source = open_set(from), *moved = open_set(to);
    for (size_t k = 0; k < rud_dataset_episodes(source); k++) {
        rud_episode *a, *b;
        ck_assert_int_eq(rud_dataset_read(source, k, &a), RUD_OK);
        ck_assert_msg(rud_dataset_read(moved, k, &b) == RUD_OK, "%s", rud_last_error());
        ck_assert_double_eq(b->rewards[0], rud_episode_return(a) + 0.25);
        for (size_t t = 1; t < b->steps; t++) ck_assert_double_eq(b->rewards[t], 0);
        const rud_info *kept = rud_episode_info(b, "original_rewards");
        ck_assert_ptr_nonnull(kept);
        ck_assert_double_eq(kept->values[0], 0);
        ck_assert_mem_eq(kept->values + 1, a->rewards, a->steps * sizeof(double));
        ck_assert_uint_eq(b->info_count, a->info_count + 1);
        ck_assert(a->terminated == b->terminated && a->truncated == b->truncated);
        rud_episode_free(&a);
        rud_episode_free(&b);
    }
    rud_dataset_close(&source);
    rud_dataset_close(&moved);
}

/* FrozenLake's rewards are int64: the new ones keep their fractions. */
START_TEST(rewards_are_replaced_and_sums_follow)
{
    static const char from[] = "tests/fixtures/minari/frozenlake/random-v0";
    path to = in_folder(test_folder(), "moved.hdf5");
    move_rewards(from, to.text);
    assert_moved(from, to.text);
    hdf5_comparison c =
        hdf5_compare("tests/fixtures/minari/frozenlake/random-v0/data/main_data.hdf5", to.text,
                     " rewards rewards_sum rewards_mean rewards_std rewards_max ");
    ck_assert_str_eq(c.difference, "");
    hid_t file = H5Fopen(to.text, H5F_ACC_RDONLY, H5P_DEFAULT);
    /* rewards 0.25, 0, 0, 0, 0 */
    ck_assert_double_eq(attribute(file, "rewards_sum"), 0.25);
    ck_assert_double_eq(attribute(file, "rewards_mean"), 0.05);
    ck_assert_double_eq_tol(attribute(file, "rewards_std"), 0.1, 1e-15);
    ck_assert_double_eq(attribute(file, "rewards_max"), 0.25);
    ck_assert_double_eq(attribute(file, "rewards_min"), 0);
    ck_assert_double_eq(attribute(file, "prediction"), 1.5);
    H5Fclose(file);
    rud_dataset *moved = open_set(to.text);
    ck_assert_ptr_nonnull(strstr(rud_dataset_metadata(moved), "\"rudder_method\": \"a test\""));
    rud_dataset_close(&moved);
}
END_TEST

START_TEST(rewards_are_replaced_in_and_between_other_formats)
{
    static const char *const names[][2] = {
        {"a.jsonl", "b.jsonl"}, {"a.jsonl", "b"}, {"a.hdf5", "b.jsonl"}};
    const char *folder = test_folder();
    path from = in_folder(folder, names[_i][0]), to = in_folder(folder, names[_i][1]);
    write_three(from.text, NULL, true);
    move_rewards(from.text, to.text);
    assert_moved(from.text, to.text);
}
END_TEST

/* Flat rows: those of a tail that is left out stay as they are. */
START_TEST(flat_rows_are_replaced_in_place)
{
    const char *folder = test_folder();
    path from = in_folder(folder, "a.hdf5"), to = in_folder(folder, "b.hdf5");
    write_three(from.text, "d4rl", true);
    rud_dataset_options options = rud_dataset_options_default();
    options.tail = RUD_TAIL_DROP;
    rud_dataset *source, *moved;
    ck_assert_int_eq(rud_dataset_open(from.text, &options, &source), RUD_OK);
    ck_assert_uint_eq(rud_dataset_episodes(source), 2);
    ck_assert_uint_eq(rud_dataset_tail_steps(source), 6);
    rud_dataset_writer_options writing = {.source = source, .format = "d4rl"};
    rud_dataset_writer *writer;
    ck_assert_int_eq(rud_dataset_writer_open(to.text, &writing, &writer), RUD_OK);
    for (size_t k = 0; k < 2; k++) {
        const double rewards[5] = {7.125, 0, 0, 0, (double)k};
        rud_episode *episode;
        ck_assert_int_eq(rud_dataset_read(source, k, &episode), RUD_OK);
        rud_dataset_changes changes = {.rewards = rewards};
        ck_assert_int_eq(rud_dataset_carry(writer, k, episode, &changes), RUD_OK);
        rud_episode_free(&episode);
    }
    ck_assert_msg(rud_dataset_writer_commit(&writer) == RUD_OK, "%s", rud_last_error());
    rud_dataset_close(&source);
    hdf5_comparison c = hdf5_compare(from.text, to.text, " rewards ");
    ck_assert_str_eq(c.difference, "");
    moved = open_set(to.text);
    const double returns[] = {7.125, 8.125, 0.3 * 6};
    for (size_t k = 0; k < 3; k++) {
        rud_episode *episode;
        ck_assert_int_eq(rud_dataset_read(moved, k, &episode), RUD_OK);
        ck_assert_double_eq(rud_episode_return(episode), returns[k]);
        rud_episode_free(&episode);
    }
    rud_dataset_close(&moved);
}
END_TEST

/* A stream of JSON lines: nothing is known before, and what is unknown comes through. */
START_TEST(a_stream_is_carried_line_by_line)
{
    static const char lines[] =
        "{\"id\": \"a\", \"observations\": [[1.50, 2e0]], \"actions\": [1], \"rewards\": [3], "
        "\"note\": [\"kept\"], \"seed\": 18446744073709551615}\n";
    const char *folder = test_folder();
    path from = in_folder(folder, "a.jsonl"), to = in_folder(folder, "b.jsonl");
    ck_assert_int_eq(rud_file_write(from.text, lines, sizeof lines - 1), RUD_OK);
    rud_dataset_options options = rud_dataset_options_default();
    options.stream = true;
    rud_dataset *source;
    ck_assert_int_eq(rud_dataset_open(from.text, &options, &source), RUD_OK);
    ck_assert_uint_eq(rud_dataset_episodes(source), RUD_DATASET_UNKNOWN);
    ck_assert_ptr_null(rud_dataset_observation_space(source));
    ck_assert_ptr_null(rud_dataset_lengths(source));
    rud_episode *episode;
    ck_assert_int_eq(rud_dataset_read(source, 0, &episode), RUD_ESTATE);
    rud_dataset_writer_options writing = {.source = source};
    rud_dataset_writer *writer;
    ck_assert_int_eq(rud_dataset_writer_open(in_folder(folder, "b.hdf5").text, &writing, &writer),
                     RUD_EINVAL);
    ck_assert_int_eq(rud_dataset_writer_open(to.text, &writing, &writer), RUD_OK);
    ck_assert_int_eq(rud_dataset_next(source, &episode), RUD_OK);
    const double reward = 0.1;
    rud_dataset_changes changes = {.rewards = &reward};
    ck_assert_int_eq(rud_dataset_carry(writer, 0, episode, &changes), RUD_OK);
    rud_episode_free(&episode);
    ck_assert_int_eq(rud_dataset_next(source, &episode), RUD_OK);
    ck_assert_ptr_null(episode);
    ck_assert_int_eq(rud_dataset_read(source, 0, &episode), RUD_ESTATE);
    ck_assert_int_eq(rud_dataset_writer_commit(&writer), RUD_OK);
    rud_dataset_close(&source);
    char *text;
    size_t size;
    ck_assert_int_eq(rud_file_read(to.text, 4096, &text, &size), RUD_OK);
    ck_assert_str_eq(text,
                     "{\"id\":\"a\",\"observations\":[[1.50,2e0]],\"actions\":[1],"
                     "\"rewards\":[0.1],\"note\":[\"kept\"],\"seed\":18446744073709551615}\n");
    free(text);
}
END_TEST

/* ---- outputs ---- */

START_TEST(an_output_that_exists_is_safe)
{
    static const char *const names[] = {"set.jsonl", "set.hdf5", "set"};
    const char *folder = test_folder();
    path name = in_folder(folder, names[_i]);
    write_three(name.text, NULL, true);
    ck_assert_ptr_null(open_writer(name.text, NULL, false, RUD_EEXIST));
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "exists already"));
    /* given up in the middle: the old one stands and nothing is left aside */
    rud_dataset_writer *writer = open_writer(name.text, NULL, true, RUD_OK);
    rud_episode *episode = make_episode(9, 10, 1);
    ck_assert_int_eq(rud_dataset_write(writer, episode), RUD_OK);
    rud_dataset_writer_abort(&writer);
    assert_three(name.text, true);
    writer = open_writer(name.text, NULL, true, RUD_OK);
    ck_assert_int_eq(rud_dataset_writer_commit(&writer), RUD_EINVAL); /* no episode */
    assert_three(name.text, true);
    writer = open_writer(name.text, NULL, true, RUD_OK);
    ck_assert_int_eq(rud_dataset_write(writer, episode), RUD_OK);
    ck_assert_int_eq(rud_dataset_writer_commit(&writer), RUD_OK);
    rud_dataset *dataset = open_set(name.text);
    ck_assert_uint_eq(rud_dataset_steps(dataset), 9);
    rud_dataset_close(&dataset);
    rud_episode_free(&episode);
    ck_assert_int_eq(rmdir(folder), -1);
    char command[1400];
    snprintf(command, sizeof command, "test \"$(ls -A '%s')\" = '%s'", folder, names[_i]);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
    const char *folder = test_folder();
    static const char *const names[] = {"set.jsonl", "set.hdf5"};
    rud_dataset_writer *writer =
        open_writer(in_folder(folder, names[_i]).text, NULL, false, RUD_OK);
    rud_episode *episode = make_episode(4, 5, 1);
    episode->observations[3] = 5; /* of Discrete(5) */
    ck_assert_int_eq(rud_dataset_write(writer, episode), RUD_EINVAL);
    episode->observations[3] = 4;
    episode->rewards[2] = NAN;
    ck_assert_int_eq(rud_dataset_write(writer, episode), RUD_ENONFINITE);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), names[_i]));
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "[2]"));
    rud_episode_free(&episode);
    rud_dataset_writer_abort(&writer);
    /* a folder that is something else is never replaced */
    ck_assert_ptr_null(open_writer(folder, NULL, true, RUD_EEXIST));
}
END_TEST

START_TEST(the_format_follows_the_path)
{
    ck_assert_str_eq(rud_dataset_format_of_path("-"), "jsonl");
    ck_assert_str_eq(rud_dataset_format_of_path("a.b/c.jsonl"), "jsonl");
    ck_assert_str_eq(rud_dataset_format_of_path("a.hdf5"), "minari");
    ck_assert_str_eq(rud_dataset_format_of_path("a.b/c"), "minari");
    ck_assert_str_eq(rud_dataset_format_of_path("a.b/c-v0/"), "minari");
    ck_assert_str_eq(rud_dataset_format_of_path(".."), "minari");
    ck_assert_ptr_null(rud_dataset_format_of_path("a.csv"));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("episodes/dataset_writer");
    TCase *tcase = tcase_create("new");
    tcase_add_loop_test(tcase, what_is_written_is_read, 0, 8);
    tcase_add_test(tcase, arrays_have_the_layout_of_minari);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("changes");
    tcase_add_test(tcase, rewards_are_replaced_and_sums_follow);
    tcase_add_loop_test(tcase, rewards_are_replaced_in_and_between_other_formats, 0, 3);
    tcase_add_test(tcase, flat_rows_are_replaced_in_place);
    tcase_add_test(tcase, a_stream_is_carried_line_by_line);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("outputs");
    tcase_add_loop_test(tcase, an_output_that_exists_is_safe, 0, 3);
    tcase_add_loop_test(tcase, what_does_not_fit_is_refused, 0, 2);
    tcase_add_test(tcase, the_format_follows_the_path);
    suite_add_tcase(suite, tcase);
    return suite;
}

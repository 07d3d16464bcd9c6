/* Training on data sets: what it finds, and that neither memory nor interruptions change it. */
#include "training/offline_training.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/rng.h"
#include "episodes/dataset.h"
#include "tests/harness.h"
#include "training/episode_spill_private.h"
#include "training/split.h"

enum { EPISODES = 300 };

/* Observations are two numbers, one of them far from 0; the last reward pays how often the first
 * was above its mean after the action was 1 a step before: order matters, a sum does not tell. */
static rud_episode *make_episode(rud_rng *rng)
{
    const size_t T = 3 + (size_t)rud_rng_below(rng, 12);
    rud_episode *e = NULL;
    double G = 0;
    ck_assert_ok(rud_episode_create(T, T + 1, 2, 1, &e));
    for (size_t t = 0; t <= T; t++) {
        e->observations[2 * t] = 1000 + 10 * rud_rng_normal(rng);
        e->observations[2 * t + 1] = 1e-3 * rud_rng_normal(rng);
        if (t < T) e->actions[t] = (double)rud_rng_below(rng, 2);
        G += t > 0 && e->actions[t - 1] == 1 && e->observations[2 * t] > 1000;
    }
    e->rewards[T - 1] = G;
    e->terminated = true;
    return e;
}

/* `count` episodes as path/NAME. View until the next call. */
static const char *write_data(const char *name, uint64_t seed, size_t count)
{
    static char path[512];
    rud_space observation = {0}, action = {0};
    rud_dataset_writer_options options = {.observation_space = &observation,
                                          .action_space = &action};
    rud_dataset_writer *writer = NULL;
    rud_rng rng = rud_rng_stream(seed, "test episodes", 0);
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    ck_assert_ok(rud_space_box(NULL, NULL, 2, &observation));
    ck_assert_ok(rud_space_discrete(2, &action));
    ck_assert_ok(rud_dataset_writer_open(path, &options, &writer));
    for (size_t k = 0; k < count; k++) {
        rud_episode *e = make_episode(&rng);
        ck_assert_ok(rud_dataset_write(writer, e));
        rud_episode_free(&e);
    }
    ck_assert_ok(rud_dataset_writer_commit(&writer));
    rud_space_free(&observation);
    rud_space_free(&action);
    return path;
}

static rud_config small_config(void)
{
    rud_config config = rud_config_default();
    config.agent.features.standardise = true;
    config.agent.redistributor.predictor.hidden = 8;
    config.offline.updates = 300;
    config.offline.checkpoint_seconds = 1e6; /* where it is stopped only */
    return config;
}

static char *read_text(const char *folder, const char *name, size_t *size)
{
    char *path = rud_path_join(folder, name), *text = NULL;
    ck_assert_ok(rud_file_read(path, (size_t)1 << 26, &text, size));
    free(path);
    return text;
}

static void same_file(const char *a, const char *b, const char *name)
{
    size_t one_size, other_size;
    char *one = read_text(a, name, &one_size), *other = read_text(b, name, &other_size);
    ck_assert_msg(one_size == other_size && memcmp(one, other, one_size) == 0, "%s differs", name);
    free(one);
    free(other);
}

static rud_status train(const rud_config *config, const char *const *paths, size_t count,
                        const char *folder, const volatile sig_atomic_t *stop,
                        rud_offline_result *result)
{
    const rud_offline_training_options options = {
        .episodes = paths, .episode_files = count, .folder = folder, .stop = stop};
    return rud_offline_training_run(config, &options, result);
}

START_TEST(order_needs_a_network)
{
    const char *data = write_data("data.hdf5", 1, 2000), *folder = test_folder();
    rud_config config = small_config();
    rud_offline_result result, read;
    config.offline.updates = 3000;
    ck_assert_ok(train(&config, &data, 1, folder, NULL, &result));
    ck_assert_uint_eq(result.rung_count, 4);
    ck_assert_str_ne(result.cell, "linear");
    ck_assert_double_gt(result.r_squared, result.rungs[0].r_squared + 0.1);
    ck_assert_double_gt(result.r_squared, 0.8);
    ck_assert_double_lt(result.variance_ratio, 1);
    for (size_t k = 1; k < 4; k++) ck_assert_double_lt(result.rungs[k].padding, 0.2);

    ck_assert_ok(rud_offline_result_read(folder, &read));
    read.seconds = result.seconds;
    ck_assert_str_eq(read.cell, result.cell);
    ck_assert(read.r_squared == result.r_squared && read.error_std == result.error_std);
    ck_assert(isnan(read.rungs[0].gain) && read.rungs[1].gain == result.rungs[1].gain);

    /* The model stands for itself: R^2 of the test from the files alone. */
    rud_split split;
    rud_predictor *predictor = NULL;
    rud_dataset *dataset = NULL;
    ck_assert_ok(rud_split_read(folder, &split));
    ck_assert_ok(rud_predictor_load(folder, &predictor));
    ck_assert_ok(rud_dataset_open(data, NULL, &dataset));
    ck_assert_uint_eq(split.test_count, 200);
    ck_assert_uint_eq(split.validation_count, 200);
    double mean = 0, squares = 0, errors = 0, g[16], *rows = g;
    for (size_t k = 0; k < split.test_count; k++) {
        rud_episode *e = NULL;
        ck_assert_ok(rud_dataset_read(dataset, split.test[k], &e));
        ck_assert_ok(rud_predictor_predict(predictor, (const rud_episode *const *)&e, 1, &rows));
        const double G = rud_episode_return(e), deviation = G - mean;
        errors += (G - g[e->steps]) * (G - g[e->steps]);
        mean += deviation / (double)(k + 1);
        squares += deviation * (G - mean);
        rud_episode_free(&e);
    }
    ck_assert_double_eq_tol(1 - errors / squares, result.r_squared, 1e-4);
    rud_dataset_close(&dataset);
    rud_predictor_free(&predictor);
    rud_split_free(&split);
}
END_TEST

/* Asks a run to stop once it has written more metrics than when it began. */
typedef struct stopper {
    pthread_t thread;
    const char *folder;
    long before;
    volatile sig_atomic_t stop, over;
} stopper;

static long metrics_size(const char *folder)
{
    struct stat status;
    char *path = rud_path_join(folder, "metrics.jsonl");
    const long size = stat(path, &status) == 0 ? (long)status.st_size : 0;
    free(path);
    return size;
}

static void *stop_soon(void *context)
{
    stopper *stopper = context;
    const struct timespec pause = {.tv_nsec = 1000000};
    while (!stopper->over && metrics_size(stopper->folder) <= stopper->before) {
        nanosleep(&pause, NULL);
    }
    rud_stop_request(&stopper->stop);
    return NULL;
}

START_TEST(interrupted_runs_end_alike)
{
    const char *data = write_data("data.jsonl", 2, EPISODES);
    char whole[512], parts[512];
    rud_config config = small_config();
    rud_offline_result result;
    volatile sig_atomic_t stop = 0;
    config.offline.updates = 600;
    config.offline.patience = 1000;
    snprintf(whole, sizeof whole, "%s/run", test_folder());
    snprintf(parts, sizeof parts, "%s/run", test_folder());
    ck_assert_ok(train(&config, &data, 1, whole, NULL, &result));

    /* Set beforehand it stops before anything is written. */
    rud_stop_request(&stop);
    ck_assert_int_eq(train(&config, &data, 1, parts, &stop, &result), RUD_EINTERRUPTED);
    ck_assert(!rud_file_exists(parts));

    rud_status status = RUD_EINTERRUPTED;
    size_t interruptions = 0;
    while (status == RUD_EINTERRUPTED) {
        stopper stopper = {.folder = parts, .before = metrics_size(parts)};
        ck_assert_int_eq(pthread_create(&stopper.thread, NULL, stop_soon, &stopper), 0);
        status = train(&config, &data, 1, parts, &stopper.stop, &result);
        stopper.over = 1;
        pthread_join(stopper.thread, NULL);
        interruptions += status == RUD_EINTERRUPTED;
    }
    ck_assert_ok(status);
    ck_assert_uint_ge(interruptions, 2);
    same_file(whole, parts, "model.safetensors");
    same_file(whole, parts, "metrics.jsonl");
    same_file(whole, parts, "training.json");
}
END_TEST

START_TEST(memory_does_not_matter)
{
    const char *const first = strdup(write_data("a.hdf5", 3, EPISODES));
    const char *const second = strdup(write_data("b.hdf5", 4, EPISODES / 2));
    const char *paths[] = {first, second};
    char memory[512], file[512];
    rud_config config = small_config();
    rud_offline_result result;
    snprintf(memory, sizeof memory, "%s/run", test_folder());
    snprintf(file, sizeof file, "%s/run", test_folder());
    config.offline.updates = 60;
    ck_assert_ok(train(&config, paths, 2, memory, NULL, &result));
    ck_assert(result.in_memory);
    ck_assert_uint_eq(result.episodes, EPISODES + EPISODES / 2);
    config.offline.memory = 1000;
    ck_assert_ok(train(&config, paths, 2, file, NULL, &result));
    ck_assert(!result.in_memory);
    same_file(memory, file, "model.safetensors");
    same_file(memory, file, "metrics.jsonl");
    free((void *)first);
    free((void *)second);
}
END_TEST

START_TEST(other_episodes_are_refused)
{
    char *data = strdup(write_data("a.hdf5", 5, 40)), folder[512];
    rud_config config = small_config();
    rud_offline_result result;
    snprintf(folder, sizeof folder, "%s/run", test_folder());
    config.offline.updates = 5;
    ck_assert_ok(train(&config, (const char *const *)&data, 1, folder, NULL, &result));
    free(data);
    data = strdup(write_data("a.hdf5", 6, 40));
    ck_assert_int_eq(train(&config, (const char *const *)&data, 1, folder, NULL, &result),
                     RUD_EEXIST);
    config.offline.updates = 6;
    ck_assert_int_eq(train(&config, (const char *const *)&data, 1, folder, NULL, &result),
                     RUD_EEXIST);
    free(data);
}
END_TEST

/* What is spilled reads back bit for bit, floats and others, in any order. */
START_TEST(spilled_episodes_read_back)
{
    rud_rng rng = rud_rng_stream(1, "test spill", 0);
    rud_episodes list = {0};
    rud_episode_spill spill;
    ck_assert_ok(rud_episode_spill_open(&spill));
    for (size_t k = 0; k < 2500; k++) {
        rud_episode *e = make_episode(&rng);
        for (size_t i = 0; k % 2 && i < e->observation_rows * 2; i++) {
            e->observations[i] = (float)e->observations[i];
        }
        ck_assert_ok(rud_episode_spill_add(&spill, e));
        ck_assert_ok(rud_episodes_add(&list, e));
    }
    for (size_t n = 0; n < list.count; n++) {
        const size_t k = (n * 1237) % list.count;
        const rud_episode *e = list.items[k];
        rud_episode *read = NULL;
        ck_assert(spill.items[k].single == (k % 2 == 1));
        ck_assert_ok(rud_episode_spill_read(&spill, k, &read));
        ck_assert_uint_eq(read->steps, e->steps);
        ck_assert_uint_eq(read->observation_rows, e->observation_rows);
        ck_assert_int_eq(
            memcmp(read->observations, e->observations, e->observation_rows * 2 * sizeof(double)),
            0);
        ck_assert_int_eq(memcmp(read->actions, e->actions, e->steps * sizeof(double)), 0);
        ck_assert_int_eq(memcmp(read->rewards, e->rewards, e->steps * sizeof(double)), 0);
        rud_episode_free(&read);
    }
    rud_episode_spill_close(&spill);
    rud_episodes_free(&list);
}
END_TEST

START_TEST(no_room_for_a_temporary_file_is_said)
{
    rud_episode_spill spill;
    ck_assert_int_eq(setenv("TMPDIR", "/nowhere/at/all", 1), 0);
    ck_assert_int_eq(rud_episode_spill_open(&spill), RUD_EIO);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "TMPDIR"));
    rud_episode_spill_close(&spill);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("training/offline_training");
    TCase *runs = tcase_create("runs");
    tcase_set_timeout(runs, 120);
    tcase_add_test(runs, order_needs_a_network);
    tcase_add_test(runs, interrupted_runs_end_alike);
    tcase_add_test(runs, memory_does_not_matter);
    tcase_add_test(runs, other_episodes_are_refused);
    suite_add_tcase(suite, runs);
    TCase *spill = tcase_create("spill");
    tcase_add_test(spill, spilled_episodes_read_back);
    tcase_add_test(spill, no_room_for_a_temporary_file_is_said);
    suite_add_tcase(suite, spill);
    return suite;
}

/* Whole experiments: any number of threads, interrupted or not, the same results; folders; runs
 * that fail. */
#include "experiment/experiment.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/file.h"
#include "experiment/grid.h"
#include "report/report.h"
#include "tests/small_config.h"

/* The predictors and a tuned baseline. */
static rud_config mixed_config(void)
{
    rud_config config = small_config(METHODS("rudder", "linear", "exact", "monte-carlo"));
    set_methods(config.grid.methods, &config.grid.method_count, METHODS("monte-carlo"));
    config.grid.step_sizes[0] = (rud_step_size){.sample_mean = true};
    config.grid.step_sizes[1] = (rud_step_size){.constant = 0.1};
    config.grid.step_size_count = 2;
    config.grid.initial_value_count = 1;
    config.grid.random_episodes[0] = 0;
    config.grid.random_episodes[1] = 20;
    config.grid.random_episode_count = 2;
    config.grid.seeds = 2;
    config.grid.cap = 60;
    return config;
}

static rud_status run_in(const char *folder, const rud_config *config, size_t threads,
                         rud_runs *runs)
{
    const rud_experiment_options options = {.folder = folder, .threads = threads};
    return rud_experiment_run(config, &options, runs);
}

/* All that the runs say but for the seconds; the caller frees it. */
static char *text_of(const rud_runs *runs)
{
    size_t length = 0;
    char *text = calloc(1, 1);
    for (size_t k = 0; k < runs->count; k++) {
        rud_run run = runs->items[k];
        char *line = NULL;
        run.seconds = 0;
        ck_assert_ok(rud_run_to_json(&run, &line));
        const size_t more = strlen(line);
        text = realloc(text, length + more + 2);
        ck_assert_ptr_nonnull(text);
        snprintf(text + length, more + 2, "%s\n", line);
        length += more + 1;
        free(line);
    }
    return text;
}

static void drop_seconds(json_object *results)
{
    json_object *runs = json_object_object_get(results, "runs");
    json_object *summary = json_object_object_get(results, "summary");
    ck_assert_uint_gt(json_object_array_length(runs), 0);
    for (size_t k = 0; k < json_object_array_length(runs); k++) {
        json_object *run = json_object_array_get_idx(runs, k);
        ck_assert(json_object_object_get_ex(run, "seconds", NULL));
        json_object_object_del(run, "seconds");
    }
    for (size_t k = 0; k < json_object_array_length(summary); k++) {
        json_object_object_del(json_object_array_get_idx(summary, k), "median_seconds");
    }
}

/* results.json without the seconds; the caller frees it. */
static char *results_of(const char *folder)
{
    char path[512];
    snprintf(path, sizeof path, "%s/results.json", folder);
    json_object *results = json_object_from_file(path);
    ck_assert_ptr_nonnull(results);
    drop_seconds(results);
    char *text = strdup(json_object_to_json_string(results));
    json_object_put(results);
    ck_assert_ptr_nonnull(text);
    return text;
}

START_TEST(any_number_of_threads_finds_the_same)
{
    const rud_config config = mixed_config();
    const size_t threads[] = {1, 2, 4};
    char *texts[3], *results[3];
    for (size_t k = 0; k < 3; k++) {
        const char *folder = test_folder();
        rud_runs runs;
        ck_assert_ok(run_in(folder, &config, threads[k], &runs));
        ck_assert_uint_eq(runs.count, 4 * 2 + 4 * 2); /* runs, and tuning runs */
        texts[k] = text_of(&runs);
        results[k] = results_of(folder);
        rud_runs_free(&runs);
    }
    for (size_t k = 1; k < 3; k++) {
        ck_assert_str_eq(texts[0], texts[k]);
        ck_assert_str_eq(results[0], results[k]);
    }
    for (size_t k = 0; k < 3; k++) {
        free(texts[k]);
        free(results[k]);
    }
}
END_TEST

START_TEST(runs_stand_in_order_with_their_best_setting)
{
    const rud_config config = mixed_config();
    static const char *const methods[] = {"rudder", "linear", "exact", "monte-carlo"};
    rud_runs runs;
    ck_assert_ok(run_in(test_folder(), &config, 2, &runs));
    const rud_setting best = rud_grid_best(&config, &runs, 5, "monte-carlo");
    for (size_t k = 0; k < runs.count; k++) {
        const rud_run *run = &runs.items[k];
        const bool tuning = k >= 8;
        ck_assert_int_eq(run->tuning, tuning);
        ck_assert_str_eq(run->method, tuning ? "monte-carlo" : methods[k / 2]);
        ck_assert_uint_eq(run->seed, tuning ? 2 + k % 2 : k % 2); /* tuned on other seeds */
        ck_assert_int_eq(run->example_count > 0, k < 6 && k % 2 == 0);
        if (k >= 6 && !tuning) ck_assert(rud_setting_equal(&run->setting, &best));
        ck_assert_uint_le(run->episodes, tuning ? 60 : 120);
    }
    rud_runs_free(&runs);
}
END_TEST

static void put_file(const char *folder, const char *name, const char *text, size_t size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_ok(rud_file_write(path, text, size));
}

static char *get_file(const char *folder, const char *name)
{
    char path[512], *text = NULL;
    size_t size;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_ok(rud_file_read(path, (size_t)1 << 28, &text, &size));
    return text;
}

/* A killed experiment left `lines` whole lines and, perhaps, a torn one. */
START_TEST(killed_experiment_goes_on_where_it_stopped)
{
    const rud_config config = mixed_config();
    const char *whole = test_folder(), *killed = test_folder();
    const size_t lines = (size_t)_i;
    rud_runs runs;
    ck_assert_ok(run_in(whole, &config, 1, &runs));
    char *wanted = text_of(&runs);
    rud_runs_free(&runs);

    char *journal = get_file(whole, "runs.jsonl"), *yaml = get_file(whole, "config.yaml");
    size_t at = 0;
    for (size_t k = 0; k < lines; k++) at += strcspn(journal + at, "\n") + 1;
    put_file(killed, "config.yaml", yaml, strlen(yaml));
    put_file(killed, "runs.jsonl", journal, at + (lines % 2 ? 40 : 0));
    ck_assert_ok(run_in(killed, &config, 1, &runs));
    char *found = text_of(&runs);
    rud_runs_free(&runs);
    ck_assert_str_eq(found, wanted);
    char *continued = get_file(killed, "runs.jsonl");
    ck_assert_mem_eq(continued, journal, at); /* what was there is not played again */
    free(continued);
    free(found);
    free(journal);
    free(yaml);
    free(wanted);
}
END_TEST

static volatile sig_atomic_t stop;
static char journal_path[512];

/* Asks to stop as soon as a run is on disk. */
static void watch(int signal_number)
{
    struct stat status;
    const int before = errno;
    (void)signal_number;
    if (stat(journal_path, &status) == 0 && status.st_size > 0) stop = 1;
    errno = before;
}

static void start_watch(void)
{
    struct sigaction action = {.sa_handler = watch, .sa_flags = SA_RESTART};
    const struct itimerval often = {{0, 500}, {0, 500}};
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
}

static void end_watch(void)
{
    const struct itimerval never = {{0, 0}, {0, 0}};
    ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
}

/* Short runs first, so that something is on disk; then runs that take their time. */
static rud_config long_config(void)
{
    rud_config config = small_config(METHODS("monte-carlo", "q-learning"));
    config.cap = 40000;
    config.window = 200;
    config.optimal_share = 0.9;
    config.agent.step_size = (rud_step_size){.constant = 1e-4}; /* learns next to nothing */
    config.agent.initial_value = 10;
    return config;
}

START_TEST(stopped_experiment_goes_on_where_it_stopped)
{
    const rud_config config = long_config();
    const char *whole = test_folder(), *stopped = test_folder();
    char path[512];
    rud_runs runs;
    ck_assert_ok(run_in(whole, &config, 1, &runs));
    const size_t all = runs.count;
    char *wanted = text_of(&runs);
    rud_runs_free(&runs);

    snprintf(journal_path, sizeof journal_path, "%s/runs.jsonl", stopped);
    snprintf(path, sizeof path, "%s/results.json", stopped);
    start_watch();
    const rud_experiment_options options = {.folder = stopped, .threads = 1, .stop = &stop};
    const rud_status status = rud_experiment_run(&config, &options, &runs);
    end_watch();
    ck_assert_int_eq(status, RUD_EINTERRUPTED);
    ck_assert(runs.count > 0 && runs.count < all);
    ck_assert(!rud_file_exists(path));
    rud_runs_free(&runs);

    ck_assert_ok(run_in(stopped, &config, 1, &runs));
    char *found = text_of(&runs);
    ck_assert_str_eq(found, wanted);
    ck_assert(rud_file_exists(path));
    rud_runs_free(&runs);
    free(found);
    free(wanted);
}
END_TEST

START_TEST(stop_before_the_start_plays_nothing)
{
    const rud_config config = mixed_config();
    const volatile sig_atomic_t now = 1;
    const rud_experiment_options options = {.folder = test_folder(), .threads = 2, .stop = &now};
    rud_runs runs;
    ck_assert_int_eq(rud_experiment_run(&config, &options, &runs), RUD_EINTERRUPTED);
    ck_assert_uint_eq(runs.count, 0);
    rud_runs_free(&runs);
}
END_TEST

static ino_t file_number(const char *folder, const char *name)
{
    char path[512];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &status) == 0 ? status.st_ino : 0;
}

START_TEST(finished_experiment_is_only_read)
{
    static const char *const files[] = {"config.yaml", "runs.jsonl", "results.json", "results.csv"};
    const rud_config config = small_config(METHODS("exact", "monte-carlo"));
    const char *folder = test_folder();
    ino_t numbers[4];
    rud_runs runs;
    ck_assert_ok(run_in(folder, &config, 1, &runs));
    char *first = text_of(&runs);
    rud_runs_free(&runs);
    for (size_t k = 0; k < 4; k++) ck_assert((numbers[k] = file_number(folder, files[k])) != 0);
    ck_assert_ok(run_in(folder, &config, 1, &runs));
    char *second = text_of(&runs);
    rud_runs_free(&runs);
    ck_assert_str_eq(first, second);
    for (size_t k = 0; k < 4; k++) ck_assert(file_number(folder, files[k]) == numbers[k]);

    char path[512]; /* what is missing comes back */
    snprintf(path, sizeof path, "%s/results.csv", folder);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_ok(run_in(folder, &config, 1, &runs));
    ck_assert(rud_file_exists(path));
    rud_runs_free(&runs);
    free(first);
    free(second);
}
END_TEST

START_TEST(folder_of_another_configuration_is_refused)
{
    rud_config config = small_config(METHODS("exact"));
    const char *folder = test_folder();
    rud_runs runs;
    ck_assert_ok(run_in(folder, &config, 1, &runs));
    rud_runs_free(&runs);
    put_file(folder, "notes.txt", "mine", 4);
    char *before = get_file(folder, "runs.jsonl");
    config.cap++;
    ck_assert_int_eq(run_in(folder, &config, 1, &runs), RUD_EEXIST);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), folder));
    rud_runs_free(&runs);
    char *after = get_file(folder, "runs.jsonl");
    ck_assert_str_eq(before, after);

    const rud_experiment_options forced = {.folder = folder, .threads = 1, .force = true};
    ck_assert_ok(rud_experiment_run(&config, &forced, &runs));
    ck_assert_uint_eq(runs.count, 2);
    char *notes = get_file(folder, "notes.txt");
    ck_assert_str_eq(notes, "mine"); /* nothing but results is replaced */
    rud_runs_free(&runs);
    ck_assert_ok(run_in(folder, &config, 1, &runs)); /* it is this configuration's now */
    rud_runs_free(&runs);
    free(notes);
    free(before);
    free(after);
}
END_TEST

START_TEST(foreign_folder_is_refused)
{
    const rud_config config = small_config(METHODS("exact"));
    const char *folder = test_folder();
    char path[512];
    rud_runs runs;
    put_file(folder, "thesis.tex", "years", 5);
    ck_assert_int_eq(run_in(folder, &config, 1, &runs), RUD_EEXIST);
    snprintf(path, sizeof path, "%s/config.yaml", folder);
    ck_assert(!rud_file_exists(path));
    rud_runs_free(&runs);
}
END_TEST

START_TEST(diverged_runs_are_recorded_and_the_others_go_on)
{
    rud_config config = small_config(METHODS("rudder", "monte-carlo"));
    const char *folder = test_folder();
    rud_runs runs;
    config.agent.redistributor.predictor.adam.learning_rate = 1e25;
    config.agent.redistributor.predictor.adam.clip_norm = 0;
    ck_assert_ok(run_in(folder, &config, 2, &runs));
    ck_assert_uint_eq(runs.count, 4);
    for (size_t k = 0; k < 4; k++) {
        const rud_run *run = &runs.items[k];
        ck_assert_int_eq(run->error != NULL, k < 2);
        if (k < 2) ck_assert_ptr_nonnull(strstr(run->error, "diverged"));
        if (k >= 2) ck_assert_uint_gt(run->episodes, 0);
    }
    rud_runs_free(&runs);
    char *results = results_of(folder), *csv = get_file(folder, "results.csv");
    ck_assert_ptr_nonnull(strstr(results, "\"error\""));
    ck_assert_ptr_nonnull(strstr(csv, "diverged"));
    ck_assert_ok(run_in(folder, &config, 2, &runs)); /* it counts as done */
    ck_assert(runs.count == 4 && runs.items[0].error != NULL);
    rud_runs_free(&runs);
    free(results);
    free(csv);
}
END_TEST

START_TEST(variants_are_played_by_delay)
{
    rud_config config = small_config(METHODS("exact"));
    rud_runs runs;
    config.delays[1] = 3;
    config.delay_count = 2;
    ck_assert_ok(run_in(test_folder(), &config, 1, &runs));
    ck_assert_uint_eq(runs.count, 4);
    for (size_t k = 0; k < 4; k++) {
        ck_assert_int_eq(runs.items[k].delay, k < 2 ? 5 : 3);
        const rud_run *run = &runs.items[k];
        if (run->example_count > 0) ck_assert_uint_eq(run->examples[0].steps, k < 2 ? 5 : 3);
    }
    rud_runs_free(&runs);
}
END_TEST

/* As if the runs had ended in the opposite order. */
static void turn_lines_round(const char *folder)
{
    char path[512];
    snprintf(path, sizeof path, "%s/runs.jsonl", folder);
    char *text = get_file(folder, "runs.jsonl");
    FILE *stream = fopen(path, "w");
    ck_assert_ptr_nonnull(stream);
    for (size_t end = strlen(text), start; end > 0; end = start) {
        for (start = end - 1; start > 0 && text[start - 1] != '\n'; start--) continue;
        fwrite(text + start, 1, end - start, stream);
    }
    fclose(stream);
    free(text);
}

START_TEST(report_is_written_again)
{
    const rud_config config = mixed_config();
    const char *folder = test_folder();
    char page[512];
    rud_runs runs;
    ck_assert_int_eq(rud_experiment_report(folder, NULL), RUD_EINVAL);
    ck_assert_ok(run_in(folder, &config, 1, &runs));
    rud_runs_free(&runs);
    ck_assert_ok(rud_experiment_report(folder, NULL));
    turn_lines_round(folder);
    snprintf(page, sizeof page, "%s/again.html", folder);
    ck_assert_ok(rud_experiment_report(folder, page));
    char *first = get_file(folder, "report.html"), *second = get_file(folder, "again.html");
    ck_assert_str_eq(first, second);
    free(first);
    free(second);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("experiment/experiment");
    TCase *same = tcase_create("same results");
    tcase_add_test(same, any_number_of_threads_finds_the_same);
    tcase_add_test(same, runs_stand_in_order_with_their_best_setting);
    tcase_add_loop_test(same, killed_experiment_goes_on_where_it_stopped, 0, 16);
    tcase_add_test(same, stopped_experiment_goes_on_where_it_stopped);
    tcase_add_test(same, stop_before_the_start_plays_nothing);
    suite_add_tcase(suite, same);
    TCase *folders = tcase_create("folders");
    tcase_add_test(folders, finished_experiment_is_only_read);
    tcase_add_test(folders, folder_of_another_configuration_is_refused);
    tcase_add_test(folders, foreign_folder_is_refused);
    tcase_add_test(folders, report_is_written_again);
    suite_add_tcase(suite, folders);
    TCase *runs = tcase_create("runs");
    tcase_add_test(runs, diverged_runs_are_recorded_and_the_others_go_on);
    tcase_add_test(runs, variants_are_played_by_delay);
    suite_add_tcase(suite, runs);
    return suite;
}

#include "tests/harness.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/statistics.h"
#include "report/report.h"
#include "tests/sample_runs.h"

static rud_run plain_run(const char *method, uint64_t seed, size_t episodes, size_t cap)
{
    rud_run run = {.delay = 50, .seed = seed, .episodes = episodes, .seconds = 0.5};
    run.setting.step_size.sample_mean = true;
    snprintf(run.environment, sizeof run.environment, "watch-repair");
    snprintf(run.method, sizeof run.method, "%s", method);
    run.censored = episodes >= cap;
    run.solved = !run.censored;
    run.greedy_optimal_from = run.regret[0] = run.regret[1] = run.regret[2] = NAN;
    return run;
}

static void add(rud_runs *runs, rud_run run)
{
    ck_assert_int_eq(rud_runs_add(runs, &run), RUD_OK);
}

/* rudder 100, 200, 300, 400; monte-carlo 500, 600, cap, cap (700), one more failed; a tuning run
 * that must not count. */
static const char long_error[] =
    "loss is not finite, \"nan\": training diverged, and what can be done stands at the end";

static rud_runs small_runs(void)
{
    rud_runs runs = {0};
    for (size_t k = 0; k < 4; k++) add(&runs, plain_run("rudder", k, 100 * (k + 1), 700));
    for (size_t k = 0; k < 4; k++) {
        add(&runs, plain_run("monte-carlo", k, k < 2 ? 500 + 100 * k : 700, 700));
    }
    rud_run failed = plain_run("monte-carlo", 4, 10, 700);
    failed.solved = false;
    failed.error = strdup(long_error);
    add(&runs, failed);
    rud_run tuning = plain_run("monte-carlo", 9, 1, 700);
    tuning.tuning = true;
    add(&runs, tuning);
    return runs;
}

static void free_all(rud_results *results, rud_runs *runs)
{
    rud_results_free(results);
    rud_runs_free(runs);
}

START_TEST(summaries_by_hand)
{
    rud_runs runs = small_runs();
    rud_results results;
    ck_assert_int_eq(rud_results_compute(&runs, &results), RUD_OK);
    ck_assert_uint_eq(results.summary_count, 2);
    const rud_summary *rudder = &results.summaries[0], *other = &results.summaries[1];
    ck_assert_str_eq(rudder->first->method, "rudder");
    ck_assert_uint_eq(rudder->runs, 4);
    ck_assert_uint_eq(rudder->solved, 4);
    ck_assert_double_eq(rudder->median_episodes, 250);
    ck_assert_double_eq(rudder->q25_episodes, 175);
    ck_assert_double_eq(rudder->q75_episodes, 325);
    ck_assert(!rud_summary_is_bound(rudder, rudder->q75_episodes));
    ck_assert_uint_eq(other->runs, 4);
    ck_assert_uint_eq(other->solved, 2);
    ck_assert_uint_eq(other->failed, 1);
    /* between 600, solved, and 700, the cap: no more than a bound */
    ck_assert_double_eq(other->median_episodes, 650);
    ck_assert(rud_summary_is_bound(other, other->median_episodes));
    ck_assert(!rud_summary_is_bound(other, other->q25_episodes));
    free_all(&results, &runs);
}
END_TEST

START_TEST(comparisons_by_hand)
{
    rud_runs runs = small_runs();
    rud_results results;
    ck_assert_int_eq(rud_results_compute(&runs, &results), RUD_OK);
    ck_assert_uint_eq(results.comparison_count, 1);
    const rud_comparison *comparison = &results.comparisons[0];
    ck_assert_str_eq(comparison->a->method, "rudder");
    ck_assert_str_eq(comparison->b->method, "monte-carlo");
    ck_assert_double_eq_tol(comparison->p_value, 1.0 / 70, 1e-14); /* one of C(8, 4) */
    ck_assert_double_eq(comparison->probability_of_superiority, 1.0);
    ck_assert_double_eq_tol(comparison->ratio, 250.0 / 650, 1e-15);
    ck_assert(!comparison->a_censored);
    ck_assert(comparison->b_censored);
    ck_assert_ptr_eq(rud_results_comparison(&results, &results.summaries[1]), comparison);
    ck_assert_ptr_null(rud_results_comparison(&results, &results.summaries[0]));
    free_all(&results, &runs);
}
END_TEST

/* Holm goes over the comparisons of all variants together; each variant is compared by itself. */
START_TEST(correction_goes_over_all_variants)
{
    const int64_t delays[] = {50, 200};
    rud_runs runs = sample_runs(delays, 2, 6);
    rud_results results;
    ck_assert_int_eq(rud_results_compute(&runs, &results), RUD_OK);
    ck_assert_uint_eq(results.summary_count, 2 * SAMPLE_METHODS);
    ck_assert_uint_eq(results.comparison_count, 2 * (SAMPLE_METHODS - 1));
    double p[2 * (SAMPLE_METHODS - 1)];
    for (size_t k = 0; k < results.comparison_count; k++) {
        const rud_comparison *comparison = &results.comparisons[k];
        ck_assert_int_eq(comparison->a->delay, comparison->b->delay);
        double a[6], b[6];
        for (size_t i = 0; i < 6; i++) {
            a[i] = (double)comparison->a[i].episodes;
            b[i] = (double)comparison->b[i].episodes;
        }
        p[k] = rud_mann_whitney(a, 6, b, 6, NULL);
    }
    rud_holm(p, results.comparison_count);
    for (size_t k = 0; k < results.comparison_count; k++) {
        ck_assert_double_eq(results.comparisons[k].p_value, p[k]);
    }
    free_all(&results, &runs);
}
END_TEST

START_TEST(the_first_method_is_compared_where_rudder_is_not)
{
    rud_runs runs = {0};
    add(&runs, plain_run("linear", 1, 10, 99));
    add(&runs, plain_run("exact", 1, 20, 99));
    rud_results results;
    ck_assert_int_eq(rud_results_compute(&runs, &results), RUD_OK);
    ck_assert_uint_eq(results.comparison_count, 1);
    ck_assert_str_eq(results.comparisons[0].a->method, "linear");
    free_all(&results, &runs);
}
END_TEST

/* json_type_double: any number, a whole one too. */
static json_object *field(json_object *object, const char *key, enum json_type type)
{
    json_object *value;
    ck_assert_msg(json_object_object_get_ex(object, key, &value), "no field %s", key);
    bool is_whole = type == json_type_double && json_object_is_type(value, json_type_int);
    ck_assert_msg(is_whole || json_object_is_type(value, type), "field %s is a %s", key,
                  json_type_to_name(json_object_get_type(value)));
    return value;
}

static void check_fields(json_object *object, const char *const *keys, const enum json_type *types,
                         size_t count)
{
    for (size_t k = 0; k < count; k++) field(object, keys[k], types[k]);
}

START_TEST(results_json_keeps_its_contract)
{
    rud_runs runs = small_runs();
    rud_results results;
    char *text;
    ck_assert_int_eq(rud_results_compute(&runs, &results), RUD_OK);
    ck_assert_int_eq(rud_results_to_json(&results, "{\"seeds\": 4}", &text), RUD_OK);
    json_object *document = json_tokener_parse(text);
    ck_assert_ptr_nonnull(document);
    json_object *config = field(document, "config", json_type_object);
    ck_assert_int_eq(json_object_get_int(field(config, "seeds", json_type_int)), 4);
    field(document, "version", json_type_string);

    const char *const run_keys[] = {"environment", "delay",    "method",         "seed",   "solved",
                                    "censored",    "episodes", "poor_decisions", "seconds"};
    const enum json_type run_types[] = {json_type_string, json_type_int,     json_type_string,
                                        json_type_int,    json_type_boolean, json_type_boolean,
                                        json_type_int,    json_type_int,     json_type_double};
    json_object *array = field(document, "runs", json_type_array);
    ck_assert_uint_eq(json_object_array_length(array), 9); /* without the tuning run */
    for (size_t k = 0; k < 9; k++) {
        json_object *run = json_object_array_get_idx(array, k);
        check_fields(run, run_keys, run_types, sizeof run_keys / sizeof run_keys[0]);
        field(run, "greedy_optimal_from", json_type_null);
        field(run, "regret_500", json_type_null);
        field(run, "regret_1000", json_type_null);
        field(run, "regret_2000", json_type_null);
        ck_assert_int_eq(json_object_object_get_ex(run, "error", NULL), k == 8);
    }

    const char *const summary_keys[] = {"environment",   "delay",        "method",
                                        "runs",          "solved",       "median_episodes",
                                        "q25_episodes",  "q75_episodes", "median_poor_decisions",
                                        "median_seconds"};
    const enum json_type summary_types[] = {
        json_type_string, json_type_int,    json_type_string, json_type_int,    json_type_int,
        json_type_double, json_type_double, json_type_double, json_type_double, json_type_double};
    array = field(document, "summary", json_type_array);
    ck_assert_uint_eq(json_object_array_length(array), 2);
    check_fields(json_object_array_get_idx(array, 1), summary_keys, summary_types, 10);

    const char *const comparison_keys[] = {
        "environment", "delay", "a", "b", "test", "p_value", "probability_of_superiority", "ratio"};
    const enum json_type comparison_types[] = {json_type_string, json_type_int,    json_type_string,
                                               json_type_string, json_type_string, json_type_double,
                                               json_type_double, json_type_double};
    array = field(document, "comparisons", json_type_array);
    ck_assert_uint_eq(json_object_array_length(array), 1);
    check_fields(json_object_array_get_idx(array, 0), comparison_keys, comparison_types, 8);
    json_object_put(document);
    free(text);
    free_all(&results, &runs);
}
END_TEST

START_TEST(an_environment_without_delay_has_null)
{
    rud_runs runs = {0};
    rud_run run = plain_run("rudder", 1, 10, 99);
    run.delay = RUD_NO_DELAY;
    add(&runs, run);
    rud_results results;
    char *text;
    ck_assert_int_eq(rud_results_compute(&runs, &results), RUD_OK);
    ck_assert_int_eq(rud_results_to_json(&results, NULL, &text), RUD_OK);
    json_object *document = json_tokener_parse(text);
    field(document, "config", json_type_null);
    field(json_object_array_get_idx(field(document, "runs", json_type_array), 0), "delay",
          json_type_null);
    json_object_put(document);
    free(text);
    ck_assert_int_eq(rud_results_to_json(&results, "{\"seeds\": ", &text), RUD_EINVAL);
    ck_assert_ptr_null(text);
    free_all(&results, &runs);
}
END_TEST

/* Not inlined: gcc 12 then takes its result for a pointer to the local variable. */
__attribute__((noinline)) static char *read_text(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    ck_assert_int_eq(rud_file_read(path, 1 << 24, &text, &size), RUD_OK);
    return text;
}

static char *path_in(const char *folder, const char *name)
{
    char *path = rud_path_join(folder, name);
    ck_assert_ptr_nonnull(path);
    return path;
}

START_TEST(csv_has_a_row_a_run)
{
    rud_runs runs = small_runs();
    rud_results results;
    char *path = path_in(test_folder(), "results.csv");
    ck_assert_int_eq(rud_results_compute(&runs, &results), RUD_OK);
    ck_assert_int_eq(rud_results_write_csv(&results, path), RUD_OK);
    char *text = read_text(path);
    const char *expected =
        "environment,delay,method,step_size,initial_value,random_episodes,seed,solved,censored,"
        "episodes,"
        "poor_decisions,greedy_optimal_from,regret_500,regret_1000,regret_2000,seconds,error\n"
        "watch-repair,50,rudder,1/n,0,0,0,true,false,100,0,,,,,0.5,\n";
    ck_assert_msg(strncmp(text, expected, strlen(expected)) == 0, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "50,monte-carlo,1/n,0,0,3,false,true,700,0,,,,,0.5,\n"));
    ck_assert_ptr_nonnull(
        strstr(text, ",0.5,\"loss is not finite, \"\"nan\"\": training diverged, "));
    size_t lines = 0;
    for (const char *at = text; *at; at++) lines += *at == '\n';
    ck_assert_uint_eq(lines, 10);
    free(text);
    free(path);
    free_all(&results, &runs);
}
END_TEST

static void assert_same(double a, double b)
{
    ck_assert_msg(a == b || (isnan(a) && isnan(b)), "%.17g is not %.17g", a, b);
}

static void assert_same_rewards(const double *a, const double *b, size_t steps)
{
    ck_assert_int_eq(a == NULL, b == NULL);
    for (size_t t = 0; a && t < steps; t++) assert_same(a[t], b[t]);
}

static void assert_same_run(const rud_run *a, const rud_run *b)
{
    ck_assert_str_eq(a->environment, b->environment);
    ck_assert_str_eq(a->method, b->method);
    ck_assert_int_eq(a->delay, b->delay);
    ck_assert_int_eq(a->setting.step_size.sample_mean, b->setting.step_size.sample_mean);
    assert_same(a->setting.step_size.constant, b->setting.step_size.constant);
    assert_same(a->setting.initial_value, b->setting.initial_value);
    ck_assert_int_eq(a->tuning, b->tuning);
    ck_assert_uint_eq(a->seed, b->seed);
    ck_assert_int_eq(a->solved, b->solved);
    ck_assert_int_eq(a->censored, b->censored);
    ck_assert_uint_eq(a->episodes, b->episodes);
    ck_assert_uint_eq(a->poor_decisions, b->poor_decisions);
    assert_same(a->greedy_optimal_from, b->greedy_optimal_from);
    for (size_t k = 0; k < RUD_REGRETS; k++) assert_same(a->regret[k], b->regret[k]);
    assert_same(a->seconds, b->seconds);
    ck_assert_pstr_eq(a->error, b->error);
    ck_assert_uint_eq(a->curve_count, b->curve_count);
    for (size_t k = 0; k < a->curve_count; k++) {
        ck_assert_uint_eq(a->curve[k].episode, b->curve[k].episode);
        assert_same(a->curve[k].optimal_share, b->curve[k].optimal_share);
    }
    ck_assert_uint_eq(a->predictor_count, b->predictor_count);
    for (size_t k = 0; k < a->predictor_count; k++) {
        ck_assert_uint_eq(a->predictor[k].episode, b->predictor[k].episode);
        assert_same(a->predictor[k].loss, b->predictor[k].loss);
        assert_same(a->predictor[k].quality, b->predictor[k].quality);
        ck_assert_int_eq(a->predictor[k].ready, b->predictor[k].ready);
    }
    ck_assert_uint_eq(a->example_count, b->example_count);
    for (size_t k = 0; k < a->example_count; k++) {
        ck_assert_uint_eq(a->examples[k].steps, b->examples[k].steps);
        ck_assert_str_eq(a->examples[k].caption, b->examples[k].caption);
        assert_same_rewards(a->examples[k].original, b->examples[k].original, a->examples[k].steps);
        assert_same_rewards(a->examples[k].redistributed, b->examples[k].redistributed,
                            a->examples[k].steps);
        assert_same_rewards(a->examples[k].exact, b->examples[k].exact, a->examples[k].steps);
    }
}

static void append_run(const char *path, const rud_run *run)
{
    char *line;
    ck_assert_int_eq(rud_run_to_json(run, &line), RUD_OK);
    ck_assert_ptr_null(strchr(line, '\n'));
    ck_assert_int_eq(rud_file_append(path, line, strlen(line)), RUD_OK);
    ck_assert_int_eq(rud_file_append(path, "\n", 1), RUD_OK);
    free(line);
}

START_TEST(runs_read_back_exactly)
{
    const int64_t delays[] = {RUD_NO_DELAY, 50};
    rud_runs runs = sample_runs(delays, 2, 2), back;
    runs.items[0].seed = UINT64_MAX;
    runs.items[0].seconds = 0.1 + 0.2;
    runs.items[0].regret[0] = 1e-300;
    runs.items[0].tuning = true;
    runs.items[1].error = strdup("\"quoted\", </script>\nand é");
    free(runs.items[0].examples[0].exact);
    runs.items[0].examples[0].exact = NULL;
    char *path = path_in(test_folder(), "runs.jsonl");
    for (size_t k = 0; k < runs.count; k++) append_run(path, &runs.items[k]);
    ck_assert_msg(rud_runs_read(path, &back) == RUD_OK, "%s", rud_last_error());
    ck_assert_uint_eq(back.count, runs.count);
    for (size_t k = 0; k < runs.count; k++) assert_same_run(&runs.items[k], &back.items[k]);
    rud_runs_free(&back);
    rud_runs_free(&runs);
    free(path);
}
END_TEST

/* Reading alone leaves the file as it is: a run may be going on. */
START_TEST(a_torn_last_line_is_left_out_and_cut_off)
{
    rud_run run = plain_run("rudder", 1, 10, 99);
    rud_runs back;
    char *path = path_in(test_folder(), "runs.jsonl");
    append_run(path, &run);
    char *whole = read_text(path);
    ck_assert_int_eq(rud_file_append(path, whole, strlen(whole) / 2), RUD_OK);
    ck_assert_int_eq(rud_runs_read(path, &back), RUD_OK);
    ck_assert_uint_eq(back.count, 1);
    rud_runs_free(&back);
    char *torn = read_text(path);
    ck_assert_uint_eq(strlen(torn), strlen(whole) + strlen(whole) / 2);
    ck_assert_int_eq(rud_runs_mend(path), RUD_OK);
    char *left = read_text(path);
    ck_assert_str_eq(left, whole);
    append_run(path, &run); /* what follows stands on a line of its own */
    ck_assert_int_eq(rud_runs_read(path, &back), RUD_OK);
    ck_assert_uint_eq(back.count, 2);
    rud_runs_free(&back);
    free(torn);
    free(left);
    free(whole);
    free(path);
}
END_TEST

START_TEST(an_absent_file_has_no_runs)
{
    rud_runs runs;
    char *path = path_in(test_folder(), "runs.jsonl");
    ck_assert_int_eq(rud_runs_mend(path), RUD_OK);
    ck_assert_int_eq(rud_runs_read(path, &runs), RUD_OK);
    ck_assert_uint_eq(runs.count, 0);
    free(path);
}
END_TEST

/* Each: what is replaced in a good record, by what, and what the message must name. */
static const struct {
    const char *from, *to, *named;
} spoils[] = {
    {"\"seed\":1", "\"seed\":\"x\"", "seed"},
    {"\"seed\":1", "\"seed\":-1", "seed"},
    {"\"solved\":true", "\"solved\":1", "solved"},
    {"\"method\":\"rudder\"", "\"method\":\"a-name-much-longer-than-is-allowed\"", "method"},
    {"\"curve\":[]", "\"curve\":[[1]]", "curve"},
    {"\"curve\":[]", "\"curve\":[[1,\"x\"]]", "curve"},
    {"\"predictor\":[]", "\"predictor\":[[1,2,3,4]]", "predictor"},
    {"\"examples\":[]", "\"examples\":[7]", "example 1"},
    {"\"examples\":[]", "\"examples\":[{\"original\":[1,2],\"redistributed\":[1],\"exact\":null}]",
     "redistributed"},
    {"\"step_size\":\"1/n\"", "\"step_size\":\"2/n\"", "step_size"},
    {"\"delay\":50", "\"delay\":\"50\"", "delay"},
    {"\"tuning\":false", "\"tuning\":false,", "not JSON"},
};

START_TEST(a_spoilt_record_names_file_line_and_field)
{
    rud_run run = plain_run("rudder", 1, 10, 99);
    char *path = path_in(test_folder(), "runs.jsonl");
    append_run(path, &run);
    char *line = read_text(path), spoilt[4096];
    ck_assert_ptr_nonnull(strstr(line, spoils[_i].from));
    const size_t before = (size_t)(strstr(line, spoils[_i].from) - line);
    snprintf(spoilt, sizeof spoilt, "%.*s%s%s", (int)before, line, spoils[_i].to,
             line + before + strlen(spoils[_i].from));
    ck_assert_int_eq(rud_file_append(path, spoilt, strlen(spoilt)), RUD_OK);
    rud_runs runs;
    ck_assert_int_eq(rud_runs_read(path, &runs), RUD_EFORMAT);
    ck_assert_uint_eq(runs.count, 0);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), path));
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "line 2"));
    ck_assert_msg(strstr(rud_last_error(), spoils[_i].named) != NULL, "%s", rud_last_error());
    free(line);
    free(path);
}
END_TEST

static char *print_table(const rud_results *results)
{
    char *path = path_in(test_folder(), "table");
    FILE *stream = fopen(path, "w");
    ck_assert_ptr_nonnull(stream);
    ck_assert_int_eq(rud_report_print(results, stream), RUD_OK);
    fclose(stream);
    char *text = read_text(path);
    free(path);
    return text;
}

START_TEST(the_table_marks_bounds_and_failures)
{
    rud_runs runs = small_runs();
    rud_results results;
    ck_assert_int_eq(rud_results_compute(&runs, &results), RUD_OK);
    char *text = print_table(&results);
    const char *expected =
        "watch-repair, delay 50\n"
        "method       setting    solved  episodes [q25, q75]  poor  CPU s  x rudder  Holm p\n"
        "rudder       1/n, 0, 0     4/4       250 [175, 325]     0   0.50         1       -\n"
        "monte-carlo  1/n, 0, 0     2/4   >=650 [575, >=700]     0   0.50    >=2.60   0.014\n"
        "monte-carlo: 1 failed: loss is not finite, \"nan\": training diverged, and what can be "
        "done stands at the end\n";
    ck_assert_msg(strncmp(text, expected, strlen(expected)) == 0, "%s", text);
    free(text);
    free_all(&results, &runs);
}
END_TEST

/* Where the other side is censored, the true ratio is smaller; where both are, nothing is known. */
START_TEST(the_table_says_which_way_a_ratio_is_bounded)
{
    rud_runs runs = {0};
    add(&runs, plain_run("rudder", 1, 800, 800));
    add(&runs, plain_run("exact", 1, 400, 800));
    add(&runs, plain_run("uniform", 1, 800, 800));
    rud_results results;
    ck_assert_int_eq(rud_results_compute(&runs, &results), RUD_OK);
    char *text = print_table(&results);
    ck_assert_ptr_nonnull(strstr(text, " <=0.50 "));
    const char *uniform = strstr(text, "uniform");
    ck_assert_ptr_nonnull(uniform);
    ck_assert_msg(strstr(uniform, "0.50         -   1.000") != NULL, "%s", text);
    free(text);
    free_all(&results, &runs);
}
END_TEST

START_TEST(the_table_fits_100_columns)
{
    const int64_t delays[] = {50, 200, 1000};
    rud_runs runs = sample_runs(delays, 3, 10);
    for (size_t k = 0; k < runs.count; k++) {
        rud_run *run = &runs.items[k];
        if (run->delay == 50 || strcmp(run->method, "q-learning") != 0) continue;
        run->episodes = 100000;
        run->poor_decisions = 51234;
        run->solved = false;
        run->censored = true;
    }
    rud_results results;
    ck_assert_int_eq(rud_results_compute(&runs, &results), RUD_OK);
    char *text = print_table(&results);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        size_t length = strcspn(line, "\n");
        ck_assert_msg(length <= 100, "%.*s", (int)length, line);
    }
    ck_assert_ptr_nonnull(strstr(text, ">=100000 [>=100000, >=100000]"));
    free(text);
    free_all(&results, &runs);
}
END_TEST

START_TEST(nothing_run_is_no_failure)
{
    rud_runs runs = {0};
    rud_results results;
    char *text;
    ck_assert_int_eq(rud_results_compute(&runs, &results), RUD_OK);
    ck_assert_int_eq(rud_results_to_json(&results, NULL, &text), RUD_OK);
    free(text);
    free(print_table(&results));
    rud_results_free(&results);
    /* all failed */
    rud_run failed = plain_run("rudder", 1, 0, 99);
    failed.error = strdup("out of luck");
    add(&runs, failed);
    ck_assert_int_eq(rud_results_compute(&runs, &results), RUD_OK);
    ck_assert_uint_eq(results.summaries[0].runs, 0);
    ck_assert(isnan(results.summaries[0].median_episodes));
    free(print_table(&results));
    free_all(&results, &runs);
}
END_TEST

START_TEST(an_unwritable_file_is_named)
{
    rud_runs runs = {0};
    rud_results results;
    ck_assert_int_eq(rud_results_compute(&runs, &results), RUD_OK);
    char *path = path_in(test_folder(), "absent/results.json");
    ck_assert_int_eq(rud_results_write_json(&results, NULL, path), RUD_EIO);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), path));
    ck_assert_int_eq(rud_results_write_csv(&results, path), RUD_EIO);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), path));
    free(path);
    free_all(&results, &runs);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("experiment/results");
    TCase *compute = tcase_create("compute");
    tcase_add_test(compute, summaries_by_hand);
    tcase_add_test(compute, comparisons_by_hand);
    tcase_add_test(compute, correction_goes_over_all_variants);
    tcase_add_test(compute, the_first_method_is_compared_where_rudder_is_not);
    tcase_add_test(compute, nothing_run_is_no_failure);
    suite_add_tcase(suite, compute);
    TCase *files = tcase_create("files");
    tcase_add_test(files, results_json_keeps_its_contract);
    tcase_add_test(files, an_environment_without_delay_has_null);
    tcase_add_test(files, csv_has_a_row_a_run);
    tcase_add_test(files, runs_read_back_exactly);
    tcase_add_test(files, a_torn_last_line_is_left_out_and_cut_off);
    tcase_add_test(files, an_absent_file_has_no_runs);
    tcase_add_loop_test(files, a_spoilt_record_names_file_line_and_field, 0,
                        sizeof spoils / sizeof spoils[0]);
    tcase_add_test(files, an_unwritable_file_is_named);
    suite_add_tcase(suite, files);
    TCase *table = tcase_create("table");
    tcase_add_test(table, the_table_marks_bounds_and_failures);
    tcase_add_test(table, the_table_says_which_way_a_ratio_is_bounded);
    tcase_add_test(table, the_table_fits_100_columns);
    suite_add_tcase(suite, table);
    return suite;
}

#include "tests/harness.h"

#include <json-c/json.h>

#include "base/file.h"
#include "report/assets_private.h"
#include "report/report.h"
#include "tests/sample_runs.h"

static const char hostile[] = "</script><script>alert('1 & \"2\"')</script>";

static char *write_page(const rud_runs *runs, const char *title, const char *config)
{
    rud_results results;
    ck_assert_int_eq(rud_results_compute(runs, &results), RUD_OK);
    char *path = rud_path_join(test_folder(), "report.html"), *page;
    size_t size;
    ck_assert_msg(rud_report_write(&results, title, config, path) == RUD_OK, "%s",
                  rud_last_error());
    ck_assert_int_eq(rud_file_read(path, 1 << 26, &page, &size), RUD_OK);
    ck_assert_uint_eq(strlen(page), size);
    rud_results_free(&results);
    free(path);
    return page;
}

/* The page of all methods at these delays; hostile texts wherever a text can come from outside. */
static char *sample_page(const int64_t *delays, size_t delay_count)
{
    rud_runs runs = sample_runs(delays, delay_count, 4);
    runs.items[1].error = strdup(hostile);
    free(runs.items[0].examples[0].caption);
    runs.items[0].examples[0].caption = strdup(hostile);
    rud_run tuning = sample_run(1, delays[0], 90);
    tuning.tuning = true;
    ck_assert_int_eq(rud_runs_add(&runs, &tuning), RUD_OK);
    rud_run other = sample_run(1, delays[0], 91);
    snprintf(other.method, sizeof other.method, "<b onclick='x'>&lt;");
    ck_assert_int_eq(rud_runs_add(&runs, &other), RUD_OK);
    char *page = write_page(&runs, hostile, hostile);
    rud_runs_free(&runs);
    return page;
}

static size_t count(const char *text, const char *word)
{
    size_t found = 0;
    for (const char *at = text; (at = strstr(at, word)); at += strlen(word)) found++;
    return found;
}

/* Takes the charting script out of the page: it is not ours. */
static void cut_vega(char *page)
{
    char *at = strstr(page, rud_asset_vega);
    ck_assert_ptr_nonnull(at);
    size_t length = strlen(rud_asset_vega);
    memmove(at, at + length, strlen(at + length) + 1);
    ck_assert_ptr_null(strstr(page, rud_asset_vega)); /* once is enough */
}

START_TEST(the_page_loads_nothing)
{
    const int64_t delays[] = {50, 200};
    static const char *const loading[] = {
        "src=",    "href", "url(",   "@import", "http:",   "https:",  "<link",
        "<iframe", "<img", "fetch(", "import(", "\"url\"", "<object", "XMLHttpRequest"};
    char *page = sample_page(delays, 2);
    /* what starts with the charting script cannot end early either */
    ck_assert_ptr_null(strstr(rud_asset_vega, "</script"));
    ck_assert_ptr_null(strstr(rud_asset_vega, "<!--"));
    cut_vega(page);
    for (size_t k = 0; k < sizeof loading / sizeof loading[0]; k++) {
        ck_assert_msg(!strstr(page, loading[k]), "the page holds %s", loading[k]);
    }
    ck_assert_ptr_nonnull(strstr(page, "name=\"viewport\""));
    ck_assert_ptr_nonnull(strstr(page, "prefers-color-scheme: dark"));
    free(page);
}
END_TEST

START_TEST(texts_from_outside_are_escaped)
{
    const int64_t delays[] = {50};
    char *page = sample_page(delays, 1);
    cut_vega(page);
    ck_assert_ptr_null(strstr(page, "<script>alert"));
    ck_assert_ptr_null(strstr(page, "<b onclick"));
    ck_assert_ptr_nonnull(strstr(page, "<title>&lt;/script&gt;&lt;script&gt;alert(&#39;1 &amp; "
                                       "&quot;2&quot;&#39;)&lt;/script&gt;</title>"));
    ck_assert_uint_eq(count(page, "<script"), count(page, "</script>"));
    ck_assert_ptr_nonnull(strstr(page, "\\u003cb onclick")); /* in the charts */
    free(page);
}
END_TEST

START_TEST(all_places_are_filled_and_tags_closed)
{
    const int64_t delays[] = {50, 200};
    static const char *const tags[] = {"table", "section", "figure", "details", "div", "p", "h3"};
    char *page = sample_page(delays, 2);
    cut_vega(page);
    ck_assert_ptr_null(strstr(page, "{{"));
    for (size_t k = 0; k < sizeof tags / sizeof tags[0]; k++) {
        char open[16], open_class[16], close[16];
        snprintf(open, sizeof open, "<%s>", tags[k]);
        snprintf(open_class, sizeof open_class, "<%s ", tags[k]);
        snprintf(close, sizeof close, "</%s>", tags[k]);
        ck_assert_uint_eq(count(page, open) + count(page, open_class), count(page, close));
    }
    ck_assert_ptr_nonnull(strstr(page, "From delay 50 to 200 the median grew"));
    ck_assert_ptr_nonnull(strstr(page, "rudder: 1 failed and is not counted"));
    ck_assert_ptr_nonnull(strstr(page, "What the search tried"));
    free(page);
}
END_TEST

/* Parses chart k of the page; NULL behind the last. */
static json_object *chart_at(const char *page, size_t k)
{
    static const char start[] = "<script type=\"application/json\">";
    const char *at = page;
    for (size_t i = 0; i <= k; i++) {
        at = strstr(at, start);
        if (!at) return NULL;
        at += strlen(start);
    }
    const char *end = strstr(at, "</script>");
    ck_assert_ptr_nonnull(end);
    struct json_tokener *tokener = json_tokener_new();
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    json_object *chart = json_tokener_parse_ex(tokener, at, (int)(end - at));
    ck_assert_msg(chart != NULL, "chart %zu: %s", k,
                  json_tokener_error_desc(json_tokener_get_error(tokener)));
    json_tokener_free(tokener);
    return chart;
}

static json_object *data_of(json_object *chart, const char *name)
{
    json_object *data = json_object_object_get(chart, "data");
    for (size_t k = 0; k < json_object_array_length(data); k++) {
        json_object *set = json_object_array_get_idx(data, k);
        const char *set_name = json_object_get_string(json_object_object_get(set, "name"));
        if (strcmp(set_name, name) == 0) return json_object_object_get(set, "values");
    }
    return NULL;
}

static bool describes(json_object *chart, const char *start)
{
    const char *text = json_object_get_string(json_object_object_get(chart, "description"));
    return strncmp(text, start, strlen(start)) == 0;
}

/* Every data set that a specification leaves empty must be filled. */
static void assert_filled(json_object *chart)
{
    json_object *data = json_object_object_get(chart, "data");
    for (size_t k = 0; k < json_object_array_length(data); k++) {
        json_object *set = json_object_array_get_idx(data, k), *values;
        if (!json_object_object_get_ex(set, "values", &values)) continue;
        ck_assert_msg(json_object_array_length(values) > 0, "%s is empty in: %s",
                      json_object_get_string(json_object_object_get(set, "name")),
                      json_object_get_string(json_object_object_get(chart, "description")));
    }
}

static size_t count_charts(const char *page, const char *description)
{
    size_t found = 0;
    json_object *chart;
    for (size_t k = 0; (chart = chart_at(page, k)); k++) {
        assert_filled(chart);
        found += describes(chart, description);
        json_object_put(chart);
    }
    return found;
}

START_TEST(all_charts_of_several_delays_are_there)
{
    const int64_t delays[] = {50, 200, 1000};
    char *page = sample_page(delays, 3);
    ck_assert_uint_eq(count_charts(page, "Episodes to solve against the delay"), 1);
    ck_assert_uint_eq(count_charts(page, "Episodes to solve for every method"), 0);
    ck_assert_uint_eq(count_charts(page, "Share of optimal"), 3);
    ck_assert_uint_eq(count_charts(page, "Quality of the return predictor"), 3);
    ck_assert_uint_eq(count_charts(page, "Training loss"), 3);
    ck_assert_uint_eq(count_charts(page, "One episode"), 6); /* of rudder only */
    ck_assert_uint_eq(count_charts(page, ""), 16);
    free(page);
}
END_TEST

START_TEST(all_charts_without_a_choice_of_delays_are_there)
{
    const int64_t delays[] = {_i ? 50 : RUD_NO_DELAY};
    char *page = sample_page(delays, 1);
    ck_assert_uint_eq(count_charts(page, "Episodes to solve against the delay"), 0);
    ck_assert_uint_eq(count_charts(page, "Episodes to solve for every method"), 1);
    ck_assert_uint_eq(count_charts(page, ""), 6);
    free(page);
}
END_TEST

static double sum_of(json_object *example, const char *key)
{
    json_object *rewards = json_object_object_get(example, key);
    double sum = 0.0;
    for (size_t t = 0; t < json_object_array_length(rewards); t++) {
        sum += json_object_get_double(json_object_array_get_idx(rewards, t));
    }
    return sum;
}

START_TEST(examples_show_the_rewards_of_the_run)
{
    const int64_t delays[] = {50};
    char *page = sample_page(delays, 1);
    json_object *chart;
    size_t examples = 0;
    for (size_t k = 0; (chart = chart_at(page, k)); k++) {
        if (describes(chart, "One episode")) {
            json_object *example = json_object_array_get_idx(data_of(chart, "rewards"), 0);
            ck_assert_uint_eq(json_object_array_length(json_object_object_get(example, "exact")),
                              51);
            ck_assert_double_eq_tol(sum_of(example, "original"), sum_of(example, "redistributed"),
                                    1e-3);
            examples++;
        }
        json_object_put(chart);
    }
    ck_assert_uint_eq(examples, 2);
    free(page);
}
END_TEST

START_TEST(the_page_tells_what_the_results_say)
{
    const int64_t delays[] = {50};
    rud_runs runs = sample_runs(delays, 1, 5);
    for (size_t k = 0; k < runs.count; k++) {
        rud_run *run = &runs.items[k];
        size_t rank = k % 5;
        bool is_rudder = strcmp(run->method, "rudder") == 0;
        bool is_q_learning = strcmp(run->method, "q-learning") == 0;
        run->episodes = is_rudder ? 1000 + rank : is_q_learning ? 200000 : 2004 + rank;
        run->censored = is_q_learning;
        run->solved = !is_q_learning;
    }
    char *page = write_page(&runs, "watch-repair", "");
    ck_assert_ptr_nonnull(strstr(page, "solved 5 of 5 runs"));
    ck_assert_ptr_nonnull(strstr(page, "<b>1,002 episodes</b>, the fewest of all"));
    ck_assert_ptr_nonnull(strstr(page, "monte-carlo needed 2.00 times as many, q-learning ≥ 200"));
    ck_assert_ptr_nonnull(strstr(page, "≥ 200,000"));
    free(page);
    rud_runs_free(&runs);
}
END_TEST

START_TEST(a_page_without_runs_says_so)
{
    rud_runs runs = {0};
    char *page = write_page(&runs, "empty", "");
    ck_assert_ptr_nonnull(strstr(page, "No run is finished yet."));
    ck_assert_uint_eq(count_charts(page, ""), 0);
    free(page);
    /* a run that failed at once has nothing to draw */
    rud_run failed = {.error = strdup("diverged"), .environment = "coin-walk", .method = "rudder"};
    failed.delay = RUD_NO_DELAY;
    ck_assert_int_eq(rud_runs_add(&runs, &failed), RUD_OK);
    page = write_page(&runs, "failed", "");
    ck_assert_uint_eq(count_charts(page, ""), 0);
    ck_assert_ptr_nonnull(strstr(page, "1 failed and is not counted: diverged"));
    free(page);
    rud_runs_free(&runs);
}
END_TEST

START_TEST(an_unwritable_page_is_named)
{
    rud_runs runs = {0};
    rud_results results;
    ck_assert_int_eq(rud_results_compute(&runs, &results), RUD_OK);
    ck_assert_int_eq(rud_report_write(&results, "x", "", "/absent/report.html"), RUD_EIO);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "/absent/report.html"));
    rud_results_free(&results);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("report/report");
    TCase *page = tcase_create("page");
    tcase_add_test(page, the_page_loads_nothing);
    tcase_add_test(page, texts_from_outside_are_escaped);
    tcase_add_test(page, all_places_are_filled_and_tags_closed);
    tcase_add_test(page, the_page_tells_what_the_results_say);
    tcase_add_test(page, a_page_without_runs_says_so);
    tcase_add_test(page, an_unwritable_page_is_named);
    suite_add_tcase(suite, page);
    TCase *charts = tcase_create("charts");
    tcase_add_test(charts, all_charts_of_several_delays_are_there);
    tcase_add_loop_test(charts, all_charts_without_a_choice_of_delays_are_there, 0, 2);
    tcase_add_test(charts, examples_show_the_rewards_of_the_run);
    suite_add_tcase(suite, charts);
    return suite;
}

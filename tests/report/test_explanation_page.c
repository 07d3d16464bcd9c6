#include "tests/harness.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/assets_private.h"
#include "report/explanation_page.h"

static const char hostile[] = "</script><b onclick='x'>\"&";

/* An episode of T steps, the last one paid, with D features of which feature d has the relevance
 * (d + 1) * (t - 1) at input t. */
typedef struct sample {
    rud_episode *episode;
    rud_explanation explanation;
    char texts[64][32];
    const char *names[64];
} sample;

static void sample_create(sample *s, size_t T, size_t inputs, size_t D)
{
    ck_assert_int_eq(rud_episode_create(T, T, 1, 0, &s->episode), RUD_OK);
    s->episode->rewards[T - 1] = 3;
    s->explanation = (rud_explanation){
        .steps = T,
        .inputs = inputs,
        .width = D,
        .relevance = malloc(inputs * D * sizeof(float)),
        .step_relevance = calloc(T, sizeof(double)),
        .baseline_prediction = (double)NAN,
        .irrelevant = (double)NAN,
        .prediction = 2.5,
        .conservation_error = (double)NAN,
    };
    for (size_t t = 0; t < inputs; t++) {
        for (size_t d = 0; d < D; d++) {
            const float value = ((float)d + 1) * ((float)t - 1);
            s->explanation.relevance[t * D + d] = value;
            s->explanation.step_relevance[t < T ? t : T - 1] += (double)value;
        }
    }
    for (size_t d = 0; d < D; d++) {
        snprintf(s->texts[d], sizeof s->texts[d], "feature %zu", d);
        s->names[d] = s->texts[d];
    }
}

static void sample_free(sample *s)
{
    rud_episode_free(&s->episode);
    rud_explanation_free(&s->explanation);
}

/* The page of `count` times the sample, the charting script taken out. Caller owns it. */
static char *write_page(const sample *s, size_t count, size_t left_out)
{
    const rud_episode *episodes[8];
    rud_explanation explanations[8];
    rud_attribution_options options = rud_attribution_options_default();
    ck_assert_int_eq(rud_attribution_set(&options, "method", "lrp"), RUD_OK);
    for (size_t k = 0; k < count; k++) {
        episodes[k] = s->episode;
        explanations[k] = s->explanation;
    }
    const rud_explanation_page written = {
        .title = hostile,
        .model = hostile,
        .options = &options,
        .feature_names = s->names,
        .episodes = episodes,
        .explanations = explanations,
        .count = count,
        .left_out = left_out,
    };
    char *path = rud_path_join(test_folder(), "page.html"), *page;
    size_t size;
    ck_assert_msg(rud_explanation_page_write(&written, path) == RUD_OK, "%s", rud_last_error());
    ck_assert_int_eq(rud_file_read(path, 1 << 26, &page, &size), RUD_OK);
    free(path);
    char *script = strstr(page, rud_asset_vega);
    ck_assert_ptr_nonnull(script);
    const size_t length = strlen(rud_asset_vega);
    memmove(script, script + length, strlen(script + length) + 1);
    return page;
}

static size_t count_of(const char *text, const char *word)
{
    size_t found = 0;
    for (const char *at = text; (at = strstr(at, word)); at += strlen(word)) found++;
    return found;
}

/* The chart whose description begins so, the first in the page; caller owns it. */
static json_object *chart_of(const char *page, const char *description, size_t number)
{
    static const char start[] = "<script type=\"application/json\">";
    for (const char *at = page; (at = strstr(at, start));) {
        at += strlen(start);
        const char *end = strstr(at, "</script>");
        struct json_tokener *tokener = json_tokener_new();
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
        json_object *chart = json_tokener_parse_ex(tokener, at, (int)(end - at));
        json_tokener_free(tokener);
        ck_assert_ptr_nonnull(chart);
        const char *found = json_object_get_string(json_object_object_get(chart, "description"));
        if (strncmp(found, description, strlen(description)) == 0 && number-- == 0) return chart;
        json_object_put(chart);
    }
    return NULL;
}

static json_object *data_of(json_object *chart, const char *name)
{
    json_object *data = json_object_object_get(chart, "data");
    for (size_t k = 0; k < json_object_array_length(data); k++) {
        json_object *set = json_object_array_get_idx(data, k);
        const char *found = json_object_get_string(json_object_object_get(set, "name"));
        if (strcmp(found, name) == 0) return json_object_object_get(set, "values");
    }
    return NULL;
}

static double number_of(json_object *rows, size_t row, const char *key, size_t column)
{
    json_object *list = json_object_object_get(json_object_array_get_idx(rows, row), key);
    ck_assert_uint_lt(column, json_object_array_length(list));
    return json_object_get_double(json_object_array_get_idx(list, column));
}

static double frame_of(json_object *chart, const char *key)
{
    json_object *row = json_object_array_get_idx(data_of(chart, "frame"), 0);
    return json_object_get_double(json_object_object_get(row, key));
}

START_TEST(the_charts_hold_the_numbers)
{
    enum { T = 4, INPUTS = 5, D = 3 };
    sample s;
    sample_create(&s, T, INPUTS, D);
    char *page = write_page(&s, 1, 0);
    json_object *rewards = chart_of(page, "A value of each step", 0);
    json_object *relevance = chart_of(page, "A value of each step", 1);
    json_object *heatmap = chart_of(page, "The relevance of each feature", 0);
    ck_assert_ptr_nonnull(rewards);
    ck_assert_ptr_nonnull(relevance);
    ck_assert_ptr_nonnull(heatmap);
    ck_assert_double_eq(number_of(data_of(rewards, "steps"), 0, "value", T - 1), 3);
    for (size_t t = 0; t < T; t++) {
        ck_assert_double_eq(number_of(data_of(relevance, "steps"), 0, "value", t),
                            s.explanation.step_relevance[t]);
    }
    for (size_t d = 0; d < D; d++) {
        for (size_t t = 0; t < INPUTS; t++) {
            ck_assert_double_eq(number_of(data_of(heatmap, "features"), d, "relevance", t),
                                (double)s.explanation.relevance[t * D + d]);
        }
    }
    ck_assert_double_eq(frame_of(heatmap, "largest"), 9);
    ck_assert_double_eq(frame_of(heatmap, "inputs"), INPUTS);
    ck_assert_double_eq(frame_of(relevance, "steps"), T);
    ck_assert_ptr_nonnull(strstr(page, "<td>prediction</td><td>2.5</td>"));
    ck_assert_ptr_null(strstr(page, "<td>conservation error</td>")); /* there is none */
    json_object_put(rewards);
    json_object_put(relevance);
    json_object_put(heatmap);
    free(page);
    sample_free(&s);
}
END_TEST

/* Long episodes share columns, rare features a row; sums stay the same. */
START_TEST(large_explanations_are_summed_up)
{
    enum { T = 1000, D = 40, SPAN = 3 };
    sample s;
    double drawn = 0, whole = 0;
    sample_create(&s, T, T, D);
    char *page = write_page(&s, 1, 0);
    json_object *heatmap = chart_of(page, "The relevance of each feature", 0);
    json_object *rows = data_of(heatmap, "features");
    ck_assert_uint_eq(json_object_array_length(rows), RUD_PAGE_FEATURES + 1);
    ck_assert_double_eq(frame_of(heatmap, "span"), SPAN);
    ck_assert_double_eq(frame_of(heatmap, "rows"), RUD_PAGE_FEATURES + 1);
    for (size_t row = 0; row <= RUD_PAGE_FEATURES; row++) {
        for (size_t column = 0; column < (T + SPAN - 1) / SPAN; column++) {
            drawn += number_of(rows, row, "relevance", column);
        }
    }
    for (size_t t = 0; t < T; t++) whole += s.explanation.step_relevance[t];
    ck_assert_double_eq_tol(drawn, whole, 1e-5 * fabs(whole));
    /* the largest are those of the highest number; the others are the first 16 */
    ck_assert_str_eq(json_object_get_string(
                         json_object_object_get(json_object_array_get_idx(rows, 0), "feature")),
                     "feature 16");
    ck_assert_ptr_nonnull(strstr(page, "\"16 others\""));
    ck_assert_ptr_nonnull(strstr(page, "summed up over 3 steps"));
    json_object_put(heatmap);
    free(page);
    sample_free(&s);
}
END_TEST

START_TEST(what_is_not_there_is_not_drawn)
{
    sample s;
    sample_create(&s, 3, 3, 2);
    s.episode->rewards[2] = 0;
    free(s.explanation.relevance);
    s.explanation.relevance = NULL;
    char *page = write_page(&s, 1, 0);
    ck_assert_uint_eq(count_of(page, "<figure>"), 1); /* the steps' relevance */
    ck_assert_ptr_null(strstr(page, "<select"));
    ck_assert_ptr_null(strstr(page, "left out"));
    free(page);
    sample_free(&s);
}
END_TEST

START_TEST(absorbed_relevance_is_marked)
{
    sample s;
    sample_create(&s, 3, 3, 2);
    s.explanation.absorbed = calloc(3, sizeof(double));
    s.explanation.absorbed[1] = 0.25;
    char *page = write_page(&s, 1, 0);
    json_object *relevance = chart_of(page, "A value of each step", 1);
    ck_assert_double_eq(number_of(data_of(relevance, "steps"), 0, "mark", 1),
                        s.explanation.step_relevance[1] + 0.25);
    ck_assert_ptr_nonnull(strstr(page, "absorbed by biases and stabilisers</td><td>0.25<"));
    json_object_put(relevance);
    free(page);
    sample_free(&s);
}
END_TEST

START_TEST(one_episode_is_shown_at_a_time)
{
    sample s;
    sample_create(&s, 3, 3, 2);
    char *page = write_page(&s, 5, 7);
    ck_assert_uint_eq(count_of(page, "<section>"), 1);
    ck_assert_uint_eq(count_of(page, "<section hidden>"), 4);
    ck_assert_uint_eq(count_of(page, "<option>"), 5);
    ck_assert_ptr_nonnull(strstr(page, "the first 5 episodes; 7 more are left out"));
    free(page);
    sample_free(&s);
}
END_TEST

START_TEST(texts_from_outside_are_escaped_and_nothing_is_loaded)
{
    static const char *const loading[] = {
        "src=", "href",   "url(",    "@import", "http:",   "https:", "<link",
        "<img", "fetch(", "import(", "<object", "<iframe", "\"url\""};
    sample s;
    sample_create(&s, 3, 3, 1);
    ck_assert_int_eq(rud_episode_set_id(s.episode, hostile), RUD_OK);
    s.names[0] = hostile;
    char *page = write_page(&s, 2, 0);
    ck_assert_ptr_null(strstr(page, "<b onclick"));
    ck_assert_uint_eq(count_of(page, "<script"), count_of(page, "</script>"));
    ck_assert_ptr_nonnull(strstr(page, "<option>&lt;/script&gt;&lt;b onclick=&#39;x&#39;&gt;"));
    ck_assert_ptr_nonnull(strstr(page, "\\u003cb onclick")); /* in the heatmap */
    ck_assert_ptr_null(strstr(page, "{{"));
    for (size_t k = 0; k < sizeof loading / sizeof loading[0]; k++) {
        ck_assert_msg(!strstr(page, loading[k]), "the page holds %s", loading[k]);
    }
    free(page);
    sample_free(&s);
}
END_TEST

START_TEST(an_unwritable_page_is_named)
{
    sample s;
    sample_create(&s, 3, 3, 1);
    const rud_attribution_options options = rud_attribution_options_default();
    const rud_episode *episode = s.episode;
    const rud_explanation_page page = {.title = "x",
                                       .model = "x",
                                       .options = &options,
                                       .feature_names = s.names,
                                       .episodes = &episode,
                                       .explanations = &s.explanation,
                                       .count = 1};
    ck_assert_int_eq(rud_explanation_page_write(&page, "/absent/page.html"), RUD_EIO);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "/absent/page.html"));
    sample_free(&s);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("report/explanation_page");
    TCase *tests = tcase_create("explanation page");
    tcase_add_test(tests, the_charts_hold_the_numbers);
    tcase_add_test(tests, large_explanations_are_summed_up);
    tcase_add_test(tests, what_is_not_there_is_not_drawn);
    tcase_add_test(tests, absorbed_relevance_is_marked);
    tcase_add_test(tests, one_episode_is_shown_at_a_time);
    tcase_add_test(tests, texts_from_outside_are_escaped_and_nothing_is_loaded);
    tcase_add_test(tests, an_unwritable_page_is_named);
    suite_add_tcase(suite, tests);
    return suite;
}

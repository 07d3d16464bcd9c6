/* The page of a judge: what its charts are given. */
#include "report/judgement_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "judge/judge_private.h"
#include "tests/harness.h"

/* Three rows and a column; the caller frees the page's text. */
static char *write_page(bool decades)
{
    static const double means[] = {250, 2e-6, 0}, deviations[] = {50, 4e-6, 0};
    static const char *const labels[] = {"large", "small", "none"};
    const rud_judgement_column column = {"error", "error", "how much is missing", decades};
    rud_judgement judgement = {.judge = "test",
                               .title = "A test",
                               .row = "method",
                               .deviation = "networks",
                               .columns = &column,
                               .column_count = 1};
    char *path = rud_path_join(test_folder(), "page.html"), *page;
    size_t size;
    ck_assert_int_eq(rud_judgement_allocate(&judgement, 3, 0), RUD_OK);
    for (size_t k = 0; k < 3; k++) {
        snprintf(judgement.rows[k].label, sizeof judgement.rows[k].label, "%s", labels[k]);
        judgement.rows[k].mean[0] = means[k];
        judgement.rows[k].deviation[0] = deviations[k];
    }
    ck_assert_msg(rud_judgement_page(&judgement, path) == RUD_OK, "%s", rud_last_error());
    ck_assert_int_eq(rud_file_read(path, 1 << 26, &page, &size), RUD_OK);
    rud_judgement_free(&judgement);
    free(path);
    return page;
}

START_TEST(values_over_decades_are_drawn_by_their_logarithms)
{
    char *page = write_page(true);
    ck_assert_ptr_nonnull(strstr(page, "\"decades\":true"));
    ck_assert_ptr_nonnull(
        strstr(page, "\"label\":\"large\",\"mean\":250,\"deviation\":50,\"low\":200,\"high\":300"));
    /* 2e-6 - 4e-6 has no logarithm, and 0 has none */
    ck_assert_ptr_nonnull(strstr(
        page,
        "\"label\":\"small\",\"mean\":2e-06,\"deviation\":4e-06,\"low\":2e-06,\"high\":6e-06"));
    ck_assert_ptr_null(strstr(page, "\"label\":\"none\""));
    ck_assert_ptr_nonnull(strstr(page, "<td>2e-06 <span class=\"range\">± 4e-06</span>"));
    free(page);
}
END_TEST

START_TEST(other_values_are_drawn_as_they_are)
{
    char *page = write_page(false);
    ck_assert_ptr_nonnull(strstr(page, "\"decades\":false"));
    ck_assert_ptr_nonnull(strstr(page, "\"label\":\"none\",\"mean\":0,"));
    ck_assert_ptr_nonnull(strstr(page, "\"low\":-2e-06"));
    ck_assert_ptr_nonnull(strstr(page, "<td>250.000 <span class=\"range\">± 50.000</span>"));
    free(page);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("report/judgement_page");
    TCase *cases = tcase_create("page");
    tcase_add_test(cases, values_over_decades_are_drawn_by_their_logarithms);
    tcase_add_test(cases, other_values_are_drawn_as_they_are);
    suite_add_tcase(suite, cases);
    return suite;
}

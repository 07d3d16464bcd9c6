/* Metrics against reference values and numbers worked out by hand. */
#include "attribution/metrics.h"

#include "tests/attribution/support.h"

START_TEST(hand_values)
{
    const double relevance[] = {4, 1, 3, 0, 2};
    const bool mask[] = {true, false, false, true, true};
    ck_assert_double_eq(rud_mass_accuracy(relevance, mask, 5), 0.6); /* (4 + 0 + 2) / 10 */
    ck_assert_double_eq_tol(rud_rank_accuracy(relevance, mask, 5), 2.0 / 3, 1e-15); /* 4 3 2 */
    const double a[] = {1, 2, 2}, b[] = {2, 0, 0}, opposite[] = {-2, -4, -4};
    ck_assert_double_eq_tol(rud_cosine_similarity(a, b, 3), 1.0 / 3, 1e-15);
    ck_assert_double_eq_tol(rud_cosine_similarity(a, opposite, 3), -1, 1e-15);
    const double curve[] = {5, 3, 3, 1};
    ck_assert_double_eq(rud_aopc(curve, 4), 2); /* (0 + 2 + 2 + 4) / 4 */
}
END_TEST

START_TEST(undefined_is_nan)
{
    const double zeros[] = {0, 0}, ones[] = {1, 1};
    const bool nowhere[] = {false, false}, there[] = {true, false};
    ck_assert(isnan(rud_mass_accuracy(zeros, there, 2)));
    ck_assert(isnan(rud_rank_accuracy(ones, nowhere, 2)));
    ck_assert(isnan(rud_cosine_similarity(zeros, ones, 2)));
    ck_assert(isnan(rud_aopc(ones, 0)));
}
END_TEST

/* Among equals the first counts as larger. */
START_TEST(ties_go_to_the_first)
{
    const double equal[] = {1, 1, 1};
    const bool first[] = {true, false, false}, last[] = {false, false, true};
    ck_assert_double_eq(rud_rank_accuracy(equal, first, 3), 1);
    ck_assert_double_eq(rud_rank_accuracy(equal, last, 3), 0);
}
END_TEST

static json_object *read_vectors(void)
{
    const char *path = test_shared("vectors/metrics.json");
    json_object *all = path ? json_object_from_file(path) : NULL;
    ck_assert(!path || all);
    return all;
}

static bool *read_mask(json_object *object, size_t count)
{
    double *values = numbers(object, "mask", count);
    bool *mask = calloc(count, sizeof *mask);
    for (size_t k = 0; k < count; k++) mask[k] = values[k] != 0;
    free(values);
    return mask;
}

static void check_case(json_object *one)
{
    const size_t n = count_numbers(field(one, "mask")), m = count_numbers(field(one, "cos_m"));
    double *positive = numbers(one, "heatmap_pos", n), *given = numbers(one, "heatmap_signed", n);
    double *a = numbers(one, "cos_m", m), *b = numbers(one, "cos_v", m);
    bool *mask = read_mask(one, n);
    ck_assert_double_eq_tol(rud_mass_accuracy(positive, mask, n), number(one, "mass_accuracy_pos"),
                            1e-6);
    ck_assert_double_eq_tol(rud_rank_accuracy(positive, mask, n), number(one, "rank_accuracy_pos"),
                            1e-6);
    for (size_t k = 0; k < n; k++) given[k] = fabs(given[k]);
    ck_assert_double_eq_tol(rud_mass_accuracy(given, mask, n),
                            number(one, "mass_accuracy_signed_abs_clevrxai"), 1e-6);
    ck_assert_double_eq_tol(rud_cosine_similarity(a, b, m), number(one, "cosine"), 1e-6);
    free(positive), free(given), free(a), free(b), free(mask);
}

START_TEST(reference_values)
{
    json_object *all = read_vectors();
    if (!all) return;
    json_object *cases = field(all, "cases");
    for (size_t k = 0; k < json_object_array_length(cases); k++)
        check_case(json_object_array_get_idx(cases, k));
    json_object_put(all);
}
END_TEST

static void check_pooling(json_object *one)
{
    static const char *const names[] = {"sum,abs", "sum,pos", "max-norm",
                                        "l1-norm", "l2-norm", "l2-norm,sq"};
    const size_t n = count_numbers(field(one, "mask"));
    const size_t channels = count_numbers(field(one, "heatmap_chw")) / n;
    double *heatmap = numbers(one, "heatmap_chw", channels * n);
    double *pooled = calloc(n, sizeof *pooled);
    bool *mask = read_mask(one, n);
    for (int p = RUD_POOL_SUM_ABS; p <= RUD_POOL_L2_NORM_SQ; p++) {
        json_object *expected = field(field(one, "by_pooling"), names[p]);
        for (size_t k = 0; k < n; k++)
            pooled[k] = rud_pool_channels((rud_pooling)p, heatmap + k, channels, n);
        ck_assert_double_eq_tol(rud_mass_accuracy(pooled, mask, n), number(expected, "mass"), 1e-6);
        ck_assert_double_eq_tol(rud_rank_accuracy(pooled, mask, n), number(expected, "rank"), 1e-6);
    }
    free(heatmap), free(pooled), free(mask);
}

START_TEST(reference_pooling)
{
    json_object *all = read_vectors();
    if (!all) return;
    json_object *cases = field(all, "clevr_xai_pooling_cases");
    for (size_t k = 0; k < json_object_array_length(cases); k++)
        check_pooling(json_object_array_get_idx(cases, k));
    json_object_put(all);
}
END_TEST

START_TEST(pooling_by_hand)
{
    const double R[] = {3, 9, -4, 9}; /* of two places, channel by channel: 3, -4 and 9, 9 */
    const double expected[] = {1, 0, 4, 7, 5, 25};
    for (int p = RUD_POOL_SUM_ABS; p <= RUD_POOL_L2_NORM_SQ; p++)
        ck_assert_double_eq(rud_pool_channels((rud_pooling)p, R, 2, 2), expected[p]);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("attribution/metrics");
    TCase *cases = tcase_create("metrics");
    tcase_add_test(cases, hand_values);
    tcase_add_test(cases, undefined_is_nan);
    tcase_add_test(cases, ties_go_to_the_first);
    tcase_add_test(cases, reference_values);
    tcase_add_test(cases, reference_pooling);
    tcase_add_test(cases, pooling_by_hand);
    suite_add_tcase(suite, cases);
    return suite;
}

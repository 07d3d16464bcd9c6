#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

#include "tests/harness.h"

/* Published with the authors' library Random123 (kat_vectors, philox4x32 with 10 rounds). */
static const struct {
    uint32_t counter[4], key[2], block[4];
} known_answers[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

static rud_rng rng_at(const uint32_t counter[4], const uint32_t key[2])
{
    rud_rng rng = {.key = {key[0], key[1]}, .used = 4};
    for (int k = 0; k < 4; k++) rng.counter[k] = counter[k];
    return rng;
}

START_TEST(blocks_match_the_published_answers)
{
    rud_rng rng = rng_at(known_answers[_i].counter, known_answers[_i].key);
    for (int k = 0; k < 4; k++) ck_assert_uint_eq(rud_rng_u32(&rng), known_answers[_i].block[k]);
}
END_TEST

START_TEST(the_block_number_carries_over)
{
    rud_rng rng = rng_at((uint32_t[]){0xffffffff, 6, 2, 3}, (uint32_t[]){8, 9});
    rud_rng next = rng_at((uint32_t[]){0, 7, 2, 3}, (uint32_t[]){8, 9});
    for (int k = 0; k < 4; k++) rud_rng_u32(&rng);
    for (int k = 0; k < 4; k++) ck_assert_uint_eq(rud_rng_u32(&rng), rud_rng_u32(&next));
}
END_TEST

START_TEST(a_copy_goes_on_from_the_same_place)
{
    rud_rng rng = rud_rng_stream(1, "copy", 0);
    for (int k = 0; k < 7; k++) rud_rng_u32(&rng);
    rud_rng copy = rng;
    for (int k = 0; k < 20; k++) ck_assert_uint_eq(rud_rng_u64(&copy), rud_rng_u64(&rng));
}
END_TEST

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Seeds, purposes and indices that lie close together: no two streams share a number. Of 38,400
 * random 64-bit numbers two are equal with probability 4e-11. */
START_TEST(streams_share_no_number)
{
    enum { SEEDS = 10, PURPOSES = 3, INDICES = 10, WORDS = 128 };
    const char *purposes[PURPOSES] = {"a", "b", "ab"};
    static uint64_t drawn[SEEDS * PURPOSES * INDICES * WORDS];
    size_t n = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        for (int p = 0; p < PURPOSES; p++) {
            for (uint64_t index = 0; index < INDICES; index++) {
                rud_rng rng = rud_rng_stream(seed, purposes[p], index);
                for (int k = 0; k < WORDS; k++) drawn[n++] = rud_rng_u64(&rng);
            }
        }
    }
    qsort(drawn, n, sizeof *drawn, compare_u64);
    for (size_t k = 1; k < n; k++) ck_assert_uint_ne(drawn[k - 1], drawn[k]);
}
END_TEST

START_TEST(high_halves_of_seed_and_index_count)
{
    rud_rng base = rud_rng_stream(5, "x", 5);
    rud_rng seed = rud_rng_stream(5 + (UINT64_C(1) << 32), "x", 5);
    rud_rng index = rud_rng_stream(5, "x", 5 + (UINT64_C(1) << 32));
    uint64_t first = rud_rng_u64(&base);
    ck_assert_uint_ne(first, rud_rng_u64(&seed));
    ck_assert_uint_ne(first, rud_rng_u64(&index));
}
END_TEST

/* The correlation of independent numbers has standard deviation 1 / sqrt(N). */
START_TEST(streams_are_uncorrelated)
{
    enum { N = 200000 };
    rud_rng a = rud_rng_stream(3, "exploration", (uint64_t)_i);
    rud_rng b = rud_rng_stream(3, "exploration", (uint64_t)_i + 1);
    double product = 0;
    for (int k = 0; k < N; k++)
        product += (rud_rng_uniform(&a) - 0.5) * (rud_rng_uniform(&b) - 0.5);
    ck_assert_double_lt(fabs(product / N * 12), 5 / sqrt(N));
}
END_TEST

/* Moments of the uniform distribution: E x^k = 1 / (k + 1); bounds of five standard deviations. */
START_TEST(uniform_has_its_moments)
{
    enum { N = 400000 };
    rud_rng rng = rud_rng_stream((uint64_t)_i, "moments", 0);
    double sums[4] = {0};
    for (int k = 0; k < N; k++) {
        double x = rud_rng_uniform(&rng), power = 1;
        ck_assert(x >= 0 && x < 1);
        for (int m = 0; m < 4; m++) sums[m] += power *= x;
    }
    for (int m = 1; m <= 4; m++) {
        double mean = 1.0 / (m + 1);
        double deviation = sqrt((1.0 / (2 * m + 1) - mean * mean) / N);
        ck_assert_double_eq_tol(sums[m - 1] / N, mean, 5 * deviation);
    }
}
END_TEST

START_TEST(normal_has_its_moments)
{
    enum { N = 400000 };
    rud_rng rng = rud_rng_stream((uint64_t)_i, "normal", 0);
    double sums[4] = {0};
    int within_one = 0;
    for (int k = 0; k < N; k++) {
        double x = rud_rng_normal(&rng), power = 1;
        within_one += fabs(x) < 1;
        for (int m = 0; m < 4; m++) sums[m] += power *= x;
    }
    const double means[4] = {0, 1, 0, 3};
    const double variances[4] = {1, 2, 15, 96}; /* E x^2m - (E x^m)^2 */
    for (int m = 0; m < 4; m++) {
        ck_assert_double_eq_tol(sums[m] / N, means[m], 5 * sqrt(variances[m] / N));
    }
    ck_assert_double_eq_tol((double)within_one / N, erf(sqrt(0.5)), 5 * sqrt(0.25 / N));
}
END_TEST

START_TEST(below_is_even)
{
    enum { N = 120000 };
    const uint64_t sizes[] = {1, 2, 3, 6, 10, 60};
    uint64_t n = sizes[_i];
    int counts[60] = {0};
    rud_rng rng = rud_rng_stream(11, "below", 0);
    for (int k = 0; k < N; k++) {
        uint64_t value = rud_rng_below(&rng, n);
        ck_assert_uint_lt(value, n);
        counts[value]++;
    }
    double expected = (double)N / (double)n, chi_square = 0;
    for (uint64_t k = 0; k < n; k++) chi_square += pow(counts[k] - expected, 2) / expected;
    double freedom = (double)n - 1;
    ck_assert_double_le(chi_square, freedom + 5 * sqrt(2 * freedom));
}
END_TEST

/* n = 3/4 of all words: a plain remainder would give the lowest third probability 1/2. */
START_TEST(below_is_even_for_large_n)
{
    enum { N = 100000 };
    const uint64_t thirds[] = {UINT64_C(1) << 30, UINT64_C(1) << 62};
    rud_rng rng = rud_rng_stream(12, "below", 0);
    int counts[3] = {0};
    for (int k = 0; k < N; k++) counts[rud_rng_below(&rng, 3 * thirds[_i]) / thirds[_i]]++;
    for (int k = 0; k < 3; k++) {
        ck_assert_double_eq_tol((double)counts[k] / N, 1.0 / 3, 5 * sqrt(2.0 / 9 / N));
    }
}
END_TEST

START_TEST(shuffle_gives_every_order_alike)
{
    enum { N = 60000 };
    int counts[27] = {0};
    rud_rng rng = rud_rng_stream(13, "shuffle", 0);
    for (int k = 0; k < N; k++) {
        size_t order[3] = {0, 1, 2};
        rud_rng_shuffle(&rng, order, 3);
        counts[9 * order[0] + 3 * order[1] + order[2]]++;
    }
    int orders = 0;
    for (int k = 0; k < 27; k++) {
        if (counts[k] == 0) continue;
        orders++;
        ck_assert_double_eq_tol((double)counts[k] / N, 1.0 / 6, 5 * sqrt(5.0 / 36 / N));
    }
    ck_assert_int_eq(orders, 6);
}
END_TEST

START_TEST(shuffle_keeps_every_entry)
{
    enum { N = 1000 };
    size_t order[N], in_place = 0;
    int seen[N] = {0};
    for (size_t k = 0; k < N; k++) order[k] = k;
    rud_rng rng = rud_rng_stream(14, "shuffle", 0);
    rud_rng_shuffle(&rng, order, N);
    for (size_t k = 0; k < N; k++) {
        seen[order[k]]++;
        in_place += order[k] == k;
    }
    for (size_t k = 0; k < N; k++) ck_assert_int_eq(seen[k], 1);
    ck_assert_uint_lt(in_place, 10); /* one is expected */
    rud_rng_shuffle(&rng, order, 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/rng");
    TCase *tests = tcase_create("rng");
    tcase_add_loop_test(tests, blocks_match_the_published_answers, 0, 3);
    tcase_add_test(tests, the_block_number_carries_over);
    tcase_add_test(tests, a_copy_goes_on_from_the_same_place);
    tcase_add_test(tests, streams_share_no_number);
    tcase_add_test(tests, high_halves_of_seed_and_index_count);
    tcase_add_loop_test(tests, streams_are_uncorrelated, 0, 4);
    tcase_add_loop_test(tests, uniform_has_its_moments, 0, 3);
    tcase_add_loop_test(tests, normal_has_its_moments, 0, 3);
    tcase_add_loop_test(tests, below_is_even, 0, 6);
    tcase_add_loop_test(tests, below_is_even_for_large_n, 0, 2);
    tcase_add_test(tests, shuffle_gives_every_order_alike);
    tcase_add_test(tests, shuffle_keeps_every_entry);
    suite_add_tcase(suite, tests);
    return suite;
}

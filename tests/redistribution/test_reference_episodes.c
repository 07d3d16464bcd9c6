/* A few episodes that stand for all. */
#include "redistribution/reference_episodes_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "tests/harness.h"

enum { D = 3, T = 30, EPISODES = 300 };

typedef struct fixture {
    rud_feature_statistics statistics;
    rud_reference_episodes references;
} fixture;

/* Column 0 is raw, of mean 2 and deviation 5 before it is standardised. */
static fixture create_fixture(void)
{
    fixture f;
    ck_assert_int_eq(rud_feature_statistics_create(D, &f.statistics), RUD_OK);
    ck_assert_int_eq(rud_reference_episodes_create(D, &f.references), RUD_OK);
    f.statistics.shift[0] = 2;
    f.statistics.scale[0] = 5;
    return f;
}

static void free_fixture(fixture *f)
{
    rud_feature_statistics_free(&f->statistics);
    rud_reference_episodes_free(&f->references);
}

/* A normal column, a rare event, and a constant. */
static void draw(rud_rng *rng, size_t inputs, float *x)
{
    for (size_t t = 0; t < inputs; t++) {
        x[t * D] = (float)rud_rng_normal(rng);
        x[t * D + 1] = rud_rng_uniform(rng) < 0.1 ? 1 : 0;
        x[t * D + 2] = 1;
    }
}

static void add_episodes(fixture *f, uint64_t seed)
{
    rud_rng rng = rud_rng_stream(seed, "test reference episodes", 0);
    float x[T * D];
    for (size_t i = 0; i < EPISODES; i++) {
        draw(&rng, T, x);
        ck_assert_int_eq(rud_reference_episodes_add(&f->references, &f->statistics, x, T), RUD_OK);
    }
}

/* Sum over the rows behind the first, and over the held episodes, as the network sees them. */
static void add_up(const fixture *f, double sum[D])
{
    float row[D];
    for (size_t d = 0; d < D; d++) sum[d] = 0;
    for (size_t k = 0; k < f->references.count; k++) {
        for (size_t t = 1; t < T; t++) {
            rud_reference_episodes_row(&f->references, &f->statistics, k, t, row);
            for (size_t d = 0; d < D; d++) sum[d] += (double)row[d];
        }
    }
}

/* The mean of 8 at random would be off by a third of an episode's deviation. */
START_TEST(they_add_up_as_the_mean_episode_does)
{
    fixture f = create_fixture();
    double sum[D], mean[D] = {0}, squares[D] = {0};
    rud_rng rng = rud_rng_stream((uint64_t)_i, "test reference episodes", 0);
    float x[T * D];
    for (size_t i = 0; i < EPISODES; i++) {
        draw(&rng, T, x);
        for (size_t d = 0; d < D; d++) {
            double of_episode = 0;
            for (size_t t = 1; t < T; t++) of_episode += (double)x[t * D + d];
            mean[d] += of_episode / EPISODES;
            squares[d] += of_episode * of_episode / EPISODES;
        }
    }
    add_episodes(&f, (uint64_t)_i);
    ck_assert_uint_eq(f.references.count, RUD_REFERENCE_EPISODES);
    add_up(&f, sum);
    for (size_t d = 0; d < D; d++) {
        const double deviation = sqrt(fmax(squares[d] - mean[d] * mean[d], 0));
        ck_assert_double_eq_tol(sum[d] / RUD_REFERENCE_EPISODES, mean[d], 0.1 * deviation + 1e-4);
    }
    free_fixture(&f);
}
END_TEST

/* Rows follow the standardisation in force, and behind the end come those from the second on. */
START_TEST(rows_are_as_the_network_sees_them)
{
    fixture f = create_fixture();
    const float x[] = {1, 0, 0, 2, 1, 0, 3, 0, 1};
    float row[D];
    ck_assert_int_eq(rud_reference_episodes_add(&f.references, &f.statistics, x, 3), RUD_OK);
    f.statistics.shift[0] = 4;
    f.statistics.scale[0] = 2;
    for (size_t t = 0; t < 7; t++) {
        const size_t of = t < 3 ? t : 1 + (t - 1) % 2;
        rud_reference_episodes_row(&f.references, &f.statistics, 0, t, row);
        ck_assert_double_eq_tol(row[0], (2 + 5 * x[of * D] - 4) / 2, 1e-6);
        ck_assert_mem_eq(row + 1, x + of * D + 1, 2 * sizeof *x);
    }
    ck_assert_int_eq(rud_reference_episodes_add(&f.references, &f.statistics, x, 1), RUD_OK);
    ck_assert_uint_eq(f.references.count, 1); /* one input has no rest */
    free_fixture(&f);
}
END_TEST

static void check_same(const rud_reference_episodes *a, const rud_reference_episodes *b)
{
    ck_assert_uint_eq(a->count, b->count);
    ck_assert_double_eq(a->seen, b->seen);
    ck_assert_mem_eq(a->mean, b->mean, D * sizeof *a->mean);
    ck_assert_mem_eq(a->squares, b->squares, D * sizeof *a->squares);
    for (size_t k = 0; k < a->count; k++) {
        ck_assert_uint_eq(a->inputs[k], b->inputs[k]);
        ck_assert_mem_eq(a->x[k], b->x[k], a->inputs[k] * D * sizeof *a->x[k]);
        ck_assert_mem_eq(a->sums[k], b->sums[k], D * sizeof *a->sums[k]);
    }
}

START_TEST(copies_and_checkpoints_hold_all)
{
    fixture f = create_fixture(), copy = create_fixture(), restored = create_fixture();
    add_episodes(&f, 5);
    ck_assert_int_eq(rud_reference_episodes_copy(&f.references, &copy.references), RUD_OK);
    check_same(&f.references, &copy.references);
    rud_checkpoint written = {.reading = false};
    rud_reference_episodes_checkpoint(&f.references, &written);
    rud_checkpoint read = {.reading = true, .from = written.to, .size = written.size};
    rud_reference_episodes_checkpoint(&restored.references, &read);
    ck_assert_int_eq(rud_checkpoint_status(&read), RUD_OK);
    check_same(&f.references, &restored.references);
    read = (rud_checkpoint){.reading = true, .from = written.to, .size = written.size - 1};
    rud_reference_episodes_checkpoint(&restored.references, &read);
    ck_assert_int_eq(rud_checkpoint_status(&read), RUD_EFORMAT);
    add_episodes(&f, 6);
    add_episodes(&copy, 6); /* they go on alike */
    check_same(&f.references, &copy.references);
    free(written.to);
    free_fixture(&f);
    free_fixture(&copy);
    free_fixture(&restored);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("redistribution/reference_episodes");
    TCase *tcase = tcase_create("reference episodes");
    tcase_add_loop_test(tcase, they_add_up_as_the_mean_episode_does, 0, 5);
    tcase_add_test(tcase, rows_are_as_the_network_sees_them);
    tcase_add_test(tcase, copies_and_checkpoints_hold_all);
    suite_add_tcase(suite, tcase);
    return suite;
}

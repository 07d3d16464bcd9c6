/* The lesson buffer: what stays, what is drawn, when training may start. */
#include "redistribution/lesson_buffer.h"

#include <math.h>
#include <string.h>

#include "tests/harness.h"

/* An episode of `steps` steps with return G. */
static rud_episode *episode_of(double G, size_t steps)
{
    rud_episode *episode = NULL;
    ck_assert_ok(rud_episode_create(steps, steps + 1, 1, 1, &episode));
    episode->rewards[steps - 1] = G;
    return episode;
}

static rud_lesson_buffer *created(size_t capacity, rud_insertion insertion)
{
    rud_lesson_buffer_options options = rud_lesson_buffer_options_default();
    options.capacity = capacity;
    options.insertion = insertion;
    options.min_episodes = 1;
    rud_lesson_buffer *buffer = NULL;
    ck_assert_ok(rud_lesson_buffer_create(&options, &buffer));
    return buffer;
}

/* Adds an episode whose return names it. */
static bool add(rud_lesson_buffer *buffer, double name, double loss)
{
    bool kept = false;
    ck_assert_ok(rud_lesson_buffer_add(buffer, episode_of(name, 4), loss, &kept));
    return kept;
}

static size_t place_of(const rud_lesson_buffer *buffer, double name)
{
    for (size_t i = 0; i < rud_lesson_buffer_count(buffer); i++) {
        if (rud_episode_return(rud_lesson_buffer_episode(buffer, i)) == name) return i;
    }
    return SIZE_MAX;
}

static void assert_holds(const rud_lesson_buffer *buffer, const double *names, size_t count)
{
    ck_assert_uint_eq(rud_lesson_buffer_count(buffer), count);
    for (size_t k = 0; k < count; k++) ck_assert_uint_ne(place_of(buffer, names[k]), SIZE_MAX);
}

START_TEST(fifo_drops_the_oldest)
{
    rud_lesson_buffer *buffer = created(3, RUD_INSERTION_FIFO);
    for (int name = 1; name <= 5; name++) ck_assert(add(buffer, name, 10.0 - name));
    assert_holds(buffer, (double[]){3, 4, 5}, 3);
    for (int name = 6; name <= 104; name++) ck_assert(add(buffer, name, name));
    assert_holds(buffer, (double[]){102, 103, 104}, 3);
    rud_lesson_buffer_free(&buffer);
    ck_assert_ptr_null(buffer);
}
END_TEST

START_TEST(lowest_loss_is_replaced_by_a_higher_one)
{
    rud_lesson_buffer *buffer = created(3, RUD_INSERTION_LOSS);
    ck_assert(add(buffer, 1, 5) && add(buffer, 2, 1) && add(buffer, 3, 3));
    ck_assert(add(buffer, 4, 2)); /* for 2 */
    assert_holds(buffer, (double[]){1, 3, 4}, 3);
    ck_assert(!add(buffer, 5, 2)); /* no higher than the lowest */
    ck_assert(!add(buffer, 6, 0));
    assert_holds(buffer, (double[]){1, 3, 4}, 3);
    rud_lesson_buffer_set_loss(buffer, place_of(buffer, 1), 0.5);
    ck_assert(add(buffer, 7, 1)); /* for 1, whose loss has fallen */
    assert_holds(buffer, (double[]){3, 4, 7}, 3);
    rud_lesson_buffer_free(&buffer);
}
END_TEST

static rud_lesson_buffer *limited(rud_insertion insertion, size_t bytes)
{
    rud_lesson_buffer_options options = rud_lesson_buffer_options_default();
    options.insertion = insertion;
    options.bytes = bytes;
    options.min_episodes = 1;
    rud_lesson_buffer *buffer = NULL;
    ck_assert_ok(rud_lesson_buffer_create(&options, &buffer));
    return buffer;
}

static size_t bytes_of(size_t steps)
{
    rud_episode *episode = episode_of(0, steps);
    const size_t bytes = rud_episode_bytes(episode);
    rud_episode_free(&episode);
    return bytes;
}

START_TEST(bytes_are_limited)
{
    rud_lesson_buffer *buffer = limited(RUD_INSERTION_FIFO, 2 * bytes_of(4) + 1);
    bool kept = true;
    ck_assert(add(buffer, 1, 1) && add(buffer, 2, 1) && add(buffer, 3, 1));
    assert_holds(buffer, (double[]){2, 3}, 2);
    ck_assert_ok(rud_lesson_buffer_add(buffer, episode_of(4, 1000), 1, &kept));
    ck_assert(!kept); /* never fits: nothing goes for it */
    assert_holds(buffer, (double[]){2, 3}, 2);
    rud_lesson_buffer_free(&buffer);
}
END_TEST

START_TEST(nothing_goes_for_an_episode_that_is_not_kept)
{
    const size_t large = 5;
    rud_lesson_buffer *buffer = limited(RUD_INSERTION_LOSS, 2 * bytes_of(4));
    bool kept = true;
    ck_assert_uint_gt(bytes_of(large), bytes_of(4));
    ck_assert(add(buffer, 1, 1) && add(buffer, 2, 5));
    /* it would take the place of both, but 2 is worth more */
    ck_assert_ok(rud_lesson_buffer_add(buffer, episode_of(3, large), 3, &kept));
    ck_assert(!kept);
    assert_holds(buffer, (double[]){1, 2}, 2);
    ck_assert_ok(rud_lesson_buffer_add(buffer, episode_of(4, large), 6, &kept));
    ck_assert(kept);
    assert_holds(buffer, (double[]){4}, 1);
    rud_lesson_buffer_free(&buffer);
}
END_TEST

START_TEST(ready_with_enough_episodes_and_two_returns)
{
    rud_lesson_buffer_options options = rud_lesson_buffer_options_default();
    options.capacity = 4;
    options.min_episodes = 3;
    rud_lesson_buffer *buffer = NULL;
    ck_assert_ok(rud_lesson_buffer_create(&options, &buffer));
    ck_assert(!rud_lesson_buffer_ready(buffer));
    add(buffer, 1, 0);
    add(buffer, 2, 0);
    ck_assert(!rud_lesson_buffer_ready(buffer)); /* two returns, but too few */
    add(buffer, 2, 0);
    ck_assert(rud_lesson_buffer_ready(buffer));
    add(buffer, 2, 0);
    ck_assert(rud_lesson_buffer_ready(buffer));
    add(buffer, 2, 0); /* the 1 goes */
    ck_assert(!rud_lesson_buffer_ready(buffer));
    add(buffer, 3, 0);
    ck_assert(rud_lesson_buffer_ready(buffer));
    rud_lesson_buffer_free(&buffer);
}
END_TEST

enum { LESSONS = 4, DRAWS = 40000 };
static const double loss_of[LESSONS] = {0, 1, 2, 0.5};

/* Frequencies of the draws against `wanted`, within 4 standard deviations. */
static void assert_frequencies(rud_sampling sampling, const double *wanted)
{
    rud_lesson_buffer_options options = rud_lesson_buffer_options_default();
    options.sampling = sampling;
    options.temperature = 0.7;
    rud_lesson_buffer *buffer = NULL;
    ck_assert_ok(rud_lesson_buffer_create(&options, &buffer));
    for (int k = 0; k < LESSONS; k++) add(buffer, k, k == 1 ? 99 : loss_of[k]);
    rud_lesson_buffer_set_loss(buffer, 1, loss_of[1]);

    static size_t indices[DRAWS];
    double counts[LESSONS] = {0};
    rud_rng rng = rud_rng_stream(1, "test sampling", 0);
    rud_lesson_buffer_sample(buffer, &rng, indices, DRAWS);
    for (int k = 0; k < DRAWS; k++) {
        ck_assert_uint_lt(indices[k], LESSONS);
        counts[indices[k]]++;
    }
    for (int k = 0; k < LESSONS; k++) {
        const double sigma = sqrt(wanted[k] * (1 - wanted[k]) / DRAWS);
        ck_assert_double_eq_tol(counts[k] / DRAWS, wanted[k], 4 * sigma);
    }
    rud_lesson_buffer_free(&buffer);
}

START_TEST(softmax_sampling)
{
    double wanted[LESSONS], sum = 0;
    for (int k = 0; k < LESSONS; k++) sum += wanted[k] = exp(loss_of[k] / 0.7);
    for (int k = 0; k < LESSONS; k++) wanted[k] /= sum;
    assert_frequencies(RUD_SAMPLING_SOFTMAX, wanted);
}
END_TEST

START_TEST(uniform_sampling)
{
    assert_frequencies(RUD_SAMPLING_UNIFORM, (double[]){0.25, 0.25, 0.25, 0.25});
}
END_TEST

START_TEST(impossible_options_are_refused)
{
    rud_lesson_buffer *buffer = NULL;
    rud_lesson_buffer_options options = rud_lesson_buffer_options_default();
    options.capacity = 0;
    ck_assert_int_eq(rud_lesson_buffer_create(&options, &buffer), RUD_EINVAL);
    options.capacity = options.min_episodes - 1; /* would never be ready */
    ck_assert_int_eq(rud_lesson_buffer_create(&options, &buffer), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "min_episodes"));
    options.capacity = options.min_episodes;
    options.sampling = RUD_SAMPLING_SOFTMAX;
    options.temperature = 0;
    ck_assert_int_eq(rud_lesson_buffer_create(&options, &buffer), RUD_EINVAL);
    ck_assert_ptr_null(buffer);
    options.temperature = 1;
    ck_assert_ok(rud_lesson_buffer_create(&options, &buffer));
    rud_lesson_buffer_free(&buffer);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("redistribution/lesson_buffer");
    TCase *insertion = tcase_create("insertion");
    tcase_add_test(insertion, fifo_drops_the_oldest);
    tcase_add_test(insertion, lowest_loss_is_replaced_by_a_higher_one);
    tcase_add_test(insertion, bytes_are_limited);
    tcase_add_test(insertion, nothing_goes_for_an_episode_that_is_not_kept);
    tcase_add_test(insertion, ready_with_enough_episodes_and_two_returns);
    tcase_add_test(insertion, impossible_options_are_refused);
    suite_add_tcase(suite, insertion);
    TCase *sampling = tcase_create("sampling");
    tcase_add_test(sampling, softmax_sampling);
    tcase_add_test(sampling, uniform_sampling);
    suite_add_tcase(suite, sampling);
    return suite;
}

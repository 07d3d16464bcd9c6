/* A redistributor that is saved and restored goes on as if nothing had happened, bit for bit. */
#include <string.h>

#include "redistribution/redistributor.h"
#include "tests/redistribution/lessons.h"

static const char *const cells[] = {"lstm", "rudder", "linear"};
enum { CELLS = 3, EPISODES = 40, CAPACITY = 12 };

static rud_redistributor *created(const char *cell, double averaging)
{
    rud_redistributor_options options = rud_redistributor_options_default();
    rud_features *features = lesson_features(true);
    rud_redistributor *made = NULL;
    options.predictor = lesson_options(cell);
    options.predictor.batch = 8;
    options.predictor.averaging = averaging;
    options.lesson_buffer.capacity = CAPACITY;
    options.lesson_buffer.insertion = RUD_INSERTION_LOSS;
    options.lesson_buffer.min_episodes = 4;
    ck_assert_ok(rud_redistributor_create(&options, features, NULL, 3, &made));
    rud_features_free(&features);
    return made;
}

static rud_episodes named_lessons(void)
{
    rud_episodes list = lessons(1, EPISODES);
    for (size_t i = 0; i < list.count; i++) {
        char id[32];
        snprintf(id, sizeof id, "episode %zu", i);
        ck_assert_ok(rud_episode_set_id(list.items[i], id));
    }
    return list;
}

/* Learns from episodes first .. end - 1 and trains. */
static void go_on(rud_redistributor *redistributor, const rud_episodes *list, size_t first,
                  size_t end)
{
    ck_assert_ok(
        rud_redistributor_learn(redistributor, lesson_items(list) + first, end - first, NULL));
    ck_assert_ok(rud_redistributor_train(redistributor, 20, NULL));
}

static void same_state(rud_redistributor *a, rud_redistributor *b, const rud_episodes *list)
{
    const rud_redistributor_state one = rud_redistributor_get_state(a);
    const rud_redistributor_state other = rud_redistributor_get_state(b);
    ck_assert_uint_eq(one.episodes, other.episodes);
    ck_assert_uint_eq(one.updates, other.updates);
    ck_assert_double_eq(one.loss, other.loss);
    ck_assert_double_eq(one.quality, other.quality);
    for (size_t i = 0; i < list->count; i++) {
        double r[LESSON_STEPS], s[LESSON_STEPS];
        rud_redistribution_report report, again;
        ck_assert_ok(rud_redistributor_redistribute(a, list->items[i], r, &report));
        ck_assert_ok(rud_redistributor_redistribute(b, list->items[i], s, &again));
        ck_assert_double_eq(report.prediction, again.prediction);
        ck_assert_mem_eq(r, s, list->items[i]->steps * sizeof *r);
    }
}

START_TEST(a_restored_redistributor_goes_on)
{
    const double averaging = _i / CELLS > 0 ? 0.9 : 0;
    rud_episodes list = named_lessons();
    rud_redistributor *original = created(cells[_i % CELLS], averaging);
    rud_redistributor *restored = created(cells[_i % CELLS], averaging);
    void *bytes = NULL;
    size_t size = 0;
    go_on(original, &list, 0, 25);
    ck_assert_ok(rud_redistributor_save(original, &bytes, &size));
    ck_assert_ok(rud_redistributor_restore(restored, bytes, size, &list));
    const rud_lesson_buffer *lessons = rud_redistributor_lessons(restored);
    ck_assert_uint_eq(rud_lesson_buffer_count(lessons), CAPACITY);
    same_state(original, restored, &list);
    go_on(original, &list, 25, EPISODES);
    go_on(restored, &list, 25, EPISODES);
    same_state(original, restored, &list);
    free(bytes);
    rud_redistributor_free(&original);
    rud_redistributor_free(&restored);
    rud_episodes_free(&list);
}
END_TEST

/* With them go the episodes that integrated gradients start from. */
START_TEST(a_restored_method_goes_on)
{
    rud_redistributor_options options = rud_redistributor_options_default();
    rud_attribution_options *method = &options.redistribution.attribution;
    rud_features *features = lesson_features(true);
    rud_redistributor *made[2] = {NULL};
    rud_episodes list = named_lessons();
    void *bytes = NULL;
    size_t size = 0;
    options.predictor = lesson_options("lstm");
    options.lesson_buffer.min_episodes = 4;
    options.gate = -1e6; /* open */
    ck_assert_ok(rud_attribution_set(method, "method", "integrated-gradients"));
    ck_assert_ok(rud_attribution_set(method, "baseline", "episodes"));
    method->nodes = 2;
    for (size_t k = 0; k < 2; k++)
        ck_assert_ok(rud_redistributor_create(&options, features, NULL, 3, &made[k]));
    go_on(made[0], &list, 0, 25);
    ck_assert_ok(rud_redistributor_save(made[0], &bytes, &size));
    ck_assert_ok(rud_redistributor_restore(made[1], bytes, size, &list));
    for (size_t k = 0; k < 2; k++) go_on(made[k], &list, 25, EPISODES);
    ck_assert(rud_redistributor_get_state(made[0]).ready);
    same_state(made[0], made[1], &list);
    for (size_t k = 0; k < 2; k++) rud_redistributor_free(&made[k]);
    free(bytes);
    rud_features_free(&features);
    rud_episodes_free(&list);
}
END_TEST

START_TEST(what_is_not_whole_is_refused)
{
    rud_episodes list = named_lessons();
    rud_redistributor *original = created("lstm", 0), *other = NULL;
    void *bytes = NULL;
    size_t size = 0;
    go_on(original, &list, 0, 25);
    ck_assert_ok(rud_redistributor_save(original, &bytes, &size));
    for (size_t cut = 0; cut < size; cut += 1 + size / 50) {
        other = created("lstm", 0);
        ck_assert_int_eq(rud_redistributor_restore(other, bytes, cut, &list), RUD_EFORMAT);
        rud_redistributor_free(&other);
    }
    other = created("linear", 0);
    ck_assert_int_eq(rud_redistributor_restore(other, bytes, size, &list), RUD_EFORMAT);
    rud_redistributor_free(&other);
    free(bytes);
    rud_redistributor_free(&original);
    rud_episodes_free(&list);
}
END_TEST

/* Several episodes at once are learnt from as one by one. */
START_TEST(learning_together_is_learning_in_turn)
{
    rud_episodes list = named_lessons();
    rud_redistributor *together = created("lstm", 0), *in_turn = created("lstm", 0);
    double errors[EPISODES];
    go_on(together, &list, 0, 20);
    go_on(in_turn, &list, 0, 20);
    ck_assert_ok(rud_redistributor_learn(together, lesson_items(&list) + 20, 20, errors));
    for (size_t i = 20; i < EPISODES; i++) {
        double r[LESSON_STEPS];
        rud_redistribution_report report;
        ck_assert_ok(rud_redistributor_submit(in_turn, list.items[i], r, &report));
        ck_assert_double_eq(errors[i - 20], rud_episode_return(list.items[i]) - report.prediction);
    }
    same_state(together, in_turn, &list);
    rud_redistributor_free(&together);
    rud_redistributor_free(&in_turn);
    rud_episodes_free(&list);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("redistribution/checkpoint");
    TCase *tc = tcase_create("redistributor");
    tcase_add_loop_test(tc, a_restored_redistributor_goes_on, 0, 2 * CELLS);
    tcase_add_test(tc, a_restored_method_goes_on);
    tcase_add_test(tc, what_is_not_whole_is_refused);
    tcase_add_test(tc, learning_together_is_learning_in_turn);
    suite_add_tcase(suite, tc);
    return suite;
}

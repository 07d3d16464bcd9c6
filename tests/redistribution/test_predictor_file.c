/* Model files: what stands in them, what comes back, what is refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "nn/safetensors.h"
#include "tests/redistribution/lessons.h"

static char path[512]; /* of the running test's model */

/* A trained model; more episodes were observed after its last update. */
static rud_predictor *trained(const char *cell, double averaging, const rud_episodes *list)
{
    rud_predictor_options options = lesson_options(cell);
    options.averaging = averaging;
    rud_predictor *predictor = lesson_predictor(&options);
    rud_episodes later = lessons(2, 16);
    observe_lessons(predictor, list);
    train_lessons(predictor, list, 16, 20);
    for (size_t i = 0; i < later.count; i++) later.items[i]->rewards[0] += 10;
    observe_lessons(predictor, &later);
    rud_episodes_free(&later);
    return predictor;
}

static void assert_same_predictions(rud_predictor *a, rud_predictor *b, const rud_episodes *list,
                                    double tolerance)
{
    for (size_t i = 0; i < list->count; i++) {
        double g[LESSON_STEPS + 1], h[LESSON_STEPS + 1];
        predict_lesson(a, list->items[i], g);
        predict_lesson(b, list->items[i], h);
        for (size_t t = 0; t <= list->items[i]->steps; t++) {
            ck_assert_double_eq_tol(g[t], h[t], tolerance);
        }
    }
}

typedef struct variant {
    const char *cell;
    double averaging;
} variant;
static const variant variants[] = {{"lstm", 0}, {"rudder", 0}, {"lstm", 0.9}, {"linear", 0}};

START_TEST(loaded_model_predicts_the_same)
{
    rud_episodes list = lessons(1, 32);
    rud_predictor *saved = trained(variants[_i].cell, variants[_i].averaging, &list);
    rud_predictor *loaded = NULL, *from_folder = NULL;
    const char *folder = test_folder();
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    ck_assert_ok(rud_predictor_save(saved, path));
    ck_assert_ok(rud_predictor_load(path, &loaded));
    ck_assert_ok(rud_predictor_load(folder, &from_folder));
    /* `linear` is double in memory, float in the file */
    assert_same_predictions(saved, loaded, &list, _i == 3 ? 1e-5 : 1e-9);
    assert_same_predictions(loaded, from_folder, &list, 1e-9);
    ck_assert_str_eq(rud_predictor_cell(loaded), variants[_i].cell);
    ck_assert_double_eq(rud_predictor_target_mean(loaded), rud_predictor_target_mean(saved));
    ck_assert_double_eq_tol(rud_predictor_target_std(loaded), rud_predictor_target_std(saved),
                            1e-12);
    ck_assert_uint_eq(rud_features_width(rud_predictor_features(loaded)), 5);
    rud_predictor_free(&saved);
    rud_predictor_free(&loaded);
    rud_predictor_free(&from_folder);
    rud_episodes_free(&list);
}
END_TEST

/* Predictions before and after saving are the same too. */
START_TEST(saving_changes_no_prediction)
{
    rud_episodes list = lessons(1, 32);
    rud_predictor *predictor = trained("lstm", 0.9, &list);
    double before[LESSON_STEPS + 1], after[LESSON_STEPS + 1];
    snprintf(path, sizeof path, "%s/model", test_folder());
    predict_lesson(predictor, list.items[0], before);
    ck_assert_ok(rud_predictor_save(predictor, path));
    predict_lesson(predictor, list.items[0], after);
    for (size_t t = 0; t <= list.items[0]->steps; t++) {
        ck_assert_double_eq_tol(after[t], before[t], 1e-5);
    }
    rud_predictor_free(&predictor);
    rud_episodes_free(&list);
}
END_TEST

/* A host program may have set a locale with a decimal comma. */
START_TEST(the_hosts_locale_changes_no_file)
{
    char first[1024], second[1024], *bytes[2];
    size_t sizes[2];
    rud_episodes list = lessons(1, 32);
    rud_predictor *predictor = trained("linear", 0, &list), *loaded = NULL;
    snprintf(first, sizeof first, "%s/model", test_folder());
    snprintf(second, sizeof second, "%s/model", test_folder());
    ck_assert_ok(rud_predictor_save(predictor, first));
    test_use_decimal_comma();
    ck_assert_ok(rud_predictor_load(first, &loaded));
    const double mean = rud_predictor_target_mean(predictor);
    ck_assert_double_ne(mean, floor(mean)); /* it is written with a point */
    ck_assert_double_eq(rud_predictor_target_mean(loaded), mean);
    ck_assert_ok(rud_predictor_save(predictor, second));
    ck_assert_ok(rud_file_read(first, SIZE_MAX - 1, &bytes[0], &sizes[0]));
    ck_assert_ok(rud_file_read(second, SIZE_MAX - 1, &bytes[1], &sizes[1]));
    ck_assert_uint_eq(sizes[0], sizes[1]);
    ck_assert_mem_eq(bytes[0], bytes[1], sizes[0]);
    free(bytes[0]);
    free(bytes[1]);
    rud_predictor_free(&predictor);
    rud_predictor_free(&loaded);
    rud_episodes_free(&list);
}
END_TEST

/* Columns: observation 0, 1, 2, action 0, 1. */
static void mean_inputs(const rud_episodes *list, double mean[5])
{
    double inputs = 0;
    for (size_t i = 0; i < list->count; i++) {
        const rud_episode *e = list->items[i];
        for (size_t t = 0; t <= e->steps; t++) mean[(size_t)e->observations[t]]++;
        for (size_t t = 0; t < e->steps; t++) mean[3 + (size_t)e->actions[t]]++;
        inputs += (double)e->steps + 1;
    }
    for (size_t d = 0; d < 5; d++) mean[d] /= inputs;
}

START_TEST(metadata_and_tensors)
{
    const rud_predictor_options options = lesson_options("rudder");
    rud_predictor *predictor = lesson_predictor(&options);
    rud_episodes list = lessons(3, 20);
    rud_tensor_file file = {0};
    rud_features *features = NULL;
    double mean[5] = {0};
    observe_lessons(predictor, &list);
    train_lessons(predictor, &list, 16, 2);
    snprintf(path, sizeof path, "%s/model.safetensors", test_folder());
    ck_assert_ok(rud_predictor_save(predictor, path));
    ck_assert_ok(rud_tensor_file_read(path, &file));
    ck_assert_str_eq(rud_tensor_file_metadata(&file, "rudder.cell"), "rudder");
    ck_assert_str_eq(rud_tensor_file_metadata(&file, "rudder.version"), RUD_VERSION);
    ck_assert_double_eq(strtod(rud_tensor_file_metadata(&file, "rudder.target_mean"), NULL),
                        rud_predictor_target_mean(predictor));
    ck_assert_double_eq(strtod(rud_tensor_file_metadata(&file, "rudder.target_std"), NULL),
                        rud_predictor_target_std(predictor));
    ck_assert_ok(
        rud_features_from_json(rud_tensor_file_metadata(&file, "rudder.features"), &features));
    ck_assert_uint_eq(rud_features_width(features), 5);

    const rud_tensor *found = rud_tensor_file_find(&file, "features.mean");
    ck_assert(found != NULL && found->rank == 1 && found->shape[0] == 5);
    mean_inputs(&list, mean);
    for (size_t d = 0; d < 5; d++) ck_assert_double_eq_tol(found->data[d], mean[d], 1e-6);
    const rud_tensor *weight = rud_tensor_file_find(&file, "lstm.weight_ih_l0");
    ck_assert(weight != NULL && weight->shape[0] == 32 && weight->shape[1] == 5);
    ck_assert_ptr_nonnull(rud_tensor_file_find(&file, "head.weight"));
    rud_features_free(&features);
    rud_tensor_file_free(&file);
    rud_episodes_free(&list);
    rud_predictor_free(&predictor);
}
END_TEST

/* One change to a good model, and what its refusal must name. */
typedef struct damage {
    const char *cell;
    const char *key, *value; /* metadata; value NULL: taken away */
    const char *tensor;      /* first number becomes NaN; NULL: none */
    const char *missing;     /* tensor taken away; NULL: none */
    const char *wanted;
} damage;

static const damage damages[] = {
    {"lstm", "rudder.cell", NULL, NULL, NULL, "rudder.cell"},
    {"lstm", "rudder.cell", "gru", NULL, NULL, "gru"},
    {"lstm", "rudder.cell", "exact", NULL, NULL, "exact"},
    {"lstm", "rudder.features", NULL, NULL, NULL, "rudder.features"},
    {"lstm", "rudder.features", "{", NULL, NULL, "rudder.features"},
    {"lstm", "rudder.target_mean", NULL, NULL, NULL, "rudder.target_mean"},
    {"lstm", "rudder.target_mean", "nan", NULL, NULL, "rudder.target_mean"},
    {"lstm", "rudder.target_std", NULL, NULL, NULL, "rudder.target_std"},
    {"lstm", "rudder.target_std", "-1", NULL, NULL, "rudder.target_std"},
    {"lstm", "rudder.target_std", "1 m", NULL, NULL, "rudder.target_std"},
    {"lstm", NULL, NULL, "head.weight", NULL, "head.weight"},
    {"lstm", NULL, NULL, NULL, "head.weight", "head.weight"},
    {"lstm", NULL, NULL, NULL, "lstm.weight_hh_l0", "lstm.weight_hh_l0"},
    {"linear", NULL, NULL, NULL, "linear.weight", "linear.weight"},
    {"linear", NULL, NULL, "features.mean", NULL, "features.mean"},
};

static const float marked = 12345.678f;

static void apply(rud_tensor_file *file, const damage *d)
{
    for (size_t k = 0; k < file->metadata_count; k++) {
        if (d->key == NULL || strcmp(file->metadata[2 * k], d->key) != 0) continue;
        if (d->value == NULL) {
            file->metadata[2 * k][0] = 'x';
        } else {
            free(file->metadata[2 * k + 1]);
            file->metadata[2 * k + 1] = strdup(d->value);
        }
    }
    for (size_t k = 0; k < file->tensor_count; k++) {
        const char *name = file->tensors[k].name;
        if (d->tensor && strcmp(name, d->tensor) == 0) file->tensors[k].data[0] = marked;
        if (d->missing && strcmp(name, d->missing) == 0) file->tensors[k].name[0] = 'x';
    }
}

/* The marked number of the file becomes NaN, which no writer of ours writes. */
static void make_nan(void)
{
    const float nan = NAN;
    char *bytes = NULL;
    size_t size = 0, at = 0;
    ck_assert_ok(rud_file_read(path, 1 << 20, &bytes, &size));
    while (at + sizeof nan < size && memcmp(bytes + at, &marked, sizeof nan) != 0) at++;
    ck_assert_mem_eq(bytes + at, &marked, sizeof nan);
    memcpy(bytes + at, &nan, sizeof nan);
    ck_assert_ok(rud_file_write(path, bytes, size));
    free(bytes);
}

static void write_model(const char *cell)
{
    rud_episodes list = lessons(1, 32);
    rud_predictor *predictor = trained(cell, 0, &list);
    snprintf(path, sizeof path, "%s/model.safetensors", test_folder());
    ck_assert_ok(rud_predictor_save(predictor, path));
    rud_predictor_free(&predictor);
    rud_episodes_free(&list);
}

static void assert_refused(const char *wanted)
{
    rud_predictor *loaded = NULL;
    const rud_status status = rud_predictor_load(path, &loaded);
    ck_assert_msg(status == RUD_EFORMAT || status == RUD_ENONFINITE, "status %d", status);
    ck_assert_ptr_null(loaded);
    ck_assert_msg(strstr(rud_last_error(), wanted) != NULL, "%s", rud_last_error());
    ck_assert_msg(strstr(rud_last_error(), path) != NULL, "%s", rud_last_error());
}

START_TEST(damaged_model_is_refused)
{
    rud_tensor_file file = {0};
    write_model(damages[_i].cell);
    ck_assert_ok(rud_tensor_file_read(path, &file));
    apply(&file, &damages[_i]);
    ck_assert_ok(rud_tensor_file_write(&file, path));
    rud_tensor_file_free(&file);
    if (damages[_i].tensor) make_nan();
    assert_refused(damages[_i].wanted);
}
END_TEST

START_TEST(features_of_another_width_are_refused)
{
    rud_features_options options = rud_features_options_default();
    rud_features *other = NULL;
    rud_space observation;
    rud_tensor_file file = {0};
    char *text = NULL;
    ck_assert_ok(rud_space_discrete(7, &observation));
    ck_assert_ok(rud_features_create(&options, &observation, NULL, &other));
    ck_assert_ok(rud_features_to_json(other, &text));
    write_model("lstm");
    ck_assert_ok(rud_tensor_file_read(path, &file));
    apply(&file, &(damage){.key = "rudder.features", .value = text, .missing = "features.mean"});
    ck_assert_ok(rud_tensor_file_write(&file, path));
    assert_refused("5 inputs");
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "give 7"));
    rud_tensor_file_free(&file);
    rud_features_free(&other);
    rud_space_free(&observation);
    free(text);
}
END_TEST

START_TEST(what_has_no_parameters_is_not_saved)
{
    const rud_predictor_options options = lesson_options("uniform");
    rud_predictor *predictor = lesson_predictor(&options), *loaded = NULL;
    snprintf(path, sizeof path, "%s/model", test_folder());
    ck_assert_int_eq(rud_predictor_save(predictor, path), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "uniform"));
    ck_assert(!rud_file_exists(path));
    ck_assert_int_eq(rud_predictor_load(path, &loaded), RUD_EIO);
    ck_assert_ptr_null(loaded);
    rud_predictor_free(&predictor);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("redistribution/predictor_file");
    TCase *whole = tcase_create("whole");
    tcase_add_loop_test(whole, loaded_model_predicts_the_same, 0,
                        sizeof variants / sizeof *variants);
    tcase_add_test(whole, saving_changes_no_prediction);
    tcase_add_test(whole, the_hosts_locale_changes_no_file);
    tcase_add_test(whole, metadata_and_tensors);
    suite_add_tcase(suite, whole);
    TCase *refused = tcase_create("refused");
    tcase_add_loop_test(refused, damaged_model_is_refused, 0, sizeof damages / sizeof *damages);
    tcase_add_test(refused, features_of_another_width_are_refused);
    tcase_add_test(refused, what_has_no_parameters_is_not_saved);
    suite_add_tcase(suite, refused);
    return suite;
}

/* Training on rollouts: what a run leaves behind; the evaluation against exact values. */
#include "training/training.h"

#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>

#include "agents/rollout.h"
#include "base/file.h"
#include "redistribution/predictor.h"
#include "tests/small_config.h"
#include "training/evaluation_private.h"

static rud_config coin_walk(const char *cell)
{
    rud_config config = small_config(METHODS("rudder"));
    rud_predictor_options *predictor = &config.agent.redistributor.predictor;
    snprintf(config.environment, sizeof config.environment, "coin-walk");
    snprintf(predictor->cell, sizeof predictor->cell, "%s", cell);
    config.delay_count = 0;
    predictor->adam.learning_rate = 0.01;
    config.train = (rud_train_options){
        .updates = 150, .learning_rate_end = 0.001, .decay = 0.5, .test_episodes = 30};
    return config;
}

static rud_status train(const rud_config *config, const char *folder, rud_training_result *result)
{
    const rud_training_run_options options = {.folder = folder};
    return rud_training_run(config, &options, result);
}

static char *get_file(const char *folder, const char *name, size_t *size)
{
    char path[512], *bytes = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_ok(rud_file_read(path, 1 << 24, &bytes, size));
    return bytes;
}

static double number(json_object *line, const char *key)
{
    json_object *value = NULL;
    ck_assert_msg(json_object_object_get_ex(line, key, &value), "no %s", key);
    return json_object_get_double(value);
}

/* Lines at updates 100 and 150. The rate is 0.01 for half of the updates, then falls straight
 * towards 0.001: at update u (from 1) it is 0.001 + 0.009 * (151 - u) / 75. */
static void assert_metrics(const char *folder, double loss)
{
    const double updates[] = {100, 150}, rates[] = {0.001 + 0.009 * 51 / 75, 0.001 + 0.009 / 75};
    size_t size, count = 0;
    char *text = get_file(folder, "metrics.jsonl", &size);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        json_object *object = json_tokener_parse(line);
        ck_assert_ptr_nonnull(object);
        ck_assert_uint_lt(count, 2);
        ck_assert_double_eq(number(object, "update"), updates[count]);
        ck_assert_double_eq_tol(number(object, "learning_rate"), rates[count], 1e-9);
        ck_assert_double_gt(number(object, "loss_all"), 0);
        if (count == 1) ck_assert_double_eq_tol(number(object, "loss_main"), loss, 1e-6);
        json_object_put(object);
        count++;
    }
    ck_assert_uint_eq(count, 2);
    free(text);
}

START_TEST(training_leaves_model_metrics_and_config)
{
    const rud_config config = coin_walk("lstm");
    const char *folder = test_folder();
    char path[512];
    rud_training_result result;
    rud_predictor *predictor = NULL;
    rud_config read;
    ck_assert_ok(train(&config, folder, &result));
    ck_assert_uint_eq(result.updates, 150);
    assert_metrics(folder, result.loss);
    ck_assert(isfinite(result.quality) && isfinite(result.r_squared));
    ck_assert(fabs(result.reward_pearson) <= 1 && result.variance_ratio > 0);
    ck_assert_double_gt(result.seconds, 0);
    ck_assert_ok(rud_predictor_load(folder, &predictor));
    ck_assert_str_eq(rud_predictor_cell(predictor), "lstm");
    snprintf(path, sizeof path, "%s/config.yaml", folder);
    ck_assert_ok(rud_config_read(path, NULL, 0, &read));
    ck_assert_uint_eq(read.train.updates, 150);
    rud_predictor_free(&predictor);
}
END_TEST

/* Again in the same folder: everything is as after the first time. */
START_TEST(training_again_starts_anew)
{
    const rud_config config = coin_walk("rudder");
    const char *folder = test_folder();
    rud_training_result first, second;
    size_t sizes[2];
    ck_assert_ok(train(&config, folder, &first));
    char *model = get_file(folder, "model.safetensors", &sizes[0]);
    ck_assert_ok(train(&config, folder, &second));
    char *again = get_file(folder, "model.safetensors", &sizes[1]);
    assert_metrics(folder, first.loss);
    ck_assert_uint_eq(sizes[0], sizes[1]);
    ck_assert_mem_eq(model, again, sizes[0]);
    ck_assert_double_eq(first.loss, second.loss);
    ck_assert_double_eq(first.r_squared, second.r_squared);
    free(model);
    free(again);
}
END_TEST

START_TEST(another_configuration_is_refused)
{
    rud_config config = coin_walk("linear");
    const char *folder = test_folder();
    rud_training_result result;
    config.train.updates = 5;
    ck_assert_ok(train(&config, folder, &result));
    config.train.updates = 6;
    ck_assert_int_eq(train(&config, folder, &result), RUD_EEXIST);
    const rud_training_run_options forced = {.folder = folder, .force = true};
    ck_assert_ok(rud_training_run(&config, &forced, &result));
    ck_assert_uint_eq(result.updates, 6);
}
END_TEST

/* While another works in the folder nothing in it is touched. */
START_TEST(a_folder_in_use_is_refused)
{
    const rud_config config = coin_walk("linear");
    const char *folder = test_folder();
    const rud_training_run_options forced = {.folder = folder, .force = true};
    rud_training_result result;
    int lock;
    ck_assert_ok(train(&config, folder, &result));
    ck_assert_ok(rud_folder_lock(folder, &lock));
    rud_config other = config;
    other.train.updates++;
    ck_assert_int_eq(rud_training_run(&other, &forced, &result), RUD_ESTATE);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), folder));
    rud_folder_unlock(&lock);
    ck_assert_ok(train(&config, folder, &result));
}
END_TEST

static const char *const untrainable[] = {"exact", "uniform"};

START_TEST(nothing_to_train_is_told_at_once)
{
    const rud_config config = coin_walk(untrainable[_i]);
    char folder[512];
    rud_training_result result;
    snprintf(folder, sizeof folder, "%s/run", test_folder());
    ck_assert_int_eq(train(&config, folder, &result), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "predictor.cell"));
    ck_assert_ptr_nonnull(strstr(rud_last_error(), untrainable[_i]));
    ck_assert(!rud_is_folder(folder));
}
END_TEST

START_TEST(stop_and_divergence_leave_no_model)
{
    rud_config config = coin_walk("lstm");
    const volatile sig_atomic_t stop = 1;
    const char *folder = test_folder();
    char path[512];
    const rud_training_run_options options = {.folder = folder, .stop = &stop};
    rud_training_result result;
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    ck_assert_int_eq(rud_training_run(&config, &options, &result), RUD_EINTERRUPTED);
    ck_assert(!rud_file_exists(path));
    config.agent.redistributor.predictor.adam.learning_rate = 1e25;
    config.agent.redistributor.predictor.adam.clip_norm = 0;
    folder = test_folder();
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    ck_assert_int_eq(train(&config, folder, &result), RUD_EDIVERGED);
    ck_assert(!rud_file_exists(path));
}
END_TEST

typedef struct judged {
    rud_training_result result;
    rud_env *env;
    rud_episodes episodes;
    rud_predictor *predictor;
} judged;

/* A predictor that saw 40 random episodes of coin-walk, judged on 40 others. */
static judged judge(const char *cell, const rud_redistribution_options *options)
{
    judged j = {.result = {.loss = 7}};
    const rud_env_options env_options = rud_env_options_default();
    const rud_features_options features_options = rud_features_options_default();
    rud_predictor_options predictor_options = rud_predictor_options_default();
    rud_features *features = NULL;
    rud_rng rng = rud_rng_stream(1, "test evaluation", 0);
    snprintf(predictor_options.cell, sizeof predictor_options.cell, "%s", cell);
    ck_assert_ok(rud_env_create("coin-walk", &env_options, 1, &j.env));
    const rud_env_spec *spec = rud_env_specification(j.env);
    ck_assert_ok(rud_features_create(&features_options, &spec->observation_space,
                                     &spec->action_space, &features));
    ck_assert_ok(rud_predictor_create(&predictor_options, features, j.env, 1, &j.predictor));
    for (int k = 0; k < 80; k++) {
        rud_episode *episode = NULL;
        ck_assert_ok(rud_rollout_random(j.env, &rng, &episode));
        if (k >= 40) {
            ck_assert_ok(rud_episodes_add(&j.episodes, episode));
            continue;
        }
        ck_assert_ok(rud_predictor_observe(j.predictor, episode));
        rud_episode_free(&episode);
    }
    ck_assert_ok(rud_predictor_update(j.predictor, NULL, 0, NULL));
    ck_assert_ok(rud_evaluate(j.predictor, options, j.env, &j.episodes, &j.result));
    rud_features_free(&features);
    return j;
}

static void judged_free(judged *j)
{
    rud_predictor_free(&j->predictor);
    rud_episodes_free(&j->episodes);
    rud_env_free(&j->env);
}

START_TEST(exact_predictor_is_perfect)
{
    const rud_redistribution_options options = rud_redistribution_options_default();
    judged j = judge("exact", &options);
    ck_assert_double_eq_tol(j.result.r_squared, 1, 1e-12);
    ck_assert_double_eq_tol(j.result.reward_pearson, 1, 1e-12);
    ck_assert_double_eq_tol(j.result.quality, 1, 1e-12); /* no noise in coin-walk's rewards */
    ck_assert_double_lt(j.result.variance_ratio, 0.9);
    ck_assert_double_eq(j.result.loss, 7); /* not the evaluation's */
    judged_free(&j);
}
END_TEST

/* Sums over pairs, for their correlation. */
typedef struct pairs {
    double n, x, y, xx, yy, xy;
} pairs;

static void add_pair(pairs *p, double x, double y)
{
    *p = (pairs){p->n + 1, p->x + x, p->y + y, p->xx + x * x, p->yy + y * y, p->xy + x * y};
}

static double correlation(const pairs *p)
{
    return (p->n * p->xy - p->x * p->y) /
           sqrt((p->n * p->xx - p->x * p->x) * (p->n * p->yy - p->y * p->y));
}

/* The definitions written out. The last step gets the prediction error and the final input. */
START_TEST(linear_predictor_by_definition)
{
    const rud_redistribution_options options = rud_redistribution_options_default();
    judged j = judge("linear", &options);
    const double s = rud_predictor_target_std(j.predictor);
    double g[51], exact[51], quality = 0, residual = 0;
    pairs predictions = {0}, rewards = {0};
    for (size_t i = 0; i < j.episodes.count; i++) {
        const rud_episode *e = j.episodes.items[i];
        double *rows = g;
        ck_assert_ok(rud_predictor_predict(j.predictor, &e, 1, &rows));
        ck_assert_ok(rud_env_expected_return(j.env, e->observations, e->actions, 50, 51, exact));
        quality += 1 - pow((rud_episode_return(e) - g[50]) / s, 2);
        for (size_t t = 0; t < 51; t++) {
            residual += pow(g[t] - exact[t], 2);
            add_pair(&predictions, g[t], exact[t]);
            if (t > 0 && t < 49) add_pair(&rewards, g[t] - g[t - 1], exact[t] - exact[t - 1]);
        }
        add_pair(&rewards, rud_episode_return(e) - g[48], exact[50] - exact[48]);
    }
    ck_assert_double_eq_tol(j.result.quality, quality / 40, 1e-9);
    const double variation = predictions.yy - predictions.y * predictions.y / predictions.n;
    ck_assert_double_eq_tol(j.result.r_squared, 1 - residual / variation, 1e-6);
    ck_assert_double_eq_tol(j.result.reward_pearson, correlation(&rewards), 1e-9);
    judged_free(&j);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("training/training");
    TCase *training = tcase_create("training");
    tcase_add_test(training, training_leaves_model_metrics_and_config);
    tcase_add_test(training, training_again_starts_anew);
    tcase_add_test(training, another_configuration_is_refused);
    tcase_add_test(training, a_folder_in_use_is_refused);
    tcase_add_loop_test(training, nothing_to_train_is_told_at_once, 0, 2);
    tcase_add_test(training, stop_and_divergence_leave_no_model);
    suite_add_tcase(suite, training);
    TCase *evaluation = tcase_create("evaluation");
    tcase_add_test(evaluation, exact_predictor_is_perfect);
    tcase_add_test(evaluation, linear_predictor_by_definition);
    suite_add_tcase(suite, evaluation);
    return suite;
}

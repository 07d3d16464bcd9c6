#include "experiment/run_json_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static const char *const regret_keys[RUD_REGRETS] = {"regret_500", "regret_1000", "regret_2000"};

bool rud_run_put_group(json_object *object, const rud_run *run)
{
    return rud_json_put_text(object, "environment", run->environment) &&
           (run->delay == RUD_NO_DELAY
                ? rud_json_put_null(object, "delay")
                : rud_json_put(object, "delay", json_object_new_int64(run->delay))) &&
           rud_json_put_text(object, "method", run->method);
}

bool rud_run_put_setting(json_object *object, const rud_run *run)
{
    json_object *setting = json_object_new_object();
    if (!rud_json_put(object, "setting", setting)) return false;
    const rud_step_size *step_size = &run->setting.step_size;
    return (step_size->sample_mean
                ? rud_json_put_text(setting, "step_size", "1/n")
                : rud_json_put_number(setting, "step_size", step_size->constant)) &&
           rud_json_put_number(setting, "initial_value", run->setting.initial_value) &&
           rud_json_put_number(setting, "random_episodes", (double)run->setting.random_episodes);
}

bool rud_run_put_results(json_object *object, const rud_run *run)
{
    bool done = rud_run_put_group(object, run) && rud_run_put_setting(object, run) &&
                rud_json_put_count(object, "seed", run->seed) &&
                rud_json_put_bool(object, "solved", run->solved) &&
                rud_json_put_bool(object, "censored", run->censored) &&
                rud_json_put_count(object, "episodes", run->episodes) &&
                rud_json_put_count(object, "poor_decisions", run->poor_decisions) &&
                rud_json_put_number(object, "greedy_optimal_from", run->greedy_optimal_from);
    for (size_t k = 0; k < RUD_REGRETS; k++) {
        done = done && rud_json_put_number(object, regret_keys[k], run->regret[k]);
    }
    return done && rud_json_put_number(object, "seconds", run->seconds) &&
           (!run->error || rud_json_put_text(object, "error", run->error));
}

/* Points are arrays: their names would be most of the file. */
static bool put_curve(json_object *record, const rud_run *run)
{
    json_object *curve = json_object_new_array();
    bool done = rud_json_put(record, "curve", curve);
    for (size_t k = 0; done && k < run->curve_count; k++) {
        json_object *point = json_object_new_array();
        done = rud_json_push(curve, point) && rud_json_push_count(point, run->curve[k].episode) &&
               rud_json_push_number(point, run->curve[k].optimal_share);
    }
    return done;
}

static bool put_predictor(json_object *record, const rud_run *run)
{
    json_object *predictor = json_object_new_array();
    bool done = rud_json_put(record, "predictor", predictor);
    for (size_t k = 0; done && k < run->predictor_count; k++) {
        const rud_predictor_point *from = &run->predictor[k];
        json_object *point = json_object_new_array();
        done = rud_json_push(predictor, point) && rud_json_push_count(point, from->episode) &&
               rud_json_push_number(point, from->loss) &&
               rud_json_push_number(point, from->quality) &&
               rud_json_push(point, json_object_new_boolean(from->ready));
    }
    return done;
}

static bool put_rewards(json_object *object, const char *key, const double *rewards, size_t steps)
{
    if (!rewards) return rud_json_put_null(object, key);
    json_object *array = json_object_new_array();
    bool done = rud_json_put(object, key, array);
    for (size_t t = 0; done && t < steps; t++) done = rud_json_push_number(array, rewards[t]);
    return done;
}

static bool put_examples(json_object *record, const rud_run *run)
{
    json_object *examples = json_object_new_array();
    bool done = rud_json_put(record, "examples", examples);
    for (size_t k = 0; done && k < run->example_count; k++) {
        const rud_example *from = &run->examples[k];
        json_object *example = json_object_new_object();
        done = rud_json_push(examples, example) &&
               rud_json_put_text(example, "caption", from->caption ? from->caption : "") &&
               put_rewards(example, "original", from->original, from->steps) &&
               put_rewards(example, "redistributed", from->redistributed, from->steps) &&
               put_rewards(example, "exact", from->exact, from->steps);
    }
    return done;
}

rud_status rud_run_to_json(const rud_run *run, char **text)
{
    *text = NULL;
    json_object *record = json_object_new_object();
    if (record && rud_run_put_results(record, run) &&
        rud_json_put_bool(record, "tuning", run->tuning) && put_curve(record, run) &&
        put_predictor(record, run) && put_examples(record, run)) {
        const char *plain = json_object_to_json_string_ext(
            record, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
        if (plain) *text = strdup(plain);
    }
    json_object_put(record);
    return *text ? RUD_OK : rud_error(RUD_ENOMEM, "record of a run: no memory left");
}

static rud_status read_group(json_object *record, rud_run *run)
{
    RUD_TRY(rud_json_get_name(record, "environment", run->environment, sizeof run->environment));
    RUD_TRY(rud_json_get_name(record, "method", run->method, sizeof run->method));
    run->delay = RUD_NO_DELAY;
    json_object *delay;
    if (json_object_object_get_ex(record, "delay", &delay) && !delay) return RUD_OK;
    uint64_t steps;
    RUD_TRY(rud_json_get_count(record, "delay", &steps));
    if (steps > INT64_MAX) return rud_error(RUD_EFORMAT, "field `delay` is too large");
    run->delay = (int64_t)steps;
    return RUD_OK;
}

static rud_status read_size(json_object *record, const char *key, size_t *value)
{
    uint64_t count;
    RUD_TRY(rud_json_get_count(record, key, &count));
    if (count > SIZE_MAX) return rud_error(RUD_EFORMAT, "field `%s` is too large", key);
    *value = (size_t)count;
    return RUD_OK;
}

static rud_status read_setting(json_object *record, rud_setting *setting)
{
    json_object *object;
    RUD_TRY(rud_json_get_object(record, "setting", &object));
    RUD_TRY(rud_json_get_number(object, "initial_value", &setting->initial_value));
    RUD_TRY(read_size(object, "random_episodes", &setting->random_episodes));
    json_object *step_size = json_object_object_get(object, "step_size");
    if (json_object_is_type(step_size, json_type_string)) {
        setting->step_size.sample_mean = strcmp(json_object_get_string(step_size), "1/n") == 0;
        if (setting->step_size.sample_mean) return RUD_OK;
        return rud_error(RUD_EFORMAT, "field `step_size` must be \"1/n\" or a number");
    }
    return rud_json_get_number(object, "step_size", &setting->step_size.constant);
}

static rud_status read_outcome(json_object *record, rud_run *run)
{
    RUD_TRY(rud_json_get_bool(record, "tuning", &run->tuning));
    RUD_TRY(rud_json_get_count(record, "seed", &run->seed));
    RUD_TRY(rud_json_get_bool(record, "solved", &run->solved));
    RUD_TRY(rud_json_get_bool(record, "censored", &run->censored));
    RUD_TRY(read_size(record, "episodes", &run->episodes));
    RUD_TRY(read_size(record, "poor_decisions", &run->poor_decisions));
    RUD_TRY(rud_json_get_number(record, "greedy_optimal_from", &run->greedy_optimal_from));
    for (size_t k = 0; k < RUD_REGRETS; k++) {
        RUD_TRY(rud_json_get_number(record, regret_keys[k], &run->regret[k]));
    }
    RUD_TRY(rud_json_get_number(record, "seconds", &run->seconds));
    return rud_json_get_text(record, "error", &run->error);
}

/* Room for the entries of array `key`, which are `size` bytes each; *count of them. */
static rud_status read_entries(json_object *object, const char *key, size_t size,
                               json_object **array, void **entries, size_t *count)
{
    RUD_TRY(rud_json_get_array(object, key, array));
    size_t length = json_object_array_length(*array);
    *entries = calloc(length ? length : 1, size);
    if (!*entries) return rud_error(RUD_ENOMEM, "field `%s`: no memory left", key);
    *count = length;
    return RUD_OK;
}

/* A point: [episode, number, ...], `length` entries. */
static rud_status read_point(json_object *point, const char *key, size_t length, size_t *episode)
{
    if (!json_object_is_type(point, json_type_array) || json_object_array_length(point) != length ||
        !json_object_is_type(json_object_array_get_idx(point, 0), json_type_int)) {
        return rud_error(RUD_EFORMAT, "field `%s` must hold arrays of %zu numbers", key, length);
    }
    *episode = (size_t)json_object_get_uint64(json_object_array_get_idx(point, 0));
    return RUD_OK;
}

static rud_status read_curve(json_object *record, rud_run *run)
{
    json_object *array;
    void *entries = NULL;
    RUD_TRY(read_entries(record, "curve", sizeof *run->curve, &array, &entries, &run->curve_count));
    run->curve = entries;
    for (size_t k = 0; k < run->curve_count; k++) {
        json_object *point = json_object_array_get_idx(array, k);
        RUD_TRY(read_point(point, "curve", 2, &run->curve[k].episode));
        if (!rud_json_number_at(point, 1, &run->curve[k].optimal_share)) {
            return rud_error(RUD_EFORMAT, "field `curve`: entry %zu has no share", k + 1);
        }
    }
    return RUD_OK;
}

static rud_status read_predictor(json_object *record, rud_run *run)
{
    json_object *array;
    void *entries = NULL;
    RUD_TRY(read_entries(record, "predictor", sizeof *run->predictor, &array, &entries,
                         &run->predictor_count));
    run->predictor = entries;
    for (size_t k = 0; k < run->predictor_count; k++) {
        rud_predictor_point *to = &run->predictor[k];
        json_object *point = json_object_array_get_idx(array, k);
        RUD_TRY(read_point(point, "predictor", 4, &to->episode));
        json_object *ready = json_object_array_get_idx(point, 3);
        if (!rud_json_number_at(point, 1, &to->loss) ||
            !rud_json_number_at(point, 2, &to->quality) ||
            !json_object_is_type(ready, json_type_boolean)) {
            return rud_error(RUD_EFORMAT,
                             "field `predictor`: entry %zu is not [episode, loss, quality, ready]",
                             k + 1);
        }
        to->ready = json_object_get_boolean(ready);
    }
    return RUD_OK;
}

/* The rewards under `key`: as many as the first array of the example had. */
static rud_status read_rewards(json_object *example, const char *key, size_t steps,
                               double **rewards)
{
    json_object *array;
    void *entries = NULL;
    size_t count = 0;
    RUD_TRY(read_entries(example, key, sizeof **rewards, &array, &entries, &count));
    *rewards = entries;
    if (count != steps) {
        return rud_error(RUD_EFORMAT, "field `%s` has %zu rewards, `original` %zu", key, count,
                         steps);
    }
    for (size_t t = 0; t < steps; t++) {
        if (!rud_json_number_at(array, t, &(*rewards)[t])) {
            return rud_error(RUD_EFORMAT, "field `%s`: reward %zu is not a number", key, t + 1);
        }
    }
    return RUD_OK;
}

static rud_status read_example(json_object *object, rud_example *example)
{
    if (!json_object_is_type(object, json_type_object)) {
        return rud_error(RUD_EFORMAT, "must be an object");
    }
    json_object *original;
    RUD_TRY(rud_json_get_text(object, "caption", &example->caption));
    RUD_TRY(rud_json_get_array(object, "original", &original));
    example->steps = json_object_array_length(original);
    RUD_TRY(read_rewards(object, "original", example->steps, &example->original));
    RUD_TRY(read_rewards(object, "redistributed", example->steps, &example->redistributed));
    if (!json_object_object_get(object, "exact")) return RUD_OK;
    return read_rewards(object, "exact", example->steps, &example->exact);
}

static rud_status read_examples(json_object *record, rud_run *run)
{
    json_object *array;
    void *entries = NULL;
    RUD_TRY(read_entries(record, "examples", sizeof *run->examples, &array, &entries,
                         &run->example_count));
    run->examples = entries;
    for (size_t k = 0; k < run->example_count; k++) {
        rud_status status = read_example(json_object_array_get_idx(array, k), &run->examples[k]);
        if (status != RUD_OK) return rud_error_context(status, "example %zu", k + 1);
    }
    return RUD_OK;
}

rud_status rud_run_from_json(json_object *record, rud_run *run)
{
    *run = (rud_run){0};
    if (!json_object_is_type(record, json_type_object)) {
        return rud_error(RUD_EFORMAT, "the record of a run must be an object");
    }
    RUD_TRY(read_group(record, run));
    RUD_TRY(read_setting(record, &run->setting));
    RUD_TRY(read_outcome(record, run));
    RUD_TRY(read_curve(record, run));
    RUD_TRY(read_predictor(record, run));
    return read_examples(record, run);
}

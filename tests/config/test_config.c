/* Configurations: what is read, what is refused and with which words. */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/file.h"
#include "tests/harness.h"

static char file[512]; /* the configuration of the running test */

static void write_config(const char *text)
{
    snprintf(file, sizeof file, "%s/trial.yaml", test_folder());
    ck_assert_int_eq(rud_file_write(file, text, strlen(text)), RUD_OK);
}

static rud_config read_config(const char *text)
{
    rud_config config;
    write_config(text);
    const rud_status status = rud_config_read(file, NULL, 0, &config);
    ck_assert_msg(status == RUD_OK, "%s", rud_last_error());
    return config;
}

/* One configuration that must be refused: the message holds all of `wanted`. */
static void refuse(const char *text, const char *const *settings, size_t count,
                   const char *const *wanted)
{
    rud_config config;
    memset(&config, 0x5a, sizeof config);
    const rud_config before = config;
    write_config(text);
    const rud_status status = rud_config_read(file, settings, count, &config);
    ck_assert_msg(status == RUD_EINVAL || status == RUD_EFORMAT, "status %d for:\n%s", status,
                  text);
    ck_assert_msg(memcmp(&config, &before, sizeof config) == 0, "the config was touched");
    for (size_t k = 0; wanted[k]; k++) {
        ck_assert_msg(strstr(rud_last_error(), wanted[k]) != NULL, "\"%s\" not in: %s", wanted[k],
                      rud_last_error());
    }
}

static const char small[] = "environment:\n  name: watch-repair\n";

typedef struct refusal {
    const char *text;
    const char *wanted[4];
} refusal;

/* Each is appended to the three lines of `head`. */
static const char head[] = "environment:\n  name: watch-repair\n  delay: 20\n";
static const refusal refusals[] = {
    {"predictor:\n  hiden: 3\n",
     {"trial.yaml:5: ", "unknown key \"predictor.hiden\"", "mean \"predictor.hidden\""}},
    {"predicter:\n  hidden: 3\n",
     {"trial.yaml:4: ", "unknown key \"predicter\"", "did you mean \"predictor\"?"}},
    {"trainin:\n  every: 3\n", {"trial.yaml:4: ", "did you mean \"training\"?"}},
    {"hidden: 3\n", {"trial.yaml:4: ", "did you mean \"predictor.hidden\""}},
    {"qqqqqqqqqq: 3\n", {"trial.yaml:4: ", "unknown key \"qqqqqqqqqq\"", "help config"}},
    {"cap: 5\ncap: 6\n", {"trial.yaml:5: ", "duplicate key \"cap\"", "line 4"}},
    {"seeds:\n  first: 1\nseeds:\n  count: 2\n", {"trial.yaml:6: ", "duplicate key \"seeds\""}},
    {"seeds.first: 1\nseeds:\n  first: 2\n", {"trial.yaml:6: ", "duplicate key \"seeds.first\""}},
    {"cap: many\n", {"trial.yaml:4: ", "cap must be a whole number", "found many"}},
    {"cap: \"5\"\n", {"trial.yaml:4: ", "cap must be a whole number", "found \"5\""}},
    {"cap: 5.5\n", {"trial.yaml:4: ", "found 5.5"}},
    {"cap:\n", {"trial.yaml:4: ", "found nothing"}},
    {"cap: [1, 2]\n", {"trial.yaml:4: ", "cap must be a whole number", "found a list"}},
    {"cap: {a: 1}\n", {"trial.yaml:4: ", "found a mapping"}},
    {"cap: 0\n", {"trial.yaml:4: ", "cap must be at least 1, found 0"}},
    {"cap: -3\n", {"trial.yaml:4: ", "at least 1, found -3"}},
    {"cap: 99999999999999999999\n", {"trial.yaml:4: ", "cap is too large"}},
    {"seeds:\n  count: 0\n", {"trial.yaml:5: ", "count must be at least 1", "found 0"}},
    {"seeds:\n  first: -1\n", {"trial.yaml:5: ", "first must be from 0 to 18446744073709551615"}},
    {"seeds:\n  first: 18446744073709551616\n", {"trial.yaml:5: ", "first must be from 0"}},
    {"seeds: 5\n", {"trial.yaml:4: ", "\"seeds\" is a section"}},
    {"predictor:\n  learning_rate: .nan\n", {"trial.yaml:5: ", "finite number, found .nan"}},
    {"predictor:\n  learning_rate: nan\n", {"trial.yaml:5: ", "finite number, found nan"}},
    {"predictor:\n  ridge: -.inf\n", {"trial.yaml:5: ", "finite number, found -.inf"}},
    {"predictor:\n  ridge: 1e999\n", {"trial.yaml:5: ", "ridge is too large"}},
    {"predictor:\n  ridge: 0x10\n", {"trial.yaml:5: ", "ridge must be a number"}},
    {"predictor:\n  learning_rate: 0\n", {"trial.yaml:5: ", "must be more than 0, found 0"}},
    {"predictor:\n  beta1: 1\n", {"trial.yaml:5: ", "must be at most 0.9999999, found 1"}},
    {"predictor:\n  learning_rate: 2e30\n", {"trial.yaml:5: ", "at most 1e+30, found 2e30"}},
    {"predictor:\n  epsilon: 1e-31\n", {"trial.yaml:5: ", "at least 1e-30, found 1e-31"}},
    {"agent:\n  initial_value: -1e31\n", {"trial.yaml:5: ", "at least -1e+30, found -1e31"}},
    {"features:\n  time_scale: 0.5\n", {"trial.yaml:5: ", "at least 1, found 0.5"}},
    {"lesson_buffer:\n  min_episodes: 9\n  capacity: 8\n",
     {"trial.yaml:5: ", "lesson_buffer.min_episodes: 9", "capacity is 8"}},
    {"lesson_buffer:\n  capacity: 8\n", {"trial.yaml:5: ", "min_episodes: 20", "is 8"}},
    {"lesson_buffer:\n  bytes: 20000\n", {"trial.yaml:5: ", "bytes is 20000", "min_episodes: 20"}},
    {"grid:\n  step_size: [0.1, 1/n, 0.10]\n", {"trial.yaml:5: ", "0.1 twice"}},
    {"grid:\n  step_size: [1/n, 1/n]\n", {"trial.yaml:5: ", "1/n twice"}},
    {"grid:\n  random_episodes: [0, 5, 0]\n", {"trial.yaml:5: ", "0 twice"}},
    {"predictor:\n  hidden: 1048577\n", {"trial.yaml:5: ", "at most 1048576"}},
    {"predictor:\n  cell: lstmm\n", {"trial.yaml:5: ", "did you mean \"lstm\""}},
    {"predictor:\n  weight_decay_kind: l1\n", {"trial.yaml:5: ", "l2 or decoupled", "found l1"}},
    {"redistribution:\n  correction: first\n", {"last, uniform, proportional or none"}},
    {"redistribution:\n  method: lpr\n", {"trial.yaml:5: ", "unknown method 'lpr'", "lrp"}},
    {"redistribution:\n  rule: some\n", {"trial.yaml:5: ", "all|half|prop|abs"}},
    {"redistribution:\n  epsilon: -1\n", {"trial.yaml:5: ", "epsilon is -1", "0 or more"}},
    {"redistribution:\n  bias_factor: 2\n", {"trial.yaml:5: ", "0 to 1"}},
    {"redistribution:\n  nodes: 0\n", {"trial.yaml:5: ", "nodes", "from 1 to 1048576"}},
    {"redistribution:\n  method: occlusion\n  per: feature\n  remove: delete\n",
     {"trial.yaml:7: ", "a feature cannot be deleted", "zero or mean"}},
    {"redistribution:\n  step: 3\n", {"trial.yaml:5: ", "unknown key \"redistribution.step\""}},
    {"predictor:\n  cell: linear\nredistribution:\n  method: lrp\n",
     {"trial.yaml:7: ", "linear", "difference"}},
    {"features:\n  difference: yes\n", {"trial.yaml:5: ", "true or false", "found yes"}},
    {"features:\n  observation: [one-hot, raw]\n", {"trial.yaml:5: ", "5"}},
    {"features:\n  observation:\n    - raw\n    - rawer\n", {"trial.yaml:7: ", "found rawer"}},
    {"methods: [rudder, rudder]\n", {"trial.yaml:4: ", "\"rudder\" twice"}},
    {"methods: [monte-carlos]\n", {"trial.yaml:4: ", "did you mean \"monte-carlo\"?"}},
    {"methods: []\n", {"trial.yaml:4: ", "methods holds 0 values; it takes 1 to 16"}},
    {"methods: \"\"\n", {"trial.yaml:4: ", "methods is empty"}},
    {"methods: a-name-that-is-far-too-long-for-any\n", {"trial.yaml:4: ", "shorter than 24"}},
    {"agent:\n  step_size: 1/m\n", {"trial.yaml:5: ", "`1/n` or a number", "found 1/m"}},
    {"agent:\n  step_size: 2\n", {"trial.yaml:5: ", "at most 1, found 2"}},
    {"name: a/b\n", {"trial.yaml:4: ", "\"a/b\""}},
    {"cap: 5\n bad indent: 3\n", {"trial.yaml:5: ", "not YAML"}},
    {"? [a, b]\n: 3\n", {"trial.yaml:4: ", "a key must be a plain word"}},
    {"name: \"a\\0b\"\n", {"trial.yaml:4: ", "NUL"}},
    {"offline:\n  ladder: [linear, exact]\n", {"trial.yaml:5: ", "\"exact\" has nothing to train"}},
    {"offline:\n  ladder: [linear, lstn]\n", {"trial.yaml:5: ", "mean \"lstm\""}},
    {"offline:\n  ladder: [lstm, lstm]\n", {"trial.yaml:5: ", "\"lstm\" twice"}},
    {"chunk:\n  length: 5\n  overlap: 5\n", {"trial.yaml:6: ", "overlap must be smaller"}},
    {"discount: 0\n", {"trial.yaml:4: ", "discount"}},
    {"...\n---\ncap: 5\n", {"trial.yaml:6: ", "second document"}},
};

START_TEST(refused_with_file_line_and_reason)
{
    char text[1024];
    snprintf(text, sizeof text, "%s%s", head, refusals[_i].text);
    refuse(text, NULL, 0, refusals[_i].wanted);
}
END_TEST

/* Whole files, because the environment itself is what is wrong. */
static const refusal files[] = {
    {"", {"trial.yaml:1: ", "empty"}},
    {"# nothing but a comment\n", {"trial.yaml:1: ", "empty"}},
    {"- cap\n", {"trial.yaml:1: ", "keys"}},
    {"environment:\n  name: watch-repairs\n",
     {"trial.yaml:2: ", "did you mean \"watch-repair\"?", "coin-walk"}},
    {"environment:\n  name: watch-repair\n  delay: 0\n",
     {"trial.yaml:3: ", "delay must be at least 1", "found 0"}},
    {"environment:\n  name: watch-repair\n  delay: [5,\n    -1]\n", {"trial.yaml:4: ", "found -1"}},
    {"environment:\n  name: watch-repair\n  delay: [5, 6, 5]\n", {"trial.yaml:3: ", "5 twice"}},
    {"environment:\n  name: watch-repair\n  delay: 2000000\n", {"trial.yaml:3: ", "1000000"}},
    {"environment:\n  name: coin-walk\n  delay: 5\n", {"trial.yaml:3: ", "delay"}},
    {"environment:\n  name: coin-walk\n  delayed: -2\n", {"trial.yaml:3: ", "found -2"}},
    {"environment:\n  name: coin-walk\n  reward: never\n",
     {"trial.yaml:3: ", "delayed or immediate"}},
    {"environment:\n  name: watch-repair\n  reward: immediate\n",
     {"trial.yaml:3: ", "watch-repair has no option \"reward\""}},
    {"environment: \xff\n", {"trial.yaml: ", "not YAML"}},
};

START_TEST(refused_files)
{
    refuse(files[_i].text, NULL, 0, files[_i].wanted);
}
END_TEST

typedef struct setting_refusal {
    const char *setting;
    const char *wanted[3];
} setting_refusal;

static const setting_refusal settings_refused[] = {
    {"predictor.hiden=3", {"setting \"predictor.hiden=3\"", "mean \"predictor.hidden\""}},
    {"cap=0", {"setting \"cap=0\": cap must be at least 1, found 0"}},
    {"cap", {"setting \"cap\"", "key=value"}},
    {"=5", {"setting \"=5\"", "key=value"}},
    {"cap=", {"setting \"cap=\"", "missing"}},
    {"methods=[rudder", {"setting \"methods=[rudder\"", "not YAML"}},
    {"environment.name=nowhere", {"setting \"environment.name=nowhere\"", "nowhere"}},
    {"predictor={hidden: 1, hidden: 2}", {"duplicate key \"hidden\""}},
};

/* A configuration for data sets has no environment. */
START_TEST(an_environment_is_needed_by_some)
{
    const rud_config without = read_config("cap: 5\n"), with = read_config(small);
    ck_assert_int_eq(rud_config_need_environment(&without), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "environment.name is missing"));
    ck_assert_int_eq(rud_config_need_environment(&with), RUD_OK);
}
END_TEST

START_TEST(refused_settings_are_named)
{
    refuse(small, &settings_refused[_i].setting, 1, settings_refused[_i].wanted);
}
END_TEST

START_TEST(values_arrive)
{
    const rud_config c =
        read_config("environment:\n  name: watch-repair\n  delay: [50, 200]\n  delayed: end\n"
                    "methods: [rudder, exact]\nseeds: {first: 18446744073709551615, count: 3}\n"
                    "solved: {window: 10, optimal_share: 0.5}\n"
                    "grid:\n  methods: monte-carlo\n  step_size: [1/n, 0.25]\n"
                    "  initial_value: -2.5\n"
                    "agent: {step_size: 1/n}\n"
                    "features: {observation: [one-hot, raw, none, auto, raw], difference: true}\n"
                    "predictor: {cell: rudder, weight_decay_kind: decoupled, clip_norm: 1e-3}\n"
                    "lesson_buffer: {insertion: fifo, sampling: softmax}\n"
                    "redistribution: {correction: none, baseline: mean, mix: 0.2, gate: -1}\n");
    ck_assert_str_eq(c.name, "trial");
    ck_assert_uint_eq(c.delay_count, 2);
    ck_assert_int_eq(c.delays[1], 200);
    ck_assert_int_eq(c.environment_options.delayed, RUD_DELAYED_END);
    ck_assert_uint_eq(c.method_count, 2);
    ck_assert_str_eq(c.methods[1], "exact");
    ck_assert(c.first_seed == UINT64_MAX);
    ck_assert_uint_eq(c.seed_count, 3);
    ck_assert_double_eq(c.optimal_share, 0.5);
    ck_assert_uint_eq(c.grid.method_count, 1);
    ck_assert_uint_eq(c.grid.step_size_count, 2);
    ck_assert(c.grid.step_sizes[0].sample_mean && !c.grid.step_sizes[1].sample_mean);
    ck_assert_double_eq(c.grid.step_sizes[1].constant, 0.25);
    ck_assert_double_eq(c.grid.initial_values[0], -2.5);
    ck_assert(c.agent.step_size.sample_mean);
    ck_assert_uint_eq(c.agent.features.observation_count, 5);
    ck_assert_int_eq(c.agent.features.observation[2], RUD_ENCODING_NONE);
    ck_assert(c.agent.features.difference);
    const rud_redistributor_options *r = &c.agent.redistributor;
    ck_assert_str_eq(r->predictor.cell, "rudder");
    ck_assert_int_eq(r->predictor.adam.weight_decay_kind, RUD_WEIGHT_DECAY_DECOUPLED);
    ck_assert_double_eq(r->predictor.adam.clip_norm, 1e-3);
    ck_assert_int_eq(r->lesson_buffer.insertion, RUD_INSERTION_FIFO);
    ck_assert_int_eq(r->lesson_buffer.sampling, RUD_SAMPLING_SOFTMAX);
    ck_assert_int_eq(r->redistribution.correction, RUD_CORRECTION_NONE);
    ck_assert_int_eq(r->redistribution.baseline, RUD_BASELINE_MEAN);
    ck_assert_double_eq(r->gate, -1);
}
END_TEST

/* Options of contribution analysis, two of them called `baseline`. */
START_TEST(options_of_the_method_arrive)
{
    const rud_config c =
        read_config("environment: {name: watch-repair}\n"
                    "redistribution: {method: lrp, rule: abs, epsilon: 0.5, bias_factor: 1,\n"
                    "  product_epsilon: 0.25, baseline: zero, nodes: 7,\n"
                    "  integrated_gradients_baseline: mean, quadrature: gauss-legendre,\n"
                    "  per: feature, window: 3, remove: mean}\n");
    const rud_redistribution_options *r = &c.agent.redistributor.redistribution;
    const rud_attribution_options *a = &r->attribution;
    ck_assert_int_eq(r->baseline, RUD_BASELINE_ZERO);
    ck_assert_str_eq(a->method->name, "lrp");
    ck_assert_int_eq(a->rule, RUD_LRP_ABS);
    ck_assert(a->epsilon == 0.5 && a->bias_factor == 1 && a->product_epsilon == 0.25);
    ck_assert_int_eq(a->baseline, RUD_FROM_MEAN);
    ck_assert_uint_eq(a->nodes, 7);
    ck_assert_int_eq(a->quadrature, RUD_GAUSS_LEGENDRE);
    ck_assert_int_eq(a->per, RUD_OCCLUDE_FEATURE);
    ck_assert_uint_eq(a->window, 3);
    ck_assert_int_eq(a->remove, RUD_REMOVE_MEAN);
}
END_TEST

START_TEST(what_is_not_given_has_its_default)
{
    const rud_config c = read_config(small);
    rud_config defaults = rud_config_default();
    char *found, *wanted;
    snprintf(defaults.name, sizeof defaults.name, "trial");
    snprintf(defaults.environment, sizeof defaults.environment, "watch-repair");
    ck_assert_int_eq(rud_config_to_yaml(&c, &found), RUD_OK);
    ck_assert_int_eq(rud_config_to_yaml(&defaults, &wanted), RUD_OK);
    ck_assert_str_eq(found, wanted);
    free(found);
    free(wanted);
}
END_TEST

/* Every value of a config that differs from the defaults comes back from its YAML text. */
START_TEST(yaml_reads_back)
{
    rud_config first =
        read_config("name: \"a: \\\"b\\\" \xc3\xa9\"\n"
                    "environment: {name: coin-walk, reward: immediate, delayed: 7}\n"
                    "seeds: {first: 18446744073709551615}\ngrid: {step_size: 0.1}\n"
                    "agent: {step_size: 0.30000000000000004, initial_value: -1e-300}\n"
                    "features: {observation: raw, time: true, time_scale: 50}\n"
                    "predictor: {learning_rate: 0.0123456789012345678}\n"
                    "redistribution: {method: occlusion, product_epsilon: auto, remove: mean}\n");
    char *text, *again;
    ck_assert_int_eq(rud_config_to_yaml(&first, &text), RUD_OK);
    const rud_config second = read_config(text);
    ck_assert_int_eq(rud_config_to_yaml(&second, &again), RUD_OK);
    ck_assert_str_eq(text, again);
    ck_assert_str_eq(second.name, "a: \"b\" \xc3\xa9");
    ck_assert(second.environment_options.immediate_reward);
    ck_assert_int_eq(second.environment_options.delayed, 7);
    ck_assert(second.agent.step_size.constant == 0.30000000000000004);
    ck_assert(second.agent.initial_value == -1e-300);
    const rud_attribution_options *attribution =
        &second.agent.redistributor.redistribution.attribution;
    ck_assert_str_eq(attribution->method->name, "occlusion");
    ck_assert_int_eq(attribution->remove, RUD_REMOVE_MEAN);
    ck_assert(second.agent.redistributor.predictor.adam.learning_rate ==
              first.agent.redistributor.predictor.adam.learning_rate);
    ck_assert_int_eq(
        memcmp(&first.agent.features, &second.agent.features, sizeof first.agent.features), 0);
    free(text);
    free(again);
}
END_TEST

/* As a run on data sets keeps it: it has no environment. */
START_TEST(yaml_without_an_environment_reads_back)
{
    const rud_config first = read_config("offline: {ignore: [observations/clock]}\n"
                                         "chunk: {length: 64, overlap: 8}\ntarget: success\n");
    char *text, *again;
    ck_assert_int_eq(rud_config_to_yaml(&first, &text), RUD_OK);
    const rud_config second = read_config(text);
    ck_assert_int_eq(rud_config_to_yaml(&second, &again), RUD_OK);
    ck_assert_str_eq(text, again);
    ck_assert_str_eq(second.environment, "");
    ck_assert_str_eq(second.offline.ignore[0], "observations/clock");
    ck_assert_uint_eq(second.agent.redistributor.predictor.chunk_overlap, 8);
    ck_assert_int_eq(second.offline.target, RUD_OFFLINE_SUCCESS);
    free(text);
    free(again);
}
END_TEST

START_TEST(json_holds_the_same)
{
    const rud_config c = read_config("environment: {name: watch-repair, delay: 20}\n"
                                     "agent: {step_size: 1/n}\nseeds: {count: 3}\n");
    char *text;
    ck_assert_int_eq(rud_config_to_json(&c, &text), RUD_OK);
    json_object *root = json_tokener_parse(text), *section, *value;
    ck_assert(json_object_object_get_ex(root, "environment", &section));
    ck_assert(json_object_object_get_ex(section, "delay", &value));
    ck_assert_uint_eq(json_object_array_length(value), 1);
    ck_assert_int_eq(json_object_get_int(json_object_array_get_idx(value, 0)), 20);
    ck_assert(json_object_object_get_ex(root, "agent", &section));
    ck_assert(json_object_object_get_ex(section, "step_size", &value));
    ck_assert_str_eq(json_object_get_string(value), "1/n");
    ck_assert(json_object_object_get_ex(section, "exploration", &value));
    ck_assert(json_object_is_type(value, json_type_double));
    ck_assert(json_object_object_get_ex(root, "seeds", &section));
    ck_assert(json_object_object_get_ex(section, "count", &value));
    ck_assert(json_object_is_type(value, json_type_int));
    ck_assert(json_object_object_get_ex(root, "redistribution", &section));
    ck_assert(json_object_object_get_ex(section, "method", &value));
    ck_assert_str_eq(json_object_get_string(value), "difference");
    ck_assert(json_object_object_get_ex(section, "epsilon", &value));
    ck_assert(json_object_is_type(value, json_type_double));
    json_object_put(root);
    free(text);
}
END_TEST

START_TEST(settings_win_over_the_file_and_the_later_over_the_earlier)
{
    rud_config c;
    const char *const settings[] = {"cap=7", "cap=8", "environment.delay=[3, 4]",
                                    "predictor={hidden: 5, layers: 2}"};
    write_config("environment: {name: watch-repair, delay: 9}\ncap: 6\n");
    ck_assert_int_eq(rud_config_read(file, settings, 4, &c), RUD_OK);
    ck_assert_uint_eq(c.cap, 8);
    ck_assert_uint_eq(c.delay_count, 2);
    ck_assert_int_eq(c.delays[1], 4);
    ck_assert_uint_eq(c.agent.redistributor.predictor.hidden, 5);
    ck_assert_uint_eq(c.agent.redistributor.predictor.layers, 2);
}
END_TEST

START_TEST(aliases_stand_for_their_value)
{
    const rud_config c = read_config("environment: {name: watch-repair}\n"
                                     "cap: &limit 900\ngrid: {cap: *limit}\n");
    ck_assert_uint_eq(c.cap, 900);
    ck_assert_uint_eq(c.grid.cap, 900);
}
END_TEST

START_TEST(an_absent_file_is_named)
{
    rud_config c;
    ck_assert_int_eq(rud_config_read("/nowhere/at/all.yaml", NULL, 0, &c), RUD_EIO);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "/nowhere/at/all.yaml"));
}
END_TEST

START_TEST(environment_settings_stand_alone)
{
    rud_env_options options = rud_env_options_default();
    const char *const good[] = {"delay=20", "environment.reward=immediate", "delayed=end"};
    ck_assert_int_eq(rud_config_set_environment(&options, good, 3), RUD_OK);
    ck_assert_int_eq(options.delay, 20);
    ck_assert(options.immediate_reward);
    ck_assert_int_eq(options.delayed, RUD_DELAYED_END);

    const char *const bad[] = {"delay=[1, 2]", "delay=0", "name=coin-walk", "delai=3"};
    for (size_t k = 0; k < 4; k++) {
        ck_assert_int_eq(rud_config_set_environment(&options, &bad[k], 1), RUD_EINVAL);
        ck_assert_ptr_nonnull(strstr(rud_last_error(), bad[k]));
        ck_assert_int_eq(options.delay, 20);
    }
}
END_TEST

START_TEST(help_names_every_key_of_the_yaml_text)
{
    const rud_config c = rud_config_default();
    char *yaml, *help = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&help, &size);
    rud_config_help(stream);
    fclose(stream);
    ck_assert_int_eq(rud_config_to_yaml(&c, &yaml), RUD_OK);
    for (char *line = strtok(yaml, "\n"); line; line = strtok(NULL, "\n")) {
        line[strcspn(line, ":")] = '\0';
        ck_assert_msg(strstr(help, line + strspn(line, " ")) != NULL, "no help for %s", line);
    }
    ck_assert_ptr_nonnull(strstr(help, "predictor.hidden: a whole number, at least 1"));
    free(yaml);
    free(help);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("config/config");
    TCase *reading = tcase_create("reading");
    tcase_add_test(reading, values_arrive);
    tcase_add_test(reading, options_of_the_method_arrive);
    tcase_add_test(reading, what_is_not_given_has_its_default);
    tcase_add_test(reading, settings_win_over_the_file_and_the_later_over_the_earlier);
    tcase_add_test(reading, aliases_stand_for_their_value);
    tcase_add_test(reading, environment_settings_stand_alone);
    suite_add_tcase(suite, reading);
    TCase *refusing = tcase_create("refusing");
    tcase_add_loop_test(refusing, refused_with_file_line_and_reason, 0,
                        sizeof refusals / sizeof refusals[0]);
    tcase_add_loop_test(refusing, refused_files, 0, sizeof files / sizeof files[0]);
    tcase_add_loop_test(refusing, refused_settings_are_named, 0,
                        sizeof settings_refused / sizeof settings_refused[0]);
    tcase_add_test(refusing, an_environment_is_needed_by_some);
    tcase_add_test(refusing, an_absent_file_is_named);
    suite_add_tcase(suite, refusing);
    TCase *writing = tcase_create("writing");
    tcase_add_test(writing, yaml_reads_back);
    tcase_add_test(writing, yaml_without_an_environment_reads_back);
    tcase_add_test(writing, json_holds_the_same);
    tcase_add_test(writing, help_names_every_key_of_the_yaml_text);
    suite_add_tcase(suite, writing);
    return suite;
}

/* Every method against numbers that others computed in double precision: the vectors kept beside
 * the repository. */
#include "tests/attribution/support.h"

/* One case of uni_lstm.json. */
typedef struct one_case {
    struct json_object *json;
    rud_network *network;
    rud_attribution *attribution;
    rud_attribution_input input;
    float *x;
    size_t T, D, H;
    char name[64];
} one_case;

static void copy_weights(struct json_object *weights, const char *name, size_t count, float *to)
{
    float *from = floats(weights, name, count);
    memcpy(to, from, count * sizeof *to);
    free(from);
}

static rud_network *read_network(struct json_object *json, size_t D, size_t H)
{
    const rud_network_spec spec = {D, H, 1, 1, *rud_cell_preset("lstm"), false};
    struct json_object *weights = field(json, "weights");
    rud_network *network;
    size_t count;
    ck_assert_ok(rud_network_create(&spec, &network));
    float *parameters = rud_network_parameters(network, &count);
    const rud_gate_parameters at = rud_network_gate(network, 0, RUD_GATE_INPUT);
    copy_weights(weights, "W_ih", 4 * H * D, parameters + at.forward);
    copy_weights(weights, "W_hh", 4 * H * H, parameters + at.recurrent);
    double *b_ih = numbers(weights, "b_ih", 4 * H), *b_hh = numbers(weights, "b_hh", 4 * H);
    for (size_t k = 0; k < 4 * H; k++) parameters[at.bias + k] = (float)(b_ih[k] + b_hh[k]);
    free(b_ih), free(b_hh);
    copy_weights(weights, "w_out", H, parameters + rud_network_head_weight(network));
    parameters[rud_network_head_bias(network)] = (float)number(weights, "b_out");
    return network;
}

static one_case read_case(struct json_object *json)
{
    one_case c = {
        .json = json, .T = whole(json, "T"), .D = whole(json, "D"), .H = whole(json, "H")};
    snprintf(c.name, sizeof c.name, "%s", json_object_get_string(field(json, "id")));
    c.network = read_network(json, c.D, c.H);
    c.x = floats(json, "x", c.T * c.D);
    c.input =
        (rud_attribution_input){.network = c.network, .x = c.x, .T = c.T, .B = 1, .scale = 1.0};
    ck_assert_ok(rud_attribution_create(&c.attribution));
    return c;
}

static void free_case(one_case *c)
{
    rud_network_free(&c->network);
    rud_attribution_free(&c->attribution);
    free(c->x);
}

static rud_attribution_result run(const one_case *c, const rud_attribution_options *options)
{
    rud_attribution_result result;
    ck_assert_ok(rud_attribution_run(c->attribution, options, &c->input, &result));
    const double y = number(field(c->json, "forward"), "y");
    ck_assert_double_le(fabs(result.prediction[0] - y), 1e-5 * fmax(1.0, fabs(y)));
    return result;
}

static void check_gradients(const one_case *c)
{
    rud_attribution_options options;
    set_options(&options, "method", "gradient", NULL);
    check_floats(c->name, c->json, "grad_y_x", run(c, &options).relevance, c->T * c->D, 1e-4);
    set_options(&options, "method", "gradient-x-input", NULL);
    check_floats(c->name, c->json, "gradxinput", run(c, &options).relevance, c->T * c->D, 1e-4);
    set_options(&options, "method", "sensitivity", NULL);
    const rud_attribution_result result = run(c, &options);
    check_floats(c->name, c->json, "sensitivity_sq", result.relevance, c->T * c->D, 1e-4);
    check_doubles(c->name, c->json, "sensitivity_sq_per_t", result.step_relevance, c->T, 1e-4);
}

static void check_differences(const one_case *c)
{
    rud_attribution_options options;
    set_options(&options, "method", "difference", NULL);
    const rud_attribution_result result = run(c, &options);
    double *y = numbers(field(c->json, "forward"), "y_all", c->T);
    double sum = 0.0;
    for (size_t t = 0; t < c->T; t++) {
        sum += result.step_relevance[t];
        ck_assert_double_eq_tol(sum, y[t], 1e-5 * fmax(1.0, fabs(y[t])));
    }
    free(y);
}

static void check_integrated_gradients(const one_case *c)
{
    struct json_object *json = field(c->json, "integrated_gradients");
    const size_t count = c->T * c->D;
    rud_attribution_options options;
    set_options(&options, "method", "integrated-gradients", "nodes", "50", NULL);
    rud_attribution_result result = run(c, &options);
    check_floats(c->name, json, "zero_midpoint_50", result.relevance, count, 1e-4);
    ck_assert_double_eq_tol(result.baseline_prediction[0], number(json, "baseline_zero_y"), 1e-5);
    ck_assert_double_eq_tol(result.conservation_error[0], number(json, "completeness_err_50"),
                            1e-5);
    set_options(&options, "method", "integrated-gradients", "nodes", "1000", NULL);
    check_floats(c->name, json, "zero_midpoint_1000", run(c, &options).relevance, count, 1e-4);
    set_options(&options, "method", "integrated-gradients", "quadrature", "gauss-legendre", NULL);
    check_floats(c->name, json, "zero_gausslegendre_50", run(c, &options).relevance, count, 1e-4);
    float *baseline = floats(json, "baseline2", count);
    set_options(&options, "method", "integrated-gradients", NULL);
    options.baseline = RUD_FROM_GIVEN;
    options.given = baseline;
    options.given_steps = c->T;
    result = run(c, &options);
    check_floats(c->name, json, "baseline2_midpoint_50", result.relevance, count, 1e-4);
    ck_assert_double_eq_tol(result.baseline_prediction[0], number(json, "baseline2_y"), 1e-5);
    free(baseline);
}

static void check_occlusion(const one_case *c)
{
    struct json_object *json = field(c->json, "occlusion");
    rud_attribution_options options;
    set_options(&options, "method", "occlusion", NULL);
    check_doubles(c->name, json, "zero_timestep", run(c, &options).step_relevance, c->T, 1e-4);
    set_options(&options, "method", "occlusion", "remove", "delete", NULL);
    const rud_attribution_result deleted = run(c, &options);
    if (c->T > 1) /* the vectors delete nothing where nothing would be left */
        check_doubles(c->name, json, "delete_timestep", deleted.step_relevance, c->T, 1e-4);
    set_options(&options, "method", "occlusion", "per", "feature", NULL);
    check_floats(c->name, json, "zero_feature", run(c, &options).relevance, c->T * c->D, 1e-4);
}

/* Returns whether the entry was compared. */
static bool check_lrp(const one_case *c, struct json_object *entry)
{
    rud_attribution_options options;
    const char *rule = json_object_get_string(field(entry, "rule"));
    const double epsilon = number(entry, "eps"), tolerance = epsilon > 0.0 ? 1e-4 : 2e-3;
    if (json_object_get_boolean(field(entry, "unstable"))) return false;
    set_options(&options, "method", "lrp", "rule", rule, NULL);
    set_double(&options, "epsilon", epsilon);
    set_double(&options, "bias-factor", number(entry, "bias_factor"));
    set_double(&options, "product-epsilon", number(entry, "product_eps"));
    const rud_attribution_result result = run(c, &options);
    char what[128];
    snprintf(what, sizeof what, "%s, %s, epsilon %g", c->name, rule, epsilon);
    check_floats(what, entry, "R_x", result.relevance, c->T * c->D, tolerance);
    double *R_t = numbers(entry, "R_t", c->T);
    double *h = numbers(entry, "R_h_init", c->H), *cell = numbers(entry, "R_c_init", c->H);
    double initial = 0.0, largest = 1e-30, largest_step = 1e-30;
    for (size_t j = 0; j < c->H; j++) {
        initial += h[j] + cell[j];
        largest = fmax(largest, fmax(fabs(h[j]), fabs(cell[j])));
    }
    const double scale = fmax(largest, number(entry, "max_abs_R_x"));
    ck_assert_double_le(fabs(result.initial_relevance[0] - initial), tolerance * scale);
    for (size_t t = 0; t < c->T; t++) largest_step = fmax(largest_step, fabs(R_t[t]));
    for (size_t t = 0; t < c->T; t++)
        ck_assert_double_le(fabs(result.step_relevance[t] - R_t[t]), tolerance * largest_step);
    ck_assert_double_le(fabs(result.conservation_error[0]), 1e-4 * result.largest[0]);
    free(h), free(cell), free(R_t);
    return true;
}

static void check_decomposition(const one_case *c, struct json_object *entries)
{
    const size_t count = json_object_array_length(entries);
    double largest = 0.0;
    rud_attribution_options options;
    for (size_t k = 0; k < count; k++)
        largest = fmax(largest, fabs(number(json_object_array_get_idx(entries, k), "rel")));
    set_options(&options, "method", "decomposition", NULL);
    double *single = calloc(c->T, sizeof *single);
    memcpy(single, run(c, &options).step_relevance, c->T * sizeof *single);
    for (size_t k = 0; k < count; k++) {
        struct json_object *entry = json_object_array_get_idx(entries, k);
        options.steps_begin = whole(entry, "start");
        options.steps_end = whole(entry, "stop");
        const rud_attribution_result result = run(c, &options);
        const double rel = number(entry, "rel");
        ck_assert_ptr_null(result.step_relevance);
        ck_assert_msg(fabs(result.total[0] - rel) <= 1e-4 * largest, "%s: %zu:%zu: %g, not %g",
                      c->name, options.steps_begin, options.steps_end, result.total[0], rel);
        ck_assert_double_eq_tol(result.irrelevant[0], number(entry, "irrel"), 1e-4 * largest);
        ck_assert_double_le(fabs(result.conservation_error[0]), 1e-6);
        if (options.steps_end == options.steps_begin + 1)
            ck_assert_double_le(fabs(single[options.steps_begin] - rel), 1e-4 * largest);
    }
    free(single);
}

static struct json_object *read_json(const char *name)
{
    const char *path = test_shared(name);
    if (!path) return NULL;
    struct json_object *json = json_object_from_file(path);
    ck_assert_msg(json != NULL, "%s: %s", path, json_util_get_last_err());
    return json;
}

START_TEST(one_layer_lstms)
{
    struct json_object *json = read_json("vectors/uni_lstm.json");
    if (!json) return;
    struct json_object *cases = field(json, "cases");
    size_t compared = 0;
    for (size_t k = 0; k < json_object_array_length(cases); k++) {
        one_case c = read_case(json_object_array_get_idx(cases, k));
        struct json_object *lrp = field(c.json, "lrp");
        check_gradients(&c);
        check_differences(&c);
        check_integrated_gradients(&c);
        check_occlusion(&c);
        check_decomposition(&c, field(c.json, "cd"));
        for (size_t e = 0; e < json_object_array_length(lrp); e++)
            compared += check_lrp(&c, json_object_array_get_idx(lrp, e));
        free_case(&c);
    }
    ck_assert_uint_ge(compared, 100);
    json_object_put(json);
}
END_TEST

enum { WORD = 60, UNITS = 60, CLASSES = 5 };

/* The published gate order is i, g, f, o. */
static void read_half(struct json_object *weights, const char *side, rud_direction direction,
                      rud_network *network)
{
    static const size_t place[RUD_GATES] = {0, 2, 1, 3}; /* of gates i, f, g, o */
    char name[32];
    size_t count;
    float *parameters = rud_network_parameters(network, &count);
    snprintf(name, sizeof name, "Wxh_%s", side);
    float *W = floats(weights, name, 4 * UNITS * WORD);
    snprintf(name, sizeof name, "Whh_%s", side);
    float *U = floats(weights, name, 4 * UNITS * UNITS);
    snprintf(name, sizeof name, "bxh_%s", side);
    double *b_x = numbers(weights, name, 4 * UNITS);
    snprintf(name, sizeof name, "bhh_%s", side);
    double *b_h = numbers(weights, name, 4 * UNITS);
    for (size_t g = 0; g < RUD_GATES; g++) {
        const rud_gate_parameters at = rud_network_half_gate(network, 0, direction, (rud_gate)g);
        const size_t from = place[g] * UNITS;
        memcpy(parameters + at.forward, W + from * WORD, UNITS * WORD * sizeof *W);
        memcpy(parameters + at.recurrent, U + from * UNITS, UNITS * UNITS * sizeof *U);
        for (size_t j = 0; j < UNITS; j++)
            parameters[at.bias + j] = (float)(b_x[from + j] + b_h[from + j]);
    }
    snprintf(name, sizeof name, "Why_%s", side);
    float *V = floats(weights, name, CLASSES * UNITS);
    float *head = parameters + rud_network_head_weight(network) + (size_t)direction * UNITS;
    for (size_t k = 0; k < CLASSES; k++)
        memcpy(head + k * 2 * UNITS, V + k * UNITS, UNITS * sizeof *V);
    free(W), free(U), free(b_x), free(b_h), free(V);
}

static rud_network *read_published(void)
{
    const rud_network_spec spec = {WORD, UNITS, 1, CLASSES, *rud_cell_preset("lstm"), true};
    struct json_object *json = read_json("vectors/arras_bilstm_weights.json");
    if (!json) return NULL;
    rud_network *network;
    ck_assert_ok(rud_network_create(&spec, &network));
    read_half(field(json, "weights"), "Left", RUD_FORWARD, network);
    read_half(field(json, "weights"), "Right", RUD_REVERSE, network);
    json_object_put(json);
    return network;
}

static void check_target_lrp(const one_case *c, struct json_object *entry,
                             rud_attribution_options options)
{
    const double tolerance = number(entry, "eps") > 0.0 ? 1e-4 : 2e-3;
    ck_assert_ok(rud_attribution_set(&options, "method", "lrp"));
    set_double(&options, "epsilon", number(entry, "eps"));
    set_double(&options, "bias-factor", number(entry, "bias_factor"));
    rud_attribution_result result;
    ck_assert_ok(rud_attribution_run(c->attribution, &options, &c->input, &result));
    check_doubles(c->name, entry, "R_words", result.step_relevance, c->T, tolerance);
    const double rest = number(entry, "R_rest");
    ck_assert_double_eq_tol(result.initial_relevance[0], rest, tolerance * fmax(1.0, fabs(rest)));
    ck_assert_double_le(fabs(result.conservation_error[0]), 1e-4 * result.largest[0]);
}

static void check_target(const one_case *c, struct json_object *target)
{
    struct json_object *lrp = field(target, "lrp");
    rud_attribution_options options;
    rud_attribution_result result;
    set_options(&options, "method", "gradient", NULL);
    options.output = whole(target, "class");
    ck_assert_ok(rud_attribution_run(c->attribution, &options, &c->input, &result));
    ck_assert_double_eq_tol(result.prediction[0], number(target, "score"), 1e-5);
    if (json_object_object_get_ex(target, "grad_x", NULL))
        check_floats(c->name, target, "grad_x", result.relevance, c->T * c->D, 1e-4);
    ck_assert_ok(rud_attribution_set(&options, "method", "sensitivity"));
    ck_assert_ok(rud_attribution_run(c->attribution, &options, &c->input, &result));
    check_doubles(c->name, target, "grad_words_sum_sq", result.step_relevance, c->T, 1e-4);
    ck_assert_ok(rud_attribution_set(&options, "method", "gradient-x-input"));
    ck_assert_ok(rud_attribution_run(c->attribution, &options, &c->input, &result));
    check_doubles(c->name, target, "gradxinput_words", result.step_relevance, c->T, 1e-4);
    ck_assert_ok(rud_attribution_set(&options, "method", "occlusion"));
    ck_assert_ok(rud_attribution_run(c->attribution, &options, &c->input, &result));
    check_doubles(c->name, target, "occlusion_f_diff", result.step_relevance, c->T, 1e-4);
    for (size_t k = 0; k < json_object_array_length(lrp); k++)
        check_target_lrp(c, json_object_array_get_idx(lrp, k), options);
}

START_TEST(published_bidirectional_lstm)
{
    rud_network *network = read_published();
    if (!network) return;
    struct json_object *json = read_json("vectors/arras_bilstm_cases.json");
    struct json_object *cases = field(json, "cases");
    for (size_t k = 0; k < json_object_array_length(cases); k++) {
        one_case c = {.json = json_object_array_get_idx(cases, k), .D = WORD};
        c.T = whole(c.json, "T");
        snprintf(c.name, sizeof c.name, "%s", json_object_get_string(field(c.json, "id")));
        c.x = floats(c.json, "x", c.T * WORD);
        c.input =
            (rud_attribution_input){.network = network, .x = c.x, .T = c.T, .B = 1, .scale = 1.0};
        ck_assert_ok(rud_attribution_create(&c.attribution));
        struct json_object *targets = field(c.json, "targets");
        for (size_t t = 0; t < json_object_array_length(targets); t++)
            check_target(&c, json_object_array_get_idx(targets, t));
        rud_attribution_free(&c.attribution);
        free(c.x);
    }
    json_object_put(json);
    rud_network_free(&network);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("attribution/vectors");
    TCase *tc = tcase_create("vectors");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, one_layer_lstms);
    tcase_add_test(tc, published_bidirectional_lstm);
    suite_add_tcase(suite, tc);
    return suite;
}

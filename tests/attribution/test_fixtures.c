/* Every method on networks of every cell, stacked and bidirectional, against numbers computed by
 * tests/fixtures/attribution.py. */
#include "tests/attribution/support.h"

typedef struct one_case {
    struct json_object *json;
    rud_network *network;
    rud_attribution *attribution;
    rud_attribution_input input;
    rud_attribution_options options;
    float *x;
    size_t count; /* T * D */
    char name[64];
} one_case;

static void copy_gate(struct json_object *gate, const char *name, size_t offset, size_t count,
                      float *parameters)
{
    struct json_object *value = field(gate, name);
    ck_assert((value == NULL) == (offset == RUD_NOT_THERE));
    if (!value) return;
    float *from = floats(gate, name, count);
    memcpy(parameters + offset, from, count * sizeof *from);
    free(from);
}

static void copy_half(struct json_object *half, size_t layer, rud_direction direction,
                      rud_network *network)
{
    static const char *const names[RUD_GATES] = {"i", "f", "z", "o"};
    const rud_network_spec *spec = rud_network_specification(network);
    const size_t H = spec->hidden;
    size_t count;
    float *parameters = rud_network_parameters(network, &count);
    for (size_t g = 0; g < RUD_GATES; g++) {
        const rud_gate_parameters at =
            rud_network_half_gate(network, layer, direction, (rud_gate)g);
        if (!rud_gate_present(&spec->cell, (rud_gate)g)) continue;
        struct json_object *gate = field(half, names[g]);
        copy_gate(gate, "w", at.forward, H * rud_layer_inputs(spec, layer), parameters);
        copy_gate(gate, "u", at.recurrent, H * H, parameters);
        copy_gate(gate, "b", at.bias, H, parameters);
    }
}

static rud_network *read_network(struct json_object *json)
{
    const char *cell = json_object_get_string(field(json, "cell"));
    const rud_network_spec spec = {
        whole(json, "D"),       whole(json, "H"),
        whole(json, "layers"),  whole(json, "K"),
        *rud_cell_preset(cell), json_object_get_boolean(field(json, "bidirectional"))};
    const size_t directions = rud_directions(&spec);
    rud_network *network;
    size_t count;
    ck_assert_ok(rud_network_create(&spec, &network));
    for (size_t k = 0; k < spec.layers * directions; k++)
        copy_half(json_object_array_get_idx(field(json, "halves"), k), k / directions,
                  (rud_direction)(k % directions), network);
    float *parameters = rud_network_parameters(network, &count);
    copy_gate(json, "V", rud_network_head_weight(network), spec.outputs * rud_head_inputs(&spec),
              parameters);
    copy_gate(json, "b", rud_network_head_bias(network), spec.outputs, parameters);
    return network;
}

static one_case read_case(struct json_object *json)
{
    one_case c = {.json = json, .network = read_network(json)};
    const size_t T = whole(json, "T"), D = whole(json, "D");
    c.count = T * D;
    c.x = floats(json, "x", c.count);
    c.input = (rud_attribution_input){.network = c.network, .x = c.x, .T = T, .B = 1, .scale = 1.0};
    snprintf(c.name, sizeof c.name, "%s, layers %zu%s", json_object_get_string(field(json, "cell")),
             whole(json, "layers"),
             json_object_get_boolean(field(json, "bidirectional")) ? ", bidirectional" : "");
    ck_assert_ok(rud_attribution_create(&c.attribution));
    c.options = rud_attribution_options_default();
    c.options.output = whole(json, "output");
    return c;
}

static void set(one_case *c, const char *name, const char *value)
{
    ck_assert_ok(rud_attribution_set(&c->options, name, value));
}

static rud_attribution_result run(const one_case *c)
{
    rud_attribution_result result;
    ck_assert_ok(rud_attribution_run(c->attribution, &c->options, &c->input, &result));
    ck_assert_double_eq_tol(result.prediction[0], number(c->json, "y"), 1e-6);
    return result;
}

static void check_lrp(one_case *c)
{
    struct json_object *entries = field(c->json, "lrp");
    set(c, "method", "lrp");
    for (size_t k = 0; k < json_object_array_length(entries); k++) {
        struct json_object *entry = json_object_array_get_idx(entries, k);
        set(c, "rule", json_object_get_string(field(entry, "rule")));
        c->options.epsilon = number(entry, "epsilon");
        c->options.bias_factor = number(entry, "bias_factor");
        const rud_attribution_result result = run(c);
        check_floats(c->name, entry, "relevance", result.relevance, c->count, 1e-4);
        ck_assert_double_eq_tol(result.initial_relevance[0], number(entry, "initial"),
                                1e-4 * result.largest[0]);
        ck_assert_double_le(fabs(result.conservation_error[0]), 1e-5 * result.largest[0]);
    }
}

static void check_occlusion(one_case *c)
{
    struct json_object *json = field(c->json, "occlusion");
    set(c, "method", "occlusion");
    check_doubles(c->name, json, "step", run(c).step_relevance, c->input.T, 2e-5);
    set(c, "remove", "delete");
    check_doubles(c->name, json, "delete", run(c).step_relevance, c->input.T, 2e-5);
    set(c, "remove", "zero");
    set(c, "per", "feature");
    check_floats(c->name, json, "feature", run(c).relevance, c->count, 2e-5);
}

static void check_decomposition(one_case *c)
{
    struct json_object *entries = field(c->json, "decomposition");
    set(c, "method", "decomposition");
    for (size_t k = 0; k < json_object_array_length(entries); k++) {
        struct json_object *entry = json_object_array_get_idx(entries, k);
        const double relevant = number(entry, "relevant");
        c->options.steps_begin = whole(entry, "begin");
        c->options.steps_end = whole(entry, "end");
        const rud_attribution_result together = run(c);
        ck_assert_double_eq_tol(together.total[0], relevant, 1e-6);
        ck_assert_double_eq_tol(together.irrelevant[0], number(entry, "irrelevant"), 1e-6);
        ck_assert_double_le(fabs(together.conservation_error[0]), 1e-6);
        set(c, "steps", "each");
        const rud_attribution_result each = run(c);
        ck_assert_double_nan(each.conservation_error[0]);
        if (whole(entry, "end") == whole(entry, "begin") + 1)
            ck_assert_double_eq_tol(each.step_relevance[whole(entry, "begin")], relevant, 1e-6);
    }
}

START_TEST(every_method_on_every_cell)
{
    struct json_object *json = json_object_from_file("tests/fixtures/attribution.json");
    ck_assert_msg(json != NULL, "%s", json_util_get_last_err());
    one_case c = read_case(json_object_array_get_idx(field(json, "cases"), (size_t)_i));
    set(&c, "method", "gradient");
    check_floats(c.name, c.json, "gradient", run(&c).relevance, c.count, 1e-5);
    set(&c, "method", "integrated-gradients");
    set(&c, "quadrature", "gauss-legendre");
    set(&c, "nodes", "8");
    check_floats(c.name, c.json, "integrated_gradients", run(&c).relevance, c.count, 1e-5);
    check_lrp(&c);
    check_occlusion(&c);
    check_decomposition(&c);
    rud_network_free(&c.network);
    rud_attribution_free(&c.attribution);
    free(c.x);
    json_object_put(json);
}
END_TEST

Suite *test_suite(void)
{
    enum { CASES = 12 };
    Suite *suite = suite_create("attribution/fixtures");
    TCase *tc = tcase_create("fixtures");
    tcase_add_loop_test(tc, every_method_on_every_cell, 0, CASES);
    suite_add_tcase(suite, tc);
    return suite;
}

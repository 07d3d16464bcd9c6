/* The network and its reference against numbers that others computed: PyTorch (committed under
 * tests/fixtures with the script that made them) and the reference vectors beside the repository.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "nn/network_file.h"
#include "nn/reference.h"
#include "tests/nn/networks.h"

static struct json_object *field(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;
    ck_assert_msg(json_object_object_get_ex(object, name, &found), "no field %s", name);
    return found;
}

static size_t whole(struct json_object *object, const char *name)
{
    return (size_t)json_object_get_int64(field(object, name));
}

static size_t count_numbers(struct json_object *value)
{
    if (!json_object_is_type(value, json_type_array)) return 1;
    size_t count = 0;
    for (size_t k = 0; k < json_object_array_length(value); k++)
        count += count_numbers(json_object_array_get_idx(value, k));
    return count;
}

static double *fill(struct json_object *value, double *to)
{
    if (!json_object_is_type(value, json_type_array)) {
        *to = json_object_get_double(value);
        return to + 1;
    }
    for (size_t k = 0; k < json_object_array_length(value); k++)
        to = fill(json_object_array_get_idx(value, k), to);
    return to;
}

/* All numbers of a nested list in order; the caller frees. A null is 0. */
static double *numbers(struct json_object *object, const char *name, size_t count)
{
    struct json_object *value = field(object, name);
    ck_assert_uint_eq(count_numbers(value), count);
    double *all = calloc(count, sizeof *all);
    fill(value, all);
    return all;
}

static float *to_floats(const double *from, size_t count)
{
    float *all = malloc(count * sizeof *all);
    for (size_t k = 0; k < count; k++) all[k] = (float)from[k];
    return all;
}

/* One episode through network and reference. */
typedef struct passes {
    rud_network *network;
    rud_activations *activations;
    size_t T, D, K, count;
    double *parameters, *x, *y, *gradients, *dx;    /* the reference's */
    float *single_x, *single_gradients, *single_dx; /* the network's */
} passes;

/* Takes the network. */
static passes run_forward(rud_network *network, struct json_object *x_of, size_t T)
{
    const rud_network_spec *spec = rud_network_specification(network);
    passes p = {.network = network, .T = T, .D = spec->inputs, .K = spec->outputs};
    const float *parameters = rud_network_parameters(network, &p.count);
    p.parameters = to_doubles(parameters, p.count);
    p.x = numbers(x_of, "x", T * p.D);
    p.single_x = to_floats(p.x, T * p.D);
    p.y = calloc(T * p.K, sizeof *p.y);
    p.gradients = calloc(p.count, sizeof *p.gradients);
    p.dx = calloc(T * p.D, sizeof *p.dx);
    p.single_gradients = calloc(p.count, sizeof *p.single_gradients);
    p.single_dx = calloc(T * p.D, sizeof *p.single_dx);
    ck_assert_ok(rud_activations_create(&p.activations));
    ck_assert_ok(rud_network_forward(network, p.single_x, NULL, T, 1, p.activations));
    ck_assert_ok(rud_reference_forward(network, p.parameters, p.x, T, p.y));
    return p;
}

static void run_backward(passes *p, const double *dy)
{
    float *single_dy = to_floats(dy, p->T * p->K);
    ck_assert_ok(rud_network_backward(p->network, p->activations, single_dy, p->single_gradients,
                                      p->single_dx));
    ck_assert_ok(
        rud_reference_backward(p->network, p->parameters, p->x, p->T, dy, p->gradients, p->dx));
    free(single_dy);
}

static void free_passes(passes *p)
{
    rud_network_free(&p->network);
    rud_activations_free(&p->activations);
    free(p->parameters), free(p->x), free(p->y), free(p->gradients), free(p->dx);
    free(p->single_x), free(p->single_gradients), free(p->single_dx);
}

/* Network and reference against `count` expected numbers. */
static void check(const char *what, const double *expected, size_t count, const float *single,
                  double single_tolerance, const double *reference, double reference_tolerance)
{
    double largest = 1e-30, difference = 0.0;
    for (size_t k = 0; k < count; k++) {
        largest = fmax(largest, fabs(expected[k]));
        difference = fmax(difference, fabs(reference[k] - expected[k]));
    }
    ck_assert_msg(difference <= reference_tolerance * largest, "%s: reference is off by %g", what,
                  difference / largest);
    const double off = relative_difference(single, expected, count);
    ck_assert_msg(off <= single_tolerance, "%s: network is off by %g", what, off);
}

/* A gate's rows of PyTorch's tensors, [4H][width] or [4H], against gradients of our gates. */
static void check_gates(const passes *p, size_t layer, const char *name, const double *expected,
                        double reference_tolerance)
{
    const rud_network_spec *spec = rud_network_specification(p->network);
    const size_t H = spec->hidden, D = layer == 0 ? spec->inputs : H;
    const bool ih = strstr(name, "_ih"), bias = strstr(name, "b_") || strstr(name, "bias");
    const size_t size = bias ? H : H * (ih ? D : H);
    for (size_t g = 0; g < RUD_GATES; g++) {
        const rud_gate_parameters at = rud_network_gate(p->network, layer, (rud_gate)g);
        const size_t from = bias ? at.bias : ih ? at.forward : at.recurrent;
        double largest = 1e-30; /* of one gate alone it may be a tiny part of the whole */
        for (size_t k = 0; k < RUD_GATES * size; k++) largest = fmax(largest, fabs(expected[k]));
        for (size_t k = 0; k < size; k++) {
            const double wanted = expected[g * size + k];
            ck_assert_msg(fabs(p->gradients[from + k] - wanted) <= reference_tolerance * largest,
                          "%s: gate %zu, number %zu of the reference", name, g, k);
            ck_assert_msg(fabs((double)p->single_gradients[from + k] - wanted) <= 1e-5 * largest,
                          "%s: gate %zu, number %zu of the network", name, g, k);
        }
    }
}

START_TEST(stacked_lstm_of_pytorch)
{
    struct json_object *fixture = json_object_from_file("tests/fixtures/torch_lstm.json");
    ck_assert_ptr_nonnull(fixture);
    rud_tensor_file file;
    rud_network *network;
    ck_assert_ok(rud_tensor_file_read("tests/fixtures/torch_lstm.safetensors", &file));
    ck_assert_str_eq(rud_tensor_file_metadata(&file, "rudder.cell"), "lstm");
    ck_assert_ok(rud_network_from_tensors(&file, rud_cell_preset("lstm"), &network));
    const size_t T = whole(fixture, "T"), K = whole(fixture, "K"), D = whole(fixture, "D");
    const size_t H = whole(fixture, "H"), L = whole(fixture, "L");
    ck_assert_uint_eq(rud_network_specification(network)->layers, L);
    passes p = run_forward(network, fixture, T);
    double *y = numbers(fixture, "y", T * K), *target = numbers(fixture, "target", T * K);
    check("y", y, T * K, rud_activations_outputs(p.activations), 1e-6, p.y, 1e-6);
    double *dy = calloc(T * K, sizeof *dy), *dx = numbers(fixture, "d_x", T * D);
    for (size_t k = 0; k < T * K; k++) dy[k] = p.y[k] - target[k];
    run_backward(&p, dy);
    check("d_x", dx, T * D, p.single_dx, 1e-5, p.dx, 1e-6);
    /* The two biases were added up in float32, hence the reference's tolerance. */
    struct json_object *gradients = field(fixture, "gradients");
    for (size_t l = 0; l < L; l++) {
        static const char *const parts[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
        for (size_t k = 0; k < 4; k++) {
            char name[64];
            snprintf(name, sizeof name, "lstm.%s_l%zu", parts[k], l);
            const size_t width = k > 1 ? 1 : k == 0 && l == 0 ? D : H;
            double *expected = numbers(gradients, name, 4 * H * width);
            check_gates(&p, l, name, expected, 1e-6);
            free(expected);
        }
    }
    double *dV = numbers(gradients, "head.weight", K * H);
    double *db = numbers(gradients, "head.bias", K);
    const size_t V = rud_network_head_weight(p.network), b = rud_network_head_bias(p.network);
    check("head.weight", dV, K * H, p.single_gradients + V, 1e-5, p.gradients + V, 1e-6);
    check("head.bias", db, K, p.single_gradients + b, 1e-5, p.gradients + b, 1e-6);
    free(y), free(target), free(dy), free(dx), free(dV), free(db);
    free_passes(&p);
    rud_tensor_file_free(&file);
    json_object_put(fixture);
}
END_TEST

/* Copies [4H][width] or [4H] into the gates' parameters, in double too. */
static void set_gates(rud_network *network, const double *from, size_t width, bool recurrent,
                      bool bias)
{
    size_t count;
    float *parameters = rud_network_parameters(network, &count);
    const size_t size = rud_network_specification(network)->hidden * width;
    for (size_t g = 0; g < RUD_GATES; g++) {
        const rud_gate_parameters at = rud_network_gate(network, 0, (rud_gate)g);
        const size_t to = bias ? at.bias : recurrent ? at.recurrent : at.forward;
        for (size_t k = 0; k < size; k++) parameters[to + k] = (float)from[g * size + k];
    }
}

static rud_network *network_of_case(struct json_object *c)
{
    const size_t D = whole(c, "D"), H = whole(c, "H");
    const rud_network_spec spec = {D, H, 1, 1, *rud_cell_preset("lstm"), false};
    struct json_object *weights = field(c, "weights");
    double *W = numbers(weights, "W_ih", 4 * H * D), *U = numbers(weights, "W_hh", 4 * H * H);
    double *b = numbers(weights, "b_ih", 4 * H), *b_hh = numbers(weights, "b_hh", 4 * H);
    double *V = numbers(weights, "w_out", H), *b_out = numbers(weights, "b_out", 1);
    rud_network *network;
    size_t count;
    ck_assert_ok(rud_network_create(&spec, &network));
    float *parameters = rud_network_parameters(network, &count);
    for (size_t k = 0; k < 4 * H; k++) b[k] += b_hh[k];
    set_gates(network, W, D, false, false);
    set_gates(network, U, H, true, false);
    set_gates(network, b, 1, false, true);
    for (size_t k = 0; k < H; k++) parameters[rud_network_head_weight(network) + k] = (float)V[k];
    parameters[rud_network_head_bias(network)] = (float)*b_out;
    free(W), free(U), free(b), free(b_hh), free(V), free(b_out);
    return network;
}

/* What the network stored of a layer, one episode, against [T][H] and [T][4H]. */
static void check_layer(const passes *p, struct json_object *forward)
{
    const size_t T = p->T, H = rud_network_specification(p->network)->hidden;
    const rud_layer_view view = rud_activations_layer(p->activations, 0);
    double *h = numbers(forward, "h", T * H), *c = numbers(forward, "c", T * H);
    double *gates = numbers(forward, "gates_post", T * 4 * H);
    ck_assert_double_lt(relative_difference(view.h, h, T * H), 1e-5);
    ck_assert_double_lt(relative_difference(view.c, c, T * H), 1e-5);
    for (size_t t = 0; t < T; t++)
        for (size_t g = 0; g < RUD_GATES; g++)
            for (size_t j = 0; j < H; j++)
                ck_assert_double_eq_tol((double)view.gate[g][t * view.gate_stride + j],
                                        gates[(t * 4 + g) * H + j], 1e-5);
    free(h), free(c), free(gates);
}

/* Gradients of a loss whose derivative by y is dy. */
static void check_loss(passes *p, const double *dy, struct json_object *loss)
{
    const size_t T = p->T, D = p->D, H = rud_network_specification(p->network)->hidden;
    static const char *const names[] = {"d_W_ih", "d_W_hh", "d_b_ih", "d_b_hh"};
    const size_t widths[] = {D, H, 1, 1};
    run_backward(p, dy);
    for (size_t k = 0; k < 4; k++) {
        double *expected = numbers(loss, names[k], 4 * H * widths[k]);
        check_gates(p, 0, names[k], expected, 2e-6); /* the weights were rounded to float32 */
        free(expected);
    }
    const size_t V = rud_network_head_weight(p->network);
    const size_t b = rud_network_head_bias(p->network);
    double *dx = numbers(loss, "d_x", T * D), *dV = numbers(loss, "d_w_out", H);
    double *db = numbers(loss, "d_b_out", 1);
    check("d_x", dx, T * D, p->single_dx, 1e-5, p->dx, 2e-6);
    check("d_w_out", dV, H, p->single_gradients + V, 1e-5, p->gradients + V, 2e-6);
    if (json_object_is_type(field(loss, "d_b_out"), json_type_double))
        check("d_b_out", db, 1, p->single_gradients + b, 1e-5, p->gradients + b, 2e-6);
    free(dx), free(dV), free(db);
}

static void check_case(struct json_object *c)
{
    const size_t T = whole(c, "T");
    struct json_object *forward = field(c, "forward");
    passes p = run_forward(network_of_case(c), c, T);
    double *y = numbers(forward, "y_all", T), *dy = calloc(T, sizeof *dy);
    check("y", y, T, rud_activations_outputs(p.activations), 1e-5, p.y, 2e-6);
    check_layer(&p, forward);
    struct json_object *last = field(c, "loss_last_step"), *all = field(c, "loss_all_steps_mean");
    double *target = numbers(last, "target", 1), *targets = numbers(all, "targets", T);
    dy[T - 1] = y[T - 1] - *target;
    check_loss(&p, dy, last);
    for (size_t t = 0; t < T; t++) dy[t] = (y[t] - targets[t]) / (double)T;
    check_loss(&p, dy, all);
    free(y), free(dy), free(target), free(targets);
    free_passes(&p);
}

START_TEST(reference_vectors)
{
    const char *path = test_shared("vectors/uni_lstm.json");
    if (!path) return;
    struct json_object *file = json_object_from_file(path);
    ck_assert_ptr_nonnull(file);
    struct json_object *cases = field(file, "cases");
    ck_assert_uint_gt(json_object_array_length(cases), 0);
    for (size_t k = 0; k < json_object_array_length(cases); k++)
        check_case(json_object_array_get_idx(cases, k));
    json_object_put(file);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("nn/vectors");
    TCase *tcase = tcase_create("vectors");
    tcase_add_test(tcase, stacked_lstm_of_pytorch);
    tcase_add_test(tcase, reference_vectors);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* Networks as tensors with PyTorch's names. */
#include "nn/network_file.h"

#include <stdio.h>
#include <string.h>

#include "tests/nn/networks.h"

enum { CELLS = 4 + 8, D = 3, H = 2, L = 2, K = 5 };

static rud_network *some_network(const rud_cell *cell)
{
    const rud_network_spec spec = {D, H, L, K, *cell, false};
    rud_rng rng = rud_rng_stream(1, "test network file", 0);
    return random_network(&spec, &rng);
}

static void check_shape(const rud_tensor_file *file, const char *name, size_t rows, size_t columns)
{
    const rud_tensor *tensor = rud_tensor_file_find(file, name);
    ck_assert_msg(tensor != NULL, "%s is missing", name);
    ck_assert_uint_eq(tensor->rank, columns ? 2 : 1);
    ck_assert_uint_eq(tensor->shape[0], rows);
    if (columns) ck_assert_uint_eq(tensor->shape[1], columns);
}

/* Gate g's rows of a tensor hold `parameters`, or zeros where the connection is absent. */
static void check_rows(const rud_tensor_file *file, const char *name, size_t g,
                       const rud_network *network, size_t offset, size_t size)
{
    size_t count;
    const float *parameters = rud_network_parameters_const(network, &count);
    const float *rows = rud_tensor_file_find(file, name)->data + g * size;
    for (size_t k = 0; k < size; k++)
        ck_assert(rows[k] == (offset == RUD_NOT_THERE ? 0.0f : parameters[offset + k]));
}

START_TEST(names_and_layout_are_pytorchs)
{
    const rud_cell cell = cell_number((size_t)_i);
    rud_network *network = some_network(&cell);
    rud_tensor_file file = {0};
    ck_assert_ok(rud_network_to_tensors(network, &file));
    ck_assert_uint_eq(file.tensor_count, 4 * L + 2);
    check_shape(&file, "lstm.weight_ih_l0", 4 * H, D);
    check_shape(&file, "lstm.weight_hh_l0", 4 * H, H);
    check_shape(&file, "lstm.bias_ih_l0", 4 * H, 0);
    check_shape(&file, "lstm.bias_hh_l0", 4 * H, 0);
    check_shape(&file, "lstm.weight_ih_l1", 4 * H, H);
    check_shape(&file, "head.weight", K, H);
    check_shape(&file, "head.bias", K, 0);
    for (size_t g = 0; g < RUD_GATES; g++) { /* i, f, g, o */
        const rud_gate_parameters first = rud_network_gate(network, 0, (rud_gate)g);
        const rud_gate_parameters second = rud_network_gate(network, 1, (rud_gate)g);
        check_rows(&file, "lstm.weight_ih_l0", g, network, first.forward, H * D);
        check_rows(&file, "lstm.weight_hh_l0", g, network, first.recurrent, H * H);
        check_rows(&file, "lstm.bias_ih_l0", g, network, first.bias, H);
        check_rows(&file, "lstm.bias_hh_l0", g, network, RUD_NOT_THERE, H);
        check_rows(&file, "lstm.weight_ih_l1", g, network, second.forward, H * H);
    }
    check_rows(&file, "head.weight", 0, network, rud_network_head_weight(network), K * H);
    check_rows(&file, "head.bias", 0, network, rud_network_head_bias(network), K);
    rud_tensor_file_free(&file);
    rud_network_free(&network);
}
END_TEST

START_TEST(a_file_gives_the_same_network)
{
    const rud_cell cell = cell_number((size_t)_i);
    rud_network *network = some_network(&cell), *read;
    rud_tensor_file out = {0}, in;
    char path[4096];
    size_t count, read_count;
    snprintf(path, sizeof path, "%s/model.safetensors", test_folder());
    ck_assert_ok(rud_network_to_tensors(network, &out));
    ck_assert_ok(rud_tensor_file_write(&out, path));
    ck_assert_ok(rud_tensor_file_read(path, &in));
    ck_assert_ok(rud_network_from_tensors(&in, &cell, &read));
    const float *parameters = rud_network_parameters(network, &count);
    const float *read_parameters = rud_network_parameters(read, &read_count);
    const rud_network_spec *spec = rud_network_specification(read);
    ck_assert(spec->inputs == D && spec->hidden == H && spec->layers == L && spec->outputs == K);
    ck_assert_str_eq(spec->cell.name, cell.name);
    ck_assert_uint_eq(read_count, count);
    ck_assert_mem_eq(read_parameters, parameters, count * sizeof *parameters);
    rud_tensor_file_free(&out);
    rud_tensor_file_free(&in);
    rud_network_free(&network);
    rud_network_free(&read);
}
END_TEST

START_TEST(the_two_biases_are_added_up)
{
    rud_network *network = some_network(rud_cell_preset("lstm")), *read;
    rud_tensor_file file = {0};
    size_t count;
    ck_assert_ok(rud_network_to_tensors(network, &file));
    float *ih = rud_tensor_file_find(&file, "lstm.bias_ih_l1")->data;
    float *hh = rud_tensor_file_find(&file, "lstm.bias_hh_l1")->data;
    for (size_t k = 0; k < 4 * H; k++) ih[k] = 10.0f, hh[k] = (float)k;
    ck_assert_ok(rud_network_from_tensors(&file, rud_cell_preset("lstm"), &read));
    const float *parameters = rud_network_parameters(read, &count);
    for (size_t g = 0; g < RUD_GATES; g++)
        for (size_t j = 0; j < H; j++)
            ck_assert(parameters[rud_network_gate(read, 1, (rud_gate)g).bias + j] ==
                      10.0f + (float)(g * H + j));
    rud_tensor_file_free(&file);
    rud_network_free(&network);
    rud_network_free(&read);
}
END_TEST

/* A sound file of the cell `rudder` in which one tensor is left out, put in or given anew. */
static void check_refused(const char *left_out, const char *put_in, const size_t *shape,
                          size_t rank, const char *message)
{
    static const float zeros[1000];
    rud_network *network = some_network(rud_cell_preset("rudder")), *read;
    rud_tensor_file whole = {0}, file = {0};
    ck_assert_ok(rud_network_to_tensors(network, &whole));
    for (size_t k = 0; k < whole.tensor_count; k++) {
        const rud_tensor *t = &whole.tensors[k];
        if (strcmp(t->name, left_out) != 0)
            ck_assert_ok(rud_tensor_file_add(&file, t->name, t->shape, t->rank, t->data));
    }
    if (put_in) ck_assert_ok(rud_tensor_file_add(&file, put_in, shape, rank, zeros));
    ck_assert_int_eq(rud_network_from_tensors(&file, rud_cell_preset("rudder"), &read),
                     RUD_EFORMAT);
    ck_assert_ptr_null(read);
    ck_assert_msg(strstr(rud_last_error(), message) != NULL, "\"%s\" is not in \"%s\"", message,
                  rud_last_error());
    rud_tensor_file_free(&whole);
    rud_tensor_file_free(&file);
    rud_network_free(&network);
}

START_TEST(missing_tensors_are_named)
{
    static const char *const names[] = {"lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0",
                                        "lstm.bias_hh_l1",   "head.weight",       "head.bias"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        char message[100];
        snprintf(message, sizeof message, "tensor %s is missing", names[k]);
        check_refused(names[k], NULL, NULL, 0, message);
    }
}
END_TEST

START_TEST(wrong_shapes_are_named)
{
    check_refused("lstm.weight_hh_l0", "lstm.weight_hh_l0", (size_t[]){8, 3}, 2,
                  "tensor lstm.weight_hh_l0 must have the shape [8][2]; it has [8][3]");
    check_refused("lstm.weight_ih_l0", "lstm.weight_ih_l0", (size_t[]){7, 3}, 2, "it has [7][3]");
    check_refused("lstm.weight_ih_l0", "lstm.weight_ih_l0", (size_t[]){8, 0}, 2, "it has [8][0]");
    check_refused("lstm.weight_ih_l0", "lstm.weight_ih_l0", NULL, 0, "a single number");
    check_refused("lstm.weight_ih_l1", "lstm.weight_ih_l1", (size_t[]){8, 2, 1}, 3,
                  "must have the shape [8][2]; it has [8][2][1]");
    check_refused("lstm.bias_ih_l0", "lstm.bias_ih_l0", (size_t[]){8, 1}, 2,
                  "must have the shape [8]; it has [8][1]");
    check_refused("head.weight", "head.weight", (size_t[]){5, 4}, 2,
                  "tensor head.weight must have the shape [K][2]; it has [5][4]");
    check_refused("head.bias", "head.bias", (size_t[]){4}, 1, "must have the shape [5]");
}
END_TEST

START_TEST(tensors_of_another_lstm_are_named)
{
    check_refused("", "lstm.weight_ih_l0_reverse", (size_t[]){8, 3}, 2,
                  "tensor lstm.weight_ih_l0_reverse does not belong");
    check_refused("", "lstm.bias_ih_l7", (size_t[]){8}, 1, "tensor lstm.bias_ih_l7");
}
END_TEST

START_TEST(absent_connections_must_be_zero)
{
    rud_network *network = some_network(rud_cell_preset("lstm")), *read;
    rud_tensor_file file = {0};
    ck_assert_ok(rud_network_to_tensors(network, &file));
    ck_assert_int_eq(rud_network_from_tensors(&file, rud_cell_preset("lstm1997"), &read),
                     RUD_EFORMAT);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "lstm.weight_ih_l0"));
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "row 2")); /* the first of the forget gate */
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "lstm1997"));
    rud_tensor_file_free(&file);
    rud_network_free(&network);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("nn/network_file");
    TCase *tcase = tcase_create("network file");
    tcase_add_loop_test(tcase, names_and_layout_are_pytorchs, 0, CELLS);
    tcase_add_loop_test(tcase, a_file_gives_the_same_network, 0, CELLS);
    tcase_add_test(tcase, the_two_biases_are_added_up);
    tcase_add_test(tcase, missing_tensors_are_named);
    tcase_add_test(tcase, wrong_shapes_are_named);
    tcase_add_test(tcase, tensors_of_another_lstm_are_named);
    tcase_add_test(tcase, absent_connections_must_be_zero);
    suite_add_tcase(suite, tcase);
    return suite;
}

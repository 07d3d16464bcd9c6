/* LSTMs from names and shapes. */
#include <stdio.h>
#include <string.h>

#include "nn/foreign.h"
#include "nn/network_file.h"
#include "tests/nn/networks.h"

#define ck_assert_says(word)                                                                       \
    ck_assert_msg(strstr(rud_last_error(), word) != NULL, "message '%s' lacks '%s'",               \
                  rud_last_error(), word)

enum { D = 3, H = 4, K = 2 };

static rud_network *example(size_t layers, bool bidirectional)
{
    const rud_network_spec spec = {D, H, layers, K, *rud_cell_preset("lstm"), bidirectional};
    rud_rng rng = rud_rng_stream(layers, "test foreign", bidirectional);
    return random_network(&spec, &rng);
}

/* Adds a tensor of the shape, all 0.5; columns 0: of rank 1. */
static void add(rud_tensor_file *file, const char *name, size_t rows, size_t columns)
{
    const size_t shape[2] = {rows, columns}, count = rows * (columns > 0 ? columns : 1);
    float *data = malloc(count * sizeof *data);
    for (size_t k = 0; k < count; k++) data[k] = 0.5f;
    ck_assert_ok(rud_tensor_file_add(file, name, shape, columns > 0 ? 2 : 1, data));
    free(data);
}

/* The tensors of `from` under another prefix and head name. */
static rud_tensor_file renamed(const rud_tensor_file *from, const char *prefix, const char *head)
{
    rud_tensor_file to = {0};
    for (size_t k = 0; k < from->tensor_count; k++) {
        const rud_tensor *t = &from->tensors[k];
        const bool lstm = strncmp(t->name, "lstm.", 5) == 0;
        char name[128];
        snprintf(name, sizeof name, "%s%s", lstm ? prefix : head, t->name + (lstm ? 5 : 4));
        ck_assert_ok(rud_tensor_file_add(&to, name, t->shape, t->rank, t->data));
    }
    return to;
}

/* What is written is read back, under any prefix. */
START_TEST(names_and_shapes_say_it_all)
{
    static const char *const prefixes[] = {"lstm.", "", "model.encoder.rnn."};
    rud_network *network = example(1 + (size_t)_i % 2, _i >= 2), *read;
    rud_tensor_file file = {0};
    size_t count, read_count;
    ck_assert_ok(rud_network_to_tensors(network, &file));
    const float *expected = rud_network_parameters_const(network, &count);
    for (size_t k = 0; k < 3; k++) {
        rud_tensor_file other = renamed(&file, prefixes[k], "classifier.out");
        ck_assert_ok(rud_network_from_foreign(&other, NULL, &read));
        const rud_network_spec *spec = rud_network_specification(read);
        ck_assert_int_eq(spec->bidirectional, _i >= 2);
        const float *got = rud_network_parameters_const(read, &read_count);
        ck_assert_uint_eq(read_count, count);
        ck_assert_mem_eq(got, expected, count * sizeof *got);
        rud_network_free(&read);
        rud_tensor_file_free(&other);
    }
    rud_tensor_file_free(&file);
    rud_network_free(&network);
}
END_TEST

/* bias_ih and bias_hh add up; what lacks is 0. */
START_TEST(biases_may_lack)
{
    rud_network *read;
    rud_tensor_file file = {0};
    size_t count;
    add(&file, "rnn.weight_ih_l0", 4 * H, D);
    add(&file, "rnn.weight_hh_l0", 4 * H, H);
    add(&file, "out.weight", K, H);
    ck_assert_ok(rud_network_from_foreign(&file, NULL, &read));
    const float *p = rud_network_parameters_const(read, &count);
    ck_assert(p[rud_network_gate(read, 0, RUD_GATE_FORGET).bias] == 0.0f);
    ck_assert(p[rud_network_head_bias(read)] == 0.0f);
    rud_network_free(&read);
    add(&file, "rnn.bias_hh_l0", 4 * H, 0);
    add(&file, "out.bias", K, 0);
    ck_assert_ok(rud_network_from_foreign(&file, NULL, &read));
    p = rud_network_parameters_const(read, &count);
    ck_assert(p[rud_network_gate(read, 0, RUD_GATE_FORGET).bias] == 0.5f);
    ck_assert(p[rud_network_head_bias(read) + 1] == 0.5f);
    rud_network_free(&read);
    add(&file, "rnn.bias_ih_l0", 4 * H, 0);
    ck_assert_ok(rud_network_from_foreign(&file, NULL, &read));
    p = rud_network_parameters_const(read, &count);
    ck_assert(p[rud_network_gate(read, 0, RUD_GATE_OUTPUT).bias + H - 1] == 1.0f);
    rud_network_free(&read);
    rud_tensor_file_free(&file);
}
END_TEST

START_TEST(one_of_two_heads_is_named)
{
    rud_network *read;
    rud_tensor_file file = {0};
    add(&file, "weight_ih_l0", 4 * H, D);
    add(&file, "weight_hh_l0", 4 * H, H);
    add(&file, "policy.weight", 3, H);
    add(&file, "value.weight", 1, H);
    add(&file, "norm.weight", H, 0);
    add(&file, "other.weight", 2, H + 1);
    ck_assert_int_eq(rud_network_from_foreign(&file, NULL, &read), RUD_EFORMAT);
    ck_assert_ptr_null(read);
    ck_assert_says("policy.weight [3][4], value.weight [1][4]; choose one with --head");
    ck_assert_ok(rud_network_from_foreign(&file, "value", &read));
    ck_assert_uint_eq(rud_network_specification(read)->outputs, 1);
    rud_network_free(&read);
    ck_assert_ok(rud_network_from_foreign(&file, "policy.weight", &read));
    ck_assert_uint_eq(rud_network_specification(read)->outputs, 3);
    rud_network_free(&read);
    ck_assert_int_eq(rud_network_from_foreign(&file, "other", &read), RUD_EFORMAT);
    ck_assert_says(
        "other.weight must have the shape [outputs][4]; the file has other.weight [2][5]");
    ck_assert_int_eq(rud_network_from_foreign(&file, "nothing", &read), RUD_EFORMAT);
    ck_assert_says("no tensor nothing.weight");
    ck_assert_says("policy.weight [3][4]");
    rud_tensor_file_free(&file);
}
END_TEST

/* A file that is wrong in one place, and what the message says of it. */
typedef struct wrong {
    const char *says;
    struct {
        const char *name;
        size_t rows, columns;
    } tensors[6];
} wrong;

static const wrong wrongs[] = {
    {"there are: none", {{NULL, 0, 0}}},
    {"linear.weight [2][4]", {{"linear.weight", 2, 4}}},
    {"as in a GRU", {{"g.weight_ih_l0", 12, 3}, {"g.weight_hh_l0", 12, 4}, {"o.weight", 1, 4}}},
    {"simple RNN", {{"g.weight_ih_l0", 4, 3}, {"g.weight_hh_l0", 4, 4}, {"o.weight", 1, 4}}},
    {"l.weight_hh_l0 is missing", {{"l.weight_ih_l0", 16, 3}, {"o.weight", 1, 4}}},
    {"l.weight_ih_l0 must have the shape [16][inputs]",
     {{"l.weight_ih_l0", 12, 3}, {"l.weight_hh_l0", 16, 4}, {"o.weight", 1, 4}}},
    {"l.weight_ih_l0 must have the shape [8][inputs] beside l.weight_hh_l0 [8][2]; the file has "
     "l.weight_ih_l0 [16][3]",
     {{"l.weight_ih_l0", 16, 3}, {"l.weight_hh_l0", 8, 2}, {"o.weight", 1, 4}}},
    {"the shape [4H][H]", {{"l.weight_ih_l0", 16, 3}, {"l.weight_hh_l0", 15, 4}}},
    {"2 recurrent networks: a.weight_ih_l0 [16][3], b.weight_ih_l0 [16][3]",
     {{"a.weight_ih_l0", 16, 3}, {"b.weight_ih_l0", 16, 3}}},
    {"no head: it must end in .weight and have the shape [outputs][4]",
     {{"l.weight_ih_l0", 16, 3}, {"l.weight_hh_l0", 16, 4}, {"o.weight", 1, 8}}},
    {"o.weight [1][8]", {{"l.weight_ih_l0", 16, 3}, {"l.weight_hh_l0", 16, 4}, {"o.weight", 1, 8}}},
    {"the shape [outputs][8]",
     {{"l.weight_ih_l0", 16, 3},
      {"l.weight_hh_l0", 16, 4},
      {"l.weight_ih_l0_reverse", 16, 3},
      {"l.weight_hh_l0_reverse", 16, 4},
      {"o.weight", 1, 4}}},
    {"l.weight_hh_l1 is missing",
     {{"l.weight_ih_l0", 16, 3},
      {"l.weight_hh_l0", 16, 4},
      {"l.weight_ih_l1", 16, 4},
      {"o.weight", 1, 4}}},
    {"l.weight_ih_l1 must have the shape [16][4]; the file has l.weight_ih_l1 [16][5]",
     {{"l.weight_ih_l0", 16, 3},
      {"l.weight_hh_l0", 16, 4},
      {"l.weight_ih_l1", 16, 5},
      {"l.weight_hh_l1", 16, 4},
      {"o.weight", 1, 4}}},
    {"tensor l.weight_ih_l1 is missing",
     {{"l.weight_ih_l0", 16, 3},
      {"l.weight_hh_l0", 16, 4},
      {"l.weight_hh_l1", 16, 4},
      {"o.weight", 1, 4}}},
    {"tensor l.weight_ih_l0_reverse is missing",
     {{"l.weight_ih_l0", 16, 3},
      {"l.weight_hh_l0", 16, 4},
      {"l.weight_hh_l0_reverse", 16, 4},
      {"o.weight", 1, 8}}},
    /* what is wrong is the LSTM, whatever head there is */
    {"l.weight_ih_l1 must have the shape [16][4]; the file has l.weight_ih_l1 [16][5]",
     {{"l.weight_ih_l0", 16, 3},
      {"l.weight_hh_l0", 16, 4},
      {"l.weight_ih_l1", 16, 5},
      {"l.weight_hh_l1", 16, 4},
      {"o.weight", 1, 5}}},
    {"tensor l.weight_hr_l0: an LSTM with projections",
     {{"l.weight_ih_l0", 16, 3},
      {"l.weight_hh_l0", 16, 2},
      {"l.weight_hr_l0", 2, 4},
      {"o.weight", 1, 2}}},
    {"l.weight_xx_l0 does not belong to an LSTM of 1 layers in one direction",
     {{"l.weight_ih_l0", 16, 3},
      {"l.weight_hh_l0", 16, 4},
      {"l.weight_xx_l0", 2, 4},
      {"o.weight", 1, 4}}},
    {"l.bias_ih_l0 must have the shape [16]; the file has l.bias_ih_l0 [12]",
     {{"l.weight_ih_l0", 16, 3},
      {"l.weight_hh_l0", 16, 4},
      {"l.bias_ih_l0", 12, 0},
      {"o.weight", 1, 4}}},
    {"fc2.weight [1][6] could read what fc1.weight gives; a head is one layer. To explain what fc1 "
     "gives",
     {{"l.weight_ih_l0", 16, 3},
      {"l.weight_hh_l0", 16, 4},
      {"fc1.weight", 6, 4},
      {"fc2.weight", 1, 6}}},
    {"o.bias must have the shape [1]",
     {{"l.weight_ih_l0", 16, 3}, {"l.weight_hh_l0", 16, 4}, {"o.weight", 1, 4}, {"o.bias", 2, 0}}},
};

START_TEST(what_does_not_fit_is_named)
{
    const wrong *w = &wrongs[_i];
    rud_network *read;
    rud_tensor_file file = {0};
    for (size_t k = 0; k < 6 && w->tensors[k].name; k++)
        add(&file, w->tensors[k].name, w->tensors[k].rows, w->tensors[k].columns);
    ck_assert_int_eq(rud_network_from_foreign(&file, NULL, &read), RUD_EFORMAT);
    ck_assert_ptr_null(read);
    ck_assert_says(w->says);
    rud_tensor_file_free(&file);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("nn/foreign");
    TCase *tc = tcase_create("foreign");
    tcase_add_loop_test(tc, names_and_shapes_say_it_all, 0, 4);
    tcase_add_test(tc, biases_may_lack);
    tcase_add_test(tc, one_of_two_heads_is_named);
    tcase_add_loop_test(tc, what_does_not_fit_is_named, 0, sizeof wrongs / sizeof *wrongs);
    suite_add_tcase(suite, tc);
    return suite;
}

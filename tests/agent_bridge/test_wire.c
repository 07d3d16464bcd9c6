/* Messages as bytes: what is read of a stranger's, and what is written. */
#include <math.h>
#include <string.h>

#include "../harness.h"
#include "agent_bridge/values_private.h"

static rud_message read_back(const rud_packer *packer)
{
    rud_message message;
    ck_assert(!packer->failed);
    ck_assert_msg(rud_message_read(packer->buffer.data, packer->buffer.size, &message) == RUD_OK,
                  "%s", rud_last_error());
    return message;
}

/* Values of each dtype come back as the numbers they are; the bytes are little-endian. */
START_TEST(tensors_of_every_dtype_are_read)
{
    static const struct {
        const char *dtype, *data;
        size_t size;
        double first, second;
    } cases[] = {
        {"bool", "\x00\x01", 2, 0, 1},
        {"int8", "\xff\x7f", 2, -1, 127},
        {"int16", "\xfe\xff\x00\x01", 4, -2, 256},
        {"int32", "\xfd\xff\xff\xff\x00\x00\x01\x00", 8, -3, 65536},
        {"int64", "\xfc\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\1\0\0\0", 16, -4, 4294967296.0},
        {"uint8", "\xff\x80", 2, 255, 128},
        {"uint16", "\xff\xff\x01\x00", 4, 65535, 1},
        {"uint32", "\xff\xff\xff\xff\x02\0\0\0", 8, 4294967295.0, 2},
        {"uint64", "\0\0\0\0\0\0\0\x80\x03\0\0\0\0\0\0\0", 16, 9223372036854775808.0, 3},
        {"float32", "\0\0\xc0\x3f\0\0\0\xc0", 8, 1.5, -2},
        {"float64", "\0\0\0\0\0\0\xf8\x3f\0\0\0\0\0\0\xf0\x7f", 16, 1.5, INFINITY},
    };
    rud_packer packer;
    rud_problem problem = {0};
    rud_tensor_view view;
    double values[2];
    rud_packer_init(&packer);
    rud_pack_open(&packer);
    rud_pack_field_text(&packer, "dtype", cases[_i].dtype);
    rud_pack_key(&packer, "shape");
    rud_pack_array(&packer, 2);
    rud_pack_uint(&packer, 1);
    rud_pack_uint(&packer, 2);
    rud_pack_key(&packer, "data");
    rud_pack_bytes(&packer, cases[_i].data, cases[_i].size);
    rud_pack_close(&packer);
    rud_message message = read_back(&packer);
    ck_assert_int_eq(rud_wire_tensor((rud_wire_place){"", &problem}, "x", &message.root, &view),
                     RUD_OK);
    ck_assert_uint_eq(view.rank, 2);
    ck_assert_uint_eq(view.count, 2);
    rud_tensor_read(&view, values);
    ck_assert_double_eq(values[0], cases[_i].first);
    ck_assert_double_eq(values[1], cases[_i].second);
    rud_message_free(&message);
    rud_packer_free(&packer);
}
END_TEST

/* What is written is read as the same numbers, as tensors and as lists. */
START_TEST(tensors_come_back)
{
    static const double numbers[6] = {0, 1, 2, -3, 4, 5.5};
    const size_t shape[2] = {2, 3};
    const rud_dtype dtype = _i % 2 == 0 ? RUD_FLOAT64 : RUD_INT64;
    rud_packer packer;
    rud_problem problem = {0};
    rud_tensor_view view;
    double values[6];
    rud_packer_init(&packer);
    packer.lists = _i / 2 > 0;
    rud_pack_tensor(&packer, dtype, shape, 2, numbers);
    rud_message message = read_back(&packer);
    ck_assert_int_eq(rud_wire_tensor((rud_wire_place){"", &problem}, "x", &message.root, &view),
                     RUD_OK);
    ck_assert_int_eq(view.dtype, dtype);
    ck_assert_uint_eq(view.rank, 2);
    ck_assert_uint_eq(view.shape[0], 2);
    ck_assert_uint_eq(view.shape[1], 3);
    rud_tensor_read(&view, values);
    for (size_t k = 0; k < 6; k++) {
        ck_assert_double_eq(values[k], dtype == RUD_INT64 ? trunc(numbers[k]) : numbers[k]);
    }
    rud_message_free(&message);
    rud_packer_free(&packer);
}
END_TEST

/* Every prefix of a message, and every message with something behind it, is refused. */
START_TEST(only_whole_messages_are_read)
{
    rud_packer packer;
    rud_message message;
    char longer[256];
    rud_packer_init(&packer);
    rud_pack_open(&packer);
    rud_pack_field_text(&packer, "op", "submit");
    rud_pack_field_real(&packer, "mix", 0.5);
    rud_pack_field_row(&packer, "rewards", (const double[]){1, 2}, 2);
    rud_pack_close(&packer);
    for (size_t size = 0; size < packer.buffer.size; size++) {
        ck_assert_int_eq(rud_message_read(packer.buffer.data, size, &message), RUD_EFORMAT);
    }
    memcpy(longer, packer.buffer.data, packer.buffer.size);
    longer[packer.buffer.size] = '\x01';
    ck_assert_int_eq(rud_message_read(longer, packer.buffer.size + 1, &message), RUD_EFORMAT);
    message = read_back(&packer);
    ck_assert_ptr_nonnull(rud_wire_find(&message.root, "rewards"));
    rud_message_free(&message);
    rud_packer_free(&packer);
}
END_TEST

/* A short message that announces 4 billion values takes no memory for them. */
START_TEST(lengths_are_checked_before_memory_is_taken)
{
    static const char *const heads[] = {"\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff",
                                        "\xc6\xff\xff\xff\xff", "\xdb\xff\xff\xff\xff",
                                        "\xc9\xff\xff\xff\xff"};
    rud_message message;
    for (size_t k = 0; k < sizeof heads / sizeof heads[0]; k++) {
        char bytes[64] = {0};
        memcpy(bytes, heads[k], 5);
        ck_assert_int_eq(rud_message_read(bytes, sizeof bytes, &message), RUD_EFORMAT);
    }
}
END_TEST

/* The key depends on what makes a task, and on nothing else. */
START_TEST(a_specification_has_one_key)
{
    rud_task_spec spec = {.features = rud_features_options_default()};
    char key[RUD_TASK_KEY + 1], again[RUD_TASK_KEY + 1];
    ck_assert_int_eq(rud_space_discrete(5, &spec.observation.space), RUD_OK);
    ck_assert_int_eq(rud_task_key(&spec, key), RUD_OK);
    ck_assert_uint_eq(strlen(key), RUD_TASK_KEY);
    ck_assert_int_eq(rud_task_key(&spec, again), RUD_OK);
    ck_assert_str_eq(key, again);
    spec.seed = 1;
    ck_assert_int_eq(rud_task_key(&spec, again), RUD_OK);
    ck_assert_str_ne(key, again);
    spec.seed = 0;
    memcpy(spec.name, "x", 2);
    ck_assert_int_eq(rud_task_key(&spec, again), RUD_OK);
    ck_assert_str_ne(key, again);
    spec.name[0] = '\0';
    spec.features.final_observation = false;
    ck_assert_int_eq(rud_task_key(&spec, again), RUD_OK);
    ck_assert_str_ne(key, again);
    rud_task_spec_free(&spec);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("wire");
    TCase *tc = tcase_create("bytes");
    tcase_add_loop_test(tc, tensors_of_every_dtype_are_read, 0, 11);
    tcase_add_loop_test(tc, tensors_come_back, 0, 4);
    tcase_add_test(tc, only_whole_messages_are_read);
    tcase_add_test(tc, lengths_are_checked_before_memory_is_taken);
    tcase_add_test(tc, a_specification_has_one_key);
    suite_add_tcase(suite, tc);
    return suite;
}

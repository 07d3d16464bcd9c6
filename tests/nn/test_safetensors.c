/* safetensors files: written and read back, of every dtype, and broken in every way. */
#include "nn/safetensors.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "tests/nn/networks.h"

/* A file of this header and these bytes; view until the test ends. */
static const char *raw_file(const char *header, const void *bytes, size_t size)
{
    static char path[4096];
    unsigned char length[8] = {0};
    const size_t header_size = strlen(header);
    for (size_t k = 0; k < 8; k++) length[k] = (unsigned char)((uint64_t)header_size >> (8 * k));
    if (!path[0]) snprintf(path, sizeof path, "%s/raw.safetensors", test_folder());
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fwrite(length, 1, sizeof length, file);
    fwrite(header, 1, header_size, file);
    if (size > 0) fwrite(bytes, 1, size, file);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

/* Reading fails with this code and a message that names the file and holds `part`. */
static void check_refused(const char *path, rud_status code, const char *part)
{
    rud_tensor_file file;
    const rud_status status = rud_tensor_file_read(path, &file);
    ck_assert_msg(status == code, "%s: status %s instead of %s, message: %s", part,
                  rud_status_name(status), rud_status_name(code), rud_last_error());
    ck_assert_msg(strstr(rud_last_error(), part) != NULL, "\"%s\" is not in \"%s\"", part,
                  rud_last_error());
    ck_assert_ptr_nonnull(strstr(rud_last_error(), path));
    ck_assert_uint_eq(file.tensor_count, 0);
    ck_assert_ptr_null(file.tensors);
}

static void build(rud_tensor_file *file)
{
    static const float numbers[] = {0.1f, -0.0f, 1e-45f, 3.4e38f, -1.17549435e-38f, 7.0f};
    *file = (rud_tensor_file){0};
    ck_assert_ok(rud_tensor_file_add(file, "b", (size_t[]){2, 3}, 2, numbers));
    ck_assert_ok(
        rud_tensor_file_add(file, "a \"quoted\" / \xc3\xa9", (size_t[]){1, 2, 1, 2}, 4, numbers));
    ck_assert_ok(rud_tensor_file_add(file, "scalar", NULL, 0, numbers));
    ck_assert_ok(rud_tensor_file_add(file, "empty", (size_t[]){0, 5}, 2, NULL));
    ck_assert_ok(rud_tensor_file_add_metadata(file, "rudder.cell", "lstm"));
    ck_assert_ok(rud_tensor_file_add_metadata(file, "text", "{\"k\": [1, \"\xc3\xa9\"]}\n"));
}

static const char *written(const rud_tensor_file *file)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/model.safetensors", test_folder());
    ck_assert_ok(rud_tensor_file_write(file, path));
    return path;
}

START_TEST(a_round_trip_keeps_every_bit)
{
    rud_tensor_file out, in;
    build(&out);
    ck_assert_ok(rud_tensor_file_read(written(&out), &in));
    ck_assert_uint_eq(in.tensor_count, out.tensor_count);
    for (size_t k = 0; k < out.tensor_count; k++) {
        const rud_tensor *expected = &out.tensors[k];
        const rud_tensor *found = rud_tensor_file_find(&in, expected->name);
        ck_assert_ptr_nonnull(found);
        ck_assert_uint_eq(found->rank, expected->rank);
        ck_assert_uint_eq(found->count, expected->count);
        for (size_t d = 0; d < expected->rank; d++)
            ck_assert_uint_eq(found->shape[d], expected->shape[d]);
        if (expected->count > 0)
            ck_assert_mem_eq(found->data, expected->data, expected->count * sizeof(float));
    }
    ck_assert_uint_eq(in.metadata_count, 2);
    ck_assert_str_eq(rud_tensor_file_metadata(&in, "rudder.cell"), "lstm");
    ck_assert_str_eq(rud_tensor_file_metadata(&in, "text"), rud_tensor_file_metadata(&out, "text"));
    ck_assert_ptr_null(rud_tensor_file_find(&in, "c"));
    ck_assert_ptr_null(rud_tensor_file_metadata(&in, "c"));
    rud_tensor_file_free(&in);
    rud_tensor_file_free(&out);
    ck_assert_uint_eq(out.tensor_count, 0);
}
END_TEST

START_TEST(the_layout_is_that_of_the_format)
{
    rud_tensor_file out = {0};
    const float numbers[] = {1.0f, -2.0f, 0.5f};
    ck_assert_ok(rud_tensor_file_add(&out, "w", (size_t[]){1, 2}, 2, numbers));
    ck_assert_ok(rud_tensor_file_add(&out, "b", (size_t[]){1}, 1, numbers + 2));
    ck_assert_ok(rud_tensor_file_add_metadata(&out, "k", "v"));
    char *bytes;
    size_t size;
    ck_assert_ok(rud_file_read(written(&out), 1000, &bytes, &size));
    static const char header[] = "{\"__metadata__\":{\"k\":\"v\"},"
                                 "\"w\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},"
                                 "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}";
    const size_t length = (sizeof header - 1 + 7) / 8 * 8;
    ck_assert_uint_eq(size, 8 + length + 12);
    ck_assert_uint_eq((unsigned char)bytes[0], length);
    ck_assert_mem_eq(bytes + 1, "\0\0\0\0\0\0\0", 7);
    char *text = strndup(bytes + 8, length);
    ck_assert_uint_eq(strspn(text + sizeof header - 1, " "), length - sizeof header + 1);
    ck_assert_mem_eq(bytes + 8 + length, "\0\0\x80\x3f\0\0\0\xc0\0\0\0\x3f", 12);
    ck_assert(strstr(text, "\"w\":") != NULL && strstr(text, "\"b\":") > strstr(text, "\"w\":"));
    free(text);
    free(bytes);
    rud_tensor_file_free(&out);
}
END_TEST

/* One tensor of three numbers in each dtype, little-endian. */
START_TEST(every_dtype_is_converted)
{
    static const struct {
        const char *dtype;
        size_t size;
        unsigned char bytes[24];
        double expected[3];
    } cases[] = {
        {"F64", 8, {[7] = 0x40, [14] = 0xf0, [15] = 0xbf, [16] = 1}, {2.0, -1.0, 0.0}},
        {"F32", 4, {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0x20, 0x3e}, {1.0, -2.0, 0.15625}},
        {"F16", 2, {0x00, 0x3c, 0xff, 0xfb, 0x01, 0x00}, {1.0, -65504.0, 0x1p-24}},
        {"BF16", 2, {0x80, 0x3f, 0x40, 0xc0, 0x80, 0x00}, {1.0, -3.0, 0x1p-126}},
        {"I64",
         8,
         {[0] = 5, [8] = 0xfe, 255, 255, 255, 255, 255, 255, 255, [22] = 1},
         {5.0, -2.0, 0x1p48}},
        {"I32", 4, {5, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0x80}, {5.0, -1.0, -0x1p31}},
        {"I16", 2, {5, 0, 0xff, 0xff, 0xff, 0x7f}, {5.0, -1.0, 32767.0}},
        {"I8", 1, {5, 0xff, 0x80}, {5.0, -1.0, -128.0}},
        {"U8", 1, {5, 0xff, 0x80}, {5.0, 255.0, 128.0}},
        {"BOOL", 1, {0, 1, 1}, {0.0, 1.0, 1.0}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char header[200];
        rud_tensor_file file;
        snprintf(header, sizeof header,
                 "{\"t\":{\"dtype\":\"%s\",\"shape\":[3],\"data_offsets\":[0,%zu]}}  ",
                 cases[k].dtype, 3 * cases[k].size);
        ck_assert_ok(
            rud_tensor_file_read(raw_file(header, cases[k].bytes, 3 * cases[k].size), &file));
        for (size_t j = 0; j < 3; j++)
            ck_assert_msg((double)file.tensors[0].data[j] == cases[k].expected[j],
                          "%s: number %zu is %g", cases[k].dtype, j,
                          (double)file.tensors[0].data[j]);
        rud_tensor_file_free(&file);
    }
}
END_TEST

#define TENSOR(name, shape, offsets)                                                               \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

START_TEST(broken_headers_are_refused)
{
    static const struct {
        const char *header, *part;
    } cases[] = {
        {"", "not a JSON object"},
        {"x", "not a JSON object"},
        {"[]", "not a JSON object"},
        {"{\"t\":", "not a JSON object"},
        {"{} {}", "not a JSON object"},
        {"{\"t\":1}", "tensor t: its description must be an object"},
        {"{\"t\":{}}", "needs dtype, shape and data_offsets"},
        {"{\"t\":{\"dtype\":\"F32\",\"shape\":[1]}}", "needs dtype, shape and data_offsets"},
        {"{\"t\":{\"dtype\":\"F8\",\"shape\":[8],\"data_offsets\":[0,8]}}", "unknown dtype F8"},
        {"{\"t\":{\"dtype\":4,\"shape\":[8],\"data_offsets\":[0,8]}}", "dtype must be a string"},
        {"{" TENSOR("t", "3", "[0,8]") "}", "must be a list"},
        {"{" TENSOR("t", "[2.0]", "[0,8]") "}", "whole numbers"},
        {"{" TENSOR("t", "[-2]", "[0,8]") "}", "whole numbers"},
        {"{" TENSOR("t", "[\"2\"]", "[0,8]") "}", "whole numbers"},
        {"{" TENSOR("t", "[1,1,1,1,2]", "[0,8]") "}", "5 dimensions"},
        {"{" TENSOR("t", "[4294967296,4294967296]", "[0,8]") "}", "larger than any file"},
        {"{" TENSOR("t", "[18446744073709551615]", "[0,8]") "}", "larger than any file"},
        {"{" TENSOR("t", "[99999999999999999999999]", "[0,8]") "}", "larger than any file"},
        {"{" TENSOR("t", "[1152921504606846976,0,16]", "[0,8]") "}", "data_offsets give 8"},
        {"{" TENSOR("t", "[2305843009213693951]", "[0,9223372036854775804]") "}", "truncated"},
        {"{" TENSOR("t", "[3]", "[0,8]") "}", "its shape takes 12 bytes as F32"},
        {"{" TENSOR("t", "[3]", "[0,12]") "}", "ends at byte 12"},
        {"{" TENSOR("t", "[2]", "[8,0]") "}", "two whole numbers in order"},
        {"{" TENSOR("t", "[2]", "[0]") "}", "two whole numbers in order"},
        {"{" TENSOR("t", "[2]", "[0,8,9]") "}", "two whole numbers in order"},
        {"{" TENSOR("t", "[2]", "[-8,0]") "}", "two whole numbers in order"},
        {"{" TENSOR("t", "[2]", "8") "}", "two whole numbers in order"},
        {"{" TENSOR("t", "[1]", "[0,4]") "," TENSOR("u", "[1]", "[2,6]") "}", "overlap"},
        {"{" TENSOR("t", "[2]", "[0,8]") "," TENSOR("u", "[2]", "[0,8]") "}", "overlap"},
        {"{" TENSOR("t", "[1]", "[4,8]") "}", "bytes 0 to 4 belong to no tensor"},
        {"{" TENSOR("t", "[1]", "[0,4]") "}", "4 bytes behind the last tensor"},
        {"{}", "8 bytes behind the last tensor"},
        {"{\"__metadata__\":[]," TENSOR("t", "[2]", "[0,8]") "}", "__metadata__ must be"},
        {"{\"__metadata__\":{\"k\":1}," TENSOR("t", "[2]", "[0,8]") "}", "k must be a string"},
        {"{\"__metadata__\":{\"k\":NaN}," TENSOR("t", "[2]", "[0,8]") "}", "k must be a string"},
        {"{\"t\":[[[[[[[[[[[[]]]]]]]]]]]]}", "not a JSON object"},
        {"{\"\xff\":"
         "1}",
         "not a JSON object"},
    };
    const unsigned char bytes[8] = {0};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        check_refused(raw_file(cases[k].header, bytes, sizeof bytes), RUD_EFORMAT, cases[k].part);
}
END_TEST

START_TEST(numbers_that_are_none_are_named)
{
    static const char header[] =
        "{" TENSOR("a", "[1]", "[0,4]") "," TENSOR("t", "[2]", "[4,12]") "}";
    static const unsigned char bad[][4] = {
        {0, 0, 0xc0, 0x7f}, {1, 0, 0x80, 0xff}, {0, 0, 0x80, 0x7f}, {0, 0, 0x80, 0xff}};
    for (size_t k = 0; k < 4; k++) {
        unsigned char bytes[12] = {0};
        memcpy(bytes + 8, bad[k], 4);
        check_refused(raw_file(header, bytes, sizeof bytes), RUD_ENONFINITE,
                      "tensor t: number 1 is");
    }
    const double large = 1e300;
    check_refused(raw_file("{\"t\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]}}",
                           &large, sizeof large),
                  RUD_ENONFINITE, "too large for float32");
}
END_TEST

START_TEST(oversized_headers_are_refused)
{
    const char *folder = test_folder();
    char path[4096];
    static const unsigned char lengths[][8] = {{0x01, 0xe1, 0xf5, 0x05},
                                               {255, 255, 255, 255, 255, 255, 255, 255},
                                               {0, 0, 0, 0, 0, 0, 0, 0x80}};
    snprintf(path, sizeof path, "%s/large", folder);
    for (size_t k = 0; k < 3; k++) {
        ck_assert_ok(rud_file_write(path, lengths[k], 8));
        check_refused(path, RUD_EFORMAT, "more than the limit");
    }
    const unsigned char beyond[12] = {5};
    ck_assert_ok(rud_file_write(path, beyond, sizeof beyond));
    check_refused(path, RUD_EFORMAT, "truncated");
}
END_TEST

START_TEST(a_file_cut_anywhere_is_refused)
{
    rud_tensor_file out, in;
    char *bytes, path[4096];
    size_t size;
    build(&out);
    ck_assert_ok(rud_file_read(written(&out), 10000, &bytes, &size));
    snprintf(path, sizeof path, "%s/cut", test_folder());
    for (size_t length = 0; length < size; length++) {
        FILE *file = fopen(path, "wb");
        fwrite(bytes, 1, length, file);
        fclose(file);
        ck_assert_int_eq(rud_tensor_file_read(path, &in), RUD_EFORMAT);
        ck_assert_uint_gt(strlen(rud_last_error()), strlen(path) + 2);
    }
    free(bytes);
    rud_tensor_file_free(&out);
}
END_TEST

/* Whatever one byte is changed to: an error or a file that can be freed, nothing worse. */
START_TEST(a_changed_byte_does_no_harm)
{
    static const unsigned char changes[] = {0x01, 0xff};
    rud_tensor_file out, in;
    char *bytes, path[4096];
    size_t size, refused = 0;
    build(&out);
    ck_assert_ok(rud_file_read(written(&out), 10000, &bytes, &size));
    snprintf(path, sizeof path, "%s/changed", test_folder());
    for (size_t k = 0; k < size * sizeof changes; k++) {
        const size_t place = k / sizeof changes;
        bytes[place] = (char)(bytes[place] ^ changes[k % sizeof changes]);
        FILE *file = fopen(path, "wb");
        fwrite(bytes, 1, size, file);
        fclose(file);
        refused += rud_tensor_file_read(path, &in) != RUD_OK;
        rud_tensor_file_free(&in);
        bytes[place] = (char)(bytes[place] ^ changes[k % sizeof changes]);
    }
    ck_assert_uint_gt(refused, size);
    free(bytes);
    rud_tensor_file_free(&out);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    const char *folder = test_folder();
    char path[4096];
    check_refused(folder, RUD_EIO, "regular file");
    snprintf(path, sizeof path, "%s/absent", folder);
    check_refused(path, RUD_EIO, "cannot read");
}
END_TEST

START_TEST(writing_refuses_what_could_not_be_read)
{
    rud_tensor_file out = {0};
    const float numbers[] = {1.0f, NAN};
    const size_t shape[5] = {2, 1, 1, 1, 1}, huge[2] = {SIZE_MAX / 8, 16};
    char path[4096];
    snprintf(path, sizeof path, "%s/model", test_folder());
    ck_assert_ok(rud_tensor_file_add(&out, "t", shape, 1, numbers));
    ck_assert_int_eq(rud_tensor_file_add(&out, "t", shape, 1, numbers), RUD_EINVAL);
    ck_assert_int_eq(rud_tensor_file_add(&out, "__metadata__", shape, 1, numbers), RUD_EINVAL);
    ck_assert_int_eq(rud_tensor_file_add(&out, "u", shape, 5, numbers), RUD_EINVAL);
    ck_assert_int_eq(rud_tensor_file_add(&out, "u", huge, 2, numbers), RUD_ENOMEM);
    ck_assert_ok(rud_tensor_file_add_metadata(&out, "k", "v"));
    ck_assert_int_eq(rud_tensor_file_add_metadata(&out, "k", "w"), RUD_EINVAL);
    ck_assert_int_eq(rud_tensor_file_write(&out, path), RUD_ENONFINITE);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "tensor t: number 1"));
    ck_assert(!rud_file_exists(path));
    out.tensors[0].data[1] = 0.0f;
    snprintf(path, sizeof path, "%s/absent/model", test_folder());
    ck_assert_int_eq(rud_tensor_file_write(&out, path), RUD_EIO);
    rud_tensor_file_free(&out);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("nn/safetensors");
    TCase *sound = tcase_create("sound");
    tcase_add_test(sound, a_round_trip_keeps_every_bit);
    tcase_add_test(sound, the_layout_is_that_of_the_format);
    tcase_add_test(sound, every_dtype_is_converted);
    TCase *broken = tcase_create("broken");
    tcase_add_test(broken, broken_headers_are_refused);
    tcase_add_test(broken, numbers_that_are_none_are_named);
    tcase_add_test(broken, oversized_headers_are_refused);
    tcase_add_test(broken, a_file_cut_anywhere_is_refused);
    tcase_add_test(broken, a_changed_byte_does_no_harm);
    tcase_add_test(broken, what_is_no_file_is_refused);
    tcase_add_test(broken, writing_refuses_what_could_not_be_read);
    suite_add_tcase(suite, sound);
    suite_add_tcase(suite, broken);
    return suite;
}

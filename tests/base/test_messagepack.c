#include <msgpack.h>
#include <string.h>

#include "base/messagepack.h"
#include "base/rng.h"
#include "tests/harness.h"

#define BYTES(...) (const unsigned char[]){__VA_ARGS__}, sizeof((unsigned char[]){__VA_ARGS__})

/* A random object by the library's own packer. */
static void pack_random(msgpack_packer *packer, rud_rng *rng, int depth)
{
    static const char text[70000];
    const size_t length = (size_t[]){0, 3, 31, 40, 300, 66000}[rud_rng_below(rng, 6)];
    const uint64_t bits = rud_rng_u64(rng) >> rud_rng_below(rng, 64);
    const size_t count = rud_rng_below(rng, 20);
    switch (rud_rng_below(rng, depth > 0 ? 10 : 8)) {
    case 0:
        msgpack_pack_nil(packer);
        break;
    case 1:
        msgpack_pack_true(packer);
        break;
    case 2:
        msgpack_pack_uint64(packer, bits);
        break;
    case 3:
        msgpack_pack_int64(packer, -(int64_t)(bits >> 1));
        break;
    case 4:
        msgpack_pack_double(packer, 1.5);
        break;
    case 5:
        msgpack_pack_float(packer, 1.5f);
        break;
    case 6:
        msgpack_pack_str_with_body(packer, text, length);
        break;
    case 7:
        msgpack_pack_bin_with_body(packer, text, length);
        break;
    case 8:
        msgpack_pack_array(packer, count);
        for (size_t k = 0; k < count; k++) pack_random(packer, rng, depth - 1);
        break;
    default:
        msgpack_pack_map(packer, count);
        for (size_t k = 0; k < 2 * count; k++) pack_random(packer, rng, depth - 1);
    }
}

START_TEST(what_the_library_packs_is_accepted_and_no_part_of_it)
{
    rud_rng rng = rud_rng_stream(1, "test", (uint64_t)_i);
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    pack_random(&packer, &rng, 3);
    ck_assert_int_eq(rud_messagepack_check(buffer.data, buffer.size, 3), RUD_OK);
    for (size_t k = 0; k < 20; k++) {
        const size_t size = rud_rng_below(&rng, buffer.size);
        ck_assert_int_eq(rud_messagepack_check(buffer.data, size, 3), RUD_EFORMAT);
    }
    msgpack_pack_nil(&packer);
    ck_assert_int_eq(rud_messagepack_check(buffer.data, buffer.size, 3), RUD_EFORMAT);
    msgpack_sbuffer_destroy(&buffer);
}
END_TEST

/* Each is the whole head of an object that claims more than follows. */
START_TEST(claims_beyond_the_end_are_refused)
{
    const struct {
        const unsigned char *bytes;
        size_t size;
    } cases[] = {
        {BYTES(0xDD, 0xFF, 0xFF, 0xFF, 0xFF)},
        {BYTES(0xDF, 0xFF, 0xFF, 0xFF, 0xFF)},
        {BYTES(0xDF, 0x80, 0x00, 0x00, 0x00, 0xC0)},
        {BYTES(0xC6, 0xFF, 0xFF, 0xFF, 0xFF)},
        {BYTES(0xDB, 0xFF, 0xFF, 0xFF, 0xFF)},
        {BYTES(0xC9, 0xFF, 0xFF, 0xFF, 0xFF)},
        {BYTES(0x81, 0xC0)},
        {BYTES(0x92, 0x91, 0xC0)},
        {BYTES(0xD9, 0x02, 'a')},
        {BYTES(0xCF, 1, 2, 3)},
        {BYTES(0xD8, 0, 1)},
        {BYTES(0xDC, 0x00)},
    };
    ck_assert_int_eq(rud_messagepack_check(cases[_i].bytes, cases[_i].size, 8), RUD_EFORMAT);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "beyond the end"));
}
END_TEST

START_TEST(depth_is_limited)
{
    unsigned char bytes[100000];
    memset(bytes, 0x91, sizeof bytes); /* arrays of one item, each in the other */
    for (size_t depth = 1; depth <= RUD_MESSAGEPACK_DEPTH_MAX; depth++) {
        bytes[depth] = 0xC0;
        ck_assert_int_eq(rud_messagepack_check(bytes, depth + 1, depth), RUD_OK);
        ck_assert_int_eq(rud_messagepack_check(bytes, depth + 1, depth - 1), RUD_EFORMAT);
        bytes[depth] = 0x91;
    }
    ck_assert_int_eq(rud_messagepack_check(bytes, sizeof bytes, SIZE_MAX), RUD_EFORMAT);
}
END_TEST

START_TEST(the_byte_that_is_no_object_is_refused)
{
    ck_assert_int_eq(rud_messagepack_check(BYTES(0x92, 0x01, 0xC1), 8), RUD_EFORMAT);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "byte 2"));
    ck_assert_int_eq(rud_messagepack_check("", 0, 8), RUD_EFORMAT);
}
END_TEST

/* The value of a key is found also where what stands behind it is broken, cut off or too deep. */
START_TEST(a_key_is_found_before_what_is_broken)
{
    static const char whole[] = "\x82\xa1x\x92\x01\x91\xa1y\xa2id\xcd\x01\x02";
    char deep[4096] = "\x82\xa2id\x07\xa1x", behind[4096] = "\x82\xa1x";
    size_t at = 0, length = 0;
    const size_t size = sizeof whole - 1;
    ck_assert_int_eq(rud_messagepack_find(whole, size, "id", &at, &length), RUD_OK);
    ck_assert_uint_eq(at, 11);
    ck_assert_uint_eq(length, 3);
    for (size_t cut = 0; cut < size; cut++) {
        ck_assert_int_eq(rud_messagepack_find(whole, cut, "id", &at, &length), RUD_EFORMAT);
    }
    ck_assert_int_eq(rud_messagepack_find(whole, size, "y", &at, &length), RUD_EFORMAT);
    ck_assert_int_eq(rud_messagepack_find(whole, size, "i", &at, &length), RUD_EFORMAT);
    memset(deep + 7, 0x91, 4000); /* and never closed */
    ck_assert_int_eq(rud_messagepack_find(deep, 4007, "id", &at, &length), RUD_OK);
    ck_assert_uint_eq(at, 4);
    ck_assert_uint_eq(length, 1);
    memset(behind + 3, 0x91, 4000);
    memcpy(behind + 4003, "\x01\xa2id\x07", 5);
    ck_assert_int_eq(rud_messagepack_find(behind, 4008, "id", &at, &length), RUD_OK);
    ck_assert_uint_eq(at, 4007);
    ck_assert_int_eq(rud_messagepack_find("\x92\xa2id\x07", 5, "id", &at, &length), RUD_EFORMAT);
    ck_assert_int_eq(rud_messagepack_find("", 0, "id", &at, &length), RUD_EFORMAT);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("base/messagepack");
    TCase *tests = tcase_create("messagepack");
    tcase_add_loop_test(tests, what_the_library_packs_is_accepted_and_no_part_of_it, 0, 200);
    tcase_add_loop_test(tests, claims_beyond_the_end_are_refused, 0, 12);
    tcase_add_test(tests, depth_is_limited);
    tcase_add_test(tests, the_byte_that_is_no_object_is_refused);
    tcase_add_test(tests, a_key_is_found_before_what_is_broken);
    suite_add_tcase(suite, tests);
    return suite;
}

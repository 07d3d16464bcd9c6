#include <string.h>

#include "base/rng.h"
#include "episodes/crc32c_private.h"
#include "tests/harness.h"

/* RFC 3720, appendix B.4, and the check value of the catalogue of CRC algorithms. */
START_TEST(known_vectors)
{
    unsigned char bytes[32];
    uint32_t (*const checksums[])(const void *, size_t) = {rud_crc32c, rud_crc32c_table};
    uint32_t (*const checksum)(const void *, size_t) = checksums[_i];
    ck_assert_uint_eq(checksum("", 0), 0);
    ck_assert_uint_eq(checksum("123456789", 9), 0xE3069283);
    memset(bytes, 0, sizeof bytes);
    ck_assert_uint_eq(checksum(bytes, 32), 0x8A9136AA);
    memset(bytes, 0xFF, sizeof bytes);
    ck_assert_uint_eq(checksum(bytes, 32), 0x62A8AB43);
    for (int k = 0; k < 32; k++) bytes[k] = (unsigned char)k;
    ck_assert_uint_eq(checksum(bytes, 32), 0x46DD794E);
    for (int k = 0; k < 32; k++) bytes[k] = (unsigned char)(31 - k);
    ck_assert_uint_eq(checksum(bytes, 32), 0x113FDB5C);
}
END_TEST

START_TEST(both_ways_agree_at_every_length_and_alignment)
{
    unsigned char bytes[100];
    rud_rng rng = rud_rng_stream(1, "test", 0);
    for (size_t k = 0; k < sizeof bytes; k++) bytes[k] = (unsigned char)rud_rng_u32(&rng);
    for (size_t begin = 0; begin < 9; begin++)
        for (size_t size = 0; begin + size <= sizeof bytes; size++)
            ck_assert_uint_eq(rud_crc32c(bytes + begin, size),
                              rud_crc32c_table(bytes + begin, size));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("episodes/crc32c");
    TCase *tests = tcase_create("crc32c");
    tcase_add_loop_test(tests, known_vectors, 0, 2);
    tcase_add_test(tests, both_ways_agree_at_every_length_and_alignment);
    suite_add_tcase(suite, tests);
    return suite;
}

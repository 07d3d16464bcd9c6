#include <pthread.h>
#include <string.h>

#include "episodes/crc32c_private.h"

/* x^32 + x^28 + ... + 1, bits reversed (RFC 3720, appendix B.4). */
static const uint32_t polynomial = 0x82F63B78;

static uint32_t table[256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void fill_table(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t rest = byte;
        for (int bit = 0; bit < 8; bit++) rest = rest >> 1 ^ (rest & 1 ? polynomial : 0);
        table[byte] = rest;
    }
}

uint32_t rud_crc32c_table(const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint32_t crc = UINT32_MAX;
    pthread_once(&table_once, fill_table);
    for (size_t k = 0; k < size; k++) crc = crc >> 8 ^ table[(crc ^ at[k]) & 0xFF];
    return ~crc;
}

#ifdef __x86_64__
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t by_instruction(const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint64_t crc = UINT32_MAX;
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        crc = _mm_crc32_u64(crc, word);
    }
    for (; size > 0; size--, at++) crc = _mm_crc32_u8((uint32_t)crc, *at);
    return ~(uint32_t)crc;
}

uint32_t rud_crc32c(const void *bytes, size_t size)
{
    return __builtin_cpu_supports("sse4.2") ? by_instruction(bytes, size)
                                            : rud_crc32c_table(bytes, size);
}
#else
uint32_t rud_crc32c(const void *bytes, size_t size)
{
    return rud_crc32c_table(bytes, size);
}
#endif

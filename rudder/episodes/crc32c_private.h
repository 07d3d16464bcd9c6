/* CRC-32C (Castagnoli): the checksum of iSCSI (RFC 3720) and ext4. */
#ifndef RUD_EPISODES_CRC32C_PRIVATE_H
#define RUD_EPISODES_CRC32C_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of bytes[size]; by the processor's own instruction where it has one. */
uint32_t rud_crc32c(const void *bytes, size_t size);

/* The same by a table, on any processor. */
uint32_t rud_crc32c_table(const void *bytes, size_t size);

#endif

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"

rud_status rud_file_crc32(const char *path, uint32_t *crc)
{
    unsigned char bytes[1 << 16];
    size_t length;
    FILE *file = fopen(path, "rb");
    if (file == NULL) return rud_error(RUD_EIO, "%s: %s", path, strerror(errno));
    uLong sum = crc32(0, Z_NULL, 0);
    while ((length = fread(bytes, 1, sizeof bytes, file)) > 0)
        sum = crc32(sum, bytes, (uInt)length);
    const int failure = ferror(file) ? errno : 0;
    fclose(file);
    if (failure != 0) return rud_error(RUD_EIO, "%s: %s", path, strerror(failure));
    *crc = (uint32_t)sum;
    return RUD_OK;
}

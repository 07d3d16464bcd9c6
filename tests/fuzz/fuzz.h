/* What the fuzz targets share: bytes as a file. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#define _GNU_SOURCE /* memfd_create */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* libFuzzer calls this. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

typedef struct fuzz_path {
    char text[64];
} fuzz_path;

/* A file in memory that holds the bytes; close(descriptor) removes it. */
static inline fuzz_path fuzz_file(const uint8_t *bytes, size_t size, int *descriptor)
{
    fuzz_path path;
    *descriptor = memfd_create("fuzz", MFD_CLOEXEC);
    if (*descriptor < 0 || write(*descriptor, bytes, size) != (ssize_t)size) abort();
    snprintf(path.text, sizeof path.text, "/proc/self/fd/%d", *descriptor);
    return path;
}

#endif

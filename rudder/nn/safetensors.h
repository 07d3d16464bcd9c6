/* safetensors files: named tensors with text metadata, read with every size checked against the
 * file before memory is taken. */
#ifndef RUD_NN_SAFETENSORS_H
#define RUD_NN_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { RUD_TENSOR_RANK = 4 };

/* A tensor of a file; float16, bfloat16 and float64 are converted to float32 by reading. */
typedef struct rud_tensor {
    char *name;
    size_t rank;
    size_t shape[RUD_TENSOR_RANK];
    size_t count; /* product of the shape */
    float *data;  /* [count] */
} rud_tensor;

typedef struct rud_tensor_file {
    rud_tensor *tensors;
    size_t tensor_count;
    char **metadata;       /* key, value, key, value ... */
    size_t metadata_count; /* pairs */
} rud_tensor_file;

/* Reads the file. RUD_EIO; RUD_EFORMAT (truncated, oversized header, offsets that overlap or lie
 * outside, a shape that does not fit its bytes, unknown dtype); RUD_ENONFINITE (names the tensor
 * and index). Caller frees by rud_tensor_file_free. */
rud_status rud_tensor_file_read(const char *path, rud_tensor_file *file);
void rud_tensor_file_free(rud_tensor_file *file);

/* NULL if there is none of that name. Views into the file. */
const rud_tensor *rud_tensor_file_find(const rud_tensor_file *file, const char *name);
const char *rud_tensor_file_metadata(const rud_tensor_file *file, const char *key);

/* For building a file to write: copies what it is given. */
rud_status rud_tensor_file_add(rud_tensor_file *file, const char *name, const size_t *shape,
                               size_t rank, const float *data);
rud_status rud_tensor_file_add_metadata(rud_tensor_file *file, const char *key, const char *value);

/* Writes float32, atomically; tensors in the order they were added. */
rud_status rud_tensor_file_write(const rud_tensor_file *file, const char *path);

#ifdef __cplusplus
}
#endif
#endif

/* The tensors of a safetensors file in memory. */
#include "nn/safetensors.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void rud_tensor_file_free(rud_tensor_file *file)
{
    for (size_t k = 0; k < file->tensor_count; k++) {
        free(file->tensors[k].name);
        free(file->tensors[k].data);
    }
    for (size_t k = 0; k < 2 * file->metadata_count; k++) free(file->metadata[k]);
    free(file->tensors);
    free(file->metadata);
    *file = (rud_tensor_file){0};
}

const rud_tensor *rud_tensor_file_find(const rud_tensor_file *file, const char *name)
{
    for (size_t k = 0; k < file->tensor_count; k++)
        if (strcmp(file->tensors[k].name, name) == 0) return &file->tensors[k];
    return NULL;
}

const char *rud_tensor_file_metadata(const rud_tensor_file *file, const char *key)
{
    for (size_t k = 0; k < file->metadata_count; k++)
        if (strcmp(file->metadata[2 * k], key) == 0) return file->metadata[2 * k + 1];
    return NULL;
}

/* Fills in a tensor but for its data. */
static rud_status describe(rud_tensor *tensor, const char *name, const size_t *shape, size_t rank)
{
    if (rank > RUD_TENSOR_RANK)
        return rud_error(RUD_EINVAL, "tensor %s: %zu dimensions; at most %d are allowed", name,
                         rank, RUD_TENSOR_RANK);
    *tensor = (rud_tensor){.rank = rank, .count = 1};
    for (size_t k = 0; k < rank; k++) {
        tensor->shape[k] = shape[k];
        if (shape[k] != 0 && tensor->count > SIZE_MAX / sizeof(float) / shape[k])
            return rud_error(RUD_ENOMEM, "tensor %s: its shape does not fit memory", name);
        tensor->count *= shape[k];
    }
    return RUD_OK;
}

rud_status rud_tensor_file_add(rud_tensor_file *file, const char *name, const size_t *shape,
                               size_t rank, const float *data)
{
    rud_tensor tensor;
    if (strcmp(name, "__metadata__") == 0 || rud_tensor_file_find(file, name))
        return rud_error(RUD_EINVAL, "tensor %s: this name is taken; choose another", name);
    RUD_TRY(describe(&tensor, name, shape, rank));
    rud_tensor *grown = realloc(file->tensors, (file->tensor_count + 1) * sizeof *file->tensors);
    if (grown) file->tensors = grown;
    tensor.name = strdup(name);
    tensor.data = malloc(tensor.count > 0 ? tensor.count * sizeof *tensor.data : 1);
    if (!grown || !tensor.name || !tensor.data) {
        free(tensor.name);
        free(tensor.data);
        return rud_error(RUD_ENOMEM, "tensor %s: no memory for %zu numbers", name, tensor.count);
    }
    if (tensor.count > 0) memcpy(tensor.data, data, tensor.count * sizeof *data);
    file->tensors[file->tensor_count++] = tensor;
    return RUD_OK;
}

rud_status rud_tensor_file_add_metadata(rud_tensor_file *file, const char *key, const char *value)
{
    if (rud_tensor_file_metadata(file, key))
        return rud_error(RUD_EINVAL, "metadata %s: this key is taken; choose another", key);
    char **grown = realloc(file->metadata, 2 * (file->metadata_count + 1) * sizeof *file->metadata);
    if (grown) file->metadata = grown;
    char *own_key = strdup(key), *own_value = strdup(value);
    if (!grown || !own_key || !own_value) {
        free(own_key);
        free(own_value);
        return rud_error(RUD_ENOMEM, "metadata %s: no memory", key);
    }
    file->metadata[2 * file->metadata_count] = own_key;
    file->metadata[2 * file->metadata_count + 1] = own_value;
    file->metadata_count++;
    return RUD_OK;
}

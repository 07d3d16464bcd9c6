/* Writing safetensors files. */
#include "nn/safetensors.h"

#include <json-c/json.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

static rud_status no_memory(const char *path)
{
    return rud_error(RUD_ENOMEM, "%s: no memory for the header", path);
}

/* {"dtype", "shape", "data_offsets"}; NULL without memory. */
static json_object *tensor_entry(const rud_tensor *tensor, uint64_t offset)
{
    json_object *entry = json_object_new_object();
    json_object *shape = json_object_new_array(), *offsets = json_object_new_array();
    bool done = entry && shape && offsets;
    for (size_t k = 0; done && k < tensor->rank; k++)
        done = rud_json_push_count(shape, tensor->shape[k]);
    done = done && rud_json_push_count(offsets, offset) &&
           rud_json_push_count(offsets, offset + tensor->count * sizeof *tensor->data) &&
           rud_json_put_text(entry, "dtype", "F32");
    if (done && rud_json_put(entry, "shape", json_object_get(shape)) &&
        rud_json_put(entry, "data_offsets", json_object_get(offsets))) {
        json_object_put(shape);
        json_object_put(offsets);
        return entry;
    }
    json_object_put(shape);
    json_object_put(offsets);
    json_object_put(entry);
    return NULL;
}

static bool fill_header(const rud_tensor_file *file, json_object *header)
{
    if (file->metadata_count > 0) {
        json_object *metadata = json_object_new_object();
        bool done = metadata != NULL;
        for (size_t k = 0; done && k < file->metadata_count; k++)
            done = rud_json_put_text(metadata, file->metadata[2 * k], file->metadata[2 * k + 1]);
        if (!done) {
            json_object_put(metadata);
            return false;
        }
        if (!rud_json_put(header, "__metadata__", metadata)) return false;
    }
    uint64_t offset = 0;
    for (size_t k = 0; k < file->tensor_count; k++) {
        const rud_tensor *tensor = &file->tensors[k];
        if (!rud_json_put(header, tensor->name, tensor_entry(tensor, offset))) return false;
        offset += tensor->count * sizeof *tensor->data;
    }
    return true;
}

static void little_endian(uint64_t value, size_t size, unsigned char *bytes)
{
    for (size_t k = 0; k < size; k++) bytes[k] = (unsigned char)(value >> (8 * k));
}

/* Failed writes show when the file is committed. */
static void write_header(const char *text, size_t length, FILE *stream)
{
    const size_t padded = (length + 7) / 8 * 8; /* so that the numbers are aligned */
    unsigned char bytes[8];
    little_endian(padded, sizeof bytes, bytes);
    fwrite(bytes, 1, sizeof bytes, stream);
    fwrite(text, 1, length, stream);
    for (size_t k = length; k < padded; k++) fputc(' ', stream);
}

static void write_tensor(const rud_tensor *tensor, FILE *stream)
{
    for (size_t k = 0; k < tensor->count; k++) {
        uint32_t bits;
        unsigned char bytes[4];
        memcpy(&bits, &tensor->data[k], sizeof bits);
        little_endian(bits, sizeof bytes, bytes);
        fwrite(bytes, 1, sizeof bytes, stream);
    }
}

static rud_status check_finite(const rud_tensor_file *file, const char *path)
{
    for (size_t k = 0; k < file->tensor_count; k++)
        for (size_t j = 0; j < file->tensors[k].count; j++)
            if (!isfinite(file->tensors[k].data[j]))
                return rud_error(RUD_ENONFINITE, "%s: tensor %s: number %zu is %g; not written",
                                 path, file->tensors[k].name, j, (double)file->tensors[k].data[j]);
    return RUD_OK;
}

static rud_status write_all(const rud_tensor_file *file, const char *text, size_t length,
                            const char *path)
{
    rud_atomic_file out;
    RUD_TRY(rud_atomic_file_open(path, &out));
    write_header(text, length, out.stream);
    for (size_t k = 0; k < file->tensor_count; k++) write_tensor(&file->tensors[k], out.stream);
    return rud_atomic_file_commit(&out);
}

rud_status rud_tensor_file_write(const rud_tensor_file *file, const char *path)
{
    RUD_TRY(check_finite(file, path));
    json_object *header = json_object_new_object();
    if (!header) return no_memory(path);
    size_t length = 0;
    const char *text = NULL;
    if (fill_header(file, header))
        text = json_object_to_json_string_length(
            header, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    const rud_status status = text ? write_all(file, text, length, path) : no_memory(path);
    json_object_put(header);
    return status;
}

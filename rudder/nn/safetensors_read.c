/* Reading safetensors files. The header is checked against the size of the file before memory for
 * tensors is taken. */
#include "nn/safetensors.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LENGTH_BYTES = 8, HEADER_LIMIT = 100000000, HEADER_DEPTH = 8, CHUNK = 4096 };

/* How a number of a file becomes a float. */
typedef struct dtype {
    const char *name;
    size_t size; /* bytes */
    double (*value)(uint64_t bits);
} dtype;

/* An entry of the header. */
typedef struct entry {
    const char *name; /* view into the JSON */
    const dtype *type;
    size_t shape[RUD_TENSOR_RANK];
    size_t rank, count;
    uint64_t begin, end; /* bytes, behind the header */
} entry;

static double float64_value(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double float32_value(uint64_t bits)
{
    const uint32_t low = (uint32_t)bits;
    float value;
    memcpy(&value, &low, sizeof value);
    return (double)value;
}

static double bfloat16_value(uint64_t bits)
{
    return float32_value(bits << 16);
}

/* IEEE 754 binary16: sign, 5 bits of exponent, 10 of fraction. */
static double float16_value(uint64_t bits)
{
    const int exponent = (int)(bits >> 10 & 31);
    const double fraction = (double)(bits & 1023), sign = bits >> 15 & 1 ? -1.0 : 1.0;
    if (exponent == 31) return bits & 1023 ? (double)NAN : sign * (double)INFINITY;
    if (exponent == 0) return sign * ldexp(fraction, -24);
    return sign * ldexp(1024.0 + fraction, exponent - 25);
}

static double int64_value(uint64_t bits)
{
    return bits >> 63 ? -1.0 - (double)~bits : (double)bits;
}

static double int32_value(uint64_t bits)
{
    return (double)bits - (bits >> 31 & 1 ? 0x1p32 : 0.0);
}

static double int16_value(uint64_t bits)
{
    return (double)bits - (bits >> 15 & 1 ? 0x1p16 : 0.0);
}

static double int8_value(uint64_t bits)
{
    return (double)bits - (bits >> 7 & 1 ? 0x1p8 : 0.0);
}

static double unsigned_value(uint64_t bits)
{
    return (double)bits;
}

static double bool_value(uint64_t bits)
{
    return bits ? 1.0 : 0.0;
}

static const dtype dtypes[] = {
    {"F64", 8, float64_value},   {"F32", 4, float32_value}, {"F16", 2, float16_value},
    {"BF16", 2, bfloat16_value}, {"I64", 8, int64_value},   {"I32", 4, int32_value},
    {"I16", 2, int16_value},     {"I8", 1, int8_value},     {"U8", 1, unsigned_value},
    {"BOOL", 1, bool_value},
};

static uint64_t little_endian(const unsigned char *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t k = 0; k < size; k++) value |= (uint64_t)bytes[k] << (8 * k);
    return value;
}

static rud_status read_failed(FILE *stream)
{
    if (ferror(stream)) return rud_error(RUD_EIO, "cannot read: %s", strerror(errno));
    return rud_error(RUD_EFORMAT, "the file ends too early; it was changed while it was read");
}

static rud_status entry_error(const entry *e, const char *what)
{
    return rud_error(RUD_EFORMAT, "tensor %s: %s", e->name, what);
}

/* A whole number >= 0 in JSON. */
static bool whole_number(struct json_object *value, uint64_t *number)
{
    if (!json_object_is_type(value, json_type_int)) return false;
    if (json_object_get_int64(value) < 0) return false;
    *number = json_object_get_uint64(value);
    return true;
}

static rud_status parse_shape(struct json_object *shape, entry *e)
{
    if (!json_object_is_type(shape, json_type_array))
        return entry_error(e, "its shape must be a list of numbers");
    e->rank = json_object_array_length(shape);
    if (e->rank > RUD_TENSOR_RANK)
        return rud_error(RUD_EFORMAT, "tensor %s: it has %zu dimensions; at most %d are allowed",
                         e->name, e->rank, RUD_TENSOR_RANK);
    e->count = 1;
    for (size_t k = 0; k < e->rank; k++) {
        uint64_t size;
        if (!whole_number(json_object_array_get_idx(shape, k), &size))
            return entry_error(e, "its shape must be whole numbers, 0 or more");
        if (size > SIZE_MAX / 8 || (size != 0 && e->count > SIZE_MAX / 8 / size))
            return entry_error(e, "its shape is larger than any file");
        e->shape[k] = (size_t)size;
        e->count *= (size_t)size;
    }
    return RUD_OK;
}

static rud_status parse_offsets(struct json_object *offsets, entry *e)
{
    if (!json_object_is_type(offsets, json_type_array) || json_object_array_length(offsets) != 2 ||
        !whole_number(json_object_array_get_idx(offsets, 0), &e->begin) ||
        !whole_number(json_object_array_get_idx(offsets, 1), &e->end) || e->begin > e->end)
        return entry_error(e, "its data_offsets must be two whole numbers in order");
    if (e->end - e->begin != (uint64_t)e->count * e->type->size)
        return rud_error(RUD_EFORMAT,
                         "tensor %s: its shape takes %" PRIu64 " bytes as %s; its data_offsets "
                         "give %" PRIu64,
                         e->name, (uint64_t)e->count * e->type->size, e->type->name,
                         e->end - e->begin);
    return RUD_OK;
}

static rud_status parse_dtype(struct json_object *name, entry *e)
{
    if (!json_object_is_type(name, json_type_string))
        return entry_error(e, "its dtype must be a string");
    const char *text = json_object_get_string(name);
    for (size_t k = 0; k < sizeof dtypes / sizeof *dtypes; k++)
        if (strcmp(dtypes[k].name, text) == 0) e->type = &dtypes[k];
    if (e->type) return RUD_OK;
    return rud_error(RUD_EFORMAT,
                     "tensor %s: unknown dtype %s; known are F64 F32 F16 BF16 I64 I32 I16 I8 U8 "
                     "BOOL",
                     e->name, text);
}

static rud_status parse_entry(const char *name, struct json_object *value, entry *e)
{
    struct json_object *type = NULL, *shape = NULL, *offsets = NULL;
    *e = (entry){.name = name};
    if (!json_object_is_type(value, json_type_object))
        return entry_error(e, "its description must be an object");
    if (!json_object_object_get_ex(value, "dtype", &type) ||
        !json_object_object_get_ex(value, "shape", &shape) ||
        !json_object_object_get_ex(value, "data_offsets", &offsets))
        return entry_error(e, "its description needs dtype, shape and data_offsets");
    RUD_TRY(parse_dtype(type, e));
    RUD_TRY(parse_shape(shape, e));
    return parse_offsets(offsets, e);
}

static rud_status parse_metadata(struct json_object *object, rud_tensor_file *file)
{
    if (!json_object_is_type(object, json_type_object))
        return rud_error(RUD_EFORMAT, "__metadata__ must be an object");
    json_object_object_foreach(object, key, value)
    {
        if (!json_object_is_type(value, json_type_string))
            return rud_error(RUD_EFORMAT, "__metadata__: %s must be a string", key);
        RUD_TRY(rud_tensor_file_add_metadata(file, key, json_object_get_string(value)));
    }
    return RUD_OK;
}

static int by_place(const void *left, const void *right)
{
    const entry *a = left, *b = right;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    return (a->end > b->end) - (a->end < b->end);
}

/* The tensors must fill the bytes behind the header, one behind the other. */
static rud_status check_places(entry *entries, size_t count, uint64_t bytes)
{
    uint64_t next = 0;
    qsort(entries, count, sizeof *entries, by_place);
    for (size_t k = 0; k < count; k++) {
        const entry *e = &entries[k];
        if (e->end > bytes)
            return rud_error(RUD_EFORMAT,
                             "tensor %s: it ends at byte %" PRIu64 " behind the header, where the "
                             "file has %" PRIu64 "; the file may be truncated",
                             e->name, e->end, bytes);
        if (e->begin < next)
            return rud_error(RUD_EFORMAT, "tensor %s: its bytes overlap those of %s", e->name,
                             entries[k - 1].name);
        if (e->begin > next)
            return rud_error(RUD_EFORMAT, "bytes %" PRIu64 " to %" PRIu64 " belong to no tensor",
                             next, e->begin);
        next = e->end;
    }
    if (next == bytes) return RUD_OK;
    return rud_error(RUD_EFORMAT, "%" PRIu64 " bytes behind the last tensor belong to none",
                     bytes - next);
}

/* Reads a tensor's numbers and adds it to the file. */
static rud_status read_tensor(const entry *e, FILE *stream, rud_tensor *tensor)
{
    unsigned char bytes[CHUNK * sizeof(uint64_t)];
    *tensor = (rud_tensor){.rank = e->rank, .count = e->count};
    memcpy(tensor->shape, e->shape, sizeof e->shape);
    tensor->name = strdup(e->name);
    tensor->data = malloc(e->count > 0 ? e->count * sizeof *tensor->data : 1);
    if (!tensor->name || !tensor->data)
        return rud_error(RUD_ENOMEM, "tensor %s: no memory for %zu numbers", e->name, e->count);
    for (size_t done = 0; done < e->count;) {
        const size_t size = e->type->size, left = e->count - done;
        const size_t now = left < CHUNK ? left : CHUNK;
        if (fread(bytes, size, now, stream) != now) return read_failed(stream);
        for (size_t k = 0; k < now; k++, done++) {
            const double value = e->type->value(little_endian(bytes + k * size, size));
            tensor->data[done] = (float)value;
            if (!isfinite(tensor->data[done]))
                return rud_error(RUD_ENONFINITE, "tensor %s: number %zu is %g%s", e->name, done,
                                 value, isfinite(value) ? ", too large for float32" : "");
        }
    }
    return RUD_OK;
}

static rud_status read_tensors(const entry *entries, size_t count, FILE *stream,
                               rud_tensor_file *file)
{
    file->tensors = calloc(count + 1, sizeof *file->tensors);
    if (!file->tensors) return rud_error(RUD_ENOMEM, "no memory for %zu tensors", count);
    for (size_t k = 0; k < count; k++)
        RUD_TRY(read_tensor(&entries[k], stream, &file->tensors[file->tensor_count++]));
    return RUD_OK;
}

static rud_status read_entries(struct json_object *header, entry *entries, uint64_t bytes,
                               FILE *stream, rud_tensor_file *file)
{
    size_t count = 0;
    json_object_object_foreach(header, name, value)
    {
        if (strcmp(name, "__metadata__") == 0)
            RUD_TRY(parse_metadata(value, file));
        else
            RUD_TRY(parse_entry(name, value, &entries[count++]));
    }
    RUD_TRY(check_places(entries, count, bytes));
    return read_tensors(entries, count, stream, file);
}

static rud_status parse_header(const char *text, size_t length, struct json_object **header)
{
    while (length > 0 && text[length - 1] == ' ') length--; /* padding is allowed */
    struct json_tokener *tokener = json_tokener_new_ex(HEADER_DEPTH);
    if (!tokener) return rud_error(RUD_ENOMEM, "no memory for the header");
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    *header = json_tokener_parse_ex(tokener, text, (int)length);
    const enum json_tokener_error error = json_tokener_get_error(tokener);
    const size_t used = json_tokener_get_parse_end(tokener);
    json_tokener_free(tokener);
    if (error == json_tokener_success && used == length &&
        json_object_is_type(*header, json_type_object))
        return RUD_OK;
    json_object_put(*header);
    *header = NULL;
    return rud_error(RUD_EFORMAT, "the header is not a JSON object (byte %zu: %s)", used,
                     error == json_tokener_success ? "unexpected content"
                                                   : json_tokener_error_desc(error));
}

/* The header's length, checked against the file and the limit. */
static rud_status read_length(FILE *stream, uint64_t file_size, size_t *length)
{
    unsigned char bytes[LENGTH_BYTES];
    if (file_size < LENGTH_BYTES)
        return rud_error(RUD_EFORMAT, "%" PRIu64 " bytes are too few for a safetensors file",
                         file_size);
    if (fread(bytes, 1, sizeof bytes, stream) != sizeof bytes) return read_failed(stream);
    const uint64_t claimed = little_endian(bytes, sizeof bytes);
    if (claimed > HEADER_LIMIT)
        return rud_error(RUD_EFORMAT,
                         "its header claims %" PRIu64 " bytes, more than the limit of %d; this may "
                         "be no safetensors file",
                         claimed, HEADER_LIMIT);
    if (claimed > file_size - LENGTH_BYTES)
        return rud_error(RUD_EFORMAT,
                         "its header claims %" PRIu64 " bytes, the file has %" PRIu64 " behind it; "
                         "it may be truncated",
                         claimed, file_size - LENGTH_BYTES);
    *length = (size_t)claimed;
    return RUD_OK;
}

static rud_status read_header(FILE *stream, size_t length, struct json_object **header)
{
    char *text = malloc(length + 1);
    if (!text) return rud_error(RUD_ENOMEM, "no memory for a header of %zu bytes", length);
    rud_status status = RUD_OK;
    if (fread(text, 1, length, stream) != length) status = read_failed(stream);
    text[length] = 0;
    if (status == RUD_OK) status = parse_header(text, length, header);
    free(text);
    return status;
}

static rud_status read_stream(FILE *stream, rud_tensor_file *file)
{
    struct stat about;
    struct json_object *header = NULL;
    size_t length = 0;
    if (fstat(fileno(stream), &about) != 0)
        return rud_error(RUD_EIO, "cannot read: %s", strerror(errno));
    if (!S_ISREG(about.st_mode)) return rud_error(RUD_EIO, "cannot read: it is no regular file");
    const uint64_t size = (uint64_t)about.st_size;
    RUD_TRY(read_length(stream, size, &length));
    RUD_TRY(read_header(stream, length, &header));
    entry *entries = calloc((size_t)json_object_object_length(header) + 1, sizeof *entries);
    const rud_status status =
        entries ? read_entries(header, entries, size - LENGTH_BYTES - length, stream, file)
                : rud_error(RUD_ENOMEM, "no memory for the header's entries");
    free(entries);
    json_object_put(header);
    return status;
}

rud_status rud_tensor_file_read(const char *path, rud_tensor_file *file)
{
    *file = (rud_tensor_file){0};
    FILE *stream = fopen(path, "rb");
    if (!stream) return rud_error(RUD_EIO, "%s: cannot read: %s", path, strerror(errno));
    const rud_status status = read_stream(stream, file);
    fclose(stream);
    if (status != RUD_OK) rud_tensor_file_free(file);
    return rud_error_context(status, "%s", path);
}

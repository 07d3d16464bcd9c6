/* Writing MessagePack. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent_bridge/wire_private.h"

void rud_packer_init(rud_packer *packer)
{
    *packer = (rud_packer){0};
    msgpack_sbuffer_init(&packer->buffer);
    msgpack_packer_init(&packer->packer, &packer->buffer, msgpack_sbuffer_write);
}

void rud_packer_free(rud_packer *packer)
{
    msgpack_sbuffer_destroy(&packer->buffer);
}

/* Notes a failed write. */
static void note(rud_packer *packer, int result)
{
    if (result != 0) packer->failed = true;
}

static void write_raw(rud_packer *packer, const void *bytes, size_t size)
{
    note(packer, msgpack_sbuffer_write(&packer->buffer, bytes, size));
}

/* A map of 16-bit length, which pack_close fills in. */
void rud_pack_open(rud_packer *packer)
{
    packer->open[packer->depth].position = packer->buffer.size;
    packer->open[packer->depth++].count = 0;
    write_raw(packer, "\xde\0\0", 3);
}

void rud_pack_close(rud_packer *packer)
{
    packer->depth--;
    if (packer->failed) return;
    const size_t count = packer->open[packer->depth].count;
    char *header = packer->buffer.data + packer->open[packer->depth].position;
    header[1] = (char)(count >> 8);
    header[2] = (char)count;
}

void rud_pack_key(rud_packer *packer, const char *key)
{
    packer->open[packer->depth - 1].count++;
    rud_pack_text(packer, key);
}

void rud_pack_array(rud_packer *packer, size_t count)
{
    note(packer, msgpack_pack_array(&packer->packer, count));
}

void rud_pack_text(rud_packer *packer, const char *text)
{
    const size_t length = strlen(text);
    note(packer, msgpack_pack_str(&packer->packer, length));
    note(packer, msgpack_pack_str_body(&packer->packer, text, length));
}

void rud_pack_text_or_nil(rud_packer *packer, const char *text)
{
    if (text != NULL) {
        rud_pack_text(packer, text);
    } else {
        rud_pack_nil(packer);
    }
}

void rud_pack_bytes(rud_packer *packer, const void *bytes, size_t size)
{
    note(packer, msgpack_pack_bin(&packer->packer, size));
    note(packer, msgpack_pack_bin_body(&packer->packer, bytes, size));
}

void rud_pack_uint(rud_packer *packer, uint64_t value)
{
    note(packer, msgpack_pack_uint64(&packer->packer, value));
}

void rud_pack_bool(rud_packer *packer, bool value)
{
    note(packer, value ? msgpack_pack_true(&packer->packer) : msgpack_pack_false(&packer->packer));
}

void rud_pack_real(rud_packer *packer, double value)
{
    note(packer, msgpack_pack_double(&packer->packer, value));
}

void rud_pack_nil(rud_packer *packer)
{
    note(packer, msgpack_pack_nil(&packer->packer));
}

void rud_pack_real_or_nil(rud_packer *packer, double value)
{
    if (isfinite(value)) {
        rud_pack_real(packer, value);
    } else {
        rud_pack_nil(packer);
    }
}

void rud_pack_tensor_scalar(rud_packer *packer, rud_dtype dtype, double value)
{
    if (dtype == RUD_BOOL) {
        rud_pack_bool(packer, value != 0);
    } else if (dtype == RUD_FLOAT64) {
        rud_pack_real(packer, value);
    } else {
        note(packer, msgpack_pack_int64(&packer->packer, (int64_t)value));
    }
}

/* Nested lists of the rows from `level` on. */
static const double *pack_lists(rud_packer *packer, rud_dtype dtype, const size_t *shape,
                                size_t rank, size_t level, const double *values)
{
    if (level == rank) {
        rud_pack_tensor_scalar(packer, dtype, *values);
        return values + 1;
    }
    rud_pack_array(packer, shape[level]);
    for (size_t k = 0; k < shape[level]; k++) {
        values = pack_lists(packer, dtype, shape, rank, level + 1, values);
    }
    return values;
}

static const char *name_of(rud_dtype dtype)
{
    switch (dtype) {
    case RUD_BOOL:
        return "bool";
    case RUD_UINT8:
        return "uint8";
    case RUD_INT64:
        return "int64";
    default:
        return "float64";
    }
}

/* Everything of a tensor but its `size` bytes, which follow. */
static void open_tensor(rud_packer *packer, rud_dtype dtype, const size_t *shape, size_t rank,
                        size_t size)
{
    note(packer, msgpack_pack_map(&packer->packer, 3));
    rud_pack_text(packer, "dtype");
    rud_pack_text(packer, name_of(dtype));
    rud_pack_text(packer, "shape");
    rud_pack_array(packer, rank);
    for (size_t k = 0; k < rank; k++) rud_pack_uint(packer, shape[k]);
    rud_pack_text(packer, "data");
    note(packer, msgpack_pack_bin(&packer->packer, size));
}

/* The values in chunks, so that a conversion needs no memory of their number. */
static void pack_converted(rud_packer *packer, rud_dtype dtype, const double *values, size_t count)
{
    enum { CHUNK = 256 };
    for (size_t k = 0; k < count; k += CHUNK) {
        const size_t n = count - k < CHUNK ? count - k : CHUNK;
        int64_t whole[CHUNK];
        unsigned char small[CHUNK];
        for (size_t i = 0; i < n && dtype == RUD_INT64; i++) whole[i] = (int64_t)values[k + i];
        for (size_t i = 0; i < n && dtype != RUD_INT64; i++) {
            small[i] = (unsigned char)values[k + i];
        }
        if (dtype == RUD_INT64) {
            write_raw(packer, whole, n * sizeof *whole);
        } else {
            write_raw(packer, small, n);
        }
    }
}

void rud_pack_tensor(rud_packer *packer, rud_dtype dtype, const size_t *shape, size_t rank,
                     const double *values)
{
    size_t count = 1;
    for (size_t k = 0; k < rank; k++) count *= shape[k];
    if (packer->lists) {
        pack_lists(packer, dtype, shape, rank, 0, values);
        return;
    }
    open_tensor(packer, dtype, shape, rank, count * rud_dtype_size(dtype));
    if (dtype == RUD_FLOAT64) {
        write_raw(packer, values, count * sizeof *values);
    } else {
        pack_converted(packer, dtype, values, count);
    }
}

void rud_pack_flags(rud_packer *packer, const bool *values, size_t count)
{
    if (!packer->lists) {
        open_tensor(packer, RUD_BOOL, &count, 1, count);
        write_raw(packer, values, count);
        return;
    }
    rud_pack_array(packer, count);
    for (size_t k = 0; k < count; k++) rud_pack_bool(packer, values[k]);
}

void rud_pack_field_text(rud_packer *packer, const char *key, const char *value)
{
    rud_pack_key(packer, key);
    rud_pack_text_or_nil(packer, value);
}

void rud_pack_field_uint(rud_packer *packer, const char *key, uint64_t value)
{
    rud_pack_key(packer, key);
    rud_pack_uint(packer, value);
}

void rud_pack_field_bool(rud_packer *packer, const char *key, bool value)
{
    rud_pack_key(packer, key);
    rud_pack_bool(packer, value);
}

void rud_pack_field_real(rud_packer *packer, const char *key, double value)
{
    rud_pack_key(packer, key);
    rud_pack_real_or_nil(packer, value);
}

void rud_pack_field_row(rud_packer *packer, const char *key, const double *values, size_t count)
{
    rud_pack_key(packer, key);
    rud_pack_tensor(packer, RUD_FLOAT64, &count, 1, values);
}

/* Columns of numbers as {dtype, shape, data}, in the smallest dtype that holds each one exactly. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "episodes/journal_private.h"

/* In order of preference. */
enum { UINT8, INT16, INT32, FLOAT32, FLOAT64, DTYPES };

static const struct {
    const char *name;
    size_t size;
} dtypes[DTYPES] = {
    {"uint8", 1}, {"int16", 2}, {"int32", 4}, {"float32", 4}, {"float64", 8},
};

static bool is_single(double number)
{
    return fabs(number) <= FLT_MAX ? (double)(float)number == number : isinf(number);
}

/* The first dtype that holds `number` exactly; -0 is no integer. */
static size_t dtype_of(double number)
{
    if (number >= INT32_MIN && number <= INT32_MAX && number == (double)(int32_t)number &&
        !(number == 0 && signbit(number))) {
        if (number >= 0 && number <= UINT8_MAX) return UINT8;
        return number >= INT16_MIN && number <= INT16_MAX ? INT16 : INT32;
    }
    return is_single(number) ? FLOAT32 : FLOAT64;
}

/* A column of several kinds takes the first dtype that holds all of them. */
static size_t common_dtype(const double *numbers, size_t count)
{
    size_t integer = UINT8;
    bool integers = true, floats = true;
    for (size_t k = 0; k < count && (integers || floats); k++) {
        const size_t dtype = dtype_of(numbers[k]);
        integers = integers && dtype <= INT32;
        floats = floats && is_single(numbers[k]);
        if (dtype > integer) integer = dtype;
    }
    if (integers) return integer;
    return floats ? FLOAT32 : FLOAT64;
}

static uint64_t bits_of(double number, size_t dtype)
{
    uint32_t word;
    uint64_t bits;
    if (dtype == FLOAT32) {
        const float single = (float)number;
        memcpy(&word, &single, sizeof word);
        return word;
    }
    if (dtype != FLOAT64) return (uint64_t)(int64_t)number;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static double number_of(uint64_t bits, size_t dtype)
{
    const uint32_t word = (uint32_t)bits;
    float single;
    double number;
    switch (dtype) {
    case UINT8:
        return (double)bits;
    case INT16:
        return (double)(int16_t)(uint16_t)bits;
    case INT32:
        return (double)(int32_t)word;
    case FLOAT32:
        memcpy(&single, &word, sizeof single);
        return single;
    default:
        memcpy(&number, &bits, sizeof number);
        return number;
    }
}

static void pack_data(msgpack_packer *packer, const double *numbers, size_t count, size_t dtype)
{
    unsigned char block[4096];
    const size_t size = dtypes[dtype].size;
    size_t used = 0;
    msgpack_pack_bin(packer, count * size);
    for (size_t k = 0; k < count; k++) {
        const uint64_t bits = bits_of(numbers[k], dtype);
        for (size_t b = 0; b < size; b++) block[used++] = (unsigned char)(bits >> (8 * b));
        if (used == sizeof block || k + 1 == count) {
            msgpack_pack_bin_body(packer, block, used);
            used = 0;
        }
    }
}

void rud_journal_pack_tensor(msgpack_packer *packer, const double *numbers, const size_t *shape,
                             size_t rank)
{
    const size_t count = rank == 2 ? shape[0] * shape[1] : shape[0];
    const size_t dtype = common_dtype(numbers, count);
    msgpack_pack_map(packer, 3);
    rud_journal_pack_text(packer, "dtype");
    rud_journal_pack_text(packer, dtypes[dtype].name);
    rud_journal_pack_text(packer, "shape");
    msgpack_pack_array(packer, rank);
    for (size_t k = 0; k < rank; k++) msgpack_pack_uint64(packer, shape[k]);
    rud_journal_pack_text(packer, "data");
    pack_data(packer, numbers, count, dtype);
}

static rud_status parse_dtype(const msgpack_object *text, size_t *dtype)
{
    const msgpack_object_str *name = &text->via.str;
    for (*dtype = 0; *dtype < DTYPES; ++*dtype) {
        if (strlen(dtypes[*dtype].name) == name->size &&
            memcmp(dtypes[*dtype].name, name->ptr, name->size) == 0)
            return RUD_OK;
    }
    return rud_error(RUD_EFORMAT, "dtype is none of uint8, int16, int32, float32, float64");
}

/* No size of the shape exceeds the bytes there are, so that their product cannot overflow. */
static rud_status parse_shape(const msgpack_object_array *shape, size_t rank, size_t bytes,
                              rud_journal_tensor *tensor)
{
    if (shape->size != rank)
        return rud_error(RUD_EFORMAT, "a shape of %u sizes instead of %zu", shape->size, rank);
    tensor->count = 1;
    tensor->shape[1] = 1;
    for (size_t k = 0; k < rank; k++) {
        const msgpack_object *size = &shape->ptr[k];
        if (size->type != MSGPACK_OBJECT_POSITIVE_INTEGER || size->via.u64 > bytes ||
            (tensor->count > 0 && size->via.u64 > bytes / tensor->count))
            return rud_error(RUD_EFORMAT, "a shape beyond the %zu bytes of data", bytes);
        tensor->shape[k] = (size_t)size->via.u64;
        tensor->count *= tensor->shape[k];
    }
    return RUD_OK;
}

rud_status rud_journal_tensor_parse(const msgpack_object *object, size_t rank,
                                    rud_journal_tensor *tensor)
{
    const msgpack_object *dtype, *shape, *data;
    RUD_TRY(rud_journal_member(object, "dtype", MSGPACK_OBJECT_STR, false, &dtype));
    RUD_TRY(rud_journal_member(object, "shape", MSGPACK_OBJECT_ARRAY, false, &shape));
    RUD_TRY(rud_journal_member(object, "data", MSGPACK_OBJECT_BIN, false, &data));
    RUD_TRY(parse_dtype(dtype, &tensor->dtype));
    const size_t bytes = data->via.bin.size;
    RUD_TRY(parse_shape(&shape->via.array, rank, bytes, tensor));
    tensor->data = (const unsigned char *)data->via.bin.ptr;
    if (tensor->count * dtypes[tensor->dtype].size == bytes) return RUD_OK;
    return rud_error(RUD_EFORMAT, "%zu numbers of dtype %s in %zu bytes", tensor->count,
                     dtypes[tensor->dtype].name, bytes);
}

/* For a dtype that is known when it is compiled: a number is one load then. */
static inline void read_as(const rud_journal_tensor *tensor, size_t dtype, double *numbers)
{
    const size_t size = dtypes[dtype].size;
    const unsigned char *at = tensor->data;
    for (size_t k = 0; k < tensor->count; k++) {
        uint64_t bits = 0;
        for (size_t b = 0; b < size; b++) bits |= (uint64_t)at[k * size + b] << (8 * b);
        numbers[k] = number_of(bits, dtype);
    }
}

void rud_journal_tensor_read(const rud_journal_tensor *tensor, double *numbers)
{
    switch (tensor->dtype) {
    case UINT8:
        read_as(tensor, UINT8, numbers);
        return;
    case INT16:
        read_as(tensor, INT16, numbers);
        return;
    case INT32:
        read_as(tensor, INT32, numbers);
        return;
    case FLOAT32:
        read_as(tensor, FLOAT32, numbers);
        return;
    default:
        read_as(tensor, FLOAT64, numbers);
    }
}

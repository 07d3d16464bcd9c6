/* Attributes of HDF5 objects. */
#include <stdlib.h>
#include <string.h>

#include "episodes/hdf5_private.h"

/* Opens a scalar attribute; *attribute < 0 where there is none. */
static rud_status open_attribute(hid_t object, const char *name, hid_t *attribute)
{
    *attribute = -1;
    if (H5Aexists(object, name) <= 0) return RUD_OK;
    *attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (*attribute < 0) return rud_hdf5_failed("an attribute cannot be read");
    hid_t space = H5Aget_space(*attribute);
    hssize_t count = space < 0 ? 0 : H5Sget_simple_extent_npoints(space);
    if (space >= 0) H5Sclose(space);
    if (count == 1) return RUD_OK;
    H5Aclose(*attribute);
    *attribute = -1;
    return rud_error(RUD_EFORMAT, "attribute \"%s\" is not a single value", name);
}

/* A whole number: `negative` where it is below 0, then as its 64 bits of two's complement. */
static rud_status read_integer(hid_t object, const char *name, bool *found, bool *negative,
                               uint64_t *value)
{
    hid_t attribute;
    *found = *negative = false;
    RUD_TRY(open_attribute(object, name, &attribute));
    if (attribute < 0) return RUD_OK;
    hid_t type = H5Aget_type(attribute);
    bool integer = type >= 0 && H5Tget_class(type) == H5T_INTEGER;
    bool is_signed = integer && H5Tget_sign(type) == H5T_SGN_2;
    int64_t number = 0;
    herr_t result = -1;
    if (integer && is_signed) {
        result = H5Aread(attribute, H5T_NATIVE_INT64, &number);
        *value = (uint64_t)number;
        *negative = number < 0;
    } else if (integer) {
        result = H5Aread(attribute, H5T_NATIVE_UINT64, value);
    }
    if (type >= 0) H5Tclose(type);
    H5Aclose(attribute);
    *found = result >= 0;
    if (!integer) return rud_error(RUD_EFORMAT, "attribute \"%s\" is no integer", name);
    return result < 0 ? rud_hdf5_failed("an attribute cannot be read") : RUD_OK;
}

rud_status rud_hdf5_attribute_int64(hid_t object, const char *name, bool *found, int64_t *value)
{
    bool negative;
    uint64_t bits = 0;
    RUD_TRY(read_integer(object, name, found, &negative, &bits));
    if (*found && !negative && bits > INT64_MAX)
        return rud_error(RUD_EFORMAT, "attribute \"%s\" is %llu, which is too large", name,
                         (unsigned long long)bits);
    if (*found) *value = (int64_t)bits;
    return RUD_OK;
}

rud_status rud_hdf5_attribute_uint64(hid_t object, const char *name, bool *found, uint64_t *value)
{
    bool negative;
    uint64_t bits = 0;
    RUD_TRY(read_integer(object, name, found, &negative, &bits));
    if (negative)
        return rud_error(RUD_EFORMAT, "attribute \"%s\" is %lld; it must not be negative", name,
                         (long long)(int64_t)bits);
    if (*found) *value = bits;
    return RUD_OK;
}

static const size_t text_limit = (size_t)256 << 20;

static char *read_fixed_text(hid_t attribute, hid_t type)
{
    size_t size = H5Tget_size(type);
    char *text = size < text_limit ? calloc(size + 1, 1) : NULL;
    if (text != NULL && H5Aread(attribute, type, text) < 0) {
        free(text);
        return NULL;
    }
    return text;
}

static char *read_variable_text(hid_t attribute, hid_t type)
{
    char *read = NULL, *text = NULL;
    hid_t memory = H5Tcopy(H5T_C_S1);
    if (memory >= 0 && H5Tset_size(memory, H5T_VARIABLE) >= 0 &&
        H5Tset_cset(memory, H5Tget_cset(type)) >= 0 && H5Aread(attribute, memory, &read) >= 0 &&
        read != NULL && strlen(read) < text_limit)
        text = strdup(read);
    if (read != NULL) H5free_memory(read);
    if (memory >= 0) H5Tclose(memory);
    return text;
}

rud_status rud_hdf5_attribute_text(hid_t object, const char *name, char **text)
{
    hid_t attribute;
    *text = NULL;
    RUD_TRY(open_attribute(object, name, &attribute));
    if (attribute < 0) return RUD_OK;
    hid_t type = H5Aget_type(attribute);
    if (type >= 0 && H5Tget_class(type) == H5T_STRING)
        *text = H5Tis_variable_str(type) > 0 ? read_variable_text(attribute, type)
                                             : read_fixed_text(attribute, type);
    if (type >= 0) H5Tclose(type);
    H5Aclose(attribute);
    return RUD_OK;
}

rud_status rud_hdf5_set_attribute(hid_t object, const char *name, hid_t type, hid_t memory,
                                  const void *value)
{
    if (H5Aexists(object, name) > 0 && H5Adelete(object, name) < 0)
        return rud_hdf5_write_failed(name);
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t creation = H5Pcreate(H5P_ATTRIBUTE_CREATE);
    if (creation >= 0) H5Pset_char_encoding(creation, H5T_CSET_UTF8);
    hid_t attribute = H5Acreate2(object, name, type, space, creation, H5P_DEFAULT);
    bool good = attribute >= 0 && H5Awrite(attribute, memory, value) >= 0;
    rud_status status = good ? RUD_OK : rud_hdf5_write_failed(name);
    if (attribute >= 0) H5Aclose(attribute);
    if (creation >= 0) H5Pclose(creation);
    if (space >= 0) H5Sclose(space);
    return rud_error_context(status, "attribute");
}

rud_status rud_hdf5_set_text(hid_t object, const char *name, const char *text)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type < 0 || H5Tset_size(type, H5T_VARIABLE) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0)
        return rud_hdf5_write_failed(name);
    rud_status status = rud_hdf5_set_attribute(object, name, type, type, &text);
    H5Tclose(type);
    return status;
}

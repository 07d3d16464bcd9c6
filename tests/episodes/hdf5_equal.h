/* Are two HDF5 files the same to a reader? For tests of what is carried through. */
#ifndef TESTS_EPISODES_HDF5_EQUAL_H
#define TESTS_EPISODES_HDF5_EQUAL_H

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The values of an array or attribute as bytes: variable lengths are spelt out. Caller frees. */
static inline char *hdf5_bytes(hid_t type, hid_t space, const void *value, size_t *size)
{
    size_t count = (size_t)H5Sget_simple_extent_npoints(space), item = H5Tget_size(type);
    char *bytes = NULL;
    FILE *stream = open_memstream(&bytes, size);
    for (size_t k = 0; k < count; k++) {
        const char *at = (const char *)value + k * item;
        if (H5Tget_class(type) == H5T_VLEN) {
            const hvl_t *list = (const hvl_t *)at;
            fwrite(&list->len, sizeof list->len, 1, stream);
            hid_t base = H5Tget_super(type);
            fwrite(list->p, H5Tget_size(base), list->len, stream);
            H5Tclose(base);
        } else if (H5Tis_variable_str(type) > 0) {
            const char *text = *(char *const *)at;
            fprintf(stream, "%s", text == NULL ? "" : text);
            fputc('\0', stream);
        } else {
            fwrite(at, item, 1, stream);
        }
    }
    fclose(stream);
    return bytes;
}

static inline int hdf5_same_shape(hid_t a, hid_t b)
{
    hsize_t x[32] = {0}, y[32] = {0}, p[32] = {0}, q[32] = {0};
    int rank = H5Sget_simple_extent_ndims(a);
    if (rank != H5Sget_simple_extent_ndims(b)) return 0;
    H5Sget_simple_extent_dims(a, x, p);
    H5Sget_simple_extent_dims(b, y, q);
    return memcmp(x, y, sizeof x) == 0 && memcmp(p, q, sizeof p) == 0;
}

typedef herr_t hdf5_read(hid_t object, hid_t type, void *value);

static inline herr_t hdf5_read_array(hid_t object, hid_t type, void *value)
{
    return H5Dread(object, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value);
}

/* Type, shape and values. */
static inline int hdf5_same_values(hid_t a, hid_t b, hid_t a_type, hid_t b_type, hid_t a_space,
                                   hid_t b_space, hdf5_read *read)
{
    int same = H5Tequal(a_type, b_type) > 0 && hdf5_same_shape(a_space, b_space);
    if (!same) return 0;
    hid_t type = H5Tget_native_type(a_type, H5T_DIR_DEFAULT);
    size_t count = (size_t)H5Sget_simple_extent_npoints(a_space), p, q;
    void *x = calloc(count + 1, H5Tget_size(type)), *y = calloc(count + 1, H5Tget_size(type));
    same = read(a, type, x) >= 0 && read(b, type, y) >= 0;
    char *left = hdf5_bytes(type, a_space, x, &p), *right = hdf5_bytes(type, a_space, y, &q);
    same = same && p == q && memcmp(left, right, p) == 0;
    H5Dvlen_reclaim(type, a_space, H5P_DEFAULT, x);
    H5Dvlen_reclaim(type, a_space, H5P_DEFAULT, y);
    H5Tclose(type);
    free(left);
    free(right);
    free(x);
    free(y);
    return same;
}

typedef struct hdf5_comparison {
    hid_t other;
    const char *excepted; /* names between spaces that may differ, " rewards rewards_sum " */
    char difference[512]; /* the first; "" if there is none */
    int objects;          /* compared */
} hdf5_comparison;

static inline int hdf5_excepted(const hdf5_comparison *c, const char *name)
{
    char word[128];
    const char *last = strrchr(name, '/');
    snprintf(word, sizeof word, " %s ", last ? last + 1 : name);
    return strstr(c->excepted, word) != NULL;
}

static inline herr_t hdf5_compare_attribute(hid_t object, const char *name, const H5A_info_t *info,
                                            void *context)
{
    hdf5_comparison *c = ((void **)context)[0];
    hid_t other = *(hid_t *)((void **)context)[1];
    (void)info;
    if (hdf5_excepted(c, name)) return 0;
    c->objects++;
    if (H5Aexists(other, name) > 0) {
        hid_t a = H5Aopen(object, name, H5P_DEFAULT), b = H5Aopen(other, name, H5P_DEFAULT);
        hid_t types[] = {H5Aget_type(a), H5Aget_type(b)};
        hid_t spaces[] = {H5Aget_space(a), H5Aget_space(b)};
        int same = hdf5_same_values(a, b, types[0], types[1], spaces[0], spaces[1], H5Aread);
        for (int k = 0; k < 2; k++) {
            H5Tclose(types[k]);
            H5Sclose(spaces[k]);
        }
        H5Aclose(a);
        H5Aclose(b);
        if (same) return 0;
    }
    snprintf(c->difference, sizeof c->difference, "attribute %s", name);
    return 1;
}

static inline herr_t hdf5_compare_object(hid_t file, const char *name, const H5O_info_t *info,
                                         void *context)
{
    hdf5_comparison *c = context;
    if (hdf5_excepted(c, name)) return 0;
    c->objects++;
    if (strcmp(name, ".") != 0 && H5Lexists(c->other, name, H5P_DEFAULT) <= 0) {
        snprintf(c->difference, sizeof c->difference, "%s is missing", name);
        return 1;
    }
    hid_t a = H5Oopen(file, name, H5P_DEFAULT), b = H5Oopen(c->other, name, H5P_DEFAULT);
    void *pair[] = {c, &b};
    hsize_t at = 0;
    H5Aiterate2(a, H5_INDEX_NAME, H5_ITER_INC, &at, hdf5_compare_attribute, pair);
    int same = c->difference[0] == '\0';
    if (same && info->type == H5O_TYPE_DATASET) {
        hid_t types[] = {H5Dget_type(a), H5Dget_type(b)};
        hid_t spaces[] = {H5Dget_space(a), H5Dget_space(b)};
        same = hdf5_same_values(a, b, types[0], types[1], spaces[0], spaces[1], hdf5_read_array);
        for (int k = 0; k < 2; k++) {
            H5Tclose(types[k]);
            H5Sclose(spaces[k]);
        }
        if (!same) snprintf(c->difference, sizeof c->difference, "%s differs", name);
    }
    H5Oclose(a);
    H5Oclose(b);
    return same ? 0 : 1;
}

/* The first thing of file `a` that is not, or not the same, in file `b`; "" if there is none. */
static inline hdf5_comparison hdf5_compare(const char *a, const char *b, const char *excepted)
{
    hdf5_comparison c = {.excepted = excepted};
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t file = H5Fopen(a, H5F_ACC_RDONLY, H5P_DEFAULT);
    c.other = H5Fopen(b, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0 || c.other < 0)
        snprintf(c.difference, sizeof c.difference, "cannot be opened");
    else
        H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, hdf5_compare_object, &c, H5O_INFO_BASIC);
    if (file >= 0) H5Fclose(file);
    if (c.other >= 0) H5Fclose(c.other);
    return c;
}

#endif

/* JSON numbers and calls for the tests of this folder. */
#ifndef TESTS_ATTRIBUTION_SUPPORT_H
#define TESTS_ATTRIBUTION_SUPPORT_H

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "attribution/attribution.h"
#include "tests/nn/networks.h"

static inline struct json_object *field(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;
    ck_assert_msg(json_object_object_get_ex(object, name, &found), "no field %s", name);
    return found;
}

static inline size_t whole(struct json_object *object, const char *name)
{
    return (size_t)json_object_get_int64(field(object, name));
}

static inline double number(struct json_object *object, const char *name)
{
    return json_object_get_double(field(object, name));
}

static inline size_t count_numbers(struct json_object *value)
{
    if (!json_object_is_type(value, json_type_array)) return 1;
    size_t count = 0;
    for (size_t k = 0; k < json_object_array_length(value); k++)
        count += count_numbers(json_object_array_get_idx(value, k));
    return count;
}

static inline double *fill_numbers(struct json_object *value, double *to)
{
    if (!json_object_is_type(value, json_type_array)) {
        *to = json_object_get_double(value);
        return to + 1;
    }
    for (size_t k = 0; k < json_object_array_length(value); k++)
        to = fill_numbers(json_object_array_get_idx(value, k), to);
    return to;
}

/* All numbers of a nested list in order; the caller frees. */
static inline double *numbers(struct json_object *object, const char *name, size_t count)
{
    struct json_object *value = field(object, name);
    ck_assert_uint_eq(count_numbers(value), count);
    double *all = calloc(count + 1, sizeof *all);
    fill_numbers(value, all);
    return all;
}

static inline float *floats(struct json_object *object, const char *name, size_t count)
{
    double *all = numbers(object, name, count);
    float *single = calloc(count + 1, sizeof *single);
    for (size_t k = 0; k < count; k++) single[k] = (float)all[k];
    free(all);
    return single;
}

/* max |a - b| / max |b|; 0 if all are equal. */
static inline double off(const double *a, const double *b, size_t count)
{
    double difference = 0.0, largest = 0.0;
    for (size_t k = 0; k < count; k++) {
        if (!isfinite(a[k])) return INFINITY;
        difference = fmax(difference, fabs(a[k] - b[k]));
        largest = fmax(largest, fabs(b[k]));
    }
    return difference == 0.0 ? 0.0 : difference / largest;
}

/* Asserts that `got` is the numbers of the field, within a relative tolerance. */
static inline void check_doubles(const char *what, struct json_object *object, const char *name,
                                 const double *got, size_t count, double tolerance)
{
    double *expected = numbers(object, name, count);
    const double error = off(got, expected, count);
    ck_assert_msg(error <= tolerance, "%s: %s is off by %g", what, name, error);
    free(expected);
}

static inline void check_floats(const char *what, struct json_object *object, const char *name,
                                const float *got, size_t count, double tolerance)
{
    double *wide = to_doubles(got, count);
    check_doubles(what, object, name, wide, count, tolerance);
    free(wide);
}

/* Options by name and text, NULL at the end. */
static inline void set_options(rud_attribution_options *options, ...)
{
    va_list arguments;
    const char *name;
    *options = rud_attribution_options_default();
    va_start(arguments, options);
    while ((name = va_arg(arguments, const char *)) != NULL)
        ck_assert_ok(rud_attribution_set(options, name, va_arg(arguments, const char *)));
    va_end(arguments);
}

static inline void set_double(rud_attribution_options *options, const char *name, double value)
{
    char text[RUD_OPTION_TEXT];
    snprintf(text, sizeof text, "%.17g", value);
    ck_assert_ok(rud_attribution_set(options, name, text));
}

#endif

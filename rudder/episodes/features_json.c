/* The description of features as JSON:
 *     {"observation_space": SPACE, "action_space": SPACE or null,
 *      "observation": [encoding of each component, or one for all], "action": [likewise],
 *      "difference": bool, "final_observation": bool, "time": bool, "time_scale": number,
 *      "shift"?: [...], "scale"?: [...]}    one entry for each raw column, in the columns' order
 *     SPACE: {"kind": "discrete" or "multi-discrete", "sizes": [...]}
 *         or {"kind": "box", "width": n, "low"?: [n], "high"?: [n]}, null for an infinite bound
 *         or {"kind": "mixed", "sizes": [0 for a real number], "low"?: [...], "high"?: [...]} */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "episodes/features_private.h"

static const char *const encoding_names[] = {[RUD_ENCODING_AUTO] = "auto",
                                             [RUD_ENCODING_ONE_HOT] = "one-hot",
                                             [RUD_ENCODING_RAW] = "raw",
                                             [RUD_ENCODING_NONE] = "none"};
static const char *const kind_names[] = {[RUD_SPACE_DISCRETE] = "discrete",
                                         [RUD_SPACE_MULTI_DISCRETE] = "multi-discrete",
                                         [RUD_SPACE_BOX] = "box",
                                         [RUD_SPACE_MIXED] = "mixed"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- writing ---- */

static void write_number(FILE *stream, double value)
{
    char text[RUD_NUMBER_SIZE];
    if (isfinite(value)) {
        rud_number_text(value, text);
        fputs(text, stream);
    } else {
        fputs("null", stream);
    }
}

static void write_bounds(FILE *stream, const char *key, const double *bounds, size_t width)
{
    if (bounds == NULL) return;
    fprintf(stream, ", \"%s\": [", key);
    for (size_t k = 0; k < width; k++) {
        if (k > 0) fputs(", ", stream);
        write_number(stream, bounds[k]);
    }
    fputc(']', stream);
}

static void write_space(FILE *stream, const char *key, const rud_space *space)
{
    fprintf(stream, "\"%s\": ", key);
    if (space->width == 0) {
        fputs("null, ", stream);
        return;
    }
    fprintf(stream, "{\"kind\": \"%s\", ", kind_names[space->kind]);
    if (space->kind == RUD_SPACE_BOX) {
        fprintf(stream, "\"width\": %zu", space->width);
    } else {
        for (size_t k = 0; k < space->width; k++)
            fprintf(stream, "%s%lld", k == 0 ? "\"sizes\": [" : ", ", (long long)space->sizes[k]);
        fputc(']', stream);
    }
    write_bounds(stream, "low", space->low, space->width);
    write_bounds(stream, "high", space->high, space->width);
    fputs("}, ", stream);
}

static void write_encodings(FILE *stream, const char *key, const rud_features_part *part)
{
    size_t count = part->space.width == 0 ? 0 : 1; /* one is enough where all are the same */
    for (size_t k = 1; k < part->space.width; k++)
        if (part->encodings[k] != part->encodings[0]) count = part->space.width;
    fprintf(stream, "\"%s\": [", key);
    for (size_t k = 0; k < count; k++)
        fprintf(stream, "%s\"%s\"", k == 0 ? "" : ", ", encoding_names[part->encodings[k]]);
    fputs("], ", stream);
}

static const char *write_raw(FILE *stream, const char *separator, const rud_features_part *part,
                             bool scale)
{
    for (size_t i = 0; i < part->input_count; i++) {
        if (part->inputs[i].one_hot) continue;
        fputs(separator, stream);
        write_number(stream, scale ? part->inputs[i].scale : part->inputs[i].shift);
        separator = ", ";
    }
    return separator;
}

static void write_standardisation(FILE *stream, const rud_features *features, bool scale)
{
    fprintf(stream, ", \"%s\": [", scale ? "scale" : "shift");
    const char *separator = write_raw(stream, "", &features->observation, scale);
    write_raw(stream, separator, &features->action, scale);
    fputc(']', stream);
}

static void write_features(FILE *stream, const rud_features *features)
{
    fputc('{', stream);
    write_space(stream, "observation_space", &features->observation.space);
    write_space(stream, "action_space", &features->action.space);
    write_encodings(stream, "observation", &features->observation);
    write_encodings(stream, "action", &features->action);
    fprintf(stream, "\"difference\": %s, \"final_observation\": %s, \"time\": %s, \"time_scale\": ",
            features->difference ? "true" : "false", features->final_observation ? "true" : "false",
            features->time ? "true" : "false");
    write_number(stream, features->time_scale);
    write_standardisation(stream, features, false);
    write_standardisation(stream, features, true);
    fputc('}', stream);
}

rud_status rud_features_to_json(const rud_features *features, char **text)
{
    *text = NULL;
    char *bytes = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&bytes, &size);
    if (stream == NULL) return rud_error(RUD_ENOMEM, "no memory for a description of features");
    write_features(stream, features);
    bool failed = ferror(stream) != 0;
    if (fclose(stream) != 0 || failed) {
        free(bytes);
        return rud_error(RUD_ENOMEM, "no memory for a description of features");
    }
    *text = bytes;
    return RUD_OK;
}

/* ---- reading ---- */

static rud_status check_type(json_object *value, const char *key, json_type type)
{
    json_type found = json_object_get_type(value);
    if (found == type || (type == json_type_double && found == json_type_int)) return RUD_OK;
    return rud_error(RUD_EFORMAT, "\"%s\" is of type %s, not %s", key, json_type_to_name(found),
                     json_type_to_name(type));
}

static rud_status find(json_object *object, const char *key, json_type type, json_object **value)
{
    if (!json_object_object_get_ex(object, key, value))
        return rud_error(RUD_EFORMAT, "\"%s\" is missing", key);
    return check_type(*value, key, type);
}

static rud_status find_bool(json_object *object, const char *key, bool *value)
{
    json_object *found = NULL;
    RUD_TRY(find(object, key, json_type_boolean, &found));
    *value = json_object_get_boolean(found);
    return RUD_OK;
}

/* The entry of `names` that the text is. */
static rud_status find_name(json_object *text, const char *key, const char *const *names,
                            size_t count, size_t *found)
{
    RUD_TRY(check_type(text, key, json_type_string));
    for (*found = 0; *found < count; ++*found)
        if (strcmp(json_object_get_string(text), names[*found]) == 0) return RUD_OK;
    return rud_error(RUD_EFORMAT, "\"%s\" is the unknown \"%.64s\"", key,
                     json_object_get_string(text));
}

static rud_status check_keys(json_object *object, const char *const *known, size_t count)
{
    const char *unknown = rud_json_unknown_key(object, known, count);
    if (unknown == NULL) return RUD_OK;
    return rud_error(RUD_EFORMAT, "unknown key \"%.64s\"", unknown);
}

/* Array `key` of `width` numbers, null standing for `infinite`; *numbers is NULL where the key is
 * absent. Caller owns *numbers. */
static rud_status read_numbers(json_object *object, const char *key, size_t width, double infinite,
                               double **numbers)
{
    *numbers = NULL;
    json_object *array = NULL;
    if (!json_object_object_get_ex(object, key, &array)) return RUD_OK;
    RUD_TRY(check_type(array, key, json_type_array));
    if (json_object_array_length(array) != width)
        return rud_error(RUD_EFORMAT, "\"%s\" has %zu entries, not %zu", key,
                         json_object_array_length(array), width);
    double *read = malloc((width > 0 ? width : 1) * sizeof *read);
    if (read == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu numbers", width);
    for (size_t k = 0; k < width; k++) {
        json_object *value = json_object_array_get_idx(array, k);
        read[k] = value == NULL ? infinite : json_object_get_double(value);
        rud_status status = value == NULL ? RUD_OK : check_type(value, key, json_type_double);
        if (status == RUD_OK && (value == NULL ? isnan(infinite) : !isfinite(read[k])))
            status = rud_error(RUD_EFORMAT, "\"%s\"[%zu] is not a finite number", key, k);
        if (status != RUD_OK) {
            free(read);
            return status;
        }
    }
    *numbers = read;
    return RUD_OK;
}

/* Both bounds, or both NULL. Caller owns them. */
static rud_status read_bounds(json_object *object, size_t width, double **low, double **high)
{
    *high = NULL;
    RUD_TRY(read_numbers(object, "low", width, -INFINITY, low));
    RUD_TRY(read_numbers(object, "high", width, INFINITY, high));
    if ((*low == NULL) != (*high == NULL))
        return rud_error(RUD_EFORMAT, "\"low\" and \"high\" must be given together");
    return RUD_OK;
}

static rud_status read_box(json_object *object, rud_space *space)
{
    static const char *const known[] = {"kind", "width", "low", "high"};
    RUD_TRY(check_keys(object, known, COUNT(known)));
    json_object *found = NULL;
    RUD_TRY(find(object, "width", json_type_int, &found));
    int64_t width = json_object_get_int64(found);
    if (width < 1 || width > (int64_t)RUD_FEATURES_WIDTH_MAX)
        return rud_error(RUD_EFORMAT, "\"width\" is %lld; allowed are 1 .. %zu", (long long)width,
                         RUD_FEATURES_WIDTH_MAX);
    double *low = NULL, *high = NULL;
    rud_status status = read_bounds(object, (size_t)width, &low, &high);
    if (status == RUD_OK) status = rud_space_box(low, high, (size_t)width, space);
    free(low);
    free(high);
    return status;
}

static rud_status read_sizes(json_object *object, int64_t **sizes, size_t *width)
{
    json_object *array = NULL;
    RUD_TRY(find(object, "sizes", json_type_array, &array));
    *width = json_object_array_length(array);
    if (*width < 1 || *width > RUD_FEATURES_WIDTH_MAX)
        return rud_error(RUD_EFORMAT, "\"sizes\" has %zu entries; allowed are 1 .. %zu", *width,
                         RUD_FEATURES_WIDTH_MAX);
    *sizes = malloc(*width * sizeof **sizes);
    if (*sizes == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu sizes", *width);
    for (size_t k = 0; k < *width; k++) {
        json_object *size = json_object_array_get_idx(array, k);
        RUD_TRY(check_type(size, "sizes", json_type_int));
        (*sizes)[k] = json_object_get_int64(size);
    }
    return RUD_OK;
}

static rud_status read_mixed(json_object *object, rud_space *space)
{
    static const char *const known[] = {"kind", "sizes", "low", "high"};
    int64_t *sizes = NULL;
    double *low = NULL, *high = NULL;
    size_t width = 0;
    RUD_TRY(check_keys(object, known, COUNT(known)));
    rud_status status = read_sizes(object, &sizes, &width);
    if (status == RUD_OK) status = read_bounds(object, width, &low, &high);
    if (status == RUD_OK) status = rud_space_mixed(sizes, low, high, width, space);
    free(sizes);
    free(low);
    free(high);
    return status;
}

static rud_status read_discrete(json_object *object, bool multi, rud_space *space)
{
    static const char *const known[] = {"kind", "sizes"};
    RUD_TRY(check_keys(object, known, COUNT(known)));
    int64_t *sizes = NULL;
    size_t width = 0;
    rud_status status = read_sizes(object, &sizes, &width);
    if (status == RUD_OK && !multi && width != 1)
        status = rud_error(RUD_EFORMAT, "a discrete space has %zu sizes, not 1", width);
    if (status == RUD_OK)
        status = multi ? rud_space_multi_discrete(sizes, width, space)
                       : rud_space_discrete(sizes[0], space);
    free(sizes);
    return status;
}

static rud_status read_space(json_object *object, rud_space *space)
{
    json_object *text = NULL;
    RUD_TRY(find(object, "kind", json_type_string, &text));
    size_t kind = 0;
    RUD_TRY(find_name(text, "kind", kind_names, COUNT(kind_names), &kind));
    if (kind == RUD_SPACE_BOX) return read_box(object, space);
    if (kind == RUD_SPACE_MIXED) return read_mixed(object, space);
    return read_discrete(object, kind == RUD_SPACE_MULTI_DISCRETE, space);
}

/* What a description says, before features are built from it. */
typedef struct description {
    rud_features_options options;
    rud_space observation_space;
    rud_space action_space; /* width 0: null */
    rud_encoding *observation;
    rud_encoding *action;
    size_t observation_count;
    size_t action_count;
} description;

static void free_description(description *given)
{
    rud_space_free(&given->observation_space);
    rud_space_free(&given->action_space);
    free(given->observation);
    free(given->action);
}

static rud_status read_encodings(json_object *root, const char *key, rud_encoding **encodings,
                                 size_t *count)
{
    json_object *array = NULL;
    RUD_TRY(find(root, key, json_type_array, &array));
    size_t length = json_object_array_length(array);
    if (length > RUD_FEATURES_WIDTH_MAX)
        return rud_error(RUD_EFORMAT, "\"%s\" has %zu entries; at most %zu are allowed", key,
                         length, RUD_FEATURES_WIDTH_MAX);
    *encodings = calloc(length > 0 ? length : 1, sizeof **encodings);
    if (*encodings == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu encodings", length);
    for (size_t k = 0; k < length; k++) {
        size_t found = 0;
        RUD_TRY(find_name(json_object_array_get_idx(array, k), key, encoding_names,
                          COUNT(encoding_names), &found));
        (*encodings)[k] = (rud_encoding)found;
    }
    *count = length;
    return RUD_OK;
}

static rud_status read_spaces(json_object *root, description *given)
{
    json_object *space = NULL;
    RUD_TRY(find(root, "observation_space", json_type_object, &space));
    rud_status status = read_space(space, &given->observation_space);
    if (status != RUD_OK) return rud_error_context(status, "\"observation_space\"");
    if (!json_object_object_get_ex(root, "action_space", &space))
        return rud_error(RUD_EFORMAT, "\"action_space\" is missing");
    if (space == NULL) return RUD_OK;
    RUD_TRY(check_type(space, "action_space", json_type_object));
    status = read_space(space, &given->action_space);
    return rud_error_context(status, "\"action_space\"");
}

static rud_status read_description(json_object *root, description *given)
{
    static const char *const known[] = {
        "observation_space", "action_space", "observation", "action", "difference",
        "final_observation", "time",         "time_scale",  "shift",  "scale"};
    RUD_TRY(check_keys(root, known, COUNT(known)));
    RUD_TRY(read_spaces(root, given));
    RUD_TRY(read_encodings(root, "observation", &given->observation, &given->observation_count));
    RUD_TRY(read_encodings(root, "action", &given->action, &given->action_count));
    RUD_TRY(find_bool(root, "difference", &given->options.difference));
    RUD_TRY(find_bool(root, "final_observation", &given->options.final_observation));
    RUD_TRY(find_bool(root, "time", &given->options.time));
    json_object *scale = NULL;
    RUD_TRY(find(root, "time_scale", json_type_double, &scale));
    given->options.time_scale = json_object_get_double(scale);
    return RUD_OK;
}

/* Spreads an entry for each raw column over columns[D]; other columns keep what they hold. */
static size_t spread(const rud_features_part *part, const double *entries, double *columns)
{
    size_t used = 0;
    for (size_t i = 0; i < part->input_count; i++)
        if (!part->inputs[i].one_hot) columns[part->inputs[i].column] = entries[used++];
    return used;
}

static size_t count_raw(const rud_features_part *part)
{
    size_t count = 0;
    for (size_t i = 0; i < part->input_count; i++) count += !part->inputs[i].one_hot;
    return count;
}

static rud_status apply_standardisation(rud_features *features, const double *shift,
                                        const double *scale)
{
    double *columns = calloc(2 * features->width, sizeof *columns);
    if (columns == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu columns", features->width);
    size_t used = spread(&features->observation, shift, columns);
    spread(&features->action, shift + used, columns);
    spread(&features->observation, scale, columns + features->width);
    spread(&features->action, scale + used, columns + features->width);
    rud_status status =
        rud_features_set_standardisation(features, columns, columns + features->width);
    free(columns);
    return status;
}

static rud_status read_standardisation(json_object *root, rud_features *features)
{
    size_t raw = count_raw(&features->observation) + count_raw(&features->action);
    double *shift = NULL, *scale = NULL;
    rud_status status = read_numbers(root, "shift", raw, NAN, &shift);
    if (status == RUD_OK) status = read_numbers(root, "scale", raw, NAN, &scale);
    if (status == RUD_OK && (shift == NULL) != (scale == NULL))
        status = rud_error(RUD_EFORMAT, "\"shift\" and \"scale\" must be given together");
    if (status == RUD_OK && shift != NULL) status = apply_standardisation(features, shift, scale);
    free(shift);
    free(scale);
    return status;
}

static rud_status build(json_object *root, rud_features **features)
{
    description given = {0};
    rud_status status = read_description(root, &given);
    if (status == RUD_OK) {
        rud_features_encodings observation = {given.observation, given.observation_count};
        rud_features_encodings action = {given.action, given.action_count};
        status =
            rud_features_build(&given.options, observation, action, &given.observation_space,
                               given.action_space.width > 0 ? &given.action_space : NULL, features);
    }
    free_description(&given);
    if (status == RUD_OK) status = read_standardisation(root, *features);
    if (status != RUD_OK) rud_features_free(features);
    return status;
}

rud_status rud_features_from_json(const char *text, rud_features **features)
{
    *features = NULL;
    json_object *root = NULL;
    rud_status status = rud_json_parse(text, strlen(text), &root);
    if (status == RUD_OK) {
        status = build(root, features);
        json_object_put(root);
    }
    /* Whatever a description asks for and cannot be is a fault of the description. */
    if (status == RUD_EINVAL || status == RUD_ENONFINITE) status = RUD_EFORMAT;
    return rud_error_context(status, "description of features");
}

#include "episodes/features.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "episodes/features_private.h"

rud_features_options rud_features_options_default(void)
{
    return (rud_features_options){
        .action = RUD_ENCODING_AUTO, .final_observation = true, .time_scale = 1};
}

/* The encoding of component k, auto resolved. */
static rud_status resolve(rud_features_encodings encodings, size_t k, const rud_space *space,
                          rud_encoding *encoding)
{
    bool box = !rud_space_is_discrete(space, k);
    rud_encoding given = RUD_ENCODING_AUTO;
    if (encodings.count > 0) given = encodings.items[encodings.count == 1 ? 0 : k];
    switch (given) {
    case RUD_ENCODING_AUTO:
        *encoding = box ? RUD_ENCODING_RAW : RUD_ENCODING_ONE_HOT;
        return RUD_OK;
    case RUD_ENCODING_ONE_HOT:
        if (box)
            return rud_error(RUD_EINVAL,
                             "component %zu is a real number and cannot be one-hot; use raw or "
                             "none",
                             k);
        break;
    case RUD_ENCODING_RAW:
    case RUD_ENCODING_NONE:
        break;
    default:
        return rud_error(RUD_EINVAL, "component %zu has the unknown encoding %d", k, (int)given);
    }
    *encoding = given;
    return RUD_OK;
}

/* Gives component k its columns; *width counts the columns given so far. */
static rud_status add_input(rud_features_part *part, size_t k, size_t *width)
{
    rud_encoding encoding = part->encodings[k];
    if (encoding == RUD_ENCODING_NONE) return RUD_OK;
    bool one_hot = encoding == RUD_ENCODING_ONE_HOT;
    uint64_t columns = one_hot ? (uint64_t)part->space.sizes[k] : 1;
    if (columns > RUD_FEATURES_WIDTH_MAX - *width)
        return rud_error(RUD_EINVAL,
                         "component %zu makes the input wider than %zu columns; use raw or none", k,
                         RUD_FEATURES_WIDTH_MAX);
    part->inputs[part->input_count++] =
        (rud_features_input){.component = k, .column = *width, .one_hot = one_hot, .scale = 1};
    *width += (size_t)columns;
    return RUD_OK;
}

static rud_status build_part(const rud_space *space, rud_features_encodings encodings,
                             rud_features_part *part, size_t *width)
{
    if (space->width == 0 || space->width > RUD_FEATURES_WIDTH_MAX)
        return rud_error(RUD_EINVAL, "a space of %zu components; allowed are 1 .. %zu",
                         space->width, RUD_FEATURES_WIDTH_MAX);
    if (encodings.count > 1 && encodings.count != space->width)
        return rud_error(RUD_EINVAL, "%zu encodings for %zu components; give one, or one for each",
                         encodings.count, space->width);
    RUD_TRY(rud_space_copy(space, &part->space));
    part->encodings = calloc(space->width, sizeof *part->encodings);
    part->inputs = calloc(space->width, sizeof *part->inputs);
    if (part->encodings == NULL || part->inputs == NULL)
        return rud_error(RUD_ENOMEM, "no memory for features of %zu components", space->width);
    for (size_t k = 0; k < space->width; k++) {
        RUD_TRY(resolve(encodings, k, &part->space, &part->encodings[k]));
        RUD_TRY(add_input(part, k, width));
    }
    return RUD_OK;
}

static rud_status build_parts(const rud_features_options *options,
                              rud_features_encodings observation, rud_features_encodings action,
                              const rud_space *observation_space, const rud_space *action_space,
                              rud_features *features)
{
    if (options->time && !(isfinite(options->time_scale) && options->time_scale >= 1))
        return rud_error(RUD_EINVAL, "time scale %g; a finite number of at least 1 is needed",
                         options->time_scale);
    features->difference = options->difference;
    features->standardise = options->standardise;
    features->time = options->time;
    features->final_observation = options->final_observation;
    features->time_scale = options->time ? options->time_scale : 1;
    rud_status status =
        build_part(observation_space, observation, &features->observation, &features->width);
    if (status != RUD_OK) return rud_error_context(status, "observation");
    if (action_space != NULL) {
        status = build_part(action_space, action, &features->action, &features->width);
        if (status != RUD_OK) return rud_error_context(status, "action");
    }
    if (features->time && features->width == RUD_FEATURES_WIDTH_MAX)
        return rud_error(RUD_EINVAL, "time makes the input wider than %zu columns",
                         RUD_FEATURES_WIDTH_MAX);
    features->width += features->time ? 1 : 0;
    if (features->width == 0)
        return rud_error(RUD_EINVAL, "no input is left: every component is left out");
    return RUD_OK;
}

rud_status rud_features_build(const rud_features_options *options,
                              rud_features_encodings observation, rud_features_encodings action,
                              const rud_space *observation_space, const rud_space *action_space,
                              rud_features **features)
{
    *features = NULL;
    rud_features *made = calloc(1, sizeof *made);
    if (made == NULL) return rud_error(RUD_ENOMEM, "no memory for features");
    rud_status status =
        build_parts(options, observation, action, observation_space, action_space, made);
    if (status != RUD_OK) {
        rud_features_free(&made);
        return status;
    }
    *features = made;
    return RUD_OK;
}

rud_status rud_features_create(const rud_features_options *options,
                               const rud_space *observation_space, const rud_space *action_space,
                               rud_features **features)
{
    *features = NULL;
    size_t limit = sizeof options->observation / sizeof options->observation[0];
    if (options->observation_count > limit)
        return rud_error(RUD_EINVAL, "observation: %zu encodings; at most %zu are allowed",
                         options->observation_count, limit);
    rud_features_encodings observation = {options->observation, options->observation_count};
    rud_features_encodings action = {&options->action, 1};
    return rud_features_build(options, observation, action, observation_space, action_space,
                              features);
}

static void copy_standardisation(const rud_features_part *from, rud_features_part *to)
{
    if (to->inputs != NULL)
        memcpy(to->inputs, from->inputs, from->input_count * sizeof *from->inputs);
}

rud_status rud_features_copy(const rud_features *from, rud_features **to)
{
    rud_features_options options = {.difference = from->difference,
                                    .standardise = from->standardise,
                                    .time = from->time,
                                    .final_observation = from->final_observation,
                                    .time_scale = from->time_scale};
    rud_features_encodings observation = {from->observation.encodings,
                                          from->observation.space.width};
    rud_features_encodings action = {from->action.encodings, from->action.space.width};
    RUD_TRY(rud_features_build(&options, observation, action, &from->observation.space,
                               rud_features_action_space(from), to));
    copy_standardisation(&from->observation, &(*to)->observation);
    copy_standardisation(&from->action, &(*to)->action);
    return RUD_OK;
}

static void free_part(rud_features_part *part)
{
    rud_space_free(&part->space);
    free(part->encodings);
    free(part->inputs);
}

void rud_features_free(rud_features **features)
{
    if (*features == NULL) return;
    free_part(&(*features)->observation);
    free_part(&(*features)->action);
    free(*features);
    *features = NULL;
}

static rud_status check_standardisation(const rud_features *features, const rud_features_part *part,
                                        const double *shift, const double *scale)
{
    for (size_t i = 0; i < part->input_count; i++) {
        size_t d = part->inputs[i].column;
        if (part->inputs[i].one_hot) continue;
        if (isfinite(shift[d]) && isfinite(scale[d]) && scale[d] > 0) continue;
        char name[64];
        rud_features_name(features, d, name, sizeof name);
        return rud_error(RUD_EINVAL,
                         "%s: shift %g and scale %g; both must be finite, the scale above 0", name,
                         shift[d], scale[d]);
    }
    return RUD_OK;
}

static void set_standardisation(rud_features_part *part, const double *shift, const double *scale)
{
    for (size_t i = 0; i < part->input_count; i++) {
        rud_features_input *input = &part->inputs[i];
        if (input->one_hot) continue;
        input->shift = shift[input->column];
        input->scale = scale[input->column];
    }
}

rud_status rud_features_set_standardisation(rud_features *features, const double *shift,
                                            const double *scale)
{
    RUD_TRY(check_standardisation(features, &features->observation, shift, scale));
    RUD_TRY(check_standardisation(features, &features->action, shift, scale));
    set_standardisation(&features->observation, shift, scale);
    set_standardisation(&features->action, shift, scale);
    return RUD_OK;
}

size_t rud_features_width(const rud_features *features)
{
    return features->width;
}

bool rud_features_final_observation(const rud_features *features)
{
    return features->final_observation;
}

bool rud_features_is_raw(const rud_features *features, size_t d)
{
    const rud_features_part *parts[] = {&features->observation, &features->action};
    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; i < parts[p]->input_count; i++) {
            const rud_features_input *input = &parts[p]->inputs[i];
            if (input->column == d) return !input->one_hot;
        }
    }
    return false;
}

bool rud_features_standardise(const rud_features *features)
{
    return features->standardise;
}

bool rud_features_difference(const rud_features *features)
{
    return features->difference;
}

const rud_space *rud_features_observation_space(const rud_features *features)
{
    return &features->observation.space;
}

const rud_space *rud_features_action_space(const rud_features *features)
{
    return features->action.space.width > 0 ? &features->action.space : NULL;
}

/* The last input that begins at column d or before; NULL if there is none. */
static const rud_features_input *find_input(const rud_features_part *part, size_t d)
{
    size_t first = 0, end = part->input_count; /* inputs before `first` begin at d or before */
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (part->inputs[middle].column <= d)
            first = middle + 1;
        else
            end = middle;
    }
    return first == 0 ? NULL : &part->inputs[first - 1];
}

void rud_features_name(const rud_features *features, size_t d, char *name, size_t size)
{
    if (d >= features->width || (features->time && d == features->width - 1)) {
        snprintf(name, size, "%s", d >= features->width ? "" : "time");
        return;
    }
    const rud_features_part *part = &features->action;
    const rud_features_input *input = find_input(part, d);
    if (input == NULL) {
        part = &features->observation;
        input = find_input(part, d);
    }
    char component[32] = "", value[32] = "";
    if (part->space.kind != RUD_SPACE_DISCRETE)
        snprintf(component, sizeof component, "[%zu]", input->component);
    if (input->one_hot) snprintf(value, sizeof value, "=%zu", d - input->column);
    snprintf(name, size, "%s%s%s", part == &features->action ? "action" : "observation", component,
             value);
}

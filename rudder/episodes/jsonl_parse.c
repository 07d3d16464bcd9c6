#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "episodes/jsonl_private.h"

/* Field "observations" or "actions": `rows` plain numbers, or arrays of `width` numbers. */
typedef struct table {
    const char *field;
    json_object *array; /* NULL: the field is absent */
    size_t rows;
    size_t width;
    bool plain;
} table;

/* The fields of an episode. */
typedef struct fields {
    json_object *root;
    rud_jsonl_notes *notes; /* or NULL */
    table observations;
    table actions;
    json_object *rewards; /* NULL: absent */
    size_t steps;         /* T */
} fields;

static const char *type_name(json_object *value)
{
    return json_type_to_name(json_object_get_type(value));
}

/* Field `field` of type `type`; *value is NULL where it is absent. */
static rud_status find(json_object *root, const char *field, json_type type, json_object **value)
{
    *value = NULL;
    if (!json_object_object_get_ex(root, field, value) || json_object_is_type(*value, type))
        return RUD_OK;
    return rud_error(RUD_EFORMAT, "field \"%s\" is of type %s, not %s", field, type_name(*value),
                     json_type_to_name(type));
}

/* The places of a number, such as [3] or [3][1], for messages. */
typedef struct place {
    char text[56];
} place;

static place place_of(size_t row, size_t column, bool plain)
{
    place found;
    if (plain)
        snprintf(found.text, sizeof found.text, "[%zu]", row);
    else
        snprintf(found.text, sizeof found.text, "[%zu][%zu]", row, column);
    return found;
}

static rud_status read_number(const char *field, size_t row, size_t column, bool plain,
                              json_object *value, double *number)
{
    if (!json_object_is_type(value, json_type_double) && !json_object_is_type(value, json_type_int))
        return rud_error(RUD_EFORMAT, "field \"%s\"%s is of type %s, not a number", field,
                         place_of(row, column, plain).text, type_name(value));
    *number = json_object_get_double(value);
    if (isfinite(*number)) return RUD_OK;
    return rud_error(RUD_ENONFINITE, "field \"%s\"%s is not finite", field,
                     place_of(row, column, plain).text);
}

/* Every row must be as the first one is: a number, or an array of the same length. */
static rud_status measure(table *rows)
{
    rows->rows = json_object_array_length(rows->array);
    if (rows->rows == 0) return rud_error(RUD_EFORMAT, "field \"%s\" is empty", rows->field);
    for (size_t r = 0; r < rows->rows; r++) {
        json_object *row = json_object_array_get_idx(rows->array, r);
        bool plain = !json_object_is_type(row, json_type_array);
        size_t width = plain ? 1 : json_object_array_length(row);
        if (r == 0) {
            rows->plain = plain;
            rows->width = width;
        }
        if (plain && !rows->plain)
            return rud_error(RUD_EFORMAT, "field \"%s\"[%zu] is of type %s, not array as row 0",
                             rows->field, r, type_name(row));
        if (!plain && rows->plain)
            return rud_error(RUD_EFORMAT, "field \"%s\"[%zu] is an array, but row 0 is not",
                             rows->field, r);
        if (width == 0)
            return rud_error(RUD_EFORMAT, "field \"%s\"[%zu] is an empty row", rows->field, r);
        if (width != rows->width)
            return rud_error(RUD_EFORMAT,
                             "field \"%s\"[%zu] is ragged: %zu numbers, but row 0 has %zu",
                             rows->field, r, width, rows->width);
    }
    return RUD_OK;
}

/* Notes which components of a table are written as real numbers. */
static rud_status note(const table *rows, const double *numbers, rud_value_ranges *ranges)
{
    if (ranges->width == 0) RUD_TRY(rud_value_ranges_create(rows->width, ranges));
    if (ranges->width != rows->width) return RUD_OK; /* the caller refuses the episode */
    for (size_t r = 0; r < rows->rows; r++) {
        json_object *row = json_object_array_get_idx(rows->array, r);
        for (size_t c = 0; c < rows->width; c++) {
            json_object *value = rows->plain ? row : json_object_array_get_idx(row, c);
            if (json_object_is_type(value, json_type_double)) ranges->real[c] = true;
        }
    }
    rud_value_ranges_add(ranges, numbers, rows->rows);
    return RUD_OK;
}

static rud_status read_table(const table *rows, double *numbers)
{
    for (size_t r = 0; r < rows->rows; r++) {
        json_object *row = json_object_array_get_idx(rows->array, r);
        for (size_t c = 0; c < rows->width; c++) {
            json_object *value = rows->plain ? row : json_object_array_get_idx(row, c);
            RUD_TRY(
                read_number(rows->field, r, c, rows->plain, value, &numbers[r * rows->width + c]));
        }
    }
    return RUD_OK;
}

bool rud_jsonl_is_field(const char *key)
{
    static const char *const known[] = {"id",         "observations", "actions", "rewards",
                                        "terminated", "truncated",    "seed"};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (strcmp(key, known[k]) == 0) return true;
    return false;
}

/* Every other field is an info: a row for each step or each observation. */
static rud_status check_keys(const fields *found)
{
    json_object_object_foreach(found->root, key, value)
    {
        if (rud_jsonl_is_field(key)) continue;
        size_t rows =
            json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 0;
        if (rows == found->steps || rows == found->steps + 1) continue;
        return rud_error(
            RUD_EFORMAT,
            "unknown field \"%.64s\": besides id, observations, actions, rewards, "
            "terminated, truncated and seed only arrays of %zu or %zu entries are kept",
            key, found->steps, found->steps + 1);
    }
    return RUD_OK;
}

/* Numbers in `value`, an array being flattened; 0 if it holds anything else. null is NaN. */
static size_t count_numbers(json_object *value, bool *integer)
{
    switch (json_object_get_type(value)) {
    case json_type_double:
    case json_type_null:
        *integer = false;
        return 1;
    case json_type_int:
    case json_type_boolean:
        return 1;
    case json_type_array:
        break;
    default:
        return 0;
    }
    size_t sum = 0;
    for (size_t k = 0; k < json_object_array_length(value); k++) {
        size_t inside = count_numbers(json_object_array_get_idx(value, k), integer);
        if (inside == 0) return 0;
        sum += inside;
    }
    return sum;
}

static double *put_numbers(json_object *value, double *next)
{
    if (!json_object_is_type(value, json_type_array)) {
        *next = value == NULL ? (double)NAN : json_object_get_double(value);
        return next + 1;
    }
    for (size_t k = 0; k < json_object_array_length(value); k++)
        next = put_numbers(json_object_array_get_idx(value, k), next);
    return next;
}

/* Texts and ragged rows are no numbers: they stay in the line only. */
static rud_status read_info(const char *key, json_object *array, rud_episode *episode)
{
    size_t rows = json_object_array_length(array), width = 0;
    bool integer = true;
    for (size_t r = 0; r < rows; r++) {
        size_t numbers = count_numbers(json_object_array_get_idx(array, r), &integer);
        if (numbers == 0 || (r > 0 && numbers != width)) return RUD_OK;
        width = numbers;
    }
    double *next;
    RUD_TRY(rud_episode_add_info(episode, key, width, integer, &next));
    if (rows == episode->steps) next += width; /* row 0 is the reset's */
    put_numbers(array, next);
    return RUD_OK;
}

static rud_status read_infos(json_object *root, rud_episode *episode)
{
    json_object_object_foreach(root, key, value)
    {
        if (rud_jsonl_is_field(key)) continue;
        rud_status status = read_info(key, value, episode);
        if (status != RUD_OK) return rud_error_context(status, "field \"%.64s\"", key);
    }
    return RUD_OK;
}

/* Finds the arrays and T, and checks that the lengths agree. */
static rud_status find_arrays(fields *found)
{
    table *observations = &found->observations, *actions = &found->actions;
    RUD_TRY(find(found->root, "observations", json_type_array, &observations->array));
    RUD_TRY(find(found->root, "actions", json_type_array, &actions->array));
    RUD_TRY(find(found->root, "rewards", json_type_array, &found->rewards));
    if (observations->array == NULL)
        return rud_error(RUD_EFORMAT, "field \"observations\" is missing");
    RUD_TRY(measure(observations));
    found->steps = observations->rows;
    if (actions->array != NULL) {
        RUD_TRY(measure(actions));
        found->steps = actions->rows;
    }
    if (found->rewards != NULL) {
        size_t length = json_object_array_length(found->rewards);
        if (length == 0) return rud_error(RUD_EFORMAT, "field \"rewards\" is empty");
        if (actions->array != NULL && length != actions->rows)
            return rud_error(RUD_EFORMAT, "field \"rewards\" has %zu entries, \"actions\" %zu",
                             length, actions->rows);
        found->steps = length;
    }
    if (observations->rows != found->steps && observations->rows != found->steps + 1)
        return rud_error(RUD_EFORMAT,
                         "field \"observations\" has %zu rows; %zu steps need %zu "
                         "rows, or %zu with the final observation",
                         observations->rows, found->steps, found->steps, found->steps + 1);
    return RUD_OK;
}

static rud_status read_flag(json_object *root, const char *field, bool absent, bool *flag)
{
    json_object *value = NULL;
    RUD_TRY(find(root, field, json_type_boolean, &value));
    *flag = value == NULL ? absent : json_object_get_boolean(value);
    return RUD_OK;
}

static rud_status read_seed(json_object *root, rud_episode *episode)
{
    json_object *seed = NULL;
    RUD_TRY(find(root, "seed", json_type_int, &seed));
    if (seed == NULL) return RUD_OK;
    if (json_object_get_int64(seed) < 0)
        return rud_error(RUD_EFORMAT, "field \"seed\" is %lld; it must not be negative",
                         (long long)json_object_get_int64(seed));
    episode->seed = json_object_get_uint64(seed);
    episode->has_seed = true;
    return RUD_OK;
}

static rud_status read_id(json_object *root, rud_episode *episode)
{
    json_object *id = NULL;
    json_object_object_get_ex(root, "id", &id);
    if (id == NULL) return RUD_OK; /* explanations of episodes without ids say null */
    if (!json_object_is_type(id, json_type_string) && !json_object_is_type(id, json_type_int))
        return rud_error(RUD_EFORMAT, "field \"id\" is of type %s, not string or int",
                         type_name(id));
    const char *text = json_object_get_string(id);
    if (text == NULL) return rud_error(RUD_ENOMEM, "no memory for an episode's id");
    if (json_object_is_type(id, json_type_string) &&
        strlen(text) != (size_t)json_object_get_string_len(id))
        return rud_error(RUD_EFORMAT, "field \"id\" holds a zero character");
    return rud_episode_set_id(episode, text);
}

static rud_status fill(const fields *found, rud_episode *episode)
{
    RUD_TRY(read_id(found->root, episode));
    RUD_TRY(read_table(&found->observations, episode->observations));
    if (found->actions.array != NULL) RUD_TRY(read_table(&found->actions, episode->actions));
    episode->no_rewards = found->rewards == NULL;
    for (size_t t = 0; found->rewards != NULL && t < found->steps; t++)
        RUD_TRY(read_number("rewards", t, 0, true, json_object_array_get_idx(found->rewards, t),
                            &episode->rewards[t]));
    RUD_TRY(read_flag(found->root, "truncated", false, &episode->truncated));
    RUD_TRY(read_flag(found->root, "terminated", !episode->truncated, &episode->terminated));
    RUD_TRY(read_infos(found->root, episode));
    return read_seed(found->root, episode);
}

static rud_status take_notes(const fields *found, const rud_episode *episode)
{
    rud_jsonl_notes *notes = found->notes;
    if (notes->observations.width == 0) {
        notes->plain_observations = found->observations.plain;
        notes->plain_actions = found->actions.plain;
    }
    RUD_TRY(note(&found->observations, episode->observations, &notes->observations));
    if (found->actions.array == NULL) return RUD_OK;
    return note(&found->actions, episode->actions, &notes->actions);
}

static rud_status read_episode(json_object *root, rud_jsonl_notes *notes, rud_episode **episode)
{
    fields found = {.root = root,
                    .notes = notes,
                    .observations.field = "observations",
                    .actions.field = "actions"};
    RUD_TRY(find_arrays(&found));
    RUD_TRY(check_keys(&found));
    RUD_TRY(rud_episode_create(found.steps, found.observations.rows, found.observations.width,
                               found.actions.width, episode));
    rud_status status = fill(&found, *episode);
    if (status == RUD_OK && notes != NULL) status = take_notes(&found, *episode);
    if (status != RUD_OK) rud_episode_free(episode);
    return status;
}

rud_status rud_jsonl_parse(const char *text, size_t length, rud_jsonl_notes *notes,
                           rud_episode **episode)
{
    *episode = NULL;
    json_object *root = NULL;
    RUD_TRY(rud_json_parse(text, length, &root));
    rud_status status = read_episode(root, notes, episode);
    json_object_put(root);
    return status;
}

#include "base/json.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

static size_t span(const char *text, size_t begin, size_t length, const char *allowed)
{
    size_t end = begin;
    while (end < length && strchr(allowed, text[end]) != NULL && text[end] != '\0') end++;
    return end;
}

/* Is text[begin .. end), all digits, too large for json-c's integers? */
static bool is_large(const char *text, size_t begin, size_t end)
{
    bool negative = begin > 0 && text[begin - 1] == '-';
    const char *limit = negative ? "9223372036854775808" : "18446744073709551615";
    size_t digits = strlen(limit);
    if (end - begin != digits) return end - begin > digits;
    return memcmp(text + begin, limit, digits) > 0;
}

/* The first integer beyond 64 bits in the JSON text[length]; length if there is none. */
static size_t find_large_integer(const char *text, size_t length)
{
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"') {
            in_string = !in_string;
        } else if (in_string) {
            i += text[i] == '\\';
        } else if (text[i] >= '0' && text[i] <= '9') {
            size_t digits = span(text, i, length, "0123456789");
            size_t end = span(text, digits, length, "0123456789.eE+-");
            if (digits == end && is_large(text, i, end)) return i;
            i = end - 1;
        }
    }
    return length;
}

/* Where a search for keys stands. */
typedef struct key_search {
    size_t at, depth;
} key_search;

/* The next key of the JSON object text[length] itself, with its quotes at text[*begin .. *end);
 * false behind the last. A string that no colon follows is a value. */
static bool next_key(const char *text, size_t length, key_search *search, size_t *begin,
                     size_t *end)
{
    for (size_t i = search->at; i < length; i++) {
        if (text[i] == '{' || text[i] == '[') search->depth++;
        if (text[i] == '}' || text[i] == ']') search->depth--;
        if (text[i] != '"') continue;
        *begin = i++;
        while (i < length && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
        *end = i + 1;
        const size_t behind = span(text, *end, length, " \t\r\n");
        search->at = *end;
        if (search->depth == 1 && behind < length && text[behind] == ':') return true;
    }
    return false;
}

/* Takes the key, escapes and all, into the set. */
static rud_status add_key(json_object *set, const char *text, size_t length)
{
    json_tokener *tokener = json_tokener_new();
    json_object *key = tokener ? json_tokener_parse_ex(tokener, text, (int)length) : NULL;
    const char *name = key ? json_object_get_string(key) : NULL;
    rud_status status = name ? RUD_OK : rud_error(RUD_ENOMEM, "no memory to read JSON");
    if (name && json_object_object_get_ex(set, name, NULL))
        status = rud_error(RUD_EFORMAT, "field \"%.64s\" is there twice", name);
    else if (name && json_object_object_add(set, name, NULL) != 0)
        status = rud_error(RUD_ENOMEM, "no memory to read JSON");
    json_object_put(key);
    if (tokener) json_tokener_free(tokener);
    return status;
}

/* Of a key that is there twice json-c keeps the last value, and says nothing: there are fewer
 * members than keys then. */
static rud_status check_keys(const char *text, size_t length, json_object *object)
{
    size_t keys = 0, begin, end;
    key_search search = {0};
    while (next_key(text, length, &search, &begin, &end)) keys++;
    if (keys == (size_t)json_object_object_length(object)) return RUD_OK;
    json_object *set = json_object_new_object();
    rud_status status = set ? RUD_OK : rud_error(RUD_ENOMEM, "no memory to read JSON");
    search = (key_search){0};
    while (status == RUD_OK && next_key(text, length, &search, &begin, &end))
        status = add_key(set, text + begin, end - begin);
    json_object_put(set);
    return status;
}

static rud_status parse(const char *text, size_t length, json_object **parsed)
{
    json_tokener *tokener = json_tokener_new();
    if (tokener == NULL) return rud_error(RUD_ENOMEM, "no memory to read JSON");
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    *parsed = json_tokener_parse_ex(tokener, text, (int)length);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    size_t byte = json_tokener_get_parse_end(tokener) + 1;
    json_tokener_free(tokener);
    if (error == json_tokener_continue)
        return rud_error(RUD_EFORMAT, "not JSON: the text ends too soon, at byte %zu", byte);
    if (error != json_tokener_success)
        return rud_error(RUD_EFORMAT, "not JSON at byte %zu: %s", byte,
                         json_tokener_error_desc(error));
    return RUD_OK;
}

rud_status rud_json_parse(const char *text, size_t length, json_object **root)
{
    *root = NULL;
    if (length >= INT_MAX) return rud_error(RUD_EFORMAT, "%zu bytes are too long", length);
    const char *nul = length == 0 ? NULL : memchr(text, '\0', length);
    if (nul != NULL)
        return rud_error(RUD_EFORMAT, "not JSON at byte %zu: a zero byte",
                         (size_t)(nul - text) + 1);
    json_object *parsed = NULL;
    RUD_TRY(parse(text, length, &parsed));
    size_t large = find_large_integer(text, length);
    rud_status status = RUD_OK;
    if (!json_object_is_type(parsed, json_type_object))
        status = rud_error(RUD_EFORMAT, "not a JSON object: {...} is needed");
    else if (large < length)
        status = rud_error(RUD_EFORMAT, "the integer at byte %zu does not fit 64 bits", large + 1);
    if (status == RUD_OK) status = check_keys(text, length, parsed);
    if (status != RUD_OK) {
        json_object_put(parsed);
        return status;
    }
    *root = parsed;
    return RUD_OK;
}

const char *rud_json_unknown_key(json_object *object, const char *const *known, size_t count)
{
    json_object_object_foreach(object, key, value)
    {
        (void)value;
        size_t k = 0;
        while (k < count && strcmp(key, known[k]) != 0) k++;
        if (k == count) return key;
    }
    return NULL;
}

/* Values of the configuration as text: one at a time, both ways. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "config/config_private.h"

enum { LIMIT_SIZE = 64 };
#define LARGEST_WHOLE 9007199254740992.0 /* that every double up to it can tell from the next */

static const char *last_part(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

/* "at least 1" or "more than 1". */
static void low_text(const rud_config_key *key, char *text, size_t size)
{
    char number[RUD_NUMBER_SIZE];
    rud_number_text(key->low, number);
    snprintf(text, size, "%s %s", key->low_open ? "more than" : "at least", number);
}

static void high_text(const rud_config_key *key, char *text, size_t size)
{
    char number[RUD_NUMBER_SIZE];
    rud_number_text(key->high, number);
    snprintf(text, size, "at most %s", number);
}

static bool too_low(const rud_config_key *key, double value)
{
    return key->low_open ? value <= key->low : value < key->low;
}

static bool too_high(const rud_config_key *key, double value)
{
    return value > key->high;
}

/* RUD_OK within the range; else the message names the limit. */
static rud_status check_range(const rud_config_key *key, double value, const char *found)
{
    char limit[LIMIT_SIZE];
    if (too_low(key, value)) {
        low_text(key, limit, sizeof limit);
    } else if (too_high(key, value)) {
        high_text(key, limit, sizeof limit);
    } else {
        return RUD_OK;
    }
    return rud_error(RUD_EINVAL, "%s must be %s, found %s", last_part(key->path), limit, found);
}

static rud_status wrong_type(const rud_config_key *key, const char *text, bool plain)
{
    char allowed[RUD_CONFIG_TEXT];
    rud_config_describe(key, allowed);
    const char *quote = plain ? "" : "\"";
    return rud_error(RUD_EINVAL, "%s must be %s; found %s%s%s", last_part(key->path), allowed,
                     quote, *text || !plain ? text : "nothing", quote);
}

/* Decimal digits, perhaps behind a minus: strtoull and strtoll take more than we want. */
static bool is_whole(const char *text)
{
    if (*text == '-') text++;
    return *text && strspn(text, "0123456789") == strlen(text);
}

static rud_status parse_integer(const rud_config_key *key, const char *text, int64_t *value)
{
    errno = 0;
    const long long number = strtoll(text, NULL, 10);
    if (errno == ERANGE || (double)number > LARGEST_WHOLE) {
        return rud_error(RUD_EINVAL, "%s is too large or small: %s", last_part(key->path), text);
    }
    RUD_TRY(check_range(key, (double)number, text));
    *value = number;
    return RUD_OK;
}

static rud_status parse_size(const rud_config_key *key, const char *text, void *value)
{
    int64_t number;
    RUD_TRY(parse_integer(key, text, &number));
    const size_t size = (size_t)number;
    memcpy(value, &size, sizeof size);
    return RUD_OK;
}

static rud_status parse_seed(const rud_config_key *key, const char *text, void *value)
{
    errno = 0;
    const uint64_t number = strtoull(text, NULL, 10);
    if (*text == '-' || errno == ERANGE) {
        return rud_error(RUD_EINVAL, "%s must be from 0 to %" PRIu64 ", found %s",
                         last_part(key->path), UINT64_MAX, text);
    }
    memcpy(value, &number, sizeof number);
    return RUD_OK;
}

/* Infinity and NaN are numbers to YAML and to strtod, but never a setting of ours. */
static bool is_nonfinite(const char *text)
{
    static const char *const forms[] = {"nan", ".nan", ".NaN",     ".NAN",    "NaN",
                                        "NAN", "inf",  ".inf",     ".Inf",    ".INF",
                                        "Inf", "INF",  "infinity", "Infinity"};
    if (*text == '-' || *text == '+') text++;
    for (size_t k = 0; k < sizeof forms / sizeof forms[0]; k++) {
        if (strcmp(text, forms[k]) == 0) return true;
    }
    return false;
}

static rud_status parse_real(const rud_config_key *key, const char *text, bool plain, double *value)
{
    if (plain && is_nonfinite(text)) {
        return rud_error(RUD_EINVAL, "%s must be a finite number, found %s", last_part(key->path),
                         text);
    }
    double number = 0;
    if (!plain || !rud_number_parse(text, &number)) return wrong_type(key, text, plain);
    if (!isfinite(number)) {
        return rud_error(RUD_EINVAL, "%s is too large: %s", last_part(key->path), text);
    }
    RUD_TRY(check_range(key, number, text));
    *value = number;
    return RUD_OK;
}

static rud_status parse_boolean(const rud_config_key *key, const char *text, bool plain,
                                void *value)
{
    const bool yes = strcmp(text, "true") == 0;
    if (!plain || (!yes && strcmp(text, "false") != 0)) return wrong_type(key, text, plain);
    memcpy(value, &yes, sizeof yes);
    return RUD_OK;
}

static rud_status parse_name(const rud_config_key *key, const char *text, char *value)
{
    if (*text == '\0' && !key->may_be_empty)
        return rud_error(RUD_EINVAL, "%s is empty", last_part(key->path));
    if (strlen(text) >= key->size) {
        return rud_error(RUD_EINVAL, "%s must be shorter than %zu bytes, found \"%s\"",
                         last_part(key->path), key->size, text);
    }
    memset(value, 0, key->size);
    memcpy(value, text, strlen(text));
    return RUD_OK;
}

static rud_status parse_choice(const rud_config_key *key, const char *text, bool plain, void *value)
{
    for (unsigned k = 0; key->choices[k]; k++) {
        if (strcmp(text, key->choices[k]) != 0) continue;
        if (key->size == sizeof(bool)) {
            const bool second = k == 1;
            memcpy(value, &second, sizeof second);
        } else {
            memcpy(value, &k, sizeof k);
        }
        return RUD_OK;
    }
    return wrong_type(key, text, plain);
}

static rud_status parse_step_size(const rud_config_key *key, const char *text, bool plain,
                                  void *value)
{
    rud_step_size step_size;
    memset(&step_size, 0, sizeof step_size);
    step_size.sample_mean = strcmp(text, "1/n") == 0;
    if (!step_size.sample_mean) {
        RUD_TRY(parse_real(key, text, plain, &step_size.constant));
    }
    memcpy(value, &step_size, sizeof step_size);
    return RUD_OK;
}

rud_status rud_config_parse(const rud_config_key *key, const char *text, bool plain, void *value)
{
    const bool whole = plain && is_whole(text);
    switch (key->type) {
    case RUD_CONFIG_SIZE:
        return whole ? parse_size(key, text, value) : wrong_type(key, text, plain);
    case RUD_CONFIG_INTEGER:
        return whole ? parse_integer(key, text, value) : wrong_type(key, text, plain);
    case RUD_CONFIG_SEED:
        return whole ? parse_seed(key, text, value) : wrong_type(key, text, plain);
    case RUD_CONFIG_REAL:
        return parse_real(key, text, plain, value);
    case RUD_CONFIG_BOOLEAN:
        return parse_boolean(key, text, plain, value);
    case RUD_CONFIG_NAME:
        return parse_name(key, text, value);
    case RUD_CONFIG_CHOICE:
        return parse_choice(key, text, plain, value);
    case RUD_CONFIG_DELAYED:
        if (strcmp(text, "end") == 0) {
            *(int64_t *)value = RUD_DELAYED_END;
            return RUD_OK;
        }
        return whole ? parse_integer(key, text, value) : wrong_type(key, text, plain);
    case RUD_CONFIG_STEP_SIZE:
        return parse_step_size(key, text, plain, value);
    case RUD_CONFIG_OPTION:
        return rud_attribution_set(value, key->option->name, text);
    }
    return rud_error(RUD_EINVAL, "%s is of an unknown type", key->path);
}

/* "first, second or third". */
static void list_choices(const char *const *choices, char *text, size_t size)
{
    size_t used = 0;
    for (size_t k = 0; choices[k] && used < size; k++) {
        const char *between = k == 0 ? "" : choices[k + 1] ? ", " : " or ";
        used += (size_t)snprintf(text + used, size - used, "%s%s", between, choices[k]);
    }
}

/* Methods, or `values` of the option: "zero|mean" as "zero or mean", NUMBER as "a number". */
static void describe_option(const rud_attribution_option *option, char *text, size_t size)
{
    const char *choices[16] = {NULL};
    char values[128];
    size_t count = 0;
    if (strcmp(option->name, "method") == 0) {
        const rud_attribution_method *method;
        while (count < 15 && (method = rud_attribution_method_at(count))) {
            choices[count++] = method->name;
        }
    } else if (strchr(option->values, '|')) {
        char *rest = NULL;
        snprintf(values, sizeof values, "%s", option->values);
        for (char *word = strtok_r(values, "|", &rest); word && count < 15;
             word = strtok_r(NULL, "|", &rest)) {
            choices[count++] = word;
        }
    } else {
        choices[0] = strcmp(option->values, "NUMBER") == 0 ? "a number" : "a whole number";
    }
    list_choices(choices, text, size);
}

void rud_config_describe(const rud_config_key *key, char text[RUD_CONFIG_TEXT])
{
    static const char *const names[] = {
        [RUD_CONFIG_SIZE] = "a whole number",
        [RUD_CONFIG_INTEGER] = "a whole number",
        [RUD_CONFIG_SEED] = "a whole number",
        [RUD_CONFIG_REAL] = "a number",
        [RUD_CONFIG_BOOLEAN] = "true or false",
        [RUD_CONFIG_NAME] = "a name",
        [RUD_CONFIG_CHOICE] = "",
        [RUD_CONFIG_DELAYED] = "`end` or a whole number",
        [RUD_CONFIG_STEP_SIZE] = "`1/n` or a number",
    };
    if (key->type == RUD_CONFIG_OPTION) {
        describe_option(key->option, text, RUD_CONFIG_TEXT);
        return;
    }
    if (key->type == RUD_CONFIG_CHOICE) {
        list_choices(key->choices, text, RUD_CONFIG_TEXT);
        return;
    }
    char low[LIMIT_SIZE] = "", high[LIMIT_SIZE] = "";
    const bool ranged = key->type != RUD_CONFIG_SEED && key->type != RUD_CONFIG_BOOLEAN &&
                        key->type != RUD_CONFIG_NAME;
    /* Limits that nobody meets but by mistake are worth no word here. */
    if (ranged && key->low > -LARGEST_WHOLE) low_text(key, low, sizeof low);
    if (ranged && key->high < LARGEST_WHOLE) high_text(key, high, sizeof high);
    snprintf(text, RUD_CONFIG_TEXT, "%s%s%s%s%s", names[key->type], *low ? ", " : "", low,
             *high ? (*low ? " and " : ", ") : "", high);
}

/* Names that YAML would not take for anything else stand plain, others in double quotes. */
static void format_name(const char *name, char text[RUD_CONFIG_TEXT])
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    if (strspn(name, safe) == strlen(name) && *name != '-' && *name != '\0') {
        snprintf(text, RUD_CONFIG_TEXT, "%s", name);
        return;
    }
    size_t used = 0;
    text[used++] = '"';
    for (; *name && used + 6 < RUD_CONFIG_TEXT; name++) {
        const unsigned char byte = (unsigned char)*name;
        if (byte == '"' || byte == '\\') {
            text[used++] = '\\';
            text[used++] = *name;
        } else if (byte < 0x20 || byte == 0x7f) {
            used += (size_t)snprintf(text + used, RUD_CONFIG_TEXT - used, "\\x%02x", byte);
        } else {
            text[used++] = *name;
        }
    }
    text[used++] = '"';
    text[used] = '\0';
}

static const char *choice_of(const rud_config_key *key, const void *value)
{
    unsigned index = 0;
    if (key->size == sizeof(bool)) {
        index = *(const bool *)value;
    } else {
        memcpy(&index, value, sizeof index);
    }
    return key->choices[index];
}

static void format_step_size(const rud_step_size *value, char text[RUD_CONFIG_TEXT])
{
    if (value->sample_mean) {
        snprintf(text, RUD_CONFIG_TEXT, "1/n");
    } else {
        rud_number_text(value->constant, text);
    }
}

void rud_config_format(const rud_config *config, const rud_config_key *key, size_t i,
                       char text[RUD_CONFIG_TEXT])
{
    const void *value = (const char *)config + key->offset + i * key->size;
    switch (key->type) {
    case RUD_CONFIG_SIZE:
        snprintf(text, RUD_CONFIG_TEXT, "%zu", *(const size_t *)value);
        return;
    case RUD_CONFIG_DELAYED:
        if (*(const int64_t *)value == RUD_DELAYED_END) {
            snprintf(text, RUD_CONFIG_TEXT, "end");
            return;
        }
        /* fall through */
    case RUD_CONFIG_INTEGER:
        snprintf(text, RUD_CONFIG_TEXT, "%" PRId64, *(const int64_t *)value);
        return;
    case RUD_CONFIG_SEED:
        snprintf(text, RUD_CONFIG_TEXT, "%" PRIu64, *(const uint64_t *)value);
        return;
    case RUD_CONFIG_REAL:
        rud_number_text(*(const double *)value, text);
        return;
    case RUD_CONFIG_BOOLEAN:
        snprintf(text, RUD_CONFIG_TEXT, "%s", *(const bool *)value ? "true" : "false");
        return;
    case RUD_CONFIG_NAME:
        format_name(value, text);
        return;
    case RUD_CONFIG_CHOICE:
        snprintf(text, RUD_CONFIG_TEXT, "%s", choice_of(key, value));
        return;
    case RUD_CONFIG_STEP_SIZE:
        format_step_size(value, text);
        return;
    case RUD_CONFIG_OPTION:
        rud_attribution_get(value, key->option->name, text);
        return;
    }
}

char *rud_config_value_text(const rud_config *config, const rud_config_key *key)
{
    char value[RUD_CONFIG_TEXT];
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (!stream) return NULL;
    const size_t count = rud_config_count(config, key);
    if (count != 1) fputc('[', stream);
    for (size_t i = 0; i < count; i++) {
        rud_config_format(config, key, i, value);
        fprintf(stream, "%s%s", i ? ", " : "", value);
    }
    if (count != 1) fputc(']', stream);
    const bool failed = ferror(stream) != 0;
    if (fclose(stream) == 0 && !failed) return text;
    free(text);
    return NULL;
}

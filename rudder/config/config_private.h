/* The table of configuration keys and what reads it; inside the library only. */
#ifndef RUD_CONFIG_CONFIG_PRIVATE_H
#define RUD_CONFIG_CONFIG_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "config/config.h"

enum { RUD_CONFIG_KEYS_MAX = 192, RUD_CONFIG_TEXT = 512 };

typedef enum rud_config_type {
    RUD_CONFIG_SIZE,      /* size_t */
    RUD_CONFIG_INTEGER,   /* int64_t */
    RUD_CONFIG_SEED,      /* uint64_t */
    RUD_CONFIG_REAL,      /* double, finite */
    RUD_CONFIG_BOOLEAN,   /* bool */
    RUD_CONFIG_NAME,      /* char[] */
    RUD_CONFIG_CHOICE,    /* an enum or bool: the index among `choices` */
    RUD_CONFIG_DELAYED,   /* int64_t: 0, n, or `end` as RUD_DELAYED_END */
    RUD_CONFIG_STEP_SIZE, /* rud_step_size: `1/n` or a constant */
    RUD_CONFIG_OPTION,    /* an option in a rud_attribution_options */
} rud_config_type;

typedef struct rud_config_key {
    const char *path; /* "predictor.hidden"; keys of one section stand together */
    rud_config_type type;
    size_t offset; /* of the value, or of a list's first, in rud_config */
    size_t size;   /* bytes of one value */
    /* A list holds at least `minimum` and at most `capacity` values; a single one need not stand
     * in brackets. capacity 0: not a list. */
    size_t capacity, minimum;
    size_t count_offset; /* of a list's size_t count, in rud_config */
    double low, high;    /* both allowed, but for an open `low` */
    bool low_open;
    bool may_be_empty;          /* a name */
    const char *const *choices; /* NULL behind the last */
    const rud_attribution_option *option;
    const char *help;
} rud_config_key;

/* Key k = 0, 1, ... of the table; NULL behind the last. And a key's k. */
const rud_config_key *rud_config_key_at(size_t k);
size_t rud_config_key_number(const rud_config_key *key);

/* Key of that path, or NULL. */
const rud_config_key *rud_config_find(const char *path);

/* True if keys stand under `path`: "predictor". */
bool rud_config_is_section(const char *path);

/* Number of values that a config holds under `key`; 1 if it is not a list. */
size_t rud_config_count(const rud_config *config, const rud_config_key *key);

/* Reads one value; `plain`: it stood without quotes. RUD_EINVAL says what is allowed; the caller
 * adds file, line and key. */
rud_status rud_config_parse(const rud_config_key *key, const char *text, bool plain, void *value);

/* Value `i` of a key as YAML, in text[RUD_CONFIG_TEXT]; reads back to the same. */
void rud_config_format(const rud_config *config, const rud_config_key *key, size_t i,
                       char text[RUD_CONFIG_TEXT]);

/* All of a key's value as YAML: "50", "[50, 200]". Caller owns the text; NULL without memory. */
char *rud_config_value_text(const rud_config *config, const rud_config_key *key);

/* What is allowed: "whole number, at least 1", in text[RUD_CONFIG_TEXT]. */
void rud_config_describe(const rud_config_key *key, char text[RUD_CONFIG_TEXT]);

/* Where a key was given: in the file (line >= 1), by a setting, or not at all. */
typedef struct rud_config_place {
    size_t line;
    const char *setting;
} rud_config_place;

typedef struct rud_config_reader {
    rud_config *config;
    const char *path;    /* of the file; NULL: settings only */
    const char *setting; /* being read; NULL: the file is */
    rud_config_place places[RUD_CONFIG_KEYS_MAX];
} rud_config_reader;

/* Reads the file reader->path, or one setting "key=value" whose keys get `prefix` before them. */
rud_status rud_config_read_file(rud_config_reader *reader);
rud_status rud_config_read_setting(rud_config_reader *reader, const char *prefix,
                                   const char *setting);

/* Puts file and line, or the setting, where `path` was given before the message. */
rud_status rud_config_blame(const rud_config_reader *reader, const char *path, rud_status code);

/* Are names known, do options fit the environment? */
rud_status rud_config_check(const rud_config_reader *reader);

/* The same for a server, which has no environment. */
rud_status rud_config_check_server(const rud_config_reader *reader);

#endif

/* Walks a YAML document against the table of keys. */
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/file.h"
#include "base/names.h"
#include "config/config_private.h"

enum { LARGEST_FILE = 1 << 20, PATH_SIZE = 128 };

/* A document and where its values go. */
typedef struct walk {
    rud_config_reader *reader;
    yaml_document_t *document;
} walk;

static size_t line_of(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

/* Puts the place of a node before the message: "file:line: " or "setting "a.b=c": ". */
static rud_status at_line(const rud_config_reader *reader, size_t line, rud_status code)
{
    if (reader->setting) return rud_error_context(code, "setting \"%s\"", reader->setting);
    return rud_error_context(code, "%s:%zu", reader->path, line);
}

rud_status rud_config_blame(const rud_config_reader *reader, const char *path, rud_status code)
{
    const rud_config_place place = reader->places[rud_config_key_number(rud_config_find(path))];
    if (place.setting) return rud_error_context(code, "setting \"%s\"", place.setting);
    if (place.line) return rud_error_context(code, "%s:%zu", reader->path, place.line);
    return reader->path ? rud_error_context(code, "%s", reader->path) : code;
}

static const char *key_path(size_t k)
{
    const rud_config_key *key = rud_config_key_at(k);
    return key ? key->path : NULL;
}

static rud_status unknown_key(const char *path)
{
    const char *nearest = rud_names_nearest(path, key_path);
    if (nearest) {
        return rud_error(RUD_EINVAL, "unknown key \"%s\"; did you mean \"%s\"?", path, nearest);
    }
    char section[RUD_SECTION_SIZE];
    if (!strchr(path, '.') && rud_names_nearest_section(path, key_path, section)) {
        return rud_error(RUD_EINVAL, "unknown key \"%s\"; did you mean \"%s\"?", path, section);
    }
    return rud_error(RUD_EINVAL, "unknown key \"%s\"; `rudder help config` lists them", path);
}

/* YAML text may hold NUL by an escape; C text may not. */
static rud_status scalar_text(const yaml_node_t *node, const char **text)
{
    *text = (const char *)node->data.scalar.value;
    if (strlen(*text) == node->data.scalar.length) return RUD_OK;
    return rud_error(RUD_EINVAL, "text with a NUL byte is not allowed");
}

static rud_status read_scalar(const rud_config_key *key, const yaml_node_t *node, void *value)
{
    const char *text;
    if (node->type != YAML_SCALAR_NODE) {
        char allowed[RUD_CONFIG_TEXT];
        rud_config_describe(key, allowed);
        return rud_error(RUD_EINVAL, "%s must be %s; found a %s", key->path, allowed,
                         node->type == YAML_MAPPING_NODE ? "mapping" : "list");
    }
    RUD_TRY(scalar_text(node, &text));
    return rud_config_parse(key, text, node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE, value);
}

static rud_status read_items(const walk *w, const rud_config_key *key, const yaml_node_t *node,
                             char *values, size_t count)
{
    const yaml_node_item_t *items = node->data.sequence.items.start;
    if (count < key->minimum || count > key->capacity) {
        const rud_status code = rud_error(RUD_EINVAL, "%s holds %zu values; it takes %zu to %zu",
                                          key->path, count, key->minimum, key->capacity);
        return at_line(w->reader, line_of(node), code);
    }
    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *item = yaml_document_get_node(w->document, items[i]);
        const rud_status code = read_scalar(key, item, values + i * key->size);
        if (code != RUD_OK) return at_line(w->reader, line_of(item), code);
    }
    return RUD_OK;
}

/* A list, or one value in its place. */
static rud_status read_list(const walk *w, const rud_config_key *key, const yaml_node_t *node)
{
    char *base = (char *)w->reader->config;
    size_t count = 1;
    if (node->type == YAML_SEQUENCE_NODE) {
        count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
        RUD_TRY(read_items(w, key, node, base + key->offset, count));
    } else {
        RUD_TRY(at_line(w->reader, line_of(node), read_scalar(key, node, base + key->offset)));
    }
    memcpy(base + key->count_offset, &count, sizeof count);
    return RUD_OK;
}

/* Has the same source given the key before? A setting may change what the file says. */
static bool is_duplicate(const rud_config_reader *reader, rud_config_place place)
{
    return reader->setting ? place.setting == reader->setting : place.line != 0;
}

static rud_status read_value(const walk *w, const rud_config_key *key, const yaml_node_t *node)
{
    rud_config_reader *reader = w->reader;
    rud_config_place *place = &reader->places[rud_config_key_number(key)];
    if (is_duplicate(reader, *place)) {
        const rud_status code =
            rud_error(RUD_EINVAL, "duplicate key \"%s\"; it stands in line %zu already", key->path,
                      place->line);
        return at_line(reader, line_of(node), code);
    }
    place->line = line_of(node);
    place->setting = reader->setting;
    if (key->capacity) return read_list(w, key, node);
    return at_line(reader, line_of(node),
                   read_scalar(key, node, (char *)reader->config + key->offset));
}

static rud_status read_mapping(const walk *w, const char *prefix, const yaml_node_t *node);

/* What stands under `path`: a section's keys or a key's value. */
static rud_status read_node(const walk *w, const char *path, size_t line, const yaml_node_t *node)
{
    const rud_config_key *key = rud_config_find(path);
    if (key) return read_value(w, key, node);
    if (!rud_config_is_section(path)) return at_line(w->reader, line, unknown_key(path));
    if (node->type != YAML_MAPPING_NODE) {
        return at_line(w->reader, line,
                       rud_error(RUD_EINVAL, "\"%s\" is a section: write its keys below it", path));
    }
    return read_mapping(w, path, node);
}

/* The name of pair `pair`, which no earlier pair of the mapping may have. */
static rud_status pair_name(const walk *w, const yaml_node_t *mapping, const yaml_node_pair_t *pair,
                            const char **name)
{
    const yaml_node_t *key = yaml_document_get_node(w->document, pair->key);
    if (key->type != YAML_SCALAR_NODE) return rud_error(RUD_EINVAL, "a key must be a plain word");
    RUD_TRY(scalar_text(key, name));
    for (const yaml_node_pair_t *p = mapping->data.mapping.pairs.start; p < pair; p++) {
        const yaml_node_t *earlier = yaml_document_get_node(w->document, p->key);
        if (strcmp((const char *)earlier->data.scalar.value, *name) == 0) {
            return rud_error(RUD_EINVAL, "duplicate key \"%s\"; it stands in line %zu already",
                             *name, line_of(earlier));
        }
    }
    return RUD_OK;
}

/* Sections nest no deeper than the table's paths, whatever the document: an unknown key ends the
 * walk. */
static rud_status read_mapping(const walk *w, const char *prefix, const yaml_node_t *node)
{
    const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
    for (; pair < node->data.mapping.pairs.top; pair++) {
        const size_t line = line_of(yaml_document_get_node(w->document, pair->key));
        const char *name = "";
        RUD_TRY(at_line(w->reader, line, pair_name(w, node, pair, &name)));
        char path[PATH_SIZE];
        const int length = snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "." : "", name);
        if (length < 0 || (size_t)length >= sizeof path) {
            return at_line(w->reader, line, unknown_key(name));
        }
        RUD_TRY(read_node(w, path, line, yaml_document_get_node(w->document, pair->value)));
    }
    return RUD_OK;
}

static rud_status parse_problem(const rud_config_reader *reader, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        return rud_error(RUD_ENOMEM, "no memory for the configuration");
    }
    /* A byte that is not allowed has an offset, the others a mark. */
    const size_t line = parser->error == YAML_READER_ERROR ? 0 : parser->problem_mark.line + 1;
    const char *problem = parser->problem ? parser->problem : "it cannot be read";
    if (line == 0) {
        const rud_status code =
            rud_error(RUD_EFORMAT, "not YAML: %s (byte %zu)", problem, parser->problem_offset);
        return reader->setting ? at_line(reader, 0, code)
                               : rud_error_context(code, "%s", reader->path);
    }
    return at_line(reader, line, rud_error(RUD_EFORMAT, "not YAML: %s", problem));
}

static rud_status refuse_second(const rud_config_reader *reader, yaml_parser_t *parser)
{
    yaml_document_t second;
    if (!yaml_parser_load(parser, &second)) return parse_problem(reader, parser);
    const yaml_node_t *root = yaml_document_get_root_node(&second);
    rud_status status = RUD_OK;
    if (root) {
        status = rud_error(RUD_EFORMAT, "a second document; a configuration is one document");
        status = at_line(reader, line_of(root), status);
    }
    yaml_document_delete(&second);
    return status;
}

/* Reads one document of text[size] whose root stands under `path` ("": the top). */
static rud_status read_text(rud_config_reader *reader, const char *path, const char *text,
                            size_t size)
{
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser)) return rud_error(RUD_ENOMEM, "no memory for YAML");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    rud_status status = RUD_OK;
    if (!yaml_parser_load(&parser, &document)) {
        status = parse_problem(reader, &parser);
        yaml_parser_delete(&parser);
        return status;
    }
    const yaml_node_t *root = yaml_document_get_root_node(&document);
    const walk w = {reader, &document};
    if (!root) {
        status = rud_error(RUD_EFORMAT, "empty; at least environment: {name: ...} is needed");
        status = at_line(reader, 1, status);
    } else if (*path) {
        status = read_node(&w, path, 1, root);
    } else if (root->type != YAML_MAPPING_NODE) {
        status = rud_error(RUD_EFORMAT, "expected keys such as `environment:`");
        status = at_line(reader, line_of(root), status);
    } else {
        status = read_mapping(&w, "", root);
    }
    yaml_document_delete(&document);
    if (status == RUD_OK) status = refuse_second(reader, &parser);
    yaml_parser_delete(&parser);
    return status;
}

rud_status rud_config_read_file(rud_config_reader *reader)
{
    char *text;
    size_t size;
    RUD_TRY(rud_file_read(reader->path, LARGEST_FILE, &text, &size));
    reader->setting = NULL;
    const rud_status status = read_text(reader, "", text, size);
    free(text);
    return status;
}

rud_status rud_config_read_setting(rud_config_reader *reader, const char *prefix,
                                   const char *setting)
{
    const char *equals = strchr(setting, '=');
    if (!equals || equals == setting) {
        return rud_error(RUD_EINVAL, "setting \"%s\": write key=value, such as seeds.count=3",
                         setting);
    }
    reader->setting = setting;
    char path[PATH_SIZE];
    const bool has_prefix = strncmp(setting, prefix, strlen(prefix)) == 0;
    const int length = snprintf(path, sizeof path, "%s%.*s", has_prefix ? "" : prefix,
                                (int)(equals - setting), setting);
    rud_status status;
    if (length < 0 || (size_t)length >= sizeof path) {
        status = at_line(reader, 0, rud_error(RUD_EINVAL, "no key is that long"));
    } else if (equals[1] == '\0') {
        status = at_line(reader, 0, rud_error(RUD_EINVAL, "the value is missing"));
    } else {
        status = read_text(reader, path, equals + 1, strlen(equals + 1));
    }
    reader->setting = NULL;
    return status;
}

/* Maps of a journal's records: unpacking them and taking their members. */
#include <string.h>

#include "base/messagepack.h"
#include "episodes/journal_private.h"

/* A header holds tensors in spaces: four levels. More leaves room for keys of later versions. */
enum { DEPTH = 8 };

rud_status rud_journal_unpack(const void *bytes, size_t size, msgpack_unpacked *unpacked)
{
    size_t offset = 0;
    msgpack_unpacked_init(unpacked);
    RUD_TRY(rud_messagepack_check(bytes, size, DEPTH));
    const int result = msgpack_unpack_next(unpacked, bytes, size, &offset);
    if (result == MSGPACK_UNPACK_NOMEM_ERROR)
        return rud_error(RUD_ENOMEM, "no memory for a record of %zu bytes", size);
    if (result != MSGPACK_UNPACK_SUCCESS || unpacked->data.type != MSGPACK_OBJECT_MAP)
        return rud_error(RUD_EFORMAT, "the record is not a MessagePack map");
    return RUD_OK;
}

static const msgpack_object *find(const msgpack_object *map, const char *name)
{
    const size_t length = strlen(name);
    if (map->type != MSGPACK_OBJECT_MAP) return NULL;
    for (uint32_t k = 0; k < map->via.map.size; k++) {
        const msgpack_object *key = &map->via.map.ptr[k].key;
        if (key->type == MSGPACK_OBJECT_STR && key->via.str.size == length &&
            memcmp(key->via.str.ptr, name, length) == 0)
            return &map->via.map.ptr[k].val;
    }
    return NULL;
}

rud_status rud_journal_member(const msgpack_object *map, const char *name, msgpack_object_type type,
                              bool or_nil, const msgpack_object **value)
{
    *value = find(map, name);
    if (or_nil && (*value == NULL || (*value)->type == MSGPACK_OBJECT_NIL)) {
        *value = NULL;
        return RUD_OK;
    }
    if (*value == NULL) return rud_error(RUD_EFORMAT, "field \"%s\" is missing", name);
    if ((*value)->type == type) return RUD_OK;
    return rud_error(RUD_EFORMAT, "field \"%s\" is of the wrong type", name);
}

rud_status rud_journal_member_bool(const msgpack_object *map, const char *name, bool *value)
{
    const msgpack_object *member;
    RUD_TRY(rud_journal_member(map, name, MSGPACK_OBJECT_BOOLEAN, false, &member));
    *value = member->via.boolean;
    return RUD_OK;
}

rud_status rud_journal_member_text(const msgpack_object *map, const char *name, char **text)
{
    const msgpack_object *member;
    *text = NULL;
    RUD_TRY(rud_journal_member(map, name, MSGPACK_OBJECT_STR, false, &member));
    const size_t length = member->via.str.size;
    if (length > RUD_JOURNAL_ID_MAX || memchr(member->via.str.ptr, '\0', length) != NULL)
        return rud_error(RUD_EFORMAT, "field \"%s\" has more than %d bytes or a NUL", name,
                         RUD_JOURNAL_ID_MAX);
    *text = strndup(member->via.str.ptr, length);
    if (*text == NULL) return rud_error(RUD_ENOMEM, "no memory for field \"%s\"", name);
    return RUD_OK;
}

void rud_journal_pack_text(msgpack_packer *packer, const char *text)
{
    const size_t length = strlen(text);
    msgpack_pack_str(packer, length);
    msgpack_pack_str_body(packer, text, length);
}

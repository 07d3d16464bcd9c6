/* The header of a journal, and the record of it that starts each segment. */
#include <stdlib.h>
#include <string.h>

#include "episodes/journal_private.h"

static const char format[] = "rudder-journal";

rud_status rud_journal_header_copy(const rud_journal_header *from, rud_journal_header *to)
{
    *to = (rud_journal_header){0};
    rud_journal_header copy = {.task = strdup(from->task)};
    rud_status status = RUD_OK;
    if (copy.task == NULL) status = rud_error(RUD_ENOMEM, "no memory for a journal's header");
    if (status == RUD_OK)
        status = rud_space_copy(&from->observation_space, &copy.observation_space);
    if (status == RUD_OK) status = rud_space_copy(&from->action_space, &copy.action_space);
    if (status == RUD_OK) {
        *to = copy;
    } else {
        rud_journal_header_free(&copy);
    }
    return status;
}

void rud_journal_header_free(rud_journal_header *header)
{
    free(header->task);
    rud_space_free(&header->observation_space);
    rud_space_free(&header->action_space);
    *header = (rud_journal_header){0};
}

rud_status rud_journal_header_check(const rud_journal_header *header)
{
    if (header->task == NULL || strlen(header->task) > RUD_JOURNAL_ID_MAX)
        return rud_error(RUD_EINVAL, "a journal needs the key of its task, of at most %d bytes",
                         RUD_JOURNAL_ID_MAX);
    if (header->observation_space.width == 0)
        return rud_error(RUD_EINVAL, "a journal needs an observation space");
    if (header->observation_space.kind > RUD_SPACE_BOX || header->action_space.kind > RUD_SPACE_BOX)
        return rud_error(RUD_EINVAL, "a journal's spaces are discrete, multi-discrete or boxes");
    if (header->observation_space.width > RUD_JOURNAL_WIDTH_MAX ||
        header->action_space.width > RUD_JOURNAL_WIDTH_MAX)
        return rud_error(RUD_EINVAL, "a journal's spaces have at most %zu components",
                         RUD_JOURNAL_WIDTH_MAX);
    return RUD_OK;
}

static bool same_row(const void *a, const void *b, size_t bytes)
{
    return (a == NULL) == (b == NULL) && (a == NULL || memcmp(a, b, bytes) == 0);
}

static bool same_space(const rud_space *a, const rud_space *b)
{
    return a->width == b->width && (a->width == 0 || a->kind == b->kind) &&
           same_row(a->sizes, b->sizes, a->width * sizeof *a->sizes) &&
           same_row(a->low, b->low, a->width * sizeof *a->low) &&
           same_row(a->high, b->high, a->width * sizeof *a->high);
}

bool rud_journal_header_equal(const rud_journal_header *a, const rud_journal_header *b)
{
    return strcmp(a->task, b->task) == 0 &&
           same_space(&a->observation_space, &b->observation_space) &&
           same_space(&a->action_space, &b->action_space);
}

static void pack_bounds(msgpack_packer *packer, const char *name, const double *bounds,
                        size_t width)
{
    rud_journal_pack_text(packer, name);
    if (bounds != NULL) {
        rud_journal_pack_tensor(packer, bounds, &width, 1);
    } else {
        msgpack_pack_nil(packer);
    }
}

static void pack_box(msgpack_packer *packer, const rud_space *space)
{
    msgpack_pack_map(packer, 4);
    rud_journal_pack_text(packer, "kind");
    rud_journal_pack_text(packer, "box");
    rud_journal_pack_text(packer, "width");
    msgpack_pack_uint64(packer, space->width);
    pack_bounds(packer, "low", space->low, space->width);
    pack_bounds(packer, "high", space->high, space->width);
}

static void pack_discrete(msgpack_packer *packer, const rud_space *space)
{
    msgpack_pack_map(packer, 2);
    rud_journal_pack_text(packer, "kind");
    rud_journal_pack_text(packer,
                          space->kind == RUD_SPACE_DISCRETE ? "discrete" : "multi_discrete");
    rud_journal_pack_text(packer, "sizes");
    msgpack_pack_array(packer, space->width);
    for (size_t k = 0; k < space->width; k++)
        msgpack_pack_uint64(packer, (uint64_t)space->sizes[k]);
}

static void pack_space(msgpack_packer *packer, const char *name, const rud_space *space)
{
    rud_journal_pack_text(packer, name);
    if (space->width == 0) {
        msgpack_pack_nil(packer);
    } else if (space->kind == RUD_SPACE_BOX) {
        pack_box(packer, space);
    } else {
        pack_discrete(packer, space);
    }
}

void rud_journal_encode_start(const rud_journal_header *header, uint64_t first_episode,
                              rud_journal_buffer *buffer)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, buffer, rud_journal_buffer_write);
    const size_t begin = rud_journal_frame_begin(buffer);
    msgpack_pack_map(&packer, 6);
    rud_journal_pack_text(&packer, "format");
    rud_journal_pack_text(&packer, format);
    rud_journal_pack_text(&packer, "version");
    msgpack_pack_uint64(&packer, RUD_JOURNAL_VERSION);
    rud_journal_pack_text(&packer, "task");
    rud_journal_pack_text(&packer, header->task);
    rud_journal_pack_text(&packer, "first_episode");
    msgpack_pack_uint64(&packer, first_episode);
    pack_space(&packer, "observation_space", &header->observation_space);
    pack_space(&packer, "action_space", &header->action_space);
    rud_journal_frame_end(buffer, begin);
}

static rud_status member_number(const msgpack_object *map, const char *name, uint64_t *number)
{
    const msgpack_object *member;
    RUD_TRY(rud_journal_member(map, name, MSGPACK_OBJECT_POSITIVE_INTEGER, false, &member));
    *number = member->via.u64;
    return RUD_OK;
}

static rud_status check_width(uint64_t width)
{
    if (width >= 1 && width <= RUD_JOURNAL_WIDTH_MAX) return RUD_OK;
    return rud_error(RUD_EFORMAT, "a space needs 1 to %zu components", RUD_JOURNAL_WIDTH_MAX);
}

static rud_status decode_bounds(const msgpack_object *map, const char *name, size_t width,
                                double **bounds)
{
    const msgpack_object *member;
    rud_journal_tensor tensor;
    RUD_TRY(rud_journal_member(map, name, MSGPACK_OBJECT_MAP, true, &member));
    if (member == NULL) return RUD_OK;
    RUD_TRY(rud_journal_tensor_parse(member, 1, &tensor));
    if (tensor.count != width)
        return rud_error(RUD_EFORMAT, "%zu bounds for %zu components", tensor.count, width);
    *bounds = malloc(width * sizeof **bounds);
    if (*bounds == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu bounds", width);
    rud_journal_tensor_read(&tensor, *bounds);
    return RUD_OK;
}

static rud_status decode_box(const msgpack_object *map, rud_space *space)
{
    uint64_t width;
    double *low = NULL, *high = NULL;
    RUD_TRY(member_number(map, "width", &width));
    RUD_TRY(check_width(width));
    rud_status status = decode_bounds(map, "low", (size_t)width, &low);
    if (status == RUD_OK) status = decode_bounds(map, "high", (size_t)width, &high);
    if (status == RUD_OK) status = rud_space_box(low, high, (size_t)width, space);
    free(low);
    free(high);
    return status;
}

static rud_status decode_discrete(const msgpack_object *map, bool multi, rud_space *space)
{
    const msgpack_object *member;
    RUD_TRY(rud_journal_member(map, "sizes", MSGPACK_OBJECT_ARRAY, false, &member));
    const msgpack_object_array *array = &member->via.array;
    RUD_TRY(check_width(array->size));
    if (!multi && array->size != 1)
        return rud_error(RUD_EFORMAT, "a discrete space of %u sizes", array->size);
    int64_t *sizes = calloc(array->size, sizeof *sizes);
    if (sizes == NULL) return rud_error(RUD_ENOMEM, "no memory for a space");
    for (uint32_t k = 0; k < array->size; k++) {
        /* What is no such number stays 0, which no space allows. */
        if (array->ptr[k].type == MSGPACK_OBJECT_POSITIVE_INTEGER &&
            array->ptr[k].via.u64 <= INT64_MAX)
            sizes[k] = (int64_t)array->ptr[k].via.u64;
    }
    const rud_status status = multi ? rud_space_multi_discrete(sizes, array->size, space)
                                    : rud_space_discrete(sizes[0], space);
    free(sizes);
    return status;
}

static rud_status decode_kind(const msgpack_object *map, const char *kind, rud_space *space)
{
    if (strcmp(kind, "box") == 0) return decode_box(map, space);
    if (strcmp(kind, "discrete") == 0) return decode_discrete(map, false, space);
    if (strcmp(kind, "multi_discrete") == 0) return decode_discrete(map, true, space);
    return rud_error(RUD_EFORMAT, "kind is none of discrete, multi_discrete, box");
}

static rud_status decode_space(const msgpack_object *map, const char *name, bool or_nil,
                               rud_space *space)
{
    const msgpack_object *member;
    char *kind;
    RUD_TRY(rud_journal_member(map, name, MSGPACK_OBJECT_MAP, or_nil, &member));
    if (member == NULL) return RUD_OK;
    rud_status status = rud_journal_member_text(member, "kind", &kind);
    if (status == RUD_OK) status = decode_kind(member, kind, space);
    free(kind);
    if (status == RUD_EINVAL) status = RUD_EFORMAT; /* the file is wrong, not the caller */
    return rud_error_context(status, "field \"%s\"", name);
}

static rud_status decode(const msgpack_object *map, rud_journal_start *start)
{
    char *text;
    RUD_TRY(rud_journal_member_text(map, "format", &text));
    const bool ours = strcmp(text, format) == 0;
    free(text);
    if (!ours) return rud_error(RUD_EFORMAT, "the format is not \"%s\"", format);
    RUD_TRY(member_number(map, "version", &start->version));
    if (start->version != RUD_JOURNAL_VERSION) return RUD_OK;
    RUD_TRY(member_number(map, "first_episode", &start->first_episode));
    RUD_TRY(rud_journal_member_text(map, "task", &start->header.task));
    RUD_TRY(decode_space(map, "observation_space", false, &start->header.observation_space));
    return decode_space(map, "action_space", true, &start->header.action_space);
}

rud_status rud_journal_decode_start(const void *payload, size_t size, rud_journal_start *start)
{
    msgpack_unpacked unpacked;
    *start = (rud_journal_start){0};
    rud_status status = rud_journal_unpack(payload, size, &unpacked);
    if (status == RUD_OK) status = decode(&unpacked.data, start);
    msgpack_unpacked_destroy(&unpacked);
    if (status != RUD_OK) rud_journal_header_free(&start->header);
    return status;
}

/* One episode as the payload of a record. */
#include <math.h>
#include <string.h>

#include "base/messagepack.h"
#include "episodes/journal_private.h"

static rud_status check_width(const char *field, size_t found, size_t expected)
{
    if (found == expected) return RUD_OK;
    return rud_error(RUD_EINVAL, "field \"%s\" has rows of width %zu, the journal's have %zu",
                     field, found, expected);
}

static rud_status check_finite(const char *field, const double *numbers, size_t rows, size_t width)
{
    for (size_t k = 0; k < rows * width; k++) {
        if (!isfinite(numbers[k]))
            return rud_error(RUD_ENONFINITE, "field \"%s\"[%zu] is not finite", field, k / width);
    }
    return RUD_OK;
}

static rud_status check_content(const rud_journal_header *header, const rud_episode *episode)
{
    RUD_TRY(
        check_width("observations", episode->observation_width, header->observation_space.width));
    RUD_TRY(check_width("actions", episode->action_width, header->action_space.width));
    RUD_TRY(check_finite("observations", episode->observations, episode->observation_rows,
                         episode->observation_width));
    RUD_TRY(check_finite("actions", episode->actions, episode->steps, episode->action_width));
    return check_finite("rewards", episode->rewards, episode->steps, 1);
}

rud_status rud_journal_episode_check(const rud_journal_header *header, const rud_episode *episode)
{
    if (episode->id == NULL)
        return rud_error(RUD_EINVAL, "a journal knows its episodes by id: this one has none");
    if (strlen(episode->id) > RUD_JOURNAL_ID_MAX)
        return rud_error(RUD_EINVAL, "an id of %zu bytes: at most %d are allowed",
                         strlen(episode->id), RUD_JOURNAL_ID_MAX);
    return rud_error_context(check_content(header, episode), "episode \"%s\"", episode->id);
}

static void pack_bool(msgpack_packer *packer, const char *name, bool value)
{
    rud_journal_pack_text(packer, name);
    if (value) {
        msgpack_pack_true(packer);
    } else {
        msgpack_pack_false(packer);
    }
}

static void pack_table(msgpack_packer *packer, const char *name, const double *numbers, size_t rows,
                       size_t width)
{
    rud_journal_pack_text(packer, name);
    if (width > 0) {
        rud_journal_pack_tensor(packer, numbers, (const size_t[]){rows, width}, 2);
    } else {
        msgpack_pack_nil(packer);
    }
}

void rud_journal_encode_episode(const rud_episode *episode, rud_journal_buffer *buffer)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, buffer, rud_journal_buffer_write);
    const size_t begin = rud_journal_frame_begin(buffer);
    msgpack_pack_map(&packer, 7);
    rud_journal_pack_text(&packer, "id");
    rud_journal_pack_text(&packer, episode->id);
    rud_journal_pack_text(&packer, "seed");
    if (episode->has_seed) {
        msgpack_pack_uint64(&packer, episode->seed);
    } else {
        msgpack_pack_nil(&packer);
    }
    pack_bool(&packer, "terminated", episode->terminated);
    pack_bool(&packer, "truncated", episode->truncated);
    pack_table(&packer, "observations", episode->observations, episode->observation_rows,
               episode->observation_width);
    pack_table(&packer, "actions", episode->actions, episode->steps, episode->action_width);
    rud_journal_pack_text(&packer, "rewards");
    rud_journal_pack_tensor(&packer, episode->rewards, &episode->steps, 1);
    rud_journal_frame_end(buffer, begin);
}

static rud_status parse_tensor(const msgpack_object *map, const char *name, size_t rank,
                               bool or_nil, rud_journal_tensor *tensor)
{
    const msgpack_object *object;
    RUD_TRY(rud_journal_member(map, name, MSGPACK_OBJECT_MAP, or_nil, &object));
    if (object == NULL) return RUD_OK;
    return rud_error_context(rud_journal_tensor_parse(object, rank, tensor), "field \"%s\"", name);
}

/* The episode's numbers, unchecked. */
static rud_status decode_numbers(const msgpack_object *map, rud_episode **episode)
{
    rud_journal_tensor observations = {0}, actions = {0}, rewards = {0};
    RUD_TRY(parse_tensor(map, "observations", 2, false, &observations));
    RUD_TRY(parse_tensor(map, "actions", 2, true, &actions));
    RUD_TRY(parse_tensor(map, "rewards", 1, false, &rewards));
    if (actions.data != NULL && actions.shape[0] != rewards.count)
        return rud_error(RUD_EFORMAT, "%zu actions for %zu rewards", actions.shape[0],
                         rewards.count);
    const rud_status status = rud_episode_create(rewards.count, observations.shape[0],
                                                 observations.shape[1], actions.shape[1], episode);
    if (status != RUD_OK) return status == RUD_ENOMEM ? status : RUD_EFORMAT;
    rud_journal_tensor_read(&observations, (*episode)->observations);
    rud_journal_tensor_read(&actions, (*episode)->actions);
    rud_journal_tensor_read(&rewards, (*episode)->rewards);
    return RUD_OK;
}

static rud_status decode_facts(const msgpack_object *map, rud_episode *episode)
{
    const msgpack_object *seed;
    RUD_TRY(rud_journal_member_text(map, "id", &episode->id));
    RUD_TRY(rud_journal_member_bool(map, "terminated", &episode->terminated));
    RUD_TRY(rud_journal_member_bool(map, "truncated", &episode->truncated));
    RUD_TRY(rud_journal_member(map, "seed", MSGPACK_OBJECT_POSITIVE_INTEGER, true, &seed));
    episode->has_seed = seed != NULL;
    if (seed != NULL) episode->seed = seed->via.u64;
    return RUD_OK;
}

static rud_status decode(const rud_journal_header *header, const msgpack_object *map,
                         rud_episode **episode)
{
    RUD_TRY(decode_numbers(map, episode));
    rud_status status = decode_facts(map, *episode);
    if (status == RUD_OK) status = check_content(header, *episode);
    if (status == RUD_OK) return RUD_OK;
    rud_episode_free(episode);
    return status == RUD_EINVAL ? RUD_EFORMAT : status; /* here the file is wrong, not the caller */
}

rud_status rud_journal_decode_episode(const rud_journal_header *header, const void *payload,
                                      size_t size, rud_episode **episode)
{
    msgpack_unpacked unpacked;
    *episode = NULL;
    rud_status status = rud_journal_unpack(payload, size, &unpacked);
    if (status == RUD_OK) status = decode(header, &unpacked.data, episode);
    msgpack_unpacked_destroy(&unpacked);
    return status;
}

bool rud_journal_peek_id(const void *payload, size_t size, char id[RUD_JOURNAL_ID_MAX + 1])
{
    const unsigned char *bytes = payload;
    size_t at, length, head = 1;
    if (rud_messagepack_find(payload, size, "id", &at, &length) != RUD_OK) return false;
    if (bytes[at] == 0xd9) { /* str 8 */
        head = 2;
    } else if ((bytes[at] & 0xe0) != 0xa0) { /* fixstr */
        return false;
    }
    length -= head;
    if (memchr(bytes + at + head, '\0', length) != NULL) return false;
    memcpy(id, bytes + at + head, length);
    id[length] = '\0';
    return true;
}

/* libFuzzer: bytes as a message, as a specification and as episodes.
 *
 * Whatever the bytes are: a specification that was read is written and read again to the same task;
 * an episode that was read holds finite numbers that lie in the spaces. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent_bridge/values_private.h"
#include "base/messagepack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
    if (condition) return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static rud_status read_spec(const msgpack_object *object, rud_task_spec *spec)
{
    const rud_features_options features = rud_features_options_default();
    rud_problem problem = {0};
    const rud_wire_place place = {"spec.", &problem};
    const rud_status status = rud_wire_task_spec(place, object, &features, 0, spec);
    require(status != RUD_EFORMAT || problem.code != RUD_PROBLEM_NONE, "an error without a code");
    return status;
}

static void write_and_read(const rud_task_spec *spec)
{
    char key[RUD_TASK_KEY + 1], again[RUD_TASK_KEY + 1];
    rud_packer packer;
    rud_message message;
    rud_task_spec second;
    rud_packer_init(&packer);
    rud_pack_task_spec(&packer, spec);
    require(!packer.failed, "a specification cannot be written");
    require(rud_message_read(packer.buffer.data, packer.buffer.size, &message) == RUD_OK,
            "what was written cannot be read");
    require(read_spec(&message.root, &second) == RUD_OK, "a specification changes");
    require(rud_task_key(spec, key) == RUD_OK && rud_task_key(&second, again) == RUD_OK, "key");
    require(strcmp(key, again) == 0, "the key changes");
    rud_task_spec_free(&second);
    rud_message_free(&message);
    rud_packer_free(&packer);
}

static void check_episode(const rud_task_spec *spec, const rud_episode *episode)
{
    const rud_space *space = &spec->observation.space;
    for (size_t t = 0; t < episode->observation_rows; t++) {
        require(rud_space_check(space, episode->observations + t * space->width) == RUD_OK,
                "an observation lies outside its space");
    }
    for (size_t t = 0; t < episode->steps; t++) {
        require(isfinite(episode->rewards[t]), "a reward is not finite");
    }
}

static void read_episodes(const msgpack_object *root, const rud_task_spec *spec)
{
    rud_problem problem = {0};
    const rud_episode_rules rules = {.spec = spec, .max_steps = 1000};
    rud_episode **episodes = NULL;
    size_t count = 0;
    const rud_status status = rud_wire_episodes(&problem, root, 16, &rules, &episodes, &count);
    for (size_t k = 0; status == RUD_OK && k < count; k++) check_episode(spec, episodes[k]);
    rud_wire_episodes_free(&episodes, count);
}

static void read_inferred(const msgpack_object *root)
{
    const rud_features_options features = rud_features_options_default();
    rud_problem problem = {0};
    const rud_wire_place place = {"", &problem};
    const msgpack_object *episodes = rud_wire_find(root, "episodes");
    rud_task_spec spec;
    if (episodes == NULL) return;
    if (rud_infer_task_spec(place, episodes, &features, 0, &spec) == RUD_OK) {
        write_and_read(&spec);
        read_episodes(root, &spec);
    }
    rud_task_spec_free(&spec);
}

static void read_message(const msgpack_object *root)
{
    rud_task_spec spec;
    if (root->type != MSGPACK_OBJECT_MAP) return;
    const msgpack_object *given = rud_wire_find(root, "spec");
    if (given != NULL) {
        if (read_spec(given, &spec) == RUD_OK) {
            write_and_read(&spec);
            read_episodes(root, &spec);
        }
        rud_task_spec_free(&spec);
    }
    read_inferred(root);
}

/* Where the frame's id stands: within the frame, and whole. */
static void find_id(const uint8_t *data, size_t size)
{
    size_t at = 0, length = 0;
    if (rud_messagepack_find(data, size, "id", &at, &length) != RUD_OK) return;
    require(at < size && length > 0 && length <= size - at, "an id beyond the frame");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    find_id(data, size);
    rud_message message;
    if (rud_message_read(data, size, &message) == RUD_OK) {
        read_message(&message.root);
        rud_message_free(&message);
    }
    return 0;
}

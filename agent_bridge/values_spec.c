/* Specifications of tasks: read, written, and inferred from episodes. */
#include "agent_bridge/values_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const encodings[] = {"auto", "one-hot", "raw", "none", NULL};

void rud_task_spec_free(rud_task_spec *spec)
{
    rud_wire_space_free(&spec->observation);
    rud_wire_space_free(&spec->action);
}

static rud_status read_encodings(rud_wire_place place, const msgpack_object *map,
                                 rud_features_options *features)
{
    const msgpack_object *found = rud_wire_find(map, "observation");
    const size_t most = sizeof features->observation / sizeof features->observation[0];
    if (found == NULL) return RUD_OK;
    msgpack_object one = *found;
    const msgpack_object *items = &one;
    size_t count = 1;
    if (found->type == MSGPACK_OBJECT_ARRAY) {
        items = found->via.array.ptr;
        count = found->via.array.size;
    }
    if (count > most) {
        return rud_problem_set(place.problem, RUD_PROBLEM_TOO_LARGE, place.path, "observation",
                               "%zu encodings; at most %zu are allowed", count, most);
    }
    for (size_t k = 0; k < count; k++) {
        /* As a field of its own, so that its messages are those of a choice. */
        msgpack_object_kv pair = {.val = items[k]};
        pair.key.type = MSGPACK_OBJECT_STR;
        pair.key.via.str.ptr = "observation";
        pair.key.via.str.size = sizeof "observation" - 1;
        msgpack_object field = {.type = MSGPACK_OBJECT_MAP};
        field.via.map.ptr = &pair;
        field.via.map.size = 1;
        unsigned choice = 0;
        RUD_TRY(rud_wire_choice(place, &field, "observation", encodings, &choice));
        features->observation[k] = (rud_encoding)choice;
    }
    features->observation_count = count;
    return RUD_OK;
}

static rud_status read_features(rud_wire_place place, const msgpack_object *map,
                                rud_features_options *features)
{
    static const char *const fields[] = {"observation", "action",     "difference", "standardise",
                                         "time",        "time_scale", NULL};
    char path[128];
    unsigned action = (unsigned)features->action;
    snprintf(path, sizeof path, "%sfeatures.", place.path);
    place.path = path;
    RUD_TRY(rud_wire_check_fields(place, map, fields));
    RUD_TRY(read_encodings(place, map, features));
    RUD_TRY(rud_wire_choice(place, map, "action", encodings, &action));
    features->action = (rud_encoding)action;
    RUD_TRY(rud_wire_bool(place, map, "difference", &features->difference));
    RUD_TRY(rud_wire_bool(place, map, "standardise", &features->standardise));
    RUD_TRY(rud_wire_bool(place, map, "time", &features->time));
    return rud_wire_real(place, map, "time_scale", 1, 1e15, &features->time_scale);
}

rud_status rud_wire_task_spec(rud_wire_place place, const msgpack_object *object,
                              const rud_features_options *features, uint64_t seed,
                              rud_task_spec *spec)
{
    static const char *const fields[] = {
        "observation_space", "action_space", "final_observation", "features", "seed", "name", NULL};
    *spec = (rud_task_spec){.features = *features, .seed = seed};
    RUD_TRY(rud_wire_check_fields(place, object, fields));
    const msgpack_object *space = NULL;
    RUD_TRY(rud_wire_need(place, object, "observation_space", &space));
    RUD_TRY(rud_wire_space_read(place, "observation_space", space, &spec->observation));
    space = rud_wire_find(object, "action_space");
    if (space != NULL) RUD_TRY(rud_wire_space_read(place, "action_space", space, &spec->action));
    const msgpack_object *found = rud_wire_find(object, "features");
    if (found != NULL) RUD_TRY(read_features(place, found, &spec->features));
    RUD_TRY(rud_wire_bool(place, object, "final_observation", &spec->features.final_observation));
    RUD_TRY(rud_wire_uint(place, object, "seed", 0, UINT64_MAX, &spec->seed));
    return rud_wire_text(place, object, "name", sizeof spec->name, spec->name);
}

static void pack_features(rud_packer *packer, const rud_features_options *features)
{
    const size_t count = features->observation_count;
    rud_pack_open(packer);
    rud_pack_key(packer, "observation");
    if (count <= 1) {
        rud_pack_text(packer, encodings[count == 1 ? features->observation[0] : 0]);
    } else {
        rud_pack_array(packer, count);
        for (size_t k = 0; k < count; k++) {
            rud_pack_text(packer, encodings[features->observation[k]]);
        }
    }
    rud_pack_field_text(packer, "action", encodings[features->action]);
    rud_pack_field_bool(packer, "difference", features->difference);
    rud_pack_field_bool(packer, "standardise", features->standardise);
    rud_pack_field_bool(packer, "time", features->time);
    rud_pack_field_real(packer, "time_scale", features->time_scale);
    rud_pack_close(packer);
}

void rud_pack_task_spec(rud_packer *packer, const rud_task_spec *spec)
{
    rud_pack_open(packer);
    rud_pack_key(packer, "observation_space");
    rud_pack_space(packer, &spec->observation);
    rud_pack_key(packer, "action_space");
    rud_pack_space(packer, &spec->action);
    rud_pack_field_bool(packer, "final_observation", spec->features.final_observation);
    rud_pack_key(packer, "features");
    pack_features(packer, &spec->features);
    rud_pack_field_uint(packer, "seed", spec->seed);
    rud_pack_field_text(packer, "name", spec->name);
    rud_pack_close(packer);
}

/* FNV-1a over the packed specification. */
rud_status rud_task_key(const rud_task_spec *spec, char key[RUD_TASK_KEY + 1])
{
    rud_packer packer;
    rud_packer_init(&packer);
    rud_pack_task_spec(&packer, spec);
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t k = 0; k < packer.buffer.size; k++) {
        hash = (hash ^ (unsigned char)packer.buffer.data[k]) * 0x100000001b3;
    }
    const bool failed = packer.failed;
    rud_packer_free(&packer);
    if (failed) return rud_error(RUD_ENOMEM, "no memory for a specification");
    snprintf(key, RUD_TASK_KEY + 1, "%016" PRIx64, hash);
    return RUD_OK;
}

/* ---- inference ---- */

typedef struct inference {
    bool seen, integers;
    double largest;
    size_t rank, shape[RUD_WIRE_RANK]; /* of a row */
} inference;

static rud_status infer_field(rud_wire_place place, const char *key, const msgpack_object *value,
                              inference *inferred, size_t *rows)
{
    rud_tensor_view view;
    RUD_TRY(rud_wire_tensor(place, key, value, &view));
    if (view.rank == 0 || view.count == 0) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_SHAPE, place.path, key,
                               "a tensor with one row for each step is needed");
    }
    *rows = view.shape[0];
    const bool integers = view.rank == 1 && rud_dtype_is_integer(view.dtype);
    double *numbers = integers ? malloc(view.count * sizeof *numbers) : NULL;
    if (integers && numbers == NULL) return rud_error(RUD_ENOMEM, "no memory for an episode");
    if (integers) rud_tensor_read(&view, numbers);
    bool negative = false;
    for (size_t k = 0; integers && k < view.count; k++) {
        inferred->largest = fmax(inferred->largest, numbers[k]);
        negative |= numbers[k] < 0;
    }
    free(numbers);
    if (!inferred->seen) {
        inferred->rank = view.rank - 1;
        memcpy(inferred->shape, view.shape + 1, inferred->rank * sizeof *inferred->shape);
    }
    inferred->integers = integers && !negative && (inferred->integers || !inferred->seen);
    inferred->seen = true;
    return RUD_OK;
}

static rud_status make_inferred(rud_wire_place place, const char *key, const inference *inferred,
                                rud_wire_space *space)
{
    if (!inferred->seen) return RUD_OK;
    if (inferred->integers) {
        return rud_wire_blame(
            place, key,
            rud_space_discrete((int64_t)fmin(inferred->largest, 9e15) + 1, &space->space));
    }
    size_t width = 1;
    space->rank = inferred->rank;
    for (size_t k = 0; k < inferred->rank; k++) {
        space->shape[k] = inferred->shape[k];
        if (space->shape[k] > RUD_FEATURES_WIDTH_MAX / width) {
            return rud_problem_set(place.problem, RUD_PROBLEM_TOO_LARGE, place.path, key,
                                   "1 .. %zu components are allowed", RUD_FEATURES_WIDTH_MAX);
        }
        width *= space->shape[k];
    }
    return rud_wire_blame(place, key, rud_space_box(NULL, NULL, width, &space->space));
}

static rud_status infer_episode(rud_wire_place place, const msgpack_object *episode,
                                inference *observation, inference *action, bool *final)
{
    size_t rows = 0, steps = 0;
    const msgpack_object *found = NULL;
    rud_tensor_view rewards;
    if (episode->type != MSGPACK_OBJECT_MAP) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_TYPE, place.path, "",
                               "an episode is a map");
    }
    RUD_TRY(rud_wire_need(place, episode, "rewards", &found));
    RUD_TRY(rud_wire_tensor(place, "rewards", found, &rewards));
    RUD_TRY(rud_wire_need(place, episode, "observations", &found));
    RUD_TRY(infer_field(place, "observations", found, observation, &rows));
    found = rud_wire_find(episode, "actions");
    if (found != NULL) RUD_TRY(infer_field(place, "actions", found, action, &steps));
    *final &= rewards.rank == 1 && rows == rewards.shape[0] + 1;
    return RUD_OK;
}

rud_status rud_infer_task_spec(rud_wire_place place, const msgpack_object *episodes,
                               const rud_features_options *features, uint64_t seed,
                               rud_task_spec *spec)
{
    inference observation = {0}, action = {0};
    bool final = true;
    *spec = (rud_task_spec){.features = *features, .seed = seed};
    if (episodes->type != MSGPACK_OBJECT_ARRAY || episodes->via.array.size == 0) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_TYPE, place.path, "episodes",
                               "a list of at least one episode is needed");
    }
    for (uint32_t k = 0; k < episodes->via.array.size; k++) {
        char path[64];
        snprintf(path, sizeof path, "episodes[%u].", k);
        RUD_TRY(infer_episode((rud_wire_place){path, place.problem}, &episodes->via.array.ptr[k],
                              &observation, &action, &final));
    }
    spec->features.final_observation = final;
    RUD_TRY(make_inferred(place, "observations", &observation, &spec->observation));
    return make_inferred(place, "actions", &action, &spec->action);
}

static bool space_holds(const rud_wire_space *space, const rud_wire_space *other)
{
    if (space->space.width != other->space.width) return false;
    if (space->space.width == 0) return true;
    if (space->space.kind != other->space.kind) return false;
    return space->space.kind != RUD_SPACE_DISCRETE ||
           other->space.sizes[0] <= space->space.sizes[0];
}

bool rud_task_spec_holds(const rud_task_spec *spec, const rud_task_spec *other)
{
    return spec->features.final_observation == other->features.final_observation &&
           space_holds(&spec->observation, &other->observation) &&
           space_holds(&spec->action, &other->action);
}

/* Rows of spaces and whole episodes on the wire. */
#include "agent_bridge/values_private.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The same as rud_space_check, of discrete values as the client counts them: from `start` on. */
static rud_status check_shifted(const rud_wire_space *space, const double *row)
{
    for (size_t k = 0; k < space->space.width; k++) {
        const double most = (double)space->space.sizes[k] - 1;
        if (row[k] == floor(row[k]) && row[k] >= 0 && row[k] <= most) continue;
        if (!isfinite(row[k])) return rud_space_check(&space->space, row);
        const double start = space->start[k];
        return rud_error(RUD_EINVAL, "component %zu is %g: a whole number from %g to %g is allowed",
                         k, row[k] + start, start, start + most);
    }
    return RUD_OK;
}

/* Inputs are floats, and so are differences of two: a box without bounds ends there too. */
static rud_status check_size(const rud_wire_space *space, const double *row)
{
    for (size_t k = 0; space->space.kind == RUD_SPACE_BOX && k < space->space.width; k++) {
        if (fabs(row[k]) <= FLT_MAX / 2) continue;
        return rud_error(RUD_EINVAL, "component %zu is %g, too large for a network input", k,
                         row[k]);
    }
    return RUD_OK;
}

static rud_status check_row(const rud_wire_space *space, double *row)
{
    if (space->start == NULL) {
        RUD_TRY(rud_space_check(&space->space, row));
        return check_size(space, row);
    }
    for (size_t k = 0; k < space->space.width; k++) row[k] -= space->start[k];
    return check_shifted(space, row);
}

static rud_status check_rows(rud_wire_place place, const char *key, const rud_wire_space *space,
                             size_t rows, const bool *mask, bool inferred, double *values)
{
    for (size_t t = 0; t < rows; t++) {
        if (mask != NULL && !mask[t]) continue;
        const rud_status status = check_row(space, values + t * space->space.width);
        if (status == RUD_OK) continue;
        char message[512];
        snprintf(message, sizeof message, "%s", rud_last_error());
        return rud_problem_set(place.problem, rud_problem_of(status), place.path, key,
                               "row %zu: %s%s", t, message,
                               inferred ? " (the space was inferred from the first episodes: send "
                                          "`configure` first)"
                                        : "");
    }
    return RUD_OK;
}

rud_status rud_wire_check_rewards(rud_wire_place place, const char *key, const double *rewards,
                                  size_t count)
{
    for (size_t k = 0; k < count; k++) {
        if (fabs(rewards[k]) <= FLT_MAX) continue;
        if (!isfinite(rewards[k])) {
            return rud_problem_set(place.problem, RUD_PROBLEM_NOT_FINITE, place.path, key,
                                   "number %zu is %g: a finite number is needed", k, rewards[k]);
        }
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_VALUE, place.path, key,
                               "number %zu is %g: at most %g is allowed", k, rewards[k],
                               (double)FLT_MAX);
    }
    return RUD_OK;
}

/* Does the view hold `rows` rows of the space? */
static bool fits(const rud_tensor_view *view, size_t rows, size_t width)
{
    return view->rank >= 1 && view->shape[0] == rows && view->count == rows * width;
}

static rud_status wrong_rows(rud_wire_place place, const char *key, size_t rows, size_t width,
                             const rud_tensor_view *view)
{
    char shape[128] = "";
    size_t used = 0;
    for (size_t k = 0; k < view->rank && used < sizeof shape; k++) {
        used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%zu", k > 0 ? ", " : "",
                                 view->shape[k]);
    }
    return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_SHAPE, place.path, key,
                           "shape [%s]; %zu rows of %zu numbers are needed", shape, rows, width);
}

rud_status rud_wire_rows(rud_wire_place place, const msgpack_object *map, const char *key,
                         const rud_wire_space *space, size_t rows, const bool *mask, bool inferred,
                         double *out)
{
    const msgpack_object *found = NULL;
    rud_tensor_view view;
    RUD_TRY(rud_wire_need(place, map, key, &found));
    RUD_TRY(rud_wire_tensor(place, key, found, &view));
    const bool whole = rows == RUD_ONE_ROW ? view.count == space->space.width
                                           : fits(&view, rows, space->space.width);
    if (rows == RUD_ONE_ROW) rows = 1;
    if (!whole) return wrong_rows(place, key, rows, space->space.width, &view);
    rud_tensor_read(&view, out);
    return check_rows(place, key, space, rows, mask, inferred, out);
}

static rud_status read_rewards(rud_wire_place place, const msgpack_object *map, size_t max_steps,
                               rud_tensor_view *view)
{
    const msgpack_object *found = NULL;
    RUD_TRY(rud_wire_need(place, map, "rewards", &found));
    RUD_TRY(rud_wire_tensor(place, "rewards", found, view));
    if (view->rank != 1 || view->count == 0) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_SHAPE, place.path, "rewards",
                               "one number for each of at least one step is needed");
    }
    if (view->count <= max_steps) return RUD_OK;
    return rud_problem_set(place.problem, RUD_PROBLEM_TOO_LARGE, place.path, "rewards",
                           "%zu steps; at most %zu are allowed", view->count, max_steps);
}

/* Rows of observations: T, or T + 1 where the final one is there. */
static rud_status count_rows(rud_wire_place place, const msgpack_object *map,
                             const rud_episode_rules *rules, size_t steps, size_t *rows)
{
    const msgpack_object *found = NULL;
    rud_tensor_view view;
    const size_t width = rules->spec->observation.space.width;
    RUD_TRY(rud_wire_need(place, map, "observations", &found));
    RUD_TRY(rud_wire_tensor(place, "observations", found, &view));
    *rows = view.rank > 0 ? view.shape[0] : 0;
    if (rules->spec->features.final_observation && *rows == steps) {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_SHAPE, place.path, "observations",
                               "%zu rows; %zu are needed: the observation behind the last action "
                               "too, since the task has `final_observation`",
                               *rows, steps + 1);
    }
    if ((*rows == steps || *rows == steps + 1) && fits(&view, *rows, width)) return RUD_OK;
    return wrong_rows(place, "observations",
                      steps + (rules->spec->features.final_observation ? 1 : 0), width, &view);
}

static rud_status read_rest(rud_wire_place place, const msgpack_object *map, rud_episode *episode)
{
    char id[RUD_EPISODE_ID + 1] = "";
    RUD_TRY(rud_wire_text(place, map, "id", sizeof id, id));
    if (rud_wire_find(map, "id") != NULL && id[0] == '\0') {
        return rud_problem_set(place.problem, RUD_PROBLEM_WRONG_VALUE, place.path, "id",
                               "it is empty");
    }
    RUD_TRY(rud_wire_bool(place, map, "truncated", &episode->truncated));
    episode->terminated = !episode->truncated;
    RUD_TRY(rud_wire_bool(place, map, "terminated", &episode->terminated));
    if (!episode->terminated && !episode->truncated) {
        return rud_problem_set(
            place.problem, RUD_PROBLEM_WRONG_VALUE, place.path, "terminated",
            "the episode is not finished: `terminated` or `truncated` is needed");
    }
    RUD_TRY(rud_wire_uint(place, map, "seed", 0, UINT64_MAX, &episode->seed));
    episode->has_seed = rud_wire_find(map, "seed") != NULL;
    return id[0] != '\0' ? rud_episode_set_id(episode, id) : RUD_OK;
}

static rud_status fill(rud_wire_place place, const msgpack_object *map,
                       const rud_episode_rules *rules, const rud_tensor_view *rewards,
                       rud_episode *episode)
{
    rud_tensor_read(rewards, episode->rewards);
    RUD_TRY(rud_wire_check_rewards(place, "rewards", episode->rewards, episode->steps));
    RUD_TRY(rud_wire_rows(place, map, "observations", &rules->spec->observation,
                          episode->observation_rows, NULL, rules->inferred, episode->observations));
    if (episode->action_width > 0) {
        RUD_TRY(rud_wire_rows(place, map, "actions", &rules->spec->action, episode->steps, NULL,
                              rules->inferred, episode->actions));
    }
    return read_rest(place, map, episode);
}

static rud_status read_episode(rud_wire_place place, const msgpack_object *object,
                               const rud_episode_rules *rules, rud_episode **episode)
{
    static const char *const fields[] = {"id",         "observations", "actions", "rewards",
                                         "terminated", "truncated",    "seed",    NULL};
    rud_tensor_view rewards;
    size_t rows = 0;
    const msgpack_object *id = NULL;
    *episode = NULL;
    RUD_TRY(rud_wire_check_fields(place, object, fields));
    if (rules->needs_id) RUD_TRY(rud_wire_need(place, object, "id", &id));
    RUD_TRY(read_rewards(place, object, rules->max_steps, &rewards));
    RUD_TRY(count_rows(place, object, rules, rewards.count, &rows));
    if (rules->spec->action.space.width == 0 && rud_wire_find(object, "actions") != NULL) {
        return rud_problem_set(place.problem, RUD_PROBLEM_UNKNOWN_FIELD, place.path, "actions",
                               "the task has no actions");
    }
    RUD_TRY(rud_episode_create(rewards.count, rows, rules->spec->observation.space.width,
                               rules->spec->action.space.width, episode));
    const rud_status status = fill(place, object, rules, &rewards, *episode);
    if (status != RUD_OK) rud_episode_free(episode);
    return status;
}

void rud_wire_episodes_free(rud_episode ***episodes, size_t count)
{
    for (size_t k = 0; *episodes != NULL && k < count; k++) rud_episode_free(&(*episodes)[k]);
    free(*episodes);
    *episodes = NULL;
}

rud_status rud_wire_episodes(rud_problem *problem, const msgpack_object *map, size_t most,
                             const rud_episode_rules *rules, rud_episode ***episodes, size_t *count)
{
    const msgpack_object *list = NULL;
    *episodes = NULL;
    *count = 0;
    RUD_TRY(rud_wire_need((rud_wire_place){"", problem}, map, "episodes", &list));
    if (list->type != MSGPACK_OBJECT_ARRAY || list->via.array.size == 0) {
        return rud_problem_set(problem, RUD_PROBLEM_WRONG_TYPE, "", "episodes",
                               "a list of at least one episode is needed");
    }
    const size_t n = list->via.array.size;
    if (n > most) {
        return rud_problem_set(problem, RUD_PROBLEM_TOO_LARGE, "", "episodes",
                               "%zu episodes; at most %zu are allowed", n, most);
    }
    *episodes = calloc(n, sizeof **episodes);
    if (*episodes == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu episodes", n);
    for (; *count < n; ++*count) {
        char path[64];
        snprintf(path, sizeof path, "episodes[%zu].", *count);
        const rud_status status =
            read_episode((rud_wire_place){path, problem}, &list->via.array.ptr[*count], rules,
                         &(*episodes)[*count]);
        if (status == RUD_OK) continue;
        rud_wire_episodes_free(episodes, *count);
        *count = 0;
        return status;
    }
    return RUD_OK;
}

static void pack_shifted(rud_packer *packer, const rud_wire_space *space, const double *values,
                         rud_dtype dtype, const size_t *shape, size_t rank, size_t rows)
{
    const size_t width = space->space.width;
    if (space->start == NULL) {
        rud_pack_tensor(packer, dtype, shape, rank, values);
        return;
    }
    double *shifted = malloc(rows * width * sizeof *shifted);
    if (shifted == NULL) {
        packer->failed = true;
        return;
    }
    for (size_t k = 0; k < rows * width; k++) shifted[k] = values[k] + space->start[k % width];
    rud_pack_tensor(packer, dtype, shape, rank, shifted);
    free(shifted);
}

void rud_pack_rows(rud_packer *packer, const rud_wire_space *space, const double *values,
                   size_t rows, bool one)
{
    const rud_dtype dtype = space->space.kind == RUD_SPACE_BOX ? RUD_FLOAT64 : RUD_INT64;
    size_t shape[RUD_WIRE_RANK + 1] = {rows};
    memcpy(shape + 1, space->shape, space->rank * sizeof *shape);
    if (one && space->rank == 0) {
        rud_pack_tensor_scalar(packer, dtype, *values + (space->start != NULL ? *space->start : 0));
        return;
    }
    pack_shifted(packer, space, values, dtype, one ? shape + 1 : shape,
                 one ? space->rank : space->rank + 1, rows);
}

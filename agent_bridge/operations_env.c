/* env.list, env.make, env.reset, env.step, env.close: the library's environments for agents
 * elsewhere. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent_bridge/operations_private.h"

/* Gymnasium's names. */
typedef enum autoreset { DISABLED, NEXT_STEP, SAME_STEP } autoreset;
static const char *const autoresets[] = {"disabled", "next_step", "same_step", NULL};

void rud_remote_env_free(rud_remote_env **env)
{
    rud_remote_env *e = *env;
    if (e == NULL) return;
    rud_env_free(&e->env);
    rud_wire_space_free(&e->observation);
    rud_wire_space_free(&e->action);
    free(e->observations);
    free(e->actions);
    free(e->rewards);
    free(e->finals);
    free(e->terminated);
    free(e->truncated);
    free(e->over);
    free(e->mask);
    free(e);
    *env = NULL;
}

static void pack_description(rud_packer *packer, const rud_env_spec *spec,
                             const rud_wire_space *observation, const rud_wire_space *action)
{
    rud_pack_field_text(packer, "name", spec->name);
    rud_pack_field_text(packer, "summary", spec->summary);
    rud_pack_key(packer, "observation_space");
    rud_pack_space(packer, observation);
    rud_pack_key(packer, "action_space");
    rud_pack_space(packer, action);
    rud_pack_field_uint(packer, "max_steps", spec->max_steps);
    rud_pack_key(packer, "reward_min"); /* may be infinite */
    rud_pack_real(packer, spec->reward_min);
    rud_pack_key(packer, "reward_max");
    rud_pack_real(packer, spec->reward_max);
    rud_pack_field_real(packer, "optimal_return", spec->optimal_return);
}

/* ---- list ---- */

static rud_status pack_listed(rud_packer *packer, const char *name)
{
    const rud_env_options options = rud_env_options_default();
    rud_wire_space observation = {0}, action = {0};
    rud_env *env = NULL;
    RUD_TRY(rud_env_create(name, &options, 1, &env));
    const rud_env_spec *spec = rud_env_specification(env);
    rud_status status = rud_wire_space_of(&spec->observation_space, &observation);
    if (status == RUD_OK) status = rud_wire_space_of(&spec->action_space, &action);
    if (status == RUD_OK) {
        rud_pack_open(packer);
        pack_description(packer, spec, &observation, &action);
        rud_pack_close(packer);
    }
    rud_wire_space_free(&observation);
    rud_wire_space_free(&action);
    rud_env_free(&env);
    return status;
}

rud_status rud_begin_env_list(rud_server *server, rud_session *session, rud_request *request)
{
    (void)server;
    (void)session;
    size_t count = 0;
    while (rud_env_name(count) != NULL) count++;
    rud_reply_open(request);
    rud_pack_key(&request->reply, "environments");
    rud_pack_array(&request->reply, count);
    for (size_t k = 0; k < count; k++) {
        RUD_TRY(pack_listed(&request->reply, rud_env_name(k)));
    }
    return RUD_OK;
}

/* ---- make ---- */

static rud_status read_delayed(rud_wire_place place, const msgpack_object *map, int64_t *delayed)
{
    const msgpack_object *found = rud_wire_find(map, "delayed");
    if (found != NULL && rud_wire_text_is(found, "end")) {
        *delayed = RUD_DELAYED_END;
        return RUD_OK;
    }
    uint64_t steps = 0;
    RUD_TRY(rud_wire_uint(place, map, "delayed", 0, 1000000000, &steps));
    *delayed = (int64_t)steps;
    return RUD_OK;
}

/* What is delayed is kept in memory, for each copy. */
static rud_status check_delay(rud_server *server, rud_request *request,
                              const rud_env_options *options, uint64_t copies)
{
    enum { MOST_KEPT = 1 << 23 };
    const uint64_t most = server->options.limits.steps;
    const uint64_t delayed = options->delayed > 0 ? (uint64_t)options->delayed : 0;
    if (options->delay <= (int64_t)most && delayed <= most && delayed * copies <= MOST_KEPT) {
        return RUD_OK;
    }
    return rud_problem_set(&request->problem, RUD_PROBLEM_TOO_LARGE, "", "options",
                           "at most %llu steps of delay, and %d rewards kept in all copies",
                           (unsigned long long)most, MOST_KEPT);
}

static rud_status read_options(rud_request *request, rud_env_options *options)
{
    static const char *const fields[] = {"delay", "reward", "delayed", NULL};
    static const char *const rewards[] = {"delayed", "immediate", NULL};
    const rud_wire_place place = {"options.", &request->problem};
    const msgpack_object *map = rud_wire_find(&request->message.root, "options");
    uint64_t delay = 0;
    unsigned reward = 0;
    *options = rud_env_options_default();
    if (map == NULL) return RUD_OK;
    RUD_TRY(rud_wire_check_fields(place, map, fields));
    RUD_TRY(rud_wire_uint(place, map, "delay", 1, 1000000000, &delay));
    RUD_TRY(rud_wire_choice(place, map, "reward", rewards, &reward));
    if (delay > 0) options->delay = (int64_t)delay;
    options->immediate_reward = reward == 1;
    return read_delayed(place, map, &options->delayed);
}

static rud_status allocate(rud_remote_env *env, size_t copies)
{
    const rud_env_spec *spec = rud_env_specification(env->env);
    const size_t width = spec->observation_space.width;
    RUD_TRY(rud_wire_space_of(&spec->observation_space, &env->observation));
    RUD_TRY(rud_wire_space_of(&spec->action_space, &env->action));
    env->observations = calloc(copies * width, sizeof *env->observations);
    env->finals = calloc(copies * width, sizeof *env->finals);
    env->actions = calloc(copies * spec->action_space.width, sizeof *env->actions);
    env->rewards = calloc(copies, sizeof *env->rewards);
    env->terminated = calloc(copies, sizeof *env->terminated);
    env->truncated = calloc(copies, sizeof *env->truncated);
    env->over = calloc(copies, sizeof *env->over);
    env->mask = calloc(copies, sizeof *env->mask);
    if (!env->observations || !env->finals || !env->actions || !env->rewards || !env->terminated ||
        !env->truncated || !env->over || !env->mask) {
        return rud_error(RUD_ENOMEM, "no memory for %zu copies", copies);
    }
    for (size_t i = 0; i < copies; i++) env->over[i] = true; /* must be reset first */
    return RUD_OK;
}

static bool is_known(const char *name)
{
    size_t k = 0;
    while (rud_env_name(k) != NULL && strcmp(rud_env_name(k), name) != 0) k++;
    return rud_env_name(k) != NULL;
}

static rud_status create(rud_server *server, rud_request *request, rud_remote_env **made)
{
    const rud_wire_place place = {"", &request->problem};
    const msgpack_object *root = &request->message.root, *found = NULL;
    char name[RUD_EPISODE_ID + 1] = "";
    rud_env_options options;
    uint64_t copies = 1, seed = 0;
    RUD_TRY(rud_wire_need(place, root, "name", &found));
    RUD_TRY(rud_wire_text(place, root, "name", sizeof name, name));
    RUD_TRY(rud_wire_uint(place, root, "copies", 1, server->options.limits.copies, &copies));
    RUD_TRY(rud_wire_uint(place, root, "seed", 0, UINT64_MAX, &seed));
    RUD_TRY(read_options(request, &options));
    RUD_TRY(check_delay(server, request, &options, copies));
    rud_remote_env *env = *made = calloc(1, sizeof *env);
    if (env == NULL) return rud_error(RUD_ENOMEM, "no memory for an environment");
    env->vector = rud_wire_find(root, "copies") != NULL;
    RUD_TRY(rud_wire_choice(place, root, "autoreset", autoresets, &env->autoreset));
    RUD_TRY(rud_wire_blame(place, is_known(name) ? "options" : "name",
                           rud_env_create(name, &options, (size_t)copies, &env->env)));
    rud_env_seed(env->env, seed);
    return allocate(env, (size_t)copies);
}

static rud_status keep(rud_server *server, rud_session *session, rud_remote_env *env)
{
    if (session->env_count == session->env_capacity) {
        const size_t capacity = session->env_capacity > 0 ? 2 * session->env_capacity : 4;
        rud_remote_env **grown = realloc(session->envs, capacity * sizeof *grown);
        if (grown == NULL) return rud_error(RUD_ENOMEM, "no memory for an environment");
        session->envs = grown;
        session->env_capacity = capacity;
    }
    env->handle = session->next_env++;
    session->envs[session->env_count++] = env;
    server->sessions.envs++;
    return RUD_OK;
}

rud_status rud_begin_env_make(rud_server *server, rud_session *session, rud_request *request)
{
    const size_t most = server->options.limits.environments;
    if (session->env_count >= most) {
        return rud_problem_set(&request->problem, RUD_PROBLEM_TOO_MANY, "", "",
                               "this client has its %zu environments", most);
    }
    rud_remote_env *env = NULL;
    rud_status status = create(server, request, &env);
    if (status == RUD_OK) status = keep(server, session, env);
    if (status != RUD_OK) {
        rud_remote_env_free(&env);
        return status;
    }
    rud_reply_open(request);
    rud_pack_field_uint(&request->reply, "env", env->handle);
    pack_description(&request->reply, rud_env_specification(env->env), &env->observation,
                     &env->action);
    return RUD_OK;
}

/* ---- reset ---- */

static rud_status find(rud_session *session, rud_request *request, size_t *index)
{
    const rud_wire_place place = {"", &request->problem};
    const msgpack_object *found = NULL;
    uint64_t handle = 0;
    RUD_TRY(rud_wire_need(place, &request->message.root, "env", &found));
    RUD_TRY(rud_wire_uint(place, &request->message.root, "env", 0, UINT32_MAX, &handle));
    for (*index = 0; *index < session->env_count; ++*index) {
        if (session->envs[*index]->handle == handle) return RUD_OK;
    }
    return rud_problem_set(&request->problem, RUD_PROBLEM_UNKNOWN_ENV, "", "env",
                           "environment %llu is not open", (unsigned long long)handle);
}

static rud_status read_mask(rud_request *request, rud_remote_env *env)
{
    const rud_wire_place place = {"", &request->problem};
    const msgpack_object *found = rud_wire_find(&request->message.root, "mask");
    const size_t copies = rud_env_copies(env->env);
    rud_tensor_view view;
    for (size_t i = 0; i < copies; i++) env->mask[i] = true;
    if (found == NULL) return RUD_OK;
    RUD_TRY(rud_wire_tensor(place, "mask", found, &view));
    if (view.dtype != RUD_BOOL || view.rank != 1 || view.count != copies) {
        return rud_problem_set(&request->problem, RUD_PROBLEM_WRONG_SHAPE, "", "mask",
                               "%zu booleans are needed, one for each copy", copies);
    }
    rud_tensor_read(&view, env->rewards); /* scratch of [copies] */
    for (size_t i = 0; i < copies; i++) env->mask[i] = env->rewards[i] != 0;
    return RUD_OK;
}

static void pack_observations(rud_packer *packer, const rud_remote_env *env)
{
    rud_pack_key(packer, env->vector ? "observations" : "observation");
    rud_pack_rows(packer, &env->observation, env->observations, rud_env_copies(env->env),
                  !env->vector);
}

rud_status rud_begin_env_reset(rud_server *server, rud_session *session, rud_request *request)
{
    (void)server;
    size_t index = 0;
    uint64_t seed = 0;
    RUD_TRY(find(session, request, &index));
    rud_remote_env *env = session->envs[index];
    RUD_TRY(rud_wire_uint((rud_wire_place){"", &request->problem}, &request->message.root, "seed",
                          0, UINT64_MAX, &seed));
    RUD_TRY(read_mask(request, env));
    if (rud_wire_find(&request->message.root, "seed") != NULL) {
        rud_env_seed_some(env->env, env->mask, seed);
    }
    RUD_TRY(rud_env_reset(env->env, env->mask, env->observations));
    for (size_t i = 0; i < rud_env_copies(env->env); i++) env->over[i] &= !env->mask[i];
    env->was_reset = true;
    rud_reply_open(request);
    pack_observations(&request->reply, env);
    return RUD_OK;
}

/* ---- step ---- */

static rud_status check_step(rud_request *request, const rud_remote_env *env)
{
    for (size_t i = 0; i < rud_env_copies(env->env); i++) {
        if (!env->over[i] || (env->was_reset && env->autoreset == NEXT_STEP)) continue;
        return rud_problem_set(&request->problem, RUD_PROBLEM_NEEDS_RESET, "", "",
                               "copy %zu has no running episode: reset it first", i);
    }
    return RUD_OK;
}

/* The copies that are over start anew instead of a step; false if there is none. */
static bool reset_over(rud_remote_env *env)
{
    bool any = false;
    for (size_t i = 0; i < rud_env_copies(env->env); i++) {
        env->mask[i] = !env->over[i];
        any |= env->over[i];
        if (!env->over[i]) continue;
        env->rewards[i] = 0;
        env->terminated[i] = env->truncated[i] = false;
    }
    return any;
}

/* Which copies' episodes are over now; true if any is. */
static bool note_over(rud_remote_env *env)
{
    bool any = false;
    for (size_t i = 0; i < rud_env_copies(env->env); i++) {
        env->over[i] = env->terminated[i] | env->truncated[i];
        any |= env->over[i];
    }
    return any;
}

static rud_status step(rud_remote_env *env, bool *any_over)
{
    if (env->autoreset == NEXT_STEP && reset_over(env)) {
        RUD_TRY(rud_env_step_some(env->env, env->mask, env->actions, env->observations,
                                  env->rewards, env->terminated, env->truncated));
        RUD_TRY(rud_env_reset(env->env, env->over, env->observations));
    } else {
        RUD_TRY(rud_env_step(env->env, env->actions, env->observations, env->rewards,
                             env->terminated, env->truncated));
    }
    *any_over = note_over(env);
    if (env->autoreset != SAME_STEP || !*any_over) return RUD_OK;
    memcpy(env->finals, env->observations,
           rud_env_copies(env->env) * env->observation.space.width * sizeof *env->finals);
    return rud_env_reset(env->env, env->over, env->observations);
}

static void pack_step(rud_packer *packer, rud_remote_env *env, bool any_over)
{
    const size_t copies = rud_env_copies(env->env);
    pack_observations(packer, env);
    if (!env->vector) {
        rud_pack_field_real(packer, "reward", env->rewards[0]);
        rud_pack_field_bool(packer, "terminated", env->terminated[0]);
        rud_pack_field_bool(packer, "truncated", env->truncated[0]);
    } else {
        rud_pack_field_row(packer, "rewards", env->rewards, copies);
        rud_pack_key(packer, "terminated");
        rud_pack_flags(packer, env->terminated, copies);
        rud_pack_key(packer, "truncated");
        rud_pack_flags(packer, env->truncated, copies);
    }
    if (env->autoreset != SAME_STEP || !any_over) return;
    rud_pack_key(packer, env->vector ? "final_observations" : "final_observation");
    rud_pack_rows(packer, &env->observation, env->finals, copies, !env->vector);
    if (env->vector) {
        rud_pack_key(packer, "final_mask");
        rud_pack_flags(packer, env->over, copies);
    }
    memset(env->over, 0, copies * sizeof *env->over); /* they run again */
}

/* Copies that only start anew do not act. */
static rud_status read_actions(rud_request *request, rud_remote_env *env)
{
    const size_t copies = rud_env_copies(env->env);
    for (size_t i = 0; i < copies; i++) env->mask[i] = !env->over[i];
    return rud_wire_rows((rud_wire_place){"", &request->problem}, &request->message.root,
                         env->vector ? "actions" : "action", &env->action,
                         env->vector ? copies : RUD_ONE_ROW, env->mask, false, env->actions);
}

rud_status rud_begin_env_step(rud_server *server, rud_session *session, rud_request *request)
{
    (void)server;
    size_t index = 0;
    bool any_over = false;
    RUD_TRY(find(session, request, &index));
    rud_remote_env *env = session->envs[index];
    RUD_TRY(check_step(request, env));
    RUD_TRY(read_actions(request, env));
    RUD_TRY(step(env, &any_over));
    rud_reply_open(request);
    pack_step(&request->reply, env, any_over);
    return RUD_OK;
}

/* ---- close ---- */

rud_status rud_begin_env_close(rud_server *server, rud_session *session, rud_request *request)
{
    size_t index = 0;
    RUD_TRY(find(session, request, &index));
    rud_reply_open(request);
    rud_pack_field_uint(&request->reply, "env", session->envs[index]->handle);
    rud_remote_env_free(&session->envs[index]);
    session->envs[index] = session->envs[--session->env_count];
    server->sessions.envs--;
    return RUD_OK;
}

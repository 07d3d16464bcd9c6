#include "envs/env.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "envs/delayed_private.h"
#include "envs/kinds_private.h"

/* Every environment of the library, in the order in which they are listed. */
static const rud_env_kind *const kinds[] = {
    &rud_env_kind_coin_walk,
    &rud_env_kind_watch_repair,
};
static const size_t kind_count = sizeof kinds / sizeof kinds[0];

struct rud_env {
    const rud_env_kind *kind;
    rud_env_options options;
    rud_env_spec spec;
    char *name; /* of a wrapped environment; NULL: the kind's */
    size_t copies;
    uint64_t *seeds;      /* [copies] */
    uint64_t *episodes;   /* [copies] started since the seeding */
    bool *over;           /* [copies] also before the first reset */
    rud_rng *rngs;        /* [copies] */
    void *states;         /* [copies] of kind->state_size bytes */
    rud_delayed *delayed; /* NULL: rewards are paid as they are earned */
};

rud_env_options rud_env_options_default(void)
{
    return (rud_env_options){.delay = 0, .immediate_reward = false, .delayed = 0};
}

const char *rud_env_name(size_t k)
{
    return k < kind_count ? kinds[k]->name : NULL;
}

const char *rud_env_summary(size_t k)
{
    return k < kind_count ? kinds[k]->summary : NULL;
}

static rud_status unknown_environment(const char *name)
{
    char known[RUD_NAMES_SIZE];
    rud_names_list(rud_env_name, known);
    return rud_error(RUD_EINVAL, "unknown environment \"%s\"; there are: %s", name, known);
}

rud_status rud_env_create(const char *name, const rud_env_options *options, size_t copies,
                          rud_env **env)
{
    *env = NULL;
    for (size_t k = 0; k < kind_count; k++) {
        if (strcmp(name, kinds[k]->name) == 0) {
            return rud_env_create_from_kind(kinds[k], options, copies, env);
        }
    }
    return unknown_environment(name);
}

/* "delayed(coin-walk, end)" or "delayed(coin-walk, 3)". */
static char *delayed_name(const char *name, int64_t delay)
{
    const size_t size = strlen(name) + sizeof "delayed(, -9223372036854775808)";
    char *text = malloc(size);
    if (!text) return NULL;
    if (delay == RUD_DELAYED_END) {
        snprintf(text, size, "delayed(%s, end)", name);
    } else {
        snprintf(text, size, "delayed(%s, %lld)", name, (long long)delay);
    }
    return text;
}

static rud_status wrap_delayed(rud_env *env)
{
    const int64_t delay = env->options.delayed;
    if (delay == 0) return RUD_OK;
    RUD_TRY(rud_delayed_create(delay, env->spec.max_steps, env->copies, &env->delayed));
    rud_delayed_range(delay, env->spec.max_steps, &env->spec.reward_min, &env->spec.reward_max);
    env->name = delayed_name(env->kind->name, delay);
    if (!env->name) return rud_error(RUD_ENOMEM, "no memory for an environment's name");
    env->spec.name = env->name;
    return RUD_OK;
}

static rud_status no_memory_for_copies(const rud_env *env)
{
    return rud_error(RUD_ENOMEM, "no memory for %zu copies of %s", env->copies, env->kind->name);
}

static rud_status allocate_copies(rud_env *env)
{
    const size_t state_size = env->kind->state_size ? env->kind->state_size : 1;
    const size_t largest = state_size > sizeof(rud_rng) ? state_size : sizeof(rud_rng);
    if (env->copies > SIZE_MAX / largest) return no_memory_for_copies(env);
    env->seeds = calloc(env->copies, sizeof *env->seeds);
    env->episodes = calloc(env->copies, sizeof *env->episodes);
    env->over = calloc(env->copies, sizeof *env->over);
    env->rngs = calloc(env->copies, sizeof *env->rngs);
    env->states = calloc(env->copies, state_size);
    if (!env->seeds || !env->episodes || !env->over || !env->rngs || !env->states) {
        return no_memory_for_copies(env);
    }
    memset(env->over, true, env->copies * sizeof *env->over);
    rud_env_seed(env, 0);
    return RUD_OK;
}

/* An option that nobody reads would be lost without a word. */
static rud_status check_options(const rud_env_kind *kind, const rud_env_options *options)
{
    if (options->delay != 0 && !(kind->options & RUD_ENV_HAS_DELAY)) {
        return rud_error(RUD_EINVAL,
                         "%s has no option \"delay\"; \"delayed\" delays the rewards of any "
                         "environment",
                         kind->name);
    }
    if (options->immediate_reward && !(kind->options & RUD_ENV_HAS_REWARD)) {
        return rud_error(RUD_EINVAL, "%s has no option \"reward\"", kind->name);
    }
    return RUD_OK;
}

static rud_status build(rud_env *env)
{
    const rud_env_kind *kind = env->kind;
    RUD_TRY(check_options(kind, &env->options));
    RUD_TRY(rud_error_context(kind->specify(&env->options, &env->spec), "%s", kind->name));
    env->spec.name = kind->name;
    env->spec.summary = kind->summary;
    env->spec.options = kind->options;
    env->spec.has_expected_return = kind->expected_return != NULL;
    env->spec.has_optimal_action = kind->optimal_action != NULL;
    RUD_TRY(allocate_copies(env));
    return rud_error_context(wrap_delayed(env), "delayed(%s)", kind->name);
}

rud_status rud_env_create_from_kind(const rud_env_kind *kind, const rud_env_options *options,
                                    size_t copies, rud_env **env)
{
    *env = NULL;
    if (copies < 1) return rud_error(RUD_EINVAL, "%s: 0 copies; use 1 or more", kind->name);
    rud_env *made = calloc(1, sizeof *made);
    if (!made) return rud_error(RUD_ENOMEM, "no memory for an environment");
    made->kind = kind;
    made->options = *options;
    made->copies = copies;
    const rud_status status = build(made);
    if (status != RUD_OK) {
        rud_env_free(&made);
        return status;
    }
    *env = made;
    return RUD_OK;
}

void rud_env_free(rud_env **env)
{
    if (!*env) return;
    rud_space_free(&(*env)->spec.observation_space);
    rud_space_free(&(*env)->spec.action_space);
    rud_delayed_free(&(*env)->delayed);
    free((*env)->name);
    free((*env)->seeds);
    free((*env)->episodes);
    free((*env)->over);
    free((*env)->rngs);
    free((*env)->states);
    free(*env);
    *env = NULL;
}

const rud_env_spec *rud_env_specification(const rud_env *env)
{
    return &env->spec;
}

size_t rud_env_copies(const rud_env *env)
{
    return env->copies;
}

void rud_env_seed(rud_env *env, uint64_t seed)
{
    rud_env_seed_some(env, NULL, seed);
}

void rud_env_seed_some(rud_env *env, const bool *mask, uint64_t seed)
{
    for (size_t i = 0; i < env->copies; i++) {
        if (mask && !mask[i]) continue;
        env->seeds[i] = seed + i;
        env->episodes[i] = 0;
    }
}

rud_status rud_env_reset(rud_env *env, const bool *mask, double *observations)
{
    const size_t width = env->spec.observation_space.width;
    char *states = env->states;
    for (size_t i = 0; i < env->copies; i++) {
        if (mask && !mask[i]) continue;
        /* A stream an episode: its events don't depend on how much earlier ones have drawn. */
        env->rngs[i] = rud_rng_stream(env->seeds[i], "environment", env->episodes[i]++);
        env->kind->reset(&env->options, states + i * env->kind->state_size, &env->rngs[i],
                         observations + i * width);
        if (env->delayed) rud_delayed_reset(env->delayed, i);
        env->over[i] = false;
    }
    return RUD_OK;
}

static rud_status check_running(const rud_env *env, size_t first, size_t end)
{
    bool any_over = false;
    for (size_t i = first; i < end; i++) any_over |= env->over[i];
    if (!any_over) return RUD_OK;

    while (!env->over[first]) first++;
    return rud_error(RUD_ESTATE, "%s: copy %zu has no running episode; reset it before the step",
                     env->spec.name, first);
}

/* One pass without branches for single discrete actions; the general check names what is wrong. */
static bool all_discrete_actions_valid(const double *actions, size_t copies, double size)
{
    bool bad = false;
    for (size_t i = 0; i < copies; i++) {
        const double a = actions[i];
        bad |= !((a >= 0) & (a < size) & (a == floor(a)));
    }
    return !bad;
}

static rud_status check_actions(const rud_env *env, size_t first, size_t end, const double *actions)
{
    const rud_space *space = &env->spec.action_space;
    if (space->kind == RUD_SPACE_DISCRETE &&
        all_discrete_actions_valid(actions + first, end - first, (double)space->sizes[0])) {
        return RUD_OK;
    }
    for (size_t i = first; i < end; i++) {
        RUD_TRY(rud_error_context(rud_space_check(space, actions + i * space->width),
                                  "%s: action of copy %zu", env->spec.name, i));
    }
    return RUD_OK;
}

/* The copies first .. end - 1, which were checked. */
static void step_run(rud_env *env, size_t first, size_t end, const double *actions,
                     double *observations, double *rewards, bool *terminated, bool *truncated)
{
    char *states = env->states;
    env->kind->step(&env->options, states + first * env->kind->state_size, env->rngs + first,
                    end - first, actions + first * env->spec.action_space.width,
                    observations + first * env->spec.observation_space.width, rewards + first,
                    terminated + first, truncated + first);
    for (size_t i = first; i < end; i++) env->over[i] = terminated[i] | truncated[i];
    if (env->delayed) rud_delayed_pay(env->delayed, first, end, env->over, rewards);
}

rud_status rud_env_step(rud_env *env, const double *actions, double *observations, double *rewards,
                        bool *terminated, bool *truncated)
{
    RUD_TRY(check_running(env, 0, env->copies));
    RUD_TRY(check_actions(env, 0, env->copies, actions));
    step_run(env, 0, env->copies, actions, observations, rewards, terminated, truncated);
    return RUD_OK;
}

/* The next run of copies that the mask holds: first .. end - 1; false if there is none. */
static bool next_run(const bool *mask, size_t copies, size_t *first, size_t *end)
{
    *first = *end;
    while (*first < copies && !mask[*first]) ++*first;
    *end = *first;
    while (*end < copies && mask[*end]) ++*end;
    return *end > *first;
}

rud_status rud_env_step_some(rud_env *env, const bool *mask, const double *actions,
                             double *observations, double *rewards, bool *terminated,
                             bool *truncated)
{
    for (size_t first = 0, end = 0; next_run(mask, env->copies, &first, &end);) {
        RUD_TRY(check_running(env, first, end));
        RUD_TRY(check_actions(env, first, end, actions));
    }
    for (size_t first = 0, end = 0; next_run(mask, env->copies, &first, &end);) {
        step_run(env, first, end, actions, observations, rewards, terminated, truncated);
    }
    return RUD_OK;
}

rud_status rud_env_optimal_action(const rud_env *env, const double *observation, double *action,
                                  bool *matters)
{
    if (!env->kind->optimal_action) {
        return rud_error(RUD_EINVAL, "%s: the optimal action is not known", env->spec.name);
    }
    RUD_TRY(rud_error_context(rud_space_check(&env->spec.observation_space, observation),
                              "%s: observation", env->spec.name));
    *matters = env->kind->optimal_action(&env->options, observation, action);
    return RUD_OK;
}

bool rud_env_initial_observation(const rud_env *env, size_t k, double *observation)
{
    return env->kind->initial_observation &&
           env->kind->initial_observation(&env->options, k, observation);
}

static bool same_row(const double *a, const double *b, size_t width)
{
    for (size_t k = 0; k < width; k++) {
        if (a[k] != b[k]) return false;
    }
    return true;
}

static bool is_initial(const rud_env *env, const double *observation)
{
    const size_t width = env->spec.observation_space.width;
    double *initial = malloc(width * sizeof *initial);
    bool found = false;
    for (size_t k = 0; initial && !found && rud_env_initial_observation(env, k, initial); k++) {
        found = same_row(initial, observation, width);
    }
    free(initial);
    return found;
}

double rud_env_action_value(const rud_env *env, const double *observation, const double *action)
{
    if (!env->kind->action_value || !is_initial(env, observation) ||
        rud_space_check(&env->spec.action_space, action) != RUD_OK) {
        return NAN;
    }
    return env->kind->action_value(&env->options, observation, action);
}

static rud_status check_rows(const rud_env *env, const rud_space *space, const char *what,
                             const double *numbers, size_t rows)
{
    for (size_t t = 0; t < rows; t++) {
        RUD_TRY(rud_error_context(rud_space_check(space, numbers + t * space->width), "%s: %s %zu",
                                  env->spec.name, what, t));
    }
    return RUD_OK;
}

rud_status rud_env_expected_return(const rud_env *env, const double *observations,
                                   const double *actions, size_t steps, size_t rows,
                                   double *expected)
{
    const rud_env_spec *spec = &env->spec;
    if (!spec->has_expected_return) {
        return rud_error(RUD_EINVAL, "%s: the exact expected return is not known", spec->name);
    }
    if (steps < 1 || steps > spec->max_steps) {
        return rud_error(RUD_EINVAL, "%s: an episode of %zu steps; it must have 1 .. %zu",
                         spec->name, steps, spec->max_steps);
    }
    if (rows != steps && rows != steps + 1) {
        return rud_error(RUD_EINVAL,
                         "%s: %zu observations for %zu steps; give one a step, and "
                         "perhaps the final one",
                         spec->name, rows, steps);
    }
    RUD_TRY(check_rows(env, &spec->observation_space, "observation", observations, rows));
    RUD_TRY(check_rows(env, &spec->action_space, "action", actions, steps));
    return env->kind->expected_return(&env->options, observations, actions, steps, rows, expected);
}

/* The contract that every environment of the library keeps, with several options each. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "envs/env.h"
#include "tests/harness.h"

static const rud_env_options variants[] = {
    {0},
    {.delay = 1, .immediate_reward = true},
    {.delay = 7, .immediate_reward = true, .delayed = 3},
    {.delay = 60, .delayed = RUD_DELAYED_END},
};
enum { VARIANTS = sizeof variants / sizeof variants[0] };

static unsigned options_of(const char *name)
{
    rud_env *env = NULL;
    ck_assert_int_eq(rud_env_create(name, &variants[0], 1, &env), RUD_OK);
    const unsigned options = rud_env_specification(env)->options;
    rud_env_free(&env);
    return options;
}

/* Test case number -> environment, and of the variant's options those that it has. */
static rud_env *created(int number, size_t copies)
{
    const char *name = rud_env_name((size_t)number / VARIANTS);
    rud_env_options options = variants[number % VARIANTS];
    rud_env *env = NULL;
    if (!(options_of(name) & RUD_ENV_HAS_DELAY)) options.delay = 0;
    if (!(options_of(name) & RUD_ENV_HAS_REWARD)) options.immediate_reward = false;
    ck_assert_int_eq(rud_env_create(name, &options, copies, &env), RUD_OK);
    return env;
}

static int case_count(void)
{
    int count = 0;
    while (rud_env_name((size_t)count)) count++;
    return count * VARIANTS;
}

/* Arrays that a vectorised environment fills. */
typedef struct arrays {
    size_t copies, width, action_width;
    double *observations, *actions, *rewards;
    bool *terminated, *truncated, *over;
} arrays;

static arrays arrays_for(const rud_env *env)
{
    const rud_env_spec *spec = rud_env_specification(env);
    const size_t B = rud_env_copies(env);
    arrays made = {B, spec->observation_space.width, spec->action_space.width, 0, 0, 0, 0, 0, 0};
    made.observations = calloc(B * made.width, sizeof(double));
    made.actions = calloc(B * made.action_width, sizeof(double));
    made.rewards = calloc(B, sizeof(double));
    made.terminated = calloc(B, sizeof(bool));
    made.truncated = calloc(B, sizeof(bool));
    made.over = malloc(B * sizeof(bool));
    memset(made.over, true, B * sizeof(bool));
    return made;
}

static void arrays_free(arrays *a)
{
    free(a->observations);
    free(a->actions);
    free(a->rewards);
    free(a->terminated);
    free(a->truncated);
    free(a->over);
}

static void draw_action(const rud_space *space, rud_rng *rng, double *action)
{
    for (size_t k = 0; k < space->width; k++) {
        action[k] = (double)rud_rng_below(rng, (uint64_t)space->sizes[k]);
    }
}

static rud_status step(rud_env *env, arrays *a)
{
    return rud_env_step(env, a->actions, a->observations, a->rewards, a->terminated, a->truncated);
}

/* What `steps` steps show, [copies][steps][width + 3]: the observation before the step, the reward
 * and the flags. An episode that is over is followed by the next. Copy i acts by the random
 * numbers of first + i. */
static double *played(rud_env *env, size_t first, size_t steps)
{
    arrays a = arrays_for(env);
    const rud_env_spec *spec = rud_env_specification(env);
    const size_t columns = a.width + 3;
    double *trace = calloc(a.copies * steps * columns, sizeof(double));
    rud_rng *rngs = calloc(a.copies, sizeof *rngs);
    for (size_t i = 0; i < a.copies; i++) rngs[i] = rud_rng_stream(5, "test actions", first + i);
    for (size_t t = 0; t < steps; t++) {
        ck_assert_int_eq(rud_env_reset(env, a.over, a.observations), RUD_OK);
        for (size_t i = 0; i < a.copies; i++) {
            memcpy(trace + (i * steps + t) * columns, a.observations + i * a.width,
                   a.width * sizeof(double));
            draw_action(&spec->action_space, &rngs[i], a.actions + i * a.action_width);
        }
        ck_assert_int_eq(step(env, &a), RUD_OK);
        for (size_t i = 0; i < a.copies; i++) {
            double *row = trace + (i * steps + t) * columns + a.width;
            row[0] = a.rewards[i];
            row[1] = a.terminated[i];
            row[2] = a.truncated[i];
            a.over[i] = a.terminated[i] || a.truncated[i];
        }
    }
    free(rngs);
    arrays_free(&a);
    return trace;
}

static size_t trace_bytes(const rud_env *env, size_t copies, size_t steps)
{
    return copies * steps * (rud_env_specification(env)->observation_space.width + 3) *
           sizeof(double);
}

static size_t two_episodes(const rud_env *env)
{
    return 2 * rud_env_specification(env)->max_steps + 3;
}

START_TEST(seed_decides_everything)
{
    enum { B = 3 };
    rud_env *a = created(_i, B), *b = created(_i, B);
    const size_t steps = two_episodes(a);
    rud_env_seed(a, 42);
    rud_env_seed(b, 42);
    double *one = played(a, 0, steps), *other = played(b, 0, steps);
    ck_assert_mem_eq(one, other, trace_bytes(a, B, steps));

    rud_env_seed(a, 42); /* once more with the same environment, in the middle of an episode */
    double *again = played(a, 0, steps);
    ck_assert_mem_eq(one, again, trace_bytes(a, B, steps));
    free(one);
    free(other);
    free(again);
    rud_env_free(&a);
    rud_env_free(&b);
    ck_assert_ptr_null(a);
}
END_TEST

START_TEST(new_environment_has_seed_zero)
{
    rud_env *a = created(_i, 1), *b = created(_i, 1);
    const size_t steps = two_episodes(a);
    rud_env_seed(b, 0);
    double *one = played(a, 0, steps), *other = played(b, 0, steps);
    ck_assert_mem_eq(one, other, trace_bytes(a, 1, steps));
    free(one);
    free(other);
    rud_env_free(&a);
    rud_env_free(&b);
}
END_TEST

START_TEST(copy_is_single_environment_with_seed_plus_its_number)
{
    enum { B = 5, SEED = 11 };
    rud_env *many = created(_i, B), *single = created(_i, 1);
    const size_t steps = two_episodes(many), bytes = trace_bytes(many, 1, steps);
    rud_env_seed(many, SEED);
    double *all = played(many, 0, steps);
    for (size_t i = 0; i < B; i++) {
        rud_env_seed(single, SEED + i);
        double *one = played(single, i, steps);
        ck_assert_mem_eq(all + i * (bytes / sizeof(double)), one, bytes);
        free(one);
    }
    free(all);
    rud_env_free(&many);
    rud_env_free(&single);
}
END_TEST

START_TEST(a_seed_for_some_leaves_the_others_streams)
{
    enum { B = 3 };
    rud_env *env = created(_i, B), *untouched = created(_i, B), *seeded = created(_i, B);
    const size_t steps = two_episodes(env), bytes = trace_bytes(env, 1, steps);
    rud_env_seed(env, 42);
    rud_env_seed(untouched, 42);
    rud_env_seed(seeded, 7);
    rud_env_seed_some(env, (const bool[B]){false, true, false}, 7);
    double *got = played(env, 0, steps);
    double *same = played(untouched, 0, steps), *other = played(seeded, 0, steps);
    for (size_t i = 0; i < B; i++) {
        const size_t row = i * (bytes / sizeof(double));
        ck_assert_mem_eq(got + row, (i == 1 ? other : same) + row, bytes);
    }
    free(got);
    free(same);
    free(other);
    rud_env_free(&env);
    rud_env_free(&untouched);
    rud_env_free(&seeded);
}
END_TEST

START_TEST(episodes_obey_the_specification)
{
    enum { B = 4, EPISODES = 5 };
    rud_env *env = created(_i, B);
    const rud_env_spec *spec = rud_env_specification(env);
    const size_t width = spec->observation_space.width;
    const size_t steps = EPISODES * spec->max_steps;
    double *trace = played(env, 0, steps);
    for (size_t i = 0; i < B; i++) {
        size_t length = 0, ended = 0;
        for (size_t t = 0; t < steps; t++) {
            const double *row = trace + (i * steps + t) * (width + 3);
            ck_assert_int_eq(rud_space_check(&spec->observation_space, row), RUD_OK);
            const double reward = row[width];
            ck_assert(isfinite(reward));
            ck_assert(reward >= spec->reward_min && reward <= spec->reward_max);
            ck_assert(!(row[width + 1] && row[width + 2]));
            length++;
            ck_assert_uint_le(length, spec->max_steps);
            if (row[width + 1] || row[width + 2]) {
                ended++;
                length = 0;
            }
        }
        ck_assert_uint_ge(ended, EPISODES); /* no episode is longer than max_steps */
    }
    free(trace);
    rud_env_free(&env);
}
END_TEST

START_TEST(final_observation_is_in_the_space_and_starts_are_known)
{
    rud_env *env = created(_i, 1);
    const rud_env_spec *spec = rud_env_specification(env);
    arrays a = arrays_for(env);
    double *initial = calloc(a.width, sizeof(double));
    rud_rng rng = rud_rng_stream(3, "test actions", 0);
    for (int episode = 0; episode < 20; episode++) {
        ck_assert_int_eq(rud_env_reset(env, NULL, a.observations), RUD_OK);
        bool known = false;
        for (size_t k = 0; rud_env_initial_observation(env, k, initial); k++) {
            ck_assert_int_eq(rud_space_check(&spec->observation_space, initial), RUD_OK);
            known |= memcmp(initial, a.observations, a.width * sizeof(double)) == 0;
        }
        ck_assert(known);
        do {
            draw_action(&spec->action_space, &rng, a.actions);
            ck_assert_int_eq(step(env, &a), RUD_OK);
        } while (!a.terminated[0] && !a.truncated[0]);
        ck_assert_int_eq(rud_space_check(&spec->observation_space, a.observations), RUD_OK);
    }
    free(initial);
    arrays_free(&a);
    rud_env_free(&env);
}
END_TEST

START_TEST(reset_touches_only_the_masked_copies)
{
    enum { B = 3 };
    const bool middle[B] = {false, true, false};
    rud_env *env = created(_i, B);
    arrays a = arrays_for(env);
    for (size_t k = 0; k < B * a.width; k++) a.observations[k] = -77;
    ck_assert_int_eq(rud_env_reset(env, middle, a.observations), RUD_OK);
    for (size_t k = 0; k < a.width; k++) {
        ck_assert_double_eq(a.observations[k], -77);
        ck_assert_double_ne(a.observations[a.width + k], -77);
        ck_assert_double_eq(a.observations[2 * a.width + k], -77);
    }
    ck_assert_int_eq(step(env, &a), RUD_ESTATE); /* copies 0 and 2 were never started */
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "copy 0"));
    arrays_free(&a);
    rud_env_free(&env);
}
END_TEST

/* Plays copy 0 of both environments to the end of its episode with the same actions (action 0) and
 * asserts that they show the same. */
static void assert_same_from_here(rud_env *env, rud_env *twin)
{
    arrays a = arrays_for(env), b = arrays_for(twin);
    do {
        ck_assert_int_eq(step(env, &a), RUD_OK);
        ck_assert_int_eq(step(twin, &b), RUD_OK);
        ck_assert_mem_eq(a.observations, b.observations, a.copies * a.width * sizeof(double));
        ck_assert_mem_eq(a.rewards, b.rewards, a.copies * sizeof(double));
        ck_assert_mem_eq(a.terminated, b.terminated, a.copies * sizeof(bool));
        ck_assert_mem_eq(a.truncated, b.truncated, a.copies * sizeof(bool));
    } while (!a.terminated[0] && !a.truncated[0]);
    arrays_free(&a);
    arrays_free(&b);
}

static void play_to_the_end(rud_env *env, arrays *a)
{
    ck_assert_int_eq(rud_env_reset(env, NULL, a->observations), RUD_OK);
    do {
        ck_assert_int_eq(step(env, a), RUD_OK);
    } while (!a->terminated[0] && !a->truncated[0]);
}

START_TEST(step_after_the_end_moves_no_copy)
{
    enum { B = 2 };
    const bool first[B] = {true, false}, second[B] = {false, true};
    rud_env *env = created(_i, B), *twin = created(_i, B);
    arrays a = arrays_for(env);
    play_to_the_end(twin, &a);
    play_to_the_end(env, &a);
    ck_assert(a.terminated[1]); /* both copies of our environments end at the same step */
    ck_assert_int_eq(rud_env_reset(env, first, a.observations), RUD_OK);

    a.rewards[0] = 123;
    ck_assert_int_eq(step(env, &a), RUD_ESTATE);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "copy 1"));
    ck_assert_double_eq(a.rewards[0], 123);

    ck_assert_int_eq(rud_env_reset(env, second, a.observations), RUD_OK);
    ck_assert_int_eq(rud_env_reset(twin, NULL, a.observations), RUD_OK);
    assert_same_from_here(env, twin);
    arrays_free(&a);
    rud_env_free(&env);
    rud_env_free(&twin);
}
END_TEST

START_TEST(bad_action_moves_no_copy)
{
    enum { B = 3 };
    rud_env *env = created(_i, B), *twin = created(_i, B);
    arrays a = arrays_for(env);
    ck_assert_int_eq(rud_env_reset(env, NULL, a.observations), RUD_OK);
    ck_assert_int_eq(rud_env_reset(twin, NULL, a.observations), RUD_OK);
    const double size = (double)rud_env_specification(env)->action_space.sizes[0];
    const double bad[] = {-1, -1e-9, size, 0.5, 1e300, NAN, INFINITY, -INFINITY};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        a.actions[a.action_width] = bad[k]; /* copy 1 */
        const rud_status status = step(env, &a);
        ck_assert_int_eq(status, isfinite(bad[k]) ? RUD_EINVAL : RUD_ENONFINITE);
        ck_assert_ptr_nonnull(strstr(rud_last_error(), "action of copy 1"));
    }
    assert_same_from_here(env, twin);
    arrays_free(&a);
    rud_env_free(&env);
    rud_env_free(&twin);
}
END_TEST

START_TEST(episode_does_not_depend_on_earlier_ones)
{
    rud_env *patient = created(_i, 1), *hasty = created(_i, 1);
    arrays a = arrays_for(patient);
    play_to_the_end(patient, &a);
    play_to_the_end(patient, &a);
    ck_assert_int_eq(rud_env_reset(patient, NULL, a.observations), RUD_OK);
    for (int k = 0; k < 3; k++) { /* gives up its first two episodes */
        ck_assert_int_eq(rud_env_reset(hasty, NULL, a.observations), RUD_OK);
    }
    assert_same_from_here(patient, hasty);
    arrays_free(&a);
    rud_env_free(&patient);
    rud_env_free(&hasty);
}
END_TEST

START_TEST(optimal_action_has_the_highest_value)
{
    rud_env *env = created(_i, 1);
    const rud_env_spec *spec = rud_env_specification(env);
    ck_assert(spec->has_optimal_action);
    double observation[8], action;
    size_t k = 0;
    double sum = 0;
    for (; rud_env_initial_observation(env, k, observation); k++) {
        bool matters = false;
        ck_assert_int_eq(rud_env_optimal_action(env, observation, &action, &matters), RUD_OK);
        const double best = rud_env_action_value(env, observation, &action);
        for (double other = 0; other < (double)spec->action_space.sizes[0]; other++) {
            const double value = rud_env_action_value(env, observation, &other);
            ck_assert(other == action ? value == best : value < best);
        }
        ck_assert(matters);
        sum += best;
    }
    /* In our environments every start is equally probable. */
    ck_assert_double_eq_tol(sum / (double)k, spec->optimal_return, 1e-12);

    observation[0] = 1; /* no episode starts so */
    action = 0;
    ck_assert(isnan(rud_env_action_value(env, observation, &action)));
    ck_assert(rud_env_initial_observation(env, 0, observation));
    action = 2;
    ck_assert(isnan(rud_env_action_value(env, observation, &action)));
    rud_env_free(&env);
}
END_TEST

START_TEST(expected_return_refuses_what_is_no_episode)
{
    rud_env *env = created(_i, 1);
    const size_t most = rud_env_specification(env)->max_steps;
    arrays a = arrays_for(env);
    double *observations = calloc((most + 2) * a.width, sizeof(double));
    double *actions = calloc((most + 1) * a.action_width, sizeof(double));
    double *expected = calloc(most + 2, sizeof(double));
    ck_assert_int_eq(rud_env_reset(env, NULL, observations), RUD_OK);
    memcpy(a.actions, actions, a.action_width * sizeof(double));
    ck_assert_int_eq(step(env, &a), RUD_OK);
    memcpy(observations + a.width, a.observations, a.width * sizeof(double));

    ck_assert_int_eq(rud_env_expected_return(env, observations, actions, 1, 1, expected), RUD_OK);
    ck_assert_int_eq(rud_env_expected_return(env, observations, actions, 1, 2, expected), RUD_OK);
    ck_assert_int_eq(rud_env_expected_return(env, observations, actions, 0, 0, expected),
                     RUD_EINVAL);
    ck_assert_int_eq(rud_env_expected_return(env, observations, actions, 1, 3, expected),
                     RUD_EINVAL);
    ck_assert_int_eq(
        rud_env_expected_return(env, observations, actions, most + 1, most + 2, expected),
        RUD_EINVAL);
    actions[0] = 2;
    ck_assert_int_eq(rud_env_expected_return(env, observations, actions, 1, 2, expected),
                     RUD_EINVAL);
    actions[0] = 0;
    observations[a.width] = NAN;
    ck_assert_int_eq(rud_env_expected_return(env, observations, actions, 1, 2, expected),
                     RUD_ENONFINITE);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "observation 1"));
    free(observations);
    free(actions);
    free(expected);
    arrays_free(&a);
    rud_env_free(&env);
}
END_TEST

START_TEST(table_lists_each_environment_once)
{
    size_t count = 0;
    bool coin_walk = false, watch_repair = false;
    for (; rud_env_name(count); count++) {
        ck_assert_uint_gt(strlen(rud_env_summary(count)), 0);
        coin_walk |= strcmp(rud_env_name(count), "coin-walk") == 0;
        watch_repair |= strcmp(rud_env_name(count), "watch-repair") == 0;
        for (size_t k = 0; k < count; k++) ck_assert_str_ne(rud_env_name(k), rud_env_name(count));
    }
    ck_assert(coin_walk && watch_repair);
    ck_assert_ptr_null(rud_env_summary(count));
}
END_TEST

START_TEST(create_refuses_bad_arguments)
{
    rud_env_options options = rud_env_options_default();
    rud_env *env = NULL;
    ck_assert_int_eq(rud_env_create("watch-repiar", &options, 1, &env), RUD_EINVAL);
    ck_assert_ptr_null(env);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "watch-repiar"));
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "coin-walk, watch-repair"));
    ck_assert_int_eq(rud_env_create("coin-walk", &options, 0, &env), RUD_EINVAL);
    ck_assert_int_eq(rud_env_create("coin-walk", &options, SIZE_MAX / 4, &env), RUD_ENOMEM);
    ck_assert_ptr_null(env);

    options.delayed = -2;
    ck_assert_int_eq(rud_env_create("coin-walk", &options, 1, &env), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "-2"));
    options = (rud_env_options){.delay = -1};
    ck_assert_int_eq(rud_env_create("watch-repair", &options, 1, &env), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "watch-repair: delay -1"));
    options.delay = INT64_MAX;
    ck_assert_int_eq(rud_env_create("watch-repair", &options, 1, &env), RUD_EINVAL);
    ck_assert_ptr_null(env);
}
END_TEST

START_TEST(an_option_that_nobody_reads_is_refused)
{
    rud_env *env = NULL;
    ck_assert_uint_eq(options_of("coin-walk"), RUD_ENV_HAS_REWARD);
    ck_assert_uint_eq(options_of("watch-repair"), RUD_ENV_HAS_DELAY);
    rud_env_options options = {.delay = 5};
    ck_assert_int_eq(rud_env_create("coin-walk", &options, 1, &env), RUD_EINVAL);
    ck_assert_ptr_null(env);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "coin-walk has no option \"delay\""));
    options = (rud_env_options){.immediate_reward = true};
    ck_assert_int_eq(rud_env_create("watch-repair", &options, 1, &env), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "watch-repair has no option \"reward\""));
}
END_TEST

/* A kind with a box of two actions, and nothing that is optional. */
static rud_status specify_bare(const rud_env_options *options, rud_env_spec *spec)
{
    (void)options;
    const double low[2] = {-1, 0}, high[2] = {1, 5};
    spec->max_steps = 3;
    spec->optimal_return = NAN;
    RUD_TRY(rud_space_box(NULL, NULL, 1, &spec->observation_space));
    return rud_space_box(low, high, 2, &spec->action_space);
}

static void reset_bare(const rud_env_options *options, void *state, rud_rng *rng,
                       double *observation)
{
    (void)options;
    (void)state;
    *observation = rud_rng_uniform(rng);
}

static void step_bare(const rud_env_options *options, void *states, rud_rng *rngs, size_t copies,
                      const double *actions, double *observations, double *rewards,
                      bool *terminated, bool *truncated)
{
    (void)options;
    (void)states;
    (void)rngs;
    for (size_t i = 0; i < copies; i++) {
        observations[i] = actions[2 * i];
        rewards[i] = actions[2 * i + 1];
        terminated[i] = true;
        truncated[i] = false;
    }
}

static const rud_env_kind bare = {.name = "bare",
                                  .summary = "-",
                                  .specify = specify_bare,
                                  .reset = reset_bare,
                                  .step = step_bare};

START_TEST(own_kind_needs_no_optional_functions)
{
    enum { B = 2 };
    const rud_env_options options = rud_env_options_default();
    rud_env *env = NULL;
    ck_assert_int_eq(rud_env_create_from_kind(&bare, &options, B, &env), RUD_OK);
    const rud_env_spec *spec = rud_env_specification(env);
    ck_assert_str_eq(spec->name, "bare");
    ck_assert(!spec->has_expected_return && !spec->has_optimal_action);

    double observations[B], rewards[B], one;
    bool terminated[B], truncated[B], matters;
    ck_assert_int_eq(rud_env_reset(env, NULL, observations), RUD_OK);
    const double beyond[B * 2] = {0.5, 4, 0.5, 6}, fine[B * 2] = {0.5, 4, -0.5, 5};
    ck_assert_int_eq(rud_env_step(env, beyond, observations, rewards, terminated, truncated),
                     RUD_EINVAL);
    ck_assert_int_eq(rud_env_step(env, fine, observations, rewards, terminated, truncated), RUD_OK);
    ck_assert_double_eq(observations[1], -0.5);
    ck_assert_double_eq(rewards[1], 5);
    ck_assert_int_eq(rud_env_optimal_action(env, observations, &one, &matters), RUD_EINVAL);
    ck_assert_int_eq(rud_env_expected_return(env, observations, fine, 1, 1, &one), RUD_EINVAL);
    ck_assert(isnan(rud_env_action_value(env, observations, fine)));
    ck_assert(!rud_env_initial_observation(env, 0, &one));
    rud_env_free(&env);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("envs/env");
    TCase *contract = tcase_create("contract");
    const int cases = case_count();
    tcase_add_loop_test(contract, seed_decides_everything, 0, cases);
    tcase_add_loop_test(contract, new_environment_has_seed_zero, 0, cases);
    tcase_add_loop_test(contract, copy_is_single_environment_with_seed_plus_its_number, 0, cases);
    tcase_add_loop_test(contract, a_seed_for_some_leaves_the_others_streams, 0, cases);
    tcase_add_loop_test(contract, episodes_obey_the_specification, 0, cases);
    tcase_add_loop_test(contract, final_observation_is_in_the_space_and_starts_are_known, 0, cases);
    tcase_add_loop_test(contract, reset_touches_only_the_masked_copies, 0, cases);
    tcase_add_loop_test(contract, step_after_the_end_moves_no_copy, 0, cases);
    tcase_add_loop_test(contract, bad_action_moves_no_copy, 0, cases);
    tcase_add_loop_test(contract, episode_does_not_depend_on_earlier_ones, 0, cases);
    tcase_add_loop_test(contract, optimal_action_has_the_highest_value, 0, cases);
    tcase_add_loop_test(contract, expected_return_refuses_what_is_no_episode, 0, cases);
    suite_add_tcase(suite, contract);

    TCase *table = tcase_create("table");
    tcase_add_test(table, table_lists_each_environment_once);
    tcase_add_test(table, create_refuses_bad_arguments);
    tcase_add_test(table, an_option_that_nobody_reads_is_refused);
    tcase_add_test(table, own_kind_needs_no_optional_functions);
    suite_add_tcase(suite, table);
    return suite;
}

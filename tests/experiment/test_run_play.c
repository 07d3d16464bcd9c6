/* One run against an independent recount: the same agent in the same environment, its first
 * actions judged by what is known of watch-repair (brands 1 and 2 are worth repairing). */
#include <math.h>
#include <stdlib.h>

#include "agents/rollout.h"
#include "experiment/experiment.h"
#include "tests/small_config.h"

enum { LONGEST = 2600, BRANDS = 4, BRAND_COLUMN = 3 };

typedef struct recount {
    size_t played;
    bool poor[LONGEST + 1];    /* of episode 1, 2, ... */
    bool optimal[LONGEST + 1]; /* the greedy policy, after so many episodes */
    double regret[LONGEST + 1];
} recount;

static bool worth_repairing(double brand)
{
    return brand == 1 || brand == 2;
}

static bool greedy_is_optimal(const rud_agent *agent)
{
    for (int brand = 0; brand < BRANDS; brand++) {
        double action = -1;
        rud_agent_greedy(agent, (const double[]){0, 0, 0, brand, 0}, &action);
        if (action != (worth_repairing(brand) ? 0 : 1)) return false;
    }
    return true;
}

static rud_status act(void *agent, const rud_episode *so_far, size_t t, double *action)
{
    return rud_agent_act(agent, so_far, t, action);
}

static void count_episode(recount *count, size_t n, const rud_agent *agent,
                          const rud_episode *episode)
{
    const double brand = episode->observations[BRAND_COLUMN];
    count->poor[n] = episode->actions[0] != (worth_repairing(brand) ? 0 : 1);
    const double loss = worth_repairing(brand) ? 3.5 : 1.5;
    count->regret[n] = count->regret[n - 1] + (count->poor[n] ? loss : 0);
    count->optimal[n] = greedy_is_optimal(agent);
    count->played = n;
}

static void play(const rud_run_task *task, size_t episodes, recount *count)
{
    rud_env_options env_options = rud_env_options_default();
    rud_agent_options options = task->config->agent;
    rud_env *env = NULL;
    rud_agent *agent = NULL;
    env_options.delay = task->delay;
    options.step_size = task->setting.step_size;
    options.initial_value = task->setting.initial_value;
    options.random_episodes = task->setting.random_episodes;
    ck_assert_ok(rud_env_create("watch-repair", &env_options, 1, &env));
    rud_env_seed(env, task->seed);
    ck_assert_ok(rud_agent_create(task->method, &options, env, task->seed, &agent));
    *count = (recount){.optimal = {greedy_is_optimal(agent)}};
    for (size_t n = 1; n <= episodes; n++) {
        rud_episode *episode = NULL;
        ck_assert_ok(rud_rollout(env, act, agent, &episode));
        ck_assert_ok(rud_agent_finish(agent, episode));
        count_episode(count, n, agent, episode);
        rud_episode_free(&episode);
    }
    rud_agent_free(&agent);
    rud_env_free(&env);
}

static size_t poor_between(const recount *count, size_t first, size_t last)
{
    size_t poor = 0;
    for (size_t n = first; n <= last; n++) poor += count->poor[n];
    return poor;
}

/* First episode after which at most `allowed` of the last `window` were poor; 0: none. */
static size_t solved_at(const recount *count, size_t window, size_t allowed)
{
    for (size_t n = window; n <= count->played; n++) {
        if (poor_between(count, n - window + 1, n) <= allowed) return n;
    }
    return 0;
}

static double optimal_from(const recount *count)
{
    size_t first = count->played + 1;
    while (first > 0 && count->optimal[first - 1]) first--;
    return first == count->played + 1 ? NAN : (double)first + 1;
}

static rud_run_task task_of(const rud_config *config, const char *method, uint64_t seed)
{
    return (rud_run_task){.config = config,
                          .delay = 5,
                          .method = method,
                          .setting = {.step_size = {.sample_mean = true}},
                          .seed = seed,
                          .cap = config->cap};
}

static void assert_recounted(const rud_run *run, const recount *count, size_t window,
                             size_t allowed)
{
    static const size_t after[RUD_REGRETS] = {500, 1000, 2000};
    const size_t solved = solved_at(count, window, allowed);
    ck_assert_int_eq(run->solved, solved > 0);
    ck_assert_int_eq(run->censored, solved == 0);
    ck_assert_uint_eq(run->episodes, solved ? solved : count->played);
    ck_assert_uint_eq(run->poor_decisions, poor_between(count, 1, run->episodes));
    const double from = optimal_from(count);
    ck_assert_int_eq(isnan(run->greedy_optimal_from), isnan(from));
    if (!isnan(from)) ck_assert_double_eq(run->greedy_optimal_from, from);
    for (size_t k = 0; k < RUD_REGRETS; k++) {
        ck_assert_int_eq(isnan(run->regret[k]), after[k] > count->played);
        if (after[k] > count->played) continue;
        ck_assert_double_eq_tol(run->regret[k], count->regret[after[k]], 1e-6);
    }
}

typedef struct trial {
    const char *method;
    size_t cap, window, allowed; /* poor decisions in the window */
    double share;
    bool solved;
    size_t random_episodes;
} trial;

/* 0.93 is a share that 1 - 7 / 100 misses by rounding. */
static const trial trials[] = {
    {"exact", 600, 100, 7, 0.93, true, 0},        {"exact", 600, 20, 1, 0.95, true, 60},
    {"exact", 2600, 750, 37, 0.95, true, 0},      {"monte-carlo", 300, 20, 2, 0.9, true, 10},
    {"monte-carlo", 60, 40, 0, 1, false, 0},      {"q-learning", 600, 100, 7, 0.93, false, 0},
    {"rudder", 200, 20, 2, 0.9, true, 0},         {"linear", 600, 50, 3, 0.94, true, 0},
    {"monte-carlo", 2600, 100, 7, 0.93, true, 0},
};
enum { TRIALS = sizeof trials / sizeof *trials, SEEDS = 4 };

START_TEST(run_is_what_a_recount_finds)
{
    const trial *trial = &trials[_i];
    rud_config config = small_config(METHODS(trial->method));
    static recount count;
    size_t solved = 0;
    config.cap = trial->cap;
    config.window = trial->window;
    config.optimal_share = trial->share;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        rud_run_task task = task_of(&config, trial->method, seed);
        rud_run run;
        task.setting.random_episodes = trial->random_episodes;
        ck_assert_ok(rud_run_play(&task, &run));
        /* a solved run goes on to episode 2000, for the regrets */
        const size_t end = run.solved && run.episodes < 2000 ? 2000 : run.episodes;
        play(&task, end < trial->cap ? end : trial->cap, &count);
        assert_recounted(&run, &count, trial->window, trial->allowed);
        solved += run.solved;
        rud_run_free(&run);
    }
    ck_assert_msg((solved > 0) == trial->solved, "%zu solved", solved);
}
END_TEST

START_TEST(tuning_run_ends_once_solved)
{
    rud_config config = small_config(METHODS("exact"));
    rud_run_task task = task_of(&config, "exact", 1);
    rud_run run, tuning;
    config.cap = task.cap = 1500;
    ck_assert_ok(rud_run_play(&task, &run));
    task.tuning = true;
    ck_assert_ok(rud_run_play(&task, &tuning));
    ck_assert(run.solved && tuning.solved && tuning.tuning);
    ck_assert_uint_eq(run.episodes, tuning.episodes);
    ck_assert(!isnan(run.regret[0]) && isnan(tuning.regret[0]));
    ck_assert_uint_lt(tuning.curve_count, run.curve_count);
    rud_run_free(&run);
    rud_run_free(&tuning);
}
END_TEST

START_TEST(curves_are_shares_of_the_last_episodes)
{
    rud_config config = small_config(METHODS("linear"));
    config.window = 150;
    config.cap = 400;
    const rud_run_task task = task_of(&config, "linear", 2);
    static recount count;
    rud_run run;
    ck_assert_ok(rud_run_play(&task, &run));
    play(&task, 400, &count);
    ck_assert_uint_gt(run.curve_count, 20);
    ck_assert_uint_eq(run.predictor_count, run.curve_count);
    size_t last = 0;
    for (size_t k = 0; k < run.curve_count; k++) {
        const size_t n = run.curve[k].episode, seen = n < 100 ? n : 100;
        const size_t poor = poor_between(&count, n - seen + 1, n);
        ck_assert_uint_gt(n, last);
        ck_assert_double_eq_tol(run.curve[k].optimal_share, 1 - (double)poor / (double)seen, 1e-12);
        ck_assert_uint_eq(run.predictor[k].episode, n);
        last = n;
    }
    ck_assert(run.predictor[run.predictor_count - 1].ready);
    rud_run_free(&run);
}
END_TEST

START_TEST(examples_sum_to_their_returns)
{
    rud_config config = small_config(METHODS("exact"));
    rud_run_task task = task_of(&config, "exact", 0);
    rud_run run;
    task.with_examples = true;
    ck_assert_ok(rud_run_play(&task, &run));
    ck_assert_uint_eq(run.example_count, 3);
    for (size_t k = 0; k < run.example_count; k++) {
        const rud_example *example = &run.examples[k];
        double original = 0, redistributed = 0;
        ck_assert_uint_eq(example->steps, 5);
        for (size_t t = 0; t < 5; t++) {
            original += example->original[t];
            redistributed += example->redistributed[t];
            if (t < 4) ck_assert_double_eq_tol(example->redistributed[t], example->exact[t], 1e-9);
        }
        ck_assert_double_ne(original, 0);
        ck_assert_double_eq_tol(redistributed, original, 1e-9);
        ck_assert_ptr_nonnull(strstr(example->caption, "first action 0")); /* repaired */
    }
    rud_run_free(&run);
}
END_TEST

START_TEST(stop_and_divergence_are_told)
{
    rud_config config = small_config(METHODS("rudder"));
    rud_run_task task = task_of(&config, "rudder", 0);
    const volatile sig_atomic_t stop = 1;
    rud_run run;
    task.stop = &stop;
    ck_assert_int_eq(rud_run_play(&task, &run), RUD_EINTERRUPTED);
    rud_run_free(&run);
    task.stop = NULL;
    config.agent.redistributor.predictor.adam.learning_rate = 1e25;
    config.agent.redistributor.predictor.adam.clip_norm = 0;
    ck_assert_int_eq(rud_run_play(&task, &run), RUD_EDIVERGED);
    ck_assert(!run.solved);
    rud_run_free(&run);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("experiment/run_play");
    TCase *runs = tcase_create("runs");
    tcase_add_loop_test(runs, run_is_what_a_recount_finds, 0, TRIALS);
    tcase_add_test(runs, tuning_run_ends_once_solved);
    tcase_add_test(runs, curves_are_shares_of_the_last_episodes);
    tcase_add_test(runs, examples_sum_to_their_returns);
    tcase_add_test(runs, stop_and_divergence_are_told);
    suite_add_tcase(suite, runs);
    return suite;
}

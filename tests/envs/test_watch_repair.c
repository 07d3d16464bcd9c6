/* Watch-repair: the distributions of its costs and events, the timing of its rewards, and its
 * exact expected return. Samples are compared within four standard errors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "envs/env.h"
#include "tests/harness.h"

enum { REPAIRED, JAMS, TIRES, BRAND, TIME, WIDTH };
enum { BRANDS = 4, REPAIR = 0, LEAVE = 1 };

static const double repair_mean[BRANDS] = {1, 4, 5, 24.5}, repair_deviation[BRANDS] = {2, 2, 2, 1};
static const double price[BRANDS] = {18, 28, 31, 59}, delivery_mean[BRANDS] = {0.5, 2.5, 4.5, 18};
static const double profit[BRANDS] = {-1.5, 3.5, 3.5, -1.5};

static rud_env *created(int64_t delay, size_t copies, uint64_t seed)
{
    rud_env_options options = rud_env_options_default();
    options.delay = delay;
    rud_env *env = NULL;
    ck_assert_int_eq(rud_env_create("watch-repair", &options, copies, &env), RUD_OK);
    rud_env_seed(env, seed);
    return env;
}

/* Mean and variance of a sample, for comparisons within four standard errors. */
typedef struct sample {
    double count, sum, squares;
} sample;

static void sample_add(sample *s, double value)
{
    s->count++;
    s->sum += value;
    s->squares += value * value;
}

static void assert_mean(const sample *s, double expected)
{
    const double mean = s->sum / s->count, variance = s->squares / s->count - mean * mean;
    ck_assert_double_ge(s->count, 100);
    ck_assert_double_eq_tol(mean, expected, 4 * sqrt(variance / s->count));
}

/* The standard error of a normal sample's deviation is sigma / sqrt(2 n). */
static void assert_normal(const sample *s, double mean, double deviation)
{
    assert_mean(s, mean);
    const double average = s->sum / s->count;
    ck_assert_double_eq_tol(sqrt(s->squares / s->count - average * average), deviation,
                            4 * deviation / sqrt(2 * s->count));
}

/* One episode: T = delay. */
typedef struct record {
    size_t T;
    double *observations; /* [T + 1][WIDTH] */
    double *rewards;      /* [T] */
} record;

static void record_free(record *r)
{
    free(r->observations);
    free(r->rewards);
}

static record play(rud_env *env, const double *actions)
{
    const size_t T = rud_env_specification(env)->max_steps;
    record r = {T, calloc((T + 1) * WIDTH, sizeof(double)), calloc(T, sizeof(double))};
    ck_assert_int_eq(rud_env_reset(env, NULL, r.observations), RUD_OK);
    for (size_t t = 0; t < T; t++) {
        bool terminated, truncated;
        ck_assert_int_eq(rud_env_step(env, &actions[t], r.observations + (t + 1) * WIDTH,
                                      &r.rewards[t], &terminated, &truncated),
                         RUD_OK);
        ck_assert(terminated == (t + 1 == T) && !truncated);
    }
    return r;
}

/* Called with the observations after step t of all copies. */
typedef void visit(void *context, size_t t, const double *observations, const double *rewards);

/* `batches` episodes of every copy, all repaired. */
static void simulate(int64_t delay, size_t copies, size_t batches, visit *visitor, void *context)
{
    rud_env *env = created(delay, copies, 1000);
    double *observations = calloc(copies * WIDTH, sizeof(double));
    double *rewards = calloc(copies, sizeof(double)), *actions = calloc(copies, sizeof(double));
    bool *terminated = calloc(copies, 1), *truncated = calloc(copies, 1);
    for (size_t batch = 0; batch < batches; batch++) {
        ck_assert_int_eq(rud_env_reset(env, NULL, observations), RUD_OK);
        for (size_t t = 0; t < (size_t)delay; t++) {
            ck_assert_int_eq(
                rud_env_step(env, actions, observations, rewards, terminated, truncated), RUD_OK);
            visitor(context, t, observations, rewards);
        }
        ck_assert(terminated[0]);
    }
    free(observations);
    free(rewards);
    free(actions);
    free(terminated);
    free(truncated);
    rud_env_free(&env);
}

typedef struct money {
    size_t copies, delay;
    double *returns; /* [copies] so far in this episode */
    sample repair[BRANDS], delivery[BRANDS], profits[BRANDS], brands[BRANDS];
} money;

static void count_money(void *context, size_t t, const double *observations, const double *rewards)
{
    money *m = context;
    for (size_t i = 0; i < m->copies; i++) {
        const double *s = observations + i * WIDTH;
        const int brand = (int)s[BRAND];
        if (t == 0) {
            m->returns[i] = 0;
            sample_add(&m->repair[brand], -rewards[i]);
            for (int k = 0; k < BRANDS; k++) sample_add(&m->brands[k], k == brand);
        }
        m->returns[i] += rewards[i];
        if (t + 1 < m->delay) continue;
        const double income = price[brand] + 0.36 * ((double)m->delay - 50);
        sample_add(&m->delivery[brand], income - 0.1 * s[JAMS] - 7 * s[TIRES] - rewards[i]);
        sample_add(&m->profits[brand], m->returns[i]);
    }
}

START_TEST(costs_and_profits_are_as_specified)
{
    const int64_t delay = _i == 0 ? 50 : 200;
    money m = {.copies = 1000, .delay = (size_t)delay};
    m.returns = calloc(m.copies, sizeof(double));
    simulate(delay, m.copies, 20, count_money, &m);
    for (int brand = 0; brand < BRANDS; brand++) {
        assert_mean(&m.brands[brand], 0.25);
        assert_normal(&m.repair[brand], repair_mean[brand], repair_deviation[brand]);
        assert_normal(&m.delivery[brand], delivery_mean[brand], 1.5);
        assert_mean(&m.profits[brand], profit[brand]);
    }
    free(m.returns);
}
END_TEST

typedef struct events {
    size_t copies;
    double *before; /* [copies][WIDTH] */
    sample jam, tire, both;
    bool orderly; /* at most one event of a kind a step, time goes on, the brand stays */
} events;

static void count_events(void *context, size_t t, const double *observations, const double *rewards)
{
    (void)rewards;
    events *e = context;
    for (size_t i = 0; i < e->copies; i++) {
        const double *s = observations + i * WIDTH;
        double *before = e->before + i * WIDTH;
        const double jam = s[JAMS] - (t ? before[JAMS] : 0);
        const double tire = s[TIRES] - (t ? before[TIRES] : 0);
        e->orderly &= (jam == 0 || jam == 1) && (tire == 0 || tire == 1);
        e->orderly &= s[TIME] == (double)t + 1 && (t == 0 || s[BRAND] == before[BRAND]);
        sample_add(&e->jam, jam);
        sample_add(&e->tire, tire);
        sample_add(&e->both, jam * tire);
        memcpy(before, s, WIDTH * sizeof(double));
    }
}

START_TEST(events_come_at_their_rates)
{
    events e = {.copies = 1000, .orderly = true};
    e.before = calloc(e.copies * WIDTH, sizeof(double));
    simulate(50, e.copies, 6, count_events, &e);
    ck_assert(e.orderly);
    assert_mean(&e.jam, 0.1);
    assert_mean(&e.tire, 0.05);
    assert_mean(&e.both, 0.1 * 0.05);
    free(e.before);
}
END_TEST

START_TEST(rewards_come_with_the_first_and_the_last_action)
{
    enum { T = 50 };
    const double repaired[T] = {REPAIR};
    rud_env *env = created(0, 1, (uint64_t)_i); /* the default delay is 50 */
    record r = play(env, repaired);
    ck_assert_uint_eq(r.T, T);
    for (size_t t = 0; t < T; t++) ck_assert((r.rewards[t] != 0) == (t == 0 || t == T - 1));
    for (size_t t = 0; t <= T; t++) {
        ck_assert_double_eq(r.observations[t * WIDTH + REPAIRED], t > 0);
        ck_assert_double_eq(r.observations[t * WIDTH + TIME], (double)t);
    }
    record_free(&r);
    rud_env_free(&env);
}
END_TEST

/* The same brand and events are seen, and nothing is paid. */
START_TEST(unrepaired_watch_pays_nothing)
{
    enum { T = 30 };
    const double repaired[T] = {REPAIR}, left[T] = {LEAVE};
    rud_env *env = created(T, 1, (uint64_t)_i), *other = created(T, 1, (uint64_t)_i);
    record a = play(env, repaired), b = play(other, left);
    for (size_t t = 0; t < T; t++) {
        ck_assert_double_eq(b.rewards[t], 0);
        ck_assert(!signbit(b.rewards[t]));
    }
    for (size_t t = 0; t <= T; t++) {
        const double *s = a.observations + t * WIDTH, *u = b.observations + t * WIDTH;
        ck_assert_double_eq(u[REPAIRED], 0);
        ck_assert_mem_eq(s + JAMS, u + JAMS, (WIDTH - JAMS) * sizeof(double));
    }
    record_free(&a);
    record_free(&b);
    rud_env_free(&env);
    rud_env_free(&other);
}
END_TEST

START_TEST(later_actions_have_no_effect)
{
    enum { T = 20 };
    const double repair_only[T] = {REPAIR};
    double mixed[T] = {REPAIR};
    for (size_t t = 1; t < T; t++) mixed[t] = (double)(t % 3 != 0);
    rud_env *env = created(T, 1, (uint64_t)_i), *other = created(T, 1, (uint64_t)_i);
    record a = play(env, repair_only), b = play(other, mixed);
    ck_assert_mem_eq(a.rewards, b.rewards, T * sizeof(double));
    ck_assert_mem_eq(a.observations, b.observations, (T + 1) * WIDTH * sizeof(double));
    record_free(&a);
    record_free(&b);
    rud_env_free(&env);
    rud_env_free(&other);
}
END_TEST

/* With delay 1 the cost and the rest fall on one step. The same seed at delay 2 has the same brand
 * and noise, so that the returns differ by the price (0.36) and the events of one draw only. */
START_TEST(delay_one_pays_all_at_once)
{
    const double actions[2] = {REPAIR, LEAVE};
    rud_env *one = created(1, 1, (uint64_t)_i), *two = created(2, 1, (uint64_t)_i);
    record a = play(one, actions), b = play(two, actions);
    const double *s = b.observations + 2 * WIDTH, *before = b.observations + WIDTH;
    const double draw = 0.1 * (s[JAMS] - before[JAMS]) + 7 * (s[TIRES] - before[TIRES]);
    ck_assert_uint_eq(a.T, 1);
    ck_assert_double_eq_tol(a.rewards[0] + 0.36 - draw, b.rewards[0] + b.rewards[1], 1e-12);
    record_free(&a);
    record_free(&b);
    rud_env_free(&one);
    rud_env_free(&two);
}
END_TEST

START_TEST(seeds_and_episodes_differ)
{
    enum { T = 50 };
    const double actions[T] = {REPAIR};
    rud_env *env = created(T, 1, 1), *other = created(T, 1, 2);
    record a = play(env, actions), b = play(other, actions), next = play(env, actions);
    ck_assert_double_ne(a.rewards[0], b.rewards[0]);
    ck_assert_double_ne(a.rewards[0], next.rewards[0]);
    record_free(&a);
    record_free(&b);
    record_free(&next);
    rud_env_free(&env);
    rud_env_free(&other);
}
END_TEST

START_TEST(brands_one_and_two_are_worth_repairing)
{
    rud_env *env = created(_i == 0 ? 50 : 1000, 1, 0);
    double observation[WIDTH], action;
    bool matters;
    for (size_t brand = 0; brand < BRANDS; brand++) {
        ck_assert(rud_env_initial_observation(env, brand, observation));
        ck_assert_double_eq(observation[BRAND], (double)brand);
        ck_assert_int_eq(rud_env_optimal_action(env, observation, &action, &matters), RUD_OK);
        ck_assert(matters);
        ck_assert_double_eq(action, brand == 1 || brand == 2 ? REPAIR : LEAVE);
        const double repair = REPAIR, leave = LEAVE;
        ck_assert_double_eq_tol(rud_env_action_value(env, observation, &repair), profit[brand],
                                1e-9);
        ck_assert_double_eq(rud_env_action_value(env, observation, &leave), 0);
        observation[TIME] = 1;
        ck_assert_int_eq(rud_env_optimal_action(env, observation, &action, &matters), RUD_OK);
        ck_assert(!matters);
    }
    ck_assert(!rud_env_initial_observation(env, BRANDS, observation));
    ck_assert_double_eq(rud_env_specification(env)->optimal_return, 1.75);
    rud_env_free(&env);
}
END_TEST

/* Brand 1 at delay 50 by hand: 3.5 at the start; 5 steps later, with 2 jams and 1 tire where
 * 5 * 0.36 was expected: 3.5 + 1.8 - 7.2. */
START_TEST(expected_return_by_hand)
{
    enum { ROWS = 6 };
    const double rows[ROWS][WIDTH] = {{0, 0, 0, 1, 0}, {1, 0, 0, 1, 1}, {1, 1, 0, 1, 2},
                                      {1, 1, 1, 1, 3}, {1, 1, 1, 1, 4}, {1, 2, 1, 1, 5}};
    const double by_hand[ROWS] = {
        3.5, 3.5 + 0.36, 3.5 + 0.72 - 0.1, 3.5 + 1.08 - 7.1, 3.5 + 1.44 - 7.1, 3.5 + 1.8 - 7.2};
    double actions[ROWS] = {REPAIR, LEAVE, REPAIR}, expected[ROWS];
    rud_env *env = created(50, 1, 0);
    ck_assert_int_eq(rud_env_expected_return(env, rows[0], actions, ROWS - 1, ROWS, expected),
                     RUD_OK);
    for (size_t t = 0; t < ROWS; t++) ck_assert_double_eq_tol(expected[t], by_hand[t], 1e-12);

    actions[0] = LEAVE;
    ck_assert_int_eq(rud_env_expected_return(env, rows[0], actions, ROWS - 1, ROWS, expected),
                     RUD_OK);
    for (size_t t = 0; t < ROWS; t++) ck_assert_double_eq(expected[t], 0);
    /* Rows from the middle of an episode are not a history. */
    ck_assert_int_eq(rud_env_expected_return(env, rows[1], actions, 2, 2, expected), RUD_EINVAL);
    rud_env_free(&env);
}
END_TEST

START_TEST(expected_return_is_a_martingale)
{
    enum { T = 9 };
    rud_env *env = created(T, 1, 0);
    double rows[T + 1][WIDTH] = {{0, 0, 0, _i, 0}}, expected[T + 1];
    const double actions[T] = {REPAIR};
    for (size_t t = 0; t < T; t++) {
        double mean = 0, now = 0;
        for (int jam = 0; jam <= 1; jam++) {
            for (int tire = 0; tire <= 1; tire++) {
                const double next[WIDTH] = {1, rows[t][JAMS] + jam, rows[t][TIRES] + tire, _i,
                                            (double)t + 1};
                memcpy(rows[t + 1], next, sizeof next);
                ck_assert_int_eq(
                    rud_env_expected_return(env, rows[0], actions, t + 1, t + 2, expected), RUD_OK);
                mean += (jam ? 0.1 : 0.9) * (tire ? 0.05 : 0.95) * expected[t + 1];
                now = expected[t];
            }
        }
        ck_assert_double_eq_tol(now, mean, 1e-12);
    }
    rud_env_free(&env);
}
END_TEST

enum { SHORT = 5, MOST = 4 }; /* the delay of the next test, events told apart */

typedef struct prefixes {
    size_t copies;
    double *returns;                                  /* [copies] */
    double *observations;                             /* [copies][SHORT + 1][WIDTH] */
    sample by_history[SHORT + 1][BRANDS][MOST][MOST]; /* t, brand, jams, tires -> G */
    sample residual[SHORT + 1];                       /* G - E[G | history to t] */
    const rud_env *env;
} prefixes;

static void finish_episode(prefixes *p, size_t i)
{
    const double actions[SHORT] = {REPAIR};
    double expected[SHORT + 1];
    const double *rows = p->observations + i * (SHORT + 1) * WIDTH;
    ck_assert_int_eq(rud_env_expected_return(p->env, rows, actions, SHORT, SHORT + 1, expected),
                     RUD_OK);
    for (size_t t = 0; t <= SHORT; t++) {
        const double *s = rows + t * WIDTH;
        sample_add(&p->residual[t], p->returns[i] - expected[t]);
        if (s[JAMS] >= MOST || s[TIRES] >= MOST) continue;
        sample_add(&p->by_history[t][(int)s[BRAND]][(int)s[JAMS]][(int)s[TIRES]],
                   p->returns[i] - expected[t]);
    }
}

static void collect_prefixes(void *context, size_t t, const double *observations,
                             const double *rewards)
{
    prefixes *p = context;
    for (size_t i = 0; i < p->copies; i++) {
        double *rows = p->observations + i * (SHORT + 1) * WIDTH;
        const double *s = observations + i * WIDTH;
        if (t == 0) {
            memset(rows, 0, WIDTH * sizeof(double)); /* s_0 has the brand only */
            rows[BRAND] = s[BRAND];
            p->returns[i] = 0;
        }
        memcpy(rows + (t + 1) * WIDTH, s, WIDTH * sizeof(double));
        p->returns[i] += rewards[i];
        if (t + 1 == SHORT) finish_episode(p, i);
    }
}

/* Grouped by what is known at t, the returns average to the exact expectation. */
START_TEST(expected_return_is_the_mean_of_simulations)
{
    prefixes *p = calloc(1, sizeof *p);
    rud_env *env = created(SHORT, 1, 0);
    p->env = env;
    p->copies = 1000;
    p->returns = calloc(p->copies, sizeof(double));
    p->observations = calloc(p->copies * (SHORT + 1) * WIDTH, sizeof(double));
    simulate(SHORT, p->copies, 40, collect_prefixes, p);
    size_t groups = 0;
    const sample *s = &p->by_history[0][0][0][0];
    for (size_t k = 0; k < (SHORT + 1) * BRANDS * MOST * MOST; k++) {
        if (s[k].count < 300) continue;
        assert_mean(&s[k], 0);
        groups++;
    }
    ck_assert_uint_ge(groups, 60);
    /* What is left at the end is the noise of the costs: 1.5^2 + (2^2 * 3 + 1^2) / 4. */
    const double left = p->residual[SHORT].squares / p->residual[SHORT].count;
    ck_assert_double_eq_tol(left, 2.25 + 3.25, 0.2);
    free(p->returns);
    free(p->observations);
    free(p);
    rud_env_free(&env);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("envs/watch_repair");
    TCase *rules = tcase_create("rules");
    tcase_set_timeout(rules, 60);
    tcase_add_loop_test(rules, costs_and_profits_are_as_specified, 0, 2);
    tcase_add_test(rules, events_come_at_their_rates);
    tcase_add_loop_test(rules, rewards_come_with_the_first_and_the_last_action, 0, 5);
    tcase_add_loop_test(rules, unrepaired_watch_pays_nothing, 0, 5);
    tcase_add_loop_test(rules, later_actions_have_no_effect, 0, 5);
    tcase_add_loop_test(rules, delay_one_pays_all_at_once, 0, 20);
    tcase_add_test(rules, seeds_and_episodes_differ);
    tcase_add_loop_test(rules, brands_one_and_two_are_worth_repairing, 0, 2);
    suite_add_tcase(suite, rules);

    TCase *exact = tcase_create("expected return");
    tcase_set_timeout(exact, 60);
    tcase_add_test(exact, expected_return_by_hand);
    tcase_add_loop_test(exact, expected_return_is_a_martingale, 0, BRANDS);
    tcase_add_test(exact, expected_return_is_the_mean_of_simulations);
    suite_add_tcase(suite, exact);
    return suite;
}

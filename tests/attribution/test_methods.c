/* What holds for every method, and what defines each. */
#include "base/pool.h"
#include "nn/reference.h"
#include "tests/attribution/problems.h"

enum { CELLS = 8 }; /* the presets and random ones */

/* Numbers of one episode, kept beyond the next call. */
typedef struct explanation {
    double prediction, total, error, initial;
    double steps[16], absorbed[16];
    float relevance[16][8];
} explanation;

static explanation explanation_of(const problem *p, const rud_attribution_result *r, size_t b,
                                  size_t B, size_t steps)
{
    const size_t D = rud_network_specification(p->network)->inputs;
    explanation e = {
        .prediction = r->prediction[b], .total = r->total[b], .error = r->conservation_error[b]};
    if (r->initial_relevance) e.initial = r->initial_relevance[b];
    for (size_t t = 0; t < steps; t++) {
        if (r->step_relevance) e.steps[t] = r->step_relevance[t * B + b];
        if (r->absorbed) e.absorbed[t] = r->absorbed[t * B + b];
        for (size_t d = 0; r->relevance && d < D; d++)
            e.relevance[t][d] = r->relevance[(t * B + b) * D + d];
    }
    return e;
}

/* What can be asked of every network. */
static const char *const variants[][6] = {
    {"method", "gradient", NULL},
    {"method", "sensitivity", NULL},
    {"method", "gradient-x-input", NULL},
    {"method", "integrated-gradients", "baseline", "mean", NULL},
    {"method", "integrated-gradients", "quadrature", "gauss-legendre", NULL},
    {"method", "occlusion", "window", "2", NULL},
    {"method", "occlusion", "per", "feature", NULL},
    {"method", "occlusion", "remove", "delete", NULL},
    {"method", "occlusion", "remove", "mean", NULL},
    {"method", "lrp", "rule", "all", NULL},
    {"method", "lrp", "rule", "half", NULL},
    {"method", "lrp", "rule", "abs", NULL},
    {"method", "lrp", "bias-factor", "1", NULL},
    {"method", "decomposition", NULL},
    {"method", "decomposition", "steps", "1:3", NULL},
    {"method", "difference", NULL}, /* last: not of bidirectional networks */
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static void set_variant(problem *p, size_t variant)
{
    const size_t output = p->options.output;
    p->options = rud_attribution_options_default();
    p->options.output = output;
    for (size_t k = 0; k < 6 && variants[variant][k]; k += 2)
        set_option(p, variants[variant][k], variants[variant][k + 1]);
}

static void check_batch(problem *p, size_t variant)
{
    const size_t B = p->input.B, T = p->input.T;
    explanation together[4];
    set_variant(p, variant);
    explain(p);
    for (size_t b = 0; b < B; b++) together[b] = explanation_of(p, &p->result, b, B, T);
    for (size_t b = 0; b < B; b++) {
        rud_attribution_input alone;
        rud_attribution_result result;
        float *x = episode_alone(p, b, &alone);
        ck_assert_ok(rud_attribution_run(p->attribution, &p->options, &alone, &result));
        const explanation single = explanation_of(p, &result, 0, 1, p->lengths[b]);
        ck_assert_msg(memcmp(&single, &together[b], sizeof single) == 0,
                      "%s %s: episode %zu differs from itself alone", variants[variant][1],
                      variants[variant][3] ? variants[variant][3] : "", b);
        free(x);
    }
}

/* Bit for bit; behind an episode's end there is 0, and NaN in the padding does no harm. */
START_TEST(a_batch_says_the_same_as_its_episodes_alone)
{
    const bool bidirectional = _i >= CELLS;
    problem p = create_problem((size_t)_i % CELLS, 1 + (size_t)_i % 2, bidirectional, (uint64_t)_i);
    for (size_t k = 0; k + bidirectional < VARIANTS; k++) check_batch(&p, k);
    free_problem(&p);
}
END_TEST

/* What another network of other gates, layers and directions left in the memory does no harm. */
START_TEST(memory_is_used_for_any_network)
{
    problem p = create_problem((size_t)_i, 1, false, (uint64_t)_i);
    problem other = create_problem(((size_t)_i + 1) % CELLS, 2, true, 50);
    rud_attribution *fresh = p.attribution;
    for (size_t k = 0; k < VARIANTS; k++) {
        set_variant(&p, k);
        p.attribution = fresh;
        explain(&p);
        const explanation expected = explanation_of(&p, &p.result, 1, p.input.B, p.input.T);
        set_variant(&other, k < VARIANTS - 1 ? k : 0);
        explain(&other);
        p.attribution = other.attribution;
        explain(&p);
        const explanation again = explanation_of(&p, &p.result, 1, p.input.B, p.input.T);
        ck_assert_msg(memcmp(&again, &expected, sizeof again) == 0, "%s", variants[k][1]);
    }
    p.attribution = fresh;
    free_problem(&other);
    free_problem(&p);
}
END_TEST

/* An earlier step's prediction is that of the episode cut off behind it. */
START_TEST(a_step_is_explained_as_the_end_of_a_shorter_episode)
{
    problem p = create_problem((size_t)_i, 1, false, (uint64_t)_i);
    for (size_t k = 0; k < VARIANTS; k++) {
        set_variant(&p, k);
        set_option(&p, "step", "2");
        explain(&p);
        const explanation chosen = explanation_of(&p, &p.result, 1, p.input.B, p.input.T);
        rud_attribution_input alone;
        rud_attribution_result result;
        float *x = episode_alone(&p, 1, &alone);
        alone.T = 3;
        set_option(&p, "step", "last");
        ck_assert_ok(rud_attribution_run(p.attribution, &p.options, &alone, &result));
        const explanation cut = explanation_of(&p, &result, 0, 1, 3);
        ck_assert_mem_eq(&chosen, &cut, sizeof cut);
        free(x);
    }
    free_problem(&p);
}
END_TEST

/* Every method is linear in the output but sensitivity; the offset is no input's. */
START_TEST(scale_and_offset_are_applied)
{
    for (size_t k = 0; k < VARIANTS; k++) {
        problem p = create_problem(0, 1, false, 9);
        set_variant(&p, k);
        explain(&p);
        const explanation scaled = explanation_of(&p, &p.result, 1, p.input.B, p.input.T);
        const double scale = p.input.scale, offset = p.input.offset;
        p.input.scale = 1.0;
        p.input.offset = 0.0;
        explain(&p);
        const explanation plain = explanation_of(&p, &p.result, 1, p.input.B, p.input.T);
        const bool squared = strcmp(variants[k][1], "sensitivity") == 0;
        const bool first_has_offset = strcmp(variants[k][1], "difference") == 0;
        ck_assert_double_eq_tol(scaled.prediction, scale * plain.prediction + offset, 1e-6);
        for (size_t t = 0; t < p.input.T; t++) {
            const double R = plain.steps[t] * (squared ? scale * scale : scale);
            ck_assert_double_eq_tol(scaled.steps[t],
                                    R + (first_has_offset && t == 0 ? offset : 0.0), 2e-6);
            const double kept = plain.absorbed[t] * scale;
            const bool lrp = strcmp(variants[k][1], "lrp") == 0;
            ck_assert_double_eq_tol(scaled.absorbed[t], kept + (lrp && t == 0 ? offset : 0.0),
                                    2e-6);
        }
        free_problem(&p);
    }
}
END_TEST

START_TEST(conserving_methods_conserve)
{
    problem p = create_problem((size_t)_i, 2, false, (uint64_t)_i);
    static const char *const methods[] = {"difference", "decomposition", "integrated-gradients"};
    set_option(&p, "steps", "0:2");
    set_option(&p, "nodes", "2000");
    for (size_t k = 0; k < 3; k++) {
        set_option(&p, "method", methods[k]);
        explain(&p);
        for (size_t b = 0; b < p.input.B; b++)
            ck_assert_double_le(fabs(p.result.conservation_error[b]), k < 2 ? 2e-6 : 2e-3);
    }
    free_problem(&p);
}
END_TEST

/* By central differences of the double-precision twin. */
START_TEST(gradient_is_the_slope)
{
    problem p = create_problem(_i < 2 ? (size_t)_i : 2, 2, false, (uint64_t)_i);
    const rud_network_spec *spec = rud_network_specification(p.network);
    rud_attribution_input alone;
    float *x = episode_alone(&p, 1, &alone);
    const size_t T = alone.T, K = spec->outputs, n = T * spec->inputs;
    size_t count;
    const float *single = rud_network_parameters_const(p.network, &count);
    double *parameters = to_doubles(single, count), *moved = to_doubles(x, n);
    double *y = calloc(T * K, sizeof *y);
    set_option(&p, "method", "gradient");
    ck_assert_ok(rud_attribution_run(p.attribution, &p.options, &alone, &p.result));
    for (size_t k = 0; k < n; k++) {
        const double step = 1e-5, at = moved[k];
        moved[k] = at + step;
        ck_assert_ok(rud_reference_forward(p.network, parameters, moved, T, y));
        double slope = y[(T - 1) * K + p.options.output];
        moved[k] = at - step;
        ck_assert_ok(rud_reference_forward(p.network, parameters, moved, T, y));
        slope = p.input.scale * (slope - y[(T - 1) * K + p.options.output]) / (2.0 * step);
        moved[k] = at;
        ck_assert_double_eq_tol((double)p.result.relevance[k], slope, 2e-5);
    }
    free(x), free(parameters), free(moved), free(y);
    free_problem(&p);
}
END_TEST

/* Windows of 2 in 3 steps: {0, 1} and {1, 2}; step 1 has the mean of its two shares. */
START_TEST(windows_share_their_difference)
{
    problem p = create_problem(0, 1, false, 11);
    rud_attribution_input alone;
    rud_attribution_result r;
    float *x = episode_alone(&p, 1, &alone);
    const size_t D = rud_network_specification(p.network)->inputs;
    double y[3]; /* whole, without 0 and 1, without 1 and 2 */
    alone.T = 3;
    for (size_t k = 0; k < 3; k++) {
        float changed[3 * 5];
        memcpy(changed, x, sizeof changed);
        if (k > 0) memset(changed + (k - 1) * D, 0, 2 * D * sizeof *changed);
        alone.x = changed;
        set_option(&p, "method", "difference");
        ck_assert_ok(rud_attribution_run(p.attribution, &p.options, &alone, &r));
        y[k] = r.prediction[0];
    }
    alone.x = x;
    set_option(&p, "method", "occlusion");
    set_option(&p, "window", "2");
    ck_assert_ok(rud_attribution_run(p.attribution, &p.options, &alone, &r));
    const double first = (y[0] - y[1]) / 2.0, second = (y[0] - y[2]) / 2.0;
    ck_assert_double_eq_tol(r.step_relevance[0], first, 1e-6);
    ck_assert_double_eq_tol(r.step_relevance[1], (first + second) / 2.0, 1e-6);
    ck_assert_double_eq_tol(r.step_relevance[2], second, 1e-6);
    /* A window longer than the episode is the episode. */
    set_option(&p, "window", "7");
    set_option(&p, "remove", "delete");
    ck_assert_ok(rud_attribution_run(p.attribution, &p.options, &alone, &r));
    size_t count;
    const double bias = (double)rud_network_parameters_const(
        p.network, &count)[rud_network_head_bias(p.network) + p.options.output];
    const double empty = p.input.scale * bias + p.input.offset; /* from the zero state */
    for (size_t t = 0; t < 3; t++)
        ck_assert_double_eq_tol(r.step_relevance[t], (y[0] - empty) / 3.0, 1e-6);
    free(x);
    free_problem(&p);
}
END_TEST

START_TEST(a_given_baseline_is_the_start)
{
    problem p = create_problem(0, 1, false, 12);
    const size_t count = p.input.T * p.input.B * rud_network_specification(p.network)->inputs;
    set_option(&p, "method", "integrated-gradients");
    set_option(&p, "baseline", "mean");
    explain(&p);
    float *mean = calloc(count, sizeof *mean);
    memcpy(mean, p.result.relevance, count * sizeof *mean);
    p.options.baseline = RUD_FROM_GIVEN;
    p.options.given = p.mean;
    p.options.given_steps = 1; /* one row, for every step */
    explain(&p);
    ck_assert_mem_eq(p.result.relevance, mean, count * sizeof *mean);
    p.options.given_steps = 2;
    ck_assert_int_eq(rud_attribution_run(p.attribution, &p.options, &p.input, &p.result),
                     RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "the longest episode has 9"));
    free(mean);
    free_problem(&p);
}
END_TEST

/* From episodes: the mean of what a given baseline says for each, which begins as the episode does;
 * step 0 gets what is predicted there, so that all adds up to the prediction. */
START_TEST(several_baselines_are_averaged)
{
    enum { K = 3, STEPS = 9, WIDTH = 5 };
    problem p = create_problem((size_t)_i, 1, false, 14);
    rud_rng rng = rud_rng_stream(14, "test baselines", 0);
    float *given = normal_floats(&rng, K * STEPS * WIDTH, 1.0), *x = NULL;
    double mean[STEPS] = {0}, start = 0.0;
    rud_attribution_input alone;
    x = episode_alone(&p, 0, &alone);
    set_option(&p, "method", "integrated-gradients");
    set_option(&p, "quadrature", "gauss-legendre");
    p.options.baseline = RUD_FROM_GIVEN;
    p.options.given_steps = STEPS;
    for (size_t k = 0; k < K; k++) {
        float *one = given + k * STEPS * WIDTH;
        memcpy(one, x, WIDTH * sizeof *x);
        p.options.given = one;
        ck_assert_ok(rud_attribution_run(p.attribution, &p.options, &alone, &p.result));
        start += p.result.baseline_prediction[0] / K;
        for (size_t t = 0; t < alone.T; t++) mean[t] += p.result.step_relevance[t] / K;
        for (size_t d = 0; d < WIDTH; d++) one[d] = 100.0f; /* must not matter */
    }
    p.options.baseline = RUD_FROM_EPISODES;
    p.options.given = given;
    p.options.given_count = K;
    ck_assert_ok(rud_attribution_run(p.attribution, &p.options, &alone, &p.result));
    ck_assert_double_eq_tol(p.result.step_relevance[0], start, 1e-9);
    for (size_t t = 1; t < alone.T; t++)
        ck_assert_double_eq_tol(p.result.step_relevance[t], mean[t], 1e-9);
    ck_assert_double_eq(p.result.baseline_prediction[0], 0.0);
    ck_assert_double_eq_tol(p.result.total[0], p.result.prediction[0], 1e-4);
    ck_assert_double_eq_tol(p.result.conservation_error[0], 0.0, 1e-4);
    p.options.given = NULL;
    ck_assert_int_eq(rud_attribution_run(p.attribution, &p.options, &alone, &p.result), RUD_EINVAL);
    free(given), free(x);
    free_problem(&p);
}
END_TEST

typedef struct crowd {
    const problem *p;
    explanation explanations[4];
} crowd;

static rud_status explain_alone(void *context, size_t k, size_t thread)
{
    crowd *c = context;
    const problem *p = c->p;
    rud_attribution *own;
    rud_attribution_result result;
    (void)thread;
    RUD_TRY(rud_attribution_create(&own));
    const rud_status status = rud_attribution_run(own, &p->options, &p->input, &result);
    if (status == RUD_OK)
        c->explanations[k] = explanation_of(p, &result, 1, p->input.B, p->input.T);
    rud_attribution_free(&own);
    return status;
}

START_TEST(threads_share_a_network)
{
    problem p = create_problem(0, 2, false, 13);
    rud_pool *pool;
    ck_assert_ok(rud_pool_create(4, &pool));
    for (size_t k = 0; k < VARIANTS; k++) {
        crowd c = {.p = &p};
        set_variant(&p, k);
        ck_assert_ok(rud_pool_run(pool, 4, explain_alone, &c));
        for (size_t n = 1; n < 4; n++)
            ck_assert_mem_eq(&c.explanations[n], &c.explanations[0], sizeof *c.explanations);
    }
    rud_pool_free(&pool);
    free_problem(&p);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("attribution/methods");
    TCase *tc = tcase_create("methods");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, a_batch_says_the_same_as_its_episodes_alone, 0, 2 * CELLS);
    tcase_add_loop_test(tc, memory_is_used_for_any_network, 0, CELLS);
    tcase_add_loop_test(tc, a_step_is_explained_as_the_end_of_a_shorter_episode, 0, CELLS);
    tcase_add_test(tc, scale_and_offset_are_applied);
    tcase_add_loop_test(tc, conserving_methods_conserve, 0, 4);
    tcase_add_loop_test(tc, gradient_is_the_slope, 0, 3);
    tcase_add_test(tc, windows_share_their_difference);
    tcase_add_test(tc, a_given_baseline_is_the_start);
    tcase_add_loop_test(tc, several_baselines_are_averaged, 0, 2);
    tcase_add_test(tc, threads_share_a_network);
    suite_add_tcase(suite, tc);
    return suite;
}

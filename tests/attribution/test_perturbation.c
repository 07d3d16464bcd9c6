/* Predictions of episodes without some of their rows. */
#include "tests/attribution/problems.h"

typedef struct alone {
    problem p;
    rud_attribution_input input; /* of episode 1 */
    float *x;
    size_t T, D;
} alone;

static alone create_alone(size_t cell)
{
    alone a = {.p = create_problem(cell, 2, false, 3)};
    a.x = episode_alone(&a.p, 1, &a.input);
    a.T = a.input.T;
    a.D = rud_network_specification(a.p.network)->inputs;
    return a;
}

static void free_alone(alone *a)
{
    free(a->x);
    free_problem(&a->p);
}

static double predict(alone *a, const float *x, size_t T)
{
    rud_attribution_input input = a->input;
    input.x = x;
    input.T = T;
    set_option(&a->p, "method", "difference");
    ck_assert_ok(rud_attribution_run(a->p.attribution, &a->p.options, &input, &a->p.result));
    return a->p.result.prediction[0];
}

/* Rows 4, 0, 7, ... leave in this order; each prediction is that of the rest. */
START_TEST(rows_leave_in_order)
{
    static const char *const removals[] = {"zero", "mean", "delete"};
    const size_t order[] = {4, 0, 7}, removed[] = {0, 1, 2, 3};
    alone a = create_alone((size_t)_i);
    for (size_t kind = 0; kind < 3; kind++) {
        const rud_perturbation perturbation = {order, removed, 4};
        double got[4];
        set_option(&a.p, "remove", removals[kind]);
        ck_assert_ok(
            rud_attribution_perturb(a.p.attribution, &a.p.options, &a.input, &perturbation, got));
        for (size_t k = 0; k < 4; k++) {
            float *rest = calloc(a.T * a.D, sizeof *rest);
            size_t rows = 0;
            for (size_t t = 0; t < a.T; t++) {
                bool gone = false;
                for (size_t n = 0; n < k; n++) gone |= order[n] == t;
                if (gone && kind == 2) continue;
                for (size_t d = 0; d < a.D; d++) {
                    const float instead = kind == 1 ? a.p.mean[d] : 0.0f;
                    rest[rows * a.D + d] = gone ? instead : a.x[t * a.D + d];
                }
                rows++;
            }
            ck_assert_double_eq_tol(got[k], predict(&a, rest, rows), 1e-5);
            free(rest);
        }
    }
    free_alone(&a);
}
END_TEST

/* Nothing left: h is 0, and the prediction is scale * b_y + offset. */
START_TEST(emptied_predicts_from_the_zero_state)
{
    alone a = create_alone(0);
    size_t order[16], parameters;
    for (size_t t = 0; t < a.T; t++) order[t] = t;
    const rud_perturbation perturbation = {order, &a.T, 1};
    double got;
    set_option(&a.p, "remove", "delete");
    ck_assert_ok(
        rud_attribution_perturb(a.p.attribution, &a.p.options, &a.input, &perturbation, &got));
    const float *all = rud_network_parameters_const(a.p.network, &parameters);
    const double b_y = (double)all[rud_network_head_bias(a.p.network) + a.p.options.output];
    ck_assert_double_eq_tol(got, a.input.scale * b_y + a.input.offset, 1e-12);
    free_alone(&a);
}
END_TEST

START_TEST(one_episode_at_a_time)
{
    problem p = create_problem(0, 1, false, 3);
    const size_t order[] = {0}, removed[] = {1};
    const rud_perturbation perturbation = {order, removed, 1};
    double got;
    ck_assert_int_eq(
        rud_attribution_perturb(p.attribution, &p.options, &p.input, &perturbation, &got),
        RUD_EINVAL);
    free_problem(&p);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("attribution/perturbation");
    TCase *cases = tcase_create("perturbation");
    tcase_add_loop_test(cases, rows_leave_in_order, 0, 6);
    tcase_add_test(cases, emptied_predicts_from_the_zero_state);
    tcase_add_test(cases, one_episode_at_a_time);
    suite_add_tcase(suite, cases);
    return suite;
}

/* Toy arithmetic: its sequences, and the table. */
#include <math.h>
#include <string.h>

#include "judge/judge_private.h"
#include "judge/judge_toy_private.h"
#include "tests/nn/networks.h"

START_TEST(sequences_are_what_they_say)
{
    const rud_toy_operation operation = (rud_toy_operation)_i;
    rud_toy_sequences s;
    size_t lengths[RUD_TOY_STEPS + 1] = {0}, negative = 0;
    ck_assert_ok(rud_toy_draw(operation, 4, "test", 0, 700, &s));
    for (size_t k = 0; k < s.count; k++) {
        ck_assert(s.a[k] < s.b[k] && s.b[k] < s.lengths[k]);
        lengths[s.lengths[k]]++;
        negative += s.n_a[k] < 0;
        for (size_t t = 0; t < RUD_TOY_STEPS; t++) {
            const float *x = s.x + (t * s.count + k) * RUD_TOY_INPUTS;
            const double size = fabs((double)x[0]);
            ck_assert(t < s.lengths[k] ? size >= 0.5 && size <= 1 : size == 0);
            ck_assert_float_eq(x[1], t == s.a[k] ? 1 : 0);
            ck_assert_float_eq(x[2], t == s.b[k] ? 1 : 0);
        }
        ck_assert_double_eq(s.n_a[k], (double)s.x[(s.a[k] * s.count + k) * RUD_TOY_INPUTS]);
        ck_assert_double_eq(s.n_b[k], (double)s.x[(s.b[k] * s.count + k) * RUD_TOY_INPUTS]);
        ck_assert_double_eq(s.target[k], operation == RUD_TOY_ADDITION ? s.n_a[k] + s.n_b[k]
                                                                       : s.n_a[k] - s.n_b[k]);
    }
    for (size_t T = RUD_TOY_LEAST_STEPS; T <= RUD_TOY_STEPS; T++)
        ck_assert(lengths[T] > 60 && lengths[T] < 145); /* 100 expected, 4.8 standard deviations */
    ck_assert(negative > 286 && negative < 414);        /* 350 expected */
    rud_toy_free(&s);
}
END_TEST

/* The goal is measured anew, on sequences of another stream. */
START_TEST(trained_networks_compute)
{
    const rud_toy_task task = {.operation = (rud_toy_operation)_i, .seed = 1, .goal = 3e-3};
    rud_toy_network trained;
    rud_toy_sequences s;
    rud_activations *activations;
    double error = 0;
    ck_assert_ok(rud_toy_train(&task, &trained));
    ck_assert_ok(rud_toy_draw(task.operation, 5, "test", 0, 400, &s));
    ck_assert_ok(rud_activations_create(&activations));
    ck_assert_ok(
        rud_network_forward(trained.network, s.x, NULL, RUD_TOY_STEPS, s.count, activations));
    const float *y = rud_activations_outputs(activations);
    for (size_t k = 0; k < s.count; k++)
        error += pow((double)y[(s.lengths[k] - 1) * s.count + k] - s.target[k], 2) / 400;
    ck_assert_double_lt(error, 2 * task.goal);
    ck_assert_uint_gt(trained.updates, 0);
    rud_activations_free(&activations);
    rud_network_free(&trained.network);
    rud_toy_free(&s);
}
END_TEST

static const rud_judgement_row *find_row(const rud_judgement *j, const char *group,
                                         const char *label)
{
    for (size_t k = 0; k < j->row_count; k++) {
        if (strcmp(j->rows[k].group, group) == 0 && strcmp(j->rows[k].label, label) == 0)
            return &j->rows[k];
    }
    ck_abort_msg("no row %s, %s", group, label);
    return NULL;
}

/* What holds of any network that computes: LRP-all finds both numbers, with signs; with what was
 * absorbed its relevance sums to y; LRP-half does worse. */
START_TEST(lrp_all_finds_the_numbers)
{
    rud_judge_toy_options options = rud_judge_toy_options_default();
    const rud_judge_work work = {.threads = 2, .seed = 2};
    rud_judgement j;
    options.networks = 1;
    options.sequences = 300;
    options.goal = 1e-3;
    options.epsilon_count = 1;
    ck_assert_ok(rud_judge_toy(&options, &work, &j));
    ck_assert_uint_eq(j.row_count, 2 * 12); /* 7 methods, 4 rules, and all with absorbed */
    const rud_judgement_row *sum = find_row(&j, "addition", "lrp all, epsilon 0");
    const rud_judgement_row *difference = find_row(&j, "subtraction", "lrp all, epsilon 0");
    ck_assert(sum->mean[0] > 0.97 && sum->mean[1] > 0.97);
    ck_assert(difference->mean[0] > 0.95 && difference->mean[1] < -0.95);
    ck_assert(find_row(&j, "addition", "lrp half, epsilon 0")->mean[0] < sum->mean[0]);
    ck_assert_double_eq(sum->deviation[0], 0); /* of one network */
    rud_judgement_free(&j);
}
END_TEST

START_TEST(bad_options_are_refused)
{
    const rud_judge_work work = {.threads = 1};
    rud_judgement j;
    for (int k = 0; k < 4; k++) {
        rud_judge_toy_options options = rud_judge_toy_options_default();
        if (k == 0) options.networks = 0;
        if (k == 1) options.sequences = 1;
        if (k == 2) options.goal = 0;
        if (k == 3) options.epsilons[1] = -1;
        ck_assert_int_eq(rud_judge_toy(&options, &work, &j), RUD_EINVAL);
        ck_assert_ptr_null(j.rows);
    }
}
END_TEST

START_TEST(a_request_to_stop_is_heard)
{
    const volatile sig_atomic_t stop = 1;
    const rud_judge_toy_options options = rud_judge_toy_options_default();
    const rud_judge_work work = {.threads = 2, .stop = &stop};
    rud_judgement j;
    ck_assert_int_eq(rud_judge_toy(&options, &work, &j), RUD_EINTERRUPTED);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("judge/judge_toy");
    TCase *cases = tcase_create("toy");
    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, sequences_are_what_they_say, 0, 2);
    tcase_add_loop_test(cases, trained_networks_compute, 0, 2);
    tcase_add_test(cases, lrp_all_finds_the_numbers);
    tcase_add_test(cases, bad_options_are_refused);
    tcase_add_test(cases, a_request_to_stop_is_heard);
    suite_add_tcase(suite, cases);
    return suite;
}

/* Options by name, and what is refused. */
#include "tests/attribution/problems.h"

#define ck_assert_says(word)                                                                       \
    ck_assert_msg(strstr(rud_last_error(), word) != NULL, "message '%s' lacks '%s'",               \
                  rud_last_error(), word)

START_TEST(every_option_reads_what_it_writes)
{
    static const char *const set[][2] = {
        {"method", "lrp"},
        {"output", "3"},
        {"step", "5"},
        {"step", "last"},
        {"rule", "prop"},
        {"epsilon", "0.25"},
        {"bias-factor", "1"},
        {"baseline", "mean"},
        {"product-epsilon", "0.2"},
        {"product-epsilon", "auto"},
        {"nodes", "7"},
        {"quadrature", "gauss-legendre"},
        {"per", "feature"},
        {"window", "3"},
        {"remove", "delete"},
        {"steps", "2:5"},
        {"steps", "each"},
    };
    rud_attribution_options options = rud_attribution_options_default();
    for (size_t k = 0; k < sizeof set / sizeof *set; k++) {
        char text[RUD_OPTION_TEXT];
        ck_assert_ok(rud_attribution_set(&options, set[k][0], set[k][1]));
        ck_assert(rud_attribution_get(&options, set[k][0], text));
        ck_assert_str_eq(text, set[k][1]);
    }
    ck_assert_str_eq(options.method->name, "lrp");
    ck_assert_int_eq(options.rule, RUD_LRP_PROP);
    ck_assert_int_eq(options.remove, RUD_REMOVE_DELETE);
}
END_TEST

START_TEST(what_is_left_open_is_settled)
{
    static const char *const used[][2] = {
        {"all", "0"}, {"half", "0"}, {"prop", "0.2"}, {"abs", "0"}};
    rud_attribution_options options = rud_attribution_options_default(), settled;
    char text[RUD_OPTION_TEXT];
    for (size_t k = 0; k < 4; k++) {
        ck_assert_ok(rud_attribution_set(&options, "rule", used[k][0]));
        settled = rud_attribution_settled(&options);
        ck_assert(rud_attribution_get(&settled, "product-epsilon", text));
        ck_assert_str_eq(text, used[k][1]);
    }
    ck_assert_ok(rud_attribution_set(&options, "product-epsilon", "0.5"));
    settled = rud_attribution_settled(&options);
    for (size_t k = 0; rud_attribution_option_at(k); k++) {
        const char *name = rud_attribution_option_at(k)->name;
        char given[RUD_OPTION_TEXT];
        ck_assert(rud_attribution_get(&options, name, given));
        ck_assert(rud_attribution_get(&settled, name, text));
        ck_assert_str_eq(text, given);
    }
}
END_TEST

START_TEST(defaults_are_as_documented)
{
    static const char *const expected[][2] = {
        {"method", "difference"},
        {"output", "0"},
        {"step", "last"},
        {"rule", "all"},
        {"epsilon", "0.001"},
        {"bias-factor", "0"},
        {"product-epsilon", "auto"},
        {"baseline", "zero"},
        {"nodes", "50"},
        {"quadrature", "midpoint"},
        {"per", "step"},
        {"window", "1"},
        {"remove", "zero"},
        {"steps", "each"},
    };
    const rud_attribution_options options = rud_attribution_options_default();
    size_t k = 0;
    for (; rud_attribution_option_at(k); k++) {
        char text[RUD_OPTION_TEXT];
        ck_assert(rud_attribution_get(&options, expected[k][0], text));
        ck_assert_str_eq(text, expected[k][1]);
    }
    ck_assert_uint_eq(k, sizeof expected / sizeof *expected);
}
END_TEST

START_TEST(bad_values_name_the_choices)
{
    static const char *const bad[][3] = {
        {"method", "magic", "integrated-gradients"},
        {"rule", "most", "all|half|prop|abs"},
        {"baseline", "given", "zero|mean"},
        {"remove", "", "zero|mean|delete"},
        {"per", "steps", "step|feature"},
        {"quadrature", "simpson", "gauss-legendre"},
        {"epsilon", "x", "not a number"},
        {"epsilon", "nan", "not a number"},
        {"epsilon", "1e", "not a number"},
        {"epsilon", "1e31", "0 to 1e+30"},
        {"nodes", "0", "from 1 to 1048576"},
        {"nodes", "1048577", "from 1 to 1048576"},
        {"window", "-1", "from 1 on"},
        {"output", "1.5", "whole number"},
        {"step", "end", "whole number"},
        {"steps", "3", "A:B"},
        {"steps", "3:3", "A < B"},
        {"steps", "1:2:3", "A:B"},
        {"steps", "99999999999999999999:3", "A:B"},
        {"color", "red", "bias-factor"},
    };
    rud_attribution_options options = rud_attribution_options_default();
    const rud_attribution_options before = options;
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        ck_assert_int_eq(rud_attribution_set(&options, bad[k][0], bad[k][1]), RUD_EINVAL);
        ck_assert_says(bad[k][0]);
        ck_assert_says(bad[k][2]);
    }
    ck_assert_mem_eq(&options, &before, sizeof options);
    char text[RUD_OPTION_TEXT];
    ck_assert(!rud_attribution_get(&options, "color", text));
}
END_TEST

static void refuse(problem *p, rud_status code, const char *word)
{
    ck_assert_int_eq(rud_attribution_run(p->attribution, &p->options, &p->input, &p->result), code);
    ck_assert_says(word);
    ck_assert_ptr_null(p->result.prediction);
}

START_TEST(options_out_of_range_are_refused)
{
    problem p = create_problem(0, 1, false, 1);
    set_option(&p, "method", "lrp");
    p.options.epsilon = -1.0;
    refuse(&p, RUD_EINVAL, "epsilon");
    set_option(&p, "epsilon", "0");
    p.options.product_epsilon = -0.5;
    refuse(&p, RUD_EINVAL, "product-epsilon");
    set_option(&p, "product-epsilon", "auto");
    p.options.bias_factor = 1.5;
    refuse(&p, RUD_EINVAL, "0 to 1");
    p.options.bias_factor = 0.0;
    set_option(&p, "output", "3");
    refuse(&p, RUD_EINVAL, "the last is 2");
    ck_assert_int_eq(rud_attribution_check(&p.options, p.network), RUD_EINVAL);
    ck_assert_ok(rud_attribution_check(&p.options, NULL)); /* another network may have it */
    set_option(&p, "output", "0");
    set_option(&p, "step", "8"); /* the longest episode has it, others do not */
    refuse(&p, RUD_EINVAL, "step 8");
    set_option(&p, "step", "last");
    set_option(&p, "method", "decomposition");
    set_option(&p, "steps", "0:9");
    refuse(&p, RUD_EINVAL, "steps 0:9");
    set_option(&p, "method", "occlusion");
    set_option(&p, "per", "feature");
    set_option(&p, "remove", "delete");
    refuse(&p, RUD_EINVAL, "zero or mean");
    ck_assert_int_eq(rud_attribution_check(&p.options, p.network), RUD_EINVAL);
    ck_assert_int_eq(rud_attribution_check(&p.options, NULL), RUD_EINVAL);
    p.input.feature_mean = NULL;
    set_option(&p, "remove", "mean");
    refuse(&p, RUD_EINVAL, "mean of the features");
    set_option(&p, "method", "integrated-gradients");
    set_option(&p, "baseline", "mean");
    refuse(&p, RUD_EINVAL, "baseline");
    free_problem(&p);
}
END_TEST

START_TEST(bad_episodes_are_refused)
{
    problem p = create_problem(0, 1, false, 2);
    const size_t length = p.lengths[0];
    p.lengths[0] = 0;
    refuse(&p, RUD_EINVAL, "episode 0 has 0 steps");
    p.lengths[0] = p.input.T + 1;
    refuse(&p, RUD_EINVAL, "allows 1 to 9");
    p.lengths[0] = length;
    p.input.scale = 0.0;
    refuse(&p, RUD_EINVAL, "scale");
    p.input.scale = 1.0;
    p.x[(2 * p.input.B + 1) * 5 + 3] = INFINITY;
    refuse(&p, RUD_ENONFINITE, "episode 1: feature 3 of step 2");
    p.input.T = 0;
    refuse(&p, RUD_EINVAL, "at least one");
    free_problem(&p);
}
END_TEST

START_TEST(a_bidirectional_network_predicts_once)
{
    problem p = create_problem(0, 1, true, 3);
    refuse(&p, RUD_EINVAL, "choose another method");
    set_option(&p, "method", "gradient");
    set_option(&p, "step", "1");
    refuse(&p, RUD_EINVAL, "once an episode");
    free_problem(&p);
}
END_TEST

START_TEST(only_the_difference_is_causal)
{
    size_t k = 0;
    for (const rud_attribution_method *m; (m = rud_attribution_method_at(k)) != NULL; k++) {
        const rud_attribution_method *found;
        ck_assert_ok(rud_attribution_method_find(m->name, &found));
        ck_assert_ptr_eq(found, m);
        ck_assert_int_eq(m->causal, strcmp(m->name, "difference") == 0);
        ck_assert(m->summary[0] && m->cost[0] && m->source[0]);
    }
    ck_assert_uint_eq(k, 8);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("attribution/options");
    TCase *tc = tcase_create("options");
    tcase_add_test(tc, every_option_reads_what_it_writes);
    tcase_add_test(tc, what_is_left_open_is_settled);
    tcase_add_test(tc, defaults_are_as_documented);
    tcase_add_test(tc, bad_values_name_the_choices);
    tcase_add_test(tc, options_out_of_range_are_refused);
    tcase_add_test(tc, bad_episodes_are_refused);
    tcase_add_test(tc, a_bidirectional_network_predicts_once);
    tcase_add_test(tc, only_the_difference_is_causal);
    suite_add_tcase(suite, tc);
    return suite;
}

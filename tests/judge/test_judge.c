/* Judges on a network whose prediction is a sum over steps, where the right answer is known. */
#include <math.h>
#include <string.h>

#include "agents/rollout.h"
#include "judge/judge_private.h"
#include "tests/nn/networks.h"

enum { EPISODES = 5, D = 2, LONGEST = 9 };

/* z_t = tanh(W x_t) adds up in the cell, no gate but a constant input gate: y = b_y + V sum z_t. */
static rud_network *additive_network(float V)
{
    const rud_cell cell = {.name = "sum",
                           .gates = {[RUD_GATE_CELL_INPUT] = {.forward = true}},
                           .cell_input = RUD_TANH,
                           .hidden = RUD_IDENTITY};
    const rud_network_spec spec = {D, 1, 1, 1, cell, false};
    rud_network *network;
    size_t count;
    ck_assert_ok(rud_network_create(&spec, &network));
    float *parameters = rud_network_parameters(network, &count);
    const size_t W = rud_network_gate(network, 0, RUD_GATE_CELL_INPUT).forward;
    parameters[W] = 0.7f;
    parameters[W + 1] = -0.4f;
    parameters[rud_network_head_weight(network)] = V;
    parameters[rud_network_head_bias(network)] = 0.25f;
    return network;
}

typedef struct world {
    rud_network *network;
    rud_episode *episodes[EPISODES];
    double truth[EPISODES][LONGEST]; /* V z_t */
    const double *rows[EPISODES];
    rud_judge_method method;
    rud_judge_case what;
} world;

static world create_world(const char *method)
{
    world w = {.network = additive_network(2)};
    rud_rng rng = rud_rng_stream(3, "test judge", 0);
    for (size_t e = 0; e < EPISODES; e++) {
        const size_t T = 5 + e;
        ck_assert_ok(rud_episode_create(T, T, D, 0, &w.episodes[e]));
        for (size_t t = 0; t < T; t++) {
            double *x = w.episodes[e]->observations + t * D;
            x[0] = rud_rng_normal(&rng);
            x[1] = rud_rng_normal(&rng);
            w.truth[e][t] = 2 * tanh(0.7 * x[0] - 0.4 * x[1]);
        }
    }
    ck_assert_ok(rud_judge_method_parse(method, &w.method));
    return w;
}

/* The case points into the world, so it is made where the world stays. */
static const rud_judge_case *case_of(world *w)
{
    for (size_t e = 0; e < EPISODES; e++) w->rows[e] = w->truth[e];
    w->what = (rud_judge_case){.network = w->network,
                               .episodes = (const rud_episode *const *)w->episodes,
                               .count = EPISODES,
                               .methods = &w->method,
                               .method_count = 1};
    return &w->what;
}

static void free_world(world *w)
{
    rud_network_free(&w->network);
    for (size_t e = 0; e < EPISODES; e++) rud_episode_free(&w->episodes[e]);
}

static const rud_judge_work work = {.threads = 2};

/* Occlusion of a sum is exact. */
START_TEST(the_truth_agrees_with_itself)
{
    world w = create_world("occlusion");
    rud_judge_truth_options options = rud_judge_truth_options_default();
    rud_judgement j;
    case_of(&w);
    options.truth = w.rows;
    ck_assert_ok(rud_judge_truth(&w.what, &options, &work, &j));
    ck_assert_uint_eq(j.row_count, 1);
    ck_assert_double_eq_tol(j.rows[0].mean[0], 1, 1e-6); /* correlation, all steps */
    ck_assert_double_eq_tol(j.rows[0].mean[1], 1, 1e-6);
    ck_assert_double_eq_tol(j.rows[0].mean[2], 1, 1e-6);
    ck_assert_double_gt(j.rows[0].mean[3], 0.9); /* below a tenth of the largest lies little */
    ck_assert_double_eq(j.rows[0].mean[4], 1);
    rud_judgement_free(&j);
    for (size_t e = 0; e < EPISODES; e++)
        for (size_t t = 0; t < w.episodes[e]->steps; t++) w.truth[e][t] *= -3;
    ck_assert_ok(rud_judge_truth(&w.what, &options, &work, &j));
    ck_assert_double_eq_tol(j.rows[0].mean[1], -1, 1e-6);
    ck_assert_double_eq_tol(j.rows[0].mean[2], -1, 1e-6);
    rud_judgement_free(&j);
    free_world(&w);
}
END_TEST

/* The predictor `exact` redistributes exactly, the mean return at step 0 included: what is taken
 * off there must be taken off on both sides. */
START_TEST(the_exact_redistribution_is_the_truth_of_an_environment)
{
    const rud_env_options env_options = rud_env_options_default();
    const rud_features_options encoding = rud_features_options_default();
    rud_predictor_options options = rud_predictor_options_default();
    rud_judge_truth_options truth = rud_judge_truth_options_default();
    rud_rng rng = rud_rng_stream(4, "test judge", 0);
    rud_env *env;
    rud_features *features;
    rud_predictor *predictor;
    rud_episodes list = {0};
    rud_judgement j;
    ck_assert_ok(rud_env_create("coin-walk", &env_options, 1, &env));
    const rud_env_spec *spec = rud_env_specification(env);
    ck_assert_ok(
        rud_features_create(&encoding, &spec->observation_space, &spec->action_space, &features));
    strcpy(options.cell, "exact");
    ck_assert_ok(rud_predictor_create(&options, features, env, 0, &predictor));
    for (size_t e = 0; e < EPISODES; e++) {
        rud_episode *episode;
        ck_assert_ok(rud_rollout_random(env, &rng, &episode));
        ck_assert_ok(rud_episodes_add(&list, episode));
    }
    const rud_judge_case what = {.predictor = predictor,
                                 .episodes = (const rud_episode *const *)list.items,
                                 .count = EPISODES};
    truth.env = env;
    ck_assert_ok(rud_judge_truth(&what, &truth, &work, &j));
    ck_assert_uint_eq(j.row_count, 1);
    for (size_t c = 0; c < 3; c++) ck_assert_double_eq_tol(j.rows[0].mean[c], 1, 1e-9);
    rud_judgement_free(&j);
    rud_episodes_free(&list);
    rud_predictor_free(&predictor);
    rud_features_free(&features);
    rud_env_free(&env);
}
END_TEST

/* Of a sum of four terms, the last a final observation's, steps 0, 2 and 1 are removed in turn. */
START_TEST(a_final_observation_is_removed_with_the_last_step)
{
    enum { T = 3 };
    const double terms[T + 1] = {1, 2, 4, 8};
    const size_t order[T] = {0, 2, 1}, removed[T + 1] = {0, 1, 2, 3};
    const double wanted[T + 1] = {15, 14, 2, 0};
    rud_network *network = additive_network(1);
    rud_attribution_options options = rud_attribution_options_default();
    rud_explainer *explainer;
    rud_episode *episode;
    double prediction[T + 1];
    ck_assert_ok(rud_episode_create(T, T + 1, D, 0, &episode));
    for (size_t t = 0; t <= T; t++) episode->observations[t * D] = atanh(terms[t] / 16) / 0.7;
    options.remove = RUD_REMOVE_DELETE;
    ck_assert_ok(rud_explainer_create_for_network(network, NULL, &options, &explainer));
    ck_assert_ok(rud_explainer_perturb(explainer, episode, order, removed, T + 1, prediction));
    for (size_t k = 0; k <= T; k++)
        ck_assert_double_eq_tol(prediction[k] - 0.25, wanted[k] / 16, 1e-5);
    rud_explainer_free(&explainer);
    rud_episode_free(&episode);
    rud_network_free(&network);
}
END_TEST

static int falling(const void *a, const void *b)
{
    const double first = *(const double *)a, second = *(const double *)b;
    return first > second ? -1 : first < second;
}

/* Without the k largest terms a sum is the rest; only one episode, so that curves are its own. */
START_TEST(perturbation_takes_the_largest_terms)
{
    enum { T = 5 };
    world w = create_world("occlusion");
    rud_judge_perturbation_options options = rud_judge_perturbation_options_default();
    rud_judgement j;
    case_of(&w);
    w.what.count = 1;
    options.points = T + 1;
    options.remove = _i == 0 ? RUD_REMOVE_DELETE : RUD_REMOVE_ZERO;
    ck_assert_ok(rud_judge_perturbation(&w.what, &options, &work, &j));
    qsort(w.truth[0], T, sizeof w.truth[0][0], falling);
    double rest = 0.25, area = 0;
    for (size_t t = 0; t < T; t++) rest += w.truth[0][t];
    for (size_t k = 0; k <= T; k++) {
        ck_assert_double_eq_tol(j.points[k], k / 5.0, 1e-12);
        ck_assert_double_eq_tol(j.rows[0].curve[k], rest, 1e-5);
        area += (j.rows[0].curve[0] - rest) / (T + 1);
        if (k < T) rest -= w.truth[0][k];
    }
    ck_assert_double_eq_tol(j.rows[0].mean[0], area, 1e-5);
    /* no order falls faster, and the opposite one falls slowest */
    ck_assert_str_eq(j.rows[1].label, "random order");
    ck_assert_double_gt(j.rows[0].mean[0], j.rows[1].mean[0]);
    ck_assert_double_lt(j.rows[0].mean[1], j.rows[1].mean[0]);
    ck_assert_double_eq_tol(j.rows[0].mean[2], j.rows[0].mean[0] - j.rows[1].mean[0], 1e-12);
    rud_judgement_free(&j);
    free_world(&w);
}
END_TEST

/* Another V is another scale, perhaps another sign: ranks of magnitudes stay. Other W change them.
 */
START_TEST(randomised_heads_scale_and_layers_change)
{
    world w = create_world("occlusion");
    rud_judge_randomise_options options = rud_judge_randomise_options_default();
    rud_judgement j;
    options.draws = 8;
    ck_assert_ok(rud_judge_randomise(case_of(&w), &options, &work, &j));
    ck_assert_uint_eq(j.row_count, 2);
    ck_assert_str_eq(j.rows[0].label, "head");
    ck_assert_str_eq(j.rows[0].group, "occlusion");
    ck_assert_double_gt(j.rows[0].mean[1], 0.999);
    ck_assert_double_lt(fabs(j.rows[0].mean[0]), 1); /* both signs of V came */
    ck_assert_double_lt(j.rows[1].mean[1], 0.9);
    rud_judgement_free(&j);
    free_world(&w);
}
END_TEST

START_TEST(all_methods_are_the_default)
{
    world w = create_world("lrp");
    rud_judge_truth_options options = rud_judge_truth_options_default();
    rud_judgement j;
    size_t methods = 0;
    while (rud_attribution_method_at(methods)) methods++;
    case_of(&w);
    w.what.method_count = 0;
    options.truth = w.rows;
    ck_assert_ok(rud_judge_truth(&w.what, &options, &work, &j));
    ck_assert_uint_eq(j.row_count, methods);
    ck_assert_str_eq(j.rows[0].label, "difference");
    rud_judgement_free(&j);
    w.what.output = 1;
    ck_assert_int_eq(rud_judge_truth(&w.what, &options, &work, &j), RUD_EINVAL);
    w.what.count = 0;
    ck_assert_int_eq(rud_judge_truth(&w.what, &options, &work, &j), RUD_EINVAL);
    free_world(&w);
}
END_TEST

/* Uniform prediction has no network to perturb or randomise. */
START_TEST(a_network_is_needed)
{
    rud_predictor_options predictor_options = rud_predictor_options_default();
    const rud_features_options encoding = rud_features_options_default();
    const rud_judge_perturbation_options perturbation = rud_judge_perturbation_options_default();
    const rud_judge_randomise_options randomise = rud_judge_randomise_options_default();
    world w = create_world("difference");
    rud_space space;
    rud_features *features;
    rud_predictor *predictor;
    rud_judgement j;
    snprintf(predictor_options.cell, sizeof predictor_options.cell, "uniform");
    ck_assert_ok(rud_space_box(NULL, NULL, D, &space));
    ck_assert_ok(rud_features_create(&encoding, &space, NULL, &features));
    ck_assert_ok(rud_predictor_create(&predictor_options, features, NULL, 0, &predictor));
    case_of(&w);
    w.what.predictor = predictor;
    ck_assert_int_eq(rud_judge_perturbation(&w.what, &perturbation, &work, &j), RUD_EINVAL);
    ck_assert_int_eq(rud_judge_randomise(&w.what, &randomise, &work, &j), RUD_EINVAL);
    rud_predictor_free(&predictor);
    rud_features_free(&features);
    rud_space_free(&space);
    free_world(&w);
}
END_TEST

START_TEST(methods_are_read_with_their_options)
{
    rud_judge_method method;
    ck_assert_ok(rud_judge_method_parse("lrp:rule=half,epsilon=0.5", &method));
    ck_assert_str_eq(method.label, "lrp:rule=half,epsilon=0.5");
    ck_assert_str_eq(method.options.method->name, "lrp");
    ck_assert_int_eq(method.options.rule, RUD_LRP_HALF);
    ck_assert_double_eq(method.options.epsilon, 0.5);
    static const char *const wrong[] = {"",        "none",         "lrp:",          "lrp:rule",
                                        "lrp:=1",  "lrp:rule=x",   "lrp:step=1",    "lrp:steps=1:2",
                                        "lrp:a=1", "lrp:output=1", "lrp:epsilon=1,"};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++)
        ck_assert_msg(rud_judge_method_parse(wrong[k], &method) == RUD_EINVAL, "%s", wrong[k]);
}
END_TEST

START_TEST(facts_are_told_in_full)
{
    const rud_judgement_fact facts[] = {{"the_seed", 123456789}, {"goal", 1e-4}, {"mean", 1.0 / 3}};
    static const char *const texts[] = {"123456789", "0.0001", "0.33333333"};
    for (size_t k = 0; k < 3; k++)
        ck_assert_str_eq(rud_judgement_fact_text(&facts[k]).value, texts[k]);
    ck_assert_str_eq(rud_judgement_fact_text(&facts[0]).key, "the seed");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("judge/judge");
    TCase *cases = tcase_create("judge");
    tcase_add_test(cases, the_truth_agrees_with_itself);
    tcase_add_test(cases, the_exact_redistribution_is_the_truth_of_an_environment);
    tcase_add_loop_test(cases, perturbation_takes_the_largest_terms, 0, 2);
    tcase_add_test(cases, a_final_observation_is_removed_with_the_last_step);
    tcase_add_test(cases, randomised_heads_scale_and_layers_change);
    tcase_add_test(cases, all_methods_are_the_default);
    tcase_add_test(cases, a_network_is_needed);
    tcase_add_test(cases, methods_are_read_with_their_options);
    tcase_add_test(cases, facts_are_told_in_full);
    suite_add_tcase(suite, cases);
    return suite;
}

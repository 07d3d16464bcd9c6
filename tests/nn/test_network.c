/* Forward and backward pass against the reference, and what holds between passes. */
#include "nn/network.h"

#include <string.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "base/pool.h"
#include "nn/adam.h"
#include "nn/kernels_private.h"
#include "nn/network_private.h"
#include "nn/reference.h"
#include "tests/nn/networks.h"

enum { CELLS = 4 + 12 };

typedef struct sizes {
    size_t D, H, L, K, B, T;
} sizes;

/* On both sides of every edge of the kernels: lanes, rows of a tile, blocks of rows and of K. */
static const sizes all_sizes[] = {
    {1, 1, 1, 1, 1, 1},   {3, 4, 1, 2, 1, 7},   {15, 16, 1, 1, 8, 20}, {5, 17, 2, 3, 3, 9},
    {33, 8, 3, 2, 13, 5}, {7, 40, 1, 1, 70, 6}, {300, 6, 1, 2, 2, 4},  {4, 80, 1, 300, 3, 5},
};

/* A network, a batch of ragged episodes, what to hand back, and memory for the results. */
typedef struct problem {
    sizes s;
    rud_network *network;
    rud_activations *activations;
    size_t count, *length;
    float *x, *dy, *gradients, *dx;
} problem;

static problem create_problem(sizes s, rud_cell cell, uint64_t seed)
{
    rud_rng rng = rud_rng_stream(seed, "test network", 0);
    problem p = {.s = s};
    const rud_network_spec spec = {s.D, s.H, s.L, s.K, cell, false};
    p.network = random_network(&spec, &rng);
    rud_network_parameters(p.network, &p.count);
    ck_assert_ok(rud_activations_create(&p.activations));
    p.x = normal_floats(&rng, s.T * s.B * s.D, 1.0);
    p.dy = normal_floats(&rng, s.T * s.B * s.K, 1.0);
    p.gradients = normal_floats(&rng, p.count, 1.0);
    p.dx = normal_floats(&rng, s.T * s.B * s.D, 1.0);
    p.length = calloc(s.B, sizeof *p.length);
    for (size_t b = 0; b < s.B; b++) {
        p.length[b] = b == 0 ? s.T : 1 + (size_t)rud_rng_below(&rng, s.T);
        for (size_t t = p.length[b]; t < s.T; t++)
            memset(p.dy + (t * s.B + b) * s.K, 0, s.K * sizeof *p.dy);
    }
    return p;
}

static void free_problem(problem *p)
{
    rud_network_free(&p->network);
    rud_activations_free(&p->activations);
    free(p->length);
    free(p->x);
    free(p->dy);
    free(p->gradients);
    free(p->dx);
}

static void run(problem *p)
{
    ck_assert_ok(rud_network_forward(p->network, p->x, NULL, p->s.T, p->s.B, p->activations));
    ck_assert_ok(rud_network_backward(p->network, p->activations, p->dy, p->gradients, p->dx));
}

/* Episode b of a time-major array, `width` numbers a step. */
static float *episode(const float *batch, const problem *p, size_t b, size_t steps, size_t width)
{
    float *rows = malloc(steps * width * sizeof *rows);
    for (size_t t = 0; t < steps; t++)
        memcpy(rows + t * width, batch + (t * p->s.B + b) * width, width * sizeof *rows);
    return rows;
}

/* One episode by the reference: its y and dx against the batch's; its gradients added to sums. */
static void check_episode(const problem *p, const double *parameters, size_t b, double *sums)
{
    const size_t T = p->length[b], D = p->s.D, K = p->s.K;
    float *x = episode(p->x, p, b, T, D), *dy = episode(p->dy, p, b, T, K);
    float *y = episode(rud_activations_outputs(p->activations), p, b, T, K);
    float *dx = episode(p->dx, p, b, T, D);
    double *x64 = to_doubles(x, T * D), *dy64 = to_doubles(dy, T * K);
    double *y64 = to_doubles(y, T * K), *dx64 = to_doubles(dx, T * D);
    double *gradients = malloc(p->count * sizeof *gradients);
    ck_assert_ok(rud_reference_forward(p->network, parameters, x64, T, y64));
    ck_assert_ok(rud_reference_backward(p->network, parameters, x64, T, dy64, gradients, dx64));
    ck_assert_double_lt(relative_difference(y, y64, T * K), 2e-6);
    ck_assert_double_lt(relative_difference(dx, dx64, T * D), 1e-5);
    for (size_t k = 0; k < p->count; k++) sums[k] += gradients[k];
    for (size_t t = T; t < p->s.T; t++)
        for (size_t k = 0; k < D; k++)
            ck_assert(p->dx[(t * p->s.B + b) * D + k] == 0.0f); /* padding has no influence */
    free(x), free(dy), free(y), free(dx);
    free(x64), free(dy64), free(y64), free(dx64), free(gradients);
}

START_TEST(passes_agree_with_the_reference)
{
    for (size_t k = 0; k < sizeof all_sizes / sizeof *all_sizes; k++) {
        problem p = create_problem(all_sizes[k], cell_number((size_t)_i), (uint64_t)_i);
        run(&p);
        size_t count;
        const float *single = rud_network_parameters(p.network, &count);
        double *parameters = to_doubles(single, count);
        double *sums = calloc(p.count, sizeof *sums);
        for (size_t b = 0; b < p.s.B; b++) check_episode(&p, parameters, b, sums);
        ck_assert_double_lt(relative_difference(p.gradients, sums, p.count), 1e-5);
        free(parameters);
        free(sums);
        free_problem(&p);
    }
}
END_TEST

/* c_t = f c_{t-1} + i z and h_t = o a_h(c_t) hold between what forward stored. */
static void check_stored_layer(const problem *p, size_t layer)
{
    const rud_cell *cell = &rud_network_specification(p->network)->cell;
    const rud_layer_view view = rud_activations_layer(p->activations, layer);
    const size_t B = p->s.B, H = p->s.H;
    for (size_t g = 0; g < RUD_GATES; g++)
        ck_assert(rud_gate_present(cell, (rud_gate)g) == (view.gate[g] != NULL));
    for (size_t row = 0; row < p->s.T * B; row++) {
        for (size_t j = 0; j < H; j++) {
            double gate[RUD_GATES];
            for (size_t g = 0; g < RUD_GATES; g++)
                gate[g] = view.gate[g] ? (double)view.gate[g][row * view.gate_stride + j] : 1.0;
            const double c = (double)view.c[row * H + j];
            const double before = row < B ? 0.0 : (double)view.c[(row - B) * H + j];
            const double sum =
                gate[RUD_GATE_FORGET] * before + gate[RUD_GATE_INPUT] * gate[RUD_GATE_CELL_INPUT];
            const double hidden = cell->hidden == RUD_TANH ? tanh(c) : c;
            ck_assert_double_eq_tol(c, sum, 1e-6 * (1.0 + fabs(c)));
            ck_assert_double_eq_tol((double)view.h[row * H + j], gate[RUD_GATE_OUTPUT] * hidden,
                                    1e-6 * (1.0 + fabs(c)));
        }
    }
}

START_TEST(stored_gates_make_the_cell_state)
{
    problem p = create_problem((sizes){5, 17, 2, 3, 3, 9}, cell_number((size_t)_i), 5);
    run(&p);
    check_stored_layer(&p, 0);
    check_stored_layer(&p, 1);
    free_problem(&p);
}
END_TEST

/* Bit for bit: which episodes share a batch changes no prediction. */
START_TEST(a_batch_predicts_as_its_episodes_alone)
{
    problem p = create_problem((sizes){9, 20, 2, 3, 13, 11}, cell_number((size_t)_i), 6);
    run(&p);
    for (size_t b = 0; b < p.s.B; b++) {
        float *x = episode(p.x, &p, b, p.length[b], p.s.D);
        float *y = episode(rud_activations_outputs(p.activations), &p, b, p.length[b], p.s.K);
        rud_activations *alone;
        ck_assert_ok(rud_activations_create(&alone));
        ck_assert_ok(rud_network_forward(p.network, x, NULL, p.length[b], 1, alone));
        ck_assert_mem_eq(rud_activations_outputs(alone), y, p.length[b] * p.s.K * sizeof *y);
        rud_activations_free(&alone);
        free(x);
        free(y);
    }
    free_problem(&p);
}
END_TEST

START_TEST(single_steps_predict_as_the_whole_episode)
{
    problem p = create_problem((sizes){9, 21, 2, 3, 1, 30}, cell_number((size_t)_i), 7);
    run(&p);
    double *expected = to_doubles(rud_activations_outputs(p.activations), p.s.T * p.s.K);
    rud_network_state *state;
    ck_assert_ok(rud_network_state_create(p.network, &state));
    for (size_t episodes = 0; episodes < 2; episodes++) { /* the second after a reset */
        for (size_t t = 0; t < p.s.T; t++) {
            float y[3];
            rud_network_step(p.network, state, p.x + t * p.s.D, y);
            ck_assert_double_lt(relative_difference(y, expected + t * p.s.K, p.s.K), 1e-5);
        }
        rud_network_state_reset(state);
    }
    rud_network_state_free(&state);
    ck_assert_ptr_null(state);
    free(expected);
    free_problem(&p);
}
END_TEST

START_TEST(repeated_runs_give_the_same_bits)
{
    problem p = create_problem((sizes){31, 33, 2, 3, 9, 12}, cell_number((size_t)_i), 8);
    const size_t outputs = p.s.T * p.s.B * p.s.K;
    run(&p);
    float *y = malloc(outputs * sizeof *y), *gradients = malloc(p.count * sizeof *gradients);
    memcpy(y, rud_activations_outputs(p.activations), outputs * sizeof *y);
    memcpy(gradients, p.gradients, p.count * sizeof *gradients);
    for (size_t k = 0; k < 3; k++) {
        /* other memory, larger and smaller batches in between */
        if (k == 1) rud_activations_free(&p.activations);
        if (k == 1) ck_assert_ok(rud_activations_create(&p.activations));
        ck_assert_ok(rud_network_forward(p.network, p.x, NULL, 1 + k, 2, p.activations));
        ck_assert_ok(rud_network_backward(p.network, p.activations, p.dy, p.gradients, NULL));
        run(&p);
        ck_assert_mem_eq(rud_activations_outputs(p.activations), y, outputs * sizeof *y);
        ck_assert_mem_eq(p.gradients, gradients, p.count * sizeof *gradients);
    }
    free(y);
    free(gradients);
    free_problem(&p);
}
END_TEST

/* What several threads share in the next test, and the bits that each must find. */
typedef struct shared_work {
    const problem *p;
    const float *y, *gradients;
} shared_work;

static rud_status run_in_thread(void *context, size_t job, size_t thread)
{
    const shared_work *work = context;
    const problem *p = work->p;
    const size_t outputs = p->s.T * p->s.B * p->s.K;
    rud_activations *own;
    float *gradients = calloc(p->count, sizeof *gradients);
    (void)job;
    (void)thread;
    RUD_TRY(rud_activations_create(&own));
    RUD_TRY(rud_network_forward(p->network, p->x, NULL, p->s.T, p->s.B, own));
    RUD_TRY(rud_network_backward(p->network, own, p->dy, gradients, NULL));
    const bool same =
        memcmp(rud_activations_outputs(own), work->y, outputs * sizeof *work->y) == 0 &&
        memcmp(gradients, work->gradients, p->count * sizeof *gradients) == 0;
    rud_activations_free(&own);
    free(gradients);
    return same ? RUD_OK : rud_error(RUD_ESTATE, "job %zu found other bits", job);
}

START_TEST(threads_share_a_network)
{
    problem p = create_problem((sizes){31, 33, 2, 3, 9, 12}, cell_number(0), 8);
    rud_pool *pool;
    run(&p);
    shared_work work = {&p, rud_activations_outputs(p.activations), p.gradients};
    ck_assert_ok(rud_pool_create(4, &pool));
    ck_assert_ok(rud_pool_run(pool, 40, run_in_thread, &work));
    rud_pool_free(&pool);
    free_problem(&p);
}
END_TEST

START_TEST(memory_is_taken_once)
{
    problem p = create_problem((sizes){5, 17, 2, 3, 8, 20}, cell_number((size_t)_i), 9);
    const size_t shapes[][2] = {{160, 1}, {1, 160}, {8, 20}, {20, 7}, {1, 1}, {20, 8}};
    run(&p);
    const size_t forward = p.activations->forward.capacity;
    const size_t backward = p.activations->backward.capacity;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        ck_assert_ok(
            rud_network_forward(p.network, p.x, NULL, shapes[k][0], shapes[k][1], p.activations));
        ck_assert_ok(rud_network_backward(p.network, p.activations, p.dy, p.gradients, p.dx));
        ck_assert_uint_eq(p.activations->forward.capacity, forward);
        ck_assert_uint_eq(p.activations->backward.capacity, backward);
    }
    free_problem(&p);
}
END_TEST

START_TEST(gradients_and_dx_are_had_apart_too)
{
    problem p = create_problem((sizes){5, 17, 2, 3, 3, 9}, cell_number((size_t)_i), 9);
    const size_t inputs = p.s.T * p.s.B * p.s.D;
    float *gradients = malloc(p.count * sizeof *gradients), *dx = malloc(inputs * sizeof *dx);
    run(&p);
    ck_assert_ok(rud_network_backward(p.network, p.activations, p.dy, gradients, NULL));
    ck_assert_ok(rud_network_backward(p.network, p.activations, p.dy, NULL, dx));
    ck_assert_mem_eq(gradients, p.gradients, p.count * sizeof *gradients);
    ck_assert_mem_eq(dx, p.dx, inputs * sizeof *dx);
    free(gradients);
    free(dx);
    free_problem(&p);
}
END_TEST

START_TEST(backward_needs_a_forward_pass)
{
    problem p = create_problem(all_sizes[1], cell_number(0), 1);
    ck_assert_int_eq(rud_network_backward(p.network, p.activations, p.dy, p.gradients, NULL),
                     RUD_ESTATE);
    run(&p);
    rud_network *copy;
    ck_assert_ok(rud_network_copy(p.network, &copy));
    ck_assert_int_eq(rud_network_backward(copy, p.activations, p.dy, p.gradients, NULL),
                     RUD_ESTATE);
    rud_network_free(&copy);
    free_problem(&p);
}
END_TEST

START_TEST(forward_refuses_empty_and_endless_batches)
{
    problem p = create_problem(all_sizes[1], cell_number(0), 1);
    const size_t large = (size_t)1 << 40;
    ck_assert_int_eq(rud_network_forward(p.network, p.x, NULL, 0, 1, p.activations), RUD_EINVAL);
    ck_assert_int_eq(rud_network_forward(p.network, p.x, NULL, 1, 0, p.activations), RUD_EINVAL);
    ck_assert_int_eq(rud_network_forward(p.network, p.x, NULL, large, large, p.activations),
                     RUD_EINVAL);
    ck_assert_int_eq(rud_network_forward(p.network, p.x, NULL, large, 1, p.activations),
                     RUD_EINVAL);
    run(&p); /* still usable */
    free_problem(&p);
}
END_TEST

START_TEST(structure_is_as_specified)
{
    const rud_network_spec spec = {3, 4, 2, 5, *rud_cell_preset("rudder"), false};
    rud_network *network, *copy;
    size_t count, copied;
    ck_assert_ok(rud_network_create(&spec, &network));
    const float *parameters = rud_network_parameters(network, &count);
    /* W_z, U_i, b_i, b_z of each layer; V, b_y */
    ck_assert_uint_eq(count, (4 * 3 + 4 * 4 + 8) + (4 * 4 + 4 * 4 + 8) + 5 * 4 + 5);
    for (size_t k = 0; k < count; k++) ck_assert(parameters[k] == 0.0f);
    const rud_gate_parameters z = rud_network_gate(network, 1, RUD_GATE_CELL_INPUT);
    const rud_gate_parameters i = rud_network_gate(network, 1, RUD_GATE_INPUT);
    ck_assert_uint_eq(z.forward, 36);
    ck_assert_uint_eq(z.recurrent, RUD_NOT_THERE);
    ck_assert_uint_eq(i.forward, RUD_NOT_THERE);
    ck_assert_uint_eq(i.recurrent, 52);
    ck_assert_uint_eq(i.bias, 68);
    ck_assert_uint_eq(z.bias, 72);
    ck_assert_uint_eq(rud_network_gate(network, 0, RUD_GATE_OUTPUT).bias, RUD_NOT_THERE);
    ck_assert_uint_eq(rud_network_gate(network, 2, RUD_GATE_INPUT).forward,
                      rud_network_head_weight(network));
    ck_assert_uint_eq(rud_network_gate(network, 2, RUD_GATE_INPUT).bias,
                      rud_network_head_bias(network));
    rud_network_initialise(network, 3);
    ck_assert_ok(rud_network_copy(network, &copy));
    const float *copies = rud_network_parameters_const(copy, &copied);
    ck_assert_uint_eq(copied, count);
    ck_assert_ptr_ne(copies, parameters);
    ck_assert_mem_eq(copies, parameters, count * sizeof *parameters);
    rud_network_free(&network);
    ck_assert_str_eq(rud_network_specification(copy)->cell.name, "rudder");
    rud_network_free(&copy);
}
END_TEST

START_TEST(bad_specifications_are_refused)
{
    const size_t large = ((size_t)1 << 20) + 1;
    rud_network_spec bad[] = {
        {0, 1, 1, 1, cell_number(0), false},     {1, 0, 1, 1, cell_number(0), false},
        {1, 1, 0, 1, cell_number(0), false},     {1, 1, 1, 0, cell_number(0), false},
        {large, 1, 1, 1, cell_number(0), false}, {1, 1, 1, large, cell_number(0), false},
        {1, 1, 1, 1, cell_number(0), false},     {1, 1, 1, 1, cell_number(0), false}};
    bad[6].cell.gates[RUD_GATE_CELL_INPUT] = (rud_connections){false, false, false};
    bad[7].cell.hidden = RUD_RELU;
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        rud_network *network;
        ck_assert_int_eq(rud_network_create(&bad[k], &network), RUD_EINVAL);
        ck_assert_ptr_null(network);
    }
    rud_network *network;
    const size_t most = large - 1;
    const rud_network_spec huge = {most, most, most, most, cell_number(0), false};
    ck_assert_int_eq(rud_network_create(&huge, &network), RUD_ENOMEM);
}
END_TEST

/* Mean and standard deviation of `count` parameters; within a tolerance of four standard errors. */
static void check_normal(const float *p, size_t count, double mean, double deviation)
{
    double sum = 0.0, squares = 0.0;
    for (size_t k = 0; k < count; k++) sum += (double)p[k];
    for (size_t k = 0; k < count; k++) squares += pow((double)p[k] - sum / (double)count, 2.0);
    const double error = 4.0 * deviation / sqrt((double)count);
    ck_assert_double_eq_tol(sum / (double)count, mean, error);
    ck_assert_double_eq_tol(sqrt(squares / (double)count), deviation, error);
}

static void check_uniform(const float *p, size_t count, double bound)
{
    check_normal(p, count, 0.0, bound / sqrt(3.0));
    for (size_t k = 0; k < count; k++) ck_assert_double_le(fabs((double)p[k]), bound);
}

static void check_constant(const float *p, size_t count, float value)
{
    for (size_t k = 0; k < count; k++) ck_assert(p[k] == value);
}

START_TEST(rudder_starts_as_the_paper_says)
{
    enum { D = 50, H = 400 };
    const rud_network_spec spec = {D, H, 1, 2, *rud_cell_preset("rudder"), false};
    rud_network *network;
    size_t count;
    ck_assert_ok(rud_network_create(&spec, &network));
    rud_network_initialise(network, 1);
    const float *p = rud_network_parameters(network, &count);
    const rud_gate_parameters i = rud_network_gate(network, 0, RUD_GATE_INPUT);
    const rud_gate_parameters z = rud_network_gate(network, 0, RUD_GATE_CELL_INPUT);
    check_normal(p + z.forward, H * D, 0.0, 0.1);
    check_normal(p + i.recurrent, H * H, 0.0, 0.1);
    check_normal(p + i.bias, H, -3.0, 1.0);
    check_normal(p + z.bias, H, 0.0, 1.0);
    check_uniform(p + rud_network_head_weight(network), 2 * H, 1.0 / 20.0);
    check_constant(p + rud_network_head_bias(network), 2, 0.0f);
    rud_network_free(&network);
}
END_TEST

START_TEST(other_cells_start_uniform)
{
    enum { D = 50, H = 100 };
    const rud_network_spec spec = {D, H, 2, 3, *rud_cell_preset("lstm"), false};
    rud_network *network, *other;
    size_t count;
    ck_assert_ok(rud_network_create(&spec, &network));
    rud_network_initialise(network, 1);
    const float *p = rud_network_parameters(network, &count);
    for (size_t l = 0; l < 2; l++) {
        for (size_t g = 0; g < RUD_GATES; g++) {
            const rud_gate_parameters at = rud_network_gate(network, l, (rud_gate)g);
            check_uniform(p + at.forward, H * (l == 0 ? D : H), 0.1);
            check_uniform(p + at.recurrent, H * H, 0.1);
            check_constant(p + at.bias, H, g == RUD_GATE_FORGET ? 1.0f : 0.0f);
        }
    }
    ck_assert_ok(rud_network_copy(network, &other));
    const float *q = rud_network_parameters(other, &count);
    rud_network_initialise(other, 2);
    ck_assert_mem_ne(p, q, count * sizeof *p);
    rud_network_initialise(other, 1);
    ck_assert_mem_eq(p, q, count * sizeof *p);
    rud_network_free(&network);
    rud_network_free(&other);
}
END_TEST

START_TEST(presets_are_listed)
{
    static const char *const names[] = {"lstm", "lstm1997", "rudder", "rudder-centred", "r-lstm"};
    for (size_t k = 0; k < 5; k++) {
        ck_assert_str_eq(rud_cell_preset_at(k)->name, names[k]);
        ck_assert_ptr_eq(rud_cell_preset(names[k]), rud_cell_preset_at(k));
    }
    ck_assert_ptr_null(rud_cell_preset_at(5));
    ck_assert_ptr_null(rud_cell_preset("LSTM"));
}
END_TEST

#if defined(__SSE2__)
enum { FLUSHING = 0x8040 };

static void compute_once(problem *p, rud_network_state *state, rud_adam *adam)
{
    float y[8];
    run(p);
    rud_network_step(p->network, state, p->x, y);
    ck_assert_ok(rud_adam_step(adam, rud_network_parameters(p->network, &p->count), p->gradients));
    p->gradients[0] = NAN;
    ck_assert_int_eq(
        rud_adam_step(adam, rud_network_parameters(p->network, &p->count), p->gradients),
        RUD_EDIVERGED);
}

START_TEST(subnormals_are_flushed_and_the_mode_restored)
{
    problem p = create_problem(all_sizes[1], cell_number(0), 1);
    rud_network_state *state;
    rud_adam *adam;
    const rud_adam_options options = rud_adam_options_default();
    ck_assert_ok(rud_network_state_create(p.network, &state));
    ck_assert_ok(rud_adam_create(&options, p.count, &adam));
    const unsigned before = _mm_getcsr();
    const unsigned modes[] = {0, 0x8000, 0x0040, FLUSHING};
    for (size_t k = 0; k < 4; k++) {
        _mm_setcsr((before & ~(unsigned)FLUSHING) | modes[k]);
        compute_once(&p, state, adam);
        ck_assert_uint_eq(_mm_getcsr() & FLUSHING, modes[k]);
    }
    _mm_setcsr(before & ~(unsigned)FLUSHING);
    volatile float small = 1e-30f, smaller = 1e-40f;
    const rud_compute_scope scope = rud_compute_begin();
    const volatile float product = small * 1e-10f, sum = smaller + smaller;
    rud_compute_end(scope);
    const volatile float kept = small * 1e-10f;
    ck_assert(product == 0.0f && sum == 0.0f && kept > 0.0f);
    _mm_setcsr(before);
    rud_network_state_free(&state);
    rud_adam_free(&adam);
    free_problem(&p);
}
END_TEST
#endif

Suite *test_suite(void)
{
    Suite *suite = suite_create("nn/network");
    TCase *passes = tcase_create("passes");
    tcase_add_loop_test(passes, passes_agree_with_the_reference, 0, CELLS);
    tcase_add_loop_test(passes, stored_gates_make_the_cell_state, 0, CELLS);
    tcase_add_loop_test(passes, a_batch_predicts_as_its_episodes_alone, 0, CELLS);
    tcase_add_loop_test(passes, single_steps_predict_as_the_whole_episode, 0, CELLS);
    tcase_add_loop_test(passes, repeated_runs_give_the_same_bits, 0, CELLS);
    tcase_add_test(passes, threads_share_a_network);
    tcase_add_loop_test(passes, memory_is_taken_once, 0, CELLS);
    tcase_add_loop_test(passes, gradients_and_dx_are_had_apart_too, 0, CELLS);
    tcase_add_test(passes, backward_needs_a_forward_pass);
    tcase_add_test(passes, forward_refuses_empty_and_endless_batches);
#if defined(__SSE2__)
    tcase_add_test(passes, subnormals_are_flushed_and_the_mode_restored);
#endif
    TCase *structure = tcase_create("structure");
    tcase_add_test(structure, structure_is_as_specified);
    tcase_add_test(structure, bad_specifications_are_refused);
    tcase_add_test(structure, rudder_starts_as_the_paper_says);
    tcase_add_test(structure, other_cells_start_uniform);
    tcase_add_test(structure, presets_are_listed);
    suite_add_tcase(suite, passes);
    suite_add_tcase(suite, structure);
    return suite;
}

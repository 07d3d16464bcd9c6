/* Contextual decomposition of chosen steps: every value is beta, what these steps brought about,
 * plus gamma, the rest. Murdoch et al. 2018, arXiv:1801.05453, section 3.2.
 *
 * An activation of beta + gamma + b is made linear, the bias first:
 *     L(b) = act(b)
 *     L(beta) = ((act(b + beta) - act(b)) + (act(b + beta + gamma) - act(b + gamma))) / 2
 *
 * and L(gamma) likewise. To beta of c_t go L_i(beta) (L_z(beta) + L_z(b)) + L_i(b) L_z(beta) and
 * (L_f(beta) + L_f(b)) beta_{t-1}, to gamma everything else. a_h(c_t) is split like an activation
 * without bias; the output gate is not decomposed. An absent gate is a bias: L(b) = 1.
 *
 * beta + gamma is what one forward pass stored, so only beta is walked here, for many choices of
 * steps side by side, and from the first chosen step on: before it beta is 0. */
#include <stdio.h>
#include <string.h>

#include "attribution/attribution_private.h"
#include "nn/products.h"
#include "nn/vector_math.h"

#if defined(__clang__)
/* `omp simd` permits vector code; where it does not come about, only time is lost. */
#pragma clang diagnostic ignored "-Wpass-failed"
#endif

/* Columns decomposed together: each an episode and its chosen steps. */
typedef struct column {
    size_t b, begin, end;
} column;

/* Arrays of beta, but for the bias. */
typedef struct decomposition {
    rud_attribution_call *call;
    const rud_activations *activations; /* of the forward pass */
    bool gates[RUD_GATES];              /* all */
    size_t T, columns;                  /* of the batch at work; `most` there may be */
    size_t from, chosen_end;            /* steps with beta, and with chosen inputs, lie within */
    size_t most, presents;              /* presents: gates there are */
    size_t through, all;                /* columns of the whole call */
    column *what;                       /* [columns] */
    size_t *lengths;                    /* [columns] */
    float *x;                           /* [T][columns][largest layer inputs]: a layer's */
    float *half_x;                      /* the same in reverse, of a bidirectional network */
    float *h[RUD_DIRECTIONS];           /* [T][columns][H]: of each half of the layer */
    float *pre;                         /* [T][columns][presents * H] */
    float *c;                           /* [columns][H] */
    float *bias, *of_bias;              /* [presents * H]: b and act(b) */
    float *panels;
} decomposition;

#define INLINE static inline __attribute__((always_inline))

/* L(beta) of an activation with bias b, which is `none` of b alone and `all` of the sum
 * beta + gamma + b. */
INLINE float linear_part(rud_activation activation, float beta, float b, float none, float sum,
                         float all)
{
    const float with_beta = rud_activate(activation, b + beta);
    const float with_gamma = rud_activate(activation, sum - beta);
    return 0.5f * ((with_beta - none) + (all - with_gamma));
}

/* A gate of one column at one step: beta of its pre-activation, b, act(b), and of beta + gamma + b
 * the forward pass's sum and activation. */
typedef struct gate_row {
    const float *beta, *bias, *of_bias, *sum, *all;
} gate_row;

/* One step of one column; absent gates are all NULL. */
typedef struct cell_row {
    gate_row gate[RUD_GATES];
    const float *c_sum, *activated; /* of the forward pass */
    float *c, *h;
} cell_row;

/* What the loop needs to know of a cell; a constant where a cell has a loop of its own. */
typedef struct shape {
    bool input, forget, output; /* gates that are there */
    rud_activation cell_input, hidden;
} shape;

/* L(b) and L(beta) of a gate; an absent one is a bias of 1. */
typedef struct gate_parts {
    float bias, beta;
} gate_parts;

INLINE gate_parts gate_of(bool there, const gate_row *row, rud_activation activation, size_t j)
{
    if (!there) return (gate_parts){1.0f, 0.0f};
    const float none = row->of_bias[j];
    return (gate_parts){
        none, linear_part(activation, row->beta[j], row->bias[j], none, row->sum[j], row->all[j])};
}

INLINE void cell_step(shape s, const cell_row *row, size_t H)
{
    const gate_row input = row->gate[RUD_GATE_INPUT], forget = row->gate[RUD_GATE_FORGET];
    const gate_row cell_input = row->gate[RUD_GATE_CELL_INPUT];
    const float *output = row->gate[RUD_GATE_OUTPUT].all;
    const float *c_sum = row->c_sum, *activated = row->activated;
    float *c = row->c, *h = row->h;
    const float zero = rud_activate(s.hidden, 0.0f);
#pragma omp simd
    for (size_t j = 0; j < H; j++) {
        const gate_parts i = gate_of(s.input, &input, RUD_SIGMOID, j);
        const gate_parts f = gate_of(s.forget, &forget, RUD_SIGMOID, j);
        const gate_parts z = gate_of(true, &cell_input, s.cell_input, j);
        const float cell = i.beta * (z.beta + z.bias) + i.bias * z.beta + (f.beta + f.bias) * c[j];
        float hidden = linear_part(s.hidden, cell, 0.0f, zero, c_sum[j], activated[j]);
        if (s.output) hidden *= output[j];
        c[j] = cell;
        h[j] = hidden;
    }
}

static void step_cell(const rud_cell *cell, const cell_row *row, size_t H)
{
    const shape s = {rud_gate_present(cell, RUD_GATE_INPUT),
                     rud_gate_present(cell, RUD_GATE_FORGET),
                     rud_gate_present(cell, RUD_GATE_OUTPUT), cell->cell_input, cell->hidden};
    const bool tanh_twice = s.cell_input == RUD_TANH && s.hidden == RUD_TANH;
    if (tanh_twice && s.input && s.forget && s.output)
        cell_step((shape){true, true, true, RUD_TANH, RUD_TANH}, row, H);
    else if (s.cell_input == RUD_TANH && s.hidden == RUD_IDENTITY && s.input && !s.forget &&
             !s.output)
        cell_step((shape){true, false, false, RUD_TANH, RUD_IDENTITY}, row, H);
    else
        cell_step(s, row, H);
}

/* Pre-activations of the walk from the inputs, 0 where a gate has no forward connection. */
static void project(const decomposition *d, const rud_gate_columns *gates, size_t layer,
                    const float *x)
{
    const rud_attribution_call *call = d->call;
    const size_t inputs = rud_layer_inputs(call->spec, layer), H = call->spec->hidden;
    const size_t width = gates->count * H, first = d->from * d->columns;
    const size_t end = layer == 0 ? d->chosen_end : d->T, rows = end * d->columns - first;
    memset(d->pre + first * width, 0, (d->T * d->columns - first) * width * sizeof *d->pre);
    for (size_t k = 0; k < gates->forward_blocks; k++) {
        const rud_gate_block *block = &gates->forward[k];
        const rud_panels W = rud_panels_pack(call->parameters + block->weights, inputs, true,
                                             inputs, block->gates * H, d->panels);
        rud_multiply(x + first * inputs, inputs, rows, &W, false,
                     d->pre + first * width + block->column * H, width);
    }
}

static void gather_bias(const decomposition *d, size_t layer, rud_direction direction,
                        const rud_gate_columns *gates)
{
    const rud_attribution_call *call = d->call;
    const size_t H = call->spec->hidden;
    for (size_t k = 0; k < gates->count; k++) {
        const rud_gate g = gates->gate[k];
        const size_t bias = rud_network_half_gate(call->network, layer, direction, g).bias;
        const rud_activation activation =
            g == RUD_GATE_CELL_INPUT ? call->spec->cell.cell_input : RUD_SIGMOID;
        for (size_t j = 0; j < H; j++) {
            const float b = bias == RUD_NOT_THERE ? 0.0f : call->parameters[bias + j];
            d->bias[k * H + j] = b;
            d->of_bias[k * H + j] = rud_activate(activation, b);
        }
    }
}

static void half_step(const decomposition *d, const rud_gate_columns *gates,
                      rud_direction direction, const rud_layer_view *view, size_t t)
{
    const rud_network_spec *spec = d->call->spec;
    const size_t H = spec->hidden, width = gates->count * H;
    for (size_t k = 0; k < d->columns; k++) {
        const size_t at = t * d->columns + k, stored = t * d->call->B + d->what[k].b;
        cell_row row = {.c = d->c + k * H,
                        .h = d->h[direction] + at * H,
                        .c_sum = view->c + stored * H,
                        .activated = view->activated + stored * H};
        for (size_t p = 0; p < gates->count; p++) {
            const rud_gate g = gates->gate[p];
            row.gate[g] =
                (gate_row){.beta = d->pre + at * width + p * H,
                           .bias = d->bias + p * H,
                           .of_bias = d->of_bias + p * H,
                           .sum = view->pre_activation[g] + stored * view->pre_activation_stride,
                           .all = view->gate[g] + stored * view->gate_stride};
        }
        step_cell(&spec->cell, &row, H);
    }
}

/* One half of one layer, in the order in which it reads x. */
static void decompose_half(const decomposition *d, size_t layer, rud_direction direction,
                           const float *x)
{
    const rud_attribution_call *call = d->call;
    const size_t H = call->spec->hidden, n = d->columns;
    const rud_gate_columns gates = rud_gate_columns_of(call->network, layer, direction, d->gates);
    const rud_layer_view view = rud_activations_half(d->activations, layer, direction);
    const size_t width = gates.count * H;
    rud_panels U[RUD_GATES];
    project(d, &gates, layer, x);
    float *panels = d->panels;
    for (size_t k = 0; k < gates.recurrent_blocks; k++) {
        const size_t out = gates.recurrent[k].gates * H;
        U[k] =
            rud_panels_pack(call->parameters + gates.recurrent[k].weights, H, true, H, out, panels);
        panels += rud_panels_size(H, out);
    }
    gather_bias(d, layer, direction, &gates);
    memset(d->c, 0, n * H * sizeof *d->c);
    for (size_t t = d->from; t < d->T; t++) {
        for (size_t k = 0; t > d->from && k < gates.recurrent_blocks; k++)
            rud_multiply(d->h[direction] + (t - 1) * n * H, H, n, &U[k], true,
                         d->pre + t * n * width + gates.recurrent[k].column * H, width);
        half_step(d, &gates, direction, &view, t);
    }
}

static void decompose_layer(const decomposition *d, size_t layer)
{
    const rud_network_spec *spec = d->call->spec;
    const rud_ragged ragged = {d->lengths, d->T, d->columns};
    const size_t D = rud_layer_inputs(spec, layer), H = spec->hidden;
    decompose_half(d, layer, RUD_FORWARD, d->x);
    if (spec->bidirectional) {
        rud_ragged_copy(&ragged, true, d->x, D, D, d->half_x, D);
        decompose_half(d, layer, RUD_REVERSE, d->half_x);
    }
    if (layer + 1 == spec->layers) return;
    const size_t above = rud_layer_inputs(spec, layer + 1);
    for (size_t k = 0; k < rud_directions(spec); k++)
        rud_ragged_copy(&ragged, k == RUD_REVERSE, d->h[k], H, H, d->x + k * H, above);
}

/* Lays out the inputs of the chosen steps, 0 at the others. */
static void choose_inputs(decomposition *d)
{
    const rud_attribution_call *call = d->call;
    const size_t D = call->D, n = d->columns;
    d->T = 1;
    d->from = call->T;
    d->chosen_end = 0;
    for (size_t k = 0; k < n; k++) {
        const column *c = &d->what[k];
        d->lengths[k] = rud_call_length(call, c->b);
        if (d->lengths[k] > d->T) d->T = d->lengths[k];
        if (c->begin < d->from) d->from = c->begin;
        if (c->end > d->chosen_end) d->chosen_end = c->end;
    }
    if (call->spec->bidirectional) { /* a reverse half comes to them at another time */
        d->from = 0;
        d->chosen_end = d->T;
    }
    memset(d->x + d->from * n * D, 0, (d->T - d->from) * n * D * sizeof *d->x);
    for (size_t k = 0; k < n; k++) {
        const column *c = &d->what[k];
        for (size_t t = c->begin; t < c->end; t++)
            memcpy(d->x + (t * n + k) * D, call->x + (t * call->B + c->b) * D, D * sizeof *call->x);
    }
}

/* scale * V h of column k's episode, or of its part beta. */
static double head(const decomposition *d, size_t k, bool part)
{
    const rud_attribution_call *call = d->call;
    const size_t H = call->spec->hidden, N = rud_head_inputs(call->spec);
    const size_t last = d->lengths[k] - 1, top = call->spec->layers - 1;
    const float *V =
        call->parameters + rud_network_head_weight(call->network) + call->options->output * N;
    double sum = 0.0;
    for (size_t i = 0; i < N; i++) {
        const size_t half = i / H;
        const float *h = part ? d->h[half] + (last * d->columns + k) * H
                              : rud_activations_half(d->activations, top, (rud_direction)half).h +
                                    (last * call->B + d->what[k].b) * H;
        sum += (double)V[i] * (double)h[i % H];
    }
    return call->scale * sum;
}

static void take(const decomposition *d)
{
    rud_attribution_call *call = d->call;
    for (size_t k = 0; k < d->columns; k++) {
        const column *c = &d->what[k];
        const double relevant = head(d, k, true);
        if (call->steps_as_one) {
            call->total[c->b] = relevant;
            call->irrelevant[c->b] = head(d, k, false) - relevant;
        } else {
            call->step_relevance[c->begin * call->B + c->b] = relevant;
        }
    }
}

static float *piece(float *block, size_t floats, size_t *used)
{
    float *at = block ? block + *used : NULL;
    *used += (floats + 15) / 16 * 16;
    return at;
}

/* Returns the floats in use; lays nothing out before there is a block. */
static size_t lay_out(float *block, decomposition *d)
{
    const rud_network_spec *spec = d->call->spec;
    const size_t n = d->most, steps = d->call->T * n, H = spec->hidden,
                 directions = rud_directions(spec);
    const size_t upper = spec->layers > 1 ? rud_layer_inputs(spec, 1) : 0;
    const size_t widest = d->call->D > upper ? d->call->D : upper;
    size_t used = 0;
    d->x = piece(block, steps * widest, &used);
    d->half_x = piece(block, spec->bidirectional ? steps * widest : 0, &used);
    for (size_t k = 0; k < directions; k++) d->h[k] = piece(block, steps * H, &used);
    d->pre = piece(block, steps * d->presents * H, &used);
    d->c = piece(block, n * H, &used);
    d->bias = piece(block, d->presents * H, &used);
    d->of_bias = piece(block, d->presents * H, &used);
    d->panels =
        piece(block, RUD_GATES * rud_panels_size(widest > H ? widest : H, d->presents * H), &used);
    return used;
}

static rud_status create(rud_attribution_call *call, size_t columns, decomposition *d)
{
    const rud_network_spec *spec = call->spec;
    const double H = (double)spec->hidden, D = (double)call->D;
    *d = (decomposition){.call = call,
                         .activations = call->memory->activations,
                         .gates = {true, true, true, true},
                         .all = columns};
    d->presents = rud_gate_columns_of(call->network, 0, RUD_FORWARD, d->gates).count;
    d->most = rud_columns_at_once(columns, (double)call->T * (2.0 * D + 10.0 * H));
    RUD_TRY(rud_buffer_reserve(&call->memory->walk, lay_out(NULL, d), sizeof(float)));
    lay_out(call->memory->walk.data, d);
    RUD_TRY(rud_buffer_reserve(&call->memory->batch, d->most, sizeof *d->what));
    RUD_TRY(rud_buffer_reserve(&call->memory->batch_lengths, d->most, sizeof *d->lengths));
    d->what = call->memory->batch.data;
    d->lengths = call->memory->batch_lengths.data;
    return RUD_OK;
}

static rud_status decompose_batch(decomposition *d)
{
    const rud_compute_scope scope = rud_compute_begin();
    choose_inputs(d);
    for (size_t l = 0; l < d->call->spec->layers; l++) decompose_layer(d, l);
    rud_compute_end(scope);
    take(d);
    d->through += d->columns;
    d->columns = 0;
    return rud_call_watch(d->call, d->through, d->all);
}

static rud_status check_steps(const rud_attribution_call *call)
{
    const rud_attribution_options *options = call->options;
    char episode[RUD_EPISODE_TEXT], chosen[48] = "";
    if (options->step != RUD_LAST_STEP)
        snprintf(chosen, sizeof chosen, " up to step %zu", options->step);
    for (size_t b = 0; b < call->B; b++)
        if (options->steps_end > rud_call_length(call, b))
            return rud_error(RUD_EINVAL, "steps %zu:%zu: %s has %zu inputs%s; that is the last end",
                             options->steps_begin, options->steps_end,
                             rud_call_episode(call, b, episode), rud_call_length(call, b), chosen);
    return RUD_OK;
}

/* The forward pass, with all that it is made of. */
static rud_status run_forward(rud_attribution_call *call, const bool gates[RUD_GATES])
{
    rud_activations *activations = call->memory->activations;
    rud_activations_keep(activations, gates, 0.0f);
    RUD_TRY(rud_network_forward(call->network, call->x, call->ragged.lengths, call->T, call->B,
                                activations));
    const float *y = rud_activations_outputs(activations);
    for (size_t b = 0; b < call->B; b++)
        call->prediction[b] = rud_call_prediction(
            call, y + ((rud_call_length(call, b) - 1) * call->B + b) * call->spec->outputs);
    return RUD_OK;
}

static rud_status add_column(decomposition *d, column what)
{
    d->what[d->columns++] = what;
    return d->columns == d->most ? decompose_batch(d) : RUD_OK;
}

/* Each step by itself goes step by step: a batch then begins with its first step. */
static rud_status decompose_all(decomposition *d)
{
    const rud_attribution_call *call = d->call;
    const rud_attribution_options *options = call->options;
    for (size_t b = 0; call->steps_as_one && b < call->B; b++)
        RUD_TRY(add_column(d, (column){b, options->steps_begin, options->steps_end}));
    for (size_t t = 0; !call->steps_as_one && t < call->T; t++)
        for (size_t b = 0; b < call->B; b++)
            if (t < rud_call_length(call, b)) RUD_TRY(add_column(d, (column){b, t, t + 1}));
    return d->columns > 0 ? decompose_batch(d) : RUD_OK;
}

rud_status rud_run_decomposition(rud_attribution_call *call)
{
    const rud_attribution_options *options = call->options;
    const bool none[RUD_GATES] = {false};
    decomposition d;
    size_t columns = 0;
    call->steps_as_one = call->conserves = options->steps_end > 0;
    RUD_TRY(check_steps(call));
    for (size_t b = 0; b < call->B; b++)
        columns += call->steps_as_one ? 1 : rud_call_length(call, b);
    RUD_TRY(create(call, columns, &d));
    rud_status status = run_forward(call, d.gates);
    if (status == RUD_OK) status = decompose_all(&d);
    rud_activations_keep(call->memory->activations, none, 0.0f);
    RUD_TRY(status);
    const float bias = call->parameters[rud_network_head_bias(call->network) + options->output];
    if (call->steps_as_one) call->constant = call->scale * (double)bias + call->offset;
    return RUD_OK;
}

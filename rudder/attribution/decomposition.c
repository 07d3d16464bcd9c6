/* Contextual decomposition of chosen steps: every value is beta, what these steps brought about,
 * plus gamma, the rest. Murdoch et al. 2018, arXiv:1801.05453, section 3.2.
 *
 * An activation of beta + gamma + b is made linear, the bias first:
 *     L(b) = act(b),  L(beta) = mean of act(b + beta) - act(b) and act(b + beta + gamma) - act(b +
 * gamma) and L(gamma) likewise. To beta of c_t go L_i(beta) (L_z(beta) + L_z(b)) + L_i(b) L_z(beta)
 * and (L_f(beta) + L_f(b)) beta_{t-1}, to gamma everything else. a_h(c_t) is split like an
 * activation without bias; the output gate is not decomposed. An absent gate is a bias: L(b) = 1.
 */
#include <stdio.h>
#include <string.h>

#include "attribution/attribution_private.h"
#include "nn/products.h"
#include "nn/vector_math.h"

#if defined(__clang__)
/* `omp simd` permits vector code; where it does not come about, only time is lost. */
#pragma clang diagnostic ignored "-Wpass-failed"
#endif

enum { BETA, GAMMA, PARTS };

/* Columns decomposed together: each an episode and its chosen steps. */
typedef struct column {
    size_t b, begin, end;
} column;

typedef struct decomposition {
    rud_attribution_call *call;
    bool gates[RUD_GATES];           /* all */
    size_t T, columns;               /* of the batch at work; `most` there may be */
    size_t most, presents;           /* presents: gates there are */
    size_t through, all;             /* columns of the whole call */
    column *what;                    /* [columns] */
    size_t *lengths;                 /* [columns] */
    float *x[PARTS];                 /* [T][columns][largest layer inputs]: what a layer reads */
    float *half_x[PARTS];            /* the same in reverse, of a bidirectional network */
    float *h[RUD_DIRECTIONS][PARTS]; /* [T][columns][H]: of each half of the layer */
    float *pre[PARTS];               /* [T][columns][presents * H] */
    float *c[PARTS];                 /* [columns][H] */
    float *bias;                     /* [presents * H] */
    float *panels;
} decomposition;

typedef struct parts {
    float beta, gamma;
} parts;

#define INLINE static inline __attribute__((always_inline))

/* L(beta) and L(gamma) of an activation with bias b. */
INLINE parts linear_parts(rud_activation activation, float beta, float gamma, float b)
{
    const float none = rud_activate(activation, b);
    const float with_beta = rud_activate(activation, b + beta);
    const float with_gamma = rud_activate(activation, b + gamma);
    const float both = rud_activate(activation, b + beta + gamma);
    return (parts){0.5f * ((with_beta - none) + (both - with_gamma)),
                   0.5f * ((with_gamma - none) + (both - with_beta))};
}

/* One step of one column; what is NULL is absent. */
typedef struct cell_row {
    const float *pre[PARTS][RUD_GATES], *bias[RUD_GATES];
    float *c[PARTS], *h[PARTS];
} cell_row;

/* A gate's bias and parts; of an absent one a bias of 1. */
typedef struct gate_parts {
    float bias, beta, gamma;
} gate_parts;

INLINE gate_parts gate_of(bool there, const cell_row *row, rud_gate g, rud_activation activation,
                          size_t j)
{
    if (!there) return (gate_parts){1.0f, 0.0f, 0.0f};
    const float b = row->bias[g][j];
    const parts p = linear_parts(activation, row->pre[BETA][g][j], row->pre[GAMMA][g][j], b);
    return (gate_parts){rud_activate(activation, b), p.beta, p.gamma};
}

static void cell_step(const rud_cell *cell, const cell_row *row, size_t H)
{
    const bool input = rud_gate_present(cell, RUD_GATE_INPUT);
    const bool forget = rud_gate_present(cell, RUD_GATE_FORGET);
    const bool output = rud_gate_present(cell, RUD_GATE_OUTPUT);
    const rud_gate og = RUD_GATE_OUTPUT;
#pragma omp simd
    for (size_t j = 0; j < H; j++) {
        const gate_parts i = gate_of(input, row, RUD_GATE_INPUT, RUD_SIGMOID, j);
        const gate_parts f = gate_of(forget, row, RUD_GATE_FORGET, RUD_SIGMOID, j);
        const gate_parts z = gate_of(true, row, RUD_GATE_CELL_INPUT, cell->cell_input, j);
        const float beta = row->c[BETA][j], gamma = row->c[GAMMA][j];
        const float own = f.beta + f.bias; /* what the chosen steps keep of c_{t-1} */
        const float c_beta = i.beta * (z.beta + z.bias) + i.bias * z.beta + own * beta;
        const float c_gamma = i.gamma * (z.bias + z.beta + z.gamma) + (i.bias + i.beta) * z.gamma +
                              i.bias * z.bias + own * gamma + f.gamma * (beta + gamma);
        row->c[BETA][j] = c_beta;
        row->c[GAMMA][j] = c_gamma;
        const parts a = linear_parts(cell->hidden, c_beta, c_gamma, 0.0f);
        const float o =
            output ? rud_sigmoid(row->pre[BETA][og][j] + row->pre[GAMMA][og][j] + row->bias[og][j])
                   : 1.0f;
        row->h[BETA][j] = o * a.beta;
        row->h[GAMMA][j] = o * a.gamma;
    }
}

/* Pre-activations of all steps from the inputs, 0 where a gate has no forward connection. */
static void project(const decomposition *d, const rud_gate_columns *gates, size_t inputs,
                    const float *const x[PARTS])
{
    const rud_attribution_call *call = d->call;
    const size_t H = call->spec->hidden, width = gates->count * H, rows = d->T * d->columns;
    for (size_t p = 0; p < PARTS; p++) memset(d->pre[p], 0, rows * width * sizeof *d->pre[p]);
    for (size_t k = 0; k < gates->forward_blocks; k++) {
        const rud_gate_block *block = &gates->forward[k];
        const rud_panels W = rud_panels_pack(call->parameters + block->weights, inputs, true,
                                             inputs, block->gates * H, d->panels);
        for (size_t p = 0; p < PARTS; p++)
            rud_multiply(x[p], inputs, rows, &W, false, d->pre[p] + block->column * H, width);
    }
}

static void gather_bias(const decomposition *d, size_t layer, rud_direction direction,
                        const rud_gate_columns *gates)
{
    const rud_attribution_call *call = d->call;
    const size_t H = call->spec->hidden;
    for (size_t k = 0; k < gates->count; k++) {
        const size_t bias =
            rud_network_half_gate(call->network, layer, direction, gates->gate[k]).bias;
        for (size_t j = 0; j < H; j++)
            d->bias[k * H + j] = bias == RUD_NOT_THERE ? 0.0f : call->parameters[bias + j];
    }
}

static void half_step(const decomposition *d, const rud_gate_columns *gates,
                      rud_direction direction, size_t t)
{
    const rud_network_spec *spec = d->call->spec;
    const size_t H = spec->hidden, width = gates->count * H;
    for (size_t k = 0; k < d->columns; k++) {
        const size_t at = t * d->columns + k;
        cell_row row = {0};
        for (size_t p = 0; p < PARTS; p++) {
            row.c[p] = d->c[p] + k * H;
            row.h[p] = d->h[direction][p] + at * H;
            for (size_t g = 0; g < gates->count; g++)
                row.pre[p][gates->gate[g]] = d->pre[p] + at * width + g * H;
        }
        for (size_t g = 0; g < gates->count; g++) row.bias[gates->gate[g]] = d->bias + g * H;
        cell_step(&spec->cell, &row, H);
    }
}

/* One half of one layer, in the order in which it reads x. */
static void decompose_half(const decomposition *d, size_t layer, rud_direction direction,
                           const float *const x[PARTS])
{
    const rud_attribution_call *call = d->call;
    const size_t H = call->spec->hidden, n = d->columns;
    const rud_gate_columns gates = rud_gate_columns_of(call->network, layer, direction, d->gates);
    const size_t width = gates.count * H;
    rud_panels U[RUD_GATES];
    project(d, &gates, rud_layer_inputs(call->spec, layer), x);
    float *panels = d->panels;
    for (size_t k = 0; k < gates.recurrent_blocks; k++) {
        const size_t out = gates.recurrent[k].gates * H;
        U[k] =
            rud_panels_pack(call->parameters + gates.recurrent[k].weights, H, true, H, out, panels);
        panels += rud_panels_size(H, out);
    }
    gather_bias(d, layer, direction, &gates);
    for (size_t p = 0; p < PARTS; p++) memset(d->c[p], 0, n * H * sizeof *d->c[p]);
    for (size_t t = 0; t < d->T; t++) {
        for (size_t k = 0; t > 0 && k < gates.recurrent_blocks; k++)
            for (size_t p = 0; p < PARTS; p++)
                rud_multiply(d->h[direction][p] + (t - 1) * n * H, H, n, &U[k], true,
                             d->pre[p] + t * n * width + gates.recurrent[k].column * H, width);
        half_step(d, &gates, direction, t);
    }
}

static void decompose_layer(const decomposition *d, size_t layer)
{
    const rud_network_spec *spec = d->call->spec;
    const rud_ragged ragged = {d->lengths, d->T, d->columns};
    const size_t D = rud_layer_inputs(spec, layer), H = spec->hidden;
    const float *const x[PARTS] = {d->x[BETA], d->x[GAMMA]};
    decompose_half(d, layer, RUD_FORWARD, x);
    if (spec->bidirectional) {
        const float *const reverse[PARTS] = {d->half_x[BETA], d->half_x[GAMMA]};
        for (size_t p = 0; p < PARTS; p++)
            rud_ragged_copy(&ragged, true, d->x[p], D, D, d->half_x[p], D);
        decompose_half(d, layer, RUD_REVERSE, reverse);
    }
    if (layer + 1 == spec->layers) return;
    const size_t above = rud_layer_inputs(spec, layer + 1);
    for (size_t k = 0; k < rud_directions(spec); k++)
        for (size_t p = 0; p < PARTS; p++)
            rud_ragged_copy(&ragged, k == RUD_REVERSE, d->h[k][p], H, H, d->x[p] + k * H, above);
}

/* Splits the inputs of the batch into those of the chosen steps and the others. */
static void split_inputs(decomposition *d)
{
    const rud_attribution_call *call = d->call;
    const size_t D = call->D, n = d->columns;
    d->T = 1;
    for (size_t k = 0; k < n; k++) {
        d->lengths[k] = rud_call_length(call, d->what[k].b);
        if (d->lengths[k] > d->T) d->T = d->lengths[k];
    }
    for (size_t p = 0; p < PARTS; p++) memset(d->x[p], 0, d->T * n * D * sizeof *d->x[p]);
    for (size_t k = 0; k < n; k++) {
        const column *c = &d->what[k];
        for (size_t t = 0; t < d->lengths[k]; t++)
            memcpy(d->x[t >= c->begin && t < c->end ? BETA : GAMMA] + (t * n + k) * D,
                   call->x + (t * call->B + c->b) * D, D * sizeof *call->x);
    }
}

/* V h of column k's final states. */
static double head(const decomposition *d, size_t k, size_t part)
{
    const rud_attribution_call *call = d->call;
    const size_t H = call->spec->hidden, N = rud_head_inputs(call->spec);
    const float *V =
        call->parameters + rud_network_head_weight(call->network) + call->options->output * N;
    double sum = 0.0;
    for (size_t i = 0; i < N; i++) {
        const float *h = d->h[i / H][part] + ((d->lengths[k] - 1) * d->columns + k) * H;
        sum += (double)V[i] * (double)h[i % H];
    }
    return call->scale * sum;
}

static void take(const decomposition *d)
{
    rud_attribution_call *call = d->call;
    for (size_t k = 0; k < d->columns; k++) {
        const column *c = &d->what[k];
        const double relevant = head(d, k, BETA), rest = head(d, k, GAMMA);
        if (call->steps_as_one) {
            call->total[c->b] = relevant;
            call->irrelevant[c->b] = rest;
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
    for (size_t p = 0; p < PARTS; p++) {
        d->x[p] = piece(block, steps * widest, &used);
        d->half_x[p] = piece(block, spec->bidirectional ? steps * widest : 0, &used);
        for (size_t k = 0; k < directions; k++) d->h[k][p] = piece(block, steps * H, &used);
        d->pre[p] = piece(block, steps * d->presents * H, &used);
        d->c[p] = piece(block, n * H, &used);
    }
    d->bias = piece(block, d->presents * H, &used);
    d->panels =
        piece(block, RUD_GATES * rud_panels_size(widest > H ? widest : H, d->presents * H), &used);
    return used;
}

static rud_status create(rud_attribution_call *call, size_t columns, decomposition *d)
{
    const rud_network_spec *spec = call->spec;
    const double H = (double)spec->hidden, D = (double)call->D;
    *d = (decomposition){.call = call, .gates = {true, true, true, true}, .all = columns};
    d->presents = rud_gate_columns_of(call->network, 0, RUD_FORWARD, d->gates).count;
    d->most = rud_columns_at_once(columns, (double)call->T * (4.0 * D + 18.0 * H));
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
    split_inputs(d);
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

rud_status rud_run_decomposition(rud_attribution_call *call)
{
    const rud_attribution_options *options = call->options;
    decomposition d;
    size_t columns = 0;
    call->steps_as_one = call->conserves = options->steps_end > 0;
    RUD_TRY(check_steps(call));
    RUD_TRY(rud_call_predict(call));
    for (size_t b = 0; b < call->B; b++)
        columns += call->steps_as_one ? 1 : rud_call_length(call, b);
    RUD_TRY(create(call, columns, &d));
    for (size_t b = 0; b < call->B; b++) {
        for (size_t t = 0; t < (call->steps_as_one ? 1 : rud_call_length(call, b)); t++) {
            d.what[d.columns++] = call->steps_as_one
                                      ? (column){b, options->steps_begin, options->steps_end}
                                      : (column){b, t, t + 1};
            if (d.columns == d.most) RUD_TRY(decompose_batch(&d));
        }
    }
    if (d.columns > 0) RUD_TRY(decompose_batch(&d));
    const float bias = call->parameters[rud_network_head_bias(call->network) + options->output];
    if (call->steps_as_one) call->constant = call->scale * (double)bias + call->offset;
    return RUD_OK;
}

/* Layer-wise relevance propagation: one walk from the head back to the inputs, for every rule,
 * stack and direction, over the stored activations of the whole batch. The rules are in lrp_step.c.
 */
#include <math.h>
#include <string.h>

#include "attribution/lrp_private.h"
#include "nn/products.h"

/* Rows whose messages go on to the inputs in one matrix product. */
enum { BLOCK_ROWS = 128 };

#define INLINE static inline __attribute__((always_inline))

typedef struct walk {
    rud_attribution_call *call;
    const rud_activations *activations;
    rud_lrp_cell cell;
    bool gates[RUD_GATES];        /* that get relevance */
    float *finals;                /* [B][directions * H]: relevance of the top's final states */
    float *above[RUD_DIRECTIONS]; /* [T][B][H]: of every h of a lower layer's halves */
    size_t block;                 /* steps whose messages are kept */
    float *messages;              /* [block][B][columns * H] */
    float *layer_x, *half_x; /* [T][B][largest layer inputs]: of a bidirectional layer's inputs */
    float *shared_x;         /* [block][B]: what each input of a step got spread */
    float *panels;
    float *back, *c_relevance; /* [B][H] */
    float *shared_h;           /* [B] */
    rud_lrp_notes *notes;      /* [B] */
    float *bias, *zeros, *q;   /* [columns * H], [H], [H] */
} walk;

/* What becomes of what a gate's linear layer keeps: bias_factor of it goes to the inputs of that
 * layer, to each unit of x and h alike; the rest, and all where there are no inputs, is absorbed.
 */
typedef struct kept_shares {
    double x, h, absorbed;
} kept_shares;

/* One half of one layer. */
typedef struct half_walk {
    const walk *w;
    size_t layer, inputs; /* inputs: of the layer */
    rud_direction direction;
    rud_gate_columns columns;
    kept_shares shares[RUD_GATES]; /* of each column */
    rud_layer_view view;
    rud_panels recurrent[RUD_GATES], forward[RUD_GATES]; /* of each block of columns */
    float *R; /* [T][B][inputs]: relevance of what the half reads, in its order; out */
} half_walk;

/* Hands out pieces of one block; before there is a block, counts only. */
static float *piece(float *block, size_t floats, size_t *used)
{
    float *at = block ? block + *used : NULL;
    *used += (floats + 15) / 16 * 16;
    return at;
}

static size_t most_columns(const walk *w)
{
    return rud_gate_columns_of(w->call->network, 0, RUD_FORWARD, w->gates).count;
}

/* Returns the floats in use. */
static size_t lay_out(float *block, walk *w)
{
    const rud_attribution_call *call = w->call;
    const rud_network_spec *spec = call->spec;
    const size_t B = call->B, steps = call->T * B, H = spec->hidden, dirs = rud_directions(spec);
    const size_t columns = most_columns(w),
                 upper = spec->layers > 1 ? rud_layer_inputs(spec, 1) : 0;
    const size_t widest = call->D > upper ? call->D : upper;
    const size_t panels = columns * (rud_panels_size(H, H) + rud_panels_size(H, widest));
    size_t used = 0;
    w->finals = piece(block, B * dirs * H, &used);
    for (size_t d = 0; d < dirs; d++)
        w->above[d] = piece(block, spec->layers > 1 ? steps * H : 0, &used);
    w->messages = piece(block, w->block * B * columns * H, &used);
    w->layer_x = piece(block, spec->bidirectional && spec->layers > 1 ? steps * upper : 0, &used);
    w->half_x = piece(block, spec->bidirectional ? steps * widest : 0, &used);
    w->shared_x = piece(block, w->block * B, &used);
    w->panels = piece(block, panels, &used);
    w->back = piece(block, B * H, &used);
    w->c_relevance = piece(block, B * H, &used);
    w->shared_h = piece(block, B, &used);
    w->notes = (void *)piece(block, B * sizeof *w->notes / sizeof(float), &used);
    w->bias = piece(block, columns * H, &used);
    w->zeros = piece(block, H, &used);
    w->q = piece(block, H, &used);
    return used;
}

static void gates_with_relevance(const rud_attribution_options *options, bool gates[RUD_GATES])
{
    const bool all = rud_gates_get_relevance(rud_product_rule_of(options->rule));
    for (size_t g = 0; g < RUD_GATES; g++) gates[g] = all || g == RUD_GATE_CELL_INPUT;
}

static rud_status create(rud_attribution_call *call, walk *w)
{
    const rud_attribution_options *options = call->options;
    const rud_product_rule *rule = rud_product_rule_of(options->rule);
    const double product_epsilon = rud_attribution_settled(options).product_epsilon;
    *w = (walk){.call = call,
                .cell = {.H = call->spec->hidden,
                         .rule = rule,
                         .epsilon = (float)options->epsilon,
                         .product_epsilon = (float)product_epsilon,
                         .bias_factor = (float)options->bias_factor,
                         .gates_get = rud_gates_get_relevance(rule),
                         .safe = options->epsilon >= RUD_NEAR_ZERO}};
    gates_with_relevance(options, w->gates);
    w->block = (BLOCK_ROWS + call->B - 1) / call->B;
    if (w->block > call->T) w->block = call->T;
    RUD_TRY(rud_buffer_reserve(&call->memory->walk, lay_out(NULL, w), sizeof(float)));
    lay_out(call->memory->walk.data, w);
    memset(w->zeros, 0, w->cell.H * sizeof *w->zeros);
    return rud_call_relevance(call);
}

static void note_largest(const walk *w, size_t b, uint32_t bits)
{
    float number;
    memcpy(&number, &bits, sizeof number);
    /* NaN and infinity stay: they are refused at the end. */
    if (!((double)number <= w->call->largest[b])) w->call->largest[b] = (double)number;
}

/* Through the head, in double: R_i = (h_i V_i + delta (b + eps sign(y)) / N) / (y + eps sign(y)) R.
 * What it keeps goes to the first step. */
static void head(const walk *w, const float *const h[RUD_DIRECTIONS], size_t b, double R)
{
    rud_attribution_call *call = w->call;
    const rud_attribution_options *options = call->options;
    const size_t H = w->cell.H, dirs = rud_directions(call->spec), N = dirs * H;
    const float *V =
        call->parameters + rud_network_head_weight(call->network) + options->output * N;
    const double bias =
        (double)call->parameters[rud_network_head_bias(call->network) + options->output];
    double y = bias;
    for (size_t k = 0; k < N; k++) y += (double)h[k / H][k % H] * (double)V[k];
    const double own = bias + (y < 0.0 ? -options->epsilon : options->epsilon);
    const double denominator = y + (own - bias);
    const double q = denominator == 0.0 ? 0.0 : R / denominator;
    const double kept = denominator == 0.0 ? R : own * q;
    const double spread = options->bias_factor * kept / (double)N;
    for (size_t k = 0; k < N; k++)
        w->finals[b * N + k] = (float)((double)h[k / H][k % H] * (double)V[k] * q + spread);
    call->absorbed[b] += (1.0 - options->bias_factor) * kept + call->offset;
    call->largest[b] = fabs(R);
    note_largest(w, b, rud_largest_magnitude(w->finals + b * N, N, 0));
    call->growth[b] = call->largest[b]; /* until the walk's end: where it starts from */
    call->near_zero[b] += R != 0.0 && fabs(denominator) < RUD_NEAR_ZERO;
}

static void start(const walk *w)
{
    rud_attribution_call *call = w->call;
    const size_t B = call->B, H = w->cell.H, K = call->spec->outputs;
    const size_t top = call->spec->layers - 1;
    const float *y = rud_activations_outputs(w->activations);
    for (size_t b = 0; b < B; b++) {
        const size_t last = (rud_call_length(call, b) - 1) * B + b;
        const float *h[RUD_DIRECTIONS] = {NULL};
        for (size_t d = 0; d < rud_directions(call->spec); d++)
            h[d] = rud_activations_half(w->activations, top, (rud_direction)d).h + last * H;
        call->prediction[b] = rud_call_prediction(call, y + last * K);
        head(w, h, b, call->prediction[b] - call->offset);
    }
}

/* Biases of the gates that get relevance, 0 where there is none. */
static void gather_bias(const half_walk *half)
{
    const rud_attribution_call *call = half->w->call;
    const size_t H = half->w->cell.H;
    for (size_t k = 0; k < half->columns.count; k++) {
        const size_t bias = rud_network_half_gate(call->network, half->layer, half->direction,
                                                  half->columns.gate[k])
                                .bias;
        float *to = half->w->bias + k * H;
        if (bias == RUD_NOT_THERE)
            memset(to, 0, H * sizeof *to);
        else
            memcpy(to, call->parameters + bias, H * sizeof *to);
    }
}

static void find_shares(half_walk *half)
{
    const rud_attribution_call *call = half->w->call;
    const double delta = call->options->bias_factor;
    for (size_t k = 0; k < half->columns.count; k++) {
        const rud_connections *has = &call->spec->cell.gates[half->columns.gate[k]];
        const size_t inputs =
            (has->forward ? half->inputs : 0) + (has->recurrent ? call->spec->hidden : 0);
        const double each = inputs > 0 ? delta / (double)inputs : 0.0;
        half->shares[k] = (kept_shares){.x = has->forward ? each : 0.0,
                                        .h = has->recurrent ? each : 0.0,
                                        .absorbed = inputs > 0 ? 1.0 - delta : 1.0};
    }
}

/* Where relevance of h_t comes from above: of the top layer only its final state has some. */
static const float *above_row(const half_walk *half, size_t t, size_t b)
{
    const walk *w = half->w;
    const rud_attribution_call *call = w->call;
    const size_t H = w->cell.H;
    if (half->layer + 1 < call->spec->layers)
        return w->above[half->direction] + (t * call->B + b) * H;
    if (t + 1 < rud_call_length(call, b)) return w->zeros;
    return w->finals + (b * rud_directions(call->spec) + (size_t)half->direction) * H;
}

/* What a step of one episode reads and leaves. */
static void find_row(const half_walk *half, size_t t, size_t b, rud_lrp_row *row)
{
    const walk *w = half->w;
    const rud_layer_view *view = &half->view;
    const size_t H = w->cell.H, B = w->call->B, at = t * B + b;
    row->above = above_row(half, t, b);
    row->h = view->h + at * H;
    row->back = w->back + b * H;
    row->shared = w->shared_h[b];
    row->c = view->c + at * H;
    row->c_previous = t > 0 ? view->c + (at - B) * H : w->zeros;
    row->activated = view->activated + at * H;
    row->q = w->q;
    row->c_relevance = w->c_relevance + b * H;
    for (size_t g = 0; g < RUD_GATES; g++)
        row->gate[g] = view->gate[g] ? view->gate[g] + at * view->gate_stride : NULL;
    float *messages = w->messages + (t % w->block * B + b) * half->columns.count * H;
    for (size_t k = 0; k < half->columns.count; k++) {
        const rud_gate g = half->columns.gate[k];
        row->pre[g] = view->pre_activation[g] + at * view->pre_activation_stride;
        row->bias[g] = w->bias + k * H;
        row->message[g] = messages + k * H;
    }
}

/* Shares out what a step kept. */
static void share_out(const half_walk *half, size_t t, size_t b, const rud_lrp_kept *kept)
{
    const walk *w = half->w;
    rud_attribution_call *call = w->call;
    const double to_steps = 1.0 - call->options->bias_factor;
    double absorbed = (double)kept->products + to_steps * (double)kept->accumulation;
    double to_x = 0.0, to_h = 0.0;
    for (size_t k = 0; k < half->columns.count; k++) {
        const double linear = (double)kept->linear[half->columns.gate[k]];
        absorbed += half->shares[k].absorbed * linear;
        to_x += half->shares[k].x * linear;
        to_h += half->shares[k].h * linear;
    }
    const size_t length = rud_call_length(call, b);
    const size_t step = half->direction == RUD_REVERSE ? length - 1 - t : t;
    call->absorbed[step * call->B + b] += absorbed;
    w->shared_x[t % w->block * call->B + b] = (float)to_x;
    w->shared_h[b] = (float)to_h;
}

/* The weights of each block of gates, packed one behind the other; returns where the next ones may
 * stand. */
static float *pack(const half_walk *half, const rud_gate_block *blocks, size_t count, size_t inputs,
                   float *panels, rud_panels *packed)
{
    const walk *w = half->w;
    for (size_t k = 0; k < count; k++) {
        const size_t rows = blocks[k].gates * w->cell.H;
        packed[k] = rud_panels_pack(w->call->parameters + blocks[k].weights, inputs, false, rows,
                                    inputs, panels);
        panels += rud_panels_size(rows, inputs);
    }
    return panels;
}

/* R_x = x * (W^T s) + what was spread, of `steps` steps from `first` on, whose messages are at
 * hand; 0 behind an episode's end. */
static void walk_inputs(const half_walk *half, size_t first, size_t steps)
{
    const walk *w = half->w;
    const rud_attribution_call *call = w->call;
    const size_t B = call->B, H = w->cell.H, D = half->inputs;
    float *R = half->R + first * B * D;
    for (size_t k = 0; k < half->columns.forward_blocks; k++)
        rud_multiply(w->messages + half->columns.forward[k].column * H, half->columns.count * H,
                     steps * B, &half->forward[k], k > 0, R, D);
    if (half->columns.forward_blocks == 0) memset(R, 0, steps * B * D * sizeof *R);
    for (size_t row = 0; row < steps * B; row++) {
        const size_t t = first + row / B, b = row % B;
        if (t >= rud_call_length(call, b))
            memset(R + row * D, 0, D * sizeof *R);
        else
            rud_lrp_inputs(half->view.x + (t * B + b) * D, w->shared_x[row], D, R + row * D,
                           &w->notes[b]);
    }
}

INLINE void prefetch(const float *row, size_t count)
{
    enum { CACHE_LINE_FLOATS = 16 };
    for (size_t k = 0; k < count; k += CACHE_LINE_FLOATS) __builtin_prefetch(row + k);
}

/* Fetches what a row that comes soon reads, and its relevance's place: going back in time, in
 * pieces of H, is an order that the processor does not foresee. Its c was the c_{t-1} of a row
 * before. Inlined by force: gcc drops calls of a function that only prefetches as calls without
 * effect. */
INLINE void prefetch_row(const half_walk *half, size_t t, size_t b)
{
    enum { ROWS_AHEAD = 4 };
    const rud_layer_view *view = &half->view;
    const size_t B = half->w->call->B, H = half->w->cell.H, D = half->inputs;
    const size_t steps_back = (b + ROWS_AHEAD) / B;
    if (steps_back >= t) return;
    const size_t at = (t - steps_back) * B + (b + ROWS_AHEAD) % B;
    prefetch(view->h + at * H, H);
    prefetch(view->c + (at - B) * H, H);
    prefetch(view->x + at * D, D);
    prefetch(half->R + at * D, D);
    for (size_t g = 0; g < RUD_GATES; g++)
        if (view->gate[g] && (g == RUD_GATE_INPUT || half->w->gates[g]))
            prefetch(view->gate[g] + at * view->gate_stride, H);
    for (size_t k = 0; k < half->columns.count; k++)
        prefetch(view->pre_activation[half->columns.gate[k]] + at * view->pre_activation_stride, H);
}

/* Step t: relevance of h_t and c_t, of all episodes, to messages and what comes back to h_{t-1} and
 * c_{t-1}. */
static void walk_step(const half_walk *half, size_t t)
{
    const walk *w = half->w;
    const rud_attribution_call *call = w->call;
    const size_t B = call->B, H = w->cell.H, width = half->columns.count * H;
    float *messages = w->messages + t % w->block * B * width;
    rud_lrp_row row = {0};
    for (size_t b = 0; b < B; b++) {
        prefetch_row(half, t, b);
        if (t >= rud_call_length(call, b)) {
            memset(messages + b * width, 0, width * sizeof *messages);
            continue;
        }
        find_row(half, t, b, &row);
        rud_lrp_kept kept = {0};
        rud_lrp_step(&w->cell, &row, &kept, &w->notes[b]);
        share_out(half, t, b, &kept);
    }
    for (size_t k = 0; t > 0 && k < half->columns.recurrent_blocks; k++)
        rud_multiply(messages + half->columns.recurrent[k].column * H, width, B,
                     &half->recurrent[k], k > 0, w->back, H);
}

/* What is left when the walk is through. */
static void end_half(const half_walk *half)
{
    const walk *w = half->w;
    rud_attribution_call *call = w->call;
    const size_t B = call->B, H = w->cell.H;
    for (size_t b = 0; b < B; b++) {
        call->initial[b] += (double)w->shared_h[b] * (double)H;
        for (size_t j = 0; j < H; j++) call->initial[b] += (double)w->c_relevance[b * H + j];
        for (size_t k = 0; k < RUD_LANES; k++) {
            note_largest(w, b, w->notes[b].largest[k]);
            call->near_zero[b] += w->notes[b].near_zero[k];
        }
    }
}

/* R as in half_walk. The messages of a few steps go on to the inputs while they are in the cache.
 */
static void walk_half(const walk *w, size_t layer, rud_direction direction, float *R)
{
    const rud_attribution_call *call = w->call;
    const size_t B = call->B, H = w->cell.H;
    half_walk half = {.w = w,
                      .layer = layer,
                      .inputs = rud_layer_inputs(call->spec, layer),
                      .direction = direction,
                      .columns = rud_gate_columns_of(call->network, layer, direction, w->gates),
                      .view = rud_activations_half(w->activations, layer, direction),
                      .R = R};
    float *panels = pack(&half, half.columns.recurrent, half.columns.recurrent_blocks, H, w->panels,
                         half.recurrent);
    pack(&half, half.columns.forward, half.columns.forward_blocks, half.inputs, panels,
         half.forward);
    gather_bias(&half);
    find_shares(&half);
    memset(w->back, 0, B * H * sizeof *w->back);
    memset(w->c_relevance, 0, B * H * sizeof *w->c_relevance);
    memset(w->shared_h, 0, B * sizeof *w->shared_h);
    memset(w->notes, 0, B * sizeof *w->notes);
    for (size_t t = call->T, end = call->T; t-- > 0;) {
        walk_step(&half, t);
        if (t % w->block > 0) continue;
        walk_inputs(&half, t, end - t);
        end = t;
    }
    end_half(&half);
}

/* The relevance of a layer's inputs goes to the relevance of x, or to the halves below. */
static void walk_layer(const walk *w, size_t layer)
{
    const rud_attribution_call *call = w->call;
    const size_t D = rud_layer_inputs(call->spec, layer), H = w->cell.H;
    if (!call->spec->bidirectional) {
        walk_half(w, layer, RUD_FORWARD, layer > 0 ? w->above[RUD_FORWARD] : call->relevance);
        return;
    }
    float *sum = layer > 0 ? w->layer_x : call->relevance;
    walk_half(w, layer, RUD_FORWARD, sum);
    walk_half(w, layer, RUD_REVERSE, w->half_x);
    rud_ragged_add(&call->ragged, true, w->half_x, D, D, sum, D);
    for (size_t d = 0; layer > 0 && d < RUD_DIRECTIONS; d++)
        rud_ragged_copy(&call->ragged, d == RUD_REVERSE, sum + d * H, D, H, w->above[d], H);
}

/* Which denominators single precision is too little for; a stabiliser bounds what they can do.
 * Without one, a pre-activation may hang on any cell before it, and all are computed anew. */
static float close_to_zero(const rud_attribution_options *options)
{
    return options->epsilon > 0.0 ? 0.002f : INFINITY;
}

const char *rud_lrp_growth_advice(const rud_attribution_options *options)
{
    if (options->rule == RUD_LRP_PROP && rud_attribution_settled(options).product_epsilon < 2.0)
        return "by the rules all, half and abs, and with a product-epsilon of 2, products do not "
               "raise it";
    if (options->rule == RUD_LRP_ALL)
        return "the larger epsilon is, the less do linear layers raise it";
    return "the larger epsilon is, the less do linear layers raise it; by the rule all gates get "
           "none that could grow";
}

void rud_attribution_keep(const rud_attribution_options *options, rud_activations *activations)
{
    bool gates[RUD_GATES];
    gates_with_relevance(options, gates);
    rud_activations_keep(activations, gates, close_to_zero(options));
}

/* Were the pre-activations of all gates that get relevance kept? */
static rud_status check_kept(const walk *w)
{
    const rud_layer_view view = rud_activations_layer(w->activations, 0);
    for (size_t g = 0; g < RUD_GATES; g++)
        if (w->gates[g] && view.gate[g] && !view.pre_activation[g])
            return rud_error(RUD_ESTATE, "lrp: the given activations were not kept for this rule");
    return RUD_OK;
}

/* The activations to walk over: those given, or those of a forward pass up to the chosen step. */
static rud_status find_activations(walk *w)
{
    rud_attribution_call *call = w->call;
    rud_activations *own = call->memory->activations;
    w->activations = call->given;
    if (w->activations) return check_kept(w);
    rud_activations_keep(own, w->gates, close_to_zero(call->options));
    const rud_status status =
        rud_network_forward(call->network, call->x, call->ragged.lengths, call->T, call->B, own);
    w->activations = own;
    return status;
}

rud_status rud_run_lrp(rud_attribution_call *call)
{
    walk w;
    RUD_TRY(create(call, &w));
    RUD_TRY(find_activations(&w));
    const rud_compute_scope scope = rud_compute_begin();
    start(&w);
    for (size_t l = call->spec->layers; l-- > 0;) walk_layer(&w, l);
    rud_compute_end(scope);
    for (size_t b = 0; b < call->B; b++)
        call->growth[b] = call->growth[b] > 0.0 ? call->largest[b] / call->growth[b] : 1.0;
    const bool none[RUD_GATES] = {false};
    if (!call->given) rud_activations_keep(call->memory->activations, none, 0.0f);
    rud_call_sum_features(call);
    return RUD_OK;
}

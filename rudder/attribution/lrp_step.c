/* LRP through one step of one episode, for every rule. With R_h and R_c the relevance of h_t and
 * c_t, and nonlinearities passing relevance on unchanged:
 *     h_t = o * a_h(c_t)               a product
 *     c_t = f * c_{t-1} + i * z        an accumulation: q = R_c / (c + eps sign(c)), the two
 * summands get f c_{t-1} q and i z q f * c_{t-1} and i * z            products p_g = W_g x + U_g h
 * + b_g        linear layers: s_g = R_g / (p_g + eps sign(p_g)), an input a gets a * (weights^T s)
 * What is kept back is summed in lanes, as a sum over one row at a time would take longer than the
 * row itself. A denominator of exactly 0 gives nothing on: all is kept back. Arras et al. 2019,
 * arXiv:1909.12114, section 3. */
#include "attribution/lrp_private.h"

#if defined(__clang__)
/* `omp simd` permits vector code; where it does not come about, only time is lost. */
#pragma clang diagnostic ignored "-Wpass-failed"
#endif

#define INLINE static inline __attribute__((always_inline))

static const rud_product_rule rules[] = {
    [RUD_LRP_ALL] = {.gate = 0.0f, .signal = 1.0f},
    [RUD_LRP_HALF] = {.gate = 0.5f, .signal = 0.5f},
    [RUD_LRP_PROP] = {.value = RUD_BY_VALUE, .product_epsilon = 0.2},
    [RUD_LRP_ABS] = {.value = RUD_BY_MAGNITUDE},
};

const rud_product_rule *rud_product_rule_of(rud_lrp_rule rule)
{
    return &rules[rule];
}

/* What the loops need to know of cell and rule; a constant where they have a loop of their own. */
typedef struct shape {
    bool input, forget, output; /* gates that are there */
    bool gates_get;             /* relevance */
    bool safe;                  /* epsilon keeps all denominators but products' from zero */
    rud_share_value value;
} shape;

INLINE float absolute(float x)
{
    return x < 0.0f ? -x : x;
}

/* A quotient q = R / denominator, with what it keeps back of R, `own` being the part of the
 * denominator that no input has. 0 if the denominator is 0, and then all is kept. */
typedef struct quotient {
    float q, kept;
    uint32_t near_zero;
} quotient;

INLINE quotient divide(bool safe, float R, float denominator, float own)
{
    const bool zero = !safe && denominator == 0.0f;
    const float q = zero ? 0.0f : R / denominator;
    return (quotient){q, zero ? R : own * q,
                      !safe && R != 0.0f && absolute(denominator) < (float)RUD_NEAR_ZERO};
}

INLINE uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* A product's relevance, split. */
typedef struct halves {
    float gate, signal, kept;
    uint32_t near_zero;
} halves;

INLINE halves split(shape s, rud_product_rule rule, float epsilon, float gate, float signal,
                    float R)
{
    if (s.value == RUD_FIXED_SHARE) return (halves){rule.gate * R, rule.signal * R, 0.0f, 0};
    const bool magnitude = s.value == RUD_BY_MAGNITUDE;
    const float g = magnitude ? absolute(gate) : gate;
    const float v = magnitude ? absolute(signal) : signal;
    const float sum = g + v, denominator = rud_stabilised(sum, epsilon);
    const quotient d = divide(false, R, denominator, sum < 0.0f ? -epsilon : epsilon);
    return (halves){g * d.q, v * d.q, d.kept, d.near_zero};
}

/* A gate's relevance, on its way through the pre-activation. */
INLINE quotient pass_linear(shape s, float R, float pre, float bias, float epsilon)
{
    return divide(s.safe, R, rud_stabilised(pre, epsilon),
                  bias + (pre < 0.0f ? -epsilon : epsilon));
}

/* Sums of a step in lanes. */
typedef struct lanes {
    float accumulation[RUD_LANES], products[RUD_LANES], linear[RUD_GATES][RUD_LANES];
} lanes;

INLINE float sum_of(float *lane)
{
    for (size_t half = RUD_LANES / 2; half > 0; half /= 2)
        for (size_t k = 0; k < half; k++) lane[k] += lane[k + half];
    return lane[0];
}

/* From h_t to q, units first .. first + count - 1, count at most RUD_LANES: the output product and
 * the accumulation's denominators. */
INLINE void output_block(shape s, const rud_lrp_cell *cell, const rud_lrp_row *row, size_t first,
                         size_t count, lanes *restrict sums, rud_lrp_notes *restrict notes)
{
    const float *restrict above = row->above + first, *restrict h = row->h + first;
    const float *restrict back = row->back + first, *restrict c = row->c + first;
    const float *restrict c_relevance = row->c_relevance + first;
    const float *restrict a = row->activated + first;
    const float *restrict o = s.output ? row->gate[RUD_GATE_OUTPUT] + first : a;
    const bool get = s.output && s.gates_get;
    const float *restrict pre = get ? row->pre[RUD_GATE_OUTPUT] + first : a;
    const float *restrict bias = get ? row->bias[RUD_GATE_OUTPUT] + first : a;
    float *restrict q = row->q + first;
    float *restrict out = get ? row->message[RUD_GATE_OUTPUT] + first : q;
    const rud_product_rule rule = *cell->rule;
    const float epsilon = cell->epsilon, product_epsilon = cell->product_epsilon;
    const float shared = row->shared;
    const bool fixed = s.value == RUD_FIXED_SHARE;
#pragma omp simd
    for (size_t j = 0; j < count; j++) {
        float R = above[j] + h[j] * back[j] + shared;
        uint32_t largest = rud_magnitude(R), near_zero = 0;
        if (s.output) {
            const halves p =
                split(s, rule, product_epsilon, fixed ? 0.0f : o[j], fixed ? 0.0f : a[j], R);
            R = p.signal;
            if (!fixed) sums->products[j] += p.kept;
            near_zero += p.near_zero;
            if (s.gates_get) {
                const quotient m = pass_linear(s, p.gate, pre[j], bias[j], epsilon);
                largest = larger(largest, rud_magnitude(p.gate));
                out[j] = m.q;
                sums->linear[RUD_GATE_OUTPUT][j] += m.kept;
                near_zero += m.near_zero;
            }
        }
        R += c_relevance[j];
        largest = larger(largest, rud_magnitude(R));
        const quotient d =
            divide(s.safe, R, rud_stabilised(c[j], epsilon), c[j] < 0.0f ? -epsilon : epsilon);
        q[j] = d.q;
        sums->accumulation[j] += d.kept;
        near_zero += d.near_zero;
        notes->largest[j] = larger(notes->largest[j], largest);
        if (!s.safe || !fixed) notes->near_zero[j] += near_zero;
    }
}

/* From q to c_{t-1} and the pre-activations; `spread` is each summand's share of what the
 * accumulation kept. Where neither the gate's relevance nor a small denominator asks for f itself,
 * f c_{t-1} is c - i z: reading takes most of the time, and f is a fifth of it. */
INLINE void input_block(shape s, const rud_lrp_cell *cell, const rud_lrp_row *row, float spread,
                        size_t first, size_t count, lanes *restrict sums,
                        rud_lrp_notes *restrict notes)
{
    const bool read_f = s.gates_get || !s.safe;
    const bool get_i = s.input && s.gates_get, get_f = s.forget && s.gates_get;
    const float *restrict q = row->q + first, *restrict c_previous = row->c_previous + first;
    const float *restrict c = row->c + first;
    const float *restrict z = row->gate[RUD_GATE_CELL_INPUT] + first;
    const float *restrict i = s.input ? row->gate[RUD_GATE_INPUT] + first : z;
    const float *restrict f = s.forget ? row->gate[RUD_GATE_FORGET] + first : z;
    const float *restrict pre_z = row->pre[RUD_GATE_CELL_INPUT] + first;
    const float *restrict pre_i = get_i ? row->pre[RUD_GATE_INPUT] + first : z;
    const float *restrict pre_f = get_f ? row->pre[RUD_GATE_FORGET] + first : z;
    const float *restrict bias_z = row->bias[RUD_GATE_CELL_INPUT] + first;
    const float *restrict bias_i = get_i ? row->bias[RUD_GATE_INPUT] + first : z;
    const float *restrict bias_f = get_f ? row->bias[RUD_GATE_FORGET] + first : z;
    float *restrict c_relevance = row->c_relevance + first;
    float *restrict out_z = row->message[RUD_GATE_CELL_INPUT] + first;
    float *restrict out_i = get_i ? row->message[RUD_GATE_INPUT] + first : out_z;
    float *restrict out_f = get_f ? row->message[RUD_GATE_FORGET] + first : out_z;
    const float epsilon = cell->epsilon, product_epsilon = cell->product_epsilon;
    const bool fixed = s.value == RUD_FIXED_SHARE;
    const rud_product_rule rule = *cell->rule;
#pragma omp simd
    for (size_t j = 0; j < count; j++) {
        const float added = s.input ? i[j] * z[j] : z[j];
        const float left =
            s.forget ? (read_f ? f[j] * c_previous[j] : c[j] - added) : c_previous[j];
        float R_previous = left * q[j] + spread;
        float R_z = added * q[j] + spread;
        uint32_t largest = 0, near_zero = 0;
        if (s.forget) {
            const halves p = split(s, rule, product_epsilon, f[j], c_previous[j], R_previous);
            R_previous = p.signal;
            if (!fixed) sums->products[j] += p.kept;
            near_zero += p.near_zero;
            if (s.gates_get) {
                const quotient m = pass_linear(s, p.gate, pre_f[j], bias_f[j], epsilon);
                largest = larger(largest, rud_magnitude(p.gate));
                out_f[j] = m.q;
                sums->linear[RUD_GATE_FORGET][j] += m.kept;
                near_zero += m.near_zero;
            }
        }
        if (s.input) {
            const halves p = split(s, rule, product_epsilon, i[j], z[j], R_z);
            R_z = p.signal;
            if (!fixed) sums->products[j] += p.kept;
            near_zero += p.near_zero;
            if (s.gates_get) {
                const quotient m = pass_linear(s, p.gate, pre_i[j], bias_i[j], epsilon);
                largest = larger(largest, rud_magnitude(p.gate));
                out_i[j] = m.q;
                sums->linear[RUD_GATE_INPUT][j] += m.kept;
                near_zero += m.near_zero;
            }
        }
        const quotient m = pass_linear(s, R_z, pre_z[j], bias_z[j], epsilon);
        largest = larger(largest, rud_magnitude(R_z));
        out_z[j] = m.q;
        sums->linear[RUD_GATE_CELL_INPUT][j] += m.kept;
        near_zero += m.near_zero;
        c_relevance[j] = R_previous;
        notes->largest[j] = larger(notes->largest[j], largest);
        if (!s.safe || !fixed) notes->near_zero[j] += near_zero;
    }
}

INLINE void step(shape s, const rud_lrp_cell *cell, const rud_lrp_row *row, rud_lrp_kept *kept,
                 rud_lrp_notes *notes)
{
    const size_t H = cell->H, whole = H - H % RUD_LANES;
    lanes sums = {{0}, {0}, {{0}}};
    for (size_t j = 0; j < whole; j += RUD_LANES)
        output_block(s, cell, row, j, RUD_LANES, &sums, notes);
    if (whole < H) output_block(s, cell, row, whole, H - whole, &sums, notes);
    float spread = 0.0f;
    if (cell->bias_factor > 0.0f) {
        /* Identity weights: a unit's share goes to all 2H summands. */
        kept->accumulation = sum_of(sums.accumulation);
        spread = cell->bias_factor * kept->accumulation / (float)(2 * H);
    }
    for (size_t j = 0; j < whole; j += RUD_LANES)
        input_block(s, cell, row, spread, j, RUD_LANES, &sums, notes);
    if (whole < H) input_block(s, cell, row, spread, whole, H - whole, &sums, notes);
    if (cell->bias_factor == 0.0f) kept->accumulation = sum_of(sums.accumulation);
    kept->products = s.value == RUD_FIXED_SHARE ? 0.0f : sum_of(sums.products);
    kept->linear[RUD_GATE_CELL_INPUT] = sum_of(sums.linear[RUD_GATE_CELL_INPUT]);
    for (size_t g = 0; s.gates_get && g < RUD_GATES; g++)
        if (g != RUD_GATE_CELL_INPUT) kept->linear[g] = sum_of(sums.linear[g]);
}

/* The usual cells have loops with their shape as a constant; any other, and any that needs care
 * about zeros, runs the same loop with its shape looked up in it. */
INLINE void step_for_cell(shape s, bool gates_get, const rud_lrp_cell *cell, const rud_lrp_row *row,
                          rud_lrp_kept *kept, rud_lrp_notes *notes)
{
    const shape all = {true, true, true, gates_get, true, s.value};
    const shape input_only = {true, false, false, gates_get, true, s.value};
    s.gates_get = gates_get;
    if (s.safe && s.input && s.forget && s.output)
        step(all, cell, row, kept, notes);
    else if (s.safe && s.input && !s.forget && !s.output)
        step(input_only, cell, row, kept, notes);
    else
        step(s, cell, row, kept, notes);
}

void rud_lrp_step(const rud_lrp_cell *cell, const rud_lrp_row *row, rud_lrp_kept *kept,
                  rud_lrp_notes *notes)
{
    shape s = {.input = row->gate[RUD_GATE_INPUT] != NULL,
               .forget = row->gate[RUD_GATE_FORGET] != NULL,
               .output = row->gate[RUD_GATE_OUTPUT] != NULL,
               .safe = cell->epsilon >= (float)RUD_NEAR_ZERO};
    /* Each call has rule and share as constants. */
    if (cell->rule->value == RUD_BY_VALUE) {
        s.value = RUD_BY_VALUE;
        step_for_cell(s, true, cell, row, kept, notes);
    } else if (cell->rule->value == RUD_BY_MAGNITUDE) {
        s.value = RUD_BY_MAGNITUDE;
        step_for_cell(s, true, cell, row, kept, notes);
    } else {
        s.value = RUD_FIXED_SHARE;
        if (rud_gates_get_relevance(cell->rule))
            step_for_cell(s, true, cell, row, kept, notes);
        else
            step_for_cell(s, false, cell, row, kept, notes);
    }
}

INLINE void inputs_block(const float *restrict x, float shared, size_t count, float *restrict R,
                         rud_lrp_notes *restrict notes)
{
#pragma omp simd
    for (size_t k = 0; k < count; k++) {
        R[k] = x[k] * R[k] + shared;
        notes->largest[k] = larger(notes->largest[k], rud_magnitude(R[k]));
    }
}

void rud_lrp_inputs(const float *x, float shared, size_t D, float *R, rud_lrp_notes *notes)
{
    const size_t whole = D - D % RUD_LANES;
    for (size_t d = 0; d < whole; d += RUD_LANES)
        inputs_block(x + d, shared, RUD_LANES, R + d, notes);
    if (whole < D) inputs_block(x + whole, shared, D - whole, R + whole, notes);
}

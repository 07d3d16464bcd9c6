/* LRP through one step of one episode, for every rule. With R_h and R_c the relevance of h_t and
 * c_t, and nonlinearities passing relevance on unchanged:
 *     h_t = o * a_h(c_t)               a product
 *     c_t = f * c_{t-1} + i * z        an accumulation: q = R_c / (c + eps sign(c)), the two
 *                                      summands get f c_{t-1} q and i z q
 *     f * c_{t-1} and i * z            products
 *     p_g = W_g x + U_g h + b_g        linear layers: s_g = R_g / (p_g + eps sign(p_g)), an input
 *                                      a gets a * (weights^T s)
 * A denominator of exactly 0 gives nothing on: all is kept back. What is kept back is summed in
 * lanes, as a sum over one row at a time would take longer than the row itself. Which gates there
 * are and what the rule asks for is looked up once per vector of units: that costs next to nothing,
 * and all cells and rules have vector code. Arras et al. 2019, arXiv:1909.12114, section 3. */
#include <string.h>

#include "attribution/lrp_private.h"

#if defined(__clang__)
/* `omp simd` permits vector code; where it does not come about, only time is lost. */
#pragma clang diagnostic ignored "-Wpass-failed"
#endif
/* No vector crosses a call, all being inlined: how it would be passed does not matter. */
#pragma GCC diagnostic ignored "-Wpsabi"
#define INLINE static inline __attribute__((always_inline))

enum { LANES = RUD_LANES };
typedef float vector __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t bits __attribute__((vector_size(LANES * sizeof(int32_t))));

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

/* Units first .. first + count - 1 of a row, count at most LANES; the other lanes are 0. The loops
 * for fewer become one masked instruction, while memcpy would be called. */
typedef struct units {
    size_t first, count;
} units;

INLINE vector load(const float *row, units u)
{
    vector v;
    if (u.count == LANES) {
        memcpy(&v, row + u.first, sizeof v);
        return v;
    }
    float lane[LANES];
#pragma omp simd
    for (int k = 0; k < LANES; k++) lane[k] = k < (int)u.count ? row[u.first + (size_t)k] : 0.0f;
    memcpy(&v, lane, sizeof v);
    return v;
}

INLINE void store(vector v, units u, float *row)
{
    if (u.count == LANES) {
        memcpy(row + u.first, &v, sizeof v);
        return;
    }
    float lane[LANES];
    memcpy(lane, &v, sizeof v);
#pragma omp simd
    for (int k = 0; k < LANES; k++)
        if (k < (int)u.count) row[u.first + (size_t)k] = lane[k];
}

/* x in the lanes of the units. */
INLINE vector spread_over(float x, units u)
{
    const vector v = x - (vector){0};
    return load((const float *)&v, (units){0, u.count});
}

INLINE vector choose(bits mask, vector a, vector b)
{
    return (vector)((mask & (bits)a) | (~mask & (bits)b));
}

INLINE bits magnitude(vector v)
{
    return (bits)v & INT32_MAX;
}

INLINE bits larger(bits a, bits b)
{
    const bits mask = a > b;
    return (mask & a) | (~mask & b);
}

/* x >= 0 with the sign of v, sign(0) = +1. */
INLINE vector with_sign(float x, vector v)
{
    return (vector)((bits)(x - (vector){0}) | ((bits)(v + 0.0f) & INT32_MIN));
}

INLINE float sum_of(vector v)
{
    float lane[LANES];
    memcpy(lane, &v, sizeof lane);
#pragma GCC unroll 4
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t k = 0; k < half; k++) lane[k] += lane[k + half];
    return lane[0];
}

/* What a row keeps back, and its notes. */
typedef struct tally {
    vector accumulation, products, linear[RUD_GATES];
    bits largest, near_zero;
} tally;

/* A quotient q = R / denominator, with what it keeps back of R, `own` being the part of the
 * denominator that no input has. `safe`: the denominator is known not to be near zero. */
typedef struct quotient {
    vector q, kept;
} quotient;

INLINE quotient divide(bool safe, vector R, vector denominator, vector own, tally *sums)
{
    const vector q = R / denominator, kept = own * q;
    if (safe) return (quotient){q, kept};
    const bits zero = denominator == 0.0f;
    const vector size = (vector)magnitude(denominator);
    sums->near_zero -= (R != 0.0f) & (size < (float)RUD_NEAR_ZERO); /* true is -1 */
    return (quotient){choose(zero, (vector){0}, q), choose(zero, R, kept)};
}

/* A product's relevance, split. */
typedef struct halves {
    vector gate, signal;
} halves;

INLINE halves split(const rud_lrp_cell *cell, const float *gate, const float *signal, units u,
                    vector R, tally *sums)
{
    const rud_product_rule *rule = cell->rule;
    if (rule->value == RUD_FIXED_SHARE) return (halves){rule->gate * R, rule->signal * R};
    vector g = load(gate, u), v = load(signal, u);
    if (rule->value == RUD_BY_MAGNITUDE) {
        g = (vector)magnitude(g);
        v = (vector)magnitude(v);
    }
    const vector own = with_sign(cell->product_epsilon, g + v);
    const quotient d = divide(false, R, g + v + own, own, sums);
    sums->products += d.kept;
    return (halves){g * d.q, v * d.q};
}

/* A gate's relevance, through its pre-activation to the message. */
INLINE void pass_linear(const rud_lrp_cell *cell, const rud_lrp_row *row, rud_gate g, units u,
                        vector R, tally *sums)
{
    const vector pre = load(row->pre[g], u), stabiliser = with_sign(cell->epsilon, pre);
    const vector own = load(row->bias[g], u) + stabiliser;
    const quotient d = divide(cell->safe, R, pre + stabiliser, own, sums);
    sums->largest = larger(sums->largest, magnitude(R));
    sums->linear[g] += d.kept;
    store(d.q, u, row->message[g]);
}

/* R through gate g * signal: what the signal gets. */
INLINE vector pass_product(const rud_lrp_cell *cell, const rud_lrp_row *row, rud_gate g,
                           const float *signal, units u, vector R, tally *sums)
{
    if (!row->gate[g]) return R;
    const halves p = split(cell, row->gate[g], signal, u, R, sums);
    if (cell->gates_get) pass_linear(cell, row, g, u, p.gate, sums);
    return p.signal;
}

/* From h_t to q: the output product and the accumulation's denominators. */
INLINE void output_units(const rud_lrp_cell *cell, const rud_lrp_row *row, units u, tally *sums)
{
    const vector R_h =
        load(row->above, u) + load(row->h, u) * load(row->back, u) + spread_over(row->shared, u);
    sums->largest = larger(sums->largest, magnitude(R_h));
    const vector R = load(row->c_relevance, u) +
                     pass_product(cell, row, RUD_GATE_OUTPUT, row->activated, u, R_h, sums);
    sums->largest = larger(sums->largest, magnitude(R));
    const vector c = load(row->c, u), own = with_sign(cell->epsilon, c);
    const quotient d = divide(cell->safe, R, c + own, own, sums);
    sums->accumulation += d.kept;
    store(d.q, u, row->q);
}

/* From q to c_{t-1} and the pre-activations; `spread` is each summand's share of what the
 * accumulation kept. Where neither the gate's relevance nor a small denominator asks for f itself,
 * f c_{t-1} is c - i z: reading takes most of the time, and f is a fifth of it. */
INLINE void input_units(const rud_lrp_cell *cell, const rud_lrp_row *row, float spread, units u,
                        tally *sums)
{
    const vector q = load(row->q, u), share = spread_over(spread, u);
    const float *z = row->gate[RUD_GATE_CELL_INPUT];
    const float *i = row->gate[RUD_GATE_INPUT], *f = row->gate[RUD_GATE_FORGET];
    vector added = load(z, u), left;
    if (i) added *= load(i, u);
    if (!f)
        left = load(row->c_previous, u);
    else if (cell->gates_get || !cell->safe)
        left = load(f, u) * load(row->c_previous, u);
    else
        left = load(row->c, u) - added;
    const vector R_previous =
        pass_product(cell, row, RUD_GATE_FORGET, row->c_previous, u, left * q + share, sums);
    const vector R_z = pass_product(cell, row, RUD_GATE_INPUT, z, u, added * q + share, sums);
    pass_linear(cell, row, RUD_GATE_CELL_INPUT, u, R_z, sums);
    store(R_previous, u, row->c_relevance);
}

INLINE void note(const tally *sums, rud_lrp_notes *notes)
{
    bits largest, near_zero;
    memcpy(&largest, notes->largest, sizeof largest);
    memcpy(&near_zero, notes->near_zero, sizeof near_zero);
    largest = larger(largest, sums->largest);
    near_zero += sums->near_zero;
    memcpy(notes->largest, &largest, sizeof largest);
    memcpy(notes->near_zero, &near_zero, sizeof near_zero);
}

void rud_lrp_step(const rud_lrp_cell *cell, const rud_lrp_row *row, rud_lrp_kept *kept,
                  rud_lrp_notes *notes)
{
    const size_t H = cell->H, whole = H - H % LANES;
    const units rest = {whole, H - whole};
    tally sums = {.near_zero = {0}};
    for (size_t j = 0; j < whole; j += LANES) output_units(cell, row, (units){j, LANES}, &sums);
    if (rest.count > 0) output_units(cell, row, rest, &sums);
    kept->accumulation = sum_of(sums.accumulation);
    /* Identity weights: a unit's share goes to all 2H summands. The sum takes a while: where it is
     * not needed, nothing waits for it. */
    float spread = 0.0f;
    if (cell->bias_factor > 0.0f) spread = cell->bias_factor * kept->accumulation / (float)(2 * H);
    for (size_t j = 0; j < whole; j += LANES)
        input_units(cell, row, spread, (units){j, LANES}, &sums);
    if (rest.count > 0) input_units(cell, row, spread, rest, &sums);
    kept->products = sum_of(sums.products);
    for (size_t g = 0; g < RUD_GATES; g++)
        if (row->message[g]) kept->linear[g] = sum_of(sums.linear[g]);
    note(&sums, notes);
}

INLINE void input_relevance(const float *x, float shared, units u, float *R, bits *largest)
{
    const vector now = load(x, u) * load(R, u) + spread_over(shared, u);
    *largest = larger(*largest, magnitude(now));
    store(now, u, R);
}

void rud_lrp_inputs(const float *x, float shared, size_t D, float *R, rud_lrp_notes *notes)
{
    const size_t whole = D - D % LANES;
    bits largest;
    memcpy(&largest, notes->largest, sizeof largest);
    for (size_t d = 0; d < whole; d += LANES)
        input_relevance(x, shared, (units){d, LANES}, R, &largest);
    if (whole < D) input_relevance(x, shared, (units){whole, D - whole}, R, &largest);
    memcpy(notes->largest, &largest, sizeof largest);
}

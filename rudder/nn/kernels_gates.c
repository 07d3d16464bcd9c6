/* Gate functions, forward and backward, fused into one loop over the units of an episode. */
#include "nn/kernels_private.h"

#include "nn/vector_math.h"

#if defined(__clang__)
/* `omp simd` permits vector code; where it does not come about, only time is lost. */
#pragma clang diagnostic ignored "-Wpass-failed"
#endif

#define INLINE static inline __attribute__((always_inline))

/* What the loops need to know of a cell; a constant where a cell has a loop of its own. */
typedef struct shape {
    bool input, forget, output; /* gates that are there */
    rud_activation cell_input, hidden;
} shape;

static const shape lstm = {true, true, true, RUD_TANH, RUD_TANH};
static const shape lstm1997 = {true, false, true, RUD_TANH, RUD_TANH};
static const shape rudder = {true, false, false, RUD_TANH, RUD_IDENTITY};
static const shape r_lstm = {true, true, true, RUD_RELU, RUD_TANH};

/* The derivative, from the activation's value y. */
INLINE float slope(rud_activation activation, float y)
{
    switch (activation) {
    case RUD_TANH:
        return 1.0f - y * y;
    case RUD_RELU:
        return y > 0.0f ? 1.0f : 0.0f;
    case RUD_SIGMOID:
        return y * (1.0f - y);
    case RUD_IDENTITY:
        break;
    }
    return 1.0f;
}

rud_gate_rows rud_gate_rows_of(const rud_cell *cell, size_t H)
{
    rud_gate_rows rows = {.cell = cell, .H = H};
    for (size_t g = 0; g < RUD_GATES; g++) {
        rows.slot[g] = rows.present;
        rows.present += rud_gate_present(cell, (rud_gate)g);
    }
    return rows;
}

static shape shape_of(const rud_cell *cell)
{
    return (shape){rud_gate_present(cell, RUD_GATE_INPUT), rud_gate_present(cell, RUD_GATE_FORGET),
                   rud_gate_present(cell, RUD_GATE_OUTPUT), cell->cell_input, cell->hidden};
}

static bool same(shape a, shape b)
{
    return a.input == b.input && a.forget == b.forget && a.output == b.output &&
           a.cell_input == b.cell_input && a.hidden == b.hidden;
}

/* The presets' loops have their shape as a constant; any other cell runs the same loop with its
 * shape looked up in it. */
#define RUN_FOR_SHAPE(run, this_shape, ...)                                                        \
    do {                                                                                           \
        if (same(this_shape, lstm))                                                                \
            run(lstm, __VA_ARGS__);                                                                \
        else if (same(this_shape, rudder))                                                         \
            run(rudder, __VA_ARGS__);                                                              \
        else if (same(this_shape, lstm1997))                                                       \
            run(lstm1997, __VA_ARGS__);                                                            \
        else if (same(this_shape, r_lstm))                                                         \
            run(r_lstm, __VA_ARGS__);                                                              \
        else                                                                                       \
            run(this_shape, __VA_ARGS__);                                                          \
    } while (0)

INLINE void forward(shape s, const rud_gate_rows *rows, size_t B, float *restrict gates,
                    const float *restrict bias, const float *restrict c_previous,
                    size_t c_previous_ld, float *restrict c, float *restrict activated,
                    float *restrict h)
{
    const size_t H = rows->H;
    const size_t i = rows->slot[RUD_GATE_INPUT] * H, f = rows->slot[RUD_GATE_FORGET] * H;
    const size_t z = rows->slot[RUD_GATE_CELL_INPUT] * H, o = rows->slot[RUD_GATE_OUTPUT] * H;
    for (size_t b = 0; b < B; b++) {
#pragma omp simd
        for (size_t j = 0; j < H; j++) {
            float cell = gates[z + j] = rud_activate(s.cell_input, gates[z + j] + bias[z + j]);
            if (s.input) cell *= gates[i + j] = rud_sigmoid(gates[i + j] + bias[i + j]);
            if (s.forget)
                cell += c_previous[j] * (gates[f + j] = rud_sigmoid(gates[f + j] + bias[f + j]));
            else
                cell += c_previous[j];
            c[j] = cell;
            float hidden = rud_activate(s.hidden, cell);
            if (s.output) {
                activated[j] = hidden;
                hidden *= gates[o + j] = rud_sigmoid(gates[o + j] + bias[o + j]);
            }
            h[j] = hidden;
        }
        gates += rows->present * H;
        c_previous += c_previous_ld;
        c += H;
        activated += H;
        h += H;
    }
}

void rud_gates_forward(const rud_gate_rows *rows, size_t B, float *gates, const float *bias,
                       const float *c_previous, size_t c_previous_ld, float *c, float *activated,
                       float *h)
{
    const shape s = shape_of(rows->cell);
    RUN_FOR_SHAPE(forward, s, rows, B, gates, bias, c_previous, c_previous_ld, c, activated, h);
}

INLINE void backward(shape s, const rud_gate_rows *rows, size_t B, const float *restrict gates,
                     const float *restrict c_previous, size_t c_previous_ld,
                     const float *restrict activated, const float *restrict dc, size_t dc_ld,
                     float *restrict dh, float *restrict d_gates)
{
    const size_t H = rows->H;
    const size_t i = rows->slot[RUD_GATE_INPUT] * H, f = rows->slot[RUD_GATE_FORGET] * H;
    const size_t z = rows->slot[RUD_GATE_CELL_INPUT] * H, o = rows->slot[RUD_GATE_OUTPUT] * H;
    for (size_t b = 0; b < B; b++) {
#pragma omp simd
        for (size_t j = 0; j < H; j++) {
            const float a = activated[j], zj = gates[z + j];
            float d = dh[j];
            if (s.output) {
                const float oj = gates[o + j];
                d_gates[o + j] = d * a * slope(RUD_SIGMOID, oj);
                d *= oj;
            }
            d = dc[j] + d * slope(s.hidden, a);
            float dz = d;
            if (s.input) {
                const float ij = gates[i + j];
                d_gates[i + j] = d * zj * slope(RUD_SIGMOID, ij);
                dz *= ij;
            }
            d_gates[z + j] = dz * slope(s.cell_input, zj);
            if (s.forget) {
                const float fj = gates[f + j];
                d_gates[f + j] = d * c_previous[j] * slope(RUD_SIGMOID, fj);
                d *= fj;
            }
            dh[j] = d;
        }
        gates += rows->present * H;
        d_gates += rows->present * H;
        c_previous += c_previous_ld;
        activated += H;
        dc += dc_ld;
        dh += H;
    }
}

void rud_gates_backward(const rud_gate_rows *rows, size_t B, const float *gates,
                        const float *c_previous, size_t c_previous_ld, const float *activated,
                        const float *dc, size_t dc_ld, float *dh, float *d_gates)
{
    const shape s = shape_of(rows->cell);
    RUN_FOR_SHAPE(backward, s, rows, B, gates, c_previous, c_previous_ld, activated, dc, dc_ld, dh,
                  d_gates);
}

/* Cells close to zero, computed anew in double precision. There f * c_{t-1} and i * z cancel, and
 * contribution analysis divides by what is left of single precision: an error of 1e-7 in c = 0.001
 * is one of 1e-4 in the relevance. They are few. */
#include <math.h>

#include "nn/network_private.h"

/* One cell: unit j of episode b at step t. */
typedef struct cell_place {
    const rud_activations *activations;
    rud_half half;
    const rud_layer_memory *memory;
    size_t t, b, j;
} cell_place;

static double product(const float *w, const float *x, size_t n)
{
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (size_t k = 0; k < n; k++) sum += (double)w[k] * (double)x[k];
    return sum;
}

static double pre_activation(const cell_place *at, rud_gate g)
{
    const rud_network *network = at->activations->network;
    const rud_gate_parameters place =
        rud_network_half_gate(network, at->half.layer, at->half.direction, g);
    const size_t H = network->spec.hidden, D = rud_layer_inputs(&network->spec, at->half.layer);
    const size_t B = at->activations->B, row = at->t * B + at->b;
    const float *p = network->parameters;
    double sum = place.bias == RUD_NOT_THERE ? 0.0 : (double)p[place.bias + at->j];
    if (place.forward != RUD_NOT_THERE)
        sum += product(p + place.forward + at->j * D, at->memory->x + row * D, D);
    if (place.recurrent != RUD_NOT_THERE && at->t > 0)
        sum += product(p + place.recurrent + at->j * H, at->memory->h + (row - B) * H, H);
    return sum;
}

static double activate(rud_activation activation, double x)
{
    switch (activation) {
    case RUD_TANH:
        return tanh(x);
    case RUD_RELU:
        return x > 0.0 ? x : 0.0;
    case RUD_SIGMOID:
        return 1.0 / (1.0 + exp(-x));
    case RUD_IDENTITY:
        break;
    }
    return x;
}

/* The gate's value; 1 if it is absent. What forward stored of it is replaced. */
static double refine_gate(const cell_place *at, rud_gate g)
{
    const rud_network *network = at->activations->network;
    const rud_gate_rows *rows = &network->rows;
    const size_t row = at->t * at->activations->B + at->b, H = rows->H;
    if (!rud_gate_present(rows->cell, g)) return 1.0;
    const double pre = pre_activation(at, g);
    const double value =
        activate(g == RUD_GATE_CELL_INPUT ? rows->cell->cell_input : RUD_SIGMOID, pre);
    at->memory->gates[row * rows->present * H + rows->slot[g] * H + at->j] = (float)value;
    size_t column = 0;
    for (size_t k = 0; k < (size_t)g; k++)
        column += at->activations->keep[k] && rud_gate_present(rows->cell, (rud_gate)k);
    if (at->activations->keep[g])
        at->memory->pre[(row * at->activations->kept + column) * H + at->j] = (float)pre;
    return value;
}

static void refine_cell(const cell_place *at)
{
    const rud_gate_rows *rows = &at->activations->network->rows;
    const size_t B = at->activations->B, H = rows->H, now = (at->t * B + at->b) * H + at->j;
    const double i = refine_gate(at, RUD_GATE_INPUT), f = refine_gate(at, RUD_GATE_FORGET);
    const double z = refine_gate(at, RUD_GATE_CELL_INPUT);
    const double before = at->t > 0 ? (double)at->memory->c[now - B * H] : 0.0;
    const double c = f * before + i * z, a = activate(rows->cell->hidden, c);
    at->memory->c[now] = (float)c;
    at->memory->activated[now] = (float)a;
    at->memory->h[now] = (float)a;
    if (rud_gate_present(rows->cell, RUD_GATE_OUTPUT)) {
        const size_t o = rows->slot[RUD_GATE_OUTPUT] * H;
        at->memory->h[now] *=
            at->memory->gates[(at->t * B + at->b) * rows->present * H + o + at->j];
    }
}

enum { AT_ONCE = 16 };

/* Is any of count numbers close to zero? */
static bool any_close(const float *c, size_t count, float limit)
{
    unsigned close = 0;
#pragma omp simd reduction(| : close)
    for (size_t k = 0; k < count; k++) close |= c[k] < limit && c[k] > -limit;
    return close != 0;
}

static void refine_cells_of(const rud_activations *activations, rud_half half,
                            const rud_layer_memory *memory, size_t t, size_t b)
{
    const size_t H = activations->network->spec.hidden;
    const float *c = memory->c + (t * activations->B + b) * H;
    for (size_t first = 0; first < H; first += AT_ONCE) {
        const size_t end = first + AT_ONCE < H ? first + AT_ONCE : H;
        if (!any_close(c + first, end - first, activations->close)) continue;
        for (size_t j = first; j < end; j++) {
            const cell_place at = {activations, half, memory, t, b, j};
            if (fabsf(c[j]) < activations->close) refine_cell(&at);
        }
    }
}

/* The kept pre-activations of a gate; column k of them. */
static void refine_gate_of(const rud_activations *activations, rud_half half,
                           const rud_layer_memory *memory, size_t t, size_t b, rud_gate g, size_t k)
{
    const size_t H = activations->network->spec.hidden;
    float *pre = memory->pre + ((t * activations->B + b) * activations->kept + k) * H;
    for (size_t first = 0; first < H; first += AT_ONCE) {
        const size_t end = first + AT_ONCE < H ? first + AT_ONCE : H;
        if (!any_close(pre + first, end - first, activations->close)) continue;
        for (size_t j = first; j < end; j++) {
            const cell_place at = {activations, half, memory, t, b, j};
            if (fabsf(pre[j]) < activations->close) pre[j] = (float)pre_activation(&at, g);
        }
    }
}

void rud_refine_step(const rud_activations *activations, rud_half half,
                     const rud_layer_memory *memory, size_t t)
{
    const rud_cell *cell = &activations->network->spec.cell;
    for (size_t b = 0; b < activations->B; b++) {
        refine_cells_of(activations, half, memory, t, b);
        size_t column = 0;
        for (size_t g = 0; g < RUD_GATES; g++) {
            if (!activations->keep[g] || !rud_gate_present(cell, (rud_gate)g)) continue;
            /* z moves with its pre-activation, and their quotient is not hurt. */
            if (g != RUD_GATE_CELL_INPUT)
                refine_gate_of(activations, half, memory, t, b, (rud_gate)g, column);
            column++;
        }
    }
}

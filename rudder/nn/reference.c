/* The network once more, in plain double precision. It shares nothing with the kernels but the
 * places of the parameters. */
#include "nn/reference.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

/* What a layer leaves, each [T][H]. */
typedef struct trace {
    double *gate[RUD_GATES]; /* all 1 where the gate is absent */
    double *c, *h;
} trace;

enum { TRACE_ARRAYS = RUD_GATES + 2 };

/* One run over an episode. */
typedef struct run {
    const rud_network *network;
    const rud_network_spec *spec;
    const double *parameters;
    const double *x; /* [T][D] */
    size_t T;
    trace *layers;       /* [L] */
    double *memory;      /* of the traces, then dh and d_below, [T][max(D, H)] each */
    double *dh;          /* dLoss/dh of the layer at work */
    double *d_below;     /* dLoss/d(its inputs) */
    double *dc, *d_gate; /* [H], [4][H]: of the step at work */
} run;

static double activate(rud_activation a, double x)
{
    switch (a) {
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

/* The derivative of the activation whose value is y. */
static double slope(rud_activation a, double y)
{
    switch (a) {
    case RUD_TANH:
        return 1.0 - y * y;
    case RUD_RELU:
        return y > 0.0 ? 1.0 : 0.0;
    case RUD_SIGMOID:
        return y * (1.0 - y);
    case RUD_IDENTITY:
        break;
    }
    return 1.0;
}

static rud_activation gate_activation(const rud_network_spec *spec, size_t g)
{
    return g == RUD_GATE_CELL_INPUT ? spec->cell.cell_input : RUD_SIGMOID;
}

static const double *layer_inputs(const run *r, size_t layer, size_t *width)
{
    *width = layer == 0 ? r->spec->inputs : r->spec->hidden;
    return layer == 0 ? r->x : r->layers[layer - 1].h;
}

static double product(const double *w, const double *x, size_t n)
{
    double sum = 0.0;
    for (size_t k = 0; k < n; k++) sum += w[k] * x[k];
    return sum;
}

/* W_g x_t + U_g h_{t-1} + b_g of unit j; h_{-1} = 0. */
static double pre_activation(const run *r, size_t layer, size_t g, size_t t, size_t j)
{
    const rud_gate_parameters at = rud_network_gate(r->network, layer, (rud_gate)g);
    const size_t H = r->spec->hidden;
    const double *p = r->parameters, *h = r->layers[layer].h;
    size_t D;
    const double *x = layer_inputs(r, layer, &D);
    double sum = 0.0;
    if (at.forward != RUD_NOT_THERE) sum += product(p + at.forward + j * D, x + t * D, D);
    if (at.recurrent != RUD_NOT_THERE && t > 0)
        sum += product(p + at.recurrent + j * H, h + (t - 1) * H, H);
    if (at.bias != RUD_NOT_THERE) sum += p[at.bias + j];
    return sum;
}

static void step_forward(const run *r, size_t layer, size_t t, size_t j)
{
    const rud_cell *cell = &r->spec->cell;
    const trace *l = &r->layers[layer];
    const size_t now = t * r->spec->hidden + j, before = now - r->spec->hidden;
    for (size_t g = 0; g < RUD_GATES; g++)
        l->gate[g][now] =
            rud_gate_present(cell, (rud_gate)g)
                ? activate(gate_activation(r->spec, g), pre_activation(r, layer, g, t, j))
                : 1.0;
    const double i = l->gate[RUD_GATE_INPUT][now], f = l->gate[RUD_GATE_FORGET][now];
    const double z = l->gate[RUD_GATE_CELL_INPUT][now], o = l->gate[RUD_GATE_OUTPUT][now];
    l->c[now] = f * (t > 0 ? l->c[before] : 0.0) + i * z;
    l->h[now] = o * activate(cell->hidden, l->c[now]);
}

static void run_forward(const run *r)
{
    for (size_t l = 0; l < r->spec->layers; l++)
        for (size_t t = 0; t < r->T; t++)
            for (size_t j = 0; j < r->spec->hidden; j++) step_forward(r, l, t, j);
}

static void add_products(double factor, const double *x, size_t n, double *to)
{
    for (size_t k = 0; k < n; k++) to[k] += factor * x[k];
}

/* dLoss/d(pre-activation) of every gate of step t, from dh and dc; dc goes on to step t-1. */
static void step_backward(const run *r, size_t layer, size_t t)
{
    const rud_network_spec *spec = r->spec;
    const trace *l = &r->layers[layer];
    const size_t H = spec->hidden;
    for (size_t j = 0; j < H; j++) {
        const size_t now = t * H + j;
        const double i = l->gate[RUD_GATE_INPUT][now], f = l->gate[RUD_GATE_FORGET][now];
        const double z = l->gate[RUD_GATE_CELL_INPUT][now], o = l->gate[RUD_GATE_OUTPUT][now];
        const double a = activate(spec->cell.hidden, l->c[now]);
        const double dc = r->dc[j] + r->dh[now] * o * slope(spec->cell.hidden, a);
        double d[RUD_GATES];
        d[RUD_GATE_INPUT] = dc * z;
        d[RUD_GATE_FORGET] = dc * (t > 0 ? l->c[now - H] : 0.0);
        d[RUD_GATE_CELL_INPUT] = dc * i;
        d[RUD_GATE_OUTPUT] = r->dh[now] * a;
        for (size_t g = 0; g < RUD_GATES; g++)
            r->d_gate[g * H + j] = d[g] * slope(gate_activation(spec, g), l->gate[g][now]);
        r->dc[j] = dc * f;
    }
}

/* Hands the gradient of gate g's pre-activation of step t, unit j, on to weights and inputs. */
static void gate_backward(const run *r, size_t layer, size_t g, size_t t, size_t j,
                          double *gradients)
{
    const rud_gate_parameters at = rud_network_gate(r->network, layer, (rud_gate)g);
    const size_t H = r->spec->hidden;
    const double d = r->d_gate[g * H + j], *h = r->layers[layer].h;
    size_t D;
    const double *x = layer_inputs(r, layer, &D);
    if (at.forward != RUD_NOT_THERE) {
        add_products(d, x + t * D, D, gradients + at.forward + j * D);
        add_products(d, r->parameters + at.forward + j * D, D, r->d_below + t * D);
    }
    if (at.recurrent != RUD_NOT_THERE && t > 0) {
        add_products(d, h + (t - 1) * H, H, gradients + at.recurrent + j * H);
        add_products(d, r->parameters + at.recurrent + j * H, H, r->dh + (t - 1) * H);
    }
    if (at.bias != RUD_NOT_THERE) gradients[at.bias + j] += d;
}

static void layer_backward(const run *r, size_t layer, double *gradients)
{
    size_t D;
    layer_inputs(r, layer, &D);
    for (size_t k = 0; k < r->T * D; k++) r->d_below[k] = 0.0;
    for (size_t j = 0; j < r->spec->hidden; j++) r->dc[j] = 0.0;
    for (size_t t = r->T; t-- > 0;) {
        step_backward(r, layer, t);
        for (size_t g = 0; g < RUD_GATES; g++)
            for (size_t j = 0; j < r->spec->hidden; j++)
                gate_backward(r, layer, g, t, j, gradients);
    }
}

/* y_t = V h_t + b_y backwards. */
static void head_backward(const run *r, const double *dy, double *gradients)
{
    const size_t H = r->spec->hidden, K = r->spec->outputs;
    const size_t V = rud_network_head_weight(r->network), b = rud_network_head_bias(r->network);
    const double *h = r->layers[r->spec->layers - 1].h;
    for (size_t k = 0; k < r->T * H; k++) r->dh[k] = 0.0;
    for (size_t t = 0; t < r->T; t++) {
        for (size_t k = 0; k < K; k++) {
            const double d = dy[t * K + k];
            add_products(d, h + t * H, H, gradients + V + k * H);
            add_products(d, r->parameters + V + k * H, H, r->dh + t * H);
            gradients[b + k] += d;
        }
    }
}

static rud_status run_create(const rud_network *network, const double *parameters, const double *x,
                             size_t T, run *r)
{
    const rud_network_spec *spec = rud_network_specification(network);
    const size_t L = spec->layers, H = spec->hidden;
    const size_t width = spec->inputs > H ? spec->inputs : H;
    if (spec->bidirectional)
        return rud_error(RUD_EINVAL, "reference: it knows networks in one direction only");
    const double floats = (double)T * ((double)L * TRACE_ARRAYS * (double)H + 2.0 * (double)width);
    *r = (run){.network = network, .spec = spec, .parameters = parameters, .x = x, .T = T};
    if (floats < (double)(SIZE_MAX / 64)) {
        r->layers = calloc(L, sizeof *r->layers);
        r->memory =
            calloc(T * (L * TRACE_ARRAYS * H + 2 * width) + (RUD_GATES + 1) * H, sizeof *r->memory);
    }
    if (!r->layers || !r->memory) {
        free(r->layers);
        free(r->memory);
        return rud_error(RUD_ENOMEM, "reference: no memory for %zu steps", T);
    }
    double *next = r->memory;
    for (size_t l = 0; l < L; l++) {
        for (size_t g = 0; g < RUD_GATES; g++, next += T * H) r->layers[l].gate[g] = next;
        r->layers[l].c = next;
        r->layers[l].h = next + T * H;
        next += 2 * T * H;
    }
    r->dh = next;
    r->d_below = r->dh + T * width;
    r->dc = r->d_below + T * width;
    r->d_gate = r->dc + H;
    return RUD_OK;
}

static void run_free(run *r)
{
    free(r->layers);
    free(r->memory);
}

rud_status rud_reference_forward(const rud_network *network, const double *parameters,
                                 const double *x, size_t T, double *y)
{
    run r;
    RUD_TRY(run_create(network, parameters, x, T, &r));
    run_forward(&r);
    const size_t H = r.spec->hidden, K = r.spec->outputs;
    const double *V = parameters + rud_network_head_weight(network);
    const double *b = parameters + rud_network_head_bias(network);
    const double *h = r.layers[r.spec->layers - 1].h;
    for (size_t t = 0; t < T; t++)
        for (size_t k = 0; k < K; k++) y[t * K + k] = product(V + k * H, h + t * H, H) + b[k];
    run_free(&r);
    return RUD_OK;
}

rud_status rud_reference_backward(const rud_network *network, const double *parameters,
                                  const double *x, size_t T, const double *dy, double *gradients,
                                  double *dx)
{
    run r;
    size_t count;
    rud_network_parameters_const(network, &count);
    RUD_TRY(run_create(network, parameters, x, T, &r));
    double *sums = calloc(count, sizeof *sums);
    if (!sums) {
        run_free(&r);
        return rud_error(RUD_ENOMEM, "reference: no memory for %zu gradients", count);
    }
    run_forward(&r);
    head_backward(&r, dy, sums);
    for (size_t l = r.spec->layers; l-- > 0;) {
        layer_backward(&r, l, sums);
        double *below = r.d_below;
        r.d_below = r.dh;
        r.dh = below;
    }
    for (size_t k = 0; gradients && k < count; k++) gradients[k] = sums[k];
    for (size_t k = 0; dx && k < T * r.spec->inputs; k++) dx[k] = r.dh[k];
    free(sums);
    run_free(&r);
    return RUD_OK;
}

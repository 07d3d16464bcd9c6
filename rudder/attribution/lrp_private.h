/* The step of LRP through one cell. Private. */
#ifndef RUD_ATTRIBUTION_LRP_PRIVATE_H
#define RUD_ATTRIBUTION_LRP_PRIVATE_H

#include <stdint.h>

#include "attribution/attribution_private.h"

/* How a product of gate g and signal s splits its relevance R: in the shares g' : s', where
 * g' = gate + value(g) and s' = signal + value(s); value(v) is 0, v or |v|. Fixed shares sum to 1
 * and need no stabiliser. */
typedef enum rud_share_value { RUD_FIXED_SHARE, RUD_BY_VALUE, RUD_BY_MAGNITUDE } rud_share_value;
typedef struct rud_product_rule {
    float gate, signal;
    rud_share_value value;
    double product_epsilon; /* where none is given */
} rud_product_rule;
const rud_product_rule *rud_product_rule_of(rud_lrp_rule rule);

/* Do gates get relevance by the rule? */
static inline bool rud_gates_get_relevance(const rud_product_rule *rule)
{
    return rule->value != RUD_FIXED_SHARE || rule->gate != 0.0f;
}

/* What a step of one episode reads and leaves, rows of H. NULL where a gate is absent, and
 * pre-activations, biases and messages of gates that get no relevance. */
typedef struct rud_lrp_row {
    const float *above; /* relevance of h_t from above */
    const float *h;     /* h_t */
    const float *back;  /* U^T s of step t + 1: h_t times this is its relevance of h_t */
    float shared;       /* and what step t + 1 spread over every unit of h_t */
    const float *gate[RUD_GATES], *pre[RUD_GATES], *bias[RUD_GATES];
    const float *c, *c_previous, *activated;
    float *q;                  /* scratch */
    float *c_relevance;        /* of c_t from step t + 1 in, of c_{t-1} out */
    float *message[RUD_GATES]; /* s = R / stabilised pre-activation, out */
} rud_lrp_row;

/* What a step keeps back: of the accumulation and the linear layers, before bias_factor spreads
 * some of it; of products. */
typedef struct rud_lrp_kept {
    float accumulation, products, linear[RUD_GATES];
} rud_lrp_kept;

/* Units at a time: as many as a vector register holds. */
#if defined(__AVX512F__)
enum { RUD_LANES = 16 };
#elif defined(__AVX__)
enum { RUD_LANES = 8 };
#else
enum { RUD_LANES = 4 };
#endif

/* Of all steps so far; unit j adds to lane j % RUD_LANES. */
typedef struct rud_lrp_notes {
    uint32_t largest[RUD_LANES]; /* magnitude of the largest relevance */
    uint32_t near_zero[RUD_LANES];
} rud_lrp_notes;

typedef struct rud_lrp_cell {
    size_t H;
    const rud_product_rule *rule;
    float epsilon, product_epsilon, bias_factor;
    bool gates_get; /* relevance */
    bool safe;      /* epsilon keeps all denominators but products' from zero */
} rud_lrp_cell;

void rud_lrp_step(const rud_lrp_cell *cell, const rud_lrp_row *row, rud_lrp_kept *kept,
                  rud_lrp_notes *notes);

/* R[D] = x * R + shared: from W^T s to the relevance of the inputs. */
void rud_lrp_inputs(const float *x, float shared, size_t D, float *R, rud_lrp_notes *notes);

/* z + epsilon * sign(z), sign(0) = +1. */
static inline float rud_stabilised(float z, float epsilon)
{
    return z < 0.0f ? z - epsilon : z + epsilon;
}

#endif

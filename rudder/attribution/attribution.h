/* Contribution analysis: which step of an episode, and which feature of it, does the network's
 * prediction come from? One interface for every method; a new one is one file and one row in the
 * table of methods.c.
 *
 * Sources: Arras, Arjona-Medina et al. 2019, "Explaining and Interpreting LSTMs"
 * (arXiv:1909.12114); each method names its own. */
#ifndef RUD_ATTRIBUTION_ATTRIBUTION_H
#define RUD_ATTRIBUTION_ATTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/network.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rud_attribution_call rud_attribution_call; /* private */

typedef struct rud_attribution_method {
    const char *name;
    const char *summary;
    const char *cost;   /* in forward passes of the episode */
    const char *source; /* where it was published */
    bool causal;        /* a step's relevance depends on nothing behind the step */
    bool conserves;     /* conservation_error is a number */
    const char *sum;    /* what relevance adds up to; NULL where it does not conserve */
    rud_status (*run)(rud_attribution_call *call);
} rud_attribution_method;

/* Method k = 0, 1, ...; NULL behind the last. */
const rud_attribution_method *rud_attribution_method_at(size_t k);

/* RUD_EINVAL, with a message that names the methods, if there is none of that name. */
rud_status rud_attribution_method_find(const char *name, const rud_attribution_method **method);

/* How LRP splits the relevance of a product of gate g and signal s. */
typedef enum rud_lrp_rule {
    RUD_LRP_ALL,  /* the signal takes all */
    RUD_LRP_HALF, /* half each */
    RUD_LRP_PROP, /* in proportion to g and s */
    RUD_LRP_ABS,  /* in proportion to |g| and |s| */
} rud_lrp_rule;

/* Where integrated gradients start. */
typedef enum rud_path_start {
    RUD_FROM_ZERO,
    RUD_FROM_MEAN, /* the features' mean at every step */
    /* Given sequences in turn, each with the episode's own first input, and the mean over them: how
     * others went on. What is predicted there is known by the first step, and is its relevance. */
    RUD_FROM_EPISODES,
    RUD_FROM_GIVEN, /* a given sequence */
} rud_path_start;

typedef enum rud_quadrature { RUD_MIDPOINT, RUD_GAUSS_LEGENDRE } rud_quadrature;

typedef enum rud_occlusion_unit { RUD_OCCLUDE_STEP, RUD_OCCLUDE_FEATURE } rud_occlusion_unit;

typedef enum rud_removal {
    RUD_REMOVE_ZERO,
    RUD_REMOVE_MEAN,   /* the features' mean takes the place */
    RUD_REMOVE_DELETE, /* the sequence gets shorter; emptied, it predicts from the zero state */
} rud_removal;

#define RUD_LAST_STEP ((size_t)-1)

typedef struct rud_attribution_options {
    const rud_attribution_method *method; /* difference */
    size_t output;                        /* of the head, from 0 on; 0 */
    size_t step; /* which step's prediction; RUD_LAST_STEP. Steps behind it have no relevance */

    /* lrp */
    rud_lrp_rule rule;      /* all */
    double epsilon;         /* stabiliser of linear layers, >= 0; 0.001 */
    double bias_factor;     /* share of bias and stabiliser that is spread over the inputs; 0 */
    double product_epsilon; /* stabiliser of g + s, >= 0; NaN: 0.2 for the rule prop, else 0 */

    /* integrated-gradients */
    rud_path_start baseline; /* zero */
    const float *given; /* [given_steps][D]; of RUD_FROM_EPISODES [given_count][given_steps][D],
                           which an rud_explainer sets; borrowed */
    size_t given_count;
    size_t given_steps;        /* 1: that row at every step; else at least the longest episode */
    size_t nodes;              /* 50 */
    rud_quadrature quadrature; /* midpoint */

    /* occlusion */
    rud_occlusion_unit per; /* step */
    size_t window;          /* steps removed together; 1 */
    rud_removal remove;     /* zero */

    /* decomposition: of the steps begin .. end - 1 together; 0, 0: of each step by itself */
    size_t steps_begin, steps_end;
} rud_attribution_options;

rud_attribution_options rud_attribution_options_default(void);

/* An option as text sets it. */
typedef struct rud_attribution_option {
    const char *name;    /* "bias-factor" */
    const char *method;  /* that reads it; NULL: all do */
    const char *values;  /* "zero|mean", or a word such as "NUMBER" */
    const char *summary; /* what it says, with its default */
} rud_attribution_option;

/* Option k = 0, 1, ...: method, output, step, rule, epsilon, bias-factor, product-epsilon,
 * baseline, nodes, quadrature, per, window, remove, steps. NULL behind the last. */
const rud_attribution_option *rud_attribution_option_at(size_t k);

/* Sets one by name and text; RUD_EINVAL names what can be chosen. baseline takes zero, mean and
 * episodes only: a given sequence is set in the structure. */
rud_status rud_attribution_set(rud_attribution_options *options, const char *name,
                               const char *value);

/* The same with what is used in place of what was left open: product_epsilon is a number. */
rud_attribution_options rud_attribution_settled(const rud_attribution_options *options);

enum { RUD_OPTION_TEXT = 48 };

/* The present value as rud_attribution_set reads it ("given" for a given baseline, "last" for the
 * last step, "each" for steps one by one). False if there is no such option. */
bool rud_attribution_get(const rud_attribution_options *options, const char *name,
                         char text[RUD_OPTION_TEXT]);

/* Called now and then by a call that takes long, in its thread: `done`, 0 to 1, is how much of it
 * is through. Anything but RUD_OK, which needs a message, ends the call with that status. */
typedef rud_status rud_attribution_watch(void *watcher, double done);

/* The episodes to explain; everything is borrowed for the call only. prediction = scale * y +
 * offset, and relevance is in its units: of a return predictor, scale is the standard deviation of
 * the target and offset its mean. */
typedef struct rud_attribution_input {
    const rud_network *network;
    const float *x;        /* [T][B][D]; checked to be finite up to each episode's end */
    const size_t *lengths; /* [B], 1 .. T each; NULL: all are T */
    size_t T, B;
    const float *feature_mean; /* [D]; needed where `mean` is chosen, else may be NULL */
    double scale;              /* not 0; 1 for the output itself */
    double offset;
    /* NULL, or what rud_network_forward left of just these episodes after rud_attribution_keep with
     * the same options: lrp then walks back over it at once, and x is not checked. Other methods do
     * not read it. */
    const rud_activations *activations;
    const char *const *names;     /* [B], what messages call the episodes; NULL: "episode 3" */
    rud_attribution_watch *watch; /* or NULL */
    void *watcher;
} rud_attribution_input;

/* RUD_EINVAL where the options are out of range or do not suit the network, whatever the episodes
 * are; rud_attribution_run refuses the same. network: NULL where it is not known yet. */
rud_status rud_attribution_check(const rud_attribution_options *options,
                                 const rud_network *network);

/* Makes the next forward keep what lrp needs by these options. */
void rud_attribution_keep(const rud_attribution_options *options, rud_activations *activations);

/* Step t, episode b of an array [T][B] is [t * B + b]; behind an episode's end there is 0. */
typedef struct rud_attribution_result {
    const float *relevance;       /* [T][B][D]; NULL if the method tells steps only */
    const double *step_relevance; /* [T][B]; NULL: the steps begin .. end - 1 as one */
    const double *absorbed;       /* [T][B], of lrp: what bias and stabiliser kept; else NULL */
    const double *prediction;     /* [B] */
    const double
        *baseline_prediction;        /* [B], of integrated-gradients; else NULL. 0 from episodes */
    const double *initial_relevance; /* [B], of lrp: left in h_{-1} and c_{-1}; else NULL */
    const double *irrelevant;        /* [B], of decomposition with begin, end; else NULL */
    const double *total;             /* [B]: sum of step_relevance + initial_relevance */
    /* [B]: total + absorbed - prediction (integrated-gradients: + baseline_prediction;
     * decomposition: + irrelevant + b_y); NaN where the method does not conserve. */
    const double *conservation_error;
    const double *largest;   /* [B], of lrp: the largest |relevance| met; else NULL */
    const double *growth;    /* [B], of lrp: largest over the largest in and out of the head */
    const double *near_zero; /* [B], of lrp: how many |denominator| < RUD_NEAR_ZERO */
    size_t near_zero_denominators; /* the sum of it */
} rud_attribution_result;

#define RUD_NEAR_ZERO 1e-4

/* Beyond this growth relevance says little: of what a step got, a hundredth at most can be its
 * share in the prediction, and the rest cancels. */
#define RUD_LARGE_GROWTH 100.0

/* Which options of lrp keep relevance from growing, as a clause; static. Products of gate g and
 * signal s do not raise it where |g| + |s| <= |g + s| + product_epsilon, for which 2 is enough as
 * g <= 1; linear layers raise it the less the larger epsilon is. */
const char *rud_lrp_growth_advice(const rud_attribution_options *options);

/* Memory of one thread's calls: it grows as needed and is kept. */
typedef struct rud_attribution rud_attribution;
rud_status rud_attribution_create(rud_attribution **attribution); /* caller owns */
void rud_attribution_free(rud_attribution **attribution);

/* Explains a batch; each episode's numbers are those it has alone. *result is a view until the next
 * call. RUD_EINVAL: an option or input out of range, or a method that a bidirectional network does
 * not allow; RUD_EDIVERGED: a prediction that is not finite; RUD_ENONFINITE: relevance that is not,
 * with the number of denominators near zero. */
rud_status rud_attribution_run(rud_attribution *attribution, const rud_attribution_options *options,
                               const rud_attribution_input *input, rud_attribution_result *result);

/* Removals of rows (inputs) of one episode: each variation removes the first `removed[k]` of
 * order. */
typedef struct rud_perturbation {
    const size_t *order;   /* rows of the episode, each once at most; borrowed */
    const size_t *removed; /* [count], at most the number of rows in order; borrowed */
    size_t count;
} rud_perturbation;

/* prediction[count] of the only episode of the input (B = 1), its rows removed as options->remove
 * says. RUD_EINVAL as rud_attribution_run. */
rud_status rud_attribution_perturb(rud_attribution *attribution,
                                   const rud_attribution_options *options,
                                   const rud_attribution_input *input,
                                   const rud_perturbation *perturbation, double *prediction);

#ifdef __cplusplus
}
#endif
#endif

/* Explains episodes by a model, whatever the model is: a return predictor of ours or an LSTM that
 * others trained. Numbers stand episode by episode, in units of the prediction (reward units for a
 * return predictor; of success, probabilities by `difference` and log-odds by the others); a final
 * observation's share stands with the last step. */
#ifndef RUD_REDISTRIBUTION_EXPLAINER_H
#define RUD_REDISTRIBUTION_EXPLAINER_H

#include "attribution/attribution.h"
#include "redistribution/predictor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is said of one episode; owned by the caller, freed by rud_explanation_free. Arrays that the
 * method does not give are NULL, numbers NaN. */
typedef struct rud_explanation {
    size_t steps;  /* T */
    size_t inputs; /* T, or T + 1 with a final observation */
    size_t width;  /* D */
    /* [inputs][D]; of gradient, sensitivity, gradient-x-input, integrated-gradients, lrp and
     * occlusion per feature. 0 behind the chosen step. */
    float *relevance;
    /* [T]; the last input's joins the last step. NULL of decomposition with steps A:B. */
    double *step_relevance;
    double *absorbed; /* [T], of lrp: what bias and stabiliser kept; laid out likewise */
    double prediction;
    double baseline_prediction; /* of integrated-gradients */
    double initial_relevance;   /* of lrp: in h_{-1} and c_{-1}; 0 where a method leaves nothing */
    double irrelevant;          /* of decomposition with steps A:B */
    double total;               /* sum of step_relevance + initial_relevance; of steps A:B theirs */
    double conservation_error;  /* NaN where the method does not conserve */
    double growth;              /* of lrp: largest |relevance| met over the largest at the head */
    size_t near_zero_denominators; /* of lrp: below RUD_NEAR_ZERO in this episode's batch */
} rud_explanation;

/* What step t < T contributes where relevance becomes reward: its relevance, with what was absorbed
 * there. Not of decomposition with steps A:B. */
double rud_explanation_contribution(const rud_explanation *explanation, size_t t);

/* Frees the arrays and sets all to 0. */
void rud_explanation_free(rud_explanation *explanation);

/* Do they start from other episodes, so that the predictor has to keep some? See
 * rud_predictor_keep_episodes. */
bool rud_explainer_needs_episodes(const rud_attribution_options *options);

typedef struct rud_explainer rud_explainer;

/* Of a return predictor, borrowed until free; it may train between runs, not during one, and
 * several explainers, one a thread, may share it. options are copied, options->given is borrowed.
 * Predictors without a network know `difference` only. Caller owns *explainer. RUD_EINVAL names
 * what does not fit. */
rud_status rud_explainer_create(const rud_predictor *predictor,
                                const rud_attribution_options *options, rud_explainer **explainer);

/* Of a network as it is: an episode's observation rows, all of them, are its inputs; its actions
 * are ignored. feature_mean: [D] or NULL. network and feature_mean are borrowed until free. */
rud_status rud_explainer_create_for_network(const rud_network *network, const float *feature_mean,
                                            const rud_attribution_options *options,
                                            rud_explainer **explainer);
void rud_explainer_free(rud_explainer **explainer);

/* Views: of what it explains; the predictor is NULL for a network as it is. */
const rud_predictor *rud_explainer_predictor(const rud_explainer *explainer);
const rud_attribution_options *rud_explainer_options(const rud_explainer *explainer);

/* The largest growth of all its explanations so far; 0 before there is one of lrp. */
double rud_explainer_largest_growth(const rud_explainer *explainer);

/* Explains a batch of episodes of any lengths; each gets the numbers that it has alone, bit for
 * bit. Memory is bounded: more episodes than fit are explained in turn. explanations[count] out; on
 * failure none is left allocated, and the message names the episode by its id, or by its number in
 * the batch where there are several. */
rud_status rud_explainer_run(rud_explainer *explainer, const rud_episode *const *episodes,
                             size_t count, rud_explanation *explanations);

/* What long runs and perturbations tell of themselves: see rud_attribution_watch; `done` is of the
 * episodes given. NULL: nothing. */
void rud_explainer_set_watch(rud_explainer *explainer, rud_attribution_watch *watch, void *watcher);

/* Explains from now on by `network` in the place of its own, in the same units; NULL: by its own
 * again. Borrowed until then. RUD_EINVAL: it differs in its specification, or there is none to take
 * the place of. */
rud_status rud_explainer_set_network(rud_explainer *explainer, const rud_network *network);

/* Predictions of an episode while its steps are removed, at the network's inputs: prediction[k] is
 * that without the steps order[0] .. order[removed[k] - 1]; what takes their place is
 * options.remove. A final observation goes with the last step. order[T] holds every step once;
 * removed[count] <= T; prediction[count]. RUD_EINVAL where there is no network. */
rud_status rud_explainer_perturb(rud_explainer *explainer, const rud_episode *episode,
                                 const size_t *order, const size_t *removed, size_t count,
                                 double *prediction);

/* A name for input column d in name[size], such as "observation[1]=3"; "" where d >= D. */
void rud_explainer_feature_name(const rud_explainer *explainer, size_t d, char *name, size_t size);

#ifdef __cplusplus
}
#endif
#endif

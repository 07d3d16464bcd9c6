/* An explainer: whose predictions it explains, by which method. */
#include "redistribution/explainer_private.h"

#include <stdlib.h>
#include <string.h>

#include "redistribution/predictor_private.h"

static rud_status allocate(const rud_attribution_options *options, rud_explainer **explainer)
{
    *explainer = calloc(1, sizeof **explainer);
    if (*explainer == NULL) return rud_error(RUD_ENOMEM, "no memory for an explainer");
    (*explainer)->options = *options;
    return rud_attribution_create(&(*explainer)->attribution);
}

const rud_network *rud_explainer_network(const rud_explainer *explainer)
{
    if (explainer->replacement) return explainer->replacement;
    return explainer->predictor ? rud_predictor_network(explainer->predictor) : explainer->network;
}

const rud_features *rud_explainer_features(const rud_explainer *explainer, bool all_rows)
{
    return explainer->predictor ? rud_predictor_features(explainer->predictor)
                                : explainer->features[all_rows];
}

bool rud_explainer_needs_episodes(const rud_attribution_options *options)
{
    return options->baseline == RUD_FROM_EPISODES &&
           strcmp(options->method->name, "integrated-gradients") == 0;
}

static rud_status check_episodes(const rud_explainer *explainer)
{
    const rud_predictor *predictor = explainer->predictor;
    if (!rud_explainer_needs_episodes(&explainer->options)) return RUD_OK;
    if (predictor != NULL && predictor->references != NULL) return RUD_OK;
    return rud_error(RUD_EINVAL, "baseline: no episodes are kept with the model, only while it is "
                                 "trained; choose zero or mean");
}

/* A predictor without a network has predictions to offer, and one output. */
static rud_status check_options(const rud_explainer *explainer)
{
    const rud_attribution_options *options = &explainer->options;
    RUD_TRY(check_episodes(explainer));
    const rud_network *network = rud_explainer_network(explainer);
    if (network != NULL) return rud_attribution_check(options, network);
    const char *cell = rud_predictor_cell(explainer->predictor);
    if (options->method != rud_attribution_method_at(0)) {
        return rud_error(RUD_EINVAL,
                         "method %s needs a network, which the predictor \"%s\" has not; choose "
                         "the method difference or the cell of an LSTM",
                         options->method->name, cell);
    }
    if (options->output > 0) {
        return rud_error(RUD_EINVAL, "output %zu: the predictor \"%s\" has one output, 0",
                         options->output, cell);
    }
    return RUD_OK;
}

rud_status rud_explainer_create(const rud_predictor *predictor,
                                const rud_attribution_options *options, rud_explainer **explainer)
{
    const size_t D = rud_features_width(rud_predictor_features(predictor));
    rud_status status = allocate(options, explainer);
    if (status == RUD_OK) {
        (*explainer)->predictor = predictor;
        (*explainer)->mean = malloc(D * sizeof(float));
        status = (*explainer)->mean ? check_options(*explainer)
                                    : rud_error(RUD_ENOMEM, "no memory for %zu feature means", D);
    }
    if (status != RUD_OK) rud_explainer_free(explainer);
    return status;
}

/* The features of a network as it is: rows of D numbers as they are. */
static rud_status create_features(rud_explainer *explainer)
{
    const size_t D = rud_network_specification(explainer->network)->inputs;
    rud_space space = {0};
    RUD_TRY(rud_space_box(NULL, NULL, D, &space));
    rud_status status = RUD_OK;
    for (size_t k = 0; k < 2 && status == RUD_OK; k++) {
        rud_features_options options = rud_features_options_default();
        options.final_observation = k == RUD_ALL_ROWS;
        status = rud_features_create(&options, &space, NULL, &explainer->features[k]);
    }
    rud_space_free(&space);
    return status;
}

rud_status rud_explainer_create_for_network(const rud_network *network, const float *feature_mean,
                                            const rud_attribution_options *options,
                                            rud_explainer **explainer)
{
    rud_status status = allocate(options, explainer);
    if (status == RUD_OK) {
        (*explainer)->network = network;
        (*explainer)->feature_mean = feature_mean;
        status = check_options(*explainer);
        if (status == RUD_OK) status = create_features(*explainer);
    }
    if (status != RUD_OK) rud_explainer_free(explainer);
    return status;
}

void rud_explainer_free(rud_explainer **explainer)
{
    rud_explainer *e = *explainer;
    if (e == NULL) return;
    rud_attribution_free(&e->attribution);
    for (size_t k = 0; k < 2; k++) rud_features_free(&e->features[k]);
    rud_batch_free(&e->batch);
    free(e->mean);
    free(e->references);
    free(e);
    *explainer = NULL;
}

const rud_predictor *rud_explainer_predictor(const rud_explainer *explainer)
{
    return explainer->predictor;
}

const rud_attribution_options *rud_explainer_options(const rud_explainer *explainer)
{
    return &explainer->options;
}

void rud_explainer_set_watch(rud_explainer *explainer, rud_attribution_watch *watch, void *watcher)
{
    explainer->watch = watch;
    explainer->watcher = watcher;
}

double rud_explainer_largest_growth(const rud_explainer *explainer)
{
    return explainer->largest_growth;
}

void rud_explainer_feature_name(const rud_explainer *explainer, size_t d, char *name, size_t size)
{
    rud_features_name(rud_explainer_features(explainer, false), d, name, size);
}

/* The same connections and activations; names don't matter. */
static bool same_cell(const rud_cell *a, const rud_cell *b)
{
    bool same = a->cell_input == b->cell_input && a->hidden == b->hidden;
    for (size_t g = 0; g < RUD_GATES; g++) {
        const rud_connections *x = &a->gates[g], *y = &b->gates[g];
        same =
            same && x->forward == y->forward && x->recurrent == y->recurrent && x->bias == y->bias;
    }
    return same;
}

static bool same_specification(const rud_network_spec *a, const rud_network_spec *b)
{
    return a->inputs == b->inputs && a->hidden == b->hidden && a->layers == b->layers &&
           a->outputs == b->outputs && a->bidirectional == b->bidirectional &&
           same_cell(&a->cell, &b->cell);
}

rud_status rud_explainer_set_network(rud_explainer *explainer, const rud_network *network)
{
    explainer->replacement = NULL;
    if (network == NULL) return RUD_OK;
    const rud_network *own = rud_explainer_network(explainer);
    if (own == NULL) {
        return rud_error(RUD_EINVAL,
                         "the predictor \"%s\" has no network that another could take the place of",
                         rud_predictor_cell(explainer->predictor));
    }
    if (!same_specification(rud_network_specification(own), rud_network_specification(network))) {
        return rud_error(RUD_EINVAL, "the other network must have the same inputs, hidden units, "
                                     "layers, outputs, direction and cell");
    }
    explainer->replacement = network;
    return RUD_OK;
}

/* The methods there are. A new one is a file beside this and a row here. */
#include <string.h>

#include "attribution/attribution_private.h"
#include "base/names.h"

static const rud_attribution_method methods[] = {
    {
        .name = "difference",
        .summary = "difference of consecutive predictions; works on unfinished episodes",
        .cost = "1 forward pass",
        .source = "Arjona-Medina et al. 2019, arXiv:1806.07857",
        .causal = true,
        .conserves = true,
        .sum = "the prediction",
        .run = rud_run_difference,
    },
    {
        .name = "gradient",
        .summary = "derivative of the prediction by each input",
        .cost = "1 forward and backward pass",
        .source = "Simonyan et al. 2014, arXiv:1312.6034",
        .run = rud_run_gradient,
    },
    {
        .name = "sensitivity",
        .summary = "square of the gradient",
        .cost = "1 forward and backward pass",
        .source = "Li et al. 2016, arXiv:1506.01066",
        .run = rud_run_sensitivity,
    },
    {
        .name = "gradient-x-input",
        .summary = "gradient times input",
        .cost = "1 forward and backward pass",
        .source = "Shrikumar et al. 2016, arXiv:1605.01713",
        .run = rud_run_gradient_x_input,
    },
    {
        .name = "integrated-gradients",
        .summary = "gradient averaged on the way from a baseline, times the way",
        .cost = "a forward and backward pass a node",
        .source = "Sundararajan et al. 2017, arXiv:1703.01365",
        .conserves = true,
        .sum = "the prediction less that of the baseline",
        .run = rud_run_integrated_gradients,
    },
    {
        .name = "occlusion",
        .summary = "what the prediction loses without a step, feature or window",
        .cost = "1 forward pass a step, or a step and feature",
        .source = "Zeiler and Fergus 2014, arXiv:1311.2901; Li et al. 2016, arXiv:1612.08220",
        .run = rud_run_occlusion,
    },
    {
        .name = "lrp",
        .summary = "layer-wise relevance propagation, gates by the chosen rule",
        .cost = "1 forward pass and at most 0.5 (rule all) or 2 on top",
        .source = "Bach et al. 2015; Arras et al. 2019, arXiv:1909.12114",
        .conserves = true,
        .sum = "the prediction together with what biases and stabilisers absorb",
        .run = rud_run_lrp,
    },
    {
        .name = "decomposition",
        .summary = "contextual decomposition: the part of chosen steps in the prediction",
        .cost = "about half a forward pass a step",
        .source = "Murdoch et al. 2018, arXiv:1801.05453",
        .conserves = true,
        .sum = "the prediction together with the other steps and the head's bias, where steps are "
               "chosen",
        .run = rud_run_decomposition,
    },
};

enum { METHODS = sizeof methods / sizeof *methods };

const rud_attribution_method *rud_attribution_method_at(size_t k)
{
    return k < METHODS ? &methods[k] : NULL;
}

static const char *method_name(size_t k)
{
    return k < METHODS ? methods[k].name : NULL;
}

rud_status rud_attribution_method_find(const char *name, const rud_attribution_method **method)
{
    char names[RUD_NAMES_SIZE];
    *method = NULL;
    for (size_t k = 0; k < METHODS; k++) {
        if (strcmp(methods[k].name, name) == 0) {
            *method = &methods[k];
            return RUD_OK;
        }
    }
    rud_names_list(method_name, names);
    return rud_error(RUD_EINVAL, "unknown method '%s'; there are: %s", name, names);
}

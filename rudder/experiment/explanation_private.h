/* Charts of one explained episode. Private to this folder. */
#ifndef RUD_EXPERIMENT_EXPLANATION_PRIVATE_H
#define RUD_EXPERIMENT_EXPLANATION_PRIVATE_H

#include <stdio.h>

#include "experiment/explanation_page.h"

/* Figures: the rewards (if any is not 0), the steps' relevance, the features' (where they are
 * there). */
rud_status rud_explanation_figures(const rud_explanation_page *page, size_t k, FILE *out);

#endif

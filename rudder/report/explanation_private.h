/* Charts of one explained episode. Private to this folder. */
#ifndef RUD_REPORT_EXPLANATION_PRIVATE_H
#define RUD_REPORT_EXPLANATION_PRIVATE_H

#include <stdio.h>

#include "report/explanation_page.h"

/* Figures: the rewards (if any is not 0), the steps' relevance, the features' (where they are
 * there). */
rud_status rud_explanation_figures(const rud_explanation_page *page, size_t k, FILE *out);

/* Values of the steps as bars. kind: "reward" or "relevance", for the colour. mark: what is added
 * to `values` to give the height of the short lines; NULL: none. caption: HTML. */
rud_status rud_explanation_bars(const rud_explanation *e, const char *kind, const char *title,
                                const double *values, const double *mark, FILE *out,
                                const char *caption);

#endif

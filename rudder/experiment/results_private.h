/* How runs and summaries belong together. Private to this folder. */
#ifndef RUD_EXPERIMENT_RESULTS_PRIVATE_H
#define RUD_EXPERIMENT_RESULTS_PRIVATE_H

#include "experiment/results.h"

/* The same environment and delay; in a group also the same method. */
bool rud_same_variant(const rud_run *a, const rud_run *b);
bool rud_same_group(const rud_run *a, const rud_run *b);

/* Is summary k the first of its variant? */
bool rud_first_of_variant(const rud_results *results, size_t k);

/* The summary whose method is compared with the others of the member's variant. */
const rud_summary *rud_reference(const rud_results *results, const rud_summary *member);

/* Why the first failed run of the group failed; "" if none did. */
const char *rud_first_error(const rud_runs *runs, const rud_run *group);

#endif

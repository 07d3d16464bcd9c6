/* What an experiment found: one record a run, summaries and comparisons from them, and their files
 * (runs.jsonl while it runs; results.json and results.csv at the end). */
#ifndef RUD_EXPERIMENT_RESULTS_H
#define RUD_EXPERIMENT_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "agents/agent.h"
#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RUD_NO_DELAY (-1)
enum { RUD_REGRETS = 3 }; /* after 500, 1,000 and 2,000 episodes */

/* A setting of a tabular learner, as the grid varies it. */
typedef struct rud_setting {
    rud_step_size step_size;
    double initial_value;
    size_t random_episodes;
} rud_setting;

typedef struct rud_curve_point {
    size_t episode;
    double optimal_share; /* of the first actions of the last 100 episodes */
} rud_curve_point;

typedef struct rud_predictor_point {
    size_t episode;
    double loss;    /* running main loss, standardised */
    double quality; /* prequential */
    bool ready;
} rud_predictor_point;

/* An episode to look at: rewards on one time axis. */
typedef struct rud_example {
    size_t steps;
    double *original, *redistributed, *exact; /* [steps]; exact may be NULL */
    char *caption;                            /* such as "brand 1, repaired, 3 flat tires" */
} rud_example;

typedef struct rud_run {
    char environment[RUD_NAME_SIZE];
    int64_t delay; /* RUD_NO_DELAY where the environment has none */
    char method[RUD_NAME_SIZE];
    rud_setting setting;
    bool tuning; /* a run of the grid search: not among the results */
    uint64_t seed;
    bool solved;
    bool censored;              /* stopped at the cap: `episodes` is the cap */
    size_t episodes;            /* to solve */
    size_t poor_decisions;      /* among them */
    double greedy_optimal_from; /* first episode; NaN: never */
    double regret[RUD_REGRETS]; /* NaN where the run ended before */
    double seconds;             /* thread CPU time of the whole run */
    char *error;                /* NULL, or why the run failed */
    rud_curve_point *curve;     /* [curve_count] */
    size_t curve_count;
    rud_predictor_point *predictor; /* [predictor_count] */
    size_t predictor_count;
    rud_example *examples; /* [example_count]; of the first seed only */
    size_t example_count;
} rud_run;

void rud_run_free(rud_run *run);

typedef struct rud_runs {
    rud_run *items;
    size_t count, capacity;
} rud_runs;

/* Takes the run's arrays, also on failure. */
rud_status rud_runs_add(rud_runs *runs, rud_run *run);
void rud_runs_free(rud_runs *runs);

/* One line of runs.jsonl, without the newline; caller owns *text. */
rud_status rud_run_to_json(const rud_run *run, char **text);

/* Reads runs.jsonl: every whole line. A last line without its end, which is still being written or
 * was torn by a kill, is left out. An absent file gives no runs. */
rud_status rud_runs_read(const char *path, rud_runs *runs);

/* Cuts a torn last line off runs.jsonl, so that more can be appended. */
rud_status rud_runs_mend(const char *path);

/* One environment variant and method. */
typedef struct rud_summary {
    const rud_run *first; /* names environment, delay, method and setting */
    size_t runs, solved;  /* failed runs are not among `runs` */
    size_t failed;
    double largest_solved; /* most episodes of a run that is not censored; -infinity: none */
    double median_episodes, q25_episodes, q75_episodes;
    double interval_low, interval_high; /* bootstrap, of median_episodes */
    double median_poor_decisions, median_seconds;
} rud_summary;

/* a against b in one environment variant: fewer episodes? */
typedef struct rud_comparison {
    const rud_run *a, *b;
    double p_value; /* one-sided Mann-Whitney U, Holm-corrected over all comparisons */
    double probability_of_superiority;
    double ratio;                /* median episodes of a / median episodes of b */
    bool a_censored, b_censored; /* the median is censored: the ratio is a bound */
} rud_comparison;

typedef struct rud_results {
    const rud_runs *runs; /* borrowed */
    rud_summary *summaries;
    size_t summary_count;
    rud_comparison *comparisons;
    size_t comparison_count;
} rud_results;

/* Summaries in order of first appearance; comparisons of the method `rudder` (else of the first)
 * against every other in each environment variant. Tuning runs are left out. Caller frees. */
rud_status rud_results_compute(const rud_runs *runs, rud_results *results);
void rud_results_free(rud_results *results);

/* True where `episodes`, a quantile of the summary, is a lower bound: censored runs are in it. */
bool rud_summary_is_bound(const rud_summary *summary, double episodes);

/* The comparison of a summary's method as side b; NULL for the method that is compared. */
const rud_comparison *rud_results_comparison(const rud_results *results,
                                             const rud_summary *summary);

/* The same environment and delay; in a group also the same method. */
bool rud_same_variant(const rud_run *a, const rud_run *b);
bool rud_same_group(const rud_run *a, const rud_run *b);

/* Is summary k the first of its variant? */
bool rud_first_of_variant(const rud_results *results, size_t k);

/* The summary whose method is compared with the others of the member's variant. */
const rud_summary *rud_reference(const rud_results *results, const rud_summary *member);

/* Why the first failed run of the group failed; "" if none did. */
const char *rud_first_error(const rud_runs *runs, const rud_run *group);

/* config: effective configuration as JSON text. results.json and results.csv, atomically. */
rud_status rud_results_write_json(const rud_results *results, const char *config, const char *path);
rud_status rud_results_write_csv(const rud_results *results, const char *path);

/* The JSON text of results.json; caller owns. */
rud_status rud_results_to_json(const rud_results *results, const char *config, char **text);

#ifdef __cplusplus
}
#endif
#endif

/* The parts of `rudder explain`: what was asked for, the model, the episodes, and what becomes of
 * each explanation. */
#ifndef RUD_CLI_EXPLAIN_H
#define RUD_CLI_EXPLAIN_H

#include "cli/attribution_options.h"

typedef struct cli_explain_arguments {
    cli_verbosity verbosity;
    const char *model, *head;
    const char *episodes;
    const char *path; /* of -o; NULL: standard output */
    cli_attribution attribution;
    size_t threads;
    bool json, list;
} cli_explain_arguments;

/* -m, --head and EPISODES, which must be there unless `list` is set. For argp's children; the input
 * is a cli_explain_arguments. */
extern const struct argp cli_explain_argp;

/* `--list`: every method, as text or JSON. */
rud_status cli_explain_list(bool json, FILE *stream);

/* An episode of the data set, and what is said of it. */
typedef struct cli_explained {
    rud_episode *episode;
    char *place; /* as messages name it */
    rud_explanation explanation;
    bool done;
} cli_explained;
void cli_explained_free(cli_explained *explained);

/* Opens the data set that the arguments name: JSON lines as a stream, so that what stands before a
 * bad line is explained, unless all episodes are needed beforehand for their mean. */
rud_status cli_explain_source_open(const cli_explain_arguments *arguments, rud_dataset **source);

/* *explained: episode and place; no episode at the end. Caller owns it. */
rud_status cli_explain_source_next(rud_dataset *source, cli_explained *explained);

/* The mean of the observations of all episodes, [width]; caller owns *mean. The source, no stream,
 * stands at its start again. */
rud_status cli_explain_source_mean(rud_dataset *source, size_t width, float **mean);

/* Episodes, of a stream the lines of the file; RUD_TOTAL_UNKNOWN where it can be read only once. */
uint64_t cli_explain_source_count(const rud_dataset *source);

/* A return predictor, or a network that others trained. Zero-initialise. */
typedef struct cli_explain_model {
    rud_predictor *predictor;
    rud_network *network; /* owned, where there is no predictor */
    float *feature_mean;  /* [D], of a network */
    float *given;         /* [given_steps][D] */
    rud_attribution_options options;
} cli_explain_model;

/* Reads what the arguments name: the model, the baseline, the mean of the source. */
rud_status cli_explain_model_open(const cli_explain_arguments *arguments, rud_dataset *source,
                                  cli_explain_model *model);

/* Does the method start from the mean of the source, or put it in place of what it removes? */
bool cli_explain_needs_mean(const rud_attribution_options *options);

void cli_explain_model_close(cli_explain_model *model);
rud_status cli_explain_model_explainer(const cli_explain_model *model, rud_explainer **explainer);

/* Where explanations go, in the order of the file. write may take `episode` and `explanation` out
 * of what it gets; it leaves NULL or zeros there. */
typedef struct cli_explain_sink {
    rud_status (*write)(void *context, cli_explained *explained);
    void *context;
    size_t most; /* explanations that are taken; further episodes are only counted. 0: all */
} cli_explain_sink;

typedef struct cli_explain_counts {
    size_t episodes;
    size_t left_out;               /* of these: not explained */
    size_t near_zero_denominators; /* over all explanations */
    size_t near_zero_episodes;     /* that had any */
    size_t grown_episodes;         /* whose relevance grew beyond RUD_LARGE_GROWTH */
    double largest_growth;
} cli_explain_counts;

/* Explains all episodes over the threads. Whatever their number, the sink gets the same; on failure
 * it has got all that stands before. progress: NULL for silence. */
rud_status cli_explain_run(rud_dataset *source, const cli_explain_model *model, size_t threads,
                           FILE *progress, const cli_explain_sink *sink,
                           cli_explain_counts *counts);

/* Explanations as JSON lines, as tables, as a page. */
rud_status cli_explain_write_json(const cli_explain_arguments *arguments,
                                  const cli_explained *explained, FILE *stream);
rud_status cli_explain_write_table(const rud_explainer *explainer, const cli_explained *explained,
                                   FILE *stream);

typedef struct cli_explain_page {
    cli_explained *shown; /* [count] */
    size_t count;
} cli_explain_page;
rud_status cli_explain_page_add(void *page, cli_explained *explained); /* a sink's write */
rud_status cli_explain_page_write(const cli_explain_page *page,
                                  const cli_explain_arguments *arguments,
                                  const rud_explainer *explainer, size_t left_out);
void cli_explain_page_free(cli_explain_page *page);

#endif

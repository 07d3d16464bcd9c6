/* The parts of an experiment's page: each writes its HTML. Private to this folder. */
#ifndef RUD_REPORT_REPORT_PRIVATE_H
#define RUD_REPORT_REPORT_PRIVATE_H

#include <json-c/json.h>
#include <stdio.h>

#include "experiment/results.h"
#include "report/bands_private.h"

typedef struct rud_report {
    const rud_results *results;
    const char *title;
    const char *config; /* YAML */
    FILE *out;
} rud_report;

typedef rud_status rud_report_part(const rud_report *report);

rud_report_part rud_report_summary;    /* one paragraph in plain words */
rud_report_part rud_report_tables;     /* a table for each environment variant */
rud_report_part rud_report_settings;   /* of each method, and what was tried */
rud_report_part rud_report_statistics; /* the comparisons */
rud_report_part rud_report_episodes;   /* charts: episodes to solve */
rud_report_part rud_report_curves;     /* charts: learning curves */
rud_report_part rud_report_predictor;  /* charts: the predictor's loss and quality */
rud_report_part rud_report_examples;   /* charts: example episodes */

/* The colours of methods are the same on every page. 0 .. RUD_METHOD_COLOURS - 1. */
enum { RUD_METHOD_COLOURS = 8 };
size_t rud_method_colour(const rud_results *results, const char *method);

/* Data sets of the charts: arrays. NULL without memory; the caller owns them.
 * variant: a run of it; NULL: all. */
json_object *rud_data_palette(const rud_results *results);
json_object *rud_data_methods(const rud_results *results, const rud_run *variant);
json_object *rud_data_runs(const rud_results *results, const rud_run *variant);
json_object *rud_data_summaries(const rud_results *results, const rud_run *variant);
json_object *rud_data_rewards(const rud_example *example);

/* One entry: a method's series as columns. */
json_object *rud_data_bands(const char *method, const rud_bands *bands);

#endif

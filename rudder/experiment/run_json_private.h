/* A run as a JSON object: the record of runs.jsonl, and its part that results.json shows. Private
 * to this folder. */
#ifndef RUD_EXPERIMENT_RUN_JSON_PRIVATE_H
#define RUD_EXPERIMENT_RUN_JSON_PRIVATE_H

#include <json-c/json.h>

#include "experiment/results.h"

/* "environment", "delay" (an integer or null) and "method" of a run. */
bool rud_run_put_group(json_object *object, const rud_run *run);

/* "setting": {"step_size": "1/n" or a number, "initial_value", "random_episodes"}. */
bool rud_run_put_setting(json_object *object, const rud_run *run);

/* One entry of "runs" in results.json. */
bool rud_run_put_results(json_object *object, const rud_run *run);

/* Reads the record of one run; caller frees *run by rud_run_free, also on failure. RUD_EFORMAT
 * with the field. */
rud_status rud_run_from_json(json_object *record, rud_run *run);

#endif

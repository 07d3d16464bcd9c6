#include "experiment/results.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "experiment/run_json_private.h"

static bool put_runs(json_object *document, const rud_runs *runs)
{
    json_object *array = json_object_new_array();
    bool done = rud_json_put(document, "runs", array);
    for (size_t k = 0; done && k < runs->count; k++) {
        if (runs->items[k].tuning) continue;
        json_object *run = json_object_new_object();
        done = rud_json_push(array, run) && rud_run_put_results(run, &runs->items[k]);
    }
    return done;
}

static bool put_summary(json_object *array, const rud_summary *summary)
{
    json_object *object = json_object_new_object();
    return rud_json_push(array, object) && rud_run_put_group(object, summary->first) &&
           rud_run_put_setting(object, summary->first) &&
           rud_json_put_count(object, "runs", summary->runs) &&
           rud_json_put_count(object, "failed", summary->failed) &&
           rud_json_put_count(object, "solved", summary->solved) &&
           rud_json_put_number(object, "median_episodes", summary->median_episodes) &&
           rud_json_put_number(object, "q25_episodes", summary->q25_episodes) &&
           rud_json_put_number(object, "q75_episodes", summary->q75_episodes) &&
           rud_json_put_number(object, "median_episodes_low", summary->interval_low) &&
           rud_json_put_number(object, "median_episodes_high", summary->interval_high) &&
           rud_json_put_bool(object, "median_censored",
                             rud_summary_is_bound(summary, summary->median_episodes)) &&
           rud_json_put_number(object, "median_poor_decisions", summary->median_poor_decisions) &&
           rud_json_put_number(object, "median_seconds", summary->median_seconds);
}

static bool put_comparison(json_object *array, const rud_comparison *comparison)
{
    json_object *object = json_object_new_object();
    if (!rud_json_push(array, object) || !rud_run_put_group(object, comparison->a)) return false;
    json_object_object_del(object, "method");
    return rud_json_put_text(object, "a", comparison->a->method) &&
           rud_json_put_text(object, "b", comparison->b->method) &&
           rud_json_put_text(object, "test",
                             "one-sided Mann-Whitney U: a needs fewer episodes; Holm-corrected") &&
           rud_json_put_number(object, "p_value", comparison->p_value) &&
           rud_json_put_number(object, "probability_of_superiority",
                               comparison->probability_of_superiority) &&
           rud_json_put_number(object, "ratio", comparison->ratio) &&
           rud_json_put_bool(object, "a_censored", comparison->a_censored) &&
           rud_json_put_bool(object, "b_censored", comparison->b_censored);
}

static bool put_statistics(json_object *document, const rud_results *results)
{
    json_object *summaries = json_object_new_array();
    bool done = rud_json_put(document, "summary", summaries);
    for (size_t k = 0; done && k < results->summary_count; k++) {
        done = put_summary(summaries, &results->summaries[k]);
    }
    json_object *comparisons = done ? json_object_new_array() : NULL;
    done = done && rud_json_put(document, "comparisons", comparisons);
    for (size_t k = 0; done && k < results->comparison_count; k++) {
        done = put_comparison(comparisons, &results->comparisons[k]);
    }
    return done;
}

/* config NULL: null. */
static rud_status put_config(json_object *document, const char *config)
{
    enum json_tokener_error error = json_tokener_success;
    json_object *object = config ? json_tokener_parse_verbose(config, &error) : NULL;
    if (error != json_tokener_success) {
        return rud_error(RUD_EINVAL, "the configuration is not JSON: %s",
                         json_tokener_error_desc(error));
    }
    if (json_object_object_add(document, "config", object) == 0) return RUD_OK;
    json_object_put(object);
    return rud_error(RUD_ENOMEM, "results: no memory left");
}

rud_status rud_results_to_json(const rud_results *results, const char *config, char **text)
{
    *text = NULL;
    json_object *document = json_object_new_object();
    rud_status status = document ? put_config(document, config) : RUD_OK;
    if (status != RUD_OK) {
        json_object_put(document);
        return status;
    }
    if (document && rud_json_put_text(document, "version", RUD_VERSION) &&
        put_runs(document, results->runs) && put_statistics(document, results)) {
        const char *pretty = json_object_to_json_string_ext(
            document, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
        if (pretty) *text = strdup(pretty);
    }
    json_object_put(document);
    if (*text) return RUD_OK;
    rud_error(RUD_ENOMEM, "results: no memory left");
    return RUD_ENOMEM;
}

rud_status rud_results_write_json(const rud_results *results, const char *config, const char *path)
{
    char *text;
    RUD_TRY(rud_results_to_json(results, config, &text));
    rud_status status = rud_file_write(path, text, strlen(text));
    free(text);
    return status;
}

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "experiment/results.h"
#include "report/report_private.h"
#include "report/wording_private.h"

static const rud_wording *const page = &rud_wording_page;

/* These have their place in the palette also where some are absent; others follow. */
static const char *const known_methods[] = {"rudder",  "monte-carlo", "q-learning",
                                            "uniform", "linear",      "exact"};
enum { KNOWN_METHODS = sizeof known_methods / sizeof known_methods[0] };

static bool is_first_of_method(const rud_results *results, size_t k)
{
    for (size_t j = 0; j < k; j++) {
        if (strcmp(results->summaries[j].first->method, results->summaries[k].first->method) == 0) {
            return false;
        }
    }
    return true;
}

static bool is_known(const char *method)
{
    for (size_t k = 0; k < KNOWN_METHODS; k++) {
        if (strcmp(known_methods[k], method) == 0) return true;
    }
    return false;
}

static bool push_method(json_object *array, const char *method)
{
    json_object *entry = json_object_new_object();
    return rud_json_push(array, entry) && rud_json_put_text(entry, "method", method);
}

/* Returns the array where it is whole; else frees it. */
static json_object *finish(json_object *array, bool done)
{
    if (done) return array;
    json_object_put(array);
    return NULL;
}

json_object *rud_data_palette(const rud_results *results)
{
    json_object *array = json_object_new_array();
    bool done = array != NULL;
    for (size_t k = 0; done && k < KNOWN_METHODS; k++) done = push_method(array, known_methods[k]);
    for (size_t k = 0; done && k < results->summary_count; k++) {
        const char *method = results->summaries[k].first->method;
        if (is_known(method) || !is_first_of_method(results, k)) continue;
        done = push_method(array, method);
    }
    return finish(array, done);
}

size_t rud_method_colour(const rud_results *results, const char *method)
{
    size_t colour = 0;
    for (; colour < KNOWN_METHODS; colour++) {
        if (strcmp(known_methods[colour], method) == 0) return colour;
    }
    for (size_t k = 0; k < results->summary_count; k++) {
        const char *other = results->summaries[k].first->method;
        if (is_known(other) || !is_first_of_method(results, k)) continue;
        if (strcmp(other, method) == 0) break;
        colour++;
    }
    return colour % RUD_METHOD_COLOURS;
}

static bool is_of(const rud_run *run, const rud_run *variant)
{
    return !variant || rud_same_variant(run, variant);
}

json_object *rud_data_methods(const rud_results *results, const rud_run *variant)
{
    json_object *array = json_object_new_array();
    bool done = array != NULL;
    for (size_t k = 0; done && k < results->summary_count; k++) {
        const rud_run *run = results->summaries[k].first;
        if (is_of(run, variant) && (variant || is_first_of_method(results, k))) {
            done = push_method(array, run->method);
        }
    }
    return finish(array, done);
}

json_object *rud_data_runs(const rud_results *results, const rud_run *variant)
{
    json_object *array = json_object_new_array();
    bool done = array != NULL;
    for (size_t k = 0; done && k < results->runs->count; k++) {
        const rud_run *run = &results->runs->items[k];
        if (run->tuning || run->error || !is_of(run, variant)) continue;
        json_object *entry = json_object_new_object();
        done = rud_json_push(array, entry) && rud_json_put_text(entry, "method", run->method) &&
               rud_json_put_count(entry, "seed", run->seed) &&
               rud_json_put_count(entry, "episodes", run->episodes) &&
               rud_json_put_bool(entry, "censored", run->censored);
    }
    return finish(array, done);
}

/* "1,010 [950, 1,080]" */
static void word_quartiles(const rud_summary *summary, char *text, size_t size)
{
    rud_word median = rud_word_episodes(page, summary, summary->median_episodes);
    rud_word low = rud_word_episodes(page, summary, summary->q25_episodes);
    rud_word high = rud_word_episodes(page, summary, summary->q75_episodes);
    snprintf(text, size, "%s [%s, %s]", median.text, low.text, high.text);
}

static bool push_summary(json_object *array, const rud_summary *summary)
{
    char quartiles[4 * sizeof(rud_word)], tip[6 * sizeof(rud_word)];
    word_quartiles(summary, quartiles, sizeof quartiles);
    snprintf(tip, sizeof tip, "%s: median %s episodes, %zu of %zu runs solved",
             summary->first->method, quartiles, summary->solved, summary->runs);
    rud_word label = rud_word_episodes(page, summary, summary->median_episodes);
    json_object *entry = json_object_new_object();
    return rud_json_push(array, entry) &&
           rud_json_put_text(entry, "method", summary->first->method) &&
           rud_json_put(entry, "delay", json_object_new_int64(summary->first->delay)) &&
           rud_json_put_number(entry, "median", summary->median_episodes) &&
           rud_json_put_number(entry, "q25", summary->q25_episodes) &&
           rud_json_put_number(entry, "q75", summary->q75_episodes) &&
           rud_json_put_bool(entry, "censored",
                             rud_summary_is_bound(summary, summary->median_episodes)) &&
           rud_json_put_text(entry, "label", label.text) && rud_json_put_text(entry, "tip", tip);
}

json_object *rud_data_summaries(const rud_results *results, const rud_run *variant)
{
    json_object *array = json_object_new_array();
    bool done = array != NULL;
    for (size_t k = 0; done && k < results->summary_count; k++) {
        const rud_summary *summary = &results->summaries[k];
        if (summary->runs > 0 && is_of(summary->first, variant)) {
            done = push_summary(array, summary);
        }
    }
    return finish(array, done);
}

/* A 0 stands before the first step, where the sums begin. */
static bool put_rewards(json_object *entry, const char *key, const double *rewards, size_t steps)
{
    json_object *array = json_object_new_array();
    bool done = rud_json_put(entry, key, array) && rud_json_push_number(array, 0.0);
    for (size_t t = 0; done && t < steps; t++) done = rud_json_push_rounded(array, rewards[t]);
    return done;
}

json_object *rud_data_rewards(const rud_example *example)
{
    json_object *array = json_object_new_array();
    json_object *entry = json_object_new_object();
    bool done = array && rud_json_push(array, entry) &&
                put_rewards(entry, "original", example->original, example->steps) &&
                put_rewards(entry, "redistributed", example->redistributed, example->steps) &&
                (!example->exact || put_rewards(entry, "exact", example->exact, example->steps));
    return finish(array, done);
}

json_object *rud_data_bands(const char *method, const rud_bands *bands)
{
    const double *const columns[] = {bands->episode, bands->low, bands->median, bands->high};
    static const char *const keys[] = {"episode", "low", "median", "high"};
    json_object *entry = json_object_new_object();
    bool done = entry && rud_json_put_text(entry, "method", method);
    for (size_t c = 0; done && c < sizeof columns / sizeof columns[0]; c++) {
        json_object *array = json_object_new_array();
        done = rud_json_put(entry, keys[c], array);
        for (size_t k = 0; done && k < bands->count; k++) {
            done = rud_json_push_rounded(array, columns[c][k]);
        }
    }
    return finish(entry, done);
}

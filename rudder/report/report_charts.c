#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "experiment/results.h"
#include "report/assets_private.h"
#include "report/bands_private.h"
#include "report/page_private.h"
#include "report/report_private.h"
#include "report/wording_private.h"

static const rud_wording *const page = &rud_wording_page;

static rud_status no_memory(void)
{
    return rud_error(RUD_ENOMEM, "charts: no memory left");
}

static size_t count_delays(const rud_results *results)
{
    size_t count = 0;
    for (size_t k = 0; k < results->summary_count; k++) {
        count += rud_first_of_variant(results, k) && results->summaries[k].first->delay > 0;
    }
    return count;
}

static rud_status write_by_delay(const rud_report *report)
{
    const rud_results *results = report->results;
    const rud_chart_set sets[] = {{"palette", rud_data_palette(results)},
                                  {"methods", rud_data_methods(results, NULL)},
                                  {"summaries", rud_data_summaries(results, NULL)}};
    return rud_page_chart(report->out, rud_asset_episodes_by_delay, sets, 3,
                          "Points are medians, bars go from quartile to quartile; hollow points "
                          "marked ≥ stopped at the cap, so the truth lies above. A flat line "
                          "means that the delay does no harm; both axes are logarithmic.");
}

static rud_status write_single(const rud_report *report, const rud_run *variant)
{
    const rud_results *results = report->results;
    const rud_chart_set sets[] = {{"palette", rud_data_palette(results)},
                                  {"methods", rud_data_methods(results, variant)},
                                  {"summaries", rud_data_summaries(results, variant)},
                                  {"runs", rud_data_runs(results, variant)}};
    return rud_page_chart(report->out, rud_asset_episodes, sets, 4,
                          "Large points are medians, bars go from quartile to quartile, small "
                          "points are the runs; hollow ones stopped at the cap unsolved. Further "
                          "left is better; the axis is logarithmic.");
}

static bool has_runs(const rud_results *results, const rud_run *variant)
{
    for (size_t k = 0; k < results->summary_count; k++) {
        const rud_summary *summary = &results->summaries[k];
        if (summary->runs > 0 && (!variant || rud_same_variant(summary->first, variant))) {
            return true;
        }
    }
    return false;
}

static void write_variant_heading(const rud_report *report, const rud_run *variant)
{
    if (count_delays(report->results) < 2) return;
    fputs("<h3>", report->out);
    rud_html(report->out, rud_word_variant(page, variant).text);
    fputs("</h3>\n", report->out);
}

rud_status rud_report_episodes(const rud_report *report)
{
    const rud_results *results = report->results;
    if (!has_runs(results, NULL)) return RUD_OK;
    fputs("<section>\n<h2>Episodes to solve</h2>\n", report->out);
    bool by_delay = count_delays(results) > 1;
    rud_status status = by_delay ? write_by_delay(report) : RUD_OK;
    for (size_t k = 0; k < results->summary_count && status == RUD_OK && !by_delay; k++) {
        const rud_run *variant = results->summaries[k].first;
        if (rud_first_of_variant(results, k) && has_runs(results, variant)) {
            status = write_single(report, variant);
        }
    }
    fputs("</section>\n", report->out);
    return status;
}

/* The series of every method of the variant that has it; *methods: how many have. Caller owns
 * *points. */
static rud_status gather_bands(const rud_results *results, const rud_run *variant,
                               const rud_series *series, json_object **points, size_t *methods)
{
    *methods = 0;
    *points = json_object_new_array();
    rud_status status = *points ? RUD_OK : no_memory();
    for (size_t k = 0; k < results->summary_count && status == RUD_OK; k++) {
        const rud_run *group = results->summaries[k].first;
        rud_bands bands;
        if (!rud_same_variant(group, variant)) continue;
        status = rud_bands_compute(results->runs, group, series, &bands);
        if (status != RUD_OK || bands.count == 0) continue;
        (*methods)++;
        if (!rud_json_push(*points, rud_data_bands(group->method, &bands))) status = no_memory();
    }
    if (status != RUD_OK) json_object_put(*points);
    return status;
}

/* The legend names only methods that are in the picture. Caller owns the array. */
static json_object *methods_of(json_object *points)
{
    json_object *methods = json_object_new_array();
    bool done = methods != NULL;
    for (size_t k = 0; done && k < json_object_array_length(points); k++) {
        json_object *series = json_object_array_get_idx(points, k);
        json_object *entry = json_object_new_object();
        const char *method = json_object_get_string(json_object_object_get(series, "method"));
        done = rud_json_push(methods, entry) && rud_json_put_text(entry, "method", method);
    }
    if (done) return methods;
    json_object_put(methods);
    return NULL;
}

/* Takes points and gates; gates may be NULL. */
static rud_status write_bands(const rud_report *report, const char *specification,
                              json_object *points, json_object *gates, const char *caption)
{
    const rud_chart_set sets[] = {{"palette", rud_data_palette(report->results)},
                                  {"methods", methods_of(points)},
                                  {"points", points},
                                  {"gates", gates}};
    return rud_page_chart(report->out, specification, sets, gates ? 4 : 3, caption);
}

static bool has_series(const rud_results *results, const rud_series *series)
{
    for (size_t k = 0; k < results->runs->count; k++) {
        const rud_run *run = &results->runs->items[k];
        if (!run->tuning && !run->error && series->count(run) > 0) return true;
    }
    return false;
}

static rud_status write_curve(const rud_report *report, const rud_run *variant)
{
    json_object *points;
    size_t methods;
    RUD_TRY(gather_bands(report->results, variant, &rud_series_optimal_share, &points, &methods));
    if (methods == 0) {
        json_object_put(points);
        return RUD_OK;
    }
    write_variant_heading(report, variant);
    return write_bands(report, rud_asset_learning_curves, points, NULL,
                       "How often the first action was the best one in the last 100 episodes: "
                       "lines are medians over the runs, bands go from quartile to quartile, and a "
                       "run that is over keeps its last value. Sooner up is better.");
}

rud_status rud_report_curves(const rud_report *report)
{
    const rud_results *results = report->results;
    if (!has_series(results, &rud_series_optimal_share)) return RUD_OK;
    fputs("<section>\n<h2>Learning curves</h2>\n", report->out);
    for (size_t k = 0; k < results->summary_count; k++) {
        if (!rud_first_of_variant(results, k)) continue;
        RUD_TRY(write_curve(report, results->summaries[k].first));
    }
    fputs("</section>\n", report->out);
    return RUD_OK;
}

/* When each method of the variant began to redistribute. NULL without memory. */
static json_object *gather_gates(const rud_results *results, const rud_run *variant)
{
    json_object *gates = json_object_new_array();
    bool done = gates != NULL;
    for (size_t k = 0; done && k < results->summary_count; k++) {
        const rud_run *group = results->summaries[k].first;
        double episode;
        if (!rud_same_variant(group, variant)) continue;
        done = rud_gate_episode(results->runs, group, &episode) == RUD_OK;
        if (!done || !isfinite(episode)) continue;
        json_object *entry = json_object_new_object();
        done = rud_json_push(gates, entry) && rud_json_put_text(entry, "method", group->method) &&
               rud_json_put_number(entry, "episode", fmax(1.0, episode));
    }
    if (done) return gates;
    json_object_put(gates);
    return NULL;
}

static rud_status write_predictor_chart(const rud_report *report, const rud_run *variant,
                                        const rud_series *series, const char *specification,
                                        const char *caption)
{
    json_object *points;
    size_t methods;
    RUD_TRY(gather_bands(report->results, variant, series, &points, &methods));
    json_object *gates = methods ? gather_gates(report->results, variant) : NULL;
    if (!gates) {
        json_object_put(points);
        return methods ? no_memory() : RUD_OK;
    }
    return write_bands(report, specification, points, gates, caption);
}

static rud_status write_predictor(const rud_report *report, const rud_run *variant)
{
    write_variant_heading(report, variant);
    fputs("<div class=\"pair\">\n", report->out);
    RUD_TRY(write_predictor_chart(
        report, variant, &rud_series_quality, rud_asset_predictor_quality,
        "How much of the differences between returns is predicted, on episodes not yet trained on; "
        "100 % is perfect, 0 % no better than the mean. From the dashed line on (median) the "
        "learner gets redistributed rewards."));
    RUD_TRY(write_predictor_chart(
        report, variant, &rud_series_loss, rud_asset_predictor_loss,
        "Squared error of the predicted return on the episodes trained on; 1 is no better than the "
        "mean, lower is better. What is random in the returns cannot be predicted and remains."));
    fputs("</div>\n", report->out);
    return RUD_OK;
}

rud_status rud_report_predictor(const rud_report *report)
{
    const rud_results *results = report->results;
    if (!has_series(results, &rud_series_quality)) return RUD_OK;
    fputs("<section>\n<h2>The return predictor</h2>\n", report->out);
    for (size_t k = 0; k < results->summary_count; k++) {
        if (!rud_first_of_variant(results, k)) continue;
        RUD_TRY(write_predictor(report, results->summaries[k].first));
    }
    fputs("</section>\n", report->out);
    return RUD_OK;
}

/* The run whose examples are shown of a variant: `rudder` before others; NULL: none has any. */
static const rud_run *find_examples(const rud_results *results, const rud_run *variant)
{
    const rud_run *found = NULL;
    for (size_t k = 0; k < results->runs->count; k++) {
        const rud_run *run = &results->runs->items[k];
        if (run->tuning || run->error || run->example_count == 0) continue;
        if (!rud_same_variant(run, variant)) continue;
        if (strcmp(run->method, "rudder") == 0) return run;
        if (!found) found = run;
    }
    return found;
}

static rud_status write_example(const rud_report *report, const rud_example *example)
{
    const rud_chart_set rewards = {"rewards", rud_data_rewards(example)};
    fputs("<div>\n<h4>", report->out);
    rud_html(report->out, example->caption ? example->caption : "");
    fputs("</h4>\n", report->out);
    RUD_TRY(rud_page_chart(
        report->out, rud_asset_example, &rewards, 1,
        "Above: original and redistributed rewards add up to the same return, but redistributed "
        "they tell of it sooner; exact is the return to be expected after each step. Below: bars "
        "are the redistributed rewards, short lines the exact ones."));
    fputs("</div>\n", report->out);
    return RUD_OK;
}

rud_status rud_report_examples(const rud_report *report)
{
    const rud_results *results = report->results;
    bool opened = false;
    for (size_t k = 0; k < results->summary_count; k++) {
        const rud_run *variant = results->summaries[k].first;
        const rud_run *run = find_examples(results, variant);
        if (!rud_first_of_variant(results, k) || !run) continue;
        if (!opened) fputs("<section>\n<h2>Example episodes</h2>\n", report->out);
        opened = true;
        write_variant_heading(report, variant);
        fputs("<div class=\"pair\">\n", report->out);
        for (size_t e = 0; e < run->example_count; e++) {
            RUD_TRY(write_example(report, &run->examples[e]));
        }
        fputs("</div>\n", report->out);
    }
    if (opened) fputs("</section>\n", report->out);
    return RUD_OK;
}

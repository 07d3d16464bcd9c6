#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "experiment/grid.h"
#include "experiment/results.h"
#include "report/page_private.h"
#include "report/report_private.h"
#include "report/wording_private.h"

static const rud_wording *const page = &rud_wording_page;

static void write_method(const rud_report *report, const rud_run *run)
{
    fprintf(report->out, "<i class=\"m%zu\"></i>", rud_method_colour(report->results, run->method));
    rud_html(report->out, run->method);
}

static void write_heading(const rud_report *report, const rud_summary *variant)
{
    fputs("<h3>", report->out);
    rud_html(report->out, rud_word_variant(page, variant->first).text);
    fputs("</h3>\n", report->out);
}

static void write_quartiles(const rud_report *report, const rud_summary *summary)
{
    fputs(rud_word_episodes(page, summary, summary->median_episodes).text, report->out);
    /* no more is known than that most runs stopped at the cap */
    if (rud_summary_is_bound(summary, summary->q25_episodes)) return;
    fprintf(report->out, " <span class=\"range\">[%s, %s]</span>",
            rud_word_episodes(page, summary, summary->q25_episodes).text,
            rud_word_episodes(page, summary, summary->q75_episodes).text);
}

static void write_row(const rud_report *report, const rud_summary *summary, bool is_reference)
{
    FILE *out = report->out;
    const rud_comparison *comparison = rud_results_comparison(report->results, summary);
    fputs(is_reference ? "<tr class=\"reference\"><td>" : "<tr><td>", out);
    write_method(report, summary->first);
    fprintf(out, "</td><td>%zu/%zu</td><td>", summary->solved, summary->runs);
    write_quartiles(report, summary);
    fprintf(out,
            "</td><td>%s</td><td class=\"minor\">%s</td><td>%s</td><td class=\"minor\">%s</td>"
            "</tr>\n",
            comparison      ? rud_word_times(page, comparison).text
            : summary->runs ? "1"
                            : "-",
            comparison ? rud_word_p_value(comparison->p_value).text : "",
            rud_word_count(page, summary->median_poor_decisions).text,
            rud_word_number(summary->median_seconds).text);
}

static void write_failures(const rud_report *report, const rud_summary *variant)
{
    for (size_t k = 0; k < report->results->summary_count; k++) {
        const rud_summary *summary = &report->results->summaries[k];
        if (!rud_same_variant(summary->first, variant->first) || summary->failed == 0) continue;
        fputs("<p class=\"failed\">", report->out);
        rud_html(report->out, summary->first->method);
        fprintf(report->out, ": %zu failed and %s not counted: ", summary->failed,
                summary->failed == 1 ? "is" : "are");
        rud_html(report->out, rud_first_error(report->results->runs, summary->first));
        fputs("</p>\n", report->out);
    }
}

static void write_table(const rud_report *report, const rud_summary *variant)
{
    const rud_results *results = report->results;
    const rud_summary *reference = rud_reference(results, variant);
    write_heading(report, variant);
    fputs("<div class=\"scroll\"><table>\n<tr><th>method</th><th>solved</th>"
          "<th>episodes <span class=\"range\">[quartiles]</span></th><th>times ",
          report->out);
    rud_html(report->out, reference->first->method);
    fputs("</th><th class=\"minor\">p</th><th>poor decisions</th>"
          "<th class=\"minor\">CPU seconds</th></tr>\n",
          report->out);
    for (size_t k = 0; k < results->summary_count; k++) {
        const rud_summary *summary = &results->summaries[k];
        if (!rud_same_variant(summary->first, variant->first)) continue;
        write_row(report, summary, summary == reference);
    }
    fputs("</table></div>\n", report->out);
    write_failures(report, variant);
}

rud_status rud_report_tables(const rud_report *report)
{
    const rud_results *results = report->results;
    for (size_t k = 0; k < results->summary_count; k++) {
        if (rud_first_of_variant(results, k)) write_table(report, &results->summaries[k]);
    }
    if (results->summary_count == 0) return RUD_OK;
    fputs("<p class=\"quiet\">Medians over the seeds. Episodes: played until solved; ≥ where runs "
          "stopped at the cap unsolved. Poor decisions: first actions that were not optimal, until "
          "solved. Times: episodes as a multiple of those in the bold row. p: probability of "
          "the bold row being so far ahead by chance alone.</p>\n",
          report->out);
    return RUD_OK;
}

static bool same_trial(const rud_run *a, const rud_run *b)
{
    return rud_same_group(a, b) && rud_setting_equal(&a->setting, &b->setting);
}

static void write_setting_cells(FILE *out, const rud_setting *setting)
{
    if (setting->step_size.sample_mean) {
        fputs("<td>1/n</td>", out);
    } else {
        fprintf(out, "<td>%.4g</td>", setting->step_size.constant);
    }
    fprintf(out, "<td>%.4g</td><td>%zu</td>", setting->initial_value, setting->random_episodes);
}

/* Was the setting taken for the real runs? */
static bool is_chosen(const rud_results *results, const rud_run *trial)
{
    for (size_t k = 0; k < results->summary_count; k++) {
        if (same_trial(results->summaries[k].first, trial)) return true;
    }
    return false;
}

/* The tuning runs of one setting as results of their own. */
static rud_status summarise_trial(const rud_runs *runs, const rud_run *trial, rud_runs *same,
                                  rud_results *results)
{
    same->count = 0;
    for (size_t k = 0; k < runs->count; k++) {
        if (!runs->items[k].tuning || !same_trial(&runs->items[k], trial)) continue;
        same->items[same->count] = runs->items[k];
        same->items[same->count++].tuning = false;
    }
    return rud_results_compute(same, results);
}

static rud_status write_trial(const rud_report *report, const rud_run *trial, rud_runs *scratch)
{
    FILE *out = report->out;
    rud_results results;
    RUD_TRY(summarise_trial(report->results->runs, trial, scratch, &results));
    const rud_summary *summary = &results.summaries[0];
    bool chosen = is_chosen(report->results, trial);
    fputs(chosen ? "<tr class=\"reference\"><td>" : "<tr><td>", out);
    write_method(report, trial);
    fputs("</td><td>", out);
    if (trial->delay != RUD_NO_DELAY) fputs(rud_word_count(page, (double)trial->delay).text, out);
    fputs("</td>", out);
    write_setting_cells(out, &trial->setting);
    fprintf(out, "<td>%zu/%zu</td><td>", summary->solved, summary->runs);
    write_quartiles(report, summary);
    fputs("</td></tr>\n", out);
    rud_results_free(&results);
    return RUD_OK;
}

static bool is_first_trial(const rud_runs *runs, size_t k)
{
    for (size_t j = 0; j < k; j++) {
        if (runs->items[j].tuning && same_trial(&runs->items[j], &runs->items[k])) return false;
    }
    return runs->items[k].tuning;
}

/* What the grid search tried, where there was one. */
static rud_status write_trials(const rud_report *report)
{
    const rud_runs *runs = report->results->runs;
    bool opened = false;
    rud_status status = RUD_OK;
    rud_runs scratch = {.items = calloc(runs->count + 1, sizeof *scratch.items)};
    if (!scratch.items) return rud_error(RUD_ENOMEM, "settings: no memory left");
    for (size_t k = 0; k < runs->count && status == RUD_OK; k++) {
        if (!is_first_trial(runs, k)) continue;
        if (!opened) {
            fputs(
                "<p>Those of tuned methods are the best of a grid, found on seeds of their own.</p>"
                "\n<details>\n<summary>What the search tried</summary>\n<div class=\"scroll\">"
                "<table>\n<tr><th>method</th><th>delay</th><th>step size</th>"
                "<th>initial value</th><th>random episodes</th><th>solved</th>"
                "<th>episodes <span class=\"range\">[quartiles]</span></th></tr>\n",
                report->out);
        }
        opened = true;
        status = write_trial(report, &runs->items[k], &scratch);
    }
    free(scratch.items);
    if (opened) fputs("</table></div>\n</details>\n", report->out);
    return status;
}

rud_status rud_report_settings(const rud_report *report)
{
    const rud_results *results = report->results;
    fputs("<div class=\"scroll\"><table>\n<tr><th>method</th>"
          "<th>delay</th><th>step size</th><th>initial value</th><th>random episodes</th></tr>\n",
          report->out);
    for (size_t k = 0; k < results->summary_count; k++) {
        const rud_run *run = results->summaries[k].first;
        fputs("<tr><td>", report->out);
        write_method(report, run);
        fputs("</td><td>", report->out);
        if (run->delay != RUD_NO_DELAY) {
            fputs(rud_word_count(page, (double)run->delay).text, report->out);
        }
        fputs("</td>", report->out);
        write_setting_cells(report->out, &run->setting);
        fputs("</tr>\n", report->out);
    }
    fputs("</table></div>\n", report->out);
    return write_trials(report);
}

static void write_comparison(const rud_report *report, const rud_comparison *comparison)
{
    FILE *out = report->out;
    fputs("<tr><td>", out);
    if (comparison->a->delay != RUD_NO_DELAY) {
        fputs(rud_word_count(page, (double)comparison->a->delay).text, out);
    }
    fputs("</td><td class=\"word\">", out);
    write_method(report, comparison->a);
    fputs("</td><td class=\"word\">", out);
    write_method(report, comparison->b);
    fprintf(out, "</td><td>%s</td><td>%s</td><td>%s</td></tr>\n",
            rud_word_times(page, comparison).text,
            rud_word_number(comparison->probability_of_superiority).text,
            rud_word_p_value(comparison->p_value).text);
}

static void write_intervals(const rud_report *report)
{
    FILE *out = report->out;
    const rud_results *results = report->results;
    fputs("<div class=\"scroll\"><table>\n<tr><th>method</th><th>delay</th><th>runs</th>"
          "<th>median episodes</th><th>95 % interval</th></tr>\n",
          out);
    for (size_t k = 0; k < results->summary_count; k++) {
        const rud_summary *summary = &results->summaries[k];
        fputs("<tr><td>", out);
        write_method(report, summary->first);
        fputs("</td><td>", out);
        if (summary->first->delay != RUD_NO_DELAY) {
            fputs(rud_word_count(page, (double)summary->first->delay).text, out);
        }
        fprintf(out, "</td><td>%zu</td><td>%s</td><td>%s to %s</td></tr>\n", summary->runs,
                rud_word_episodes(page, summary, summary->median_episodes).text,
                rud_word_episodes(page, summary, summary->interval_low).text,
                rud_word_episodes(page, summary, summary->interval_high).text);
    }
    fputs("</table></div>\n", out);
}

rud_status rud_report_statistics(const rud_report *report)
{
    const rud_results *results = report->results;
    fputs("<p>Does the first method need fewer episodes than the second? One-sided Mann-Whitney U "
          "test, exact up to 20 runs a side, corrected by Holm over all rows. Superiority: the "
          "probability that a run of the first needs fewer episodes than one of the second (0.5: "
          "alike). Runs that stopped at the cap count as the cap.</p>\n<div class=\"scroll\">"
          "<table>\n<tr><th>delay</th><th class=\"word\">first</th><th class=\"word\">second</th>"
          "<th>second / first</th><th>superiority</th><th>p</th></tr>\n",
          report->out);
    for (size_t k = 0; k < results->comparison_count; k++) {
        write_comparison(report, &results->comparisons[k]);
    }
    fputs("</table></div>\n<p>Medians with their 95 % bootstrap intervals (2,000 resamples).</p>\n",
          report->out);
    write_intervals(report);
    return RUD_OK;
}

#include <math.h>
#include <string.h>

#include "experiment/results.h"
#include "report/page_private.h"
#include "report/report_private.h"
#include "report/wording_private.h"

static const rud_wording *const page = &rud_wording_page;

/* What stands before item k of `count`: nothing, a comma or "and". */
static const char *joint(size_t k, size_t count)
{
    return k == 0 ? "" : k + 1 == count ? " and " : ", ";
}

static void count_variants(const rud_results *results, size_t *variants, size_t *methods)
{
    *variants = *methods = 0;
    for (size_t k = 0; k < results->summary_count; k++) {
        *variants += rud_first_of_variant(results, k);
        *methods +=
            rud_same_variant(results->summaries[k].first, results->summaries[0].first) ? 1 : 0;
    }
}

/* Small numbers in words, with a capital. */
static rud_word word_size(size_t count)
{
    static const char *const words[] = {"No",    "One",   "Two",  "Three", "Four",   "Five",  "Six",
                                        "Seven", "Eight", "Nine", "Ten",   "Eleven", "Twelve"};
    if (count >= sizeof words / sizeof words[0]) return rud_word_count(page, (double)count);
    rud_word word;
    snprintf(word.text, sizeof word.text, "%s", words[count]);
    return word;
}

static void write_setup(const rud_report *report)
{
    const rud_results *results = report->results;
    const rud_summary *first = &results->summaries[0];
    size_t variants, methods, named = 0;
    count_variants(results, &variants, &methods);
    size_t seeds = first->runs + first->failed;
    fprintf(report->out, "%s %s learned <b>", word_size(methods).text,
            methods == 1 ? "method" : "methods");
    rud_html(report->out, first->first->environment);
    fputs("</b>", report->out);
    if (first->first->delay != RUD_NO_DELAY) {
        fputs(", its reward delayed by ", report->out);
        for (size_t k = 0; k < results->summary_count; k++) {
            if (!rud_first_of_variant(results, k)) continue;
            fprintf(report->out, "%s%s", joint(named, variants),
                    rud_word_count(page, (double)results->summaries[k].first->delay).text);
            named++;
        }
        fputs(" steps", report->out);
    }
    fprintf(report->out,
            ", with %zu %s each; what counts is how many episodes they need until they solve it. ",
            seeds, seeds == 1 ? "seed" : "seeds");
}

/* The summary with the smallest median; NULL where no run was made. */
static const rud_summary *best_of(const rud_results *results, const rud_summary *member)
{
    const rud_summary *best = NULL;
    for (size_t k = 0; k < results->summary_count; k++) {
        const rud_summary *summary = &results->summaries[k];
        if (!rud_same_variant(summary->first, member->first) || summary->runs == 0) continue;
        if (!best || summary->median_episodes < best->median_episodes) best = summary;
    }
    return best;
}

/* "monte-carlo needed 1.58 times as many, uniform 2.1 and exact 0.84" */
static void write_others(const rud_report *report, const rud_summary *reference)
{
    const rud_results *results = report->results;
    size_t total = 0, named = 0;
    for (int naming = 0; naming < 2; naming++) {
        for (size_t k = 0; k < results->comparison_count; k++) {
            const rud_comparison *comparison = &results->comparisons[k];
            rud_word times = rud_word_times(page, comparison);
            if (comparison->a != reference->first || strcmp(times.text, "-") == 0) continue;
            if (!naming) {
                total++;
                continue;
            }
            fputs(named ? joint(named, total) : "; ", report->out);
            rud_html(report->out, comparison->b->method);
            fprintf(report->out, named ? " %s" : " needed %s times as many", times.text);
            named++;
        }
    }
    fputs(". ", report->out);
}

static void write_variant(const rud_report *report, const rud_summary *member)
{
    const rud_summary *reference = rud_reference(report->results, member);
    const rud_summary *best = best_of(report->results, member);
    if (!best) return;
    if (member->first->delay != RUD_NO_DELAY) {
        fprintf(report->out, "At delay %s ",
                rud_word_count(page, (double)member->first->delay).text);
    } else {
        fputs("Here ", report->out);
    }
    fputs("<b>", report->out);
    rud_html(report->out, reference->first->method);
    fprintf(report->out, "</b> solved %zu of %zu runs, in the median after <b>%s episodes</b>",
            reference->solved, reference->runs,
            rud_word_episodes(page, reference, reference->median_episodes).text);
    fputs(best == reference ? ", the fewest of all" : "", report->out);
    write_others(report, reference);
}

static const rud_summary *find_method(const rud_results *results, const rud_summary *variant,
                                      const char *method)
{
    for (size_t k = 0; k < results->summary_count; k++) {
        const rud_summary *summary = &results->summaries[k];
        if (rud_same_variant(summary->first, variant->first) &&
            strcmp(summary->first->method, method) == 0) {
            return summary;
        }
    }
    return NULL;
}

/* "≥ 3.8": median at the later delay over that at the earlier; "-" where nothing is known. */
static rud_word growth(const rud_summary *earlier, const rud_summary *later)
{
    rud_comparison comparison = {
        .ratio = earlier->median_episodes / later->median_episodes,
        .a_censored = rud_summary_is_bound(earlier, earlier->median_episodes),
        .b_censored = rud_summary_is_bound(later, later->median_episodes),
    };
    return rud_word_times(page, &comparison);
}

/* How each method's median changes from the shortest to the longest delay: what it is all about. */
static void write_growth(const rud_report *report, const rud_summary *shortest,
                         const rud_summary *longest)
{
    const rud_results *results = report->results;
    size_t named = 0;
    for (size_t k = 0; k < results->summary_count; k++) {
        const rud_summary *earlier = &results->summaries[k];
        if (!rud_same_variant(earlier->first, shortest->first)) continue;
        const rud_summary *later = find_method(results, longest, earlier->first->method);
        rud_word factor = later ? growth(earlier, later) : (rud_word){"-"};
        if (strcmp(factor.text, "-") == 0) continue;
        if (!named++) {
            fprintf(report->out, "From delay %s to %s the median grew by a factor of ",
                    rud_word_count(page, (double)shortest->first->delay).text,
                    rud_word_count(page, (double)longest->first->delay).text);
        } else {
            fputs(", ", report->out);
        }
        fprintf(report->out, "<b>%s</b> for ", factor.text);
        rud_html(report->out, earlier->first->method);
        fprintf(report->out, " (%s to %s)",
                rud_word_episodes(page, earlier, earlier->median_episodes).text,
                rud_word_episodes(page, later, later->median_episodes).text);
    }
    if (named) fputs(".", report->out);
}

rud_status rud_report_summary(const rud_report *report)
{
    const rud_results *results = report->results;
    if (results->summary_count == 0) {
        fputs("<p class=\"lead\">No run is finished yet.</p>\n", report->out);
        return RUD_OK;
    }
    fputs("<p class=\"lead\">", report->out);
    write_setup(report);
    const rud_summary *shortest = &results->summaries[0], *longest = shortest;
    for (size_t k = 0; k < results->summary_count; k++) {
        const rud_summary *summary = &results->summaries[k];
        if (summary->first->delay < shortest->first->delay) shortest = summary;
        if (summary->first->delay > longest->first->delay) longest = summary;
    }
    write_variant(report, longest);
    if (shortest->first->delay != longest->first->delay) write_growth(report, shortest, longest);
    fputs("</p>\n", report->out);
    return RUD_OK;
}

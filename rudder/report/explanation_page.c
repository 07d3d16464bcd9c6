#include "report/explanation_page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/assets_private.h"
#include "report/explanation_private.h"
#include "report/page_private.h"

static void write_options(const rud_explanation_page *page, FILE *out)
{
    const rud_attribution_options used = rud_attribution_settled(page->options);
    const rud_attribution_option *option;
    const char *separator = "Options: ", *method = used.method->name;
    for (size_t k = 0; (option = rud_attribution_option_at(k)); k++) {
        char value[RUD_OPTION_TEXT];
        const bool read = !option->method || strcmp(option->method, method) == 0;
        if (!read || strcmp(option->name, "method") == 0) continue;
        rud_attribution_get(&used, option->name, value);
        fprintf(out, "%s%s <b>", separator, option->name);
        const bool file = page->baseline && strcmp(option->name, "baseline") == 0;
        rud_html(out, file ? page->baseline : value);
        fputs("</b>", out);
        separator = ", ";
    }
    fputs(". ", out);
}

static void write_summary(const rud_explanation_page *page, FILE *out)
{
    const rud_attribution_method *method = page->options->method;
    fputs("<p class=\"lead\">Where the prediction of <b>", out);
    rud_html(out, page->model);
    fputs("</b> comes from, by <b>", out);
    rud_html(out, method->name);
    fputs("</b>: ", out);
    rud_html(out, method->summary);
    fputs(".</p>\n<p class=\"quiet\">", out);
    write_options(page, out);
    const bool conserves = isfinite(page->explanations[0].conservation_error);
    fprintf(out, "%s. Relevance %s%s. Source: ",
            method->causal ? "A step's relevance depends on nothing behind it"
                           : "A step's relevance may depend on what comes behind it",
            conserves ? "adds up to " : "need not add up to the prediction",
            conserves ? method->sum : "");
    rud_html(out, method->source);
    fputs(".</p>\n", out);
}

static void write_id(const rud_explanation_page *page, size_t k, FILE *out)
{
    if (page->episodes[k]->id) {
        rud_html(out, page->episodes[k]->id);
    } else {
        fprintf(out, "episode %zu", k + 1);
    }
}

static void write_choice(const rud_explanation_page *page, FILE *out)
{
    if (page->count > 1) {
        fputs("<p><label>Episode <select id=\"choice\" autocomplete=\"off\">\n", out);
        for (size_t k = 0; k < page->count; k++) {
            fputs("<option>", out);
            write_id(page, k, out);
            fputs("</option>\n", out);
        }
        fputs("</select></label></p>\n", out);
    }
    if (page->left_out) {
        fprintf(out, "<p class=\"quiet\">Shown are the first %zu episodes; %zu more are left out.",
                page->count, page->left_out);
        fputs(" With --json all are written.</p>\n", out);
    }
}

static void write_number(const char *name, double value, FILE *out)
{
    if (isfinite(value)) fprintf(out, "<tr><td>%s</td><td>%.6g</td></tr>\n", name, value);
}

static void write_growth(const rud_explanation_page *page, const rud_explanation *e, FILE *out)
{
    if (!(e->growth > RUD_LARGE_GROWTH)) return;
    fprintf(
        out,
        "<p class=\"failed\">Relevance grew on its way back to %.2g times what it began with: it "
        "cancels in the sum, and a step's share says little; ",
        e->growth);
    rud_html(out, rud_lrp_growth_advice(page->options));
    fputs(".</p>\n", out);
}

static void write_numbers(const rud_episode *episode, const rud_explanation *e, FILE *out)
{
    double absorbed = e->absorbed ? 0 : (double)NAN;
    for (size_t t = 0; e->absorbed && t < e->steps; t++) absorbed += e->absorbed[t];
    fputs("<table class=\"numbers\">\n", out);
    write_number("steps", (double)e->steps, out);
    if (episode->no_rewards) fputs("<tr><td>return</td><td>no rewards</td></tr>\n", out);
    if (!episode->no_rewards) write_number("return", rud_episode_return(episode), out);
    write_number("prediction", e->prediction, out);
    write_number("prediction of the baseline", e->baseline_prediction, out);
    write_number(isfinite(e->irrelevant) ? "of the chosen steps" : "sum of the relevance", e->total,
                 out);
    if (e->initial_relevance != 0) {
        write_number("of it in the initial state", e->initial_relevance, out);
    }
    write_number("absorbed by biases and stabilisers", absorbed, out);
    write_number("of the other steps", e->irrelevant, out);
    write_number("of the head's bias", e->prediction - e->total - e->irrelevant, out);
    write_number("conservation error", e->conservation_error, out);
    if (e->near_zero_denominators > 0) {
        write_number("denominators near zero", (double)e->near_zero_denominators, out);
    }
    fputs("</table>\n", out);
}

static rud_status write_episodes(const rud_explanation_page *page, FILE *out)
{
    for (size_t k = 0; k < page->count; k++) {
        fprintf(out, "<section%s>\n<h2>", k ? " hidden" : "");
        write_id(page, k, out);
        fputs("</h2>\n", out);
        write_growth(page, &page->explanations[k], out);
        RUD_TRY(rud_explanation_figures(page, k, out));
        write_numbers(page->episodes[k], &page->explanations[k], out);
        fputs("</section>\n", out);
    }
    return RUD_OK;
}

static rud_status fill_place(const void *context, FILE *out, const char *place)
{
    const rud_explanation_page *page = context;
    if (strcmp(place, "episodes") == 0) return write_episodes(page, out);
    if (strcmp(place, "title") == 0) {
        rud_html(out, page->title);
    } else if (strcmp(place, "summary") == 0) {
        write_summary(page, out);
    } else if (strcmp(place, "choice") == 0) {
        write_choice(page, out);
    } else {
        return rud_page_unknown(place);
    }
    return RUD_OK;
}

rud_status rud_explanation_page_write(const rud_explanation_page *page, const char *path)
{
    return rud_page_write(path, page->title, rud_asset_explanation_page, fill_place, page);
}

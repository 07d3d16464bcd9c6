/* The charts of one explained episode. */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "report/assets_private.h"
#include "report/explanation_private.h"
#include "report/page_private.h"

static rud_status no_memory(void)
{
    return rud_error(RUD_ENOMEM, "the charts of an explanation: no memory left");
}

/* Steps that share a column. */
static size_t span_of(const rud_explanation *e)
{
    return (e->inputs + RUD_PAGE_COLUMNS - 1) / RUD_PAGE_COLUMNS;
}

/* What all charts of an episode know: the data set `frame` is one row. Caller owns it; NULL without
 * memory. */
static json_object *frame_of(const rud_explanation *e, const char *kind, const char *title)
{
    json_object *row = json_object_new_object();
    char text[96];
    const size_t span = span_of(e);
    snprintf(text, sizeof text, span > 1 ? "%s, summed up over %zu steps" : "%s", title, span);
    if (row && rud_json_put_text(row, "kind", kind) && rud_json_put_text(row, "title", text) &&
        rud_json_put_count(row, "inputs", e->inputs) &&
        rud_json_put_count(row, "steps", e->steps) && rud_json_put_count(row, "span", span)) {
        return rud_json_array_of(row);
    }
    json_object_put(row);
    return NULL;
}

/* The sum of each column over values[count], and over `more` unless it is NULL. */
static json_object *double_columns(const double *values, const double *more, size_t count,
                                   size_t span)
{
    json_object *list = json_object_new_array();
    bool made = list != NULL;
    for (size_t t = 0; made && t < count; t += span) {
        double sum = 0;
        for (size_t k = t; k < count && k < t + span; k++) {
            sum += values[k] + (more ? more[k] : 0);
        }
        made = rud_json_push_rounded(list, sum);
    }
    if (made) return list;
    json_object_put(list);
    return NULL;
}

/* [{"value", "mark"}]; mark: what is added to `values` to give the height of the short lines; NULL:
 * none. */
static json_object *bars_of(const rud_explanation *e, const double *values, const double *mark)
{
    const size_t span = span_of(e);
    json_object *row = json_object_new_object();
    if (row && rud_json_put(row, "value", double_columns(values, NULL, e->steps, span)) &&
        rud_json_put(row, "mark",
                     mark ? double_columns(values, mark, e->steps, span)
                          : json_object_new_array())) {
        return rud_json_array_of(row);
    }
    json_object_put(row);
    return NULL;
}

rud_status rud_explanation_bars(const rud_explanation *e, const char *kind, const char *title,
                                const double *values, const double *mark, FILE *out,
                                const char *caption)
{
    const rud_chart_set sets[] = {{"steps", bars_of(e, values, mark)},
                                  {"frame", frame_of(e, kind, title)}};
    return rud_page_chart(out, rud_asset_explanation_bars, sets, 2, caption);
}

/* A feature and how much relevance it has, whatever the sign. */
typedef struct rank {
    size_t feature;
    double size;
} rank;

static int by_size(const void *a, const void *b)
{
    const rank *x = a, *y = b;
    if (x->size != y->size) return x->size < y->size ? 1 : -1;
    return x->feature < y->feature ? -1 : 1;
}

static int by_feature(const void *a, const void *b)
{
    const rank *x = a, *y = b;
    return x->feature < y->feature ? -1 : x->feature > y->feature;
}

/* The features to be drawn, *count in number and in their own order; behind them, in ranks[*count
 * .. *all - 1], others that have relevance. ranks: [D]. */
static void choose(const rud_explanation *e, rank *ranks, size_t *count, size_t *all)
{
    for (size_t d = 0; d < e->width; d++) {
        ranks[d] = (rank){.feature = d};
        for (size_t t = 0; t < e->inputs; t++) {
            ranks[d].size += fabs((double)e->relevance[t * e->width + d]);
        }
    }
    qsort(ranks, e->width, sizeof *ranks, by_size);
    for (*all = 0; *all < e->width && ranks[*all].size > 0;) (*all)++;
    *count = *all < RUD_PAGE_FEATURES ? *all : RUD_PAGE_FEATURES;
    qsort(ranks, *count, sizeof *ranks, by_feature);
}

/* One row of the heatmap: the sum of these features in each column. *largest grows to the largest
 * absolute value. */
static json_object *heatmap_row(const rud_explanation *e, const char *name, const rank *ranks,
                                size_t count, double *largest)
{
    json_object *row = json_object_new_object(), *list = json_object_new_array();
    const size_t span = span_of(e);
    bool made = row && list;
    for (size_t t = 0; made && t < e->inputs; t += span) {
        double sum = 0;
        for (size_t i = t; i < e->inputs && i < t + span; i++) {
            for (size_t k = 0; k < count; k++) {
                sum += (double)e->relevance[i * e->width + ranks[k].feature];
            }
        }
        *largest = fmax(*largest, fabs(sum));
        made = rud_json_push_rounded(list, sum);
    }
    made = made && rud_json_put_text(row, "feature", name);
    if (made) {
        made = rud_json_put(row, "relevance", list); /* takes the list */
        list = NULL;
    }
    if (made) return row;
    json_object_put(list);
    json_object_put(row);
    return NULL;
}

/* All rows; caller owns *rows. */
static rud_status heatmap_rows(const rud_explanation *e, const char *const *names,
                               json_object **rows, double *largest)
{
    size_t count, all;
    rank *ranks = malloc(e->width * sizeof *ranks);
    *rows = json_object_new_array();
    bool made = ranks && *rows;
    *largest = 0;
    if (made) {
        choose(e, ranks, &count, &all);
        for (size_t k = 0; made && k < count; k++) {
            made = rud_json_push(*rows,
                                 heatmap_row(e, names[ranks[k].feature], &ranks[k], 1, largest));
        }
        if (made && all > count) {
            char others[48];
            snprintf(others, sizeof others, "%zu others", all - count);
            made =
                rud_json_push(*rows, heatmap_row(e, others, &ranks[count], all - count, largest));
        }
    }
    free(ranks);
    if (made) return RUD_OK;
    json_object_put(*rows);
    return no_memory();
}

/* frame_of, and what the heatmap's size and colours need. */
static json_object *heatmap_frame(const rud_explanation *e, size_t rows, double largest)
{
    json_object *frame = frame_of(e, "relevance", "Relevance of each feature");
    json_object *row = frame ? json_object_array_get_idx(frame, 0) : NULL;
    if (row && rud_json_put_count(row, "rows", rows) &&
        rud_json_put_number(row, "largest", largest)) {
        return frame;
    }
    json_object_put(frame);
    return NULL;
}

static rud_status write_heatmap(const rud_explanation_page *page, const rud_explanation *e,
                                FILE *out)
{
    json_object *rows;
    double largest;
    RUD_TRY(heatmap_rows(e, page->feature_names, &rows, &largest));
    if (largest == 0) {
        json_object_put(rows);
        fputs("<p>No feature has any relevance.</p>\n", out);
        return RUD_OK;
    }
    const rud_chart_set sets[] = {
        {"frame", heatmap_frame(e, json_object_array_length(rows), largest)}, {"features", rows}};
    return rud_page_chart(out, rud_asset_explanation_heatmap, sets, 2,
                          e->inputs > e->steps
                              ? "Blue raises the prediction, red lowers it. The last column is "
                                "the final observation."
                              : "Blue raises the prediction, red lowers it.");
}

static bool any(const double *values, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        if (values[k] != 0) return true;
    }
    return false;
}

rud_status rud_explanation_figures(const rud_explanation_page *page, size_t k, FILE *out)
{
    const rud_explanation *e = &page->explanations[k];
    const rud_episode *episode = page->episodes[k];
    if (any(episode->rewards, episode->steps)) {
        RUD_TRY(rud_explanation_bars(e, "reward", "Reward of each step", episode->rewards, NULL,
                                     out, "The rewards as they were paid."));
    }
    if (e->step_relevance) {
        RUD_TRY(rud_explanation_bars(
            e, "relevance", "Relevance of each step", e->step_relevance, e->absorbed, out,
            e->absorbed ? "Short lines: together with what biases and stabilisers "
                          "absorbed at the step. At step 0 that holds the head's "
                          "bias and the mean return too, and may lie outside."
                        : "The sum of its features."));
    }
    return e->relevance ? write_heatmap(page, e, out) : RUD_OK;
}

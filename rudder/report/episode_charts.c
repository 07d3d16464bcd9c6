#include "report/episode_charts_private.h"

#include <math.h>

#include "base/json.h"
#include "report/assets_private.h"
#include "report/page_private.h"

enum { HISTOGRAM_BINS = 24 };

static rud_status no_memory(void)
{
    return rud_error(RUD_ENOMEM, "charts: no memory left");
}

/* NULL without memory; caller owns it. */
static json_object *column(const double *values, size_t count)
{
    json_object *list = json_object_new_array();
    bool made = list != NULL;
    for (size_t k = 0; made && k < count; k++) made = rud_json_push_rounded(list, values[k]);
    if (made) return list;
    json_object_put(list);
    return NULL;
}

/* One entry of a data set: a series as columns. */
static json_object *series_json(const rud_chart_series *s)
{
    json_object *o = json_object_new_object();
    const bool made = o && rud_json_put_text(o, "set", s->name) &&
                      (!s->x || rud_json_put(o, "x", column(s->x, s->count))) &&
                      rud_json_put(o, s->x ? "y" : "middle", column(s->y, s->count)) &&
                      rud_json_put(o, "low", column(s->low ? s->low : s->y, s->count)) &&
                      rud_json_put(o, "high", column(s->high ? s->high : s->y, s->count));
    if (made) return o;
    json_object_put(o);
    return NULL;
}

static json_object *all_series_json(const rud_chart *chart, bool names_only)
{
    json_object *list = json_object_new_array();
    bool made = list != NULL;
    for (size_t k = 0; made && k < chart->series_count; k++) {
        json_object *o = NULL;
        if (names_only) {
            o = json_object_new_object();
            made = o && rud_json_put_text(o, "set", chart->series[k].name);
        } else {
            o = series_json(&chart->series[k]);
            made = o != NULL;
        }
        made = made && rud_json_push(list, o);
        if (!made) json_object_put(o);
    }
    if (made) return list;
    json_object_put(list);
    return NULL;
}

/* Takes `frame`, `palette` (may be NULL: none) and `rows`. */
static rud_status draw(const char *specification, const char *set, json_object *frame,
                       json_object *palette, json_object *rows, const char *caption, FILE *out)
{
    const rud_chart_set sets[] = {{set, rows}, {"frame", frame}, {"palette", palette}};
    return rud_page_chart(out, specification, sets, palette ? 3 : 2, caption);
}

rud_status rud_chart_scatter(const rud_chart *chart, FILE *out)
{
    const bool few = chart->series[0].count < 300;
    json_object *row = json_object_new_object();
    if (!row || !rud_json_put_text(row, "title", chart->title) ||
        !rud_json_put_count(row, "size",
                            chart->points ? 60
                            : few         ? 30
                                          : 12) ||
        !rud_json_put_number(row, "opacity", chart->points ? 1 : 0.45)) {
        json_object_put(row);
        return no_memory();
    }
    return draw(rud_asset_episode_scatter, "points", rud_json_array_of(row),
                all_series_json(chart, true), all_series_json(chart, false), chart->caption, out);
}

rud_status rud_chart_over_time(const rud_chart *chart, FILE *out)
{
    json_object *row = json_object_new_object();
    if (!row || !rud_json_put_text(row, "title", chart->title) ||
        !rud_json_put_text(row, "format", chart->share ? "%" : ".4~g") ||
        !rud_json_put_number(row, "shift", chart->ends ? 1 : 0.5) ||
        !rud_json_put_count(row, "bins", chart->series[0].count)) {
        json_object_put(row);
        return no_memory();
    }
    return draw(rud_asset_episode_bands, "series", rud_json_array_of(row),
                all_series_json(chart, true), all_series_json(chart, false), chart->caption, out);
}

typedef struct histogram {
    size_t bins;
    double from[HISTOGRAM_BINS], to[HISTOGRAM_BINS], count[HISTOGRAM_BINS];
} histogram;

typedef struct range {
    double low, high;
    bool whole; /* all are whole numbers */
} range;

static range range_of(const double *values, size_t count)
{
    range r = {(double)INFINITY, -(double)INFINITY, true};
    for (size_t k = 0; k < count; k++) {
        if (isnan(values[k])) continue;
        r.low = fmin(r.low, values[k]);
        r.high = fmax(r.high, values[k]);
        r.whole &= values[k] == floor(values[k]);
    }
    if (r.low <= r.high) return r;
    return (range){0, 1, false};
}

/* Whole numbers stand in the middle of their bin, or each bin holds as many of them. */
static void count_values(const double *values, size_t count, histogram *h)
{
    const range r = range_of(values, count);
    double low = r.low, width = (r.high - r.low) / HISTOGRAM_BINS;
    *h = (histogram){.bins = HISTOGRAM_BINS};
    if (r.whole) {
        width = ceil((r.high - r.low + 1) / HISTOGRAM_BINS);
        low = r.low - 0.5;
        h->bins = (size_t)ceil((r.high - r.low + 1) / width);
    } else if (!(width > 0)) {
        width = 1;
        low = r.low - 0.5;
        h->bins = 1;
    }
    for (size_t b = 0; b < h->bins; b++) {
        h->from[b] = low + width * (double)b;
        h->to[b] = low + width * (double)(b + 1);
    }
    for (size_t k = 0; k < count; k++) {
        if (isnan(values[k])) continue;
        const double b = floor((values[k] - low) / width);
        h->count[(size_t)fmin(fmax(b, 0), (double)(h->bins - 1))]++;
    }
}

rud_status rud_chart_histogram(const char *title, const char *x, const double *values, size_t count,
                               const char *caption, FILE *out)
{
    histogram h;
    json_object *row = json_object_new_object(), *bins = json_object_new_object();
    count_values(values, count, &h);
    if (!row || !bins || !rud_json_put_text(row, "title", title) ||
        !rud_json_put_text(row, "x", x) || !rud_json_put(bins, "from", column(h.from, h.bins)) ||
        !rud_json_put(bins, "to", column(h.to, h.bins)) ||
        !rud_json_put(bins, "count", column(h.count, h.bins))) {
        json_object_put(row);
        json_object_put(bins);
        return no_memory();
    }
    return draw(rud_asset_episode_histogram, "bins", rud_json_array_of(row), NULL,
                rud_json_array_of(bins), caption, out);
}

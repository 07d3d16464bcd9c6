/* Charts of the page of a data set. Private to this folder. */
#ifndef RUD_REPORT_EPISODE_CHARTS_PRIVATE_H
#define RUD_REPORT_EPISODE_CHARTS_PRIVATE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/status.h"

/* One series of a chart, [count] each; low and high may be NULL: then they are y. */
typedef struct rud_chart_series {
    const char *name;
    const double *x; /* NULL in charts over time */
    const double *y, *low, *high;
    size_t count;
} rud_chart_series;

typedef struct rud_chart {
    const char *title;
    const char *caption; /* one sentence that says how to read it; HTML */
    const rud_chart_series *series;
    size_t series_count;
    bool points; /* of a scatter: few, large ones */
    bool share;  /* over time: the height is a share, written in percent */
    bool ends;   /* over time: a value belongs to the end of its bin, not to its middle */
} rud_chart;

/* Returns against predictions. */
rud_status rud_chart_scatter(const rud_chart *chart, FILE *out);

/* Values over an episode's time. */
rud_status rud_chart_over_time(const rud_chart *chart, FILE *out);

/* How many of values[count] lie in each of some bins of equal width; those that are NaN are left
 * out. `x` names the axis. */
rud_status rud_chart_histogram(const char *title, const char *x, const double *values, size_t count,
                               const char *caption, FILE *out);

#endif

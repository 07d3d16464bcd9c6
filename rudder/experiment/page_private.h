/* The frame of every HTML page: one self-contained file, its head, colours, charting script and
 * footer. What is inside comes from a body, a text with {{places}}. Private to this folder. */
#ifndef RUD_EXPERIMENT_PAGE_PRIVATE_H
#define RUD_EXPERIMENT_PAGE_PRIVATE_H

#include <json-c/json.h>
#include <stdio.h>

#include "base/status.h"

/* Writes what stands at {{place}} of the body; rud_page_unknown for a place it does not know. */
typedef rud_status rud_page_fill(const void *context, FILE *out, const char *place);
rud_status rud_page_unknown(const char *place);

/* Writes the page atomically. */
rud_status rud_page_write(const char *path, const char *title, const char *body,
                          rud_page_fill *fill_body, const void *context);

/* Text with &, <, > and quotes escaped. */
void rud_html(FILE *out, const char *text);

/* JSON text inside a script element: no end tag can be in it. */
void rud_html_json(FILE *out, const char *json);

/* A chart from its Vega specification (an asset). Caller owns *chart. */
rud_status rud_chart_parse(const char *specification, json_object **chart);

/* Puts the values of the data set `name` into the chart; takes values, of which NULL stands for
 * memory that was not there. */
rud_status rud_chart_fill(json_object *chart, const char *name, json_object *values);

/* The chart as a figure, which the frame's script draws unless it stands in something hidden.
 * Takes the chart. caption: HTML. */
rud_status rud_page_figure(FILE *out, json_object *chart, const char *caption);

#endif

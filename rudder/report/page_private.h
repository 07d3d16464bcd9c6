/* The frame of every HTML page: one self-contained file, its head, colours, charting script and
 * footer. What is inside comes from a body, a text with {{places}}. Private to this folder. */
#ifndef RUD_REPORT_PAGE_PRIVATE_H
#define RUD_REPORT_PAGE_PRIVATE_H

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

/* A data set of a chart; NULL stands for memory that was not there. */
typedef struct rud_chart_set {
    const char *name;
    json_object *values;
} rud_chart_set;

/* A Vega specification (an asset) with its data sets as a figure, which the frame's script draws
 * unless it stands in something hidden. Takes the values, also on failure. caption: HTML. */
rud_status rud_page_chart(FILE *out, const char *specification, const rud_chart_set *sets,
                          size_t count, const char *caption);

#endif

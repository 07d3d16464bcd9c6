/* Figures: Vega specifications with their data. */
#include <string.h>

#include "experiment/json_values_private.h"
#include "experiment/page_private.h"

static rud_status no_memory(void)
{
    return rud_error(RUD_ENOMEM, "charts: no memory left");
}

rud_status rud_chart_parse(const char *specification, json_object **chart)
{
    enum json_tokener_error error;
    *chart = json_tokener_parse_verbose(specification, &error);
    if (*chart) return RUD_OK;
    return rud_error(RUD_EFORMAT, "chart specification: %s", json_tokener_error_desc(error));
}

rud_status rud_chart_fill(json_object *chart, const char *name, json_object *values)
{
    json_object *data = json_object_object_get(chart, "data");
    for (size_t k = 0; values && k < json_object_array_length(data); k++) {
        json_object *set = json_object_array_get_idx(data, k);
        const char *set_name = json_object_get_string(json_object_object_get(set, "name"));
        if (strcmp(set_name, name) != 0) continue;
        return rud_json_put(set, "values", values) ? RUD_OK : no_memory();
    }
    if (!values) return no_memory();
    json_object_put(values);
    return rud_error(RUD_EFORMAT, "the chart has no data set `%s`", name);
}

rud_status rud_page_figure(FILE *out, json_object *chart, const char *caption)
{
    const char *description = json_object_get_string(json_object_object_get(chart, "description"));
    const char *text = json_object_to_json_string_ext(chart, JSON_C_TO_STRING_PLAIN);
    if (!description || !text) {
        json_object_put(chart);
        return no_memory();
    }
    fputs("<figure>\n<div class=\"chart\" role=\"img\" aria-label=\"", out);
    rud_html(out, description);
    fputs("\"></div>\n<script type=\"application/json\">", out);
    rud_html_json(out, text);
    fprintf(out, "</script>\n<figcaption>%s</figcaption>\n</figure>\n", caption);
    json_object_put(chart);
    return RUD_OK;
}

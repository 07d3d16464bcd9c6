/* Figures: Vega specifications with their data. */
#include <string.h>

#include "base/json.h"
#include "report/page_private.h"

static rud_status no_memory(void)
{
    return rud_error(RUD_ENOMEM, "charts: no memory left");
}

static rud_status parse(const char *specification, json_object **chart)
{
    enum json_tokener_error error;
    *chart = json_tokener_parse_verbose(specification, &error);
    if (*chart) return RUD_OK;
    return rud_error(RUD_EFORMAT, "chart specification: %s", json_tokener_error_desc(error));
}

/* Takes the values. */
static rud_status fill(json_object *chart, const rud_chart_set *filled)
{
    json_object *data = json_object_object_get(chart, "data");
    for (size_t k = 0; filled->values && k < json_object_array_length(data); k++) {
        json_object *set = json_object_array_get_idx(data, k);
        const char *name = json_object_get_string(json_object_object_get(set, "name"));
        if (strcmp(name, filled->name) != 0) continue;
        return rud_json_put(set, "values", filled->values) ? RUD_OK : no_memory();
    }
    if (!filled->values) return no_memory();
    json_object_put(filled->values);
    return rud_error(RUD_EFORMAT, "the chart has no data set `%s`", filled->name);
}

static rud_status write_figure(FILE *out, json_object *chart, const char *caption)
{
    const char *description = json_object_get_string(json_object_object_get(chart, "description"));
    const char *text = json_object_to_json_string_ext(chart, JSON_C_TO_STRING_PLAIN);
    if (!description || !text) return no_memory();
    fputs("<figure>\n<div class=\"chart\" role=\"img\" aria-label=\"", out);
    rud_html(out, description);
    fputs("\"></div>\n<script type=\"application/json\">", out);
    rud_html_json(out, text);
    fprintf(out, "</script>\n<figcaption>%s</figcaption>\n</figure>\n", caption);
    return RUD_OK;
}

rud_status rud_page_chart(FILE *out, const char *specification, const rud_chart_set *sets,
                          size_t count, const char *caption)
{
    json_object *chart;
    rud_status status = parse(specification, &chart);
    for (size_t k = 0; k < count; k++) {
        if (status == RUD_OK) {
            status = fill(chart, &sets[k]);
        } else {
            json_object_put(sets[k].values);
        }
    }
    if (status == RUD_OK) status = write_figure(out, chart, caption);
    json_object_put(chart);
    return status;
}

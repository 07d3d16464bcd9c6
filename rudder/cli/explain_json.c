/* rudder explain --json: an explanation as a line. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/explain.h"

/* A float with the digits that it takes to read it back. */
static json_object *float_json(float value)
{
    char text[32];
    snprintf(text, sizeof text, "%.9g", (double)value);
    return json_object_new_double_s((double)value, text);
}

static json_object *numbers_json(const double *values, size_t count)
{
    json_object *list = json_object_new_array();
    for (size_t k = 0; k < count; k++) {
        if (rud_json_push(list, json_object_new_double(values[k]))) continue;
        json_object_put(list);
        return NULL;
    }
    return list;
}

static json_object *relevance_json(const rud_explanation *e)
{
    json_object *rows = json_object_new_array();
    bool made = rows != NULL;
    for (size_t t = 0; made && t < e->inputs; t++) {
        json_object *row = json_object_new_array();
        made = rud_json_push(rows, row);
        for (size_t d = 0; made && d < e->width; d++) {
            made = rud_json_push(row, float_json(e->relevance[t * e->width + d]));
        }
    }
    if (made) return rows;
    json_object_put(rows);
    return NULL;
}

/* Numbers as numbers, words as texts. */
static json_object *value_json(const char *text)
{
    double number;
    if (!rud_number_parse(text, &number) || !isfinite(number)) return json_object_new_string(text);
    return json_object_new_double_s(number, text);
}

/* Every option that the method reads, with the value in use. */
static json_object *options_json(const cli_explain_arguments *arguments)
{
    const rud_attribution_options used = rud_attribution_settled(&arguments->attribution.options);
    json_object *o = json_object_new_object();
    const rud_attribution_option *option;
    for (size_t k = 0; (option = rud_attribution_option_at(k)); k++) {
        char text[RUD_OPTION_TEXT];
        if (!cli_attribution_reads(used.method, option)) continue;
        rud_attribution_get(&used, option->name, text);
        const bool file = arguments->attribution.baseline && strcmp(option->name, "baseline") == 0;
        json_object *value =
            file ? json_object_new_string(arguments->attribution.baseline) : value_json(text);
        if (rud_json_put(o, option->name, value)) continue;
        json_object_put(o);
        return NULL;
    }
    return o;
}

static bool add_head(json_object *o, const cli_explain_arguments *arguments,
                     const cli_explained *explained)
{
    const rud_explanation *e = &explained->explanation;
    const char *id = explained->episode->id;
    return (id ? rud_json_put_text(o, "id", id) : rud_json_put_null(o, "id")) &&
           rud_json_put_text(o, "method", arguments->attribution.options.method->name) &&
           rud_json_put(o, "options", options_json(arguments)) &&
           rud_json_put_number(o, "prediction", e->prediction) &&
           (!isfinite(e->baseline_prediction) ||
            rud_json_put_number(o, "baseline_prediction", e->baseline_prediction));
}

static bool add_relevance(json_object *o, const rud_explanation *e)
{
    return (!e->relevance || rud_json_put(o, "relevance", relevance_json(e))) &&
           (!e->step_relevance ||
            rud_json_put(o, "step_relevance", numbers_json(e->step_relevance, e->steps))) &&
           (!e->absorbed || rud_json_put(o, "absorbed", numbers_json(e->absorbed, e->steps))) &&
           (!e->step_relevance || !isfinite(e->initial_relevance) ||
            rud_json_put_number(o, "initial_relevance", e->initial_relevance)) &&
           (!isfinite(e->irrelevant) || rud_json_put_number(o, "irrelevant", e->irrelevant)) &&
           rud_json_put_number(o, "total", e->total) &&
           rud_json_put_number(o, "conservation_error", e->conservation_error);
}

rud_status cli_explain_write_json(const cli_explain_arguments *arguments,
                                  const cli_explained *explained, FILE *stream)
{
    json_object *o = json_object_new_object();
    const bool made =
        add_head(o, arguments, explained) && add_relevance(o, &explained->explanation);
    return cli_json_print_made(made, o, stream);
}

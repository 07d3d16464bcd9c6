/* rudder explain --list: the methods and their options. */
#include <string.h>

#include "cli/explain.h"

static json_object *option_json(const rud_attribution_option *option)
{
    json_object *o = json_object_new_object();
    if (rud_json_put_text(o, "name", option->name) &&
        rud_json_put_text(o, "values", option->values) &&
        rud_json_put_text(o, "summary", option->summary)) {
        return o;
    }
    json_object_put(o);
    return NULL;
}

static json_object *options_json(const rud_attribution_method *method)
{
    json_object *list = json_object_new_array();
    const rud_attribution_option *option;
    bool made = list != NULL;
    for (size_t k = 0; made && (option = rud_attribution_option_at(k)); k++) {
        if (!cli_attribution_reads(method, option)) continue;
        made = rud_json_push(list, option_json(option));
    }
    if (made) return list;
    json_object_put(list);
    return NULL;
}

static json_object *method_json(const rud_attribution_method *method)
{
    json_object *o = json_object_new_object();
    if (rud_json_put_text(o, "name", method->name) &&
        rud_json_put_text(o, "summary", method->summary) &&
        rud_json_put_text(o, "cost", method->cost) &&
        rud_json_put_bool(o, "conserves", method->conserves) &&
        rud_json_put_bool(o, "causal", method->causal) &&
        rud_json_put_text(o, "source", method->source) &&
        rud_json_put(o, "options", options_json(method))) {
        return o;
    }
    json_object_put(o);
    return NULL;
}

static rud_status list_json(FILE *stream)
{
    json_object *list = json_object_new_array();
    const rud_attribution_method *method;
    bool made = list != NULL;
    for (size_t k = 0; made && (method = rud_attribution_method_at(k)); k++) {
        made = rud_json_push(list, method_json(method));
    }
    if (made) return cli_json_print(list, stream);
    json_object_put(list);
    return rud_error(RUD_ENOMEM, "no memory for the list of methods");
}

/* "--rule --epsilon" of the options that only this method reads. */
static void list_options(const rud_attribution_method *method, FILE *stream)
{
    const rud_attribution_option *option;
    bool any = false;
    for (size_t k = 0; (option = rud_attribution_option_at(k)); k++) {
        if (!option->method || !cli_attribution_reads(method, option)) continue;
        fprintf(stream, "%s--%s", any ? " " : "  options    ", option->name);
        any = true;
    }
    if (any) fputc('\n', stream);
}

static void list_text(FILE *stream)
{
    const rud_attribution_method *method;
    for (size_t k = 0; (method = rud_attribution_method_at(k)); k++) {
        fprintf(stream, "%s%s: %s\n", k ? "\n" : "", method->name, method->summary);
        fprintf(stream, "  cost       %s\n", method->cost);
        fprintf(stream, "  conserves  %s%s\n",
                method->conserves ? "yes: relevance adds up to " : "no",
                method->conserves ? method->sum : "");
        fprintf(stream, "  causal     %s\n",
                method->causal ? "yes: a step's relevance depends on nothing behind it" : "no");
        fprintf(stream, "  source     %s\n", method->source);
        list_options(method, stream);
    }
}

rud_status cli_explain_list(bool json, FILE *stream)
{
    if (json) return list_json(stream);
    list_text(stream);
    return RUD_OK;
}

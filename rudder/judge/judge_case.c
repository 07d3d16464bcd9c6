/* What is judged: methods, a model and its explanations of all episodes. */
#include <stdlib.h>
#include <string.h>

#include "judge/judge_private.h"
#include "redistribution/observation_mean.h"

enum { CHUNK = 32 }; /* episodes a job */

/* What is judged is fixed, and an option of another method was meant for that one. */
static rud_status check_option(const rud_attribution_method *method, const char *name)
{
    static const char *const fixed[] = {"method", "output", "step", "steps"};
    const rud_attribution_option *option;
    for (size_t k = 0; k < sizeof fixed / sizeof *fixed; k++) {
        if (strcmp(name, fixed[k]) != 0) continue;
        return rud_error(RUD_EINVAL,
                         "the option '%s' is not allowed here; each step's relevance for the last "
                         "prediction is judged",
                         name);
    }
    for (size_t k = 0; (option = rud_attribution_option_at(k)); k++) {
        if (strcmp(option->name, name) != 0 || strcmp(option->method, method->name) == 0) continue;
        return rud_error(RUD_EINVAL, "%s belongs to the method %s, not to %s", name, option->method,
                         method->name);
    }
    return RUD_OK;
}

/* "OPTION=VALUE,OPTION=VALUE", which it cuts up. */
static rud_status set_options(char *text, rud_attribution_options *options)
{
    for (char *next = text; next;) {
        char *name = next, *value = strchr(name, '=');
        next = strchr(name, ',');
        if (next) *next++ = '\0';
        if (!value || (next && value > next)) {
            return rud_error(RUD_EINVAL, "'%s' is not OPTION=VALUE", name);
        }
        *value++ = '\0';
        RUD_TRY(check_option(options->method, name));
        RUD_TRY(rud_attribution_set(options, name, value));
    }
    return rud_attribution_check(options, NULL);
}

rud_status rud_judge_method_parse(const char *text, rud_judge_method *method)
{
    char copy[RUD_JUDGEMENT_TEXT];
    *method = (rud_judge_method){.options = rud_attribution_options_default()};
    if (strlen(text) >= sizeof copy) {
        return rud_error(RUD_EINVAL, "method '%s' is longer than %zu characters", text,
                         sizeof copy - 1);
    }
    snprintf(method->label, sizeof method->label, "%s", text);
    snprintf(copy, sizeof copy, "%s", text);
    char *options = strchr(copy, ':');
    if (options) *options++ = '\0';
    RUD_TRY(rud_attribution_set(&method->options, "method", copy));
    return rud_error_context(set_options(options, &method->options), "method '%s'", text);
}

/* Not every method suits a model without a network, or in both directions. */
static bool suits(const rud_network *network, const rud_attribution_method *method)
{
    const bool difference = method == rud_attribution_method_at(0);
    if (!network) return difference;
    return !difference || !rud_network_specification(network)->bidirectional;
}

/* Those given, or all that suit. */
static rud_status choose_methods(rud_judged *judged)
{
    const rud_judge_case *given = judged->given;
    const rud_attribution_method *method;
    size_t all = 0;
    while (rud_attribution_method_at(all)) all++;
    judged->methods = calloc(all + given->method_count, sizeof *judged->methods);
    if (!judged->methods) return rud_error(RUD_ENOMEM, "no memory for the methods");
    for (size_t k = 0; k < given->method_count; k++) {
        judged->methods[judged->method_count++] = given->methods[k];
    }
    for (size_t k = 0; given->method_count == 0 && k < all; k++) {
        method = rud_attribution_method_at(k);
        if (!suits(judged->network, method)) continue;
        RUD_TRY(rud_judge_method_parse(method->name, &judged->methods[judged->method_count++]));
    }
    for (size_t k = 0; k < judged->method_count; k++) {
        judged->methods[k].options.output = given->output;
    }
    return RUD_OK;
}

/* The mean of all observations, as inputs of a network that has none stored. */
static rud_status find_mean(rud_judged *judged)
{
    const rud_judge_case *given = judged->given;
    rud_observation_mean mean;
    RUD_TRY(rud_observation_mean_create(rud_network_specification(judged->network)->inputs, &mean));
    rud_status status = RUD_OK;
    for (size_t e = 0; status == RUD_OK && e < given->count; e++) {
        status = rud_error_context(rud_observation_mean_add(&mean, given->episodes[e]),
                                   "episode %zu", e);
    }
    if (status == RUD_OK) status = rud_observation_mean_get(&mean, &judged->feature_mean);
    rud_observation_mean_free(&mean);
    return status;
}

static rud_status open_case(rud_judged *judged, bool needs_network)
{
    const rud_judge_case *given = judged->given;
    if (given->count == 0) return rud_error(RUD_EINVAL, "there is no episode to judge by");
    if (needs_network && !judged->network) {
        return rud_error(RUD_EINVAL, "the predictor \"%s\" has no network, which this judge needs",
                         rud_predictor_cell(given->predictor));
    }
    RUD_TRY(choose_methods(judged));
    if (!given->predictor) RUD_TRY(find_mean(judged));
    judged->first = calloc(given->count + 1, sizeof *judged->first);
    if (!judged->first) return rud_error(RUD_ENOMEM, "no memory for %zu episodes", given->count);
    for (size_t e = 0; e < given->count; e++) {
        judged->first[e + 1] = judged->first[e] + given->episodes[e]->steps;
    }
    return rud_pool_create(judged->work->threads, &judged->pool);
}

rud_status rud_judged_open(const rud_judge_case *given, const rud_judge_work *work,
                           bool needs_network, rud_judged *judged)
{
    *judged = (rud_judged){
        .given = given,
        .work = work,
        .network = given->predictor ? rud_predictor_network(given->predictor) : given->network,
    };
    return open_case(judged, needs_network);
}

void rud_judged_close(rud_judged *judged)
{
    rud_progress_free(&judged->progress);
    rud_pool_free(&judged->pool);
    free(judged->first);
    free(judged->feature_mean);
    free(judged->methods);
    *judged = (rud_judged){0};
}

size_t rud_judged_steps(const rud_judged *judged)
{
    return judged->first[judged->given->count];
}

static rud_status heed_stop(void *work, double done)
{
    (void)done;
    return rud_judge_stopped(work);
}

rud_status rud_judged_explainer(const rud_judged *judged, const rud_attribution_options *options,
                                rud_explainer **explainer)
{
    const rud_judge_case *given = judged->given;
    RUD_TRY(given->predictor ? rud_explainer_create(given->predictor, options, explainer)
                             : rud_explainer_create_for_network(
                                   judged->network, judged->feature_mean, options, explainer));
    rud_explainer_set_watch(*explainer, heed_stop, (void *)judged->work);
    return RUD_OK;
}

/* One pass of rud_judged_explain. */
typedef struct pass {
    rud_judged *judged;
    const rud_network *network;
    double *relevance; /* [methods][steps] */
    size_t chunks;
} pass;

static rud_status explain_chunk(const pass *p, rud_explainer *explainer, size_t first, size_t end,
                                double *relevance)
{
    rud_explanation explanations[CHUNK];
    const rud_judged *judged = p->judged;
    if (p->network) RUD_TRY(rud_explainer_set_network(explainer, p->network));
    RUD_TRY(
        rud_explainer_run(explainer, judged->given->episodes + first, end - first, explanations));
    for (size_t e = first; e < end; e++) {
        rud_explanation *explanation = &explanations[e - first];
        double *to = relevance + judged->first[e];
        for (size_t t = 0; t < explanation->steps; t++) {
            to[t] = rud_explanation_contribution(explanation, t);
        }
        rud_explanation_free(explanation);
    }
    return RUD_OK;
}

static rud_status explain_job(void *context, size_t job, size_t thread)
{
    const pass *p = context;
    const rud_judged *judged = p->judged;
    const size_t m = job / p->chunks, first = job % p->chunks * CHUNK;
    const size_t end = first + CHUNK < judged->given->count ? first + CHUNK : judged->given->count;
    rud_explainer *explainer = NULL;
    (void)thread;
    RUD_TRY(rud_judge_stopped(judged->work));
    rud_status status = rud_judged_explainer(judged, &judged->methods[m].options, &explainer);
    if (status == RUD_OK) {
        status =
            explain_chunk(p, explainer, first, end, p->relevance + m * rud_judged_steps(judged));
    }
    rud_explainer_free(&explainer);
    rud_progress_advance(judged->progress, 1, NULL);
    return rud_error_context(status, "%s", judged->methods[m].label);
}

static size_t count_chunks(const rud_judged *judged)
{
    return (judged->given->count + CHUNK - 1) / CHUNK;
}

size_t rud_judged_jobs(const rud_judged *judged)
{
    return judged->method_count * count_chunks(judged);
}

rud_status rud_judged_explain(rud_judged *judged, const rud_network *network, double *relevance)
{
    pass p = {judged, network, relevance, count_chunks(judged)};
    return rud_pool_run(judged->pool, rud_judged_jobs(judged), explain_job, &p);
}

/* Options by name and text: one table says what they are called and what they may be. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attribution/lrp_private.h"
#include "base/names.h"
#include "base/number.h"

enum { CHOICES = 4, CHOICE_SIZE = 16 };

typedef enum kind { METHOD, CHOICE, NUMBER, COUNT, STEP, STEPS } kind;

typedef struct option {
    rud_attribution_option public;
    kind kind;
    size_t place;      /* in the structure */
    size_t least;      /* COUNT: at least */
    double most;       /* COUNT, NUMBER: up to it; 0: to infinity */
    bool may_be_unset; /* NUMBER: NaN is written as "auto" */
    int unset_names;   /* CHOICE: values that text cannot set, at the end of `names` */
    const char *names[CHOICES];
} option;

#define PLACE(member) offsetof(rud_attribution_options, member)

static const option table[] = {
    {{"method", NULL, "NAME", "the method of contribution analysis; default difference"},
     .kind = METHOD,
     .place = PLACE(method)},
    {{"output", NULL, "K", "output of the head, from 0 on; default 0"},
     .kind = COUNT,
     .place = PLACE(output)},
    {{"step", NULL, "T", "explain the prediction of this step, from 0 on; default last"},
     .kind = STEP,
     .place = PLACE(step)},
    {{"rule", "lrp", "all|half|prop|abs",
      "what a product's gate and signal get: the signal all, half each, in proportion to their "
      "values or absolute values; default all"},
     .kind = CHOICE,
     .place = PLACE(rule),
     .names = {"all", "half", "prop", "abs"}},
    {{"epsilon", "lrp", "NUMBER", "stabiliser of linear layers; default 0.001"},
     .kind = NUMBER,
     .place = PLACE(epsilon),
     .most = RUD_MOST_EPSILON},
    {{"bias-factor", "lrp", "NUMBER",
      "share of bias and stabiliser that is spread over the inputs, 0 to 1; default 0"},
     .kind = NUMBER,
     .place = PLACE(bias_factor),
     .most = 1.0},
    {{"product-epsilon", "lrp", "NUMBER",
      "stabiliser of gate + signal; default 0.2 for the rule prop, else 0"},
     .kind = NUMBER,
     .place = PLACE(product_epsilon),
     .most = RUD_MOST_EPSILON,
     .may_be_unset = true},
    {{"baseline", "integrated-gradients", "zero|mean|episodes",
      "where the path starts; episodes: where a few others went on after this one's first "
      "input, in training only; default zero"},
     .kind = CHOICE,
     .place = PLACE(baseline),
     .unset_names = 1,
     .names = {"zero", "mean", "episodes", "given"}},
    {{"nodes", "integrated-gradients", "N", "points on the path; default 50"},
     .kind = COUNT,
     .place = PLACE(nodes),
     .least = 1,
     .most = RUD_MOST_NODES},
    {{"quadrature", "integrated-gradients", "midpoint|gauss-legendre",
      "where the points lie; default midpoint"},
     .kind = CHOICE,
     .place = PLACE(quadrature),
     .names = {"midpoint", "gauss-legendre"}},
    {{"per", "occlusion", "step|feature", "what is removed at a time; default step"},
     .kind = CHOICE,
     .place = PLACE(per),
     .names = {"step", "feature"}},
    {{"window", "occlusion", "W", "steps removed together; default 1"},
     .kind = COUNT,
     .place = PLACE(window),
     .least = 1},
    {{"remove", "occlusion", "zero|mean|delete", "what takes its place; default zero"},
     .kind = CHOICE,
     .place = PLACE(remove),
     .names = {"zero", "mean", "delete"}},
    {{"steps", "decomposition", "A:B", "the steps A to B-1 together; default each by itself"},
     .kind = STEPS,
     .place = PLACE(steps_begin)},
};

enum { OPTIONS = sizeof table / sizeof *table };

rud_attribution_options rud_attribution_options_default(void)
{
    return (rud_attribution_options){
        .method = rud_attribution_method_at(0),
        .step = RUD_LAST_STEP,
        .epsilon = 0.001,
        .product_epsilon = (double)NAN,
        .nodes = 50,
        .window = 1,
    };
}

rud_attribution_options rud_attribution_settled(const rud_attribution_options *options)
{
    rud_attribution_options settled = *options;
    if (isnan(settled.product_epsilon))
        settled.product_epsilon = rud_product_rule_of(settled.rule)->product_epsilon;
    return settled;
}

const rud_attribution_option *rud_attribution_option_at(size_t k)
{
    return k < OPTIONS ? &table[k].public : NULL;
}

static const char *option_name(size_t k)
{
    return k < OPTIONS ? table[k].public.name : NULL;
}

static rud_status unknown_option(const char *name)
{
    char names[RUD_NAMES_SIZE];
    rud_names_list(option_name, names);
    return rud_error(RUD_EINVAL, "unknown option '%s'; there are: %s", name, names);
}

static const option *find(const char *name)
{
    for (size_t k = 0; k < OPTIONS; k++)
        if (strcmp(table[k].public.name, name) == 0) return &table[k];
    return NULL;
}

/* The enumerations are read and written as int; they all start at 0. */
static rud_status set_choice(const option *o, const char *value, void *to)
{
    int settable = 0;
    while (settable < CHOICES && o->names[settable]) settable++;
    settable -= o->unset_names;
    for (int k = 0; k < settable && o->names[k]; k++) {
        if (strcmp(o->names[k], value) == 0) {
            memcpy(to, &k, sizeof k);
            return RUD_OK;
        }
    }
    return rud_error(RUD_EINVAL, "%s: '%s' is not one of %s", o->public.name, value,
                     o->public.values);
}

static rud_status set_number(const option *o, const char *value, double *to)
{
    double number;
    if (o->may_be_unset && strcmp(value, "auto") == 0) {
        *to = (double)NAN;
        return RUD_OK;
    }
    if (!rud_number_parse(value, &number) || !isfinite(number))
        return rud_error(RUD_EINVAL, "%s: '%s' is not a number", o->public.name, value);
    if (number < 0.0) {
        return rud_error(RUD_EINVAL, "%s is %s; it must be 0 or more", o->public.name, value);
    }
    if (o->most > 0.0 && number > o->most) {
        return rud_error(RUD_EINVAL, "%s is %s; it must be 0 to %g", o->public.name, value,
                         o->most);
    }
    *to = number;
    return RUD_OK;
}

/* A whole number from the start of the text; *end: what follows it. */
static bool read_count(const char *text, size_t *count, const char **end)
{
    char *behind;
    if (!isdigit((unsigned char)*text)) return false;
    errno = 0;
    const unsigned long long number = strtoull(text, &behind, 10);
    if (errno != 0 || number >= RUD_LAST_STEP) return false;
    *count = (size_t)number;
    *end = behind;
    return true;
}

static rud_status set_count(const option *o, const char *value, size_t *to)
{
    size_t count;
    const char *end;
    if (o->kind == STEP && strcmp(value, "last") == 0) {
        *to = RUD_LAST_STEP;
        return RUD_OK;
    }
    const bool whole = read_count(value, &count, &end) && !*end;
    if (o->most > 0.0 && (!whole || count < o->least || (double)count > o->most))
        return rud_error(RUD_EINVAL, "%s: '%s' is not a whole number from %zu to %.0f",
                         o->public.name, value, o->least, o->most);
    if (!whole || count < o->least)
        return rud_error(RUD_EINVAL, "%s: '%s' is not a whole number from %zu on", o->public.name,
                         value, o->least);
    *to = count;
    return RUD_OK;
}

static rud_status set_steps(rud_attribution_options *options, const char *value)
{
    size_t begin = 0, end = 0;
    const char *next;
    const bool each = strcmp(value, "each") == 0;
    if (!each && (!read_count(value, &begin, &next) || *next != ':' ||
                  !read_count(next + 1, &end, &next) || *next || begin >= end))
        return rud_error(RUD_EINVAL,
                         "steps: '%s' is not A:B with whole numbers A < B, the steps A to B-1",
                         value);
    options->steps_begin = begin;
    options->steps_end = end;
    return RUD_OK;
}

rud_status rud_attribution_set(rud_attribution_options *options, const char *name,
                               const char *value)
{
    const option *o = find(name);
    if (!o) return unknown_option(name);
    void *to = (char *)options + o->place;
    switch (o->kind) {
    case METHOD: {
        const rud_attribution_method *method;
        RUD_TRY(rud_attribution_method_find(value, &method));
        options->method = method;
        return RUD_OK;
    }
    case CHOICE:
        return set_choice(o, value, to);
    case NUMBER:
        return set_number(o, value, to);
    case COUNT:
    case STEP:
        return set_count(o, value, to);
    case STEPS:
        break;
    }
    return set_steps(options, value);
}

static void get_number(const double *number, char text[RUD_OPTION_TEXT])
{
    if (isnan(*number))
        snprintf(text, RUD_OPTION_TEXT, "auto");
    else
        snprintf(text, RUD_OPTION_TEXT, "%.15g", *number);
}

bool rud_attribution_get(const rud_attribution_options *options, const char *name,
                         char text[RUD_OPTION_TEXT])
{
    const option *o = find(name);
    if (!o) return false;
    const void *from = (const char *)options + o->place;
    int choice;
    switch (o->kind) {
    case METHOD:
        snprintf(text, RUD_OPTION_TEXT, "%s", options->method->name);
        break;
    case CHOICE:
        memcpy(&choice, from, sizeof choice);
        snprintf(text, RUD_OPTION_TEXT, "%s", o->names[choice]);
        break;
    case NUMBER:
        get_number(from, text);
        break;
    case COUNT:
    case STEP:
        if (o->kind == STEP && options->step == RUD_LAST_STEP)
            snprintf(text, RUD_OPTION_TEXT, "last");
        else
            snprintf(text, RUD_OPTION_TEXT, "%zu", *(const size_t *)from);
        break;
    case STEPS:
        if (options->steps_end == 0)
            snprintf(text, RUD_OPTION_TEXT, "each");
        else
            snprintf(text, RUD_OPTION_TEXT, "%zu:%zu", options->steps_begin, options->steps_end);
        break;
    }
    return true;
}

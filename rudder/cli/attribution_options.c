#include "cli/attribution_options.h"

#include <string.h>

/* Option k of the table of attribution has the key KEY_TABLE + k. */
enum { KEY_TABLE = 512, MOST_OPTIONS = 64 };

/* The options that the parser knows: the table's, those of each method under its heading. */
typedef struct option_list {
    struct argp_option items[MOST_OPTIONS];
    char headings[MOST_OPTIONS][48];
    size_t count;
} option_list;

static void add_heading(option_list *list, const char *method, int group)
{
    char *heading = list->headings[list->count];
    if (method) {
        snprintf(heading, sizeof list->headings[0], "Options of %s:", method);
    } else {
        snprintf(heading, sizeof list->headings[0], "Options of every method:");
    }
    list->items[list->count++] = (struct argp_option){.doc = heading, .group = group};
}

/* The table has the options of a method beside each other. */
static void build_options(option_list *list)
{
    const rud_attribution_option *option;
    const char *method = "";
    int group = 0;
    for (size_t k = 0; (option = rud_attribution_option_at(k)) && list->count + 3 < MOST_OPTIONS;
         k++) {
        if (option->method != method) add_heading(list, option->method, ++group);
        method = option->method;
        const bool baseline = strcmp(option->name, "baseline") == 0;
        list->items[list->count++] = (struct argp_option){
            .name = option->name,
            .key = KEY_TABLE + (int)k,
            .arg = baseline ? "zero|mean|FILE" : option->values,
            .doc = baseline ? "where the path starts, FILE: at the first episode in it, which is "
                              "encoded like the others; default zero"
                            : option->summary,
            .group = group,
        };
    }
}

static void set_option(cli_attribution *a, struct argp_state *state, size_t k, const char *value)
{
    const rud_attribution_option *option = rud_attribution_option_at(k);
    const bool baseline = strcmp(option->name, "baseline") == 0;
    a->given |= (uint64_t)1 << k;
    if (baseline) a->baseline = NULL;
    if (rud_attribution_set(&a->options, option->name, value) == RUD_OK) return;
    if (baseline) {
        a->baseline = value;
    } else {
        const bool method = strcmp(option->name, "method") == 0; /* its message starts otherwise */
        argp_error(state, "--%s%s", method ? "method: " : "", rud_last_error());
    }
}

bool cli_attribution_reads(const rud_attribution_method *method,
                           const rud_attribution_option *option)
{
    if (strcmp(option->name, "method") == 0) return false;
    return !option->method || strcmp(option->method, method->name) == 0;
}

/* An option that the method does not read was meant for another one. */
static void check_options(const cli_attribution *a, struct argp_state *state)
{
    const rud_attribution_option *option;
    for (size_t k = 0; (option = rud_attribution_option_at(k)); k++) {
        if (!(a->given >> k & 1) || !option->method) continue;
        if (!cli_attribution_reads(a->options.method, option)) {
            argp_error(state, "--%s belongs to the method %s, not to %s", option->name,
                       option->method, a->options.method->name);
        }
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    cli_attribution *a = state->input;
    if (key == ARGP_KEY_END) check_options(a, state);
    if (key < KEY_TABLE || !rud_attribution_option_at((size_t)(key - KEY_TABLE))) {
        return ARGP_ERR_UNKNOWN;
    }
    set_option(a, state, (size_t)(key - KEY_TABLE), argument);
    return 0;
}

const struct argp *cli_attribution_argp(void)
{
    static option_list list;
    static const struct argp argp = {list.items, parse, 0, 0, 0, 0, 0};
    if (list.count == 0) build_options(&list);
    return &argp;
}

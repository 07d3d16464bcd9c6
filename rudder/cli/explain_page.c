/* rudder explain -o x.html: explanations gathered for a page. */
#include <stdlib.h>

#include "cli/explain.h"

enum { NAME_SIZE = 64 };

rud_status cli_explain_page_add(void *context, cli_explained *explained)
{
    cli_explain_page *page = context;
    cli_explained *shown = realloc(page->shown, (page->count + 1) * sizeof *shown);
    if (!shown) return rud_error(RUD_ENOMEM, "no memory for %zu explanations", page->count + 1);
    page->shown = shown;
    shown[page->count++] = *explained;
    *explained = (cli_explained){0};
    return RUD_OK;
}

void cli_explain_page_free(cli_explain_page *page)
{
    for (size_t k = 0; k < page->count; k++) cli_explained_free(&page->shown[k]);
    free(page->shown);
    *page = (cli_explain_page){0};
}

/* The lists that a page is made of. */
typedef struct lists {
    const rud_episode **episodes;  /* [count] */
    rud_explanation *explanations; /* [count], views */
    char (*texts)[NAME_SIZE];      /* [D] */
    const char **names;            /* [D] */
} lists;

static rud_status make_lists(const cli_explain_page *page, const rud_explainer *explainer,
                             lists *made)
{
    const size_t D = page->shown[0].explanation.width;
    made->episodes = malloc(page->count * sizeof *made->episodes);
    made->explanations = malloc(page->count * sizeof *made->explanations);
    made->texts = malloc((D + 1) * sizeof *made->texts);
    made->names = malloc((D + 1) * sizeof *made->names);
    if (!made->episodes || !made->explanations || !made->texts || !made->names) {
        return rud_error(RUD_ENOMEM, "no memory for a page of %zu explanations", page->count);
    }
    for (size_t k = 0; k < page->count; k++) {
        made->episodes[k] = page->shown[k].episode;
        made->explanations[k] = page->shown[k].explanation;
    }
    for (size_t d = 0; d < D; d++) {
        rud_explainer_feature_name(explainer, d, made->texts[d], NAME_SIZE);
        made->names[d] = made->texts[d];
    }
    return RUD_OK;
}

rud_status cli_explain_page_write(const cli_explain_page *page,
                                  const cli_explain_arguments *arguments,
                                  const rud_explainer *explainer, size_t left_out)
{
    lists made = {0};
    char title[256];
    snprintf(title, sizeof title, "%s: %s", arguments->attribution.options.method->name,
             arguments->episodes[0] == '-' && !arguments->episodes[1] ? "standard input"
                                                                      : arguments->episodes);
    rud_status status = make_lists(page, explainer, &made);
    if (status == RUD_OK) {
        const rud_explanation_page written = {
            .title = title,
            .model = arguments->model,
            .options = &arguments->attribution.options,
            .baseline = arguments->attribution.baseline,
            .feature_names = made.names,
            .episodes = made.episodes,
            .explanations = made.explanations,
            .count = page->count,
            .left_out = left_out,
        };
        status = rud_explanation_page_write(&written, arguments->path);
    }
    free(made.episodes);
    free(made.explanations);
    free(made.texts);
    free(made.names);
    return status;
}

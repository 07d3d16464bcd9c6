/* One self-contained HTML page of explained episodes: heatmap of steps and features, the steps'
 * relevance and the original rewards. Opens offline, readable on a phone and in dark mode. */
#ifndef RUD_REPORT_EXPLANATION_PAGE_H
#define RUD_REPORT_EXPLANATION_PAGE_H

#include "attribution/attribution.h"
#include "episodes/episode.h"
#include "redistribution/explainer.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    RUD_PAGE_EPISODES = 50, /* that a page should hold at most */
    RUD_PAGE_COLUMNS = 400, /* more inputs than these are drawn several to a column */
    RUD_PAGE_FEATURES = 24, /* features drawn of an episode: those of the largest relevance */
};

/* Everything is borrowed for the call. */
typedef struct rud_explanation_page {
    const char *title;                      /* what was explained */
    const char *model;                      /* by which model */
    const rud_attribution_options *options; /* by which method */
    const char *baseline;                   /* the file that was given, or NULL */
    const char *const *feature_names;       /* [D]; needed where relevance is there */
    const rud_episode *const *episodes;     /* [count] */
    const rud_explanation *explanations;    /* [count] */
    size_t count;                           /* >= 1 */
    size_t left_out;                        /* episodes that were not drawn; the page says so */
} rud_explanation_page;

/* Writes `path` atomically. */
rud_status rud_explanation_page_write(const rud_explanation_page *page, const char *path);

#ifdef __cplusplus
}
#endif
#endif

/* An explanation as a table with a bar for each step, as wide as the terminal. */
#include <math.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/explain.h"

enum {
    PLAIN_WIDTH = 100, /* where there is no terminal */
    LEAST_BAR = 8,     /* columns of a bar on one side */
    MOST_BAR = 24,
    MOST_WORDS = 40, /* columns of the features beside a bar */
    TOP = 3,         /* features named at a step, at most */
    NAME_SIZE = 64,
};

/* What the columns are. */
typedef struct layout {
    const rud_explainer *explainer;
    const cli_explained *explained;
    bool rewards; /* any is not 0 */
    int bar;      /* columns on one side */
    int words;    /* columns for the features; 0: none */
    double largest;
} layout;

static int width_of(FILE *stream)
{
    struct winsize size;
    const int file = fileno(stream);
    if (!isatty(file) || ioctl(file, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        return PLAIN_WIDTH;
    }
    return size.ws_col;
}

static layout lay_out(const rud_explainer *explainer, const cli_explained *explained, int width)
{
    const rud_explanation *e = &explained->explanation;
    layout l = {.explainer = explainer, .explained = explained};
    for (size_t t = 0; t < e->steps; t++) {
        l.rewards = l.rewards || explained->episode->rewards[t] != 0;
        l.largest = fmax(l.largest, fabs(e->step_relevance[t]));
    }
    const int numbers = 17 + (l.rewards ? 11 : 0) + (e->absorbed ? 11 : 0);
    const int room = width - numbers - 3; /* two blanks, the middle line */
    l.bar = e->relevance ? room / 4 : room / 2;
    if (l.bar > MOST_BAR) l.bar = MOST_BAR;
    if (l.bar < LEAST_BAR) l.bar = LEAST_BAR;
    if (e->relevance) l.words = room - 2 * l.bar - 2;
    if (l.words > MOST_WORDS) l.words = MOST_WORDS;
    if (l.words < 0) l.words = 0;
    return l;
}

/* A bar on either side of a middle line, blanks up to its end where words follow. */
static void print_bar(const layout *l, double value, bool words, FILE *stream)
{
    const double share = l->largest > 0 ? value / l->largest : 0;
    const int length = (int)lround(fabs(share) * l->bar);
    const bool left = share < 0;
    fprintf(stream, "  %*s", left ? l->bar - length : l->bar, "");
    for (int k = 0; left && k < length; k++) fputc('#', stream);
    fputc('|', stream);
    for (int k = 0; !left && k < length; k++) fputc('#', stream);
    if (words) fprintf(stream, "%*s", left ? l->bar : l->bar - length, "");
}

/* Of feature d at step t; the final observation stands with the last step. */
static double at(const rud_explanation *e, size_t t, size_t d)
{
    double value = (double)e->relevance[t * e->width + d];
    for (size_t i = t + 1; t + 1 == e->steps && i < e->inputs; i++) {
        value += (double)e->relevance[i * e->width + d];
    }
    return value;
}

/* The features of the largest relevance at the step, in top[]; returns how many: those that have
 * at least a tenth of the largest step's. */
static size_t find_top(const layout *l, size_t t, size_t top[TOP])
{
    const rud_explanation *e = &l->explained->explanation;
    size_t count = 0;
    for (size_t d = 0; d < e->width; d++) {
        const double size = fabs(at(e, t, d));
        if (size == 0 || size < 0.1 * l->largest) continue;
        size_t k = count < TOP ? count++ : TOP;
        for (; k > 0 && fabs(at(e, t, top[k - 1])) < size; k--) {
            if (k < TOP) top[k] = top[k - 1];
        }
        if (k < TOP) top[k] = d;
    }
    return count;
}

/* "observation=7 +0.31, action=1 -0.02" in text[size], as many as fit. */
static void describe(const layout *l, size_t t, char *text, size_t size)
{
    size_t top[TOP];
    const size_t count = l->words ? find_top(l, t, top) : 0;
    size_t used = 0;
    text[0] = '\0';
    for (size_t k = 0; k < count; k++) {
        char name[NAME_SIZE], word[NAME_SIZE + 32];
        rud_explainer_feature_name(l->explainer, top[k], name, sizeof name);
        const size_t length = (size_t)snprintf(word, sizeof word, "%s%s %+.2g", k ? ", " : "", name,
                                               at(&l->explained->explanation, t, top[k]));
        if (used + length > (size_t)l->words || used + length >= size) break;
        memcpy(text + used, word, length + 1);
        used += length;
    }
}

static void print_steps(const layout *l, FILE *stream)
{
    const rud_explanation *e = &l->explained->explanation;
    char words[MOST_WORDS + 1];
    fprintf(stream, "  step%s  relevance%s\n", l->rewards ? "     reward" : "",
            e->absorbed ? "   absorbed" : "");
    for (size_t t = 0; t < e->steps; t++) {
        fprintf(stream, "%6zu", t);
        if (l->rewards) fprintf(stream, " %10.4g", l->explained->episode->rewards[t]);
        fprintf(stream, " %10.4g", e->step_relevance[t]);
        if (e->absorbed) fprintf(stream, " %10.4g", e->absorbed[t]);
        describe(l, t, words, sizeof words);
        print_bar(l, e->step_relevance[t], words[0] != '\0', stream);
        fprintf(stream, words[0] ? "  %s\n" : "%s\n", words);
    }
}

static void print_sums(const layout *l, FILE *stream)
{
    const rud_explanation *e = &l->explained->explanation;
    double absorbed = 0;
    fprintf(stream, "   sum");
    if (l->rewards) fprintf(stream, " %10.4g", rud_episode_return(l->explained->episode));
    fprintf(stream, " %10.4g", e->total);
    for (size_t t = 0; e->absorbed && t < e->steps; t++) absorbed += e->absorbed[t];
    if (e->absorbed) fprintf(stream, " %10.4g", absorbed);
    fputc('\n', stream);
    if (isfinite(e->initial_relevance) && e->initial_relevance != 0) {
        fprintf(stream, "        of it in the initial state %.5g\n", e->initial_relevance);
    }
}

static void print_title(const cli_explained *explained, FILE *stream)
{
    const rud_explanation *e = &explained->explanation;
    if (explained->episode->id) {
        fprintf(stream, "%s", explained->episode->id);
    } else {
        fprintf(stream, "%s", explained->place);
    }
    fprintf(stream, ": %zu steps, ", e->steps);
    if (explained->episode->no_rewards) {
        fputs("no rewards", stream);
    } else {
        fprintf(stream, "return %.6g", rud_episode_return(explained->episode));
    }
    fprintf(stream, ", predicted %.6g", e->prediction);
    if (isfinite(e->baseline_prediction)) {
        fprintf(stream, ", of the baseline %.6g", e->baseline_prediction);
    }
    fputc('\n', stream);
}

rud_status cli_explain_write_table(const rud_explainer *explainer, const cli_explained *explained,
                                   FILE *stream)
{
    const rud_explanation *e = &explained->explanation;
    print_title(explained, stream);
    if (e->step_relevance) {
        const layout l = lay_out(explainer, explained, width_of(stream));
        print_steps(&l, stream);
        print_sums(&l, stream);
    } else {
        fprintf(stream, "  of the chosen steps %.6g, of the others %.6g, of the head's bias %.6g\n",
                e->total, e->irrelevant, e->prediction - e->total - e->irrelevant);
    }
    if (isfinite(e->conservation_error)) {
        fprintf(stream, "  conservation error %.2g\n", e->conservation_error);
    }
    fputc('\n', stream);
    return RUD_OK;
}

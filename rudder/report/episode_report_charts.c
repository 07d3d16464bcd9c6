/* Parts of the page: prediction, time, reward. */
#include <math.h>
#include <stdlib.h>

#include "base/statistics.h"
#include "redistribution/quality.h"
#include "report/episode_charts_private.h"
#include "report/episode_study_private.h"

enum { POINTS = 1500, GROUPS = 10, BINS = RUD_STUDY_BINS };

static double *numbers(size_t count)
{
    return calloc(count + 1, sizeof(double));
}

static rud_status no_memory(size_t count)
{
    return rud_error(RUD_ENOMEM, "no memory for charts of %zu episodes", count);
}

/* ---- how well the return is predicted ---- */

/* At most POINTS of the episodes that are fitted, or of the others; x, y: [POINTS]. */
static size_t gather_points(const rud_episode_study *study, bool fitted, double *x, double *y)
{
    const size_t all = fitted ? study->count - study->judged : study->judged;
    const size_t stride = (all + POINTS - 1) / POINTS;
    size_t seen = 0, count = 0;
    for (size_t k = 0; k < study->count; k++) {
        if (study->facts[k].fitted != fitted || seen++ % stride != 0) continue;
        x[count] = study->facts[k].prediction;
        y[count++] = study->facts[k].G;
    }
    return count;
}

static rud_status write_scatter(const rud_episode_study *study, FILE *out)
{
    const bool known = study->report->trained != NULL;
    double *x = numbers(2 * POINTS), *y = numbers(2 * POINTS);
    rud_status status = x && y ? RUD_OK : no_memory(POINTS);
    if (status == RUD_OK) {
        const size_t judged = gather_points(study, false, x, y);
        const size_t fitted = gather_points(study, true, x + POINTS, y + POINTS);
        /* Those of the test last: they are drawn over the others. */
        const rud_chart_series series[] = {
            {.name = "used in training", .x = x + POINTS, .y = y + POINTS, .count = fitted},
            {.name = known ? "test" : "episodes", .x = x, .y = y, .count = judged},
        };
        const bool both = known && fitted > 0;
        const rud_chart chart = {
            .title = "Predicted and true return",
            .caption =
                "Each point is an episode: the nearer it lies to the dashed line, the better "
                "its return was predicted.",
            .series = both ? series : series + 1,
            .series_count = both ? 2 : 1,
        };
        status = rud_chart_scatter(&chart, out);
    }
    free(x);
    free(y);
    return status;
}

static int by_prediction(const void *a, const void *b)
{
    const rud_episode_fact *const *x = a, *const *y = b;
    if ((*x)->prediction != (*y)->prediction) return (*x)->prediction < (*y)->prediction ? -1 : 1;
    return *x < *y ? -1 : *x > *y;
}

/* Group g of `count` sorted facts: mean prediction, mean return and the return's standard error. */
static void calibrate(const rud_episode_fact *const *sorted, size_t count, size_t g, double *x,
                      double *y, double *low, double *high)
{
    const size_t from = g * count / GROUPS, to = (g + 1) * count / GROUPS;
    const double n = (double)(to - from);
    double squares = 0;
    *x = *y = 0;
    for (size_t k = from; k < to; k++) {
        *x += sorted[k]->prediction / n;
        *y += sorted[k]->G / n;
    }
    for (size_t k = from; k < to; k++) squares += (sorted[k]->G - *y) * (sorted[k]->G - *y);
    const double error = n > 1 ? sqrt(squares / (n - 1) / n) : 0;
    *low = *y - 2 * error;
    *high = *y + 2 * error;
}

static rud_status write_calibration(const rud_episode_study *study, FILE *out)
{
    double x[GROUPS], y[GROUPS], low[GROUPS], high[GROUPS];
    const rud_episode_fact **sorted = malloc((study->judged + 1) * sizeof *sorted);
    if (sorted == NULL) return no_memory(study->judged);
    size_t count = 0;
    for (size_t k = 0; k < study->count; k++) {
        if (!study->facts[k].fitted) sorted[count++] = &study->facts[k];
    }
    rud_status status = RUD_OK;
    if (count >= 2 * GROUPS) {
        qsort(sorted, count, sizeof *sorted, by_prediction);
        for (size_t g = 0; g < GROUPS; g++) {
            calibrate(sorted, count, g, &x[g], &y[g], &low[g], &high[g]);
        }
        const rud_chart_series series = {.name = "tenth of the episodes",
                                         .x = x,
                                         .y = y,
                                         .low = low,
                                         .high = high,
                                         .count = GROUPS};
        const rud_chart chart = {
            .title = "Calibration",
            .caption = "Episodes sorted by prediction into ten groups: where a group's mean return "
                       "lies off the dashed line by more than its bar (two standard errors), such "
                       "predictions are too high or too low.",
            .series = &series,
            .series_count = 1,
            .points = true,
        };
        status = rud_chart_scatter(&chart, out);
    }
    free(sorted);
    return status;
}

static rud_status write_quality(const rud_episode_study *study, FILE *out)
{
    const double s = rud_predictor_target_std(study->report->predictor);
    double *values = numbers(study->judged);
    size_t count = 0;
    if (values == NULL) return no_memory(study->judged);
    for (size_t k = 0; k < study->count; k++) {
        const rud_episode_fact *fact = &study->facts[k];
        if (fact->fitted) continue;
        values[count++] = fmax(-1, rud_episode_quality(fact->G - fact->prediction, s));
    }
    const rud_status status = rud_chart_histogram(
        "Quality of each episode's prediction", "quality", values, count,
        "1 is a perfect prediction, 0 one that is off by as much as returns usually differ; "
        "episodes of quality -1 and below stand at -1.",
        out);
    free(values);
    return status;
}

/* A cell; empty where there is nothing to share, as of returns that are all the same. */
static void write_share(double share, FILE *out)
{
    if (isnan(share)) {
        fputs("<td>-</td>", out);
    } else {
        fprintf(out, "<td>%.3f</td>", fabs(share) < 0.0005 ? 0 : share); /* no "-0.000" */
    }
}

static void write_fit(const char *name, const char *class, const rud_study_fit *fit, FILE *out)
{
    fprintf(out, "<tr%s><td class=\"word\">%s</td>", class, name);
    write_share(fit->r_squared, out);
    write_share(fit->spearman, out);
    fprintf(out, "<td>%.4g</td></tr>\n", fit->error);
}

static rud_status write_fits(const rud_episode_study *study, FILE *out)
{
    static const char *const names[] = {"this model", "a linear model", "the mean return"};
    const bool known = study->report->trained != NULL;
    rud_study_fit fit;
    fprintf(out, "<p>Measured on %zu episodes %s.</p>\n", study->judged,
            known ? "that the model was neither fitted to nor chosen by"
                  : "(every second one; the linear model and the mean are fitted to the others). "
                    "Whether this model was trained on any of them is not known");
    fputs("<div class=\"scroll\"><table class=\"numbers\"><thead><tr><th class=\"word\">predicted "
          "by</th><th>R²</th><th>rank correlation</th><th>mean error</th></tr></thead><tbody>\n",
          out);
    for (size_t k = 0; k < 3; k++) {
        RUD_TRY(rud_episode_study_fit(study, (rud_study_predictor)k, false, &fit));
        write_fit(names[k], k == 0 ? " class=\"reference\"" : "", &fit, out);
    }
    if (known && study->count > study->judged) {
        RUD_TRY(rud_episode_study_fit(study, RUD_STUDY_BY_MODEL, true, &fit));
        write_fit("this model, on the episodes used in training", "", &fit, out);
    }
    fputs("</tbody></table></div>\n<p class=\"quiet\">R² is the share of the differences between "
          "returns that is predicted: 1 is perfect, 0 no better than the mean. The rank "
          "correlation asks only whether episodes come in the right order.</p>\n",
          out);
    return RUD_OK;
}

rud_status rud_episode_report_prediction(const rud_episode_study *study, FILE *out)
{
    if (study->judged == 0) {
        fputs("<p>Every episode was used in training: none is left to measure on.</p>\n", out);
        return RUD_OK;
    }
    RUD_TRY(write_fits(study, out));
    fputs("<div class=\"pair\">\n", out);
    RUD_TRY(write_scatter(study, out));
    RUD_TRY(write_calibration(study, out));
    fputs("</div>\n", out);
    return write_quality(study, out);
}

/* ---- over time ---- */

/* What is drawn over time, of one course. */
typedef double value_at(const rud_episode_study *study, const rud_episode_course *course, size_t b);

static const rud_episode_fact *fact_of(const rud_episode_study *study,
                                       const rud_episode_course *course)
{
    return &study->facts[course->fact];
}

/* G - g_t: with the correction `last`, the redistributed reward that is still to come. */
static double remaining(const rud_episode_study *study, const rud_episode_course *course, size_t b)
{
    return fact_of(study, course)->G - (double)course->g[b];
}

static double original(const rud_episode_study *study, const rud_episode_course *course, size_t b)
{
    (void)study;
    return (double)course->earned[b] - (b > 0 ? (double)course->earned[b - 1] : 0);
}

/* The mean return, which every episode gets at its first step, is left out. */
static double redistributed(const rud_episode_study *study, const rud_episode_course *course,
                            size_t b)
{
    const double before =
        b > 0 ? (double)course->g[b - 1] : rud_predictor_target_mean(study->report->predictor);
    const double value = (double)course->g[b] - before;
    return b + 1 < BINS ? value : value + remaining(study, course, b);
}

/* Mean and quartiles over all courses, [BINS] each; values: scratch [course_count]. */
static void summarise(const rud_episode_study *study, value_at *at, double *values, double *mean,
                      double *low, double *high)
{
    for (size_t b = 0; b < BINS; b++) {
        const size_t n = study->course_count;
        mean[b] = 0;
        for (size_t k = 0; k < n; k++) {
            values[k] = at(study, &study->courses[k], b);
            mean[b] += values[k] / (double)n;
        }
        low[b] = rud_quantile(values, n, 0.25);
        high[b] = rud_quantile(values, n, 0.75);
    }
}

static double variance(const double *values, size_t n)
{
    double mean = 0, squares = 0;
    for (size_t k = 0; k < n; k++) mean += values[k] / (double)n;
    for (size_t k = 0; k < n; k++) squares += (values[k] - mean) * (values[k] - mean);
    return squares / (double)n;
}

/* At the end of each bin: explained = 1 - mean (G - g)^2 / Var(G), and what remains of the
 * variance of the reward-to-go: Var(G - g) / Var(G). */
static void explain_variance(const rud_episode_study *study, double *values, double *explained,
                             double *ratio)
{
    const size_t n = study->course_count;
    for (size_t k = 0; k < n; k++) values[k] = fact_of(study, &study->courses[k])->G;
    const double all = variance(values, n);
    for (size_t b = 0; b < BINS; b++) {
        double squares = 0;
        for (size_t k = 0; k < n; k++) {
            values[k] = remaining(study, &study->courses[k], b);
            squares += values[k] * values[k] / (double)n;
        }
        explained[b] = all > 0 ? fmax(-1, 1 - squares / all) : 0;
        ratio[b] = all > 0 ? variance(values, n) / all : 0;
    }
}

rud_status rud_episode_report_time(const rud_episode_study *study, FILE *out)
{
    double explained[BINS], ratio[BINS], mean[BINS], low[BINS], high[BINS];
    double *values = numbers(study->course_count);
    if (values == NULL) return no_memory(study->course_count);
    explain_variance(study, values, explained, ratio);
    summarise(study, remaining, values, mean, low, high);
    free(values);
    const rud_chart_series series[] = {
        {.name = "explained variance", .y = explained, .count = BINS},
        {.name = "remaining variance", .y = ratio, .count = BINS},
        {.name = "still to come", .y = mean, .low = low, .high = high, .count = BINS}};
    const rud_chart known = {
        .title = "How much of the return is known by then",
        .caption = "Explained variance is the share of the differences between returns that the "
                   "steps so far tell: it jumps where outcomes are decided.",
        .series = &series[0],
        .series_count = 1,
        .share = true,
        .ends = true};
    const rud_chart rest = {
        .title = "Variance ratio of the reward-to-go",
        .caption = "What redistribution leaves of the scatter of the rewards still to come: 100 % "
                   "is that of the original return, and lower is easier to learn from.",
        .series = &series[1],
        .series_count = 1,
        .share = true,
        .ends = true};
    const rud_chart kappa = {
        .title = "Redistributed reward still to come (kappa)",
        .caption = "The line is the mean, the band holds the middle half of the episodes; the "
                   "line should stay at 0, so that no step is paid for what comes later.",
        .series = &series[2],
        .series_count = 1,
        .ends = true};
    fputs("<div class=\"pair\">\n", out);
    RUD_TRY(rud_chart_over_time(&known, out));
    RUD_TRY(rud_chart_over_time(&rest, out));
    fputs("</div>\n", out);
    return rud_chart_over_time(&kappa, out);
}

rud_status rud_episode_report_reward(const rud_episode_study *study, FILE *out)
{
    double mean[2][BINS], low[2][BINS], high[2][BINS];
    double *values = numbers(study->course_count);
    if (values == NULL) return no_memory(study->course_count);
    summarise(study, redistributed, values, mean[0], low[0], high[0]);
    summarise(study, original, values, mean[1], low[1], high[1]);
    free(values);
    static const char *const names[] = {"redistributed", "original"};
    rud_chart_series series[2];
    for (size_t k = 0; k < 2; k++) {
        series[k] = (rud_chart_series){
            .name = names[k], .y = mean[k], .low = low[k], .high = high[k], .count = BINS};
    }
    const rud_chart chart = {
        .title = "Reward in each twentieth of the time",
        .caption = "Lines are means over the episodes, bands hold the middle half of them: a wide "
                   "redistributed band marks the times at which episodes win or lose their return. "
                   "The mean return, which every episode gets at its first step, is left out.",
        .series = series,
        .series_count = 2};
    return rud_chart_over_time(&chart, out);
}

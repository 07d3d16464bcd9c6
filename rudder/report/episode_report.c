#include "report/episode_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/assets_private.h"
#include "report/episode_charts_private.h"
#include "report/episode_study_private.h"
#include "report/explanation_private.h"
#include "report/page_private.h"

static rud_status write_title(const rud_episode_study *study, FILE *out)
{
    rud_html(out, study->report->title);
    return RUD_OK;
}

static rud_status write_summary(const rud_episode_study *study, FILE *out)
{
    rud_study_fit fit = {.r_squared = (double)NAN};
    if (study->judged > 0) RUD_TRY(rud_episode_study_fit(study, RUD_STUDY_BY_MODEL, false, &fit));
    fprintf(out, "<p class=\"lead\">%zu episodes with %zu steps in all from ", study->count,
            study->steps);
    for (size_t k = 0; k < study->report->data_count; k++) {
        fputs(k ? ", <b>" : "<b>", out);
        rud_html(out, study->report->data[k]);
        fputs("</b>", out);
    }
    fputs(", looked at by the return predictor <b>", out);
    rud_html(out, study->report->model);
    fputs("</b>", out);
    if (isfinite(fit.r_squared)) {
        char share[32] = "nearly all";
        if (fit.r_squared < 0.995)
            snprintf(share, sizeof share, "%.0f %%", 100 * fmax(0, fit.r_squared));
        fprintf(out, ", which predicts %s of the differences between their returns%s", share,
                study->report->trained ? " on episodes that it was not trained on" : "");
    }
    fputs(".</p>\n<p class=\"quiet\">The predictor says after every step which return is to be "
          "expected. Redistribution pays each step what it changed of that: the rewards of an "
          "episode still add up to its return, but come when it is earned.</p>\n",
          out);
    return RUD_OK;
}

/* ---- what is in the data ---- */

/* Mean, lowest and highest of a number of the facts. */
typedef double number_of(const rud_episode_fact *fact);

static double steps_of(const rud_episode_fact *fact)
{
    return (double)fact->steps;
}

static double return_of(const rud_episode_fact *fact)
{
    return fact->G;
}

static double share_of(const rud_episode_fact *fact)
{
    return fact->last_share;
}

static double mean_of(const rud_episode_study *study, number_of *number)
{
    double sum = 0, n = 0;
    for (size_t k = 0; k < study->count; k++) {
        const double value = number(&study->facts[k]);
        if (isnan(value)) continue;
        sum += value;
        n++;
    }
    return sum / n;
}

static void write_range(const rud_episode_study *study, const char *name, number_of *number,
                        FILE *out)
{
    double low = (double)INFINITY, high = -(double)INFINITY;
    for (size_t k = 0; k < study->count; k++) {
        low = fmin(low, number(&study->facts[k]));
        high = fmax(high, number(&study->facts[k]));
    }
    fprintf(out,
            "<tr><td>%s</td><td>%.4g <span class=\"range\">from %.4g to %.4g</span></td></tr>\n",
            name, mean_of(study, number), low, high);
}

static rud_status write_histogram(const rud_episode_study *study, const char *title, const char *x,
                                  number_of *number, const char *caption, FILE *out)
{
    double *values = malloc((study->count + 1) * sizeof *values);
    if (values == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu episodes", study->count);
    for (size_t k = 0; k < study->count; k++) values[k] = number(&study->facts[k]);
    const rud_status status = rud_chart_histogram(title, x, values, study->count, caption, out);
    free(values);
    return status;
}

static bool differ(const rud_episode_study *study, number_of *number)
{
    for (size_t k = 1; k < study->count; k++) {
        if (number(&study->facts[k]) != number(&study->facts[0])) return true;
    }
    return false;
}

static rud_status write_contents(const rud_episode_study *study, FILE *out)
{
    size_t terminated = 0, truncated = 0;
    for (size_t k = 0; k < study->count; k++) {
        terminated += study->facts[k].terminated;
        truncated += study->facts[k].truncated;
    }
    fputs("<table class=\"numbers\">\n", out);
    fprintf(out, "<tr><td>episodes</td><td>%zu</td></tr>\n", study->count);
    if (study->report->trained) {
        fprintf(out,
                "<tr><td>of them used in training: fitted to, or chosen by</td><td>%zu</td></tr>\n",
                study->count - study->judged);
    }
    fprintf(out, "<tr><td>ended by the task</td><td>%zu</td></tr>\n", terminated);
    fprintf(out, "<tr><td>cut off</td><td>%zu</td></tr>\n", truncated);
    write_range(study, "steps, mean", steps_of, out);
    write_range(study, "return, mean", return_of, out);
    const double share = mean_of(study, share_of);
    if (!isnan(share)) {
        fprintf(out, "<tr><td>reward paid at the last step</td><td>%.0f %%</td></tr>\n",
                100 * share);
    }
    fputs("</table>\n<div class=\"pair\">\n", out);
    RUD_TRY(write_histogram(study, "Returns", "return", return_of,
                            "How many episodes got which return in all.", out));
    if (differ(study, steps_of)) {
        RUD_TRY(write_histogram(study, "Lengths", "steps", steps_of,
                                "How many episodes took how many steps.", out));
    }
    fputs("</div>\n", out);
    return RUD_OK;
}

/* ---- warnings ---- */

static double correlation(double n, double x, double xx, double y, double yy, double xy)
{
    const double vx = xx / n - x / n * (x / n), vy = yy / n - y / n * (y / n);
    if (!(vx > 1e-12 * fabs(xx / n)) || !(vy > 1e-12 * fabs(yy / n))) return 0;
    return (xy / n - x / n * (y / n)) / sqrt(vx * vy);
}

/* Does the model read component k of the observation? Then its name begins some columns' names. */
static bool reads(const rud_episode_study *study, size_t k)
{
    const rud_features *features = rud_predictor_features(study->report->predictor);
    char wanted[64] = "observation", name[64];
    if (study->column_count > 1) snprintf(wanted, sizeof wanted, "observation[%zu]", k);
    const size_t length = strlen(wanted);
    for (size_t d = 0; d < rud_features_width(features); d++) {
        rud_features_name(features, d, name, sizeof name);
        if (strncmp(name, wanted, length) == 0 && (!name[length] || name[length] == '=')) {
            return true;
        }
    }
    return false;
}

/* Names the observation columns that follow time, or the reward so far. */
static void warn_leaks(const rud_episode_study *study, bool time, size_t *warnings, FILE *out)
{
    const double limit = 0.99;
    size_t found = 0;
    for (size_t d = 0; d < study->column_count; d++) {
        const rud_column_sums *c = &study->columns[d];
        const double r = time ? correlation(c->n, c->x, c->xx, c->t, c->tt, c->xt)
                              : correlation(c->n, c->x, c->xx, c->r, c->rr, c->xr);
        if (fabs(r) < limit || !reads(study, d)) continue;
        if (found++ == 0) {
            fprintf(out, "<li>%s: observation",
                    time ? "The time is among the features"
                         : "The reward so far is among the features");
            ++*warnings;
        }
        if (found <= RUD_STUDY_LEAKS) fprintf(out, "%s %zu", found > 1 ? "," : "", d);
    }
    if (found == 0) return;
    fputs(time ? ". The predictor can read from it when an episode will end, and credit may go "
                 "to the clock instead of the actions. Leave it out unless it matters.</li>\n"
               : ". The predictor can copy it instead of finding out what earns the reward. Leave "
                 "it out.</li>\n",
          out);
}

/* Is the model better than the linear one by more than two standard errors of the paired
 * difference of squared errors? */
static bool beats_linear(const rud_episode_study *study)
{
    double n = 0, sum = 0, squares = 0;
    for (size_t k = 0; k < study->count; k++) {
        const rud_episode_fact *fact = &study->facts[k];
        if (fact->fitted) continue;
        const double model = fact->G - fact->prediction, linear = fact->G - fact->linear;
        const double gain = linear * linear - model * model;
        n++;
        sum += gain;
        squares += gain * gain;
    }
    const double mean = sum / n;
    return mean > 2 * sqrt(fmax(0, squares / n - mean * mean) / n);
}

static rud_status warn_prediction(const rud_episode_study *study, size_t *warnings, FILE *out)
{
    rud_study_fit held, seen;
    if (study->judged < 2) return RUD_OK;
    RUD_TRY(rud_episode_study_fit(study, RUD_STUDY_BY_MODEL, false, &held));
    if (!(held.r_squared >= 0.1)) {
        fputs("<li>The return is hardly predicted: redistributed rewards would be mostly noise. "
              "More episodes, other features or longer training may help.</li>\n",
              out);
        ++*warnings;
    }
    if (rud_predictor_linear_weights(study->report->predictor) != NULL) {
        fputs("<li>The model is linear: it only adds up what each step looks like, and knows "
              "nothing of the order of events.</li>\n",
              out);
        ++*warnings;
    } else if (!beats_linear(study)) {
        fputs("<li>The model predicts no better than a linear one, which only adds up what each "
              "step looks like: what it says of the order of events has not shown to be "
              "true.</li>\n",
              out);
        ++*warnings;
    }
    if (!study->report->trained || study->judged == study->count) return RUD_OK;
    RUD_TRY(rud_episode_study_fit(study, RUD_STUDY_BY_MODEL, true, &seen));
    if (seen.r_squared - held.r_squared > 0.1) {
        fprintf(out,
                "<li>The model knows its training episodes by heart: R² is %.2f on them and %.2f "
                "on others. Redistributed rewards of training episodes look better than they "
                "are.</li>\n",
                seen.r_squared, held.r_squared);
        ++*warnings;
    }
    return RUD_OK;
}

static rud_status write_warnings(const rud_episode_study *study, FILE *out)
{
    size_t warnings = 0;
    fputs("<section>\n<h2>Warnings</h2>\n<ul>\n", out);
    const double share = mean_of(study, share_of);
    if (mean_of(study, steps_of) == 1) {
        fputs("<li>Every episode has one step: there is nothing to redistribute.</li>\n", out);
        warnings++;
    }
    if (share < 0.5) {
        fprintf(out,
                "<li>The reward is not late: only %.0f %% of it is paid at the last step. Where "
                "each reward already follows the action that earns it, there is nothing to "
                "redistribute.</li>\n",
                100 * share);
        warnings++;
    }
    if (study->count < 200 || study->judged < 50) {
        fprintf(out,
                "<li>These are few episodes (%zu, %zu of them to measure on): the figures below "
                "are uncertain, and a predictor learns little from them.</li>\n",
                study->count, study->judged);
        warnings++;
    }
    if (!differ(study, return_of)) {
        fprintf(out,
                "<li>Every episode has the return %.4g: there is nothing to predict, and no step "
                "earns more than another.</li>\n",
                study->facts[0].G);
        warnings++;
    } else {
        RUD_TRY(warn_prediction(study, &warnings, out));
    }
    warn_leaks(study, true, &warnings, out);
    warn_leaks(study, false, &warnings, out);
    if (warnings == 0) {
        fputs("<li>None: the reward is late, the return is predicted better than by a linear "
              "model, there are enough episodes, and no observation follows the time or the reward "
              "so far.</li>\n",
              out);
    }
    fputs("</ul>\n</section>\n", out);
    return RUD_OK;
}

/* ---- examples ---- */

static void write_key(const rud_key_step *key, FILE *out)
{
    fprintf(out, "<tr><td>%zu</td><td>%+.4g</td><td class=\"word\">", key->step, key->reward);
    for (size_t k = 0; k < key->feature_count; k++) {
        fputs(k ? ", " : "", out);
        rud_html(out, key->features[k].name);
        fprintf(out, " (%+.3g)", key->features[k].relevance);
    }
    fputs(key->feature_count ? "</td></tr>\n" : "-</td></tr>\n", out);
}

static void write_keys(const rud_episode_example *example, FILE *out)
{
    fputs("<div class=\"scroll\"><table class=\"numbers\"><thead><tr><th>step</th><th>change</th>"
          "<th class=\"word\">features that matter most there</th></tr></thead><tbody>\n",
          out);
    for (size_t k = 0; k < example->key_count; k++) write_key(&example->keys[k], out);
    fputs("</tbody></table></div>\n", out);
}

static rud_status write_example(const rud_episode_study *study, const rud_episode_example *example,
                                FILE *out)
{
    const rud_episode_fact *fact = &study->facts[example->fact];
    const bool trained = study->report->trained && fact->fitted;
    fputs("<div>\n<h3>Episode ", out);
    if (example->episode->id) {
        rud_html(out, example->episode->id);
    } else {
        fprintf(out, "%zu", fact->index);
    }
    fprintf(out, ": %s %+.4g</h3>\n<p>Return %.4g, predicted %.4g%s.</p>\n",
            example->gain ? "gain of" : "loss of", example->gain ? fact->rise : fact->fall, fact->G,
            fact->prediction, trained ? "; <b>used in training</b>" : "");
    RUD_TRY(rud_explanation_bars(&example->explanation, "reward", "Original reward",
                                 example->episode->rewards, NULL, out, "What each step was paid."));
    RUD_TRY(rud_explanation_bars(
        &example->explanation, "relevance", "Redistributed reward",
        example->explanation.step_relevance, NULL, out,
        "What each step changed of the predicted return: bars upwards earned, bars downwards cost; "
        "the first one holds the mean return."));
    write_keys(example, out);
    fputs("</div>\n", out);
    return RUD_OK;
}

static rud_status write_examples(const rud_episode_study *study, FILE *out)
{
    if (study->example_count == 0) {
        fputs("<p>No step changes any prediction.</p>\n", out);
        return RUD_OK;
    }
    fputs("<p>The episodes in which one step raised the predicted return most, then those in which "
          "one lowered it most, each with the steps that changed it most.",
          out);
    if (study->examples[0].key_count > 0 && study->examples[0].keys[0].feature_count > 0) {
        const rud_predictor *predictor = study->report->predictor;
        const bool odds = rud_predictor_target_kind(predictor) == RUD_TARGET_SUCCESS &&
                          rud_predictor_network(predictor) != NULL;
        fprintf(out, " Behind each feature stands its part in the final prediction%s.",
                odds ? ", in log-odds, while changes are of the probability" : "");
    }
    fputs("</p>\n<div class=\"pair\">\n", out);
    for (size_t k = 0; k < study->example_count; k++) {
        RUD_TRY(write_example(study, &study->examples[k], out));
    }
    fputs("</div>\n", out);
    return RUD_OK;
}

/* ---- the page ---- */

typedef rud_status part(const rud_episode_study *study, FILE *out);

static const struct {
    const char *name;
    part *write;
} places[] = {
    {"title", write_title},
    {"summary", write_summary},
    {"warnings", write_warnings},
    {"contents", write_contents},
    {"prediction", rud_episode_report_prediction},
    {"time", rud_episode_report_time},
    {"reward", rud_episode_report_reward},
    {"examples", write_examples},
};

static rud_status fill_place(const void *context, FILE *out, const char *place)
{
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        if (strcmp(places[k].name, place) == 0) return places[k].write(context, out);
    }
    return rud_page_unknown(place);
}

rud_status rud_episode_report_write(const rud_episode_report *report, const char *path)
{
    rud_episode_study study;
    RUD_TRY(rud_episode_study_make(report, &study));
    const rud_status status =
        rud_page_write(path, report->title, rud_asset_episode_report, fill_place, &study);
    rud_episode_study_free(&study);
    return status;
}

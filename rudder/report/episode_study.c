/* Two passes over the data: returns, lengths and the linear baseline's sums first; then the
 * predictions. */
#include "report/episode_study_private.h"

#include <math.h>
#include <stdlib.h>

#include "base/statistics.h"
#include "base/stop.h"
#include "redistribution/explain_dataset.h"

void rud_episode_study_free(rud_episode_study *study)
{
    for (size_t k = 0; k < study->example_count; k++) {
        rud_episode_free(&study->examples[k].episode);
        rud_explanation_free(&study->examples[k].explanation);
    }
    rud_predictor_free(&study->linear);
    free(study->facts);
    free(study->courses);
    free(study->columns);
    *study = (rud_episode_study){0};
}

/* ---- first pass ---- */

static rud_status add_file(rud_episode_study *study, const rud_dataset *source)
{
    const size_t more = rud_dataset_episodes(source);
    rud_episode_fact *facts = realloc(study->facts, (study->count + more) * sizeof *facts);
    if (facts == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu episodes", more);
    study->facts = facts;
    if (study->columns != NULL) return RUD_OK;
    study->column_count = rud_dataset_observation_space(source)->width;
    study->columns = calloc(study->column_count, sizeof *study->columns);
    if (study->columns != NULL) return RUD_OK;
    return rud_error(RUD_ENOMEM, "no memory for %zu columns", study->column_count);
}

static double last_share(const rud_episode *episode)
{
    double sum = 0;
    for (size_t t = 0; t < episode->steps; t++) sum += fabs(episode->rewards[t]);
    return sum > 0 ? fabs(episode->rewards[episode->steps - 1]) / sum : (double)NAN;
}

/* s_t beside t and beside the reward before it. */
static void add_columns(rud_episode_study *study, const rud_episode *episode)
{
    double earned = 0;
    for (size_t t = 0; t < episode->steps; t++) {
        const double *row = episode->observations + t * episode->observation_width;
        const double time = (double)t;
        for (size_t d = 0; d < study->column_count; d++) {
            rud_column_sums *c = &study->columns[d];
            const double x = row[d];
            c->n++, c->x += x, c->xx += x * x, c->t += time, c->tt += time * time;
            c->xt += x * time, c->r += earned, c->rr += earned * earned, c->xr += x * earned;
        }
        earned += episode->rewards[t];
    }
}

static rud_status add_episode(rud_episode_study *study, size_t file, size_t index,
                              const rud_episode *episode)
{
    const rud_episode_report *report = study->report;
    const size_t k = study->count++;
    if (report->trained && k >= report->trained_count) {
        return rud_error(RUD_EINVAL, "the run was trained on %zu episodes, the data hold more",
                         report->trained_count);
    }
    study->facts[k] = (rud_episode_fact){
        .file = file,
        .index = index,
        .steps = episode->steps,
        .terminated = episode->terminated,
        .truncated = episode->truncated,
        .fitted = report->trained ? report->trained[k] : k % 2 == 0,
        .G = rud_predictor_return(report->predictor, episode),
        .last_share = last_share(episode),
    };
    study->steps += episode->steps;
    add_columns(study, episode);
    return study->facts[k].fitted ? rud_predictor_observe(study->linear, episode) : RUD_OK;
}

static rud_status read_file(rud_episode_study *study, size_t file, rud_dataset *source)
{
    RUD_TRY(rud_dataset_check_width(source, study->report->predictor));
    RUD_TRY(add_file(study, source));
    for (;;) {
        rud_episode *episode;
        RUD_TRY(rud_stop_check(study->report->stop));
        RUD_TRY(rud_dataset_next(source, &episode));
        if (episode == NULL) return RUD_OK;
        rud_status status = rud_error_context(
            rud_features_check(rud_predictor_features(study->report->predictor), episode), "%s",
            rud_dataset_place(source));
        if (status == RUD_OK) {
            status = add_episode(study, file, rud_dataset_index(source), episode);
        }
        rud_episode_free(&episode);
        RUD_TRY(status);
    }
}

static rud_status create_linear(rud_episode_study *study)
{
    rud_predictor_options options = rud_predictor_options_default();
    snprintf(options.cell, sizeof options.cell, "linear");
    options.target = rud_predictor_target_kind(study->report->predictor);
    options.discount = rud_predictor_discount(study->report->predictor);
    return rud_predictor_create(&options, rud_predictor_features(study->report->predictor), NULL, 1,
                                &study->linear);
}

static rud_status first_pass(rud_episode_study *study)
{
    const rud_episode_report *report = study->report;
    RUD_TRY(create_linear(study));
    for (size_t file = 0; file < report->data_count; file++) {
        rud_dataset *source;
        RUD_TRY(rud_dataset_open(report->data[file], report->reading, &source));
        const rud_status status = read_file(study, file, source);
        rud_dataset_close(&source);
        RUD_TRY(status);
    }
    if (report->trained && study->count != report->trained_count) {
        return rud_error(RUD_EINVAL, "the run was trained on %zu episodes, the data hold %zu",
                         report->trained_count, study->count);
    }
    return rud_predictor_update(study->linear, NULL, 0, NULL);
}

/* ---- second pass ---- */

/* The last step that belongs to bin b or one before it. */
static size_t bin_end(size_t b, size_t steps)
{
    const size_t end = ((b + 1) * steps + RUD_STUDY_BINS - 1) / RUD_STUDY_BINS;
    return end > 0 ? end - 1 : 0;
}

static void add_course(rud_episode_study *study, size_t fact, const rud_episode *episode,
                       const double *difference)
{
    rud_episode_course *course = &study->courses[study->course_count++];
    const double gamma = rud_predictor_discount(study->report->predictor);
    double g = 0, earned = 0, weight = 1;
    course->fact = fact;
    for (size_t b = 0, t = 0; b < RUD_STUDY_BINS; b++) {
        for (; t <= bin_end(b, episode->steps); t++) {
            g += difference[t];
            earned += weight * episode->rewards[t];
            weight *= gamma;
        }
        course->g[b] = (float)g;
        course->earned[b] = (float)earned;
    }
}

typedef struct second {
    rud_episode_study *study;
    double *g; /* scratch of the linear predictor */
    size_t capacity, next;
} second;

static rud_status predict_linear(second *pass, const rud_episode *episode, double *prediction)
{
    const rud_predictor *linear = pass->study->linear;
    const size_t inputs = rud_features_inputs(rud_predictor_features(linear), episode);
    if (inputs > pass->capacity) {
        double *g = realloc(pass->g, inputs * sizeof *g);
        if (g == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu predictions", inputs);
        pass->g = g;
        pass->capacity = inputs;
    }
    RUD_TRY(rud_predictor_predict(linear, &episode, 1, &pass->g));
    *prediction = pass->g[inputs - 1];
    return RUD_OK;
}

static rud_status add_prediction(void *context, rud_explained *explained)
{
    second *pass = context;
    rud_episode_study *study = pass->study;
    if (pass->next == study->count) {
        return rud_error(RUD_EFORMAT, "the data have grown while they were read");
    }
    rud_episode_fact *fact = &study->facts[pass->next];
    const rud_episode *episode = explained->episode;
    const double *difference = explained->explanation.step_relevance;
    fact->prediction = explained->explanation.prediction;
    RUD_TRY(predict_linear(pass, episode, &fact->linear));
    for (size_t t = 1; t < episode->steps; t++) {
        fact->rise = fmax(fact->rise, difference[t]);
        fact->fall = fmin(fact->fall, difference[t]);
    }
    if (pass->next % study->stride == 0) add_course(study, pass->next, episode, difference);
    pass->next++;
    return RUD_OK;
}

static rud_status second_pass(rud_episode_study *study)
{
    const rud_episode_report *report = study->report;
    const rud_dataset_work work = {.predictor = report->predictor,
                                   .attribution = rud_attribution_options_default(),
                                   .threads = report->threads,
                                   .progress = report->progress,
                                   .title = "predict",
                                   .stop = report->stop};
    second pass = {.study = study};
    rud_status status = RUD_OK;
    study->stride = (study->count + RUD_STUDY_SAMPLE - 1) / RUD_STUDY_SAMPLE;
    study->courses = calloc(study->count / study->stride + 1, sizeof *study->courses);
    if (study->courses == NULL) return rud_error(RUD_ENOMEM, "no memory for the episodes' course");
    for (size_t file = 0; file < report->data_count && status == RUD_OK; file++) {
        rud_dataset *source;
        status = rud_dataset_open(report->data[file], report->reading, &source);
        if (status != RUD_OK) break;
        status = rud_explain_dataset(&work, source, add_prediction, &pass);
        rud_dataset_close(&source);
    }
    free(pass.g);
    return status;
}

rud_status rud_episode_study_make(const rud_episode_report *report, rud_episode_study *study)
{
    *study = (rud_episode_study){.report = report};
    rud_status status = first_pass(study);
    if (status == RUD_OK) status = second_pass(study);
    if (status == RUD_OK) {
        double sum = 0;
        for (size_t k = 0; k < study->count; k++) {
            study->judged += !study->facts[k].fitted;
            if (study->facts[k].fitted) sum += study->facts[k].G;
        }
        study->fitted_mean =
            study->count > study->judged ? sum / (double)(study->count - study->judged) : 0;
        status = rud_episode_study_examples(study);
    }
    if (status != RUD_OK) rud_episode_study_free(study);
    return status;
}

/* ---- how well ---- */

double rud_episode_study_prediction(const rud_episode_study *study, const rud_episode_fact *fact,
                                    rud_study_predictor by)
{
    if (by == RUD_STUDY_BY_MEAN) return study->fitted_mean;
    return by == RUD_STUDY_BY_LINEAR ? fact->linear : fact->prediction;
}

rud_status rud_episode_study_fit(const rud_episode_study *study, rud_study_predictor by,
                                 bool fitted, rud_study_fit *fit)
{
    double *values = malloc(2 * (study->count + 1) * sizeof *values);
    if (values == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu episodes", study->count);
    double *returns = values + study->count;
    size_t n = 0;
    *fit = (rud_study_fit){0};
    for (size_t k = 0; k < study->count; k++) {
        const rud_episode_fact *fact = &study->facts[k];
        if (fact->fitted != fitted) continue;
        values[n] = rud_episode_study_prediction(study, fact, by);
        returns[n] = fact->G;
        fit->error += fabs(returns[n] - values[n]);
        fit->squared += (returns[n] - values[n]) * (returns[n] - values[n]);
        n++;
    }
    fit->error /= (double)n;
    fit->squared /= (double)n;
    fit->r_squared = rud_r_squared(values, returns, n);
    fit->spearman = rud_spearman(values, returns, n);
    free(values);
    return RUD_OK;
}

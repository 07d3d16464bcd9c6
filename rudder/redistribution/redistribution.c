#include "redistribution/redistribution.h"

#include <math.h>
#include <stdlib.h>

rud_redistribution_options rud_redistribution_options_default(void)
{
    return (rud_redistribution_options){.correction = RUD_CORRECTION_LAST,
                                        .baseline = RUD_BASELINE_ZERO,
                                        .mix = 1,
                                        .attribution = rud_attribution_options_default()};
}

void rud_prediction_differences(const double *g, size_t inputs, size_t T, double *difference)
{
    double previous = 0;
    for (size_t t = 0; t < T; t++) {
        difference[t] = g[t] - previous;
        previous = g[t];
    }
    if (inputs > T) difference[T - 1] += g[T] - g[T - 1];
}

static rud_status check_widths(const rud_env_spec *spec, const rud_episode *episode)
{
    if (episode->observation_width == spec->observation_space.width &&
        episode->action_width == spec->action_space.width) {
        return RUD_OK;
    }
    return rud_error(RUD_EINVAL,
                     "observations have %zu numbers and actions %zu; %s has %zu and %zu",
                     episode->observation_width, episode->action_width, spec->name,
                     spec->observation_space.width, spec->action_space.width);
}

rud_status rud_exact_redistribution(const rud_env *env, const rud_episode *episode, double *exact)
{
    const size_t rows = episode->observation_rows;
    RUD_TRY(check_widths(rud_env_specification(env), episode));
    double *expected = calloc(rows, sizeof *expected);
    if (expected == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu expectations", rows);
    const rud_status status = rud_env_expected_return(env, episode->observations, episode->actions,
                                                      episode->steps, rows, expected);
    if (status == RUD_OK) rud_prediction_differences(expected, rows, episode->steps, exact);
    free(expected);
    return status;
}

/* Adds the prediction error e where the correction says. */
static void correct(rud_correction correction, double e, size_t T, double *r)
{
    if (correction == RUD_CORRECTION_UNIFORM) {
        for (size_t t = 0; t < T; t++) r[t] += e / (double)T;
        return;
    }
    if (correction == RUD_CORRECTION_PROPORTIONAL) {
        double total = 0;
        for (size_t t = 0; t < T; t++) total += fabs(r[t]);
        if (total > 0) {
            for (size_t t = 0; t < T; t++) r[t] += e * (fabs(r[t]) / total);
            return;
        }
    }
    if (correction != RUD_CORRECTION_NONE) r[T - 1] += e;
}

static rud_status check_finite(const char *what, const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i])) {
            return rud_error(RUD_ENONFINITE, "%s[%zu] is not finite: nothing is redistributed",
                             what, i);
        }
    }
    return RUD_OK;
}

rud_status rud_redistribute(const rud_redistribution_options *options, const double *step_relevance,
                            double prediction, const double *rewards, size_t T, double mean_return,
                            double *redistributed)
{
    RUD_TRY(check_finite("step_relevance", step_relevance, T));
    RUD_TRY(check_finite("rewards", rewards, T));
    RUD_TRY(check_finite("prediction", &prediction, 1));
    if (options->baseline == RUD_BASELINE_MEAN) {
        RUD_TRY(check_finite("mean_return", &mean_return, 1));
    }
    double G = 0;
    for (size_t t = 0; t < T; t++) G += rewards[t];

    for (size_t t = 0; t < T; t++) redistributed[t] = step_relevance[t];
    correct(options->correction, G - prediction, T, redistributed);
    if (options->baseline == RUD_BASELINE_MEAN) redistributed[0] -= mean_return;
    const double w = options->mix;
    for (size_t t = 0; t < T; t++) {
        redistributed[t] = (1 - w) * rewards[t] + w * redistributed[t];
    }
    return RUD_OK;
}

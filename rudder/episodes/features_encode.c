#include <float.h>
#include <math.h>
#include <string.h>

#include "episodes/features_private.h"

/* Raw inputs are floats: the largest value whose difference from another is still one. */
static rud_status check_raw(const rud_features_part *part, const double *row)
{
    for (size_t i = 0; i < part->input_count; i++) {
        const rud_features_input *input = &part->inputs[i];
        double value = row[input->component];
        if (!input->one_hot && !(fabs((value - input->shift) / input->scale) <= FLT_MAX / 2))
            return rud_error(RUD_ENONFINITE, "component %zu is %g, too large for a network input",
                             input->component, value);
    }
    return RUD_OK;
}

static rud_status check_rows(const rud_features_part *part, const char *field, const double *rows,
                             size_t count)
{
    for (size_t t = 0; t < count; t++) {
        const double *row = rows + t * part->space.width;
        rud_status status = rud_space_check(&part->space, row);
        if (status == RUD_OK) status = check_raw(part, row);
        if (status != RUD_OK) return rud_error_context(status, "field \"%s\"[%zu]", field, t);
    }
    return RUD_OK;
}

static rud_status check_width(const char *field, size_t found, size_t expected)
{
    if (found == expected) return RUD_OK;
    return rud_error(RUD_EINVAL, "field \"%s\": rows of width %zu found, %zu expected", field,
                     found, expected);
}

static rud_status check_observations(const rud_features *features, const rud_episode *episode)
{
    RUD_TRY(
        check_width("observations", episode->observation_width, features->observation.space.width));
    size_t rows = rud_features_inputs(features, episode);
    if (episode->observation_rows < rows)
        return rud_error(RUD_EINVAL,
                         "field \"observations\": %zu rows found, %zu expected: the final "
                         "observation is needed too",
                         episode->observation_rows, rows);
    return check_rows(&features->observation, "observations", episode->observations, rows);
}

rud_status rud_features_check(const rud_features *features, const rud_episode *episode)
{
    if (episode->steps == 0) return rud_error(RUD_EINVAL, "field \"rewards\": no steps");
    RUD_TRY(check_observations(features, episode));
    if (features->action.input_count > 0) {
        RUD_TRY(check_width("actions", episode->action_width, features->action.space.width));
        RUD_TRY(check_rows(&features->action, "actions", episode->actions, episode->steps));
    }
    for (size_t t = 0; t < episode->steps; t++)
        if (!isfinite(episode->rewards[t]))
            return rud_error(RUD_ENONFINITE, "field \"rewards\"[%zu] is not finite", t);
    return RUD_OK;
}

size_t rud_features_inputs(const rud_features *features, const rud_episode *episode)
{
    return episode->steps + (features->final_observation ? 1 : 0);
}

/* phi(row), or phi(row) - phi(previous) where previous is not NULL, into columns that hold 0. Raw
 * columns are standardised after the difference: before it the shift would cancel out. */
static void encode_part(const rud_features_part *part, const double *row, const double *previous,
                        float *x)
{
    for (size_t i = 0; i < part->input_count; i++) {
        const rud_features_input *input = &part->inputs[i];
        double value = row[input->component];
        double before = previous == NULL ? 0 : previous[input->component];
        if (input->one_hot) {
            x[input->column + (size_t)value] = 1;
            if (previous != NULL) x[input->column + (size_t)before] -= 1;
        } else {
            x[input->column] = (float)((value - before - input->shift) / input->scale);
        }
    }
}

void rud_features_encode_step(const rud_features *features, const double *observation,
                              const double *previous, const double *action, size_t t, float *x)
{
    memset(x, 0, features->width * sizeof *x);
    encode_part(&features->observation, observation, features->difference ? previous : NULL, x);
    if (action != NULL) encode_part(&features->action, action, NULL, x);
    if (features->time) x[features->width - 1] = (float)((double)t / features->time_scale);
}

void rud_features_encode(const rud_features *features, const rud_episode *episode, float *x,
                         size_t stride)
{
    size_t inputs = rud_features_inputs(features, episode);
    bool with_actions = features->action.input_count > 0;
    const double *previous = NULL;
    for (size_t t = 0; t < inputs; t++) {
        const double *observation = episode->observations + t * episode->observation_width;
        const double *action = NULL;
        if (with_actions && t < episode->steps)
            action = episode->actions + t * episode->action_width;
        rud_features_encode_step(features, observation, previous, action, t, x + t * stride);
        previous = observation;
    }
}

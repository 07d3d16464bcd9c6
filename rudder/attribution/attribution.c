/* A call: its options and input checked, its result laid out and finished. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attribution/attribution_private.h"

enum { ALIGNMENT = 64 };

rud_status rud_buffer_reserve(rud_buffer *buffer, size_t count, size_t size)
{
    if (count > (SIZE_MAX - ALIGNMENT) / size)
        return rud_error(RUD_ENOMEM, "attribution: %zu numbers do not fit memory", count);
    const size_t bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes <= buffer->bytes && buffer->data) return RUD_OK;
    rud_buffer_free(buffer);
    buffer->data = aligned_alloc(ALIGNMENT, bytes > 0 ? bytes : ALIGNMENT);
    if (!buffer->data)
        return rud_error(RUD_ENOMEM,
                         "attribution: no memory for %zu numbers; explain fewer or shorter "
                         "episodes at a time",
                         count);
    buffer->bytes = bytes;
    return RUD_OK;
}

void rud_buffer_free(rud_buffer *buffer)
{
    free(buffer->data);
    *buffer = (rud_buffer){0};
}

rud_status rud_attribution_create(rud_attribution **attribution)
{
    rud_attribution *created = calloc(1, sizeof *created);
    *attribution = NULL;
    if (!created) return rud_error(RUD_ENOMEM, "attribution: no memory");
    const rud_status status = rud_activations_create(&created->activations);
    if (status == RUD_OK)
        *attribution = created;
    else
        free(created);
    return status;
}

void rud_attribution_free(rud_attribution **attribution)
{
    rud_attribution *a = *attribution;
    if (!a) return;
    rud_activations_free(&a->activations);
    rud_buffer *const buffers[] = {&a->results, &a->relevance,     &a->lengths,        &a->sums,
                                   &a->batch,   &a->batch_lengths, &a->batch_gradient, &a->walk};
    for (size_t k = 0; k < sizeof buffers / sizeof *buffers; k++) rud_buffer_free(buffers[k]);
    free(a);
    *attribution = NULL;
}

static rud_status check_stabiliser(const char *name, double value)
{
    if (value >= 0.0 && value <= RUD_MOST_EPSILON) return RUD_OK;
    return rud_error(RUD_EINVAL, "%s is %g; it must be 0 to %g", name, value, RUD_MOST_EPSILON);
}

static rud_status check_mean(const rud_attribution_input *input, const char *option)
{
    if (input->feature_mean) return RUD_OK;
    return rud_error(RUD_EINVAL,
                     "%s mean: the mean of the features is not known; give it, or choose zero",
                     option);
}

/* Numbers and choices, each by itself. */
static rud_status check_values(const rud_attribution_options *o)
{
    RUD_TRY(check_stabiliser("epsilon", o->epsilon));
    if (!isnan(o->product_epsilon))
        RUD_TRY(check_stabiliser("product-epsilon", o->product_epsilon));
    if (!(o->bias_factor >= 0.0 && o->bias_factor <= 1.0))
        return rud_error(RUD_EINVAL, "bias-factor is %g; it must be 0 to 1", o->bias_factor);
    if (o->rule > RUD_LRP_ABS)
        return rud_error(RUD_EINVAL, "unknown rule %d; there are all, half, prop and abs",
                         (int)o->rule);
    if (o->nodes == 0 || o->nodes > RUD_MOST_NODES)
        return rud_error(RUD_EINVAL, "nodes is %zu; it must be 1 to %d", o->nodes, RUD_MOST_NODES);
    if (o->window == 0) return rud_error(RUD_EINVAL, "window is 0; it must be 1 or more");
    if (o->steps_begin >= o->steps_end && o->steps_end + o->steps_begin > 0)
        return rud_error(RUD_EINVAL, "steps %zu:%zu hold no step; the first must be less",
                         o->steps_begin, o->steps_end);
    if (o->baseline == RUD_FROM_GIVEN && !o->given)
        return rud_error(RUD_EINVAL, "baseline: no sequence is given");
    return RUD_OK;
}

rud_status rud_attribution_check(const rud_attribution_options *o, const rud_network *network)
{
    RUD_TRY(check_values(o));
    if (o->method->run == rud_run_occlusion && o->per == RUD_OCCLUDE_FEATURE &&
        o->remove == RUD_REMOVE_DELETE)
        return rud_error(RUD_EINVAL,
                         "occlusion: a feature cannot be deleted; choose remove zero or "
                         "mean, or per step");
    if (network == NULL) return RUD_OK;
    const rud_network_spec *spec = rud_network_specification(network);
    if (o->output >= spec->outputs)
        return rud_error(RUD_EINVAL, "output %zu: the network has %zu, the last is %zu", o->output,
                         spec->outputs, spec->outputs - 1);
    if (spec->bidirectional && o->step != RUD_LAST_STEP)
        return rud_error(RUD_EINVAL, "step: a bidirectional network predicts once an episode only; "
                                     "leave the option out");
    if (spec->bidirectional && o->method->run == rud_run_difference)
        return rud_error(RUD_EINVAL, "method difference: a bidirectional network predicts once an "
                                     "episode only; choose another method");
    return RUD_OK;
}

static rud_status check_means(const rud_attribution_options *o, const rud_attribution_input *input)
{
    if (o->method->run == rud_run_integrated_gradients && o->baseline == RUD_FROM_MEAN)
        RUD_TRY(check_mean(input, "baseline"));
    if (o->method->run == rud_run_occlusion && o->remove == RUD_REMOVE_MEAN)
        RUD_TRY(check_mean(input, "remove"));
    return RUD_OK;
}

static rud_status check_input(const rud_attribution_input *input)
{
    if (input->T == 0 || input->B == 0)
        return rud_error(RUD_EINVAL, "%zu steps of %zu episodes; give at least one", input->T,
                         input->B);
    if (!isfinite(input->scale) || input->scale == 0.0 || !isfinite(input->offset))
        return rud_error(RUD_EINVAL,
                         "predictions are scaled by %g and moved by %g; the scale must "
                         "not be 0, and both finite",
                         input->scale, input->offset);
    if (input->activations &&
        !rud_activations_are_of(input->activations, input->network, input->x, input->T, input->B))
        return rud_error(RUD_ESTATE, "the given activations are not those of these episodes");
    return RUD_OK;
}

const char *rud_call_episode(const rud_attribution_call *call, size_t b,
                             char text[RUD_EPISODE_TEXT])
{
    if (call->names)
        snprintf(text, RUD_EPISODE_TEXT, "%s", call->names[b]);
    else
        snprintf(text, RUD_EPISODE_TEXT, "episode %zu", b);
    return text;
}

/* The lengths up to the chosen step. */
static rud_status read_lengths(const rud_attribution_options *o, const rud_attribution_input *input,
                               rud_attribution_call *call)
{
    const size_t B = input->B;
    RUD_TRY(rud_buffer_reserve(&call->memory->lengths, B, sizeof(size_t)));
    size_t *lengths = call->memory->lengths.data;
    char episode[RUD_EPISODE_TEXT];
    for (size_t b = 0; b < B; b++) {
        lengths[b] = input->lengths ? input->lengths[b] : input->T;
        if (lengths[b] < 1 || lengths[b] > input->T)
            return rud_error(RUD_EINVAL, "%s has %zu steps; the batch allows 1 to %zu",
                             rud_call_episode(call, b, episode), lengths[b], input->T);
        if (o->step != RUD_LAST_STEP && o->step >= lengths[b])
            return rud_error(RUD_EINVAL, "step %zu: %s has %zu predictions; choose 0 to %zu",
                             o->step, rud_call_episode(call, b, episode), lengths[b],
                             lengths[b] - 1);
        if (o->step != RUD_LAST_STEP) lengths[b] = o->step + 1;
        if (lengths[b] > call->T) call->T = lengths[b];
    }
    call->ragged = (rud_ragged){.lengths = lengths, .T = call->T, .B = B};
    return RUD_OK;
}

/* Names the first number that is not finite. */
static rud_status not_a_number(const rud_attribution_call *call, size_t t, size_t b)
{
    const float *x = call->x + (t * call->B + b) * call->D;
    char episode[RUD_EPISODE_TEXT];
    size_t d = 0;
    while (isfinite(x[d])) d++;
    return rud_error(RUD_ENONFINITE, "%s: feature %zu of step %zu is not a finite number",
                     rud_call_episode(call, b, episode), d, t);
}

static rud_status check_numbers(const rud_attribution_call *call)
{
    const size_t B = call->B, D = call->D;
    for (size_t t = 0; t < call->T; t++)
        for (size_t b = 0; b < B; b++)
            if (t < rud_call_length(call, b) && !rud_all_finite(call->x + (t * B + b) * D, D))
                return not_a_number(call, t, b);
    if (call->feature_mean && !rud_all_finite(call->feature_mean, D))
        return rud_error(RUD_ENONFINITE, "the mean of a feature is not a finite number");
    return RUD_OK;
}

/* The doubles of a result: two arrays [T][B], then nine [B], all 0. */
enum { STEP_ARRAYS = 2, EPISODE_ARRAYS = 9 };

static rud_status lay_out_result(rud_attribution_call *call)
{
    const size_t T = call->rows_T, B = call->B;
    if (T > (SIZE_MAX - EPISODE_ARRAYS * B) / STEP_ARRAYS / B)
        return rud_error(RUD_ENOMEM, "attribution: %zu steps of %zu episodes do not fit memory", T,
                         B);
    const size_t count = STEP_ARRAYS * T * B + EPISODE_ARRAYS * B;
    RUD_TRY(rud_buffer_reserve(&call->memory->results, count, sizeof(double)));
    double *next = call->memory->results.data;
    for (size_t k = 0; k < count; k++) next[k] = 0.0;
    call->step_relevance = next;
    call->absorbed = next + T * B;
    double **const episode_arrays[EPISODE_ARRAYS] = {&call->prediction, &call->baseline_prediction,
                                                     &call->initial,    &call->irrelevant,
                                                     &call->largest,    &call->total,
                                                     &call->error,      &call->growth,
                                                     &call->near_zero};
    next += STEP_ARRAYS * T * B;
    for (size_t k = 0; k < EPISODE_ARRAYS; k++, next += B) *episode_arrays[k] = next;
    return RUD_OK;
}

rud_status rud_call_relevance(rud_attribution_call *call)
{
    RUD_TRY(rud_buffer_reserve(&call->memory->relevance, call->rows_T * call->B,
                               call->D * sizeof(float)));
    call->relevance = call->memory->relevance.data;
    return RUD_OK;
}

static rud_status not_finite(const rud_attribution_call *call, size_t b)
{
    char episode[RUD_EPISODE_TEXT];
    rud_call_episode(call, b, episode);
    if (!isfinite(call->prediction[b]))
        return rud_error(RUD_EDIVERGED, "%s: the prediction is not a finite number", episode);
    if (call->options->method->run != rud_run_lrp)
        return rud_error(RUD_ENONFINITE,
                         "%s: the relevance of %s grew beyond what single precision holds",
                         call->options->method->name, episode);
    char cause[64] = "it grew from step to step";
    if (call->near_zero[b] > 0.0)
        snprintf(cause, sizeof cause, "denominators near zero: %.0f", call->near_zero[b]);
    return rud_error(RUD_ENONFINITE, "lrp: the relevance of %s is not finite; %s; %s", episode,
                     cause, rud_lrp_growth_advice(call->options));
}

/* Totals and conservation errors; what the method did not set is 0 and adds nothing. */
static rud_status finish_totals(rud_attribution_call *call)
{
    for (size_t b = 0; b < call->B; b++) {
        double steps = 0.0, absorbed = 0.0;
        for (size_t t = 0; t < rud_call_length(call, b); t++) {
            steps += call->step_relevance[t * call->B + b];
            absorbed += call->absorbed[t * call->B + b];
        }
        if (!call->steps_as_one) call->total[b] = steps + call->initial[b];
        call->error[b] = call->total[b] + absorbed + call->irrelevant[b] + call->constant +
                         call->baseline_prediction[b] - call->prediction[b];
        if (!isfinite(call->error[b])) return not_finite(call, b);
        if (!call->conserves) call->error[b] = (double)NAN;
    }
    return RUD_OK;
}

/* Checks it, and makes it 0 behind the chosen step and behind an episode's end. */
static rud_status finish_relevance(rud_attribution_call *call)
{
    const size_t B = call->B, D = call->D;
    for (size_t t = 0; t < call->T; t++) {
        for (size_t b = 0; b < B; b++) {
            float *R = call->relevance + (t * B + b) * D;
            if (t >= rud_call_length(call, b))
                memset(R, 0, D * sizeof *R);
            else if (!rud_all_finite(R, D))
                return not_finite(call, b);
        }
    }
    memset(call->relevance + call->T * B * D, 0, (call->rows_T - call->T) * B * D * sizeof(float));
    return RUD_OK;
}

static void show_result(const rud_attribution_call *call, rud_attribution_result *result)
{
    const bool lrp = call->options->method->run == rud_run_lrp;
    const bool path = call->options->method->run == rud_run_integrated_gradients;
    *result =
        (rud_attribution_result){.relevance = call->relevance,
                                 .step_relevance = call->steps_as_one ? NULL : call->step_relevance,
                                 .absorbed = lrp ? call->absorbed : NULL,
                                 .prediction = call->prediction,
                                 .baseline_prediction = path ? call->baseline_prediction : NULL,
                                 .initial_relevance = lrp ? call->initial : NULL,
                                 .irrelevant = call->steps_as_one ? call->irrelevant : NULL,
                                 .total = call->total,
                                 .conservation_error = call->error,
                                 .largest = lrp ? call->largest : NULL,
                                 .growth = lrp ? call->growth : NULL,
                                 .near_zero = lrp ? call->near_zero : NULL};
    for (size_t b = 0; b < call->B; b++)
        result->near_zero_denominators += (size_t)call->near_zero[b];
}

/* Checks everything and lays out the result. */
static rud_status open_call(rud_attribution *attribution, const rud_attribution_options *options,
                            const rud_attribution_input *input, rud_attribution_call *call)
{
    const rud_network_spec *spec = rud_network_specification(input->network);
    size_t parameters;
    RUD_TRY(rud_attribution_check(options, input->network));
    RUD_TRY(check_means(options, input));
    RUD_TRY(check_input(input));
    *call = (rud_attribution_call){
        .memory = attribution,
        .options = options,
        .network = input->network,
        .spec = spec,
        .parameters = rud_network_parameters_const(input->network, &parameters),
        .x = input->x,
        .B = input->B,
        .D = spec->inputs,
        .rows_T = input->T,
        .feature_mean = input->feature_mean,
        .scale = input->scale,
        .offset = input->offset,
        .given = input->activations,
        .conserves = options->method->conserves,
        .names = input->names,
        .watch = input->watch,
        .watcher = input->watcher,
    };
    RUD_TRY(read_lengths(options, input, call));
    if (!call->given) RUD_TRY(check_numbers(call));
    return lay_out_result(call);
}

rud_status rud_attribution_run(rud_attribution *attribution, const rud_attribution_options *options,
                               const rud_attribution_input *input, rud_attribution_result *result)
{
    rud_attribution_call call;
    *result = (rud_attribution_result){0};
    RUD_TRY(open_call(attribution, options, input, &call));
    RUD_TRY(options->method->run(&call));
    if (call.relevance) RUD_TRY(finish_relevance(&call));
    RUD_TRY(finish_totals(&call));
    show_result(&call, result);
    return RUD_OK;
}

rud_status rud_attribution_perturb(rud_attribution *attribution,
                                   const rud_attribution_options *options,
                                   const rud_attribution_input *input,
                                   const rud_perturbation *perturbation, double *prediction)
{
    /* Which method the options name does not matter, and occlusion takes the same removals. */
    rud_attribution_options own = *options;
    rud_attribution_call call;
    own.per = RUD_OCCLUDE_STEP;
    RUD_TRY(rud_attribution_method_find("occlusion", &own.method));
    RUD_TRY(open_call(attribution, &own, input, &call));
    return rud_run_perturbation(&call, perturbation, prediction);
}

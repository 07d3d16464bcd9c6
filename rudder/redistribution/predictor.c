#include "redistribution/predictor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "redistribution/predictor_private.h"

static const rud_predictor_kind *const kinds[] = {
    &rud_predictor_linear,
    &rud_predictor_uniform,
    &rud_predictor_exact,
    &rud_predictor_lstm,
};

const char *rud_predictor_cell_at(size_t k)
{
    size_t presets = 0;
    while (rud_cell_preset_at(presets)) presets++;
    if (k < presets) return rud_cell_preset_at(k)->name;
    for (size_t i = 0, next = presets; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i]->name != NULL && next++ == k) return kinds[i]->name;
    }
    return NULL;
}

const rud_predictor_kind *rud_predictor_kind_of(const char *cell)
{
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        if (kinds[k]->name != NULL ? strcmp(kinds[k]->name, cell) == 0
                                   : rud_cell_preset(cell) != NULL) {
            return kinds[k];
        }
    }
    char known[RUD_NAMES_SIZE];
    rud_names_list(rud_predictor_cell_at, known);
    rud_error(RUD_EINVAL, "unknown predictor cell \"%s\"; there are %s", cell, known);
    return NULL;
}

rud_predictor_options rud_predictor_options_default(void)
{
    rud_predictor_options options = {.cell = "lstm",
                                     .hidden = 16,
                                     .layers = 1,
                                     .all_steps_weight = 0.5,
                                     .batch = 16,
                                     .ridge = 1e-3,
                                     .discount = 1,
                                     .adam = rud_adam_options_default()};
    options.adam.learning_rate = 1e-2;
    options.adam.weight_decay = 1e-6;
    options.adam.clip_norm = 1;
    return options;
}

rud_status rud_predictor_allocate(rud_predictor *predictor)
{
    const size_t D = rud_features_width(predictor->features);
    RUD_TRY(rud_feature_statistics_create(D, &predictor->statistics));
    predictor->episode_sum = calloc(D, sizeof *predictor->episode_sum);
    if (predictor->episode_sum == NULL) {
        return rud_error(RUD_ENOMEM, "no memory for a predictor of %zu inputs", D);
    }
    return RUD_OK;
}

static rud_status check_options(const rud_predictor_options *options)
{
    if (options->batch == 0) {
        return rud_error(RUD_EINVAL, "predictor: batch must be at least 1 episode");
    }
    if (!(options->discount > 0 && options->discount <= 1)) {
        return rud_error(RUD_EINVAL,
                         "predictor: the discount is %g; above 0 and at most 1 is allowed",
                         options->discount);
    }
    if (options->chunk_length > 0 && options->chunk_overlap >= options->chunk_length) {
        return rud_error(RUD_EINVAL,
                         "predictor: chunks of %zu inputs cannot overlap by %zu; the overlap must "
                         "be smaller",
                         options->chunk_length, options->chunk_overlap);
    }
    return RUD_OK;
}

rud_status rud_predictor_create(const rud_predictor_options *options, const rud_features *features,
                                const rud_env *env, uint64_t seed, rud_predictor **predictor)
{
    const rud_predictor_kind *kind = rud_predictor_kind_of(options->cell);
    *predictor = NULL;
    if (kind == NULL) return RUD_EINVAL;
    RUD_TRY(check_options(options));
    rud_predictor *created = calloc(1, sizeof *created);
    if (created == NULL) return rud_error(RUD_ENOMEM, "no memory for a predictor");
    created->kind = kind;
    created->options = *options;
    created->env = env;
    rud_status status = rud_features_copy(features, &created->features);
    if (status == RUD_OK) status = rud_predictor_allocate(created);
    if (status == RUD_OK) status = kind->create(created, seed);
    if (status != RUD_OK) rud_predictor_free(&created);
    *predictor = created;
    return status;
}

void rud_predictor_free(rud_predictor **predictor)
{
    if (*predictor == NULL) return;
    if ((*predictor)->model != NULL) (*predictor)->kind->free(*predictor);
    rud_features_free(&(*predictor)->features);
    rud_feature_statistics_free(&(*predictor)->statistics);
    if ((*predictor)->references) rud_reference_episodes_free((*predictor)->references);
    free((*predictor)->references);
    free((*predictor)->episode_sum);
    free((*predictor)->inputs);
    free(*predictor);
    *predictor = NULL;
}

rud_status rud_predictor_keep_episodes(rud_predictor *predictor)
{
    if (predictor->references != NULL) return RUD_OK;
    rud_reference_episodes *references = calloc(1, sizeof *references);
    if (references == NULL) return rud_error(RUD_ENOMEM, "no memory for reference episodes");
    const rud_status status =
        rud_reference_episodes_create(rud_features_width(predictor->features), references);
    if (status == RUD_OK)
        predictor->references = references;
    else
        free(references);
    return status;
}

static rud_status copy_references(const rud_predictor *from, rud_predictor *to)
{
    if (from->references == NULL) return RUD_OK;
    RUD_TRY(rud_predictor_keep_episodes(to));
    return rud_reference_episodes_copy(from->references, to->references);
}

rud_status rud_predictor_copy(const rud_predictor *from, rud_predictor **to)
{
    rud_predictor *made = calloc(1, sizeof *made);
    *to = NULL;
    if (made == NULL) return rud_error(RUD_ENOMEM, "no memory for a predictor");
    made->kind = from->kind;
    made->options = from->options;
    made->env = from->env;
    made->target = from->target;
    made->fixed = true;
    rud_status status = rud_features_copy(from->features, &made->features);
    if (status == RUD_OK) status = rud_predictor_allocate(made);
    if (status == RUD_OK) {
        rud_feature_statistics_copy(&from->statistics, &made->statistics);
        status = copy_references(from, made);
        if (status == RUD_OK && made->kind->copy != NULL) status = made->kind->copy(from, made);
    }
    if (status != RUD_OK) rud_predictor_free(&made);
    *to = made;
    return status;
}

const rud_features *rud_predictor_features(const rud_predictor *predictor)
{
    return predictor->features;
}

const char *rud_predictor_cell(const rud_predictor *predictor)
{
    return predictor->options.cell;
}

size_t rud_predictor_useful_updates(const rud_predictor *predictor)
{
    return predictor->kind->useful_updates;
}

rud_target_kind rud_predictor_target_kind(const rud_predictor *predictor)
{
    return predictor->options.target;
}

double rud_predictor_discount(const rud_predictor *predictor)
{
    return predictor->options.discount;
}

double rud_predictor_return(const rud_predictor *predictor, const rud_episode *episode)
{
    const double discount = predictor->options.discount;
    if (discount == 1) return rud_episode_return(episode);
    double G = 0;
    for (size_t t = episode->steps; t-- > 0;) G = episode->rewards[t] + discount * G;
    return G;
}

double rud_predictor_target_mean(const rud_predictor *predictor)
{
    return predictor->target.mean;
}

double rud_predictor_target_std(const rud_predictor *predictor)
{
    const rud_target *target = &predictor->target;
    return target->count > 0 ? sqrt(target->squares / target->count) : 1;
}

double rud_predictor_scale(const rud_predictor *predictor)
{
    const double s = rud_predictor_target_std(predictor);
    return s > 0 ? s : 1;
}

rud_status rud_predictor_encode(rud_predictor *predictor, const rud_episode *episode,
                                size_t *inputs)
{
    const size_t D = rud_features_width(predictor->features);
    *inputs = rud_features_inputs(predictor->features, episode);
    if (*inputs > SIZE_MAX / sizeof(float) / D) {
        return rud_error(RUD_ENOMEM, "an episode of %zu steps is too long", episode->steps);
    }
    if (*inputs * D > predictor->inputs_capacity) {
        float *grown = realloc(predictor->inputs, *inputs * D * sizeof *grown);
        if (grown == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu inputs", *inputs);
        predictor->inputs = grown;
        predictor->inputs_capacity = *inputs * D;
    }
    rud_features_encode(predictor->features, episode, predictor->inputs, D);
    return RUD_OK;
}

static rud_status check_trainable(const rud_predictor *predictor)
{
    if (!predictor->fixed) return RUD_OK;
    return rud_error(RUD_ESTATE, "this predictor is a copy for predicting: it cannot be trained");
}

rud_status rud_predictor_observe(rud_predictor *predictor, const rud_episode *episode)
{
    const size_t D = rud_features_width(predictor->features);
    size_t inputs = 0;
    RUD_TRY(check_trainable(predictor));
    RUD_TRY(rud_features_check(predictor->features, episode));
    RUD_TRY(rud_predictor_encode(predictor, episode, &inputs));
    memset(predictor->episode_sum, 0, D * sizeof *predictor->episode_sum);
    for (size_t t = 0; t < inputs; t++) {
        for (size_t d = 0; d < D; d++) predictor->episode_sum[d] += predictor->inputs[t * D + d];
    }
    const double G = rud_predictor_return(predictor, episode);
    if (predictor->options.target == RUD_TARGET_SUCCESS && G != 0 && G != 1) {
        return rud_error(RUD_EINVAL, "the return is %g; success is 0 or 1: choose target: return",
                         G);
    }
    if (predictor->kind->observe != NULL) {
        RUD_TRY(predictor->kind->observe(predictor, predictor->episode_sum, G));
    }
    if (predictor->references != NULL) {
        RUD_TRY(rud_reference_episodes_add(predictor->references, &predictor->statistics,
                                           predictor->inputs, inputs));
    }
    rud_feature_statistics_add(&predictor->statistics, predictor->inputs, inputs);

    rud_target *target = &predictor->target;
    const double deviation = G - target->mean;
    target->count++;
    target->mean += deviation / target->count;
    target->squares += deviation * (G - target->mean);
    return RUD_OK;
}

rud_status rud_predictor_observe_as(rud_predictor *predictor, const rud_predictor *other)
{
    if (predictor->kind->observe != NULL) {
        return rud_error(RUD_EINVAL, "the predictor \"%s\" needs the episodes themselves",
                         predictor->options.cell);
    }
    RUD_TRY(rud_feature_statistics_copy(&other->statistics, &predictor->statistics));
    predictor->target = other->target;
    return RUD_OK;
}

static double cross_entropy(double g, double G)
{
    const double margin = 1e-3, p = fmin(fmax(g, margin), 1 - margin);
    return -G * log(p) - (1 - G) * log1p(-p);
}

rud_losses rud_predictor_losses(const rud_predictor *predictor, const double *g, size_t inputs,
                                double G)
{
    const bool success = predictor->options.target == RUD_TARGET_SUCCESS;
    const double s = rud_predictor_scale(predictor);
    double all = 0, last = 0;
    for (size_t t = 0; t < inputs; t++) {
        last = success ? cross_entropy(g[t], G) : (g[t] - G) * (g[t] - G) / (s * s);
        all += last;
    }
    return (rud_losses){.main = last, .all = all / (double)inputs};
}

rud_status rud_predictor_update(rud_predictor *predictor, const rud_episode *const *episodes,
                                size_t count, rud_losses *losses)
{
    RUD_TRY(check_trainable(predictor));
    if (predictor->kind->update != NULL) {
        return predictor->kind->update(predictor, episodes, count, losses);
    }
    for (size_t i = 0; losses != NULL && i < count; i++) losses[i] = (rud_losses){0, 0};
    return RUD_OK;
}

/* An update can leave finite parameters that are too large to predict with. */
static rud_status check_predictions(const rud_predictor *predictor, const rud_episode *episode,
                                    const double *g)
{
    const size_t inputs = rud_features_inputs(predictor->features, episode);
    for (size_t t = 0; t < inputs; t++) {
        if (!isfinite(g[t])) {
            return rud_error(RUD_EDIVERGED,
                             "the prediction after input %zu is not finite: training diverged; "
                             "try a smaller predictor.learning_rate or predictor.clip_norm",
                             t);
        }
    }
    return RUD_OK;
}

rud_status rud_predictor_remember(rud_predictor *predictor)
{
    return predictor->kind->remember != NULL ? predictor->kind->remember(predictor) : RUD_OK;
}

void rud_predictor_recall(rud_predictor *predictor)
{
    if (predictor->kind->recall != NULL) predictor->kind->recall(predictor);
}

rud_status rud_predictor_predict(const rud_predictor *predictor, const rud_episode *const *episodes,
                                 size_t count, double *const *g)
{
    for (size_t i = 0; i < count; i++) {
        RUD_TRY(rud_features_check(predictor->features, episodes[i]));
    }
    RUD_TRY(predictor->kind->predict(predictor, episodes, count, g));
    for (size_t i = 0; i < count; i++) RUD_TRY(check_predictions(predictor, episodes[i], g[i]));
    return RUD_OK;
}

void rud_predictor_checkpoint(rud_predictor *predictor, rud_checkpoint *checkpoint)
{
    rud_feature_statistics *statistics = &predictor->statistics;
    const size_t D = statistics->D;
    rud_checkpoint_same(checkpoint, D);
    rud_checkpoint_values(checkpoint, &predictor->target, sizeof predictor->target);
    rud_checkpoint_values(checkpoint, &statistics->count, sizeof statistics->count);
    double *const columns[] = {statistics->sums, statistics->squares, statistics->shift,
                               statistics->scale};
    for (size_t k = 0; k < 4; k++)
        rud_checkpoint_values(checkpoint, columns[k], D * sizeof(double));
    if (checkpoint->reading && !checkpoint->failed &&
        rud_features_standardise(predictor->features) && /* else they are as the caller made them */
        rud_features_set_standardisation(predictor->features, statistics->shift,
                                         statistics->scale) != RUD_OK) {
        checkpoint->failed = true;
    }
    if (predictor->references != NULL) {
        rud_reference_episodes_checkpoint(predictor->references, checkpoint);
    }
    if (predictor->kind->checkpoint != NULL) predictor->kind->checkpoint(predictor, checkpoint);
}

#include "training/training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/rollout.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"
#include "base/progress.h"
#include "config/run_folder.h"
#include "training/evaluation_private.h"

enum { METRICS_EVERY = 100 };

static const char *const result_files[] = {"model.safetensors", "metrics.jsonl", NULL};

typedef struct trainer {
    const rud_config *config;
    const rud_training_run_options *options;
    rud_env *env;
    rud_predictor *predictor;
    uint64_t rollouts; /* episodes played, each with an action stream of its own */
    rud_episodes batch;
    rud_losses *losses; /* [batch] */
    double main, all;   /* sums of losses since the last metrics line */
    double learning_rate;
    rud_progress *progress;
    char *metrics; /* path */
    int lock;      /* of the folder; -1: none yet */
} trainer;

static rud_status create(trainer *trainer)
{
    const rud_config *config = trainer->config;
    rud_env_options env_options = config->environment_options;
    if (config->delay_count > 0) env_options.delay = config->delays[0];
    RUD_TRY(rud_env_create(config->environment, &env_options, 1, &trainer->env));
    rud_env_seed(trainer->env, config->first_seed);
    const rud_env_spec *spec = rud_env_specification(trainer->env);

    rud_features *features = NULL;
    const rud_predictor_options *options = &config->agent.redistributor.predictor;
    RUD_TRY(rud_features_create(&config->agent.features, &spec->observation_space,
                                &spec->action_space, &features));
    const rud_status status = rud_predictor_create(options, features, trainer->env,
                                                   config->first_seed, &trainer->predictor);
    rud_features_free(&features);
    RUD_TRY(status);
    if (rud_explainer_needs_episodes(&config->agent.redistributor.redistribution.attribution)) {
        RUD_TRY(rud_predictor_keep_episodes(trainer->predictor));
    }
    if (rud_predictor_useful_updates(trainer->predictor) == 0) {
        return rud_error(RUD_EINVAL,
                         "predictor.cell: \"%s\" has nothing to train; choose linear or the cell "
                         "of an LSTM",
                         options->cell);
    }
    trainer->losses = calloc(options->batch, sizeof *trainer->losses);
    trainer->metrics = rud_path_join(trainer->options->folder, "metrics.jsonl");
    if (trainer->losses == NULL || trainer->metrics == NULL) {
        return rud_error(RUD_ENOMEM, "no memory for training");
    }
    return RUD_OK;
}

/* `count` fresh episodes of the uniformly random policy, appended to *list. */
static rud_status play(trainer *trainer, size_t count, rud_episodes *list)
{
    for (size_t i = 0; i < count; i++) {
        rud_rng actions =
            rud_rng_stream(trainer->config->first_seed, "random policy", trainer->rollouts++);
        rud_episode *episode = NULL;
        RUD_TRY(rud_rollout_random(trainer->env, &actions, &episode));
        RUD_TRY(rud_episodes_add(list, episode));
    }
    return RUD_OK;
}

/* Constant, then straight down to learning_rate_end over the last share `decay` of the updates. */
static double learning_rate_at(const rud_config *config, size_t update)
{
    const double start = config->agent.redistributor.predictor.adam.learning_rate;
    const double decay = config->train.decay, total = (double)config->train.updates;
    const double left = (total - (double)update) / total;
    if (left >= decay) return start;
    return config->train.learning_rate_end +
           (start - config->train.learning_rate_end) * (left / decay);
}

static rud_status write_metrics(trainer *trainer, size_t update, size_t updates)
{
    enum { DIGITS = 9 };
    char main[RUD_NUMBER_SIZE], all[RUD_NUMBER_SIZE], rate[RUD_NUMBER_SIZE], line[256];
    rud_number_rounded(trainer->main / (double)updates, DIGITS, main);
    rud_number_rounded(trainer->all / (double)updates, DIGITS, all);
    rud_number_rounded(trainer->learning_rate, DIGITS, rate);
    const int length = snprintf(line, sizeof line,
                                "{\"update\": %zu, \"loss_main\": %s, \"loss_all\": %s, "
                                "\"learning_rate\": %s}\n",
                                update, main, all, rate);
    trainer->main = trainer->all = 0;
    return rud_file_append(trainer->metrics, line, (size_t)length);
}

static rud_status update(trainer *trainer, size_t number)
{
    const size_t batch = trainer->config->agent.redistributor.predictor.batch;
    RUD_TRY(play(trainer, batch, &trainer->batch));
    for (size_t i = 0; i < batch; i++) {
        RUD_TRY(rud_predictor_observe(trainer->predictor, trainer->batch.items[i]));
    }
    trainer->learning_rate = learning_rate_at(trainer->config, number - 1);
    rud_predictor_set_learning_rate(trainer->predictor, trainer->learning_rate);
    RUD_TRY(rud_predictor_update(trainer->predictor,
                                 (const rud_episode *const *)trainer->batch.items, batch,
                                 trainer->losses));
    for (size_t i = 0; i < batch; i++) {
        trainer->main += trainer->losses[i].main / (double)batch;
        trainer->all += trainer->losses[i].all / (double)batch;
    }
    rud_episodes_free(&trainer->batch);
    return RUD_OK;
}

static rud_status train(trainer *trainer, rud_training_result *result)
{
    const size_t updates = trainer->config->train.updates;
    size_t since = 0;
    for (size_t number = 1; number <= updates; number++) {
        RUD_TRY(rud_stop_check(trainer->options->stop));
        RUD_TRY(update(trainer, number));
        result->updates = number;
        since++;
        if (number % METRICS_EVERY != 0 && number != updates) continue;
        char note[48];
        result->loss = trainer->main / (double)since;
        snprintf(note, sizeof note, "loss %.5f", result->loss);
        RUD_TRY(write_metrics(trainer, number, since));
        rud_progress_update(trainer->progress, number, note);
        since = 0;
    }
    return RUD_OK;
}

static rud_status save(const trainer *trainer)
{
    char *path = rud_path_join(trainer->options->folder, "model.safetensors");
    if (path == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    const rud_status status = rud_predictor_save(trainer->predictor, path);
    free(path);
    return status;
}

static rud_status run(trainer *trainer, rud_training_result *result)
{
    rud_episodes unseen = {0};
    RUD_TRY(create(trainer));
    RUD_TRY(rud_run_folder_lock(trainer->options->folder, &trainer->lock));
    RUD_TRY(rud_run_folder_open(trainer->options->folder, trainer->config, trainer->options->force,
                                result_files));
    /* Training starts anew, also in the folder of an earlier run of this configuration. */
    RUD_TRY(rud_file_write(trainer->metrics, "", 0));
    RUD_TRY(rud_progress_create(trainer->options->progress, trainer->config->name,
                                trainer->config->train.updates, &trainer->progress));
    rud_status status = train(trainer, result);
    rud_progress_free(&trainer->progress);
    if (status == RUD_OK) status = save(trainer);
    if (status == RUD_OK) status = play(trainer, trainer->config->train.test_episodes, &unseen);
    if (status == RUD_OK) {
        status =
            rud_evaluate(trainer->predictor, &trainer->config->agent.redistributor.redistribution,
                         trainer->env, &unseen, result);
    }
    rud_episodes_free(&unseen);
    return status;
}

rud_status rud_training_run(const rud_config *config, const rud_training_run_options *options,
                            rud_training_result *result)
{
    trainer trainer = {.config = config, .options = options, .lock = -1};
    const double start = rud_thread_seconds();
    *result = (rud_training_result){.loss = NAN};
    const rud_status status = run(&trainer, result);
    result->seconds = rud_thread_seconds() - start;
    rud_env_free(&trainer.env);
    rud_predictor_free(&trainer.predictor);
    rud_episodes_free(&trainer.batch);
    free(trainer.losses);
    free(trainer.metrics);
    rud_folder_unlock(&trainer.lock);
    return status;
}

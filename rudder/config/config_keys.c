/* The one table of keys. A key's default is what rud_config_default holds. */
#include "config/config_private.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#define SIZE_OF(member) sizeof(((rud_config *)0)->member)
#define ONE(member)     .offset = offsetof(rud_config, member), .size = SIZE_OF(member)
#define MANY(member, n)                                                                            \
    .offset = offsetof(rud_config, member), .size = SIZE_OF(member[0]),                            \
    .capacity = SIZE_OF(member) / SIZE_OF(member[0]), .count_offset = offsetof(rud_config, n)

#define COUNT(least)      .low = (least), .high = 9007199254740992.0
#define BETWEEN(from, to) .low = (from), .high = (to)
#define POSITIVE          .low = 0, .low_open = true, .high = LARGEST_REAL
#define NOT_NEGATIVE      .low = 0, .high = LARGEST_REAL
#define ANY               .low = -LARGEST_REAL, .high = LARGEST_REAL
#define LARGEST_REAL      1e30       /* still finite as a float, also times a million */
#define BELOW_ONE         (1 - 1e-7) /* still below 1 as a float */
#define LARGEST_SIZE      1048576

#define PREDICTOR(member) agent.redistributor.predictor.member
#define BUFFER(member)    agent.redistributor.lesson_buffer.member
#define TRAINING(member)  agent.redistributor.training.member
#define REWARD(member)    agent.redistributor.redistribution.member

/* Each list in the order of its enum. */
static const char *const reward_choices[] = {"delayed", "immediate", NULL};
static const char *const encoding_choices[] = {"auto", "one-hot", "raw", "none", NULL};
static const char *const decay_choices[] = {"l2", "decoupled", NULL};
static const char *const insertion_choices[] = {"loss", "fifo", NULL};
static const char *const sampling_choices[] = {"uniform", "softmax", NULL};
static const char *const correction_choices[] = {"last", "uniform", "proportional", "none", NULL};
static const char *const target_choices[] = {"auto", "return", "success", NULL};
static const char *const baseline_choices[] = {"zero", "mean", NULL};

static const rud_config_key written[] = {
    {"name", RUD_CONFIG_NAME, ONE(name),
     .help = "name of the run and its folder; by default the file's, without its extension"},

    {"environment.name", RUD_CONFIG_NAME, ONE(environment),
     .help = "the environment; `rudder envs` lists them; must be given"},
    {"environment.delay", RUD_CONFIG_INTEGER, MANY(delays, delay_count), BETWEEN(1, 1e9),
     .help = "steps until the reward, where the environment has such a parameter; a list gives one "
             "variant each, [] the environment's default"},
    {"environment.reward", RUD_CONFIG_CHOICE, ONE(environment_options.immediate_reward),
     .choices = reward_choices, .help = "coin-walk: are the coins paid at the end or at once?"},
    {"environment.delayed", RUD_CONFIG_DELAYED, ONE(environment_options.delayed), COUNT(0),
     .help = "wrapper that pays each reward this many steps later, or all at the end"},

    {"methods", RUD_CONFIG_NAME, MANY(methods, method_count), .minimum = 1,
     .help = "agents to compare: rudder, monte-carlo, q-learning, or RUDDER with the predictor "
             "uniform, linear or exact"},
    {"seeds.first", RUD_CONFIG_SEED, ONE(first_seed), .help = "the first seed"},
    {"seeds.count", RUD_CONFIG_SIZE, ONE(seed_count), BETWEEN(1, 1e6),
     .help = "runs of each method and variant, with consecutive seeds"},
    {"cap", RUD_CONFIG_SIZE, ONE(cap), COUNT(1),
     .help = "episodes after which a run that has not solved its task counts as censored"},
    {"solved.window", RUD_CONFIG_SIZE, ONE(window), BETWEEN(1, 1e8),
     .help = "solved: over this many latest episodes ..."},
    {"solved.optimal_share", RUD_CONFIG_REAL, ONE(optimal_share), BETWEEN(0, 1), .low_open = true,
     .help = "... at least this share of the first actions was optimal"},

    {"grid.methods", RUD_CONFIG_NAME, MANY(grid.methods, grid.method_count),
     .help = "methods tuned first, on seeds of their own; [] for none"},
    {"grid.step_size", RUD_CONFIG_STEP_SIZE, MANY(grid.step_sizes, grid.step_size_count),
     BETWEEN(0, 1), .low_open = true, .minimum = 1, .help = "step sizes to try"},
    {"grid.initial_value", RUD_CONFIG_REAL, MANY(grid.initial_values, grid.initial_value_count),
     ANY, .minimum = 1, .help = "initial action values to try"},
    {"grid.random_episodes", RUD_CONFIG_INTEGER,
     MANY(grid.random_episodes, grid.random_episode_count), BETWEEN(0, 1e9), .minimum = 1,
     .help = "numbers of random episodes to try"},
    {"grid.seeds", RUD_CONFIG_SIZE, ONE(grid.seeds), BETWEEN(1, 1e6),
     .help = "runs of each combination"},
    {"grid.cap", RUD_CONFIG_SIZE, ONE(grid.cap), COUNT(1), .help = "episodes of a tuning run"},

    {"agent.exploration", RUD_CONFIG_REAL, ONE(agent.exploration), BETWEEN(0, 1),
     .help = "probability of an action drawn uniformly from all"},
    {"agent.random_episodes", RUD_CONFIG_SIZE, ONE(agent.random_episodes), COUNT(0),
     .help = "first episodes that are played with random actions alone"},
    {"agent.random_episodes_per_delay", RUD_CONFIG_REAL, ONE(random_episodes_per_delay),
     BETWEEN(0, 1e6), .help = "at least this times environment.delay of them"},
    {"agent.step_size", RUD_CONFIG_STEP_SIZE, ONE(agent.step_size), BETWEEN(0, 1), .low_open = true,
     .help = "of the action values; 1/n is the mean of what was seen"},
    {"agent.initial_value", RUD_CONFIG_REAL, ONE(agent.initial_value), ANY,
     .help = "action values to start with; high ones are optimistic"},
    {"agent.discount", RUD_CONFIG_REAL, ONE(agent.discount), BETWEEN(0, 1),
     .help = "of Q-learning"},

    {"features.observation", RUD_CONFIG_CHOICE,
     MANY(agent.features.observation, agent.features.observation_count),
     .choices = encoding_choices,
     .help = "encoding of the observation: one for all components, or one each; [] is auto"},
    {"features.action", RUD_CONFIG_CHOICE, ONE(agent.features.action), .choices = encoding_choices,
     .help = "encoding of the action"},
    {"features.difference", RUD_CONFIG_BOOLEAN, ONE(agent.features.difference),
     .help = "feed the change of the encoded observation since the step before"},
    {"features.standardise", RUD_CONFIG_BOOLEAN, ONE(agent.features.standardise),
     .help = "LSTMs: raw inputs get mean 0 and standard deviation 1 over the training episodes"},
    {"features.time", RUD_CONFIG_BOOLEAN, ONE(agent.features.time),
     .help = "one more input: the step divided by time_scale"},
    {"features.time_scale", RUD_CONFIG_REAL, ONE(agent.features.time_scale),
     BETWEEN(1, LARGEST_REAL), .help = "steps"},
    {"features.final_observation", RUD_CONFIG_BOOLEAN, ONE(agent.features.final_observation),
     .help = "the observation behind the last action is an input too"},

    {"predictor.cell", RUD_CONFIG_NAME, ONE(PREDICTOR(cell)),
     .help = "lstm, lstm1997, rudder, rudder-centred, r-lstm, or one without network: linear, "
             "uniform, exact"},
    {"predictor.hidden", RUD_CONFIG_SIZE, ONE(PREDICTOR(hidden)), BETWEEN(1, LARGEST_SIZE),
     .help = "hidden units a layer"},
    {"predictor.layers", RUD_CONFIG_SIZE, ONE(PREDICTOR(layers)), BETWEEN(1, 64),
     .help = "stacked layers"},
    {"predictor.all_steps_weight", RUD_CONFIG_REAL, ONE(PREDICTOR(all_steps_weight)), NOT_NEGATIVE,
     .help = "lambda: weight of the loss at every step beside that at the last"},
    {"predictor.averaging", RUD_CONFIG_REAL, ONE(PREDICTOR(averaging)), BETWEEN(0, 0.999999),
     .help = "decay of the moving average of the parameters that predicts; 0: no averaging"},
    {"predictor.batch", RUD_CONFIG_SIZE, ONE(PREDICTOR(batch)), BETWEEN(1, LARGEST_SIZE),
     .help = "episodes an update"},
    {"predictor.ridge", RUD_CONFIG_REAL, ONE(PREDICTOR(ridge)), NOT_NEGATIVE,
     .help = "penalty of `linear`"},
    {"predictor.learning_rate", RUD_CONFIG_REAL, ONE(PREDICTOR(adam.learning_rate)), POSITIVE,
     .help = "of Adam"},
    {"predictor.weight_decay", RUD_CONFIG_REAL, ONE(PREDICTOR(adam.weight_decay)), NOT_NEGATIVE,
     .help = "0: none"},
    {"predictor.weight_decay_kind", RUD_CONFIG_CHOICE, ONE(PREDICTOR(adam.weight_decay_kind)),
     .choices = decay_choices, .help = "l2: through the gradient; decoupled: as in AdamW"},
    {"predictor.clip_norm", RUD_CONFIG_REAL, ONE(PREDICTOR(adam.clip_norm)), NOT_NEGATIVE,
     .help = "largest global norm of the gradient; 0: no clipping"},
    {"predictor.beta1", RUD_CONFIG_REAL, ONE(PREDICTOR(adam.beta1)), BETWEEN(0, BELOW_ONE),
     .help = "of Adam: decay of the first moment"},
    {"predictor.beta2", RUD_CONFIG_REAL, ONE(PREDICTOR(adam.beta2)), BETWEEN(0, BELOW_ONE),
     .help = "of Adam: decay of the second moment"},
    {"predictor.epsilon", RUD_CONFIG_REAL, ONE(PREDICTOR(adam.epsilon)),
     BETWEEN(1e-30, LARGEST_REAL), .help = "of Adam"},

    {"lesson_buffer.capacity", RUD_CONFIG_SIZE, ONE(BUFFER(capacity)), BETWEEN(1, 1e9),
     .help = "episodes"},
    {"lesson_buffer.bytes", RUD_CONFIG_SIZE, ONE(BUFFER(bytes)), COUNT(1),
     .help = "memory of all its episodes"},
    {"lesson_buffer.insertion", RUD_CONFIG_CHOICE, ONE(BUFFER(insertion)),
     .choices = insertion_choices,
     .help = "when full, replace the episode of lowest loss, or the oldest"},
    {"lesson_buffer.sampling", RUD_CONFIG_CHOICE, ONE(BUFFER(sampling)),
     .choices = sampling_choices, .help = "uniform, or by softmax(loss / temperature)"},
    {"lesson_buffer.temperature", RUD_CONFIG_REAL, ONE(BUFFER(temperature)), POSITIVE,
     .help = "of softmax"},
    {"lesson_buffer.min_episodes", RUD_CONFIG_SIZE, ONE(BUFFER(min_episodes)), BETWEEN(1, 1e9),
     .help = "training waits for these"},

    {"training.every", RUD_CONFIG_SIZE, ONE(TRAINING(every)), COUNT(1),
     .help = "episodes between two rounds of training"},
    {"training.growth", RUD_CONFIG_REAL, ONE(TRAINING(growth)), NOT_NEGATIVE,
     .help = "... and the episodes in all have grown by this share"},
    {"training.first_updates", RUD_CONFIG_SIZE, ONE(TRAINING(first_updates)), COUNT(1),
     .help = "most updates of the first round"},
    {"training.updates", RUD_CONFIG_SIZE, ONE(TRAINING(updates)), COUNT(1),
     .help = "most updates of a later round"},
    {"training.loss_threshold", RUD_CONFIG_REAL, ONE(TRAINING(loss_threshold)), NOT_NEGATIVE,
     .help = "a round ends once the running loss is below it (returns of standard deviation 1)"},

    {"redistribution.correction", RUD_CONFIG_CHOICE, ONE(REWARD(correction)),
     .choices = correction_choices,
     .help = "where the prediction error goes; only `last` is causal"},
    {"redistribution.baseline", RUD_CONFIG_CHOICE, ONE(REWARD(baseline)),
     .choices = baseline_choices,
     .help = "zero: the first step holds the mean return; mean: it is left out"},
    {"redistribution.mix", RUD_CONFIG_REAL, ONE(REWARD(mix)), BETWEEN(0, 1),
     .help = "weight of the redistributed reward; the rest is the original one"},
    {"redistribution.gate", RUD_CONFIG_REAL, ONE(agent.redistributor.gate), ANY,
     .help = "quality minus its standard error must exceed it before rewards are redistributed"},

    {"train.updates", RUD_CONFIG_SIZE, ONE(train.updates), COUNT(1),
     .help = "`rudder train`: updates, each on predictor.batch fresh episodes"},
    {"train.learning_rate_end", RUD_CONFIG_REAL, ONE(train.learning_rate_end), NOT_NEGATIVE,
     .help = "the learning rate falls to it ..."},
    {"train.decay", RUD_CONFIG_REAL, ONE(train.decay), BETWEEN(0, 1),
     .help = "... over this last share of the updates"},
    {"train.test_episodes", RUD_CONFIG_SIZE, ONE(train.test_episodes), BETWEEN(2, 1e8),
     .help = "unseen episodes of the evaluation"},

    {"server.bind", RUD_CONFIG_NAME, ONE(server.bind),
     .help = "`rudder serve`: ZeroMQ address; port * takes a free one"},
    {"server.state", RUD_CONFIG_NAME, ONE(server.state), .may_be_empty = true,
     .help = "folder that keeps episodes and models; empty: nothing outlives the server"},
    {"server.workers", RUD_CONFIG_SIZE, ONE(server.workers), BETWEEN(0, 1024),
     .help = "threads that predict; 0: one for each processor"},
    {"server.max_tasks", RUD_CONFIG_SIZE, ONE(server.limits.tasks), BETWEEN(1, 4096),
     .help = "most tasks, one for each specification of spaces"},
    {"server.max_inputs", RUD_CONFIG_SIZE, ONE(server.limits.inputs), BETWEEN(1, LARGEST_SIZE),
     .help = "widest input of a task's network"},
    {"server.publish_every", RUD_CONFIG_SIZE, ONE(server.publish_every), COUNT(1),
     .help = "episodes between two published models, at least"},
    {"server.publish_margin", RUD_CONFIG_REAL, ONE(server.publish_margin), NOT_NEGATIVE,
     .help = "a model is published once its quality exceeds the published one's by this"},
    {"server.background_training", RUD_CONFIG_BOOLEAN, ONE(server.background_training),
     .help = "train when the schedule says so; else only when a client asks for it"},
    {"server.message_bytes", RUD_CONFIG_SIZE, ONE(server.limits.message_bytes),
     BETWEEN(1024, 1 << 30), .help = "largest message"},
    {"server.episode_steps", RUD_CONFIG_SIZE, ONE(server.limits.steps), COUNT(1),
     .help = "longest episode"},
    {"server.streams", RUD_CONFIG_SIZE, ONE(server.limits.streams), COUNT(1),
     .help = "most open streams of a client"},
    {"server.environments", RUD_CONFIG_SIZE, ONE(server.limits.environments), COUNT(1),
     .help = "most open environments of a client"},
    {"server.pending", RUD_CONFIG_SIZE, ONE(server.limits.pending), BETWEEN(1, 1e6),
     .help = "most requests of a client that wait"},
    {"server.buffered_bytes", RUD_CONFIG_SIZE, ONE(server.limits.buffered_bytes), COUNT(1024),
     .help = "most bytes of requests that wait"},
    {"server.session_seconds", RUD_CONFIG_SIZE, ONE(server.limits.session_seconds), COUNT(1),
     .help = "idle time after which a client's streams and environments are closed"},
    {"server.sessions", RUD_CONFIG_SIZE, ONE(server.limits.sessions), COUNT(1),
     .help = "most clients"},
    {"server.journal_segment_bytes", RUD_CONFIG_SIZE, ONE(server.segment_bytes),
     BETWEEN(4096, 256 << 20), .help = "size at which a journal begins a new segment"},
    {"server.journal_bytes", RUD_CONFIG_SIZE, ONE(server.keep_bytes), COUNT(0),
     .help = "a journal drops its oldest segments beyond this; 0: never"},
    {"server.secret_key", RUD_CONFIG_NAME, ONE(server.secret_key), .may_be_empty = true,
     .help = "CURVE: file of the server's secret key, as `rudder keygen` writes it"},
    {"server.allowed_clients", RUD_CONFIG_NAME, ONE(server.allowed_clients), .may_be_empty = true,
     .help = "CURVE: folder with the public keys of the clients that may connect"},
    {"server.insecure", RUD_CONFIG_BOOLEAN, ONE(server.insecure),
     .help = "allow addresses that other machines reach, without CURVE"},
    {"server.allow_shutdown", RUD_CONFIG_BOOLEAN, ONE(server.allow_shutdown),
     .help = "may clients stop the server?"},
    {"target", RUD_CONFIG_CHOICE, ONE(offline.target), .choices = target_choices,
     .help = "`rudder train --episodes` predicts the return, or the probability of success where "
             "it is 0 or 1; auto: the latter where every return is 0 or 1"},
    {"discount", RUD_CONFIG_REAL, ONE(PREDICTOR(discount)), BETWEEN(0, 1), .low_open = true,
     .help = "of the return that is predicted and redistributed"},
    {"memory", RUD_CONFIG_SIZE, ONE(offline.memory), COUNT(0),
     .help = "bytes that episodes may take; larger data sets go to a temporary file in the folder "
             "TMPDIR"},
    {"chunk.length", RUD_CONFIG_SIZE, ONE(PREDICTOR(chunk_length)), COUNT(0),
     .help =
         "LSTMs learn longer episodes in chunks of so many steps, carrying the state; 0: whole"},
    {"chunk.overlap", RUD_CONFIG_SIZE, ONE(PREDICTOR(chunk_overlap)), COUNT(0),
     .help = "steps that a chunk shares with the one before: errors go back at least so far"},
    {"search.trials", RUD_CONFIG_SIZE, ONE(offline.search_trials), BETWEEN(0, 1000),
     .help = "short runs that look for the learning rate and the width; 0: those given are taken"},
    {"search.updates", RUD_CONFIG_SIZE, ONE(offline.search_updates), COUNT(1),
     .help = "updates of a trial"},
    {"offline.ladder", RUD_CONFIG_NAME, MANY(offline.ladder, offline.ladder_count), .minimum = 1,
     .help =
         "`rudder train --episodes` tries these predictors, simplest first; one replaces the "
         "best so far where it lowers the loss of the validation by more than two standard errors"},
    {"offline.ignore", RUD_CONFIG_NAME, MANY(offline.ignore, offline.ignore_count),
     .help = "fields of the data that are no features, such as observations/clock; images and "
             "texts, which cannot be any, must be named"},
    {"offline.held_out", RUD_CONFIG_REAL, ONE(offline.held_out), BETWEEN(0, 0.9), .low_open = true,
     .help = "share of the episodes that no predictor is trained on; a half of them, the "
             "validation, says "
             "when training ends and which predictor is kept, the other half is the test"},
    {"offline.held_out_most", RUD_CONFIG_SIZE, ONE(offline.held_out_most), COUNT(4),
     .help = "at most so many of them"},
    {"offline.updates", RUD_CONFIG_SIZE, ONE(offline.updates), COUNT(1),
     .help = "most updates of a predictor"},
    {"offline.evaluate_every", RUD_CONFIG_SIZE, ONE(offline.evaluate_every), COUNT(1),
     .help = "updates between two looks at the validation; one ends each pass too"},
    {"offline.patience", RUD_CONFIG_SIZE, ONE(offline.patience), COUNT(1),
     .help = "looks without a lower loss after which the learning rate falls"},
    {"offline.reduction", RUD_CONFIG_REAL, ONE(offline.reduction), BETWEEN(0, 1), .low_open = true,
     .help = "factor by which it falls"},
    {"offline.reductions", RUD_CONFIG_SIZE, ONE(offline.reductions), BETWEEN(0, 100),
     .help = "falls of the learning rate before training ends"},
    {"offline.checkpoint_seconds", RUD_CONFIG_REAL, ONE(offline.checkpoint_seconds), NOT_NEGATIVE,
     .help = "seconds between two checkpoints; a killed run loses no more"},
};

enum { WRITTEN = sizeof written / sizeof written[0] };

/* The options of contribution analysis are keys too, as its own table describes them: `bias-factor`
 * of lrp is redistribution.bias_factor. */
static const char section[] = "redistribution.";
typedef struct option_key {
    char path[64], help[256];
} option_key;

static rud_config_key keys[RUD_CONFIG_KEYS_MAX];
static option_key option_keys[RUD_CONFIG_KEYS_MAX - WRITTEN];
static size_t key_count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const rud_config_key *find_written(const char *path)
{
    for (size_t k = 0; k < WRITTEN; k++) {
        if (strcmp(written[k].path, path) == 0) return &written[k];
    }
    return NULL;
}

/* Redistribution explains the last prediction, every step by itself, of a predictor that has one
 * output. */
static bool is_free(const rud_attribution_option *option)
{
    static const char *const fixed[] = {"output", "step", "steps"};
    for (size_t k = 0; k < sizeof fixed / sizeof fixed[0]; k++) {
        if (strcmp(option->name, fixed[k]) == 0) return false;
    }
    return true;
}

/* The option's name, behind its method's where a key has that name already. */
static void option_path(const rud_attribution_option *option, char *path, size_t size)
{
    snprintf(path, size, "%s%s", section, option->name);
    if (find_written(path)) snprintf(path, size, "%s%s-%s", section, option->method, option->name);
    for (char *c = path; *c; c++) {
        if (*c == '-') *c = '_';
    }
}

/* Its summary but for the default, which the help has of its own. */
static void option_help(const rud_attribution_option *option, char *help, size_t size)
{
    const char *end = strstr(option->summary, "; default");
    const int length = end ? (int)(end - option->summary) : (int)strlen(option->summary);
    snprintf(help, size, "%s%s%.*s", option->method ? option->method : "",
             option->method ? ": " : "", length, option->summary);
}

static void add_options(void)
{
    const rud_attribution_option *option;
    for (size_t k = 0, used = 0; (option = rud_attribution_option_at(k)); k++) {
        if (!is_free(option) || used == sizeof option_keys / sizeof option_keys[0]) continue;
        option_key *text = &option_keys[used++];
        option_path(option, text->path, sizeof text->path);
        option_help(option, text->help, sizeof text->help);
        keys[key_count++] = (rud_config_key){.path = text->path,
                                             .type = RUD_CONFIG_OPTION,
                                             ONE(REWARD(attribution)),
                                             .option = option,
                                             .help = text->help};
    }
}

static void make_keys(void)
{
    const size_t length = strlen(section);
    for (size_t k = 0; k < WRITTEN; k++) {
        keys[key_count++] = written[k];
        const bool last = k + 1 == WRITTEN || strncmp(written[k + 1].path, section, length) != 0;
        if (last && strncmp(written[k].path, section, length) == 0) add_options();
    }
}

const rud_config_key *rud_config_key_at(size_t k)
{
    pthread_once(&once, make_keys);
    return k < key_count ? &keys[k] : NULL;
}

size_t rud_config_key_number(const rud_config_key *key)
{
    return (size_t)(key - keys);
}

/* Choices are stored by their index, as a bool or an int-sized enum. */
_Static_assert(sizeof(rud_encoding) == sizeof(unsigned), "an enum is not int-sized");

const rud_config_key *rud_config_find(const char *path)
{
    const rud_config_key *key;
    for (size_t k = 0; (key = rud_config_key_at(k)); k++) {
        if (strcmp(key->path, path) == 0) return key;
    }
    return NULL;
}

bool rud_config_is_section(const char *path)
{
    const size_t length = strlen(path);
    const rud_config_key *key;
    for (size_t k = 0; (key = rud_config_key_at(k)); k++) {
        if (strncmp(key->path, path, length) == 0 && key->path[length] == '.') return true;
    }
    return false;
}

size_t rud_config_count(const rud_config *config, const rud_config_key *key)
{
    if (key->capacity == 0) return 1;
    size_t count;
    memcpy(&count, (const char *)config + key->count_offset, sizeof count);
    return count;
}

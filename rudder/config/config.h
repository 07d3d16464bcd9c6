/* Configurations: a YAML file against one table of keys (path, type, range, default, help). The
 * table drives parsing, errors with file, line and nearest key, `--set`, the help, and the
 * effective configuration that every run keeps. */
#ifndef RUD_CONFIG_CONFIG_H
#define RUD_CONFIG_CONFIG_H

#include <stdio.h>

#include "agent_bridge/server.h"
#include "agents/agent.h"
#include "base/status.h"
#include "envs/env.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { RUD_LIST_MAX = 16 };

/* Baselines are tuned first: every combination on `seeds` seeds of their own (those behind the
 * experiment's), the best by median episodes, then by median poor decisions, is run. */
typedef struct rud_grid {
    char methods[RUD_LIST_MAX][RUD_NAME_SIZE];
    size_t method_count; /* 0: no grid */
    rud_step_size step_sizes[RUD_LIST_MAX];
    size_t step_size_count;
    double initial_values[RUD_LIST_MAX];
    size_t initial_value_count;
    int64_t random_episodes[RUD_LIST_MAX];
    size_t random_episode_count;
    size_t seeds;
    size_t cap; /* episodes of a tuning run */
} rud_grid;

/* `rudder train` on rollouts of the random policy. */
typedef struct rud_train_options {
    size_t updates;           /* of predictor.batch fresh episodes each */
    double learning_rate_end; /* the rate falls to it over the last `decay` of the updates */
    double decay;             /* share of the updates, in [0, 1] */
    size_t test_episodes;     /* unseen episodes of the evaluation */
} rud_train_options;

typedef enum rud_offline_target {
    RUD_OFFLINE_AUTO,    /* success where every return is 0 or 1 and both occur, else the return */
    RUD_OFFLINE_RETURN,  /* */
    RUD_OFFLINE_SUCCESS, /* */
} rud_offline_target;

enum { RUD_FIELD_SIZE = 64 };

/* `rudder train --episodes`: on data sets. */
typedef struct rud_offline_options {
    char ladder[RUD_LIST_MAX][RUD_NAME_SIZE]; /* cells, simplest first */
    size_t ladder_count;
    char ignore[RUD_LIST_MAX][RUD_FIELD_SIZE]; /* fields of the data that are no features */
    size_t ignore_count;
    rud_offline_target target;
    double held_out;           /* share of the episodes */
    size_t held_out_most;      /* episodes */
    size_t updates;            /* of one predictor, at most */
    size_t evaluate_every;     /* updates; at least once in each pass */
    size_t patience;           /* evaluations without a lower loss until the rate falls */
    double reduction;          /* of the learning rate: factor */
    size_t reductions;         /* before training ends */
    double checkpoint_seconds; /* between two checkpoints */
    size_t memory;             /* bytes: larger data sets are read from their files */
    size_t search_trials;      /* of learning rate and width; 0: no search */
    size_t search_updates;     /* of a trial */
} rud_offline_options;

typedef struct rud_config {
    char name[64]; /* the file's name without folder and extension */
    char environment[RUD_NAME_SIZE];
    rud_env_options environment_options; /* its delay is set from `delays`, variant by variant */
    int64_t delays[RUD_LIST_MAX];
    size_t delay_count; /* 0: the environment's default, one variant */
    char methods[RUD_LIST_MAX][RUD_NAME_SIZE];
    size_t method_count;
    uint64_t first_seed;
    size_t seed_count;
    size_t cap;           /* episodes after which a run counts as censored */
    size_t window;        /* solved: at least `optimal_share` optimal first actions ... */
    double optimal_share; /* ... in the last `window` episodes */
    rud_grid grid;
    double random_episodes_per_delay; /* agent.random_episodes are at least this times the delay */
    rud_agent_options agent;
    rud_train_options train;
    rud_server_options server; /* but for seed, features and redistributor: those of `agent` hold */
    rud_offline_options offline;
} rud_config;

/* The defaults of the table. */
rud_config rud_config_default(void);

/* Reads `path` and applies settings[count], each "key=value" (the value is YAML). RUD_EINVAL or
 * RUD_EFORMAT with file, line (or the setting), and what is allowed: empty file, duplicate or
 * unknown key (the nearest is named), wrong type, nan, out of range. RUD_EIO. */
rud_status rud_config_read(const char *path, const char *const *settings, size_t count,
                           rud_config *config);

/* The same for `rudder serve`, which needs no environment; path NULL: settings alone. The server's
 * seed, features and redistributor are filled in. */
rud_status rud_config_read_server(const char *path, const char *const *settings, size_t count,
                                  rud_config *config);
/* RUD_EINVAL where no environment is named: all but training on data sets needs one. */
rud_status rud_config_need_environment(const rud_config *config);

/* The effective configuration, every key, as YAML that reads back to the same, and as JSON. Caller
 * owns *text. */
rud_status rud_config_to_yaml(const rud_config *config, char **text);
rud_status rud_config_to_json(const rud_config *config, char **text);

/* Environment options from settings alone (`--set delay=20` of `rudder envs rollout`); the keys
 * are those of the table under `environment.`. */
rud_status rud_config_set_environment(rud_env_options *options, const char *const *settings,
                                      size_t count);

/* Every key with its type, range, default and help. */
void rud_config_help(FILE *stream);

#ifdef __cplusplus
}
#endif
#endif

/* One episode, and a list of them: the only episode type, the same for files, environments and
 * agents. */
#ifndef RUD_EPISODES_EPISODE_H
#define RUD_EPISODES_EPISODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a file tells besides, a row for each observation: row t + 1 belongs to step t, row 0 to the
 * reset (0 where the file has rows for the steps only). */
typedef struct rud_info {
    char *name;     /* "coins"; inside groups "nest/flag" */
    size_t width;   /* numbers in a row, >= 1 */
    bool integer;   /* all are whole numbers, and integers in the file */
    double *values; /* [T + 1][width] */
} rud_info;

/* Step t is (s_t, a_t, r_t), t = 0 .. steps-1; with a final observation s_T stands in the last row
 * of `observations`. Discrete values are whole numbers. */
typedef struct rud_episode {
    char *id;                 /* unique in its data set; may be NULL */
    uint64_t seed;            /* the environment's seed, if has_seed */
    bool has_seed;            /* */
    bool terminated;          /* the task ended */
    bool truncated;           /* the episode was cut, by a time limit say */
    size_t steps;             /* T >= 1 */
    size_t observation_rows;  /* T or T + 1 */
    size_t observation_width; /* >= 1; 0 as rud_dataset_options.without_numbers allows */
    size_t action_width;      /* 0 where only observations are known */
    double *observations;     /* [observation_rows][observation_width] */
    double *actions;          /* [T][action_width] */
    double *rewards;          /* [T] */
    bool no_rewards;          /* the file has none: all are 0 */
    rud_info *infos;          /* [info_count]; seldom any */
    size_t info_count;        /* */
    char *text;               /* an episode of a stream: the line as it was read; else NULL */
} rud_episode;

/* An episode with all numbers 0 and no id. observation_rows is steps or steps + 1. Caller owns
 * *episode. */
rud_status rud_episode_create(size_t steps, size_t observation_rows, size_t observation_width,
                              size_t action_width, rud_episode **episode);
rud_status rud_episode_copy(const rud_episode *from, rud_episode **to);
void rud_episode_free(rud_episode **episode);

/* Keeps a copy of `id`; NULL takes the id away. */
rud_status rud_episode_set_id(rud_episode *episode, const char *id);

/* Adds an info, all numbers 0, and gives its values to be filled: (*values)[T + 1][width], a view.
 * RUD_EINVAL if one of that name is there. */
rud_status rud_episode_add_info(rud_episode *episode, const char *name, size_t width, bool integer,
                                double **values);

/* The info of that name; NULL if there is none. View. */
const rud_info *rud_episode_info(const rud_episode *episode, const char *name);

/* The undiscounted return G: the sum of the rewards. */
double rud_episode_return(const rud_episode *episode);

/* Memory that the episode takes, in bytes. */
size_t rud_episode_bytes(const rud_episode *episode);

/* A growing list that owns its episodes. Zero-initialise to start. */
typedef struct rud_episodes {
    rud_episode **items; /* [count] */
    size_t count;
    size_t capacity;
} rud_episodes;

/* Takes `episode`, also on failure (then it is freed). */
rud_status rud_episodes_add(rud_episodes *list, rud_episode *episode);
void rud_episodes_free(rud_episodes *list);

#ifdef __cplusplus
}
#endif
#endif

/* The episodes of one or several data sets, as training needs them: at random access, in memory
 * where they fit into a budget and else in a temporary file. */
#ifndef RUD_TRAINING_OFFLINE_DATA_PRIVATE_H
#define RUD_TRAINING_OFFLINE_DATA_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/progress.h"
#include "base/stop.h"
#include "episodes/dataset.h"
#include "episodes/features.h"
#include "training/episode_spill_private.h"

/* One file. Its episodes are numbers first .. first + episodes - 1 of all. */
typedef struct rud_offline_file {
    const char *path;     /* borrowed */
    rud_dataset *dataset; /* NULL once it has been read */
    size_t first, episodes, steps;
    uint64_t digest; /* of all numbers of its episodes */
} rud_offline_file;

typedef struct rud_offline_data {
    rud_offline_file *files; /* [file_count] */
    size_t file_count;
    size_t episodes, steps;
    size_t *lengths;                           /* [episodes] T */
    double *returns;                           /* [episodes], discounted */
    size_t final_observations;                 /* episodes that have one */
    rud_space observation_space, action_space; /* that hold the values of all files */
    bool has_actions;
    bool in_memory;      /* else in `spill` */
    rud_episodes memory; /* all episodes, or none */
    rud_episode_spill spill;
} rud_offline_data;

typedef struct rud_offline_source {
    const char *const *paths; /* [count] */
    size_t count;
    const char (*ignored)[64]; /* [ignored_count] fields that are no features */
    size_t ignored_count;
    size_t memory; /* bytes */
    double discount;
    FILE *progress; /* NULL: silent */
    const volatile sig_atomic_t *stop;
} rud_offline_source;

/* Opens the files; lengths and spaces are known then. Close by rud_offline_data_close, also on
 * failure. */
rud_status rud_offline_data_open(const rud_offline_source *source, rud_offline_data *data);

/* Reads all of them once, so that every value has been checked: returns and digests are known then.
 * The message of a failure names file, field and episode. */
rud_status rud_offline_data_read(const rud_offline_source *source, rud_offline_data *data);
void rud_offline_data_close(rud_offline_data *data);

/* Lends episodes numbers[count]; give all of them back. Callable from several threads. */
rud_status rud_offline_data_lend(const rud_offline_data *data, const size_t *numbers, size_t count,
                                 rud_episode **episodes);
void rud_offline_data_give_back(const rud_offline_data *data, rud_episode **episodes, size_t count);

/* The file's columns as features: refuses what is no number by name, and takes into `encoding` and
 * `action` what is to be ignored. */
rud_status rud_offline_ignore(const rud_dataset *dataset, const rud_offline_source *source,
                              rud_features_options *options);

/* Extends `space` by another file's: components that are discrete in both stay discrete. Before
 * the first file `space` is all 0. */
rud_status rud_offline_merge_space(rud_space *space, const rud_space *other);

#endif

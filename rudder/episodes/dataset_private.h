/* What stands behind data sets: one row of functions for each format. For the files of this folder
 * only. */
#ifndef RUD_EPISODES_DATASET_PRIVATE_H
#define RUD_EPISODES_DATASET_PRIVATE_H

#include "episodes/dataset.h"

typedef struct rud_dataset_kind {
    const char *name;
    bool whole; /* `carry` gets all episodes, in their order */

    /* Does the content at `path` look so? Called in the table's order; the first one reads it. */
    bool (*recognise)(const char *path);

    /* Fills dataset->state, counts, lengths, spaces, leaves, metadata. On failure `close` is
     * called. The messages of all these functions name path and place. */
    rud_status (*open)(rud_dataset *dataset);
    void (*close)(rud_dataset *dataset);
    rud_status (*read)(rud_dataset *dataset, size_t k, rud_episode **episode);
    rud_status (*next)(rud_dataset *dataset, rud_episode **episode); /* streams; else NULL */
    void (*place)(const rud_dataset *dataset, size_t k, char *text, size_t size);

    /* Fills writer->state; writes to writer->aside. `abort` is called after any failure. */
    rud_status (*create)(rud_dataset_writer *writer);
    rud_status (*write)(rud_dataset_writer *writer, const rud_episode *episode,
                        const rud_dataset_changes *changes); /* its attributes only */
    rud_status (*carry)(rud_dataset_writer *writer, size_t k, const rud_episode *episode,
                        const rud_dataset_changes *changes); /* from the same format */
    rud_status (*commit)(rud_dataset_writer *writer);        /* frees the state, also on failure */
    void (*abort)(rud_dataset_writer *writer);
} rud_dataset_kind;

extern const rud_dataset_kind rud_dataset_jsonl, rud_dataset_minari, rud_dataset_d4rl,
    rud_dataset_journal;

/* The row of that name; RUD_EINVAL. */
rud_status rud_dataset_find_kind(const char *format, const rud_dataset_kind **kind);

/* Does the path end in .hdf5 or .h5? */
bool rud_is_hdf5_path(const char *path);

enum { RUD_DATASET_PLACE_SIZE = 512 };

struct rud_dataset {
    const rud_dataset_kind *kind;
    rud_dataset_options options;
    char *path; /* as messages name it */
    char *metadata;
    size_t episodes, steps, tail_steps;
    size_t *lengths;                           /* [episodes] */
    rud_space observation_space, action_space; /* width 0: unknown, or none */
    rud_dataset_leaf *leaves;                  /* [leaf_count]; the texts are owned */
    size_t leaf_count;
    size_t next;  /* of rud_dataset_next */
    size_t index; /* read last */
    char place[RUD_DATASET_PLACE_SIZE];
    void *state;
};

struct rud_dataset_writer {
    const rud_dataset_kind *kind;
    char *path;
    char *name; /* or NULL */
    bool force;
    rud_dataset *source;                       /* or NULL */
    bool same_format;                          /* as the source */
    rud_space observation_space, action_space; /* width 0: unknown, or none */
    char **metadata;                           /* [metadata_count][2] */
    size_t metadata_count;
    const volatile sig_atomic_t *stop;
    size_t episodes, steps; /* written so far */
    void *state;
};

/* Adds a leaf; copies name and space. */
rud_status rud_dataset_add_leaf(rud_dataset *dataset, const rud_dataset_leaf *leaf);

/* How people read a space or, where it is NULL, a row of `width` numbers: "Discrete(5)",
 * "MultiDiscrete(2)", "Box(3)", "Mixed(4)", "(3)". For rud_dataset_leaf. */
enum { RUD_DATASET_SPACE_SIZE = 64 };
void rud_dataset_space_text(const rud_space *space, size_t width,
                            char text[RUD_DATASET_SPACE_SIZE]);

/* Are the source's readable arrays under root ("observations") float32, and is there one? What was
 * read so is written so; all other real numbers become float64. source: may be NULL. */
bool rud_dataset_is_single(const rud_dataset *source, const char *root);

/* Adds the leaf of all observations or actions as one array; none where the space is empty. */
rud_status rud_dataset_add_column_leaf(rud_dataset *dataset, const char *name,
                                       const rud_space *space);

/* Minimum, maximum and sort of each component, from which spaces are inferred. Zero-initialise to
 * start. */
typedef struct rud_value_ranges {
    size_t width;
    double *low, *high; /* [width] */
    bool *real;         /* [width] not all were integers */
} rud_value_ranges;

rud_status rud_value_ranges_create(size_t width, rud_value_ranges *ranges);
void rud_value_ranges_free(rud_value_ranges *ranges);

/* Takes in rows[count][width]. */
void rud_value_ranges_add(rud_value_ranges *ranges, const double *rows, size_t count);

/* Size of component k where it is discrete by the rule of dataset.h, else 0. */
int64_t rud_value_ranges_size(const rud_value_ranges *ranges, size_t k);

/* The space of all components. `plain`: a single discrete component is Discrete, not
 * MultiDiscrete. */
rud_status rud_value_ranges_space(const rud_value_ranges *ranges, bool plain, rud_space *space);

/* RUD_ENONFINITE, naming name[row], if one of rows[count][width] is not finite. */
rud_status rud_check_finite(const char *name, const double *rows, size_t count, size_t width);

#endif

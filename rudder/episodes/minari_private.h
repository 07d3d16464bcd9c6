/* Minari's layout: what its reader and its writer share. */
#ifndef RUD_EPISODES_MINARI_PRIVATE_H
#define RUD_EPISODES_MINARI_PRIVATE_H

#include <json-c/json.h>

#include "episodes/dataset_private.h"
#include "episodes/hdf5_private.h"

typedef enum rud_minari_sort {
    RUD_MINARI_DISCRETE,       /* int64 (n,) */
    RUD_MINARI_MULTI_DISCRETE, /* int64 (n, k) */
    RUD_MINARI_MULTI_BINARY,   /* int8 (n, k) */
    RUD_MINARI_BOX,            /* (n, *shape) */
    RUD_MINARI_OTHER,          /* no numbers: image, text, ... */
} rud_minari_sort;

/* One array of observations or actions. */
typedef struct rud_minari_leaf {
    char *path; /* "observations/tup/_index_0" */
    rud_minari_sort sort;
    char type[24];   /* as Minari writes it: "float32", "int64"; "image", "text", ... */
    char space[160]; /* for people: "Box(2, 3)" */
    size_t width;    /* numbers in a row; 0 for OTHER */
    size_t column;   /* the first one's place in the flattened row */
    size_t rank;     /* of a row; known of leaves that were inferred or come from a rud_space */
    size_t shape[RUD_HDF5_RANK_MAX]; /* [rank] */
    int64_t *sizes;  /* [width] of discrete components, 0 for real ones; NULL: all are real */
    int64_t *starts; /* [width], or NULL: all 0 */
    double *low;     /* [width], or NULL */
    double *high;    /* [width], or NULL */
} rud_minari_leaf;

/* Observations or actions: their arrays in the order of the flattened row. */
typedef struct rud_minari_part {
    rud_minari_leaf *leaves; /* [count] */
    size_t count;
    size_t width; /* of the flattened row */
} rud_minari_part;

/* A new leaf with path (copied), sort and width; column is the part's width, which grows by it.
 * View into the part. */
rud_status rud_minari_part_add(rud_minari_part *part, const char *path, rud_minari_sort sort,
                               size_t width, rud_minari_leaf **leaf);
void rud_minari_part_free(rud_minari_part *part);

/* The part that Gymnasium's space, as JSON, describes. root: "observations" or "actions". The
 * message names the place in the space. */
rud_status rud_minari_part_parse(const char *json, const char *root, rud_minari_part *part);

/* The part that the arrays of /episode_0 show, and all values of integers in the whole file. */
rud_status rud_minari_part_infer(hid_t file, size_t episodes, const char *root,
                                 rud_minari_part *part);

/* The part in which rows of a rud_space are written: one array, or a Tuple of runs of discrete and
 * real components. real: the type of real components, "float64" or "float32". */
rud_status rud_minari_part_from_space(const rud_space *space, const char *root, const char *real,
                                      rud_minari_part *part);

/* The flattened space. */
rud_status rud_minari_part_space(const rud_minari_part *part, rud_space *space);

/* Gymnasium's space as JSON text, of a part that was inferred or comes from a rud_space; RUD_EINVAL
 * if it holds an array that is no numbers. Caller owns *json. */
rud_status rud_minari_part_to_json(const rud_minari_part *part, char **json);

/* "episode_<k>" */
typedef struct rud_minari_name {
    char text[32];
} rud_minari_name;
rud_minari_name rud_minari_episode_name(size_t k);

/* Where the parts of a data set lie. Caller frees both. */
typedef struct rud_minari_paths {
    char *data;     /* main_data.hdf5, or the bare file */
    char *metadata; /* metadata.json; NULL: there is none */
} rud_minari_paths;
rud_status rud_minari_find(const char *path, rud_minari_paths *paths);

/* Reads the rows of one leaf into rows[count][stride], at its column, starts taken off. */
rud_status rud_minari_leaf_read(hid_t group, const rud_minari_leaf *leaf, size_t count,
                                size_t stride, rud_hdf5_buffer *buffer, double *rows);

/* The metadata of a data set that is written: the source's where it has some, else new; totals,
 * spaces and the writer's additions put in. Caller owns *json. */
rud_status rud_minari_metadata(const rud_dataset_writer *writer, const char *observation_space,
                               const char *action_space, uint64_t data_bytes, char **json);

/* dataset->state of an open data set. */
typedef struct rud_minari {
    hid_t file;
    uint64_t bytes; /* of the file */
    rud_minari_part observations, actions;
    rud_hdf5_buffer buffer;
} rud_minari;

/* The reader's function of rud_dataset_kind. */
rud_status rud_minari_read(rud_dataset *dataset, size_t k, rud_episode **episode);

/* Reads the infos of an episode's group into `episode`; lists them as leaves where it is NULL. */
rud_status rud_minari_walk_infos(rud_dataset *dataset, hid_t group, rud_episode *episode);

/* For carrying episodes: the file, and the two parts (views). */
hid_t rud_minari_file(const rud_dataset *dataset);
const rud_minari_part *rud_minari_observations(const rud_dataset *dataset);
const rud_minari_part *rud_minari_actions(const rud_dataset *dataset);

/* The writer's functions of rud_dataset_kind. */
rud_status rud_minari_create(rud_dataset_writer *writer);
rud_status rud_minari_write(rud_dataset_writer *writer, const rud_episode *episode,
                            const rud_dataset_changes *changes);
rud_status rud_minari_carry(rud_dataset_writer *writer, size_t k, const rud_episode *episode,
                            const rud_dataset_changes *changes);
rud_status rud_minari_commit(rud_dataset_writer *writer);
void rud_minari_abort(rud_dataset_writer *writer);

#endif

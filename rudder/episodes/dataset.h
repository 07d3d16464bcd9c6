/* Data sets of episodes: one way to read and write them, whatever the format.
 *
 *     minari  HDF5 as Minari lays it out: a folder with data/main_data.hdf5 and
 *             data/metadata.json, the folder data itself, or the bare HDF5 file
 *     d4rl    flat HDF5 as D4RL lays it out: all episodes' rows one after another
 *     jsonl   JSON lines as below; "-" is standard input or output
 *     journal what agents sent to the bridge (episodes/journal.h): a folder or one segment; it can
 *             only be read. Damaged records are left out, with a warning in the log
 *
 * A format is one row of the table in dataset.c.
 *
 * Observations and actions. Dict and Tuple spaces are flattened depth first, the keys of a Dict by
 * their bytes in ascending order (as Gymnasium sorts them), Tuple members in their order; arrays
 * row by row. Discrete and MultiDiscrete values are shifted so that each starts at 0 (a file's own
 * start is put back on writing); MultiBinary is MultiDiscrete of size 2. Images (JPEG bytes, or a
 * uint8 Box with both sides >= 32 and bounds 0..255), texts and spaces without a fixed number of
 * components cannot become numbers: they are no columns, are listed by rud_dataset_leaf, and are
 * carried through untouched where an open data set is written again in its own format.
 *
 * Where a file does not say its spaces they are inferred from its values: components that are
 * signed integers (in JSON: written without point and exponent) from 0 to 65535 are discrete, of
 * the largest value + 1; all others are unbounded numbers.
 *
 * JSON lines. One episode a line:
 *     {"id", "observations": [T or T+1 rows], "actions": [T], "rewards": [T],
 *      "terminated": bool, "truncated": bool, "seed"?: unsigned 64-bit, <info>?: [T or T+1]}
 * Rows of one discrete component are plain integers, others arrays; discrete components are written
 * without a point, real ones with a point or an exponent. Every other key is an info, of numbers,
 * true, false and null (NaN) or of equally long arrays of them, which are flattened; with T entries
 * they are those of the steps. Blank lines are skipped. Read: "id" may be an integer or absent.
 * Where only observations are known, "actions" (then of width 0), "rewards" (then 0), "terminated"
 * (then the opposite of "truncated") and "truncated" (then false) may be absent. T is the length of
 * "actions" or "rewards"; without both, the number of observation rows.
 *
 * Threads. libhdf5 is not thread-safe: all calls on data sets and writers, of all data sets
 * together, are made by one thread at a time. What was read belongs to the caller and may be used
 * anywhere.
 *
 * Every error names the file and, as far as it has them, data set or field, episode and row.
 * RUD_EFORMAT: the file is not what it should be; RUD_ENONFINITE: a NaN or infinity; RUD_EIO. */
#ifndef RUD_EPISODES_DATASET_H
#define RUD_EPISODES_DATASET_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/space.h"
#include "episodes/episode.h"
#include "episodes/journal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A count that a stream does not know. */
#define RUD_DATASET_UNKNOWN SIZE_MAX

typedef enum rud_dataset_tail {
    RUD_TAIL_TRUNCATE, /* kept as a truncated episode */
    RUD_TAIL_DROP,     /* left out */
} rud_dataset_tail;

typedef struct rud_dataset_options {
    const char *format;   /* NULL: found out by the content */
    bool infos;           /* numeric infos are read too */
    bool without_numbers; /* observations may hold none, but images or texts: such a data set is not
                             refused, and its episodes have observations of width 0 */
    bool stream;          /* JSON lines are read once, in order, and nothing is known before. Else
                             the file is read through when it is opened, and standard input is first
                             copied to a temporary file */
    /* D4RL only: */
    size_t max_episode_steps; /* without `timeouts` an episode ends after so many steps; 0: such a
                                 file is refused unless terminals end every episode */
    rud_dataset_tail tail;    /* the rows after the last end */
} rud_dataset_options;

/* By content, with infos, no stream, 0, truncate. */
rud_dataset_options rud_dataset_options_default(void);

typedef struct rud_dataset rud_dataset;

/* options: NULL for the defaults. The layout is checked here: names, types and shapes against the
 * file's size, not yet every value. A file without an episode is refused. Caller owns *dataset. */
rud_status rud_dataset_open(const char *path, const rud_dataset_options *options,
                            rud_dataset **dataset);
void rud_dataset_close(rud_dataset **dataset);

const char *rud_dataset_path(const rud_dataset *dataset);   /* as messages name it; view */
const char *rud_dataset_format(const rud_dataset *dataset); /* "minari", ...; static */

/* RUD_DATASET_UNKNOWN for a stream. */
size_t rud_dataset_episodes(const rud_dataset *dataset);
size_t rud_dataset_steps(const rud_dataset *dataset);

/* T of every episode, [episodes]; NULL for a stream. View. */
const size_t *rud_dataset_lengths(const rud_dataset *dataset);

/* D4RL: rows after the last end, kept or left out as the option says; else 0. */
size_t rud_dataset_tail_steps(const rud_dataset *dataset);

/* The reader that has gone through a journal: its header and what it met. NULL for other formats.
 * View. */
const rud_journal_reader *rud_dataset_journal_reader(const rud_dataset *dataset);

/* The spaces after flattening; NULL for a stream, where there are no actions, or observations
 * without numbers. Views. */
const rud_space *rud_dataset_observation_space(const rud_dataset *dataset);
const rud_space *rud_dataset_action_space(const rud_dataset *dataset);

/* One array of the file. */
typedef struct rud_dataset_leaf {
    const char *name;  /* "observations/position", "actions", "infos/nest/flag" */
    const char *type;  /* "float32", "image", "text", ...; static */
    bool readable;     /* its numbers are columns, or an info */
    size_t column;     /* first column in the rows of observations or actions */
    size_t width;      /* numbers in a row */
    const char *space; /* "Discrete(5)", "Box(2, 3)", ... */
} rud_dataset_leaf;

/* Leaf k in the order of the columns, infos last; NULL behind the last one. Those of the first
 * episode; none for a stream. View. */
const rud_dataset_leaf *rud_dataset_leaf_at(const rud_dataset *dataset, size_t k);

/* What the file says about itself as JSON text (Minari's metadata.json); NULL if nothing. View. */
const char *rud_dataset_metadata(const rud_dataset *dataset);

/* Episode k at random access; RUD_ESTATE for a stream. Neighbours are read ahead together where
 * that is faster. Episodes without terminated and truncated are unfinished. Caller owns
 * *episode. */
rud_status rud_dataset_read(rud_dataset *dataset, size_t k, rud_episode **episode);

/* The next episode in order, first number 0; NULL behind the last one. Memory does not grow with
 * the file. After RUD_EFORMAT or RUD_ENONFINITE the next call goes on with the next episode. Caller
 * owns *episode. */
rud_status rud_dataset_next(rud_dataset *dataset, rud_episode **episode);

/* rud_dataset_next starts again at episode k; RUD_ESTATE for a stream. */
rud_status rud_dataset_seek(rud_dataset *dataset, size_t k);

/* Number of the episode that was read last, and its place for messages: "data.jsonl:7",
 * "data.hdf5: episode_6". View until the next call. */
size_t rud_dataset_index(const rud_dataset *dataset);
const char *rud_dataset_place(rud_dataset *dataset);

/* A fact about an episode, for formats that have a place for it (Minari: an attribute). */
typedef struct rud_dataset_attribute {
    const char *name;
    double value;
} rud_dataset_attribute;

/* What is written differently from how it was read. */
typedef struct rud_dataset_changes {
    const double *rewards; /* [T]; NULL: as they are. Written as float64; attributes such as
                              rewards_sum are computed again where they are present */
    const rud_info *infos; /* [info_count], T + 1 rows each, the first one 0; one of the same name
                              is replaced */
    size_t info_count;
    const rud_dataset_attribute *attributes; /* [attribute_count] */
    size_t attribute_count;
} rud_dataset_changes;

typedef struct rud_dataset_writer rud_dataset_writer;

typedef struct rud_dataset_writer_options {
    const char *format;  /* NULL: from the path, see rud_dataset_format_of_path */
    bool force;          /* what stands at the path is replaced once the new one is whole */
    rud_dataset *source; /* whose episodes are written again: gives spaces and metadata, and
                            what is carried through; NULL: none. Borrowed until closed */
    const rud_space *observation_space; /* NULL: the source's. Copied */
    const rud_space *action_space;      /* NULL: the source's, or no actions. Copied */
    const char *name;            /* Minari's dataset_id, such as "coin-walk/random-v0"; NULL: the
                                    source's, or made from the path */
    const char *const *metadata; /* [metadata_count][2]: key and text, added to the metadata where
                                    the format has some */
    size_t metadata_count;
    const volatile sig_atomic_t *stop; /* asks to end the copying of a large file; NULL: never */
} rud_dataset_writer_options;

/* "jsonl" for .jsonl and "-", "minari" for .hdf5 and .h5 (the bare file) and for a path without
 * extension (the folder); NULL for any other. Static. */
const char *rud_dataset_format_of_path(const char *path);

/* Starts a data set, written aside: it stands at `path` only after rud_dataset_writer_commit,
 * synced to disk. RUD_EEXIST if something stands there and `force` is not set (nor ever a folder
 * that holds no data set); RUD_EINVAL if the source is a stream and the format needs spaces;
 * RUD_EINTERRUPTED. Caller owns *writer. */
rud_status rud_dataset_writer_open(const char *path, const rud_dataset_writer_options *options,
                                   rud_dataset_writer **writer);

/* Adds a new episode, with its infos. RUD_EINVAL if it does not fit the spaces. */
rud_status rud_dataset_write(rud_dataset_writer *writer, const rud_episode *episode);

/* Adds episode k of the source, `episode` as it was read from there. In the source's own format all
 * else is carried through untouched: infos, images, texts, options, attributes; in HDF5 then all
 * episodes must be carried, in their order (RUD_EINVAL). Otherwise what `episode` holds is written.
 * changes: NULL for none. */
rud_status rud_dataset_carry(rud_dataset_writer *writer, size_t k, const rud_episode *episode,
                             const rud_dataset_changes *changes);

/* Completes the data set, puts it in place and frees the writer, also on failure; then what stood
 * there before is as it was. RUD_EINVAL without an episode. */
rud_status rud_dataset_writer_commit(rud_dataset_writer **writer);

/* Gives up: removes what was written aside. */
void rud_dataset_writer_abort(rud_dataset_writer **writer);

#ifdef __cplusplus
}
#endif
#endif

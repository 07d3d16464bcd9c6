/* HDF5 as the data sets need it: arrays checked against the file before memory is taken. For the
 * files of this folder only. Messages do not name the file: the caller adds it. */
#ifndef RUD_EPISODES_HDF5_PRIVATE_H
#define RUD_EPISODES_HDF5_PRIVATE_H

#include <hdf5.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { RUD_HDF5_RANK_MAX = 16 };

typedef enum rud_hdf5_number {
    RUD_HDF5_NONE, /* no number: text, variable length, compound, ... */
    RUD_HDF5_FLOAT32,
    RUD_HDF5_FLOAT64,
    RUD_HDF5_INT8,
    RUD_HDF5_INT16,
    RUD_HDF5_INT32,
    RUD_HDF5_INT64,
    RUD_HDF5_UINT8,
    RUD_HDF5_UINT16,
    RUD_HDF5_UINT32,
    RUD_HDF5_UINT64,
    RUD_HDF5_BOOL, /* enum over int8 */
} rud_hdf5_number;

/* An open array: rows along the first dimension. */
typedef struct rud_hdf5_array {
    hid_t id; /* < 0: not open */
    rud_hdf5_number number;
    const char *type; /* "float32", "text", ...; static */
    size_t rank;      /* >= 1 */
    hsize_t dims[RUD_HDF5_RANK_MAX];
    size_t rows;
    size_t width; /* numbers in a row; 1 where rank is 1 */
} rud_hdf5_array;

/* A buffer that is kept between reads. Zero-initialise to start, free `bytes` at the end. */
typedef struct rud_hdf5_buffer {
    void *bytes;
    size_t size;
} rud_hdf5_buffer;

/* Called before all else: libhdf5 shall print no errors, and not tidy up at the end of the program,
 * where a file that could not be written would crash it. */
void rud_hdf5_start(void);

/* Sets the message to "<what>: <innermost message of libhdf5>"; the code is RUD_EIO where the
 * system refused, else RUD_EFORMAT. */
rud_status rud_hdf5_failed(const char *what);

/* Opens for reading. cache: bytes of chunks to keep for each array; with 0 what is not compressed
 * is read straight into place. RUD_EIO (cannot be opened), RUD_EFORMAT (no HDF5, damaged). */
rud_status rud_hdf5_open(const char *path, size_t cache, hid_t *file);

/* For an access property list: keeps the cache of headers small. */
void rud_hdf5_limit_memory(hid_t access);

/* Does the file start as an HDF5 file does (with or without a user block)? */
bool rud_hdf5_is_file(const char *path);

bool rud_hdf5_has(hid_t group, const char *name);
bool rud_hdf5_is_group(hid_t group, const char *name);

/* Opens `name` and checks that it is an array whose rows, as its shape claims them, stand in the
 * file. What was never written reads as its fill value, as HDF5 has it; such a shape may claim no
 * more than 64 MiB or the file's size. Type RUD_HDF5_NONE is no failure. Caller closes.
 * RUD_EFORMAT. */
rud_status rud_hdf5_array_open(hid_t group, const char *name, rud_hdf5_array *array);
void rud_hdf5_array_close(rud_hdf5_array *array);

/* Reads `count` rows from `first` on as they are stored into buffer->bytes, count * width numbers
 * of type array->number. */
rud_status rud_hdf5_array_read(const rud_hdf5_array *array, size_t first, size_t count,
                               rud_hdf5_buffer *buffer);

/* Bytes of one number; 0 for RUD_HDF5_NONE. */
size_t rud_hdf5_number_size(rud_hdf5_number number);

/* Converts numbers[count] to doubles. 64-bit integers beyond 2^53 are rounded. */
void rud_hdf5_to_doubles(rud_hdf5_number number, const void *numbers, size_t count, double *values);

/* A scalar attribute. *found is false where there is none. RUD_EFORMAT: it is of another kind. */
rud_status rud_hdf5_attribute_int64(hid_t object, const char *name, bool *found, int64_t *value);
rud_status rud_hdf5_attribute_uint64(hid_t object, const char *name, bool *found, uint64_t *value);

/* A text attribute of at most 256 MiB; *text is NULL where there is none or it is no text. Caller
 * owns *text. */
rud_status rud_hdf5_attribute_text(hid_t object, const char *name, char **text);

/* ---- writing ---- */

/* As rud_hdf5_failed, but RUD_EIO: what fails then is the disk as a rule. */
rud_status rud_hdf5_write_failed(const char *what);

rud_status rud_hdf5_create(const char *path, hid_t *file);

/* Flushes and closes; a failure to write shows here at the latest. */
rud_status rud_hdf5_close(hid_t file);

/* Gives up a file that was created: what is not written yet goes nowhere. Everything else that is
 * open in it must be closed before. */
void rud_hdf5_discard(hid_t file);

/* {FALSE = 0, TRUE = 1} over int8, as h5py writes bool. Caller closes it by H5Tclose. */
hid_t rud_hdf5_bool_type(void);

/* Creates `name` (groups on the way too): rows x width numbers of `type` (one dimension where
 * width is 0), chunks of `chunk_rows` rows, the first dimension unlimited; writes rows[rows] of
 * memory type `memory` unless NULL. *id is left open where it is not NULL. */
rud_status rud_hdf5_write(hid_t group, const char *name, hid_t type, size_t rows, size_t width,
                          size_t chunk_rows, hid_t memory, const void *values, hid_t *id);

/* Writes rows behind the last one, and makes the array longer. */
rud_status rud_hdf5_append(hid_t id, size_t before, size_t rows, size_t width, hid_t memory,
                           const void *values);

/* Writes, or replaces, a scalar attribute. */
rud_status rud_hdf5_set_attribute(hid_t object, const char *name, hid_t type, hid_t memory,
                                  const void *value);
rud_status rud_hdf5_set_text(hid_t object, const char *name, const char *text);

/* After a failure to write: what libhdf5 still holds goes nowhere, so that all can be closed. */
void rud_hdf5_write_nowhere(hid_t object);

/* ---- changing ---- */

/* Copies the whole file of the open one `from` to `path`, and opens the copy to be changed. stop:
 * as in rud_stop_check. RUD_EIO, RUD_EINTERRUPTED. */
rud_status rud_hdf5_copy_file(hid_t from, const char *path, const volatile sig_atomic_t *stop,
                              hid_t *file);

/* Opens a group whose members are to be changed. RUD_EFORMAT if it has several names in the file or
 * is a link, even to another file: then others would change with it. */
rud_status rud_hdf5_open_group_to_edit(hid_t parent, const char *name, hid_t *group);

/* The array becomes one dimension of `count` numbers of `type`, one chunk: in place where it is
 * that already, else anew. */
rud_status rud_hdf5_replace(hid_t group, const char *name, hid_t type, size_t count, hid_t memory,
                            const void *values);

#endif

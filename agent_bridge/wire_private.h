/* Messages of the bridge as bytes: MessagePack read from strangers and written for them.
 * PROTOCOL.md says what is in them. */
#ifndef RUD_AGENT_BRIDGE_WIRE_PRIVATE_H
#define RUD_AGENT_BRIDGE_WIRE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <msgpack.h>

#include "base/status.h"

enum { RUD_WIRE_VERSION = 1, RUD_WIRE_RANK = 8, RUD_WIRE_NEST = 8, RUD_WIRE_DEPTH = 16 };

/* ---- what is wrong with a request ---- */

/* Error codes of the protocol, in the order of its section 7. */
typedef enum rud_problem_code {
    RUD_PROBLEM_NONE,
    RUD_PROBLEM_MALFORMED,
    RUD_PROBLEM_VERSION,
    RUD_PROBLEM_UNKNOWN_OP,
    RUD_PROBLEM_MISSING_FIELD,
    RUD_PROBLEM_UNKNOWN_FIELD,
    RUD_PROBLEM_WRONG_TYPE,
    RUD_PROBLEM_WRONG_SHAPE,
    RUD_PROBLEM_WRONG_VALUE,
    RUD_PROBLEM_NOT_FINITE,
    RUD_PROBLEM_TOO_LARGE,
    RUD_PROBLEM_TOO_MANY,
    RUD_PROBLEM_NO_TASK,
    RUD_PROBLEM_UNKNOWN_TASK,
    RUD_PROBLEM_UNKNOWN_STREAM,
    RUD_PROBLEM_UNKNOWN_ENV,
    RUD_PROBLEM_OUT_OF_ORDER,
    RUD_PROBLEM_NEEDS_RESET,
    RUD_PROBLEM_NOT_TRAINED,
    RUD_PROBLEM_UNSUPPORTED,
    RUD_PROBLEM_DIVERGED,
    RUD_PROBLEM_BUSY,
    RUD_PROBLEM_STORAGE,
    RUD_PROBLEM_FORBIDDEN,
    RUD_PROBLEM_SHUTTING_DOWN,
    RUD_PROBLEM_INTERNAL,
} rud_problem_code;

/* Its text on the wire: "wrong_type". */
const char *rud_problem_name(rud_problem_code code);

/* Filled by what fails, beside the thread's message. Zero-initialise. */
typedef struct rud_problem {
    rud_problem_code code; /* NONE: told by the status */
    char field[128];       /* its path; "" if no field is to blame */
    bool has_expected;
    uint64_t expected;
    unsigned retry_after_ms; /* 0: none */
} rud_problem;

/* Sets all of it and the thread's message; returns RUD_EFORMAT. path: "episodes[2]." or "". */
rud_status rud_problem_set(rud_problem *problem, rud_problem_code code, const char *path,
                           const char *field, const char *format, ...) RUD_PRINTF(5, 6);

/* The code for a failure whose problem is not set yet. */
rud_problem_code rud_problem_of(rud_status status);

/* ---- reading ---- */

/* A read message; its texts and bytes are views into the frame. */
typedef struct rud_message {
    msgpack_object root;
    msgpack_zone *zone;
} rud_message;

/* Reads one value that fills the frame. Every length is checked against the bytes left before any
 * memory is taken. RUD_EFORMAT, RUD_ENOMEM. */
rud_status rud_message_read(const void *bytes, size_t size, rud_message *message);
void rud_message_free(rud_message *message);

/* The field's value; NULL if it is absent or nil. */
const msgpack_object *rud_wire_find(const msgpack_object *map, const char *key);

/* Is the text `value`? */
bool rud_wire_text_is(const msgpack_object *object, const char *value);

/* A number, and its value; a boolean's is 0 or 1. */
bool rud_wire_is_number(const msgpack_object *object);
double rud_wire_number(const msgpack_object *object);

/* A stranger's text for a message: printable, and not too long. */
const char *rud_wire_shown(const msgpack_object *text, char out[48]);

/* Where a value stands, for messages; plain data. */
typedef struct rud_wire_place {
    const char *path; /* of the map: "episodes[2]." or "" */
    rud_problem *problem;
} rud_wire_place;

/* The problem `wrong_type` of a field; needed: "text". */
rud_status rud_wire_wrong_type(rud_wire_place place, const char *key, const char *needed);

/* The map holds no other fields than names[] (NULL behind the last), and none twice. */
rud_status rud_wire_check_fields(rud_wire_place place, const msgpack_object *map,
                                 const char *const *names);

/* A field that must be there. */
rud_status rud_wire_need(rud_wire_place place, const msgpack_object *map, const char *key,
                         const msgpack_object **value);

/* Fields that may be absent: *value is then left as it is. */
rud_status rud_wire_uint(rud_wire_place place, const msgpack_object *map, const char *key,
                         uint64_t low, uint64_t high, uint64_t *value);
rud_status rud_wire_int(rud_wire_place place, const msgpack_object *map, const char *key,
                        int64_t *value);
rud_status rud_wire_bool(rud_wire_place place, const msgpack_object *map, const char *key,
                         bool *value);
rud_status rud_wire_real(rud_wire_place place, const msgpack_object *map, const char *key,
                         double low, double high, double *value);

/* UTF-8 text of at most size - 1 bytes without a zero byte, copied to text[size]. */
rud_status rud_wire_text(rud_wire_place place, const msgpack_object *map, const char *key,
                         size_t size, char *text);

/* The index of a text among choices[] (NULL behind the last). */
rud_status rud_wire_choice(rud_wire_place place, const msgpack_object *map, const char *key,
                           const char *const *choices, unsigned *value);

/* ---- tensors ---- */

typedef enum rud_dtype {
    RUD_BOOL,
    RUD_INT8,
    RUD_INT16,
    RUD_INT32,
    RUD_INT64,
    RUD_UINT8,
    RUD_UINT16,
    RUD_UINT32,
    RUD_UINT64,
    RUD_FLOAT32,
    RUD_FLOAT64,
    RUD_DTYPES,
} rud_dtype;

size_t rud_dtype_size(rud_dtype dtype);

/* A checked tensor, list or number of a message. */
typedef struct rud_tensor_view {
    rud_dtype dtype; /* of a list: int64, bool or float64 */
    size_t rank;
    size_t shape[RUD_WIRE_RANK];
    size_t count;
    const char *data;           /* [count] little-endian; NULL: a list or number */
    const msgpack_object *list; /* that one */
} rud_tensor_view;

bool rud_dtype_is_integer(rud_dtype dtype);

/* Checks a value that stands at place.path + key. */
rud_status rud_wire_tensor(rud_wire_place place, const char *key, const msgpack_object *value,
                           rud_tensor_view *view);

/* All numbers as double, out[count]. */
void rud_tensor_read(const rud_tensor_view *view, double *out);

/* ---- writing ---- */

/* Maps are opened, filled key by key, and closed: their length is written then. */
typedef struct rud_packer {
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    bool lists;  /* tensors as plain lists */
    bool failed; /* no memory */
    size_t depth;
    struct {
        size_t position, count;
    } open[RUD_WIRE_NEST];
} rud_packer;

void rud_packer_init(rud_packer *packer);
void rud_packer_free(rud_packer *packer);

void rud_pack_open(rud_packer *packer);
void rud_pack_close(rud_packer *packer);
void rud_pack_key(rud_packer *packer, const char *key);
void rud_pack_array(rud_packer *packer, size_t count);
void rud_pack_text(rud_packer *packer, const char *text);
void rud_pack_text_or_nil(rud_packer *packer, const char *text);
void rud_pack_bytes(rud_packer *packer, const void *bytes, size_t size);
void rud_pack_uint(rud_packer *packer, uint64_t value);
void rud_pack_bool(rud_packer *packer, bool value);
void rud_pack_real(rud_packer *packer, double value);
void rud_pack_real_or_nil(rud_packer *packer, double value); /* nil where it is not finite */
void rud_pack_nil(rud_packer *packer);

/* A tensor of doubles, written as `dtype`; BOOL, INT64, UINT8 or FLOAT64. */
void rud_pack_tensor(rud_packer *packer, rud_dtype dtype, const size_t *shape, size_t rank,
                     const double *values);
/* One number as a plain one: an integer or a float. */
void rud_pack_tensor_scalar(rud_packer *packer, rud_dtype dtype, double value);
void rud_pack_flags(rud_packer *packer, const bool *values, size_t count);

/* key and value in one. */
void rud_pack_field_text(rud_packer *packer, const char *key, const char *value);
void rud_pack_field_uint(rud_packer *packer, const char *key, uint64_t value);
void rud_pack_field_bool(rud_packer *packer, const char *key, bool value);
void rud_pack_field_real(rud_packer *packer, const char *key, double value); /* or nil */
void rud_pack_field_row(rud_packer *packer, const char *key, const double *values, size_t count);

#endif

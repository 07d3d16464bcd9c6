/* Spaces, specifications and episodes on the wire. */
#ifndef RUD_AGENT_BRIDGE_VALUES_PRIVATE_H
#define RUD_AGENT_BRIDGE_VALUES_PRIVATE_H

#include "agent_bridge/wire_private.h"
#include "base/space.h"
#include "episodes/episode.h"
#include "episodes/features.h"

enum { RUD_EPISODE_ID = 128, RUD_TASK_NAME = 64, RUD_TASK_KEY = 16 };

/* A space with what the library's has no need of: the shape of a row, and the number at which
 * discrete values start. */
typedef struct rud_wire_space {
    rud_space space; /* width 0: there is none */
    bool binary;     /* multi_binary */
    size_t rank;     /* 0: a row is one number */
    size_t shape[RUD_WIRE_RANK];
    double *start; /* [width]; NULL: all 0 */
} rud_wire_space;

/* What makes a task. */
typedef struct rud_task_spec {
    rud_wire_space observation, action;
    rud_features_options features;
    uint64_t seed;
    char name[RUD_TASK_NAME + 1];
} rud_task_spec;

void rud_wire_space_free(rud_wire_space *space);
void rud_task_spec_free(rud_task_spec *spec);

/* A space that the library's own is shown as. Copies. */
rud_status rud_wire_space_of(const rud_space *space, rud_wire_space *wire);

/* Reads a space that stands at place.path + key. *space is the caller's to free, also on failure.
 */
rud_status rud_wire_space_read(rud_wire_place place, const char *key, const msgpack_object *object,
                               rud_wire_space *space);

/* The problem of a status that the library gave for a field. */
rud_status rud_wire_blame(rud_wire_place place, const char *key, rud_status status);

/* defaults: features and seed of the server. *spec is the caller's to free, also on failure. */
rud_status rud_wire_task_spec(rud_wire_place place, const msgpack_object *object,
                              const rud_features_options *features, uint64_t seed,
                              rud_task_spec *spec);

void rud_pack_space(rud_packer *packer, const rud_wire_space *space);
void rud_pack_task_spec(rud_packer *packer, const rud_task_spec *spec);

/* The task's key: 16 hexadecimal digits made from the packed specification. */
rud_status rud_task_key(const rud_task_spec *spec, char key[RUD_TASK_KEY + 1]);

/* The specification that a list of episodes looks like (PROTOCOL.md, section 3). */
rud_status rud_infer_task_spec(rud_wire_place place, const msgpack_object *episodes,
                               const rud_features_options *features, uint64_t seed,
                               rud_task_spec *spec);

/* Do two specifications have the same kinds, widths and final observation? Do all values of the
 * second's discrete spaces fit the first? */
bool rud_task_spec_holds(const rud_task_spec *spec, const rud_task_spec *other);

/* What an episode of a message must be. */
typedef struct rud_episode_rules {
    const rud_task_spec *spec;
    size_t max_steps;
    bool needs_id;
    bool inferred; /* the spaces were: messages name `configure` */
} rud_episode_rules;

/* All episodes of the list in field `episodes`: *episodes [*count], which the caller owns. */
rud_status rud_wire_episodes(rud_problem *problem, const msgpack_object *map, size_t most,
                             const rud_episode_rules *rules, rud_episode ***episodes,
                             size_t *count);
void rud_wire_episodes_free(rud_episode ***episodes, size_t count);

/* `rows` rows of a space from a field: checked, `start` taken off, into out[rows][width].
 * rows RUD_ONE_ROW: one, without the leading dimension. mask [rows]: those that count; NULL: all.
 */
#define RUD_ONE_ROW SIZE_MAX
rud_status rud_wire_rows(rud_wire_place place, const msgpack_object *map, const char *key,
                         const rud_wire_space *space, size_t rows, const bool *mask, bool inferred,
                         double *out);

/* Rewards must be finite, and small enough that no sum or square of them is not. */
rud_status rud_wire_check_rewards(rud_wire_place place, const char *key, const double *rewards,
                                  size_t count);

/* Rows of a space for a reply: integers where it is discrete, `start` added. one: a single row
 * without the leading dimension; a plain number where the row is one. */
void rud_pack_rows(rud_packer *packer, const rud_wire_space *space, const double *values,
                   size_t rows, bool one);

#endif

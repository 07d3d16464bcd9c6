#include "agents/q_table.h"

#include <stdlib.h>
#include <string.h>

/* What is known of one action in one state. */
typedef struct action_value {
    double value;
    uint64_t visits;
} action_value;

struct rud_q_table {
    size_t width, actions;
    int64_t *sizes; /* [width] */
    rud_step_size step_size;
    double initial_value;
    uint64_t *keys;         /* [capacity] state number + 1; 0: free */
    action_value *values;   /* [capacity][actions] */
    size_t capacity, count; /* capacity is a power of two */
};

enum { FIRST_CAPACITY = 1024 };

static rud_status allocate(rud_q_table *table, size_t capacity)
{
    if (table->actions > SIZE_MAX / sizeof(action_value) / capacity) {
        return rud_error(RUD_ENOMEM, "no memory for %zu states with %zu actions each", capacity,
                         table->actions);
    }
    uint64_t *keys = calloc(capacity, sizeof *keys);
    action_value *values = malloc(capacity * table->actions * sizeof *values);
    if (keys == NULL || values == NULL) {
        free(keys);
        free(values);
        return rud_error(RUD_ENOMEM, "no memory for a table of %zu states", capacity);
    }
    table->keys = keys;
    table->values = values;
    table->capacity = capacity;
    return RUD_OK;
}

static rud_status check_spaces(const rud_space *observation_space, const rud_space *action_space)
{
    uint64_t states = 1;
    if (!rud_space_all_discrete(observation_space) || action_space->kind != RUD_SPACE_DISCRETE) {
        return rud_error(RUD_EINVAL, "a tabular agent needs discrete observations and actions");
    }
    for (size_t k = 0; k < observation_space->width; k++) {
        if (states > (UINT64_MAX - 1) / (uint64_t)observation_space->sizes[k]) {
            return rud_error(RUD_EINVAL, "the observation space has too many states for a table");
        }
        states *= (uint64_t)observation_space->sizes[k];
    }
    return RUD_OK;
}

rud_status rud_q_table_create(const rud_space *observation_space, const rud_space *action_space,
                              const rud_step_size *step_size, double initial_value,
                              rud_q_table **table)
{
    *table = NULL;
    RUD_TRY(check_spaces(observation_space, action_space));
    rud_q_table *created = calloc(1, sizeof *created);
    if (created == NULL) return rud_error(RUD_ENOMEM, "no memory for a table of action values");
    created->width = observation_space->width;
    created->actions = (size_t)action_space->sizes[0];
    created->step_size = *step_size;
    created->initial_value = initial_value;
    created->sizes = malloc(created->width * sizeof *created->sizes);
    rud_status status = created->sizes != NULL ? allocate(created, FIRST_CAPACITY) : RUD_ENOMEM;
    if (status != RUD_OK) {
        rud_q_table_free(&created);
        return rud_error(RUD_ENOMEM, "no memory for a table of action values");
    }
    memcpy(created->sizes, observation_space->sizes, created->width * sizeof *created->sizes);
    *table = created;
    return RUD_OK;
}

void rud_q_table_free(rud_q_table **table)
{
    if (*table == NULL) return;
    free((*table)->sizes);
    free((*table)->keys);
    free((*table)->values);
    free(*table);
    *table = NULL;
}

void rud_q_table_clear(rud_q_table *table)
{
    memset(table->keys, 0, table->capacity * sizeof *table->keys);
    table->count = 0;
}

size_t rud_q_table_actions(const rud_q_table *table)
{
    return table->actions;
}

/* The state's number in mixed radix, plus 1. */
static uint64_t state_key(const rud_q_table *table, const double *observation)
{
    uint64_t number = 0;
    for (size_t k = 0; k < table->width; k++) {
        number = number * (uint64_t)table->sizes[k] + (uint64_t)observation[k];
    }
    return number + 1;
}

/* Where the key stands, or the free place where it belongs (linear probing; multiplicative hash).
 */
static size_t find(const rud_q_table *table, uint64_t key)
{
    const uint64_t hash = key * UINT64_C(0x9e3779b97f4a7c15);
    size_t place = (size_t)(hash ^ (hash >> 32)) & (table->capacity - 1);
    while (table->keys[place] != 0 && table->keys[place] != key) {
        place = (place + 1) & (table->capacity - 1);
    }
    return place;
}

static const action_value *lookup(const rud_q_table *table, const double *observation)
{
    const size_t place = find(table, state_key(table, observation));
    return table->keys[place] != 0 ? table->values + place * table->actions : NULL;
}

static rud_status grow(rud_q_table *table)
{
    uint64_t *keys = table->keys;
    action_value *values = table->values;
    const size_t capacity = table->capacity;
    RUD_TRY(allocate(table, 2 * capacity));
    for (size_t i = 0; i < capacity; i++) {
        if (keys[i] == 0) continue;
        const size_t place = find(table, keys[i]);
        table->keys[place] = keys[i];
        memcpy(table->values + place * table->actions, values + i * table->actions,
               table->actions * sizeof *values);
    }
    free(keys);
    free(values);
    return RUD_OK;
}

size_t rud_q_table_greedy(const rud_q_table *table, const double *observation)
{
    const action_value *values = lookup(table, observation);
    size_t best = 0;
    for (size_t a = 1; values != NULL && a < table->actions; a++) {
        if (values[a].value > values[best].value) best = a;
    }
    return best;
}

double rud_q_table_max(const rud_q_table *table, const double *observation)
{
    const action_value *values = lookup(table, observation);
    return values != NULL ? values[rud_q_table_greedy(table, observation)].value
                          : table->initial_value;
}

rud_status rud_q_table_learn(rud_q_table *table, const double *observation, size_t action,
                             double target)
{
    const uint64_t key = state_key(table, observation);
    size_t place = find(table, key);
    if (table->keys[place] == 0) {
        if (2 * (table->count + 1) > table->capacity) {
            RUD_TRY(grow(table));
            place = find(table, key);
        }
        table->keys[place] = key;
        table->count++;
        for (size_t a = 0; a < table->actions; a++) {
            table->values[place * table->actions + a] =
                (action_value){.value = table->initial_value, .visits = 0};
        }
    }
    action_value *entry = &table->values[place * table->actions + action];
    entry->visits++;
    const double alpha =
        table->step_size.sample_mean ? 1 / (double)entry->visits : table->step_size.constant;
    entry->value += alpha * (target - entry->value);
    return RUD_OK;
}

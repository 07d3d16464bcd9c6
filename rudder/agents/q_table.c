#include "agents/q_table_private.h"

#include <stdlib.h>
#include <string.h>

/* What is known of one action in one state. */
typedef struct action_value {
    double value;
    uint64_t visits;
} action_value;

/* Where a page stands. */
typedef struct page_slot {
    uint64_t key; /* the page's number + 1; 0: free */
    size_t place; /* of the page in the table's values */
} page_slot;

/* States whose numbers follow each other share a page, and pages stand in the order in which they
 * were first needed: an episode, whose states mostly differ by the time alone, then walks through
 * memory instead of jumping. A hash table finds the pages. */
struct rud_q_table {
    size_t width, actions;
    int64_t *sizes; /* [width] */
    rud_step_size step_size;
    double initial_value;
    unsigned page_bits;   /* a page holds 2^page_bits states */
    page_slot *slots;     /* [capacity] */
    size_t capacity;      /* a power of two */
    action_value *values; /* [page_capacity][2^page_bits][actions] */
    size_t pages, page_capacity;
};

enum { FIRST_CAPACITY = 1024, PAGE_BYTES = 256 };

static rud_status no_memory(void)
{
    return rud_error(RUD_ENOMEM, "no memory for a table of action values");
}

/* Action values of a page. */
static size_t page_size(const rud_q_table *table)
{
    return table->actions << table->page_bits;
}

static rud_status allocate_slots(rud_q_table *table, size_t capacity)
{
    page_slot *slots = calloc(capacity, sizeof *slots);
    if (slots == NULL) return no_memory();
    table->slots = slots;
    table->capacity = capacity;
    return RUD_OK;
}

static rud_status allocate_pages(rud_q_table *table, size_t capacity)
{
    action_value *values = NULL;
    if (capacity <= SIZE_MAX / sizeof *values / page_size(table)) {
        values = realloc(table->values, capacity * page_size(table) * sizeof *values);
    }
    if (values == NULL) return no_memory();
    table->values = values;
    table->page_capacity = capacity;
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

/* As many states as fill PAGE_BYTES, at least one. */
static unsigned page_bits_for(size_t actions)
{
    unsigned bits = 0;
    while (actions <= PAGE_BYTES / sizeof(action_value) >> (bits + 1)) bits++;
    return bits;
}

static rud_status fill(rud_q_table *table, const rud_space *observation_space)
{
    table->sizes = malloc(table->width * sizeof *table->sizes);
    if (table->sizes == NULL) return no_memory();
    memcpy(table->sizes, observation_space->sizes, table->width * sizeof *table->sizes);
    RUD_TRY(allocate_slots(table, FIRST_CAPACITY));
    return allocate_pages(table, 1);
}

rud_status rud_q_table_create(const rud_space *observation_space, const rud_space *action_space,
                              const rud_step_size *step_size, double initial_value,
                              rud_q_table **table)
{
    *table = NULL;
    RUD_TRY(check_spaces(observation_space, action_space));
    rud_q_table *created = calloc(1, sizeof *created);
    if (created == NULL) return no_memory();
    created->width = observation_space->width;
    created->actions = (size_t)action_space->sizes[0];
    created->step_size = *step_size;
    created->initial_value = initial_value;
    created->page_bits = page_bits_for(created->actions);
    const rud_status status = fill(created, observation_space);
    if (status != RUD_OK) rud_q_table_free(&created);
    *table = created;
    return status;
}

void rud_q_table_free(rud_q_table **table)
{
    if (*table == NULL) return;
    free((*table)->sizes);
    free((*table)->slots);
    free((*table)->values);
    free(*table);
    *table = NULL;
}

void rud_q_table_clear(rud_q_table *table)
{
    memset(table->slots, 0, table->capacity * sizeof *table->slots);
    table->pages = 0;
}

size_t rud_q_table_actions(const rud_q_table *table)
{
    return table->actions;
}

/* The state's number in mixed radix. */
static uint64_t state_number(const rud_q_table *table, const double *observation)
{
    uint64_t number = 0;
    for (size_t k = 0; k < table->width; k++) {
        number = number * (uint64_t)table->sizes[k] + (uint64_t)(int64_t)observation[k];
    }
    return number;
}

/* The key's slot, or the free one where it belongs (linear probing; multiplicative hash). */
static page_slot *find(const rud_q_table *table, uint64_t key)
{
    const uint64_t hash = key * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (size_t)(hash ^ (hash >> 32)) & (table->capacity - 1);
    while (table->slots[i].key != 0 && table->slots[i].key != key) {
        i = (i + 1) & (table->capacity - 1);
    }
    return &table->slots[i];
}

/* The actions of state `number` in the page that stands at `place`. */
static action_value *state_in_page(const rud_q_table *table, size_t place, uint64_t number)
{
    const size_t within = (size_t)number & (((size_t)1 << table->page_bits) - 1);
    return table->values + place * page_size(table) + within * table->actions;
}

static const action_value *lookup(const rud_q_table *table, const double *observation)
{
    const uint64_t number = state_number(table, observation);
    const page_slot *slot = find(table, (number >> table->page_bits) + 1);
    return slot->key != 0 ? state_in_page(table, slot->place, number) : NULL;
}

static rud_status grow_slots(rud_q_table *table)
{
    page_slot *slots = table->slots;
    const size_t capacity = table->capacity;
    RUD_TRY(allocate_slots(table, 2 * capacity));
    for (size_t i = 0; i < capacity; i++) {
        if (slots[i].key != 0) *find(table, slots[i].key) = slots[i];
    }
    free(slots);
    return RUD_OK;
}

/* A new page whose states nobody has visited. */
static rud_status add_page(rud_q_table *table, uint64_t key)
{
    if (table->pages == table->page_capacity) {
        RUD_TRY(allocate_pages(table, 2 * table->page_capacity));
    }
    if (2 * (table->pages + 1) > table->capacity) RUD_TRY(grow_slots(table));
    action_value *page = table->values + table->pages * page_size(table);
    for (size_t i = 0; i < page_size(table); i++) {
        page[i] = (action_value){.value = table->initial_value, .visits = 0};
    }
    *find(table, key) = (page_slot){.key = key, .place = table->pages++};
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
    const uint64_t number = state_number(table, observation);
    const uint64_t key = (number >> table->page_bits) + 1;
    const page_slot *slot = find(table, key);
    if (slot->key == 0) {
        RUD_TRY(add_page(table, key));
        slot = find(table, key);
    }
    action_value *entry = state_in_page(table, slot->place, number) + action;
    entry->visits++;
    const double alpha =
        table->step_size.sample_mean ? 1 / (double)entry->visits : table->step_size.constant;
    entry->value += alpha * (target - entry->value);
    return RUD_OK;
}

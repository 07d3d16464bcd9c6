#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "episodes/journal_private.h"

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Makes room for one item more. Those that were dropped at the front leave room first. */
static bool reserve(rud_journal_ids *ids)
{
    if (ids->first + ids->count < ids->capacity) return true;
    if (ids->first > ids->capacity / 2) {
        memmove(ids->items, ids->items + ids->first, ids->count * sizeof *ids->items);
        ids->first = 0;
        return true;
    }
    const size_t capacity = ids->capacity ? 2 * ids->capacity : 64;
    char **items = NULL;
    if (capacity <= SIZE_MAX / sizeof *items) items = realloc(ids->items, capacity * sizeof *items);
    if (items == NULL) return false;
    ids->items = items;
    ids->capacity = capacity;
    return true;
}

rud_status rud_journal_ids_add(rud_journal_ids *ids, const char *id, bool *added)
{
    *added = false;
    char *copy = reserve(ids) ? strdup(id) : NULL;
    char *const *found = copy != NULL ? tsearch(copy, &ids->tree, compare) : NULL;
    if (found == NULL) {
        free(copy);
        return rud_error(RUD_ENOMEM, "no memory for the %zu ids of a journal", ids->count + 1);
    }
    *added = *found == copy;
    if (*added) {
        ids->items[ids->first + ids->count++] = copy;
    } else {
        free(copy);
    }
    return RUD_OK;
}

bool rud_journal_ids_has(const rud_journal_ids *ids, const char *id)
{
    return tfind(id, &ids->tree, compare) != NULL;
}

static void drop(rud_journal_ids *ids, char *id)
{
    tdelete(id, &ids->tree, compare);
    free(id);
}

void rud_journal_ids_drop_newest(rud_journal_ids *ids, size_t count)
{
    for (; count > 0 && ids->count > 0; count--) drop(ids, ids->items[ids->first + --ids->count]);
}

void rud_journal_ids_drop_oldest(rud_journal_ids *ids, size_t count)
{
    for (; count > 0 && ids->count > 0; count--, ids->count--) drop(ids, ids->items[ids->first++]);
}

void rud_journal_ids_free(rud_journal_ids *ids)
{
    rud_journal_ids_drop_newest(ids, ids->count);
    free(ids->items);
    *ids = (rud_journal_ids){0};
}

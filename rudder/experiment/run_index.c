#include "experiment/run_index_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_settings(const rud_setting *a, const rud_setting *b)
{
    const int means = ORDER(a->step_size.sample_mean, b->step_size.sample_mean);
    const int constants =
        a->step_size.sample_mean ? 0 : ORDER(a->step_size.constant, b->step_size.constant);
    const int values = ORDER(a->initial_value, b->initial_value);
    if (means != 0) return means;
    if (constants != 0) return constants;
    if (values != 0) return values;
    return ORDER(a->random_episodes, b->random_episodes);
}

/* All but the place. */
static int compare_runs(const rud_run_key *a, const rud_run_key *b)
{
    const int methods = strcmp(a->method, b->method);
    const int settings = compare_settings(&a->setting, &b->setting);
    if (a->tuning != b->tuning) return ORDER(a->tuning, b->tuning);
    if (a->delay != b->delay) return ORDER(a->delay, b->delay);
    if (methods != 0) return methods;
    if (settings != 0) return settings;
    return ORDER(a->seed, b->seed);
}

static int compare_keys(const void *a, const void *b)
{
    const rud_run_key *first = a, *second = b;
    const int runs = compare_runs(first, second);
    return runs != 0 ? runs : ORDER(first->place, second->place);
}

rud_status rud_run_index_create(const rud_runs *runs, rud_run_index *index)
{
    *index = (rud_run_index){.count = runs->count};
    if (runs->count == 0) return RUD_OK;
    index->keys = calloc(runs->count, sizeof *index->keys);
    if (index->keys == NULL) {
        *index = (rud_run_index){0};
        return rud_error(RUD_ENOMEM, "no memory to find one of %zu runs", runs->count);
    }
    for (size_t i = 0; i < runs->count; i++) {
        const rud_run *run = &runs->items[i];
        rud_run_key *key = &index->keys[i];
        *key = (rud_run_key){.tuning = run->tuning,
                             .delay = run->delay,
                             .setting = run->setting,
                             .seed = run->seed,
                             .place = i};
        memcpy(key->method, run->method, sizeof key->method);
    }
    qsort(index->keys, index->count, sizeof *index->keys, compare_keys);
    return RUD_OK;
}

void rud_run_index_free(rud_run_index *index)
{
    free(index->keys);
    *index = (rud_run_index){0};
}

size_t rud_run_index_find(const rud_run_index *index, const rud_run_task *task)
{
    rud_run_key wanted = {
        .tuning = task->tuning, .delay = task->delay, .setting = task->setting, .seed = task->seed};
    size_t low = 0, high = index->count;
    snprintf(wanted.method, sizeof wanted.method, "%s", task->method);
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare_runs(&index->keys[middle], &wanted) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const bool found = low < index->count && compare_runs(&index->keys[low], &wanted) == 0;
    return found ? index->keys[low].place : SIZE_MAX;
}

#include "experiment/results.h"

#include <stdint.h>
#include <stdlib.h>

static void example_free(rud_example *example)
{
    free(example->original);
    free(example->redistributed);
    free(example->exact);
    free(example->caption);
}

void rud_run_free(rud_run *run)
{
    for (size_t k = 0; k < run->example_count; k++) example_free(&run->examples[k]);
    free(run->examples);
    free(run->curve);
    free(run->predictor);
    free(run->error);
    *run = (rud_run){0};
}

rud_status rud_runs_add(rud_runs *runs, rud_run *run)
{
    if (runs->count == runs->capacity) {
        size_t capacity = runs->capacity ? 2 * runs->capacity : 64;
        rud_run *items = NULL;
        if (capacity <= SIZE_MAX / sizeof *items) {
            items = realloc(runs->items, capacity * sizeof *items);
        }
        if (!items) {
            rud_run_free(run);
            return rud_error(RUD_ENOMEM, "run %zu: no memory left", runs->count + 1);
        }
        runs->items = items;
        runs->capacity = capacity;
    }
    runs->items[runs->count++] = *run;
    *run = (rud_run){0};
    return RUD_OK;
}

void rud_runs_free(rud_runs *runs)
{
    for (size_t k = 0; k < runs->count; k++) rud_run_free(&runs->items[k]);
    free(runs->items);
    *runs = (rud_runs){0};
}

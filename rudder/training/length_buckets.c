#include "training/length_buckets_private.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

/* Episodes are sorted by length among so many batches: enough to find like ones, few enough that
 * batches still differ from pass to pass. */
enum { WINDOW = 64 };

static rud_status reserve(rud_batch_plan *plan, size_t count)
{
    if (count <= plan->capacity) return RUD_OK;
    rud_batch_plan_free(plan);
    plan->order = malloc(count * sizeof *plan->order);
    plan->scratch = malloc(2 * (count + 1) * sizeof *plan->scratch);
    plan->starts = malloc((count + 1) * sizeof *plan->starts);
    if (!plan->order || !plan->scratch || !plan->starts) {
        rud_batch_plan_free(plan);
        return rud_error(RUD_ENOMEM, "no memory for the order of %zu episodes", count);
    }
    plan->capacity = count;
    return RUD_OK;
}

void rud_batch_plan_free(rud_batch_plan *plan)
{
    free(plan->order);
    free(plan->scratch);
    free(plan->starts);
    *plan = (rud_batch_plan){0};
}

/* Stable: bottom-up merge sort by length, so that equal ones stay in random order. */
static void sort_by_length(size_t *items, size_t count, const size_t *lengths, size_t *scratch)
{
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t first = 0; first < count; first += 2 * width) {
            const size_t middle = first + width < count ? first + width : count;
            const size_t end = middle + width < count ? middle + width : count;
            size_t a = first, b = middle;
            for (size_t k = first; k < end; k++) {
                const bool left =
                    a < middle && (b >= end || lengths[items[a]] <= lengths[items[b]]);
                scratch[k] = left ? items[a++] : items[b++];
            }
        }
        memcpy(items, scratch, count * sizeof *items);
    }
}

/* Episodes from `first` on, ascending in length, that make one batch. */
static size_t batch_size(const size_t *items, size_t count, const size_t *lengths, size_t most)
{
    double steps = 0;
    size_t size = 0;
    while (size < count && size < most) {
        const double longest = (double)lengths[items[size]];
        steps += longest;
        if ((double)(size + 1) * longest * (1 - RUD_PADDING_MOST) > steps) break;
        size++;
    }
    return size;
}

/* Cuts the sorted windows into batches. */
static void cut(rud_batch_plan *plan, size_t count, const size_t *lengths, size_t most)
{
    const size_t window = most > count / WINDOW ? count : most * WINDOW;
    plan->batches = 0;
    for (size_t first = 0; first < count; first += window) {
        const size_t end = count - first < window ? count : first + window;
        sort_by_length(plan->order + first, end - first, lengths, plan->scratch);
        for (size_t at = first; at < end;) {
            plan->starts[plan->batches++] = at;
            at += batch_size(plan->order + at, end - at, lengths, most);
        }
    }
    plan->starts[plan->batches] = count;
}

/* The batches in random order. */
static void shuffle_batches(rud_batch_plan *plan, size_t count, rud_rng *rng)
{
    size_t *items = plan->scratch, *batches = plan->scratch + count + 1;
    size_t used = 0;
    for (size_t k = 0; k < plan->batches; k++) batches[k] = k;
    rud_rng_shuffle(rng, batches, plan->batches);
    for (size_t k = 0; k < plan->batches; k++) {
        const size_t start = plan->starts[batches[k]];
        const size_t size = plan->starts[batches[k] + 1] - start;
        memcpy(items + used, plan->order + start, size * sizeof *items);
        batches[k] = used; /* batch k's start from here on */
        used += size;
    }
    memcpy(plan->order, items, count * sizeof *items);
    memcpy(plan->starts, batches, plan->batches * sizeof *batches);
}

rud_status rud_batch_plan_make(const size_t *episodes, size_t count, const size_t *lengths,
                               size_t most, uint64_t seed, uint64_t pass, rud_batch_plan *plan)
{
    RUD_TRY(reserve(plan, count));
    rud_rng rng = rud_rng_stream(seed, "training batches", pass);
    memcpy(plan->order, episodes, count * sizeof *episodes);
    rud_rng_shuffle(&rng, plan->order, count);
    cut(plan, count, lengths, most);
    shuffle_batches(plan, count, &rng);
    return RUD_OK;
}

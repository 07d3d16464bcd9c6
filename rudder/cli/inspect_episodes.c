/* What a data set of episodes holds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/inspect.h"

enum { BINS = 12, BAR_WIDTH = 40 };

/* One number an episode. */
typedef struct values {
    double *items;
    size_t count, capacity;
} values;

typedef struct totals {
    values lengths, returns;
    size_t steps, terminated, truncated, unfinished, seeds, unpaid, final_observations;
    size_t outside; /* episodes with a value outside of its space */
    size_t unreadable;
    rud_status first_status; /* of the first that could not be read */
    char first_message[512];
    double paid, paid_last; /* sums of |r| over all steps, and over the last ones */
    size_t observation_width, action_width;
} totals;

static rud_status add_value(values *list, double value)
{
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity ? 2 * list->capacity : 1024;
        double *items = realloc(list->items, capacity * sizeof *items);
        if (!items) return rud_error(RUD_ENOMEM, "no memory for %zu episodes", capacity);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = value;
    return RUD_OK;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool all_inside(const rud_space *space, const double *rows, size_t count)
{
    for (size_t r = 0; space && r < count; r++) {
        if (rud_space_check(space, rows + r * space->width) != RUD_OK) return false;
    }
    return true;
}

static rud_status count_episode(totals *sums, const rud_dataset *dataset, const rud_episode *e)
{
    RUD_TRY(add_value(&sums->lengths, (double)e->steps));
    RUD_TRY(add_value(&sums->returns, rud_episode_return(e)));
    sums->steps += e->steps;
    sums->terminated += e->terminated;
    sums->truncated += e->truncated;
    sums->unfinished += !e->terminated && !e->truncated;
    sums->seeds += e->has_seed;
    sums->unpaid += e->no_rewards;
    sums->final_observations += e->observation_rows > e->steps;
    for (size_t t = 0; t < e->steps; t++) sums->paid += fabs(e->rewards[t]);
    sums->paid_last += fabs(e->rewards[e->steps - 1]);
    sums->observation_width = e->observation_width;
    sums->action_width = e->action_width;
    sums->outside +=
        !all_inside(rud_dataset_observation_space(dataset), e->observations, e->observation_rows) ||
        !all_inside(rud_dataset_action_space(dataset), e->actions, e->steps);
    return RUD_OK;
}

/* A damaged episode is counted, and the next one read. */
static rud_status read_all(rud_dataset *dataset, totals *sums)
{
    for (;;) {
        rud_episode *episode;
        RUD_TRY(rud_stop_check(&cli_stop));
        rud_status status = rud_dataset_next(dataset, &episode);
        if (status == RUD_EFORMAT || status == RUD_ENONFINITE) {
            if (sums->unreadable++ == 0) {
                sums->first_status = status;
                snprintf(sums->first_message, sizeof sums->first_message, "%s", rud_last_error());
            }
            continue;
        }
        if (status != RUD_OK || !episode) return status;
        status = count_episode(sums, dataset, episode);
        rud_episode_free(&episode);
        if (status != RUD_OK) return status;
    }
}

/* ---- the JSON object ---- */

static bool add_named(json_object *object, const char *prefix, const char *name, double value)
{
    char key[64];
    snprintf(key, sizeof key, "%s_%s", prefix, name);
    return rud_json_put_number(object, key, value);
}

static bool add_quantiles(json_object *object, const char *prefix, const values *sorted)
{
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {{"5%", 0.05}, {"25%", 0.25}, {"50%", 0.5}, {"75%", 0.75}, {"95%", 0.95}};
    char key[64];
    json_object *o = json_object_new_object();
    bool added = o != NULL;
    for (size_t k = 0; added && k < sizeof quantiles / sizeof *quantiles; k++) {
        added = rud_json_put_number(o, quantiles[k].name,
                                    rud_quantile(sorted->items, sorted->count, quantiles[k].share));
    }
    snprintf(key, sizeof key, "%s_quantiles", prefix);
    return rud_json_put(object, key, o) && added;
}

/* The values are sorted. */
static bool add_distribution(json_object *object, const char *prefix, values *list)
{
    const double n = (double)list->count;
    double sum = 0, squares = 0;
    for (size_t k = 0; k < list->count; k++) sum += list->items[k];
    const double mean = sum / n;
    for (size_t k = 0; k < list->count; k++) {
        squares += (list->items[k] - mean) * (list->items[k] - mean);
    }
    qsort(list->items, list->count, sizeof *list->items, compare);
    return add_named(object, prefix, "min", list->items[0]) &&
           add_named(object, prefix, "mean", mean) &&
           add_named(object, prefix, "max", list->items[list->count - 1]) &&
           add_named(object, prefix, "std", sqrt(squares / n)) &&
           add_quantiles(object, prefix, list);
}

static bool add_histogram(json_object *object, const values *sorted)
{
    const double low = sorted->items[0], width = sorted->items[sorted->count - 1] - low;
    size_t counts[BINS] = {0};
    for (size_t k = 0; k < sorted->count; k++) {
        const double place = width > 0 ? (sorted->items[k] - low) / width * BINS : 0;
        counts[place < BINS ? (size_t)place : BINS - 1]++;
    }
    json_object *o = json_object_new_object(), *list = json_object_new_array();
    bool added =
        rud_json_put_number(o, "low", low) && rud_json_put_number(o, "width", width / BINS);
    added = rud_json_put(o, "counts", list) && added;
    for (size_t k = 0; added && k < (width > 0 ? BINS : 1); k++) {
        added = rud_json_push_count(list, counts[k]);
    }
    return rud_json_put(object, "return_histogram", o) && added;
}

static bool add_space(json_object *object, const char *key, const rud_space *space)
{
    char text[256];
    if (!space) return rud_json_put_text(object, key, "none");
    cli_space_text(space, text, sizeof text);
    return rud_json_put_text(object, key, text);
}

static bool add_arrays(json_object *object, const rud_dataset *dataset)
{
    json_object *list = json_object_new_array();
    const rud_dataset_leaf *leaf;
    if (!rud_json_put(object, "arrays", list)) return false;
    for (size_t k = 0; (leaf = rud_dataset_leaf_at(dataset, k)); k++) {
        json_object *o = json_object_new_object(); /* the list owns it from here on */
        if (!rud_json_push(list, o) || !rud_json_put_text(o, "name", leaf->name) ||
            !rud_json_put_text(o, "type", leaf->type) ||
            !rud_json_put_text(o, "space", leaf->space) ||
            !rud_json_put_text(o, "use", leaf->readable ? "numbers" : "carried, no feature")) {
            return false;
        }
    }
    return true;
}

static bool add_counts(json_object *object, const totals *sums, const rud_dataset *dataset)
{
    return rud_json_put_count(object, "terminated", sums->terminated) &&
           rud_json_put_count(object, "truncated", sums->truncated) &&
           rud_json_put_count(object, "unfinished", sums->unfinished) &&
           rud_json_put_count(object, "tail_steps", rud_dataset_tail_steps(dataset)) &&
           rud_json_put_count(object, "with_seed", sums->seeds) &&
           rud_json_put_count(object, "final_observations", sums->final_observations) &&
           rud_json_put_count(object, "outside_space", sums->outside) &&
           rud_json_put_count(object, "unreadable", sums->unreadable) &&
           (sums->unpaid == 0 || rud_json_put_count(object, "without_rewards", sums->unpaid));
}

/* What a journal is beyond its episodes. */
static bool add_journal(json_object *object, const rud_journal_reader *reader)
{
    if (!reader) return true;
    const rud_journal_progress progress = rud_journal_reader_progress(reader);
    return rud_json_put_text(object, "task", rud_journal_reader_header(reader)->task) &&
           rud_json_put_count(object, "segments", progress.segments) &&
           rud_json_put_count(object, "bytes", progress.bytes) &&
           rud_json_put_count(object, "tail_bytes", progress.tail_bytes) &&
           rud_json_put_count(object, "damaged", progress.damaged);
}

static bool add_all(json_object *object, totals *sums, const rud_dataset *dataset)
{
    const double delayed = sums->paid > 0 ? sums->paid_last / sums->paid : NAN;
    return rud_json_put_text(object, "kind", "episodes") &&
           rud_json_put_text(object, "file", rud_dataset_path(dataset)) &&
           rud_json_put_text(object, "format", rud_dataset_format(dataset)) &&
           rud_json_put_count(object, "episodes", sums->returns.count) &&
           rud_json_put_count(object, "steps", sums->steps) &&
           add_distribution(object, "length", &sums->lengths) &&
           add_distribution(object, "return", &sums->returns) &&
           rud_json_put_number(object, "delayed_share", delayed) &&
           add_space(object, "observation_space", rud_dataset_observation_space(dataset)) &&
           add_space(object, "action_space", rud_dataset_action_space(dataset)) &&
           rud_json_put_count(object, "observation_width", sums->observation_width) &&
           rud_json_put_count(object, "action_width", sums->action_width) &&
           add_counts(object, sums, dataset) &&
           add_journal(object, rud_dataset_journal_reader(dataset)) &&
           add_arrays(object, dataset) && add_histogram(object, &sums->returns);
}

/* What could be read is shown; what could not is the failure. */
static rud_status describe(rud_dataset *dataset, totals *sums, json_object *object)
{
    RUD_TRY(read_all(dataset, sums));
    if (sums->returns.count > 0) RUD_TRY(cli_added(add_all(object, sums, dataset)));
    if (sums->unreadable == 0) return RUD_OK;
    return rud_error(sums->first_status, "%s%s", sums->first_message,
                     sums->unreadable > 1 ? " (and more such episodes)" : "");
}

rud_status cli_inspect_episodes(const char *path, json_object *object)
{
    totals sums = {0};
    rud_dataset *dataset;
    rud_dataset_options options = rud_dataset_options_default();
    options.infos = false;
    options.without_numbers = true;
    RUD_TRY(rud_dataset_open(path, &options, &dataset));
    const rud_status status = describe(dataset, &sums, object);
    rud_dataset_close(&dataset);
    free(sums.lengths.items);
    free(sums.returns.items);
    return status;
}

void cli_inspect_print_histogram(json_object *histogram)
{
    json_object *low, *width, *counts;
    if (!json_object_object_get_ex(histogram, "low", &low) ||
        !json_object_object_get_ex(histogram, "width", &width) ||
        !json_object_object_get_ex(histogram, "counts", &counts)) {
        return;
    }
    uint64_t largest = 1;
    for (size_t k = 0; k < json_object_array_length(counts); k++) {
        const uint64_t count = json_object_get_uint64(json_object_array_get_idx(counts, k));
        if (count > largest) largest = count;
    }
    printf("\n  return from     episodes\n");
    for (size_t k = 0; k < json_object_array_length(counts); k++) {
        const uint64_t count = json_object_get_uint64(json_object_array_get_idx(counts, k));
        const double share = (double)count / (double)largest;
        printf("%13.6g %12llu  ",
               json_object_get_double(low) + (double)k * json_object_get_double(width),
               (unsigned long long)count);
        for (int i = 0; i < (int)ceil(share * BAR_WIDTH); i++) putchar('#');
        putchar('\n');
    }
}

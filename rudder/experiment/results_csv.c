#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "experiment/run_json_private.h"

static const char *const columns[] = {
    "environment",   "delay",           "method",         "step_size",
    "initial_value", "random_episodes", "seed",           "solved",
    "censored",      "episodes",        "poor_decisions", "greedy_optimal_from",
    "regret_500",    "regret_1000",     "regret_2000",    "seconds",
    "error",
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

/* RFC 4180: a field with a separator, quote or line end stands in quotes, its quotes doubled. */
static void write_field(FILE *stream, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (; *text; text++) {
        if (*text == '"') fputc('"', stream);
        fputc(*text, stream);
    }
    fputc('"', stream);
}

/* The fields are those of results.json, so that both show the same values; null is empty. */
static rud_status write_run(FILE *stream, const rud_run *run)
{
    json_object *object = json_object_new_object();
    if (!object || !rud_run_put_results(object, run)) {
        json_object_put(object);
        return rud_error(RUD_ENOMEM, "results: no memory left");
    }
    json_object *setting = json_object_object_get(object, "setting");
    for (size_t k = 0; k < COLUMNS; k++) {
        json_object *value;
        if (!json_object_object_get_ex(object, columns[k], &value)) {
            value = json_object_object_get(setting, columns[k]);
        }
        if (k) fputc(',', stream);
        if (value) write_field(stream, json_object_get_string(value));
    }
    fputc('\n', stream);
    json_object_put(object);
    return RUD_OK;
}

rud_status rud_results_write_csv(const rud_results *results, const char *path)
{
    rud_atomic_file file;
    RUD_TRY(rud_atomic_file_open(path, &file));
    for (size_t k = 0; k < COLUMNS; k++) fprintf(file.stream, "%s%s", k ? "," : "", columns[k]);
    fputc('\n', file.stream);
    const rud_runs *runs = results->runs;
    for (size_t k = 0; k < runs->count; k++) {
        if (runs->items[k].tuning) continue;
        rud_status status = write_run(file.stream, &runs->items[k]);
        if (status != RUD_OK) {
            rud_atomic_file_abort(&file);
            return status;
        }
    }
    return rud_atomic_file_commit(&file);
}

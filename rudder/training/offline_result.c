#include "training/offline_result_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

enum { FILE_LIMIT = 1 << 24 };

static bool put_rung(json_object *o, const rud_rung *r)
{
    return rud_json_put_text(o, "cell", r->cell) &&
           rud_json_put_count(o, "parameters", r->parameters) &&
           rud_json_put_count(o, "updates", r->updates) &&
           rud_json_put_count(o, "best_update", r->best_update) &&
           rud_json_put_bool(o, "diverged", r->diverged) &&
           rud_json_put_number(o, "loss_main", r->loss_main) &&
           rud_json_put_number(o, "loss_all", r->loss_all) &&
           rud_json_put_number(o, "r_squared", r->r_squared) &&
           rud_json_put_number(o, "gain", r->gain) &&
           rud_json_put_number(o, "gain_error", r->gain_error) &&
           rud_json_put_number(o, "padding", r->padding) &&
           rud_json_put_bool(o, "chosen", r->chosen);
}

static bool put_ladder(json_object *root, const rud_offline_result *result)
{
    json_object *ladder = json_object_new_array(); /* root owns it from here on */
    bool made = rud_json_put(root, "ladder", ladder);
    for (size_t k = 0; made && k < result->rung_count; k++) {
        json_object *rung = json_object_new_object(); /* and ladder this */
        made = rud_json_push(ladder, rung) && put_rung(rung, &result->rungs[k]);
    }
    return made;
}

static bool put_all(json_object *root, const rud_offline_result *r)
{
    return rud_json_put_count(root, "episodes", r->episodes) &&
           rud_json_put_count(root, "steps", r->steps) &&
           rud_json_put_count(root, "training", r->training) &&
           rud_json_put_count(root, "validation", r->validation) &&
           rud_json_put_count(root, "test", r->test) &&
           rud_json_put_bool(root, "in_memory", r->in_memory) &&
           rud_json_put_bool(root, "success", r->target == RUD_TARGET_SUCCESS) &&
           rud_json_put_number(root, "discount", r->discount) &&
           rud_json_put_number(root, "learning_rate", r->learning_rate) &&
           rud_json_put_count(root, "hidden", r->hidden) &&
           rud_json_put_count(root, "trials", r->trials) && put_ladder(root, r) &&
           rud_json_put_text(root, "cell", r->cell) &&
           rud_json_put_number(root, "quality", r->quality) &&
           rud_json_put_number(root, "r_squared", r->r_squared) &&
           rud_json_put_number(root, "rank_correlation", r->rank_correlation) &&
           rud_json_put_number(root, "variance_ratio", r->variance_ratio) &&
           rud_json_put_number(root, "error_std", r->error_std);
}

rud_status rud_offline_result_write(const rud_offline_result *result, const char *path)
{
    json_object *root = json_object_new_object();
    const rud_status status = put_all(root, result)
                                  ? rud_json_write(root, true, path)
                                  : rud_error(RUD_ENOMEM, "no memory for %s", path);
    json_object_put(root);
    return status;
}

/* Fields are read until one is wrong. */
typedef struct reader {
    json_object *object;
    rud_status status;
} reader;

static void get_count(reader *reader, const char *key, size_t *value)
{
    uint64_t count = 0;
    if (reader->status == RUD_OK) {
        reader->status = rud_json_get_count(reader->object, key, &count);
    }
    *value = (size_t)count;
}

static void get_number(reader *reader, const char *key, double *value)
{
    if (reader->status == RUD_OK) {
        reader->status = rud_json_get_number(reader->object, key, value);
    }
}

static void get_bool(reader *reader, const char *key, bool *value)
{
    if (reader->status == RUD_OK) reader->status = rud_json_get_bool(reader->object, key, value);
}

static void get_cell(reader *reader, char cell[RUD_NAME_SIZE])
{
    if (reader->status == RUD_OK) {
        reader->status = rud_json_get_name(reader->object, "cell", cell, RUD_NAME_SIZE);
    }
}

static rud_status get_rung(json_object *object, rud_rung *r)
{
    reader reader = {object, RUD_OK};
    get_cell(&reader, r->cell);
    get_count(&reader, "parameters", &r->parameters);
    get_count(&reader, "updates", &r->updates);
    get_count(&reader, "best_update", &r->best_update);
    get_bool(&reader, "diverged", &r->diverged);
    get_number(&reader, "loss_main", &r->loss_main);
    get_number(&reader, "loss_all", &r->loss_all);
    get_number(&reader, "r_squared", &r->r_squared);
    get_number(&reader, "gain", &r->gain);
    get_number(&reader, "gain_error", &r->gain_error);
    get_number(&reader, "padding", &r->padding);
    get_bool(&reader, "chosen", &r->chosen);
    return reader.status;
}

static rud_status get_ladder(json_object *root, rud_offline_result *result)
{
    json_object *ladder;
    RUD_TRY(rud_json_get_array(root, "ladder", &ladder));
    result->rung_count = json_object_array_length(ladder);
    if (result->rung_count > RUD_LIST_MAX) {
        return rud_error(RUD_EFORMAT, "field \"ladder\" has %zu rungs; %d are allowed",
                         result->rung_count, RUD_LIST_MAX);
    }
    for (size_t k = 0; k < result->rung_count; k++) {
        RUD_TRY(rud_error_context(get_rung(json_object_array_get_idx(ladder, k), &result->rungs[k]),
                                  "ladder[%zu]", k));
    }
    return RUD_OK;
}

static rud_status get_all(json_object *root, rud_offline_result *r)
{
    reader reader = {root, RUD_OK};
    bool success = false;
    get_count(&reader, "episodes", &r->episodes);
    get_count(&reader, "steps", &r->steps);
    get_count(&reader, "training", &r->training);
    get_count(&reader, "validation", &r->validation);
    get_count(&reader, "test", &r->test);
    get_bool(&reader, "in_memory", &r->in_memory);
    get_bool(&reader, "success", &success);
    get_number(&reader, "discount", &r->discount);
    get_number(&reader, "learning_rate", &r->learning_rate);
    get_count(&reader, "hidden", &r->hidden);
    get_count(&reader, "trials", &r->trials);
    get_cell(&reader, r->cell);
    get_number(&reader, "quality", &r->quality);
    get_number(&reader, "r_squared", &r->r_squared);
    get_number(&reader, "rank_correlation", &r->rank_correlation);
    get_number(&reader, "variance_ratio", &r->variance_ratio);
    get_number(&reader, "error_std", &r->error_std);
    r->target = success ? RUD_TARGET_SUCCESS : RUD_TARGET_RETURN;
    RUD_TRY(reader.status);
    return get_ladder(root, r);
}

rud_status rud_offline_result_read(const char *folder, rud_offline_result *result)
{
    json_object *root = NULL;
    *result = (rud_offline_result){0};
    char *path = rud_path_join(folder, "training.json");
    if (path == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    rud_status status = rud_json_read(path, FILE_LIMIT, &root);
    if (status == RUD_OK) status = rud_error_context(get_all(root, result), "%s", path);
    json_object_put(root);
    free(path);
    return status;
}

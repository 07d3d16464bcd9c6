#include "training/split.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"

enum { LEAST = 2, DIGEST_SIZE = 17 };
static const size_t file_limit = (size_t)1 << 30;

static rud_status allocate(size_t episodes, rud_split *split)
{
    split->episodes = episodes;
    split->is_held_out = calloc(episodes + 1, sizeof *split->is_held_out);
    split->is_test = calloc(episodes + 1, sizeof *split->is_test);
    split->training = malloc((episodes + 1) * sizeof *split->training);
    split->validation = malloc((episodes + 1) * sizeof *split->validation);
    split->test = malloc((episodes + 1) * sizeof *split->test);
    if (split->is_held_out && split->is_test && split->training && split->validation &&
        split->test) {
        return RUD_OK;
    }
    return rud_error(RUD_ENOMEM, "no memory to split %zu episodes", episodes);
}

/* The three lists from is_held_out and is_test. */
static void list_parts(rud_split *split)
{
    split->training_count = split->validation_count = split->test_count = 0;
    for (size_t k = 0; k < split->episodes; k++) {
        if (!split->is_held_out[k]) {
            split->training[split->training_count++] = k;
        } else if (split->is_test[k]) {
            split->test[split->test_count++] = k;
        } else {
            split->validation[split->validation_count++] = k;
        }
    }
}

rud_status rud_split_create(size_t episodes, double share, size_t most, uint64_t seed,
                            rud_split *split)
{
    *split = (rud_split){.seed = seed};
    if (episodes < 3 * LEAST) {
        return rud_error(RUD_EINVAL,
                         "%zu episode%s cannot be split into training, validation and test: at "
                         "least %d are needed",
                         episodes, episodes == 1 ? "" : "s", 3 * LEAST);
    }
    RUD_TRY(allocate(episodes, split));
    double count = round(share * (double)episodes);
    count = fmin(count, (double)most);
    count = fmin(fmax(count, 2 * LEAST), (double)(episodes - LEAST));
    rud_rng rng = rud_rng_stream(seed, "held-out episodes", 0);
    size_t *order = split->training; /* overwritten below */
    for (size_t k = 0; k < episodes; k++) order[k] = k;
    rud_rng_shuffle(&rng, order, episodes);
    for (size_t k = 0; k < (size_t)count; k++) {
        split->is_held_out[order[k]] = true;
        split->is_test[order[k]] = k % 2 == 1;
    }
    list_parts(split);
    return RUD_OK;
}

rud_status rud_split_add_file(rud_split *split, const char *path, size_t episodes, size_t steps,
                              uint64_t digest)
{
    rud_split_file *grown = realloc(split->files, (split->file_count + 1) * sizeof *split->files);
    if (grown == NULL) return rud_error(RUD_ENOMEM, "no memory for a file of the split");
    split->files = grown;
    const rud_split_file *last = split->file_count > 0 ? &grown[split->file_count - 1] : NULL;
    rud_split_file *file = &grown[split->file_count];
    *file = (rud_split_file){.path = strdup(path),
                             .first = last != NULL ? last->first + last->episodes : 0,
                             .episodes = episodes,
                             .steps = steps,
                             .digest = digest};
    if (file->path == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    split->file_count++;
    return RUD_OK;
}

void rud_split_free(rud_split *split)
{
    for (size_t k = 0; k < split->file_count; k++) free(split->files[k].path);
    free(split->files);
    free(split->is_held_out);
    free(split->is_test);
    free(split->training);
    free(split->validation);
    free(split->test);
    *split = (rud_split){0};
}

static bool put_file(json_object *o, const rud_split *split, const rud_split_file *file)
{
    char digest[DIGEST_SIZE];
    snprintf(digest, sizeof digest, "%016" PRIx64, file->digest);
    json_object *validation = json_object_new_array(), *test = json_object_new_array();
    bool made = rud_json_put(o, "validation", validation); /* o owns them from here on */
    made = rud_json_put(o, "test", test) && made && rud_json_put_text(o, "path", file->path) &&
           rud_json_put_count(o, "episodes", file->episodes) &&
           rud_json_put_count(o, "steps", file->steps) && rud_json_put_text(o, "digest", digest);
    for (size_t k = 0; made && k < file->episodes; k++) {
        if (!split->is_held_out[file->first + k]) continue;
        made = rud_json_push_count(split->is_test[file->first + k] ? test : validation, k);
    }
    return made;
}

static json_object *file_to_json(const rud_split *split, const rud_split_file *file)
{
    json_object *o = json_object_new_object();
    if (o != NULL && put_file(o, split, file)) return o;
    json_object_put(o);
    return NULL;
}

bool rud_split_equal(const rud_split *a, const rud_split *b)
{
    if (a->file_count != b->file_count || a->episodes != b->episodes) return false;
    for (size_t k = 0; k < a->file_count; k++) {
        const rud_split_file *one = &a->files[k], *other = &b->files[k];
        if (one->episodes != other->episodes || one->digest != other->digest) return false;
    }
    return memcmp(a->is_held_out, b->is_held_out, a->episodes * sizeof *a->is_held_out) == 0 &&
           memcmp(a->is_test, b->is_test, a->episodes * sizeof *a->is_test) == 0;
}

static bool put_split(json_object *root, const rud_split *split)
{
    json_object *files = json_object_new_array(); /* root owns it from here on */
    bool made = rud_json_put_count(root, "seed", split->seed) && rud_json_put(root, "files", files);
    for (size_t k = 0; made && k < split->file_count; k++) {
        made = rud_json_push(files, file_to_json(split, &split->files[k]));
    }
    return made;
}

rud_status rud_split_write(const rud_split *split, const char *folder)
{
    char *path = rud_path_join(folder, "splits.json");
    json_object *root = json_object_new_object();
    const rud_status status = path != NULL && put_split(root, split)
                                  ? rud_json_write(root, false, path)
                                  : rud_error(RUD_ENOMEM, "no memory for the split's text");
    json_object_put(root);
    free(path);
    return status;
}

static rud_status read_file_entry(json_object *o, rud_split *split)
{
    uint64_t episodes, steps, digest = 0;
    char *path = NULL, *hex = NULL, *end = NULL;
    RUD_TRY(rud_json_get_count(o, "episodes", &episodes));
    RUD_TRY(rud_json_get_count(o, "steps", &steps));
    RUD_TRY(rud_json_get_text(o, "digest", &hex));
    rud_status status = rud_json_get_text(o, "path", &path);
    if (hex != NULL) digest = strtoull(hex, &end, 16);
    if (status == RUD_OK && (path == NULL || hex == NULL || *end != '\0')) {
        status = rud_error(RUD_EFORMAT, "field \"path\" or \"digest\" is missing");
    }
    if (status == RUD_OK && episodes > file_limit) {
        status = rud_error(RUD_EFORMAT, "field \"episodes\" is too large");
    }
    if (status == RUD_OK) status = rud_split_add_file(split, path, episodes, steps, digest);
    free(path);
    free(hex);
    return status;
}

static rud_status read_numbers(json_object *o, const char *part, rud_split *split,
                               const rud_split_file *file)
{
    json_object *numbers;
    RUD_TRY(rud_json_get_array(o, part, &numbers));
    for (size_t k = 0; k < json_object_array_length(numbers); k++) {
        double number;
        if (!rud_json_number_at(numbers, k, &number) || !(number >= 0) ||
            number >= (double)file->episodes || number != floor(number)) {
            return rud_error(RUD_EFORMAT, "field \"%s\"[%zu] is no episode of \"%s\"", part, k,
                             file->path);
        }
        split->is_held_out[file->first + (size_t)number] = true;
        split->is_test[file->first + (size_t)number] = strcmp(part, "test") == 0;
    }
    return RUD_OK;
}

static rud_status read_root(json_object *root, rud_split *split)
{
    json_object *files;
    RUD_TRY(rud_json_get_count(root, "seed", &split->seed));
    RUD_TRY(rud_json_get_array(root, "files", &files));
    const size_t count = json_object_array_length(files);
    for (size_t k = 0; k < count; k++) {
        RUD_TRY(rud_error_context(read_file_entry(json_object_array_get_idx(files, k), split),
                                  "files[%zu]", k));
    }
    if (count == 0) return rud_error(RUD_EFORMAT, "field \"files\" is empty");
    const rud_split_file *last = &split->files[count - 1];
    RUD_TRY(allocate(last->first + last->episodes, split));
    for (size_t k = 0; k < count; k++) {
        json_object *o = json_object_array_get_idx(files, k);
        RUD_TRY(read_numbers(o, "validation", split, &split->files[k]));
        RUD_TRY(read_numbers(o, "test", split, &split->files[k]));
    }
    list_parts(split);
    return RUD_OK;
}

rud_status rud_split_read(const char *folder, rud_split *split)
{
    json_object *root = NULL;
    *split = (rud_split){0};
    char *path = rud_path_join(folder, "splits.json");
    if (path == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    rud_status status = rud_json_read(path, file_limit, &root);
    if (status == RUD_OK) status = rud_error_context(read_root(root, split), "%s", path);
    json_object_put(root);
    free(path);
    if (status != RUD_OK) rud_split_free(split);
    return status;
}

/* A task's folder: what it learnt, so that a restart goes on. The published model is the learner's
 * own, or stands in a file that the checkpoint names; that is written first and removed last, so
 * that both always fit. */
#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent_bridge/trainer_private.h"
#include "base/file.h"
#include "base/log.h"

enum { FORMAT = 1, MODEL_NAME = 48, LEARN_AT_ONCE = 64 };

static const size_t largest_checkpoint = (size_t)1 << 30;

static void name_model(uint64_t version, char name[MODEL_NAME])
{
    snprintf(name, MODEL_NAME, "model-%" PRIu64 ".safetensors", version);
}

/* ---- saving ---- */

static rud_status save_model(const rud_task *task, const char *name)
{
    char *path = rud_path_join(task->folder, name);
    if (path == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    rud_status status = RUD_OK;
    if (!rud_file_exists(path)) status = rud_predictor_save(task->predicting, path);
    free(path);
    return status;
}

static void pack_lessons(rud_packer *packer, const rud_task *task)
{
    const rud_lesson_buffer *lessons = rud_redistributor_lessons(task->learner);
    const size_t count = rud_lesson_buffer_count(lessons);
    rud_pack_key(packer, "lessons");
    rud_pack_array(packer, count);
    for (size_t k = 0; k < count; k++) {
        rud_pack_text(packer, rud_lesson_buffer_episode(lessons, k)->id);
    }
}

static rud_status pack_checkpoint(rud_packer *packer, const rud_task *task, uint64_t version,
                                  bool in_learner)
{
    const rud_quality *quality = &task->published_quality;
    void *bytes = NULL;
    size_t size = 0;
    RUD_TRY(rud_redistributor_save(task->learner, &bytes, &size));
    rud_pack_open(packer);
    rud_pack_field_uint(packer, "format", FORMAT);
    rud_pack_field_uint(packer, "model_version", version);
    rud_pack_field_uint(packer, "last_version", task->last_version);
    rud_pack_field_bool(packer, "model_in_learner", in_learner);
    rud_pack_field_uint(packer, "pausing", task->pausing);
    rud_pack_field_uint(packer, "taken", task->taken);
    rud_pack_field_uint(packer, "updates_published", task->updates_published);
    rud_pack_field_uint(packer, "since_published", task->since_published);
    rud_pack_field_uint(packer, "quality_count", quality->count);
    rud_pack_field_row(packer, "quality_errors", quality->errors, RUD_QUALITY_WINDOW);
    pack_lessons(packer, task);
    rud_pack_key(packer, "learner");
    rud_pack_bytes(packer, bytes, size);
    rud_pack_close(packer);
    free(bytes);
    return packer->failed ? rud_error(RUD_ENOMEM, "no memory for a checkpoint") : RUD_OK;
}

static int is_model(const struct dirent *entry)
{
    return strncmp(entry->d_name, "model-", 6) == 0;
}

static void remove_other_models(const rud_task *task, const char *name)
{
    struct dirent **entries = NULL;
    const int count = scandir(task->folder, &entries, is_model, NULL);
    for (int k = 0; k < count; k++) {
        char *path = rud_path_join(task->folder, entries[k]->d_name);
        if (path != NULL && strcmp(entries[k]->d_name, name) != 0) remove(path);
        free(path);
        free(entries[k]);
    }
    if (count >= 0) free(entries);
}

static rud_status write_checkpoint(const rud_task *task, uint64_t version, bool in_learner)
{
    char *path = rud_path_join(task->folder, "checkpoint");
    rud_packer packer;
    rud_packer_init(&packer);
    rud_status status = path != NULL ? pack_checkpoint(&packer, task, version, in_learner)
                                     : rud_error(RUD_ENOMEM, "no memory for a path");
    if (status == RUD_OK) status = rud_file_write(path, packer.buffer.data, packer.buffer.size);
    rud_packer_free(&packer);
    free(path);
    return status;
}

rud_status rud_task_save(rud_task *task)
{
    char name[MODEL_NAME];
    const uint64_t version = task->view.model->version;
    name_model(version, name);
    if (version > 0) RUD_TRY(save_model(task, name));
    RUD_TRY(write_checkpoint(task, version, false));
    remove_other_models(task, name);
    return RUD_OK;
}

rud_status rud_task_save_published(rud_task *task)
{
    RUD_TRY(write_checkpoint(task, task->last_version, true));
    remove_other_models(task, "");
    return RUD_OK;
}

/* ---- loading ---- */

/* What a checkpoint's file holds. */
typedef struct saved {
    char *bytes;
    rud_message message;
    uint64_t version;
    bool in_learner;
    const char **lessons; /* [lesson_count] ids, sorted; owned with their text */
    size_t lesson_count;
} saved;

static void free_saved(saved *from)
{
    for (size_t k = 0; k < from->lesson_count; k++) free((char *)from->lessons[k]);
    free(from->lessons);
    rud_message_free(&from->message);
    free(from->bytes);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static rud_status read_lessons(const msgpack_object *list, saved *from)
{
    if (list->type != MSGPACK_OBJECT_ARRAY) return rud_error(RUD_EFORMAT, "no list of lessons");
    const size_t count = list->via.array.size;
    from->lessons = calloc(count + 1, sizeof *from->lessons);
    if (from->lessons == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu lessons", count);
    for (size_t k = 0; k < count; k++) {
        const msgpack_object *id = &list->via.array.ptr[k];
        if (id->type != MSGPACK_OBJECT_STR) return rud_error(RUD_EFORMAT, "a lesson has no id");
        from->lessons[k] = strndup(id->via.str.ptr, id->via.str.size);
        if (from->lessons[k] == NULL) return rud_error(RUD_ENOMEM, "no memory for lessons");
        from->lesson_count++;
    }
    qsort(from->lessons, count, sizeof *from->lessons, compare_texts);
    return RUD_OK;
}

static rud_status read_quality(rud_wire_place place, const msgpack_object *root, rud_task *task)
{
    const msgpack_object *errors = NULL;
    rud_tensor_view view;
    uint64_t count = 0;
    RUD_TRY(rud_wire_uint(place, root, "quality_count", 0, SIZE_MAX, &count));
    RUD_TRY(rud_wire_need(place, root, "quality_errors", &errors));
    RUD_TRY(rud_wire_tensor(place, "quality_errors", errors, &view));
    if (view.count != RUD_QUALITY_WINDOW) return rud_error(RUD_EFORMAT, "a window of other size");
    rud_tensor_read(&view, task->published_quality.errors);
    task->published_quality.count = (size_t)count;
    return RUD_OK;
}

static rud_status read_numbers(rud_task *task, saved *from)
{
    rud_problem problem = {0};
    const rud_wire_place place = {"", &problem};
    const msgpack_object *root = &from->message.root, *lessons = NULL;
    uint64_t format = 0, updates = 0, since = 0, pausing = 0;
    if (root->type != MSGPACK_OBJECT_MAP) return rud_error(RUD_EFORMAT, "no map");
    RUD_TRY(rud_wire_uint(place, root, "format", FORMAT, FORMAT, &format));
    RUD_TRY(rud_wire_uint(place, root, "model_version", 0, UINT64_MAX, &from->version));
    RUD_TRY(rud_wire_uint(place, root, "last_version", 0, UINT64_MAX, &task->last_version));
    RUD_TRY(rud_wire_bool(place, root, "model_in_learner", &from->in_learner));
    RUD_TRY(rud_wire_uint(place, root, "pausing", 0, RUD_PAUSING_PAUSED, &pausing));
    RUD_TRY(rud_wire_uint(place, root, "taken", 0, UINT64_MAX, &task->taken));
    task->pausing = (rud_pausing)pausing;
    if (task->pausing != RUD_PAUSING_NONE) task->paused = task->pausing == RUD_PAUSING_PAUSED;
    RUD_TRY(rud_wire_uint(place, root, "updates_published", 0, SIZE_MAX, &updates));
    RUD_TRY(rud_wire_uint(place, root, "since_published", 0, SIZE_MAX, &since));
    task->updates_published = (size_t)updates;
    task->since_published = (size_t)since;
    RUD_TRY(read_quality(place, root, task));
    RUD_TRY(rud_wire_need(place, root, "lessons", &lessons));
    return read_lessons(lessons, from);
}

static rud_status read_checkpoint(rud_task *task, const char *path, saved *from)
{
    size_t size = 0;
    RUD_TRY(rud_file_read(path, largest_checkpoint, &from->bytes, &size));
    rud_status status = rud_message_read(from->bytes, size, &from->message);
    if (status == RUD_OK) status = read_numbers(task, from);
    return rud_error_context(status, "%s", path);
}

/* Which of the journal's episodes are needed. */
typedef struct needed {
    const saved *from;
    uint64_t next, first_new; /* numbers of episodes */
} needed;

/* Those that the lesson buffer held, and those that came behind the checkpoint. */
static bool is_needed(void *context, const char *id)
{
    needed *n = context;
    if (n->next++ >= n->first_new) return true;
    return n->from->lesson_count > 0 && bsearch(&id, n->from->lessons, n->from->lesson_count,
                                                sizeof *n->from->lessons, compare_texts) != NULL;
}

static rud_status read_journal(const rud_task *task, const saved *from, uint64_t first_new,
                               rud_episodes *lessons, rud_episodes *fresh)
{
    char *path = rud_path_join(task->folder, "journal");
    rud_journal_reader *reader = NULL;
    const rud_journal_counts counts = rud_journal_count(task->journal);
    needed n = {.from = from, .next = counts.appended - counts.episodes, .first_new = first_new};
    if (path == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    rud_status status = rud_journal_reader_open(path, &reader);
    while (status == RUD_OK) {
        rud_episode *episode = NULL;
        status = rud_journal_reader_next_wanted(reader, is_needed, &n, &episode);
        if (status != RUD_OK || episode == NULL) break;
        status = rud_episodes_add(n.next > first_new ? fresh : lessons, episode);
    }
    rud_journal_reader_close(&reader);
    free(path);
    return status;
}

static rud_status load_model_file(const rud_task *task, uint64_t version, rud_predictor **model)
{
    char name[MODEL_NAME];
    rud_predictor *loaded = NULL;
    name_model(version, name);
    char *path = rud_path_join(task->folder, name);
    if (path == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    rud_status status = rud_predictor_load(path, &loaded);
    free(path);
    if (status == RUD_OK) status = rud_predictor_copy(loaded, model);
    rud_predictor_free(&loaded);
    return status;
}

static rud_status load_model(rud_task *task, const saved *from)
{
    rud_predictor *model = NULL;
    if (from->version == 0) return RUD_OK;
    RUD_TRY(from->in_learner
                ? rud_predictor_copy(rud_redistributor_predictor(task->learner), &model)
                : load_model_file(task, from->version, &model));
    return rud_trainer_swap(task, model, from->version);
}

static rud_status restore(rud_task *task, const saved *from, const rud_episodes *lessons)
{
    rud_problem problem = {0};
    const msgpack_object *learner = NULL;
    RUD_TRY(
        rud_wire_need((rud_wire_place){"", &problem}, &from->message.root, "learner", &learner));
    if (learner->type != MSGPACK_OBJECT_BIN) return rud_error(RUD_EFORMAT, "no learner");
    RUD_TRY(rud_redistributor_restore(task->learner, learner->via.bin.ptr, learner->via.bin.size,
                                      lessons));
    return load_model(task, from);
}

/* Learns from what no checkpoint knows of. */
static rud_status catch_up(const rud_server *server, rud_task *task, const rud_episodes *fresh)
{
    const rud_episode *batch[LEARN_AT_ONCE];
    const uint64_t before = rud_journal_count(task->journal).appended - fresh->count;
    size_t count = 0;
    for (size_t k = 0; k < fresh->count; k++) {
        const rud_episode *episode = fresh->items[k];
        if (!episode->truncated || episode->terminated) batch[count++] = episode;
        if (count == 0 || (count < LEARN_AT_ONCE && k + 1 < fresh->count)) continue;
        task->taken = before + k + 1;
        RUD_TRY(rud_trainer_learn(server, task, batch, count));
        count = 0;
    }
    return RUD_OK;
}

/* Without a usable checkpoint the model starts anew, with the lessons of the latest episodes. */
static rud_status load_with(rud_server *server, rud_task *task, saved *from)
{
    const uint64_t appended = rud_journal_count(task->journal).appended;
    const uint64_t capacity = server->options.redistributor.lesson_buffer.capacity;
    const bool known = from->bytes != NULL;
    const uint64_t latest = appended > capacity ? appended - capacity : 0;
    rud_episodes lessons = {0}, fresh = {0};
    rud_status status = read_journal(task, from, known ? task->taken : latest, &lessons, &fresh);
    if (status == RUD_OK && known) status = restore(task, from, &lessons);
    if (status == RUD_OK) status = catch_up(server, task, &fresh);
    task->taken = appended;
    rud_episodes_free(&lessons);
    rud_episodes_free(&fresh);
    return status;
}

rud_status rud_task_load_episodes(rud_server *server, rud_task *task)
{
    saved nothing = {0};
    return load_with(server, task, &nothing);
}

rud_status rud_task_load(rud_server *server, rud_task *task)
{
    saved from = {0};
    char *path = rud_path_join(task->folder, "checkpoint");
    if (path == NULL) return rud_error(RUD_ENOMEM, "no memory for a path");
    rud_status status = rud_file_exists(path) ? read_checkpoint(task, path, &from) : RUD_OK;
    if (status == RUD_OK && rud_journal_count(task->journal).episodes > 0) {
        status = load_with(server, task, &from);
    }
    free_saved(&from);
    free(path);
    return status;
}

#include "redistribution/lesson_buffer.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "redistribution/lesson_buffer_private.h"

typedef struct lesson {
    rud_episode *episode;
    double G; /* its return */
    double loss;
    uint64_t arrival;
} lesson;

struct rud_lesson_buffer {
    rud_lesson_buffer_options options;
    lesson *lessons;
    size_t count, allocated;
    size_t bytes;
    uint64_t arrivals;
};

rud_lesson_buffer_options rud_lesson_buffer_options_default(void)
{
    return (rud_lesson_buffer_options){.capacity = 512,
                                       .bytes = (size_t)1 << 30,
                                       .insertion = RUD_INSERTION_FIFO,
                                       .sampling = RUD_SAMPLING_UNIFORM,
                                       .temperature = 1,
                                       .min_episodes = 20};
}

rud_status rud_lesson_buffer_create(const rud_lesson_buffer_options *options,
                                    rud_lesson_buffer **buffer)
{
    *buffer = NULL;
    if (options->capacity == 0 || options->capacity < options->min_episodes) {
        return rud_error(RUD_EINVAL,
                         "lesson buffer: a capacity of %zu episodes is not enough: training waits "
                         "for min_episodes = %zu",
                         options->capacity, options->min_episodes);
    }
    if (options->sampling == RUD_SAMPLING_SOFTMAX && !(options->temperature > 0)) {
        return rud_error(RUD_EINVAL, "lesson buffer: temperature must be above 0");
    }
    *buffer = calloc(1, sizeof **buffer);
    if (*buffer == NULL) return rud_error(RUD_ENOMEM, "no memory for a lesson buffer");
    (*buffer)->options = *options;
    return RUD_OK;
}

void rud_lesson_buffer_free(rud_lesson_buffer **buffer)
{
    if (*buffer == NULL) return;
    for (size_t i = 0; i < (*buffer)->count; i++) rud_episode_free(&(*buffer)->lessons[i].episode);
    free((*buffer)->lessons);
    free(*buffer);
    *buffer = NULL;
}

/* The lesson that goes first when room is needed. */
static size_t least_worth(const rud_lesson_buffer *buffer)
{
    size_t least = 0;
    for (size_t i = 1; i < buffer->count; i++) {
        const lesson *a = &buffer->lessons[i], *b = &buffer->lessons[least];
        const bool less = buffer->options.insertion == RUD_INSERTION_LOSS && a->loss != b->loss
                              ? a->loss < b->loss
                              : a->arrival < b->arrival;
        if (less) least = i;
    }
    return least;
}

static void drop(rud_lesson_buffer *buffer, size_t i)
{
    buffer->bytes -= rud_episode_bytes(buffer->lessons[i].episode);
    rud_episode_free(&buffer->lessons[i].episode);
    buffer->lessons[i] = buffer->lessons[--buffer->count];
}

/* Would a lesson of `bytes` fit if all that are worth less than it went? */
static bool may_replace(const rud_lesson_buffer *buffer, size_t bytes, double loss)
{
    size_t kept = 0, kept_bytes = 0;
    if (buffer->options.insertion == RUD_INSERTION_LOSS) {
        for (size_t i = 0; i < buffer->count; i++) {
            if (loss > buffer->lessons[i].loss) continue;
            kept++;
            kept_bytes += rud_episode_bytes(buffer->lessons[i].episode);
        }
    }
    return kept < buffer->options.capacity && bytes <= buffer->options.bytes &&
           kept_bytes <= buffer->options.bytes - bytes;
}

/* Drops lessons until one of `bytes` fits; false, and nothing dropped, if it never does or would
 * replace one that is worth as much. */
static bool make_room(rud_lesson_buffer *buffer, size_t bytes, double loss)
{
    if (!may_replace(buffer, bytes, loss)) return false;
    while (buffer->count == buffer->options.capacity ||
           buffer->bytes > buffer->options.bytes - bytes) {
        drop(buffer, least_worth(buffer));
    }
    return true;
}

static rud_status grow(rud_lesson_buffer *buffer)
{
    if (buffer->count < buffer->allocated) return RUD_OK;
    const size_t allocated = buffer->allocated == 0 ? 64 : 2 * buffer->allocated;
    lesson *lessons = realloc(buffer->lessons, allocated * sizeof *lessons);
    if (lessons == NULL) return rud_error(RUD_ENOMEM, "no memory for %zu lessons", allocated);
    buffer->lessons = lessons;
    buffer->allocated = allocated;
    return RUD_OK;
}

rud_status rud_lesson_buffer_add(rud_lesson_buffer *buffer, rud_episode *episode, double loss,
                                 bool *kept)
{
    const rud_status status = grow(buffer);
    const size_t bytes = rud_episode_bytes(episode);
    const bool room = status == RUD_OK && make_room(buffer, bytes, loss);
    if (kept != NULL) *kept = room;
    if (!room) {
        rud_episode_free(&episode);
        return status;
    }
    buffer->bytes += bytes;
    buffer->lessons[buffer->count++] = (lesson){.episode = episode,
                                                .G = rud_episode_return(episode),
                                                .loss = loss,
                                                .arrival = buffer->arrivals++};
    return RUD_OK;
}

size_t rud_lesson_buffer_count(const rud_lesson_buffer *buffer)
{
    return buffer->count;
}

const rud_episode *rud_lesson_buffer_episode(const rud_lesson_buffer *buffer, size_t i)
{
    return buffer->lessons[i].episode;
}

bool rud_lesson_buffer_ready(const rud_lesson_buffer *buffer)
{
    if (buffer->count < buffer->options.min_episodes) return false;
    for (size_t i = 1; i < buffer->count; i++) {
        if (buffer->lessons[i].G != buffer->lessons[0].G) return true;
    }
    return false;
}

/* One index from softmax(loss / temperature) by the Gumbel-max trick: one pass, no normaliser. */
static size_t sample_softmax(const rud_lesson_buffer *buffer, rud_rng *rng)
{
    size_t best = 0;
    double best_score = -INFINITY;
    for (size_t i = 0; i < buffer->count; i++) {
        const double gumbel = -log(-log(1 - rud_rng_uniform(rng)));
        const double score = buffer->lessons[i].loss / buffer->options.temperature + gumbel;
        if (score > best_score) {
            best_score = score;
            best = i;
        }
    }
    return best;
}

void rud_lesson_buffer_sample(const rud_lesson_buffer *buffer, rud_rng *rng, size_t *indices,
                              size_t count)
{
    for (size_t k = 0; k < count; k++) {
        indices[k] = buffer->options.sampling == RUD_SAMPLING_SOFTMAX
                         ? sample_softmax(buffer, rng)
                         : (size_t)rud_rng_below(rng, buffer->count);
    }
}

void rud_lesson_buffer_set_loss(rud_lesson_buffer *buffer, size_t i, double loss)
{
    buffer->lessons[i].loss = loss;
}

enum { ID_MAX = 1024 };

static rud_status write_lessons(rud_lesson_buffer *buffer, rud_checkpoint *checkpoint)
{
    rud_checkpoint_values(checkpoint, &buffer->count, sizeof buffer->count);
    for (size_t i = 0; i < buffer->count; i++) {
        lesson *from = &buffer->lessons[i];
        size_t length = from->episode->id != NULL ? strlen(from->episode->id) : 0;
        if (length == 0 || length > ID_MAX) {
            return rud_error(RUD_EINVAL,
                             "lesson buffer: a checkpoint needs episodes with ids of "
                             "at most %d bytes",
                             ID_MAX);
        }
        rud_checkpoint_values(checkpoint, &length, sizeof length);
        rud_checkpoint_values(checkpoint, from->episode->id, length);
        rud_checkpoint_values(checkpoint, &from->loss, sizeof from->loss);
        rud_checkpoint_values(checkpoint, &from->arrival, sizeof from->arrival);
    }
    return rud_checkpoint_status(checkpoint);
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp((*(rud_episode *const *)a)->id, (*(rud_episode *const *)b)->id);
}

/* The episodes that have ids, in their order. Caller frees. */
static rud_status sort_by_id(const rud_episodes *episodes, rud_episode ***sorted, size_t *count)
{
    *count = 0;
    *sorted = malloc((episodes->count + 1) * sizeof **sorted);
    if (*sorted == NULL) return rud_error(RUD_ENOMEM, "no memory for a lesson buffer");
    for (size_t k = 0; k < episodes->count; k++) {
        if (episodes->items[k]->id != NULL) (*sorted)[(*count)++] = episodes->items[k];
    }
    qsort(*sorted, *count, sizeof **sorted, compare_ids);
    return RUD_OK;
}

/* One lesson, if its episode is there. */
static rud_status read_lesson(rud_lesson_buffer *buffer, rud_checkpoint *checkpoint,
                              rud_episode *const *sorted, size_t count)
{
    char id[ID_MAX + 1] = "";
    size_t length = 0;
    lesson read = {0};
    rud_checkpoint_values(checkpoint, &length, sizeof length);
    if (length > ID_MAX) checkpoint->failed = true;
    rud_checkpoint_values(checkpoint, id, length);
    rud_checkpoint_values(checkpoint, &read.loss, sizeof read.loss);
    rud_checkpoint_values(checkpoint, &read.arrival, sizeof read.arrival);
    RUD_TRY(rud_checkpoint_status(checkpoint));
    rud_episode wanted = {.id = id}, *key = &wanted;
    rud_episode *const *found = bsearch(&key, sorted, count, sizeof *sorted, compare_ids);
    if (found == NULL || buffer->count >= buffer->options.capacity) return RUD_OK;
    RUD_TRY(grow(buffer));
    RUD_TRY(rud_episode_copy(*found, &read.episode));
    read.G = rud_episode_return(read.episode);
    buffer->bytes += rud_episode_bytes(read.episode);
    buffer->lessons[buffer->count++] = read;
    return RUD_OK;
}

static rud_status read_lessons(rud_lesson_buffer *buffer, rud_checkpoint *checkpoint,
                               const rud_episodes *episodes)
{
    size_t lessons = 0, count = 0;
    rud_episode **sorted = NULL;
    rud_checkpoint_values(checkpoint, &lessons, sizeof lessons);
    rud_status status = sort_by_id(episodes, &sorted, &count);
    for (size_t i = 0; status == RUD_OK && i < lessons; i++) {
        status = read_lesson(buffer, checkpoint, sorted, count);
    }
    free(sorted);
    return status == RUD_OK ? rud_checkpoint_status(checkpoint) : status;
}

rud_status rud_lesson_buffer_checkpoint(rud_lesson_buffer *buffer, rud_checkpoint *checkpoint,
                                        const rud_episodes *episodes)
{
    rud_checkpoint_values(checkpoint, &buffer->arrivals, sizeof buffer->arrivals);
    return checkpoint->reading ? read_lessons(buffer, checkpoint, episodes)
                               : write_lessons(buffer, checkpoint);
}

#include "episodes/episode.h"

#include <stdlib.h>
#include <string.h>

/* rows * width zeros, width >= 1; NULL without memory or where the size overflows. */
static double *zeros(size_t rows, size_t width)
{
    if (rows > PTRDIFF_MAX / sizeof(double) / width) return NULL;
    return calloc(rows * width, sizeof(double));
}

static rud_status check_shape(size_t steps, size_t observation_rows, size_t observation_width)
{
    if (steps == 0 || steps == SIZE_MAX)
        return rud_error(RUD_EINVAL, "an episode of %zu steps: at least 1 is needed", steps);
    if (observation_rows != steps && observation_rows != steps + 1)
        return rud_error(RUD_EINVAL, "%zu observation rows for %zu steps: %zu or %zu are needed",
                         observation_rows, steps, steps, steps + 1);
    if (observation_width == 0)
        return rud_error(RUD_EINVAL, "observations of width 0: at least 1 is needed");
    return RUD_OK;
}

rud_status rud_episode_create(size_t steps, size_t observation_rows, size_t observation_width,
                              size_t action_width, rud_episode **episode)
{
    *episode = NULL;
    RUD_TRY(check_shape(steps, observation_rows, observation_width));
    rud_episode *made = calloc(1, sizeof *made);
    if (made == NULL) return rud_error(RUD_ENOMEM, "no memory for an episode");
    made->steps = steps;
    made->observation_rows = observation_rows;
    made->observation_width = observation_width;
    made->action_width = action_width;
    made->observations = zeros(observation_rows, observation_width);
    if (action_width > 0) made->actions = zeros(steps, action_width);
    made->rewards = zeros(steps, 1);
    if (made->observations == NULL || (action_width > 0 && made->actions == NULL) ||
        made->rewards == NULL) {
        rud_episode_free(&made);
        return rud_error(RUD_ENOMEM, "no memory for an episode of %zu steps, widths %zu and %zu",
                         steps, observation_width, action_width);
    }
    *episode = made;
    return RUD_OK;
}

static rud_status copy_infos(const rud_episode *from, rud_episode *to)
{
    for (size_t k = 0; k < from->info_count; k++) {
        const rud_info *info = &from->infos[k];
        double *values;
        RUD_TRY(rud_episode_add_info(to, info->name, info->width, info->integer, &values));
        memcpy(values, info->values, (from->steps + 1) * info->width * sizeof(double));
    }
    return RUD_OK;
}

rud_status rud_episode_copy(const rud_episode *from, rud_episode **to)
{
    *to = NULL;
    rud_episode *copy = NULL;
    RUD_TRY(rud_episode_create(from->steps, from->observation_rows, from->observation_width,
                               from->action_width, &copy));
    copy->seed = from->seed;
    copy->has_seed = from->has_seed;
    copy->terminated = from->terminated;
    copy->truncated = from->truncated;
    memcpy(copy->observations, from->observations,
           from->observation_rows * from->observation_width * sizeof(double));
    if (from->action_width > 0)
        memcpy(copy->actions, from->actions, from->steps * from->action_width * sizeof(double));
    copy->no_rewards = from->no_rewards;
    memcpy(copy->rewards, from->rewards, from->steps * sizeof(double));
    rud_status status = rud_episode_set_id(copy, from->id);
    if (status == RUD_OK) status = copy_infos(from, copy);
    if (status == RUD_OK && from->text != NULL) {
        copy->text = strdup(from->text);
        if (copy->text == NULL) status = rud_error(RUD_ENOMEM, "no memory for an episode's line");
    }
    if (status != RUD_OK) {
        rud_episode_free(&copy);
        return status;
    }
    *to = copy;
    return RUD_OK;
}

void rud_episode_free(rud_episode **episode)
{
    rud_episode *gone = *episode;
    if (gone == NULL) return;
    free(gone->id);
    free(gone->observations);
    free(gone->actions);
    free(gone->rewards);
    for (size_t k = 0; k < gone->info_count; k++) {
        free(gone->infos[k].name);
        free(gone->infos[k].values);
    }
    free(gone->infos);
    free(gone->text);
    free(gone);
    *episode = NULL;
}

rud_status rud_episode_set_id(rud_episode *episode, const char *id)
{
    char *copy = NULL;
    if (id != NULL) {
        copy = strdup(id);
        if (copy == NULL) return rud_error(RUD_ENOMEM, "no memory for an episode's id");
    }
    free(episode->id);
    episode->id = copy;
    return RUD_OK;
}

rud_status rud_episode_add_info(rud_episode *episode, const char *name, size_t width, bool integer,
                                double **values)
{
    *values = NULL;
    if (rud_episode_info(episode, name) != NULL)
        return rud_error(RUD_EINVAL, "the info \"%s\" is there twice", name);
    if (width == 0) return rud_error(RUD_EINVAL, "the info \"%s\" has rows of width 0", name);
    rud_info *infos = realloc(episode->infos, (episode->info_count + 1) * sizeof *infos);
    if (infos != NULL) episode->infos = infos;
    rud_info added = {.name = strdup(name), .width = width, .integer = integer};
    added.values = zeros(episode->steps + 1, width);
    if (infos == NULL || added.name == NULL || added.values == NULL) {
        free(added.name);
        free(added.values);
        return rud_error(RUD_ENOMEM, "no memory for the info \"%s\" of width %zu", name, width);
    }
    episode->infos[episode->info_count++] = added;
    *values = added.values;
    return RUD_OK;
}

const rud_info *rud_episode_info(const rud_episode *episode, const char *name)
{
    for (size_t k = 0; k < episode->info_count; k++)
        if (strcmp(episode->infos[k].name, name) == 0) return &episode->infos[k];
    return NULL;
}

double rud_episode_return(const rud_episode *episode)
{
    double sum = 0;
    for (size_t t = 0; t < episode->steps; t++) sum += episode->rewards[t];
    return sum;
}

size_t rud_episode_bytes(const rud_episode *episode)
{
    size_t numbers = episode->observation_rows * episode->observation_width +
                     episode->steps * episode->action_width + episode->steps;
    size_t id = episode->id == NULL ? 0 : strlen(episode->id) + 1;
    size_t text = episode->text == NULL ? 0 : strlen(episode->text) + 1;
    for (size_t k = 0; k < episode->info_count; k++)
        numbers += (episode->steps + 1) * episode->infos[k].width;
    return sizeof *episode + numbers * sizeof(double) + id + text +
           episode->info_count * sizeof *episode->infos;
}

rud_status rud_episodes_add(rud_episodes *list, rud_episode *episode)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
        rud_episode **items = NULL;
        if (list->capacity <= SIZE_MAX / 2 / sizeof(void *))
            items = realloc(list->items, capacity * sizeof(void *));
        if (items == NULL) {
            rud_episode_free(&episode);
            return rud_error(RUD_ENOMEM, "no memory for a list of %zu episodes", list->count + 1);
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = episode;
    return RUD_OK;
}

void rud_episodes_free(rud_episodes *list)
{
    for (size_t k = 0; k < list->count; k++) rud_episode_free(&list->items[k]);
    free(list->items);
    *list = (rud_episodes){0};
}

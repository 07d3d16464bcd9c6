/* What a journal, or one segment of it, holds. Nothing is written or mended: a server may be at
 * it. */
#include <inttypes.h>
#include <math.h>

#include "cli/inspect.h"

/* How many places of damage are named. */
enum { NAMED = 10 };

/* Running minimum, mean, maximum and standard deviation (Welford 1962). */
typedef struct range {
    double min, max, mean, squares;
    size_t count;
} range;

typedef struct totals {
    range length, reward;
    size_t steps, terminated, truncated, seeds, final_observations;
    size_t observation_width, action_width;
} totals;

typedef struct findings {
    totals totals;
    size_t damaged;
    json_object *damage; /* the first of their messages */
} findings;

static void range_add(range *r, double value)
{
    r->min = r->count ? fmin(r->min, value) : value;
    r->max = r->count ? fmax(r->max, value) : value;
    r->count++;
    const double difference = value - r->mean;
    r->mean += difference / (double)r->count;
    r->squares += difference * (value - r->mean);
}

static bool add_range(json_object *object, const char *name, const range *r)
{
    json_object *o = json_object_new_object();
    return cli_json_add(object, name, o) && cli_json_add_real(o, "min", r->min) &&
           cli_json_add_real(o, "mean", r->mean) && cli_json_add_real(o, "max", r->max) &&
           cli_json_add_real(o, "std", sqrt(r->squares / (double)r->count));
}

static void count_episode(totals *sums, const rud_episode *episode)
{
    range_add(&sums->length, (double)episode->steps);
    range_add(&sums->reward, rud_episode_return(episode));
    sums->steps += episode->steps;
    sums->terminated += episode->terminated;
    sums->truncated += episode->truncated;
    sums->seeds += episode->has_seed;
    sums->final_observations += episode->observation_rows > episode->steps;
    sums->observation_width = episode->observation_width;
    sums->action_width = episode->action_width;
}

/* Of at least one episode. */
static bool add_totals(json_object *object, const totals *sums)
{
    return cli_json_add_count(object, "episodes", sums->length.count) &&
           cli_json_add_count(object, "steps", sums->steps) &&
           add_range(object, "length", &sums->length) &&
           add_range(object, "return", &sums->reward) &&
           cli_json_add_count(object, "observation_width", sums->observation_width) &&
           cli_json_add_count(object, "action_width", sums->action_width) &&
           cli_json_add_count(object, "final_observations", sums->final_observations) &&
           cli_json_add_count(object, "terminated", sums->terminated) &&
           cli_json_add_count(object, "truncated", sums->truncated) &&
           cli_json_add_count(object, "with_seed", sums->seeds);
}

static rud_status note_damage(findings *found)
{
    if (found->damaged++ >= NAMED) return RUD_OK;
    json_object *text = json_object_new_string(rud_last_error());
    if (text && json_object_array_add(found->damage, text) == 0) return RUD_OK;
    json_object_put(text);
    return cli_added(false);
}

static rud_status read_all(rud_journal_reader *reader, findings *found)
{
    for (;;) {
        rud_episode *episode;
        RUD_TRY(rud_stop_check(&cli_stop));
        const rud_status status = rud_journal_reader_next(reader, &episode);
        if (status == RUD_EFORMAT || status == RUD_ENONFINITE) {
            RUD_TRY(note_damage(found));
            continue;
        }
        RUD_TRY(status);
        if (!episode) return RUD_OK;
        count_episode(&found->totals, episode);
        rud_episode_free(&episode);
    }
}

/* "discrete(13)", "box(4)", "multi_discrete(3)": the kind, and a discrete space's size or the
 * number of components. */
static bool add_space(json_object *object, const char *name, const rud_space *space)
{
    static const char *const kinds[] = {"discrete", "multi_discrete", "box"};
    char text[64] = "none";
    const bool discrete = space->kind == RUD_SPACE_DISCRETE;
    if (space->width > 0)
        snprintf(text, sizeof text, "%s(%" PRId64 ")", kinds[space->kind],
                 discrete ? space->sizes[0] : (int64_t)space->width);
    return cli_json_add_text(object, name, text);
}

static rud_status add_journal(const char *path, const rud_journal_header *header,
                              const rud_journal_progress *progress, const findings *found,
                              json_object *object)
{
    const bool any = found->totals.length.count > 0;
    return cli_added(
        cli_json_add_text(object, "kind", "journal") &&
        cli_json_add_text(object, rud_is_folder(path) ? "folder" : "file", path) &&
        cli_json_add_text(object, "task", header->task) &&
        add_space(object, "observation_space", &header->observation_space) &&
        add_space(object, "action_space", &header->action_space) &&
        cli_json_add_count(object, "segments", progress->segments) &&
        cli_json_add_count(object, "bytes", progress->bytes) &&
        (any ? add_totals(object, &found->totals) : cli_json_add_count(object, "episodes", 0)) &&
        cli_json_add_count(object, "tail_bytes", progress->tail_bytes) &&
        cli_json_add_count(object, "damaged", found->damaged));
}

static rud_status look(const char *path, rud_journal_reader *reader, json_object *object)
{
    findings found = {.damage = json_object_new_array()};
    rud_status status = cli_added(found.damage != NULL);
    if (status == RUD_OK) status = read_all(reader, &found);
    if (status == RUD_OK) {
        const rud_journal_progress progress = rud_journal_reader_progress(reader);
        status = add_journal(path, rud_journal_reader_header(reader), &progress, &found, object);
    }
    if (status == RUD_OK && found.damaged > 0)
        return cli_added(cli_json_add(object, "damage", found.damage));
    json_object_put(found.damage);
    return status;
}

rud_status cli_inspect_journal(const char *path, json_object *object)
{
    rud_journal_reader *reader;
    RUD_TRY(rud_journal_reader_open(path, &reader));
    const rud_status status = look(path, reader, object);
    rud_journal_reader_close(&reader);
    return status;
}

/* What a file of episodes holds. */
#include <math.h>

#include "cli/inspect.h"

static void range_add(cli_range *r, double value)
{
    r->min = r->count ? fmin(r->min, value) : value;
    r->max = r->count ? fmax(r->max, value) : value;
    r->count++;
    const double difference = value - r->mean;
    r->mean += difference / (double)r->count;
    r->squares += difference * (value - r->mean);
}

static bool add_range(json_object *object, const char *name, const cli_range *r)
{
    json_object *o = json_object_new_object();
    return cli_json_add(object, name, o) && cli_json_add_real(o, "min", r->min) &&
           cli_json_add_real(o, "mean", r->mean) && cli_json_add_real(o, "max", r->max) &&
           cli_json_add_real(o, "std", sqrt(r->squares / (double)r->count));
}

void cli_totals_count(cli_totals *sums, const rud_episode *episode)
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

static rud_status read_all(rud_jsonl_reader *reader, cli_totals *sums)
{
    for (;;) {
        rud_episode *episode;
        if (cli_stop) return rud_error(RUD_EINTERRUPTED, "interrupted");
        RUD_TRY(rud_jsonl_next(reader, &episode));
        if (!episode) return RUD_OK;
        cli_totals_count(sums, episode);
        rud_episode_free(&episode);
    }
}

bool cli_totals_add(json_object *object, const cli_totals *sums)
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

rud_status cli_inspect_episodes(const char *path, json_object *object)
{
    cli_totals sums = {0};
    rud_jsonl_reader *reader;
    RUD_TRY(rud_jsonl_open(path, &reader));
    const rud_status status = read_all(reader, &sums);
    rud_jsonl_close(&reader);
    RUD_TRY(status);
    if (sums.length.count == 0) return rud_error(RUD_EFORMAT, "%s: holds no episode", path);
    return cli_added(cli_json_add_text(object, "kind", "episodes") &&
                     cli_json_add_text(object, "file", path) && cli_totals_add(object, &sums));
}

/* rudder bench --part bridge: a server and an echo of the same size beside it, each a process of
 * its own, and what clients of both measure. */
#include <stdlib.h>

#include "cli/bench_bridge.h"

rud_status cli_bridge_connect(const cli_bridge_bench *b, rud_client **client)
{
    rud_space observation, action;
    rud_client_options options = rud_client_options_default();
    options.address = b->server.address;
    RUD_TRY(rud_client_create(&options, client));
    RUD_TRY(rud_space_discrete(13, &observation));
    RUD_TRY(rud_space_discrete(2, &action));
    const rud_client_spec spec = {
        .observation_space = &observation, .action_space = &action, .final_observation = true};
    const rud_status status = rud_client_configure(*client, &spec, NULL);
    rud_space_free(&observation);
    rud_space_free(&action);
    return status;
}

rud_status cli_bridge_stream_step(const cli_bridge_bench *b, rud_client *client, uint32_t stream,
                                  size_t k)
{
    const rud_episode *episode = b->episodes.items[k / CLI_BRIDGE_STEPS % CLI_BRIDGE_EPISODES];
    const size_t t = k % CLI_BRIDGE_STEPS;
    char id[48];
    double reward = 0;
    bool ready = false;
    snprintf(id, sizeof id, "stream-%u-%zu", stream, k / CLI_BRIDGE_STEPS);
    const rud_client_step step = {.stream = stream,
                                  .episode = id,
                                  .t = t,
                                  .observation = episode->observations + t,
                                  .action = episode->actions + t,
                                  .reward = episode->rewards[t],
                                  .terminated = t + 1 == CLI_BRIDGE_STEPS,
                                  .final_observation = episode->observations + t + 1};
    return rud_client_stream(client, &step, &reward, &ready);
}

static rud_status play_episodes(cli_bridge_bench *b)
{
    const rud_env_options options = rud_env_options_default();
    rud_env *env = NULL;
    RUD_TRY(rud_env_create("coin-walk", &options, 1, &env));
    rud_status status = RUD_OK;
    for (size_t k = 0; status == RUD_OK && k < CLI_BRIDGE_EPISODES; k++) {
        char id[32];
        rud_rng rng = rud_rng_stream(0, "benchmark", k);
        rud_episode *episode = NULL;
        status = rud_rollout_random(env, &rng, &episode);
        snprintf(id, sizeof id, "lesson-%zu", k);
        if (status == RUD_OK) status = rud_episode_set_id(episode, id);
        if (status == RUD_OK) status = rud_episodes_add(&b->episodes, episode);
    }
    rud_env_free(&env);
    return status;
}

/* A model, so that rewards are redistributed. */
static rud_status train(const cli_bridge_bench *b)
{
    rud_client *client = NULL;
    const rud_episode *const *items = (const rud_episode *const *)b->episodes.items;
    const size_t half = CLI_BRIDGE_EPISODES / 2;
    rud_status status = cli_bridge_connect(b, &client);
    if (status == RUD_OK) status = rud_client_pause(client, true, NULL);
    if (status == RUD_OK) status = rud_client_submit(client, items, half, NULL, NULL);
    if (status == RUD_OK) status = rud_client_train(client, 1000, NULL, NULL);
    if (status == RUD_OK) status = rud_client_submit(client, items + half, half, NULL, NULL);
    rud_client_free(&client);
    return status;
}

/* Throughput is measured on a new server: the first one's trainer trains for ever. */
static rud_status measure_all(cli_bridge_bench *b)
{
    RUD_TRY(play_episodes(b));
    RUD_TRY(cli_bridge_start_echo(b));
    RUD_TRY(cli_bridge_start_server(b));
    RUD_TRY(train(b));
    RUD_TRY(cli_bridge_latencies(b));
    cli_bridge_end(&b->server, SIGKILL);
    RUD_TRY(cli_bridge_start_server(b));
    return cli_bridge_throughputs(b);
}

/* Makes the folder of the server's state. */
static rud_status make_folder(cli_bridge_bench *b)
{
    const char *parent = getenv("TMPDIR");
    b->folder = rud_path_join(parent ? parent : "/tmp", "rudder-bench-XXXXXX");
    if (!b->folder) return rud_error(RUD_ENOMEM, "no memory for a path");
    if (mkdtemp(b->folder)) return RUD_OK;
    const rud_status status = rud_error(RUD_EIO, "cannot make a folder %s", b->folder);
    free(b->folder);
    b->folder = NULL;
    return status;
}

rud_status cli_bench_bridge(bool json)
{
    cli_bridge_bench b = {.json = json};
    cli_bridge_find_cores(&b);
    RUD_TRY(make_folder(&b));
    const rud_status status = measure_all(&b);
    cli_bridge_end(&b.echo, SIGKILL);
    cli_bridge_end(&b.server, SIGTERM);
    rud_episodes_free(&b.episodes);
    const rud_status removed = rud_remove_tree(b.folder);
    free(b.folder);
    return status == RUD_OK ? removed : status;
}

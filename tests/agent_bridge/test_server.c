/* What agents rely on: rewards, durability, the order of things. */
#include <glob.h>
#include <limits.h>
#include <math.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "support.h"

static local_server local;

static void start(void)
{
    const rud_server_options options = local_options();
    local_start(&local, &options);
}

static void stop(void)
{
    local_stop(&local);
}

static const rud_episode *const *items(const rud_episodes *list)
{
    return (const rud_episode *const *)list->items;
}

/* A task whose gate is open. */
static rud_client *trained_client(const char *name)
{
    rud_client *client = local_client(&local);
    rud_episodes list = {0};
    rud_client_task task;
    uint64_t done = 0;
    configure_coin_walk(client, name);
    ck_assert_int_eq(rud_client_pause(client, true, NULL), RUD_OK);
    coin_walks(200, 1, "lesson", &list);
    ck_assert_int_eq(rud_client_submit(client, items(&list), 150, NULL, NULL), RUD_OK);
    ck_assert_int_eq(rud_client_train(client, 400, &done, NULL), RUD_OK);
    ck_assert_uint_eq(done, 400);
    /* Unseen episodes tell of the new model's quality. */
    ck_assert_int_eq(
        rud_client_submit(client, (const rud_episode *const *)list.items + 150, 50, NULL, &task),
        RUD_OK);
    ck_assert_uint_eq(task.model_version, 1);
    ck_assert_uint_eq(task.episodes, 200);
    ck_assert(task.ready);
    ck_assert_double_gt(task.quality, 0.3);
    rud_episodes_free(&list);
    return client;
}

START_TEST(ids_make_submitting_idempotent)
{
    rud_client *client = local_client(&local), *other = local_client(&local);
    rud_episodes list = {0};
    rud_client_task task;
    size_t accepted = 0;
    configure_coin_walk(client, NULL);
    configure_coin_walk(other, NULL);
    coin_walks(10, 1, "e", &list);
    ck_assert_int_eq(rud_client_submit(client, items(&list), 6, &accepted, &task), RUD_OK);
    ck_assert_uint_eq(accepted, 6);
    ck_assert_int_eq(rud_client_submit(other, items(&list), 10, &accepted, &task), RUD_OK);
    ck_assert_uint_eq(accepted, 4);
    ck_assert_uint_eq(task.episodes, 10);
    rud_episodes_free(&list);
    rud_client_free(&client);
    rud_client_free(&other);
}
END_TEST

/* Until the gate opens the original rewards come back; then the return is what they sum to. */
START_TEST(rewards_are_redistributed_once_the_gate_is_open)
{
    rud_client *fresh = local_client(&local), *client = trained_client("trained");
    rud_episodes list = {0};
    double rewards[50];
    double *redistributed = rewards;
    rud_redistribution_report report;
    coin_walks(5, 99, "new", &list);
    configure_coin_walk(fresh, "fresh");
    for (size_t k = 0; k < list.count; k++) {
        const rud_episode *episode = list.items[k];
        ck_assert_int_eq(
            rud_client_redistribute(fresh, &episode, 1, false, &redistributed, &report, NULL),
            RUD_OK);
        ck_assert(!report.ready);
        ck_assert_mem_eq(rewards, episode->rewards, sizeof rewards);
        ck_assert_int_eq(
            rud_client_redistribute(client, &episode, 1, false, &redistributed, &report, NULL),
            RUD_OK);
        ck_assert(report.ready);
        double sum = 0;
        for (size_t t = 0; t < 50; t++) sum += rewards[t];
        ck_assert_double_eq_tol(sum, rud_episode_return(episode), 1e-9);
        ck_assert_double_ne(rewards[0], 0);
    }
    rud_episodes_free(&list);
    rud_client_free(&fresh);
    rud_client_free(&client);
}
END_TEST

/* Plays an episode through a stream; rewards[T] out. */
static void stream_episode(rud_client *client, uint32_t number, const rud_episode *episode,
                           double *rewards, bool *ready)
{
    for (size_t t = 0; t < episode->steps; t++) {
        const bool last = t + 1 == episode->steps;
        const rud_client_step step = {.stream = number,
                                      .episode = episode->id,
                                      .t = t,
                                      .observation = episode->observations + t,
                                      .action = episode->actions + t,
                                      .reward = episode->rewards[t],
                                      .terminated = last,
                                      .final_observation = episode->observations + t + 1};
        const rud_status status = rud_client_stream(client, &step, &rewards[t], ready);
        ck_assert_msg(status == RUD_OK, "%s", rud_last_error());
    }
}

START_TEST(a_stream_gives_what_the_batch_gives)
{
    rud_client *client = trained_client(NULL);
    rud_episodes list = {0};
    rud_client_task task;
    double streamed[50], whole[50];
    double *redistributed = whole;
    rud_redistribution_report report;
    bool ready = false;
    coin_walks(8, 7, "s", &list);
    for (size_t k = 0; k < list.count; k++) {
        const rud_episode *episode = list.items[k];
        ck_assert_int_eq(
            rud_client_redistribute(client, &episode, 1, false, &redistributed, &report, NULL),
            RUD_OK);
        stream_episode(client, (uint32_t)k, episode, streamed, &ready);
        ck_assert(ready && report.ready);
        for (size_t t = 0; t < 50; t++) ck_assert_double_eq_tol(streamed[t], whole[t], 1e-4);
    }
    /* A stream keeps its episode; again, it is known. */
    size_t accepted = 1;
    ck_assert_int_eq(rud_client_submit(client, items(&list), list.count, &accepted, &task), RUD_OK);
    ck_assert_uint_eq(accepted, 0);
    ck_assert_uint_eq(task.episodes, 208);
    rud_episodes_free(&list);
    rud_client_free(&client);
}
END_TEST

/* A new model does not reach an episode that runs. */
START_TEST(a_stream_keeps_its_model)
{
    rud_client *client = trained_client(NULL);
    rud_episodes list = {0};
    double rewards[50], whole[50];
    double *redistributed = whole;
    rud_redistribution_report report;
    bool ready = false;
    coin_walks(1, 8, "k", &list);
    const rud_episode *episode = list.items[0];
    ck_assert_int_eq(
        rud_client_redistribute(client, &episode, 1, false, &redistributed, &report, NULL), RUD_OK);
    for (size_t t = 0; t < 50; t++) {
        const rud_client_step step = {.stream = 1,
                                      .episode = episode->id,
                                      .t = t,
                                      .observation = episode->observations + t,
                                      .action = episode->actions + t,
                                      .reward = episode->rewards[t],
                                      .terminated = t == 49,
                                      .final_observation = episode->observations + t + 1};
        if (t == 20) ck_assert_int_eq(rud_client_train(client, 50, NULL, NULL), RUD_OK);
        ck_assert_int_eq(rud_client_stream(client, &step, &rewards[t], &ready), RUD_OK);
        ck_assert_double_eq_tol(rewards[t], whole[t], 1e-4);
    }
    rud_episodes_free(&list);
    rud_client_free(&client);
}
END_TEST

/* A truncated episode is kept, not learnt from, and keeps its rewards; as `terminal` it is like any
 * other. */
START_TEST(time_limits_cut_or_end)
{
    rud_client *client = trained_client("limits");
    raw r = raw_connect(rud_server_address(local.server));
    char request[2048], zeros[512] = "0", sevens[512] = "7";
    for (int t = 1; t < 50; t++) strcat(zeros, ", 0"), strcat(sevens, ", 7");
    raw_ok(&r, "{\"version\": 1, \"id\": 1, \"op\": \"configure\", \"spec\": "
               "{\"observation_space\": {\"type\": \"discrete\", \"n\": 13}, \"action_space\": "
               "{\"type\": \"discrete\", \"n\": 2}, \"name\": \"limits\"}}");
    static const char ask[] =
        "{\"version\": 1, \"id\": 2, \"op\": \"redistribute\", \"submit\": true, \"time_limit\": "
        "\"%s\", \"lists\": true, \"episodes\": [{\"id\": \"%s\", \"observations\": [%s, 7], "
        "\"actions\": [%s], \"rewards\": [%s], \"truncated\": true}]}";
    snprintf(request, sizeof request, ask, "cut", "a", sevens, zeros, zeros);
    raw_ok(&r, request);
    const msgpack_object *result = &raw_field(&r, "results")->via.array.ptr[0];
    ck_assert(rud_wire_find(result, "cut")->via.boolean);
    ck_assert(!rud_wire_find(result, "ready")->via.boolean);
    ck_assert_uint_eq(raw_field(&r, "cut")->via.u64, 1);
    ck_assert_uint_eq(raw_field(&r, "accepted")->via.u64, 1);
    snprintf(request, sizeof request, ask, "terminal", "b", sevens, zeros, zeros);
    raw_ok(&r, request);
    result = &raw_field(&r, "results")->via.array.ptr[0];
    ck_assert(!rud_wire_find(result, "cut")->via.boolean);
    ck_assert(rud_wire_find(result, "ready")->via.boolean);
    raw_ok(&r, "{\"version\": 1, \"id\": 3, \"op\": \"status\"}");
    ck_assert_uint_eq(raw_field(&r, "episodes")->via.u64, 202);
    ck_assert_uint_eq(raw_field(&r, "lessons")->via.u64, 201);
    raw_close(&r);
    rud_client_free(&client);
}
END_TEST

/* Background training publishes by itself, and only what is better on unseen episodes. */
START_TEST(background_training_opens_the_gate)
{
    rud_client *client = local_client(&local);
    rud_episodes list = {0};
    rud_client_task task = {.ready = false};
    configure_coin_walk(client, NULL);
    coin_walks(4000, 3, "b", &list);
    for (size_t k = 0; k < list.count && !task.ready; k += 10) {
        const rud_status status =
            rud_client_submit(client, (const rud_episode *const *)list.items + k, 10, NULL, &task);
        ck_assert_int_eq(status, RUD_OK);
    }
    ck_assert(task.ready);
    ck_assert_uint_ge(task.model_version, 1);
    rud_episodes_free(&list);
    rud_client_free(&client);
}
END_TEST

/* Requests sent without waiting are each answered once, with the ids they came with. */
START_TEST(pipelined_requests_are_all_answered)
{
    enum { COUNT = 500 };
    raw r = raw_connect(rud_server_address(local.server));
    bool seen[COUNT] = {false};
    char request[512];
    for (int k = 0; k < COUNT; k++) {
        snprintf(request, sizeof request,
                 "{\"version\": 1, \"id\": %d, \"op\": \"%s\", \"episodes\": [{\"id\": \"p%d\", "
                 "\"observations\": [0, 1, 2], \"rewards\": [0, 0, %d], \"actions\": [1, 1, 1]}]}",
                 k, k % 2 == 0 ? "submit" : "redistribute", k, k);
        raw_send(&r, request);
    }
    for (int k = 0; k < COUNT; k++) {
        ck_assert(raw_receive(&r, 5000));
        ck_assert(raw_field(&r, "ok")->via.boolean);
        const uint64_t id = raw_field(&r, "id")->via.u64;
        ck_assert_uint_lt(id, COUNT);
        ck_assert(!seen[id]);
        seen[id] = true;
        if (id % 2 == 0) continue;
        const msgpack_object *result = &raw_field(&r, "results")->via.array.ptr[0];
        char expected[16];
        snprintf(expected, sizeof expected, "p%d", (int)id);
        ck_assert(rud_wire_text_is(rud_wire_find(result, "id"), expected));
    }
    ck_assert(!raw_receive(&r, 100));
    raw_close(&r);
}
END_TEST

/* Too many waiting requests of one client are refused, not lost. */
START_TEST(too_much_is_answered_by_busy)
{
    local_server small;
    rud_server_options options = local_options();
    enum { COUNT = 300 };
    options.limits.pending = 4;
    local_start(&small, &options);
    raw r = raw_connect(rud_server_address(small.server));
    size_t busy = 0, done = 0;
    char request[256];
    raw_ok(&r, "{\"version\": 1, \"id\": 1000, \"op\": \"configure\", \"spec\": "
               "{\"observation_space\": {\"type\": \"discrete\", \"n\": 3}, "
               "\"final_observation\": false}}");
    for (int k = 0; k < COUNT; k++) {
        snprintf(request, sizeof request,
                 "{\"version\": 1, \"id\": %d, \"op\": \"submit\", \"episodes\": [{\"id\": "
                 "\"p%d\", \"observations\": [0, 1, 2], \"rewards\": [0, 0, 1]}]}",
                 k, k);
        raw_send(&r, request);
    }
    for (int k = 0; k < COUNT; k++) {
        ck_assert(raw_receive(&r, 5000));
        const bool refused = raw_is(&r, "error.code", "busy");
        if (refused) ck_assert_ptr_nonnull(raw_field(&r, "error.retry_after_ms"));
        busy += refused;
        done += raw_field(&r, "ok")->via.boolean;
    }
    ck_assert_uint_eq(busy + done, COUNT);
    ck_assert_uint_ge(done, 4);
    raw_close(&r);
    local_stop(&small);
}
END_TEST

START_TEST(idle_sessions_expire)
{
    local_server brief;
    rud_server_options options = local_options();
    options.limits.session_seconds = 1;
    local_start(&brief, &options);
    raw r = raw_connect(rud_server_address(brief.server));
    raw other = raw_connect(rud_server_address(brief.server));
    raw_ok(&r, "{\"version\": 1, \"id\": 1, \"op\": \"env.make\", \"name\": \"coin-walk\"}");
    sleep(3);
    raw_ok(&other, "{\"version\": 1, \"id\": 1, \"op\": \"status\"}");
    ck_assert_uint_eq(raw_field(&other, "server.environments")->via.u64, 0);
    ck_assert_uint_eq(raw_field(&other, "server.sessions")->via.u64, 1);
    raw_send(&r, "{\"version\": 1, \"id\": 2, \"op\": \"env.reset\", \"env\": 1}");
    ck_assert(raw_receive(&r, 5000) && raw_is(&r, "error.code", "unknown_env"));
    raw_close(&r);
    raw_close(&other);
    local_stop(&brief);
}
END_TEST

/* A client goes on with its task when the session has expired, and when the server is another one
 * that knows nothing: none is inferred from its episodes. */
START_TEST(a_client_keeps_its_task)
{
    local_server server;
    rud_client_task first, task;
    rud_episodes list = {0};
    rud_server_options options = local_options();
    options.limits.session_seconds = 1;
    snprintf(options.bind, sizeof options.bind, "ipc://%s/socket", test_folder());
    coin_walks(4, 1, "k", &list);
    local_start(&server, &options);
    rud_client *client = local_client(&server);
    configure_coin_walk(client, "kept");
    ck_assert_int_eq(rud_client_submit(client, items(&list), 2, NULL, &first), RUD_OK);
    sleep(3);
    ck_assert_int_eq(rud_client_submit(client, items(&list), 3, NULL, &task), RUD_OK);
    ck_assert_str_eq(task.task, first.task);
    ck_assert_uint_eq(task.episodes, 3);
    local_stop(&server);
    local_start(&server, &options);
    ck_assert_int_eq(rud_client_submit(client, items(&list), 4, NULL, &task), RUD_OK);
    ck_assert_str_eq(task.task, first.task);
    ck_assert_uint_eq(task.episodes, 4);
    rud_client_free(&client);
    local_stop(&server);
    rud_episodes_free(&list);
}
END_TEST

/* Clients that have gone leave sessions; these make room for new ones, those in use do not. */
START_TEST(idle_sessions_make_room)
{
    enum { SESSIONS = 4 };
    static const char make[] =
        "{\"version\": 1, \"id\": 1, \"op\": \"env.make\", \"name\": \"coin-walk\"}";
    static const char reset[] = "{\"version\": 1, \"id\": 2, \"op\": \"env.reset\", \"env\": 1}";
    local_server small;
    raw users[SESSIONS];
    rud_server_options options = local_options();
    options.limits.sessions = SESSIONS;
    local_start(&small, &options);
    const char *address = rud_server_address(small.server);
    users[0] = raw_connect(address);
    raw_ok(&users[0], make);
    for (size_t k = 0; k < 3 * SESSIONS; k++) {
        raw visitor = raw_connect(address);
        raw_ok(&visitor, "{\"version\": 1, \"id\": 1, \"op\": \"status\"}");
        ck_assert_uint_le(raw_field(&visitor, "server.sessions")->via.u64, SESSIONS);
        raw_close(&visitor);
    }
    raw_ok(&users[0], reset);
    for (size_t k = 1; k < SESSIONS; k++) {
        users[k] = raw_connect(address);
        raw_ok(&users[k], make);
    }
    raw late = raw_connect(address);
    raw_send(&late, make);
    ck_assert(raw_receive(&late, 5000) && raw_is(&late, "error.code", "too_many"));
    for (size_t k = 0; k < SESSIONS; k++) raw_ok(&users[k], reset);
    raw_ok(&users[2], "{\"version\": 1, \"id\": 3, \"op\": \"env.close\", \"env\": 1}");
    raw_ok(&late, make);
    for (size_t k = 0; k < SESSIONS; k++) raw_close(&users[k]);
    raw_close(&late);
    local_stop(&small);
}
END_TEST

/* ---- the state folder ---- */

/* The same server again: model, lessons and ids are there, and so are its predictions. */
START_TEST(a_restart_goes_on)
{
    local_server first, second;
    rud_server_options options = local_options();
    rud_episodes list = {0};
    rud_client_task before, after;
    rud_redistribution_report report, again;
    double rewards[50], rewards_again[50];
    double *redistributed = rewards, *redistributed_again = rewards_again;
    snprintf(options.state, sizeof options.state, "%s", test_folder());
    coin_walks(301, 1, "r", &list);
    const rud_episode *probe = list.items[300];

    local_start(&first, &options);
    rud_client *client = local_client(&first);
    configure_coin_walk(client, NULL);
    ck_assert_int_eq(rud_client_submit(client, items(&list), 200, NULL, NULL), RUD_OK);
    ck_assert_int_eq(rud_client_train(client, 300, NULL, NULL), RUD_OK);
    ck_assert_int_eq(
        rud_client_submit(client, (const rud_episode *const *)list.items + 200, 100, NULL, NULL),
        RUD_OK);
    ck_assert_int_eq(
        rud_client_redistribute(client, &probe, 1, false, &redistributed, &report, &before),
        RUD_OK);
    rud_client_free(&client);
    local_stop(&first);

    local_start(&second, &options);
    client = local_client(&second);
    configure_coin_walk(client, NULL);
    ck_assert_int_eq(
        rud_client_redistribute(client, &probe, 1, false, &redistributed_again, &again, &after),
        RUD_OK);
    ck_assert_str_eq(after.task, before.task);
    ck_assert_uint_eq(after.model_version, before.model_version);
    ck_assert_uint_eq(after.episodes, 300);
    ck_assert_uint_eq(after.updates, before.updates);
    ck_assert_int_eq(again.ready, report.ready);
    ck_assert_double_eq(after.quality, before.quality);
    for (size_t t = 0; t < 50; t++) ck_assert_double_eq_tol(rewards[t], rewards_again[t], 1e-6);
    size_t accepted = 1;
    ck_assert_int_eq(rud_client_submit(client, items(&list), 300, &accepted, NULL), RUD_OK);
    ck_assert_uint_eq(accepted, 0);
    uint64_t done = 0;
    ck_assert_int_eq(rud_client_train(client, 10, &done, NULL), RUD_OK);
    ck_assert_uint_eq(done, 10);
    rud_client_free(&client);
    local_stop(&second);
    rud_episodes_free(&list);
}
END_TEST

/* Without lessons there is nothing to publish. */
START_TEST(no_updates_publish_nothing)
{
    rud_client *client = local_client(&local);
    rud_client_task task;
    uint64_t done = 1;
    configure_coin_walk(client, "no updates");
    ck_assert_int_eq(rud_client_train(client, 5, &done, &task), RUD_OK);
    ck_assert_uint_eq(done, 0);
    ck_assert_uint_eq(task.model_version, 0);
    rud_client_free(&client);
}
END_TEST

static bool is_paused(const local_server *server)
{
    raw connection = raw_connect(rud_server_address(server->server));
    raw_ok(&connection, "{\"version\": 1, \"id\": 1, \"op\": \"status\"}");
    const bool paused = raw_is(&connection, "training", "paused");
    raw_close(&connection);
    return paused;
}

/* What a client asked of background training holds until it is asked otherwise. */
START_TEST(a_pause_survives_restarts)
{
    rud_server_options options = local_options();
    snprintf(options.state, sizeof options.state, "%s", test_folder());
    for (int pause = 1; pause >= 0; pause--) {
        local_server first, second;
        local_start(&first, &options);
        rud_client *client = local_client(&first);
        configure_coin_walk(client, NULL);
        ck_assert_int_eq(rud_client_pause(client, pause != 0, NULL), RUD_OK);
        rud_client_free(&client);
        local_stop(&first);
        local_start(&second, &options);
        ck_assert_int_eq(is_paused(&second), pause != 0);
        local_stop(&second);
    }
    /* It does not outlive a change of the configuration that nobody asked about. */
    snprintf(options.state, sizeof options.state, "%s/other", test_folder());
    for (int background = 0; background <= 1; background++) {
        local_server server;
        options.background_training = background != 0;
        local_start(&server, &options);
        rud_client *client = local_client(&server);
        configure_coin_walk(client, NULL);
        ck_assert_int_eq(is_paused(&server), background == 0);
        rud_client_free(&client);
        local_stop(&server);
    }
}
END_TEST

/* A server with another network cannot use the model; it learns anew from the same episodes, and
 * gives its models numbers that were not used. */
START_TEST(another_network_learns_anew)
{
    rud_server_options options = local_options();
    rud_episodes list = {0};
    rud_client_task task;
    uint64_t done = 0;
    snprintf(options.state, sizeof options.state, "%s", test_folder());
    coin_walks(60, 1, "n", &list);
    for (unsigned turn = 0; turn < 3; turn++) {
        local_server server;
        options.redistributor.predictor.hidden = 8 + turn;
        local_start(&server, &options);
        rud_client *client = local_client(&server);
        configure_coin_walk(client, NULL);
        if (turn == 0) {
            ck_assert_int_eq(rud_client_submit(client, items(&list), 60, NULL, NULL), RUD_OK);
        }
        ck_assert_int_eq(rud_client_status(client, NULL, &task), RUD_OK);
        ck_assert_uint_eq(task.model_version, 0);
        ck_assert_uint_eq(task.episodes, 60);
        for (unsigned k = 0; k < 2; k++) {
            ck_assert_int_eq(rud_client_train(client, 5, &done, &task), RUD_OK);
            ck_assert_uint_eq(done, 5);
            ck_assert_uint_eq(task.model_version, 2 * turn + k + 1);
        }
        rud_client_free(&client);
        local_stop(&server);
    }
    rud_episodes_free(&list);
}
END_TEST

/* The only file that matches a pattern below a folder. */
static void find_file(const char *folder, const char *pattern, char path[512])
{
    glob_t found;
    snprintf(path, 512, "%s/%s", folder, pattern);
    ck_assert_int_eq(glob(path, 0, NULL, &found), 0);
    ck_assert_uint_eq(found.gl_pathc, 1);
    snprintf(path, 512, "%s", found.gl_pathv[0]);
    globfree(&found);
}

/* One bad byte costs its own episode: the segment is kept aside, the rest is served. */
START_TEST(a_damaged_journal_is_served)
{
    local_server server;
    rud_server_options options = local_options();
    rud_episodes list = {0};
    rud_client_task task;
    char path[512];
    snprintf(options.state, sizeof options.state, "%s", test_folder());
    coin_walks(50, 1, "d", &list);
    local_start(&server, &options);
    rud_client *client = local_client(&server);
    configure_coin_walk(client, NULL);
    ck_assert_int_eq(rud_client_submit(client, items(&list), 50, NULL, NULL), RUD_OK);
    rud_client_free(&client);
    local_stop(&server);

    find_file(options.state, "task-*/journal/*.journal", path);
    FILE *segment = fopen(path, "r+");
    ck_assert_ptr_nonnull(segment);
    fseek(segment, -3000, SEEK_END);
    fputs("damage", segment);
    fclose(segment);

    local_start(&server, &options);
    client = local_client(&server);
    configure_coin_walk(client, NULL);
    ck_assert_int_eq(rud_client_status(client, NULL, &task), RUD_OK);
    ck_assert_uint_ge(task.episodes, 48);
    ck_assert_uint_lt(task.episodes, 50);
    find_file(options.state, "task-*/journal/*.corrupt", path);
    size_t accepted = 0;
    ck_assert_int_eq(rud_client_submit(client, items(&list), 50, &accepted, &task), RUD_OK);
    ck_assert_uint_eq(task.episodes, 50);
    rud_client_free(&client);
    local_stop(&server);
    rud_episodes_free(&list);
}
END_TEST

static size_t count_tasks(const char *state)
{
    char pattern[PATH_MAX];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/task-*", state);
    const size_t count = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    globfree(&found);
    return count;
}

/* A task that the disk has no room for leaves nothing behind, nor does one whose server was killed
 * before it knew the specification. */
START_TEST(tasks_that_never_began_leave_nothing)
{
    local_server server;
    struct rlimit limit;
    rud_server_options options = local_options();
    snprintf(options.state, sizeof options.state, "%s", test_folder());
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/task-0123456789abcdef", options.state);
    ck_assert_int_eq(rud_make_folders(path), RUD_OK);
    strcat(path, "/.spec.4194304.0.tmp"); /* of a process that cannot be */
    fclose(fopen(path, "w"));
    local_start(&server, &options);
    ck_assert_uint_eq(count_tasks(options.state), 0);
    raw connection = raw_connect(rud_server_address(server.server));
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const rlim_t largest = limit.rlim_cur;
    signal(SIGXFSZ, SIG_IGN);
    limit.rlim_cur = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    raw_send(&connection, "{\"version\": 1, \"id\": 1, \"op\": \"configure\", \"spec\": "
                          "{\"observation_space\": {\"type\": \"discrete\", \"n\": 2}}}");
    const bool answered = raw_receive(&connection, 5000);
    limit.rlim_cur = largest;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert(answered && raw_is(&connection, "error.code", "storage"));
    ck_assert_uint_eq(count_tasks(options.state), 0);
    raw_close(&connection);
    local_stop(&server);
}
END_TEST

START_TEST(two_servers_cannot_share_a_state_folder)
{
    local_server first;
    rud_server *second = NULL;
    rud_server_options options = local_options();
    snprintf(options.state, sizeof options.state, "%s", test_folder());
    local_start(&first, &options);
    ck_assert_int_eq(rud_server_create(&options, &second), RUD_ESTATE);
    ck_assert_ptr_null(second);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), options.state));
    local_stop(&first);
}
END_TEST

START_TEST(other_machines_need_keys)
{
    rud_server *server = NULL;
    rud_server_options options = local_options();
    snprintf(options.bind, sizeof options.bind, "tcp://0.0.0.0:*");
    ck_assert_int_eq(rud_server_create(&options, &server), RUD_EINVAL);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), "--insecure"));
    options.insecure = true;
    ck_assert_int_eq(rud_server_create(&options, &server), RUD_OK);
    rud_server_free(&server);
}
END_TEST

typedef struct bind_case {
    const char *bind;
    rud_status status;
} bind_case;

static const bind_case bind_cases[] = {
    {"tcp://127.0.0.1:99999", RUD_EINVAL},
    {"inproc://rudder", RUD_EINVAL},      /* nobody could connect */
    {"udp://127.0.0.1:5555", RUD_EINVAL}, /* no transport of ROUTER */
    {"127.0.0.1:5555", RUD_EINVAL},
    {"", RUD_EINVAL},
    {"tcp://127.0.0.1", RUD_EINVAL}, /* no port */
    {"tcp://0.0.0.0:*", RUD_EINVAL},
    {"tcp://*:*", RUD_EINVAL},
    {"tcp://[::]:*", RUD_EINVAL},
    {"tcp://lo:*", RUD_EINVAL},        /* an interface's addresses may change */
    {"tcp://localhost:*", RUD_EINVAL}, /* a name's too */
    {"tcp://[::1]:*", RUD_OK},
    {"tcp://127.0.0.2:*", RUD_OK},
};

START_TEST(addresses_are_checked)
{
    rud_server *server = NULL;
    rud_server_options options = local_options();
    const bind_case *given = &bind_cases[_i];
    snprintf(options.bind, sizeof options.bind, "%s", given->bind);
    if (strstr(given->bind, "::1") != NULL && access("/proc/net/if_inet6", R_OK) != 0) return;
    const rud_status status = rud_server_create(&options, &server);
    ck_assert_msg(status == given->status, "%s: %s", given->bind, rud_last_error());
    if (status != RUD_OK) ck_assert_ptr_nonnull(strstr(rud_last_error(), given->bind));
    rud_server_free(&server);
}
END_TEST

/* ZeroMQ itself would replace the socket's file. */
START_TEST(a_socket_in_use_is_not_taken_over)
{
    local_server first;
    rud_server *second = NULL;
    rud_server_options options = local_options();
    snprintf(options.bind, sizeof options.bind, "ipc://%s/socket", test_folder());
    local_start(&first, &options);
    ck_assert_int_eq(rud_server_create(&options, &second), RUD_ESTATE);
    ck_assert_ptr_nonnull(strstr(rud_last_error(), options.bind));
    rud_client *client = local_client(&first);
    ck_assert_int_eq(rud_client_status(client, NULL, NULL), RUD_OK);
    rud_client_free(&client);
    local_stop(&first);
    local_start(&first, &options); /* a name that was left behind is */
    local_stop(&first);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("server");
    TCase *tc = tcase_create("agents");
    tcase_add_checked_fixture(tc, start, stop);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, ids_make_submitting_idempotent);
    tcase_add_test(tc, rewards_are_redistributed_once_the_gate_is_open);
    tcase_add_test(tc, a_stream_gives_what_the_batch_gives);
    tcase_add_test(tc, a_stream_keeps_its_model);
    tcase_add_test(tc, time_limits_cut_or_end);
    tcase_add_test(tc, background_training_opens_the_gate);
    tcase_add_test(tc, pipelined_requests_are_all_answered);
    tcase_add_test(tc, no_updates_publish_nothing);
    suite_add_tcase(suite, tc);
    tc = tcase_create("state");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, too_much_is_answered_by_busy);
    tcase_add_test(tc, idle_sessions_expire);
    tcase_add_test(tc, idle_sessions_make_room);
    tcase_add_test(tc, a_client_keeps_its_task);
    tcase_add_test(tc, a_restart_goes_on);
    tcase_add_test(tc, a_pause_survives_restarts);
    tcase_add_test(tc, another_network_learns_anew);
    tcase_add_test(tc, a_damaged_journal_is_served);
    tcase_add_test(tc, tasks_that_never_began_leave_nothing);
    tcase_add_test(tc, two_servers_cannot_share_a_state_folder);
    tcase_add_test(tc, other_machines_need_keys);
    tcase_add_loop_test(tc, addresses_are_checked, 0,
                        (int)(sizeof bind_cases / sizeof bind_cases[0]));
    tcase_add_test(tc, a_socket_in_use_is_not_taken_over);
    suite_add_tcase(suite, tc);
    return suite;
}

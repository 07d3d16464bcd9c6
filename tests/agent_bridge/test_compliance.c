/* What every server of the protocol must answer, good request or bad. Runs against a server in this
 * process, or against the one that RUDDER_ADDRESS names. */
#include "support.h"

#define SPEC                                                                                       \
    "{\"observation_space\": {\"type\": \"discrete\", \"n\": 5}, "                                 \
    "\"action_space\": {\"type\": \"discrete\", \"n\": 2}, \"final_observation\": false}"
#define EPISODE "\"observations\": [0, 1, 2], \"actions\": [0, 1, 0], \"rewards\": [0, 0, 1.5]"
#define REQUEST "\"version\": 1, \"id\": 7, \"op\": "

static local_server local;
static raw connection;

static void connect_to_server(void)
{
    const char *address = getenv("RUDDER_ADDRESS");
    if (address == NULL) {
        const rud_server_options options = local_options();
        local_start(&local, &options);
        address = rud_server_address(local.server);
    }
    connection = raw_connect(address);
    raw_ok(&connection, "{" REQUEST "\"configure\", \"spec\": " SPEC "}");
}

static void disconnect(void)
{
    raw_close(&connection);
    if (getenv("RUDDER_ADDRESS") == NULL) local_stop(&local);
}

typedef struct bad_request {
    const char *json, *code, *field; /* field NULL: none, or any */
} bad_request;

static const bad_request bad_requests[] = {
    {"{\"version\": 2, \"id\": 7, \"op\": \"hello\"}", "version", "version"},
    {"{\"version\": \"1\", \"id\": 7, \"op\": \"hello\"}", "wrong_type", "version"},
    {"{\"id\": 7, \"op\": \"hello\"}", "missing_field", "version"},
    {"{\"version\": 1, \"id\": 7}", "missing_field", "op"},
    {"{" REQUEST "\"fly\"}", "unknown_op", "op"},
    {"{" REQUEST "5}", "unknown_op", "op"},
    {"{" REQUEST "\"hello\", \"helo\": 1}", "unknown_field", "helo"},
    {"{" REQUEST "\"hello\", \"lists\": 1}", "wrong_type", "lists"},
    {"{" REQUEST "\"hello\", \"task\": \"0123456789abcdef\"}", "unknown_task", "task"},
    {"{" REQUEST "\"configure\"}", "missing_field", "spec"},
    {"{" REQUEST "\"configure\", \"spec\": 5}", "wrong_type", NULL},
    {"{" REQUEST "\"configure\", \"spec\": {}}", "missing_field", "spec.observation_space"},
    {"{" REQUEST "\"configure\", \"spec\": {\"observation_space\": {\"type\": \"dict\"}}}",
     "wrong_value", "spec.observation_space.type"},
    {"{" REQUEST "\"configure\", \"spec\": {\"observation_space\": {\"type\": \"discrete\", "
     "\"n\": 0}}}",
     "wrong_value", "spec.observation_space.n"},
    {"{" REQUEST "\"configure\", \"spec\": {\"observation_space\": {\"type\": \"box\", \"shape\": "
     "[3], \"low\": [0, 0]}}}",
     "wrong_shape", "spec.observation_space.low"},
    {"{" REQUEST "\"configure\", \"spec\": {\"observation_space\": {\"type\": \"box\", \"shape\": "
     "[2], \"low\": 1, \"high\": 0}}}",
     "wrong_value", NULL},
    {"{" REQUEST "\"configure\", \"spec\": {\"observation_space\": {\"type\": \"box\", \"shape\": "
     "[100000, 100000]}}}",
     "too_large", "spec.observation_space.shape"},
    {"{" REQUEST "\"submit\"}", "missing_field", "episodes"},
    {"{" REQUEST "\"submit\", \"episodes\": {}}", "wrong_type", "episodes"},
    {"{" REQUEST "\"submit\", \"episodes\": []}", "wrong_type", "episodes"},
    {"{" REQUEST "\"submit\", \"episodes\": [{" EPISODE "}]}", "missing_field", "episodes[0].id"},
    {"{" REQUEST "\"submit\", \"episodes\": [{\"id\": \"\", " EPISODE "}]}", "wrong_value",
     "episodes[0].id"},
    {"{" REQUEST "\"submit\", \"episodes\": [{\"id\": \"a\", " EPISODE "}, {\"id\": \"b\", "
     "\"observations\": [0, 1], \"actions\": [0, 1, 0], \"rewards\": [0, 0, 1]}]}",
     "wrong_shape", "episodes[1].observations"},
    {"{" REQUEST "\"redistribute\", \"episodes\": [{\"observations\": [0, 1, 7], \"actions\": "
     "[0, 1, 0], \"rewards\": [0, 0, 1]}]}",
     "wrong_value", "episodes[0].observations"},
    {"{" REQUEST "\"redistribute\", \"episodes\": [{\"observations\": [0, 1, 2], \"actions\": "
     "[0, 1, 0.5], \"rewards\": [0, 0, 1]}]}",
     "wrong_value", "episodes[0].actions"},
    {"{" REQUEST "\"redistribute\", \"episodes\": [{\"observations\": [0, 1, 2], \"actions\": "
     "[0, 1, 0], \"rewards\": [0, 0, NaN]}]}",
     "not_finite", "episodes[0].rewards"},
    {"{" REQUEST "\"submit\", \"episodes\": [{\"id\": \"a\", \"observations\": [0, 1, 2], "
     "\"actions\": [0, 1, 0], \"rewards\": [0, 1e308, 1e308]}]}",
     "wrong_value", "episodes[0].rewards"},
    {"{" REQUEST "\"submit\", \"episodes\": [{\"id\": \"a\", \"observations\": [[0], [-1e308]], "
     "\"rewards\": [1]}], \"spec\": {\"final_observation\": true, \"observation_space\": "
     "{\"type\": \"box\", \"shape\": [1]}}}",
     "wrong_value", "episodes[0].observations"},
    {"{" REQUEST "\"redistribute\", \"episodes\": [{\"observations\": [0, 1, Infinity], "
     "\"actions\": [0, 1, 0], \"rewards\": [0, 0, 1]}]}",
     NULL, "episodes[0].observations"},
    {"{" REQUEST "\"redistribute\", \"episodes\": [{\"observations\": [0, [1], 2], \"actions\": "
     "[0, 1, 0], \"rewards\": [0, 0, 1]}]}",
     "wrong_type", "episodes[0].observations"},
    {"{" REQUEST "\"redistribute\", \"episodes\": [{\"observations\": [], \"actions\": [], "
     "\"rewards\": []}]}",
     "wrong_shape", "episodes[0].rewards"},
    {"{" REQUEST "\"redistribute\", \"episodes\": [{\"observations\": {\"dtype\": \"int8\", "
     "\"shape\": [3], \"data\": {\"$bin\": \"0001\"}}, \"actions\": [0, 1, 0], \"rewards\": "
     "[0, 0, 1]}]}",
     "wrong_shape", "episodes[0].observations"},
    {"{" REQUEST "\"redistribute\", \"episodes\": [{\"observations\": {\"dtype\": \"int7\", "
     "\"shape\": [3], \"data\": {\"$bin\": \"000102\"}}, \"actions\": [0, 1, 0], \"rewards\": "
     "[0, 0, 1]}]}",
     "wrong_type", "episodes[0].observations"},
    {"{" REQUEST "\"redistribute\", \"episodes\": [{\"observations\": {\"dtype\": \"int8\", "
     "\"shape\": [4294967295, 4294967295, 4294967295], \"data\": {\"$bin\": \"\"}}, \"actions\": "
     "[0, 1, 0], \"rewards\": [0, 0, 1]}]}",
     "too_large", "episodes[0].observations"},
    {"{" REQUEST "\"redistribute\", \"episodes\": [{\"observations\": {\"dtype\": \"int8\", "
     "\"shape\": [-3], \"data\": {\"$bin\": \"000102\"}}, \"actions\": [0, 1, 0], \"rewards\": "
     "[0, 0, 1]}]}",
     "wrong_type", "episodes[0].observations"},
    {"{" REQUEST "\"redistribute\", \"mix\": 2, \"episodes\": [{" EPISODE "}]}", "wrong_value",
     "mix"},
    {"{" REQUEST "\"redistribute\", \"time_limit\": \"never\", \"episodes\": [{" EPISODE "}]}",
     "wrong_value", "time_limit"},
    {"{" REQUEST "\"redistribute\", \"task\": \"x\", \"spec\": " SPEC ", \"episodes\": [{" EPISODE
     "}]}",
     "unknown_field", "spec"},
    {"{" REQUEST "\"redistribute\", \"episodes\": [{" EPISODE ", \"terminated\": false}]}",
     "wrong_value", "episodes[0].terminated"},
    {"{" REQUEST "\"redistribute\", \"episodes\": [7]}", "wrong_type", "episodes[0]"},
    {"{" REQUEST "\"redistribute\", \"episodes\": [{\"observations\": [0, 1, 0], \"actions\": "
     "[0, 1], \"rewards\": {\"dtype\": \"bool\", \"shape\": [2], \"data\": {\"$bin\": "
     "\"0002\"}}}]}",
     "wrong_value", "episodes[0].rewards"},
    {"{" REQUEST "\"explain\", \"episodes\": [{" EPISODE "}], \"method\": \"guess\"}",
     "wrong_value", "method"},
    {"{" REQUEST "\"explain\", \"episodes\": [{" EPISODE "}]}", "not_trained", NULL},
    {"{" REQUEST "\"model\", \"weights\": true}", "not_trained", NULL},
    {"{" REQUEST "\"train\"}", "missing_field", "updates"},
    {"{" REQUEST "\"train\", \"updates\": 0}", "wrong_value", "updates"},
    {"{" REQUEST "\"train\", \"updates\": -1}", "wrong_value", "updates"},
    {"{" REQUEST "\"stream.step\", \"stream\": 1, \"t\": 0, \"observation\": 1, \"action\": 1, "
     "\"reward\": 0}",
     "unknown_stream", "stream"},
    {"{" REQUEST "\"stream.close\", \"stream\": 1}", "unknown_stream", "stream"},
    {"{" REQUEST "\"stream.open\", \"stream\": 4294967296, \"episode\": \"e\"}", "wrong_value",
     "stream"},
    {"{" REQUEST "\"configure\", \"spec\": {\"observation_space\": {\"type\": \"box\", \"shape\": "
     "[2]}, \"features\": {\"observation\": \"one-hot\"}}}",
     "wrong_value", "spec.features"},
    {"{" REQUEST "\"configure\", \"spec\": {\"observation_space\": {\"type\": \"discrete\", "
     "\"n\": 1000000}}}",
     "too_large", "spec.features"},
    {"{" REQUEST "\"env.make\", \"name\": \"moon\"}", "wrong_value", "name"},
    {"{" REQUEST "\"env.make\", \"name\": \"coin-walk\", \"options\": {\"delay\": 7}}",
     "wrong_value", "options"},
    {"{" REQUEST "\"env.make\", \"name\": \"coin-walk\", \"copies\": 0}", "wrong_value", "copies"},
    {"{" REQUEST "\"env.make\", \"name\": \"coin-walk\", \"autoreset\": \"always\"}", "wrong_value",
     "autoreset"},
    {"{" REQUEST "\"env.step\", \"env\": 99, \"action\": 0}", "unknown_env", "env"},
    {"{" REQUEST "\"env.close\", \"env\": 99}", "unknown_env", "env"},
    {"{" REQUEST "\"shutdown\"}", "forbidden", NULL},
};

static const char *text_of(const msgpack_object *object, char out[512])
{
    snprintf(out, 512, "%.*s", object != NULL ? (int)object->via.str.size : 0,
             object != NULL ? object->via.str.ptr : "");
    return out;
}

START_TEST(bad_requests_are_refused)
{
    char code[512], field[512], message[512];
    const bad_request *bad = &bad_requests[_i];
    raw_send(&connection, bad->json);
    ck_assert_msg(raw_receive(&connection, 5000), "no reply to %s", bad->json);
    ck_assert_msg(raw_field(&connection, "error") != NULL, "accepted: %s", bad->json);
    text_of(raw_field(&connection, "error.code"), code);
    text_of(raw_field(&connection, "error.field"), field);
    text_of(raw_field(&connection, "error.message"), message);
    if (bad->code != NULL) {
        ck_assert_msg(strcmp(code, bad->code) == 0, "%s: %s (%s)", bad->json, code, message);
    }
    if (bad->field != NULL) {
        ck_assert_msg(strcmp(field, bad->field) == 0, "%s: field %s (%s)", bad->json, field,
                      message);
    }
    ck_assert(message[0] != '\0');
    raw_ok(&connection, "{" REQUEST "\"status\"}"); /* it lives */
}
END_TEST

/* What has no readable id is dropped, and counted. */
START_TEST(unreadable_frames_are_dropped)
{
    static const struct {
        const char *bytes;
        size_t size;
    } frames[] = {{"", 0},
                  {"\xc1", 1},
                  {"\x80", 1},
                  {"\x05", 1},
                  {"\xdd\xff\xff\xff\xff", 5},
                  {"\xdf\xff\xff\xff\xff\x01", 6},
                  {"\xc6\xff\xff\xff\xff", 5},
                  {"\x81\xa2id\xa0", 5},
                  {"\x81\xa2id\x90", 5}};
    const size_t count = sizeof frames / sizeof frames[0];
    raw_ok(&connection, "{" REQUEST "\"status\"}");
    const uint64_t before = raw_field(&connection, "server.dropped")->via.u64;
    for (size_t k = 0; k + 1 < count; k++) {
        ck_assert_int_ge(zmq_send(connection.socket, frames[k].bytes, frames[k].size, 0), 0);
    }
    zmq_send(connection.socket, "\x80", 1, ZMQ_SNDMORE); /* two frames */
    zmq_send(connection.socket, "\x80", 1, 0);
    raw_ok(&connection, "{" REQUEST "\"status\"}");
    ck_assert_uint_eq(raw_field(&connection, "server.dropped")->via.u64, before + count);
}
END_TEST

START_TEST(deep_nesting_is_refused)
{
    char frame[4096] = "\x84\xa7version\x01\xa2id\x07\xa2op\xa5hello\xa1x";
    const size_t head = strlen(frame);
    memset(frame + head, '\x91', 3000);
    frame[head + 3000] = '\x01';
    zmq_send(connection.socket, frame, head + 3001, 0);
    ck_assert(raw_receive(&connection, 5000));
    ck_assert(raw_is(&connection, "error.code", "malformed"));
    ck_assert_uint_eq(raw_field(&connection, "id")->via.u64, 7);
    raw_ok(&connection, "{" REQUEST "\"status\"}");
}
END_TEST

/* Cut off, with claims beyond the end, or with bytes behind it: told to who can be answered. */
START_TEST(broken_frames_with_an_id_are_answered)
{
    static const struct {
        const char *bytes;
        size_t size;
    } frames[] = {{"\x81\xa2id\x07\x07", 6},
                  {"\x82\xa2id\x07\xa2op\xa5hel", 11},
                  {"\x82\xa2id\x07\xa1x\xdd\xff\xff\xff\xff", 12},
                  {"\x82\xa2id\x07\xa1x\xc1", 8}};
    for (size_t k = 0; k < sizeof frames / sizeof frames[0]; k++) {
        zmq_send(connection.socket, frames[k].bytes, frames[k].size, 0);
        ck_assert(raw_receive(&connection, 5000));
        ck_assert(raw_is(&connection, "error.code", "malformed"));
        ck_assert_uint_eq(raw_field(&connection, "id")->via.u64, 7);
    }
}
END_TEST

/* A task's name is told to every client, and most refuse to read text that is not UTF-8. */
START_TEST(texts_are_utf8)
{
    static const char *const bad[] = {"\xff",     "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xe2\x82", "a\x80"};
    char frame[128];
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        const int size = snprintf(frame, sizeof frame,
                                  "\x84\xa7version\x01\xa2id\x07\xa2op\xa5hello\xa6"
                                  "client%c%s",
                                  (int)(0xa0 | strlen(bad[k])), bad[k]);
        zmq_send(connection.socket, frame, (size_t)size, 0);
        ck_assert(raw_receive(&connection, 5000));
        ck_assert(raw_is(&connection, "error.code", "wrong_value"));
        ck_assert(raw_is(&connection, "error.field", "client"));
    }
    raw_ok(&connection,
           "{" REQUEST "\"hello\", \"client\": \"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}");
}
END_TEST

START_TEST(a_key_may_not_stand_twice)
{
    static const char frame[] = "\x84\xa7version\x01\xa2id\x07\xa2op\xa5hello\xa2op\xa6status";
    zmq_send(connection.socket, frame, sizeof frame - 1, 0);
    ck_assert(raw_receive(&connection, 5000));
    ck_assert(raw_is(&connection, "error.code", "malformed"));
}
END_TEST

START_TEST(streams_are_checked)
{
#define STEP(t, more)                                                                              \
    "{" REQUEST "\"stream.step\", \"stream\": 3, \"t\": " #t                                       \
    ", \"observation\": 1, \"action\": 1, \"reward\": 0.5" more "}"
    raw_ok(&connection, "{" REQUEST "\"stream.open\", \"stream\": 3, \"episode\": \"s\"}");
    raw_ok(&connection, "{" REQUEST "\"stream.open\", \"stream\": 3, \"episode\": \"s\"}");
    raw_send(&connection, "{" REQUEST "\"stream.open\", \"stream\": 3, \"episode\": \"other\"}");
    ck_assert(raw_receive(&connection, 5000) && raw_is(&connection, "error.code", "out_of_order"));
    raw_send(&connection, STEP(-1, "")); /* no last one yet */
    ck_assert(raw_receive(&connection, 5000) && raw_is(&connection, "error.code", "out_of_order"));
    raw_ok(&connection, STEP(0, ""));
    raw_ok(&connection, STEP(0, "")); /* the last one again */
    raw_send(&connection, STEP(2, ""));
    ck_assert(raw_receive(&connection, 5000) && raw_is(&connection, "error.code", "out_of_order"));
    ck_assert_uint_eq(raw_field(&connection, "error.expected")->via.u64, 1);
    raw_send(&connection, "{" REQUEST "\"stream.close\", \"stream\": 3}");
    ck_assert(raw_receive(&connection, 5000) && raw_is(&connection, "error.code", "missing_field"));
    raw_ok(&connection, STEP(1, ", \"terminated\": true"));
    ck_assert_ptr_nonnull(raw_field(&connection, "ended.redistributed_rewards"));
    raw_send(&connection, STEP(1, ", \"terminated\": true"));
    ck_assert(raw_receive(&connection, 5000) &&
              raw_is(&connection, "error.code", "unknown_stream"));
    raw_send(&connection, "{" REQUEST "\"stream.close\", \"stream\": 3}");
    ck_assert(raw_receive(&connection, 5000) &&
              raw_is(&connection, "error.code", "unknown_stream"));
}
END_TEST

START_TEST(errors_count_from_start)
{
    raw_send(&connection, "{" REQUEST "\"redistribute\", \"spec\": {\"final_observation\": true, "
                          "\"observation_space\": {\"type\": \"discrete\", \"n\": 3, \"start\": "
                          "-5}}, \"episodes\": [{\"observations\": [-5, -2], \"rewards\": [1]}]}");
    ck_assert(raw_receive(&connection, 5000) && raw_is(&connection, "error.code", "wrong_value"));
    ck_assert(raw_is(&connection, "error.message",
                     "field \"episodes[0].observations\": row 1: component 0 is -2: a whole "
                     "number from -5 to -3 is allowed"));
}
END_TEST

/* A stream that the same message opened is not open where the message failed. */
START_TEST(a_failed_step_opens_nothing)
{
    raw_send(&connection,
             "{" REQUEST "\"stream.step\", \"opens\": [{\"stream\": 8, \"episode\": \"x\"}], "
             "\"stream\": 8, \"t\": 0, \"observation\": 9, \"action\": 1, "
             "\"reward\": 0}");
    ck_assert(raw_receive(&connection, 5000) && raw_is(&connection, "error.code", "wrong_value"));
    raw_send(&connection, "{" REQUEST "\"stream.close\", \"stream\": 8, \"abandon\": true}");
    ck_assert(raw_receive(&connection, 5000) &&
              raw_is(&connection, "error.code", "unknown_stream"));
}
END_TEST

START_TEST(environments_are_checked)
{
    char request[256];
    raw_ok(&connection, "{" REQUEST "\"env.make\", \"name\": \"coin-walk\"}");
    const unsigned env = (unsigned)raw_field(&connection, "env")->via.u64;
    snprintf(request, sizeof request, "{" REQUEST "\"env.step\", \"env\": %u, \"action\": 1}", env);
    raw_send(&connection, request);
    ck_assert(raw_receive(&connection, 5000) && raw_is(&connection, "error.code", "needs_reset"));
    snprintf(request, sizeof request, "{" REQUEST "\"env.reset\", \"env\": %u}", env);
    raw_ok(&connection, request);
    snprintf(request, sizeof request, "{" REQUEST "\"env.step\", \"env\": %u, \"action\": 2}", env);
    raw_send(&connection, request);
    ck_assert(raw_receive(&connection, 5000) && raw_is(&connection, "error.code", "wrong_value"));
    snprintf(request, sizeof request, "{" REQUEST "\"env.step\", \"env\": %u, \"action\": 1}", env);
    for (int t = 0; t < 50; t++) raw_ok(&connection, request);
    ck_assert(raw_field(&connection, "terminated")->via.boolean);
    ck_assert(!raw_field(&connection, "truncated")->via.boolean);
    raw_send(&connection, request);
    ck_assert(raw_receive(&connection, 5000) && raw_is(&connection, "error.code", "needs_reset"));
}
END_TEST

/* Gymnasium's modes: with next_step the step behind the end is the reset and no transition; with
 * same_step the last observation stands beside the first. */
START_TEST(vectors_reset_themselves)
{
    static const char *const modes[] = {"next_step", "same_step"};
    char request[256];
    snprintf(request, sizeof request,
             "{" REQUEST "\"env.make\", \"name\": \"coin-walk\", \"copies\": 2, \"autoreset\": "
             "\"%s\", \"seed\": 18446744073709551615}",
             modes[_i]);
    raw_ok(&connection, request);
    const unsigned env = (unsigned)raw_field(&connection, "env")->via.u64;
    snprintf(request, sizeof request, "{" REQUEST "\"env.reset\", \"lists\": true, \"env\": %u}",
             env);
    raw_ok(&connection, request);
    snprintf(request, sizeof request,
             "{" REQUEST "\"env.step\", \"lists\": true, \"env\": %u, \"actions\": [1, 0]}", env);
    for (int t = 0; t < 50; t++) raw_ok(&connection, request);
    ck_assert(raw_field(&connection, "terminated")->via.array.ptr[1].via.boolean);
    const uint64_t shown = raw_field(&connection, "observations")->via.array.ptr[1].via.u64;
    if (_i == 0) {
        ck_assert_uint_eq(shown, 0); /* 50 steps to the left */
        raw_ok(&connection, request);
        ck_assert(!raw_field(&connection, "terminated")->via.array.ptr[1].via.boolean);
        ck_assert_double_eq(raw_field(&connection, "rewards")->via.array.ptr[1].via.f64, 0);
        ck_assert_uint_eq(raw_field(&connection, "observations")->via.array.ptr[1].via.u64, 7);
    } else {
        ck_assert_uint_eq(shown, 7);
        ck_assert_uint_eq(raw_field(&connection, "final_observations")->via.array.ptr[1].via.u64,
                          0);
        ck_assert(raw_field(&connection, "final_mask")->via.array.ptr[0].via.boolean);
    }
    raw_ok(&connection, request);
    ck_assert_uint_eq(raw_field(&connection, "observations")->via.array.ptr[1].via.u64, 6);
}
END_TEST

/* Lists and tensors say the same. */
START_TEST(tensors_and_lists_are_alike)
{
    char first[512], second[512];
    static const char ask[] = "{" REQUEST "\"redistribute\", \"lists\": true, \"episodes\": [{%s, "
                              "\"actions\": [0, 1, 0], \"rewards\": [0, 0, 1.5]}]}";
    char request[1024];
    snprintf(request, sizeof request, ask, "\"observations\": [0, 1, 2]");
    raw_ok(&connection, request);
    msgpack_object_print_buffer(first, sizeof first, *raw_field(&connection, "results"));
    snprintf(request, sizeof request, ask,
             "\"observations\": {\"dtype\": \"uint16\", \"shape\": [3, 1], \"data\": {\"$bin\": "
             "\"000001000200\"}}");
    raw_ok(&connection, request);
    msgpack_object_print_buffer(second, sizeof second, *raw_field(&connection, "results"));
    ck_assert_str_eq(first, second);
    ck_assert_msg(strstr(first, "[0.000000, 0.000000, 1.500000]") != NULL, "%s", first);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("compliance");
    TCase *tc = tcase_create("requests");
    tcase_add_checked_fixture(tc, connect_to_server, disconnect);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, bad_requests_are_refused, 0,
                        (int)(sizeof bad_requests / sizeof bad_requests[0]));
    tcase_add_test(tc, unreadable_frames_are_dropped);
    tcase_add_test(tc, deep_nesting_is_refused);
    tcase_add_test(tc, broken_frames_with_an_id_are_answered);
    tcase_add_test(tc, texts_are_utf8);
    tcase_add_test(tc, a_key_may_not_stand_twice);
    tcase_add_test(tc, streams_are_checked);
    tcase_add_test(tc, errors_count_from_start);
    tcase_add_test(tc, a_failed_step_opens_nothing);
    tcase_add_test(tc, environments_are_checked);
    tcase_add_loop_test(tc, vectors_reset_themselves, 0, 2);
    tcase_add_test(tc, tensors_and_lists_are_alike);
    suite_add_tcase(suite, tc);
    return suite;
}

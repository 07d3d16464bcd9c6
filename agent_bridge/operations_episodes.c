/* submit and redistribute. */
#include <stdio.h>
#include <string.h>

#include "agent_bridge/operations_private.h"

static rud_status read_time_limit(rud_request *request)
{
    static const char *const choices[] = {"cut", "terminal", NULL};
    unsigned choice = 0;
    RUD_TRY(rud_wire_choice((rud_wire_place){"", &request->problem}, &request->message.root,
                            "time_limit", choices, &choice));
    request->terminal = choice == 1;
    return RUD_OK;
}

/* As configured where the request names none. */
static rud_status read_mix(rud_server *server, rud_request *request)
{
    request->redistribution = server->options.redistributor.redistribution;
    return rud_wire_real((rud_wire_place){"", &request->problem}, &request->message.root, "mix", 0,
                         1, &request->redistribution.mix);
}

rud_status rud_begin_submit(rud_server *server, rud_session *session, rud_request *request)
{
    RUD_TRY(read_time_limit(request));
    RUD_TRY(rud_task_select(server, session, request, &request->message.root, RUD_SELECT_INFER));
    request->store = true;
    request->next_step = RUD_NEXT_STORAGE;
    return RUD_OK;
}

rud_status rud_work_submit(rud_worker *worker, rud_request *request)
{
    RUD_TRY(rud_request_read_episodes(worker->server, request));
    rud_reply_open(request);
    return RUD_OK;
}

rud_status rud_begin_redistribute(rud_server *server, rud_session *session, rud_request *request)
{
    RUD_TRY(read_time_limit(request));
    RUD_TRY(read_mix(server, request));
    RUD_TRY(rud_wire_bool((rud_wire_place){"", &request->problem}, &request->message.root, "submit",
                          &request->store));
    RUD_TRY(rud_task_select(server, session, request, &request->message.root, RUD_SELECT_INFER));
    request->next_step = request->store ? RUD_NEXT_STORAGE : RUD_NEXT_WORK;
    return RUD_OK;
}

/* Does the storage of this request's episodes stand? */
static rud_status check_stored(rud_request *request)
{
    if (request->stored == RUD_OK) return RUD_OK;
    if (request->stored == RUD_EIO) request->problem.code = RUD_PROBLEM_STORAGE;
    return request->stored;
}

/* accepted, duplicates and cut, behind what a worker has put into the reply. */
rud_status rud_finish_store(rud_request *request)
{
    size_t accepted = 0, cut = 0;
    RUD_TRY(check_stored(request));
    for (size_t k = 0; k < request->count; k++) {
        const rud_episode *episode = request->episodes[k];
        accepted += request->added[k];
        cut += request->added[k] && episode->truncated && !episode->terminated;
    }
    rud_pack_task_now(&request->reply, request->task);
    rud_pack_field_uint(&request->reply, "accepted", accepted);
    rud_pack_field_uint(&request->reply, "duplicates", request->count - accepted);
    rud_pack_field_uint(&request->reply, "cut", cut);
    return RUD_OK;
}

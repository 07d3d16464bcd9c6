/* The operations, one file for each group. PROTOCOL.md says what each does. */
#ifndef RUD_AGENT_BRIDGE_OPERATIONS_PRIVATE_H
#define RUD_AGENT_BRIDGE_OPERATIONS_PRIVATE_H

#include "agent_bridge/server_private.h"

/* The fields that every request may have. */
#define RUD_REQUEST_FIELDS "version", "id", "op", "lists"

typedef rud_status rud_begin(rud_server *server, rud_session *session, rud_request *request);

rud_begin rud_begin_hello, rud_begin_configure, rud_begin_status, rud_begin_model,
    rud_begin_shutdown;
rud_begin rud_begin_submit, rud_begin_redistribute, rud_begin_train, rud_begin_pause,
    rud_begin_resume;
rud_begin rud_begin_stream_open, rud_begin_stream_step, rud_begin_stream_close;
rud_begin rud_begin_env_list, rud_begin_env_make, rud_begin_env_reset, rud_begin_env_step,
    rud_begin_env_close;
rud_begin rud_begin_explain;
rud_status rud_work_explain(rud_worker *worker, rud_request *request);
rud_status rud_finish_stream(rud_request *request);
rud_status rud_work_submit(rud_worker *worker, rud_request *request);
rud_status rud_work_model(rud_worker *worker, rud_request *request);
rud_status rud_finish_store(rud_request *request);
rud_status rud_finish_train(rud_request *request);
rud_status rud_finish_pause(rud_request *request);

/* The task's fields of a reply as they are now. */
void rud_pack_task_now(rud_packer *packer, rud_task *task);

#endif

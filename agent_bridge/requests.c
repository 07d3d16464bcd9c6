/* Requests: read, answered, freed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent_bridge/server_private.h"

void rud_request_free(rud_request **request)
{
    rud_request *j = *request;
    if (j == NULL) return;
    if (j->has_frame) zmq_msg_close(&j->frame);
    rud_message_free(&j->message);
    rud_packer_free(&j->reply);
    rud_wire_episodes_free(&j->episodes, j->count);
    free(j->added);
    if (j->free_context != NULL) j->free_context(j->context);
    free(j);
    *request = NULL;
}

static void pack_envelope(rud_packer *packer, const rud_request *request)
{
    rud_pack_open(packer);
    rud_pack_field_uint(packer, "version", RUD_WIRE_VERSION);
    rud_pack_key(packer, "id");
    if (request->id_is_text) {
        rud_pack_text(packer, request->id_text);
    } else {
        rud_pack_uint(packer, request->id_number);
    }
}

void rud_reply_open(rud_request *request)
{
    const bool lists = request->reply.lists;
    rud_packer_free(&request->reply);
    rud_packer_init(&request->reply);
    request->reply.lists = lists;
    pack_envelope(&request->reply, request);
    rud_pack_field_bool(&request->reply, "ok", true);
}

/* The reply becomes the error that was told. */
static void pack_error(rud_request *request, rud_status status, const char *message)
{
    rud_packer *reply = &request->reply;
    rud_problem *problem = &request->problem;
    if (problem->code == RUD_PROBLEM_NONE) problem->code = rud_problem_of(status);
    rud_packer_free(reply);
    rud_packer_init(reply);
    pack_envelope(reply, request);
    rud_pack_field_bool(reply, "ok", false);
    rud_pack_key(reply, "error");
    rud_pack_open(reply);
    rud_pack_field_text(reply, "code", rud_problem_name(problem->code));
    rud_pack_field_text(reply, "message", message);
    if (problem->field[0] != '\0') rud_pack_field_text(reply, "field", problem->field);
    if (problem->has_expected) rud_pack_field_uint(reply, "expected", problem->expected);
    if (problem->retry_after_ms > 0) {
        rud_pack_field_uint(reply, "retry_after_ms", problem->retry_after_ms);
    }
    if (problem->code == RUD_PROBLEM_VERSION) {
        rud_pack_key(reply, "supported");
        rud_pack_array(reply, 1);
        rud_pack_uint(reply, RUD_WIRE_VERSION);
    }
    rud_pack_close(reply);
}

void rud_server_answer(rud_server *server, rud_request *request, rud_status status)
{
    if (status == RUD_OK && request->reply.failed) {
        status = rud_error(RUD_ENOMEM, "no memory for the reply");
    }
    if (status != RUD_OK) {
        /* A worker's or the storage thread's message is not this thread's. */
        const bool earlier = request->status != RUD_OK || request->stored != RUD_OK;
        atomic_fetch_add(&server->counters.errors, 1);
        pack_error(request, status, earlier ? request->message_text : rud_last_error());
    }
    rud_pack_close(&request->reply);
    rud_queue_push(&server->answers, request);
    if (!atomic_exchange(&server->woken, true)) {
        /* A full pipe wakes too. */
        if (write(server->wake[1], "", 1) < 0) return;
    }
}

void rud_server_pass(rud_server *server, rud_request *request, rud_status status)
{
    if (status != RUD_OK && request->status == RUD_OK) {
        request->status = status;
        snprintf(request->message_text, sizeof request->message_text, "%s", rud_last_error());
    }
    if (request->next_step == RUD_NEXT_STORAGE) {
        rud_storage_prepared(&server->stored, request);
    } else {
        rud_server_answer(server, request, request->status);
    }
}

/* A progress message is a request of its own that is answered at once. */
void rud_server_progress(rud_server *server, const rud_request *request, uint64_t done,
                         uint64_t total)
{
    rud_request *progress = calloc(1, sizeof *progress);
    if (progress == NULL) return;
    memcpy(progress->identity, request->identity, request->identity_size);
    progress->identity_size = request->identity_size;
    progress->id_is_text = request->id_is_text;
    progress->id_number = request->id_number;
    memcpy(progress->id_text, request->id_text, sizeof request->id_text);
    progress->is_progress = true;
    rud_packer_init(&progress->reply);
    pack_envelope(&progress->reply, progress);
    rud_pack_key(&progress->reply, "progress");
    rud_pack_open(&progress->reply);
    rud_pack_field_uint(&progress->reply, "done", done);
    rud_pack_field_uint(&progress->reply, "total", total);
    rud_pack_close(&progress->reply);
    rud_server_answer(server, progress, RUD_OK);
}

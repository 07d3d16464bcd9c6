/* Who may talk to the server. */
#include "agent_bridge/state_private.h"

rud_status rud_guard_open(rud_server *server)
{
    (void)server;
    return RUD_OK;
}

void rud_guard_close(rud_server *server)
{
    (void)server;
}

void *rud_guard_socket(rud_server *server)
{
    (void)server;
    return NULL;
}

void rud_guard_answer(rud_server *server)
{
    (void)server;
}

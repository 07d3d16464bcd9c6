/* What outlives the server, and who may talk to it. */
#ifndef RUD_AGENT_BRIDGE_STATE_PRIVATE_H
#define RUD_AGENT_BRIDGE_STATE_PRIVATE_H

#include "agent_bridge/server_private.h"

/* Options that cannot be. RUD_EINVAL names them. */
rud_status rud_state_check(const rud_server_options *options);

/* The state folder, locked; a temporary one where none is given. RUD_ESTATE: another server has
 * it. */
rud_status rud_state_open(rud_server *server);
void rud_state_close(rud_server *server);

/* Removes a folder and all that it holds. */
void rud_state_remove(const char *folder);

/* CURVE and its allow-list, where the options ask for them. */
rud_status rud_guard_open(rud_server *server);
/* Before the router is closed, which it watches. */
void rud_guard_close(rud_server *server);

/* Where questions about clients arrive; NULL: none do. */
void *rud_guard_socket(rud_server *server);
void rud_guard_answer(rud_server *server);

/* Logs the clients that did not get as far as being asked for. */
void rud_guard_report(rud_server *server);

#endif

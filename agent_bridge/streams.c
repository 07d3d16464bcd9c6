#include "agent_bridge/server_private.h"
void rud_stream_free(rud_stream **stream)
{
    (void)stream;
}
void rud_remote_env_free(rud_remote_env **env)
{
    (void)env;
}

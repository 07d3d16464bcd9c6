/* rudder keygen: CURVE key pairs. */
#include "cli/cli.h"

typedef struct arguments {
    const char *name;
} arguments;

static error_t parse(int key, char *argument, struct argp_state *state)
{
    arguments *a = state->input;
    return cli_one_argument(key, argument, state, "NAME", &a->name);
}

int cli_keygen(int argc, char **argv)
{
    static const struct argp argp = {
        NULL,
        parse,
        "NAME",
        "Makes a pair of CURVE keys: NAME.secret, which only you may read, and NAME.public.\v"
        "A server gets its own secret key (server.secret_key) and a folder with the public keys of "
        "its clients (server.allowed_clients). A client gets its own secret key and the server's "
        "public key.",
        NULL,
        0,
        0};
    arguments a = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    const rud_status status = rud_keys_generate(a.name);
    if (status != RUD_OK) return cli_fail(status);
    printf("%s.secret\n%s.public\n", a.name, a.name);
    return CLI_DONE;
}

/* The parts of `rudder bench --part bridge`. */
#ifndef RUD_CLI_BENCH_BRIDGE_H
#define RUD_CLI_BENCH_BRIDGE_H

#include <sys/types.h>

#include "cli/bench.h"

enum {
    CLI_BRIDGE_STEPS = 50, /* T of every episode */
    CLI_BRIDGE_EPISODES = 200,
    CLI_BRIDGE_ADDRESS = 64
};

typedef struct cli_bridge_process {
    pid_t pid;
    char address[CLI_BRIDGE_ADDRESS];
} cli_bridge_process;

typedef struct cli_bridge_bench {
    bool json;
    int first_core, second_core; /* clients, I/O and workers on one, the trainer on the other */
    cli_bridge_process server, echo;
    char *folder;          /* of the server's state */
    rud_episodes episodes; /* [CLI_BRIDGE_EPISODES] of coin-walk, with ids */
} cli_bridge_bench;

/* The first two cores that this process may use; the same one twice where it is alone. */
void cli_bridge_find_cores(cli_bridge_bench *b);

/* This process and the server: clients, I/O and workers on one core, the trainer on the other; and
 * free to use both again. Nothing happens where the system refuses it. */
void cli_bridge_pin(const cli_bridge_bench *b);
void cli_bridge_unpin(const cli_bridge_bench *b);

/* Starts `rudder serve`, and a process that sends back what it gets; end them by
 * cli_bridge_end. */
rud_status cli_bridge_start_server(cli_bridge_bench *b);
rud_status cli_bridge_start_echo(cli_bridge_bench *b);

/* Sends the signal and waits for the end; does nothing with a process that was not started. */
void cli_bridge_end(cli_bridge_process *process, int signal);

/* A client of the server, its task made known. Caller owns *client, also on failure. */
rud_status cli_bridge_connect(const cli_bridge_bench *b, rud_client **client);

/* Step k of a client that plays one episode after the other, step by step. */
rud_status cli_bridge_stream_step(const cli_bridge_bench *b, rud_client *client, uint32_t stream,
                                  size_t k);

/* What a client waits for an answer, in turn with the echo: prints it. The server's trainer trains
 * from then on. */
rud_status cli_bridge_latencies(const cli_bridge_bench *b);

/* What many clients get answered in a second: prints it. */
rud_status cli_bridge_throughputs(const cli_bridge_bench *b);

#endif

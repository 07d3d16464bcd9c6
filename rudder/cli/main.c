/* The program: a table of subcommands. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

const char *argp_program_version = "rudder " RUD_VERSION;

volatile sig_atomic_t cli_stop;

typedef struct command {
    const char *name;
    cli_run *run;
    const char *summary;
} command;

static const command commands[] = {
    {"experiment", cli_experiment, "compare methods on an environment over seeds"},
    {"train", cli_train, "train a return predictor on an environment's episodes or on data sets"},
    {"explain", cli_explain, "say how much each step of an episode adds to its return"},
    {"judge", cli_judge_main, "say how far explanations can be trusted (judge toy, ...)"},
    {"envs", cli_envs, "list the environments, or record episodes (envs rollout NAME)"},
    {"report", cli_report, "write the page of an experiment, a training run or a data set"},
    {"inspect", cli_inspect, "show what a model, a data set of episodes or a run folder holds"},
    {"export", cli_export, "convert a data set of episodes to another format"},
    {"redistribute", cli_redistribute, "move a data set's rewards to the steps that earn them"},
    {"serve", cli_serve, "redistribute the rewards of agents that connect: the agent bridge"},
    {"keygen", cli_keygen, "make a pair of CURVE keys for the agent bridge"},
    {"bench", cli_bench, "measure the speed of each part"},
};
static const size_t command_count = sizeof commands / sizeof commands[0];

static void print_help(FILE *stream)
{
    fprintf(stream, "Usage: rudder COMMAND [OPTION...]\n"
                    "Reward redistribution for reinforcement learning with delayed rewards.\n\n");
    for (size_t k = 0; k < command_count; k++) {
        fprintf(stream, "  %-12s %s\n", commands[k].name, commands[k].summary);
    }
    fprintf(stream, "\n"
                    "  help COMMAND the same as COMMAND --help\n"
                    "  help config  every key of a configuration\n"
                    "  --version    the version\n\n"
                    "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, "
                    "130 interrupted.\n");
}

static const command *find_command(const char *name)
{
    for (size_t k = 0; k < command_count; k++) {
        if (strcmp(commands[k].name, name) == 0) return &commands[k];
    }
    return NULL;
}

static int run_command(const command *found, int argc, char **argv)
{
    char name[64];
    snprintf(name, sizeof name, "rudder %s", found->name);
    argv[0] = name;
    return found->run(argc, argv);
}

static int unknown_command(const char *name)
{
    fprintf(stderr, "rudder: unknown command '%s'; `rudder help` lists them\n", name);
    return CLI_USAGE;
}

static int help(int argc, char **argv)
{
    if (argc == 0) {
        print_help(stdout);
        return CLI_DONE;
    }
    if (strcmp(argv[0], "config") == 0) {
        printf("A configuration is YAML. A key `a.b` stands as `b` below the section `a`; on the\n"
               "command line, as --set a.b=value. What is not given has its default.\n");
        rud_config_help(stdout);
        return CLI_DONE;
    }
    const command *found = find_command(argv[0]);
    if (!found) return unknown_command(argv[0]);
    char option[] = "--help";
    char *arguments[] = {argv[0], option, NULL};
    return run_command(found, 2, arguments);
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "help") == 0) return help(argc - 2, argv + 2);
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) return help(0, NULL);
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("%s\n", argp_program_version);
        return CLI_DONE;
    }
    const command *found = find_command(name);
    return found ? run_command(found, argc - 1, argv + 1) : unknown_command(name);
}

static void stop(int signal)
{
    (void)signal;
    rud_stop_request(&cli_stop);
}

/* For some damaged files libhdf5 reads beyond its memory. */
static void tell_fault(int signal)
{
    static const char text[] =
        "rudder: stopped by a memory fault. Where an HDF5 file was read, it is damaged in a way\n"
        "that libhdf5 does not see: try h5dump on it, take a whole copy. Elsewhere this is a "
        "bug.\n";
    (void)signal;
    const ssize_t told = write(STDERR_FILENO, text, sizeof text - 1);
    (void)told; /* there is nobody else to tell */
    _exit(CLI_FAILED);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = stop, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = tell_fault;
#ifndef __SANITIZE_ADDRESS__ /* which tells more */
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
#endif
}

int main(int argc, char **argv)
{
    argp_err_exit_status = CLI_USAGE;
    catch_signals();
    const int code = dispatch(argc, argv);
    /* A full disk may show itself only now. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == CLI_DONE) {
        fprintf(stderr, "rudder: standard output: %s\n", errno ? strerror(errno) : "cannot write");
        return CLI_FAILED;
    }
    return code;
}

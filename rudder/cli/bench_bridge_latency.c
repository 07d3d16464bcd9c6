/* rudder bench --part bridge: how long a client waits for an answer, beside an echo. */
#include <pthread.h>
#include <stdlib.h>

#include <zmq.h>

#include "cli/bench_bridge.h"

enum {
    RUNS = 5,
    CALLS = 2000,   /* round trips of a run */
    REQUEST = 1450, /* bytes of a redistribution of an episode, */
    STEP = 130      /* and of a stream's step */
};

/* Trains until the server ends: nobody waits for the answer. */
static void *train_on(void *argument)
{
    rud_client *client = NULL;
    if (cli_bridge_connect(argument, &client) == RUD_OK) {
        rud_client_train(client, 1000000000, NULL, NULL);
    }
    rud_client_free(&client);
    return NULL;
}

typedef rud_status one_call(void *context, size_t k);

typedef struct caller {
    const cli_bridge_bench *b;
    rud_client *client;
    void *echo; /* socket */
    size_t bytes;
} caller;

static rud_status call_redistribute(void *context, size_t k)
{
    const caller *c = context;
    const rud_episode *episode = c->b->episodes.items[k % CLI_BRIDGE_EPISODES];
    double rewards[CLI_BRIDGE_STEPS];
    double *redistributed = rewards;
    rud_redistribution_report report;
    return rud_client_redistribute(c->client, &episode, 1, false, &redistributed, &report, NULL);
}

static rud_status call_stream(void *context, size_t k)
{
    const caller *c = context;
    return cli_bridge_stream_step(c->b, c->client, 1, k);
}

static rud_status call_echo(void *context, size_t k)
{
    static const char bytes[REQUEST];
    char reply[REQUEST];
    const caller *c = context;
    (void)k;
    if (zmq_send(c->echo, bytes, c->bytes, 0) < 0 ||
        zmq_recv(c->echo, reply, sizeof reply, 0) < 0) {
        return rud_error(RUD_EIO, "the echo does not answer");
    }
    return RUD_OK;
}

typedef struct latency {
    double median, p99; /* [us] medians over the runs */
} latency;

static rud_status measure_run(one_call *call, void *context, latency *run)
{
    static double us[CALLS];
    for (size_t k = 0; k < CALLS; k++) {
        const double start = rud_wall_seconds();
        RUD_TRY(call(context, k));
        us[k] = 1e6 * (rud_wall_seconds() - start);
    }
    *run = (latency){rud_quantile(us, CALLS, 0.5), rud_quantile(us, CALLS, 0.99)};
    return RUD_OK;
}

static latency median_of(const latency runs[RUNS])
{
    double medians[RUNS], p99s[RUNS];
    for (size_t k = 0; k < RUNS; k++) {
        medians[k] = runs[k].median;
        p99s[k] = runs[k].p99;
    }
    return (latency){rud_quantile(medians, RUNS, 0.5), rud_quantile(p99s, RUNS, 0.5)};
}

static rud_status print_latency(const cli_bridge_bench *b, const char *what, latency found,
                                latency beside)
{
    if (!b->json) {
        printf("%-28s median %7.1f us, %7.1f above the echo of %5.1f; p99 %7.1f us (echo %.1f)\n",
               what, found.median, found.median - beside.median, beside.median, found.p99,
               beside.p99);
        fflush(stdout);
        return RUD_OK;
    }
    json_object *o = json_object_new_object();
    const bool made = rud_json_put_text(o, "part", "bridge") &&
                      rud_json_put_text(o, "measure", what) &&
                      rud_json_put_number(o, "median_us", found.median) &&
                      rud_json_put_number(o, "p99_us", found.p99) &&
                      rud_json_put_number(o, "echo_median_us", beside.median) &&
                      rud_json_put_number(o, "echo_p99_us", beside.p99) &&
                      rud_json_put_number(o, "above_echo_us", found.median - beside.median);
    return cli_json_print_made(made, o, stdout);
}

/* In turn with the echo. */
static rud_status measure_latency(const cli_bridge_bench *b, const char *what, one_call *call,
                                  caller *c)
{
    latency runs[RUNS], echoes[RUNS];
    for (size_t k = 0; k < RUNS; k++) {
        RUD_TRY(rud_stop_check(&cli_stop));
        RUD_TRY(measure_run(call_echo, c, &echoes[k]));
        RUD_TRY(measure_run(call, c, &runs[k]));
    }
    return print_latency(b, what, median_of(runs), median_of(echoes));
}

static rud_status measure_latencies(const cli_bridge_bench *b, caller *c)
{
    c->bytes = REQUEST;
    RUD_TRY(measure_latency(b, "redistribute", call_redistribute, c));
    c->bytes = STEP;
    RUD_TRY(measure_latency(b, "stream.step", call_stream, c));
    pthread_t trainer;
    if (pthread_create(&trainer, NULL, train_on, (void *)b) != 0) {
        return rud_error(RUD_ENOMEM, "no thread");
    }
    pthread_detach(trainer);
    c->bytes = REQUEST;
    return measure_latency(b, "redistribute, training", call_redistribute, c);
}

rud_status cli_bridge_latencies(const cli_bridge_bench *b)
{
    caller c = {.b = b};
    const int linger = 0, timeout = 5000;
    cli_bridge_pin(b);
    void *context = zmq_ctx_new();
    c.echo = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(c.echo, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(c.echo, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    zmq_connect(c.echo, b->echo.address);
    rud_status status = cli_bridge_connect(b, &c.client);
    if (status == RUD_OK) status = measure_latencies(b, &c);
    rud_client_free(&c.client);
    zmq_close(c.echo);
    zmq_ctx_term(context);
    return status;
}

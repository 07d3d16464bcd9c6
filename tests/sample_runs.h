/* Made-up runs that look like those of watch-repair: for the tests of results and report. */
#ifndef TESTS_SAMPLE_RUNS_H
#define TESTS_SAMPLE_RUNS_H

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "experiment/results.h"

typedef struct sample_method {
    const char *name;
    double episodes; /* to solve at delay 50 */
    double growth;   /* power of the delay */
    bool predicts;
    rud_setting setting;
} sample_method;

static const sample_method sample_methods[] = {
    {"rudder", 1000, 0.1, true, {{true, 0}, 0, 0}},
    {"monte-carlo", 1600, 0.45, false, {{true, 0}, 0, 0}},
    {"q-learning", 70000, 0.9, false, {{false, 0.1}, 10, 100}},
    {"uniform", 2500, 0.5, false, {{true, 0}, 0, 0}},
    {"linear", 1250, 0.3, true, {{true, 0}, 0, 0}},
    {"exact", 800, 0.0, false, {{true, 0}, 0, 0}},
};
enum {
    SAMPLE_METHODS = sizeof sample_methods / sizeof sample_methods[0],
    SAMPLE_CAP = 100000,
};

static inline void *sample_array(size_t count, size_t size)
{
    void *array = calloc(count ? count : 1, size);
    ck_assert_ptr_nonnull(array);
    return array;
}

static inline void sample_curves(const sample_method *method, rud_rng *rng, rud_run *run)
{
    run->curve = sample_array(200, sizeof *run->curve);
    run->predictor = sample_array(200, sizeof *run->predictor);
    for (double at = 100; at <= (double)run->episodes && run->curve_count < 200; at *= 1.07) {
        double progress = at / (double)run->episodes;
        double share = 0.5 + 0.45 * pow(progress, 0.7) + 0.03 * rud_rng_normal(rng);
        run->curve[run->curve_count++] = (rud_curve_point){(size_t)at, fmin(1.0, fmax(0.0, share))};
        if (!method->predicts) continue;
        double error = 0.35 + 1.2 * exp(-at / 150) + 0.03 * rud_rng_normal(rng);
        run->predictor[run->predictor_count++] =
            (rud_predictor_point){.episode = (size_t)at,
                                  .loss = at < 150 ? NAN : error,
                                  .quality = at < 150 ? NAN : 1.0 - 1.1 * error,
                                  .ready = at > 300};
    }
}

/* Brand 1 or 2, repaired: a cost at once, flat tires on the way, the price at the end. */
static inline rud_example sample_example(size_t steps, unsigned brand, rud_rng *rng)
{
    rud_example example = {.steps = steps};
    char caption[80];
    unsigned tires = 0;
    example.original = sample_array(steps, sizeof(double));
    example.redistributed = sample_array(steps, sizeof(double));
    example.exact = sample_array(steps, sizeof(double));
    example.original[0] = -4.5 + rud_rng_normal(rng);
    example.exact[0] = 3.5;
    double profit = 28 - example.original[0];
    for (size_t t = 0; t < steps; t++) {
        bool tire = rud_rng_below(rng, steps) < 3;
        bool jam = rud_rng_below(rng, 10) == 0;
        tires += tire;
        profit -= (tire ? 7 : 0) + (jam ? 0.1 : 0);
        example.exact[t] += (tire ? -7 : 0) + 21.0 / (double)steps + (jam ? -0.09 : 0.01);
        example.redistributed[t] = 0.9 * example.exact[t] + 0.1 * rud_rng_normal(rng);
    }
    example.original[steps - 1] += profit;
    double rest = 0;
    for (size_t t = 0; t < steps; t++) rest += example.original[t] - example.redistributed[t];
    example.redistributed[steps - 1] += rest;
    snprintf(caption, sizeof caption, "brand %u, repaired, %u flat tires", brand, tires);
    example.caption = strdup(caption);
    ck_assert_ptr_nonnull(example.caption);
    return example;
}

static inline rud_run sample_run(size_t m, int64_t delay, uint64_t seed)
{
    const sample_method *method = &sample_methods[m];
    rud_rng rng = rud_rng_stream(seed, method->name, (uint64_t)delay);
    rud_run run = {.delay = delay, .seed = seed, .setting = method->setting};
    snprintf(run.environment, sizeof run.environment, "watch-repair");
    snprintf(run.method, sizeof run.method, "%s", method->name);
    double slower = delay > 0 ? pow((double)delay / 50, method->growth) : 1;
    double episodes = 750 + (method->episodes * slower - 750) * exp(0.25 * rud_rng_normal(&rng));
    run.censored = episodes >= SAMPLE_CAP;
    run.solved = !run.censored;
    run.episodes = run.censored ? SAMPLE_CAP : (size_t)episodes;
    run.poor_decisions = (size_t)(0.05 * (double)run.episodes + 0.2 * (episodes - 750));
    run.greedy_optimal_from = run.censored ? NAN : floor(0.4 * episodes);
    for (size_t k = 0; k < RUD_REGRETS; k++) {
        run.regret[k] = run.episodes >= 500u << k ? 100.0 / 3.0 * (double)(k + 1) : NAN;
    }
    run.seconds = 1e-3 * episodes / 3.0;
    sample_curves(method, &rng, &run);
    if (seed != 1 || !method->predicts) return run;
    run.examples = sample_array(2, sizeof *run.examples);
    for (unsigned brand = 1; brand <= 2; brand++) {
        run.examples[run.example_count++] =
            sample_example(delay > 0 ? (size_t)delay : 50, brand, &rng);
    }
    return run;
}

/* Every method at every delay with seeds 1 .. seeds. */
static inline rud_runs sample_runs(const int64_t *delays, size_t delay_count, size_t seeds)
{
    rud_runs runs = {0};
    for (size_t d = 0; d < delay_count; d++) {
        for (size_t m = 0; m < SAMPLE_METHODS; m++) {
            for (uint64_t seed = 1; seed <= seeds; seed++) {
                rud_run run = sample_run(m, delays[d], seed);
                ck_assert_int_eq(rud_runs_add(&runs, &run), RUD_OK);
            }
        }
    }
    return runs;
}

#endif

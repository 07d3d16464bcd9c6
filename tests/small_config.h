/* A small experiment for tests: watch-repair with a delay of 5 steps. */
#ifndef TESTS_SMALL_CONFIG_H
#define TESTS_SMALL_CONFIG_H

#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "tests/harness.h"

static inline void set_methods(char (*methods)[RUD_NAME_SIZE], size_t *count,
                               const char *const *names)
{
    for (*count = 0; names[*count] != NULL; (*count)++) {
        snprintf(methods[*count], RUD_NAME_SIZE, "%s", names[*count]);
    }
}

#define METHODS(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline rud_config small_config(const char *const *methods)
{
    rud_config config = rud_config_default();
    rud_redistributor_options *redistributor = &config.agent.redistributor;
    snprintf(config.name, sizeof config.name, "small");
    snprintf(config.environment, sizeof config.environment, "watch-repair");
    config.delays[0] = 5;
    config.delay_count = 1;
    set_methods(config.methods, &config.method_count, methods);
    config.grid.method_count = 0;
    config.seed_count = 2;
    config.cap = 120;
    config.window = 20;
    config.optimal_share = 0.9;
    config.agent.random_episodes = 0;
    redistributor->predictor.hidden = 4;
    redistributor->predictor.batch = 4;
    redistributor->lesson_buffer.capacity = 64;
    redistributor->lesson_buffer.min_episodes = 8;
    redistributor->training = (rud_training_options){.every = 8, .first_updates = 20, .updates = 5};
    return config;
}

#endif

#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

enum { MESSAGE_SIZE = 1024 };

static struct {
    pthread_mutex_t mutex; /* also held during the call: messages never come at the same time */
    rud_log_function *function;
    void *context;
    rud_log_level level;
} sink = {.mutex = PTHREAD_MUTEX_INITIALIZER};

void rud_log_set(rud_log_function *function, void *context, rud_log_level level)
{
    pthread_mutex_lock(&sink.mutex);
    sink.function = function;
    sink.context = context;
    sink.level = level;
    pthread_mutex_unlock(&sink.mutex);
}

void rud_log(rud_log_level level, const char *format, ...)
{
    pthread_mutex_lock(&sink.mutex);
    if (sink.function && level >= sink.level) {
        char message[MESSAGE_SIZE];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(message, sizeof message, format, arguments);
        va_end(arguments);
        sink.function(sink.context, level, message);
    }
    pthread_mutex_unlock(&sink.mutex);
}

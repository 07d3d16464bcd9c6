#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 1024 };

static _Thread_local char last_message[MESSAGE_SIZE];

/* Formatted aside first: an argument may be rud_last_error() itself. */
rud_status(rud_error)(rud_status code, const char *format, ...)
{
    char message[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    memcpy(last_message, message, strlen(message) + 1);
    return code;
}

rud_status rud_error_context(rud_status code, const char *format, ...)
{
    if (code == RUD_OK) return RUD_OK;
    char message[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return rud_error(code, "%s: %s", message, last_message);
}

const char *rud_last_error(void)
{
    return last_message;
}

const char *rud_status_name(rud_status code)
{
    switch (code) {
    case RUD_OK:
        return "ok";
    case RUD_EINVAL:
        return "invalid argument";
    case RUD_ENOMEM:
        return "out of memory";
    case RUD_EIO:
        return "input or output failed";
    case RUD_EFORMAT:
        return "wrong format";
    case RUD_ENONFINITE:
        return "not a finite number";
    case RUD_ESTATE:
        return "not allowed now";
    case RUD_EEXIST:
        return "exists already";
    case RUD_EDIVERGED:
        return "training diverged";
    case RUD_EINTERRUPTED:
        return "interrupted";
    }
    return "unknown status";
}

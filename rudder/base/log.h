/* Log messages by a callback: the library itself prints nothing. */
#ifndef RUD_BASE_LOG_H
#define RUD_BASE_LOG_H

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rud_log_level { RUD_LOG_DEBUG, RUD_LOG_INFO, RUD_LOG_WARNING } rud_log_level;

/* Called with one message without a newline; may be called from several threads, never at the
 * same time. */
typedef void rud_log_function(void *context, rud_log_level level, const char *message);

/* Sets where messages of at least `level` go; NULL turns logging off (the default). */
void rud_log_set(rud_log_function *function, void *context, rud_log_level level);

void rud_log(rud_log_level level, const char *format, ...) RUD_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif
#endif

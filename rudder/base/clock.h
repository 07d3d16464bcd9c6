/* Clocks; only the difference of two readings means anything. */
#ifndef RUD_BASE_CLOCK_H
#define RUD_BASE_CLOCK_H

#ifdef __cplusplus
extern "C" {
#endif

/* Time that has passed [seconds], by a clock that is never set. */
double rud_wall_seconds(void);

/* CPU time that the calling thread has used [seconds]. */
double rud_thread_seconds(void);

#ifdef __cplusplus
}
#endif
#endif

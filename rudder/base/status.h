/* Status codes: the one error mechanism of the library.
 *
 * Every function that can fail returns a rud_status. On failure the calling thread's message
 * says what was wrong, where, and what to do; nothing is printed and nothing exits. */
#ifndef RUD_BASE_STATUS_H
#define RUD_BASE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rud_status {
    RUD_OK = 0,
    RUD_EINVAL,       /* an argument or option is not allowed */
    RUD_ENOMEM,       /* memory could not be had */
    RUD_EIO,          /* a file could not be read or written */
    RUD_EFORMAT,      /* the content of a file or message is not what it should be */
    RUD_ENONFINITE,   /* NaN or infinity where a number is needed */
    RUD_ESTATE,       /* the call is not allowed now */
    RUD_EEXIST,       /* the output exists and must not be overwritten */
    RUD_EDIVERGED,    /* training reached a non-finite loss */
    RUD_EINTERRUPTED, /* the caller asked to stop */
} rud_status;

#if defined(__GNUC__)
#define RUD_PRINTF(format_index, first_argument)                                                   \
    __attribute__((format(printf, format_index, first_argument)))
#else
#define RUD_PRINTF(format_index, first_argument)
#endif

/* Returns from the calling function if `expression` is not RUD_OK. */
#define RUD_TRY(expression)                                                                        \
    do {                                                                                           \
        rud_status rud_try_status_ = (expression);                                                 \
        if (rud_try_status_ != RUD_OK) return rud_try_status_;                                     \
    } while (0)

/* Sets the calling thread's message and returns `code`. */
rud_status rud_error(rud_status code, const char *format, ...) RUD_PRINTF(2, 3);

#ifdef __clang_analyzer__
/* The analyser can't know that what is returned is the code that was passed. */
#define rud_error(code, ...) ((void)(rud_error)((code), __VA_ARGS__), (code))
#endif

/* Puts "<text>: " before the calling thread's message and returns `code`: each layer adds where
 * it was (the file, the line, the field). RUD_OK passes through untouched. */
rud_status rud_error_context(rud_status code, const char *format, ...) RUD_PRINTF(2, 3);

/* The calling thread's message of its last failure; "" if there was none. View until the thread's
 * next failing call. */
const char *rud_last_error(void);

/* "ok", "invalid argument", ...: a static string, never NULL. */
const char *rud_status_name(rud_status code);

#ifdef __cplusplus
}
#endif
#endif

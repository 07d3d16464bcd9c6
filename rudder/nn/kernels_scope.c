/* The state of the processor and of OpenBLAS while the network computes. */
#include "nn/kernels_private.h"

#include <cblas.h>
#include <pthread.h>

#if defined(__SSE2__)
#include <immintrin.h>

enum { FLUSH_SUBNORMALS = 0x8040 }; /* MXCSR: flush to zero, denormals are zero */
#endif

static pthread_once_t one_thread = PTHREAD_ONCE_INIT;

static void use_one_thread(void)
{
    openblas_set_num_threads(1);
}

rud_compute_scope rud_compute_begin(void)
{
    rud_compute_scope scope = {0};
    pthread_once(&one_thread, use_one_thread);
#if defined(__SSE2__)
    scope.caller_mode = _mm_getcsr();
    _mm_setcsr(scope.caller_mode | FLUSH_SUBNORMALS);
#endif
    return scope;
}

void rud_compute_end(rud_compute_scope scope)
{
#if defined(__SSE2__)
    /* Exception flags raised meanwhile stay raised, as after any arithmetic. */
    _mm_setcsr((_mm_getcsr() & ~(unsigned)FLUSH_SUBNORMALS) |
               (scope.caller_mode & (unsigned)FLUSH_SUBNORMALS));
#else
    (void)scope;
#endif
}

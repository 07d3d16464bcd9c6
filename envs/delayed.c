#include "envs/delayed_private.h"

#include <math.h>
#include <stdlib.h>

#include "envs/env.h"

struct rud_delayed {
    size_t copies;
    bool at_end;     /* everything is paid at the last step; a queue is then one running sum */
    size_t length;   /* of a queue: n, or 1 with at_end */
    double *pending; /* [copies][length], a ring each */
    size_t *oldest;  /* [copies], where in the ring the next due reward stands */
};

/* n >= max_steps comes to the same as the end, and needs no long queues. */
static bool all_at_end(int64_t delay, size_t max_steps)
{
    return delay == RUD_DELAYED_END || (uint64_t)delay >= max_steps;
}

rud_status rud_delayed_create(int64_t delay, size_t max_steps, size_t copies, rud_delayed **delayed)
{
    *delayed = NULL;
    if (delay != RUD_DELAYED_END && delay < 1) {
        return rud_error(RUD_EINVAL, "a reward delay of %lld steps is not allowed; use 1 or more",
                         (long long)delay);
    }
    rud_delayed *made = calloc(1, sizeof *made);
    if (!made) return rud_error(RUD_ENOMEM, "no memory for delayed rewards");
    made->copies = copies;
    made->at_end = all_at_end(delay, max_steps);
    made->length = made->at_end ? 1 : (size_t)delay;
    if (made->length <= SIZE_MAX / sizeof(double) / copies) {
        made->pending = calloc(copies, made->length * sizeof(double));
    }
    made->oldest = calloc(copies, sizeof *made->oldest);
    if (!made->pending || !made->oldest) {
        rud_delayed_free(&made);
        return rud_error(RUD_ENOMEM, "no memory for the delayed rewards of %zu copies", copies);
    }
    *delayed = made;
    return RUD_OK;
}

void rud_delayed_free(rud_delayed **delayed)
{
    if (!*delayed) return;
    free((*delayed)->pending);
    free((*delayed)->oldest);
    free(*delayed);
    *delayed = NULL;
}

void rud_delayed_reset(rud_delayed *delayed, size_t copy)
{
    double *queue = delayed->pending + copy * delayed->length;
    for (size_t k = 0; k < delayed->length; k++) queue[k] = 0;
    delayed->oldest[copy] = 0;
}

static size_t next_slot(size_t slot, size_t length)
{
    return slot + 1 == length ? 0 : slot + 1;
}

/* Puts `earned` into the ring in place of what is due now; the last step pays the whole ring. */
static double pay_from_queue(double *queue, size_t length, size_t *oldest, double earned, bool last)
{
    double paid = queue[*oldest];
    queue[*oldest] = earned;
    *oldest = next_slot(*oldest, length);
    size_t slot = *oldest;
    for (size_t k = 0; last && k < length; k++) {
        paid += queue[slot];
        slot = next_slot(slot, length);
    }
    return paid;
}

void rud_delayed_pay(rud_delayed *delayed, size_t first, size_t end, const bool *over,
                     double *rewards)
{
    if (delayed->at_end) {
        for (size_t i = first; i < end; i++) {
            delayed->pending[i] += rewards[i];
            rewards[i] = over[i] ? delayed->pending[i] : 0;
        }
        return;
    }
    for (size_t i = first; i < end; i++) {
        rewards[i] = pay_from_queue(delayed->pending + i * delayed->length, delayed->length,
                                    &delayed->oldest[i], rewards[i], over[i]);
    }
}

void rud_delayed_range(int64_t delay, size_t max_steps, double *reward_min, double *reward_max)
{
    /* The last step pays its own reward and those of up to n steps before it; others may pay 0. */
    const double most = all_at_end(delay, max_steps) ? (double)max_steps : (double)delay + 1;
    *reward_min = fmin(0, most * *reward_min);
    *reward_max = fmax(0, most * *reward_max);
}

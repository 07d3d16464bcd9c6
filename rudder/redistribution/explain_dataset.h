/* Explains a data set of episodes over several threads, a chunk at a time: memory does not grow
 * with the file. */
#ifndef RUD_REDISTRIBUTION_EXPLAIN_DATASET_H
#define RUD_REDISTRIBUTION_EXPLAIN_DATASET_H

#include <signal.h>
#include <stdio.h>

#include "episodes/dataset.h"
#include "redistribution/explainer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One episode and what is said of it. */
typedef struct rud_explained {
    rud_episode *episode;
    size_t index; /* in the data set */
    rud_explanation explanation;
} rud_explained;

/* Gets every episode in the order of the file, by one thread at a time. It may take `episode` and
 * `explanation` out of what it gets; it leaves NULL or zeros there. */
typedef rud_status rud_explained_sink(void *context, rud_explained *explained);

typedef struct rud_dataset_work {
    const rud_predictor *predictor;
    rud_attribution_options attribution;
    size_t threads;                    /* 0: one for each processor */
    FILE *progress;                    /* NULL: silence */
    const char *title;                 /* of the progress */
    const volatile sig_atomic_t *stop; /* or NULL */
} rud_dataset_work;

/* RUD_EINVAL if the observations or actions have not the width that the predictor reads; nothing is
 * checked of a stream, which does not know it yet. The message names file and array. */
rud_status rud_dataset_check_width(const rud_dataset *source, const rud_predictor *predictor);

/* From the data set's next episode to the last one. Whatever the number of threads, the sink gets
 * the same. Messages name file and episode. */
rud_status rud_explain_dataset(const rud_dataset_work *work, rud_dataset *source,
                               rud_explained_sink *sink, void *context);

#ifdef __cplusplus
}
#endif
#endif

/* Predictions of an episode while it runs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "redistribution/predictor_private.h"

struct rud_prediction_stream {
    const rud_predictor *predictor;
    void *state;      /* of the predictor's kind */
    size_t t;         /* inputs so far */
    float *x;         /* [D] */
    double *previous; /* [observation width] the last observation */
};

rud_status rud_prediction_stream_create(const rud_predictor *predictor,
                                        rud_prediction_stream **stream)
{
    *stream = NULL;
    if (predictor->kind->stream_create == NULL) {
        return rud_error(RUD_EINVAL,
                         "the predictor \"%s\" needs the whole episode: it cannot be streamed",
                         predictor->options.cell);
    }
    const size_t D = rud_features_width(predictor->features);
    const size_t width = rud_features_observation_space(predictor->features)->width;
    rud_prediction_stream *created = calloc(1, sizeof *created);
    if (created == NULL) return rud_error(RUD_ENOMEM, "no memory for a stream");
    created->predictor = predictor;
    created->x = malloc(D * sizeof *created->x);
    created->previous = malloc(width * sizeof *created->previous);
    rud_status status = RUD_OK;
    if (created->x == NULL || created->previous == NULL) {
        status = rud_error(RUD_ENOMEM, "no memory for a stream of %zu inputs", D);
    }
    if (status == RUD_OK) status = predictor->kind->stream_create(predictor, &created->state);
    if (status != RUD_OK) rud_prediction_stream_free(&created);
    *stream = created;
    return status;
}

void rud_prediction_stream_free(rud_prediction_stream **stream)
{
    if (*stream == NULL) return;
    if ((*stream)->state != NULL) (*stream)->predictor->kind->stream_free((*stream)->state);
    free((*stream)->x);
    free((*stream)->previous);
    free(*stream);
    *stream = NULL;
}

rud_status rud_prediction_stream_step(rud_prediction_stream *stream, const double *observation,
                                      const double *action, double *g)
{
    const rud_predictor *predictor = stream->predictor;
    const size_t width = rud_features_observation_space(predictor->features)->width;
    rud_features_encode_step(predictor->features, observation,
                             stream->t > 0 ? stream->previous : NULL, action, stream->t, stream->x);
    *g = predictor->kind->stream_step(predictor, stream->state, stream->x);
    memcpy(stream->previous, observation, width * sizeof *stream->previous);
    stream->t++;
    if (isfinite(*g)) return RUD_OK;
    return rud_error(RUD_EDIVERGED, "the prediction after input %zu is not finite", stream->t - 1);
}

/* Differences of consecutive predictions: R_0 = y_0, R_t = y_t - y_{t-1}. */
#include "attribution/attribution_private.h"

rud_status rud_run_difference(rud_attribution_call *call)
{
    const size_t B = call->B, K = call->spec->outputs;
    rud_activations *activations = call->memory->activations;
    RUD_TRY(rud_network_forward(call->network, call->x, NULL, call->T, B, activations));
    const float *y = rud_activations_outputs(activations);
    for (size_t b = 0; b < B; b++) {
        double before = 0.0;
        for (size_t t = 0; t < rud_call_length(call, b); t++) {
            const double now = rud_call_prediction(call, y + (t * B + b) * K);
            call->step_relevance[t * B + b] = now - before;
            before = now;
        }
        call->prediction[b] = before;
    }
    return RUD_OK;
}

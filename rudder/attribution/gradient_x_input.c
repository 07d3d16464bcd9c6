/* Gradient times input: R = x dy/dx. */
#include "attribution/attribution_private.h"

rud_status rud_run_gradient_x_input(rud_attribution_call *call)
{
    RUD_TRY(rud_call_gradient(call));
    for (size_t b = 0; b < call->B; b++) {
        for (size_t t = 0; t < rud_call_length(call, b); t++) {
            const size_t row = (t * call->B + b) * call->D;
            for (size_t d = 0; d < call->D; d++) call->relevance[row + d] *= call->x[row + d];
        }
    }
    rud_call_sum_features(call);
    return RUD_OK;
}

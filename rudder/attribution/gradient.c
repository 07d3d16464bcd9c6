/* The gradient: R = dy/dx. */
#include "attribution/attribution_private.h"

rud_status rud_run_gradient(rud_attribution_call *call)
{
    RUD_TRY(rud_call_gradient(call));
    rud_call_sum_features(call);
    return RUD_OK;
}
